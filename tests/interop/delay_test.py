#!/usr/bin/python3
"""delay_test.py - a refusal says nothing by its time or its bytes.

Real attempts against posternd with its real account helper: an account that exists,
one that does not, ones that may not log in; a wrong password, a wrong key, a wrong
answer.  The clock is read where packets leave and arrive, the attempts of all names
take turns, and medians are compared.  monitor_auth_test has the same with a clock of
its own, to the millisecond.  Runs under the system's python3, for Debian's paramiko.
"""
import os, statistics, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import SAN, check, labelled, main, needs_root
from pam_test import pam

import logging, warnings
warnings.filterwarnings("ignore")
import paramiko
from nacl.signing import SigningKey

logging.getLogger("paramiko").setLevel(logging.CRITICAL)

ROUNDS = 12 if SAN else 30
SETS = 3                        # at most: none is measured again but for a difference
DELAY = 0.050                   # fail_delay_ms, postern.h
REQUEST, FAILURE, RESPONSE = 50, 51, 61


def new_key():
    """Nobody's: the same key twice would be answered from the monitor's memory."""
    key = paramiko.Ed25519Key.__new__(paramiko.Ed25519Key)
    key._signing_key, key._verifying_key, key.public_blob = SigningKey.generate(), None, None
    return key


class Attempts:
    """One connection, whose refusals are timed and kept as they came."""

    def __init__(self, daemon, user):
        self.user, self.times, self.bytes, self.sent = user, [], set(), None
        self.t = paramiko.Transport(("127.0.0.1", daemon.port))
        self.t.start_client(timeout=30)
        packets = self.t.packetizer
        send, read = packets.send_message, packets.read_message

        def timed_send(data):
            if data.asbytes()[0] in (REQUEST, RESPONSE):
                self.sent = time.monotonic()
            return send(data)

        def timed_read():
            kind, m = read()
            if kind == FAILURE:
                self.times.append(time.monotonic() - self.sent)
                self.bytes.add(m.asbytes())
            return kind, m

        packets.send_message, packets.read_message = timed_send, timed_read

    def refused(self, attempt):
        before = len(self.times)
        try:
            attempt(self.t, self.user)
        except paramiko.AuthenticationException:
            pass
        check(not self.t.is_authenticated(), "let in")
        check(len(self.times) == before + 1, "%s: %d refusals" % (self.user, len(self.times) - before))


LINES = ("MaxAuthTries 1000", "PasswordAuthentication yes", "KbdInteractiveAuthentication yes",
         "PermitRootLogin no", "DenyUsers bin")


def alike(lab, attempt, least, *lines):
    compare(lab, lab.posternd(*LINES, *lines), attempt, least)


def alike_with_pam(lab, attempt):
    with pam(lab, "auth required pam_unix.so nodelay", "account required pam_unix.so",
             "session required pam_permit.so", lines=LINES) as s:
        compare(lab, s, attempt, DELAY)


def spread(peers):
    """How far apart they are in the quarter of their attempts that the machine's other work held up least."""
    usual = {p.user[:20]: statistics.quantiles(p.times, n=4)[0] for p in peers}
    print("# " + ", ".join("%s %.1f ms" % (u, 1000 * m) for u, m in usual.items()))
    least = min(usual.values())
    return max(usual.values()) - least, 0.010 + 0.1 * least


def compare(lab, s, attempt, least):
    peers = [Attempts(s, u) for u in (lab.user, "no-such-user", "root", "bin", "daemon", "x" * 200)]
    try:
        for _ in range(SETS):           # a hash that is not worked out would be 20 ms and more, in every set
            for p in peers:
                p.times.clear()
            for _ in range(ROUNDS):
                for p in peers:
                    p.refused(attempt)
            first = min(min(p.times) for p in peers)
            check(first >= least - 0.001, "a refusal after %.1f ms" % (1000 * first))
            apart, allowed = spread(peers)
            if apart < allowed:
                break
        said = set().union(*(p.bytes for p in peers))
        check(len(said) == 1, "refusals differ: %r" % said)
        check(apart < allowed, "they differ by %.1f ms" % (1000 * apart))
    finally:
        for p in peers:
            p.t.close()
        s.stop()


def with_key(t, user):
    t.auth_publickey(user, new_key())


def with_password(t, user):
    t.auth_password(user, "wrong", fallback=False)


def with_answer(t, user):
    t.auth_interactive(user, lambda name, text, prompts: ["wrong"] * len(prompts))


cases = [
    labelled("a wrong password takes as long for everybody", alike, with_password, DELAY),
    labelled("a wrong key takes as long for everybody", alike, with_key, DELAY),
    labelled("a wrong answer takes as long for everybody", alike, with_answer, DELAY),
    labelled("a wrong password takes as long for everybody with PAM", alike_with_pam, with_password),
    labelled("a wrong answer takes as long for everybody with PAM", alike_with_pam, with_answer),
    labelled("a wrong key takes as long with AuthorizedKeysCommand", alike, with_key, 0.1,
             "AuthorizedKeysCommand /bin/sleep 0.1", "AuthorizedKeysCommandUser nobody"),
]
for c in cases:
    needs_root("names of the system's accounts are only root's to serve")(c)

if __name__ == "__main__":
    main(cases)
