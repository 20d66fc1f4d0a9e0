#!/usr/bin/env python3
"""server_test.py - the peers' clients against posternd.

OpenSSH's ssh, dropbear's dbclient and PuTTY's plink, each with every algorithm
that we share, both ways of login, commands, terminals, subsystems, bulk data both
ways, rekeying under load and many channels on one connection.
"""
import os, re, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import (IS_ROOT, Inetd, POSTERN, SAN, SSH_BASE, Failure, check, digest, labelled, main, need, needs_root, noise)

GEX = "diffie-hellman-group-exchange-sha256"
KEX = ["curve25519-sha256", "curve25519-sha256@libssh.org", GEX]
GROUPS = ["diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512"]
GROUP14_SHA1 = "diffie-hellman-group14-sha1"
ECDH = ["ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"]     # not in our default list
SNTRUP = ["sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com"]
HYBRID = [*SNTRUP, "mlkem768x25519-sha256", "mlkem768nistp256-sha256", "mlkem1024nistp384-sha384"]
AEAD = ["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com"]
CTR = ["aes256-ctr", "aes192-ctr", "aes128-ctr"]
MACS = ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"]
COMPAT = "AlgorithmPreset compat"
BULK = (8 if SAN else 100) << 20
REKEYED = 10 << 20          # several times what a test sets as RekeyLimit

servers = {}


def server(lab, *lines):
    if lines not in servers:
        servers[lines] = lab.posternd(*lines)
    return servers[lines]


def expect(r, status=0, out=None, what=""):
    check(r.returncode == status, "%s: exit status %d, not %d: %s" % (what, r.returncode, status,
                                                                     r.stderr.decode(errors="replace")[-500:]))
    if out is not None:
        check(r.stdout == out, "%s: output %r, not %r" % (what, r.stdout[-200:], out))


def inetd_conf(lab):
    return lab.write("inetd.conf", "\n".join(["HostKey " + lab.hostkey, "AuthorizedKeysFile " + lab.authorized,
                                              "StrictModes no", "PidFile none"]) + "\n")


def inetd_on_a_socket(lab):
    s = lab.add(Inetd([lab.program("posternd"), "-i", "-f", inetd_conf(lab)], lab.path("inetd.log")))
    data = noise(4 << 20)
    r = lab.ssh(s, command=["cat"], input=data)
    expect(r, 0, data, "cat over -i")


def inetd_on_two_pipes(lab):
    """As a ProxyCommand: descriptor 0 is read, descriptor 1 is written."""
    proxy = "%s -i -f %s" % (lab.program("posternd"), inetd_conf(lab))
    data = noise(4 << 20)
    r = lab.run([need("ssh"), *SSH_BASE, "-o", "ProxyCommand=" + proxy, "-o", "BatchMode=yes", "-i", lab.userkey,
                 lab.user + "@anywhere", "cat"], input=data)
    expect(r, 0, data, "cat over two pipes")


def passwords(lab):
    """A server that takes passwords: shadow as root, our own file otherwise."""
    if IS_ROOT:
        return server(lab, "PasswordAuthentication yes")


def lines_for(kex=None, mac=None):
    """What a configuration needs for them: nothing, if the default preset has them."""
    if kex == GROUP14_SHA1:
        return ["KexAlgorithms +" + kex]
    return [COMPAT] if (kex or "").startswith("diffie") or mac in MACS[2:] else []


# ---- OpenSSH

def ssh_algorithms(lab, kex, cipher, mac):
    s = server(lab, *lines_for(kex, mac))
    args = ["-o", "KexAlgorithms=" + kex, "-c", cipher] + (["-m", mac] if mac else [])
    expect(lab.ssh(s, *args, command=["echo hello; exit 7"]), 7, b"hello\n", "ssh")


def ssh_kex(lab, kex):
    """A method that our server has by name only, and again under load."""
    s = server(lab, "KexAlgorithms " + kex, "RekeyLimit 1M")
    data = noise(REKEYED)
    r = lab.ssh(s, "-o", "KexAlgorithms=" + kex, command=["cat"], input=data, timeout=240)
    expect(r, 0, data, "ssh")
    counts = [int(n) for n in re.findall(r"keys in use \(exchange (\d+)\): " + re.escape(kex), s.text())]
    check(counts and max(counts) >= 3, "no rekeys: %r\n%s" % (counts, s.text()[-2000:]))


def moduli(lab, name, *bits):
    """The lines of the system's moduli that have so many bits."""
    with open("/etc/ssh/moduli") as f:
        lines = [l for l in f if not l.startswith("#") and int(l.split()[4]) + 1 in bits]
    check(lines, "no moduli of %r bits" % (bits,))
    return lab.write(name, "".join(lines))


def ssh_gex_group(lab, bits):
    """The group has the size that the server has; a client is told by its -v."""
    s = server(lab, COMPAT, "ModuliFile " + moduli(lab, "moduli", bits))
    r = lab.ssh(s, "-vv", "-o", "KexAlgorithms=" + GEX, command=["echo hello"])
    expect(r, 0, b"hello\n", "ssh")
    check(b"bits set: " in r.stderr and b"/%d" % bits in r.stderr, "not %d bits: %r" % (bits, r.stderr[-2000:]))


def ssh_gex_rekeys(lab):
    """Rekeying under load, by both sides, each time in a group of its own."""
    s = server(lab, COMPAT, "RekeyLimit 2M", "ModuliFile " + moduli(lab, "moduli", 2048, 3072))
    data = noise(REKEYED)
    r = lab.ssh(s, "-o", "KexAlgorithms=" + GEX, "-o", "RekeyLimit=3M", "-c", "aes128-ctr", command=["sha256sum"],
                input=data, timeout=240)
    expect(r, 0, (digest(data) + "  -\n").encode(), "ssh")
    counts = [int(n) for n in re.findall(r"keys in use \(exchange (\d+)\): " + GEX, s.text())]
    check(counts and max(counts) >= 3, "no rekeys: %r\n%s" % (counts, s.text()[-2000:]))


def ssh_gex_without_moduli(lab):
    for path in ("none", lab.write("moduli", "")):
        s = server(lab, COMPAT, "ModuliFile " + path)
        r = lab.ssh(s, "-o", "KexAlgorithms=" + GEX, command=["echo in"])
        check(r.returncode == 255 and s.says("no key exchange method in common"), "%r" % r)
        expect(lab.ssh(s, command=["echo in"]), 0, b"in\n", "ssh")


def ssh_fixed_group(lab, kex):
    """With rekeys by both sides; the legacy one by its name only."""
    s = server(lab, "RekeyLimit 2M", *lines_for(kex))
    data = noise(10 << 20)
    r = lab.ssh(s, "-o", "KexAlgorithms=" + kex, "-o", "RekeyLimit=3M", command=["sha256sum"], input=data, timeout=240)
    expect(r, 0, (digest(data) + "  -\n").encode(), "ssh")
    counts = [int(n) for n in re.findall(r"keys in use \(exchange (\d+)\): " + kex, s.text())]
    check(counts and max(counts) >= 3, "no rekeys: %r\n%s" % (counts, s.text()[-2000:]))


def a_failure_names_the_preset(lab):
    s = server(lab)
    for args, preset in ((["-o", "KexAlgorithms=" + GROUPS[0]], "compat"),
                         (["-c", "aes256-ctr", "-m", "hmac-sha2-256"], "compat"),
                         (["-o", "KexAlgorithms=" + GROUP14_SHA1], None)):
        mark = os.path.getsize(s.log)
        r = lab.ssh(s, *args, command=["true"])
        heard = s.says("[preauth]: no algorithm in common", mark)
        said = s.since(mark)
        check(r.returncode == 255 and heard, "%r %s" % (r, said))
        if preset:
            check("the preset %s would have agreed" % preset in said, said)
        else:
            check("the preset" not in said, said)
    expect(lab.ssh(server(lab, COMPAT), "-c", "aes256-ctr", "-m", "hmac-sha2-256", command=["echo in"]), 0, b"in\n")


UMACS = ["umac-128-etm@openssh.com", "umac-64-etm@openssh.com", "umac-128@openssh.com", "umac-64@openssh.com"]
BY_NAME = [*zip(["aes128-ctr", "aes256-ctr"] * 2, UMACS), ("aes128-cbc", "hmac-sha1"),
           ("aes192-cbc", "hmac-sha1-etm@openssh.com"), ("aes256-cbc", "umac-64@openssh.com"), ("aes256-ctr", "hmac-sha1")]


def ssh_by_name(lab, cipher, mac):
    """What few ask for, with packets of many lengths and rekeys by both sides."""
    s = server(lab, "Ciphers +" + cipher, "MACs +" + mac, "RekeyLimit 2M")
    data = noise(10 << 20)
    r = lab.ssh(s, "-c", cipher, "-m", mac, "-o", "RekeyLimit=3M", command=["tee /dev/stderr | sha256sum"], input=data,
                timeout=240)
    expect(r, 0, (digest(data) + "  -\n").encode(), "ssh")
    check(digest(r.stderr) == digest(data), "the echoed stream differs: %d bytes" % len(r.stderr))
    rekeyed(s, 3)
    if mac == UMACS[0]:             # which the default preset has
        return
    r = lab.ssh(server(lab), "-c", cipher, "-m", mac, command=["true"])
    check(r.returncode == 255, "agreed on though no line names it: %r" % r)
    end = time.monotonic() + 5
    while not re.search("no (MAC|cipher) in common", server(lab).text()):
        check(time.monotonic() < end, "not said why: " + server(lab).text()[-500:])
        time.sleep(0.05)


def ssh_password(lab):
    s = passwords(lab)
    expect(lab.ssh(s, command=["echo in"], password=lab.password), 0, b"in\n")
    r = lab.ssh(s, command=["echo in"], password="wrong")
    check(r.returncode == 255 and b"Permission denied" in r.stderr, "a wrong password: %r" % r.stderr)


def ssh_keyboard_interactive(lab):
    s = server(lab, "PasswordAuthentication no", "KbdInteractiveAuthentication yes")
    expect(lab.ssh(s, "-o", "PreferredAuthentications=keyboard-interactive", command=["echo in"],
                   password=lab.password), 0, b"in\n")


def ssh_wrong_key(lab):
    r = lab.ssh(server(lab), command=["echo in"], key=lab.wrongkey)
    check(r.returncode == 255 and b"Permission denied" in r.stderr and r.stdout == b"", "%r" % r)


def ssh_unknown_user(lab):
    s = server(lab)
    r = subprocess.run([need("ssh"), *SSH_BASE, "-o", "BatchMode=yes", "-i", lab.userkey, "-p", str(s.port),
                        "no-such-user@127.0.0.1", "echo in"], capture_output=True, timeout=60)
    check(r.returncode == 255 and b"Permission denied" in r.stderr, "%r" % r)


def ssh_two_steps(lab):
    s = server(lab, "PasswordAuthentication yes", "AuthenticationMethods publickey,password")
    ask = lab.write("askpass", "#!/bin/sh\necho '%s'\n" % lab.password)
    os.chmod(ask, 0o700)
    env = dict(os.environ, SSH_ASKPASS=ask, SSH_ASKPASS_REQUIRE="force", DISPLAY=":0")
    r = lab.run([need("ssh"), *SSH_BASE, "-p", str(s.port), "-i", lab.userkey, "%s@127.0.0.1" % lab.user,
                 "echo in"], env=env)
    expect(r, 0, b"in\n")
    r = lab.ssh(s, command=["echo in"])     # the key alone is not enough
    check(r.returncode == 255 and r.stdout == b"", "%r" % r)


def ssh_stderr(lab):
    r = lab.ssh(server(lab), command=["echo out; echo err >&2; exit 3"])
    expect(r, 3, b"out\n")
    check(r.stderr == b"err\n", "stderr %r" % r.stderr)


def ssh_signal(lab):
    r = lab.ssh(server(lab), command=["kill -TERM $$"])
    check(r.returncode in (255, 143), "killed command: %r" % r)


def ssh_shell_pty(lab):
    s = server(lab)
    argv = [need("ssh"), *SSH_BASE, "-tt", "-p", str(s.port), "-i", lab.userkey, "%s@127.0.0.1" % lab.user]
    def resize(fd):
        import fcntl, struct, termios
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
        time.sleep(0.5)
        os.write(fd, b"stty size; echo re''sized\n")
    status, seen = lab.on_terminal(argv, [(b"$ ", b"tty; stty size; echo TERM=$TERM; echo do''ne\n"),
                                          (b"done", resize), (b"resized", b"exit 5\n")], size=(24, 80))
    check(status == 5, "status %d: %r" % (status, seen[-400:]))
    check(b"/dev/pts/" in seen and b"24 80" in seen and b"31 97" in seen and b"TERM=xterm" in seen,
          "terminal: %r" % seen[-800:])


def ssh_subsystem(lab):
    expect(lab.ssh(server(lab), "-s", command=["echo"], input=b"through the subsystem"), 0,
           b"through the subsystem")
    r = lab.ssh(server(lab), "-s", command=["none-such"], input=b"x")
    check(r.returncode != 0, "an unknown subsystem was granted")


def ssh_env(lab):
    s = server(lab, "AcceptEnv LC_* MY_VAR", "SetEnv FROM_SERVER=yes")
    env = dict(os.environ, MY_VAR="mine", OTHER_VAR="no")
    r = lab.run([need("ssh"), *SSH_BASE, "-o", "SendEnv=MY_VAR OTHER_VAR", "-o", "BatchMode=yes", "-i", lab.userkey,
                 "-p", str(s.port), "%s@127.0.0.1" % lab.user, "echo $MY_VAR:$OTHER_VAR:$FROM_SERVER"], env=env)
    expect(r, 0, b"mine::yes\n")


def ssh_upload(lab, cipher):
    data = noise(BULK)
    r = lab.ssh(server(lab), "-c", cipher, command=["sha256sum"], input=data, timeout=240)
    expect(r, 0, (digest(data) + "  -\n").encode(), "upload")


def ssh_download(lab, cipher):
    data = noise(BULK)
    path = lab.path("blob")
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o644)
    r = lab.ssh(server(lab), "-c", cipher, command=["cat " + path], timeout=240)
    expect(r, 0, None, "download")
    check(digest(r.stdout) == digest(data), "download differs: %d bytes" % len(r.stdout))


def rekeyed(s, least):
    """The last connection's key exchanges, as the monitor counts them."""
    with open(s.log, errors="replace") as f:
        counts = [int(n) for n in re.findall(r"exchange (\d+)\)", f.read())]
    check(counts and counts[-1] >= least, "only %s key exchanges" % counts[-1:])


def ssh_rekey(lab, cipher):
    """Both ways while the client rekeys every 64 KiB.  RekeyQuota is raised, since
    the default is there to slow exactly this down."""
    s = server(lab, "RekeyQuota 100000 100000")
    data = noise(8 << 20)
    r = lab.ssh(s, "-c", cipher, "-o", "RekeyLimit=64K", command=["tee /dev/stderr | sha256sum"], input=data,
                timeout=240)
    expect(r, 0, (digest(data) + "  -\n").encode(), "rekey")
    check(digest(r.stderr) == digest(data), "the echoed stream differs: %d bytes" % len(r.stderr))
    rekeyed(s, 32)


def ssh_server_rekeys(lab):
    s = server(lab, "RekeyQuota 100000 100000", "RekeyLimit 64K", "LogLevel DEBUG")
    data = noise(8 << 20)
    r = lab.ssh(s, "-v", command=["cat"], input=data, timeout=240)
    expect(r, 0, None, "server rekey")
    check(digest(r.stdout) == digest(data), "data differs")
    rekeyed(s, 32)


def ssh_channels(lab):
    """1000 channels, one after another, on one connection."""
    s = server(lab, "MaxSessions 10")
    control = lab.path("ctl")
    base = [need("ssh"), *SSH_BASE, "-o", "BatchMode=yes", "-i", lab.userkey, "-p", str(s.port),
            "-o", "ControlPath=" + control]
    target = "%s@127.0.0.1" % lab.user
    master = subprocess.Popen(base + ["-M", "-N", target], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + 20
        while not os.path.exists(control):
            check(time.monotonic() < end and master.poll() is None, "no control socket")
            time.sleep(0.05)
        n = 100 if SAN else 1000
        script = "i=0; while [ $i -lt %d ]; do %s true || exit 1; i=$((i+1)); done" % (
            n, " ".join("'%s'" % a for a in base + [target]))
        r = lab.run(["/bin/sh", "-c", script], timeout=300)
        expect(r, 0, None, "channels")
        r = lab.run(base + [target, "echo still here"])
        expect(r, 0, b"still here\n")
    finally:
        master.terminate()
        master.wait()


def ssh_unread_channel(lab):
    """A channel that nobody reads does not stop another."""
    s = server(lab)
    control = lab.path("ctl")
    base = [need("ssh"), *SSH_BASE, "-o", "BatchMode=yes", "-i", lab.userkey, "-p", str(s.port),
            "-o", "ControlPath=" + control, "-o", "ControlPersist=no"]
    target = "%s@127.0.0.1" % lab.user
    master = subprocess.Popen(base + ["-M", target, "yes"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        end = time.monotonic() + 20
        while not os.path.exists(control):
            check(time.monotonic() < end and master.poll() is None, "no control socket")
            time.sleep(0.05)
        time.sleep(1)       # its pipe and windows are full now
        expect(lab.run(base + [target, "echo lively"], timeout=20), 0, b"lively\n")
    finally:
        master.kill()
        master.communicate()


# ---- dropbear's client

def dbclient(lab, s, *args, command="", input=b"", password=None, timeout=60):
    key = os.path.join(lab.dir, "dbkey")
    if not os.path.exists(key):
        subprocess.run([need("dropbearconvert"), "openssh", "dropbear", lab.userkey, key], check=True,
                       capture_output=True)
    env = dict(os.environ, HOME=lab.dir)
    argv = [need("dbclient"), "-y", "-y", "-p", str(s.port), *args]
    if password is None:
        argv += ["-i", key]
    else:
        env["DROPBEAR_PASSWORD"] = password
    return lab.run(argv + ["%s@127.0.0.1" % lab.user, command], input=input, env=env, timeout=timeout)


def dbclient_algorithms(lab, cipher, mac):
    args = ["-c", cipher] + (["-m", mac] if mac else [])
    expect(dbclient(lab, server(lab, *lines_for(mac=mac)), *args, command="echo hello; exit 9"), 9, b"hello\n", "dbclient")


def dbclient_password(lab):
    expect(dbclient(lab, passwords(lab), command="echo in", password=lab.password), 0, b"in\n")


def dbclient_bulk(lab):
    data = noise(BULK)
    r = dbclient(lab, server(lab), command="sha256sum", input=data, timeout=240)
    expect(r, 0, (digest(data) + "  -\n").encode(), "upload")
    path = lab.path("blob")
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o644)
    # once in a hundred times dbclient 2022.83 has written its last byte, has no channel any more, and
    # waits for one more packet before it notices: a keepalive is one
    r = dbclient(lab, server(lab, "ClientAliveInterval 5"), command="cat " + path, timeout=240)
    check(digest(r.stdout) == digest(data), "download differs: %d bytes" % len(r.stdout))


# ---- PuTTY's client

def plink(lab, s, *args, command="", input=b"", password=None, timeout=60):
    ppk = os.path.join(lab.dir, "user.ppk")
    if not os.path.exists(ppk):
        subprocess.run([need("puttygen"), lab.userkey, "-o", ppk, "-O", "private"], check=True, capture_output=True)
    fingerprint = subprocess.run([need("ssh-keygen"), "-lf", lab.hostkey + ".pub"], capture_output=True, text=True,
                                 check=True).stdout.split()[1]
    env = dict(os.environ, HOME=lab.dir)
    argv = [need("plink"), "-batch", "-ssh", "-P", str(s.port), "-hostkey", fingerprint]
    argv += ["-pw", password] if password else ["-i", ppk]
    return lab.run(argv + [*args, "%s@127.0.0.1" % lab.user, command], input=input, env=env, timeout=timeout)


def plink_login(lab):
    expect(plink(lab, server(lab), command="echo hello; exit 11"), 11, b"hello\n", "plink")


def plink_password(lab):
    expect(plink(lab, passwords(lab), command="echo in", password=lab.password), 0, b"in\n")


def plink_bulk(lab):
    data = noise(BULK)
    r = plink(lab, server(lab), command="sha256sum", input=data, timeout=240)
    expect(r, 0, (digest(data) + "  -\n").encode(), "upload")
    path = lab.path("blob")
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o644)
    r = plink(lab, server(lab), command="cat " + path, timeout=240)
    check(digest(r.stdout) == digest(data), "download differs: %d bytes" % len(r.stdout))


def plink_session(lab, **settings):
    """A saved session: plink takes ciphers and rekeying from there alone."""
    folder = os.path.join(lab.dir, ".putty", "sessions")
    os.makedirs(folder, exist_ok=True)
    name = "s%d" % len(os.listdir(folder))
    with open(os.path.join(folder, name), "w") as f:
        f.write("".join("%s=%s\n" % kv for kv in {"Protocol": "ssh", **settings}.items()))
    return name


def plink_cipher(lab, cipher):
    session = plink_session(lab, Cipher=cipher + ",WARN")
    expect(plink(lab, server(lab), "-load", session, command="echo hello; exit 12"), 12, b"hello\n", "plink")


def plink_rekeys(lab):
    data = noise(4 << 20)
    session = plink_session(lab, RekeyBytes="64K")
    s = server(lab, "RekeyQuota 100000 100000")
    r = plink(lab, s, "-load", session, command="cat", input=data, timeout=240)
    check(r.returncode == 0 and digest(r.stdout) == digest(data), "%d, %d bytes" % (r.returncode, len(r.stdout)))
    rekeyed(s, 16)


def terminal_of(lab, argv, env=None):
    status, seen = lab.on_terminal(argv, [(b"$ ", b"tty; stty size; echo do''ne\n"), (b"done", b"exit 5\n")], env=env)
    check(status == 5 and b"/dev/pts/" in seen and b"24 80" in seen, "status %d: %r" % (status, seen[-600:]))


def dbclient_shell(lab):
    s = server(lab)
    dbclient(lab, s, command="true")
    terminal_of(lab, [need("dbclient"), "-y", "-y", "-p", str(s.port), "-i", os.path.join(lab.dir, "dbkey"),
                      "%s@127.0.0.1" % lab.user], env=dict(os.environ, HOME=lab.dir, TERM="xterm"))


def plink_shell(lab):
    s = server(lab)
    plink(lab, s, command="true")
    fingerprint = subprocess.run([need("ssh-keygen"), "-lf", lab.hostkey + ".pub"], capture_output=True, text=True,
                                 check=True).stdout.split()[1]
    terminal_of(lab, [need("plink"), "-ssh", "-t", "-no-antispoof", "-P", str(s.port), "-hostkey", fingerprint, "-i",
                      os.path.join(lab.dir, "user.ppk"), "%s@127.0.0.1" % lab.user],
                env=dict(os.environ, HOME=lab.dir, TERM="xterm"))


def plink_subsystem(lab):
    expect(plink(lab, server(lab), "-s", command="echo", input=b"sub"), 0, b"sub")


# ---- ours against ours

def ours(lab):
    s = server(lab)
    expect(lab.postern(s, command=["echo hello; exit 7"]), 7, b"hello\n", "postern")
    data = noise(BULK)
    expect(lab.postern(s, command=["sha256sum"], input=data, timeout=240), 0, (digest(data) + "  -\n").encode())


def ours_gex(lab):
    s = server(lab, COMPAT, "RekeyLimit 1M", "ModuliFile " + moduli(lab, "moduli", 2048))
    data = noise(REKEYED)
    expect(lab.postern(s, "-o", "KexAlgorithms=" + GEX, command=["sha256sum"], input=data, timeout=240), 0,
           (digest(data) + "  -\n").encode())


def ours_fixed_group(lab, kex):
    s = server(lab, "RekeyLimit 2M", *lines_for(kex))
    data = noise(10 << 20)
    expect(lab.postern(s, "-o", "KexAlgorithms=" + kex, "-o", "RekeyLimit=3M", command=["sha256sum"], input=data,
                       timeout=240), 0, (digest(data) + "  -\n").encode())


def ours_presets(lab):
    """Both sides of each with both sides of each: what is in common and what is not."""
    kex = "no key exchange method in common"
    for theirs, mine, args, word in (("modern", "modern", (), None), ("compat", "modern", (), None),
                                     ("modern", "compat", (), None),
                                     ("modern", "compat", ("KexAlgorithms=diffie-hellman-*",), "is not supported"),
                                     ("modern", "compat", ("KexAlgorithms=" + GROUPS[1],), kex),
                                     ("compat", "modern", ("KexAlgorithms=" + GROUPS[1],), None),
                                     ("modern", "modern", ("MACs=-*etm*",), "leaves nothing"),
                                     ("compat", "compat", ("MACs=-*etm*", "Ciphers=aes128-ctr"), None),
                                     ("modern", "fastest", (), 'no preset "fastest"')):
        flags = [f for a in ("AlgorithmPreset=" + mine, *args) for f in ("-o", a)]
        r = lab.postern(server(lab, "AlgorithmPreset " + theirs), *flags, command=["echo in"])
        if word is None:
            expect(r, 0, b"in\n", "%s with %s %s" % (mine, theirs, args))
        else:
            check(r.returncode == 255 and word.encode() in r.stderr, "%s with %s %s: %r" % (mine, theirs, args, r))


def ours_kex(lab, kex):
    s = server(lab, "KexAlgorithms " + kex, "RekeyLimit 1M")
    data = noise(REKEYED)
    expect(lab.postern(s, "-o", "KexAlgorithms=" + kex, command=["sha256sum"], input=data, timeout=240), 0,
           (digest(data) + "  -\n").encode())


def ours_algorithms(lab, cipher, mac):
    args = ["-o", "Ciphers=" + cipher] + (["-o", "MACs=" + mac] if mac else [])
    expect(lab.postern(server(lab, *lines_for(mac=mac)), *args, command=["echo hello; exit 7"]), 7, b"hello\n", "postern")


for f in (ssh_password, ssh_keyboard_interactive, ssh_two_steps, dbclient_password, plink_password):
    needs_root("the throw-away account with a password is made as root")(f)

def host_keys_that_are_withheld_are_told(lab):
    ecdsa, rsa = lab.key("host_ecdsa", type="ecdsa"), lab.key("host_rsa", type="rsa", bits=2048)
    for preset, n in (("modern", 1), ("compat", 0)):
        s = lab.posternd("AlgorithmPreset " + preset, "HostKey " + ecdsa, "HostKey " + rsa)
        for start in ("the host key ecdsa-sha2-nistp256 SHA256:", "the host key ssh-rsa SHA256:"):
            lines = [line for line in s.text().split("\n") if start in line and "is not offered" in line]
            check(len(lines) == n, "%s: %r" % (preset, s.text()))


cases = [labelled("ssh %s %s %s" % (k, c, m or "aead"), ssh_algorithms, k, c, m)
         for k in KEX for c in AEAD + CTR for m in ([None] if c in AEAD else MACS)]
cases += [labelled("ssh " + k, ssh_kex, k) for k in SNTRUP + ECDH]
cases += [labelled("ssh group exchange, %d bits" % n, ssh_gex_group, n) for n in (2048, 3072, 4096, 8192)]
cases += [ssh_gex_rekeys, ssh_gex_without_moduli, a_failure_names_the_preset]
cases += [labelled("ssh " + k, ssh_fixed_group, k) for k in [*GROUPS, GROUP14_SHA1]]
cases += [labelled("ssh by name %s %s" % (c, m), ssh_by_name, c, m) for c, m in BY_NAME]
cases += [ssh_password, ssh_keyboard_interactive, ssh_wrong_key, ssh_unknown_user, ssh_two_steps, ssh_stderr, ssh_signal,
          ssh_shell_pty, ssh_subsystem, ssh_env]
cases += [labelled("ssh upload " + c, ssh_upload, c) for c in ("aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com",
                                                              "aes256-ctr")]
cases += [labelled("ssh download " + c, ssh_download, c) for c in ("aes128-gcm@openssh.com",
                                                                  "chacha20-poly1305@openssh.com", "aes256-ctr")]
cases += [labelled("ssh rekey " + c, ssh_rekey, c) for c in ("aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com",
                                                            "aes128-ctr")]
cases += [ssh_server_rekeys, ssh_channels, ssh_unread_channel]
cases += [labelled("dbclient %s %s" % (c, m or "aead"), dbclient_algorithms, c, m)
          for c, m in (("chacha20-poly1305@openssh.com", None), ("aes256-ctr", "hmac-sha2-256"),
                       ("aes128-ctr", "hmac-sha2-256"))]
cases += [dbclient_password, dbclient_bulk, dbclient_shell, plink_login, plink_password, plink_bulk, plink_subsystem,
          plink_shell, labelled("plink aes", plink_cipher, "aes"), labelled("plink chacha20", plink_cipher, "chacha20"),
          plink_rekeys, ours, ours_gex, ours_presets]
cases += [labelled("postern " + k, ours_fixed_group, k) for k in [*GROUPS, GROUP14_SHA1]]
cases += [labelled("postern " + k, ours_kex, k) for k in HYBRID + ECDH]
cases += [labelled("postern %s %s" % (c, m or "aead"), ours_algorithms, c, m)
          for c in AEAD + CTR for m in ([None] if c in AEAD else MACS)]

if __name__ == "__main__":
    main(cases + [host_keys_that_are_withheld_are_told, inetd_on_a_socket, inetd_on_two_pipes])
