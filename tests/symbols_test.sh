#!/bin/sh
# symbols_test.sh - the exports of libpostern.so are those of tests/symbols.txt, and
# the header, the version script and the golden list agree.
#
#   tests/symbols_test.sh [BUILD]        BUILD is build, or build/san
#
# A name that goes away breaks programs; one that slips out is an ABI nobody meant.
set -eu
cd "$(dirname "$0")/.."
lib=${1:-build}/lib/libpostern.so
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# every function that the header marks
sed -e 's,/\*.*\*/,,' include/postern.h | tr '\n' ' ' | tr ';' '\n' |
	grep -E 'POSTERN_(API|CHECKED)' |
	grep -oE 'postern_[a-z_]+\(' | tr -d '(' | sort -u >"$tmp/header"
# every name in the version script
grep -oE 'postern_[a-z_]+;' include/postern.map | tr -d ';' | sort -u >"$tmp/map"
sort -u tests/symbols.txt >"$tmp/golden"

fail=0
for other in header map; do
	if ! diff -u "$tmp/golden" "$tmp/$other" >"$tmp/diff"; then
		echo "FAIL: tests/symbols.txt differs from the $other"
		cat "$tmp/diff"
		fail=1
	fi
done
nm -D --defined-only "$lib" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
	sort -u >"$tmp/lib"
if ! diff -u "$tmp/golden" "$tmp/lib" >"$tmp/diff"; then
	echo "FAIL: tests/symbols.txt differs from what $lib exports"
	cat "$tmp/diff"
	fail=1
fi
# all of them under our version, and none of a name the host may use itself
if nm -D --defined-only --with-symbol-versions "$lib" | awk '$2 != "A" { print $3 }' |
	grep -v '@@POSTERN_0\.1$'; then
	echo "FAIL: exports without the version POSTERN_0.1"
	fail=1
fi
# the header stands alone in C99 and in C++17
for how in "-xc -std=c99 -Wpedantic" "-xc++ -std=c++17"; do
	compiler=${CC:-cc}
	case $how in *c++*) compiler=${CXX:-c++} ;; esac
	if ! command -v "$compiler" >/dev/null; then
		echo "FAIL: $compiler is missing"
		fail=1
	# the word splitting is meant
	# shellcheck disable=SC2086
	elif ! printf '#include <postern.h>\nint main(void) { struct postern_login l; (void)l; return 0; }\n' |
		$compiler $how -Wall -Wextra -Werror -fsyntax-only -Iinclude -; then
		echo "FAIL: postern.h is not clean with $how"
		fail=1
	fi
done
[ "$fail" -eq 0 ] && echo "ok: $(wc -l <"$tmp/golden") exports"
exit "$fail"
