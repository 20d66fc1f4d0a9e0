#!/usr/bin/python3
"""hostkeys_test.py - host keys that change: a server tells and proves the ones it has
(hostkeys-00@openssh.com), and a client keeps its known_hosts up to date by it.  And logins
that are good for one host key only (publickey-hostbound-v00@openssh.com), and keys that go to an agent.
"""
import contextlib, os, subprocess, threading, time

from lab import POSTERN, check, labelled, main, need


def key(lab, kind, *flags):
    path = lab.path("host_" + kind)
    subprocess.run([need("ssh-keygen"), "-q", "-t", kind, *flags, "-N", "", "-f", path], check=True)
    with open(path + ".pub") as f:
        return path, " ".join(f.read().split()[:2])


def keys_in(known):
    """What a known_hosts file says, without the names."""
    with open(known) as f:
        return sorted(" ".join(line.split()[1:3]) for line in f if line.strip())


def text_of(path):
    with open(path) as f:
        return f.read()


def put(path, text):
    with open(path, "w") as f:
        f.write(text)


LASTS = "i=0; until [ -e %s ] || [ $i -gt 200 ]; do sleep 0.1; i=$((i + 1)); done"


def go(lab):
    """The file for which a command that LASTS waits, 20 s at most."""
    return os.path.join(lab.dir, "go")


def until_changed(lab, known, run):
    """Runs run(command) with a command that lasts until known_hosts has changed or go is there, 20 s at most."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(go(lab))
    was, over = text_of(known), threading.Event()

    def watch():
        while not over.wait(0.05):
            with contextlib.suppress(FileNotFoundError):
                if text_of(known) != was:
                    return put(go(lab), "")

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        return run(LASTS % go(lab))
    finally:
        over.set()
        watcher.join()


def then_go(lab, answer):
    """An answer on a terminal after which nothing changes: the command ends a second later."""
    def write(fd):
        os.write(fd, answer)
        threading.Timer(1, put, (go(lab), "")).start()
    return write


def ssh(lab, server, known, *args, command="true"):
    """What lab.ssh does not let be said otherwise: known_hosts, and a log that tells all."""
    return lab.run([need("ssh"), "-F", "/dev/null", "-vvv", "-p", str(server.port), "-o", "StrictHostKeyChecking=yes",
                    "-o", "UserKnownHostsFile=" + known, "-o", "GlobalKnownHostsFile=/dev/null",
                    "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", *args, "-i", lab.userkey,
                    "%s@127.0.0.1" % lab.user, command])


def ssh_learns_our_other_keys(lab):
    rsa, rsa_pub = key(lab, "rsa", "-b", "3072")
    d = lab.posternd("HostKey " + rsa)
    known = lab.path("known_hosts")
    for alg in "ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256":
        with open(known, "w") as f:      # ssh learns from hosts only that it knows already
            f.write("[127.0.0.1]:%d %s\n" % (d.port, rsa_pub if alg.startswith("rsa") else lab.hostpub))
        r = until_changed(lab, known, lambda command: ssh(
            lab, d, known, "-o", "UpdateHostKeys=yes", "-o", "HostKeyAlgorithms=" + alg +
            ",ssh-ed25519,rsa-sha2-512,rsa-sha2-256", command=command))
        said = r.stderr.decode()
        check(r.returncode == 0, said)
        check("client_input_hostkeys" in said, "it was told of no host keys:\n" + said)
        check(keys_in(known) == sorted([lab.hostpub, rsa_pub]), "%s: known_hosts has %s\n%s" % (
            alg, keys_in(known), said))


BOUND = "publickey-hostbound-v00@openssh.com"


def ssh_binds_its_login_to_our_key(lab):
    """OpenSSH PROTOCOL 3.1; -vvv shows what was announced, and what ssh signed for."""
    d = lab.posternd()
    r = ssh(lab, d, lab.write("known", "[127.0.0.1]:%d %s\n" % (d.port, lab.hostpub)))
    said = r.stderr.decode()
    check(r.returncode == 0, said)
    check("publickey-hostbound@openssh.com=<0>" in said, "not announced:\n" + said)
    check("using " + BOUND in said, "not used:\n" + said)


def postern_binds_its_login_to_their_key(lab):
    d = lab.sshd()
    r = lab.postern(d, command=["true"])
    check(r.returncode == 0, r.stderr.decode())
    with open(d.log, errors="replace") as f:
        log = f.read()
    check("Postponed " + BOUND in log, "not used:\n" + log[-3000:])


def with_agent(lab, run):
    """Runs it with SSH_AUTH_SOCK of an agent of its own, and what says what that one has."""
    path = lab.path("agent")
    p = subprocess.Popen([need("ssh-agent"), "-D", "-a", path], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            env = dict(os.environ, SSH_AUTH_SOCK=path)
            if lab.run([need("ssh-add"), "-l"], env=env).returncode != 2:   # it answers
                break
            time.sleep(0.05)
        run(env, lambda: lab.run([need("ssh-add"), "-L"], env=env).stdout.decode())
    finally:
        p.terminate()
        p.wait()


def an_agent_signs_bound_logins(lab):
    """With a key that ssh-add restricted to this one server: the agent looks into what it signs."""
    for server in lab.posternd(), lab.sshd():
        known = lab.write("known", "[127.0.0.1]:%d %s\n" % (server.port, lab.hostpub))

        def run(env, has):
            a = lab.run([need("ssh-add"), "-q", "-H", known, "-h", "[127.0.0.1]:%d" % server.port, lab.userkey],
                        env=env)
            check(a.returncode == 0, a.stderr.decode())
            r = lab.run([POSTERN, "-F", "none", "-p", str(server.port), "-o", "StrictHostKeyChecking=yes",
                         "-o", "UserKnownHostsFile=" + known, "-o", "GlobalKnownHostsFile=none", "-o", "BatchMode=yes",
                         "%s@127.0.0.1" % lab.user, "true"], env=env)
            check(r.returncode == 0, "%s: %s" % (server.name, r.stderr.decode()))
        with_agent(lab, run)


def postern_adds_keys_to_the_agent(lab):
    """AddKeysToAgent: every type that a file can hold, and the agent then logs in with it."""
    def run(env, has):
        for kind, bits in ("ed25519", 256), ("rsa", 2048), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("dsa", 1024):
            path, pub = key(lab, kind, "-b", str(bits))
            server = lab.posternd("AlgorithmPreset compat", "PubkeyAcceptedAlgorithms +ssh-dss")
            with open(lab.authorized, "a") as f:
                f.write(pub + "\n")
            known = lab.write("known", "[127.0.0.1]:%d %s\n" % (server.port, lab.hostpub))

            def login(*args):
                return lab.run([POSTERN, "-F", "none", "-p", str(server.port), "-o", "UserKnownHostsFile=" + known,
                                "-o", "AlgorithmPreset=compat", "-o", "PubkeyAcceptedAlgorithms=+ssh-dss", "-o", "StrictHostKeyChecking=yes", "-o",
                                "GlobalKnownHostsFile=none", "-o", "BatchMode=yes", *args,
                                "%s@127.0.0.1" % lab.user, "true"], env=env)
            for how in "no", "ask":             # nobody can be asked
                r = login("-i", path, "-o", "AddKeysToAgent=" + how)
                check(r.returncode == 0 and pub not in has(), "%s %s: %s" % (kind, how, r.stderr.decode()))
            r = login("-i", path, "-o", "AddKeysToAgent=yes")
            check(r.returncode == 0, r.stderr.decode())
            check(pub in has(), "%s: not in the agent: %s\n%s" % (kind, has(), r.stderr.decode()))
            os.rename(path, path + ".away")     # what logs in now is the agent
            r = login("-v")
            check(r.returncode == 0 and b"offering the agent's key" in r.stderr, r.stderr.decode())
            lab.run([need("ssh-add"), "-D"], env=env)
            server.stop()
        path, pub = key(lab, "ed25519")
        server = lab.posternd()
        with open(lab.authorized, "a") as f:
            f.write(pub + "\n")
        r = lab.run([POSTERN, "-F", "none", "-p", str(server.port), "-o", "StrictHostKeyChecking=no", "-o",
                     "UserKnownHostsFile=none", "-o", "GlobalKnownHostsFile=none", "-o", "BatchMode=yes", "-i", path,
                     "-o", "AddKeysToAgent=2s", "%s@127.0.0.1" % lab.user, "true"], env=env)
        check(r.returncode == 0 and pub in has(), "a lifetime: " + r.stderr.decode())
        time.sleep(3.5)
        check(pub not in has(), "it outlived its lifetime")
    with_agent(lab, run)


def postern_argv(lab, server, known, *args, command="sleep 0.5"):
    """A name of its own: a server that is begun anew has another port."""
    return [POSTERN, "-F", "none", "-p", str(server.port), "-o", "HostKeyAlias=the-host", "-o", "AlgorithmPreset=compat",
            *args, "-o", "UserKnownHostsFile=" + known, "-o", "StrictHostKeyChecking=yes",
            "-o", "GlobalKnownHostsFile=none", "-i", lab.userkey, "%s@127.0.0.1" % lab.user, command]


def several(lab, kind, first, *others):
    """A server with these host keys."""
    return getattr(lab, kind)(*["HostKey " + k for k in others], *(["AlgorithmPreset compat"] if kind == "posternd" else []),
                              hostkey=first)


def postern_learns_and_forgets(lab, kind):
    """A rotation from its first day to its last; the last key is one that was learnt."""
    rsa, rsa_pub = key(lab, "rsa", "-b", "3072")
    ec, ec_pub = key(lab, "ecdsa", "-b", "256")
    other, other_pub = key(lab, "ed25519")
    known = lab.write("known", "# mine\nelsewhere %s\nthe-host %s mine\n# the end" % (other_pub, lab.hostpub))
    os.chmod(known, 0o640)
    before = os.stat(known)
    s = several(lab, kind, lab.hostkey, rsa, ec)
    update = "-o", "UpdateHostKeys=yes"
    r = lab.run(postern_argv(lab, s, known))                    # nobody asked for it
    check(r.returncode == 0 and os.stat(known).st_mtime_ns == before.st_mtime_ns, r.stderr.decode())
    r = until_changed(lab, known, lambda command: lab.run(postern_argv(lab, s, known, *update, command=command)))
    said = r.stderr.decode()
    check(r.returncode == 0 and said.count("Learned new hostkey: ") == 2 and "obsolete" not in said, said)
    lines = text_of(known).splitlines()
    check(lines[:4] == ["# mine", "elsewhere " + other_pub, "the-host %s mine" % lab.hostpub, "# the end"] and
          sorted(lines[4:]) == sorted(["the-host " + rsa_pub, "the-host " + ec_pub]), "known_hosts: %r" % lines)
    check(os.stat(known).st_mode == before.st_mode and not [f for f in os.listdir(os.path.dirname(known)) if
          f.startswith(os.path.basename(known) + ".")], "mode, or a temporary file")
    mark = os.stat(known).st_mtime_ns
    r = lab.run(postern_argv(lab, s, known, *update))           # all is known: nothing is said, nothing written
    check(r.returncode == 0 and not r.stderr and os.stat(known).st_mtime_ns == mark, r.stderr.decode())
    for alg in "rsa-sha2-256", "ecdsa-sha2-nistp256":
        r = lab.run(postern_argv(lab, s, known, "-o", "HostKeyAlgorithms=" + alg))
        check(r.returncode == 0, "%s: %s" % (alg, r.stderr.decode()))
    s = several(lab, kind, rsa)                                 # the old ones are gone
    r = until_changed(lab, known, lambda command: lab.run(postern_argv(lab, s, known, *update, command=command)))
    said = r.stderr.decode()
    check(r.returncode == 0 and said.count("Deprecating obsolete hostkey: ") == 2 and "Learned" not in said, said)
    check(text_of(known).splitlines() == ["# mine", "elsewhere " + other_pub, "# the end", "the-host " + rsa_pub],
          "known_hosts: %r" % text_of(known))
    r = lab.run(postern_argv(lab, s, known))
    check(r.returncode == 0, "with the new key alone: " + r.stderr.decode())


def postern_asks_before_it_changes_keys(lab):
    rsa, rsa_pub = key(lab, "rsa", "-b", "3072")
    s = several(lab, "sshd", lab.hostkey, rsa)
    text = "the-host %s\n" % lab.hostpub
    known = lab.write("known", text)

    def asked(*script):
        return until_changed(lab, known, lambda command: lab.on_terminal(postern_argv(
            lab, s, known, "-o", "UpdateHostKeys=ask", "-tt", command=command + "; exit 7"), script))

    again = (b"'yes' or 'no'", b"maybe\n"), (b"'yes' or 'no'", then_go(lab, b"maybe\n"))
    for script in [(b"Accept updated hostkeys?", then_go(lab, b"no\n"))], [(b"Accept updated hostkeys?", b"perhaps\n"), *again]:
        status, seen = asked(*script)
        check(status == 7 and b"Learned new hostkey: ssh-rsa SHA256:" in seen, "%r" % seen)
        check(text_of(known) == text, "declined, and written: %r" % text_of(known))
    argv = postern_argv(lab, s, known, "-o", "UpdateHostKeys=ask", "-tt", command="sleep 1; exit 7")
    r = lab.run(argv[:1] + ["-o", "BatchMode=yes"] + argv[1:])  # nobody can be asked: nothing is
    check(r.returncode == 7 and b"hostkey" not in r.stderr and text_of(known) == text, r.stderr.decode())
    status, seen = asked((b"Accept updated hostkeys?", b"yes\n"))
    check(status == 7, "%r" % seen)
    check(text_of(known) == text + "the-host %s\n" % rsa_pub, "accepted: %r" % text_of(known))
    status, seen = lab.on_terminal(argv, [])
    check(status == 7 and b"hostkey" not in seen, "asked again: %r" % seen)


def postern_learns_at_first_contact(lab):
    """After a person's yes, hashed; not where a new key is taken unasked."""
    rsa, rsa_pub = key(lab, "rsa", "-b", "3072")
    s = several(lab, "sshd", lab.hostkey, rsa)
    known = lab.path("known_first")

    def met():
        """What the yes writes comes long before the second change, which is waited for in what is said."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(go(lab))
        return lab.on_terminal(postern_argv(
            lab, s, known, "-o", "UpdateHostKeys=yes", "-o", "StrictHostKeyChecking=ask", "-o", "HashKnownHosts=yes",
            command=LASTS % go(lab) + "; exit 7"),
            [(b"continue connecting", b"yes\n"), (b"Learned new hostkey", then_go(lab, b""))])

    status, seen = met()
    check(status == 7 and b"Learned new hostkey" in seen, "%r" % seen)
    check(keys_in(known) == sorted([lab.hostpub, rsa_pub]), "known_hosts: %r" % text_of(known))
    check(all(line.startswith("|1|") for line in text_of(known).splitlines()), "not hashed: %r" % text_of(known))
    r = lab.run(postern_argv(lab, s, known, "-o", "HostKeyAlgorithms=rsa-sha2-512"))
    check(r.returncode == 0, r.stderr.decode())
    put(known, "elsewhere ssh-ed25519 damaged")  # the line of the yes comes behind what was read
    status, seen = met()
    check(status == 7 and b"Learned new hostkey" in seen, "%r" % seen)
    check(keys_in(known) == sorted([lab.hostpub, rsa_pub, "ssh-ed25519 damaged"]), "known_hosts: %r" % text_of(known))
    os.unlink(known)
    r = lab.run(postern_argv(lab, s, known, "-o", "UpdateHostKeys=yes", "-o", "StrictHostKeyChecking=accept-new"))
    check(r.returncode == 0 and b"Learned" not in r.stderr and keys_in(known) == [lab.hostpub], r.stderr.decode())
    os.unlink(known)
    r = lab.run(postern_argv(lab, s, "/dev/null", "-o", "UpdateHostKeys=yes", "-o", "StrictHostKeyChecking=no"))
    check(r.returncode == 0 and b"Learned" not in r.stderr, r.stderr.decode())


def postern_leaves_files_alone(lab):
    """Another's change meanwhile; keys of the administrator's file; a link stays a link."""
    rsa, rsa_pub = key(lab, "rsa", "-b", "3072")
    s = several(lab, "sshd", lab.hostkey, rsa)
    text = "the-host %s\n" % lab.hostpub
    known, update = lab.write("known", text), ("-o", "UpdateHostKeys=yes")

    def other_writes(fd):
        with open(known, "a") as f:
            f.write("another %s\n" % rsa_pub)
        then_go(lab, b"yes\n")(fd)

    argv = postern_argv(lab, s, known, "-o", "UpdateHostKeys=ask", command=LASTS % go(lab) + "; exit 7")
    status, seen = lab.on_terminal(argv, [(b"Accept updated hostkeys?", other_writes)])
    check(status == 7 and b"is left as it is: it has changed" in seen, "%r" % seen)
    check(text_of(known) == text + "another %s\n" % rsa_pub, "%r" % text_of(known))
    r = lab.run(postern_argv(lab, s, known, *update))           # now another name has that key
    check(r.returncode == 0 and not r.stderr and text_of(known).startswith(text), "another name: " + r.stderr.decode())
    world = lab.write("global", text)
    put(known, "")
    r = lab.run(postern_argv(lab, s, known, *update, "-o", "GlobalKnownHostsFile=" + world))
    check(r.returncode == 0 and text_of(known) == "" and text_of(world) == text, "global: " + r.stderr.decode())
    put(known, text)
    link = lab.path("link")
    os.symlink(known, link)
    r = until_changed(lab, known, lambda command: lab.run(postern_argv(lab, s, link, *update, command=command)))
    check(r.returncode == 0 and os.path.islink(link) and keys_in(known) == sorted([lab.hostpub, rsa_pub]),
          "a link: " + r.stderr.decode())


CASES = [labelled("postern_learns_and_forgets sshd", postern_learns_and_forgets, "sshd"),
         labelled("postern_learns_and_forgets posternd", postern_learns_and_forgets, "posternd"),
         postern_asks_before_it_changes_keys, postern_learns_at_first_contact, postern_leaves_files_alone,
         postern_adds_keys_to_the_agent, ssh_binds_its_login_to_our_key, postern_binds_its_login_to_their_key, an_agent_signs_bound_logins,
         ssh_learns_our_other_keys]

if __name__ == "__main__":
    main(CASES)
