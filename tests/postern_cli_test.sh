#!/bin/bash
# postern_cli_test.sh - postern's command line and configuration: what is refused
# before anybody is connected to, and that the message names it.
set -u
cd "$(dirname "$0")/.." || exit 1
postern=${BUILD:-build}/bin/postern
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# refuse NAME WORDS OPTION...: status 255 and WORDS.  Port 1 of this machine is closed.
refuse() {
	local name=$1 words=$2 got
	shift 2
	timeout 60 "$postern" -F none "$@" 127.0.0.1 true >"$tmp/out" 2>&1 </dev/null
	got=$?
	if [ "$got" -eq 255 ] && grep -qF -- "$words" "$tmp/out"; then
		echo "ok $name"
	else
		echo "not ok $name: status $got, said: $(head -c 600 "$tmp/out" | tr '\n' '|')"
		failed=1
	fi
}

got=$("$postern" -F none -f 127.0.0.1 2>&1 </dev/null)
if [ $? -eq 255 ] && [ "$got" = "postern: Cannot fork into background without a command to execute." ]; then
	echo "ok background_without_a_command"
else
	echo "not ok background_without_a_command: $got"
	failed=1
fi
refuse background_connection_refused "port 1: Connection refused" -f -p 1
refuse connection_refused "port 1: Connection refused" -p 1
refuse unknown_option "usage:" -Z
refuse unknown_keyword 'command line: keyword "Frobnicate"' -o Frobnicate=1
refuse keyword_that_we_lack 'command line: PKCS11Provider /x is not supported by postern' -o PKCS11Provider=/x
refuse no_value "Port wants a value" -o Port
refuse bad_port "bad port 99999" -p 99999
refuse bad_number 'Port: bad value "x"' -p x
refuse bad_flag 'BatchMode: bad value "maybe"' -o BatchMode=maybe
refuse bad_time 'ConnectTimeout: bad value "1y"' -o ConnectTimeout=1y
refuse bad_choice 'StrictHostKeyChecking: bad value "hm", it takes yes,' -o StrictHostKeyChecking=hm
refuse half_a_choice 'AddressFamily: bad value "ine"' -o AddressFamily=ine
refuse two_choices 'RequestTTY: bad value "auto,yes"' -o RequestTTY=auto,yes
refuse bad_level 'LogLevel: bad value "LOUD"' -o LogLevel=LOUD
refuse bad_rekey_limit 'RekeyLimit: bad value "1Q"' -o 'RekeyLimit=1Q'
refuse bad_ca_algorithm 'CASignatureAlgorithms: "rot13" is not supported' -o CASignatureAlgorithms=+rot13
refuse no_ca_algorithm_left 'CASignatureAlgorithms: "-*" leaves nothing' -o 'CASignatureAlgorithms=-*'
refuse bad_cipher 'Ciphers: "rot13" is not supported' -o Ciphers=aes256-ctr,rot13
refuse bad_preset 'there is no preset "retro"' -o AlgorithmPreset=retro
refuse bad_forward 'bad forwarding specification: "80:host"' -L 80:host
refuse local_without_end 'one of the two ends is missing: "80"' -L 80
refuse local_port_0 'port 0 is for remote forwards only: "0 host:80"' -o 'LocalForward=0 host:80'
refuse dynamic_path 'a dynamic forward is [bind_address:]port: "/a"' -D /a
refuse bad_remote 'bad forwarding specification: "80:host:0"' -R 80:host:0
refuse forward_of_three 'bad forwarding specification: "80 host:80 more"' -o 'LocalForward=80 host:80 more'
refuse bad_stdio "bad stdio forwarding specification 'host'" -W host
refuse command_and_none "Cannot execute" -N
refuse bad_jump 'ProxyJump: bad host "u@"' -J u@
refuse bad_mask 'StreamLocalBindMask: bad value "9"' -o StreamLocalBindMask=9
refuse missing_file "$tmp/none: No such file or directory" -F "$tmp/none"
refuse missing_identity "Identity file $tmp/none not accessible" -p 1 -i "$tmp/none"
printf 'Port 1\nHost other\n Frobnicate 1\nHost 127.*\n GSSAPIAuthentication yes\n' >"$tmp/conf"
refuse file_and_line "$tmp/conf line 5: GSSAPIAuthentication yes is not supported" -F "$tmp/conf"

# -Q: every name once, and those that ssh has too as ssh writes them
for what in kex key cipher mac compression sig; do
	"$postern" -Q $what | sort >"$tmp/ours"
	got=${PIPESTATUS[0]}
	ssh -Q $what 2>/dev/null | sort >"$tmp/theirs"
	if [ "$got" -eq 0 ] && [ -z "$(uniq -d "$tmp/ours")" ] &&
	    [ "$(comm -12 "$tmp/ours" "$tmp/theirs" | wc -l)" -ge 1 ]; then
		echo "ok query: $what"
	else
		echo "not ok query: $what: status $got, $(tr '\n' ' ' <"$tmp/ours")"
		failed=1
	fi
done
refuse query_unknown 'Unsupported query "hm"' -Q hm
for pair in "key:ssh-rsa" "sig:rsa-sha2-512" "Ciphers:chacha20-poly1305@openssh.com" "help:compression"; do
	if "$postern" -Q "${pair%%:*}" | grep -qxF "${pair#*:}"; then
		echo "ok query_has: $pair"
	else
		echo "not ok query_has: $pair"
		failed=1
	fi
done
if "$postern" -Q key | grep -q '^rsa-sha2'; then
	echo "not ok query_key_names_no_signature"
	failed=1
else
	echo "ok query_key_names_no_signature"
fi

# -G: what Match, Host and tokens leave, as ssh has it
mkdir -p "$tmp/home/.ssh"
cat >"$tmp/conf" <<END
Match originalhost web exec "test %n = web"
	User byexec
	HostName %h.example.org
Match !host web.example.org
	Port 1
Host w?b !wab
	Port 2222
	IdentityFile %d/keys/%r
	ProxyJump %r@gate.%h
Match final host web.example.org
	ServerAliveInterval 7
Match localuser nobody-such
	User wrong
Include $tmp/inc*.conf
END
printf 'ServerAliveCountMax 9\nHost other\nBatchMode yes\n' >"$tmp/inc1.conf"
keywords='hostname|user|port|identityfile|proxyjump|serveraliveinterval|serveralivecountmax|batchmode'
for host in web wab bob@web other; do
	"$postern" -G -F "$tmp/conf" $host | grep -E "^($keywords) " | grep -v "^proxyjump none" | sort >"$tmp/ours"
	ssh -G -F "$tmp/conf" $host 2>/dev/null | grep -E "^($keywords) " | sort >"$tmp/theirs"
	# without a key of its own ssh lists all of its names, and it shows a jump as it was written
	sed -i '/^identityfile ~/d; s/^proxyjump.*/proxyjump/' "$tmp/ours" "$tmp/theirs"
	if [ -s "$tmp/ours" ] && diff "$tmp/ours" "$tmp/theirs" >"$tmp/diff"; then
		echo "ok configuration_as_ssh_has_it: $host"
	else
		echo "not ok configuration_as_ssh_has_it: $host: $(tr '\n' '|' <"$tmp/diff")"
		failed=1
	fi
done
refuse bad_adding 'AddKeysToAgent: bad value "maybe"' -o AddKeysToAgent=maybe
refuse bad_adding_time 'AddKeysToAgent: bad value "confirm 1y"' -o "AddKeysToAgent=confirm 1y"
refuse adding_never 'AddKeysToAgent: bad value "0"' -o AddKeysToAgent=0
refuse adding_too_much 'AddKeysToAgent: bad value "yes 5m"' -o "AddKeysToAgent=yes 5m"
printf 'Match User\n' >"$tmp/conf"
refuse bad_match "$tmp/conf line 1: Match user wants a value" -F "$tmp/conf"
# whose names a stranger may have chosen: nothing of them reaches a shell
printf 'Match exec "test %%n = web -o %%r = bob -o %%j = gate"\n Port 7\n' >"$tmp/conf"
touch_it="\$(touch\${IFS}$tmp/owned)"
refuse host_with_a_command "hostname contains invalid characters" -F "$tmp/conf" -- "$touch_it"
refuse user_with_a_command "remote username contains invalid characters" -F "$tmp/conf" -l "$touch_it"
refuse jump_with_a_command "jump host contains invalid characters" -F "$tmp/conf" -J "$touch_it"
[ ! -e "$tmp/owned" ] || { echo "not ok names_reach_no_shell"; failed=1; }
refuse bad_token "unknown token %z" -o HostName=%z
refuse forward_with_missing_variable "there is no environment variable NO_SUCH_NAME" -L '${NO_SUCH_NAME}/s:/x'
exit $failed
