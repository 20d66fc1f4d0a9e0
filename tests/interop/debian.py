"""debian.py - the peers that Debian's packages have; matrix.py says what is done with them."""
import contextlib, os, re, subprocess

from lab import IS_ROOT, need
from matrix import (CBC, CHACHA, CTR, CURVE, DH, DH1, DH18, DSS, ECDSA, ED, ETM, GCM, GEX, NISTP, NO_HOST_KEY, PEERS,
                    RSA, SHA1, SHA1_ETM, SHA1_RSA, SHA2, SNTRUP, SNTRUP_BOTH, UMAC, Peer, making)


def python(script):
    return lambda lab: ["/usr/bin/python3", "-W", "ignore", os.path.join(PEERS, script)]


def compiled(name, *libs):
    """Built when it is first asked for."""
    def argv(lab):
        out = os.path.join(lab.dir, name)
        with making:
            if not os.path.exists(out):
                subprocess.run([os.environ.get("CC", "cc"), "-O1", "-Wno-deprecated-declarations", "-o", out,
                                os.path.join(PEERS, name + ".c"), *libs], check=True)
        return [out]
    return argv


class Programs(Peer):
    """Peers that are programs with a command line of their own."""

    @contextlib.contextmanager
    def server(self, lab, hostkey, authorized, choice):
        daemon = self.start(lab, hostkey, choice)
        try:
            yield daemon.port
        finally:
            daemon.stop()


class OpenSSH(Programs):
    WORDS = ("KexAlgorithms", "HostKeyAlgorithms", "Ciphers", "MACs")

    def client(self, lab, port, key, choice):
        argv = [need("ssh"), "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o",
                "PubkeyAcceptedAlgorithms=+ssh-rsa,ssh-dss", "-i", key, "-p", str(port)]
        for word, name in zip(self.WORDS, choice):
            argv += ["-o", "%s=%s" % (word, name)] if name != "-" else []
        return argv + ["%s@127.0.0.1" % lab.user, "cat"]

    def start(self, lab, hostkey, choice):
        lines = ["%s %s" % (w, n) for w, n in zip(self.WORDS, choice) if n != "-"]
        return lab.sshd("PubkeyAcceptedAlgorithms +ssh-rsa,ssh-dss", *lines, hostkey=hostkey)


class Dropbear(Programs):
    narrows = False

    def client(self, lab, port, key, choice):
        ours = key + ".dropbear"
        with making:
            if not os.path.exists(ours):
                subprocess.run([need("dropbearconvert"), "openssh", "dropbear", key, ours], check=True,
                               capture_output=True)
        return ["env", "HOME=" + lab.dir, need("dbclient"), "-y", "-y", "-i", ours, "-p", str(port),
                "%s@127.0.0.1" % lab.user, "cat"]

    def start(self, lab, hostkey, choice):
        return lab.dropbear(hostkey=hostkey)


class Plink(Programs):
    narrows = is_server = False

    def client(self, lab, port, key, choice):
        ppk = key + ".ppk"
        with making:
            if not os.path.exists(ppk):
                subprocess.run([need("puttygen"), key, "-o", ppk, "-O", "private"], check=True, capture_output=True)
        keys = [os.path.join(lab.dir, f) for f in os.listdir(lab.dir) if re.match(r"host(_.*)?\.pub$", f)]
        prints = [subprocess.run([need("ssh-keygen"), "-lf", f], capture_output=True, text=True, check=True).stdout.split()[1]
                  for f in keys]
        argv = ["env", "HOME=" + lab.dir, need("plink"), "-batch", "-ssh", "-P", str(port), "-i", ppk]
        for p in prints:
            argv += ["-hostkey", p]
        return argv + ["%s@127.0.0.1" % lab.user, "cat"]


class TinySSH(Programs):
    is_client = False

    def start(self, lab, hostkey, choice):
        return lab.tinysshd()


PARAMIKO_KEX = ["curve25519-sha256@libssh.org", *NISTP, *DH, *GEX, *DH1]
peers = [
    OpenSSH("openssh", None, SNTRUP + CURVE + NISTP + DH + DH18 + DH1 + GEX, ED + ECDSA + RSA + SHA1_RSA + DSS,
            CHACHA + GCM + CTR + CBC, ETM + SHA2 + SHA1 + SHA1_ETM + UMAC),
    # Debian's 2022.83: no GCM, no -etm
    Dropbear("dropbear", None, CURVE + NISTP + DH[:1] + DH1, ED + ECDSA + RSA[1:], CHACHA + ["aes256-ctr", "aes128-ctr"],
             ["hmac-sha2-256", "hmac-sha1"], is_server=IS_ROOT),
    # 0.78: group exchange, and each of the NIST curves; its ciphers are set in a saved session, so by us here
    Plink("plink", None, SNTRUP + CURVE + NISTP + DH + DH18 + DH1 + GEX, ED + ECDSA + RSA + SHA1_RSA + DSS,
          CHACHA + GCM + CTR + CBC, ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-256", "hmac-sha1", "hmac-sha1-etm@openssh.com"]),
    TinySSH("tinysshd", None, SNTRUP + CURVE, ED, CHACHA, [], is_server=IS_ROOT),
    Peer("paramiko", python("paramiko_peer.py"), PARAMIKO_KEX, ED + ECDSA + RSA + SHA1_RSA, CTR + CBC, ETM + SHA2 + SHA1),
    Peer("asyncssh", python("asyncssh_peer.py"), CURVE + NISTP + DH + DH18 + DH1 + GEX, ED + ECDSA + RSA + SHA1_RSA + DSS,
         CHACHA + GCM + CTR + CBC, ETM + SHA2 + SHA1 + SHA1_ETM + UMAC),
    Peer("conch", python("conch_peer.py"), CURVE + NISTP + GEX + DH1, ED + ECDSA + RSA + SHA1_RSA, CTR + CBC, SHA2 + SHA1,
         user=ED + ECDSA + SHA1_RSA),
    Peer("libssh", compiled("libssh_peer", "-lssh"), CURVE + NISTP + DH + DH18 + DH1 + GEX, ED + ECDSA + RSA + SHA1_RSA,
         CHACHA + GCM + CTR + CBC, ETM + SHA2 + SHA1 + SHA1_ETM),
    Peer("libssh2", compiled("libssh2_peer", "-lssh2"), CURVE + NISTP + DH + DH1 + GEX, ED + ECDSA + SHA1_RSA + DSS,
         CTR + CBC, SHA2 + SHA1, user=ED + ECDSA + SHA1_RSA, is_server=False),
]

def met_elsewhere(name):
    """In no package of Debian 12, or without a private half on a disk; registry.py has the former."""
    return NO_HOST_KEY.search(name) or name.startswith("mlkem") or name in SNTRUP_BOTH
