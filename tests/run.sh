#!/bin/bash
# run.sh BUILD - runs every test under a build folder and sums up.
#
# A test is a program BUILD/tests/*_test (cmocka), tests/*_test.sh, or
# tests/interop/*_test.py.  All of them print one line per case:
#	ok NAME / not ok NAME: why / skip NAME: why
# A skip is a failure unless tests/skips.txt has it for this kind of run ("user
# NAME" without root, "san NAME" in the sanitizer build), and so is a test that
# prints no case, ends with an error without a failed case, or takes too long.
#
# ONLY=pattern limits which tests run.  The last line is the sum.
set -u
B=${1:?usage: run.sh BUILD}
cd "$(dirname "$0")/.." || exit 1
export BUILD="$B" PYTHONDONTWRITEBYTECODE=1
limit=${TEST_SECONDS:-420}
log=$B/tests/log
mkdir -p "$log"
passed=0 failed=0 skipped=0 failures=

# cmocka's own lines are turned into ours
as_cases() {
	sed -E -e 's/^(not )?ok [0-9]+ # SKIP (.*)/skip \2: the case says so/' \
	    -e 's/^(not )?ok [0-9]+ - /\1ok /'
}

may_skip() {
	{ [ "$(id -u)" -ne 0 ] && grep -qxF "user $1" tests/skips.txt; } ||
	{ [ "$(basename "$B")" = san ] && grep -qxF "san $1" tests/skips.txt; }
}

run_one() {
	local test=$1 name out start status o n s
	name=$(basename "$test")
	case "$name" in ${ONLY:-*}) ;; *) return ;; esac
	out=$log/$name.txt
	start=$(date +%s)
	CMOCKA_MESSAGE_OUTPUT=TAP timeout -k 10 "$limit" "$test" </dev/null >"$out" 2>&1
	status=$?
	o=$(as_cases <"$out" | grep -c '^ok ')
	n=$(as_cases <"$out" | grep -c '^not ok ')
	s=$(as_cases <"$out" | grep -c '^skip ')
	while IFS= read -r line; do
		[ -n "$line" ] || continue
		if ! may_skip "$line"; then
			n=$((n + 1)) s=$((s - 1))
			echo "not ok $line: skipped, but tests/skips.txt does not have it for this run" | tee -a "$out"
		fi
	done <<<"$(as_cases <"$out" | sed -n -E 's/^skip ([^:]*):.*/\1/p')"
	if [ $status -ne 0 ] && [ "$n" -eq 0 ]; then
		n=1
		[ $status -eq 124 ] && echo "not ok $name: more than $limit seconds" >>"$out"
	fi
	[ $((o + n + s)) -gt 0 ] || { n=1; echo "not ok $name: no case ran" >>"$out"; }
	passed=$((passed + o)) failed=$((failed + n)) skipped=$((skipped + s))
	printf '%-34s %4d passed %3d failed %3d skipped %4ds\n' "$name" "$o" "$n" "$s" $(($(date +%s) - start))
	as_cases <"$out" | grep '^skip ' | sed 's/^/    /'
	if [ "$n" -gt 0 ]; then
		failures="$failures $name"
		as_cases <"$out" | grep -E -B 12 '^not ok ' | tail -n 80 | sed 's/^/    /'
		tail -n 25 "$out" | sed 's/^/    | /'
	fi
}

for t in "$B"/tests/*_test tests/*_test.sh tests/interop/*_test.py; do
	[ -x "$t" ] && run_one "$t"
done
# last: it looks into the logs of all others
[ -n "${ONLY:-}" ] || run_one tests/from_paramiko.sh
[ -z "$failures" ] || echo "failed:$failures (output under $log)"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
