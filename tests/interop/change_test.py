#!/usr/bin/env python3
"""change_test.py - a server that asks for a new password (RFC 4252 8), before the peers'
clients and before postern.  One new password does not please, the next does.
"""
import contextlib, os, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import BUILD, POSTERN, check, main, need


@contextlib.contextmanager
def changer(lab):
    key = lab.path("hostkey")
    subprocess.run([need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    with subprocess.Popen([os.path.join(BUILD, "tests/tools/changer"), key], stdout=subprocess.PIPE) as p:
        try:
            yield int(p.stdout.readline()), key
        finally:
            p.terminate()


def steps(*pairs):
    return [(wait.encode(), lambda fd, text=text: os.write(fd, text.encode() + b"\n")) for wait, text in pairs]


def openssh(lab):
    with changer(lab) as (port, key):
        argv = [need("ssh"), "-F", "none", "-p", str(port), "-o", "StrictHostKeyChecking=no",
                "-o", "UserKnownHostsFile=/dev/null", "-o", "PreferredAuthentications=password", "robey@127.0.0.1", "x"]
        status, out = lab.on_terminal(argv, steps(
            ("password:", "old"), ("old password:", "old"), ("new password:", "weak"), ("new password:", "weak"),
            ("old password:", "old"), ("new password:", "fresh"), ("new password:", "fresh")))
        check(status == 0 and b"has expired" in out and b"too weak" in out and b"it is fresh" in out, repr(out))
        status, out = lab.on_terminal(argv, steps(("password:", "fresh")))
        check(status == 0 and b"it is fresh" in out and b"expired" not in out, "the new one: %r" % out)


def plink(lab):
    with changer(lab) as (port, key):
        argv = ["/usr/bin/env", "HOME=" + lab.dir, need("plink"), "-ssh", "-P", str(port), "-hostkey",
                subprocess.run([need("ssh-keygen"), "-lf", key + ".pub"], capture_output=True, text=True,
                               check=True).stdout.split()[1], "robey@127.0.0.1", "x"]
        status, out = lab.on_terminal(argv, steps(
            ("password:", "old"), ("Current password", "old"), ("new password", "weak"), ("onfirm new password", "weak"),
            ("Current password", "old"), ("new password", "fresh"), ("onfirm new password", "fresh"),
            ("Press Return", "")))
        check(status == 0 and b"has expired" in out and b"too weak" in out and b"it is fresh" in out, repr(out))


def postern(lab):
    with changer(lab) as (port, key):
        argv = [POSTERN, "-F", "none", "-p", str(port), "-o", "StrictHostKeyChecking=accept-new",
                "-o", "UserKnownHostsFile=" + lab.path("known"), "-o", "GlobalKnownHostsFile=none",
                "-o", "PreferredAuthentications=password", "robey@127.0.0.1", "x"]
        status, out = lab.on_terminal(argv, steps(
            ("password:", "old"), ("(robey@127.0.0.1) Enter new password:", "weak"),
            ("(robey@127.0.0.1) Retype new password:", "weak"), ("(robey@127.0.0.1) Enter new password:", "fresh"),
            ("(robey@127.0.0.1) Retype new password:", "fresh")))
        check(status == 0 and b"has expired" in out and b"too weak" in out and b"it is fresh" in out, repr(out))


if __name__ == "__main__":
    main([openssh, plink, postern])
