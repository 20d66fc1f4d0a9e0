#!/usr/bin/env python3
"""kill_test.py - kill -9 of worker, zygote, monitor and application, at five moments.

The harness is a subreaper: whatever is orphaned becomes its child.  A second after
each kill no process of ours may be left over, alive or as a zombie; the others must
have said what died; live connections must outlive a zygote, and the next connection
must be served wherever a server is left.
"""
import contextlib, ctypes, os, re, signal, socket, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import IS_ROOT, POSTERN, SSH_BASE, check, descendants, labelled, main, need, needs_root
from locked_test import VERSION, at_login, kexinit, logged_in, raw, rekeying, worker_of

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def comm(pid):
    with contextlib.suppress(OSError), open("/proc/%d/comm" % pid) as f:
        return f.read().strip()
    return ""


def family(daemon):
    """{role: [pids]} below a posternd or postern."""
    out = {"application": [daemon], "monitor": [], "zygote": [], "clone": [], "other": []}
    for pid in descendants(daemon):
        name = comm(pid)
        if name.startswith("postern-monitor"):
            out["monitor"].append(pid)
        elif name.startswith("postern-worker"):
            with contextlib.suppress(OSError):
                out["zygote" if os.getsid(pid) == pid else "clone"].append(pid)
        else:
            out["other"].append(pid)
    return out


def reap():
    """Takes in what was orphaned to us and has ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0] > 0:
            pass


def alive(pids):
    out = []
    for p in pids:
        with contextlib.suppress(OSError), open("/proc/%d/stat" % p) as f:
            state = f.read().rsplit(")", 1)[1].split()
            out.append("%d %s %s" % (p, comm(p), state[0]))
    return out


def gone(pids, seconds=1.0):
    end = time.monotonic() + seconds
    while True:
        reap()
        left = alive(pids)
        if not left:
            return
        check(time.monotonic() < end, "left over after %.0f s: %s" % (seconds, left))
        time.sleep(0.02)


@contextlib.contextmanager
def nothing(lab, s):
    yield


MOMENTS = [("idle", nothing), ("banner", lambda lab, s: raw(lab, s, VERSION)),
           ("key exchange", lambda lab, s: raw(lab, s, VERSION, kexinit())), ("open", logged_in), ("rekeying", rekeying)]
if IS_ROOT:
    MOMENTS.insert(3, ("login", at_login))


def served(lab, s):
    with logged_in(lab, s):
        pass


def wait_for(s, pattern, what, seconds=3):
    end = time.monotonic() + seconds
    while not re.search(pattern, s.text()):
        check(time.monotonic() < end, "%s is not reported (%s)" % (what, pattern))
        time.sleep(0.02)


def kill_worker(lab, name, hold):
    s = lab.posternd("RekeyQuota 100000 100000")
    with hold(lab, s):
        f = family(s.process.pid)
        pid = f["clone"][0] if name == "idle" else worker_of(s.process.pid, s.port)
        os.kill(pid, signal.SIGKILL)
        gone([pid])
        if name != "idle":
            wait_for(s, r"worker died \(SIGKILL", "the worker's death")
        served(lab, s)
    s.stop()


def kill_zygote(lab, name, hold):
    s = lab.posternd("RekeyQuota 100000 100000")
    with contextlib.ExitStack() as stack:
        p = stack.enter_context(logged_in(lab, s))
        stack.enter_context(hold(lab, s))
        zygotes = family(s.process.pid)["zygote"]
        check(zygotes, "no zygote found")
        for z in zygotes:
            os.kill(z, signal.SIGKILL)
        gone(zygotes)
        p.stdin.write(b"still here\n")
        p.stdin.flush()
        check(p.stdout.readline() == b"still here\n", "a live connection did not outlive the zygote")
        wait_for(s, r"zygote.*(died|ended|gone)", "the zygote's death")
        served(lab, s)
    s.stop()


def kill_monitor(lab, name, hold):
    s = lab.posternd("RekeyQuota 100000 100000")
    with hold(lab, s):
        f = family(s.process.pid)
        os.kill(f["monitor"][0], signal.SIGKILL)
        gone(f["monitor"] + f["zygote"] + f["clone"])
        wait_for(s, r"monitor.*(died|ended|gone)", "the monitor's death")
        end = time.monotonic() + 3
        while s.process.poll() is None:
            check(time.monotonic() < end, "posternd goes on without a monitor")
            time.sleep(0.02)
        gone(f["other"])
    s.stop()


def kill_application(lab, name, hold):
    s = lab.posternd("RekeyQuota 100000 100000")
    with hold(lab, s):
        f = family(s.process.pid)
        everybody = descendants(s.process.pid)
        os.kill(s.process.pid, signal.SIGKILL)
        s.process.wait()
        gone(everybody)
    s.stop()


def client_killed(lab, who):
    """The same in a client: whoever of it dies, it says so and leaves nothing."""
    s = lab.sshd()
    p = subprocess.Popen([POSTERN, "-F", "none", "-o", "StrictHostKeyChecking=accept-new", "-o", "BatchMode=yes", "-o",
                          "UserKnownHostsFile=/dev/null", "-i", lab.userkey, "-p", str(s.port),
                          "%s@127.0.0.1" % lab.user, "echo in; cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    check(p.stdout.readline() == b"in\n", "no login")
    f = family(p.pid)
    everybody = descendants(p.pid)
    if who == "worker":
        os.kill(worker_of(p.pid, s.port, 2), signal.SIGKILL)
    elif who == "application":
        os.kill(p.pid, signal.SIGKILL)
    else:
        for pid in f[who]:
            os.kill(pid, signal.SIGKILL)
    if who == "zygote":
        p.stdin.write(b"on\n")
        p.stdin.flush()
        check(p.stdout.readline() == b"on\n", "the connection did not outlive the zygote")
        p.stdin.close()
        check(p.wait(10) == 0, "status %r" % p.returncode)
    elif who != "application":
        p.wait(10)      # before its input ends, or it may end in good order first
        _, err = p.communicate(timeout=10)
        check(p.returncode == 255 and who.encode() in err, "status %d, %r" % (p.returncode, err))
    else:
        p.communicate()
    gone(everybody)
    s.stop()


cases = [labelled("kill %s, %s" % (f.__name__[5:], n), f, n, h)
         for f in (kill_worker, kill_zygote, kill_monitor, kill_application) for n, h in MOMENTS]
cases += [labelled("kill the client's " + w, client_killed, w) for w in ("worker", "zygote", "monitor", "application")]
for c in cases:
    needs_root("seeing which process is which takes root")(c)

if __name__ == "__main__":
    main(cases)
