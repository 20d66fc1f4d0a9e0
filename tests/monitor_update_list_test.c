/*
 * monitor_update_list_test.c - a server's lists of host keys, and files of known hosts, that
 * change nothing.
 */
#include "tests/update_play.h"

static void
changes_nothing(const char *own, struct span keys)
{
	opened(own);
	PLAY_SAY(w, HOSTKEYS_TOLD, .keys = keys);
	expect_nothing();
	known[0] = 0;
	plan.conn++;
}

/* What would be removed is all that we know the host by. */
static void
test_a_list_without_the_key_in_use(void **state)
{
	(void)state;
	(void)line("host.example", key(0));
	changes_nothing(line("host.example", host()), LIST(key(0)));
	(void)line("host.example", key(0));
	changes_nothing(line("host.example", host()), LIST(key(1), key(2)));
}

static void
test_a_key_twice(void **state)
{
	(void)state;
	(void)line("host.example", key(0));
	changes_nothing(line("host.example", host()), LIST(host(), host()));
	(void)line("host.example", key(0));
	changes_nothing(line("host.example", host()), LIST(host(), key(1), key(1)));
}

static void
test_lines_that_are_not_ours_to_touch(void **state)
{
	static const char *const names[] = { "host.example,other", "*.example", "host.exampl?",
		"host.example,!x", "@revoked host.example", "@cert-authority host.example",
		"@cert-authority *", "@something host.example" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)line("host.example", host());
		changes_nothing(line(names[i], key(0)), LIST(host(), key(1)));
	}
	/* of other hosts they are */
	(void)line("host.example", host());
	(void)line("@revoked other", key(3));
	opened(line("other,another", key(2)));
	TELL(host(), key(0));
	EXPECT_ASKED(key(0));
}

static void
test_keys_that_serve_another_name(void **state)
{
	char hashed[KNOWN_HOSTS_LINE_MAX + 1];

	(void)state;
	/* the one in use */
	(void)line("host.example", host());
	changes_nothing(line("alias", host()), LIST(host(), key(1)));
	/* a new one */
	(void)line("host.example", host());
	changes_nothing(line("alias", key(1)), LIST(host(), key(1)));
	/* an old one, before and behind */
	(void)line("alias", key(0));
	(void)line("host.example", host());
	changes_nothing(line("host.example", key(0)), LIST(host()));
	(void)line("host.example", key(0));
	(void)line("host.example", host());
	changes_nothing(line("alias", key(0)), LIST(host(), key(1)));
	/* whose name nobody can read */
	assert_int_equal(monitor_known_hosts_line("alias", host(), true, hashed), 0);
	(void)line("host.example", host());
	changes_nothing(known_add(hashed), LIST(host(), key(1)));
}

static void
test_keys_of_no_use(void **state)
{
	static const char *const blobs[] = { "", "x", "\0\0\0\7ssh-new\0\0\0\1k" };
	uint8_t cert[128];
	struct wr o = wr_of(cert, sizeof(cert));

	(void)state;
	wr_str(&o, "ssh-ed25519-cert-v01@openssh.com");
	wr_blob(&o, key(0), 64);
	changes_nothing(line("host.example", host()), LIST(host(), wr_span(&o)));
	changes_nothing(line("host.example", host()), LIST(host(), span_str(blobs[0])));
	changes_nothing(line("host.example", host()), LIST(host(), span_str(blobs[1])));
	changes_nothing(line("host.example", host()), LIST(host(), span_of(blobs[2], 16)));
	/* not in HostKeyAlgorithms, and too small */
	plan.hostkey_algs = span_str("ssh-ed25519");
	changes_nothing(line("host.example", host()), LIST(host(), rsa_key()));
	plan.hostkey_algs = span_str("ssh-ed25519,rsa-sha2-512");
	plan.hostkey_rsa_min = sign_rsa_bits(rsa.blob.p, rsa.blob.n) + 1;
	changes_nothing(line("host.example", host()), LIST(host(), rsa_key()));
	/* SHA-1 alone makes none of them usable */
	plan.hostkey_rsa_min = 2048;
	plan.hostkey_algs = span_str("ssh-ed25519,ssh-rsa");
	changes_nothing(line("host.example", host()), LIST(host(), rsa_key()));
}

/* No signature is one of a key that is not whole. */
static void
test_a_key_cut_short(void **state)
{
	(void)state;
	for (size_t n = 15; n < other[0].n; n++) {
		struct span cut = span_of(other[0].blob, n);

		opened(line("host.example", host()));
		TELL(host(), cut);
		EXPECT_ASKED(cut);
		PROVE(proof_by(0, other[0].seed, "hostkeys-prove-00@openssh.com", session, cut));
		expect_nothing();
		known[0] = 0;
		plan.conn++;
	}
}

/* By whomever it was revoked. */
static void
test_a_revoked_key_is_not_learnt(void **state)
{
	static char global[1024];

	(void)state;
	(void)line("@revoked *", key(0));
	known_take(global, sizeof(global));
	keyed(line("host.example", host()), global, false);
	login();
	TELL(host(), key(0));
	expect_nothing();
}

static void
test_a_key_of_a_revoked_file_is_not_learnt(void **state)
{
	(void)state;
	revoked = key(0);
	opened(line("host.example", host()));
	TELL(host(), key(0), key(1));
	EXPECT_ASKED(key(1));
}

/* A line whose key we could not use: another program may. */
static void
test_lines_of_unknown_types_stay(void **state)
{
	static const char unknown[] = "\0\0\0\7ssh-new\0\0\0\1k";

	(void)state;
	(void)line("host.example", span_of(unknown, 16));
	changes_nothing(line("host.example", host()), LIST(host()));
}

static void
test_too_many_old_lines(void **state)
{
	uint8_t seed[32], blob[64];
	size_t n;

	(void)state;
	for (int i = 0; i <= IPC_GONE_MAX; i++) {
		play_make_key(seed, blob, &n);
		(void)line("host.example", span_of(blob, n));
		if (i < IPC_GONE_MAX - 1)
			continue;
		opened(line("host.example", host()));
		TELL(host());
		if (i == IPC_GONE_MAX) {
			expect_nothing();
			return;
		}
		expect_changed();
		assert_true(rd_done(&added) && gone.n == IPC_GONE_MAX * (4 + 4 + 4 + n));
		plan.conn++;
		/* the host's own line stays where it is, in use */
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_a_list_without_the_key_in_use), T(test_a_key_twice),
		T(test_lines_that_are_not_ours_to_touch),
		T(test_keys_that_serve_another_name), T(test_keys_of_no_use),
		T(test_a_key_cut_short), T(test_a_revoked_key_is_not_learnt),
		T(test_a_key_of_a_revoked_file_is_not_learnt),
		T(test_lines_of_unknown_types_stay), T(test_too_many_old_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
