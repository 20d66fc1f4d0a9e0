#!/usr/bin/python3
"""token_test.py - logins by keys of security tokens, which an agent of the tests holds: postern and
ssh, posternd and sshd.  Whether somebody touched the token, and who, is the server's to judge.
"""
import os, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import POSTERN, SSH_BASE, check, labelled, main, need
from token_agent import PRESENT, VERIFIED, Agent, BrowserToken, EcdsaToken, Ed25519Token, private_file

KINDS = {"ed25519": Ed25519Token, "ecdsa": EcdsaToken}
PAIRS = [("ssh", "posternd"), ("postern", "sshd"), ("postern", "posternd")]


def serve(lab, server, *lines):
    return lab.posternd("AlgorithmPreset compat", *lines) if server == "posternd" else lab.sshd(*lines)


def authorize(lab, *lines):
    """These keys and no others."""
    with open(lab.authorized, "w") as f:
        f.writelines(lines)


def login(lab, client, server, agent, *args):
    """By the agent's keys, unless args say more."""
    base = ["-p", str(server.port), "-o", "BatchMode=yes", *args, "%s@127.0.0.1" % lab.user, "echo in"]
    if client == "ssh":
        return lab.run([need("ssh"), *SSH_BASE[:-2], *base], env=agent.env())
    return lab.run([POSTERN, "-F", "none", "-o", "AlgorithmPreset=compat", "-o", "StrictHostKeyChecking=no", "-o",
                    "UserKnownHostsFile=none", "-o", "GlobalKnownHostsFile=none", *base], env=agent.env())


def let_in(lab, client, server, agent, *args):
    before = agent.signed
    r = login(lab, client, server, agent, *args)
    check(r.returncode == 0 and r.stdout == b"in\n", "%s: %r" % (client, r.stderr))
    check(agent.signed > before, "somebody else signed")
    return r


def kept_out(lab, client, server, agent, *args, why=None):
    r = login(lab, client, server, agent, *args)
    check(r.returncode == 255 and b"Permission denied" in r.stderr and r.stdout == b"", "%s: %r" % (client, r))
    check(why is None or server.name != "posternd" or server.says(why), "no reason in the log:\n" + server.text())
    return r


TOUCH = "nobody touched the authenticator"
VERIFY = "the authenticator did not verify its user"


def flags(lab, kind, client, server):
    """Plain keys, and the options of authorized_keys."""
    key = KINDS[kind]()
    with Agent(lab.path("agent"), key) as agent:
        d = serve(lab, server)
        authorize(lab, key.public_line())
        let_in(lab, client, d, agent)
        let_in(lab, client, d, agent)                   # the counter has risen
        key.flags = 0
        kept_out(lab, client, d, agent, why=TOUCH)
        key.flags = VERIFIED
        kept_out(lab, client, d, agent, why=TOUCH)
        authorize(lab, "no-touch-required " + key.public_line())
        key.flags = 0
        let_in(lab, client, d, agent)
        key.flags = PRESENT
        let_in(lab, client, d, agent)
        authorize(lab, "verify-required " + key.public_line())
        kept_out(lab, client, d, agent, why=VERIFY)
        key.flags = PRESENT | VERIFIED
        let_in(lab, client, d, agent)
        key.flags = VERIFIED
        kept_out(lab, client, d, agent, why=TOUCH)
        authorize(lab, "no-touch-required,verify-required " + key.public_line())
        let_in(lab, client, d, agent)
        d.stop()


def other_signatures(lab, kind, client, server):
    """Over other data, for another application, of another key: the agent is not believed."""
    key, stranger = KINDS[kind](), KINDS[kind]()
    with Agent(lab.path("agent"), key) as agent:
        d = serve(lab, server)
        authorize(lab, key.public_line())
        good = key.sign
        for bad in (lambda data: good(data + b"x"), lambda data: stranger.sign(data), lambda data: good(data)[:-1],
                    lambda data: b"", lambda data: good(data) + b"\0"):
            key.sign = bad
            kept_out(lab, client, d, agent)
        key.sign = good
        key.application = "ssh:elsewhere"               # what the blob says counts
        kept_out(lab, client, d, agent)
        key.application = "ssh:"
        let_in(lab, client, d, agent)
        d.stop()


def certified(lab, key, *options):
    """A certificate of its public half, by ssh-keygen: the public file and the certificate's."""
    if not hasattr(lab, "token_ca"):
        lab.token_ca = lab.key("token_ca")
    path = lab.path("certified")
    with open(path + ".pub", "w") as f:
        f.write(key.public_line())
    subprocess.run([need("ssh-keygen"), "-q", "-s", lab.token_ca, "-I", "token", "-n", lab.user, "-V", "-1h:+1h",
                    *[w for o in options for w in ("-O", o)], path + ".pub"], check=True)
    return path + "-cert.pub"


def certificates(lab, kind, client, server):
    """A critical option that wants a PIN, an extension that wants no touch (PROTOCOL.certkeys)."""
    key = KINDS[kind]()
    certified(lab, key)
    with Agent(lab.path("agent"), key) as agent:
        authorize(lab)
        d = serve(lab, server, "TrustedUserCAKeys %s.pub" % lab.token_ca)

        def by(*options):
            return "-o", "CertificateFile=" + certified(lab, key, *options)
        kept_out(lab, client, d, agent)                 # the key alone is nobody's
        let_in(lab, client, d, agent, *by())
        key.flags = 0
        kept_out(lab, client, d, agent, *by(), why=TOUCH)
        let_in(lab, client, d, agent, *by("no-touch-required"))
        key.flags = PRESENT
        kept_out(lab, client, d, agent, *by("verify-required"), why=VERIFY)
        kept_out(lab, client, d, agent, *by("verify-required", "no-touch-required"), why=VERIFY)
        key.flags = PRESENT | VERIFIED
        let_in(lab, client, d, agent, *by("verify-required"))
        key.flags = VERIFIED
        kept_out(lab, client, d, agent, *by("verify-required"), why=TOUCH)
        let_in(lab, client, d, agent, *by("verify-required", "no-touch-required"))
        d.stop()


def browsers(lab, server):
    """webauthn: paramiko carries what no ssh sends by itself."""
    import paramiko

    class Key(paramiko.PKey):
        public_blob = None

        def __init__(self, token):
            self.token, self.origin = token, None

        def asbytes(self):
            return self.token.blob

        def get_name(self):
            return self.token.algorithm

        def get_fingerprint(self):
            return b"0" * 16

        def can_sign(self):
            return True

        def sign_ssh_data(self, data, algorithm=None):
            return self.token.sign(data, self.origin)

    key = Key(BrowserToken(application="example.org"))
    authorize(lab, key.token.public_line())
    d = serve(lab, server, "PubkeyAcceptedAlgorithms +webauthn-sk-ecdsa-sha2-nistp256@openssh.com")

    def gets_in():
        t = paramiko.Transport(("127.0.0.1", d.port))
        try:
            t.start_client(timeout=20)
            t.auth_publickey(lab.user, key)
            return t.is_authenticated()
        except paramiko.AuthenticationException:
            return False
        finally:
            t.close()
    check(gets_in(), "%s does not let a browser in:\n%s" % (server, d.text()))
    key.token.flags = 0
    check(not gets_in(), "nobody was present")
    key.token.flags = PRESENT
    key.origin = "https://example.com"
    # sshd leaves the origin to who looks into its log; so do we
    check(gets_in(), "another origin")
    key.origin = "https://example.org\",\"x\":\""
    check(not gets_in(), "an origin that ends its string")
    key.origin = None
    honest = key.token.sign
    key.token.sign = lambda data, origin: honest(data + b"x", origin)
    check(not gets_in(), "another challenge")


KEYGEN = os.path.join(os.path.dirname(POSTERN), "postern-keygen")
TOLD = b"its private half is in a security token, and no agent has it"


def key_file(lab, key, passphrase=None, public=False):
    path = lab.write("id_sk", private_file(key))
    os.chmod(path, 0o600)
    if passphrase:
        subprocess.run([need("ssh-keygen"), "-q", "-p", "-a", "4", "-N", passphrase, "-f", path], check=True,
                       stdout=subprocess.DEVNULL)
    if public:
        with open(path + ".pub", "w") as f:
            f.write(key.public_line())
    return path


def files(lab, kind):
    """A token's key file says which of the agent's keys is meant; alone it is passed over, and that is said."""
    key, other = KINDS[kind](), KINDS[kind](comment="another")
    authorize(lab, key.public_line(), other.public_line())
    d = serve(lab, "posternd")
    only = "-o", "IdentitiesOnly=yes", "-i"
    with Agent(lab.path("agent"), other, key) as agent:
        for path in (key_file(lab, key), key_file(lab, key, public=True), key_file(lab, key, passphrase="open sesame")):
            before, counts = key.counter, other.counter
            r = let_in(lab, "postern", d, agent, *only, path)
            check(key.counter == before + 1 and other.counter == counts, "it was the other key")
            check(r.stderr == b"", "%r" % r.stderr)
        r = kept_out(lab, "postern", d, agent, *only, key_file(lab, KINDS[kind]()))
        check(r.stderr.count(TOLD) == 1, "%r" % r.stderr)
        # a key that the server does not want is nothing to complain of
        r = kept_out(lab, "postern", d, agent, *only, key_file(lab, KINDS[kind](), public=True))
        check(TOLD not in r.stderr, "%r" % r.stderr)
    with Agent(lab.path("agent")) as agent:             # it has none
        for public in False, True:
            r = kept_out(lab, "postern", d, agent, *only, key_file(lab, key, public=public))
            check(r.stderr.count(TOLD) == 1, "%r" % r.stderr)
        r = let_in_by_file(lab, d, agent, "-i", key_file(lab, key))
        check(r.stderr.count(TOLD) == 1, "%r" % r.stderr)
    d.stop()


def let_in_by_file(lab, d, agent, *args):
    """An ordinary key is named too, and its turn comes."""
    with open(lab.userkey + ".pub") as f, open(lab.authorized, "a") as a:
        a.write(f.read())
    r = login(lab, "postern", d, agent, *args, "-i", lab.userkey)
    check(r.returncode == 0 and r.stdout == b"in\n", "%r" % r)
    return r


def keygen(lab, kind):
    key = KINDS[kind]()
    path = key_file(lab, key)

    def both(*args, file=path):
        r = [lab.run([program, *args, "-f", file]) for program in (need("ssh-keygen"), KEYGEN)]
        check(r[0].returncode == r[1].returncode == 0 and r[0].stdout == r[1].stdout, "%s: %r" % (args, r))
        return r[1].stdout.decode()
    check(both("-y") == key.public_line(), "another public half")
    check("SHA256:" in both("-l"), "no fingerprint")
    both("-l", "-E", "md5")
    both("-e")
    locked = key_file(lab, key, passphrase="open sesame")
    r = lab.run([KEYGEN, "-y", "-f", locked])           # ssh-keygen would ask for the passphrase
    check(r.returncode == 0 and r.stdout.split() == key.public_line().encode().split()[:2], "%r" % r)
    both("-y", "-P", "open sesame", file=locked)
    check(lab.run([KEYGEN, "-y", "-P", "wrong", "-f", locked]).returncode != 0, "by a wrong passphrase")
    with open(path) as f:
        before = f.read()
    for args in ("-p", "-N", "x"), ("-c", "-C", "y"):
        r = lab.run([KEYGEN, *args, "-f", path])
        check(r.returncode != 0 and b"security token" in r.stderr, "%r" % r)
    with open(path) as f:
        check(f.read() == before, "the file has changed")


def odd_agents(lab):
    """With 300 keys the one that is named is found; 10,000 of them or nonsense cost a line and no login."""
    key = Ed25519Token()
    strangers = [(Ed25519Token().blob, "stranger %d" % i) for i in range(10)] * 1000
    authorize(lab, key.public_line())
    d = serve(lab, "posternd")
    path = key_file(lab, key)
    with Agent(lab.path("agent"), key, others=strangers[:300]) as agent:
        let_in(lab, "postern", d, agent, "-o", "IdentitiesOnly=yes", "-i", path)
    with Agent(lab.path("agent"), key, slow=1) as agent:
        let_in(lab, "postern", d, agent)
    for agent in (Agent(lab.path("agent"), key, others=strangers), Agent(lab.path("agent"), junk=b"\xff" * 64),
                  Agent(lab.path("agent"), junk=b"\0\0\0\5\14\xff\xff\xff\xff")):
        with agent:
            r = let_in_by_file(lab, d, agent)
            check(r.stderr.count(b"agent: ") == 1, "%r" % r.stderr)
    d.stop()


def ordinary_certificates(lab):
    """A key and its certificate, both in Debian's ssh-agent by ssh-add."""
    for kind, bits in ("ed25519", None), ("ecdsa", 256), ("rsa", 3072):
        path = lab.key("agents_" + kind, type=kind, bits=bits)
        if not hasattr(lab, "token_ca"):
            lab.token_ca = lab.key("token_ca")
        subprocess.run([need("ssh-keygen"), "-q", "-s", lab.token_ca, "-I", "x", "-n", lab.user, "-V", "-1h:+1h",
                        path + ".pub"], check=True)
        socket = lab.path("agent")
        p = subprocess.Popen([need("ssh-agent"), "-D", "-a", socket], stdout=subprocess.DEVNULL)
        try:
            while not os.path.exists(socket):
                check(p.poll() is None, "ssh-agent ended")
            env = dict(os.environ, SSH_AUTH_SOCK=socket)
            subprocess.run([need("ssh-add"), "-q", path], check=True, env=env)
            for server in "sshd", "posternd":
                authorize(lab)
                d = serve(lab, server, "TrustedUserCAKeys %s.pub" % lab.token_ca)
                # as a file, and as the agent lists it
                for args in ("-o", "CertificateFile=%s-cert.pub" % path), ():
                    r = lab.run([POSTERN, "-F", "none", "-p", str(d.port), "-o", "AlgorithmPreset=compat", "-o",
                                 "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=none", "-o",
                                 "GlobalKnownHostsFile=none", "-o", "BatchMode=yes", *args,
                                 "%s@127.0.0.1" % lab.user, "echo in"], env=env)
                    check(r.returncode == 0 and r.stdout == b"in\n", "%s to %s, %s: %r" % (kind, server, args, r.stderr))
                d.stop()
        finally:
            p.kill()
            p.wait()


def each(what):
    return [labelled("token %s %s, %s->%s" % (kind, what.__name__.replace("_", " "), client, server), what, kind,
                     client, server) for kind in KINDS for client, server in PAIRS]


if __name__ == "__main__":
    main(each(flags) + each(other_signatures) + each(certificates) +
         [labelled("token in a browser, %s" % s, browsers, s) for s in ("posternd", "sshd")] +
         [labelled("token %s %s" % (kind, what.__name__), what, kind) for kind in KINDS for what in (files, keygen)] +
         [ordinary_certificates, odd_agents])
