#!/usr/bin/env python3
"""client_forward_test.py - postern forwards through OpenSSH's sshd and through posternd.

-L, -R, -D, -W, -J, -N, -A and -X over ports and paths; the agent for logging in; who
closes first; many connections at once; and what happens when a listener is not to be had.
"""
import contextlib, os, re, secrets, signal, socket, struct, subprocess, sys, threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from forward_test import WAIT, Target, connect, echo, echo_after_eof, read_all, refused, says_and_closes, until
from lab import POSTERN, SAN, check, descendants, digest, free_port, labelled, main, need, noise

servers = {}


def server(lab, kind="sshd", *lines):
    if (kind, lines) not in servers:
        servers[kind, lines] = getattr(lab, kind)(*lines)
    return servers[kind, lines]


class Client:
    """postern with forwards, until it is told to stop; -N unless there is a command."""

    def __init__(self, lab, s, *args, command=(), stdin=subprocess.DEVNULL):
        self.err = lab.path("postern.err")
        argv = [POSTERN, "-F", "none", "-p", str(s.port), *args, "-o", "StrictHostKeyChecking=accept-new",
                "-o", "UserKnownHostsFile=" + lab.path("known"), "-o", "GlobalKnownHostsFile=none",
                "-o", "BatchMode=yes", "-i", lab.userkey, *([] if command else ["-N"]),
                "%s@127.0.0.1" % lab.user, *command]
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen(argv, stdin=stdin, stdout=subprocess.PIPE, stderr=err)

    def text(self):
        with open(self.err, errors="replace") as f:
            return f.read()

    def listening(self, port, host="127.0.0.1"):
        def there():
            check(self.process.poll() is None, "postern ended: " + self.text())
            with contextlib.suppress(OSError):
                connect(port, host).close()
                return True
        until(there, "a listener on port %d: %s" % (port, self.text()))

    def said(self, pattern):
        def there():
            m = re.search(pattern, self.text())
            check(m or self.process.poll() is None, "postern ended: " + self.text())
            return m
        return until(there, "%r in %r" % (pattern, self.text()))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def round_trip(c, data):
    """Sends, ends, and wants the digest of all that was sent: both half-closes."""
    c.settimeout(60)
    sender = threading.Thread(target=lambda: (c.sendall(data), c.shutdown(socket.SHUT_WR)), daemon=True)
    sender.start()
    got = read_all(c)
    sender.join(10)
    check(got == digest(data).encode(), "the far side's digest differs: %r" % got[:80])


def local_port(lab, kind):
    port = free_port()
    with Target(echo_after_eof) as t, Client(lab, server(lab, kind), "-L", "%d:127.0.0.1:%d" % (port, t.port)) as p:
        p.listening(port)
        with connect(port) as c:
            round_trip(c, noise(2 << 20))


def local_name(lab):
    """A host that is a name; a listener on ::1 in brackets."""
    port = free_port()
    with Target(says_and_closes) as t, \
            Client(lab, server(lab), "-L", "[::1]:%d:localhost:%d" % (port, t.port)) as p:
        p.listening(port, "::1")
        with connect(port, "::1") as c:
            check(read_all(c) == b"farewell", "no farewell")
        check(refused(port), "127.0.0.1 is open too")


def local_paths(lab):
    here, there = lab.path("here.sock"), "/tmp/there-%s.sock" % secrets.token_hex(4)
    with Target(echo_after_eof, there), Target(echo_after_eof) as t, contextlib.ExitStack() as stack:
        stack.callback(lambda: os.unlink(there))
        port = free_port()
        p = stack.enter_context(Client(lab, server(lab), "-L", "%s:%s" % (here, there), "-L", "%d:%s" % (port, there),
                                       "-L", "%s2:127.0.0.1:%d" % (here, t.port)))
        p.listening(port)
        with connect(port) as c:
            round_trip(c, b"port to path")
        check(os.stat(here).st_mode & 0o777 == 0o600, "mode %o" % os.stat(here).st_mode)
        for path in here, here + "2":
            with socket.socket(socket.AF_UNIX) as c:
                c.connect(path)
                round_trip(c, noise(1 << 18))
        p.process.terminate()
        p.process.wait(10)
        check(not os.path.exists(here), "its path is still there")


def remote_port(lab, kind):
    with Target(echo_after_eof) as t, Client(lab, server(lab, kind), "-R", "0:127.0.0.1:%d" % t.port) as p:
        port = int(p.said(r"Allocated port (\d+) for remote forward to 127.0.0.1:%d" % t.port).group(1))
        with connect(port) as c:
            round_trip(c, noise(2 << 20))


def remote_name(lab):
    """Resolved in a child; the loop goes on meanwhile."""
    with Target(echo_after_eof) as t, Client(lab, server(lab), "-R", "0:localhost:%d" % t.port) as p:
        port = int(p.said(r"Allocated port (\d+)").group(1))
        with connect(port) as c:
            round_trip(c, b"by name")


def remote_paths(lab):
    there, here = "/tmp/remote-%s.sock" % secrets.token_hex(4), lab.path("here.sock")
    with Target(echo_after_eof, here), Client(lab, server(lab), "-R", "%s:%s" % (there, here)) as p:
        until(lambda: os.path.exists(there), "the server's path: " + p.text())
        with socket.socket(socket.AF_UNIX) as c:
            c.connect(there)
            round_trip(c, noise(1 << 18))


def remote_nobody(lab):
    port = free_port()
    with Client(lab, server(lab), "-R", "0:127.0.0.1:%d" % port) as p:
        far = int(p.said(r"Allocated port (\d+)").group(1))
        check(refused(far), "a connection to nobody")
        p.said("connect to 127.0.0.1:%d failed: Connection refused" % port)
        check(p.process.poll() is None, "that was the end")


def socks4(c, host, port, name=None):
    c.sendall(struct.pack(">BBH4s", 4, 1, port, socket.inet_aton(host)) + b"me\0" + (name + b"\0" if name else b""))
    return c.recv(8)


def socks5(c, atyp, address, port):
    c.sendall(b"\x05\x02\x01\x00")
    check(c.recv(2) == b"\x05\x00", "no method")
    c.sendall(struct.pack(">BBBB", 5, 1, 0, atyp) + address + struct.pack(">H", port))
    return c.recv(10)


def all_socks(port, target):
    def again():
        c = connect(port)
        c.settimeout(WAIT)
        return c
    with again() as c:
        check(socks4(c, "127.0.0.1", target)[:2] == b"\0\x5a", "SOCKS4")
        round_trip(c, b"four")
    with again() as c:
        check(socks4(c, "0.0.0.1", target, b"localhost")[:2] == b"\0\x5a", "SOCKS4a")
        round_trip(c, noise(1 << 20))
    with again() as c:
        check(socks5(c, 1, socket.inet_aton("127.0.0.1"), target)[:2] == b"\x05\0", "SOCKS5 v4")
        round_trip(c, b"five")
    with again() as c:
        check(socks5(c, 3, b"\x09localhost", target)[:2] == b"\x05\0", "SOCKS5 name")
        round_trip(c, b"five by name")
    with again() as c:      # byte by byte, and data right behind the request
        for b in b"\x05\x01\x00" + b"\x05\x01\x00\x03\x09localhost" + struct.pack(">H", target) + b"data":
            c.sendall(bytes([b]))
        c.shutdown(socket.SHUT_WR)
        check(c.recv(2) == b"\x05\0", "no method")
        got = read_all(c)
        check(got == b"\x05\0\0\x01" + 6 * b"\0" + digest(b"data").encode(), "pipelined: %r" % got)
    for bad in b"GET / HTTP/1.0\r\n\r\n", b"\x05\x01\x02", b"\x04\x02\0\x50\x7f\0\0\1\0", b"\x05\x01\0\x05\x02\0\1" + 6 * b"\0":
        with again() as c:
            c.sendall(bad)
            with contextlib.suppress(ConnectionResetError):
                check(read_all(c) in (b"", b"\x05\xff", b"\0\x5b" + 6 * b"\0",
                                      b"\x05\0\x05\x07\0\x01" + 6 * b"\0"), "%r was answered" % bad)


def dynamic(lab):
    port = free_port()
    with Target(echo_after_eof) as t, Client(lab, server(lab), "-D", str(port)) as p:
        p.listening(port)
        all_socks(port, t.port)


def remote_socks(lab):
    with Target(echo_after_eof) as t, \
            Client(lab, server(lab), "-R", "0", "-o", "PermitRemoteOpen=127.0.0.1:%d localhost:*" % t.port) as p:
        port = int(p.said(r"Allocated port (\d+)").group(1))
        all_socks(port, t.port)
        with connect(port) as c:
            check(socks5(c, 1, socket.inet_aton("127.0.0.1"), t.port + 1)[1:2] == b"\x05", "PermitRemoteOpen")


def stdio(lab, kind):
    data = noise(3 << 20)
    with Target(echo_after_eof) as t:
        r = lab.postern(server(lab, kind), "-W", "127.0.0.1:%d" % t.port, input=data)
        check(r.returncode == 0 and r.stdout == digest(data).encode(), "%d %r" % (r.returncode, r.stderr))
    r = lab.postern(server(lab, kind), "-W", "127.0.0.1:%d" % free_port())
    check(r.returncode == 255 and b"stdio forwarding failed" in r.stderr, "%s" % r)


def jump(lab, kinds, flag):
    """Each hop with a host key check, a user and a port of its own."""
    hops = [server(lab, k) if i == 0 else getattr(lab, k)() for i, k in enumerate(kinds)]
    known = lab.path("known")
    conf = lab.write("conf", "".join("Host hop%d\n HostName 127.0.0.1\n Port %d\n User %s\n HostKeyAlias alias%d\n"
                                     % (i, h.port, lab.user, i) for i, h in enumerate(hops)) +
                     "Host *\n UserKnownHostsFile %s\n GlobalKnownHostsFile none\n IdentityFile %s\n BatchMode yes\n"
                     " StrictHostKeyChecking yes\n" % (known, lab.userkey))
    last = len(hops) - 1
    args = [flag[0], flag[1] % ",".join("hop%d" % i for i in range(last)), "hop%d" % last, "cat; exit 5"]
    with open(known, "w") as f:
        f.write("".join("alias%d %s\n" % (i, lab.hostpub) for i in range(last)))
    r = lab.run([POSTERN, "-F", conf, *args], input=b"x")
    check(r.returncode == 255 and b"alias%d" % last in r.stderr, "an unknown last host: %s" % r)
    with open(known, "w") as f:
        f.write("".join("alias%d %s\n" % (i, lab.hostpub) for i in range(1, last + 1)))
    r = lab.run([POSTERN, "-F", conf, *args], input=b"x")
    check(r.returncode == 255 and b"alias0" in r.stderr, "an unknown hop: %s" % r)
    with open(known, "a") as f:
        f.write("alias0 %s\n" % lab.hostpub)
    data = noise(2 << 20)
    r = lab.run([POSTERN, "-F", conf, *args], input=data)
    check(r.returncode == 5 and r.stdout == data, "%d %r" % (r.returncode, r.stderr))


def jump_fails(lab):
    r = lab.postern(server(lab), "-J", "%s@127.0.0.1:%d" % (lab.user, free_port()), command=["true"])
    check(r.returncode == 255 and b"Connection refused" in r.stderr, "%s" % r)


class Agent:
    def __init__(self, lab, *keys):
        self.path = lab.path("agent.sock")
        self.process = subprocess.Popen([need("ssh-agent"), "-D", "-a", self.path], stdout=subprocess.DEVNULL)
        until(lambda: os.path.exists(self.path), "an agent")
        self.env = dict(os.environ, SSH_AUTH_SOCK=self.path)
        for k in keys:
            subprocess.run([need("ssh-add"), "-q", k], env=self.env, check=True, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def agent_login(lab):
    s, none = server(lab), lab.path("no-key")
    with Agent(lab, lab.wrongkey, lab.userkey) as a:
        r = lab.postern(s, key=none, command=["echo in"], env=a.env)
        check(r.returncode == 0 and r.stdout == b"in\n", "%s" % r)
        r = lab.postern(s, "-o", "IdentitiesOnly=yes", key=none, command=["true"], env=a.env)
        check(r.returncode == 255 and b"ermission" in r.stderr, "IdentitiesOnly: %s" % r)
        r = lab.postern(s, "-o", "IdentityAgent=none", key=none, command=["true"], env=a.env)
        check(r.returncode == 255, "IdentityAgent none: %s" % r)
        r = lab.postern(s, "-o", "IdentityAgent=" + a.path, key=none, command=["true"])
        check(r.returncode == 0, "IdentityAgent: %s" % r)
        # only the public half lies beside: the agent has the other
        alone = lab.path("alone")
        with open(alone + ".pub", "w") as f, open(lab.userkey + ".pub") as k:
            f.write(k.read())
        r = lab.postern(s, "-o", "IdentitiesOnly=yes", key=alone, command=["true"], env=a.env)
        check(r.returncode == 0, "named, in the agent: %s" % r)


def agent_forward(lab, kind):
    with Agent(lab, lab.userkey) as a:
        s = server(lab, kind)
        r = lab.postern(s, "-A", command=["ssh-add -l"], env=a.env)
        check(r.returncode == 0 and b"ED25519" in r.stdout, "%s" % r)
        r = lab.postern(s, "-a", "-A", command=["ssh-add -l"], env=a.env)
        check(r.returncode != 0 and b"ED25519" not in r.stdout, "the first value stands: %s" % r)
        r = lab.postern(s, command=["ssh-add -l"], env=a.env)
        check(r.returncode != 0, "it was lent unasked: %s" % r)


def exit_on_failure(lab):
    s = server(lab)
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        for flag in "-L", "-R":
            what = "127.0.0.1:%d:127.0.0.1:1" % port
            r = lab.postern(s, "-o", "ExitOnForwardFailure=yes", flag, what, command=["echo in"])
            check(r.returncode == 255 and r.stdout == b"", "%s: %s" % (flag, r))
            r = lab.postern(s, flag, what, command=["echo in"])
            check(r.returncode == 0 and r.stdout == b"in\n" and b"forwarding" in r.stderr, "%s: %s" % (flag, r))
        r = lab.postern(s, "-o", "ExitOnForwardFailure=yes", "-o", "ClearAllForwardings=yes", "-L",
                        "127.0.0.1:%d:127.0.0.1:1" % port, command=["true"])
        check(r.returncode == 0, "ClearAllForwardings: %s" % r)


def many(lab, direction):
    n, size = 100, (64 << 10) if SAN else (256 << 10)
    with Target(echo_after_eof) as t:
        port = free_port()
        what = "%d:127.0.0.1:%d" % (port if direction == "-L" else 0, t.port)
        with Client(lab, server(lab, "sshd"), direction, what) as p:
            if direction == "-L":
                p.listening(port)
            else:
                port = int(p.said(r"Allocated port (\d+)").group(1))
            sockets = [connect(port) for _ in range(n)]
            errors = []

            def one(i, c):
                try:
                    round_trip(c, noise(size, b"%d" % i))
                except Exception as e:
                    errors.append("%d: %s" % (i, e))
            threads = [threading.Thread(target=one, args=(i, c)) for i, c in enumerate(sockets)]
            for x in threads:
                x.start()
            for x in threads:
                x.join(120)
            for c in sockets:
                c.close()
            check(not errors, "%s; %s" % (errors[:3], p.text()[-500:]))
            fds = "/proc/%d/fd" % p.process.pid
            until(lambda: len(os.listdir(fds)) < 40, "its descriptors closed")


def both_ways(lab):
    """The far side closes first, and the near side first; the other direction goes on."""
    port = free_port()

    def closes_first(s):
        s.sendall(b"bye")
        s.shutdown(socket.SHUT_WR)
        got.append(read_all(s))
    got = []
    with Target(closes_first) as t, Client(lab, server(lab), "-L", "%d:127.0.0.1:%d" % (port, t.port)) as p:
        p.listening(port)
        until(lambda: got, "the first look")
        with connect(port) as c:
            c.settimeout(WAIT)
            check(read_all(c) == b"bye", "no goodbye")
            c.sendall(b"still here")
            c.shutdown(socket.SHUT_WR)
            until(lambda: len(got) == 2, "what came after the end of the other direction")
            check(got[1] == b"still here", "%r" % got)


def with_session(lab):
    """Forwards beside a session, which ends it all."""
    port = free_port()
    with Target(echo_after_eof) as t, \
            Client(lab, server(lab), "-L", "%d:127.0.0.1:%d" % (port, t.port), command=["echo up; cat; exit 4"],
                   stdin=subprocess.PIPE) as p:
        check(p.process.stdout.readline() == b"up\n", p.text())
        with connect(port) as c:
            round_trip(c, noise(1 << 20))
        p.process.stdin.close()
        check(p.process.wait(10) == 4, "status %s" % p.process.returncode)
    check(refused(port), "the listener outlived it")


def gateway_ports(lab):
    """127.0.0.2 stands for every other address."""
    for args, open_to_all in (([], False), (["-g"], True)):
        port = free_port()
        with Target(says_and_closes) as t, Client(lab, server(lab), *args, "-L", "%d:127.0.0.1:%d" % (port, t.port)) as p:
            p.listening(port)
            check(refused(port, "127.0.0.2") != open_to_all, "%s" % args)


class Display:
    """An X server, as far as its first answer."""

    def __init__(self):
        self.number = next(n for n in range(60, 200) if not os.path.exists("/tmp/.X11-unix/X%d" % n))
        self.heads = []
        os.makedirs("/tmp/.X11-unix", exist_ok=True)
        self.path = "/tmp/.X11-unix/X%d" % self.number
        self.target = Target(self.serve, self.path)

    def serve(self, s):
        head = b""
        while len(head) < 48:
            d = s.recv(48 - len(head))
            if not d:
                return
            head += d
        self.heads.append(head)
        s.sendall(b"welcome")
        echo(s)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.target.listener.close()
        os.unlink(self.path)


def x11_head(order, cookie, name=b"MIT-MAGIC-COOKIE-1"):
    return struct.pack((">" if order == b"B" else "<") + "cxHHHHxx", order, 11, 0, len(name), len(cookie)) + \
        name + bytes(-len(name) % 4) + cookie + bytes(-len(cookie) % 4)


PROBE = r"""
import os, socket, struct, subprocess, sys
order, good = sys.argv[1].encode(), sys.argv[2] == "good"
display = os.environ["DISPLAY"]
line = [l.split() for l in subprocess.run(["xauth", "list", display], capture_output=True, text=True).stdout.split("\n") if l]
cookie = bytes.fromhex(line[0][2])
print(cookie.hex())
if not good:
    cookie = bytes([cookie[0] ^ 1]) + cookie[1:]
host, n = display.rsplit(":", 1)
s = socket.create_connection((host or "127.0.0.1", 6000 + int(n.split(".")[0])), 10)
name = b"MIT-MAGIC-COOKIE-1"
head = struct.pack((">" if order == b"B" else "<") + "cxHHHHxx", order, 11, 0, 18, 16) + name + bytes(2) + cookie
for b in head:
    s.sendall(bytes([b]))
s.sendall(b"more")
out = b""
while len(out) < 11:
    d = s.recv(100)
    if not d:
        break
    out += d
print(out.decode())
"""


def x11(lab, kind):
    s = server(lab, kind, "X11Forwarding yes")
    probe = lab.write("probe.py", PROBE)
    os.chmod(probe, 0o644)
    real = secrets.token_hex(16)
    auth = lab.path("xauthority")
    with Display() as d:
        env = dict(os.environ, DISPLAY=":%d" % d.number, XAUTHORITY=auth)
        subprocess.run([need("xauth"), "-q", "-f", auth, "add", ":%d" % d.number, "MIT-MAGIC-COOKIE-1", real],
                       check=True, env=env)
        for order in b"B", b"l":
            r = lab.postern(s, "-Y", command=["/usr/bin/python3 %s %s good" % (probe, order.decode())], env=env)
            fake, text = r.stdout.decode().split("\n")[:2]
            check(r.returncode == 0 and text == "welcomemore", "%s" % r)
            check(fake != real and d.heads[-1] == x11_head(order, bytes.fromhex(real)), "%r" % d.heads[-1])
        seen = len(d.heads)
        r = lab.postern(s, "-Y", command=["/usr/bin/python3 %s B bad" % probe], env=env)
        check(r.stdout.decode().split("\n")[1:2] in ([""], []) or r.returncode != 0, "%s" % r)
        check(b"wrong authentication" in r.stderr and len(d.heads) == seen, "a wrong cookie: %s" % r)
        # -X alone: this display has no SECURITY extension, so nothing is shown to it
        r = lab.postern(s, "-X", command=["echo ${DISPLAY:-none}"], env=env)
        check(r.stdout == b"none\n" and b"untrusted" in r.stderr, "%s" % r)
        r = lab.postern(s, command=["echo ${DISPLAY:-none}"], env=env)
        check(r.stdout == b"none\n", "unasked: %s" % r)


def x11_untrusted(lab):
    """xauth is asked for a restricted cookie, and that is what the display gets."""
    s, cookie, asked = server(lab, "sshd", "X11Forwarding yes"), secrets.token_hex(16), lab.path("asked")
    fake = lab.write("xauth", "#!/bin/sh\necho \"$@\" >>%s\ncase $* in *list*) echo \"x:0  MIT-MAGIC-COOKIE-1  %s\";; "
                     "esac\n" % (asked, cookie))
    os.chmod(fake, 0o755)
    probe = lab.write("probe.py", PROBE)
    os.chmod(probe, 0o644)
    with Display() as d:
        r = lab.postern(s, "-X", "-o", "XAuthLocation=" + fake, "-o", "ForwardX11Timeout=100",
                        command=["/usr/bin/python3 %s l good" % probe], env=dict(os.environ, DISPLAY=":%d" % d.number))
        check(r.returncode == 0 and d.heads == [x11_head(b"l", bytes.fromhex(cookie))], "%s" % r)
    with open(asked) as f:
        check("generate :%d MIT-MAGIC-COOKIE-1 untrusted timeout 160" % d.number in f.read(), "what xauth was asked")


def no_session_ends(lab):
    """-N ends with the connection, and with a signal."""
    s = lab.sshd()
    port = free_port()
    with Client(lab, s, "-L", "%d:127.0.0.1:1" % port) as p:
        p.listening(port)
        p.process.send_signal(signal.SIGTERM)
        check(p.process.wait(10) == 255, "status %s" % p.process.returncode)
    with Client(lab, s, "-v", "-L", "%d:127.0.0.1:1" % port) as p:
        p.listening(port)
        for pid in descendants(s.process.pid):
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        check(p.process.wait(15) == 255, "status %s" % p.process.returncode)


def background(lab, kind):
    """-f returns when the login is over, with what is to be known by then in its status."""
    s, port, told = getattr(lab, kind)(), free_port(), lab.path("told")
    unread = lab.write("unread", "not to be read\n")

    def run(*args, command=(), key=None):
        # no pipes: who goes on in the background holds them
        with open(told, "wb") as out, open(unread) as typed:
            return subprocess.run([POSTERN, "-F", "none", "-f", "-p", str(s.port), *args, "-o", "StrictHostKeyChecking=accept-new",
                                   "-o", "UserKnownHostsFile=" + lab.path("known"), "-o", "GlobalKnownHostsFile=none",
                                   "-o", "BatchMode=yes", "-i", key or lab.userkey, "%s@127.0.0.1" % lab.user, *command],
                                  stdin=typed, stdout=out, stderr=out, timeout=60).returncode

    def ours():
        return [pid for pid in os.listdir("/proc") if pid.isdigit() and b"-p\0%d\0" % s.port in cmdline(pid)]

    def cmdline(pid):
        with contextlib.suppress(OSError):
            with open("/proc/%s/cmdline" % pid, "rb") as f:
                return f.read()
        return b""
    try:
        # the program has no input, and goes on after we have returned
        go = lab.path("go")
        check(run(command=["cat; until [ -e %s ]; do sleep 0.1; done; echo there" % go]) == 0, "a program: status")
        check(len(ours()) == 1, "who goes on: %s" % ours())
        pid = int(ours()[0])
        check(os.getsid(pid) == pid and os.readlink("/proc/%d/fd/0" % pid) == "/dev/null", "no session of its own")
        open(go, "w").close()
        until(lambda: not ours(), "it did not end with its program")
        with open(told) as f:
            text = f.read()
        check(text.endswith("there\n") and "not to be read" not in text, "what the program said: " + text)
        # a forward stands when we return
        target = Target(echo)
        check(run("-N", "-L", "%d:127.0.0.1:%d" % (port, target.port)) == 0, "a forward: status")
        with contextlib.closing(connect(port)) as c:
            c.sendall(b"x")
            check(c.recv(1) == b"x", "the forward")
        # what is in the way is told while there is somebody to be told
        check(run("-N", "-o", "ExitOnForwardFailure=yes", "-L", "%d:127.0.0.1:1" % port) == 255, "a forward that fails")
        check(run("-N", "-o", "ExitOnForwardFailure=yes", "-R",
                  "127.0.0.1:%d:127.0.0.1:1" % target.port) == 255, "the server's")
        check(run(command=["true"], key="/dev/null") == 255, "a login that fails")
        check(len(ours()) == 1, "left: %s" % ours())
        os.kill(int(ours()[0]), signal.SIGTERM)
        until(lambda: not ours(), "it did not end")
    finally:
        for pid in ours():
            os.kill(int(pid), signal.SIGKILL)


if __name__ == "__main__":
    J, O = ("-J", "%s"), ("-o", "ProxyJump=%s")
    main([labelled("local_port sshd", local_port, "sshd"), labelled("local_port posternd", local_port, "posternd"),
          local_name, local_paths,
          labelled("remote_port sshd", remote_port, "sshd"), labelled("remote_port posternd", remote_port, "posternd"),
          remote_name, remote_paths, remote_nobody, dynamic, remote_socks,
          labelled("stdio sshd", stdio, "sshd"), labelled("stdio posternd", stdio, "posternd"),
          labelled("jump sshd sshd", jump, ("sshd", "sshd"), J),
          labelled("jump posternd sshd", jump, ("posternd", "sshd"), O),
          labelled("jump three", jump, ("sshd", "posternd", "sshd"), J), jump_fails,
          agent_login, labelled("agent_forward sshd", agent_forward, "sshd"),
          labelled("agent_forward posternd", agent_forward, "posternd"), exit_on_failure,
          labelled("many local", many, "-L"), labelled("many remote", many, "-R"), both_ways, with_session,
          gateway_ports, labelled("x11 sshd", x11, "sshd"), labelled("x11 posternd", x11, "posternd"), x11_untrusted,
          no_session_ends, labelled("background sshd", background, "sshd"),
          labelled("background posternd", background, "posternd")])
