#!/bin/sh
# processes.sh PID [LOG] - the process tree below PID, with what each may still do, as
# the kernel tells it in /proc.  Root and descriptors of a process that is not
# dumpable are hidden from a normal user; then they come from the worker's own
# report in LOG and are marked as its word.
# Exit status 1 if a worker is not filtered, may gain privileges, or has some.
set -eu
log=${2:-}
bad=0

field() { sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" 2>/dev/null | cut -f1; }

fds() {
	if l=$(ls "/proc/$1/fd" 2>/dev/null) && [ -n "$l" ]; then
		for n in $l; do
			t=$(readlink "/proc/$1/fd/$n" 2>/dev/null) || continue
			printf '%s=%s ' "$n" "$(echo "$t" | sed 's/:\[.*//')"
		done
	else
		printf 'hidden'
	fi
}

root() {
	if l=$(ls -A "/proc/$1/root/" 2>/dev/null); then
		[ -z "$l" ] && printf 'empty' || printf 'full'
	else
		printf 'hidden'
	fi
}

show() {
	pid=$1 indent=$2
	[ -r "/proc/$pid/status" ] || return 0
	name=$(field "$pid" Name)
	printf '%-34s uid %-6s filter %s  no_new_privs %s  caps %s  root %-6s  fds %s\n' "$indent$pid $name" \
	    "$(field "$pid" Uid)" "$(field "$pid" Seccomp)" "$(field "$pid" NoNewPrivs)" \
	    "$(field "$pid" CapEff | sed 's/^0*\(.\)/\1/')" "$(root "$pid")" "$(fds "$pid")"
	case "$name" in
	postern-worker*)
		if [ "$(field "$pid" NoNewPrivs)" != 1 ] || [ "$(field "$pid" CapEff)" != 0000000000000000 ] ||
		    [ "$(field "$pid" Seccomp)" != 2 ]; then
			echo "$indent   ^ this worker is not locked up as it must be"
			bad=1
		fi
		[ -z "$log" ] || [ "$(fds "$pid")" != hidden ] ||
			sed -n "s/.*\[worker $pid says\]/$indent   its own word:/p" "$log" | tail -n 1
		;;
	esac
	for c in $(cat /proc/"$pid"/task/*/children 2>/dev/null); do
		show "$c" "$2  "
	done
}

show "$1" ""
exit $bad
