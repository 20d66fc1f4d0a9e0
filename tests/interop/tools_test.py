#!/usr/bin/env python3
"""tools_test.py - what is done over SSH every day: scp, sftp, rsync, git.

Each with Debian's ssh and with postern as its way, to posternd and to sshd; and what
such programs and their users' files ask of a client: ProxyCommand, LocalCommand,
addresses to come from, options of features that postern has not.
"""
import os, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import IS_ROOT, POSTERN, check, digest, labelled, main, need, noise

SFTP = "Subsystem sftp /usr/lib/openssh/sftp-server"
# what Ansible's ssh connection says, but for paths
ANSIBLE = ["-C", "-o", "ControlMaster=auto", "-o", "ControlPersist=60s", "-o", "ControlPath=/nowhere/%h", "-o",
           "KbdInteractiveAuthentication=no", "-o",
           "PreferredAuthentications=gssapi-with-mic,gssapi-keyex,hostbased,publickey", "-o",
           "PasswordAuthentication=no", "-o", "ConnectTimeout=10"]
servers = {}


def server(lab, which):
    if which not in servers:
        servers[which] = lab.posternd(SFTP) if which == "posternd" else lab.sshd(SFTP)
    return servers[which]


class Way:
    """A client for the tools: a program and its options, in a file that both read."""

    def __init__(self, lab, client, s, *lines):
        self.program = POSTERN if client == "postern" else need("ssh")
        self.conf = lab.write("way", "Host box\n" + "".join("  %s\n" % x for x in [
            "HostName 127.0.0.1", "Port %d" % s.port, "User " + lab.user, "IdentityFile " + lab.userkey,
            "IdentitiesOnly yes", "BatchMode yes", "StrictHostKeyChecking accept-new", "LogLevel ERROR",
            "UserKnownHostsFile " + lab.path("known"), "GlobalKnownHostsFile none", *lines]))
        self.argv = [self.program, "-F", self.conf]


def run(argv, *, status=0, cwd=None, env=None, data=b""):
    r = subprocess.run(argv, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, cwd=cwd, env=env)
    check(r.returncode == status, "%s: %d %r" % (" ".join(argv), r.returncode, r.stderr[-800:]))
    return r


def remote(lab, way, name):
    """A name that nobody has used yet, below the account's home."""
    name = "%s-%s" % (name, os.path.basename(way.conf))
    return name if IS_ROOT else lab.path(name)     # that account is the tester's own


def same(path, data):
    with open(path, "rb") as f:
        check(digest(f.read()) == digest(data), "%s differs" % path)


def scp(lab, client, which, *flags):
    way, data = Way(lab, client, server(lab, which)), noise(3 << 20)
    here, back, far = lab.path("here"), lab.path("back"), remote(lab, way, "scp")
    os.makedirs(os.path.join(here, "below"))
    for name in ("a file", "below/b"):
        with open(os.path.join(here, name), "wb") as f:
            f.write(data)
    common = ["scp", "-q", "-p", "-r", *flags, "-S", way.program, "-F", way.conf]
    run([*common, here, "box:" + far])
    run([*common, "box:" + far, back])
    for name in ("a file", "below/b"):
        same(os.path.join(back, name), data)
    run([*common, "box:not-there", back], status=1)


def sftp(lab, client, which):
    way, data, back = Way(lab, client, server(lab, which)), noise(2 << 20), lab.path("back")
    here, far = lab.path("here"), remote(lab, way, "sftp")
    with open(here, "wb") as f:
        f.write(data)
    r = run(["sftp", "-S", way.program, "-F", way.conf, "-b", "-", "box"],
            data=("put %s %s\nrename %s %s.2\nget %s.2 %s\nls -l %s.2\n" % (here, far, far, far, far, back, far)).encode())
    check((far + ".2").encode() in r.stdout, "ls shows %r" % r.stdout)
    same(back, data)


def rsync(lab, client, which):
    way, back = Way(lab, client, server(lab, which)), lab.path("back")
    here, far, data = lab.path("here"), remote(lab, way, "rsync"), noise(3 << 20)
    os.makedirs(here)
    for i in range(20):
        with open(os.path.join(here, "f%d" % i), "wb") as f:
            f.write(data[i * 1000:])
    argv = ["rsync", "-a", "-z", "-e", " ".join(way.argv)]
    run([*argv, here + "/", "box:" + far])
    with open(os.path.join(here, "f7"), "ab") as f:
        f.write(b"more")
    run([*argv, "--delete", here + "/", "box:" + far])
    run([*argv, "box:" + far + "/", back])
    for i in range(20):
        same(os.path.join(back, "f%d" % i), data[i * 1000:] + (b"more" if i == 7 else b""))


def git(lab, client, which):
    way, here, again = Way(lab, client, server(lab, which)), lab.path("here"), lab.path("again")
    far, data = remote(lab, way, "git"), noise(1 << 20)
    env = dict(os.environ, GIT_SSH_COMMAND=" ".join(way.argv), GIT_CONFIG_GLOBAL="/dev/null", GIT_TERMINAL_PROMPT="0",
               GIT_AUTHOR_NAME="n", GIT_AUTHOR_EMAIL="e@x", GIT_COMMITTER_NAME="n", GIT_COMMITTER_EMAIL="e@x")
    run([*way.argv, "box", "git init -q --bare -b main " + far])
    run(["git", "init", "-q", "-b", "main", here], env=env)
    with open(os.path.join(here, "file"), "wb") as f:
        f.write(data)
    run(["git", "add", "file"], cwd=here, env=env)
    run(["git", "commit", "-q", "-m", "one"], cwd=here, env=env)
    run(["git", "push", "-q", "box:" + far, "main"], cwd=here, env=env)
    run(["git", "clone", "-q", "box:" + far, again], env=env)
    same(os.path.join(again, "file"), data)
    run(["git", "ls-remote", "box:not-there"], status=128, env=env)


def ansible(lab, which):
    way = Way(lab, "postern", server(lab, which))
    r = run([*way.argv, *ANSIBLE, "box", "/bin/sh -c 'echo ~ && sleep 0'"])
    check(r.stdout.strip().decode() == lab.home, "%r" % r.stdout)
    r = run([*way.argv, *ANSIBLE, "-tt", "box", "tty"])
    check(r.stdout.startswith(b"/dev/pts/"), "%r" % r.stdout)


# ---- ways to a host

def proxy_command(lab, which):
    s = server(lab, which)
    through = Way(lab, "postern", s)
    argv = " ".join([*through.argv, "-W", "%h:%p", "box"])
    r = run([*Way(lab, "postern", s, "ProxyCommand " + argv).argv, "box", "echo $SSH_CONNECTION"])
    check(r.stdout.split()[0] == b"127.0.0.1", "%r" % r.stdout)
    way = Way(lab, "postern", s)
    echo = noise(1 << 20)
    r = run([*way.argv, "-o", "ProxyCommand=" + argv, "box", "cat"], data=echo)
    check(digest(r.stdout) == digest(echo), "data differs")


def proxy_command_tokens(lab):
    s, seen = server(lab, "sshd"), lab.path("seen")
    way = Way(lab, "postern", s, "ProxyCommand echo %n %h %p %r 100%% >" + seen)
    run([*way.argv, "box", "true"], status=255)
    with open(seen) as f:
        line = f.read()
    check(line == "box 127.0.0.1 %d %s 100%%\n" % (s.port, lab.user), line)
    r = run([*Way(lab, "postern", s, "ProxyCommand echo %u").argv, "box", "true"], status=255)
    check(b"%u" in r.stderr, "%r" % r.stderr)


def proxy_command_fails(lab):
    s = server(lab, "sshd")
    for command in ("exit 1", "/does/not/exist", "cat", "echo not SSH", "head -c 100000 /dev/zero"):
        way = Way(lab, "postern", s, "ConnectTimeout 5", "ProxyCommand " + command)
        r = run([*way.argv, "box", "true"], status=255)
        check(r.stderr != b"", "%s: nothing is said" % command)
    # the text is a shell's: what is not a host name never gets there
    r = run([POSTERN, "-F", "none", "-o", "ProxyCommand=echo %h >" + lab.path("x"), "a;id", "true"], status=255)
    check(b"invalid" in r.stderr, "%r" % r.stderr)


def first_way_stands(lab):
    s = server(lab, "sshd")
    good = "ProxyCommand %s" % " ".join([*Way(lab, "postern", s).argv, "-W", "%h:%p", "box"])
    run([*Way(lab, "postern", s, good, "ProxyJump not-a-host.invalid").argv, "box", "true"])
    run([*Way(lab, "postern", s, "ProxyJump none", "ProxyCommand exit 1").argv, "box", "true"])
    run([*Way(lab, "postern", s, "ProxyCommand none", "ProxyJump not-a-host.invalid").argv, "box", "true"])


def proxy_ends_with_us(lab):
    """What waits for nobody is ended: it gets SIGHUP."""
    s, mark = server(lab, "sshd"), lab.path("mark")
    relay = lab.write("relay.py", """
import os, select, signal, socket, sys
def hup(*a):
    open(%r, "w").close()
    os._exit(0)
signal.signal(signal.SIGHUP, hup)
s = socket.create_connection(("127.0.0.1", %d))
open_in = [0]
while True:
    r, _, _ = select.select([s, *open_in], [], [])
    if s in r:
        d = s.recv(65536)
        if not d:
            signal.pause()
        os.write(1, d)
    if 0 in r:
        d = os.read(0, 65536)
        if d:
            s.sendall(d)
        else:
            open_in = []
            s.shutdown(socket.SHUT_WR)
            signal.pause()
""" % (mark, s.port))
    run([*Way(lab, "postern", s, "ProxyCommand %s %s" % (sys.executable, relay)).argv, "box", "true"])
    for _ in range(100):
        if os.path.exists(mark):
            return
        time.sleep(0.05)
    check(False, "it was not told")


def bind_address(lab):
    for client in ("ssh", "postern"):
        way = Way(lab, client, server(lab, "sshd"), "BindAddress 127.0.0.2")
        check(run([*way.argv, "box", "echo $SSH_CLIENT"]).stdout.startswith(b"127.0.0.2 "), "the address of " + client)
    way = Way(lab, "postern", server(lab, "sshd"))
    check(run([*way.argv, "-b", "127.0.0.3", "box", "echo $SSH_CLIENT"]).stdout.startswith(b"127.0.0.3 "), "-b")
    check(run([*way.argv, "-B", "lo", "box", "echo $SSH_CLIENT"]).stdout.startswith(b"127.0.0.1 "), "-B")
    for flags in (["-b", "192.0.2.1"], ["-b", "not-a-host.invalid"], ["-B", "no-such-interface"]):
        r = run([*way.argv, *flags, "box", "true"], status=255)
        check(flags[1].encode() in r.stderr, "%r" % r.stderr)


# ---- what the user's own machine is asked to do

def local_command(lab):
    s, seen = server(lab, "posternd"), lab.path("seen")
    line = "LocalCommand echo %n %p %r >>" + seen
    run([*Way(lab, "postern", s, line).argv, "box", "true"])
    check(not os.path.exists(seen), "run without PermitLocalCommand")
    r = run([*Way(lab, "postern", s, line, "PermitLocalCommand yes").argv, "box", "cat " + seen])
    check(r.stdout == b"box %d %s\n" % (s.port, lab.user.encode()), "%r" % r.stdout)
    # not before the login is proven
    os.unlink(seen)
    run([*Way(lab, "postern", s, line, "PermitLocalCommand yes", "PubkeyAuthentication no").argv, "box", "true"], status=255)
    check(not os.path.exists(seen), "run without a login")


def features_that_are_not(lab):
    s = server(lab, "sshd")
    quiet = ["GSSAPIAuthentication no", "HostbasedAuthentication no", "CheckHostIP no", "ControlMaster auto",
             "ControlPath ~/.ssh/%C", "ControlPersist 10m", "VisualHostKey yes", "Tunnel no", "PKCS11Provider none",
             "CanonicalizeHostname no", "ChallengeResponseAuthentication no", "PubkeyAcceptedKeyTypes +ssh-rsa"]
    quiet += ["GSSAPIAuthentication yes", "GSSAPIDelegateCredentials yes", "IPQoS af21 cs1", "Protocol 2",
              "RequiredRSASize 1024", "PubkeyAuthentication host-bound", "ConnectTimeout none", "UseRoaming no"]
    run([*Way(lab, "postern", s, *quiet).argv, "box", "true"])
    run([*Way(lab, "postern", s).argv, "-K", "box", "true"])
    loud = ["HostbasedAuthentication yes", "CheckHostIP yes", "ControlMaster yes",
            "ControlMaster ask", "FingerprintHash md5", "Tunnel ethernet", "PKCS11Provider /lib/x.so",
            "VerifyHostKeyDNS ask", "KnownHostsCommand /bin/true", "NoHostAuthenticationForLocalhost yes"]
    for line in loud:
        r = run([*Way(lab, "postern", s, line).argv, "box", "true"], status=255)
        check(line.split()[0].encode() in r.stderr and b"not supported" in r.stderr, "%s: %r" % (line, r.stderr))
    for what in ("check", "exit", "stop"):
        r = run([*Way(lab, "postern", s).argv, "-O", what, "box"], status=255)
        check(b"-O: connections are not shared by postern" in r.stderr, "%r" % r.stderr)
    for flags in (["-M"], ["-w", "0"], ["-I", "x.so"]):
        check(b"not supported" in run([*Way(lab, "postern", s).argv, *flags, "box"], status=255).stderr, "%r" % flags)


def ignore_unknown(lab):
    s = server(lab, "sshd")
    run([*Way(lab, "postern", s, "IgnoreUnknown usekeychain,Some*", "UseKeychain yes", "SomeThing else").argv, "box", "true"])
    for lines in (["UseKeychain yes"], ["UseKeychain yes", "IgnoreUnknown UseKeychain"],
                  ["IgnoreUnknown Some*", "UseKeychain yes"]):
        check(b"UseKeychain" in run([*Way(lab, "postern", s, *lines).argv, "box", "true"], status=255).stderr, "%r" % lines)


def internal_sftp(lab):
    for lines, only in ((["Subsystem sftp internal-sftp"], False),
                        (["Subsystem sftp internal-sftp", "ForceCommand internal-sftp -d /"], True),
                        (["Subsystem sftp /nowhere", "Match User " + lab.user, "ForceCommand internal-sftp -d /"], True)):
        way = Way(lab, "ssh", lab.posternd(*lines))
        sftp = ["sftp", "-S", way.program, "-F", way.conf, "-b", "-", "box"]
        out = run(sftp, data=b"pwd\n").stdout
        check((b"directory: /\n" in out) == only, "%r: %r" % (lines, out))
        for wish in (["echo", "no"], [], ["internal-sftp"]):
            r = run([*way.argv, "box", *wish], status=1) if only else None
            check(r is None or (r.stdout == b"" and b"sftp connections only" in r.stderr), "%r %r: %r" % (lines, wish, r))
        if not only:    # a peer's own word is its shell's
            check(b"sftp" in run([*way.argv, "box", "internal-sftp"], status=127).stderr, "a command of ours")


def version(lab):
    check(run([POSTERN, "-V"]).stderr.startswith(b"Postern_"), "-V")


pairs = [(c, s) for c in ("ssh", "postern") for s in ("posternd", "sshd") if (c, s) != ("ssh", "sshd")]
cases = [labelled("scp %s->%s" % p, scp, *p) for p in pairs]
cases += [labelled("scp -O %s->%s" % p, scp, *p, "-O") for p in pairs]
cases += [labelled("%s %s->%s" % (f.__name__, *p), f, *p) for f in (sftp, rsync, git) for p in pairs]
cases += [labelled("ansible's options, " + s, ansible, s) for s in ("posternd", "sshd")]
cases += [labelled("ProxyCommand, " + s, proxy_command, s) for s in ("posternd", "sshd")]
cases += [proxy_command_tokens, proxy_command_fails, first_way_stands, proxy_ends_with_us, bind_address, local_command,
          features_that_are_not, ignore_unknown, internal_sftp, version]

if __name__ == "__main__":
    main(cases)
