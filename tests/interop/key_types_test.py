#!/usr/bin/env python3
"""key_types_test.py - keys of every type, as hosts' and as users', in both roles.

OpenSSH's ssh and sshd, dropbear's dbclient and dropbear, PuTTY's plink.  The keys are
ssh-keygen's; what is of yesterday has to be named.
"""
import os, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Daemon, check, free_port, labelled, main, need, needs_root
from server_test import expect

# name: ssh-keygen's type, bits, and the algorithms of its signatures
KEYS = {
    "ed25519":   ("ed25519", None, ["ssh-ed25519"]),
    "rsa2048":   ("rsa", 2048, ["rsa-sha2-512", "rsa-sha2-256", "ssh-rsa"]),
    "rsa4096":   ("rsa", 4096, ["rsa-sha2-512"]),
    "ecdsa256":  ("ecdsa", 256, ["ecdsa-sha2-nistp256"]),
    "ecdsa384":  ("ecdsa", 384, ["ecdsa-sha2-nistp384"]),
    "ecdsa521":  ("ecdsa", 521, ["ecdsa-sha2-nistp521"]),
    "dsa":       ("dsa", None, ["ssh-dss"]),
}
NAMED = ("ssh-rsa", "ssh-dss")      # in no preset
made, servers = {}, {}


def key(lab, name):
    """As a file, made at its first use; the account takes it as a user's."""
    if name not in made:
        kind, bits, _ = KEYS[name]
        made[name] = lab.key("of_type_" + name, type=kind, bits=bits)
        with open(made[name] + ".pub") as pub, open(lab.authorized, "a") as f:
            f.write(pub.read())
    return made[name]


def once(what, make):
    if what not in servers:
        servers[what] = make()
    return servers[what]


def lines(alg, word="PubkeyAcceptedAlgorithms"):
    return ["AlgorithmPreset compat"] + ([word + " +" + alg] if alg in NAMED else [])


def ssh_user(lab, name, alg):
    path = key(lab, name)
    s = once(("user", alg in NAMED and alg), lambda: lab.posternd(*lines(alg)))
    r = lab.ssh(s, "-o", "PubkeyAcceptedAlgorithms=" + alg, "-o", "IdentitiesOnly=yes", key=path, command=["echo in"])
    expect(r, 0, b"in\n", alg)
    check(s.says("Accepted publickey for %s" % lab.user), s.text()[-1000:])


def ssh_host(lab, name, alg):
    """posternd has keys of all types; this one is asked for."""
    path = key(lab, name)
    s = once(("host", name, alg in NAMED), lambda: lab.posternd("HostKey " + path, *lines(alg, "HostKeyAlgorithms")))
    r = lab.ssh(s, "-v", "-o", "HostKeyAlgorithms=" + alg, command=["echo in"])
    expect(r, 0, b"in\n", alg)
    check(b"host key algorithm: " + alg.encode() in r.stderr, "%r" % r.stderr[-2000:])


def not_unless_named(lab, name, alg):
    """SHA-1 is agreed on with nobody, whatever both could do."""
    path = key(lab, name)
    s = once(("host", name, False), lambda: lab.posternd("HostKey " + path, "AlgorithmPreset compat"))
    r = lab.ssh(s, "-o", "PubkeyAcceptedAlgorithms=" + alg, "-o", "IdentitiesOnly=yes", key=path, command=["echo in"])
    check(r.returncode == 255 and b"Permission denied" in r.stderr, "%r" % r)
    r = lab.ssh(s, "-o", "HostKeyAlgorithms=" + alg, command=["echo in"])
    end = time.monotonic() + 5
    while "no host key algorithm in common" not in s.text() and time.monotonic() < end:
        time.sleep(0.05)
    check(r.returncode == 255 and "no host key algorithm in common" in s.text(), "%r" % r)


def small_rsa(lab):
    path = lab.key("rsa1024", type="rsa", bits=1024)
    with open(path + ".pub") as pub, open(lab.authorized, "a") as f:
        f.write(pub.read())
    s = once(("user", False), lambda: lab.posternd("AlgorithmPreset compat"))
    r = lab.ssh(s, "-o", "RequiredRSASize=1024", "-o", "IdentitiesOnly=yes", key=path, command=["echo in"])
    check(r.returncode == 255 and b"Permission denied" in r.stderr, "%r" % r)
    s = lab.posternd("RequiredRSASize 3072")
    r = lab.ssh(s, "-o", "IdentitiesOnly=yes", key=key(lab, "rsa2048"), command=["echo in"])
    check(r.returncode == 255 and b"Permission denied" in r.stderr, "%r" % r)
    expect(lab.ssh(s, "-o", "IdentitiesOnly=yes", key=key(lab, "rsa4096"), command=["echo in"]), 0, b"in\n", "4096")


def ours_user(lab, name, alg):
    path = key(lab, name)
    s = once("sshd", lambda: lab.sshd("PubkeyAcceptedAlgorithms +ssh-rsa,ssh-dss"))
    r = lab.postern(s, "-o", "PubkeyAcceptedAlgorithms=" + alg, key=path, command=["echo in"])
    expect(r, 0, b"in\n", alg)


def ours_host(lab, name, alg):
    path = key(lab, name)
    s = once(("sshd", name), lambda: lab.sshd("HostKey " + path, "HostKeyAlgorithms +ssh-rsa,ssh-dss"))
    r = lab.postern(s, "-o", "AlgorithmPreset=compat", "-o", "HostKeyAlgorithms=" + alg, command=["echo in"])
    expect(r, 0, b"in\n", alg)


def ours_small_host(lab):
    path = key(lab, "rsa2048")
    s = once(("sshd", "rsa2048"), lambda: lab.sshd("HostKey " + path, "HostKeyAlgorithms +ssh-rsa,ssh-dss"))
    for args in (["-o", "AlgorithmPreset=compat", "-o", "RequiredRSASize=3072"], []):
        r = lab.postern(s, "-o", "HostKeyAlgorithms=rsa-sha2-512", *args, command=["echo in"])
        check(r.returncode == 255 and b"at least 3072 are wanted" in r.stderr, "%r" % r)


def ours_agent(lab, name, alg):
    """ssh-agent signs; it is told which hash."""
    path, sock = key(lab, name), lab.path("agent")
    agent = subprocess.Popen([need("ssh-agent"), "-D", "-a", sock], stdout=subprocess.DEVNULL)
    try:
        env = dict(os.environ, SSH_AUTH_SOCK=sock)
        for _ in range(100):
            r = lab.run([need("ssh-add"), "-q", path], env=env)
            if r.returncode == 0:
                break
        check(r.returncode == 0, "%r" % r)
        s = once("sshd", lambda: lab.sshd("PubkeyAcceptedAlgorithms +ssh-rsa,ssh-dss"))
        r = lab.postern(s, "-o", "PubkeyAcceptedAlgorithms=" + alg, key="/nowhere", command=["echo in"], env=env)
        expect(r, 0, b"in\n", alg)
    finally:
        agent.kill()
        agent.wait()


def dropbear(lab, kind, bits):
    def start():
        port, path = free_port(), lab.path("dropbear_key")
        subprocess.run([need("dropbearkey"), "-t", kind, *(["-s", str(bits)] if bits else []), "-f", path], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return lab.add(Daemon(lab, "dropbear", [need("dropbear"), "-F", "-E", "-r", path, "-P", lab.path("pid"), "-p",
                                                "127.0.0.1:%d" % port], port, lab.path("dropbear.log")))
    return once(("dropbear", kind, bits), start)


@needs_root("it reads ~/.ssh/authorized_keys only")
def ours_dropbear(lab, name, kind, bits):
    path = key(lab, name)
    lab.install_authorized()
    r = lab.postern(dropbear(lab, kind, bits), "-o", "AlgorithmPreset=compat", key=path, command=["echo in"])
    expect(r, 0, b"in\n", name)


def dbclient_user(lab, name):
    path, mine = key(lab, name), lab.path("dropbear_user")
    subprocess.run([need("dropbearconvert"), "openssh", "dropbear", path, mine], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    s = once(("user", False), lambda: lab.posternd("AlgorithmPreset compat"))
    r = lab.run([need("dbclient"), "-y", "-y", "-i", mine, "-p", str(s.port), "%s@127.0.0.1" % lab.user, "echo in"])
    expect(r, 0, b"in\n", name)


cases = []
for n, (_, _, algs) in KEYS.items():
    for a in algs:
        cases += [labelled("ssh user %s %s" % (n, a), ssh_user, n, a), labelled("ssh host %s %s" % (n, a), ssh_host, n, a),
                  labelled("postern user %s %s" % (n, a), ours_user, n, a),
                  labelled("postern host %s %s" % (n, a), ours_host, n, a)]
cases += [labelled("not unless named: " + a, not_unless_named, n, a) for n, a in (("rsa2048", "ssh-rsa"), ("dsa", "ssh-dss"))]
cases += [small_rsa, ours_small_host]
cases += [labelled("agent %s %s" % (n, a), ours_agent, n, a)
          for n, a in (("rsa2048", "rsa-sha2-512"), ("rsa2048", "rsa-sha2-256"), ("ecdsa256", "ecdsa-sha2-nistp256"))]
cases += [needs_root("it reads ~/.ssh/authorized_keys only")(labelled("postern->dropbear %s %s" % (n, k), ours_dropbear, n, k, b))
          for n, k, b in (("rsa2048", "rsa", 2048), ("ecdsa256", "ecdsa", 256), ("ecdsa521", "ed25519", None))]
cases += [labelled("dbclient " + n, dbclient_user, n) for n in ("rsa2048", "ecdsa256", "ecdsa384", "ecdsa521")]

if __name__ == "__main__":
    main(cases)
