/*
 * wire_attacks.h - what a peer may do under encryption, and what comes of it: the
 * cases of wire_attack_test.c, as data.  struct attack and its language are in
 * hostile_peer.h; the expectations are the RFCs', not what was observed.
 */
#ifndef TESTS_WIRE_ATTACKS_H
#define TESTS_WIRE_ATTACKS_H

#include "tests/hostile_peer.h"

/* which of the test's servers and clients */
enum { USUAL = 0, PATIENT, REKEYING, SERVERS };
/* how our client tries to log in */
enum { BY_PASSWORD = 0, BY_NOTHING, BY_NONE, BY_PROBE, BY_KEY, BY_DIALOGUE, BY_SILENCE };

#define ENDS(code_, disconnect_, text_) \
	.code = code_, .disconnect = disconnect_, .text = text_
#define GOES_ON      ENDS(0, 0, "")
#define BREAKS(disconnect, text) ENDS(POSTERN_EPROTO, disconnect, text)
#define ORDER        BREAKS(2, "message not allowed at this point")
#define STRICT       BREAKS(2, "message not allowed under strict key exchange")
#define FORMAT       BREAKS(2, "malformed message")
#define LOGIN_FORMAT BREAKS(2, "malformed login message")
#define SERVICE_NAME BREAKS(7, "unknown service")
#define WRONG_MAC    BREAKS(5, "message authentication failed")
#define WRONG_PAD    BREAKS(2, "bad padding length")
#define NO_MESSAGE   BREAKS(2, "packet without a message")
#define KEX_VALUE    BREAKS(3, "bad key exchange value")
#define NOT_OPEN     BREAKS(2, "message for a channel that is not open")
#define NOT_NOW      BREAKS(2, "message out of order on a channel")
#define OVERRUN      BREAKS(2, "more data than the window allows")
#define OVERFLOWS    BREAKS(2, "window adjusted past 2^32-1")
#define TOO_LARGE    BREAKS(2, "data packet larger than announced")
#define UNASKED      BREAKS(2, "reply to a request that was not made")
#define HELD         BREAKS(2, "too many unanswered requests")
#define NO_MORE_TRIES(text) ENDS(POSTERN_EAUTH, 14, text)
#define BAD_KEY(disconnect, text) ENDS(POSTERN_EHOSTKEY, disconnect, text)
#define LEFT(disconnect, text) ENDS(POSTERN_ECLOSED, disconnect, text)
#define NO_MATCH     ENDS(POSTERN_ENOMATCH, 3, "no key exchange method in common")

#define OPEN_SESSION "90 'session' #9 #65536 #32768"
#define ALIVE "80 'keepalive@openssh.com' 1"
#define LOGIN(method) "50 'u' 'ssh-connection' '" method "' "
/* a KEXINIT of nothing that we know; lists: kex, host key, 2 ciphers, ... */
#define STRANGE_KEXINIT "20 *16 'x' 'x' 'x' 'x' 'x' 'x' 'x' 'x' '' '' 0 #0"

/* ---- in both directions ---- */

/* One packet, in every mode of protection.  Whatever is wrong below the payload is
 * one and the same error, or it could be told apart from outside. */
#define PACKETS(at, phase) \
	{ "flipped tag, first byte", at, "", WRONG_MAC, phase, FLIP_TAG, .every_mode = true }, \
	{ "flipped tag, last byte", at, "", WRONG_MAC, phase, FLIP_TAG, .from = 15, .to = 15, \
	    .every_mode = true }, \
	{ "flipped ciphertext", at, "", WRONG_MAC, phase, FLIP_BODY, .from = 0, .to = 47, \
	    .every_mode = true }, \
	{ "flipped length", at, "", WRONG_MAC, phase, FLIP_LENGTH, .every_mode = true }, \
	{ "a packet twice", at, "", WRONG_MAC, phase, REPLAY, .every_mode = true }, \
	{ "a packet lost", at, "", WRONG_MAC, phase, SKIP, .every_mode = true }, \
	{ "packet_length 0 and 1", at, "", WRONG_MAC, phase, LENGTH, .from = 0, .to = 1, \
	    .every_mode = true }, \
	{ "packet_length 35001", at, "", WRONG_MAC, phase, LENGTH, .from = 35001, \
	    .to = 35001, .every_mode = true }, \
	{ "packet_length just too large, whole blocks", at, "", WRONG_MAC, phase, LENGTH, \
	    .from = 35008, .to = 35008, .every_mode = true }, \
	{ "packet_length 2^32-1", at, "", WRONG_MAC, phase, LENGTH, .from = UINT32_MAX, \
	    .to = UINT32_MAX, .every_mode = true }, \
	{ "padding 0 to 3", at, "", WRONG_PAD, phase, PADDING, .from = 0, .to = 3, \
	    .every_mode = true }, \
	{ "padding larger than the packet", at, "", WRONG_PAD, phase, PADDING, .from = 255, \
	    .to = 255, .every_mode = true }, \
	{ "nothing but padding", at, "", NO_MESSAGE, phase, PADDING, .from = NO_PAYLOAD, \
	    .to = NO_PAYLOAD, .every_mode = true }, \
	{ "a packet cut short by the end", at, "", ENDS(POSTERN_ECUT, 0, ""), phase, CUT_SHORT, \
	    .every_mode = true }

/* Before there are keys. */
#define IN_CLEAR \
	{ "IGNORE before KEXINIT", AT_LINES, "2 'x'", STRICT }, \
	{ "IGNORE before KEXINIT, not strict", AT_LINES, "2 'x'", GOES_ON, .loose = true }, \
	{ "EXT_INFO before KEXINIT", AT_LINES, "7 #0", ORDER }, \
	{ "EXT_INFO before KEXINIT, not strict", AT_LINES, "7 #0", ORDER, .loose = true }, \
	{ "EXT_INFO in the clear", AT_CLEAR, "7 #1 'server-sig-algs' 'ssh-rsa'", STRICT }, \
	{ "EXT_INFO in the clear, not strict", AT_CLEAR, "7 #1 'server-sig-algs' 'ssh-rsa'", \
	    ORDER, .loose = true }, \
	{ "IGNORE, DEBUG, UNIMPLEMENTED in the clear", AT_CLEAR, "N *12", STRICT, \
	    .from = 2, .to = 4 }, \
	{ "IGNORE in the clear, not strict", AT_CLEAR, "2 'x'", GOES_ON, .loose = true }, \
	{ "logins and channels in the clear", AT_CLEAR, "N *8", STRICT, .from = 50, .to = 100 }, \
	{ "the same, not strict", AT_CLEAR, "N *8", ORDER, .from = 50, .to = 100, \
	    .loose = true }, \
	{ "numbers nobody knows in the clear", AT_CLEAR, "N *8", STRICT, .from = 200, .to = 207 }, \
	{ "KEXINIT twice at first", AT_CLEAR, "K", STRICT }, \
	{ "KEXINIT twice at first, not strict", AT_CLEAR, "K", ORDER, .loose = true }, \
	{ "NEWKEYS too early", AT_CLEAR, "21", STRICT }

/* The transport layer's own, at any time under keys. */
#define OWN_MESSAGES(at) \
	{ "DISCONNECT", at, "1 #11 'enough' ''", LEFT(11, "enough") }, \
	{ "DISCONNECT of one byte", at, "1", LEFT(0, "") }, \
	{ "DISCONNECT with a long text", at, "1 #2 $30000 ''", LEFT(2, "xxx") }, \
	{ "DISCONNECT that draws on terminals", at, "1 #2 '\033[2Jboo\r\n\177' ''", \
	    LEFT(2, "boo") }, \
	{ "DISCONNECT with a NUL", at, "1 #2 'a~b' ''", LEFT(2, "") }, \
	{ "IGNORE of any shape", at, "2; 2 0; 2 #4294967295; 2 $34000", GOES_ON }, \
	{ "DEBUG cut short", at, "4 1 'x' ''", FORMAT, .cut_from = 1, .cut_to = 10 }, \
	{ "DEBUG with more", at, "4 1 'x' '' 0", FORMAT }, \
	{ "DEBUG with a NUL", at, "4 1 'a~' ''", FORMAT }, \
	{ "UNIMPLEMENTED cut short", at, "3 #0", FORMAT, .cut_from = 1, .cut_to = 4 }, \
	{ "UNIMPLEMENTED with more", at, "3 #0 0", FORMAT }, \
	{ "NEWKEYS without an exchange", at, "21", ORDER }, \
	{ "KEXINIT of zeros", at, "20 *20", FORMAT }, \
	{ "KEXINIT with a list of 2^32-1", at, "20 *16 #4294967295 *100", FORMAT }, \
	{ "KEXINIT with a NUL in a name", at, \
	    "20 *16 'a~b' 'x' 'x' 'x' 'x' 'x' 'x' 'x' '' '' 0 #0", FORMAT }, \
	{ "KEXINIT with a newline in a name", at, \
	    "20 *16 'a\nb' 'x' 'x' 'x' 'x' 'x' 'x' 'x' '' '' 0 #0", FORMAT }, \
	{ "KEXINIT with more", at, STRANGE_KEXINIT " 0", FORMAT }, \
	{ "KEXINIT without a match", at, STRANGE_KEXINIT, NO_MATCH, "rekey" }, \
	{ "KEXINIT cut short", at, "20 *62", FORMAT, .cut_from = 1, .cut_to = 61 }, \
	{ "KEXINIT with a huge list", at, "20 *16 $32768 'x' 'x' 'x' 'x' 'x' 'x' 'x' '' '' 0 #0", \
	    NO_MATCH, "rekey" }, \
	{ "IGNORE flood", at, "2 'x'", GOES_ON, .times = 20000 }, \
	{ "DEBUG flood", at, "4 1 'look' ''", GOES_ON, .times = 20000 }, \
	{ "UNIMPLEMENTED flood", at, "3 #0", GOES_ON, .times = 20000 }, \
	{ "flood of a number nobody knows", at, "8", GOES_ON, .times = 20000, .packets = 20000 }

/* After EXT_INFO's place: right behind NEWKEYS. */
#define EXT_INFOS \
	{ "EXT_INFO with a count of 2^32-1", AT_KEYED, "7 #4294967295 *16", FORMAT }, \
	{ "EXT_INFO with a count of one more", AT_KEYED, "7 #2 'a' 'b'", FORMAT }, \
	{ "EXT_INFO with a count of one less", AT_KEYED, "7 #1 'a' 'b' 'c' 'd'", FORMAT }, \
	{ "EXT_INFO cut short", AT_KEYED, "7 #1 'a' 'b'", FORMAT, .cut_from = 1, .cut_to = 14 }, \
	{ "EXT_INFO of nothing", AT_KEYED, "7 #0", GOES_ON }, \
	{ "EXT_INFO three times", AT_KEYED, "7 #0; 7 #0; 7 #0", ORDER }, \
	{ "EXT_INFO of strange things", AT_KEYED, "7 #3 '' '' '~' '~' 'no-flow-control' $30000", \
	    GOES_ON }, \
	{ "EXT_INFO after the login", AT_OPEN, "7 #0", ORDER }

/* Messages for channels, with no channel there. */
#define NO_CHANNEL \
	{ "EOF and CLOSE for no channel", AT_OPEN, "N #0", NOT_OPEN, .from = 96, .to = 97 }, \
	{ "replies for no channel", AT_OPEN, "N #7", NOT_OPEN, .from = 99, .to = 100 }, \
	{ "confirmation of no channel", AT_OPEN, "91 #0 #0 #0 #32768", NOT_OPEN }, \
	{ "failure of no channel", AT_OPEN, "92 #0 #1 '' ''", NOT_OPEN }, \
	{ "window for no channel", AT_OPEN, "93 #4294967295 #1", NOT_OPEN }, \
	{ "data for no channel", AT_OPEN, "94 #0 'x'", NOT_OPEN }, \
	{ "data of no bytes for no channel", AT_OPEN, "94 #1 ''", NOT_OPEN }, \
	{ "extended data for no channel", AT_OPEN, "95 #2147483648 #1 'x'", NOT_OPEN }, \
	{ "request for no channel", AT_OPEN, "98 #0 'shell' 1", NOT_OPEN }, \
	{ "strange request for no channel", AT_OPEN, "98 #3 'x' 0", NOT_OPEN }, \
	{ "nothing behind the number", AT_OPEN, "N", FORMAT, .from = 90, .to = 100 }, \
	{ "replies without requests", AT_OPEN, "N", UNASKED, .from = 81, .to = 82 }, \
	{ "reply with a payload, without request", AT_OPEN, "81 #7", UNASKED }, \
	{ "numbers nobody knows after the login", AT_OPEN, "N *8", GOES_ON, .from = 101, \
	    .to = 191, .together = true, .packets = 91 }, \
	{ "and beyond ping's", AT_OPEN, "N *8", GOES_ON, .from = 194, .to = 255, \
	    .together = true, .packets = 62 }, \
	{ "open cut short", AT_OPEN, OPEN_SESSION, FORMAT, .cut_from = 1, .cut_to = 23 }, \
	{ "open with a name of 2^32-1", AT_OPEN, "90 #4294967295 *40", FORMAT }, \
	{ "open with a NUL in its name", AT_OPEN, "90 'session~' #9 #65536 #32768", FORMAT }, \
	{ "open with a name of 65", AT_OPEN, "90 $65 #9 #65536 #32768", FORMAT }, \
	{ "open of no name", AT_OPEN, "90 '' #9 #65536 #32768", GOES_ON, .hears = 92, \
	    .hears_n = 1 }, \
	{ "open with everything zero", AT_OPEN, "90 '' #0 #0 #0", GOES_ON, .hears = 92, \
	    .hears_n = 1 }, \
	{ "open with packets of a byte", AT_OPEN, "90 'session' #0 #65536 #1", GOES_ON, \
	    .hears = 92, .hears_n = 1 }, \
	{ "open with 30000 bytes more", AT_OPEN, "90 'direct-tcpip' #9 #65536 #32768 $30000", \
	    GOES_ON, .hears = 92, .hears_n = 1 }, \
	{ "open of strange kinds", AT_OPEN, \
	    "90 'x11' #1 #65536 #32768; 90 'forwarded-tcpip' #2 #65536 #32768 'a' #1 'b' #2; " \
	    "90 'auth-agent@openssh.com' #3 #65536 #32768; 90 'tun@openssh.com' #4 #1 #32768 " \
	    "#1 #1; 90 'direct-streamlocal@openssh.com' #5 #65536 #32768 '/' '' #0", GOES_ON, \
	    .hears = 92, .hears_n = 5 }, \
	{ "global request cut short", AT_OPEN, ALIVE, FORMAT, .cut_from = 1, .cut_to = 26 }, \
	{ "global request with a NUL", AT_OPEN, "80 'a~b' 1", FORMAT }, \
	{ "global request with a name of 65", AT_OPEN, "80 $65 1", FORMAT }, \
	{ "global request with a name of 2^32-1", AT_OPEN, "80 #4294967295 *80", FORMAT }, \
	{ "global request of no name", AT_OPEN, "80 '' 1", GOES_ON, .replies = 1 }, \
	{ "global request with 30000 bytes", AT_OPEN, "80 'x' 1 $30000", GOES_ON, \
	    .replies = 1 }, \
	{ "forwarding of nothing", AT_OPEN, "80 'tcpip-forward' 1; 80 'cancel-tcpip-forward' 1; " \
	    "80 'streamlocal-forward@openssh.com' 1; 80 'tcpip-forward' 0", GOES_ON, \
	    .replies = 3 }, \
	{ "host keys of nonsense", AT_OPEN, \
	    "80 'hostkeys-00@openssh.com' 0 #4294967295; 80 'hostkeys-00@openssh.com' 1 *99; " \
	    "80 'hostkeys-prove-00@openssh.com' 1 #3", GOES_ON, .replies = 2 }, \
	{ "global requests without a reply", AT_OPEN, "80 'x' 0", GOES_ON, .times = 20000 }, \
	{ "100,000 global requests", AT_OPEN, "80 'x' 1", GOES_ON, .times = 100000, \
	    .replies = 1, .weigh = true }, \
	{ "100,000 global requests, replies unread", AT_OPEN, "80 'x' 1", GOES_ON, \
	    .times = 100000, .replies = 1, .deaf = true, .weigh = true }, \
	{ "ping cut short", AT_OPEN, "192 'abc'", FORMAT, .cut_from = 1, .cut_to = 7 }, \
	{ "ping with more", AT_OPEN, "192 'abc' 0", FORMAT }, \
	{ "ping of 2^32-1", AT_OPEN, "192 #4294967295 *50", FORMAT }, \
	{ "pings of no bytes and of many", AT_OPEN, "192 ''; 192 $34000", GOES_ON, \
	    .packets = 2 }, \
	{ "pongs unasked for", AT_OPEN, "193 ''; 193; 193 #4294967295", GOES_ON }, \
	{ "ping flood, pongs unread", AT_OPEN, "192 $1000", GOES_ON, .times = 10000, \
	    .deaf = true, .weigh = true, .packets = 10000 }, \
	{ "large ping flood, pongs unread", AT_OPEN, "192 $30000", GOES_ON, .times = 500, \
	    .deaf = true, .weigh = true, .packets = 500 }, \
	{ "flood of an unknown number, unread", AT_OPEN, "255", GOES_ON, .times = 50000, \
	    .deaf = true, .weigh = true, .packets = 50000 }

/* One channel is open on their side, with a window of 65536; nothing runs on it. */
#define ON_CHANNEL \
	{ "exactly the window", AT_CHANNEL, "94 #0 $32768; 94 #0 $32768", GOES_ON }, \
	{ "a byte beyond the window", AT_CHANNEL, "94 #0 $32768; 94 #0 $32768; 94 #0 'x'", \
	    OVERRUN }, \
	{ "data larger than announced", AT_CHANNEL, "94 #0 $32769", TOO_LARGE }, \
	{ "extended data larger than announced", AT_CHANNEL, "95 #0 #1 $32769", TOO_LARGE }, \
	{ "data cut short", AT_CHANNEL, "94 #0 'data'", FORMAT, .cut_from = 1, .cut_to = 12 }, \
	{ "data with more", AT_CHANNEL, "94 #0 'data' 0", FORMAT }, \
	{ "data of 2^32-1", AT_CHANNEL, "94 #0 #4294967295 *99", FORMAT }, \
	{ "extended data cut short", AT_CHANNEL, "95 #0 #1 'data'", FORMAT, .cut_from = 1, \
	    .cut_to = 16 }, \
	{ "extended data of other kinds", AT_CHANNEL, \
	    "95 #0 #0 $10; 95 #0 #2 $10; 95 #0 #4294967295 $10", GOES_ON }, \
	{ "data of no bytes, without end", AT_CHANNEL, "94 #0 ''; 95 #0 #1 ''; 93 #0 #0", \
	    GOES_ON, .times = 5000 }, \
	{ "the largest window", AT_CHANNEL, "93 #0 #4294901759", GOES_ON }, \
	{ "a byte more than the largest window", AT_CHANNEL, "93 #0 #4294901759; 93 #0 #1", \
	    OVERFLOWS }, \
	{ "a window adjusted past its end", AT_CHANNEL, "93 #0 #4294967295", OVERFLOWS }, \
	{ "adjustment cut short", AT_CHANNEL, "93 #0 #1", FORMAT, .cut_from = 1, .cut_to = 8 }, \
	{ "adjustment with more", AT_CHANNEL, "93 #0 #1 0", FORMAT }, \
	{ "data after EOF", AT_CHANNEL, "96 #0; 94 #0 'x'", NOT_NOW }, \
	{ "data of no bytes after EOF", AT_CHANNEL, "96 #0; 94 #0 ''", NOT_NOW }, \
	{ "extended data after EOF", AT_CHANNEL, "96 #0; 95 #0 #1 'x'", NOT_NOW }, \
	{ "EOF twice", AT_CHANNEL, "96 #0; 96 #0", NOT_NOW }, \
	{ "EOF and CLOSE cut short", AT_CHANNEL, "N #0", FORMAT, .from = 96, .to = 97, \
	    .cut_from = 1, .cut_to = 4 }, \
	{ "EOF and CLOSE with more", AT_CHANNEL, "N #0 0", FORMAT, .from = 96, .to = 97 }, \
	/* out of order while our CLOSE is not out, unknown later: both are right */ \
	{ "CLOSE twice", AT_CHANNEL, "97 #0; 97 #0", BREAKS(2, "channel") }, \
	{ "data after CLOSE", AT_CHANNEL, "97 #0; 94 #0 'x'", NOT_OPEN }, \
	{ "window after CLOSE", AT_CHANNEL, "97 #0; 93 #0 #1", NOT_OPEN }, \
	{ "request after CLOSE", AT_CHANNEL, "97 #0; 98 #0 'shell' 1", NOT_OPEN }, \
	{ "EOF after CLOSE", AT_CHANNEL, "97 #0; 96 #0", NOT_OPEN }, \
	{ "reply on a channel, without request", AT_CHANNEL, "N #0", UNASKED, .from = 99, \
	    .to = 100 }, \
	{ "reply with more", AT_CHANNEL, "N #0 0", FORMAT, .from = 99, .to = 100 }, \
	{ "confirmation of an open channel", AT_CHANNEL, "91 #0 #0 #0 #32768", NOT_NOW }, \
	{ "failure of an open channel", AT_CHANNEL, "92 #0 #1 '' ''", NOT_NOW }, \
	{ "the neighbour's channel", AT_CHANNEL, "94 #1 'x'", NOT_OPEN }, \
	{ "request of no name", AT_CHANNEL, "98 #0 '' 1", GOES_ON, .hears = 100, .hears_n = 1 }, \
	{ "request with a name of 65", AT_CHANNEL, "98 #0 $65 1", FORMAT }, \
	{ "request with a NUL in its name", AT_CHANNEL, "98 #0 'exec~' 1 'x'", FORMAT }, \
	{ "request of a kind nobody knows", AT_CHANNEL, "98 #0 'x@y' 1 $30000", GOES_ON, \
	    .hears = 100, .hears_n = 1 }, \
	{ "exec cut short", AT_CHANNEL, "98 #0 'exec' 1 'id'", FORMAT, .cut_from = 1, \
	    .cut_to = 19 }, \
	{ "exec with more", AT_CHANNEL, "98 #0 'exec' 1 'id' 0", FORMAT }, \
	{ "exec with a NUL", AT_CHANNEL, "98 #0 'exec' 1 'id~'", FORMAT }, \
	{ "exec of 2^32-1", AT_CHANNEL, "98 #0 'exec' 1 #4294967295 *99", FORMAT }, \
	{ "shell with more", AT_CHANNEL, "98 #0 'shell' 1 0", FORMAT }, \
	{ "subsystem cut short", AT_CHANNEL, "98 #0 'subsystem' 1 'sftp'", FORMAT, \
	    .cut_from = 1, .cut_to = 26 }, \
	{ "env cut short", AT_CHANNEL, "98 #0 'env' 1 'A' 'b'", FORMAT, .cut_from = 1, \
	    .cut_to = 22 }, \
	{ "env with a NUL", AT_CHANNEL, "98 #0 'env' 1 'A~' 'b'", FORMAT }, \
	{ "env with a NUL in the value", AT_CHANNEL, "98 #0 'env' 1 'A' 'b~'", FORMAT }, \
	{ "pty-req cut short", AT_CHANNEL, "98 #0 'pty-req' 1 'vt100' #80 #24 #0 #0 #1 0", \
	    FORMAT, .cut_from = 1, .cut_to = 46 }, \
	{ "pty-req with half a mode", AT_CHANNEL, \
	    "98 #0 'pty-req' 1 'vt100' #80 #24 #0 #0 #3 1 0 0", FORMAT }, \
	{ "pty-req with something behind the modes' end", AT_CHANNEL, \
	    "98 #0 'pty-req' 1 'vt100' #80 #24 #0 #0 #2 0 0", FORMAT }, \
	{ "pty-req with a terminal that is too long", AT_CHANNEL, \
	    "98 #0 'pty-req' 1 $30000 #80 #24 #0 #0 ''", GOES_ON, .hears = 100, .hears_n = 1 }, \
	{ "window-change cut short", AT_CHANNEL, "98 #0 'window-change' 0 #1 #2 #3 #4", FORMAT, \
	    .cut_from = 1, .cut_to = 38 }, \
	{ "signal cut short", AT_CHANNEL, "98 #0 'signal' 0 'KILL'", FORMAT, .cut_from = 1, \
	    .cut_to = 23 }, \
	{ "break cut short", AT_CHANNEL, "98 #0 'break' 0 #1", FORMAT, .cut_from = 1, \
	    .cut_to = 18 }, \
	{ "exit-status cut short", AT_CHANNEL, "98 #0 'exit-status' 0 #1", FORMAT, \
	    .cut_from = 1, .cut_to = 24 }, \
	{ "exit-status of 8 bytes", AT_CHANNEL, "98 #0 'exit-status' 0 #1 #1", FORMAT }, \
	{ "exit-signal cut short", AT_CHANNEL, "98 #0 'exit-signal' 0 'KILL' 1 'a' ''", FORMAT, \
	    .cut_from = 1, .cut_to = 38 }, \
	{ "exit-signal with a NUL", AT_CHANNEL, "98 #0 'exit-signal' 0 'KILL~' 1 'a' ''", FORMAT }

/* A later key exchange, begun by the peer. */
#define REKEYED \
	{ "service during a rekey", AT_REKEY, "N *8", ORDER, .from = 5, .to = 8 }, \
	{ "login during a rekey", AT_REKEY, "N *8", ORDER, .from = 50, .to = 53 }, \
	{ "channels during a rekey", AT_REKEY, "N *8", ORDER, .from = 80, .to = 100 }, \
	{ "ping during a rekey", AT_REKEY, "N *4", ORDER, .from = 192, .to = 193 }, \
	{ "number 0 and 255 during a rekey", AT_REKEY, "N", ORDER, .from = 255, .to = 256 }, \
	{ "IGNORE, DEBUG, UNIMPLEMENTED during a rekey", AT_REKEY, "2 'x'; 4 0 'x' ''; 3 #1", \
	    GOES_ON }, \
	{ "KEXINIT twice", AT_REKEY, "K", ORDER }, \
	{ "NEWKEYS in place of a reply", AT_REKEY, "21", ORDER }, \
	{ "KEXINIT before NEWKEYS", AT_REPLY, "K", ORDER }, \
	{ "data before NEWKEYS", AT_REPLY, "94 #0 'x'", ORDER }, \
	{ "rekey flood", AT_OPEN, "", GOES_ON, .deed = EXCHANGE, .times = 12, .least_ms = 300 }, \
	/* they began, and get no answer but this */ \
	{ "requests without end in place of KEXINIT", AT_THEIR_REKEY, ALIVE, HELD, \
	    .times = 1000000, .deaf = true, .server = REKEYING }, \
	{ "pings without end in place of KEXINIT", AT_THEIR_REKEY, "192 $30000", HELD, \
	    .times = 1000000, .deaf = true, .server = REKEYING }, \
	{ "unknown numbers without end in place of KEXINIT", AT_THEIR_REKEY, "255", HELD, \
	    .times = 1000000, .deaf = true, .server = REKEYING }, \
	{ "nothing but IGNORE in place of KEXINIT", AT_THEIR_REKEY, "2 $10000", \
	    ENDS(POSTERN_ETIMEOUT, 2, "key re-exchange not finished in time"), .times = UINT32_MAX, \
	    .server = REKEYING, .least_ms = 300 }

/* ---- a client's ---- */

#define LOGIN_KEY "50 'u' 'ssh-connection' 'publickey' "
#define SOME_KEY "'ssh-ed25519' #51 'ssh-ed25519' $32"

static const struct attack of_client[] = {
	PACKETS(AT_KEYED, "auth"),
	PACKETS(AT_OPEN, "open"),
	IN_CLEAR,
	OWN_MESSAGES(AT_SERVICE),
	OWN_MESSAGES(AT_OPEN),
	EXT_INFOS,

	{ "80 to 255 before the service", AT_KEYED, "N *8", ORDER, .from = 80, .to = 255 },
	{ "80 to 255 before the login", AT_SERVICE, "N *8", ORDER, .from = 80, .to = 255 },
	{ "what only servers say", AT_SERVICE,
	    "6 'ssh-userauth'; 31 *8; 51 'x' 0; 52; 53 'x' ''; 60 *8", GOES_ON, .packets = 6 },
	{ "numbers nobody knows before the login", AT_SERVICE, "N *8", GOES_ON, .from = 62,
	    .to = 79, .together = true, .packets = 18 },
	{ "ECDH_INIT without an exchange", AT_SERVICE, "30 $32", ORDER },
	{ "login before the service", AT_KEYED, LOGIN("none"), ORDER },
	{ "a service of no name", AT_KEYED, "5 ''", SERVICE_NAME },
	{ "another service", AT_KEYED, "5 'ssh-connection'", SERVICE_NAME },
	{ "service cut short", AT_KEYED, "5 'ssh-userauth'", LOGIN_FORMAT, .cut_from = 1,
	    .cut_to = 16 },
	{ "service with more", AT_KEYED, "5 'ssh-userauth' 0", LOGIN_FORMAT },
	{ "service with a NUL", AT_KEYED, "5 'ssh-userauth~'", LOGIN_FORMAT },
	{ "service with a name of 65", AT_KEYED, "5 $65", LOGIN_FORMAT },
	{ "service with a name of 2^32-1", AT_KEYED, "5 #4294967295 *30", LOGIN_FORMAT },
	{ "the service again and again", AT_SERVICE, "5 'ssh-userauth'", GOES_ON, .times = 100 },
	{ "the service after the login", AT_OPEN, "5 'ssh-userauth'", ORDER },

	{ "login cut short in what all have", AT_SERVICE, LOGIN("password") "0 'pw'",
	    LOGIN_FORMAT, .cut_from = 1, .cut_to = 35 },
	{ "login cut short in its method", AT_SERVICE, LOGIN("password") "0 'pw'", GOES_ON,
	    .cut_from = 36, .cut_to = 42 },
	{ "login with more", AT_SERVICE, LOGIN("password") "0 'pw' 0; " LOGIN("none") "0",
	    GOES_ON },
	{ "login with a user of 2^32-1", AT_SERVICE, "50 #4294967295 *60", LOGIN_FORMAT },
	{ "login with a user of 257", AT_SERVICE, "50 $257 'ssh-connection' 'none'",
	    LOGIN_FORMAT },
	{ "login with a NUL in the user", AT_SERVICE, "50 'u~' 'ssh-connection' 'none'",
	    LOGIN_FORMAT },
	{ "login with a NUL in the service", AT_SERVICE, "50 'u' 'ssh-connection~' 'none'",
	    LOGIN_FORMAT },
	{ "login with a NUL in the method", AT_SERVICE, "50 'u' 'ssh-connection' 'none~'",
	    LOGIN_FORMAT },
	{ "login with a method of 65", AT_SERVICE, "50 'u' 'ssh-connection' $65", LOGIN_FORMAT },
	{ "login with a method of 2^32-1", AT_SERVICE, "50 'u' 'ssh-connection' #4294967295 *9",
	    LOGIN_FORMAT },
	{ "login for another service", AT_SERVICE, "50 'u' 'ssh-userauth' 'none'",
	    SERVICE_NAME },
	{ "login with everything empty", AT_SERVICE, "50 '' '' ''", SERVICE_NAME },
	{ "login with no method", AT_SERVICE, "50 'u' 'ssh-connection' ''", GOES_ON },
	{ "password with a NUL", AT_SERVICE, LOGIN("password") "0 'pw~'", GOES_ON },
	{ "password of no bytes", AT_SERVICE, LOGIN("password") "0 ''", GOES_ON, .judged = 1 },
	{ "password of 1025", AT_SERVICE, LOGIN("password") "0 $1025", GOES_ON },
	{ "password of 2^32-1", AT_SERVICE, LOGIN("password") "0 #4294967295 *99", GOES_ON },
	{ "password to be changed", AT_SERVICE, LOGIN("password") "1 'pw' 'new'", GOES_ON },
	{ "host-based", AT_SERVICE, LOGIN("hostbased") SOME_KEY " 'h' 'u' ''", GOES_ON },
	{ "a key of no bytes", AT_SERVICE, LOGIN_KEY "0 'ssh-ed25519' ''; " LOGIN_KEY "0 '' ''",
	    GOES_ON },
	{ "a key of another kind than it says", AT_SERVICE,
	    LOGIN_KEY "0 'ssh-ed25519' #39 'ssh-rsa' $24; " LOGIN_KEY "0 'x' #4 *4", GOES_ON },
	{ "a key of 2^32-1", AT_SERVICE, LOGIN_KEY "0 'ssh-ed25519' #4294967295 *99", GOES_ON },
	{ "a key of 8193", AT_SERVICE, LOGIN_KEY "0 'ssh-ed25519' $8193", GOES_ON },
	{ "a key that is too short", AT_SERVICE, LOGIN_KEY "0 'ssh-ed25519' #50 "
	    "'ssh-ed25519' #31 *31; " LOGIN_KEY "1 'ssh-ed25519' #50 'ssh-ed25519' #31 *31 "
	    "#83 'ssh-ed25519' $64", GOES_ON, .judged = 1 },
	{ "a signature of no bytes", AT_SERVICE, LOGIN_KEY "1 " SOME_KEY " ''", GOES_ON },
	/* asked about, and the application would take the key: that is not a proof */
	{ "a signature of zeros", AT_SERVICE, LOGIN_KEY "1 " SOME_KEY
	    " #83 'ssh-ed25519' #64 *64", GOES_ON, .judged = 1 },
	{ "a signature of zeros by a key that would do", AT_SERVICE, LOGIN_KEY "0 " SOME_KEY
	    ";" LOGIN_KEY "1 " SOME_KEY " #83 'ssh-ed25519' #64 *64", GOES_ON, .judged = 1 },
	{ "a signature of another kind", AT_SERVICE, LOGIN_KEY "1 " SOME_KEY
	    " #79 'ssh-rsa' $64; " LOGIN_KEY "1 " SOME_KEY " #4 #0; " LOGIN_KEY "1 " SOME_KEY
	    " #84 'ssh-ed25519' $65", GOES_ON, .judged = 1 },
	{ "change of user", AT_SERVICE, LOGIN("none") "; 50 'v' 'ssh-connection' 'none'",
	    BREAKS(2, "change of user name during the login") },
	{ "change of user by a byte more", AT_SERVICE,
	    LOGIN("none") "; 50 'uu' 'ssh-connection' 'none'",
	    BREAKS(2, "change of user name during the login") },
	{ "100 requests", AT_SERVICE, LOGIN("none"),
	    NO_MORE_TRIES("too many authentication failures"), .times = 100 },
	{ "100 passwords", AT_SERVICE, LOGIN("password") "0 'no'",
	    NO_MORE_TRIES("too many authentication failures"), .times = 100, .judged = 6 },
	{ "100 malformed requests", AT_SERVICE, LOGIN("password"),
	    NO_MORE_TRIES("too many authentication failures"), .times = 100 },
	{ "100 passwords to a patient server", AT_SERVICE, LOGIN("password") "0 'no'",
	    NO_MORE_TRIES("too many login requests"), .times = 100, .judged = 64,
	    .server = PATIENT },
	{ "100 questions about a key", AT_SERVICE, LOGIN_KEY "0 " SOME_KEY,
	    NO_MORE_TRIES("too many login requests"), .times = 100, .judged = 1,
	    .server = PATIENT },
	{ "an open behind a wrong password", AT_SERVICE,
	    LOGIN("password") "0 'no'; " OPEN_SESSION, ORDER, .judged = 1 },
	{ "a command behind a wrong password", AT_SERVICE,
	    LOGIN("password") "0 'no'; 98 #0 'exec' 1 'id'", ORDER, .judged = 1 },
	/* RFC 4252 5.1: may be sent without waiting, and what is left after SUCCESS
	 * is ignored */
	{ "requests behind the one that succeeds", AT_SERVICE,
	    LOGIN("password") "0 'pw'; " LOGIN("none") ";" LOGIN("password") "0 'no'", GOES_ON },
	{ "requests after the login", AT_OPEN, "50 'v' 'x' 'none'; 50; " LOGIN("password")
	    "0 'pw'", GOES_ON, .times = 100 },
	{ "answers after the login", AT_OPEN, "61 #0", ORDER },

	{ "answers without prompts", AT_SERVICE, "61 #0", ORDER },
	{ "answers without prompts, after a refusal", AT_SERVICE, LOGIN("none") "; 61 #1 'a'",
	    ORDER },
	{ "no answers", AT_PROMPTED, "61 #0", GOES_ON, .judged = 1 },
	{ "one answer for two prompts", AT_PROMPTED, "61 #1 'a'", GOES_ON, .judged = 1 },
	{ "three answers for two prompts", AT_PROMPTED, "61 #3 'a' 'b' 'c'", GOES_ON,
	    .judged = 1 },
	{ "two answers of no bytes", AT_PROMPTED, "61 #2 '' ''", GOES_ON, .judged = 2 },
	{ "answers of 2^32-1", AT_PROMPTED, "61 #4294967295", LOGIN_FORMAT, .judged = 1 },
	{ "fewer answers than counted", AT_PROMPTED, "61 #2 'a'", LOGIN_FORMAT, .judged = 1 },
	{ "more answers than counted", AT_PROMPTED, "61 #2 'a' 'b' 'c'", LOGIN_FORMAT,
	    .judged = 1 },
	{ "answers cut short", AT_PROMPTED, "61 #2 'a' 'b'", LOGIN_FORMAT, .cut_from = 1,
	    .cut_to = 14, .judged = 1 },
	{ "answers with a NUL", AT_PROMPTED, "61 #2 'a~' 'b'", LOGIN_FORMAT, .judged = 1 },
	{ "an answer of 2^32-1", AT_PROMPTED, "61 #2 #4294967295 'b'", LOGIN_FORMAT,
	    .judged = 1 },
	{ "answers twice", AT_PROMPTED, "61 #2 'a' 'b'; 61 #2 'a' 'b'", ORDER, .judged = 2 },
	{ "another request in place of answers", AT_PROMPTED, LOGIN("none"), GOES_ON,
	    .judged = 1 },

	NO_CHANNEL,
	ON_CHANNEL,
	{ "1000 opens without waiting", AT_OPEN, OPEN_SESSION, GOES_ON, .times = 1000,
	    .hears = 92, .hears_n = 990, .packets = 1000, .weigh = true },
	{ "stderr toward a program", AT_CHANNEL, "95 #0 #1 $32768; 95 #0 #1 $32768", GOES_ON },
	{ "opens after no-more-sessions", AT_OPEN,
	    "80 'no-more-sessions@openssh.com' 0; " OPEN_SESSION, GOES_ON, .hears = 92,
	    .hears_n = 1 },
	{ "1000 requests without waiting", AT_CHANNEL, "98 #0 'env' 1 'A' 'b'", GOES_ON,
	    .times = 1000, .hears = 99, .hears_n = 1000, .weigh = true },
	{ "20,000 requests, replies unread", AT_CHANNEL, "98 #0 'x' 1", GOES_ON,
	    .times = 20000, .hears = 100, .hears_n = 20000, .deaf = true, .weigh = true },
	{ "20,000 window changes and signals", AT_CHANNEL,
	    "98 #0 'window-change' 0 #1 #2 #3 #4; 98 #0 'signal' 0 'HUP'", GOES_ON,
	    .times = 10000 },
	{ "exit-status from a client", AT_CHANNEL,
	    "98 #0 'exit-status' 1 #1; 98 #0 'exit-signal' 1 'KILL' 0 '' ''", GOES_ON,
	    .hears = 99, .hears_n = 2 },
	{ "requests with everything empty", AT_CHANNEL,
	    "98 #0 'env' 1 '' ''; 98 #0 'pty-req' 1 '' #0 #0 #0 #0 ''; 98 #0 'signal' 0 ''; "
	    "98 #0 'window-change' 0 *16; 98 #0 'exec' 1 ''", GOES_ON, .hears = 99,
	    .hears_n = 3 },
	{ "two programs on a channel", AT_CHANNEL, "98 #0 'shell' 1; 98 #0 'exec' 1 'id'; "
	    "98 #0 'subsystem' 1 'sftp'", GOES_ON, .hears = 100, .hears_n = 2 },

	REKEYED,
	{ "ECDH_INIT of 31 bytes", AT_REKEY, "30 $31", KEX_VALUE },
	{ "ECDH_INIT of no bytes", AT_REKEY, "30 ''", KEX_VALUE },
	{ "ECDH_INIT of zeros", AT_REKEY, "30 #32 *32", KEX_VALUE },
	{ "ECDH_INIT of 2048 bytes", AT_REKEY, "30 $2048", KEX_VALUE },
	{ "ECDH_INIT of 2^32-1 bytes", AT_REKEY, "30 #4294967295 *40", FORMAT },
	{ "ECDH_INIT cut short", AT_REKEY, "30 $32", FORMAT, .cut_from = 1, .cut_to = 36 },
	{ "ECDH_INIT with more", AT_REKEY, "30 $32 0", FORMAT },
	{ "ECDH_REPLY from a client", AT_REKEY, "31 $51 $32 $83", ORDER },
	{ "ECDH_INIT twice", AT_REPLY, "30 $32", ORDER },
	{ "NEWKEYS with more", AT_REPLY, "21 0", FORMAT },
};

/* ---- a server's ---- */

#define PROMPT(count) "60 '' '' '' #" count " "

static const struct attack of_server[] = {
	PACKETS(AT_KEYED, "auth"),
	PACKETS(AT_CHANNEL, "open"),
	IN_CLEAR,
	OWN_MESSAGES(AT_SERVICE),
	OWN_MESSAGES(AT_OPEN),
	EXT_INFOS,
	{ "server-sig-algs with a NUL", AT_KEYED, "7 #1 'server-sig-algs' 'a~b'", FORMAT },
	{ "server-sig-algs of 30000", AT_KEYED, "7 #1 'server-sig-algs' $30000", GOES_ON },
	{ "server-sig-algs of no bytes", AT_KEYED, "7 #1 'server-sig-algs' ''", GOES_ON },

	{ "80 to 255 before the service", AT_KEYED, "N *8", ORDER, .from = 80, .to = 255 },
	{ "80 to 255 before the login", AT_SERVICE, "N *8", ORDER, .from = 80, .to = 255,
	    .try = BY_NOTHING },
	{ "what only clients say", AT_TRIED, "5 'ssh-userauth'; 30 $32; 50 *8; 61 #0", GOES_ON,
	    .packets = 4 },
	{ "ECDH_REPLY without an exchange", AT_SERVICE, "31 $51 $32 $83", ORDER },

	{ "login messages before the service", AT_KEYED, "N 'x' 0", ORDER, .from = 51,
	    .to = 53 },
	{ "another service", AT_KEYED, "6 'ssh-connection'", SERVICE_NAME },
	{ "service cut short", AT_KEYED, "6 'ssh-userauth'", LOGIN_FORMAT, .cut_from = 1,
	    .cut_to = 16 },
	{ "service with a NUL", AT_KEYED, "6 'ssh-userauth~'", LOGIN_FORMAT },
	{ "service with more", AT_KEYED, "6 'ssh-userauth' 0", LOGIN_FORMAT },
	{ "service twice", AT_KEYED, "6 'ssh-userauth'; 6 'ssh-userauth'", ORDER,
	    .try = BY_NOTHING },
	{ "service during a login", AT_TRIED, "6 'ssh-userauth'", ORDER },

	{ "SUCCESS before the service", AT_KEYED, "52", ORDER },
	{ "SUCCESS without a request", AT_SERVICE, "52", ORDER, .try = BY_NOTHING },
	{ "FAILURE without a request", AT_SERVICE, "51 'password' 0", ORDER,
	    .try = BY_NOTHING },
	{ "a prompt without a request", AT_SERVICE, PROMPT("1") "'x' 0", ORDER,
	    .try = BY_NOTHING },
	{ "SUCCESS twice", AT_OPEN, "52", ORDER },
	{ "FAILURE after the login", AT_OPEN, "51 'password' 0", ORDER },
	{ "BANNER after the login", AT_OPEN, "53 'x' ''", ORDER },
	{ "SUCCESS with more", AT_TRIED, "52 0", LOGIN_FORMAT, .instead = true },

	{ "FAILURE cut short", AT_TRIED, "51 'password' 0", LOGIN_FORMAT, .cut_from = 1,
	    .cut_to = 13, .instead = true },
	{ "FAILURE with more", AT_TRIED, "51 'password' 0 0", LOGIN_FORMAT, .instead = true },
	{ "FAILURE with a NUL", AT_TRIED, "51 'pass~word' 0", LOGIN_FORMAT, .instead = true },
	{ "FAILURE with a list of 1024", AT_TRIED, "51 $1024 0", GOES_ON, .instead = true,
	    .refused = true },
	{ "FAILURE with a list of 1025", AT_TRIED, "51 $1025 0", LOGIN_FORMAT,
	    .instead = true },
	{ "FAILURE with a list of 30000", AT_TRIED, "51 $30000 0", LOGIN_FORMAT,
	    .instead = true },
	{ "FAILURE with a list of 2^32-1", AT_TRIED, "51 #4294967295 *9", LOGIN_FORMAT,
	    .instead = true },
	{ "FAILURE with no list", AT_TRIED, "51 '' 0", GOES_ON, .instead = true,
	    .refused = true },
	{ "FAILURE of part", AT_TRIED, "51 'password,,,' 255", GOES_ON, .instead = true,
	    .refused = true },
	{ "FAILURE twice", AT_TRIED, "51 'password' 0; 51 'password' 0", ORDER,
	    .instead = true },
	{ "FAILURE that draws on terminals", AT_TRIED, "51 '\033[2J' 0", GOES_ON,
	    .instead = true, .refused = true },
	{ "a password to be changed", AT_TRIED, "60 'change it' ''", GOES_ON, .instead = true,
	    .refused = true },
	{ "a password to be changed, cut short", AT_TRIED, "60 'change it' ''", LOGIN_FORMAT,
	    .cut_from = 1, .cut_to = 17, .instead = true },
	{ "a prompt for a password request", AT_TRIED, PROMPT("1") "'x' 0", LOGIN_FORMAT,
	    .instead = true },

	{ "PK_OK for the key asked about", AT_TRIED,
	    "60 'ssh-ed25519' #51 'ssh-ed25519' 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy'", GOES_ON,
	    .instead = true, .refused = true, .try = BY_PROBE },
	{ "PK_OK for another key", AT_TRIED, "60 " SOME_KEY, LOGIN_FORMAT, .instead = true,
	    .try = BY_PROBE },
	{ "PK_OK for another algorithm", AT_TRIED,
	    "60 'ssh-rsa' #51 'ssh-ed25519' 'yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy'", LOGIN_FORMAT,
	    .instead = true, .try = BY_PROBE },
	{ "PK_OK for nothing", AT_TRIED, "60", LOGIN_FORMAT, .instead = true, .try = BY_PROBE },
	{ "PK_OK without a question", AT_TRIED, "60 " SOME_KEY, ORDER, .instead = true,
	    .try = BY_NONE },
	{ "PK_OK for a signature", AT_TRIED, "60 " SOME_KEY, ORDER, .instead = true,
	    .try = BY_KEY },
	{ "SUCCESS for a mere question", AT_TRIED, "52", ORDER, .instead = true,
	    .try = BY_PROBE },

	{ "2^32-1 prompts", AT_TRIED, PROMPT("4294967295"), LOGIN_FORMAT, .instead = true,
	    .try = BY_DIALOGUE },
	{ "2^32-1 prompts and some bytes", AT_TRIED, PROMPT("4294967295") "*5000", LOGIN_FORMAT,
	    .instead = true, .try = BY_DIALOGUE },
	{ "257 prompts", AT_TRIED, PROMPT("257") "*1285", LOGIN_FORMAT, .instead = true,
	    .try = BY_DIALOGUE },
	{ "256 prompts", AT_TRIED, PROMPT("256") "*1280", GOES_ON, .instead = true,
	    .refused = true, .try = BY_DIALOGUE },
	{ "prompts that we leave unanswered", AT_TRIED, PROMPT("3") "'a' 1 'b' 0 'c' 1", GOES_ON,
	    .instead = true, .refused = true, .try = BY_SILENCE },
	{ "no prompts", AT_TRIED, PROMPT("0"), GOES_ON, .instead = true, .refused = true,
	    .try = BY_DIALOGUE },
	{ "fewer prompts than counted", AT_TRIED, PROMPT("2") "'a' 1", LOGIN_FORMAT,
	    .instead = true, .try = BY_DIALOGUE },
	{ "more prompts than counted", AT_TRIED, PROMPT("1") "'a' 1 'b' 1", LOGIN_FORMAT,
	    .instead = true, .try = BY_DIALOGUE },
	{ "prompts cut short", AT_TRIED, PROMPT("1") "'ab' 1", LOGIN_FORMAT, .cut_from = 1,
	    .cut_to = 23, .instead = true, .try = BY_DIALOGUE },
	{ "a prompt with a NUL", AT_TRIED, PROMPT("1") "'a~' 1", LOGIN_FORMAT, .instead = true,
	    .try = BY_DIALOGUE },
	{ "a dialogue with a long name", AT_TRIED, "60 $1025 '' '' #0", LOGIN_FORMAT,
	    .instead = true, .try = BY_DIALOGUE },
	{ "a dialogue with a long instruction", AT_TRIED, "60 '' $4097 '' #0", LOGIN_FORMAT,
	    .instead = true, .try = BY_DIALOGUE },
	{ "a dialogue that draws on terminals", AT_TRIED,
	    "60 '\033[2J' '\r\n\033c' '' #1 '\033]0;x\007' 0", GOES_ON, .instead = true,
	    .refused = true, .try = BY_DIALOGUE },
	{ "prompts twice", AT_TRIED, PROMPT("1") "'a' 1;" PROMPT("1") "'a' 1", ORDER,
	    .instead = true, .try = BY_DIALOGUE },
	{ "100 rounds of prompts", AT_TRIED, PROMPT("1") "'a' 1", GOES_ON, .instead = true,
	    .refused = true, .try = BY_DIALOGUE, .rounds = 100 },

	{ "64 banners", AT_TRIED, "53 'hello' ''", GOES_ON, .times = 64 },
	{ "65 banners", AT_TRIED, "53 'hello' ''", LOGIN_FORMAT, .times = 65 },
	{ "banner flood", AT_SERVICE, "53 $16384 ''", LOGIN_FORMAT, .times = 5000,
	    .try = BY_NOTHING },
	{ "a banner of 16385", AT_TRIED, "53 $16385 ''", LOGIN_FORMAT },
	{ "a banner of 2^32-1", AT_TRIED, "53 #4294967295 *50", LOGIN_FORMAT },
	{ "a banner of no bytes", AT_TRIED, "53 '' ''", GOES_ON },
	{ "a banner with a NUL", AT_TRIED, "53 'a~b' ''", LOGIN_FORMAT },
	{ "a banner cut short", AT_TRIED, "53 'hello' ''", LOGIN_FORMAT, .cut_from = 1,
	    .cut_to = 13 },
	{ "a banner that draws on terminals", AT_TRIED, "53 '\033[2J\007' ''", GOES_ON },

	NO_CHANNEL,
	ON_CHANNEL,
	{ "a byte of stderr beyond the window", AT_CHANNEL,
	    "95 #0 #1 $32768; 94 #0 $32768; 95 #0 #1 'x'", OVERRUN },
	{ "opens toward a client", AT_OPEN, OPEN_SESSION, GOES_ON, .times = 1000, .hears = 92,
	    .hears_n = 1000, .weigh = true },
	{ "requests toward a client", AT_CHANNEL,
	    "98 #0 'shell' 1; 98 #0 'exec' 1 'id'; 98 #0 'subsystem' 1 'x'; 98 #0 'env' 1 'A' 'b'; "
	    "98 #0 'pty-req' 1 'vt100' #1 #1 #1 #1 ''; 98 #0 'break' 1 #1; 98 #0 'x11-req' 1; "
	    "98 #0 'auth-agent-req@openssh.com' 1; 98 #0 'keepalive@openssh.com' 1; "
	    "98 #0 'xon-xoff' 1 1", GOES_ON, .hears = 100, .hears_n = 10 },
	{ "window changes and signals toward a client", AT_CHANNEL,
	    "98 #0 'window-change' 0 *16; 98 #0 'signal' 0 'KILL'", GOES_ON, .times = 1000 },

	{ "confirmation of another channel", AT_ASKED, "91 #1 #7 #65536 #32768", NOT_OPEN,
	    .instead = true },
	{ "confirmation of channel 2^32-1", AT_ASKED, "91 #4294967295 #7 #65536 #32768",
	    NOT_OPEN, .instead = true },
	{ "confirmation with packets of no bytes", AT_ASKED, "91 #0 #7 #65536 #0", FORMAT,
	    .instead = true },
	{ "confirmation cut short", AT_ASKED, "91 #0 #7 #65536 #32768", FORMAT, .cut_from = 1,
	    .cut_to = 16, .instead = true },
	{ "confirmation twice", AT_ASKED,
	    "91 #0 #7 #65536 #32768; 91 #0 #7 #65536 #32768", NOT_NOW, .instead = true },
	{ "confirmation and failure", AT_ASKED, "91 #0 #7 #65536 #32768; 92 #0 #1 '' ''",
	    NOT_NOW, .instead = true },
	{ "failure and confirmation", AT_ASKED, "92 #0 #1 '' ''; 91 #0 #7 #65536 #32768",
	    NOT_OPEN, .instead = true },
	{ "failure of a long story", AT_ASKED, "92 #0 #4294967295 $30000 ''", GOES_ON,
	    .instead = true, .refused = true },
	{ "failure that draws on terminals", AT_ASKED, "92 #0 #1 '\033[2J\r' ''", GOES_ON,
	    .instead = true, .refused = true },
	{ "failure with a NUL", AT_ASKED, "92 #0 #1 'a~' ''", FORMAT, .instead = true },
	{ "failure cut short", AT_ASKED, "92 #0 #1 'no' ''", FORMAT, .cut_from = 1,
	    .cut_to = 18, .instead = true },
	{ "data before the confirmation", AT_ASKED, "94 #0 'x'", NOT_OPEN, .instead = true },
	{ "EOF, CLOSE before the confirmation", AT_ASKED, "N #0", NOT_OPEN, .from = 96,
	    .to = 97, .instead = true },

	{ "failure of a command", AT_EXEC, "100 #0", GOES_ON, .instead = true,
	    .refused = true },
	{ "success of a command twice", AT_EXEC, "99 #0; 99 #0", UNASKED, .instead = true },
	{ "global success for a command", AT_EXEC, "81", UNASKED, .instead = true },
	{ "exit-status too long, after its command", AT_EXEC,
	    "99 #0; 98 #0 'exit-status' 0 #7 0", FORMAT, .instead = true },
	{ "exit-status twice", AT_EXEC,
	    "99 #0; 98 #0 'exit-status' 0 #7; 98 #0 'exit-status' 1 #8; "
	    "98 #0 'exit-signal' 1 'KILL' 1 'a' ''; 96 #0; 97 #0", GOES_ON, .instead = true,
	    .hears = 99, .hears_n = 2 },
	{ "exit-status before the answer", AT_EXEC,
	    "98 #0 'exit-status' 0 #7; 99 #0; 96 #0; 97 #0", GOES_ON, .instead = true },
	{ "stderr of a command before its answer", AT_EXEC,
	    "95 #0 #1 'oops'; 99 #0; 98 #0 'exit-status' 0 #7; 97 #0", GOES_ON,
	    .instead = true },

	REKEYED,
	{ "another signer at first", AT_CLEAR, "",
	    BAD_KEY(3, "the server's signature is not its host key's"), .deed = OTHER_SIGNER },
	{ "another signer later", AT_REKEY, "",
	    BAD_KEY(3, "the server's signature is not its host key's"), .deed = OTHER_SIGNER },
	{ "another host key later", AT_REKEY, "",
	    BAD_KEY(9, "the host key changed during the connection"), .deed = OTHER_KEY },
	{ "ECDH_REPLY of 31 bytes", AT_REKEY, "31 $51 $31 $83", KEX_VALUE },
	{ "ECDH_REPLY of zeros", AT_REKEY, "31 $51 #32 *32 $83", KEX_VALUE },
	{ "ECDH_REPLY of nothing", AT_REKEY, "31 '' '' ''", FORMAT },
	{ "ECDH_REPLY of 2^32-1", AT_REKEY, "31 #4294967295 *100", FORMAT },
	{ "ECDH_REPLY with nonsense for a key", AT_REKEY, "31 $51 $32 $83",
	    BAD_KEY(3, "the server's signature is not its host key's") },
	{ "ECDH_REPLY cut short", AT_REKEY, "31 'k' $32 's'", FORMAT, .cut_from = 1,
	    .cut_to = 46 },
	{ "ECDH_REPLY with more", AT_REKEY, "31 'k' $32 's' 0", FORMAT },
	{ "ECDH_INIT from a server", AT_REKEY, "30 $32", ORDER },
	{ "NEWKEYS before the reply", AT_REPLY, "21", ORDER },
};

#endif
