#!/bin/bash
# fence_test.sh - the fence is a link-time fact: which code is in which program.
#
# The forbidden names are read from the object files themselves, so a new file is
# fenced off from the day it is written.  Programs are looked at as they are linked:
# unstripped, without link-time optimisation.  Then a forbidden symbol is planted into
# the monitor, and the same check must find it.
set -u
cd "$(dirname "$0")/.." || exit 1
B=${BUILD:-build}
SAN=
case "$B" in */san) SAN=1 ;; esac
failed=0

case_of() {
	if [ -z "$2" ]; then
		echo "ok $1"
	else
		echo "not ok $1: $2"
		failed=1
	fi
}

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

# Global names that the object files $@ define.
defined_by() {
	nm -g --defined-only -P "$@" 2>/dev/null | awk 'NF >= 3 { print $1 }' | sort -u
}

# All names in a program or archive, wanted ones too: hidden ones are local there.
names_in() {
	nm -P "$1" 2>/dev/null | awk 'NF >= 2 && $2 != "a" { print $1 }' | sort -u
}

# What of the list $2 is in $1; a sentence, or nothing.
trespass() {
	local found
	[ -s "$1" ] || { echo "$1 is not there"; return; }
	[ "$(names_in "$1" | wc -l)" -gt 20 ] || { echo "$1 has no symbols to look at"; return; }
	found=$(names_in "$1" | comm -12 - "$2")
	[ -z "$found" ] || echo "$(basename "$1") has" $(head -n 5 <<<"$found")
}

# ---- the lists -------------------------------------------------------------------
o=$B/obj
defined_by $o/proto/*.o >"$dir/parser"
defined_by $o/crypto/sign*.o $o/crypto/key*.o $o/crypto/bcrypt*.o >"$dir/private_keys"
defined_by $o/crypto/key*.o $o/crypto/bcrypt*.o >"$dir/key_files"
defined_by $o/crypto/keymake*.o $o/crypto/keywrite*.o >"$dir/new_keys"
defined_by $o/crypto/*.o >"$dir/algorithms"
defined_by $o/privsep/worker_*.o >"$dir/worker"
defined_by $o/privsep/monitor_*.o >"$dir/monitor"
for list in parser private_keys key_files new_keys algorithms worker monitor; do
	[ "$(wc -l <"$dir/$list")" -ge 4 ] ||
		case_of "fence_lists" "no names found for $list: is everything built?"
done
# main is everybody's
for list in worker monitor; do
	grep -vx main "$dir/$list" >"$dir/list" && mv "$dir/list" "$dir/$list"
done

# A list that finds nothing where it should proves nothing where it must not.
for pair in parser:postern-worker private_keys:postern-monitor key_files:postern-keyload \
    worker:postern-worker monitor:postern-monitor algorithms:postern-worker; do
	why=
	[ -n "$(trespass "$B/libexec/${pair#*:}" "$dir/${pair%%:*}")" ] || why="${pair#*:} lacks its own"
	case_of "fence_sees_${pair%%:*}_in_${pair#*:}" "$why"
done

# ---- the fence --------------------------------------------------------------------
while read -r program list; do
	case_of "fence_$(basename "$program")_without_$list" "$(trespass "$B/$program" "$dir/$list")"
done <<'FENCE'
libexec/postern-monitor parser
libexec/postern-monitor key_files
libexec/postern-monitor worker
libexec/postern-worker private_keys
libexec/postern-worker monitor
libexec/postern-keyload new_keys
libexec/postern-keyload parser
libexec/postern-keyload worker
libexec/postern-keyload monitor
libexec/postern-resolve parser
libexec/postern-resolve algorithms
libexec/postern-resolve worker
libexec/postern-resolve monitor
lib/libpostern.so parser
lib/libpostern.so algorithms
lib/libpostern.so worker
lib/libpostern.so monitor
lib/libpostern.a parser
lib/libpostern.a algorithms
lib/libpostern.a worker
lib/libpostern.a monitor
bin/posternd parser
bin/posternd algorithms
bin/posternd worker
bin/posternd monitor
bin/postern parser
bin/postern algorithms
bin/postern worker
bin/postern monitor
bin/postern-keygen parser
bin/postern-keygen worker
bin/postern-keygen monitor
FENCE

# ---- a hole in it is found ---------------------------------------------------------
# The monitor is linked again, by the very line of the Makefile, with one object more.
name=$(grep -m 1 '^transport_' "$dir/parser" || head -n 1 "$dir/parser")
printf 'int %s(void);\nint %s(void) { return 0; }\n' "$name" "$name" >"$dir/planted.c"
relink() {
	make -s SAN="$SAN" --eval='fence-relink: ; @$(CC) $(ALLCFLAGS) $(PIE) $(ALLLDFLAGS) -o $(OUT) $(call obj,$(MONITOR_SRC)) $(PLANTED) $(MONITOR_LIBS)' \
	    OUT="$dir/$1" PLANTED="$2" fence-relink >"$dir/log" 2>&1
}
why=
${CC:-cc} ${SAN:+-fsanitize=address,undefined} -fPIC -c -o "$dir/planted.o" "$dir/planted.c" ||
	why="the planted file does not compile"
relink clean "" || why="the monitor does not link again: $(tail -n 1 "$dir/log")"
relink planted "$dir/planted.o" || why="the planted monitor does not link: $(tail -n 1 "$dir/log")"
if [ -z "$why" ]; then
	[ -z "$(trespass "$dir/clean" "$dir/parser")" ] || why="found in a clean monitor"
	[ -n "$(trespass "$dir/planted" "$dir/parser")" ] || why="$name was not found"
fi
case_of "fence_finds_a_planted_symbol" "$why"

# ---- hardening ----------------------------------------------------------------------
soft_spots() {
	local elf
	elf=$(readelf -W -h -l -d "$1" 2>&1)
	grep -q 'Type: *DYN' <<<"$elf" || echo "not position-independent;"
	grep -q 'GNU_RELRO' <<<"$elf" || echo "no RELRO;"
	grep -q -E '\((FLAGS|FLAGS_1)\).*\b(BIND_NOW|NOW)\b' <<<"$elf" || echo "not bound at start;"
	grep -q -E 'GNU_STACK .* RW  *0x' <<<"$elf" || echo "executable stack;"
	grep -q -E '^ *LOAD .* RWE ' <<<"$elf" && echo "writable code;"
	grep -q -E '\((RPATH|RUNPATH)\)' <<<"$elf" && echo "a library path inside;"
	grep -q '(TEXTREL)' <<<"$elf" && echo "text relocations;"
	nm -D "$1" | grep -q '__stack_chk_fail' || echo "no stack protector;"
	nm -D "$1" | grep -q '_chk@' || echo "not fortified;"
}
if [ -z "$SAN" ]; then
	for program in libexec/postern-monitor libexec/postern-worker libexec/postern-keyload \
	    libexec/postern-resolve lib/libpostern.so bin/posternd bin/postern bin/postern-keygen; do
		case_of "hardening_$(basename "$program")" "$(soft_spots "$B/$program" | tr '\n' ' ')"
	done
	# and the check can see: an object of another kind fails it
	echo 'int main(void) { return 0; }' >"$dir/soft.c"
	why="the compiler makes no soft program"
	${CC:-cc} -no-pie -Wl,-z,norelro,-z,lazy,-z,execstack,-rpath,/tmp -o "$dir/soft" "$dir/soft.c" \
	    2>/dev/null && why=$([ "$(soft_spots "$dir/soft" | wc -l)" -ge 6 ] || echo "soft spots not seen")
	case_of "hardening_check_sees" "$why"
fi
exit $failed
