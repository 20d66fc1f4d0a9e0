#!/usr/bin/env python3
"""client_test.py - postern against the peers' servers.

OpenSSH's sshd, dropbear and tinysshd: logins, commands, terminals, bulk data,
rekeying, known_hosts in all its answers, and what is said when things fail.
"""
import contextlib, os, re, signal, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import BUILD, POSTERN, SAN, check, descendants, digest, labelled, main, needs_root, noise
from server_test import (AEAD, BULK, BY_NAME, CTR, ECDH, GEX, GROUP14_SHA1, GROUPS, KEX, MACS, REKEYED, SNTRUP, expect,
                         moduli)

servers = {}


def sshd(lab, *lines):
    if lines not in servers:
        servers[lines] = lab.sshd(*lines)
    return servers[lines]


def peer(lab, name):
    if name not in servers:
        servers[name] = lab.sshd() if name == "sshd" else getattr(lab, name)()
    return servers[name]


def algorithms(lab, kex, cipher, mac):
    args = ["-o", "KexAlgorithms=" + kex, "-o", "Ciphers=" + cipher] + (["-o", "MACs=" + mac] if mac else [])
    expect(lab.postern(sshd(lab), *args, command=["echo hello; exit 7"]), 7, b"hello\n", "postern")


def kex(lab, name):
    """Once, and again under load."""
    s, log = sshd(lab, "RekeyLimit 2M"), lab.path("client.log")
    data = noise(REKEYED)
    r = lab.postern(s, "-v", "-E", log, "-o", "KexAlgorithms=" + name, "-o", "RekeyLimit=1M", command=["cat"],
                    input=data, timeout=240)
    expect(r, 0, data, "postern")
    check(exchanges(log) >= 3, "only %d key exchanges" % exchanges(log))


def gex_group(lab, bits):
    """Whatever the server gives within our bounds: it has this one size only."""
    s = sshd(lab, "ModuliFile " + moduli(lab, "moduli", bits))
    expect(lab.postern(s, "-o", "KexAlgorithms=" + GEX, command=["echo hello"]), 0, b"hello\n", "postern")


def gex_rekeys(lab):
    s, log = sshd(lab, "RekeyLimit 2M"), lab.path("client.log")
    data = noise(REKEYED)
    r = lab.postern(s, "-v", "-E", log, "-o", "KexAlgorithms=" + GEX, "-o", "RekeyLimit=1M", command=["sha256sum"],
                    input=data, timeout=240)
    expect(r, 0, (digest(data) + "  -\n").encode(), "postern")
    check(exchanges(log) >= 3, "only %d key exchanges" % exchanges(log))


def fixed_group(lab, kex):
    """Against a server that has nothing else; the default preset says which would do."""
    s, data = sshd(lab, "KexAlgorithms " + kex, "RekeyLimit 2M"), noise(10 << 20)
    how = "KexAlgorithms=+" + kex if kex == GROUP14_SHA1 else "AlgorithmPreset=compat"
    expect(lab.postern(s, "-o", how, command=["sha256sum"], input=data, timeout=240), 0,
           (digest(data) + "  -\n").encode(), "postern")
    r = lab.postern(s, command=["true"])
    check(r.returncode == 255 and b"no key exchange method in common" in r.stderr, "%r" % r)
    check((b"the preset compat would have agreed" in r.stderr) == (kex != GROUP14_SHA1), "%r" % r)


def by_name(lab, cipher, mac):
    s, log = sshd(lab, "Ciphers +" + cipher, "RekeyLimit 2M"), lab.path("client.log")
    data = noise(REKEYED)
    r = lab.postern(s, "-v", "-E", log, "-o", "Ciphers=" + cipher, "-o", "MACs=" + mac, "-o", "RekeyLimit=3M",
                    command=["tee /dev/stderr | sha256sum"], input=data, timeout=240)
    expect(r, 0, (digest(data) + "  -\n").encode(), "postern")
    check(digest(r.stderr) == digest(data), "the echoed stream differs: %d bytes" % len(r.stderr))
    check(exchanges(log) >= 3, "only %d key exchanges" % exchanges(log))


def tinysshd_kex(lab, kex):
    """Its own implementation of it; our client's log says what was agreed on."""
    s, log = peer(lab, "tinysshd"), lab.path("client.log")
    r = lab.postern(s, "-v", "-E", log, "-o", "KexAlgorithms=" + kex, command=["echo hello; exit 7"])
    expect(r, 7, b"hello\n", "postern")
    with open(log) as f:
        check(kex in f.read(), "agreed on something else")


def login(lab, name):
    s = peer(lab, name)
    r = lab.postern(s, command=["echo out; echo err >&2; exit 3"])
    expect(r, 3, b"out\n", name)
    check(b"err\n" in r.stderr, "stderr %r" % r.stderr)


def upload(lab, name):
    data = noise(BULK if name == "sshd" else BULK // 4)
    expect(lab.postern(peer(lab, name), command=["sha256sum"], input=data, timeout=300), 0,
           (digest(data) + "  -\n").encode(), name)


def download(lab, name):
    data = noise(BULK if name == "sshd" else BULK // 4)
    path = lab.path("blob")
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o644)
    r = lab.postern(peer(lab, name), command=["cat " + path], timeout=300)
    expect(r, 0, None, name)
    check(digest(r.stdout) == digest(data), "download differs: %d bytes" % len(r.stdout))


def exchanges(log):
    """How many key exchanges our monitor says were completed: its highest count."""
    with open(log, errors="replace") as f:
        return max([int(n) for n in re.findall(r"exchange (\d+)\)", f.read())] or [0])


def rekey(lab, cipher, name="sshd"):
    data, log = noise((8 if name == "sshd" else 2) << 20), lab.path("client.log")
    both = name == "sshd"       # the others give their programs no /dev/stderr to open
    r = lab.postern(peer(lab, name), "-v", "-E", log, "-o", "Ciphers=" + cipher, "-o", "RekeyLimit=64K",
                    command=["tee /dev/stderr | sha256sum" if both else "sha256sum"], input=data, timeout=300)
    expect(r, 0, (digest(data) + "  -\n").encode(), "rekey")
    if both:
        check(digest(r.stderr) == digest(data), "the echoed stream differs: %d bytes" % len(r.stderr))
    check(exchanges(log) >= len(data) // (256 << 10), "only %d key exchanges" % exchanges(log))


def channels(lab, name):
    """Many channels, one after another, on one connection."""
    n = 100 if SAN else 1000
    tool = os.path.join(BUILD, "tests", "tools", "channels")
    r = lab.run([tool, str(peer(lab, name).port), lab.user, lab.userkey, str(n)], timeout=300)
    expect(r, 0, b"ok %d\n" % n, "channels")


def peer_algorithms(lab, name, cipher, mac):
    args = ["-o", "Ciphers=" + cipher] + (["-o", "MACs=" + mac] if mac else [])
    expect(lab.postern(peer(lab, name), *args, command=["echo hello; exit 7"]), 7, b"hello\n", name)


def reader_leaves(lab):
    """Our stdout's reader has seen enough: the remote program is told, and we end."""
    s = sshd(lab)
    argv = [POSTERN, "-F", "none", "-p", str(s.port), "-o", "StrictHostKeyChecking=accept-new", "-o", "BatchMode=yes",
            "-o", "UserKnownHostsFile=" + lab.path("kh"), "-i", lab.userkey, "%s@127.0.0.1" % lab.user, "yes"]
    p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    check(p.stdout.read(8192) == b"y\n" * 4096, "no output")
    p.stdout.close()
    p.wait(10)


def silence(lab):
    """A server that is there but says nothing any more is no end in order either."""
    s = lab.sshd()
    p = subprocess.Popen([POSTERN, "-F", "none", "-p", str(s.port), "-o", "StrictHostKeyChecking=accept-new", "-o",
                          "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2", "-o",
                          "UserKnownHostsFile=" + lab.path("kh"), "-o", "BatchMode=yes", "-i", lab.userkey,
                          "%s@127.0.0.1" % lab.user, "echo begun; sleep 60"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    check(p.stdout.readline() == b"begun\n", "no start")
    below = descendants(s.process.pid)
    try:
        for pid in below:
            os.kill(pid, signal.SIGSTOP)
        _, err = p.communicate(timeout=15)
        check(p.returncode == 255 and b"cut short" in err, "%d %r" % (p.returncode, err))
    finally:
        for pid in below:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def sshd_rekeys(lab):
    """40 of them: some more than our RekeyQuota gives at once, so that two a second are waited for too."""
    data, log = noise(5 << 18), lab.path("client.log")
    r = lab.postern(sshd(lab, "RekeyLimit 64K"), "-v", "-E", log, command=["cat"], input=data, timeout=300)
    expect(r, 0, None, "rekey by the server")
    check(digest(r.stdout) == digest(data), "data differs")
    check(exchanges(log) >= 20, "only %d key exchanges" % exchanges(log))


def subsystem(lab):
    expect(lab.postern(sshd(lab), "-s", command=["echo"], input=b"sub"), 0, b"sub")


def env(lab):
    s = sshd(lab, "AcceptEnv MY_*")
    r = lab.postern(s, "-o", "SetEnv=MY_A=1", "-o", "SendEnv=MY_B", command=["echo $MY_A$MY_B"],
                    env=dict(os.environ, MY_B="2"))
    expect(r, 0, b"12\n")


def remote_signal(lab):
    r = lab.postern(sshd(lab), command=["kill -TERM $$"])
    check(r.returncode == 143 and b"TERM" in r.stderr, "%r" % r)


def terminal(lab, name):
    s = peer(lab, name)
    argv = [POSTERN, "-F", "none", "-t", "-p", str(s.port), "-o", "StrictHostKeyChecking=accept-new", "-o",
            "UserKnownHostsFile=" + lab.path("kh"), "-i", lab.userkey, "%s@127.0.0.1" % lab.user]
    def resize(fd):
        import fcntl, struct, termios
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
        time.sleep(0.5)
        os.write(fd, b"stty size; echo re''sized\n")
    status, seen = lab.on_terminal(argv, [(b"$ ", b"tty; stty size; echo TERM=$TERM; echo do''ne\n"),
                                          (b"done", resize), (b"resized", b"exit 5\n")])
    check(status == 5, "status %d: %r" % (status, seen[-400:]))
    check(b"/dev/pts/" in seen and b"24 80" in seen and b"31 97" in seen, "terminal: %r" % seen[-800:])


def escape(lab):
    s = sshd(lab)
    argv = [POSTERN, "-F", "none", "-t", "-p", str(s.port), "-o", "StrictHostKeyChecking=accept-new", "-o",
            "UserKnownHostsFile=" + lab.path("kh"), "-i", lab.userkey, "%s@127.0.0.1" % lab.user]
    status, seen = lab.on_terminal(argv, [(b"$ ", b"\r~.")], timeout=20)
    check(status == 255, "status %d" % status)


def password_on_terminal(lab, name):
    s = peer(lab, name)
    argv = [POSTERN, "-F", "none", "-p", str(s.port), "-o", "StrictHostKeyChecking=accept-new", "-o",
            "UserKnownHostsFile=" + lab.path("kh"), "-o", "PubkeyAuthentication=no", "-o",
            "PreferredAuthentications=password", "%s@127.0.0.1" % lab.user, "echo in; exit 4"]
    status, seen = lab.on_terminal(argv, [(b"password: ", b"wrong\n"), (b"try again", b""),
                                          (b"password: ", lab.password.encode() + b"\n")])
    check(status == 4 and b"in\r\n" in seen, "status %d: %r" % (status, seen))
    check(lab.password.encode() not in seen, "the password was echoed")


def prompts_say_whose_they_are(lab):
    """As ssh's, and a server's control characters do not reach the terminal."""
    s = lab.posternd("PasswordAuthentication no", "KbdInteractiveAuthentication yes")
    argv = [POSTERN, "-F", "none", "-p", str(s.port), "-o", "StrictHostKeyChecking=accept-new", "-o",
            "UserKnownHostsFile=" + lab.path("kh"), "-o", "PubkeyAuthentication=no", "%s@127.0.0.1" % lab.user, "exit 4"]
    status, seen = lab.on_terminal(argv, [(b"(%s@127.0.0.1) Password: " % lab.user.encode(), lab.password.encode() + b"\n")])
    check(status == 4, "status %d: %r" % (status, seen))


def keys_that_are_withheld_are_named(lab):
    """The only key is not of the preset: the server is not to blame, and the preset that has it is named."""
    ecdsa = lab.key("withheld", type="ecdsa")
    s = peer(lab, "sshd")
    r = lab.postern(s, command=["true"], key=ecdsa)
    check(r.returncode == 255 and b"no key was shown to the server" in r.stderr and
          b"(ecdsa-sha2-nistp256)" in r.stderr and b"AlgorithmPreset=compat" in r.stderr, "%r" % r.stderr)
    # one that was shown, and one that compat would not help
    for flags in (["-i", lab.wrongkey], ["-o", "AlgorithmPreset=compat"]):
        r = lab.postern(s, *flags, command=["true"], key=ecdsa)
        check(r.returncode == 255 and b"no key was shown" not in r.stderr, "%s: %r" % (flags, r.stderr))


def passphrase_on_terminal(lab):
    s = sshd(lab)
    argv = [POSTERN, "-F", "none", "-p", str(s.port), "-o", "StrictHostKeyChecking=accept-new", "-o",
            "UserKnownHostsFile=" + lab.path("kh"), "-i", lab.lockedkey, "%s@127.0.0.1" % lab.user, "exit 6"]
    status, seen = lab.on_terminal(argv, [(b"passphrase", b"opensesame\n")])
    check(status == 6, "status %d: %r" % (status, seen))
    status, seen = lab.on_terminal(argv, [(b"passphrase", b"no\n"), (b"passphrase", b"opensesame\n")])
    check(status == 6, "second try: status %d: %r" % (status, seen))


def first_contact(lab):
    s = sshd(lab)
    known = lab.path("kh")
    argv = [POSTERN, "-F", "none", "-p", str(s.port), "-o", "UserKnownHostsFile=" + known, "-o",
            "GlobalKnownHostsFile=none", "-i", lab.userkey, "%s@127.0.0.1" % lab.user, "exit 8"]
    status, seen = lab.on_terminal(argv, [(b"continue connecting", b"no\n")])
    check(status == 255 and not os.path.exists(known), "refused: %d %r" % (status, seen))
    status, seen = lab.on_terminal(argv, [(b"continue connecting", b"yes\n")])
    check(status == 8 and b"SHA256:" in seen, "accepted: %d %r" % (status, seen))
    with open(known) as f:
        line = f.read()
    check(line.strip() == "[127.0.0.1]:%d %s" % (s.port, lab.hostpub), "line %r" % line)
    check(oct(os.stat(known).st_mode & 0o777) == "0o600", "mode")
    expect(lab.postern(s, "-o", "StrictHostKeyChecking=yes", known=known, command=["exit 8"]), 8)
    # ssh itself reads what we wrote
    r = lab.run(["ssh", "-F", "/dev/null", "-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=" + known,
                 "-o", "BatchMode=yes", "-i", lab.userkey, "-p", str(s.port), "%s@127.0.0.1" % lab.user, "exit 8"])
    expect(r, 8)


def hashed_known_hosts(lab):
    s = sshd(lab)
    known = lab.path("kh")
    expect(lab.postern(s, "-o", "HashKnownHosts=yes", known=known, command=["exit 8"]), 8)
    with open(known) as f:
        line = f.read()
    check(line.startswith("|1|") and "127.0.0.1" not in line, "line %r" % line)
    expect(lab.postern(s, "-o", "StrictHostKeyChecking=yes", known=known, command=["exit 8"]), 8)
    r = lab.run(["ssh-keygen", "-F", "[127.0.0.1]:%d" % s.port, "-f", known])
    check(r.returncode == 0, "ssh-keygen does not find it")


def host_key_problems(lab):
    s = sshd(lab)
    with open(lab.wrongkey + ".pub") as f:
        other = " ".join(f.read().split()[:2])
    name = "[127.0.0.1]:%d" % s.port
    for text, words in (("%s %s\n" % (name, other), (b"CHANGED", b"line 1")),
                        ("@revoked * %s\n" % lab.hostpub, (b"revoked",)),
                        ("@revoked * %s\n%s %s\n" % (lab.hostpub, name, lab.hostpub), (b"revoked",)),
                        ("", (b"no ssh-ed25519 host key is known", b"SHA256:"))):
        known = lab.write("kh", text)
        r = lab.postern(s, "-o", "StrictHostKeyChecking=yes", known=known, command=["echo in"])
        check(r.returncode == 255 and r.stdout == b"", "accepted with %r: %r" % (text, r))
        for w in words:
            check(w in r.stderr, "%r is not said: %r" % (w, r.stderr))
        with open(known) as f:
            check(f.read() == text, "known_hosts was touched")


def failures_are_named(lab):
    s = sshd(lab, "Ciphers aes128-ctr")
    r = lab.postern(s, "-o", "Ciphers=aes256-gcm@openssh.com", command=["true"])
    check(r.returncode == 255 and b"aes256-gcm@openssh.com" in r.stderr and b"aes128-ctr" in r.stderr, "%r" % r.stderr)
    r = lab.postern(sshd(lab), key=lab.wrongkey, command=["true"])
    check(r.returncode == 255 and b"Permission denied (publickey" in r.stderr, "%r" % r.stderr)
    r = lab.run([POSTERN, "-F", "none", "-p", "1", "127.0.0.1", "true"])
    check(r.returncode == 255 and b"refused" in r.stderr, "%r" % r.stderr)
    r = lab.run([POSTERN, "-F", "none", "-o", "NoSuchKeyword=1", "127.0.0.1"])
    check(r.returncode == 255 and b"NoSuchKeyword" in r.stderr, "%r" % r.stderr)
    r = lab.run([POSTERN, "-F", "none", "-o", "Ciphers=rot13", "-p", str(s.port), "127.0.0.1"])
    check(r.returncode == 255 and b"rot13" in r.stderr, "%r" % r.stderr)


def cut_is_not_an_end(lab):
    """The server is killed in the middle: not taken for a whole output."""
    s = lab.sshd()
    p = subprocess.Popen([POSTERN, "-F", "none", "-p", str(s.port), "-o", "StrictHostKeyChecking=accept-new", "-o",
                          "UserKnownHostsFile=" + lab.path("kh"), "-o", "BatchMode=yes", "-i", lab.userkey,
                          "%s@127.0.0.1" % lab.user, "echo begun; sleep 60"], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    check(p.stdout.readline() == b"begun\n", "no start")
    below = descendants(s.process.pid)
    check(below, "no session process")
    for pid in below:
        os.kill(pid, signal.SIGKILL)
    _, err = p.communicate(timeout=30)
    check(p.returncode == 255 and b"cut short" in err, "%d %r" % (p.returncode, err))


password_cases = [needs_root("the throw-away account with a password is made as root")(
    labelled("password on the terminal, " + n, password_on_terminal, n)) for n in ("sshd", "dropbear")]

cases = [labelled("postern->sshd %s %s %s" % (k, c, m or "aead"), algorithms, k, c, m)
         for k in KEX for c in AEAD + CTR for m in ([None] if c in AEAD else MACS)]
cases += [labelled("postern->sshd " + k, kex, k) for k in SNTRUP + ECDH]
cases += [labelled("postern->sshd group exchange, %d bits" % n, gex_group, n) for n in (2048, 4096, 8192)]
cases += [gex_rekeys]
cases += [labelled("postern->sshd " + k, fixed_group, k) for k in [*GROUPS, GROUP14_SHA1]]
for n in ("sshd", "dropbear", "tinysshd"):
    for f in (login, upload, download):
        case = labelled("postern->%s %s" % (n, f.__name__), f, n)
        cases.append(case if n == "sshd" else needs_root("it reads ~/.ssh/authorized_keys only")(case))
cases += [labelled("postern->sshd by name %s %s" % (c, m), by_name, c, m) for c, m in BY_NAME]
cases += [labelled("postern->sshd rekey " + c, rekey, c)
          for c in ("aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr")]
cases += [labelled("postern->sshd 1000 channels", channels, "sshd"),
          needs_root("it reads ~/.ssh/authorized_keys only")(labelled("postern->dropbear 1000 channels", channels, "dropbear"))]
cases += [needs_root("it reads ~/.ssh/authorized_keys only")(
    labelled("postern->%s %s %s" % (n, c, m or "aead"), peer_algorithms, n, c, m))
    for n, c, m in (("dropbear", "chacha20-poly1305@openssh.com", None), ("dropbear", "aes256-ctr", "hmac-sha2-256"),
                    ("dropbear", "aes128-ctr", "hmac-sha2-256"), ("tinysshd", "chacha20-poly1305@openssh.com", None))]
cases += [needs_root("it reads ~/.ssh/authorized_keys only")(labelled("postern->tinysshd " + k, tinysshd_kex, k))
          for k in SNTRUP[1:]]      # the name it had first is all that this one knows
for n in ("dropbear", "tinysshd"):
    for case in (labelled("terminal, " + n, terminal, n),
                 labelled("postern->%s rekey" % n, rekey, "chacha20-poly1305@openssh.com", n)):
        cases.append(needs_root("it reads ~/.ssh/authorized_keys only")(case))
cases += [silence, reader_leaves, sshd_rekeys, subsystem, env, remote_signal, labelled("terminal, sshd", terminal, "sshd"), escape, *password_cases, keys_that_are_withheld_are_named,
          needs_root("a password of an account")(prompts_say_whose_they_are), passphrase_on_terminal,
          first_contact, hashed_known_hosts, host_key_problems, failures_are_named, cut_is_not_an_end]

if __name__ == "__main__":
    main(cases)
