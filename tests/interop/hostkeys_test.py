#!/usr/bin/python3
"""hostkeys_test.py - host keys that change: a server tells and proves the ones it has
(hostkeys-00@openssh.com), and a client keeps its known_hosts up to date by it.  And logins
that are good for one host key only (publickey-hostbound-v00@openssh.com).
"""
import os, subprocess, time

from lab import POSTERN, check, main, need


def key(lab, kind, *flags):
    path = lab.path("host_" + kind)
    subprocess.run([need("ssh-keygen"), "-q", "-t", kind, *flags, "-N", "", "-f", path], check=True)
    with open(path + ".pub") as f:
        return path, " ".join(f.read().split()[:2])


def keys_in(known):
    """What a known_hosts file says, without the names."""
    with open(known) as f:
        return sorted(" ".join(line.split()[1:3]) for line in f if line.strip())


def ssh(lab, server, known, *args):
    """What lab.ssh does not let be said otherwise: known_hosts, and a log that tells all."""
    return lab.run([need("ssh"), "-F", "/dev/null", "-vvv", "-p", str(server.port), "-o", "StrictHostKeyChecking=yes",
                    "-o", "UserKnownHostsFile=" + known, "-o", "GlobalKnownHostsFile=/dev/null",
                    "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", *args, "-i", lab.userkey,
                    "%s@127.0.0.1" % lab.user, "true"])


def ssh_learns_our_other_keys(lab):
    rsa, rsa_pub = key(lab, "rsa", "-b", "3072")
    d = lab.posternd("HostKey " + rsa)
    known = lab.path("known_hosts")
    for alg in "ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256":
        with open(known, "w") as f:      # ssh learns from hosts only that it knows already
            f.write("[127.0.0.1]:%d %s\n" % (d.port, rsa_pub if alg.startswith("rsa") else lab.hostpub))
        r = ssh(lab, d, known, "-o", "UpdateHostKeys=yes", "-o", "HostKeyAlgorithms=" + alg +
                ",ssh-ed25519,rsa-sha2-512,rsa-sha2-256")
        said = r.stderr.decode()
        check(r.returncode == 0, said)
        check("client_input_hostkeys" in said, "it was told of no host keys:\n" + said)
        check(keys_in(known) == sorted([lab.hostpub, rsa_pub]), "%s: known_hosts has %s\n%s" % (
            alg, keys_in(known), said))


BOUND = "publickey-hostbound-v00@openssh.com"


def ssh_binds_its_login_to_our_key(lab):
    """OpenSSH PROTOCOL 3.1; -vvv shows what was announced, and what ssh signed for."""
    d = lab.posternd()
    r = ssh(lab, d, lab.write("known", "[127.0.0.1]:%d %s\n" % (d.port, lab.hostpub)))
    said = r.stderr.decode()
    check(r.returncode == 0, said)
    check("publickey-hostbound@openssh.com=<0>" in said, "not announced:\n" + said)
    check("using " + BOUND in said, "not used:\n" + said)


def postern_binds_its_login_to_their_key(lab):
    d = lab.sshd()
    r = lab.postern(d, command=["true"])
    check(r.returncode == 0, r.stderr.decode())
    with open(d.log, errors="replace") as f:
        log = f.read()
    check("Postponed " + BOUND in log, "not used:\n" + log[-3000:])


def an_agent_signs_bound_logins(lab):
    """With a key that ssh-add restricted to this one server: the agent looks into what it signs."""
    for server in lab.posternd(), lab.sshd():
        known = lab.write("known", "[127.0.0.1]:%d %s\n" % (server.port, lab.hostpub))
        agent = os.path.join(lab.dir, "agent-%d" % server.port)
        p = subprocess.Popen([need("ssh-agent"), "-D", "-a", agent], stdout=subprocess.DEVNULL)
        try:
            for _ in range(100):
                if os.path.exists(agent):
                    break
                time.sleep(0.05)
            env = dict(os.environ, SSH_AUTH_SOCK=agent)
            a = lab.run([need("ssh-add"), "-q", "-H", known, "-h", "[127.0.0.1]:%d" % server.port, lab.userkey],
                        env=env)
            check(a.returncode == 0, a.stderr.decode())
            r = lab.run([POSTERN, "-F", "none", "-p", str(server.port), "-o", "StrictHostKeyChecking=yes",
                         "-o", "UserKnownHostsFile=" + known, "-o", "GlobalKnownHostsFile=none", "-o", "BatchMode=yes",
                         "%s@127.0.0.1" % lab.user, "true"], env=env)
            check(r.returncode == 0, "%s: %s" % (server.name, r.stderr.decode()))
        finally:
            p.terminate()
            p.wait()


CASES = [ssh_binds_its_login_to_our_key, postern_binds_its_login_to_their_key, an_agent_signs_bound_logins,
         ssh_learns_our_other_keys]

if __name__ == "__main__":
    main(CASES)
