#!/usr/bin/env python3
"""paramiko_peer.py - paramiko as a peer; README.md here has the command line."""
import base64, socket, sys, threading

import paramiko

PIECE = 32768


def narrow(transport, kex, hostkey, cipher, mac):
    options = transport.get_security_options()
    for name, value in (("kex", kex), ("key_types", hostkey), ("ciphers", cipher), ("digests", mac)):
        if value != "-":
            setattr(options, name, (value,))


def key_of(path):
    with open(path) as f:
        text = f.read()
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key_file(path)
        except paramiko.SSHException:
            pass
    sys.exit("no key paramiko knows: %s" % text[:40])


def client(port, user, key, *algorithms):
    t = paramiko.Transport(socket.create_connection(("127.0.0.1", int(port))))
    narrow(t, *algorithms)
    t.start_client(timeout=30)
    t.auth_publickey(user, key_of(key))
    channel = t.open_session()
    channel.exec_command("cat")

    def send():
        while piece := sys.stdin.buffer.read(PIECE):
            channel.sendall(piece)
        channel.shutdown_write()
    thread = threading.Thread(target=send)
    thread.start()
    while piece := channel.recv(PIECE):
        sys.stdout.buffer.write(piece)
    sys.stdout.flush()
    thread.join()
    status = channel.recv_exit_status()
    t.close()
    return status


class Policy(paramiko.ServerInterface):
    def __init__(self, blob):
        self.blob = blob

    def get_allowed_auths(self, username):
        return "publickey"

    def check_auth_publickey(self, username, key):
        good = key.asbytes() == self.blob
        return paramiko.AUTH_SUCCESSFUL if good else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_UNKNOWN_CHANNEL_TYPE

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=echo, args=(channel,), daemon=True).start()
        return True


def echo(channel):
    while piece := channel.recv(PIECE):
        channel.sendall(piece)
    channel.send_exit_status(0)
    channel.close()


def server(hostkey_file, authorized, *algorithms):
    with open(authorized) as f:
        blob = base64.b64decode(f.read().split()[1])
    hostkey = key_of(hostkey_file)
    paramiko.Transport.load_server_moduli()
    listener = socket.create_server(("127.0.0.1", 0))
    print("port %d" % listener.getsockname()[1], flush=True)

    def serve():
        while True:
            s, _ = listener.accept()
            t = paramiko.Transport(s)
            t.add_server_key(hostkey)
            narrow(t, *algorithms)
            try:
                t.start_server(event=threading.Event(), server=Policy(blob))
            except paramiko.SSHException as e:
                print(e, file=sys.stderr)
    threading.Thread(target=serve, daemon=True).start()
    sys.stdin.buffer.read()
    return 0


sys.exit({"client": client, "server": server}[sys.argv[1]](*sys.argv[2:]))
