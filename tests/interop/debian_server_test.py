#!/usr/bin/env python3
"""debian_server_test.py - postern against the servers of Debian's packages, with every algorithm that both have.

matrix.py says what a case is, debian.py who they are.
"""
import os, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from debian import peers
from lab import main
from matrix import AT_ONCE, cases_of

cases = [c for p in peers for c in cases_of(p, ("server",))]

if __name__ == "__main__":
    main(cases, AT_ONCE)
