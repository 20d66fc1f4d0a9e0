#!/bin/bash
# ct_test.sh - no branch and no address depends on a secret: tests/ct.c under valgrind, as
# gcc and as clang compile it, with the options of the ordinary build.
#
# What valgrind said stands in BUILD/ct/COMPILER/valgrind.txt.
set -u
cd "$(dirname "$0")/.." || exit 1
B=${BUILD:-build}
fail=0

for cc in gcc clang; do
	if [ "$(basename "$B")" = san ]; then
		# valgrind and ASan each want to be the only one to watch memory
		echo "skip constant time, $cc: sanitizers"
		continue
	fi
	# the make that may have started this test has nothing to say to that one
	mkdir -p "$B/ct/$cc"
	# Debian 12's valgrind cannot read clang's DWARF 5
	if ! env -u MAKEFLAGS -u MFLAGS make --no-print-directory CC=$cc CFLAGS=-gdwarf-4 B="$B/ct/$cc" \
	    "$B/ct/$cc/tests/ct" >"$B/ct/$cc/make.txt" 2>&1; then
		echo "not ok constant time, $cc: does not build (see $B/ct/$cc/make.txt)"
		fail=1
		continue
	fi
	if ! valgrind --log-file="$B/ct/$cc/valgrind.txt" "$B/ct/$cc/tests/ct" ", $cc"; then
		echo "not ok constant time, $cc: see $B/ct/$cc/valgrind.txt"
		fail=1
	fi
done
exit $fail
