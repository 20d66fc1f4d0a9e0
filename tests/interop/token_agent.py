"""token_agent.py - an SSH agent with keys of security tokens that are not there: it makes
their signatures itself (OpenSSH's PROTOCOL.u2f), with whatever flags a test wants.

After RFC 9987 it can list and sign, and it can be told to be slow, or to answer nonsense.
"""
import base64, contextlib, hashlib, json, os, socket, struct, threading, time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

FAILURE, REQUEST_IDENTITIES, IDENTITIES, SIGN_REQUEST, SIGNATURE = 5, 11, 12, 13, 14
PRESENT, VERIFIED = 1, 4        # flags of a signature


def string(b):
    b = b.encode() if isinstance(b, str) else b
    return struct.pack(">I", len(b)) + b


def mpint(n):
    return string(n.to_bytes(n.bit_length() // 8 + 1, "big"))


def take(b):
    n, = struct.unpack(">I", b[:4])
    return b[4:4 + n], b[4 + n:]


def sha256(b):
    return hashlib.sha256(b).digest()


class TokenKey:
    """flags: what the token says of each signature; counter rises with each."""

    def __init__(self, comment="token", application="ssh:", flags=PRESENT):
        self.comment, self.application, self.flags, self.counter = comment, application, flags, 0

    def public_line(self):
        return "%s %s %s\n" % (self.kind, base64.b64encode(self.blob).decode(), self.comment)

    def authenticator_data(self):
        self.counter += 1
        return sha256(self.application.encode()) + struct.pack(">BI", self.flags, self.counter)

    def sign(self, data):
        signed = self.authenticator_data() + sha256(data)
        return string(self.kind) + string(self.raw(signed)) + struct.pack(">BI", self.flags, self.counter)


class Ed25519Token(TokenKey):
    kind = "sk-ssh-ed25519@openssh.com"

    def __init__(self, **kw):
        super().__init__(**kw)
        self.private = ed25519.Ed25519PrivateKey.generate()
        self.public = self.private.public_key().public_bytes(serialization.Encoding.Raw,
                                                             serialization.PublicFormat.Raw)
        self.fields = string(self.public) + string(self.application)
        self.blob = string(self.kind) + self.fields

    def raw(self, signed):
        return self.private.sign(signed)


class EcdsaToken(TokenKey):
    kind = "sk-ecdsa-sha2-nistp256@openssh.com"

    def __init__(self, **kw):
        super().__init__(**kw)
        self.private = ec.generate_private_key(ec.SECP256R1())
        point = self.private.public_key().public_bytes(serialization.Encoding.X962,
                                                       serialization.PublicFormat.UncompressedPoint)
        self.fields = string("nistp256") + string(point) + string(self.application)
        self.blob = string(self.kind) + self.fields

    def raw(self, signed):
        r, s = decode_dss_signature(self.private.sign(signed, ec.ECDSA(hashes.SHA256())))
        return mpint(r) + mpint(s)


class BrowserToken(EcdsaToken):
    """The same key, used by a web page: what is signed is a JSON text with the data in it."""
    algorithm = "webauthn-sk-ecdsa-sha2-nistp256@openssh.com"

    def sign(self, data, origin=None):
        origin = origin or "https://" + self.application
        challenge = base64.urlsafe_b64encode(data).decode().rstrip("=")
        client = json.dumps({"type": "webauthn.get", "challenge": challenge, "origin": origin,
                             "crossOrigin": False}, separators=(",", ":")).encode()
        signed = self.authenticator_data() + sha256(client)
        return (string(self.algorithm) + string(self.raw(signed)) + struct.pack(">BI", self.flags, self.counter) +
                string(origin) + string(client) + string(b""))


def private_file(key, handle=b"a handle"):
    """As ssh-keygen writes it beside a token: OpenSSH's PROTOCOL.key, without a passphrase."""
    check = struct.pack(">I", 0x01020304)
    private = check + check + string(key.kind) + key.fields + struct.pack(">B", PRESENT) + string(handle) + \
        string(b"") + string(key.comment)
    private += bytes(range(1, 1 + -len(private) % 8))
    whole = b"openssh-key-v1\0" + string("none") + string("none") + string(b"") + struct.pack(">I", 1) + \
        string(key.blob) + string(private)
    text = base64.b64encode(whole).decode()
    return "-----BEGIN OPENSSH PRIVATE KEY-----\n" + \
        "".join(text[i:i + 70] + "\n" for i in range(0, len(text), 70)) + "-----END OPENSSH PRIVATE KEY-----\n"


class Agent:
    """Serves its keys on a socket of its own until the with is over.  junk, if any, is all it ever answers;
    slow: so many seconds before each answer; others: (blob, comment) that it lists and cannot use."""

    def __init__(self, path, *keys, junk=None, slow=0, others=()):
        self.socket, self.keys, self.junk, self.slow, self.others = path, keys, junk, slow, others
        self.signed = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        threading.Thread(target=self.accept, daemon=True).start()

    def env(self):
        return dict(os.environ, SSH_AUTH_SOCK=self.socket)

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                s, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        with s, contextlib.suppress(OSError), s.makefile("rb") as f:
            while len(head := f.read(4)) == 4:
                reply = self.answer(f.read(struct.unpack(">I", head)[0]))
                time.sleep(self.slow)
                s.sendall(self.junk if self.junk is not None else string(reply))

    def answer(self, body):
        if body[0] == REQUEST_IDENTITIES:
            all_of_it = [(k.blob, k.comment) for k in self.keys] + list(self.others)
            return struct.pack(">BI", IDENTITIES, len(all_of_it)) + \
                b"".join(string(b) + string(c) for b, c in all_of_it)
        if body[0] == SIGN_REQUEST:
            blob, rest = take(body[1:])
            data, _ = take(rest)
            for k in self.keys:
                if k.blob == blob:
                    self.signed += 1
                    return struct.pack(">B", SIGNATURE) + string(k.sign(data))
        return struct.pack(">B", FAILURE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        os.unlink(self.socket)
