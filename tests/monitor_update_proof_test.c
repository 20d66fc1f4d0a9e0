/*
 * monitor_update_proof_test.c - proofs of a server's host keys: signatures that are none, and
 * a worker that tells of lists or proofs when nobody asked.
 */
#include "tests/update_play.h"

static void
asked_for_two(void)
{
	(void)line("host.example", key(5));
	opened(line("host.example", host()));
	TELL(key(0), host(), key(1));
	EXPECT_ASKED(key(0), key(1));
}

static void
proves_nothing(struct span signatures)
{
	PLAY_SAY(w, HOSTKEYS_PROVED, .signatures = signatures);
	expect_nothing();
	known[0] = 0;
	plan.conn++;
}

static void
test_proofs_that_are_none(void **state)
{
	static const char prove[] = "hostkeys-prove-00@openssh.com";
	uint8_t old[32];

	(void)state;
	asked_for_two();
	memcpy(old, session, 32);
	proves_nothing(span_of(NULL, 0));			/* refused */
	asked_for_two();
	proves_nothing(LIST(proof(0)));				/* fewer */
	asked_for_two();
	proves_nothing(LIST(proof(0), proof(1), proof(2)));	/* more */
	asked_for_two();
	proves_nothing(LIST(proof(1), proof(0)));		/* the wrong order */
	asked_for_two();
	proves_nothing(LIST(proof(0), proof(0)));
	asked_for_two();					/* of another connection */
	proves_nothing(LIST(proof(0), proof_by(1, other[1].seed, prove, old, key(1))));
	asked_for_two();					/* another's signature */
	proves_nothing(LIST(proof(0), proof_by(1, other[2].seed, prove, session, key(1))));
	asked_for_two();					/* by the old key, for the new */
	proves_nothing(LIST(proof(0), proof_by(1, play.seed, prove, session, key(1))));
	asked_for_two();					/* of another key */
	proves_nothing(LIST(proof(0), proof_by(1, other[1].seed, prove, session, key(2))));
	asked_for_two();					/* meant for something else */
	proves_nothing(LIST(proof(0), proof_by(1, other[1].seed, "hostkeys-00@openssh.com", session,
	    key(1))));
	asked_for_two();
	proves_nothing(LIST(proof(0), span_of(proof(1).p, proof(1).n - 1)));
	asked_for_two();
	proves_nothing(LIST(proof(0), span_str("")));
	asked_for_two();
	PROVE(proof(0), proof(1));
	expect_changed();
}

static void
asked_for_rsa(void)
{
	opened(line("host.example", host()));
	TELL(host(), rsa_key());
	EXPECT_ASKED(rsa_key());
}

/* Neither SHA-1, though its name may stand in the list, nor what is not in it. */
static void
test_which_signatures_of_rsa(void **state)
{
	(void)state;
	plan.hostkey_algs = span_str("ssh-ed25519,rsa-sha2-512,ssh-rsa");
	asked_for_rsa();
	proves_nothing(LIST(rsa_proof("ssh-rsa")));
	asked_for_rsa();
	proves_nothing(LIST(rsa_proof("rsa-sha2-256")));
	asked_for_rsa();
	PROVE(rsa_proof("rsa-sha2-512"));
	expect_changed();
}

/* ---- a worker that lies ---- */

static void
test_before_the_login(void **state)
{
	(void)state;
	keyed(line("host.example", host()), NULL, false);
	TELL(host(), key(0));
	expect_lie("HOSTKEYS_TOLD");
}

static void
test_proofs_before_the_login(void **state)
{
	(void)state;
	keyed(line("host.example", host()), NULL, false);
	PROVE(proof(0));
	expect_lie("HOSTKEYS_PROVED");
}

static void
test_told_twice(void **state)
{
	(void)state;
	opened(line("host.example", host()));
	TELL(host());
	expect_nothing();
	TELL(host(), key(0));
	expect_lie("HOSTKEYS_TOLD");
}

static void
test_proofs_that_nobody_asked_for(void **state)
{
	(void)state;
	opened(line("host.example", host()));
	PROVE(proof(0));
	expect_lie("HOSTKEYS_PROVED");
}

static void
test_proofs_twice(void **state)
{
	(void)state;
	asked_for_two();
	PROVE(span_str("no"));
	PLAY_QUIET();
	PROVE(proof(0), proof(1));
	expect_lie("HOSTKEYS_PROVED");
}

static void
test_no_list_at_all(void **state)
{
	static uint8_t many[5 * (IPC_HOSTKEYS_MAX + 1)];
	struct span bad[4] = { span_of("", 0), span_of("\0\0\0\2k", 5), span_of("\0\0\0", 3),
		span_of(many, sizeof(many)) };

	(void)state;
	for (size_t i = 0; i <= IPC_HOSTKEYS_MAX; i++)
		memcpy(many + 5 * i, "\0\0\0\1k", 5);
	for (size_t i = 0; i < 4; i++) {
		opened(line("host.example", host()));
		PLAY_SAY(w, HOSTKEYS_TOLD, .keys = bad[i]);
		expect_lie("HOSTKEYS_TOLD");
		known[0] = 0;
		plan.conn++;
	}
}

static void
test_a_server_is_told_nothing(void **state)
{
	(void)state;
	w = play_server(1, session);
	TELL(key(0));
	expect_lie("HOSTKEYS_TOLD");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_proofs_that_are_none), T(test_which_signatures_of_rsa),
		T(test_before_the_login), T(test_proofs_before_the_login), T(test_told_twice),
		T(test_proofs_that_nobody_asked_for), T(test_proofs_twice),
		T(test_no_list_at_all), T(test_a_server_is_told_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
