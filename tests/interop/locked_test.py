#!/usr/bin/env python3
"""locked_test.py - what the kernel says of a live worker, at every point of its life.

As root, looked at through /proc: filtered, no_new_privs, no capability, an empty
root, no descriptor but its own, no byte of the host key in its memory - as root
and as a normal user, server and client.  Then forbidden system calls are injected
into live workers: each must die of SIGSYS, be reported as such, and leave the next
connection to be served by a fresh layout.  Points are held by a peer that stops
there.
"""
import base64, contextlib, hashlib, os, re, socket, struct, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import BUILD, SAN, SSH_BASE, check, descendants, labelled, main, need, needs_root, noise

INJECT = os.path.join(BUILD, "tests", "tools", "inject")


def links(pid):
    out = {}
    for n in os.listdir("/proc/%d/fd" % pid):
        with contextlib.suppress(OSError):
            out[int(n)] = os.readlink("/proc/%d/fd/%s" % (pid, n))
    return out


def tcp_inodes(port, side):
    """Inodes of established sockets whose local (side 1) or remote (2) port it is."""
    out = set()
    with open("/proc/net/tcp") as f:
        for line in list(f)[1:]:
            w = line.split()
            if int(w[side].split(":")[1], 16) == port and w[3] in ("01", "08"):
                out.add("socket:[%s]" % w[9])
    return out


def worker_of(parent, port, side=1, seconds=10):
    """The worker below parent that holds the one live connection with this port."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        inodes = tcp_inodes(port, side)
        for pid in descendants(parent):
            with contextlib.suppress(OSError), open("/proc/%d/comm" % pid) as f:
                if f.read().startswith("postern-worker") and inodes & set(links(pid).values()):
                    return pid
        time.sleep(0.02)
    raise AssertionError("no worker holds a connection with port %d" % port)


def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(l.rstrip("\n").split(":\t", 1) for l in f if ":\t" in l)


def look(pid, point, as_root):
    s = status_of(pid)
    check(s["Seccomp"] == "2", "%s: no filter" % point)
    check(s["NoNewPrivs"] == "1", "%s: may gain privileges" % point)
    for c in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        check(int(s[c], 16) == 0, "%s: %s is %s" % (point, c, s[c]))
    uids = set(s["Uid"].split())
    check(len(uids) == 1, "%s: uids %s" % (point, uids))
    if as_root:
        check("0" not in uids, "%s: runs as root" % point)
        check(int(s["CapBnd"], 16) == 0, "%s: bounding set %s" % (point, s["CapBnd"]))
    check(os.listdir("/proc/%d/root" % pid) == [], "%s: its root is not empty" % point)
    for n, l in links(pid).items():
        # 0 to 2 are /dev/null, so that a stray message of a library goes nowhere else
        check(l.startswith(("socket:", "pipe:")) or l in ("/dev/ptmx", "/dev/pts/ptmx") or
              (n < 3 and l == "/dev/null"), "%s: holds %s as %d" % (point, l, n))


def secrets_of(keyfile):
    """The seed of an unencrypted key file, and what is worked out of it."""
    with open(keyfile) as f:
        blob = base64.b64decode("".join(f.read().split("\n")[1:-2]))
    at = blob.rindex(b"ssh-ed25519") + 11
    n, = struct.unpack(">I", blob[at:at + 4])
    at += 4 + n
    n, = struct.unpack(">I", blob[at:at + 4])
    check(n == 64, "key file")
    seed = blob[at + 4:at + 36]
    h = hashlib.sha512(seed).digest()
    scalar = bytes([h[0] & 248]) + h[1:31] + bytes([h[31] & 127 | 64])
    return {"seed": seed, "scalar": scalar, "prefix": h[32:]}


def scan(pid, secrets, point):
    read = 0
    with open("/proc/%d/maps" % pid) as maps, open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for line in maps:
            w = line.split()
            if not w[1].startswith("r") or w[-1] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            a, b = (int(x, 16) for x in w[0].split("-"))
            tail = b""
            for at in range(a, b, 1 << 20):
                try:
                    mem.seek(at)
                    data = mem.read(min(1 << 20, b - at))
                except OSError:
                    continue
                read += len(data)
                for name, secret in secrets.items():
                    for part in (secret[:16], secret[16:]):
                        check(part not in tail + data, "%s: the worker's memory holds the host key's %s" % (point, name))
                tail = data[-32:]
    check(read > 100000, "%s: only %d bytes could be read" % (point, read))


def kexinit():
    lists = [b"curve25519-sha256", b"ssh-ed25519", b"aes128-ctr", b"aes128-ctr", b"hmac-sha2-256-etm@openssh.com",
             b"hmac-sha2-256-etm@openssh.com", b"none", b"none", b"", b""]
    p = b"\x14" + bytes(16) + b"".join(struct.pack(">I", len(l)) + l for l in lists) + b"\0" + bytes(4)
    pad = 8 - (len(p) + 5) % 8
    pad += 8 if pad < 4 else 0
    return struct.pack(">IB", len(p) + pad + 1, pad) + p + bytes(pad)


@contextlib.contextmanager
def raw(lab, s, *sends):
    with socket.create_connection(("127.0.0.1", s.port)) as c:
        check(c.recv(4096) != b"" if sends else True, "no banner")
        for data in sends:
            c.sendall(data)
            time.sleep(0.15)
        time.sleep(0.15)
        yield


@contextlib.contextmanager
def at_login(lab, s):
    ask = lab.write("askpass", "#!/bin/sh\nexec sleep 30\n")
    os.chmod(ask, 0o700)
    env = dict(os.environ, SSH_ASKPASS=ask, SSH_ASKPASS_REQUIRE="force", DISPLAY=":0")
    p = subprocess.Popen([need("ssh"), *SSH_BASE, "-o", "PubkeyAuthentication=no", "-p", str(s.port),
                          "%s@127.0.0.1" % lab.user, "true"], env=env, stdin=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        time.sleep(0.7)
        yield
    finally:
        subprocess.run(["pkill", "-KILL", "-s", str(p.pid)])
        p.wait()


@contextlib.contextmanager
def logged_in(lab, s, *args, command="echo in; cat"):
    p = subprocess.Popen([need("ssh"), *SSH_BASE, *args, "-o", "BatchMode=yes", "-i", lab.userkey, "-p", str(s.port),
                          "%s@127.0.0.1" % lab.user, command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    try:
        check(p.stdout.readline() == b"in\n", "no login")
        yield p
    finally:
        p.kill()
        p.communicate()


@contextlib.contextmanager
def rekeying(lab, s):
    with logged_in(lab, s, "-o", "RekeyLimit=64K") as p:
        feeder = subprocess.Popen(["timeout", "20", "cat", "/dev/zero"], stdout=p.stdin)
        drain = subprocess.Popen(["cat"], stdin=p.stdout, stdout=subprocess.DEVNULL)
        try:
            time.sleep(0.3)
            yield
        finally:
            feeder.kill()
            drain.kill()
            feeder.wait()
            drain.wait()


VERSION = b"SSH-2.0-point\r\n"
POINTS = [("silent", lambda lab, s: raw(lab, s)),
          ("banner", lambda lab, s: raw(lab, s, VERSION)),
          ("key exchange", lambda lab, s: raw(lab, s, VERSION, kexinit())),
          ("login", at_login), ("open", logged_in), ("rekeying", rekeying)]

servers = {}


def server(lab, as_root):
    if as_root not in servers:
        lines = ["PasswordAuthentication yes", "RekeyQuota 100000 100000"]
        servers[as_root] = lab.posternd(*lines, user=None if as_root else lab.user)
    return servers[as_root]


def locked_server(lab, as_root, name, hold):
    s = server(lab, as_root)
    secrets = secrets_of(lab.hostkey)
    with hold(lab, s):
        pid = worker_of(s.process.pid, s.port)
        for _ in range(8 if name == "rekeying" else 1):
            look(pid, name, as_root)
            scan(pid, secrets, name)
            time.sleep(0.02)


def locked_client(lab, as_root):
    """The client's worker: while the server says nothing, and when logged in."""
    argv = ["-F", "none", "-o", "StrictHostKeyChecking=accept-new", "-o", "BatchMode=yes", "-o",
            "UserKnownHostsFile=/dev/null"]
    key = lab.path("client_key")
    subprocess.run(["cp", lab.userkey, key], check=True)
    user = None
    if not as_root:
        user = lab.user
        os.chown(key, int(subprocess.check_output(["id", "-u", user])), -1)
    os.chmod(key, 0o600)
    with socket.create_server(("127.0.0.1", 0)) as quiet:
        port = quiet.getsockname()[1]
        p = subprocess.Popen([lab.program("postern", user), *argv, "-p", str(port), "x@127.0.0.1", "true"], stderr=subprocess.DEVNULL,
                             stdin=subprocess.DEVNULL, user=user, extra_groups=[] if user else None)
        try:
            c, _ = quiet.accept()
            look(worker_of(p.pid, port, 2), "client, silent server", as_root)
            c.sendall(b"SSH-2.0-point\r\n")
            time.sleep(0.2)
            look(worker_of(p.pid, port, 2), "client, banner", as_root)
            c.sendall(kexinit())
            time.sleep(0.2)
            look(worker_of(p.pid, port, 2), "client, key exchange", as_root)
            c.close()
        finally:
            p.kill()
            p.wait()
    sshd = servers.setdefault("sshd", None) or lab.sshd()
    servers["sshd"] = sshd
    p = subprocess.Popen([lab.program("postern", user), *argv, "-i", key, "-p", str(sshd.port), "%s@127.0.0.1" % lab.user, "echo in; cat"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, user=user,
                         extra_groups=[] if user else None)
    try:
        check(p.stdout.readline() == b"in\n", "no login")
        pid = worker_of(p.pid, sshd.port, 2)
        look(pid, "client, open", as_root)
        scan(pid, secrets_of(lab.userkey), "client, open")
    finally:
        p.kill()
        p.communicate()


# number, arguments; @N is an address below the stack pointer
FORBIDDEN = {
    "open": (2, "@512", 0), "openat": (257, -100 & (1 << 64) - 1, "@512", 0), "socket": (41, 2, 1, 0),
    "connect": (42, 3, "@512", 16), "bind": (49, 3, "@512", 16), "execve": (59, "@512", 0, 0), "fork": (57,),
    "vfork": (58,), "clone": (56, 17, 0), "clone3": (435, "@512", 88), "ptrace": (101, 0), "kill": (62, 1, 0),
    "tgkill": (234, 1, 1, 0), "sendmsg": (46, 3, "@512", 0), "mprotect": (10, 4096, 4096, 7),
    "mmap executable": (9, 0, 4096, 7, 0x22, (1 << 64) - 1, 0), "mmap shared": (9, 0, 4096, 3, 0x21, (1 << 64) - 1, 0),
    "mmap of a descriptor": (9, 0, 4096, 3, 2, 3, 0), "dup": (32, 3), "dup2": (33, 3, 9), "fcntl": (72, 3, 1),
    "ioctl": (16, 3, 0x5401, "@512"), "setsockopt": (54, 3, 1, 2, "@512", 4), "getpid": (39,), "prctl": (157, 4, 1),
    "seccomp": (317, 1, 0, "@512"), "io_uring_setup": (425, 8, "@512"), "unshare": (272, 0x10000000),
    "mount": (165, "@512", "@512", "@512", 0, 0), "chroot": (161, "@512"), "setuid": (105, 0), "capset": (126, "@512", "@512"),
    "process_vm_readv": (310, 1, "@512", 1, "@512", 1, 0), "memfd_create": (319, "@512", 0), "bpf": (321, 0, "@512", 8),
    "pidfd_open": (434, 1, 0), "pidfd_getfd": (438, 3, 0, 0), "userfaultfd": (323, 0), "keyctl": (250, 0),
    "sendto with an address": (44, 3, "@512", 1, 0, "@512", 16), "poll": (7, "@512", 0, 0), "rt_sigreturn": (15,),
    "rt_sigaction": (13, 11, "@512", 0, 8), "stat": (4, "@512", "@512"), "getdents64": (217, 3, "@512", 64),
    "shmget": (29, 0, 4096, 0), "x32 getpid": (0x40000000 + 39,),
}


def inject(pid, call):
    r = subprocess.run([INJECT, str(pid), *map(str, FORBIDDEN[call])], capture_output=True, text=True, timeout=20)
    return r.stdout.strip() or r.stderr.strip()


def layout(pid):
    with open("/proc/%d/maps" % pid) as f:
        return f.readline().split("-")[0]


def injected(lab, hold, call, end_is_told=True):
    s = server(lab, True)
    with hold(lab, s):
        pid = worker_of(s.process.pid, s.port)
        before = layout(pid)
        said = inject(pid, call)
        check(said == "killed 31", "%s was not killed: %s" % (call, said))
        end = time.monotonic() + 5
        while end_is_told and not re.search(r"worker died \(SIGSYS", s.text()[-3000:]):
            check(time.monotonic() < end, "the death is not reported as SIGSYS")
            time.sleep(0.02)
    with logged_in(lab, s):     # and the next is served, elsewhere in memory
        after = layout(worker_of(s.process.pid, s.port))
        check(after != before, "the next connection has the dead one's layout")


cases = []
for as_root in (True, False):
    who = "root" if as_root else "user"
    cases += [labelled("locked server (%s), %s" % (who, n), locked_server, as_root, n, h) for n, h in POINTS]
    cases.append(labelled("locked client (%s)" % who, locked_client, as_root))
if not SAN:
    cases += [labelled("killed: " + call, injected, logged_in, call) for call in FORBIDDEN]
    cases += [labelled("killed before the peer's first byte: " + call, injected, POINTS[0][1], call)
              for call in ("openat", "socket", "execve")]
    cases += [labelled("killed in the key exchange: " + call, injected, POINTS[2][1], call)
              for call in ("openat", "socket", "execve")]
for c in cases:
    needs_root("looking into other processes takes root")(c)

if __name__ == "__main__":
    main(cases)
