#!/usr/bin/env python3
"""registry.py - every algorithm with every peer that comes from a registry other than Debian's.

`make check-interop` runs it.  Each peer is built below BUILD/interop from the files in peers/, which pin the
library's version; the language's own tools must be there.  matrix.py says what a case is.
"""
import os, shutil, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import BUILD, Failure, main
from matrix import (AT_ONCE, CBC, CHACHA, CTR, CURVE, DH, DH1, DH18, ECDSA, ED, ETM, GCM, GEX, MLKEM, MLKEM_NIST, NISTP,
                    PEERS, RSA, SHA1, SHA1_ETM, SHA1_RSA, SHA2, SNTRUP_BOTH, DSS, Peer, cases_of, making)

PLACE = os.path.join(BUILD, "interop")
PYTHON = os.path.join(PLACE, "bin", "python3")


NEEDED = {"go": "Go 1.26", "cargo": "Rust 1.85", "npm": "npm", "node": "Node.js 18", "mvn": "Maven", "javac": "JDK 17",
          "java": "Java 17"}


def tool(name):
    path = shutil.which(name)
    if path is None:
        raise Failure("%s or newer is needed for this peer, and %s was not found" % (NEEDED[name], name))
    return path


TRIES = 3       # a registry may have a bad minute


def run(argv, cwd, **env):
    for left in reversed(range(TRIES)):
        r = subprocess.run(argv, cwd=cwd, env=dict(os.environ, **env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           timeout=1200)
        if r.returncode == 0:
            return
        if left == 0:
            raise Failure("%s: %s" % (" ".join(argv[:3]), r.stdout.decode(errors="replace")[-1500:]))
        time.sleep(10)


def copied(name):
    """The peer's own files, copied: builders write beside them."""
    place = os.path.join(PLACE, name)
    shutil.copytree(os.path.join(PEERS, name), place, dirs_exist_ok=True)
    return place


def build_go():
    place = copied("go")
    run([tool("go"), "build", "-o", "peer", "."], place, CGO_ENABLED="0")
    return [os.path.join(place, "peer")]


def build_russh():
    place = copied("russh")
    run([tool("cargo"), "build", "-q", "--locked"], place)
    return [os.path.join(place, "target", "debug", "russh_peer")]


def build_node():
    place = copied("node")
    run([tool("npm"), "ci", "--ignore-scripts", "--no-audit", "--no-fund"], place)
    return [tool("node"), os.path.join(place, "peer.js")]


def build_mina():
    place = copied("mina")
    jars, classes = os.path.join(place, "jars"), os.path.join(place, "classes")
    run([tool("mvn"), "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=" + jars], place)
    run([tool("javac"), "-d", classes, "-cp", jars + "/*", "src/main/java/Peer.java"], place)
    return [tool("java"), "-XX:TieredStopAtLevel=1", "-cp", classes + ":" + jars + "/*", "Peer"]


def once(build):
    """Built by the first case that needs it; if that fails, each case says why."""
    kept = {}

    def argv(lab):
        with making:
            if not kept:
                try:
                    kept["argv"] = build()
                except (Failure, OSError, subprocess.TimeoutExpired) as e:
                    kept["why"] = str(e)
        if "why" in kept:
            raise Failure(kept["why"])
        return kept["argv"]
    return argv


def python(script):
    return lambda lab: [PYTHON, "-W", "ignore", os.path.join(PEERS, script)]


peers = [
    # paramiko names curve25519 by its older name only
    Peer("paramiko-pypi", python("paramiko_peer.py"), MLKEM + CURVE[1:] + NISTP + DH + GEX, ED + ECDSA + RSA, GCM + CTR,
         ETM + SHA2),
    Peer("asyncssh-pypi", python("asyncssh_peer.py"), MLKEM + MLKEM_NIST + CURVE + NISTP + DH + DH18 + DH1 + GEX, ED + ECDSA + RSA + SHA1_RSA + DSS,
         CHACHA + GCM + CTR + CBC, ETM + SHA2 + SHA1 + SHA1_ETM),
    Peer("x-crypto", once(build_go), MLKEM + CURVE + NISTP + DH + DH1, ED + ECDSA + RSA + SHA1_RSA, CHACHA + GCM + CTR,
         ETM + SHA2 + SHA1),
    Peer("russh", once(build_russh), MLKEM + CURVE + NISTP + DH + DH18 + DH1, ED + ECDSA + RSA, CHACHA + GCM + CTR + CBC,
         ETM + SHA2 + SHA1 + SHA1_ETM),
    Peer("ssh2", once(build_node), CURVE + NISTP + DH + DH18 + DH1, ED + ECDSA + RSA + SHA1_RSA, CHACHA + GCM + CTR + CBC,
         ETM + SHA2 + SHA1 + SHA1_ETM),
    Peer("mina", once(build_mina), MLKEM + MLKEM_NIST + SNTRUP_BOTH + CURVE + NISTP + DH + DH18 + DH1,
         ED + ECDSA + RSA + SHA1_RSA, CHACHA + GCM + CTR + CBC, ETM + SHA2 + SHA1 + SHA1_ETM),
]
cases = [c for p in peers for c in cases_of(p)]

if __name__ == "__main__":
    main(cases, AT_ONCE)
