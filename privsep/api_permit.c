/*
 * api_permit.c - what a login may no longer do.
 *
 * Bits only come, they never go: a permission that was taken away by an
 * authorized_keys line cannot come back because a later callback is careless.
 */
#include <errno.h>

#include "privsep/api.h"

enum { ALL_PERMISSIONS = POSTERN_PERMIT_PTY | POSTERN_PERMIT_PROGRAMS | POSTERN_PERMIT_DIRECT |
	POSTERN_PERMIT_LISTEN | POSTERN_PERMIT_X11 | POSTERN_PERMIT_AGENT |
	POSTERN_PERMIT_SESSIONS };

int
postern_transport_restrict(postern_transport *t, unsigned permissions)
{
	int r = api_context_enter(t->ctx);

	if (r < 0)
		return r;
	/* one that is not known here would be granted after all */
	if ((permissions & ~(unsigned)ALL_PERMISSIONS) != 0)
		return -EINVAL;
	t->restricted |= permissions;
	return 0;
}

bool
api_transport_permits(const postern_transport *t, unsigned permission)
{
	return (t->restricted & permission) == 0;
}

bool
api_transport_permits_request(const postern_transport *t, int kind)
{
	switch ((enum postern_request)kind) {
	case POSTERN_REQ_PTY:
		return api_transport_permits(t, POSTERN_PERMIT_PTY);
	case POSTERN_REQ_SHELL:
	case POSTERN_REQ_EXEC:
	case POSTERN_REQ_SUBSYSTEM:
		return api_transport_permits(t, POSTERN_PERMIT_PROGRAMS);
	case POSTERN_REQ_X11:
		return api_transport_permits(t, POSTERN_PERMIT_X11);
	case POSTERN_REQ_AGENT:
		return api_transport_permits(t, POSTERN_PERMIT_AGENT);
	case POSTERN_REQ_ENV:
	case POSTERN_REQ_WINDOW_CHANGE:
	case POSTERN_REQ_SIGNAL:
	case POSTERN_REQ_BREAK:
	case POSTERN_REQ_OTHER:
	case POSTERN_REQ_XON_XOFF:
		break;
	}
	return true;
}
