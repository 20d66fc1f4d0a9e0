#!/usr/bin/env python3
"""negotiation_test.py - KEXINITs that no peer of ours sends, and what RFC 4253 section 7 says of them.

A client of a few lines that speaks up to NEWKEYS, in a group of RFC 3526, for which Python's numbers suffice: lists of
one cipher, wrong and right guesses, 10,000 names.
"""
import contextlib, os, socket, struct, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import SAN, Failure, check, labelled, main

GROUP14, CURVE = b"diffie-hellman-group14-sha256", b"curve25519-sha256"
# RFC 3526 section 3
P = int("FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
        "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
        "49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D"
        "670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
        "3995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF", 16)
KEXINIT, NEWKEYS, KEXDH_INIT, KEXDH_REPLY = 20, 21, 30, 31
servers = {}


def server(lab, *lines):
    if lines not in servers:
        servers[lines] = lab.posternd(*lines, level="VERBOSE")
    return servers[lines]


def packet(payload):
    pad = 8 - (len(payload) + 5) % 8
    pad += 8 if pad < 4 else 0
    return struct.pack(">IB", len(payload) + pad + 1, pad) + payload + bytes(pad)


def kexinit(kex=GROUP14, key=b"ssh-ed25519", cipher=b"aes256-gcm@openssh.com", mac=b"hmac-sha2-256-etm@openssh.com",
            follows=False):
    lists = [kex, key, cipher, cipher, mac, mac, b"none", b"none", b"", b""]
    return (bytes([KEXINIT]) + os.urandom(16) + b"".join(struct.pack(">I", len(l)) + l for l in lists) +
            bytes([follows]) + bytes(4))


def mpint(n):
    raw = n.to_bytes(n.bit_length() // 8 + 1, "big")
    return struct.pack(">I", len(raw)) + raw


def dh_init():
    return bytes([KEXDH_INIT]) + mpint(pow(2, int.from_bytes(os.urandom(64), "big") | 1 << 511, P))


class Client:
    def __init__(self, s):
        self.c = socket.create_connection(("127.0.0.1", s.port), 10)
        self.c.settimeout(10)
        self.c.sendall(b"SSH-2.0-negotiation_test\r\n")
        self.f = self.c.makefile("rb")
        check(self.f.readline().startswith(b"SSH-2.0-"), "no identification string")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.f.close()
        self.c.close()

    def send(self, *payloads):
        self.c.sendall(b"".join(packet(p) for p in payloads))

    def read(self):
        """The next packet's payload, in clear; b"" at the end."""
        head = self.f.read(5)
        if len(head) < 5:
            return b""
        length, pad = struct.unpack(">IB", head)
        return self.f.read(length - 1)[:length - 1 - pad]

    def expect(self, number):
        p = self.read()
        check(p[:1] == bytes([number]), "message %d wanted, got %r" % (number, p[:80]))
        return p

    def agrees(self):
        """A whole exchange: the server's value is in range, and it changes keys."""
        p = self.expect(KEXDH_REPLY)
        at = 5 + struct.unpack(">I", p[1:5])[0]
        n = struct.unpack(">I", p[at:at + 4])[0]
        check(1 < int.from_bytes(p[at + 4:at + 4 + n], "big") < P - 1, "f out of range")
        self.expect(NEWKEYS)


def said_since(s, at, text):
    end = time.monotonic() + 5
    while text not in s.text()[at:]:
        check(time.monotonic() < end, "the log does not say %r: %s" % (text, s.text()[at:][-600:]))
        time.sleep(0.02)


def only(lab, line, cipher, mac, problem):
    """A client of one cipher and one MAC."""
    s = server(lab, *([line] if line else []))
    at = len(s.text())
    with Client(s) as c:
        c.expect(KEXINIT)
        # the key exchange is none of this matter
        c.send(kexinit(kex=CURVE if problem else GROUP14 if line else CURVE, cipher=cipher, mac=mac))
        if problem:
            check(c.read()[:1] == b"\x01", "no DISCONNECT")
        elif line:
            c.send(dh_init())
            c.agrees()
        else:
            # no group 14 by default: that the server waits for our value says that it agrees
            c.send(bytes([KEXDH_INIT]) + struct.pack(">I", 32) + b"\x09" + bytes(31))
            c.expect(KEXDH_REPLY)
            c.expect(NEWKEYS)
    if problem:
        said_since(s, at, problem)


def guess(lab, kex, key, packets, agrees):
    """RFC 4253 7: a guess is wrong unless the first names of both sides' lists are the same, and the packet that
    follows a wrong one is ignored, whatever it is; that which follows a right one counts."""
    s = server(lab, "KexAlgorithms %s,%s" % (GROUP14.decode(), CURVE.decode()))
    with Client(s) as c:
        c.expect(KEXINIT)
        c.send(kexinit(kex, key, follows=True), *packets)
        if agrees:
            c.agrees()
        else:
            check(c.read()[:1] == b"\x01", "no DISCONNECT")


JUNK = bytes([KEXDH_INIT]) + mpint(1)    # of another method it might be good; here it is none
OTHERS_FIRST = b"rot13," + GROUP14
GUESSES = {
    "wrong kex, its packet is ignored": (OTHERS_FIRST, b"ssh-ed25519", [JUNK, dh_init()], True),
    "wrong kex, an empty packet is ignored": (OTHERS_FIRST, b"ssh-ed25519", [b"\x1e", dh_init()], True),
    "wrong kex, a good packet is ignored too": (OTHERS_FIRST, b"ssh-ed25519", [dh_init(), dh_init()], True),
    "wrong kex, only one packet is ignored": (OTHERS_FIRST, b"ssh-ed25519", [JUNK, JUNK], False),
    "wrong host key, its packet is ignored": (GROUP14, b"ssh-dss,ssh-ed25519", [JUNK, dh_init()], True),
    "right, its packet counts": (GROUP14, b"ssh-ed25519", [dh_init()], True),
    "right, a bad packet counts too": (GROUP14, b"ssh-ed25519", [JUNK, dh_init()], False),
}


def names(n):
    """That many different names, as short as they can be: all in one packet."""
    letters = [bytes([b]) for b in range(33, 127) if b != 44]
    out = [a + b for a in letters for b in letters]
    out += [b"%x@" % i for i in range(0x100, 0x1000)]
    return out[:n]


def cpu(pid):
    """Processor seconds of it and all below it, living or waited for."""
    ticks, todo = 0, [pid]
    while todo:
        p = todo.pop()
        with contextlib.suppress(OSError):
            with open("/proc/%d/stat" % p) as f:
                ticks += sum(int(t) for t in f.read().rsplit(")", 1)[1].split()[11:15])
            with open("/proc/%d/task/%d/children" % (p, p)) as f:
                todo += [int(c) for c in f.read().split()]
    return ticks / os.sysconf("SC_CLK_TCK")


def many_names(lab, n, **lists):
    """Each list has n names that nobody knows before the one that is meant.  It goes on as if there was but that one,
    and costs next to nothing."""
    s = server(lab, "AlgorithmPreset compat")
    with Client(s) as c:
        c.expect(KEXINIT)
        before = cpu(s.process.pid)
        c.send(kexinit(**{which: b",".join(names(n) + [meant]) for which, meant in lists.items()}), dh_init())
        c.agrees()
        spent = cpu(s.process.pid) - before
    check(spent < (2 if SAN else 0.25), "%.2f s of processor time" % spent)


def too_many_names(lab):
    """A packet larger than RFC 4253 6.1 asks for is refused by its length alone."""
    s = server(lab, "AlgorithmPreset compat")
    at = len(s.text())
    with Client(s) as c:
        c.expect(KEXINIT)
        with contextlib.suppress(ConnectionError):
            c.send(kexinit(b",".join(names(12000)) + b"," + GROUP14))
        with contextlib.suppress(ConnectionError):
            check(c.read()[:1] in (b"\x01", b""), "no end")
    said_since(s, at, "packet length")


COMPAT = "AlgorithmPreset compat"
cases = [labelled("only aes256-ctr and hmac-sha2-256, compat", only, COMPAT, b"aes256-ctr", b"hmac-sha2-256", None),
         labelled("only aes256-ctr and hmac-sha2-256, modern", only, None, b"aes256-ctr", b"hmac-sha2-256",
                  "the preset compat would have agreed"),
         labelled("only chacha20, compat", only, COMPAT, b"chacha20-poly1305@openssh.com", b"rot13", None),
         labelled("only chacha20, modern", only, None, b"chacha20-poly1305@openssh.com", b"rot13", None),
         labelled("only a cipher nobody has", only, None, b"rot13", b"hmac-sha2-256", "no cipher in common")]
cases += [labelled("a guess: " + n, guess, *g) for n, g in GUESSES.items()]
cases += [labelled("10,000 names before the key exchange's", lambda lab: many_names(lab, 10000, kex=GROUP14)),
          labelled("10,000 names before the host key's", lambda lab: many_names(lab, 10000, key=b"ssh-ed25519")),
          # these lists are there once for each direction: as many as there is room for
          labelled("9,600 names before ciphers and MACs", lambda lab: many_names(lab, 2400, cipher=b"aes128-ctr",
                                                                                   mac=b"hmac-sha2-256")),
          too_many_names]

if __name__ == "__main__":
    main(cases)
