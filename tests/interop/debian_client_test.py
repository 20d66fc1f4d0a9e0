#!/usr/bin/env python3
"""debian_client_test.py - the clients of Debian's packages against posternd, with every algorithm that both have.

matrix.py says what a case is, debian.py who they are.
"""
import os, sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from debian import met_elsewhere, peers
from lab import main
from matrix import AT_ONCE, all_met, cases_of

cases = [c for p in peers for c in cases_of(p, ("client",))]
cases.append(all_met(peers, met_elsewhere))

if __name__ == "__main__":
    main(cases, AT_ONCE)
