/*
 * ipc_golden.h - one message of each kind, byte by byte, written by hand.
 *
 * What is generated from messages.def can only be compared with itself; these bytes
 * were written from its grammar by a person: number, then the fields in order, u8,
 * u32 and u64 big-endian, blob and text with a u32 length, descriptors beside the
 * bytes.  A change here is a change of the protocol between the processes.
 */
#ifndef TESTS_IPC_GOLDEN_H
#define TESTS_IPC_GOLDEN_H

#define S(text) { (const uint8_t *)(text), sizeof(text) - 1 }
#define GOLDEN(NAME, bytes, ...) \
	static const char bytes_##NAME[] = bytes; \
	static const struct ipc_##NAME golden_##NAME = { __VA_ARGS__ };

/* ---- worker -> monitor ---- */
GOLDEN(READY, "\x01" "\0\0\x1f\xff" "\0\0\0\2" "ok", .layers = 0x1fff, .report = S("ok"))
GOLDEN(SIGN, "\x02" "\0\0\0\1" "k" "\0\0\0\2" "ha" "\0\0\0\3" "v_c" "\0\0\0\4" "\0i_c"
    "\0\0\0\1" "\xff" "\0\0\0\2" "\x80\0" "\0\0\0\3" "\1\2\3",
    .kex = S("k"), .hostkey_alg = S("ha"), .v_c = S("v_c"), .i_c = S("\0i_c"),
    .q_c = S("\xff"), .q_s = S("\x80\0"), .k = S("\1\2\3"))
GOLDEN(VERIFY, "\x03" "\0\0\0\1" "k" "\0\0\0\2" "ha" "\0\0\0\3" "v_s" "\0\0\0\3" "i_s"
    "\0\0\0\3" "k_s" "\0\0\0\2" "qc" "\0\0\0\2" "qs" "\0\0\0\0" "\0\0\0\3" "sig"
    "\0\0\x08\0" "\0\0\x0c\0" "\0\0\x20\0" "\0\0\0\2" "\xff\1" "\0\0\0\1" "\2",
    .kex = S("k"), .hostkey_alg = S("ha"), .v_s = S("v_s"), .i_s = S("i_s"),
    .k_s = S("k_s"), .q_c = S("qc"), .q_s = S("qs"), .k = S(""), .signature = S("sig"),
    .gex_min = 2048, .gex_n = 3072, .gex_max = 8192, .gex_p = S("\xff\1"), .gex_g = S("\2"))
GOLDEN(AGREED, "\x04" "\0\0\0\1" "p" "\0\0\0\1" "k" "\0\0\0\1" "h" "\0\0\0\2" "c1"
    "\0\0\0\2" "c2" "\0\0\0\2" "m1" "\0\0\0\2" "m2" "\0\0\0\2" "z1" "\0\0\0\2" "z2" "\1",
    .peer_version = S("p"), .kex = S("k"), .hostkey_alg = S("h"), .cipher_c2s = S("c1"),
    .cipher_s2c = S("c2"), .mac_c2s = S("m1"), .mac_s2c = S("m2"),
    .compression_c2s = S("z1"), .compression_s2c = S("z2"), .strict = 1)
GOLDEN(AUTH_NONE, "\x05" "\0\0\0\4" "user", .user = S("user"))
GOLDEN(AUTH_PASSWORD, "\x06" "\0\0\0\1" "u" "\0\0\0\6" "secret",
    .user = S("u"), .password = S("secret"))
GOLDEN(AUTH_PUBLICKEY, "\x07" "\0\0\0\1" "u" "\0\0\0\3" "alg" "\0\0\0\3" "key" "\1"
    "\0\0\0\3" "sig" "\0\0\0\4" "host",
    .user = S("u"), .alg = S("alg"), .key = S("key"), .is_signed = 1, .signature = S("sig"),
    .host_key = S("host"))
GOLDEN(AUTH_KBDINT, "\x08" "\0\0\0\1" "u" "\0\0\0\3" "pam", .user = S("u"), .submethods = S("pam"))
GOLDEN(AUTH_RESPONSES, "\x09" "\0\0\0\x0a" "\0\0\0\1\0\0\0\2no",
    .answers = S("\0\0\0\1\0\0\0\2no"))
GOLDEN(AUTH_OTHER, "\x0a" "\0\0\0\1" "u" "\0\0\0\6" "gssapi", .user = S("u"), .method = S("gssapi"))
GOLDEN(LOGIN_SUCCESS, "\x0b", .empty_ = 0)
GOLDEN(LOGIN_FAILURE, "\x0c" "\0\0\0\3" "a,b" "\0", .methods = S("a,b"), .partial = 0)
GOLDEN(LOGIN_PK_OK, "\x0d" "\0\0\0\3" "alg" "\0\0\0\3" "key", .alg = S("alg"), .key = S("key"))
GOLDEN(LOGIN_INFO, "\x0e" "\0\0\0\1" "n" "\0\0\0\1" "i" "\0\0\0\4" "\0\0\0\0",
    .name = S("n"), .instruction = S("i"), .prompts = S("\0\0\0\0"))
GOLDEN(LOGIN_CHANGEREQ, "\x0f" "\0\0\0\3" "new", .prompt = S("new"))
GOLDEN(LOGIN_BANNER, "\x10" "\0\0\0\5" "hello", .text = S("hello"))
GOLDEN(LOGIN_SIG_ALGS, "\x11" "\0\0\0\1" "a" "\1", .algs = S("a"), .hostbound = 1)
GOLDEN(GROUP_ASK, "\x12" "\0\0\x08\0" "\0\0\x0c\0" "\0\0\x20\0", .min = 2048, .n = 3072, .max = 8192)
GOLDEN(DUMP, "\x13" "\1" "\0\0\0\3" "\x05\0\xff", .is_out = 1, .packet = S("\x05\0\xff"))
GOLDEN(NOTE, "\x14" "\2" "\0\0\0\2" "hm", .level = IPC_INFO, .text = S("hm"))
GOLDEN(PROVE, "\x16" "\0\0\0\3" "key", .key = S("key"))
GOLDEN(HOSTKEYS_TOLD, "\x17" "\0\0\0\5" "\0\0\0\1k", .keys = S("\0\0\0\1k"))
GOLDEN(HOSTKEYS_PROVED, "\x18" "\0\0\0\5" "\0\0\0\1s", .signatures = S("\0\0\0\1s"))
GOLDEN(BYE, "\x15" "\0\0\0\5" "\0\0\0\3" "kex" "\2" "\0\0\0\3" "\0\0\0\2" "no" "\0\0\0\1" "a"
    "\0\0\0\1" "b",
    .outcome = IPC_PROTOCOL, .phase = S("kex"), .side = IPC_PEER, .disconnect = 3,
    .text = S("no"), .ours = S("a"), .theirs = S("b"))

/* ---- monitor -> worker ---- */
GOLDEN(START, "\x20" "\1" "\0\0\0\1" "V" "\0\0\0\2" "\x14\0" "\0\0\0\2" "hk" "\0\0\0\2" "sa"
    "\0\0\0\1" "B" "\0\0\0\1" "\0\0\0\2" "\0\0\0\3" "\0\0\0\4" "\0\0\0\5"
    "\0\0\0\0\0\0\0\6" "\0\0\0\7" "\0\0\0\x08" "\0\0\0\x09" "\0\0\0\x0a" "\0\0\0\x0b"
    "\0\0\0\x0c" "\xff\xff\xff\xff" "\2",
    .role = IPC_SERVER, .version = S("V"), .kexinit = S("\x14\0"), .hostkeys = S("hk"),
    .sig_algs = S("sa"), .banner = S("B"), .banner_ms = 1, .kex_ms = 2, .login_ms = 3,
    .rekey_ms = 4, .close_ms = 5, .rekey_bytes = 6, .rekey_packets = 7,
    .rekey_interval_ms = 8, .alive_interval_ms = 9, .alive_max = 10, .channel_max = 11,
    .window = 12, .window_sum = 0xffffffff, .hexdump = IPC_HEXDUMP_WHOLE, .in = 50,
    .out = 51)
GOLDEN(SIGNED, "\x21" "\0\0\0\3" "sig" "\0\0\0\1" "H" "\0\0\0\1" "\x14",
    .signature = S("sig"), .hash = S("H"), .kexinit = S("\x14"))
GOLDEN(VERIFIED, "\x22" "\0\0\0\1" "H" "\0\0\0\1" "\x14", .hash = S("H"), .kexinit = S("\x14"))
GOLDEN(GROUP, "\x26" "\0\0\0\2" "\xff\1" "\0\0\0\1" "\5", .p = S("\xff\1"), .g = S("\5"))
GOLDEN(VERDICT, "\x23" "\1" "\0" "\0\0\0\1" "m", .pk_ok = 1, .partial = 0, .methods = S("m"))
GOLDEN(PROMPTS, "\x24" "\0\0\0\0" "\0\0\0\1" "i" "\0\0\0\1" "p",
    .name = S(""), .instruction = S("i"), .prompts = S("p"))
GOLDEN(LOGGED_IN, "\x25", .app = 50)
GOLDEN(LOGIN_NONE, "\x28" "\0\0\0\1" "u", .user = S("u"))
GOLDEN(LOGIN_PASSWORD, "\x29" "\0\0\0\1" "u" "\0\0\0\1" "p", .user = S("u"), .password = S("p"))
GOLDEN(LOGIN_PUBLICKEY, "\x2a" "\0\0\0\1" "u" "\0\0\0\1" "a" "\0\0\0\1" "k" "\0\0\0\0"
    "\0\0\0\4" "host",
    .user = S("u"), .alg = S("a"), .key = S("k"), .signature = S(""), .host_key = S("host"))
GOLDEN(LOGIN_KBDINT, "\x2b" "\0\0\0\1" "u" "\0\0\0\1" "s", .user = S("u"), .submethods = S("s"))
GOLDEN(LOGIN_RESPONSES, "\x2c" "\0\0\0\4" "\0\0\0\0", .answers = S("\0\0\0\0"))
GOLDEN(HEXDUMP, "\x2e" "\1", .mode = IPC_HEXDUMP_BLANKED)
GOLDEN(LOGIN_CHANGE, "\x2f" "\0\0\0\1" "u" "\0\0\0\3" "old" "\0\0\0\5" "newer",
    .user = S("u"), .password = S("old"), .new_password = S("newer"))
GOLDEN(SHOW_BANNER, "\x30" "\0\0\0\5" "hello", .text = S("hello"))
GOLDEN(PROOF, "\x31" "\0\0\0\3" "sig", .signature = S("sig"))
GOLDEN(HOSTKEYS_ASK, "\x32" "\0\0\0\5" "\0\0\0\1k", .keys = S("\0\0\0\1k"))
GOLDEN(STOP, "\x2d" "\0\0\0\x0b" "\0\0\0\3" "bye", .disconnect = 11, .text = S("bye"))

/* ---- application -> monitor ---- */
GOLDEN(APP_HELLO, "\x40" "POST" "\0\0\0\3" "sch", .magic = IPC_MAGIC, .schema = S("sch"))
GOLDEN(CONFIG, "\x41" "\0\0\0\1" "\0\0\0\2" "\0\0\0\3" "\0\0\0\4" "\0\0\0\5" "\0\0\0\6"
    "\0\0\0\7" "\0\0\0\x08" "\0\0\0\x09" "\0\0\0\x0a" "\4" "\1" "\1"
    "\0\0\0\x0b" "\x18" "\x40",
    .startups_begin = 1, .startups_rate = 2, .startups_full = 3, .connections_max = 4,
    .spares = 5, .layout_connections = 6, .layout_ms = 7, .worker_uid = 8, .worker_gid = 9,
    .layers_required = 10, .log_level = IPC_DEBUG, .hexdump_max = IPC_HEXDUMP_BLANKED,
    .keys_may_leave = 1, .startups_source = 11, .source_bits_ipv4 = 24, .source_bits_ipv6 = 64)
GOLDEN(KEY_LOAD, "\x42" "\1\2\3\4\5\6\7\x08" "\1" "\0\0\0\2" "pw",
    .call = 0x0102030405060708, .use = IPC_HOST_KEY, .passphrase = S("pw"), .file = 50)
GOLDEN(KEY_DROP, "\x43" "\xff\0\0\0\0\0\0\1", .key = 0xff00000000000001)
GOLDEN(SEALED, "\x44", .empty_ = 0)
GOLDEN(NEW, "\x46" "\0\0\0\0\0\0\0\1" "\2" "\0\0\0\1" "p" "\0\0\0\1" "h" "\0\0\0\x16" "\1"
    "\0\0\0\1" "v" "\0\0\0\1" "k" "\0\0\0\2" "hk" "\0\0\x0c\0"
    "\0\0\0\1" "s" "\0\0\0\1" "c" "\0\0\0\1" "m"
    "\0\0\0\1" "z" "\0\0\0\2" "me" "\1" "\0\0\0\1" "b" "\0\0\0\1" "\0\0\0\2" "\0\0\0\3" "\0\0\0\4" "\0\0\0\5"
    "\0\0\0\6" "\0\0\0\7" "\0\0\0\1\0\0\0\0" "\0\0\0\x09" "\0\0\0\x0a" "\0\0\0\x0b"
    "\0\0\0\x0c" "\0\0\0\x0d" "\0\0\0\x0e" "\0\0\0\x0f" "\0\0\0\x10" "\0\0\0\x11" "\2"
    "\0\0\0\2" "ca" "\0\0\x0c\0" "\1" "\0\0\0\x12",
    .conn = 1, .role = IPC_CLIENT, .peer = S("p"), .host = S("h"), .port = 22, .hash_names = 1,
    .version = S("v"), .kex = S("k"), .hostkey_algs = S("hk"), .hostkey_rsa_min = 3072, .sig_algs = S("s"),
    .ciphers = S("c"), .macs = S("m"), .compression = S("z"), .methods = S("me"), .ask_none = 1,
    .banner = S("b"),
    .banner_ms = 1, .kex_ms = 2, .login_ms = 3, .rekey_ms = 4, .close_ms = 5, .tries_max = 6,
    .fail_delay_ms = 7, .rekey_bytes = 0x100000000, .rekey_packets = 9,
    .rekey_interval_ms = 10, .rekey_burst = 11, .rekey_per_second = 12,
    .alive_interval_ms = 13, .alive_max = 14, .channel_max = 15, .window = 16,
    .window_sum = 17, .hexdump = IPC_HEXDUMP_WHOLE, .ca_algs = S("ca"), .rsa_bits = 3072,
    .update = 1, .own_files = 18)
GOLDEN(TRUST_FILE, "\x47" "\0\0\0\0\0\0\0\1", .conn = 1, .file = 50)
GOLDEN(TRUST_REVOKED, "\x45" "\0\0\0\0\0\0\0\1", .conn = 1, .file = 50)
GOLDEN(TRUST_KEY, "\x48" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "k", .conn = 1, .key = S("k"))
GOLDEN(ATTACH, "\x49" "\0\0\0\0\0\0\0\1", .conn = 1, .in = 50, .out = 51)
GOLDEN(HOSTKEY_ANSWER, "\x4a" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\1",
    .conn = 1, .question = 2, .accept = 1)
GOLDEN(LOGIN_ANSWER, "\x4b" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\3" "\0\0\0\1" "m" "\2",
    .conn = 1, .question = 2, .verdict = IPC_PARTIAL, .methods = S("m"),
    .flags = IPC_LOGIN_VERIFIED)
GOLDEN(PROMPT_ANSWER, "\x4c" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "n" "\0\0\0\1" "i"
    "\0\0\0\1" "p",
    .conn = 1, .question = 2, .name = S("n"), .instruction = S("i"), .prompts = S("p"))
GOLDEN(LOGIN_TERMS, "\x4d" "\0\0\0\0\0\0\0\1" "\0\0\0\3" "\0\0\0\2" "hi"
    "\0\0\0\1" "s" "\0\0\0\2" "ca", .conn = 1, .tries_max = 3, .banner = S("hi"),
    .sig_algs = S("s"), .ca_algs = S("ca"))
GOLDEN(TRY_NONE, "\x50" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "u", .conn = 1, .user = S("u"))
GOLDEN(TRY_PASSWORD, "\x51" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "u" "\0\0\0\1" "p",
    .conn = 1, .user = S("u"), .password = S("p"))
GOLDEN(TRY_PUBLICKEY, "\x52" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "u" "\0\0\0\0\0\0\0\3" "\1",
    .conn = 1, .user = S("u"), .key = 3, .certified = 1)
GOLDEN(TRY_KBDINT, "\x53" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "u" "\0\0\0\1" "s",
    .conn = 1, .user = S("u"), .submethods = S("s"))
GOLDEN(INFO_ANSWER, "\x54" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\4" "\0\0\0\0",
    .conn = 1, .question = 2, .answers = S("\0\0\0\0"))
GOLDEN(TRY_PROBE, "\x55" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "u" "\0\0\0\1" "a" "\0\0\0\1" "k",
    .conn = 1, .user = S("u"), .alg = S("a"), .key = S("k"))
GOLDEN(SET_HEXDUMP, "\x57" "\0\0\0\0\0\0\0\1" "\2", .conn = 1, .mode = IPC_HEXDUMP_WHOLE)
GOLDEN(KEY_CERT, "\x5d" "\0\0\0\0\0\0\0\x09" "\0\0\0\0\0\0\0\3" "\0\0\0\1" "c", .call = 9,
    .key = 3, .cert = S("c"))
GOLDEN(REVOKED, "\x5e" "\0\0\0\0\0\0\0\x09", .call = 9, .file = 50)
GOLDEN(HOST_CERT, "\x5f" "\0\0\0\0\0\0\0\x09" "\0\0\0\1" "c", .call = 9, .cert = S("c"))
GOLDEN(MODULI, "\x58" "\0\0\0\0\0\0\0\x09", .call = 9, .file = 50)
GOLDEN(AGENT_ADD, "\x4f" "\0\0\0\0\0\0\0\x09" "\0\0\0\0\0\0\0\x07" "\0\0\0\1" "c" "\0\0\0\x3c" "\1",
    .call = 9, .key = 7, .comment = S("c"), .lifetime = 60, .confirm = 1, .socket = 50)
GOLDEN(AGENT, "\x59" "\0\0\0\0\0\0\0\x09" "\1", .call = 9, .again = 1, .socket = 50)
GOLDEN(AGENT_BACK, "\xdc" "\0\0\0\0\0\0\0\x09", .call = 9, .socket = 50)
GOLDEN(AGENT_AWAY, "\xdd" "\0\0\0\0\0\0\0\x09", .call = 9)
GOLDEN(KEY_SIGNER, "\x5a" "\0\0\0\0\0\0\0\x09" "\0\0\0\1" "a" "\0\0\0\2" "\0b",
    .call = 9, .alg = S("a"), .blob = S("\0b"))
GOLDEN(HOST_KEY, "\x4e" "\xff\0\0\0\0\0\0\1", .key = 0xff00000000000001)
GOLDEN(SIGN_ANSWER, "\x5b" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "s",
    .conn = 1, .question = 2, .signature = S("s"))
GOLDEN(TRY_CHANGE, "\x5c" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "u" "\0\0\0\3" "old" "\0\0\0\5" "newer",
    .conn = 1, .user = S("u"), .password = S("old"), .new_password = S("newer"))
GOLDEN(CLOSE, "\x56" "\0\0\0\0\0\0\0\1" "\0\0\0\x0b" "\0\0\0\1" "t" "\1",
    .conn = 1, .disconnect = 11, .text = S("t"), .now = 1)

/* ---- monitor -> application ---- */
GOLDEN(MONITOR_HELLO, "\x60" "POST" "\0\0\0\3" "sch", .magic = IPC_MAGIC, .schema = S("sch"))
GOLDEN(SERVING, "\x61" "\0\0\0\x1f" "\0\0\0\1" "r" "\0\0\0\x64" "\0\0\0\x65",
    .layers = 31, .report = S("r"), .monitor_pid = 100, .zygote_pid = 101)
GOLDEN(KEY_LOADED, "\x62" "\0\0\0\0\0\0\0\1" "\0\0\0\2" "\0\0\0\0\0\0\0\3" "\0\0\0\1" "a"
    "\0\0\0\1" "b" "\0\0\0\1" "c",
    .call = 1, .result = 2, .key = 3, .alg = S("a"), .blob = S("b"), .comment = S("c"))
GOLDEN(STARTED, "\x63" "\0\0\0\0\0\0\0\1" "\0\0\0\2" "\0\0\0\3" "\0\0\0\1" "r",
    .conn = 1, .worker_pid = 2, .layers = 3, .report = S("r"))
GOLDEN(KEX_DONE, "\x64" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "s" "\0\0\0\1" "h"
    "\0\0\0\1" "k" "\0\0\0\2" "ha" "\0\0\0\1" "v" "\0\0\0\2" "c1" "\0\0\0\2" "c2"
    "\0\0\0\2" "m1" "\0\0\0\2" "m2" "\0\0\0\2" "z1" "\0\0\0\2" "z2" "\1",
    .conn = 1, .count = 2, .session_id = S("s"), .host_key = S("h"), .kex = S("k"),
    .hostkey_alg = S("ha"), .peer_version = S("v"), .cipher_c2s = S("c1"),
    .cipher_s2c = S("c2"), .mac_c2s = S("m1"), .mac_s2c = S("m2"),
    .compression_c2s = S("z1"), .compression_s2c = S("z2"), .strict = 1)
GOLDEN(HOSTKEY_ASK, "\x65" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\2" "\0\0\0\1" "h"
    "\0\0\0\1" "a" "\0\0\0\1" "k" "\0\0\0\1" "l" "\0\0\0\3" "\0\0\0\4" "\0\0\0\1" "w",
    .conn = 1, .question = 2, .verdict = IPC_CHANGED, .host = S("h"), .alg = S("a"),
    .key = S("k"), .line = S("l"), .clash_line = 3, .clash_file = 4, .why = S("w"))
GOLDEN(ASK_NONE, "\x66" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "u",
    .conn = 1, .question = 2, .user = S("u"))
GOLDEN(ASK_PASSWORD, "\x67" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "u" "\0\0\0\2" "pr"
    "\0\0\0\1" "p",
    .conn = 1, .question = 2, .user = S("u"), .proven = S("pr"), .password = S("p"))
GOLDEN(ASK_PUBLICKEY, "\x68" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "u" "\0\0\0\2" "pr"
    "\0\0\0\1" "a" "\0\0\0\1" "k" "\0\0\0\2" "ca" "\0\0\0\1" "p" "\0\0\0\0\0\0\0\7"
    "\0\0\0\2" "id" "\0\0\0\5" "\0\0\0\1" "b" "\0\0\0\x3f" "\1" "\0\0\0\1" "c",
    .conn = 1, .question = 2, .user = S("u"), .proven = S("pr"), .alg = S("a"), .key = S("k"),
    .ca = S("ca"), .plain = S("p"), .serial = 7, .key_id = S("id"),
    .principals = S("\0\0\0\1b"), .permits = 63, .is_forced = 1, .force_command = S("c"))
GOLDEN(ASK_KBDINT, "\x69" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "u" "\0\0\0\2" "pr"
    "\0\0\0\1" "s",
    .conn = 1, .question = 2, .user = S("u"), .proven = S("pr"), .submethods = S("s"))
GOLDEN(ASK_RESPONSES, "\x6a" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "u" "\0\0\0\2" "pr"
    "\0\0\0\4" "\0\0\0\0",
    .conn = 1, .question = 2, .user = S("u"), .proven = S("pr"), .answers = S("\0\0\0\0"))
GOLDEN(ATTEMPT, "\x6b" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "u" "\0\0\0\1" "m" "\0\0\0\1" "a"
    "\0\0\0\1" "f" "\2" "\0\0\0\5" "\0\0\0\1" "y",
    .conn = 1, .user = S("u"), .method = S("m"), .alg = S("a"), .fingerprint = S("f"),
    .verdict = IPC_ACCEPTED, .failures = 5, .why = S("y"))
GOLDEN(USER_LOGGED_IN, "\x6c" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "u" "\0\0\0\1" "m" "\0\0\0\1" "a"
    "\0\0\0\1" "k",
    .conn = 1, .user = S("u"), .methods = S("m"), .alg = S("a"), .key = S("k"), .worker = 50)
GOLDEN(LOGIN_RESULT, "\x6d" "\0\0\0\0\0\0\0\1" "\3" "\0\0\0\1" "m" "\0\0\0\1" "t",
    .conn = 1, .result = IPC_LOGIN_CHANGEREQ, .methods = S("m"), .text = S("t"))
GOLDEN(INFO_ASK, "\x6e" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "n" "\0\0\0\1" "i"
    "\0\0\0\1" "p",
    .conn = 1, .question = 2, .name = S("n"), .instruction = S("i"), .prompts = S("p"))
GOLDEN(BANNER, "\x6f" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "t", .conn = 1, .text = S("t"))
GOLDEN(CLAIM, "\x70" "\0\0\0\0\0\0\0\1" "\3" "\0\0\0\1" "t",
    .conn = 1, .level = IPC_VERBOSE, .text = S("t"))
GOLDEN(END_OF, "\x71" "\0\0\0\0\0\0\0\1" "\0\0\0\x09" "\0\0\0\4" "open" "\3" "\0\0\0\2"
    "\0\0\0\1" "t" "\0\0\0\1" "o" "\0\0\0\1" "y" "\1" "\0\0\0\x1f",
    .conn = 1, .outcome = IPC_WORKER_DIED, .phase = S("open"), .side = IPC_SYSTEM,
    .disconnect = 2, .text = S("t"), .ours = S("o"), .theirs = S("y"), .is_claim = 1,
    .signal = 31)
GOLDEN(REMARK, "\x72" "\1" "\0\0\0\1" "t", .level = IPC_ERROR, .text = S("t"))
GOLDEN(DUMPED, "\x74" "\0\0\0\0\0\0\0\1" "\0" "\0\0\0\x07" "\0\0\0\2" "\x14\0",
    .conn = 1, .is_out = 0, .skipped = 7, .packet = S("\x14\0"))
GOLDEN(REVOKED_LOADED, "\x7a" "\0\0\0\0\0\0\0\x09" "\1" "\0\0\0\1" "y", .call = 9, .ok = 1,
    .why = S("y"))
GOLDEN(CERT_ADDED, "\x7b" "\0\0\0\0\0\0\0\x09" "\1" "\0\0\0\1" "y", .call = 9, .ok = 1,
    .why = S("y"))
GOLDEN(MODULI_LOADED, "\x75" "\0\0\0\0\0\0\0\x09" "\0\0\1\0", .call = 9, .count = 256)
GOLDEN(AGENT_KEY, "\x76" "\0\0\0\0\0\0\0\x09" "\0\0\0\0\0\0\0\3" "\0\0\0\1" "a" "\0\0\0\2" "\0b"
    "\0\0\0\1" "c",
    .call = 9, .key = 3, .alg = S("a"), .blob = S("\0b"), .comment = S("c"))
GOLDEN(AGENT_GONE, "\x7d" "\0\0\0\0\0\0\0\x09", .call = 9)
GOLDEN(AGENT_DONE, "\x77" "\0\0\0\0\0\0\0\x09" "\1", .call = 9, .ok = 1)
GOLDEN(SIGN_ASK, "\x78" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\0\0\0\0\3" "\0\0\0\1" "a"
    "\0\0\0\2" "\0d",
    .conn = 1, .question = 2, .key = 3, .alg = S("a"), .data = S("\0d"))
GOLDEN(HOSTKEYS_CHANGED, "\x7c" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "h" "\0\0\0\x0a" "\0\0\0\1k\0\0\0\1l"
    "\0\0\0\x0d" "\0\0\0\2\0\0\0\3\0\0\0\1o",
    .conn = 1, .host = S("h"), .added = S("\0\0\0\1k\0\0\0\1l"),
    .gone = S("\0\0\0\2\0\0\0\3\0\0\0\1o"))
GOLDEN(NOT_SERVING, "\x73" "\1" "\0\0\0\1" "t", .is_sandbox = 1, .text = S("t"))

/* ---- worker -> application ---- */
GOLDEN(CHANNEL_ASK, "\x80" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "t" "\0\0\0\1" "e",
    .chan = 1, .type = S("t"), .extra = S("e"))
GOLDEN(PTY_ASK, "\x81" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "t" "\0\0\0\x50"
    "\0\0\0\x18" "\0\0\0\3" "\0\0\0\4" "\0\0\0\1" "\0",
    .chan = 1, .question = 2, .term = S("t"), .columns = 80, .rows = 24, .width = 3,
    .height = 4, .modes = S("\0"))
GOLDEN(ENV_ASK, "\x82" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "n" "\0\0\0\1" "v",
    .chan = 1, .question = 2, .name = S("n"), .value = S("v"))
GOLDEN(SHELL_ASK, "\x83" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2", .chan = 1, .question = 2)
GOLDEN(EXEC_ASK, "\x84" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\4" "true",
    .chan = 1, .question = 2, .command = S("true"))
GOLDEN(SUBSYSTEM_ASK, "\x85" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\4" "sftp",
    .chan = 1, .question = 2, .name = S("sftp"))
GOLDEN(BREAK_ASK, "\x86" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\1\xf4",
    .chan = 1, .question = 2, .length_ms = 500)
GOLDEN(OTHER_ASK, "\x87" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "k" "\0\0\0\1" "p",
    .chan = 1, .question = 2, .kind = S("k"), .payload = S("p"))
GOLDEN(WINDOW_TOLD, "\x88" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "\0\0\0\2" "\0\0\0\3" "\0\0\0\4",
    .chan = 1, .columns = 1, .rows = 2, .width = 3, .height = 4)
GOLDEN(SIGNAL_TOLD, "\x89" "\0\0\0\0\0\0\0\1" "\0\0\0\3" "HUP", .chan = 1, .name = S("HUP"))
GOLDEN(STATUS_TOLD, "\x8a" "\0\0\0\0\0\0\0\1" "\0\0\0\xff", .chan = 1, .status = 255)
GOLDEN(EXIT_SIGNAL_TOLD, "\x8b" "\0\0\0\0\0\0\0\1" "\0\0\0\4" "KILL" "\1" "\0\0\0\1" "t",
    .chan = 1, .name = S("KILL"), .core_dumped = 1, .text = S("t"))
GOLDEN(OPENED, "\x8c" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "e", .chan = 1, .extra = S("e"))
GOLDEN(NOT_OPENED, "\x8d" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "\0\0\0\1" "t",
    .chan = 1, .reason = 1, .text = S("t"))
GOLDEN(DONE, "\x8e" "\0\0\0\0\0\0\0\1" "\1" "\0\0\0\1" "p", .call = 1, .ok = 1, .payload = S("p"))
GOLDEN(PEER_EOF, "\x8f" "\0\0\0\0\0\0\0\1", .chan = 1)
GOLDEN(CHANNEL_OVER, "\x90" "\0\0\0\0\0\0\0\1" "\1", .chan = 1, .had_eof = 1)
GOLDEN(GLOBAL_ASK, "\x91" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "k" "\0\0\0\1" "p",
    .question = 2, .kind = S("k"), .payload = S("p"))
GOLDEN(REKEYED, "\x92" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\0\0\0\0\3",
    .count = 1, .bytes_in = 2, .bytes_out = 3)
GOLDEN(FORWARD_ASK, "\x94" "\0\0\0\0\0\0\0\1" "\2" "\0\0\0\1" "h" "\0\0\x1f\x90" "\0\0\0\2" "oh"
    "\0\0\xff\xff",
    .chan = 1, .kind = IPC_FORWARDED_TCPIP, .host = S("h"), .port = 8080, .origin = S("oh"),
    .origin_port = 65535)
GOLDEN(LISTEN_ASK, "\x95" "\0\0\0\0\0\0\0\2" "\4" "\1" "\0\0\0\2" "/s" "\0\0\0\0",
    .question = 2, .kind = IPC_FORWARDED_STREAMLOCAL, .cancel = 1, .host = S("/s"), .port = 0)
GOLDEN(X11_ASK, "\x96" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\1" "\0\0\0\3" "MIT" "\0\0\0\2" "c0"
    "\0\0\0\x0a",
    .chan = 1, .question = 2, .single = 1, .protocol = S("MIT"), .cookie = S("c0"), .screen = 10)
GOLDEN(TAKEN, "\x93" "\0\0\0\0\0\0\0\1", .chan = 1)

/* ---- application -> worker ---- */
GOLDEN(OPEN, "\xa0" "\x80\0\0\0\0\0\0\1" "\0\0\0\1" "t" "\0\x20\0\0" "\0\0\x80\0" "\0\0\0\1" "e",
    .chan = 0x8000000000000001, .type = S("t"), .window = 2097152, .packet = 32768, .extra = S("e"))
GOLDEN(GRANT, "\xa1" "\0\0\0\0\0\0\0\1", .chan = 1)
GOLDEN(REFUSE, "\xa2" "\0\0\0\0\0\0\0\1" "\0\0\0\3" "\0\0\0\1" "t",
    .chan = 1, .reason = 3, .text = S("t"))
GOLDEN(ANSWER_ASK, "\xa3" "\0\0\0\0\0\0\0\2" "\1", .question = 2, .ok = 1)
GOLDEN(TAKE_SOCKET, "\xa4" "\0\0\0\0\0\0\0\1", .chan = 1, .data = 50)
GOLDEN(TAKE_SOCKETS, "\xa5" "\0\0\0\0\0\0\0\1", .chan = 1, .data = 50, .err = 51)
GOLDEN(TAKE_PTY, "\xa6" "\0\0\0\0\0\0\0\1", .chan = 1, .master = 50)
GOLDEN(TAKE_PIPES, "\xa7" "\0\0\0\0\0\0\0\1", .chan = 1, .in = 50, .out = 51, .err = 52)
GOLDEN(PTY_DO, "\xaa" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "t" "\0\0\0\1" "\0\0\0\2"
    "\0\0\0\3" "\0\0\0\4" "\0\0\0\0",
    .chan = 1, .call = 2, .term = S("t"), .columns = 1, .rows = 2, .width = 3, .height = 4,
    .modes = S(""))
GOLDEN(ENV_DO, "\xab" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "n" "\0\0\0\1" "v",
    .chan = 1, .call = 2, .name = S("n"), .value = S("v"))
GOLDEN(SHELL_DO, "\xac" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2", .chan = 1, .call = 2)
GOLDEN(EXEC_DO, "\xad" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\4" "true",
    .chan = 1, .call = 2, .command = S("true"))
GOLDEN(SUBSYSTEM_DO, "\xae" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\4" "sftp",
    .chan = 1, .call = 2, .name = S("sftp"))
GOLDEN(WINDOW_DO, "\xaf" "\0\0\0\0\0\0\0\1" "\0\0\0\1" "\0\0\0\2" "\0\0\0\3" "\0\0\0\4",
    .chan = 1, .columns = 1, .rows = 2, .width = 3, .height = 4)
GOLDEN(SIGNAL_DO, "\xb0" "\0\0\0\0\0\0\0\1" "\0\0\0\3" "INT", .chan = 1, .name = S("INT"))
GOLDEN(BREAK_DO, "\xb1" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\3",
    .chan = 1, .call = 2, .length_ms = 3)
GOLDEN(OTHER_DO, "\xb2" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "k" "\0\0\0\1" "p",
    .chan = 1, .call = 2, .kind = S("k"), .payload = S("p"))
GOLDEN(EXIT_DO, "\xb4" "\0\0\0\0\0\0\0\1" "\0\0\0\7", .chan = 1, .status = 7)
GOLDEN(EXIT_SIGNAL_DO, "\xb5" "\0\0\0\0\0\0\0\1" "\0\0\0\4" "SEGV" "\1" "\0\0\0\1" "t",
    .chan = 1, .name = S("SEGV"), .core_dumped = 1, .text = S("t"))
GOLDEN(CHANNEL_CLOSE, "\xb6" "\0\0\0\0\0\0\0\1", .chan = 1)
GOLDEN(GLOBAL_DO, "\xb7" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "k" "\0\0\0\1" "p",
    .call = 2, .kind = S("k"), .payload = S("p"))
GOLDEN(GLOBAL_ANSWER, "\xb8" "\0\0\0\0\0\0\0\2" "\1" "\0\0\0\1" "p",
    .question = 2, .ok = 1, .payload = S("p"))
GOLDEN(REKEY, "\xb9" "\0\0\0\0\0\0\0\2", .call = 2)
GOLDEN(IGNORE, "\xba" "\0\0\0\x20", .length = 32)
GOLDEN(KEEPALIVE, "\xbb" "\0\0\x3a\x98" "\0\0\0\3", .interval_ms = 15000, .max = 3)
GOLDEN(REKEY_LIMIT, "\xbc" "\0\0\0\1\0\0\0\0" "\0\0\0\5", .bytes = 0x100000000, .interval_ms = 5)

/* ---- a new password (RFC 4252 8) ---- */
GOLDEN(AUTH_CHANGE, "\x1b" "\0\0\0\1" "u" "\0\0\0\1" "p" "\0\0\0\2" "nw",
    .user = S("u"), .password = S("p"), .new_password = S("nw"))
GOLDEN(CHANGE_WANTED, "\x37" "\0\0\0\3" "new", .prompt = S("new"))
GOLDEN(ASK_CHANGE, "\x7e" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\1" "u"
    "\0\0\0\0" "\0\0\0\1" "p" "\0\0\0\2" "nw", .conn = 1, .question = 2, .user = S("u"),
    .proven = S(""), .password = S("p"), .new_password = S("nw"))
GOLDEN(CHANGE_ANSWER, "\x7f" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\2" "\0\0\0\3" "new",
    .conn = 1, .question = 2, .prompt = S("new"))

/* ---- monitor <-> zygote, monitor <-> keyload ---- */
GOLDEN(FORK, "\xc8" "\0\0\0\0\0\0\0\x09", .serial = 9, .link = 50)
GOLDEN(ZYGOTE_SETUP, "\xc9" "\0\0\0\3" "sch" "\0\0\xfa\0" "\0\0\xfa\1" "\0\0\0\x1f",
    .schema = S("sch"), .uid = 64000, .gid = 64001, .layers_required = 31)
GOLDEN(ZYGOTE_READY, "\xcc" "\0\0\0\3" "sch" "\0\0\0\x1f" "\0\0\0\1" "r",
    .schema = S("sch"), .layers = 31, .report = S("r"))
GOLDEN(FORKED, "\xcd" "\0\0\0\0\0\0\0\x09" "\0\0\x04\xd2", .serial = 9, .pid = 1234)
GOLDEN(ZYGOTE_FAILED, "\xce" "\0\0\0\2" "no", .text = S("no"))
GOLDEN(KEY_FILE, "\xd0" "\0\0\0\3" "sch" "\0\0\0\2" "pw",
    .schema = S("sch"), .passphrase = S("pw"), .file = 50)
GOLDEN(KEY_FORM, "\xd2" "\0\0\0\0" "\0\0\0\1" "a" "\0\0\0\1" "b" "\0\0\0\1" "s" "\0\0\0\1" "c",
    .result = 0, .alg = S("a"), .blob = S("b"), .secret = S("s"), .comment = S("c"))

/* ---- application <-> resolver ---- */
GOLDEN(RESOLVE, "\xd4" "\0\0\0\3" "sch" "\0\0\0\1" "h", .schema = S("sch"), .host = S("h"))
GOLDEN(ADDRESSES, "\xd5" "\0\0\0\2" "\0\0\0\1" "a", .error = 2, .list = S("a"))

#undef S
#undef GOLDEN

#endif
