#!/usr/bin/python3
"""hostagent_test.py - HostKeyAgent: Debian's ssh-agent holds posternd's host keys.

ssh logs in by each of them; the agent is stopped, killed and started anew meanwhile.  sshd
is given the same lines, to see that they mean the same.
"""
import os, signal, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import SSH_BASE, Failure, check, main, need

GONE = "no signature of the host key"


class Agent:
    def __init__(self, lab, *keys, socket=None):
        self.socket = socket or lab.path("agent")
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        self.process = subprocess.Popen([need("ssh-agent"), "-D", "-a", self.socket], stdout=subprocess.DEVNULL)
        end = time.monotonic() + 10
        while not os.path.exists(self.socket):
            check(time.monotonic() < end, "ssh-agent makes no socket")
            time.sleep(0.02)
        for k in keys:
            subprocess.run([need("ssh-add"), "-q", k], check=True, env=dict(os.environ, SSH_AUTH_SOCK=self.socket))

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def host_keys(lab):
    """Made once; the private halves are nowhere but in agents afterwards."""
    folder = os.path.join(lab.dir, "agents-keys")
    paths = [os.path.join(folder, "ed25519"), os.path.join(folder, "rsa")]
    if not os.path.isdir(folder):
        os.mkdir(folder)
        for p, more in zip(paths, ([], ["-b", "3072"])):
            subprocess.run([need("ssh-keygen"), "-q", "-t", os.path.basename(p), *more, "-N", "", "-f", p], check=True)
    return paths


def served(lab, agent, *lines, **kw):
    ed, rsa = host_keys(lab)
    return lab.posternd("HostKeyAgent " + agent.socket, "HostKey %s.pub" % rsa, *lines, hostkey=ed + ".pub", **kw)


def logs_in(lab, server, *args):
    r = lab.ssh(server, *args, command=["echo", "in"])
    check(r.returncode == 0 and r.stdout == b"in\n", "ssh: %r" % r.stderr)


def fails(lab, server, why=GONE):
    r = lab.ssh(server, command=["echo", "in"])
    check(r.returncode == 255 and why.encode() in r.stderr, "ssh: %d %r" % (r.returncode, r.stderr))


class Session:
    """ssh with cat at the other end, and new session keys for each 64 KiB."""

    def __init__(self, lab, server):
        self.process = subprocess.Popen(
            [need("ssh"), *SSH_BASE, "-p", str(server.port), "-o", "BatchMode=yes", "-o", "RekeyLimit=64K", "-i",
             lab.userkey, "%s@127.0.0.1" % lab.user, "cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.echoes(b"hello\n")

    def echoes(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()
        got = b""
        while len(got) < len(data):
            more = self.process.stdout.read1(len(data) - len(got))
            if not more:
                raise Failure("the session ended: %r" % self.process.stderr.read())
            got += more
        check(got == data, "another echo")

    def ends(self):
        """In the rekey that this much data brings about."""
        _, err = self.process.communicate(b"x" * 300000, timeout=30)
        check(self.process.returncode == 255 and GONE.encode() in err, "ssh: %r" % err)


def every_key_signs(lab):
    with Agent(lab, *host_keys(lab)) as agent:
        for server in (served(lab, agent), lab.sshd("HostKeyAgent " + agent.socket, "HostKey %s.pub" %
                       host_keys(lab)[1], hostkey=host_keys(lab)[0] + ".pub")):
            for alg in "ssh-ed25519", "rsa-sha2-256", "rsa-sha2-512":
                logs_in(lab, server, "-o", "HostKeyAlgorithms=" + alg)


def rekeys_are_signed(lab):
    with Agent(lab, *host_keys(lab)) as agent:
        s = Session(lab, served(lab, agent))
        for _ in range(8):
            s.echoes(b"y" * 50000)
        s.process.communicate(timeout=30)
        check(s.process.returncode == 0, "ssh: %d" % s.process.returncode)


def socket_of_the_environment(lab):
    ed, _ = host_keys(lab)
    with Agent(lab, *host_keys(lab)) as agent:
        logs_in(lab, lab.posternd("HostKeyAgent SSH_AUTH_SOCK", hostkey=ed + ".pub",
                                  env=dict(os.environ, SSH_AUTH_SOCK=agent.socket)))


def killed_in_mid_life(lab):
    with Agent(lab, *host_keys(lab)) as agent:
        server = served(lab, agent)
        idle, busy = Session(lab, server), Session(lab, server)
        agent.stop()
        idle.echoes(b"still there\n")
        fails(lab, server)
        busy.ends()
        idle.echoes(b"and still\n")
        idle.process.communicate(timeout=30)
        check(idle.process.returncode == 0, "the other session: %d" % idle.process.returncode)
        check(server.process.poll() is None, "posternd ended")


def asked_and_killed(lab):
    """It stands still while it is asked, and dies then."""
    with Agent(lab, *host_keys(lab)) as agent:
        server = served(lab, agent)
        agent.process.send_signal(signal.SIGSTOP)
        client = subprocess.Popen([need("ssh"), *SSH_BASE, "-p", str(server.port), "-o", "BatchMode=yes", "-i",
                                   lab.userkey, "%s@127.0.0.1" % lab.user, "true"], stderr=subprocess.PIPE)
        time.sleep(1)
        check(client.poll() is None, "ssh did not wait")
        agent.stop()
        _, err = client.communicate(timeout=20)
        check(client.returncode == 255 and GONE.encode() in err, "ssh: %r" % err)


def back_after_a_reload(lab):
    with Agent(lab, *host_keys(lab)) as agent:
        server = served(lab, agent)
        stays = Session(lab, server)
        agent.stop()
        fails(lab, server)
        with Agent(lab, *host_keys(lab), socket=agent.socket):
            server.process.send_signal(signal.SIGHUP)
            end = time.monotonic() + 20
            while lab.ssh(server, command=["true"]).returncode != 0:
                check(time.monotonic() < end, "it is not back")
                time.sleep(0.2)
            stays.echoes(b"still\n")
            stays.process.communicate(timeout=30)
            check(stays.process.returncode == 0, "the session of before: %d" % stays.process.returncode)


def back_without_a_reload(lab):
    """Another agent on the same path: whoever connects next is served, and so are rekeys of before."""
    with Agent(lab, *host_keys(lab)) as agent:
        server = served(lab, agent)
        stays = Session(lab, server)
        agent.stop()
        fails(lab, server)
        check(server.says("Could not connect to agent"), server.text())
        fails(lab, server)
        check(server.text().count("Could not connect to agent") == 1, "it is told each time:\n" + server.text())
        with Agent(lab, *host_keys(lab), socket=agent.socket) as second:
            time.sleep(1.1)                     # it asks for another connection once a second
            logs_in(lab, server)
            for _ in range(4):
                stays.echoes(b"z" * 50000)      # new keys on the way
            second.stop()
            with Agent(lab, *host_keys(lab), socket=agent.socket):
                time.sleep(1.1)
                logs_in(lab, server)            # nobody had noticed yet
                logs_in(lab, server, "-o", "HostKeyAlgorithms=rsa-sha2-512")
                for _ in range(4):
                    stays.echoes(b"z" * 50000)
                stays.process.communicate(timeout=30)
                check(stays.process.returncode == 0, "the session of before: %d" % stays.process.returncode)


def another_agent_without_the_key(lab):
    """What comes back on the path need not be what was there."""
    with Agent(lab, *host_keys(lab)) as agent:
        server = served(lab, agent)
        agent.stop()
        with Agent(lab, socket=agent.socket):
            fails(lab, server, "the agent did not sign")
        check(server.process.poll() is None, "posternd ended")


def a_key_it_has_not(lab):
    """At the start it must have them; one that it loses later it does not sign with."""
    ed, rsa = host_keys(lab)
    with Agent(lab, rsa) as agent:
        server = served(lab, agent)
        check("the agent does not have it" in server.text(), server.text())
        logs_in(lab, server)
        subprocess.run([need("ssh-add"), "-q", "-D"], check=True, env=dict(os.environ, SSH_AUTH_SOCK=agent.socket),
                       stderr=subprocess.DEVNULL)
        fails(lab, server, "the agent did not sign")
        subprocess.run([need("ssh-add"), "-q", rsa], check=True, env=dict(os.environ, SSH_AUTH_SOCK=agent.socket))
        logs_in(lab, server)


def public(path):
    with open(path + ".pub") as f:
        return " ".join(f.read().split()[:2])


def proven_for_known_hosts(lab):
    """UpdateHostKeys of a client that knows one of them: the agent proves the other, or, without it,
    the client learns nothing and its session goes on."""
    ed, rsa = host_keys(lab)
    with Agent(lab, ed, rsa) as agent:
        server = served(lab, agent)
        env = dict(os.environ, SSH_AUTH_SOCK=agent.socket)

        def learns(alg, known, other, all_of_it):
            path = lab.write("known", "[127.0.0.1]:%d %s\n" % (server.port, public(known)))
            r = lab.run([need("ssh"), "-F", "/dev/null", "-v", "-p", str(server.port), "-o", "BatchMode=yes", "-o",
                         "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=" + path, "-o",
                         "GlobalKnownHostsFile=/dev/null", "-o", "IdentitiesOnly=yes", "-o", "UpdateHostKeys=yes", "-o",
                         "HostKeyAlgorithms=%s,ssh-ed25519,rsa-sha2-512" % alg, "-i", lab.userkey,
                         "%s@127.0.0.1" % lab.user, "sleep 1; echo in"])
            check(r.returncode == 0 and r.stdout == b"in\n", "%s: ssh: %r" % (alg, r.stderr))
            with open(path) as f:
                has = sorted(" ".join(line.split()[1:3]) for line in f if line.strip())
            check(has == sorted([public(known)] + ([public(other)] if all_of_it else [])),
                  "%s: known_hosts has %s\n%s" % (alg, has, r.stderr.decode()))
        learns("rsa-sha2-512", rsa, ed, True)
        learns("rsa-sha2-256", rsa, ed, True)
        learns("ssh-ed25519", ed, rsa, True)
        subprocess.run([need("ssh-add"), "-q", "-d", ed], check=True, env=env)
        learns("rsa-sha2-512", rsa, ed, False)
        check(server.process.poll() is None, "posternd ended")


if __name__ == "__main__":
    main([every_key_signs, proven_for_known_hosts, rekeys_are_signed, socket_of_the_environment, killed_in_mid_life, asked_and_killed,
          back_after_a_reload, back_without_a_reload, another_agent_without_the_key, a_key_it_has_not])
