#!/usr/bin/python3
"""hostkeys_test.py - host keys that change: a server tells and proves the ones it has
(hostkeys-00@openssh.com), and a client keeps its known_hosts up to date by it.
"""
import os, subprocess

from lab import check, main, need


def key(lab, kind, *flags):
    path = lab.path("host_" + kind)
    subprocess.run([need("ssh-keygen"), "-q", "-t", kind, *flags, "-N", "", "-f", path], check=True)
    with open(path + ".pub") as f:
        return path, " ".join(f.read().split()[:2])


def keys_in(known):
    """What a known_hosts file says, without the names."""
    with open(known) as f:
        return sorted(" ".join(line.split()[1:3]) for line in f if line.strip())


def ssh_learns_our_other_keys(lab):
    rsa, rsa_pub = key(lab, "rsa", "-b", "3072")
    d = lab.posternd("HostKey " + rsa)
    known = lab.path("known_hosts")
    for alg in "ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256":
        with open(known, "w") as f:      # ssh learns from hosts only that it knows already
            f.write("[127.0.0.1]:%d %s\n" % (d.port, rsa_pub if alg.startswith("rsa") else lab.hostpub))
        r = lab.run(
            [need("ssh"), "-F", "/dev/null", "-v", "-p", str(d.port), "-o", "StrictHostKeyChecking=yes",
             "-o", "UserKnownHostsFile=" + known, "-o", "GlobalKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
             "-o", "IdentitiesOnly=yes", "-o", "UpdateHostKeys=yes", "-o", "HostKeyAlgorithms=" + alg +
             ",ssh-ed25519,rsa-sha2-512,rsa-sha2-256", "-i", lab.userkey, "%s@127.0.0.1" % lab.user, "true"])
        said = r.stderr.decode()
        check(r.returncode == 0, said)
        check("client_input_hostkeys" in said, "it was told of no host keys:\n" + said)
        check(keys_in(known) == sorted([lab.hostpub, rsa_pub]), "%s: known_hosts has %s\n%s" % (
            alg, keys_in(known), said))


CASES = [ssh_learns_our_other_keys]

if __name__ == "__main__":
    main(CASES)
