#!/bin/bash
# messages_md_test.sh - docs/messages.md is what messages.def says today.
set -u
cd "$(dirname "$0")/.." || exit 1
B=${BUILD:-build}
case "$B" in */san) SAN=1 ;; *) SAN= ;; esac
make -s SAN="$SAN" "$B/messages_md" >/dev/null || { echo "not ok messages_md: does not build"; exit 1; }
if "$B/messages_md" | cmp -s - docs/messages.md; then
	echo "ok messages_md"
else
	echo "not ok messages_md: run make docs/messages.md"
	exit 1
fi
