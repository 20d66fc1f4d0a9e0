/*
 * ipc.c and what ipc.h generates: every message of messages.def against its golden
 * bytes, every truncation, every bound, every link, phase and descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc/ipc.h"
#include "tests/ipc_golden.h"

enum { FIRST_FD = 50 };		/* descriptors in golden structs */

static uint8_t room[2 * IPC_MESSAGE_MAX];
static uint8_t filler[IPC_MESSAGE_MAX];

/* ---- one function per message from the table ---- */

/* Compares a decoded message with its golden struct. */
#define MSG(link, NAME, id, phases, kex, flags) static void \
	same_##NAME(const struct ipc_##NAME *a, const struct ipc_##NAME *b) { (void)a; (void)b;
#define U8(f_)        assert_int_equal(a->f_, b->f_);
#define U32(f_)       assert_int_equal(a->f_, b->f_);
#define U64(f_)       assert_true(a->f_ == b->f_);
#define BLOB(f_, max) assert_true(span_eq(a->f_, b->f_));
#define TEXT(f_, max) assert_true(span_eq(a->f_, b->f_));
#define FD(f_)        assert_int_equal(a->f_, b->f_);
#define END           }
#include "ipc/messages.def"

/* Golden bytes to struct and back; every truncation and one byte too many. */
#define MSG(link, NAME, id, phases, kex, flags) static void \
	codec_##NAME(void) { \
	struct ipc_##NAME got; \
	struct wr w = wr_of(room, IPC_MAX_##NAME); \
	int fds[IPC_FDS_MAX] = { -7, -7, -7 }; \
	const size_t n = sizeof(bytes_##NAME) - 1; \
	ipc_put_##NAME(&w, fds, &golden_##NAME); \
	assert_int_equal(wr_span(&w).n, n); \
	assert_memory_equal(room, bytes_##NAME, n); \
	assert_int_equal(room[0], id); \
	for (int i = 0; i < IPC_FDS_MAX; i++) \
		assert_int_equal(fds[i], i < IPC_NFDS_##NAME ? FIRST_FD + i : -7); \
	room[n] = 0; \
	for (size_t len = 1; len <= n + 1; len++) { \
		struct rd r = rd_of(span_of(room + 1, len - 1)); \
		for (int i = 0; i < IPC_FDS_MAX; i++) \
			fds[i] = FIRST_FD + i; \
		assert_int_equal(ipc_get_##NAME(&r, fds, &got), len == n); \
		/* taken: gone from the list; refused: still there to be closed */ \
		for (int i = 0; i < IPC_FDS_MAX; i++) \
			assert_int_equal(fds[i], len == n && i < IPC_NFDS_##NAME ? -1 : FIRST_FD + i); \
		if (len == n) \
			same_##NAME(&got, &golden_##NAME); \
	} }
#define END
#include "ipc/messages.def"

/* The bounds: each field at its maximum passes both ways, at one more neither. */
struct field {
	size_t at;			/* of its length, in the golden bytes */
	size_t len, max;
	bool is_text;
};
#define MSG(link, NAME, id, phases, kex, flags) static size_t \
	fields_##NAME(struct field *f) { \
	const struct ipc_##NAME *m = &golden_##NAME; size_t n = 0, at = 1; (void)m; (void)f;
#define U8(f_)        at += 1;
#define U32(f_)       at += 4;
#define U64(f_)       at += 8;
#define BLOB(f_, max) f[n++] = (struct field){ at, m->f_.n, max, false }; at += 4 + m->f_.n;
#define TEXT(f_, max) f[n++] = (struct field){ at, m->f_.n, max, true }; at += 4 + m->f_.n;
#define END           (void)at; return n; }
#include "ipc/messages.def"

#define MSG(link, NAME, id, phases, kex, flags) static bool \
	decodes_##NAME(const uint8_t *p, size_t n) { \
	struct ipc_##NAME m; struct rd r = rd_of(span_of(p + 1, n - 1)); \
	int fds[IPC_FDS_MAX] = { FIRST_FD, FIRST_FD, FIRST_FD }; \
	return ipc_get_##NAME(&r, fds, &m); }
#define END
#include "ipc/messages.def"

/* Encoding with every field at its maximum, or one field one byte longer. */
#define MSG(link, NAME, id, phases, kex, flags) static void \
	stretch_##NAME(struct ipc_##NAME *m, int longer) { int i = 0; (void)m; (void)longer; (void)i;
#define BLOB(f_, max) m->f_ = span_of(filler, (size_t)(max) + (i == longer)); i++;
#define TEXT(f_, max) m->f_ = span_of(filler, (size_t)(max) + (i == longer)); i++;
#define END           }
#include "ipc/messages.def"
#define MSG(link, NAME, id, phases, kex, flags) static bool \
	encodes_##NAME(int longer, size_t *n) { \
	struct ipc_##NAME m = golden_##NAME; struct wr w = wr_of(room, sizeof(room)); \
	int fds[IPC_FDS_MAX]; \
	stretch_##NAME(&m, longer); ipc_put_##NAME(&w, fds, &m); *n = w.n; return !w.bad; }
#define END
#include "ipc/messages.def"

struct message {
	const char *name;
	uint8_t id;
	enum ipc_link link;
	unsigned phases, kex, flags;
	size_t nfds, max;
	const char *bytes;
	size_t len;
	void (*codec)(void);
	size_t (*fields)(struct field *);
	bool (*decodes)(const uint8_t *, size_t);
	bool (*encodes)(int longer, size_t *);
};
static const struct message messages[] = {
#define MSG(link, NAME, id, phases, kex, flags) { #NAME, id, IPC_##link, phases, kex, flags, \
	IPC_NFDS_##NAME, IPC_MAX_##NAME, bytes_##NAME, sizeof(bytes_##NAME) - 1, codec_##NAME, \
	fields_##NAME, decodes_##NAME, encodes_##NAME },
#define END
#include "ipc/messages.def"
};
enum { MESSAGES = sizeof(messages) / sizeof(messages[0]), FIELDS_MAX = 16 };

/* ---- tests ---- */

static void
golden_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < MESSAGES; i++)
		messages[i].codec();
}

/* The golden bytes with one field's content replaced by n filler bytes. */
static size_t
with_field(const struct message *m, const struct field *f, size_t n)
{
	struct wr w = wr_of(room, sizeof(room));

	wr_raw(&w, span_of(m->bytes, f->at));
	wr_u32(&w, (uint32_t)n);
	wr_raw(&w, span_of(filler, n));
	wr_raw(&w, span_of(m->bytes + f->at + 4 + f->len, m->len - f->at - 4 - f->len));
	assert_false(w.bad);
	return w.n;
}

static void
field_bounds(void **state)
{
	struct field fields[FIELDS_MAX];
	size_t n, len;

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		const struct message *m = &messages[i];

		n = m->fields(fields);
		assert_true(n <= FIELDS_MAX);
		for (size_t j = 0; j < n; j++) {
			len = with_field(m, &fields[j], fields[j].max);
			assert_true(m->decodes(room, len));
			len = with_field(m, &fields[j], fields[j].max + 1);
			assert_false(m->decodes(room, len));
			/* a length that nothing follows, and the largest there is */
			len = with_field(m, &fields[j], 0);
			assert_true(m->decodes(room, len));
			memset(room + fields[j].at, 0xff, 4);
			assert_false(m->decodes(room, len));
			/* a NUL ends a text in C only */
			len = with_field(m, &fields[j], 3);
			room[fields[j].at + 4 + 1] = 0;
			assert_int_equal(m->decodes(room, len), !fields[j].is_text);
			assert_false(m->encodes((int)j, &len));
		}
		/* all at their maximum at once: exactly the largest that is admitted */
		assert_true(m->encodes(-1, &len));
		assert_int_equal(len, m->max);
		assert_true(m->decodes(room, len));
	}
}

static const struct ipc_row *
admit(const struct message *m, enum ipc_link link, unsigned phase, unsigned kex,
    struct ipc_once *once, size_t len, size_t nfds, const char **why)
{
	struct ipc_once fresh = { { 0 } };

	room[0] = m->id;
	*why = NULL;
	return ipc_admit(link, phase, kex, once != NULL ? once : &fresh, room, len, nfds, why);
}

static void
admission_by_link_and_phase(void **state)
{
	const char *why;

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		const struct message *m = &messages[i];

		for (enum ipc_link link = IPC_A2M; link <= IPC_R2A; link++)
			for (unsigned phase = P_HELLO; phase <= L_END; phase <<= 1)
				for (unsigned kex = K_NONE; kex <= K_BUSY; kex <<= 1) {
					bool good = link == m->link && (m->phases & phase) &&
					    (m->kex & kex);
					const struct ipc_row *row = admit(m, link, phase, kex,
					    NULL, m->len, m->nfds, &why);

					assert_int_equal(row != NULL, good);
					assert_int_equal(why != NULL, !good);
					if (good)
						assert_string_equal(row->name, m->name);
				}
		/* no phase at all is no phase */
		assert_null(admit(m, m->link, 0, K_ANY, NULL, m->len, m->nfds, &why));
		assert_null(admit(m, m->link, m->phases, 0, NULL, m->len, m->nfds, &why));
	}
}

static void
admission_by_size_and_descriptors(void **state)
{
	const char *why;

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		const struct message *m = &messages[i];

		assert_non_null(admit(m, m->link, m->phases, m->kex, NULL, m->max, m->nfds, &why));
		assert_null(admit(m, m->link, m->phases, m->kex, NULL, m->max + 1, m->nfds, &why));
		assert_null(admit(m, m->link, m->phases, m->kex, NULL, 0, m->nfds, &why));
		for (size_t nfds = 0; nfds <= IPC_FDS_MAX + 1; nfds++)
			assert_int_equal(admit(m, m->link, m->phases, m->kex, NULL, m->len, nfds,
			    &why) != NULL, nfds == m->nfds);
	}
}

static void
once(void **state)
{
	struct ipc_once seen = { { 0 } };
	const char *why;

	(void)state;
	for (size_t i = 0; i < MESSAGES; i++) {
		const struct message *m = &messages[i];

		/* a refused one does not count */
		assert_null(admit(m, m->link, m->phases, m->kex, &seen, m->max + 1, m->nfds, &why));
		assert_non_null(admit(m, m->link, m->phases, m->kex, &seen, m->len, m->nfds, &why));
	}
	for (size_t i = 0; i < MESSAGES; i++) {
		const struct message *m = &messages[i];

		assert_int_equal(admit(m, m->link, m->phases, m->kex, &seen, m->len, m->nfds, &why)
		    == NULL, (m->flags & ONCE) != 0);
	}
}

static void
numbers_without_a_message(void **state)
{
	unsigned known = 0;
	const char *why;

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		struct message m = { .id = (uint8_t)i };

		if (ipc_rows[i].name != NULL) {
			known++;
			continue;
		}
		for (enum ipc_link link = 0; link <= IPC_R2A + 1; link++)
			assert_null(admit(&m, link, ~0u, ~0u, NULL, 1, 0, &why));
		assert_string_equal(why, "unknown message");
	}
	assert_int_equal(known, MESSAGES);
	/* nobody need listen to the reason */
	assert_null(ipc_admit(IPC_A2M, ~0u, ~0u, NULL, room, 0, 0, NULL));
}

/* Over a real link, with real descriptors: one missing, one too many. */
static void
descriptors_over_a_link(void **state)
{
	int pair[2], sent[IPC_FDS_MAX + 1], fds[IPC_FDS_MAX], probe;
	const char *why;
	size_t nfds;
	ssize_t n;

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	for (size_t i = 0; i <= IPC_FDS_MAX; i++)
		sent[i] = pair[0];
	probe = dup(pair[0]);
	close(probe);
	for (size_t i = 0; i < MESSAGES; i++) {
		const struct message *m = &messages[i];

		for (size_t count = 0; count <= IPC_FDS_MAX; count++) {
			struct ipc_once fresh = { { 0 } };

			assert_int_equal(ipc_send(pair[0], span_of(m->bytes, m->len), sent, count), 0);
			n = ipc_recv(pair[1], room, IPC_MESSAGE_MAX, fds, &nfds);
			assert_int_equal(n, m->len);
			assert_int_equal(nfds, count);
			assert_int_equal(ipc_admit(m->link, m->phases, m->kex, &fresh, room,
			    (size_t)n, nfds, &why) != NULL, count == m->nfds);
			ipc_close_fds(fds, nfds);
		}
	}
	/* none is left: the next number is what it was */
	n = dup(pair[0]);
	assert_int_equal(n, probe);
	close(probe);
	close(pair[0]);
	close(pair[1]);
}

static void
link_maxima_and_names(void **state)
{
	(void)state;
	for (enum ipc_link link = IPC_A2M; link <= IPC_R2A; link++) {
		size_t max = 0;

		for (size_t i = 0; i < MESSAGES; i++)
			if (messages[i].link == link && messages[i].max > max)
				max = messages[i].max;
		assert_true(max > 0 && max <= IPC_MESSAGE_MAX);
		assert_non_null(strstr(ipc_link_name(link), " -> "));
	}
	assert_string_equal(ipc_link_name(IPC_W2M), "worker -> monitor");
	assert_string_equal(ipc_link_name(0), "no link");
	assert_string_equal(ipc_link_name(IPC_R2A + 1), "no link");
}

static void
schema_is_stable(void **state)
{
	uint8_t a[IPC_SCHEMA_LEN], b[IPC_SCHEMA_LEN], none[IPC_SCHEMA_LEN] = { 0 };

	(void)state;
	ipc_schema(a);
	ipc_schema(b);
	assert_memory_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, none, sizeof(a));
}

static void
rows_say_what_they_hold(void **state)
{
	(void)state;
	assert_string_equal(ipc_rows[IPC_MSG_READY].fields, "u32 layers; text report <= 1024; ");
	assert_string_equal(ipc_rows[IPC_MSG_FORK].fields, "u64 serial; fd link; ");
	assert_string_equal(ipc_rows[IPC_MSG_SEALED].fields, "");
}

static int
fill(void **state)
{
	(void)state;
	memset(filler, 'x', sizeof(filler));
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_bytes),
		cmocka_unit_test(field_bounds),
		cmocka_unit_test(admission_by_link_and_phase),
		cmocka_unit_test(admission_by_size_and_descriptors),
		cmocka_unit_test(once),
		cmocka_unit_test(numbers_without_a_message),
		cmocka_unit_test(descriptors_over_a_link),
		cmocka_unit_test(link_maxima_and_names),
		cmocka_unit_test(schema_is_stable),
		cmocka_unit_test(rows_say_what_they_hold),
	};

	return cmocka_run_group_tests(tests, fill, NULL);
}
