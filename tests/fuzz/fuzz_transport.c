/*
 * fuzz_transport.c - hostile bytes for the transport, for libFuzzer:
 *
 *   clang -fsanitize=fuzzer,address,undefined ... tests/fuzz/fuzz_transport.c
 *
 * The first byte of an input says what the rest is: an identification string, a
 * KEXINIT, a server's or a client's whole stream before login as it is on the wire
 * or as payloads to be put into packets, or payloads under keys after an honest key
 * exchange.  Besides the sanitizers, what must never happen is asserted: nothing
 * reaches an upper layer before keys are in use.
 */
#include "tests/transport_pair.h"
#include "tests/fuzz/must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
fuzz_version(const uint8_t *p, size_t n, enum ssh_role role)
{
	struct version v = { 0 };
	struct span found;
	size_t used = 1;

	while (used > 0) {
		if (version_take(&v, role, span_of(p, n), &used, &found) != PROTO_OK)
			return;
		must(used <= n && found.n <= SSH_VERSION_MAX && found.n <= used);
		p += used;
		n -= used;
	}
}

static void
fuzz_kexinit(const uint8_t *p, size_t n, enum ssh_role role)
{
	static struct side ours;
	struct kexinit k, theirs;
	struct kexinit_choice c;
	enum kexinit_list failed;

	side_init(&ours, role);
	side_make_kexinit(&ours);
	must(kexinit_parse(span_of(ours.kexinit, ours.kexinit_len), &k));
	if (!kexinit_parse(span_of(p, n), &theirs))
		return;
	if (kexinit_negotiate(role == SSH_SERVER ? &theirs : &k,
	    role == SSH_SERVER ? &k : &theirs, &c, &failed) == PROTO_OK)
		must(c.kex != NULL && c.c2s.cipher != NULL && c.s2c.cipher != NULL &&
		    kexinit_lists(k.list[KL_HOSTKEY], span_str(c.hostkey)));
}

/* Cuts the input into payloads: a length of two bytes before each. */
static bool
next_payload(struct rd *r, struct span *s)
{
	size_t n = (size_t)rd_u8(r) << 8;

	n |= rd_u8(r);
	if (r->bad)
		return false;
	*s = rd_take(r, n < r->n ? n : r->n);
	return s->n > 0 && s->n <= PACKET_PAYLOAD_MAX;
}

static void
fuzz_stream(const uint8_t *p, size_t n, enum ssh_role role, bool packets)
{
	static struct side s;
	static struct raw r;
	struct rd in = rd_of(span_of(p, n));
	struct span payload;

	side_init(&s, role);
	s.hold_answer = role == SSH_CLIENT;	/* it would find the signature wrong */
	side_start(&s, 0);
	if (!packets) {
		(void)side_feed(&s, p, n, 1);
	} else {
		memset(&r.out, 0, sizeof(r.out));
		r.n = 0;
		raw_bytes(&r, "SSH-2.0-f\r\n", 11);
		while (next_payload(&in, &payload) && r.n + payload.n + 300 < sizeof(r.bytes))
			raw_packet(&r, payload.p, payload.n);
		(void)side_feed(&s, r.bytes, r.n, 1);
	}
	must(s.packets == 0 && s.sig_algs == 0);
	side_free(&s);
}

static void
fuzz_keyed(const uint8_t *p, size_t n, bool from_server, enum ssh_phase phase)
{
	struct pair *pair = pair_open();
	struct side *from = from_server ? &pair->s : &pair->c;
	struct side *to = from_server ? &pair->c : &pair->s;
	struct rd in = rd_of(span_of(p, n));
	struct span payload;

	pair_phase(pair, phase);
	to->hold_answer = true;
	while (next_payload(&in, &payload) && to->error == PROTO_OK && to->disconnects == 0) {
		side_inject(from, payload.p, payload.n);
		while (carry(pair, from, to) > 0)
			continue;
		/* its answers are read and thrown away */
		transport_sent(to->t, transport_pending(to->t).n);
		if (transport_pending(from->t).n > 0)
			break;			/* it waits for its monitor */
	}
	for (unsigned i = 0; i < to->packets && i < SIDE_LOG && phase != PH_OPEN; i++)
		must(to->numbers[i] < 80);
	pair_free(pair);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;

	if (!ready && crypto_init() != 0)
		abort();
	ready = true;
	if (size < 1)
		return 0;
	switch (data[0] % 12) {
	case 0: fuzz_version(data + 1, size - 1, SSH_SERVER); break;
	case 1: fuzz_version(data + 1, size - 1, SSH_CLIENT); break;
	case 2: fuzz_kexinit(data + 1, size - 1, SSH_SERVER); break;
	case 3: fuzz_kexinit(data + 1, size - 1, SSH_CLIENT); break;
	case 4: fuzz_stream(data + 1, size - 1, SSH_SERVER, false); break;
	case 5: fuzz_stream(data + 1, size - 1, SSH_CLIENT, false); break;
	case 6: fuzz_stream(data + 1, size - 1, SSH_SERVER, true); break;
	case 7: fuzz_stream(data + 1, size - 1, SSH_CLIENT, true); break;
	case 8: fuzz_keyed(data + 1, size - 1, false, PH_AUTH); break;
	case 9: fuzz_keyed(data + 1, size - 1, true, PH_AUTH); break;
	case 10: fuzz_keyed(data + 1, size - 1, false, PH_OPEN); break;
	default: fuzz_keyed(data + 1, size - 1, true, PH_OPEN); break;
	}
	return 0;
}
