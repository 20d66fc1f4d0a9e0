#!/bin/sh
# examples_test.sh - every example compiles as it stands: apps/examples/*.c, each C
# block of README.md, and each literal block under EXAMPLES of the manual pages.  The
# echo server is also run, and stock ssh talks to it.
#
#   tests/examples_test.sh [BUILD]
set -eu
cd "$(dirname "$0")/.."
build=${1:-build}
top=$PWD
tmp=$(mktemp -d)
server=
stop() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	rm -rf "$tmp"
}
trap stop EXIT
fail=0
n=0

compile() {	# name, file
	n=$((n + 1))
	if ! ${CC:-cc} -Wall -Wextra -Wno-unused-parameter -Werror -Iinclude -c -o "$tmp/$n.o" "$2"; then
		echo "FAIL: $1 does not compile"
		fail=1
	fi
}

for f in apps/examples/*.c; do
	compile "$f" "$f"
done
for f in include/*.[1-8]; do
	awk -v out="$tmp/man" '
		/^\.Sh / { on = ($2 == "EXAMPLES") }
		on && /^\.Bd -literal/ { file = out "." ++i ".c"; next }
		on && /^\.Ed/ { file = "" }
		on && file != "" { gsub(/\\e/, "\\"); print > file }' "$f"
	for c in "$tmp"/man.*.c; do
		[ -e "$c" ] || continue
		compile "$f: ${c#"$tmp/"}" "$c"
		rm "$c"
	done
	if ! mandoc -Tlint -W warning "$f"; then
		echo "FAIL: $f has faults"
		fail=1
	fi
done
awk -v out="$tmp/readme" '/^```c$/ { file = out "." ++i ".c"; next } /^```/ { file = "" }
	file != "" { print > file }' README.md
for c in "$tmp"/readme.*.c; do
	[ -e "$c" ] || continue
	compile "README.md: ${c#"$tmp/"}" "$c"
done
[ "$n" -ge 4 ] || { echo "FAIL: only $n examples found"; fail=1; }

# the echo server, as its own first lines say
ssh-keygen -q -t ed25519 -N '' -f "$tmp/hostkey"
sed 's/htons(2222)/htons(EXAMPLE_PORT)/' apps/examples/echo_server.c >"$tmp/echo_server.c"
for port in 22220 22221 22222 22223; do
	${CC:-cc} ${SAN:+-fsanitize=address,undefined} -DEXAMPLE_PORT=$port -Iinclude -o "$tmp/echo_server" \
		"$tmp/echo_server.c" "$top/$build/lib/libpostern.a" -lsodium
	"$tmp/echo_server" "$tmp/hostkey" 2>"$tmp/log" &
	server=$!
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		sleep 0.2
		ssh-keyscan -p $port 127.0.0.1 >"$tmp/known" 2>/dev/null && [ -s "$tmp/known" ] && break
		kill -0 $server 2>/dev/null || break
	done
	kill -0 $server 2>/dev/null && break
	server=
done
printf '#!/bin/sh\necho "$ANSWER"\n' >"$tmp/askpass"
chmod +x "$tmp/askpass"
login() {	# password
	ANSWER=$1 SSH_ASKPASS=$tmp/askpass SSH_ASKPASS_REQUIRE=force timeout 20 \
		ssh -F none -T -o UserKnownHostsFile="$tmp/known" -o StrictHostKeyChecking=yes \
		-o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 -p $port robey@127.0.0.1 cat 2>"$tmp/ssh.log"
}
if [ "$(printf 'there and back' | login foo)" != "there and back" ]; then
	echo "FAIL: the echo server does not echo"
	cat "$tmp/log" "$tmp/ssh.log"
	fail=1
fi
if printf 'x' | login bar >"$tmp/out"; then
	echo "FAIL: the echo server takes any password"
	fail=1
fi
[ "$fail" -eq 0 ] && echo "ok: $n examples"
exit "$fail"
