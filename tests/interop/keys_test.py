#!/usr/bin/python3
"""keys_test.py - keys written by postern-keygen are read by ssh-keygen, puttygen,
paramiko and openssl, and the reverse: every type, format and cipher that both sides have.
What is printed is the same to the byte where it does not depend on chance.

The matrix is data: who reads and writes what.  A combination that is missing in a table is
one that the peer does not have; the reason stands beside it.
"""
import os, subprocess, tempfile

import paramiko

from lab import BUILD, SSH_BASE, check, labelled, main, need

KEYGEN = os.path.join(BUILD, "bin", "postern-keygen")
PASS = "correct horse"
KINDS = {"ed25519": ("ed25519", 256), "ecdsa256": ("ecdsa", 256), "ecdsa384": ("ecdsa", 384),
         "ecdsa521": ("ecdsa", 521), "rsa2048": ("rsa", 2048), "rsa3072": ("rsa", 3072)}
CIPHERS = ["aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc",
           "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]
# format: the flags that write it; those with a passphrase end in +
FORMATS = {"openssh": ["-N", ""], "pem": ["-m", "PEM", "-N", ""], "pkcs8": ["-m", "PKCS8", "-N", ""],
           "pem+": ["-m", "PEM", "-N", PASS], "pkcs8+": ["-m", "PKCS8", "-N", PASS]}
FORMATS.update({"openssh-%s+" % c: ["-a", "2", "-Z", c, "-N", PASS] for c in CIPHERS})


def writable(kind, form):
    return not (kind == "ed25519" and form.startswith("pem"))      # Ed25519 has no traditional PEM


# ---- who reads what of ours: public line, or None where the peer cannot

def by_ssh_keygen(kind, form):
    return not (kind == "ed25519" and form.startswith("pkcs8"))     # since OpenSSH 9.6 only


def by_puttygen(kind, form):
    return form in ("openssh", "openssh-aes256-ctr+", "openssh-aes256-cbc+", "pem", "pem+")


def by_paramiko(kind, form):
    return form in ("openssh", "openssh-aes256-ctr+", "openssh-aes256-cbc+", "pem", "pem+")


def by_openssl(kind, form):
    return form.startswith("p")


def run(*argv, stdin=None, status=0):
    p = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=120)
    check(p.returncode == status, "%s: status %d: %s" % (" ".join(argv), p.returncode, p.stdout + p.stderr))
    return p.stdout


def key_of(line):
    return line.split()[:2]


def passfile(folder, text):
    path = os.path.join(folder, "passfile")
    with open(path, "w") as f:
        f.write(text + "\n")
    return path


def ssh_keygen_reads(path, secret):
    return key_of(run("ssh-keygen", "-y", "-P", secret, "-f", path))


def puttygen_reads(path, secret):
    old = passfile(os.path.dirname(path), secret)
    return key_of(run("puttygen", path, "--old-passphrase", old, "-L"))


def paramiko_reads(path, secret):
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            key = kind.from_private_key_file(path, secret or None)
            return [key.get_name(), key.get_base64()]
        except paramiko.SSHException as e:
            last = e
    raise AssertionError("paramiko: %s" % last)


def openssl_reads(path, secret):
    text = run("openssl", "pkey", "-in", path, "-passin", "pass:" + secret, "-pubout")
    return key_of(run(KEYGEN, "-i", "-m", "PKCS8", "-f", "-", stdin=text))


READERS = {"ssh-keygen": (by_ssh_keygen, ssh_keygen_reads), "puttygen": (by_puttygen, puttygen_reads),
           "paramiko": (by_paramiko, paramiko_reads), "openssl": (by_openssl, openssl_reads)}


def pub(path):
    with open(path + ".pub") as f:
        return key_of(f.read())


def ours_are_read(lab, kind):
    """One key in every format we write, by everybody who has it."""
    with tempfile.TemporaryDirectory(dir=lab.dir) as folder:
        path = os.path.join(folder, "key")
        type_, bits = KINDS[kind]
        run(KEYGEN, "-q", "-t", type_, "-b", str(bits), "-N", "", "-C", "ours", "-f", path)
        want, secret, reads = pub(path), "", 0
        for form in sorted(FORMATS):
            if not writable(kind, form):
                continue
            run(KEYGEN, "-q", "-p", "-P", secret, *FORMATS[form], "-f", path)
            secret = PASS if form.endswith("+") else ""
            check(os.stat(path).st_mode & 0o777 == 0o600, "%s: mode" % form)
            for name, (has, read) in READERS.items():
                if has(kind, form):
                    check(read(path, secret) == want, "%s reads another key from %s" % (name, form))
                    reads += 1
        check(reads >= 15, "only %d combinations" % reads)


def theirs_are_read(lab, kind):
    """ssh-keygen's key in every format of ssh-keygen, openssl, puttygen and paramiko."""
    with tempfile.TemporaryDirectory(dir=lab.dir) as folder:
        first, type_, bits = os.path.join(folder, "key"), *KINDS[kind]
        run("ssh-keygen", "-q", "-t", type_, "-b", str(bits), "-N", "", "-C", "theirs", "-f", first)
        want = pub(first)
        other = os.path.join(folder, "other")
        old, new = passfile(folder, ""), os.path.join(folder, "new")
        with open(new, "w") as f:
            f.write(PASS + "\n")

        def ours(name, secret):
            got = run(KEYGEN, "-y", "-P", secret, "-f", other)
            check(key_of(got) == want, "%s: another key: %s" % (name, got))

        for form, flags in FORMATS.items():
            if not writable(kind, form) or not by_ssh_keygen(kind, form):
                continue
            run("cp", first, other)
            run("ssh-keygen", "-q", "-p", *flags, "-f", other)
            ours("ssh-keygen " + form, PASS if form.endswith("+") else "")
        for version in "2", "3":
            for secret, file in ("", old), (PASS, new):
                run("puttygen", "-q", first, "-o", other, "--new-passphrase", file,
                    "--ppk-param", "version=%s%s" % (version, ",passes=3" if version == "3" else ""))
                ours("puttygen %s" % version, secret)
        ppk = os.path.join(folder, "ppk")       # puttygen converts from its own format
        run("puttygen", "-q", first, "-o", ppk, "--new-passphrase", old)
        for out in "private-openssh", "private-openssh-new":
            for secret, file in ("", old), (PASS, new):
                run("puttygen", "-q", ppk, "-O", out, "-o", other, "--new-passphrase", file)
                ours("puttygen " + out, secret)
        if kind != "ed25519":                   # paramiko writes none
            key = (paramiko.RSAKey if type_ == "rsa" else paramiko.ECDSAKey).from_private_key_file(first)
            for secret in "", PASS:
                if os.path.exists(other):
                    os.unlink(other)
                key.write_private_key_file(other, secret or None)
                ours("paramiko", secret)
            pem = os.path.join(folder, "pem")
            run("cp", first, pem)
            run("ssh-keygen", "-q", "-p", "-m", "PEM", "-N", "", "-f", pem)
            for cipher in "aes128", "aes192", "aes256", "des3":
                run("openssl", "rsa" if type_ == "rsa" else "ec", "-in", pem, "-" + cipher, "-out", other,
                    "-passout", "pass:" + PASS, *(["-traditional"] if type_ == "rsa" else []))
                ours("openssl " + cipher, PASS)
                run("openssl", "pkcs8", "-topk8", "-in", pem, "-v2", cipher, "-out", other,
                    "-passout", "pass:" + PASS)
                ours("openssl pkcs8 " + cipher, PASS)


def output_is_the_same(lab, kind):
    """-y -l -lv -E md5 -e -i and -L of what ssh-keygen made."""
    with tempfile.TemporaryDirectory(dir=lab.dir) as folder:
        path, type_, bits = os.path.join(folder, "key"), *KINDS[kind]
        run("ssh-keygen", "-q", "-t", type_, "-b", str(bits), "-N", "", "-C", "an umlaut: \u00fc", "-f", path)
        exports = ["RFC4716"] if kind == "ed25519" else ["RFC4716", "PKCS8", "PEM"]
        jobs = [["-y"], ["-l"], ["-lv"], ["-l", "-E", "md5"], ["-lv", "-E", "md5"], ["-l", "-E", "sha512"], ["-e"]]
        jobs += [["-e", "-m", m] for m in exports]
        for job in jobs:
            for file in ([path] if job == ["-y"] else [path, path + ".pub"]):
                check(run(KEYGEN, *job, "-f", file) == run("ssh-keygen", *job, "-f", file),
                      "%s of %s differs" % (" ".join(job), file))
        for m in exports if type_ == "rsa" else exports[:2]:    # ssh-keygen reads no other PEM
            foreign = lab.write("foreign", run("ssh-keygen", "-e", "-m", m, "-f", path))
            check(run(KEYGEN, "-i", "-m", m, "-f", foreign) == run("ssh-keygen", "-i", "-m", m, "-f", foreign),
                  "-i -m %s differs" % m)
        # a file of many: with options, with names, with what is none
        with open(path + ".pub") as f:
            line = f.read()
        many = lab.write("many", '# comment\n\nrestrict,command="echo \\"a b\\"" %shost.example,10.0.0.1 %s'
                         'not a key at all\n%s' % (line, line, line))
        check(run(KEYGEN, "-lf", many) == run("ssh-keygen", "-lf", many), "-l of many differs")


CERTIFICATES = [
    ["-I", "plain"], ["-I", "a name with blanks", "-n", "alice,bob", "-z", "77"],
    ["-I", "x", "-V", "20240101:20300101", "-n", "alice"], ["-I", "x", "-V", "always:20300101120000"],
    ["-I", "x", "-V", "20240229Z:forever"], ["-I", "x", "-V", "0x10:0xffff"],
    ["-I", "x", "-O", "clear"], ["-I", "x", "-O", "clear", "-O", "permit-pty"],
    ["-I", "x", "-O", "no-pty", "-O", "no-x11-forwarding", "-O", "no-touch-required"],
    ["-I", "x", "-O", "force-command=ls -l", "-O", "source-address=10.0.0.0/8,::1/128", "-O", "verify-required"],
    ["-I", "x", "-O", "critical:one@example=1", "-O", "extension:two@example=2", "-O", "extension:three@example"],
    ["-I", "host", "-h", "-n", "a.example,*.b.example"], ["-I", "host", "-h", "-O", "extension:four@example"],
]


def certificates_are_the_same(lab, kind):
    """Made with the same flags, by CAs of every type, shown by both programs; and taken by sshd."""
    with tempfile.TemporaryDirectory(dir=lab.dir) as folder:
        ca, type_, bits = os.path.join(folder, "ca"), *KINDS[kind]
        run(KEYGEN, "-q", "-t", type_, "-b", str(bits), "-N", "", "-f", ca)
        subject = os.path.join(folder, "key")
        run("ssh-keygen", "-q", "-t", type_, "-b", str(bits), "-N", "", "-C", "whose", "-f", subject)
        cert = subject + "-cert.pub"
        for flags in CERTIFICATES:
            shown = []
            for maker in "ssh-keygen", KEYGEN:
                if os.path.exists(cert):
                    os.unlink(cert)
                run(maker, "-q", "-s", ca, *flags, subject + ".pub")
                shown += [run("ssh-keygen", "-Lf", cert), run(KEYGEN, "-Lf", cert)]
                with open(cert) as f:
                    check(f.read().endswith(" whose\n"), "the comment is lost")
                for job in ["-l"], ["-lv"]:
                    check(run(KEYGEN, *job, "-f", cert) == run("ssh-keygen", *job, "-f", cert), "fingerprints differ")
            check(len(set(shown)) == 1, "%s: %s" % (flags, "\n".join(shown)))
        if type_ == "rsa":
            run(KEYGEN, "-q", "-s", ca, "-I", "x", "-t", "rsa-sha2-256", subject + ".pub")
            check("(using rsa-sha2-256)" in run("ssh-keygen", "-Lf", cert), "not signed as told")
        # -V relative, the serial counted
        run(KEYGEN, "-q", "-s", ca, "-I", "x", "-V", "-1h:+1w2d", "-z", "+5", subject + ".pub", subject + ".pub")
        check("Serial: 6\n" in run("ssh-keygen", "-Lf", cert), "the serial was not counted")
        run(KEYGEN, "-q", "-s", ca, "-I", "login", "-n", lab.user, "-V", "+1h", subject + ".pub")
        sshd = lab.sshd("TrustedUserCAKeys %s.pub" % ca, "AuthorizedKeysFile none")
        got = run("ssh", *SSH_BASE, "-p", str(sshd.port), "-i", subject, "%s@127.0.0.1" % lab.user, "echo in")
        check(got == "in\n", "sshd does not take it: " + got)


def random_pictures(lab):
    """The bishop's walk, for many keys."""
    with tempfile.TemporaryDirectory(dir=lab.dir) as folder:
        for i in range(12):
            path = os.path.join(folder, str(i))
            run(KEYGEN, "-q", "-N", "", "-f", path)
            check(run(KEYGEN, "-lvf", path) == run("ssh-keygen", "-lvf", path), "another picture")


for program in "ssh-keygen", "puttygen", "openssl":
    need(program)
main([labelled("%s_%s" % (f.__name__, kind), f, kind) for kind in KINDS
      for f in (ours_are_read, theirs_are_read, output_is_the_same, certificates_are_the_same)] + [random_pictures])
