#!/usr/bin/env python3
"""audit_test.py - what ssh-audit says of posternd's presets.

By default nothing fails and the one warning is that curve25519 is not post-quantum; with pq-only there is none.
SSH_AUDIT is the program, which comes from PyPI: `make check-interop` installs it and runs this, `make check` does not.
"""
import json, os, re, subprocess, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import check, labelled, main, need

AUDIT = os.environ.get("SSH_AUDIT") or need("ssh-audit")
NOT_PQ = "does not provide protection against post-quantum attacks"
# Advice that is neither a warning nor a failure of an algorithm: what peers without strict key exchange are open
# to, and that a scan from 127.0.0.1 is let in as fast as it comes (MaxStartups bounds how many at once).
ADVICE = (r"properly supports the strict key exchange method", r"insufficient connection throttling")
servers = {}


def server(lab, preset):
    if preset not in servers:
        rsa = lab.path("host_rsa")
        if not os.path.exists(rsa):
            subprocess.run([need("ssh-keygen"), "-q", "-t", "rsa", "-b", "3072", "-N", "", "-f", rsa], check=True)
        lines = ["HostKey " + rsa] + (["AlgorithmPreset " + preset] if preset else [])
        servers[preset] = lab.posternd(*lines)
    return servers[preset]


def audit(lab, preset):
    """Its findings as (list, algorithm, level, text), its notes, and the algorithms it saw."""
    r = lab.run([AUDIT, "-j", "-p", str(server(lab, preset).port), "127.0.0.1"], timeout=120)
    check(r.returncode in (0, 2, 3), "ssh-audit failed: %d %r" % (r.returncode, r.stderr[-500:]))
    said = json.loads(r.stdout)
    seen = {k: {a["algorithm"]: a for a in said[k]} for k in ("kex", "key", "enc", "mac")}
    check(all(seen.values()), "an empty list: %r" % seen)
    found = [(k, name, level, text) for k, algorithms in seen.items() for name, a in algorithms.items()
             for level in ("fail", "warn") for text in a.get("notes", {}).get(level, [])]
    return found, said.get("additional_notes", []) + said["cves"], seen


def nothing_else(found, notes, allowed):
    for f in found:
        check(f[2:] == ("warn", NOT_PQ) and re.match(allowed, f[1]), "%s %s: [%s] %s" % f)
    for n in notes:
        check(any(re.search(a, str(n)) for a in ADVICE), "a note: %s" % n)


def default(lab):
    found, notes, seen = audit(lab, None)
    nothing_else(found, notes, "curve25519-sha256")
    check(found, "curve25519 is no longer warned of: is it still offered?")
    check({"ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"} == set(seen["key"]), "host keys: %s" % list(seen["key"]))


def modern_is_the_default(lab):
    check(audit(lab, None)[2] == audit(lab, "modern")[2], "modern is not the default")


def pq_only(lab):
    found, notes, seen = audit(lab, "pq-only")
    nothing_else(found, notes, "nothing$")
    check(not any("curve25519-sha256" in k for k in seen["kex"]), "%s" % list(seen["kex"]))


def compat_is_seen_through(lab):
    """That the test can fail: ssh-audit does find fault with what compat adds."""
    found, notes, seen = audit(lab, "compat")
    check(any(f[2] == "warn" and f[3] != NOT_PQ for f in found), "no warning: %r" % found)


if __name__ == "__main__":
    print("# " + subprocess.run([AUDIT, "--help"], capture_output=True, text=True).stdout.split("# ")[1].split(",")[0])
    main([default, modern_is_the_default, pq_only, compat_is_seen_through])
