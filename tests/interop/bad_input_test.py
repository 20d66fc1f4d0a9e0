#!/usr/bin/env python3
"""bad_input_test.py - what a stranger may send before there are keys.

Each case is one connection: it must end by our side within its time, with a line
in the log that names the reason, and the server must serve the next one.  At the
end a thousand of them leave descriptors, children and memory as they were.  (What
comes under encryption is attacked in wire_attack_test.)
"""
import contextlib, os, re, socket, struct, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import POSTERN, SAN, check, descendants, labelled, main
from locked_test import VERSION, kexinit, logged_in

servers = {}


def server(lab):
    if "s" not in servers:
        servers["s"] = lab.posternd("AlgorithmPreset compat")
    return servers["s"]


def packet(payload, pad=None, length=None):
    if pad is None:
        pad = 8 - (len(payload) + 5) % 8
        pad += 8 if pad < 4 else 0
    return struct.pack(">IB", len(payload) + pad + 1 if length is None else length, pad) + payload + bytes(pad)


def lists(*names, tail=b"\0" + bytes(4)):
    return b"\x14" + bytes(16) + b"".join(struct.pack(">I", len(n)) + n for n in names) + tail


GOOD = [b"curve25519-sha256", b"ssh-ed25519", b"aes128-ctr", b"aes128-ctr", b"hmac-sha2-256", b"hmac-sha2-256", b"none",
        b"none", b"", b""]


def replaced(i, value):
    out = list(GOOD)
    out[i] = value
    return out


def mpint(n):
    raw = n.to_bytes(n.bit_length() // 8 + 1, "big") if n else b""
    return struct.pack(">I", len(raw)) + raw


GEX = VERSION + packet(lists(*replaced(0, b"diffie-hellman-group-exchange-sha256")))
REQUEST = packet(b"\x22" + struct.pack(">III", 2048, 2048, 8192))
GEX_CASES = {
    "a request for a group, bounds crossed": (GEX + packet(b"\x22" + struct.pack(">III", 4096, 2048, 8192)), r"malformed"),
    "a request for a group, cut short": (GEX + packet(b"\x22" + bytes(8)), r"malformed"),
    "a request for 1024 bits": (GEX + packet(b"\x22" + struct.pack(">III", 1024, 1024, 1024)), r"no group"),
    "the old request for a group": (GEX + packet(b"\x1e" + struct.pack(">I", 2048)), r"not allowed"),
    "a group exchange without its request": (GEX + packet(b"\x20" + mpint(2)), r"not allowed"),
    "two requests for a group": (GEX + REQUEST * 2, r"not allowed"),
    **{"a group's public value of %s" % name: (GEX + REQUEST + packet(b"\x20" + value), reason) for name, value, reason in (
        ("0", mpint(0), r"key exchange value"), ("1", mpint(1), r"key exchange value"),
        ("2^8191", mpint(1 << 8191), r"key exchange value"), ("-1", struct.pack(">I", 1) + b"\xff", r"malformed"),
        ("2 bytes for 1", struct.pack(">I", 2) + b"\0\2", r"malformed"))},
}
CASES = {
    **GEX_CASES,
    "garbage instead of a banner": (b"\x00\xff" * 400 + b"\n", r"identification string"),
    "an HTTP request": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", r"identification string"),
    "10,000 lines before a banner": (b"hello\r\n" * 10000, r"identification string"),
    "an endless banner": (b"SSH-2.0-" + b"x" * 100000, r"identification string"),
    "a NUL in the banner": (b"SSH-2.0-a\0b\r\n", r"identification string"),
    "protocol 1.5": (b"SSH-1.5-old\r\n", r"version"),
    "an empty line": (b"\r\n" * 3, r"identification string"),
    "packet_length 0": (VERSION + struct.pack(">I", 0) + bytes(60), r"packet length"),
    "packet_length 1": (VERSION + struct.pack(">I", 1) + bytes(60), r"packet length"),
    "packet_length 35001": (VERSION + struct.pack(">I", 35001) + bytes(60), r"packet length"),
    "packet_length 2^31": (VERSION + struct.pack(">I", 1 << 31) + bytes(60), r"packet length"),
    "packet_length 2^32-1": (VERSION + struct.pack(">I", 0xffffffff) + bytes(60), r"packet length"),
    "padding longer than the packet": (VERSION + struct.pack(">IB", 12, 200) + bytes(60), r"padding"),
    "padding of 3": (VERSION + packet(lists(*GOOD), pad=3), r"padding|packet length"),
    "a packet of padding alone": (VERSION + struct.pack(">IB", 12, 11) + bytes(11), r"message|padding"),
    "a message before KEXINIT": (VERSION + packet(b"\x32" + bytes(20)), r"not allowed"),
    "NEWKEYS at once": (VERSION + packet(b"\x15"), r"not allowed"),
    "CHANNEL_OPEN at once": (VERSION + packet(b"\x5a" + bytes(30)), r"not allowed"),
    "an empty KEXINIT": (VERSION + packet(b"\x14"), r"malformed"),
    "a KEXINIT of empty lists": (VERSION + packet(lists(*[b""] * 10)), r"in common"),
    "a KEXINIT cut short": (VERSION + packet(lists(*GOOD)[:60]), r"malformed"),
    "a KEXINIT with a byte too many": (VERSION + packet(lists(*GOOD) + b"x"), r"malformed"),
    "a list longer than its packet": (VERSION + packet(b"\x14" + bytes(16) + b"\xff\xff\xff\xff" + bytes(80)), r"malformed"),
    "a list of 10,000 names": (VERSION + packet(lists(*replaced(0, b",".join(b"a%d" % i for i in range(5000))))),
                               r"in common"),
    "a list of commas": (VERSION + packet(lists(*replaced(0, b"," * 30000))), r"in common|malformed"),
    "no kex in common": (VERSION + packet(lists(*replaced(0, b"rot13"))), r"key exchange method in common"),
    "no cipher in common": (VERSION + packet(lists(*replaced(2, b"rot13"))), r"cipher in common"),
    "KEXINIT twice": (VERSION + packet(lists(*GOOD)) * 2, r"not allowed"),
    "a public value of 31 bytes": (VERSION + packet(lists(*GOOD)) + packet(b"\x1e" + struct.pack(">I", 31) + b"k" * 31),
                                   r"key exchange value|malformed"),
    "a public value of zeros": (VERSION + packet(lists(*GOOD)) + packet(b"\x1e" + struct.pack(">I", 32) + bytes(32)),
                                r"key exchange value"),
    "a public value of 0 bytes": (VERSION + packet(lists(*GOOD)) + packet(b"\x1e" + bytes(4)),
                                  r"key exchange value|malformed"),
    "strict kex broken by IGNORE": (VERSION + packet(lists(*replaced(0, b"curve25519-sha256,kex-strict-c-v00@openssh.com")))
                                    + packet(b"\x02" + bytes(4)), r"strict"),
}


def thrown(s, data, seconds=10):
    """Sends it all and reads until our side ends the connection."""
    with socket.create_connection(("127.0.0.1", s.port), 5) as c:
        c.settimeout(seconds)
        with contextlib.suppress(ConnectionError, BrokenPipeError):
            c.sendall(data)
        got = b""
        try:
            while True:
                d = c.recv(65536)
                if not d:
                    return got
                got += d
        except ConnectionError:
            return got
        except socket.timeout:
            raise AssertionError("our side does not end the connection within %d s" % seconds) from None


def one(lab, data, reason):
    s = server(lab)
    at = os.path.getsize(s.log)
    thrown(s, data)
    end = time.monotonic() + 5
    while True:
        with open(s.log, errors="replace") as f:
            f.seek(at)
            said = f.read()
        if re.search(reason, said):
            break
        check(time.monotonic() < end, "the log does not say %r: %r" % (reason, said[-800:]))
        time.sleep(0.02)
    check(s.process.poll() is None, "posternd ended")


def still_serves(lab):
    with logged_in(lab, server(lab)):
        pass


def counts(pid):
    fds = children = rss = 0
    for p in [pid, *descendants(pid)]:
        with contextlib.suppress(OSError):
            with open("/proc/%d/comm" % p) as f:
                name = f.read()
            if name.startswith("postern-worker"):
                continue        # these come and go; how many is counted below
            fds += len(os.listdir("/proc/%d/fd" % p))
            with open("/proc/%d/smaps_rollup" % p) as f:
                rss += sum(int(l.split()[1]) for l in f if l.startswith("Private_Dirty:"))
            children += 1
    workers = len(descendants(pid)) + 1 - children
    return fds, children, rss, workers


def nothing_leaks(lab):
    """All the cases again and again, a thousand in all: counts before and after."""
    s = lab.posternd("AlgorithmPreset compat", level="ERROR")
    payloads = [d for d, _ in CASES.values()] + [b"", VERSION]

    def throw(n):
        for i in range(n):
            d = payloads[i % len(payloads)]
            if d in (b"", VERSION):
                with socket.create_connection(("127.0.0.1", s.port), 5) as c:
                    c.sendall(d)
            else:
                thrown(s, d)

    throw(200)              # buffers have their size, every path was walked
    time.sleep(1)
    before = counts(s.process.pid)
    throw(100 if SAN else 1000)
    end = time.monotonic() + 5
    while True:
        after = counts(s.process.pid)
        # a successor zygote may stand ready: a link and a pidfd in the monitor
        same = after[0] <= before[0] + 2 and after[1] == before[1] and after[3] <= before[3] + 1
        if same and after[2] <= before[2] + (8192 if SAN else 128):     # ASan keeps what is freed
            break
        check(time.monotonic() < end, "descriptors, processes, KiB, workers: %s before, %s after" % (before, after))
        time.sleep(0.1)
    with logged_in(lab, s):
        pass


def client(lab, data, reason):
    """The same thrown at postern by a server."""
    with socket.create_server(("127.0.0.1", 0)) as l:
        p = subprocess.Popen([POSTERN, "-F", "none", "-v", "-o", "BatchMode=yes", "-o", "UserKnownHostsFile=/dev/null", "-o",
                              "AlgorithmPreset=compat", "-p", str(l.getsockname()[1]), "x@127.0.0.1", "true"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        l.settimeout(10)
        c, _ = l.accept()
        with c:
            with contextlib.suppress(ConnectionError, BrokenPipeError):
                c.sendall(data)
            try:
                _, err = p.communicate(timeout=20)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
                raise AssertionError("postern does not end") from None
    check(p.returncode == 255 and re.search(reason, err.decode(errors="replace")), "%d %r" % (p.returncode, err[-600:]))


CLIENT = {n: (d.replace(b"kex-strict-c", b"kex-strict-s"), r) for n, (d, r) in CASES.items()
          if n not in GEX_CASES and "public value" not in n and "empty line" not in n and "HTTP" not in n and "garbage" not in n}
CLIENT.update({"a group with %s" % name: (GEX + packet(b"\x1f" + p + g), reason) for name, p, g, reason in (
    ("a p of 1024 bits", mpint((1 << 1023) + 1155 * 2 + 2), mpint(2), r"key exchange value"),
    ("a p of 16384 bits", mpint((1 << 16383) + 1), mpint(2), r"key exchange value|malformed"),
    ("an even p", mpint(1 << 2047), mpint(2), r"key exchange value"),
    ("a generator of 1", mpint((1 << 2047) + 9), mpint(1), r"key exchange value"),
    ("a negative p", struct.pack(">I", 256) + b"\xff" * 256, mpint(2), r"malformed"))})
CLIENT["10,000 lines before a banner"] = (b"hello\r\n" * 10000, r"identification string")
for n in ("CHANNEL_OPEN at once", "a message before KEXINIT"):
    CLIENT[n] = (CLIENT[n][0], r"not allowed")


def banner(s, source):
    """A connection from there that says nothing, and what it is told first; b"": it is refused."""
    c = socket.create_connection(("127.0.0.1", s.port), 5, source_address=(source, 0))
    c.settimeout(10)
    try:
        return c, c.recv(64)
    except ConnectionError:
        return c, b""


def one_source_has_its_share(lab):
    """PerSourceMaxStartups and PerSourceNetBlockSize: who fills his share is refused, and the others are not."""
    for size, neighbour, far in (("32", "127.0.0.2", "127.0.0.3"), ("24:64", "127.0.1.1", "127.0.2.1")):
        s = lab.posternd("PerSourceMaxStartups 2", "PerSourceNetBlockSize " + size)
        held, end = [], time.monotonic() + 10
        while len(held) < 2 and time.monotonic() < end:     # the daemon was looked for from here just now
            c, said = banner(s, "127.0.0.1")
            held += [c] if said.startswith(b"SSH-2.0-") else []
        check(len(held) == 2, "not even its share: %s" % s.text())
        check(banner(s, "127.0.0.1")[1] == b"", "more than its share")
        check(s.says("PerSourceMaxStartups"), s.text())
        for source in neighbour, far:
            c, said = banner(s, source)
            check(said.startswith(b"SSH-2.0-"), "%s is refused: %s" % (source, s.text()))
            held.append(c)
        if size != "32":
            check(banner(s, "127.0.0.77")[1] == b"", "a neighbour in the block has a share of its own")
        held.pop(0).close()
        end = time.monotonic() + 10
        while not banner(s, "127.0.0.1")[1]:
            check(time.monotonic() < end, "who leaves makes no room")
            time.sleep(0.1)
        for c in held:
            c.close()
        s.stop()


cases = [labelled("server: " + n, one, d, r) for n, (d, r) in CASES.items()]
cases += [still_serves, nothing_leaks, one_source_has_its_share]
cases += [labelled("client: " + n, client, d, r) for n, (d, r) in CLIENT.items()]

if __name__ == "__main__":
    main(cases)
