#!/bin/sh
# examples_test.sh - every example compiles as it stands: apps/examples/*.c, each C
# block of README.md, and each literal block under EXAMPLES of the manual pages.  The
# echo server is also run, and stock ssh talks to it.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
sanitizer=
case "$build" in */san) sanitizer=-fsanitize=address,undefined ;; esac
tmp=$(mktemp -d) || exit 1
server=
stop() {
	[ -z "$server" ] || kill "$server" 2>/dev/null
	rm -rf "$tmp"
}
trap stop EXIT
fail=0
n=0

case_of() {	# name, what is wrong or nothing
	if [ -z "$2" ]; then
		echo "ok $1"
	else
		echo "not ok $1: $2"
		fail=1
	fi
}

compile() {	# name, file
	n=$((n + 1))
	case_of "compiles: $1" "$(${CC:-cc} -Wall -Wextra -Wno-unused-parameter -Werror -Iinclude \
		-c -o "$tmp/$n.o" "$2" 2>&1 | head -n 5)"
}

for f in apps/examples/*.c; do
	compile "$f" "$f"
done
for f in include/*.[1-8] apps/*.[1-8]; do
	awk -v out="$tmp/man" '
		/^\.Sh / { on = ($2 == "EXAMPLES") }
		on && /^\.Bd -literal/ { file = out "." ++i ".c"; next }
		on && /^\.Ed/ { file = "" }
		on && file != "" { gsub(/\\e/, "\\"); print > file }' "$f"
	for c in "$tmp"/man.*.c; do
		[ -e "$c" ] || continue
		compile "$f ${c##*/}" "$c"
		rm "$c"
	done
	case_of "mandoc: $f" "$(mandoc -Tlint -W warning "$f" | head -n 5)"
done
awk -v out="$tmp/readme" '/^```c$/ { file = out "." ++i ".c"; next } /^```/ { file = "" }
	file != "" { print > file }' README.md
for c in "$tmp"/readme.*.c; do
	[ -e "$c" ] || continue
	compile "README.md ${c##*/}" "$c"
done
case_of "examples were found" "$([ "$n" -ge 4 ] || echo "only $n")"

# ---- the echo server, as its own first lines say ----

ssh-keygen -q -t ed25519 -N '' -f "$tmp/hostkey"
sed 's/htons(2222)/htons(EXAMPLE_PORT)/' apps/examples/echo_server.c >"$tmp/echo_server.c"
for port in 22220 22221 22222 22223; do
	# shellcheck disable=SC2086 # empty without sanitizers
	${CC:-cc} $sanitizer -DEXAMPLE_PORT=$port -Iinclude -o "$tmp/echo_server" \
		"$tmp/echo_server.c" "$build/lib/libpostern.a" -lsodium -lmd || break
	"$tmp/echo_server" "$tmp/hostkey" 2>"$tmp/log" &
	server=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		sleep 0.2
		ssh-keyscan -p $port 127.0.0.1 >"$tmp/known" 2>/dev/null && [ -s "$tmp/known" ] && break
		kill -0 $server 2>/dev/null || break
	done
	kill -0 $server 2>/dev/null && break
	server=	# somebody else has the port
done
# shellcheck disable=SC2016 # for the script to expand
printf '#!/bin/sh\necho "$ANSWER"\n' >"$tmp/askpass"
chmod +x "$tmp/askpass"
login() {	# password
	ANSWER=$1 SSH_ASKPASS=$tmp/askpass SSH_ASKPASS_REQUIRE=force timeout 20 \
		ssh -F none -T -o UserKnownHostsFile="$tmp/known" -o StrictHostKeyChecking=yes \
		-o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 -p "$port" \
		robey@127.0.0.1 cat 2>>"$tmp/log"
}
case_of "ssh and the echo server" "$([ "$(printf 'there and back' | login foo)" = "there and back" ] ||
	tail -n 5 "$tmp/log")"
case_of "the echo server wants its password" "$(printf 'x' | login bar >"$tmp/out" && echo "any will do")"
exit "$fail"
