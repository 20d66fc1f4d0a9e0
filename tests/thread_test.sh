#!/bin/bash
# thread_test.sh - the library under ThreadSanitizer: a context belongs to one thread,
# descriptors to all.
#
# Only the library is built with it; the helpers are processes of their own and those of
# the build under test.  Two threads on one context must be noticed, or silence in the
# other cases would mean nothing.
set -u
cd "$(dirname "$0")/.." || exit 1
B=${BUILD:-build}
O=build/tsan
hard=-fsanitize=thread
# the helpers of a sanitizer build speak to a library of that build only
case "$B" in */san) O=build/tsan-san hard="$hard -DPOSTERN_SAN=1" ;; esac
unset MAKEFLAGS MFLAGS MAKELEVEL
cc=${CC:-cc}
program=$O/tests/tools/threads
failed=0

case_of() {
	if [ -z "$2" ]; then
		echo "ok $1"
	else
		echo "not ok $1: $2"
		failed=1
	fi
}

# warnings are the normal build's business
make -s -j"$(nproc)" CC="$cc" B="$O" OPT="-O1 -g" CFLAGS=-Wno-error HARD="$hard" HARDLD=-fsanitize=thread \
	"$O/lib/libpostern.a" "$O/obj/tests/tools/threads.o" >"$B/tests/tsan.txt" 2>&1 &&
mkdir -p "$O/tests/tools" &&
"$cc" -fsanitize=thread -pie -o "$program" "$O/obj/tests/tools/threads.o" \
	"$O/lib/libpostern.a" -lsodium -lmd >>"$B/tests/tsan.txt" 2>&1
if [ $? -ne 0 ]; then
	sed 's/^/# /' "$B/tests/tsan.txt"
	echo "not ok threads: it does not compile with -fsanitize=thread"
	exit 1
fi

# More random bits in addresses than the sanitizer expects: without them, then.
fixed=
run() {
	TSAN_OPTIONS="exitcode=66 halt_on_error=0 second_deadlock_stack=1" \
		timeout 60 $fixed "$program" "$1" "$PWD/$B/libexec" >"$O/$1.txt" 2>&1
}
run none
grep -q 'unexpected memory mapping' "$O/none.txt" && fixed="setarch -R"

for mode in contexts descriptors; do
	run $mode
	status=$?
	problem=
	[ $status -eq 0 ] || problem="status $status"
	grep -q '^done$' "$O/$mode.txt" || problem="$problem, it did not come to its end"
	grep -q 'ThreadSanitizer' "$O/$mode.txt" && problem="$problem, a race"
	[ -z "$problem" ] || sed 's/^/# /' "$O/$mode.txt" | head -n 120
	case_of "eight threads: $mode" "$problem"
done

run --race
status=$?
problem=
[ $status -eq 66 ] || problem="status $status"
grep -q 'WARNING: ThreadSanitizer: data race' "$O/--race.txt" || problem="$problem, unnoticed"
grep -q 'api_loop_turn\|postern_next' "$O/--race.txt" || problem="$problem, elsewhere"
[ -z "$problem" ] || sed 's/^/# /' "$O/--race.txt" | head -n 40
case_of "two threads on one context are noticed" "$problem"
exit $failed
