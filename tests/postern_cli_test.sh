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
for word in check exit stop; do
	refuse "shared_connection: $word" "-O: connections are not shared by postern" -O $word
done
refuse shared_connection_master "ControlMaster yes is not supported by postern" -M

# words NAME WANT COMMAND WORD...: what the command line comes to, as -G prints host, port,
# user and compression, and that Match sees this command
words() {
	local name=$1 want=$2 command=$3 got
	shift 3
	printf 'Match command "%s"\n Tag seen\n' "${command// /?}" >"$tmp/conf"
	got=$("$postern" -G -F "$tmp/conf" "$@" 2>&1 |
		sed -nE 's/^(user|hostname|port|tag|compression) //p' | tr '\n' ' ')
	if [ "$got" = "$want seen " ]; then
		echo "ok words: $name"
	else
		echo "not ok words: $name: $got"
		failed=1
	fi
}
words options_behind_the_host "box 7 bob no" "id -x" box -l bob -p 7 id -x
words options_on_both_sides "box 7 bob yes" "cmd -x -C" -p 7 box -l bob -o Compression=yes cmd -x -C
words first_value_stands "box 7 bob no" "" -p 7 bob@box -p 8 -l eve
words nothing_behind_the_host "box 22 bob no" "" bob@box
words end_of_options_behind_the_host "box 22 bob no" "-l cmd" bob@box -- -l cmd
words end_of_options_after_an_option "box 7 bob no" "-l" bob@box -p 7 -- -l
words end_of_options_before_the_host "box 22 bob no" "-p 7" -l bob -- box -p 7
words command_has_its_own_end "box 22 bob no" "cmd -- -x" bob@box cmd -- -x
words uri "box 2222 bob no" "id" ssh://bob@box:2222 id
words uri_v6 "::1 2222 bob yes" "id -C" ssh://bob@[::1]:2222/ -C id -C
words uri_without_a_port "box 7 bob no" "" -l bob ssh://box -p 7
words uri_after_an_option "box 7 bob no" "" -p 7 ssh://bob@box:8
for uri in ssh:// ssh://bob@ ssh://box:0 ssh://box:x ssh://box/path ssh://[::1 ssh://bob:secret@box ssh://-x; do
	refuse "bad_uri: $uri" "bad destination \"$uri\"" "$uri"
done
refuse unknown_option_behind_the_host "postern: invalid option -- 'Z'" 127.0.0.2 -Z
refuse only_an_option "usage:" -- -x
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
printf 'Port 1\nHost other\n Frobnicate 1\nHost 127.*\n HostbasedAuthentication yes\n' >"$tmp/conf"
refuse file_and_line "$tmp/conf line 5: HostbasedAuthentication yes is not supported" -F "$tmp/conf"

# what ssh takes and asks for nothing that matters: taken, and -v says which line it was
while read -r line; do
	printf '%s\nPort 7\n' "$line" >"$tmp/conf"
	if "$postern" -v -G -F "$tmp/conf" box >"$tmp/out" 2>"$tmp/err" && grep -qx "port 7" "$tmp/out" &&
	    grep -q "$tmp/conf line 1: ${line%% *} " "$tmp/err"; then
		echo "ok taken: $line"
	else
		echo "not ok taken: $line: $(cat "$tmp/err")"
		failed=1
	fi
done <<END
AFSTokenPassing no
ChannelTimeout none
Cipher blowfish
CompressionLevel 9
FallBackToRsh no
GlobalKnownHostsFile2 /x
GSSAPIAuthentication yes
GSSAPIDelegateCredentials yes
GSSAPIKeyExchange yes
GSSAPIRenewalForcesRekey yes
GSSAPITrustDns yes
IPQoS af21 cs1
KbdInteractiveDevices pam
KerberosAuthentication yes
KerberosTgtPassing yes
LogVerbose none
Protocol 2
RhostsAuthentication no
RhostsRSAAuthentication yes
RSAAuthentication yes
SyslogFacility AUTH
UsePrivilegedPort no
UserKnownHostsFile2 /x
UseRoaming no
UseRsh no
VisualHostKey yes
END
for line in "Protocol 1" "LogVerbose kex.c:*" "ChannelTimeout session=5m" "CheckHostIP yes" \
    "FingerprintHash md5" "VerifyHostKeyDNS yes" "NoHostAuthenticationForLocalhost yes"; do
	refuse "refused: $line" "$line is not supported by postern" -o "$line"
done

# becomes WANT LINE...: what -G prints of lines that mean what another line does
becomes() {
	local want=$1
	shift
	printf '%s\n' "$@" >"$tmp/conf"
	if "$postern" -G -F "$tmp/conf" box 2>&1 | grep -qx "$want"; then
		echo "ok becomes: $*"
	else
		echo "not ok becomes: $*"
		failed=1
	fi
}
becomes "pubkeyauthentication yes" "PubkeyAuthentication unbound"
becomes "pubkeyauthentication yes" "PubkeyAuthentication host-bound" "PubkeyAuthentication no"
becomes "connecttimeout 0" "ConnectTimeout none"
becomes "connecttimeout 5" "ConnectTimeout none" "ConnectTimeout 5"
becomes "requiredrsasize 2048" "RequiredRSASize 1024"
becomes "requiredrsasize 3072" "RequiredRSASize 3072"
becomes "identityfile /x" "IdentityFile2 /x"
becomes "tcpkeepalive no" "KeepAlive no"
becomes "kbdinteractiveauthentication no" "SKeyAuthentication no"
becomes "kbdinteractiveauthentication no" "TISAuthentication no"
becomes "kexalgorithms curve25519-sha256" "KexAlgorithms gss-curve25519-sha256-,curve25519-sha256"
becomes "hostkeyalgorithms ssh-ed25519" "HostKeyAlgorithms sk-ssh-ed25519@openssh.com,ssh-ed25519"
becomes "ciphers -" "Ciphers -3des-cbc"
refuse foreign_and_misspelt 'MACs: "hmac-md6" is not supported' -o MACs=hmac-sha2-256,hmac-md5,hmac-md6
refuse foreign_alone 'MACs: "hmac-md5" is not supported' -o MACs=+hmac-md5
printf 'MACs hmac-md5,hmac-sha2-256\n' >"$tmp/conf"
if "$postern" -v -G -F "$tmp/conf" box 2>&1 |
    grep -q "MACs: passed over, ssh has it and postern does not: hmac-md5$"; then
	echo "ok foreign_names_are_said"
else
	echo "not ok foreign_names_are_said"
	failed=1
fi
refuse no_other_flag 'PasswordAuthentication: bad value "host-bound"' -o PasswordAuthentication=host-bound
refuse rsa_size_too_large "RequiredRSASize is 16384 at most" -o RequiredRSASize=16385

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

# without -F: the file of our own name, and ssh's only where that one includes it
printf 'Port 7\n' >"$tmp/home/.ssh/postern_config"
printf 'User byssh\nPort 8\nFrobnicate 1\n' >"$tmp/home/.ssh/config"
got=$(HOME=$tmp/home "$postern" -G box 2>&1 | grep -E '^(user|port) |Frobnicate' | tr '\n' ' ')
if [ "$got" = "port 7 user $(id -un) " ]; then
	echo "ok only_postern_config_is_read"
else
	echo "not ok only_postern_config_is_read: $got"
	failed=1
fi
printf 'User byssh\nPort 8\n' >"$tmp/home/.ssh/config"
printf 'Port 7\nInclude config\n' >"$tmp/home/.ssh/postern_config"
got=$(HOME=$tmp/home "$postern" -G box 2>&1 | grep -E '^(user|port) ' | tr '\n' ' ')
if [ "$got" = "port 7 user byssh " ]; then
	echo "ok ssh_config_is_read_by_include"
else
	echo "not ok ssh_config_is_read_by_include: $got"
	failed=1
fi
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
