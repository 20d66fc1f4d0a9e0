#!/usr/bin/env python3
"""match_test.py - Match blocks act: the same lines for posternd and for Debian's sshd,
and ssh must see the same from both; and the client's own Match and tokens.
"""
import os, signal, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import POSTERN, SSH_BASE, check, main, need, needs_root

ACCOUNT = "shadow passwords and a group of its own need root"


def servers(lab, *lines):
    text = [line.replace("USER", lab.user) for line in lines]
    return lab.posternd(*text), lab.sshd(*text)


def told(r):
    return r.stderr.decode(errors="replace").strip()


def said(lab, lines, want, *args, command=("echo hi; echo $SSH_ORIGINAL_COMMAND",), status=0, **kw):
    """What a command prints is want, from either server."""
    for s in servers(lab, *lines):
        r = lab.ssh(s, *args, command=command, **kw)
        check(r.returncode == status and r.stdout.decode() == want,
              "%s: status %d, %r, not %r: %s" % (s.name, r.returncode, r.stdout, want, told(r)[-300:]))


def forced(lab, *criteria):
    said(lab, [*("Match " + c for c in criteria), "ForceCommand echo forced $SSH_ORIGINAL_COMMAND"], "forced wish\n",
         command=["wish"])


def free(lab, *criteria):
    said(lab, [*("Match " + c for c in criteria), "ForceCommand echo forced"], "wish\n", command=["echo wish"])


def user_and_negation(lab):
    forced(lab, "User nobody,USER")
    free(lab, "User *,!USER")


@needs_root(ACCOUNT)
def group_is_asked_of_nss(lab):
    forced(lab, "Group wheel-that-is-not,USER")
    free(lab, "Group *,!USER")


def addresses_and_several_criteria(lab):
    forced(lab, "Address 127.0.0.0/8 LocalAddress 127.0.0.1 User USER")
    free(lab, "Address 127.0.0.0/8,!127.0.0.1")
    free(lab, "User USER LocalPort 1")
    forced(lab, "Host 127.*")
    forced(lab, "All")


def the_first_block_wins_and_lists_add_up(lab):
    said(lab, ["SetEnv WHO=global", "AcceptEnv LC_GLOBAL", "Match User USER", "SetEnv WHO=first", "AcceptEnv LC_A",
               "Match All", "SetEnv WHO=second", "AcceptEnv LC_B"], "first:a:b:\n",
         "-o", "SetEnv=LC_A=a LC_B=b LC_GLOBAL=g",
         command=["echo $WHO:$LC_A:$LC_B:$LC_GLOBAL"])


def an_include_holds_within_its_block(lab):
    inner = lab.write("inner.conf", "ForceCommand echo included\nMatch User %s\nSetEnv A=inner\n" % lab.user)
    said(lab, ["SetEnv A=outer", "Match User nobody", "Include " + inner, "Match User USER", "Include " + inner], "included\n")


def offered(lab, s, user, *args):
    r = lab.run([need("ssh"), *SSH_BASE, "-p", str(s.port), "-o", "PreferredAuthentications=none", *args,
                 user + "@127.0.0.1", "true"])
    text = told(r)
    return text[text.rfind("("):]


def methods_depend_on_the_user(lab):
    lines = ["PasswordAuthentication no", "KbdInteractiveAuthentication no", "Match User USER",
             "AuthenticationMethods publickey,password", "PasswordAuthentication yes"]
    for s in servers(lab, *lines):
        for user in (lab.user, "nobody-such", "daemon"):
            got = offered(lab, s, user)
            check(got == "(publickey).", "%s offers %s %s" % (s.name, user, got))
    lines = ["Match User USER", "PubkeyAuthentication no", "KbdInteractiveAuthentication no"]
    ours, theirs = servers(lab, *lines)
    check(offered(lab, ours, lab.user) == "(password).", "a method that is off is offered")
    # a name nobody has, and one that somebody else has, are offered the same
    check(offered(lab, ours, "nobody-such") == offered(lab, ours, "daemon"), "methods tell who exists")
    r = lab.ssh(ours, command=["true"])
    check(r.returncode == 255 and "Permission denied (password)" in told(r), "a key got in: " + told(r))


@needs_root(ACCOUNT)
def passwords_for_some(lab):
    for lines, status in ((["PasswordAuthentication no", "Match User USER", "PasswordAuthentication yes"], 0),
                          (["Match User USER", "PasswordAuthentication no", "KbdInteractiveAuthentication no"], 255)):
        for s in servers(lab, *lines):
            r = lab.ssh(s, command=["true"], password=lab.password)
            check(r.returncode == status, "%s: %d: %s" % (s.name, r.returncode, told(r)))


def a_client_that_never_asks_with_none(lab):
    """paramiko begins with the key itself, or the password."""
    s, _ = servers(lab, "Match User USER", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
                   "ForceCommand echo forced")
    script = lab.write("direct.py", """
import paramiko, socket, sys
def transport():
    t = paramiko.Transport(socket.create_connection(("127.0.0.1", %d)))
    t.start_client(timeout=20)
    return t
t = transport()
try:
    t.auth_password("%s", "guess", fallback=False)
    sys.exit("a password got in")
except paramiko.BadAuthenticationType as e:
    assert e.allowed_types == ["publickey"], e.allowed_types
except paramiko.AuthenticationException:
    pass
t = transport()
assert t.auth_publickey("%s", paramiko.Ed25519Key(filename="%s")) == []
ch = t.open_session()
ch.exec_command("true")
print(ch.recv(100).decode().strip())
""" % (s.port, lab.user, lab.user, lab.userkey))
    r = lab.run([os.environ.get("PARAMIKO", "/usr/bin/python3"), script])
    check(r.stdout == b"forced\n", "%r %s" % (r.stdout, told(r)[-600:]))


def max_auth_tries_and_banner(lab):
    text = lab.write("banner.txt", "Only for some\n")
    for s in servers(lab, "Match User USER", "MaxAuthTries 1", "Banner " + text):
        # two keys that do not fit: one try is one too many
        r = lab.ssh(s, "-i", lab.key("unknown-" + s.name), command=["true"], key=lab.wrongkey)
        check(r.returncode == 255 and "too many authentication failures" in told(r).lower(), s.name + ": " + told(r))
        for user, shown in ((lab.user, True), ("daemon", False)):
            r = lab.run([need("ssh"), *[o.replace("LogLevel=ERROR", "LogLevel=INFO") for o in SSH_BASE], "-o",
                         "BatchMode=yes", "-i", lab.userkey, "-p", str(s.port), user + "@127.0.0.1", "true"])
            check(("Only for some" in told(r)) == shown, "%s, banner for %s: %s" % (s.name, user, told(r)))


def who_may_log_in(lab):
    for lines, status in ((["Match User USER", "AllowUsers nobody"], 255), (["DenyUsers USER", "Match All", "DenyUsers x"], 0)):
        for s in servers(lab, *lines):
            r = lab.ssh(s, command=["true"])
            check(r.returncode == status, "%s: %s: %d: %s" % (s.name, lines, r.returncode, told(r)))


def algorithms_of_keys_may_differ(lab):
    """Known by its user a key is refused before authorized_keys is opened: no line of the log names that file."""
    for s in servers(lab, "Match User USER", "PubkeyAcceptedAlgorithms -ssh-ed25519*"):
        r = lab.ssh(s, command=["echo in"])
        check(r.returncode == 255 and r.stdout == b"", "%s: %r" % (s.name, r))
    for s in servers(lab, "PubkeyAcceptedAlgorithms rsa-sha2-512", "Match User USER", "PubkeyAcceptedAlgorithms ssh-ed25519"):
        r = lab.ssh(s, command=["echo in"])
        check(r.returncode == 0 and r.stdout == b"in\n", "%s: %r" % (s.name, r))


def rekeying_may_differ(lab):
    for limit, least, most in (("default", 0, 0), ("1M", 3, 20)):
        s = servers(lab, "RekeyLimit default", "Match User USER", "RekeyLimit " + limit)[0]
        r = lab.ssh(s, "-v", "-o", "LogLevel=DEBUG1", command=["head -c 6000000 /dev/zero"])
        n = r.stderr.count(b"SSH2_MSG_NEWKEYS received") - 1
        check(r.returncode == 0 and len(r.stdout) == 6000000 and least <= n <= most, "%s: %d rekeys: %r" % (limit, n, r.stderr[-300:]))


def keys_files_may_differ(lab):
    empty = lab.write("no_keys", "")
    for lines, status in ((["Match User USER", "AuthorizedKeysFile " + empty], 255),
                          (["Match User nobody", "AuthorizedKeysFile " + empty], 0)):
        for s in servers(lab, *lines):
            r = lab.ssh(s, command=["true"])
            check(r.returncode == status, "%s: %s: %d: %s" % (s.name, lines, r.returncode, told(r)))


def terminals_and_forwarding(lab):
    for s in servers(lab, "Match User USER", "PermitTTY no", "MaxSessions 0", "Match All", "MaxSessions 3"):
        r = lab.ssh(s, "-tt", command=["tty"])
        check(r.returncode != 0, s.name + " gives a session where MaxSessions is 0")
    target = lab.posternd()
    for s in servers(lab, "Match User USER", "PermitOpen 127.0.0.1:%d" % target.port):
        r = lab.ssh(s, "-W", "127.0.0.1:%d" % target.port)
        check(r.stdout.startswith(b"SSH-2.0-"), "%s does not open what PermitOpen has: %s" % (s.name, told(r)))
        r = lab.ssh(s, "-W", "127.0.0.1:1")
        check(r.returncode != 0 and r.stdout == b"", s.name + " opens what PermitOpen has not")
    for s in servers(lab, "AllowTcpForwarding no", "Match User USER", "AllowTcpForwarding local"):
        r = lab.ssh(s, "-W", "127.0.0.1:%d" % target.port)
        check(r.stdout.startswith(b"SSH-2.0-"), "%s does not forward: %s" % (s.name, told(r)))


def forwarding_may_be_off_for_some(lab):
    target = lab.posternd()
    for line in ("DisableForwarding yes", "AllowTcpForwarding remote", "PermitOpen none"):
        for who, works in (("USER", False), ("nobody", True)):
            s = lab.posternd("Match User " + who.replace("USER", lab.user), line)
            r = lab.ssh(s, "-W", "127.0.0.1:%d" % target.port)
            check(r.stdout.startswith(b"SSH-2.0-") == works, "%s for %s: %r %s" % (line, who, r.stdout, told(r)))


def the_log_is_as_loud_as_the_block_says(lab):
    for level, loud, any_word in (("VERBOSE", True, True), ("QUIET", False, False), ("INFO", False, True)):
        s = lab.posternd("Match User " + lab.user, "LogLevel " + level, level="INFO")
        check(lab.ssh(s, command=["true"]).returncode == 0, "no login")
        for text, told in ("Starting session: command for ", loud), ("Accepted publickey for ", any_word):
            check(s.says(text + lab.user, seconds=10 if told else 0) == told, level + ": " + s.text())


def a_client_that_stopped_is_missed(lab):
    s = lab.posternd("Match User " + lab.user, "ClientAliveInterval 1", "ClientAliveCountMax 1")
    p = subprocess.Popen([need("ssh"), *SSH_BASE, "-i", lab.userkey, "-p", str(s.port), lab.user + "@127.0.0.1", "sleep 60"],
                         stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while "Starting session" not in s.text():
            check(time.monotonic() < end, "no session")
            time.sleep(0.1)
        p.send_signal(signal.SIGSTOP)
        while "Disconnected from user" not in s.text():
            check(time.monotonic() < end, "still there: " + s.text())
            time.sleep(0.2)
    finally:
        p.kill()
        p.wait()


def subsystems_may_differ(lab):
    s = lab.posternd("Match User " + lab.user, "Subsystem echo /bin/echo mine", "Subsystem who /bin/echo me")
    for name, want in (("echo", b"mine\n"), ("who", b"me\n")):
        r = lab.ssh(s, "-s", command=[name])
        check(r.stdout == want, "subsystem %s: %r %s" % (name, r.stdout, told(r)))


def the_clients_tokens_reach_its_command_and_paths(lab):
    s = lab.posternd()
    os.makedirs(lab.path("keys"), exist_ok=True)
    folder = lab.write("by-user", "") + ".d"
    os.makedirs(folder)
    key = os.path.join(folder, lab.user)
    with open(lab.userkey) as f, open(os.open(key, os.O_WRONLY | os.O_CREAT, 0o600), "w") as out:
        out.write(f.read())
    conf = lab.write("client.conf", "\n".join([
        "Match originalhost here exec \"test %p = " + str(s.port) + "\"", "HostName 127.0.0.1", "Host here",
        "User " + lab.user, "IdentityFile ${LAB_KEYS}/%r", "UserKnownHostsFile %d/none ${LAB_KEYS}/known_%k",
        "StrictHostKeyChecking accept-new", "RemoteCommand echo %r:%n:%h:%p:%%"]) + "\n")
    r = lab.run([POSTERN, "-F", conf, "-p", str(s.port), "-o", "BatchMode=yes", "-o", "IdentityAgent=none",
                 "-o", "GlobalKnownHostsFile=none", "here"], env=dict(os.environ, LAB_KEYS=folder, HOME=folder))
    want = "%s:here:127.0.0.1:%d:%%\n" % (lab.user, s.port)
    check(r.stdout.decode() == want, "%r, not %r: %s" % (r.stdout, want, told(r)))


def a_reload_reads_them_anew(lab):
    s = lab.posternd("Match User " + lab.user, "ForceCommand echo one")
    check(lab.ssh(s, command=["true"]).stdout == b"one\n", "not forced")
    conf = s.process.args[s.process.args.index("-f") + 1]
    with open(conf) as f:
        text = f.read().replace("echo one", "echo two")
    with open(conf, "w") as f:
        f.write(text)
    s.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 20
    while lab.ssh(s, command=["true"]).stdout != b"two\n":
        check(time.monotonic() < end, "still the old block")
        time.sleep(0.2)
    with open(conf, "w") as f:
        f.write(text + "Port 1\n")         # no keyword of a block
    s.process.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    check(lab.ssh(s, command=["true"]).stdout == b"two\n", "a bad file took the old block away")


if __name__ == "__main__":
    main([user_and_negation, group_is_asked_of_nss, addresses_and_several_criteria,
          the_first_block_wins_and_lists_add_up, an_include_holds_within_its_block, methods_depend_on_the_user,
          passwords_for_some, a_client_that_never_asks_with_none, max_auth_tries_and_banner, who_may_log_in,
          algorithms_of_keys_may_differ, rekeying_may_differ, keys_files_may_differ, terminals_and_forwarding, forwarding_may_be_off_for_some, the_log_is_as_loud_as_the_block_says,
          a_client_that_stopped_is_missed, subsystems_may_differ,
          the_clients_tokens_reach_its_command_and_paths, a_reload_reads_them_anew])
