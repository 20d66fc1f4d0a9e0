#!/bin/bash
# posternd_cli_test.sh - posternd's command line: -t, -T, -o, -p, -h, -f, bad keywords,
# bad values, bad host keys, and that the messages name file and line.
set -u
cd "$(dirname "$0")/.." || exit 1
posternd=${BUILD:-build}/bin/posternd
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0
ssh-keygen -q -t ed25519 -N '' -f "$tmp/key" && ssh-keygen -q -t ed25519 -N secret -f "$tmp/locked" || exit 1

# expect NAME STATUS WORDS COMMAND...: exit status, and WORDS in what was said
expect() {
	local name=$1 status=$2 words=$3 got
	shift 3
	timeout 60 "$@" >"$tmp/out" 2>&1 </dev/null
	got=$?
	if [ "$got" -eq "$status" ] && { [ -z "$words" ] || grep -qF -- "$words" "$tmp/out"; }; then
		echo "ok $name"
	else
		echo "not ok $name: status $got, said: $(head -c 600 "$tmp/out" | tr '\n' '|')"
		failed=1
	fi
}
conf() { printf '%s\n' "$@" >"$tmp/conf"; }

conf "HostKey $tmp/key" "Port 2222"
expect good_configuration 0 "" "$posternd" -t -f "$tmp/conf"
[ -s "$tmp/out" ] && { echo "not ok quiet_when_good: $(cat "$tmp/out")"; failed=1; } || echo "ok quiet_when_good"
expect dump 0 "port 2222" "$posternd" -T -f "$tmp/conf"
expect dump_default 0 "permitrootlogin without-password" "$posternd" -T -f "$tmp/conf"
expect option 0 "permitrootlogin no" "$posternd" -T -f "$tmp/conf" -o PermitRootLogin=no
expect option_with_blank 0 "maxauthtries 2" "$posternd" -T -f "$tmp/conf" -o "MaxAuthTries 2"
expect rsa_size 0 "requiredrsasize 3072" "$posternd" -T -f "$tmp/conf" -o "RequiredRSASize 3072"
expect rsa_size_too_small 1 "RequiredRSASize" "$posternd" -T -f "$tmp/conf" -o "RequiredRSASize 1024"
expect port 0 "port 77" "$posternd" -T -p 77 -f "$tmp/conf"
grep -q 'port 2222' "$tmp/out" && { echo "not ok port_wins: $(grep port "$tmp/out")"; failed=1; } || echo "ok port_wins"
expect host_key_option 0 "hostkey $tmp/other" "$posternd" -T -h "$tmp/other" -f "$tmp/conf"
expect together 0 "port 5" "$posternd" -Dep5 -T -f "$tmp/conf"

expect missing_file 1 "$tmp/none: " "$posternd" -t -f "$tmp/none"
expect unknown_flag 1 "usage:" "$posternd" -Z
expect extra_argument 1 "Extra argument" "$posternd" -t -f "$tmp/conf" more
expect bad_port_option 1 "command line: Port" "$posternd" -t -f "$tmp/conf" -p x
expect bad_option 1 "command line: UseLogin" "$posternd" -t -f "$tmp/conf" -o UseLogin=yes
expect unknown_option 1 "no such keyword" "$posternd" -t -f "$tmp/conf" -o Foo=bar

conf "HostKey $tmp/key" "" "# comment" "UseLogin yes"
expect refused_keyword 1 "$tmp/conf:4: UseLogin: posternd does not have this keyword of sshd" "$posternd" -t -f "$tmp/conf"
conf "HostKey $tmp/key" "Match Users bob"
expect bad_match 1 "$tmp/conf:2: Match Users: no such criterion" "$posternd" -t -f "$tmp/conf"
conf "HostKey $tmp/key" "Match User bob" "Port 22"
expect keyword_not_in_match 1 "$tmp/conf:3: Port: not within a Match block" "$posternd" -t -f "$tmp/conf"
conf "Hostkey $tmp/key" "Frobnicate 1"
expect unknown_keyword 1 "$tmp/conf:2: Frobnicate: no such keyword" "$posternd" -t -f "$tmp/conf"
conf "HostKey $tmp/key" "PermitRootLogin perhaps"
expect bad_value 1 "$tmp/conf:2: PermitRootLogin" "$posternd" -t -f "$tmp/conf"
expect bad_value_names_the_good 1 "forced-commands-only" "$posternd" -t -f "$tmp/conf"
conf "HostKey $tmp/key" "Ciphers aes256-gcm@openssh.com,3des-cbc"
expect foreign_cipher 0 "$tmp/conf:2: Ciphers: passed over, sshd has it and posternd does not: 3des-cbc" \
    "$posternd" -t -f "$tmp/conf"
expect foreign_cipher_is_not_in_the_list 0 "ciphers aes256-gcm@openssh.com" "$posternd" -T -f "$tmp/conf"
expect foreign_host_key 0 "sk-ssh-ed25519@openssh.com" "$posternd" -t -f "$tmp/conf" \
    -o HostKeyAlgorithms=sk-ssh-ed25519@openssh.com,ssh-ed25519
expect foreign_exchange_alone 1 '"gss-gex-sha1-x"' "$posternd" -t -f "$tmp/conf" -o KexAlgorithms=gss-gex-sha1-x
conf "HostKey $tmp/key" "Ciphers aes256-gcm@openssh.com,rot13,3des-cbc"
expect bad_cipher 1 '"rot13"' "$posternd" -t -f "$tmp/conf"
expect does_not_start_either 1 "$tmp/conf:2:" "$posternd" -D -e -f "$tmp/conf"
conf "HostKey $tmp/key" "Include $tmp/more"
printf 'Port 1\nPermitTunnel yes\n' >"$tmp/more"
expect include_names_its_file 1 "$tmp/more:2: PermitTunnel" "$posternd" -t -f "$tmp/conf"

# -T -C: the same words as sshd, where both have the keyword
conf "HostKey $tmp/key" "PasswordAuthentication yes" "AcceptEnv LANG" "AllowUsers a b" "MaxAuthTries 4" \
    "Match User bob,!rob Address 10.0.0.0/8" "PasswordAuthentication no" "ForceCommand echo  \"hi\" there" "AcceptEnv A" \
    "AuthenticationMethods publickey,password publickey" "Banner /etc/issue.net" \
    "Match Group root,sys" "PermitOpen localhost:22 [::1]:23" "AcceptEnv B" "PermitTTY no" "AllowUsers c" \
    "Match LocalAddress 192.0.2.1 LocalPort 2222" "X11Forwarding yes" "PasswordAuthentication yes" "MaxSessions 3" \
    "ClientAliveInterval 1m" "Match Host *.example.org" "DisableForwarding yes" "SetEnv A=1" "Match all" "MaxAuthTries 2" \
    "GatewayPorts clientspecified" "StreamLocalBindMask 0111" "AuthorizedKeysFile /etc/keys/%u .ssh/k"
sshd=$(command -v sshd || echo /usr/sbin/sshd)
mkdir -p /run/sshd 2>/dev/null
keywords='passwordauthentication|acceptenv|allowusers|maxauthtries|forcecommand|authenticationmethods|banner|permitopen|permittty'
keywords="$keywords|x11forwarding|maxsessions|clientaliveinterval|disableforwarding|setenv|gatewayports|streamlocalbindmask|authorizedkeysfile"
for spec in user=bob,host=h.example.org,addr=10.1.2.3,laddr=192.0.2.1,lport=22 \
    user=rob,host=h.example.com,addr=10.1.2.3,laddr=192.0.2.1,lport=2222 \
    user=root,host=h.example.org,addr=192.0.2.7,laddr=192.0.2.1,lport=2222 \
    user=nobody-such,host=h,addr=::1,laddr=::1,lport=22; do
	"$posternd" -T -C "$spec" -f "$tmp/conf" 2>&1 | grep -E "^($keywords) " | sort >"$tmp/ours"
	"$sshd" -T -C "$spec" -f "$tmp/conf" 2>&1 | grep -E "^($keywords) " | sort >"$tmp/theirs"
	if [ -s "$tmp/ours" ] && diff "$tmp/ours" "$tmp/theirs" >"$tmp/diff"; then
		echo "ok dump_as_sshd_does: $spec"
	else
		echo "not ok dump_as_sshd_does: $spec: $(tr '\n' '|' <"$tmp/diff")"
		failed=1
	fi
done
expect spec_in_pieces 0 "forcecommand echo" "$posternd" -T -C user=bob,host=h -C addr=10.0.0.1,laddr=::1,lport=1 -f "$tmp/conf"
expect spec_leaves_out 1 "lport=" "$posternd" -T -C user=bob,host=h,addr=10.0.0.1,laddr=::1 -f "$tmp/conf"
expect spec_is_wrong 1 "-C uzer=bob" "$posternd" -T -C uzer=bob -f "$tmp/conf"
expect spec_without_dump 1 "without -T" "$posternd" -t -C user=bob -f "$tmp/conf"

conf "HostKey $tmp/none"
expect missing_host_key 1 "$tmp/none" "$posternd" -t -f "$tmp/conf"
conf "HostKey $tmp/locked"
expect locked_host_key 1 "passphrase" "$posternd" -t -f "$tmp/conf"
head -c 200 "$tmp/key" >"$tmp/cut" && chmod 600 "$tmp/cut"
conf "HostKey $tmp/cut"
expect damaged_host_key 1 "Unable to load host key \"$tmp/cut\"" "$posternd" -t -f "$tmp/conf"
cp "$tmp/key" "$tmp/open" && chmod 644 "$tmp/open"
conf "HostKey $tmp/open"
expect open_host_key 1 "too open" "$posternd" -t -f "$tmp/conf"
conf "HostKey $tmp"
expect folder_as_host_key 1 "no regular file" "$posternd" -t -f "$tmp/conf"
conf "HostKey $tmp/key" "HostKey $tmp/none"
# as the daemon, which starts with the other one
expect one_of_two_host_keys 0 "Unable to load host key \"$tmp/none\"" "$posternd" -t -f "$tmp/conf"
conf "HostKey $tmp/open" "HostKey $tmp/none"
expect none_of_two_host_keys 1 "no host key can be used" "$posternd" -t -f "$tmp/conf"
# 192.0.2.1 is nobody's [RFC 5737]
conf "HostKey $tmp/key" "ListenAddress 192.0.2.1" "PidFile none"
expect a_daemon_that_cannot_start_says_why 1 "Bind to port 22 on 192.0.2.1 failed" "$posternd" -f "$tmp/conf"
exit $failed
