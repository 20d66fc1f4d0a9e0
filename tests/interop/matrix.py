"""matrix.py - every algorithm of ours with every peer that has it, both ways.

A case is one peer, one role and one algorithm: a login by key, then 10 MiB through `cat`, there and back,
byte for byte.  What a peer has stands in its row, by the peer's documentation and source; what we have is
read from crypto/names.def, so a new algorithm of ours is tried with all peers from the day it is there.
debian_client_test.py and debian_server_test.py run the peers of Debian's packages, registry.py those of the other
registries.
"""
import contextlib, os, re, subprocess, threading

from lab import ROOT, SAN, Failure, check, labelled, need, noise

SIZE = (1 if SAN else 10) << 20
PEERS = os.path.join(ROOT, "tests", "interop", "peers")

# ---- what we have

def ours():
    with open(os.path.join(ROOT, "crypto", "names.def")) as f:
        rows = re.findall(r'^ALG\((\w+),\s*"([^"]+)"', f.read(), re.M)
    return {kind: [n for k, n in rows if k == kind] for kind in ("KEX", "SIGNATURE", "CIPHER", "MAC")}

OURS = ours()
# who has no key of its own on a disk of this machine
NO_HOST_KEY = re.compile(r"sk-|webauthn|cert-v01")
FILES = {"ssh-ed25519": ("ed25519", 0), "ssh-rsa": ("rsa", 3072), "rsa-sha2-256": ("rsa", 3072),
         "rsa-sha2-512": ("rsa", 3072), "ecdsa-sha2-nistp256": ("ecdsa", 256), "ecdsa-sha2-nistp384": ("ecdsa", 384),
         "ecdsa-sha2-nistp521": ("ecdsa", 521), "ssh-dss": ("dsa", 1024)}

# ---- what peers have, in groups that go together

CURVE = ["curve25519-sha256", "curve25519-sha256@libssh.org"]
NISTP = ["ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"]
DH = ["diffie-hellman-group14-sha256", "diffie-hellman-group16-sha512"]
DH18 = ["diffie-hellman-group18-sha512"]
DH1 = ["diffie-hellman-group14-sha1"]
GEX = ["diffie-hellman-group-exchange-sha256"]
SNTRUP = ["sntrup761x25519-sha512@openssh.com"]
SNTRUP_BOTH = ["sntrup761x25519-sha512", *SNTRUP]
MLKEM = ["mlkem768x25519-sha256"]
MLKEM_NIST = ["mlkem768nistp256-sha256", "mlkem1024nistp384-sha384"]
ED, RSA, SHA1_RSA, DSS = ["ssh-ed25519"], ["rsa-sha2-512", "rsa-sha2-256"], ["ssh-rsa"], ["ssh-dss"]
ECDSA = ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"]
CHACHA, GCM = ["chacha20-poly1305@openssh.com"], ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com"]
CTR, CBC = ["aes256-ctr", "aes192-ctr", "aes128-ctr"], ["aes256-cbc", "aes192-cbc", "aes128-cbc"]
ETM, SHA2 = ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"], ["hmac-sha2-256", "hmac-sha2-512"]
SHA1, SHA1_ETM = ["hmac-sha1"], ["hmac-sha1-etm@openssh.com"]
UMAC = ["umac-64@openssh.com", "umac-128@openssh.com", "umac-64-etm@openssh.com", "umac-128-etm@openssh.com"]


class Peer:
    """name; kex, hostkey, cipher, mac: the names it has; user: the types of private key files it can use."""
    is_server = is_client = narrows = True
    key_format = None

    def __init__(self, name, argv, kex, hostkey, cipher, mac, user=None, **kw):
        self.name, self.argv = name, argv
        self.has = {"kex": kex, "hostkey": hostkey, "cipher": cipher, "mac": mac,
                    "user": user or [h for h in hostkey if h not in ("rsa-sha2-256", "ssh-rsa", "ssh-dss")]}
        self.__dict__.update(kw)

    def client(self, lab, port, key, choice):
        return self.argv(lab) + ["client", str(port), lab.user, key] + choice

    @contextlib.contextmanager
    def server(self, lab, hostkey, authorized, choice):
        with open(lab.path("%s.log" % self.name), "w+b") as log:
            p = subprocess.Popen(self.argv(lab) + ["server", hostkey, authorized] + choice, stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=log)
            try:
                line = p.stdout.readline()
                log.seek(0)
                check(line.startswith(b"port "), "%s does not serve: %s" % (self.name, log.read()[-600:]))
                yield int(line.split()[1])
            finally:
                p.stdin.close()
                try:
                    p.wait(10)
                except subprocess.TimeoutExpired:
                    p.kill()
                    p.wait()
                p.stdout.close()


# ---- keys, and our own two programs

def key_of(lab, name, who):
    """A private key file for this algorithm, the same for all that share its type."""
    kind, bits = FILES[name]
    path = os.path.join(lab.dir, "%s_%s_%d" % (who, kind, bits))
    with making:
        if not os.path.exists(path):
            subprocess.run([need("ssh-keygen"), "-q", "-t", kind, "-N", "", "-f", path] +
                           (["-b", str(bits)] if bits else []), check=True)
            if who == "user":
                with open(path + ".pub") as p, open(lab.authorized, "a") as f:
                    f.write(p.read())
    return path


AT_ONCE = 3
making = threading.RLock()      # what cases share is made by the first that needs it
LISTS = (("KexAlgorithms", "KEX"), ("Ciphers", "CIPHER"), ("MACs", "MAC"))
servers = {}


def posternd(lab, narrow):
    """With every algorithm we have, but for those lists that narrow says."""
    with making:
        return started(lab, narrow)


def started(lab, narrow):
    if narrow not in servers:
        every = [n for n in OURS["SIGNATURE"] if not NO_HOST_KEY.search(n)]
        lines = ["%s %s" % (word, ",".join(OURS[kind])) for word, kind in LISTS if word not in dict(narrow)]
        lines += ["%s %s" % pair for pair in narrow]
        if "HostKeyAlgorithms" not in dict(narrow):
            lines.append("HostKeyAlgorithms " + ",".join(every))
        lines.append("PubkeyAcceptedAlgorithms " + ",".join(every))
        files = dict.fromkeys(key_of(lab, n, "host") for n in every)
        for n in every:
            key_of(lab, n, "user")
        # dropbear's client needs a packet to notice its own end, once in a hundred times
        servers[narrow] = lab.posternd(*lines, *("HostKey " + f for f in files if f != lab.hostkey),
                                       "ClientAliveInterval 5", "MaxSessions 100")
    return servers[narrow]


WORDS = {"kex": "KexAlgorithms", "hostkey": "HostKeyAlgorithms", "cipher": "Ciphers", "mac": "MACs"}
PLAIN = {"mac": ("cipher", "aes128-ctr")}       # a MAC is of use only beside a cipher that has none


def wanted(kind, name):
    want = {kind: name} if kind != "user" else {}
    if kind in PLAIN:
        want.update([PLAIN[kind]])
    return want


def same(r, data, what):
    check(r.returncode == 0, "%s: exit status %d: %s" % (what, r.returncode, r.stderr.decode(errors="replace")[-600:]))
    check(r.stdout == data, "%s: %d bytes came back, or others" % (what, len(r.stdout)))


def peer_is_client(lab, peer, kind, name):
    want, data = wanted(kind, name), noise(SIZE)
    narrow = () if peer.narrows else tuple((WORDS[k], n) for k, n in want.items())
    s = posternd(lab, narrow)
    key = key_of(lab, name if kind == "user" else "ssh-ed25519", "user")
    choice = [want.get(k, "-") for k in ("kex", "hostkey", "cipher", "mac")]
    same(lab.run(peer.client(lab, s.port, key, choice), input=data, timeout=90), data, peer.name)


def peer_is_server(lab, peer, kind, name):
    want, data = wanted(kind, name), noise(SIZE)
    key = key_of(lab, name if kind == "user" else "ssh-ed25519", "user")
    host = key_of(lab, name if kind == "hostkey" else "ssh-ed25519", "host")
    choice = [want.get(k, "-") for k in ("kex", "hostkey", "cipher", "mac")]
    args = ["-o", "PubkeyAcceptedAlgorithms=" + ",".join(OURS["SIGNATURE"])]
    for k, word in WORDS.items():
        kinds = {"kex": "KEX", "hostkey": "SIGNATURE", "cipher": "CIPHER", "mac": "MAC"}[k]
        names = [want[k]] if k in want else [n for n in OURS[kinds] if k != "hostkey" or not NO_HOST_KEY.search(n)]
        args += ["-o", "%s=%s" % (word, ",".join(names))]
    with peer.server(lab, host, key + ".pub", choice) as port:
        at = type("At", (), {"port": port})
        same(lab.postern(at, *args, command=["cat"], key=key, input=data, timeout=90), data, "postern")


def cases_of(peer, roles=("client", "server")):
    kinds = {"kex": "KEX", "hostkey": "SIGNATURE", "cipher": "CIPHER", "mac": "MAC", "user": "SIGNATURE"}
    for kind, table in kinds.items():
        for name in OURS[table]:
            if name not in peer.has[kind]:
                continue
            label = "%s %s" % ("user key" if kind == "user" else kind, name)
            if peer.is_client and "client" in roles:
                yield labelled("%s->posternd %s" % (peer.name, label), peer_is_client, peer, kind, name)
            if peer.is_server and "server" in roles:
                yield labelled("postern->%s %s" % (peer.name, label), peer_is_server, peer, kind, name)


def all_met(peers, expected):
    """No algorithm of ours without a peer, but for those that are named with the reason why."""
    def case(lab):
        have = {n for p in peers for kind in p.has for n in p.has[kind]}
        for table in OURS.values():
            for name in table:
                check(name in have or expected(name), "%s was tried with no peer" % name)
    case.label = "every algorithm has met a peer"
    return case
