#!/usr/bin/env python3
"""forward_test.py - OpenSSH's client forwards through posternd.

-L, -R, -D and -W over ports and paths, the agent, X11, who closes first, many
connections at once, and what PermitOpen, PermitListen, GatewayPorts, DisableForwarding
and the options of authorized_keys refuse.
"""
import contextlib, os, re, secrets, socket, struct, subprocess, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import IS_ROOT, SAN, SSH_BASE, Failure, check, descendants, digest, free_port, main, need, noise

WAIT = 20
servers = {}


def server(lab, *lines):
    if lines not in servers:
        servers[lines] = lab.posternd(*lines)
    return servers[lines]


def until(what, text, seconds=WAIT):
    """Waits for what() to be true; its value."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.05)
    raise Failure("not within %d s: %s" % (seconds, text))


def log_of(s):
    with open(s.log, errors="replace") as f:
        return f.read()


def read_all(sock):
    out = []
    while True:
        d = sock.recv(65536)
        if not d:
            return b"".join(out)
        out.append(d)


def connect(port, host="127.0.0.1"):
    return socket.create_connection((host, port), WAIT)


def refused(port, host="127.0.0.1"):
    """No connection, or one that ends without a byte."""
    try:
        with connect(port, host) as c:
            return c.recv(1) == b""
    except OSError:
        return True


class Target:
    """A listener whose connections are served by handler(sock) in threads."""

    def __init__(self, handler, path=None):
        self.handler, self.path = handler, path
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(path)
            os.chmod(path, 0o777)
            self.listener.listen(256)
        else:
            self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
            self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                s, _ = self.listener.accept()
                s.settimeout(WAIT)
                threading.Thread(target=self.one, args=(s,), daemon=True).start()

    def one(self, s):
        with contextlib.suppress(OSError), s:
            self.handler(s)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def echo(s):
    while True:
        d = s.recv(65536)
        if not d:
            return
        s.sendall(d)


def echo_after_eof(s):
    """Answers only when the other side has finished: needs half-closed connections."""
    data = read_all(s)
    s.sendall(digest(data).encode())


def says_and_closes(s):
    s.sendall(b"farewell")


class Client:
    """ssh -N with forwards, a master that can be told more."""

    def __init__(self, lab, s, *args, key=None, env=None, wait=True, user_args=("-N",)):
        self.lab, self.control = lab, lab.path("ctl")
        self.err = lab.path("ssh.err")
        self.base = [need("ssh"), *SSH_BASE, "-o", "LogLevel=INFO", "-o", "BatchMode=yes", "-i", key or lab.userkey,
                     "-p", str(s.port), "-o", "ControlPath=" + self.control]
        # the first value of an option stands, and SSH_BASE has ERROR
        self.base[self.base.index("LogLevel=ERROR")] = "LogLevel=INFO"
        self.target = "%s@127.0.0.1" % lab.user
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen([*self.base, "-M", *user_args, "-o", "ExitOnForwardFailure=yes", *args,
                                             self.target], stdin=subprocess.DEVNULL, stderr=err, env=env)
        if wait:
            self.wait()

    def wait(self):
        def ready():
            check(self.process.poll() is None, "ssh ended: " + self.text())
            return os.path.exists(self.control) and self.tell("check").returncode == 0
        until(ready, "a control socket")

    def tell(self, what, *args):
        return subprocess.run([*self.base, "-O", what, *args, self.target], capture_output=True, timeout=WAIT)

    def run(self, *command, args=(), **kw):
        return self.lab.run([*self.base, *args, self.target, *command], **kw)

    def text(self):
        with open(self.err, errors="replace") as f:
            return f.read()

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


def roundtrip(sock, n=1 << 20, seed=b"f"):
    """n bytes both ways through an echo, byte by byte the same."""
    data, got = noise(n, seed), []
    def reader():
        left = n
        while left > 0:
            d = sock.recv(65536)
            if not d:
                return
            got.append(d)
            left -= len(d)
    t = threading.Thread(target=reader)
    t.start()
    sock.sendall(data)
    t.join(120)
    check(digest(b"".join(got)) == digest(data), "echo: %d of %d bytes, or others" % (sum(map(len, got)), n))


# ---- local: the peer connects through us

def local_port(lab):
    s, port = server(lab), free_port()
    with Target(echo) as t, Client(lab, s, "-L", "%d:localhost:%d" % (port, t.port)):
        with connect(port) as c:
            roundtrip(c)
        until(lambda: "connects to localhost port %d, which is 127.0.0.1 port %d" % (t.port, t.port) in log_of(s),
              "the log line with the resolved address")


def local_refused(lab):
    """Nobody listens there: the client reads "connect failed", and the next one works."""
    s, port, nobody = server(lab), free_port(), free_port()
    with Target(echo) as t, Client(lab, s, "-L", "%d:127.0.0.1:%d" % (port, nobody)) as client:
        check(refused(port), "a port that nobody listens on")
        until(lambda: "open failed: connect failed" in client.text(), "connect failed: " + client.text())
        other = free_port()
        check(client.tell("forward", "-L", "%d:127.0.0.1:%d" % (other, t.port)).returncode == 0, "-O forward")
        with connect(other) as c:
            roundtrip(c, 1000)
    until(lambda: "Connection refused" in log_of(s), "why, in the log")


def local_unknown_host(lab):
    s, port = server(lab), free_port()
    with Client(lab, s, "-L", "%d:no-such-host.invalid:80" % port) as client:
        check(refused(port), "a host that does not exist")
        until(lambda: "connect failed" in client.text(), client.text())


def local_target_closes_first(lab):
    s, port = server(lab), free_port()
    with Target(says_and_closes) as t, Client(lab, s, "-L", "%d:127.0.0.1:%d" % (port, t.port)):
        for _ in range(20):
            with connect(port) as c:
                check(read_all(c) == b"farewell", "what the target said before it closed")


def local_client_half_closes(lab):
    s, port, data = server(lab), free_port(), noise(3 << 20)
    with Target(echo_after_eof) as t, Client(lab, s, "-L", "%d:127.0.0.1:%d" % (port, t.port)):
        with connect(port) as c:
            c.sendall(data)
            c.shutdown(socket.SHUT_WR)
            check(read_all(c).decode() == digest(data), "the answer after our end")


def local_path(lab):
    """A port here, a path there; a path here, a port there."""
    s, port, path = server(lab), free_port(), lab.path("target.sock")
    with Target(echo, path), Target(echo) as t, Client(lab, s, "-L", "%d:%s" % (port, path)) as client:
        with connect(port) as c:
            roundtrip(c)
        here = lab.path("here.sock")
        check(client.tell("forward", "-L", "%s:127.0.0.1:%d" % (here, t.port)).returncode == 0, "-O forward")
        with socket.socket(socket.AF_UNIX) as c:
            c.connect(here)
            roundtrip(c, 100000)


def stdio(lab):
    """-W: one connection on the client's own input and output."""
    with Target(echo_after_eof) as t:
        data = noise(1 << 20)
        r = lab.ssh(server(lab), "-W", "127.0.0.1:%d" % t.port, input=data)
        check(r.returncode == 0 and r.stdout.decode() == digest(data), "-W: %r" % r)


def dynamic(lab):
    """-D: SOCKS5 by name and by address."""
    s, port = server(lab), free_port()
    with Target(echo) as t, Client(lab, s, "-D", str(port)):
        for kind, host in ((3, b"\x09localhost"), (1, socket.inet_aton("127.0.0.1"))):
            with connect(port) as c:
                c.sendall(b"\x05\x01\x00")
                check(c.recv(2) == b"\x05\x00", "SOCKS greeting")
                c.sendall(b"\x05\x01\x00" + bytes([kind]) + host + struct.pack(">H", t.port))
                check(c.recv(10)[:2] == b"\x05\x00", "SOCKS answer")
                roundtrip(c, 100000)


def hundred_at_once(lab):
    s, port, n, each = server(lab), free_port(), 100, (50 if SAN else 300) << 10
    errors = []
    with Target(echo) as t, Client(lab, s, "-L", "%d:127.0.0.1:%d" % (port, t.port)):
        gate = threading.Barrier(n)
        def one(i):
            try:
                with connect(port) as c:
                    gate.wait(60)       # all are open before the first byte
                    roundtrip(c, each, b"%d" % i)
            except (Failure, OSError, threading.BrokenBarrierError) as e:
                errors.append("%d: %r" % (i, e))
        threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
        for x in threads:
            x.start()
        for x in threads:
            x.join(180)
        check(not errors and not any(x.is_alive() for x in threads), "; ".join(errors[:5]) or "still running")


def sessions(daemon):
    """The session processes below daemon, by their titles."""
    def title(pid):
        with contextlib.suppress(OSError), open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read()
        return b""
    return [p for p in descendants(daemon) if b": session " in title(p)]


def many_in_a_row(lab):
    """Nothing is left behind by a connection that is over."""
    s, port = server(lab), free_port()
    def fds(pid):
        try:
            return len(os.listdir("/proc/%s/fd" % pid))
        except PermissionError:     # it is not dumpable: only root sees
            return 0
    def session_fds():
        return sum(fds(p) for p in until(lambda: sessions(s.process.pid), "a session process"))
    with Target(says_and_closes) as t, Client(lab, s, "-L", "%d:127.0.0.1:%d" % (port, t.port)):
        counts = []
        for _ in range(3):
            for _ in range(100):
                with connect(port) as c:
                    check(read_all(c) == b"farewell", "what the target says")
            time.sleep(0.3)
            counts.append((fds(s.process.pid), session_fds()))
        until(lambda: (fds(s.process.pid), session_fds()) == counts[0], "descriptors as before: %r" % counts)


# ---- remote: we listen for the peer

def remote_port(lab):
    s, port = server(lab), free_port()
    with Target(echo) as t, Client(lab, s, "-R", "%d:127.0.0.1:%d" % (port, t.port)):
        with connect(port) as c:
            roundtrip(c)
        check("listens on localhost port %d" % port in log_of(s), "the log line")
    until(lambda: refused(port), "the port is closed when the login ends")


def remote_any_port(lab):
    """Port 0, two forwards; one is cancelled and the other goes on."""
    s = server(lab)
    with Target(echo) as a, Target(says_and_closes) as b, Client(lab, s) as client:
        r = client.tell("forward", "-R", "0:127.0.0.1:%d" % a.port)
        check(r.returncode == 0, "forward: %r" % r)
        first = int(r.stdout)
        r = client.tell("forward", "-R", "0:127.0.0.1:%d" % b.port)
        second = int(r.stdout)
        check(first != second and min(first, second) > 0, "ports %d and %d" % (first, second))
        with connect(first) as c:
            roundtrip(c, 100000)
        with connect(second) as c:
            check(read_all(c) == b"farewell", "the second forward")
        # ssh knows a forward by what it asked for: port 0, both; the server by the port it gave
        fixed = free_port()
        check(client.tell("forward", "-R", "%d:127.0.0.1:%d" % (fixed, b.port)).returncode == 0, "a fixed port")
        with connect(fixed) as c:
            check(read_all(c) == b"farewell", "the third forward")
        r = client.tell("cancel", "-R", "%d:127.0.0.1:%d" % (fixed, b.port))
        check(r.returncode == 0, "cancel: %r" % r)
        until(lambda: refused(fixed), "the cancelled port is closed")
        with connect(first) as c:
            roundtrip(c, 1000)
        with connect(second) as c:
            check(read_all(c) == b"farewell", "the others after the cancel")


def remote_client_cannot_connect(lab):
    """The client refuses the channel: who connected sees the end, and the port lives."""
    s, nobody = server(lab), free_port()
    with Client(lab, s) as client:
        port = int(client.tell("forward", "-R", "0:127.0.0.1:%d" % nobody).stdout)
        for _ in range(60):                 # more than may wait at once
            check(refused(port), "a connection to nowhere")


def remote_many(lab):
    s, n = server(lab), 60
    errors = []
    with Target(echo) as t, Client(lab, s) as client:
        port = int(client.tell("forward", "-R", "0:127.0.0.1:%d" % t.port).stdout)
        def one(i):
            try:
                with connect(port) as c:
                    roundtrip(c, 100 << 10, b"r%d" % i)
            except (Failure, OSError) as e:
                errors.append("%d: %r" % (i, e))
        threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
        for x in threads:
            x.start()
        for x in threads:
            x.join(120)
        check(not errors and not any(x.is_alive() for x in threads), "; ".join(errors[:5]) or "still running")


def remote_path(lab):
    s = server(lab)
    folder = lab.path("folder")
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    path = os.path.join(folder, "sock")
    with Target(echo) as t, Client(lab, s, "-R", "%s:127.0.0.1:%d" % (path, t.port)):
        check(os.stat(path).st_mode & 0o777 == 0o600, "mode %o" % os.stat(path).st_mode)
        with socket.socket(socket.AF_UNIX) as c:
            c.connect(path)
            roundtrip(c, 100000)
        if IS_ROOT:
            import pwd
            check(os.stat(path).st_uid == pwd.getpwnam(lab.user).pw_uid, "the socket is not the user's")
    until(lambda: not os.path.exists(path), "the socket is removed when the login ends")


def remote_path_taken(lab):
    folder = lab.path("folder")
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    path = os.path.join(folder, "sock")
    with open(path, "w"):
        pass
    os.chmod(path, 0o666)
    with Client(lab, server(lab), "-R", "%s:127.0.0.1:9" % path, wait=False) as client:
        check(client.process.wait(WAIT) != 0, "a path that is taken")
    check(os.path.isfile(path), "the file that was there")
    with Client(lab, server(lab, "StreamLocalBindUnlink yes", "StreamLocalBindMask 0111"), "-R",
                "%s:127.0.0.1:9" % path):
        check(os.stat(path).st_mode & 0o777 == 0o666, "mode %o" % os.stat(path).st_mode)


def remote_privileged_port(lab):
    """Root binds nothing for a peer: the kernel judges the user."""
    if not IS_ROOT or int(open("/proc/sys/net/ipv4/ip_unprivileged_port_start").read()) <= 1:
        print("# ports below 1024 are everybody's here")
        return
    with Client(lab, server(lab), "-R", "1:127.0.0.1:9", wait=False) as client:
        check(client.process.wait(WAIT) != 0, "port 1 was bound for a user")


# ---- the agent

class Agent:
    """An ssh-agent with the user's key."""

    def __init__(self, lab):
        self.sock = lab.path("agent.sock")
        self.process = subprocess.Popen([need("ssh-agent"), "-D", "-a", self.sock], stdout=subprocess.DEVNULL)
        until(lambda: os.path.exists(self.sock), "an agent")
        self.env = dict(os.environ, SSH_AUTH_SOCK=self.sock)
        subprocess.run([need("ssh-add"), "-q", lab.userkey], env=self.env, check=True, capture_output=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def with_agent(lab, s, command):
    return [need("ssh"), *SSH_BASE, "-A", "-o", "BatchMode=yes", "-i", lab.userkey, "-p", str(s.port),
            "%s@127.0.0.1" % lab.user, command]


def agent(lab):
    s = server(lab)
    r = lab.ssh(s, command=["echo ${SSH_AUTH_SOCK:-none}"])
    check(r.stdout == b"none\n", "without -A: %r" % r.stdout)
    with Agent(lab) as a:
        r = lab.run(with_agent(lab, s, "ssh-add -l; stat -c %a $SSH_AUTH_SOCK $(dirname $SSH_AUTH_SOCK); "
                                       "echo $SSH_AUTH_SOCK"), env=a.env)
        fingerprint = subprocess.run([need("ssh-keygen"), "-lf", lab.userkey + ".pub"], capture_output=True, text=True,
                                     check=True).stdout.split()[1]
        lines = r.stdout.decode().split("\n")
        check(r.returncode == 0 and fingerprint in lines[0], "ssh-add -l through: %r" % r)
        check(lines[1:3] == ["600", "700"], "modes: %r" % lines)
        until(lambda: not os.path.exists(os.path.dirname(lines[3])), "its folder is removed")
        # a signature goes through too: log in from there with the agent's key
        r = lab.run(with_agent(lab, s, "ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o "
                                       "BatchMode=yes -o LogLevel=ERROR -p %d 127.0.0.1 echo twice" % s.port), env=a.env)
        check(r.stdout == b"twice\n", "a login with the agent: %r" % r)
        r = lab.run(with_agent(lab, server(lab, "AllowAgentForwarding no"), "echo ${SSH_AUTH_SOCK:-none}"), env=a.env)
        check(r.stdout == b"none\n", "AllowAgentForwarding no: %r" % r.stdout)


def agent_of_a_killed_client(lab):
    s = server(lab)
    with Agent(lab) as a:
        p = subprocess.Popen(with_agent(lab, s, "echo $SSH_AUTH_SOCK; sleep 60"), env=a.env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE)
        path = p.stdout.readline().decode().strip()
        check(os.path.exists(path), "no socket: %r" % path)
        p.kill()
        p.wait()
        until(lambda: not os.path.exists(os.path.dirname(path)), "the agent's folder is removed")


# ---- X11

class Display:
    """A fake X server: reads the connection setup, and says what it thinks of the cookie."""

    def __init__(self, lab):
        self.number = next(n for n in range(3000, 4000) if self.bind(n))
        self.cookie = secrets.token_hex(16)
        self.authority = lab.path("Xauthority")
        self.name = "127.0.0.1:%d" % self.number
        subprocess.run([need("xauth"), "-q", "-f", self.authority, "add", self.name, ".", self.cookie], check=True,
                       capture_output=True)
        self.seen = []
        threading.Thread(target=self.serve, daemon=True).start()

    def bind(self, n):
        try:
            self.listener = socket.create_server(("127.0.0.1", 6000 + n))
            return True
        except OSError:
            return False

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                s, _ = self.listener.accept()
                with contextlib.suppress(OSError), s:
                    s.settimeout(WAIT)
                    head = s.recv(12, socket.MSG_WAITALL)
                    if len(head) < 12:
                        continue
                    _, _, _, np, nd, _ = struct.unpack("<BxHHHHH", head)
                    name = s.recv((np + 3) & ~3, socket.MSG_WAITALL)[:np]
                    data = s.recv((nd + 3) & ~3, socket.MSG_WAITALL)[:nd]
                    self.seen.append((name.decode(), data.hex()))
                    s.sendall(b"hello from X")


# Run on the server as the user: connects to $DISPLAY as an X program would.
X_PROGRAM = r"""
import os, socket, struct, subprocess, sys
host, rest = os.environ["DISPLAY"].rsplit(":", 1)
number = int(rest.split(".")[0])
out = subprocess.run(["xauth", "list", os.environ["DISPLAY"]], capture_output=True, text=True).stdout.split()
cookie = bytes.fromhex(out[2])
if len(sys.argv) > 1:
    cookie = bytes(16)
s = socket.create_connection(("localhost", 6000 + number), 20)
name = b"MIT-MAGIC-COOKIE-1"
s.sendall(struct.pack("<BxHHHHH", 0x6c, 11, 0, len(name), len(cookie), 0) + name + b"\0" * (-len(name) % 4) + cookie)
got = b""
while True:
    d = s.recv(100)
    if not d:
        break
    got += d
print(os.environ["DISPLAY"], out[0], cookie.hex(), got.decode())
"""


def x11(lab):
    s = server(lab, "X11Forwarding yes")
    display = Display(lab)
    program = lab.write("xprogram.py", X_PROGRAM)
    os.chmod(program, 0o644)
    env = dict(os.environ, DISPLAY=display.name, XAUTHORITY=display.authority)
    argv = [need("ssh"), *SSH_BASE, "-Y", "-o", "XAuthLocation=" + need("xauth"), "-o", "BatchMode=yes", "-i",
            lab.userkey, "-p", str(s.port), "%s@127.0.0.1" % lab.user]
    r = lab.run(argv + ["/usr/bin/python3 %s" % program], env=env)
    check(r.returncode == 0 and r.stdout.endswith(b"hello from X\n"), "%r" % r)
    name, entry, cookie = r.stdout.decode().split()[:3]
    check(re.fullmatch(r"localhost:(1[0-9]|[2-9][0-9])\.0", name), "DISPLAY %s" % name)
    check(entry.endswith("/unix:" + name.split(":")[1].split(".")[0]), "xauth's entry %s" % entry)
    check(cookie != display.cookie, "the display's own cookie was on the server")
    check(display.seen == [("MIT-MAGIC-COOKIE-1", display.cookie)], "what reached the display: %r" % display.seen)
    # a wrong cookie ends at the client
    r = lab.run(argv + ["/usr/bin/python3 %s wrong" % program], env=env)
    check(b"hello" not in r.stdout and len(display.seen) == 1, "a wrong cookie: %r %r" % (r, display.seen))
    # it is forgotten after the login
    def forgotten():
        out = lab.ssh(s, command=["xauth list"]).stdout
        return b"unix:" not in out
    until(forgotten, "the cookie is removed")
    check("the X11 display" in log_of(s), "the log line")


def x11_not_by_default(lab):
    display = Display(lab)
    env = dict(os.environ, DISPLAY=display.name, XAUTHORITY=display.authority)
    s = server(lab)
    r = lab.run([need("ssh"), *SSH_BASE, "-Y", "-o", "BatchMode=yes", "-i", lab.userkey, "-p", str(s.port),
                 "%s@127.0.0.1" % lab.user, "echo ${DISPLAY:-none}"], env=env)
    check(r.stdout == b"none\n", "X11Forwarding is no: %r" % r)


# ---- what is refused

def permit_open(lab):
    with Target(echo) as a, Target(echo) as b:
        s = lab.posternd("PermitOpen 127.0.0.1:%d" % a.port)
        p1, p2, p3, path = free_port(), free_port(), free_port(), lab.path("t.sock")
        with Target(echo, path), Client(lab, s, "-L", "%d:127.0.0.1:%d" % (p1, a.port), "-L",
                                        "%d:127.0.0.1:%d" % (p2, b.port), "-L", "%d:localhost:%d" % (p3, a.port)) as client:
            with connect(p1) as c:
                roundtrip(c, 1000)
            check(refused(p2), "another port")
            check(refused(p3), "another name for it")
            p4 = free_port()
            client.tell("forward", "-L", "%d:%s" % (p4, path))
            check(refused(p4), "a path")
            until(lambda: "administratively prohibited" in client.text(), client.text())
        text = log_of(s)
        check("to connect to host 127.0.0.1 port %d, but the request was denied" % b.port in text, "the log")
        check("to connect to path %s, but the request was denied" % path in text, "the log")


def permit_listen(lab):
    good, bad = free_port(), free_port()
    s = lab.posternd("PermitListen localhost:%d" % good)
    with Target(echo) as t:
        with Client(lab, s, "-R", "%d:127.0.0.1:%d" % (good, t.port)) as client:
            with connect(good) as c:
                roundtrip(c, 1000)
            check(client.tell("forward", "-R", "%d:127.0.0.1:%d" % (bad, t.port)).returncode != 0, "another port")
            check(client.tell("forward", "-R", "0:127.0.0.1:%d" % t.port).returncode != 0, "any port")
    check("to listen on host localhost port %d, but the request was denied" % bad in log_of(s), "the log")


def everything_refused(lab, s, key=None):
    """No kind of forwarding works, and commands do."""
    with Target(echo) as t:
        r = lab.ssh(s, "-W", "127.0.0.1:%d" % t.port, input=b"x", key=key)
        check(r.returncode != 0 and b"x" not in r.stdout, "-W: %r" % r)
        path = lab.path("t.sock")
        with Target(echo, path):
            port = free_port()
            with Client(lab, s, "-L", "%d:%s" % (port, path), key=key):
                check(refused(port), "-L with a path")
        with Client(lab, s, "-R", "%d:127.0.0.1:%d" % (free_port(), t.port), wait=False, key=key) as client:
            check(client.process.wait(WAIT) != 0, "-R")
        with Client(lab, s, "-R", "/tmp/postern-%d.sock:127.0.0.1:%d" % (os.getpid(), t.port), wait=False,
                    key=key) as client:
            check(client.process.wait(WAIT) != 0, "-R with a path")
    display = Display(lab)
    with Agent(lab) as a:
        env = dict(a.env, DISPLAY=display.name, XAUTHORITY=display.authority)
        r = lab.run([need("ssh"), *SSH_BASE, "-Y", "-A", "-o", "BatchMode=yes", "-i", key or lab.userkey, "-p",
                     str(s.port), "%s@127.0.0.1" % lab.user, "echo ${DISPLAY:-none} ${SSH_AUTH_SOCK:-none}"], env=env)
    check(r.stdout == b"none none\n", "X11 and agent: %r" % r)


def disable_forwarding(lab):
    s = lab.posternd("DisableForwarding yes", "X11Forwarding yes", level="INFO")
    everything_refused(lab, s)
    text = log_of(s)
    for line in ("to connect to host 127.0.0.1 port", "to connect to path", "to listen on host localhost port",
                 "to listen on path", "X11 forwarding for user", "Agent forwarding for user"):
        check(line in text, "not logged: " + line)


def restrict(lab):
    """The same from a line of authorized_keys; permitopen opens one door again."""
    with Target(echo) as t, Target(echo) as other:
        keys = {}
        for name, options in (("restricted", "restrict"), ("one", "restrict,port-forwarding,permitopen=\"127.0.0.1:%d\","
                                                           "permitlisten=\"localhost:%d\"" % (t.port, free_port()))):
            keys[name] = lab.path(name)
            subprocess.run([need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", keys[name]], check=True)
            with open(keys[name] + ".pub") as pub, open(lab.authorized, "a") as f:
                f.write("%s %s" % (options, pub.read()))
        s = lab.posternd("X11Forwarding yes")
        everything_refused(lab, s, keys["restricted"])
        a, b = free_port(), free_port()
        with Client(lab, s, "-L", "%d:127.0.0.1:%d" % (a, t.port), "-L", "%d:127.0.0.1:%d" % (b, other.port),
                    key=keys["one"]) as client:
            with connect(a) as c:
                roundtrip(c, 1000)
            check(refused(b), "what permitopen does not list")
            check(client.tell("forward", "-R", "0:127.0.0.1:%d" % t.port).returncode != 0, "permitlisten")


def one_direction(lab):
    for value, may_local, may_remote in (("local", True, False), ("remote", False, True), ("no", False, False)):
        s, port = lab.posternd("AllowTcpForwarding " + value), free_port()
        with Target(echo) as t, Client(lab, s, "-L", "%d:127.0.0.1:%d" % (port, t.port)) as client:
            if may_local:
                with connect(port) as c:
                    roundtrip(c, 1000)
            else:
                check(refused(port), "%s: -L" % value)
            r = client.tell("forward", "-R", "0:127.0.0.1:%d" % t.port)
            check((r.returncode == 0) == may_remote, "%s: -R: %r" % (value, r))


def gateway_ports(lab):
    def others(port):
        """Is it reached at an address that is not the loopback's first?"""
        return not refused(port, "127.0.0.5")
    with Target(says_and_closes) as t:
        def listens(s, where, *args):
            with Client(lab, s) as client:
                r = client.tell("forward", "-R", "%s0:127.0.0.1:%d" % (where, t.port))
                check(r.returncode == 0, "%s: %r" % (where, r))
                port = int(r.stdout)
                return [not refused(port, h) for h in ("127.0.0.1", "127.0.0.5")]
        s = server(lab)
        check(listens(s, "") == [True, False], "no, none")
        check(listens(s, "*:") == [True, False], "no, *")
        check(listens(s, "127.0.0.5:") == [True, False], "no, an address")
        s = server(lab, "GatewayPorts clientspecified")
        check(listens(s, "") == [True, False], "clientspecified, none")
        check(listens(s, "*:") == [True, True], "clientspecified, *")
        check(listens(s, "127.0.0.5:") == [False, True], "clientspecified, an address")
        s = server(lab, "GatewayPorts yes")
        check(listens(s, "127.0.0.5:") == [True, True], "yes, an address")


def client_vanishes(lab):
    """The client is killed: ports and paths go with it."""
    s = server(lab)
    folder = lab.path("folder")
    os.mkdir(folder)
    os.chmod(folder, 0o777)
    path, port = os.path.join(folder, "sock"), free_port()
    with Target(echo) as t, Client(lab, s, "-R", "%s:127.0.0.1:%d" % (path, t.port), "-R",
                                   "%d:127.0.0.1:%d" % (port, t.port)) as client:
        c = connect(port)
        roundtrip(c, 1000)
        client.process.kill()
        client.process.wait()
        check(read_all(c) == b"", "the forwarded connection ends")
        c.close()
    until(lambda: refused(port) and not os.path.exists(path), "nothing is left")


def no_sessions(lab):
    """MaxSessions 0: forwarding, and nothing else."""
    s, port = lab.posternd("MaxSessions 0"), free_port()
    with Target(echo) as t, Client(lab, s, "-L", "%d:127.0.0.1:%d" % (port, t.port)):
        with connect(port) as c:
            roundtrip(c, 1000)
    check(lab.ssh(s, command=["true"]).returncode != 0, "a command with MaxSessions 0")


def compressed(lab):
    """Compression is offered as sshd offers it; data is the same with it."""
    s, port = server(lab), free_port()
    with Target(echo) as t, Client(lab, s, "-C", "-L", "%d:127.0.0.1:%d" % (port, t.port)):
        with connect(port) as c:
            roundtrip(c)
    r = lab.ssh(s, "-v", "-C", "-o", "Compression=yes", command=["true"])
    check(b"compression: zlib@openssh.com" in r.stderr or r.returncode == 0, "%r" % r)


cases = [local_port, local_refused, local_unknown_host, local_target_closes_first, local_client_half_closes, local_path,
         stdio, dynamic, hundred_at_once, many_in_a_row, remote_port, remote_any_port, remote_client_cannot_connect,
         remote_many, remote_path, remote_path_taken, remote_privileged_port, agent, agent_of_a_killed_client, x11, x11_not_by_default, permit_open,
         permit_listen, disable_forwarding, restrict, one_direction, gateway_ports, client_vanishes, no_sessions,
         compressed]

if __name__ == "__main__":
    main(cases)
