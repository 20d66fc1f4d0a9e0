#!/usr/bin/env python3
"""methods_test.py - AuthenticationMethods, with ssh: several steps, in the order that the
lists have, and with the restrictions of all of them together.
"""
import os, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from certificate_test import ca, sign
from lab import SSH_BASE, check, main, need, needs_root

ACCOUNT = "passwords of an account need root"


def told(r):
    return r.stderr.decode(errors="replace").strip()


def login(lab, s, methods, keys=(), password=None, command="echo in", *args):
    """One login with these methods in this order: (status, output, what was said)."""
    argv = [need("ssh"), *SSH_BASE, "-o", "PreferredAuthentications=" + methods, "-o", "NumberOfPasswordPrompts=1",
            "-p", str(s.port), *args]
    for k in keys:
        argv += ["-i", k]
    ask = lab.write("askpass", "#!/bin/sh\necho '%s'\n" % (password or "none"))
    os.chmod(ask, 0o700)
    env = dict(os.environ, SSH_ASKPASS=ask, SSH_ASKPASS_REQUIRE="force", DISPLAY=":0")
    r = lab.run(argv + [lab.user + "@127.0.0.1", command], env=env)
    return r.returncode, r.stdout, told(r)


def gets_in(result, want=b"in\n"):
    check(result[0] == 0 and result[1] == want, "%r" % (result,))


def stays_out(result, left):
    check(result[0] == 255 and result[1] == b"" and ("(%s)" % left) in result[2], "%r, not (%s)" % (result, left))


@needs_root(ACCOUNT)
def a_key_then_a_password(lab):
    s = lab.posternd("AuthenticationMethods publickey,password")
    gets_in(login(lab, s, "publickey,password", [lab.userkey], lab.password))
    stays_out(login(lab, s, "publickey,password", [lab.userkey], "wrong"), "password")
    stays_out(login(lab, s, "publickey", [lab.userkey]), "password")
    stays_out(login(lab, s, "publickey,password", [lab.wrongkey], lab.password), "publickey")
    # the order is the list's, not the client's
    stays_out(login(lab, s, "password", [], lab.password), "publickey")
    stays_out(login(lab, s, "keyboard-interactive", [], lab.password), "publickey")


@needs_root(ACCOUNT)
def a_certificate_binds_the_steps_behind_it(lab):
    s = lab.posternd("TrustedUserCAKeys %s.pub" % ca(lab), "AuthenticationMethods publickey,password")
    key = sign(lab, "-O", "force-command=echo forced")
    gets_in(login(lab, s, "publickey,password", [key], lab.password), b"forced\n")


@needs_root(ACCOUNT)
def either_of_two_lists(lab):
    s = lab.posternd("AuthenticationMethods publickey,keyboard-interactive password,publickey")
    gets_in(login(lab, s, "publickey,keyboard-interactive", [lab.userkey], lab.password))
    gets_in(login(lab, s, "password,publickey", [lab.userkey], lab.password))
    stays_out(login(lab, s, "publickey,password", [lab.userkey], lab.password), "keyboard-interactive")
    stays_out(login(lab, s, "password,keyboard-interactive", [lab.userkey], lab.password), "publickey")
    stays_out(login(lab, s, "keyboard-interactive", [], lab.password), "publickey,password")


def two_keys_are_two_different_keys(lab):
    s = lab.posternd("AuthenticationMethods publickey,publickey")
    second = lab.key("second")
    with open(second + ".pub") as f, open(lab.authorized, "a") as out:
        out.write(f.read())
    gets_in(login(lab, s, "publickey", [lab.userkey, second]))
    gets_in(login(lab, s, "publickey", [second, lab.userkey]))
    stays_out(login(lab, s, "publickey", [lab.userkey]), "publickey")
    copy = lab.write("copy_of_the_key", open(lab.userkey).read())
    os.chmod(copy, 0o600)
    stays_out(login(lab, s, "publickey", [lab.userkey, copy]), "publickey")
    stays_out(login(lab, s, "publickey", [lab.userkey, lab.wrongkey]), "publickey")


def keyed(lab, *lines):
    """An authorized_keys file of its own: options and key."""
    text = ""
    for options, key in lines:
        with open(key + ".pub") as f:
            text += (options + " " if options else "") + f.read()
    path = lab.write("authorized_keys", text)
    os.chmod(path, 0o644)
    return path


@needs_root(ACCOUNT)
def a_keys_command_survives_the_password_after_it(lab):
    keys = keyed(lab, ('restrict,command="echo forced $SSH_ORIGINAL_COMMAND"', lab.userkey))
    conf = ["AuthorizedKeysFile " + keys]
    for methods in ("publickey,password", "password,publickey", "publickey,keyboard-interactive"):
        s = lab.posternd("AuthenticationMethods " + methods, flags=["-o", conf[0]])
        gets_in(login(lab, s, methods, [lab.userkey], lab.password, "wish"), b"forced wish\n")
        code, out, _ = login(lab, s, methods, [lab.userkey], lab.password, "x", "-W", "127.0.0.1:%d" % s.port)
        check(b"SSH-2.0" not in out, "restrict was lost after the password")


def restrictions_of_all_keys_hold_together(lab):
    second, third = lab.key("also"), lab.key("other-command")
    keys = keyed(lab, ('command="echo one"', lab.userkey), ("no-port-forwarding", second), ('command="echo two"', third))
    s = lab.posternd("AuthenticationMethods publickey,publickey", flags=["-o", "AuthorizedKeysFile " + keys])
    for pair in ([lab.userkey, second], [second, lab.userkey]):
        gets_in(login(lab, s, "publickey", pair), b"one\n")
        _, out, _ = login(lab, s, "publickey", pair, None, "x", "-W", "127.0.0.1:%d" % s.port)
        check(b"SSH-2.0" not in out, "no-port-forwarding of one key was lost")
    # two commands have no common meaning: nothing is run
    code, out, _ = login(lab, s, "publickey", [lab.userkey, third])
    check(code != 0 and out == b"", "one of two commands ran: %r" % out)


@needs_root(ACCOUNT)
def programs_see_the_steps(lab):
    """ExposeAuthInfo, in the same words as sshd, for the users whom a Match block names; and no file stays behind."""
    lines = ("AuthenticationMethods publickey,password", "Match User " + lab.user, "ExposeAuthInfo yes")
    command = "echo $SSH_USER_AUTH; stat -c '%a %U' $SSH_USER_AUTH; cat $SSH_USER_AUTH"
    want = "600 %s\npublickey %s\npassword\n" % (lab.user, " ".join(open(lab.userkey + ".pub").read().split()[:2]))
    for s in (lab.posternd(*lines), lab.sshd(*lines)):
        code, out, err = login(lab, s, "publickey,password", [lab.userkey], lab.password, command)
        path, _, rest = out.decode().partition("\n")
        check(code == 0 and path.startswith("/tmp/sshauth.") and rest == want, "%s: %r %s" % (s.name, out, err))
        end = time.monotonic() + 10
        while os.path.exists(path) and time.monotonic() < end:
            time.sleep(0.05)
        check(not os.path.exists(path), "%s left %s" % (s.name, path))
    s = lab.posternd("ExposeAuthInfo yes", "TrustedUserCAKeys %s.pub" % ca(lab))
    certificate = sign(lab)
    _, out, _ = login(lab, s, "publickey", [certificate], None, "cat $SSH_USER_AUTH")
    check(out.decode().split() == ["publickey"] + open(certificate + "-cert.pub").read().split()[:2], "%r" % out)
    s = lab.posternd("ExposeAuthInfo yes", "Match User " + lab.user, "ExposeAuthInfo no")
    gets_in(login(lab, s, "publickey", [lab.userkey], None, "echo ${SSH_USER_AUTH-in}"))


if __name__ == "__main__":
    main([a_key_then_a_password, a_certificate_binds_the_steps_behind_it, either_of_two_lists, two_keys_are_two_different_keys,
          a_keys_command_survives_the_password_after_it, restrictions_of_all_keys_hold_together, programs_see_the_steps])
