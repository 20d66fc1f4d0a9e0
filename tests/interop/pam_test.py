#!/usr/bin/env python3
"""pam_test.py - UsePAM in posternd: passwords, conversations, accounts, sessions, and modules
that hang, with the modules of Debian's packages and a service file of our own.
"""
import contextlib, os, subprocess, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import SSH_BASE, check, main, need, needs_root

ROOT = "services below /etc/pam.d need root"
SERVICE = "postern-test-%d" % os.getpid()
PATH = os.path.join("/etc/pam.d", SERVICE)


def told(r):
    return r.stderr.decode(errors="replace").strip()


@contextlib.contextmanager
def pam(lab, *stack, lines=()):
    """A posternd whose service has this stack."""
    text = "\n".join(stack) + "\n"
    with open(PATH, "w") as f:
        f.write(text)
    try:
        yield lab.posternd("UsePAM yes", "PAMServiceName " + SERVICE, *lines)
    finally:
        os.unlink(PATH)


def script(lab, name, text):
    path = lab.write(name, "#!/bin/sh\n" + text + "\n")
    os.chmod(path, 0o755)
    return path


def answering(lab, *pairs):
    """An askpass that answers prompts by a word in them, and notes them."""
    cases = "".join("*'%s'*) echo '%s';;\n" % p for p in pairs)
    path = lab.write("askpass", "#!/bin/sh\necho \"$1\" >>\"$0.asked\"\ncase \"$1\" in\n%s*) echo nothing;;\nesac\n" % cases)
    os.chmod(path, 0o755)
    return path


def login(lab, s, ask, methods="keyboard-interactive", command="echo in", user=None, key=None):
    env = dict(os.environ, SSH_ASKPASS=ask, SSH_ASKPASS_REQUIRE="force", DISPLAY=":0")
    r = lab.run([need("ssh"), *[o.replace("LogLevel=ERROR", "LogLevel=INFO") for o in SSH_BASE], "-o",
                 "PreferredAuthentications=" + methods, "-o", "NumberOfPasswordPrompts=1", *(["-i", key] if key else []),
                 "-p", str(s.port), "%s@127.0.0.1" % (user or lab.user), command], env=env)
    with contextlib.suppress(FileNotFoundError), open(ask + ".asked") as f:
        r.asked = f.read()
    return r


def in_and_out(lab, s, methods):
    for password, status in ((lab.password, 0), ("wrong", 255), ("", 255)):
        r = login(lab, s, answering(lab, ("assword", password)), methods)
        check(r.returncode == status, "%s %r: %d: %s" % (methods, password, r.returncode, told(r)))
    r = login(lab, s, answering(lab, ("assword", lab.password)), methods, user="nobody-such")
    check(r.returncode == 255, "nobody got in")


@needs_root(ROOT)
def passwords_of_pam_unix(lab):
    with pam(lab, "auth required pam_unix.so nodelay", "account required pam_unix.so",
             "session required pam_permit.so") as s:
        in_and_out(lab, s, "password")
        in_and_out(lab, s, "keyboard-interactive")
        r = login(lab, s, answering(lab, ("assword", lab.password)), user="root")
        check(r.returncode == 255, "root got in by a password")


@needs_root(ROOT)
def every_module_has_its_say(lab):
    second = script(lab, "second", 'test "$(tr -d "\\0")" = code')
    with pam(lab, "auth required pam_unix.so nodelay", "auth required pam_exec.so expose_authtok " + second,
             "account required pam_permit.so", "session required pam_permit.so") as s:
        r = login(lab, s, answering(lab, ("assword", lab.password)))
        check(r.returncode == 255, "the second module was passed over")
    with pam(lab, "auth required pam_unix.so nodelay", "auth required pam_unix.so nodelay try_first_pass",
             "auth optional pam_echo.so Hello %u", "account required pam_permit.so", "session required pam_permit.so") as s:
        r = login(lab, s, answering(lab, ("assword", lab.password)))
        check(r.returncode == 0 and r.stdout == b"in\n", told(r))
        check("Hello " + lab.user in told(r), "what a module says was not shown: " + told(r))


@needs_root(ROOT)
def an_expired_password_is_renewed_in_four_rounds(lab):
    change = ["auth required pam_unix.so nodelay", "account required pam_unix.so",
              "password required pam_unix.so yescrypt", "session required pam_permit.so"]
    new = "new-" + lab.password
    try:
        subprocess.run(["chage", "-d", "0", lab.user], check=True)
        with pam(lab, *change) as s:
            r = login(lab, s, answering(lab, ("assword", lab.password)), "password")
            check(r.returncode == 255, "an expired password got in")
            r = login(lab, s, answering(lab, ("urrent", lab.password), ("etype", new), ("ew password", new),
                                        ("assword", lab.password)))
            check(r.returncode == 0 and r.stdout == b"in\n", "%s %r" % (told(r), r.asked))
            # password, current, new, new again: rounds, each asked when the one before was answered
            check(r.asked.lower().count("password") == 4, "%r" % r.asked)
            r = login(lab, s, answering(lab, ("assword", new)))
            check(r.returncode == 0, "the new password does not hold: " + told(r))
    finally:
        subprocess.run([need("chpasswd")], input="%s:%s\n" % (lab.user, lab.password), text=True, check=True)


@needs_root(ROOT)
def accounts_are_judged_for_keys_too(lab):
    good = ["auth required pam_unix.so nodelay", "session required pam_permit.so"]
    with pam(lab, *good, "account required pam_deny.so") as s:
        r = lab.ssh(s, command=["true"])
        check(r.returncode == 255, "a key got past the account stack")
        r = login(lab, s, answering(lab, ("assword", lab.password)), "password")
        check(r.returncode == 255, "a password got past the account stack")
    with pam(lab, *good, "account required pam_unix.so") as s:
        check(lab.ssh(s, command=["true"]).returncode == 0, "a key that may")
        try:
            subprocess.run(["chage", "-E", "1", lab.user], check=True)
            check(lab.ssh(s, command=["true"]).returncode == 255, "an expired account got in by key")
            r = login(lab, s, answering(lab, ("assword", lab.password)))
            check(r.returncode == 255, "an expired account got in")
        finally:
            subprocess.run(["chage", "-E", "-1", lab.user], check=True)


@needs_root(ROOT)
def sessions_are_opened_and_closed_and_their_environment_is_set(lab):
    log = lab.path("pam-session.log")
    note = script(lab, "note", 'echo "$PAM_TYPE $PAM_USER $PAM_RHOST $PAM_TTY $(id -u)" >>%s' % log)
    env = lab.write("pam_env.conf", "FROM_PAM DEFAULT=yes\nSSH_CONNECTION DEFAULT=forged\n")
    with pam(lab, "auth required pam_permit.so", "account required pam_permit.so",
             "session required pam_exec.so " + note, "session required pam_env.so readenv=0 conffile=" + env) as s:
        r = lab.ssh(s, command=['echo "$FROM_PAM:$SSH_CONNECTION"; cat ' + log])
        lines = r.stdout.decode().splitlines()
        check(lines and lines[0].startswith("yes:127.0.0.1 "), "%r %s" % (r.stdout, told(r)))
        opened = "open_session %s 127.0.0.1 ssh 0" % lab.user
        check(lines[1:] == [opened], "%r" % lines)
        end = time.monotonic() + 10
        while open(log).read().splitlines() != [opened, opened.replace("open", "close")]:
            check(time.monotonic() < end, "not closed: " + open(log).read())
            time.sleep(0.1)
    with pam(lab, "auth required pam_permit.so", "account required pam_permit.so", "session required pam_deny.so") as s:
        r = lab.ssh(s, command=["echo in"])
        check(r.returncode != 0 and r.stdout == b"", "a session that PAM refused was begun")


RENAMES = """
#include <security/pam_modules.h>
#include <string.h>
/* In the phase that its argument names it says that somebody else logs in. */
#define PHASE(name) int pam_sm_##name(pam_handle_t *h, int flags, int argc, const char **argv) \\
{ (void)flags; return argc == 1 && strcmp(argv[0], #name) == 0 ? pam_set_item(h, PAM_USER, "daemon") : PAM_SUCCESS; }
PHASE(authenticate) PHASE(setcred) PHASE(acct_mgmt) PHASE(open_session) PHASE(close_session)
"""


@needs_root(ROOT)
def a_module_makes_nobody_else_of_a_user(lab):
    module = lab.path("pam_renames.so")
    subprocess.run([need("cc"), "-shared", "-fPIC", "-o", module, lab.write("pam_renames.c", RENAMES), "-lpam"], check=True)
    for phase in "none", "authenticate", "acct_mgmt", "setcred", "open_session":
        renames = "%s %s" % (module, phase)
        with pam(lab, "auth required pam_unix.so nodelay", "auth required " + renames, "account required pam_permit.so",
                 "account required " + renames, "session required " + renames) as s:
            r = login(lab, s, answering(lab, ("assword", lab.password)))
            if phase == "none":
                check(r.returncode == 0 and r.stdout == b"in\n", told(r))
            else:
                check(r.returncode != 0 and r.stdout == b"", "%s: let in: %s" % (phase, told(r)))
                end = time.monotonic() + 5
                while "PAM changed the user's name" not in s.text():
                    check(time.monotonic() < end, "%s: %s" % (phase, s.text()))
                    time.sleep(0.05)


@needs_root(ROOT)
def checks_of_who_left_count_with_their_source(lab):
    """Who leaves while a module is at work has not made room for more of that: PerSourceMaxStartups."""
    slow = script(lab, "slow", 'test "$PAM_USER" != daemon || exec sleep 6')
    with pam(lab, "auth required pam_exec.so " + slow, "auth required pam_unix.so nodelay", "account required pam_unix.so",
             "session required pam_permit.so", lines=["PerSourceMaxStartups 2"]) as s:
        text = lab.write("leaves.py", """
import paramiko, socket, sys, threading, time
def attempt(source, user, password, leave):
    t = paramiko.Transport(socket.create_connection(("127.0.0.1", %d), source_address=(source, 0)))
    t.start_client(timeout=20)
    if leave:
        threading.Timer(0.5, t.close).start()
    try:
        t.auth_password(user, password, fallback=False)
    except Exception:
        pass
    good = t.is_authenticated()
    t.close()
    return good
me = ("%s", "%s", False)
for _ in range(2):
    attempt("127.0.0.1", "daemon", "x", True)
print(attempt("127.0.0.1", *me), attempt("127.0.0.2", *me))
time.sleep(7)
print(attempt("127.0.0.1", *me))
""" % (s.port, lab.user, lab.password))
        r = lab.run([os.environ.get("PARAMIKO", "/usr/bin/python3"), text])
        check(r.stdout == b"False True\nTrue\n", "%r %s\n%s" % (r.stdout, told(r)[-800:], s.text()))
        check(s.says("PerSourceMaxStartups: too many logins from there"), s.text())


@needs_root(ROOT)
def a_module_that_hangs_costs_its_own_attempt(lab):
    slow = script(lab, "slow", 'test "$PAM_USER" != daemon || exec sleep 30')
    with pam(lab, "auth required pam_exec.so " + slow, "auth required pam_unix.so nodelay", "account required pam_unix.so",
             "session required pam_permit.so") as s:
        hanging = [threading.Thread(target=login, args=(lab, s, answering(lab, ("assword", "x"))),
                                    kwargs={"user": "daemon"}) for _ in range(3)]
        for t in hanging:
            t.start()
        time.sleep(0.5)
        begun = time.monotonic()
        r = login(lab, s, answering(lab, ("assword", lab.password)))
        check(r.returncode == 0 and time.monotonic() - begun < 8, "held up by another's module: " + told(r))
        for t in hanging:
            t.join(40)
        check(not any(t.is_alive() for t in hanging), "the attempts did not end")


@needs_root(ROOT)
def who_leaves_or_begins_anew_ends_the_conversation(lab):
    with pam(lab, "auth required pam_unix.so nodelay", "account required pam_unix.so", "session required pam_permit.so") as s:
        text = lab.write("leave.py", """
import paramiko, socket, sys, threading, time
def transport():
    t = paramiko.Transport(socket.create_connection(("127.0.0.1", %d)))
    t.start_client(timeout=20)
    return t
# leaves while it is asked
t = transport()
seen = threading.Event()
def handler(title, instructions, prompts):
    seen.set()
    t.close()
    time.sleep(0.2)
    return ["x"] * len(prompts)
try:
    t.auth_interactive("%s", handler)
except Exception:
    pass
assert seen.is_set()
# answers, too long and right
t = transport()
for answer, good in (("x" * 5000, False), ("%s", True)):
    try:
        t.auth_interactive("%s", lambda *a: [answer] * len(a[2]))
        assert good
    except paramiko.AuthenticationException:
        assert not good
print("done", t.is_authenticated())
""" % (s.port, lab.user, lab.password, lab.user))
        r = lab.run([os.environ.get("PARAMIKO", "/usr/bin/python3"), text])
        check(r.stdout == b"done True\n", "%r %s" % (r.stdout, told(r)[-800:]))
        time.sleep(0.5)
        helper = subprocess.run(["pgrep", "-P", str(s.process.pid)], stdout=subprocess.PIPE, text=True).stdout.split()
        left = sum(len(subprocess.run(["pgrep", "-P", h], stdout=subprocess.PIPE, text=True).stdout.split())
                   for h in helper if "account" in open("/proc/%s/cmdline" % h).read())
        check(left == 0, "%d checks are left" % left)


@needs_root(ROOT)
def pam_as_a_step(lab):
    with pam(lab, "auth required pam_unix.so nodelay", "account required pam_unix.so", "session required pam_permit.so",
             lines=["AuthenticationMethods publickey,keyboard-interactive:pam"]) as s:
        r = login(lab, s, answering(lab, ("assword", lab.password)), "publickey,keyboard-interactive", key=lab.userkey)
        check(r.returncode == 0 and r.stdout == b"in\n", told(r))
        r = login(lab, s, answering(lab, ("assword", lab.password)), "keyboard-interactive", key=lab.userkey)
        check(r.returncode == 255, "the key was not asked for")


if __name__ == "__main__":
    main([passwords_of_pam_unix, every_module_has_its_say, an_expired_password_is_renewed_in_four_rounds,
          accounts_are_judged_for_keys_too, sessions_are_opened_and_closed_and_their_environment_is_set,
          a_module_makes_nobody_else_of_a_user, checks_of_who_left_count_with_their_source,
          a_module_that_hangs_costs_its_own_attempt, who_leaves_or_begins_anew_ends_the_conversation, pam_as_a_step])
