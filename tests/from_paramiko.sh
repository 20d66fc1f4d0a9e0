#!/bin/bash
# from_paramiko.sh - every test that docs/from-paramiko.md names has run and
# passed, by the logs that run.sh has just written.
#
# The table is a promise; a name in it that nobody runs would be an empty one.
set -u
B=${BUILD:-build}
cd "$(dirname "$0")/.." || exit 1
fail=0 count=0

ran() {	# name: cmocka's "ok N - name" or "ok name"; a skip is told as such
	cat "$B"/tests/log/*.txt | grep -qE "^ok ([0-9]+ - )?$1\$" ||
	cat "$B"/tests/log/*.txt | grep -qE "^(ok [0-9]+ # SKIP|skip) $1(:|\$)"
}

# the last column of a table's line, its words in backquotes
for name in $(sed -n -E 's/^\|.*\|([^|]*)\|$/\1/p' docs/from-paramiko.md | grep -oE '`[a-z0-9_]+`' | tr -d '`' | sort -u); do
	count=$((count + 1))
	ran "$name" && continue
	echo "not ok from-paramiko.md: $name did not run and pass"
	fail=1
done
if [ "$count" -lt 80 ]; then
	echo "not ok from-paramiko.md: only $count tests are named: was its table read?"
	fail=1
fi
# a name that is nobody's must be noticed
if ran nobody_has_this_name; then
	echo "not ok from-paramiko.md: the check cannot fail"
	fail=1
fi
[ "$fail" -ne 0 ] || echo "ok each of $count tests named in docs/from-paramiko.md has run"
exit "$fail"
