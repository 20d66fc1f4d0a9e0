#!/bin/sh
# symbols_test.sh - the exports of libpostern.so are those of tests/symbols.txt, and
# the header, the version script and the golden list agree.
#
# A name that goes away breaks programs; one that slips out is an ABI nobody meant.
set -u
cd "$(dirname "$0")/.." || exit 1
lib=${BUILD:-build}/lib/libpostern.so
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
fail=0

case_of() {	# name, what is wrong or nothing
	if [ -z "$2" ]; then
		echo "ok $1"
	else
		echo "not ok $1: $2"
		fail=1
	fi
}

# What two sorted lists do not share, on one line.
difference() {
	[ -s "$1" ] || { echo "$1 is empty"; return; }
	comm -3 "$1" "$2" | tr -d '\t' | tr '\n' ' '
}

# every function that the header marks
sed -e 's,/\*.*\*/,,' include/postern.h | tr '\n' ' ' | tr ';' '\n' |
	grep -E 'POSTERN_(API|CHECKED)' |
	grep -oE 'postern_[a-z0-9_]+\(' | tr -d '(' | sort -u >"$tmp/header"
grep -oE 'postern_[a-z0-9_]+;' include/postern.map | tr -d ';' | sort -u >"$tmp/map"
sort -u tests/symbols.txt >"$tmp/golden"
nm -D --defined-only "$lib" 2>/dev/null | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' |
	sort -u >"$tmp/lib"
nm -D --defined-only --with-symbol-versions "$lib" 2>/dev/null |
	awk '$2 != "A" && $3 !~ /@@POSTERN_0\.1$/ { print $3 }' >"$tmp/unversioned"

case_of "symbols.txt and header" "$(difference "$tmp/golden" "$tmp/header")"
case_of "symbols.txt and version script" "$(difference "$tmp/golden" "$tmp/map")"
case_of "symbols.txt and library" "$(difference "$tmp/golden" "$tmp/lib")"
case_of "every export has its version" "$(tr '\n' ' ' <"$tmp/unversioned")"

# The test must be able to fail: a name that nobody exports is found missing.
echo postern_planted | sort -m - "$tmp/golden" >"$tmp/planted"
case_of "a planted name is noticed" \
	"$([ "$(difference "$tmp/planted" "$tmp/lib")" = "postern_planted " ] || echo "it is not")"

# The header alone, as a program of another language sees it.
header_alone() {
	printf '#include <postern.h>\nint main() { struct postern_login l; (void)l; return 0; }\n' |
		clang "$@" -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude - 2>&1 | head -n 3
}
case_of "header is clean as C99" "$(header_alone -xc -std=c99)"
case_of "header is clean as C++17" "$(header_alone -xc++ -std=c++17)"
exit "$fail"
