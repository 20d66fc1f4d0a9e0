/*
 * dispatch.h - turns the rows addressed to an actor into the cases of a switch.
 *
 * An actor that receives a link defines IPC_ACTOR (the type of its state),
 * IPC_LINK_<link> for the link, and includes this file inside the body of its
 * dispatch function, after admission.  Each row of that link becomes
 *
 *	case IPC_MSG_SIGN: decode; return on_SIGN(actor, &message);
 *
 * so a message without a handler does not compile.  In scope: `actor`, `r` (a
 * struct rd behind the number), `fds`, `number`.  A handler returns 0, or a
 * negative number when the sender broke the contract.  If decoding fails the
 * function returns IPC_BROKEN and the caller closes what is left in fds.
 */
#define IPC_CASE(NAME) \
	case IPC_MSG_##NAME: { \
		struct ipc_##NAME m_; \
		if (!ipc_get_##NAME(&r, fds, &m_)) \
			return IPC_BROKEN; \
		return on_##NAME(actor, &m_); \
	}

#ifdef IPC_LINK_A2M
#define IPC_FOR_A2M(NAME) IPC_CASE(NAME)
#else
#define IPC_FOR_A2M(NAME)
#endif
#ifdef IPC_LINK_M2A
#define IPC_FOR_M2A(NAME) IPC_CASE(NAME)
#else
#define IPC_FOR_M2A(NAME)
#endif
#ifdef IPC_LINK_M2W
#define IPC_FOR_M2W(NAME) IPC_CASE(NAME)
#else
#define IPC_FOR_M2W(NAME)
#endif
#ifdef IPC_LINK_W2M
#define IPC_FOR_W2M(NAME) IPC_CASE(NAME)
#else
#define IPC_FOR_W2M(NAME)
#endif
#ifdef IPC_LINK_A2W
#define IPC_FOR_A2W(NAME) IPC_CASE(NAME)
#else
#define IPC_FOR_A2W(NAME)
#endif
#ifdef IPC_LINK_W2A
#define IPC_FOR_W2A(NAME) IPC_CASE(NAME)
#else
#define IPC_FOR_W2A(NAME)
#endif
#ifdef IPC_LINK_M2Z
#define IPC_FOR_M2Z(NAME) IPC_CASE(NAME)
#else
#define IPC_FOR_M2Z(NAME)
#endif
#ifdef IPC_LINK_Z2M
#define IPC_FOR_Z2M(NAME) IPC_CASE(NAME)
#else
#define IPC_FOR_Z2M(NAME)
#endif
#ifdef IPC_LINK_M2K
#define IPC_FOR_M2K(NAME) IPC_CASE(NAME)
#else
#define IPC_FOR_M2K(NAME)
#endif
#ifdef IPC_LINK_K2M
#define IPC_FOR_K2M(NAME) IPC_CASE(NAME)
#else
#define IPC_FOR_K2M(NAME)
#endif
#ifdef IPC_LINK_A2R
#define IPC_FOR_A2R(NAME) IPC_CASE(NAME)
#else
#define IPC_FOR_A2R(NAME)
#endif
#ifdef IPC_LINK_R2A
#define IPC_FOR_R2A(NAME) IPC_CASE(NAME)
#else
#define IPC_FOR_R2A(NAME)
#endif

	switch (number) {
#define MSG(link, NAME, id, phases, kex, flags) IPC_FOR_##link(NAME)
#include "ipc/messages.def"
	}

#undef IPC_CASE
#undef IPC_FOR_A2M
#undef IPC_FOR_M2A
#undef IPC_FOR_M2W
#undef IPC_FOR_W2M
#undef IPC_FOR_A2W
#undef IPC_FOR_W2A
#undef IPC_FOR_M2Z
#undef IPC_FOR_Z2M
#undef IPC_FOR_M2K
#undef IPC_FOR_K2M
#undef IPC_FOR_A2R
#undef IPC_FOR_R2A
#undef IPC_LINK_A2M
#undef IPC_LINK_M2A
#undef IPC_LINK_M2W
#undef IPC_LINK_W2M
#undef IPC_LINK_A2W
#undef IPC_LINK_W2A
#undef IPC_LINK_M2Z
#undef IPC_LINK_Z2M
#undef IPC_LINK_M2K
#undef IPC_LINK_K2M
#undef IPC_LINK_A2R
#undef IPC_LINK_R2A
