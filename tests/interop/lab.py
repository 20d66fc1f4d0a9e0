"""lab.py - what the interop tests stand on: keys, users, daemons, clients.

Everything runs on 127.0.0.1, in a temporary folder, in processes that are ended
by pid.  As root a throw-away account with a password is made for the time of the
tests; without root the daemons serve the user who runs them, and what needs an
account of its own is skipped by name.
"""
import concurrent.futures, contextlib, hashlib, itertools, os, pty, pwd, secrets, select, shutil, signal, socket, subprocess, sys
import tempfile, threading, time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("BUILD", "build"))
POSTERN = os.path.join(BUILD, "bin", "postern")
POSTERND = os.path.join(BUILD, "bin", "posternd")
IS_ROOT = os.getuid() == 0

SAN = os.path.basename(BUILD) == "san"
SSH_BASE = ["-F", "/dev/null", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
            "-o", "GlobalKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes"]


def need(name):
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if path is None:
        sys.exit("not ok %s: not installed (deps.sh check installs it)" % name)
    return path


given = set()


def free_port():
    """Below the ports of the kernel's own choice: none of the many connections of a run takes it before it is bound."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        low = int(f.read().split()[0])
    while True:
        port = 10240 + secrets.randbelow(low - 10240) if low > 12000 else 0
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(("", port))
            port = s.getsockname()[1]
            if port not in given:
                given.add(port)
                return port


class Failure(Exception):
    pass


def check(condition, text):
    if not condition:
        raise Failure(text)


class Daemon:
    def __init__(self, lab, name, argv, port, log, ready=True, env=None, user=None):
        self.lab, self.name, self.port, self.log = lab, name, port, log
        self.out = open(log, "ab")
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=self.out, stderr=self.out,
                                        start_new_session=True, env=env, user=user, group=user,
                                        extra_groups=[] if user else None)
        if ready:
            self.wait()

    def wait(self, seconds=60 if SAN else 20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failure("%s ended at once:\n%s" % (self.name, self.text()))
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise Failure("%s does not listen:\n%s" % (self.name, self.text()))

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()[-6000:]

    def since(self, mark):
        with open(self.log, errors="replace") as f:
            f.seek(mark)
            return f.read()

    def says(self, text, mark=0, seconds=10):
        """Is it in the log, now or soon?  A client may be done before the daemon has written its line."""
        end = time.monotonic() + seconds
        while text not in self.since(mark):
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.out.close()


class Inetd:
    """One process per connection, for servers that want a socket on 0 and 1."""

    def __init__(self, argv, log, env=None):
        self.argv, self.children, self.log, self.env = argv, [], log, env
        self.at_birth = None        # called in each child before it becomes the server
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                s, _ = self.listener.accept()
                with open(self.log, "ab") as out:
                    self.children.append(subprocess.Popen(self.argv, stdin=s, stdout=s, stderr=out,
                                                          start_new_session=True, env=self.env,
                                                          preexec_fn=self.at_birth))
                s.close()

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()[-6000:]

    def stop(self):
        self.listener.close()
        for c in self.children:
            if c.poll() is None:
                c.kill()
            c.wait()


class Lab:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="postern-lab-")
        os.chmod(self.dir, 0o755)
        self.daemons, self.made_user, self.count = [], False, itertools.count(1)
        self.installing = threading.Lock()
        self.password = "pw-" + secrets.token_hex(6)
        self.user = "postern-lab-%d" % os.getpid() if IS_ROOT else pwd.getpwuid(os.getuid()).pw_name
        if IS_ROOT:
            self.make_user()
        self.home = pwd.getpwnam(self.user).pw_dir
        self.hostkey = self.key("host")
        self.userkey = self.key("user")
        self.lockedkey = self.key("locked", "opensesame")
        self.wrongkey = self.key("wrong")
        self.authorized = os.path.join(self.dir, "authorized_keys")
        with open(self.authorized, "w") as f:
            for k in (self.userkey, self.lockedkey):
                with open(k + ".pub") as p:
                    f.write(p.read())
        os.chmod(self.authorized, 0o644)
        with open(self.hostkey + ".pub") as f:
            self.hostpub = " ".join(f.read().split()[:2])

    def make_user(self):
        with contextlib.suppress(KeyError):
            pwd.getpwnam(self.user)
            subprocess.run([need("userdel"), "-r", self.user], stderr=subprocess.DEVNULL)
        subprocess.run([need("useradd"), "-m", "-s", "/bin/sh", self.user], check=True)
        self.made_user = True
        subprocess.run([need("chpasswd")], input="%s:%s\n" % (self.user, self.password), text=True, check=True)

    def key(self, name, passphrase="", type="ed25519", bits=None):
        path = os.path.join(self.dir, name)
        subprocess.run([need("ssh-keygen"), "-q", "-t", type, "-N", passphrase, "-C", name, "-a", "4",
                        *(["-b", str(bits)] if bits else []), "-f", path], check=True)
        return path

    def path(self, name):
        return os.path.join(self.dir, "%d-%s" % (next(self.count), name))

    def write(self, name, text):
        p = self.path(name)
        with open(p, "w") as f:
            f.write(text)
        return p

    def program(self, name, user=None):
        """Where that account can run it: a checkout may lie below a private home, and
        then an installed copy is what it gets."""
        part = POSTERN if name == "postern" else POSTERND
        folders = [BUILD]
        while folders[-1] != "/":
            folders.append(os.path.dirname(folders[-1]))
        if user is None or all(os.stat(f).st_mode & 0o001 for f in folders):
            return part
        prefix = os.path.join(self.dir, "installed")
        if not os.path.exists(prefix):
            subprocess.run(["make", "-s", "-C", ROOT, "install", "PREFIX=" + prefix] + (["SAN=1"] if SAN else []),
                           check=True, stdout=subprocess.DEVNULL)
        return os.path.join(prefix, "bin" if name == "postern" else "sbin", name)

    def add(self, daemon):
        self.daemons.append(daemon)
        return daemon

    # ---- servers

    def posternd(self, *lines, level="VERBOSE", env=None, flags=(), ready=True, user=None,
                 hostkey=None):
        """user: run it as that account (the tests being root)."""
        port, hostkey = free_port(), hostkey or self.hostkey
        if user:
            hostkey = self.path("host_key_of_" + user)
            shutil.copy(self.hostkey, hostkey)
            os.chown(hostkey, pwd.getpwnam(user).pw_uid, -1)
            os.chmod(hostkey, 0o600)
            env = dict(env or os.environ, HOME=pwd.getpwnam(user).pw_dir)
        conf = self.write("posternd.conf", "\n".join([
            "Port %d" % port, "ListenAddress 127.0.0.1", "HostKey " + hostkey,
            "AuthorizedKeysFile " + self.authorized, "StrictModes no", "PidFile none",
            "LogLevel " + level, "Subsystem echo /bin/cat", "MaxStartups 1000:30:2000", *lines]) + "\n")
        return self.add(Daemon(self, "posternd", [self.program("posternd", user), "-D", "-e", "-f", conf, *flags], port,
                               self.path("posternd.log"), env=env, ready=ready, user=user))

    def sshd(self, *lines, hostkey=None):
        port = free_port()
        if IS_ROOT:
            os.makedirs("/run/sshd", exist_ok=True)
        conf = self.write("sshd.conf", "\n".join([
            "Port %d" % port, "ListenAddress 127.0.0.1", "HostKey " + (hostkey or self.hostkey),
            "AuthorizedKeysFile " + self.authorized, "StrictModes no", "PidFile none", "UsePAM no",
            "MaxSessions 100", "LogLevel VERBOSE", "Subsystem echo /bin/cat", "MaxStartups 100", *lines]) + "\n")
        return self.add(Daemon(self, "sshd", [need("sshd"), "-D", "-e", "-f", conf], port, self.path("sshd.log")))

    def dropbear(self, *flags, hostkey=None):
        port = free_port()
        key = self.path("dropbear_key")
        make = [need("dropbearkey"), "-t", "ed25519", "-f", key] if hostkey is None else \
            [need("dropbearconvert"), "openssh", "dropbear", hostkey, key]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # dropbear reads ~/.ssh/authorized_keys only
        self.install_authorized()
        return self.add(Daemon(self, "dropbear", [need("dropbear"), "-F", "-E", "-r", key, "-P",
                                                  self.path("dropbear.pid"), "-p", "127.0.0.1:%d" % port, *flags],
                               port, self.path("dropbear.log")))

    def tinysshd(self, *flags):
        keys = self.path("tinyssh_keys")
        subprocess.run([need("tinysshd-makekey"), keys], check=True, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
        self.install_authorized()
        return self.add(Inetd([need("tinysshd"), "-v", *flags, keys], self.path("tinysshd.log")))

    def install_authorized(self):
        ssh = os.path.join(self.home, ".ssh")
        target = os.path.join(ssh, "authorized_keys")
        if not IS_ROOT:
            raise Failure("would have to write %s" % target)
        pw = pwd.getpwnam(self.user)
        os.makedirs(ssh, mode=0o700, exist_ok=True)
        os.chmod(self.home, 0o755)
        with self.installing:       # cases run at once, and another's server may just be reading it
            shutil.copy(self.authorized, target + ".new")
            for p in (ssh, target + ".new"):
                os.chown(p, pw.pw_uid, pw.pw_gid)
            os.chmod(target + ".new", 0o600)
            os.replace(target + ".new", target)

    # ---- clients

    def ssh(self, server, *args, command=(), password=None, key=None, **kw):
        argv = [need("ssh"), *SSH_BASE, "-p", str(server.port), *args]
        env = dict(os.environ)
        if password is not None:
            ask = self.write("askpass", "#!/bin/sh\necho '%s'\n" % password)
            os.chmod(ask, 0o700)
            env.update(SSH_ASKPASS=ask, SSH_ASKPASS_REQUIRE="force", DISPLAY=":0")
            argv += ["-o", "PubkeyAuthentication=no", "-o", "NumberOfPasswordPrompts=1"]
        else:
            argv += ["-o", "BatchMode=yes", "-i", key or self.userkey]
        return self.run(argv + ["%s@127.0.0.1" % self.user, *command], env=env, **kw)

    def postern(self, server, *args, command=(), key=None, known=None, **kw):
        # the first value of an option stands
        argv = [POSTERN, "-F", "none", "-p", str(server.port), *args, "-o", "StrictHostKeyChecking=accept-new",
                "-o", "UserKnownHostsFile=" + (known or self.path("known_hosts")),
                "-o", "GlobalKnownHostsFile=none", "-o", "BatchMode=yes", "-i", key or self.userkey]
        return self.run(argv + ["%s@127.0.0.1" % self.user, *command], **kw)

    def run(self, argv, input=b"", timeout=60, env=None):
        return subprocess.run(argv, input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=timeout, env=env)

    def on_terminal(self, argv, script, timeout=40, env=None, size=(24, 80)):
        """Runs argv on a pty.  script: [(wait for, then type)].  Returns (status, all output)."""
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(argv[0], argv, env or dict(os.environ, TERM="xterm"))
        import fcntl, struct, termios
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", size[0], size[1], 0, 0))
        seen, mark, steps, end = b"", 0, list(script), time.monotonic() + timeout
        try:
            while time.monotonic() < end:
                if steps and steps[0][0] in seen[mark:]:
                    mark = seen.index(steps[0][0], mark) + len(steps[0][0])
                    what = steps.pop(0)[1]
                    if callable(what):
                        what(fd)
                    else:
                        os.write(fd, what)
                r, _, _ = select.select([fd], [], [], 0.2)
                if r:
                    try:
                        d = os.read(fd, 65536)
                    except OSError:
                        break
                    if not d:
                        break
                    seen += d
            else:
                os.kill(pid, signal.SIGKILL)
                raise Failure("no end within %d s; waiting for %r; saw %r" % (timeout, steps[:1], seen[-600:]))
            _, status = os.waitpid(pid, 0)
            return os.waitstatus_to_exitcode(status), seen
        finally:
            os.close(fd)

    def successors(self):
        """A reload that had connections left a second posternd, which is nobody's child: by the file it was given."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            with contextlib.suppress(OSError), open("/proc/%s/cmdline" % pid, "rb") as f:
                argv = f.read().split(b"\0")
                if argv[0].endswith(b"/posternd") and any(a.startswith(os.fsencode(self.dir) + b"/") for a in argv):
                    found.append(int(pid))
        return found

    def close(self):
        for d in self.daemons:
            d.stop()
        for pid in self.successors():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        if self.made_user:
            time.sleep(0.2)
            subprocess.run([need("userdel"), "-f", "-r", self.user], stderr=subprocess.DEVNULL)
        shutil.rmtree(self.dir, ignore_errors=True)


def noise(n, seed=b"postern"):
    """n bytes, the same every time, that no compressor or counter could fake."""
    key, out, i = hashlib.sha256(seed).digest(), [], 0
    block = hashlib.shake_256(key).digest(1 << 20)
    while len(out) * (1 << 20) < n:
        out.append(block[i:] + block[:i])
        i += 4099
    return b"".join(out)[:n]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def run_case(lab, case, name):
    """Its lines: what there is to say, and the verdict."""
    try:
        case(lab)
        return ["ok %s" % name]
    except (Failure, subprocess.TimeoutExpired, OSError, AssertionError) as e:
        logs = ["---- log of %s\n%s" % (getattr(d, "name", "inetd"), d.text()) for d in lab.daemons[-2:]]
        return [str(e), *logs, "not ok %s: %s" % (name, str(e).split("\n")[0][:300])]


def descendants(pid):
    """The processes below pid that are there now."""
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        with contextlib.suppress(OSError):
            for t in os.listdir("/proc/%d/task" % p):
                with open("/proc/%d/task/%s/children" % (p, t)) as f:
                    children = [int(c) for c in f.read().split()]
                out += children
                todo += children
    return out


def main(cases, at_once=1, **kw):
    """Runs each case(lab), so many at once; prints one line per case; exits accordingly."""
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    lab, chosen, failed = Lab(**kw), [], 0
    try:
        for case in cases:
            name = getattr(case, "label", case.__name__)
            if only not in name:
                continue
            why = getattr(case, "needs_root", "")
            if why and not IS_ROOT:
                print("skip %s: %s" % (name, why), flush=True)
                continue
            chosen.append((case, name))
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            for lines in pool.map(lambda c: run_case(lab, *c), chosen):
                failed += lines[-1].startswith("not ok")
                print("\n".join(lines), flush=True)
    finally:
        lab.close()
    sys.exit(1 if failed else 0)


def needs_root(why):
    def mark(f):
        f.needs_root = why
        return f
    return mark


def labelled(label, f, *args):
    def case(lab):
        f(lab, *args)
    case.label = label
    if hasattr(f, "needs_root"):
        case.needs_root = f.needs_root
    return case
