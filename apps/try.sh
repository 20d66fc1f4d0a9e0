#!/bin/sh
# try.sh run|demo BUILD - a server to log in to, on 127.0.0.1 alone, as whoever you are.
#
# run   stays in the foreground and prints the line to type elsewhere.
# demo  does all of it by itself: logs in with ssh and with postern, runs a command,
#       shows the processes and what each may do, and exits 0 if all was so.
set -eu
cd "$(dirname "$0")/.."
goal=${1:?usage: try.sh run|demo BUILD}
B=${2:-build}
PORT=${PORT:-2222}
R=$B/run
me=$(id -un)

mkdir -p "$R"
chmod 700 "$R"
for k in host user; do
	[ -e "$R/${k}_key" ] || ssh-keygen -q -t ed25519 -N '' -C "postern demo $k key" -f "$R/${k}_key"
done
cp "$R/user_key.pub" "$R/authorized_keys"
chmod 600 "$R/authorized_keys"
echo "[127.0.0.1]:$PORT $(cut -d' ' -f1,2 "$R/host_key.pub")" >"$R/known_hosts"

dir=$(cd "$R" && pwd)
cat >"$R/posternd.conf" <<EOF
Port $PORT
ListenAddress 127.0.0.1
HostKey $dir/host_key
AuthorizedKeysFile $dir/authorized_keys
# the folders above a source tree are not always as strict as a home
StrictModes no
PidFile none
LogLevel VERBOSE
EOF
[ ! -x /usr/lib/openssh/sftp-server ] || echo "Subsystem sftp /usr/lib/openssh/sftp-server" >>"$R/posternd.conf"

"$B/bin/posternd" -D -e -f "$R/posternd.conf" 2>"$R/posternd.log" &
server=$!
trap 'kill $server 2>/dev/null || true; wait $server 2>/dev/null || true' EXIT
trap 'exit 130' HUP INT TERM

tries=100
until grep -q 'listening on' "$R/posternd.log" 2>/dev/null; do
	tries=$((tries - 1))
	if [ $tries -eq 0 ] || ! kill -0 $server 2>/dev/null; then
		echo "posternd did not start:" >&2
		cat "$R/posternd.log" >&2
		exit 1
	fi
	sleep 0.1
done

line="ssh -p $PORT -i $dir/user_key -o IdentitiesOnly=yes -o UserKnownHostsFile=$dir/known_hosts $me@127.0.0.1"

if [ "$goal" = run ]; then
	echo
	echo "posternd listens on 127.0.0.1 port $PORT.  In another terminal:"
	echo
	echo "    $line"
	echo
	sh apps/processes.sh $server "$R/posternd.log"
	echo
	echo "Its log follows; Ctrl-C ends it."
	# in the background: a shell takes its signals while it waits, not before tail ends
	tail -n +1 -f --pid=$server "$R/posternd.log" &
	wait $!
	exit 0
fi

failed=0
expect() {
	if [ "$2" = "$3" ]; then
		echo "  $1: $2"
	else
		echo "  $1: got \"$2\", wanted \"$3\""
		failed=1
	fi
}

echo "== OpenSSH's ssh, to our posternd"
expect "a command's output" "$($line -F /dev/null -o BatchMode=yes 'echo hello from $(id -un)')" "hello from $me"
status=0; $line -F /dev/null -o BatchMode=yes 'exit 7' || status=$?
expect "its exit status" $status 7

echo "== our postern, to our posternd"
ours="$B/bin/postern -F none -p $PORT -i $dir/user_key -o UserKnownHostsFile=$dir/known_hosts -o StrictHostKeyChecking=yes -o BatchMode=yes $me@127.0.0.1"
expect "a command's output" "$($ours 'echo hello from $(id -un)')" "hello from $me"
status=0; $ours 'exit 7' || status=$?
expect "its exit status" $status 7

echo "== the processes, while one of each is logged in"
# both read one pipe that we hold open; its name stays until both have it
rm -f "$R/hold" "$R/in.ssh" "$R/in.postern"
mkfifo "$R/hold"
exec 9<>"$R/hold"
$line -F /dev/null -o BatchMode=yes 'echo in; cat' <"$R/hold" >"$R/in.ssh" 9>&- & a=$!
$ours 'echo in; cat' <"$R/hold" >"$R/in.postern" 9>&- & b=$!
tries=100
until grep -qs in "$R/in.ssh" && grep -qs in "$R/in.postern"; do
	tries=$((tries - 1))
	[ $tries -gt 0 ] || { echo "  no login within 10 seconds"; failed=1; break; }
	sleep 0.1
done
rm -f "$R/hold"
sh apps/processes.sh $server "$R/posternd.log" || failed=1
echo "   and our client's:"
sh apps/processes.sh $b "" || failed=1
exec 9>&-
wait $a || failed=1
wait $b || failed=1

if [ $failed -eq 0 ]; then
	echo "All of it worked."
else
	echo "Something was not as it should be; the log is $R/posternd.log" >&2
fi
exit $failed
