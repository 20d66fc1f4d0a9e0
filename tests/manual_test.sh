#!/bin/bash
# manual_test.sh - every call of postern.h stands in the synopsis of exactly one manual
# page, with the arguments that the header gives it; every error code has its line in
# postern.3; every keyword of the programs is in their own page.
#
# A manual that is one change behind its header is worse than none.
set -u
cd "$(dirname "$0")/.." || exit 1
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

# "name(arg, arg)" without blanks that do not matter, one a line
tidy() {
	tr -s ' \t\n' ' ' | tr ';' '\n' | sed -E 's/ ?([(),*]) ?/\1/g' |
		grep -oE 'postern_[a-z0-9_]+\(.*\)' | sort
}
sed '/^#define/d' include/postern.h | tr '\n' ' ' | sed -E 's,/\*([^*]|\*[^/])*\*/,,g' | tr ';' '\n' |
	grep -E 'POSTERN_(API|CHECKED)' | sed 's/$/;/' | tidy >"$tmp/header"
awk '/^\.Sh / { on = ($2 == "SYNOPSIS") }
	on && /^\.Fo / { line = $2 "("; comma = "" }
	on && /^\.Fa / { sub(/^\.Fa "?/, ""); sub(/"$/, ""); line = line comma $0; comma = "," }
	on && /^\.Fc/ { print line ");" }' include/postern_*.3 | tidy >"$tmp/manual"

case_of "the header was read" "$([ "$(wc -l <"$tmp/header")" -ge 150 ] || wc -l <"$tmp/header")"
case_of "manual and header have the same calls" \
	"$(diff "$tmp/header" "$tmp/manual" | grep '^[<>]' | head -n 6 | tr '\n' ' ')"
case_of "no call is in two pages" "$(uniq -d "$tmp/manual" | head -n 3 | tr '\n' ' ')"
# Every call with a time has a twin, but for the waits, whose events are others.
missing=
for call in $(grep -F 'int timeout_ms' "$tmp/header" | grep -oE '^postern_[a-z0-9_]+'); do
	case "$call" in
	*_accept|*_recv_exit_status|postern_next|postern_send_all|postern_recv_exactly|postern_read_line)
		continue ;;
	esac
	grep -q "^${call}_async(" "$tmp/header" || missing="$missing $call"
done
case_of "every call that waits has its twin" "$missing"
missing=
for code in $(grep -oE 'POSTERN_E[A-Z]+ += -1[0-9]+' include/postern.h | cut -d' ' -f1); do
	grep -qE "^\.It Dv $code\$" include/postern.3 || missing="$missing $code"
done
case_of "every code is in postern.3" "$missing"
# every keyword of a table of ours stands in that program's page
keywords_in() {	# table, page
	sed -nE 's/^[A-Z]+\(([A-Z][A-Za-z0-9]+), .*/\1/p' "$1" | while read -r word; do
		grep -qwF -- "$word" "$2" || printf ' %s' "$word"
	done
}
case_of "every keyword of posternd is in posternd.8" \
	"$(keywords_in apps/conf_keywords.def apps/posternd.8)"
case_of "every keyword of postern is in postern.1" \
	"$(keywords_in apps/client_keywords.def apps/postern.1)"
echo 'FLAG(PlantedKeyword, planted, "no")' >"$tmp/keywords"
case_of "a planted keyword is noticed" \
	"$([ -n "$(keywords_in "$tmp/keywords" apps/posternd.8)" ] || echo "it is not")"
echo 'postern_planted(void)' | sort -m - "$tmp/header" >"$tmp/planted"
case_of "a planted call is noticed" "$(diff -q "$tmp/planted" "$tmp/manual" >/dev/null && echo "it is not")"
exit "$fail"
