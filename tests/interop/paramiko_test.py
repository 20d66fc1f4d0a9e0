#!/usr/bin/python3
"""paramiko_test.py - paramiko's client against posternd, postern against paramiko's server.

The document that the API follows is paramiko's: whoever moves from it meets it on
the other side of the connection first.  Runs under the system's python3, which has
Debian's paramiko; PARAMIKO=/path/to/python runs it again under a newer one.
"""
import os, socket, subprocess, sys, threading, time

if os.environ.get("PARAMIKO") and sys.executable != os.environ["PARAMIKO"]:
    os.execv(os.environ["PARAMIKO"], [os.environ["PARAMIKO"], *sys.argv])
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import IS_ROOT, POSTERN, SAN, Failure, check, free_port, labelled, main, needs_root, noise

import logging, warnings
warnings.filterwarnings("ignore")
import paramiko

logging.getLogger("paramiko").setLevel(logging.CRITICAL)
BULK = (4 if SAN else 32) << 20
CIPHERS = ["aes128-ctr", "aes192-ctr", "aes256-ctr"]
MACS = ["hmac-sha2-256", "hmac-sha2-512", "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"]
KEX = ["curve25519-sha256@libssh.org", "diffie-hellman-group16-sha512", "diffie-hellman-group14-sha256",
       "diffie-hellman-group-exchange-sha256"]
servers = {}


def server(lab, *lines):
    if lines not in servers:
        servers[lines] = lab.posternd(*lines)
    return servers[lines]


def key_of(lab):
    return paramiko.Ed25519Key.from_private_key_file(lab.userkey)


def transport(lab, daemon, prepare=lambda t: None):
    t = paramiko.Transport(("127.0.0.1", daemon.port))
    prepare(t)
    t.start_client(timeout=30)
    check(t.get_remote_server_key().get_base64() == lab.hostpub.split()[1], "another host key")
    return t


def logged_in(lab, daemon, prepare=lambda t: None):
    t = transport(lab, daemon, prepare)
    t.auth_publickey(lab.user, key_of(lab))
    check(t.is_authenticated(), "not authenticated")
    return t


def run(t, command, data=b""):
    """Output and exit status of a command; data on its input."""
    ch = t.open_session()
    ch.settimeout(60)
    ch.exec_command(command)
    feeder = threading.Thread(target=lambda: (ch.sendall(data), ch.shutdown_write()), daemon=True)
    feeder.start()
    out = []
    while True:
        d = ch.recv(65536)
        if not d:
            break
        out.append(d)
    feeder.join(30)
    status = ch.recv_exit_status()
    ch.close()
    return b"".join(out), status


# ---- paramiko -> posternd

def client_publickey(lab):
    t = logged_in(lab, server(lab))
    check(run(t, "echo hello; exit 3") == (b"hello\n", 3), "not what it said")
    t.close()


def client_key_type(lab, kind, bits, name):
    """As the host's key and as the user's, by the algorithm that paramiko chooses."""
    path = lab.key("of_type_" + name, type=kind, bits=bits)
    with open(path + ".pub") as pub, open(lab.authorized, "a") as f:
        f.write(pub.read())
    t = paramiko.Transport(("127.0.0.1", server(lab, "AlgorithmPreset compat", "HostKey " + path).port))
    t.get_security_options().key_types = [k for k in t.get_security_options().key_types
                                          if k == name or (kind == "rsa" and k.startswith("rsa-sha2-"))]
    t.start_client(timeout=30)
    check(t.get_remote_server_key().get_name() == name, "a host key of another type")
    t.auth_publickey(lab.user, getattr(paramiko, kind.upper() + "Key" if kind == "rsa" else "ECDSAKey")
                     .from_private_key_file(path))
    check(run(t, "echo hello") == (b"hello\n", 0), "not what it said")
    t.close()


def client_none_lists_methods(lab):
    t = transport(lab, server(lab))
    try:
        t.auth_none(lab.user)
        raise Failure("none was enough")
    except paramiko.BadAuthenticationType as e:
        check("publickey" in e.allowed_types, "allowed: %s" % e.allowed_types)
    t.auth_publickey(lab.user, key_of(lab))
    t.close()


def client_wrong_key(lab):
    t = transport(lab, server(lab))
    try:
        t.auth_publickey(lab.user, paramiko.Ed25519Key.from_private_key_file(lab.wrongkey))
        raise Failure("a stranger's key was enough")
    except paramiko.AuthenticationException:
        pass
    t.close()


@needs_root("an account with a password is made")
def client_password(lab):
    t = transport(lab, server(lab, "PasswordAuthentication yes"))
    try:
        t.auth_password(lab.user, "wrong", fallback=False)
        raise Failure("a wrong password was enough")
    except paramiko.AuthenticationException:
        pass
    t.auth_password(lab.user, lab.password)
    check(run(t, "echo in")[0] == b"in\n", "no command")
    t.close()


@needs_root("an account with a password is made")
def client_two_steps(lab):
    t = transport(lab, server(lab, "AuthenticationMethods publickey,password"))
    check(t.auth_publickey(lab.user, key_of(lab)) == ["password"], "what may come next was not told")
    check(t.auth_password(lab.user, lab.password) == [], "more was wanted")
    t.close()


@needs_root("an account with a password is made")
def client_interactive(lab):
    t = transport(lab, server(lab, "PasswordAuthentication no"))
    rounds = []

    def answer(title, instructions, prompts):
        rounds.append(prompts)
        return [lab.password for _ in prompts]
    t.auth_interactive(lab.user, answer)
    check(t.is_authenticated() and any(rounds), "asked: %s" % rounds)
    check(run(t, "echo in")[0] == b"in\n", "no command")
    # a password by way of the one hidden prompt
    t = transport(lab, server(lab, "PasswordAuthentication no"))
    t.auth_password(lab.user, lab.password)
    check(t.is_authenticated(), "no fallback")
    t.close()


def needs_compat(name):
    return name.startswith("diffie") or name in MACS[:2]


def client_algorithms(lab, attribute, name):
    def prepare(t):
        setattr(t, "_preferred_" + attribute, (name,))
    daemon = server(lab, *(["AlgorithmPreset compat"] if needs_compat(name) else []))
    if name.startswith("diffie") and not os.path.exists("/etc/ssh/moduli"):
        raise Failure("no /etc/ssh/moduli: openssh-server brings it")
    t = logged_in(lab, daemon, prepare)
    data = noise(1 << 20)
    check(run(t, "cat", data) == (data, 0), "a mebibyte came back otherwise")
    t.close()


def client_bulk_and_rekeys(lab):
    t = logged_in(lab, server(lab, "RekeyLimit 1M"))
    data = noise(BULK)
    check(run(t, "cat", data) == (data, 0), "bytes came back otherwise")
    for _ in range(3):
        t.renegotiate_keys()
    check(run(t, "echo still") == (b"still\n", 0), "no command after rekeying")
    t.close()


def client_compression(lab):
    t = logged_in(lab, server(lab), lambda t: t.use_compression(True))
    data = noise(1 << 18) + b"a" * (4 << 20) + noise(1 << 18)
    check(t.remote_compression == "zlib@openssh.com", "agreed on %s" % t.remote_compression)
    check(run(t, "cat", data) == (data, 0), "bytes came back otherwise")
    t.renegotiate_keys()
    check(run(t, "cat", data) == (data, 0), "bytes came back otherwise after a rekey")
    t.close()


def client_pty_env_subsystem(lab):
    t = logged_in(lab, server(lab, "AcceptEnv LAB_*"))
    ch = t.open_session()
    ch.settimeout(30)
    ch.set_environment_variable("LAB_X", "there")
    ch.exec_command("echo $LAB_X")
    check(ch.recv(100) == b"there\n", "no environment")
    ch = t.open_session()
    ch.settimeout(30)
    ch.get_pty("vt100", 132, 50)
    ch.exec_command("stty size; tty >/dev/null && echo $TERM")
    out = b""
    while not out.endswith(b"vt100\r\n"):
        d = ch.recv(100)
        check(d, "only %r came" % out)
        out += d
    check(out.startswith(b"50 132\r\n"), "size was %r" % out)
    ch = t.open_session()
    ch.settimeout(30)
    ch.invoke_subsystem("echo")
    ch.sendall(b"sub")
    check(ch.recv(10) == b"sub", "the subsystem does not echo")
    t.close()


def client_stderr_apart(lab):
    ch = logged_in(lab, server(lab)).open_session()
    ch.settimeout(30)
    ch.exec_command("echo out; echo err >&2")
    check(ch.makefile().read() == b"out\n" and ch.makefile_stderr().read() == b"err\n", "mixed up")


def client_keepalive(lab):
    t = logged_in(lab, server(lab, "ClientAliveInterval 1", "ClientAliveCountMax 2"))
    t.set_keepalive(1)
    time.sleep(4)
    check(run(t, "echo on")[0] == b"on\n", "not alive")
    t.close()


def client_direct_tcpip(lab):
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        s, _ = listener.accept()
        with s:
            while True:
                d = s.recv(65536)
                if not d:
                    break
                s.sendall(d)
    threading.Thread(target=serve, daemon=True).start()
    t = logged_in(lab, server(lab))
    ch = t.open_channel("direct-tcpip", listener.getsockname(), ("127.0.0.1", 4000))
    ch.settimeout(30)
    data, back = noise(1 << 20), b""
    threading.Thread(target=lambda: (ch.sendall(data), ch.shutdown_write()), daemon=True).start()
    while len(back) < len(data):
        d = ch.recv(65536)
        check(d, "%d of %d bytes came back" % (len(back), len(data)))
        back += d
    check(back == data, "bytes came back otherwise")
    try:
        t.open_channel("direct-tcpip", ("127.0.0.1", free_port()), ("127.0.0.1", 4000))
        raise Failure("a port where nobody listens was opened")
    except paramiko.ChannelException as e:
        check(e.code == 2, "refused with %d" % e.code)
    t.close()


def client_port_forward(lab):
    t = logged_in(lab, server(lab))
    got = {}

    def handler(ch, origin, where):
        got["origin"], got["where"] = origin, where
        threading.Thread(target=lambda: (ch.sendall(b"greeting"), ch.close()), daemon=True).start()
    port = t.request_port_forward("127.0.0.1", 0, handler)
    check(port > 0, "no port")
    with socket.create_connection(("127.0.0.1", port), 10) as s:
        s.settimeout(30)
        check(s.recv(100) == b"greeting", "nothing came through")
        check(got["origin"][1] == s.getsockname()[1], "origin %s" % (got["origin"],))
    t.cancel_port_forward("127.0.0.1", port)
    for _ in range(50):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            break
        time.sleep(0.1)
    else:
        raise Failure("still listening after the cancel")
    t.close()


def client_global_requests(lab):
    t = logged_in(lab, server(lab))
    check(t.global_request("nothing@example.org", wait=True) is None, "granted")
    t.send_ignore()
    t.send_ignore(1000)
    check(run(t, "echo on")[0] == b"on\n", "not alive")
    t.close()


# ---- postern -> paramiko

class House(paramiko.ServerInterface):
    def __init__(self, lab, methods="publickey,password"):
        self.lab, self.methods, self.seen, self.program = lab, methods, [], threading.Event()

    def get_allowed_auths(self, user):
        return self.methods

    def check_auth_publickey(self, user, key):
        if key.get_base64() != open(self.lab.userkey + ".pub").read().split()[1]:
            return paramiko.AUTH_FAILED
        # asked for the probe and again for the signature
        return paramiko.AUTH_SUCCESSFUL if "password" in self.methods else paramiko.AUTH_PARTIALLY_SUCCESSFUL

    def check_auth_password(self, user, password):
        return paramiko.AUTH_SUCCESSFUL if password == "foo" else paramiko.AUTH_FAILED

    def check_auth_interactive(self, user, submethods):
        return paramiko.InteractiveQuery("Door", "say it", ("Token: ", False), ("Friend: ", True))

    def check_auth_interactive_response(self, responses):
        return paramiko.AUTH_SUCCESSFUL if list(responses) == ["42", "mellon"] else paramiko.AUTH_FAILED

    def check_channel_direct_tcpip_request(self, chanid, origin, destination):
        self.seen.append((origin, destination))
        threading.Thread(target=self.serve_direct, daemon=True).start()
        return paramiko.OPEN_SUCCEEDED

    def serve_direct(self):
        ch = self.transport.accept(20)
        while ch is not None and ch.get_name() != "direct":
            ch.set_name("direct")
            ch.sendall(b"from %s:%d" % (self.seen[-1][1][0].encode(), self.seen[-1][1][1]))
            ch.close()

    def check_port_forward_request(self, address, port):
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self.serve_listener, args=(address,), daemon=True).start()
        return self.listener.getsockname()[1]

    def cancel_port_forward_request(self, address, port):
        self.listener.close()

    def serve_listener(self, address):
        s, origin = self.listener.accept()
        with s:
            ch = self.transport.open_forwarded_tcpip_channel(origin, (address, self.listener.getsockname()[1]))
            while True:
                d = ch.recv(65536)
                if not d:
                    break
                s.sendall(d)

    def check_channel_request(self, kind, chanid):
        return paramiko.OPEN_SUCCEEDED if kind == "session" else paramiko.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_exec_request(self, ch, command):
        self.seen.append(command)
        threading.Thread(target=self.serve, args=(ch, command), daemon=True).start()
        return True

    def serve(self, ch, command):
        time.sleep(0.3)     # paramiko answers the request when we are back, and must not have closed before
        if command == b"echo":
            while True:
                d = ch.recv(65536)
                if not d:
                    break
                ch.sendall(d)
        else:
            ch.sendall(b"out")
            ch.sendall_stderr(b"err")
        ch.send_exit_status(7)
        ch.close()


class Served:
    """One connection after the other, each with its own House."""

    def __init__(self, lab, prepare=lambda t: None, **kw):
        self.lab, self.prepare, self.kw, self.transports, self.houses = lab, prepare, kw, [], []
        self.name, self.log = "paramiko", os.devnull
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            t = paramiko.Transport(s)
            t.add_server_key(paramiko.Ed25519Key.from_private_key_file(self.lab.hostkey))
            self.prepare(t)
            house = House(self.lab, **self.kw)
            self.transports.append(t)
            self.houses.append(house)
            house.transport = t
            try:
                t.start_server(server=house)
            except (paramiko.SSHException, EOFError):
                pass

    def text(self):
        return ""

    def stop(self):
        self.listener.close()
        for t in self.transports:
            t.close()


def served(lab, **kw):
    s = Served(lab, **kw)
    lab.add(s)
    return s


def server_runs_a_command(lab):
    r = lab.postern(served(lab), command=["hello"])
    check((r.returncode, r.stdout, r.stderr[-3:]) == (7, b"out", b"err"), "%s" % r)


def server_algorithms(lab, attribute, name):
    s = served(lab, prepare=lambda t: setattr(t, "_preferred_" + attribute, (name,)))
    data = noise(1 << 20)
    r = lab.postern(s, *(["-o", "AlgorithmPreset=compat"] if needs_compat(name) else []), command=["echo"], input=data)
    check(r.returncode == 7 and r.stdout == data, "%d: %s" % (r.returncode, r.stderr[-300:]))


def server_rekeys_under_load(lab):
    s = served(lab)
    data = noise(BULK)
    r = lab.postern(s, "-o", "RekeyLimit=1M", command=["echo"], input=data, timeout=180)
    check(r.returncode == 7 and r.stdout == data, "%d: %s" % (r.returncode, r.stderr[-300:]))


def server_compression(lab):
    s = served(lab, prepare=lambda t: t.use_compression(True))
    data = b"b" * (2 << 20) + noise(1 << 18)
    r = lab.postern(s, "-o", "Compression=yes", command=["echo"], input=data)
    check(r.returncode == 7 and r.stdout == data, "%d: %s" % (r.returncode, r.stderr[-300:]))
    check(s.transports[-1].local_compression == "zlib@openssh.com", "no compression")


def on_terminal(lab, s, script, *flags):
    """postern with a person at the keyboard."""
    argv = [POSTERN, "-F", "none", "-p", str(s.port), *flags, "-o", "StrictHostKeyChecking=accept-new",
            "-o", "UserKnownHostsFile=" + lab.path("known_hosts"), "-o", "GlobalKnownHostsFile=none",
            "%s@127.0.0.1" % lab.user, "hello"]
    return lab.on_terminal(argv, script)


def server_password(lab):
    status, seen = on_terminal(lab, served(lab), [(b"assword:", b"wrong\n"), (b"assword:", b"foo\n")],
                               "-o", "PubkeyAuthentication=no")
    check(status == 7 and b"out" in seen and b"foo" not in seen, "%d: %r" % (status, seen))


def server_two_steps_and_prompts(lab):
    status, seen = on_terminal(lab, served(lab, methods="publickey,keyboard-interactive"), [(b"Token: ", b"42\n"), (b"Friend: ", b"mellon\n")],
                               "-i", lab.userkey)
    check(status == 7 and b"out" in seen and b"say it" in seen, "%d: %r" % (status, seen))


def forwarding(lab, s, *flags):
    """postern -N with those flags; to be killed."""
    argv = [POSTERN, "-F", "none", "-p", str(s.port), "-N", *flags, "-o", "StrictHostKeyChecking=accept-new",
            "-o", "UserKnownHostsFile=" + lab.path("known_hosts"), "-o", "GlobalKnownHostsFile=none",
            "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes", "-i", lab.userkey, "%s@127.0.0.1" % lab.user]
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL)


def connected(port, seconds=20):
    end = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 5)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def server_local_forward(lab):
    s, port = served(lab), free_port()
    p = forwarding(lab, s, "-L", "%d:example.org:4242" % port)
    try:
        with connected(port) as c:
            c.settimeout(20)
            check(c.recv(100) == b"from example.org:4242", "nothing came through")
    finally:
        p.kill()
        p.wait()


def server_remote_forward(lab):
    target, port, s = socket.create_server(("127.0.0.1", 0)), free_port(), served(lab)
    p = forwarding(lab, s, "-R", "127.0.0.1:%d:127.0.0.1:%d" % (port, target.getsockname()[1]))
    try:
        with connected(port) as c:
            c.settimeout(20)
            there, _ = target.accept()
            with there:
                there.sendall(b"through")
            check(c.recv(100) == b"through", "nothing came through")
    finally:
        p.kill()
        p.wait()


def server_refuses(lab):
    r = lab.postern(served(lab), key=lab.wrongkey, command=["hello"])
    check(r.returncode == 255 and b"ermission" in r.stderr, "%s" % r)


def main_cases():
    cases = [client_publickey, client_none_lists_methods, client_wrong_key, client_password, client_two_steps,
             client_bulk_and_rekeys, client_compression, client_pty_env_subsystem, client_stderr_apart,
             client_keepalive, client_direct_tcpip, client_port_forward, client_global_requests,
             server_runs_a_command, server_rekeys_under_load, server_compression, server_refuses, client_interactive, server_password,
             server_two_steps_and_prompts, server_local_forward, server_remote_forward]
    cases += [labelled("client key " + n, client_key_type, k, b, n) for k, b, n in (
        ("rsa", 2048, "ssh-rsa"), ("ecdsa", 256, "ecdsa-sha2-nistp256"), ("ecdsa", 521, "ecdsa-sha2-nistp521"))]
    for role, f in (("client", client_algorithms), ("server", server_algorithms)):
        cases += [labelled("%s kex %s" % (role, k), f, "kex", k) for k in KEX if role == "client" or k != KEX[-1]]
        cases += [labelled("%s cipher %s" % (role, c), f, "ciphers", c) for c in CIPHERS]
        cases += [labelled("%s mac %s" % (role, m), f, "macs", m) for m in MACS]
    return cases


if __name__ == "__main__":
    print("# paramiko %s" % paramiko.__version__)
    main(main_cases())
