#!/usr/bin/env python3
"""certificate_test.py - certificates that Debian's ssh-keygen makes at test time, with
Debian's ssh against posternd: the good, and each that must not let anybody in, with the
reason in the log.  What ssh would not even show (a host's certificate, a forged
one, a chain) is in tests/cert_test.c and tests/monitor_cert_test.c.
"""
import os, shutil, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import BUILD, POSTERN, Failure, check, main, need, needs_root


def expect(r, status=0, out=None, what=""):
    check(r.returncode == status, "%s: exit status %d, not %d: %s" % (what, r.returncode, status,
                                                                     r.stderr.decode(errors="replace")[-500:]))
    if out is not None:
        check(r.stdout == out, "%s: output %r, not %r" % (what, r.stdout[-200:], out))


def once(lab, name, make):
    store = lab.__dict__.setdefault("certificates", {})
    if name not in store:
        store[name] = make()
    return store[name]


def ca(lab, name="ca", *flags):
    def make():
        path = lab.path(name)
        subprocess.run([need("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", path, *flags], check=True)
        return path
    return once(lab, name, make)


def sign(lab, *flags, key=None, by=None, principals=None, validity="-1h:+1h"):
    """A copy of the key with a certificate beside it."""
    path = lab.path("certified")
    for end in ("", ".pub"):
        shutil.copy((key or lab.wrongkey) + end, path + end)
    subprocess.run([need("ssh-keygen"), "-q", "-s", by or ca(lab), "-I", "the id", "-z", "77",
                    *(["-n", lab.user if principals is None else principals] if principals != "" else []),
                    *(["-V", validity] if validity else []), *flags, path + ".pub"],
                   check=True, stderr=subprocess.DEVNULL)
    return path


def server(lab, *lines):
    lines = ("TrustedUserCAKeys %s.pub" % ca(lab), *lines)
    return once(lab, lines, lambda: lab.posternd(*lines))


def mark(s):
    return len(open(s.log, errors="replace").read())


def since(s, at, text):
    """Has the log said so since?"""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        with open(s.log, errors="replace") as f:
            if text in f.read()[at:]:
                return
        time.sleep(0.05)
    with open(s.log, errors="replace") as f:
        raise Failure("the log does not say %r: %s" % (text, f.read()[at:]))


def let_in(lab, key, s=None, command=("echo in",), out=b"in\n"):
    s = s or server(lab)
    expect(lab.ssh(s, command=command, key=key), 0, out, "ssh")


def kept_out(lab, key, why, s=None):
    s = s or server(lab)
    at = mark(s)
    r = lab.ssh(s, command=["echo in"], key=key)
    check(r.returncode == 255 and r.stdout == b"" and b"Permission denied" in r.stderr, "%r" % r)
    since(s, at, why)


# ---- the good

def ssh_certificate(lab):
    s = server(lab)
    at = mark(s)
    let_in(lab, sign(lab))
    since(s, at, "ED25519-CERT SHA256:")
    since(s, at, "(serial 77) CA ED25519 SHA256:")


def ssh_certificate_among_principals(lab):
    let_in(lab, sign(lab, principals="root,%s,other" % lab.user))
    let_in(lab, sign(lab, validity=""))


def ssh_every_type(lab):
    """Keys of each type, and CAs of each type."""
    keys = {}
    for kind, bits in (("ed25519", "256"), ("ecdsa", "256"), ("ecdsa", "384"), ("ecdsa", "521"), ("rsa", "3072")):
        keys[kind + bits] = lab.path(kind + bits)
        subprocess.run([need("ssh-keygen"), "-q", "-t", kind, "-b", bits, "-N", "", "-f", keys[kind + bits]], check=True)
    cas = lab.write("cas", "".join(open(k + ".pub").read() for k in keys.values()))
    s = lab.posternd("AlgorithmPreset compat", "TrustedUserCAKeys " + cas)
    for name, key in keys.items():
        for by in keys.values() if name == "ed25519256" else [keys["rsa3072"]]:
            let_in(lab, sign(lab, key=key, by=by), s)


def ssh_source_address(lab):
    let_in(lab, sign(lab, "-O", "source-address=10.0.0.0/8,127.0.0.0/8"))
    kept_out(lab, sign(lab, "-O", "source-address=10.0.0.0/8"), "may not be used from this address")


def ssh_force_command(lab):
    key = sign(lab, "-O", "force-command=echo forced $SSH_ORIGINAL_COMMAND")
    let_in(lab, key, command=["echo in"], out=b"forced echo in\n")


def ssh_authority_line(lab):
    """cert-authority in the user's file, with another CA."""
    other = ca(lab, "line-ca")
    with open(other + ".pub") as f:
        pub = f.read()
    conf = "AuthorizedKeysFile " + lab.write("authorities", "cert-authority %scert-authority,principals=\"ops\" %s" % (pub, pub))
    s = once(lab, "authority", lambda: authority_server(lab, conf))
    let_in(lab, sign(lab, by=other), s)
    let_in(lab, sign(lab, by=other, principals="ops"), s)
    kept_out(lab, sign(lab, by=other, principals="dev"), "no principal", s)
    kept_out(lab, other, "cert-authority, not to log in with", s)
    # the CA that signed it is none of that file's
    kept_out(lab, sign(lab), "Failed publickey", s)


def authority_server(lab, conf):
    kept = lab.authorized
    lab.authorized = conf.split(" ", 1)[1]
    try:
        return lab.posternd(level="DEBUG")
    finally:
        lab.authorized = kept


def ssh_principals_file(lab):
    os.chmod(lab.dir, 0o755)
    names = lab.write("principals", "# who may\nops\nfrom=\"10.0.0.1\" away\ncommand=\"echo limited\" dev\n")
    s = server(lab, "AuthorizedPrincipalsFile " + names)
    let_in(lab, sign(lab, principals="ops"), s)
    let_in(lab, sign(lab, principals="dev"), s, out=b"limited\n")
    kept_out(lab, sign(lab, principals="away"), "may not be used from this address", s)
    kept_out(lab, sign(lab), "no line names a principal", s)


@needs_root("only root can run the program as another user")
def ssh_principals_command(lab):
    """The program is the system's shell: one of ours would stand where everybody can write."""
    os.chmod(lab.dir, 0o755)
    script = lab.write("names", "test $(id -un)=$1 = nobody=%s || exit 2\ncase $2 in SHA256:*) ;; *) exit 3;; esac\n"
                       "echo ops\necho \"command=\\\"echo $3\\\" dev\"\n" % lab.user)
    s = server(lab, "AuthorizedPrincipalsCommand /bin/sh %s %%u %%F %%T" % script,
               "AuthorizedPrincipalsCommandUser nobody")
    let_in(lab, sign(lab, principals="ops"), s)
    let_in(lab, sign(lab, principals="dev"), s, out=b"ssh-ed25519\n")
    kept_out(lab, sign(lab), "AuthorizedPrincipalsCommand, no line names a principal", s)
    s = server(lab, "AuthorizedPrincipalsCommand /bin/sh -c 'echo ops; exit 2'",
               "AuthorizedPrincipalsCommandUser nobody")
    kept_out(lab, sign(lab, principals="ops"), "AuthorizedPrincipalsCommand: exit status 2", s)


def ssh_permits(lab):
    """No extension, no terminal."""
    s = server(lab)
    bare = sign(lab, "-O", "clear")
    r = lab.ssh(s, "-tt", command=["tty"], key=bare)
    check(b"PTY allocation request failed" in r.stderr and b"/dev/pts" not in r.stdout, "%r" % r)
    r = lab.ssh(s, "-tt", command=["tty"], key=sign(lab, "-O", "clear", "-O", "permit-pty"))
    check(b"/dev/pts" in r.stdout, "%r" % r)
    r = lab.ssh(s, "-W", "127.0.0.1:%d" % s.port, key=bare)
    check(r.returncode == 255 and b"SSH-2.0" not in r.stdout, "%r" % r)
    r = lab.ssh(s, "-W", "127.0.0.1:%d" % s.port, key=sign(lab))
    check(b"SSH-2.0" in r.stdout, "%r" % r)


# ---- the bad

def ssh_expired(lab):
    kept_out(lab, sign(lab, validity="20200101:20200102"), "the certificate has expired")


def ssh_not_yet_valid(lab):
    kept_out(lab, sign(lab, validity="+1d:+2d"), "the certificate is not yet valid")


def ssh_wrong_principal(lab):
    kept_out(lab, sign(lab, principals="somebody"), "the user is no principal of the certificate")


def ssh_no_principals(lab):
    kept_out(lab, sign(lab, principals=""), "the user is no principal of the certificate")


def ssh_wrong_ca(lab):
    kept_out(lab, sign(lab, by=ca(lab, "untrusted")), "Failed publickey")


def ssh_unknown_critical_option(lab):
    kept_out(lab, sign(lab, "-O", "critical:new@example.com=x"), "has an unknown critical option")


def ssh_sha1_signature(lab):
    """RSA with SHA-1, by a CA that is trusted."""
    def make():
        path = lab.path("rsa-ca")
        subprocess.run([need("ssh-keygen"), "-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", path], check=True)
        return path
    rsa = once(lab, "rsa-ca", make)
    s = once(lab, "rsa-server", lambda: lab.posternd("TrustedUserCAKeys %s.pub" % rsa))
    kept_out(lab, sign(lab, "-t", "ssh-rsa", by=rsa), "signed with an algorithm that CAs may not use here", s)


# ---- hosts

def host_sign(lab, *flags, by=None, principals="127.0.0.1", validity="-1h:+1h", host=True):
    """A certificate for the lab's host key; its path."""
    pub = lab.path("host.pub")
    shutil.copy(lab.hostkey + ".pub", pub)
    subprocess.run([need("ssh-keygen"), "-q", "-s", by or ca(lab), *(["-h"] if host else []), "-I", "a host", "-z", "5",
                    *(["-n", principals] if principals else []), "-V", validity, *flags, pub],
                   check=True, stderr=subprocess.DEVNULL)
    return pub[:-4] + "-cert.pub"


def authority(lab, port, by=None, marker="@cert-authority", name=None):
    with open((by or ca(lab)) + ".pub") as f:
        return "%s %s %s" % (marker, name or "[127.0.0.1]:%d" % port, f.read())


def ssh_host_certificate(lab):
    """ssh that knows the CA and nothing else."""
    s = server(lab, "HostCertificate " + host_sign(lab))
    known = lab.write("known", authority(lab, s.port))
    strict = ["-o", "StrictHostKeyChecking=yes", "-o", "UserKnownHostsFile=" + known]
    r = lab.run([need("ssh"), "-F", "/dev/null", *strict, "-o", "BatchMode=yes", "-p", str(s.port), "-i", lab.userkey,
                 lab.user + "@127.0.0.1", "echo in"])
    expect(r, 0, b"in\n", "ssh")
    # and with a rekey, for which the same certificate must come
    r = lab.run([need("ssh"), "-F", "/dev/null", *strict, "-o", "BatchMode=yes", "-o", "RekeyLimit=1M", "-p",
                 str(s.port), "-i", lab.userkey, lab.user + "@127.0.0.1", "cat"], input=b"x" * (4 << 20))
    expect(r, 0, b"x" * (4 << 20), "ssh")


def host_certificate_of_another_key(lab):
    """Told and passed over: the key itself still serves."""
    other = lab.path("other.pub")
    shutil.copy(lab.wrongkey + ".pub", other)
    subprocess.run([need("ssh-keygen"), "-q", "-s", ca(lab), "-h", "-I", "x", "-n", "127.0.0.1", other], check=True)
    s = lab.posternd("HostCertificate " + other[:-4] + "-cert.pub")
    since(s, 0, "the certificate is of no host key that is loaded")
    expect(lab.ssh(s, command=["echo in"]), 0, b"in\n", "ssh")
    s = lab.posternd("HostCertificate " + sign(lab) + "-cert.pub")
    since(s, 0, "the certificate is not a host certificate")


def postern_strict(lab, s, known, what="echo in", flags=()):
    return lab.run([POSTERN, "-F", "none", *flags, "-p", str(s.port), "-o", "StrictHostKeyChecking=yes", "-o",
                    "UserKnownHostsFile=" + known, "-o", "GlobalKnownHostsFile=none", "-o", "BatchMode=yes", "-i",
                    lab.userkey, lab.user + "@127.0.0.1", what])


def peers(lab, certificate):
    return [lab.sshd("HostCertificate " + certificate), lab.posternd("HostCertificate " + certificate)]


def postern_host_certificate(lab):
    for s in peers(lab, host_sign(lab)):
        expect(postern_strict(lab, s, lab.write("known", authority(lab, s.port))), 0, b"in\n", s.name)
        # by a pattern, and beside an older key of that host
        with open(lab.wrongkey + ".pub") as f:
            old = "[127.0.0.1]:%d %s" % (s.port, f.read())
        expect(postern_strict(lab, s, lab.write("known", old + authority(lab, s.port, name="[127.0.0.*]:*"))), 0,
               b"in\n", s.name)
        # the key itself is enough, where the certificate's CA is another
        with open(lab.hostkey + ".pub") as f:
            own = "[127.0.0.1]:%d %s" % (s.port, f.read())
        expect(postern_strict(lab, s, lab.write("known", own + authority(lab, s.port, ca(lab, "untrusted")))), 0,
               b"in\n", s.name)


def postern_bad_host_certificates(lab):
    """Each is refused with its reason, which is said without any -v."""
    bad = [(host_sign(lab, validity="20200101:20200102"), "has expired", {}),
           (host_sign(lab, validity="+1d:+2d"), "is not yet valid", {}),
           (host_sign(lab, principals="other.example"), "is for another host", {}),
           (host_sign(lab, principals=""), "is for another host", {}),
           (host_sign(lab), "its CA is not one of known_hosts", {"by": ca(lab, "untrusted")}),
           (host_sign(lab), "its CA is revoked", {"revoked": True}),
           (host_sign(lab), "with an algorithm that CAs may not use",
            {"flags": ["-o", "CASignatureAlgorithms=-ssh-ed2*"]}),
           (host_sign(lab), "with an algorithm that CAs may not use",
            {"flags": ["-o", "CASignatureAlgorithms=rsa-sha2-512"]})]
    for certificate, why, how in bad:
        for s in peers(lab, certificate):
            known = authority(lab, s.port, by=how.get("by"))
            if "revoked" in how:
                known += authority(lab, s.port, marker="@revoked", name="*")
            r = postern_strict(lab, s, lab.write("known", known), flags=how.get("flags", ()))
            check(r.returncode == 255 and r.stdout == b"", "%s: %r" % (why, r))
            check(why.encode() in r.stderr, "%s: not in %r" % (why, r.stderr[-1500:]))


def postern_revoked_hosts(lab):
    """RevokedHostKeys: a list and a KRL, the key and its CA, and a file that is not there."""
    s = peers(lab, host_sign(lab))[0]
    known = lab.write("known", authority(lab, s.port))
    krl = lab.path("krl")
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", krl, "-s", ca(lab) + ".pub", lab.write("spec", "serial: 1-99\n")], check=True)
    good = lab.write("good", open(lab.wrongkey + ".pub").read())
    for flags in (["RevokedHostKeys=" + good], ["RevokedHostKeys=none"]):
        expect(postern_strict(lab, s, known, flags=["-o", *flags]), 0, b"in\n", s.name)
    for file, why in ((lab.hostkey + ".pub", "is in a file of revoked host keys"),
                      (ca(lab) + ".pub", "is in a file of revoked host keys"),
                      ("%s %s" % (good, krl), "is in a file of revoked host keys"),
                      (lab.write("bad", "nonsense\n"), "the file of revoked host keys: line 1"),
                      (good + ".none", "none: No such file or directory: no host key is trusted")):
        r = postern_strict(lab, s, known, flags=["-o", "RevokedHostKeys=" + file, "-o", "StrictHostKeyChecking=no"])
        check(r.returncode == 255 and r.stdout == b"" and why.encode() in r.stderr, "%s: %r" % (why, r))


def postern_user_certificate(lab):
    """The one beside the key file, and one of CertificateFile; and the key alone, if that is refused."""
    for s in (lab.sshd("TrustedUserCAKeys %s.pub" % ca(lab)), server(lab)):
        expect(lab.postern(s, command=["echo in"], key=sign(lab)), 0, b"in\n", s.name)
        key = sign(lab)
        alone = lab.path("alone")
        for end in ("", ".pub"):
            os.rename(key + end, alone + end)
        expect(lab.postern(s, "-o", "CertificateFile=%s-cert.pub" % key, command=["echo in"], key=alone), 0, b"in\n",
               s.name)
        r = lab.postern(s, command=["echo in"], key=alone)
        check(r.returncode == 255 and r.stdout == b"", "%s: a key alone: %r" % (s.name, r))
        # the user's key is one of authorized_keys: whatever its certificate is
        expect(lab.postern(s, command=["echo in"], key=sign(lab, key=lab.userkey, validity="20200101:20200102")), 0,
               b"in\n", s.name)
        r = lab.postern(s, command=["echo in"], key=sign(lab, validity="20200101:20200102"))
        check(r.returncode == 255 and r.stdout == b"", "%s: expired: %r" % (s.name, r))


def ssh_revoked(lab):
    """By serial, by key id, by key, by CA, in a KRL and in a list; and what is in none."""
    spare = ca(lab, "spare-ca")
    key = sign(lab)

    def krl(text, *flags):
        path = lab.path("krl")
        subprocess.run([need("ssh-keygen"), "-q", "-k", "-f", path, *flags, lab.write("krl-spec", text)], check=True)
        return path

    with open(lab.wrongkey + ".pub") as f:
        pub = f.read()
    of_ca = ["-s", ca(lab) + ".pub"]
    for path in (krl("serial: 70-80\n", *of_ca), krl("id: the id\n", *of_ca), krl("key: " + pub),
                 krl("sha256: " + pub), ca(lab) + ".pub", lab.wrongkey + ".pub"):
        kept_out(lab, key, "the key is revoked", server(lab, "RevokedKeys " + path))
    for path in (krl("serial: 78\n", *of_ca), krl("serial: 77\n", "-s", spare + ".pub"), spare + ".pub"):
        let_in(lab, key, server(lab, "RevokedKeys " + path))


def krl_of_postern_keygen(lab):
    """Kept to by sshd and by posternd, as ssh-keygen says: each way to name a key."""
    key = sign(lab)
    keygen = os.path.join(BUILD, "bin", "postern-keygen")
    with open(key + ".pub") as f:
        pub = f.read()
    by_ca = "TrustedUserCAKeys %s.pub" % ca(lab)
    odd = "".join("serial: %d\n" % n for n in range(1, 40000, 2))      # more than one bitmap holds
    for text, revoked in (("serial: 70-80\n", True), (odd, True), ("serial: 76\nserial: 78\n", False),
                          ("id: the id\n", True), ("key: " + pub, True), ("sha1: " + pub, True),
                          ("sha256: " + pub, True), ("id: the other id\n", False)):
        path = lab.path("our-krl")
        subprocess.run([keygen, "-q", "-k", "-f", path, "-s", ca(lab) + ".pub", lab.write("spec", text)], check=True)
        r = subprocess.run([need("ssh-keygen"), "-Q", "-f", path, key + "-cert.pub"], capture_output=True)
        check((r.returncode != 0) == revoked and (b"REVOKED" in r.stdout) == revoked, "%r: %r" % (text[:40], r))
        for s in (lab.sshd(by_ca, "RevokedKeys " + path), server(lab, "RevokedKeys " + path)):
            r = lab.ssh(s, command=["echo in"], key=key)
            check(r.returncode == (255 if revoked else 0), "%s, %r: %r" % (s.name, text[:40], r))


def revoked_file_is_needed(lab):
    """A file that cannot be read means that nobody is served."""
    for path in (lab.path("missing"), lab.write("nonsense", "nonsense\n")):
        s = lab.posternd("RevokedKeys " + path, ready=False)
        check(s.process.wait(30) != 0 and "fatal: RevokedKeys" in s.text(), s.text())


cases = [ssh_certificate, ssh_certificate_among_principals, ssh_every_type, ssh_source_address, ssh_force_command,
         ssh_authority_line, ssh_principals_file, ssh_principals_command, ssh_permits, ssh_expired, ssh_not_yet_valid,
         ssh_wrong_principal, ssh_no_principals, ssh_wrong_ca,
         ssh_unknown_critical_option, ssh_sha1_signature,
         ssh_revoked, krl_of_postern_keygen, revoked_file_is_needed, ssh_host_certificate, host_certificate_of_another_key,
         postern_host_certificate, postern_bad_host_certificates, postern_revoked_hosts, postern_user_certificate]

if __name__ == "__main__":
    main(cases)
