#!/usr/bin/env python3
"""bench.py - ours beside whatever of sshd, dropbear and tinysshd is installed.

One run, one client (OpenSSH's ssh) for all, servers taking turns within a round;
each cell is the median of ROUNDS rounds with the range in brackets.  CPU is that of
the server's whole process tree, the command included: from a cgroup of its own as
root, else summed from /proc.  Run it on an idle machine; it takes minutes.

	make bench                        everything
	ROUNDS=5 SIZE=1024 make bench     more of it
	ONLY=bulk make bench              bulk, login, idle or echo
"""
import contextlib, os, statistics, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "interop"))
os.environ["BUILD"] = sys.argv[1] if len(sys.argv) > 1 else "build"
from lab import IS_ROOT, SSH_BASE, Failure, Lab, need

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SIZE = int(os.environ.get("SIZE", "512"))           # MiB per transfer
LOGINS = int(os.environ.get("LOGINS", "60"))
IDLE = int(os.environ.get("IDLE", "32"))
ECHOES = int(os.environ.get("ECHOES", "2000"))
ONLY = os.environ.get("ONLY", "")
CIPHERS = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]
TICK = os.sysconf("SC_CLK_TCK")


def cgroup_home():
    """(folder to make groups in, our own group, file with the CPU time, its unit)."""
    with open("/proc/self/cgroup") as f:
        lines = [l.strip().split(":", 2) for l in f]
    for _, kinds, path in lines:
        v1 = "/sys/fs/cgroup/cpuacct"
        if "cpuacct" in kinds.split(",") and os.path.exists(v1 + "/cgroup.procs"):
            return v1, v1 + path, "cpuacct.usage", 1e9
        if kinds == "" and os.path.exists("/sys/fs/cgroup/cgroup.procs"):
            return "/sys/fs/cgroup", "/sys/fs/cgroup" + path, "cpu.stat", 1e6
    return None


CGROUP = cgroup_home() if IS_ROOT else None


def descendants(pid):
    out, todo = [], [pid]
    while todo:
        p = todo.pop()
        out.append(p)
        with contextlib.suppress(OSError):
            for t in os.listdir("/proc/%d/task" % p):
                with open("/proc/%d/task/%s/children" % (p, t)) as f:
                    todo += [int(c) for c in f.read().split()]
    return out


class Server:
    def __init__(self, name, ciphers, start, port=None):
        self.name, self.ciphers = name, ciphers
        self.group = None
        if CGROUP:
            group = "%s/postern-bench-%d-%s" % (CGROUP[0], os.getpid(), name)
            with contextlib.suppress(OSError):
                os.mkdir(group)
                self.group = group
        if self.group:
            self.join(self.group)
        try:
            self.daemon = start()
        finally:
            if self.group:
                self.join(CGROUP[1])
        self.port = self.daemon.port
        if self.group and hasattr(self.daemon, "at_birth"):
            self.daemon.at_birth = lambda: self.join(self.group)

    @staticmethod
    def join(group):
        with open(group + "/cgroup.procs", "w") as f:
            f.write(str(os.getpid()))

    def pids(self):
        if self.group:
            with open(self.group + "/cgroup.procs") as f:
                return [int(p) for p in f.read().split()]
        if hasattr(self.daemon, "process"):
            return descendants(self.daemon.process.pid)
        return [p for c in self.daemon.children for p in descendants(c.pid)]

    def cpu(self):
        if self.group:
            with open("%s/%s" % (self.group, CGROUP[2])) as f:
                return int(f.readline().split()[-1]) / CGROUP[3]
        total = 0
        for p in self.pids():
            with contextlib.suppress(OSError), open("/proc/%d/stat" % p) as f:
                fields = f.read().rsplit(")", 1)[1].split()
                total += sum(int(x) for x in fields[11:15])
        return total / TICK

    def memory(self):
        """(Private_Dirty, Pss) in KiB over the whole tree."""
        dirty = pss = 0
        for p in self.pids():
            with contextlib.suppress(OSError), open("/proc/%d/smaps_rollup" % p) as f:
                for line in f:
                    if line.startswith("Private_Dirty:"):
                        dirty += int(line.split()[1])
                    elif line.startswith("Pss:"):
                        pss += int(line.split()[1])
        return dirty, pss

    def close(self):
        self.daemon.stop()
        if self.group:
            for _ in range(50):
                with contextlib.suppress(OSError):
                    os.rmdir(self.group)
                    return
                time.sleep(0.1)


def ssh(lab, s, *args, command=None):
    argv = [need("ssh"), *SSH_BASE, "-o", "BatchMode=yes", "-i", lab.userkey, "-p", str(s.port), *args,
            "%s@127.0.0.1" % lab.user]
    return argv + ([command] if command else [])


class Table:
    def __init__(self):
        self.rows = {}

    def add(self, row, name, value):
        self.rows.setdefault(row, {}).setdefault(name, []).append(value)

    def show(self, names):
        width = max(len(r) for r in self.rows) if self.rows else 0
        print("%-*s  %s" % (width, "", "  ".join("%-24s" % n for n in names)))
        for row, cells in self.rows.items():
            line = []
            for n in names:
                v = cells.get(n)
                line.append("%-24s" % ("-" if not v else "%.4g (%.4g-%.4g)" % (statistics.median(v), min(v), max(v))))
            print("%-*s  %s" % (width, row, "  ".join(line)))


def bulk(lab, s, table):
    for cipher in CIPHERS:
        if cipher not in s.ciphers:
            continue
        size = SIZE if s.name in ("postern", "sshd") else SIZE // 8
        gib = size / 1024
        for way in ("down", "up"):
            if way == "down":
                argv = ssh(lab, s, "-c", cipher, command="dd if=/dev/zero bs=128k count=%d 2>/dev/null" % (size * 8))
                feed = None
            else:
                argv = ssh(lab, s, "-c", cipher, command="cat >/dev/null")
                feed = subprocess.Popen(["dd", "if=/dev/zero", "bs=128k", "count=%d" % (size * 8)],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            cpu, t = s.cpu(), time.monotonic()
            r = subprocess.run(argv, stdin=feed.stdout if feed else subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               timeout=600)
            t = time.monotonic() - t
            if feed:
                feed.stdout.close()
                feed.wait()
            if r.returncode != 0:
                raise Failure("%s %s %s: status %d" % (s.name, way, cipher, r.returncode))
            time.sleep(0.1)
            row = "%s %s" % (way, cipher.split("@")[0])
            table.add(row + ": MB/s", s.name, size * 1.048576 / t)
            table.add(row + ": server CPU s/GiB", s.name, (s.cpu() - cpu) / gib)


def login(lab, s, table):
    for at_once in (1, 4):     # dropbear takes five strangers from one address
        cpu, t, running, left = s.cpu(), time.monotonic(), [], LOGINS
        while left or running:
            while left and len(running) < at_once:
                running.append(subprocess.Popen(ssh(lab, s, command="true"), stdin=subprocess.DEVNULL))
                left -= 1
            if running.pop(0).wait() != 0:
                raise Failure("%s: a login failed" % s.name)
        t = time.monotonic() - t
        time.sleep(0.2)
        table.add("login x%d: per second" % at_once, s.name, LOGINS / t)
        table.add("login x%d: server CPU ms" % at_once, s.name, (s.cpu() - cpu) / LOGINS * 1000)


def idle(lab, s, table):
    base, held = s.memory(), []
    try:
        for _ in range(IDLE):
            p = subprocess.Popen(ssh(lab, s, command="echo in; cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            if p.stdout.readline() != b"in\n":
                raise Failure("%s: no idle connection" % s.name)
            held.append(p)
        time.sleep(3)       # buffers go back when idle
        dirty, pss = s.memory()
        commands = 0
        for p in s.pids():  # the commands themselves are alike for all
            with contextlib.suppress(OSError), open("/proc/%d/comm" % p) as f:
                if f.read().strip() in ("cat", "sh"):
                    with open("/proc/%d/smaps_rollup" % p) as g:
                        commands += sum(int(l.split()[1]) for l in g if l.startswith("Private_Dirty:"))
        table.add("idle: Private_Dirty KiB", s.name, (dirty - base[0] - commands) / IDLE)
        table.add("idle: Pss KiB", s.name, (pss - base[1]) / IDLE)
    finally:
        for p in held:
            p.stdin.close()
        for p in held:
            p.wait()


def echo(lab, s, table):
    p = subprocess.Popen(ssh(lab, s, command="cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    times = []
    for i in range(ECHOES + 100):
        t = time.perf_counter()
        p.stdin.write(b"x")
        if p.stdout.read(1) != b"x":
            raise Failure("%s: echo" % s.name)
        if i >= 100:
            times.append((time.perf_counter() - t) * 1e6)
    p.stdin.close()
    p.wait()
    times.sort()
    table.add("echo of one byte: p50 us", s.name, times[len(times) // 2])
    table.add("echo of one byte: p99 us", s.name, times[len(times) * 99 // 100])


def main():
    lab, servers, table = Lab(), [], Table()
    try:
        wanted = [("postern", CIPHERS, lambda: lab.posternd(level="ERROR")),
                  ("sshd", CIPHERS, lambda: lab.sshd("LogLevel ERROR"))]
        if IS_ROOT:
            wanted += [("dropbear", CIPHERS[2:], lab.dropbear), ("tinysshd", CIPHERS[2:], lab.tinysshd)]
        for w in wanted:
            servers.append(Server(*w))
        for i in range(ROUNDS):
            for part in (bulk, login, idle, echo):
                if ONLY and ONLY != part.__name__:
                    continue
                for s in servers if i % 2 == 0 else servers[::-1]:
                    part(lab, s, table)
        print("median of %d rounds (range); %d MiB per transfer, %d logins, %d idle connections, %d echoes" % (
            ROUNDS, SIZE, LOGINS, IDLE, ECHOES))
        table.show([s.name for s in servers])
    finally:
        for s in servers:
            s.close()
        lab.daemons.clear()
        lab.close()


main()
