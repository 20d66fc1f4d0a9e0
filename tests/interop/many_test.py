#!/usr/bin/python3
"""many_test.py - a thousand connections, one thread on each side.

apps/examples/event_server.c (libevent) serves apps/examples/epoll_clients.c (epoll).
Runs under the system's python3, for Debian's paramiko.
Between two keepalives nobody wakes up, and a thousand strangers who stop in the middle
of their handshakes do not hold up a line of text on a connection that lives.
"""
import contextlib, os, socket, statistics, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import BUILD, ROOT, SAN, Failure, check, free_port, main

MANY = 100 if SAN else 1000
QUIET = 3.0
state = {}


def build(lab, name, *libs):
    out = os.path.join(lab.dir, name)
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-D_GNU_SOURCE", *(["-fsanitize=address,undefined"] if SAN else []),
                    "-I" + os.path.join(ROOT, "include"), "-o", out, os.path.join(ROOT, "apps/examples", name + ".c"),
                    os.path.join(BUILD, "lib/libpostern.a"), "-lsodium", "-lmd", *libs], check=True)
    return out


def line(p, seconds=300):
    """One line of a child's output, or a failure: never for ever."""
    import select
    r, _, _ = select.select([p.stdout], [], [], seconds)
    if not r:
        raise Failure("no line within %d s" % seconds)
    return p.stdout.readline().decode().strip()


def children(pid):
    with contextlib.suppress(OSError), open("/proc/%d/task/%d/children" % (pid, pid)) as f:
        direct = [int(c) for c in f.read().split()]
        return direct + [g for c in direct for g in children(c)]
    return []


def switches(pids):
    """How often each has gone to sleep."""
    counts = {}
    for pid in pids:
        with contextlib.suppress(OSError), open("/proc/%d/status" % pid) as f:
            lines = dict(l.split(":", 1) for l in f)
            counts[pid] = (int(lines["voluntary_ctxt_switches"]), lines["Name"].strip())
    return counts


def holds_a_thousand(lab):
    server, clients = build(lab, "event_server", "-levent_core"), build(lab, "epoll_clients")
    port = free_port()
    state["port"] = port
    state["server"] = s = subprocess.Popen([server, lab.hostkey, str(port)], stdin=subprocess.DEVNULL)
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            break
        time.sleep(0.1)
    state["clients"] = c = subprocess.Popen([clients, lab.hostkey + ".pub", str(port), str(MANY)],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    began = time.monotonic()
    said = line(c)
    check(said == "held %d lost 0" % MANY, said)
    print("# %d logins in %.1f s" % (MANY, time.monotonic() - began))
    check(len(children(s.pid)) >= MANY, "the server has %d processes" % len(children(s.pid)))


def ask(text):
    c = state["clients"]
    began = time.monotonic()
    c.stdin.write(text.encode() + b"\n")
    c.stdin.flush()
    said = line(c, 30)
    took = time.monotonic() - began
    check(said == text.upper(), "%r instead of %r" % (said, text.upper()))
    return took * 1000


def nobody_wakes_up(lab):
    ask("one line opens the channel")
    time.sleep(10.0)         # used-up layouts and large buffers have gone by then
    pids = [state["server"].pid, state["clients"].pid]
    pids += children(pids[0]) + children(pids[1])
    before = switches(pids)
    time.sleep(QUIET)
    after = switches(pids)
    woke = {p: (n - before[p][0], name) for p, (n, name) in after.items() if p in before and n != before[p][0]}
    print("# %d processes, awake in %.0f s: %s" % (len(pids), QUIET, woke))
    check(not woke, "%d of %d idle processes woke up: %s" % (len(woke), len(pids), woke))


def strangers_hold_up_nobody(lab):
    alone = [ask("alone %d" % i) for i in range(50)]
    strangers = []
    try:
        crowd = []
        for i in range(MANY):
            s = socket.create_connection(("127.0.0.1", state["port"]), 10)
            s.sendall(b"SSH-2.0-stranger\r\n" if i % 2 else b"SSH-2.0-str")
            strangers.append(s)
            if i % 20 == 0:
                crowd.append(ask("crowd %d" % i))
        after = [ask("after %d" % i) for i in range(50)]
    finally:
        for s in strangers:
            s.close()
    print("# a line there and back, median ms: alone %.2f, while they come %.2f, when they are there %.2f" %
          (statistics.median(alone), statistics.median(crowd), statistics.median(after)))
    check(statistics.median(after) - statistics.median(alone) < 10, "half-open handshakes cost %.1f ms" %
          (statistics.median(after) - statistics.median(alone)))
    check(statistics.median(crowd) - statistics.median(alone) < 10, "arriving handshakes cost %.1f ms" %
          (statistics.median(crowd) - statistics.median(alone)))


def programs_end_with_their_status(lab):
    """A program's end is one more descriptor in the same loop."""
    import paramiko
    t = paramiko.Transport(socket.create_connection(("127.0.0.1", state["port"])))
    try:
        t.connect(username="robey", password="foo")
        for command, data, said, status in (("true", b"", b"", 0), ("false", b"", b"", 1), ("count", b"x" * 70000, b"70000\n", 0)):
            ch = t.open_session()
            ch.settimeout(30)
            ch.exec_command(command)
            ch.sendall(data)
            ch.shutdown_write()
            got = ch.makefile("rb").read()
            check(ch.status_event.wait(30), command + ": no status")
            check((got, ch.exit_status) == (said, status), "%s: %r %d" % (command, got, ch.exit_status))
        ch = t.open_session()
        try:
            ch.exec_command("sh")
        except paramiko.SSHException:
            pass
        else:
            raise Failure("a program that is none of those")
        t.open_session().exec_command("count")      # still reads when the connection goes
    finally:
        t.close()
    for _ in range(100):
        if not any(name(p) == "wc" for p in children(state["server"].pid)):
            return
        time.sleep(0.1)
    raise Failure("the program outlives its channel")


def name(pid):
    with contextlib.suppress(OSError), open("/proc/%d/comm" % pid) as f:
        return f.read().strip()


def all_end(lab):
    c, s = state["clients"], state["server"]
    c.stdin.close()
    check(c.wait(60) == 0, "the clients ended with %d" % c.returncode)
    for _ in range(150):
        if len(children(s.pid)) < 10:
            break
        time.sleep(0.2)
    left = len(children(s.pid))
    s.kill()
    s.wait()
    check(left < 10, "%d processes of the server are left" % left)


if __name__ == "__main__":
    try:
        main([holds_a_thousand, nobody_wakes_up, strangers_hold_up_nobody, programs_end_with_their_status, all_end])
    finally:
        for p in state.values():
            if isinstance(p, subprocess.Popen) and p.poll() is None:
                p.kill()
                p.wait()
