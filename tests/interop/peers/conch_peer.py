#!/usr/bin/env python3
"""conch_peer.py - twisted's conch as a peer; README.md here has the command line."""
import os, sys

from twisted.conch import avatar, error
from twisted.conch.checkers import InMemorySSHKeyDB, SSHPublicKeyChecker
from twisted.conch.openssh_compat import primes
from twisted.conch.ssh import channel, common, connection, factory, keys, session, transport, userauth
from twisted.cred import portal
from twisted.internet import defer, protocol, reactor, threads
from twisted.internet.error import ProcessDone
from twisted.python import failure
from zope.interface import implementer

PIECE = 32768
status = 255


def narrow(t, kex, hostkey, cipher, mac):
    for name, value in (("supportedKeyExchanges", kex), ("supportedPublicKeys", hostkey), ("supportedCiphers", cipher),
                        ("supportedMACs", mac)):
        if value != "-":
            setattr(t, name, [value.encode()])


# ---- client

class Cat(channel.SSHChannel):
    name = b"session"

    def channelOpen(self, data):
        d = self.conn.sendRequest(self, "exec", common.NS(b"cat"), wantReply=True)
        d.addCallback(self.send)

    # an EOF would overtake what waits for the window: piece by piece, then
    def send(self, _):
        while not self.buf:
            piece = sys.stdin.buffer.read(PIECE)
            if not piece:
                self.conn.sendEOF(self)
                break
            self.write(piece)

    def startWriting(self):
        if not self.localClosed:
            reactor.callLater(0, self.send, None)       # what waited goes out first

    def dataReceived(self, data):
        sys.stdout.buffer.write(data)

    def request_exit_status(self, data):
        global status
        status = int.from_bytes(data, "big")

    def closed(self):
        sys.stdout.flush()
        self.conn.transport.loseConnection()


class Connection(connection.SSHConnection):
    def serviceStarted(self):
        self.openChannel(Cat(localWindow=1 << 24, localMaxPacket=PIECE, conn=self))


class Login(userauth.SSHUserAuthClient):
    preferredOrder = [b"publickey"]
    given = False

    def getPublicKey(self):
        if self.given:
            return None
        self.given = True
        return self.key

    def getPrivateKey(self):
        return defer.succeed(self.key)


class Client(transport.SSHClientTransport):
    def verifyHostKey(self, key, fingerprint):
        return defer.succeed(1)

    def connectionSecure(self):
        login = Login(self.factory.user, Connection())
        login.key = self.factory.key
        self.requestService(login)


class ClientFactory(protocol.ClientFactory):
    def buildProtocol(self, address):
        p = Client()
        p.factory = self
        narrow(p, *self.algorithms)
        return p

    def clientConnectionLost(self, connector, reason):
        if reactor.running:
            reactor.stop()


def client(port, user, key, *algorithms):
    f = ClientFactory()
    f.user, f.key, f.algorithms = user.encode(), keys.Key.fromFile(key), algorithms
    reactor.connectTCP("127.0.0.1", int(port), f)
    reactor.run()
    return status


# ---- server

class Echo(protocol.Protocol):
    def dataReceived(self, data):
        self.transport.write(data)


@implementer(session.ISession)
class Avatar(avatar.ConchUser):
    def __init__(self):
        super().__init__()
        self.channelLookup[b"session"] = session.SSHSession

    def execCommand(self, proto, command):
        self.proto = proto
        echo = Echo()
        echo.makeConnection(proto)
        proto.makeConnection(session.wrapProtocol(echo))

    def eofReceived(self):
        self.proto.processEnded(failure.Failure(ProcessDone(0)))

    def getPty(self, *_):
        raise error.ConchError("no terminals")

    openShell = getPty

    def closed(self):
        pass


@implementer(portal.IRealm)
class Realm:
    def requestAvatar(self, avatar_id, mind, *interfaces):
        return interfaces[0], Avatar(), lambda: None


class AnyUser(dict):
    def __init__(self, key):
        self.key = key

    def get(self, name, default=None):
        return [self.key]

    __getitem__ = get


class Server(factory.SSHFactory):
    def buildProtocol(self, address):
        p = super().buildProtocol(address)
        narrow(p, *self.algorithms)
        return p

    def getPrimes(self):
        return primes.parseModuliFile("/etc/ssh/moduli")

    def getPublicKeys(self):
        return {self.key.sshType(): self.key.public()}

    def getPrivateKeys(self):
        return {self.key.sshType(): self.key}


def server(hostkey_file, authorized, *algorithms):
    f = Server()
    f.key, f.algorithms = keys.Key.fromFile(hostkey_file), algorithms
    f.portal = portal.Portal(Realm(), [SSHPublicKeyChecker(InMemorySSHKeyDB(AnyUser(keys.Key.fromFile(authorized))))])
    listener = reactor.listenTCP(0, f, interface="127.0.0.1")
    print("port %d" % listener.getHost().port, flush=True)
    threads.deferToThread(sys.stdin.buffer.read).addCallback(lambda _: reactor.stop())
    reactor.run()
    return 0


code = {"client": client, "server": server}[sys.argv[1]](*sys.argv[2:])
sys.stdout.flush()
os._exit(code)
