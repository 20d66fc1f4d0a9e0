#!/usr/bin/env python3
"""authkeys_test.py - authorized_keys and AuthorizedKeysCommand: stock ssh against posternd.

Each case is a row: the lines of the file, what ssh is told, and what comes of it: a
login with this output, or a refusal with this reason in the log.
"""
import os, re, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import SSH_BASE, check, free_port, labelled, main, need, needs_root

servers = {}


def public(lab, key):
    with open(key + ".pub") as f:
        return " ".join(f.read().split()[:2])


def server(lab, *lines, kind="files"):
    """One for each configuration; its file of keys is rewritten by each case."""
    if (kind, lines) not in servers:
        keys = lab.path("keys")
        s = lab.posternd(*lines, "PasswordAuthentication no", "KbdInteractiveAuthentication no",
                         flags=("-o", "AuthorizedKeysFile=" + (keys if kind == "files" else "none")))
        s.keys = keys
        servers[kind, lines] = s
    return servers[kind, lines]


def log_has(s, text, at, seconds=5):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with open(s.log, errors="replace") as f:
            f.seek(at)
            if text in f.read():
                return True
        time.sleep(0.05)
    return False


def one(lab, lines, conf, args, command, want):
    """want: bytes that are printed, or the text of a refusal in the log."""
    s = server(lab, *conf)
    me, other = public(lab, lab.userkey), public(lab, lab.wrongkey)
    with open(s.keys, "w") as f:
        f.write(lines.replace("@K", me).replace("@O", other))
    at = os.path.getsize(s.log)
    r = lab.ssh(s, *args, command=command)
    if isinstance(want, bytes):
        check(r.returncode == 0 and r.stdout == want, "%r" % r)
    else:
        check(r.returncode == 255 and re.search(b"Permission denied|PTY allocation", r.stderr), "let in: %r" % r)
        check(log_has(s, want, at), "no reason in the log")


ENV = ("PermitUserEnvironment yes",)
# name: lines, configuration, arguments of ssh, command, printed or why not
LINES = {
    "plain": ("@O\n@K\n", (), (), ["echo in"], b"in\n"),
    "CRLF and comments": ("# @K\r\n\r\n@K a comment\r\n", (), (), ["echo in"], b"in\n"),
    "command": ('command="echo \\"$SSH_ORIGINAL_COMMAND\\", forced" @K\n', (), (), ["a  b"], b"a  b, forced\n"),
    "command for a subsystem": ('command="echo forced" @K\n', (), ("-s",), ["echo"], b"forced\n"),
    "from": ('from="127.0.0.0/8" @K\n', (), (), ["echo in"], b"in\n"),
    "from elsewhere": ('from="10.0.0.0/8" @K\n', (), (), ["echo in"], "line 1: the key may not be used from this address"),
    "from not here": ('from="*,!127.0.0.1" @K\n', (), (), ["echo in"], "may not be used from this address"),
    "from elsewhere, then from here": ('from="10.0.0.1" @K\nfrom="127.*",command="echo two" @K\n', (), (), ["x"],
                                       b"two\n"),
    "from malformed": ('from="127.0.0.1/8" @K\n', (), (), ["echo in"], "line 1: option from: no list of patterns"),
    "environment": ('environment="ONE=1 2",environment="PATH=/bin" @K\n', ENV, (), ["echo $ONE-$PATH"], b"1 2-/bin\n"),
    "environment by pattern": ('environment="ONE=1",environment="LC_X=2" @K\n', ("PermitUserEnvironment LC_*",), (),
                               ["echo $ONE-$LC_X"], b"-2\n"),
    "environment not permitted": ('environment="ONE=1" @K\n', (), (), ["echo $ONE-"], b"-\n"),
    "environment cannot fool a forced command": (
        'environment="SSH_ORIGINAL_COMMAND=x",command="echo $SSH_ORIGINAL_COMMAND" @K\n', ENV, (), ["real"], b"real\n"),
    "environment malformed": ('environment="ONE" @K\n', ENV, (), ["echo"], "option environment: no NAME=value"),
    "expiry in the future": ('expiry-time="20991231Z" @K\n', (), (), ["echo in"], b"in\n"),
    "expiry in the past": ('expiry-time="202001010000" @K\n', (), (), ["echo in"], "line 1: the key has expired"),
    "expiry malformed": ('expiry-time="tomorrow" @K\n', (), (), ["echo in"], "option expiry-time: no time"),
    "restrict,pty": ("restrict,pty @K\n", (), ("-tt",), ["test -t 0 && echo tty"], b"tty\r\n"),
    "restrict": ("restrict @K\n", (), ("-tt",), ["echo in"], "the key's line forbids it"),
    "tunnel is no restriction": ('tunnel="0" @K\n', (), (), ["echo in"], b"in\n"),
    "authenticator options": ("no-touch-required,verify-required @K\n", (), (), ["echo in"], b"in\n"),
    "principals of a plain key": ('principals="eve" @K\n', (), (), ["echo in"], b"in\n"),
    "cert-authority is no key": ("cert-authority @K\n", (), (), ["echo in"], "listed as cert-authority"),
    "cert-authority,principals is no key": ('cert-authority,principals="a" @K\n', (), (), ["echo in"],
                                            "listed as cert-authority"),
    "unknown option": ("restrict,frobnicate @K\n", (), (), ["echo in"], "option frobnicate: there is no such option"),
    "option twice": ('command="a",command="b" @K\n', (), (), ["echo in"], "option command: it stands twice"),
    "quote not closed": ('command="echo @K\n', (), (), ["echo in"], "line 1: a quote is not closed"),
    "bad line before a good one": ('from="10.0.0.1" @K\nfrob @K\ncommand="echo third" @K\n', (), (), ["x"], b"third\n"),
    "line too long": ("@K " + "x" * 32768 + "\n", (), (), ["echo in"], "line 1: longer than 32768 bytes"),
    "20000 lines": ('restrict,command="/bin/false" @O\n' * 20000 + "@K\n", (), (), ["echo in"], b"in\n"),
}


def forwards(lab, lines, flag, want, permitted):
    """-L to an echo of posternd's own, or -R: does it come about?"""
    s = server(lab)
    with open(s.keys, "w") as f:
        f.write(lines.replace("@K", public(lab, lab.userkey)).replace("@S", str(s.port)))
    if flag == "-W":
        r = lab.ssh(s, "-W", want % s.port, input=b"SSH-2.0-x\r\n")
        check((b"SSH-2.0-Postern" in r.stdout) == permitted, "%r" % r)
        return
    port = free_port()
    r = lab.ssh(s, "-o", "ExitOnForwardFailure=yes", "-R", want % port + ":127.0.0.1:1", command=["echo in"])
    check((r.returncode == 0) == permitted, "%r" % r)


FORWARDS = {
    "permitopen": ('permitopen="127.0.0.1:@S" @K\n', "-W", "127.0.0.1:%d", True),
    "permitopen, another host": ('permitopen="127.0.0.1:@S" @K\n', "-W", "localhost:%d", False),
    "permitopen, another port": ('permitopen="127.0.0.1:1",permitopen="127.0.0.1:2" @K\n', "-W", "127.0.0.1:%d", False),
    "permitopen, any port": ('permitopen="127.0.0.1:1",permitopen="127.0.0.1:*" @K\n', "-W", "127.0.0.1:%d", True),
    "no-port-forwarding": ("no-port-forwarding @K\n", "-W", "127.0.0.1:%d", False),
    "restrict,port-forwarding": ("restrict,port-forwarding @K\n", "-W", "127.0.0.1:%d", True),
    "permitlisten": ('permitlisten="localhost:*" @K\n', "-R", "localhost:%d", True),
    "permitlisten, another port": ('permitlisten="localhost:1" @K\n', "-R", "localhost:%d", False),
    "permitlisten, another host": ('permitlisten="127.0.0.9:*" @K\n', "-R", "127.0.0.1:%d", False),
}


def user_rc(lab):
    """~/.ssh/rc and ~/.ssh/environment, and all that stops them."""
    folder = os.path.join(lab.home, ".ssh")
    os.makedirs(folder, exist_ok=True)
    for name, text in (("rc", "echo rc $FROM_FILE >&2\n"), ("environment", "FROM_FILE=yes\n")):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
    os.chmod(lab.home, 0o755)
    try:
        for lines, conf, args, command, out, err in (
                ("@K\n", ENV, (), ["echo in"], b"in\n", b"rc yes\n"),
                ("@K\n", (), (), ["echo in"], b"in\n", b"rc\n"),
                ("@K\n", ("PermitUserRC no",), (), ["echo in"], b"in\n", b""),
                ("no-user-rc @K\n", (), (), ["echo in"], b"in\n", b""),
                ("restrict @K\n", (), (), ["echo in"], b"in\n", b""),
                ("restrict,user-rc @K\n", (), (), ["echo in"], b"in\n", b"rc\n"),
                ("@K\n", (), ("-s",), ["echo"], b"", b""),
                ("@K\n", ("ForceCommand echo forced",), (), ["x"], b"forced\n", b"")):
            s = server(lab, *conf)
            with open(s.keys, "w") as f:
                f.write(lines.replace("@K", public(lab, lab.userkey)))
            r = lab.ssh(s, *args, command=command)
            check((r.returncode, r.stdout, r.stderr) == (0, out, err), "%r %r: %r" % (lines, conf, r))
    finally:
        for name in ("rc", "environment"):
            os.unlink(os.path.join(folder, name))


def command(lab, script, user, want, mode=0o755, owner=0, files="none", seconds=10):
    """AuthorizedKeysCommand: a program in a folder that only root can change."""
    folder = "/run/postern-authkeys-%d" % os.getpid()
    program = os.path.join(folder, "keys")
    os.makedirs(folder, 0o755, exist_ok=True)
    with open(program, "w") as f:
        f.write("#!/bin/sh\n" + script.replace("@K", public(lab, lab.userkey)) + "\n")
    os.chmod(program, mode)
    os.chown(program, owner, 0)
    s = lab.posternd("PasswordAuthentication no", "KbdInteractiveAuthentication no",
                     "AuthorizedKeysCommand %s %%u %%t %%k %%f %%h %%U '%%C'" % program,
                     "AuthorizedKeysCommandUser " + user, flags=("-o", "AuthorizedKeysFile=" + files))
    try:
        begun = time.monotonic()
        r = lab.ssh(s, command=["echo in $VALUE"])
        took = time.monotonic() - begun
        if isinstance(want, bytes):
            check(r.returncode == 0 and r.stdout == want, "%r" % r)
        else:
            check(r.returncode == 255 and b"Permission denied" in r.stderr, "let in: %r" % r)
            check(log_has(s, want, 0), "no reason in the log")
        check(took < seconds, "it took %.1f s" % took)
        # nothing of it lives on
        end = time.monotonic() + 3
        while subprocess.run(["pgrep", "-f", folder], stdout=subprocess.DEVNULL).returncode == 0:
            check(time.monotonic() < end, "the command is still there")
            time.sleep(0.1)
    finally:
        s.stop()
        subprocess.run(["rm", "-rf", folder], check=True)


RIGHT = ("test $(id -un) = nobody || exit 7; test $# = 7 || exit 8; test $2 = ssh-ed25519 || exit 9\n"
         "test \"$2 $3\" = \"@K\" || exit 10; case $4 in SHA256:*) ;; *) exit 11;; esac\n"
         "set -- $7; test $1 = 127.0.0.1 && test $3 = 127.0.0.1 || exit 12\n")
# name: script, user, printed or why not, more
COMMANDS = {
    "ok": (RIGHT + "echo '@K'", "nobody", b"in\n"),
    "options": ("echo 'command=\"echo forced\" @K'", "nobody", b"forced\n"),
    "no key": ("exit 0", "nobody", "Failed publickey"),
    "a key that may not": ("echo 'from=\"10.0.0.1\" @K'", "nobody", "AuthorizedKeysCommand, line 1: the key may not"),
    "fails": ("echo '@K'; echo no database >&2; exit 3", "nobody",
              "AuthorizedKeysCommand: exit status 3; it said: no database"),
    "is killed": ("echo '@K'; kill -9 $$", "nobody", "AuthorizedKeysCommand: ended by signal 9"),
    "hangs": ("echo '@K'; sleep 3600 & sleep 3600", "nobody", "AuthorizedKeysCommand: took longer than 15000 ms",
              {"seconds": 19}),
    "writes too much": ("echo '@K'; exec yes", "nobody", "AuthorizedKeysCommand: it wrote too much"),
    "wrong owner": ("echo '@K'", "nobody", "bad ownership or modes", {"owner": 65534}),
    "writable by others": ("echo '@K'", "nobody", "bad ownership or modes", {"mode": 0o777}),
    "not executable": ("echo '@K'", "nobody", "Permission denied", {"mode": 0o644}),
    "no such user": ("echo '@K'", "postern-no-such-user", "there is no user postern-no-such-user to run it as"),
}


def command_after_files(lab):
    """A key that is in a file is not asked about; sshd_config(5) has it so."""
    keys = lab.write("keys", public(lab, lab.userkey) + "\n")
    command(lab, "touch /run/postern-authkeys-ran; echo 'command=\"echo asked\" @K'", "root", b"in\n", files=keys)
    check(not os.path.exists("/run/postern-authkeys-ran"), "it was run")


def command_of_who_left(lab):
    """Who asks and goes leaves nothing running: not the check, and not its program."""
    folder = "/run/postern-authkeys-%d" % os.getpid()
    program = os.path.join(folder, "keys")
    os.makedirs(folder, 0o755, exist_ok=True)
    with open(program, "w") as f:
        f.write("#!/bin/sh\nsleep 3600\n")
    os.chmod(program, 0o755)
    s = lab.posternd("PasswordAuthentication no", "KbdInteractiveAuthentication no",
                     "AuthorizedKeysCommand " + program, "AuthorizedKeysCommandUser nobody",
                     flags=("-o", "AuthorizedKeysFile=none"))

    def runs():
        return subprocess.run(["pgrep", "-f", program], stdout=subprocess.DEVNULL).returncode == 0

    def until(state, what):
        end = time.monotonic() + 5
        while runs() != state:
            check(time.monotonic() < end, what)
            time.sleep(0.1)
    try:
        ssh = subprocess.Popen([need("ssh"), *SSH_BASE, "-o", "BatchMode=yes", "-i", lab.userkey, "-p", str(s.port),
                                lab.user + "@127.0.0.1", "true"], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(True, "the command did not start")
        ssh.kill()
        ssh.wait()
        until(False, "the command is still there")
    finally:
        s.stop()
        subprocess.run(["rm", "-rf", folder], check=True)


def empty_password(lab):
    """An account without a password: shut, unless PermitEmptyPasswords says otherwise."""
    subprocess.run([need("passwd"), "-q", "-d", lab.user], check=True)
    try:
        for answer, password, lets_in in (("no", "", False), ("yes", "", True), ("yes", "x", False)):
            s = server(lab, "PasswordAuthentication yes", "PermitEmptyPasswords " + answer, kind="none")
            r = lab.ssh(s, command=["echo in"], password=password)
            check((r.stdout == b"in\n") == lets_in, "%s %r: %r" % (answer, password, r))
    finally:
        subprocess.run([need("chpasswd")], input="%s:%s\n" % (lab.user, lab.password), text=True, check=True)


def version_addendum(lab):
    s = server(lab, "VersionAddendum rack-7, second row")
    r = lab.run([need("ssh"), *SSH_BASE, "-v", "-o", "LogLevel=DEBUG1", "-o", "BatchMode=yes", "-p", str(s.port),
                 "x@127.0.0.1", "true"])
    check(re.search(rb"remote software version Postern_[0-9.]+ rack-7, second row", r.stderr), "%r" % r.stderr)


cases = [labelled("line: " + n, one, *row) for n, row in LINES.items()]
cases += [labelled("forward: " + n, forwards, *row) for n, row in FORWARDS.items()]
cases += [needs_root("it writes into the account's home")(labelled("user rc", user_rc))]
for n, row in COMMANDS.items():
    def case(lab, row=row):
        command(lab, *row[:3], **(row[3] if len(row) > 3 else {}))
    case.label = "command: " + n
    cases.append(needs_root("the program must be root's")(case))
cases += [needs_root("the program must be root's")(labelled("command: after the files", command_after_files)),
          needs_root("the program must be root's")(labelled("command: of who left", command_of_who_left)),
          needs_root("it takes an account's password away")(labelled("empty password", empty_password)),
          labelled("version addendum", version_addendum)]

if __name__ == "__main__":
    main(cases)
