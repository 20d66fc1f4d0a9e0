#!/bin/bash
# postern_keygen_cli_test.sh - postern-keygen's command line: flags, prompts, and that a
# wrong passphrase, an unsupported and a damaged file are told apart by words and status.
set -u
cd "$(dirname "$0")/.." || exit 1
keygen=$PWD/${BUILD:-build}/bin/postern-keygen
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0
cd "$tmp" || exit 1

result() {	# NAME, what is wrong or nothing
	if [ -z "$2" ]; then
		echo "ok $1"
	else
		echo "not ok $1: $2"
		failed=1
	fi
}
# expect NAME STATUS WORDS INPUT ARGUMENTS...: without a terminal, so that prompts read
# standard input
expect() {
	local name=$1 status=$2 words=$3 input=$4 got why=
	shift 4
	printf -- "$input" | timeout 60 setsid -w "$keygen" "$@" >out 2>&1
	got=$?
	[ "$got" -eq "$status" ] || why="status $got, said: $(head -c 600 out | tr '\n' '|')"
	[ -z "$words" ] || grep -qF -- "$words" out || why="said: $(head -c 600 out | tr '\n' '|')"
	result "$name" "$why"
}

# ---- making keys
expect generate 0 "SHA256:" "" -t ed25519 -N '' -C me -f ed
result mode_of_the_private_file "$([ "$(stat -c %a ed)" = 600 ] || stat -c %a ed)"
result mode_of_the_public_file "$([ "$(stat -c %a ed.pub)" = 644 ] || stat -c %a ed.pub)"
result comment "$(grep -q ' me$' ed.pub || cat ed.pub)"
expect picture 0 "+----[SHA256]-----+" "" -N '' -f picture
expect quiet 0 "" "" -q -N '' -f quiet
result quiet_says_nothing "$(cat out)"
expect ecdsa 0 "" "" -q -t ecdsa -b 521 -N '' -f ec
result ecdsa_bits "$(grep -q '^ecdsa-sha2-nistp521 ' ec.pub || cat ec.pub)"
expect rsa 0 "" "" -q -t rsa -b 2048 -N '' -f rsa
expect rsa_too_short 3 "2048 to 16384" "" -q -t rsa -b 2047 -N '' -f no
expect rsa_too_long 3 "2048 to 16384" "" -q -t rsa -b 16385 -N '' -f no
expect ecdsa_odd_size 3 "no ecdsa key of 257 bits" "" -q -t ecdsa -b 257 -N '' -f no
expect dsa_is_not_made 3 'no key type "dsa"' "" -q -t dsa -N '' -f no
expect unknown_cipher 3 'no cipher "rot13"' "" -q -N x -Z rot13 -f no
expect unknown_format 1 'no format "XML"' "" -q -N x -m XML -f no
expect ed25519_has_no_pem 3 "PEM" "" -q -N '' -m PEM -f no
expect comment_too_long 1 "longer than 1024" "" -q -N '' -C "$(printf %1025s x)" -f no
expect no_such_folder 1 "cannot be written" "" -q -N '' -f none/key
result nothing_was_left "$(ls no no.pub 2>/dev/null)"
expect default_name_is_offered 1 "/.ssh/id_rsa): " "" -t rsa -N ''
mkdir home
expect folder_is_made 0 "Created directory" "" -N '' -f "$tmp/home/.ssh/key"
result folder_is_private "$([ "$(stat -c %a home/.ssh)" = 700 ] || stat -c %a home/.ssh)"
expect typed_name 0 "saved in typed" "typed\n" -N ''
result default_comment "$(grep -q "@$(hostname)$" typed.pub || cat typed.pub)"

# ---- never over a file without asking
cp ed before
expect overwrite_no 1 "Overwrite (y/n)?" "n\n" -N '' -f ed
expect overwrite_eof 1 "already exists" "" -N '' -f ed
result kept "$(cmp ed before)"
expect overwrite_yes 0 "Overwrite (y/n)?" "y\n" -N '' -C me -f ed
result replaced "$(cmp -s ed before && echo "it is the old one")"

# ---- passphrases at the prompt
expect prompt_twice 0 "" "secret\nsecret\n" -q -f typed2
expect prompt_mismatch 0 "do not match" "secret\nother\nsecret\nsecret\n" -f typed3
expect prompt_given_up 1 "no passphrase" "a\nb\nc\nd\ne\nf\n" -q -f typed4
expect prompt_to_read 0 "ssh-ed25519" "secret\n" -y -f typed2
expect prompt_wrong_then_right 0 "ssh-ed25519" "wrong\nsecret\n" -y -f typed2
expect prompt_wrong 2 "typed2: wrong passphrase" "a\nb\nc\n" -y -f typed2
expect no_passphrase 2 "wrong passphrase" "" -y -P '' -f typed2
expect wrong_passphrase 2 "wrong passphrase" "" -y -P wrong -f typed2
expect change 0 "saved with the new passphrase" "" -p -P secret -N new -f typed2
expect changed 0 "ssh-ed25519" "" -y -P new -f typed2
expect old_one_is_gone 2 "wrong passphrase" "" -y -P secret -f typed2
expect change_at_the_prompt 0 "" "new\nagain\nagain\n" -p -f typed2
expect changed_at_the_prompt 0 "" "" -y -P again -f typed2
cp typed2 before
expect change_with_wrong 2 "wrong passphrase" "" -p -P wrong -N x -f typed2
expect change_to_unknown_cipher 3 "no cipher" "" -p -P again -N x -Z rot13 -f typed2
result unchanged "$(cmp typed2 before)"
expect rounds 0 "" "" -q -p -P again -N x -a 1 -f typed2
expect rounds_none 1 "rounds must be" "" -q -p -P x -N x -a 0 -f typed2
expect rounds_too_many 1 "rounds must be" "" -q -p -P x -N x -a 4097 -f typed2

# ---- comments
expect comment_change 0 "Comment 'you' applied" "" -c -C you -P x -f typed2
result comment_changed "$(grep -q ' you$' typed2.pub || cat typed2.pub)"
expect comment_inside 0 " you" "" -y -P x -f typed2
expect comment_typed 0 "applied" "he and she\n" -c -f ed
expect comment_typed_is_there 0 "he and she" "" -y -f ed
printf 'a\nb' >injected
expect comment_of_two_lines 0 "" "" -q -N '' -C "$(cat injected)" -f two
result one_line "$([ "$(wc -l <two.pub)" -eq 1 ] || cat two.pub)"

# ---- fingerprints
expect fingerprint 0 "256 SHA256:" "" -l -f ed
expect fingerprint_md5 0 "256 MD5:" "" -lE md5 -f ed.pub
expect fingerprint_unknown 3 'no fingerprint by "crc32"' "" -lE crc32 -f ed
rm typed2.pub
expect fingerprint_without_pub 0 "SHA256:" "" -l -P x -f typed2
expect fingerprint_from_stdin 0 "SHA256:" "$(cat ed.pub)\n" -l -f -
expect fingerprint_of_nothing 4 "not a public key file" "hello\n" -l -f -

# ---- what cannot be read
head -c 200 ed >cut; chmod 600 cut
expect damaged 4 "cut: the file is damaged" "" -y -f cut
echo hello >none; chmod 600 none
expect not_a_key 4 "not a private key" "" -y -f none
openssl ecparam -genkey -noout -name secp256k1 -out koblitz 2>/dev/null; chmod 600 koblitz
expect unsupported 3 "not supported" "" -y -f koblitz
openssl genrsa -traditional -out short 1024 2>/dev/null; chmod 600 short
expect short_rsa 3 "less than 2048 bits" "" -y -f short
expect missing 1 "No such file" "" -y -f missing
expect a_folder 1 "Is a directory" "" -y -f .
chmod 644 ed
expect open_to_others 1 "0600" "" -y -f ed
chmod 600 ed

# ---- import and export
expect export 0 "BEGIN SSH2 PUBLIC KEY" "" -e -f rsa
cp out foreign
expect import 0 "$(cut -d' ' -f1,2 rsa.pub)" "" -i -f foreign
sed 's/^Comment: .*/Comment: "a very long one \\\n that goes on: here"\r\nx-other: y/' foreign >folded
expect import_folded_headers 0 "$(cut -d' ' -f1,2 rsa.pub)" "" -i -f folded
sed '4s/^..../!!!!/' foreign >broken
expect import_broken 4 "damaged" "" -i -f broken
sed '4d' foreign >short4716
expect import_short 4 "damaged" "" -i -f short4716
expect import_no_key 4 "not an RFC 4716" "hello\n" -i -f -
expect import_sshcom_private 3 "ssh.com" "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\n" -i -f -
expect import_no_pem 4 "not a public key" "hello\n" -i -m PKCS8 -f -
expect export_pem_of_ed25519 0 "BEGIN PUBLIC KEY" "" -e -m PKCS8 -f ed
expect export_unknown 1 'no format "XML"' "" -e -m XML -f rsa

# ---- certificates
"$keygen" -q -N '' -f ca
"$keygen" -q -N capass -f lockedca
"$keygen" -q -N '' -f usr
expect sign 0 'id "me" serial 0 for a,b valid forever' "" -s ca -I me -n a,b usr.pub
expect sign_locked_ca 0 "Signed" "capass\n" -s lockedca -I me usr.pub
expect sign_wrong_passphrase 2 "wrong passphrase" "" -s lockedca -P no -I me usr.pub
rm usr-cert.pub
expect sign_without_id 1 "-I names the key" "" -s ca usr.pub
expect sign_nothing 1 "files follow" "" -s ca -I me
expect sign_no_key 4 "none: not a public key file" "" -s ca -I me none
expect sign_no_ca 1 "No such file" "" -s missing -I me usr.pub
expect sign_by_public_half 4 "not a private key" "" -s usr.pub -I me usr.pub
expect sign_unknown_option 1 'no option "fly"' "" -s ca -I me -O fly usr.pub
expect sign_option_without_value 1 'no option "force-command"' "" -s ca -I me -O force-command usr.pub
expect sign_host_with_users_option 1 'no option "no-pty"' "" -s ca -h -I me -O no-pty usr.pub
expect sign_empty_principal 1 "principal" "" -s ca -I me -n a,,b usr.pub
expect sign_bad_serial 1 "serial number" "" -s ca -I me -z 1x usr.pub
expect sign_bad_algorithm 3 "no such signature" "" -s ca -I me -t rsa-sha2-512 usr.pub
for when in 2024 tomorrow +1x 20240230 20240101:20230101 20241301 20240230x : 20240101: 0x 0xfg -999999w:+1d; do
	expect "sign_validity_$when" 1 "no interval of validity" "" -s ca -I me -V "$when" usr.pub
done
result nothing_was_signed "$(ls usr-cert.pub 2>/dev/null)"
"$keygen" -q -s ca -I me usr.pub
expect sign_a_certificate 3 "no certificates for this type" "" -s ca -I me usr-cert.pub
expect show 0 'Key ID: "me"' "" -L -f usr-cert.pub
expect show_no_certificate 4 "no certificate" "" -L -f usr.pub
"$keygen" -q -s ca -I "$(printf 'a\033[2Jb')" usr.pub
expect show_tames 0 'Key ID: "a?[2Jb"' "" -L -f usr-cert.pub

# ---- known_hosts
key=$(cut -d' ' -f1,2 ed.pub)
cat >hosts <<HOSTS
# a comment
host.example,10.0.0.1 $key
*.wild.example $key
[other.example]:2222 $key
@cert-authority *.ca.example $key
!not.star.example,*.star.example $key
what is this
HOSTS
same_as_ssh_keygen() {	# NAME ARGUMENTS...: output and status
	local name=$1 want got
	shift
	want=$(ssh-keygen "$@" 2>&1; echo $?)
	got=$("$keygen" "$@" 2>&1; echo $?)
	result "$name" "$([ "$want" = "$got" ] || echo "$got" | tr '\n' '|')"
}
for h in host.example HOST.example 10.0.0.1 a.wild.example '[other.example]:2222' other.example x.ca.example \
    not.star.example is.star.example; do
	same_as_ssh_keygen "find_$h" -F "$h" -f hosts
done
expect find_nothing 1 "" "" -F nobody.example -f hosts
result find_nothing_says_nothing "$(cat out)"
cp hosts hashed
expect hash 0 "hashed updated." "" -H -f hashed
result names_are_gone "$(grep -E '^(host|10|.other)' hashed)"
result others_stay "$([ "$(grep -c -E '^(#|\*.wild|@cert|!not|what)' hashed)" -eq 5 ] || cat hashed)"
result the_old_one_is_kept "$(cmp hosts hashed.old)"
for h in host.example 10.0.0.1 '[other.example]:2222'; do
	result "ssh-keygen_finds_hashed_$h" "$(ssh-keygen -F "$h" -f hashed >/dev/null || echo no)"
	same_as_ssh_keygen "find_hashed_$h" -F "$h" -f hashed
done
expect remove_hashed 0 "# Host 10.0.0.1 found: line 3" "" -R 10.0.0.1 -f hashed
expect removed_is_gone 1 "" "" -F 10.0.0.1 -f hashed
expect removed_leaves_others 0 "" "" -F host.example -f hashed
expect remove_nothing 0 "Host nobody.example not found in hosts" "" -R nobody.example -f hosts
expect remove_keeps_authorities 0 "not found" "" -R x.ca.example -f hosts
expect remove 0 "hosts updated." "" -R host.example -f hosts
result removed_only_that "$(diff hosts.old hosts | grep -c '^[<>]' | grep -vx 1)"
expect hosts_missing 1 "No such file" "" -F a -f missing
expect hosts_is_no_key 1 "usage:" "" -F a -R b -f hosts

# ---- revocation lists
ssh-keygen -q -t ed25519 -N '' -C ca -f krl-ca
ssh-keygen -q -t ecdsa -N '' -C 'a comment' -f subject
ssh-keygen -q -t ed25519 -N '' -C other -f other
ssh-keygen -q -s krl-ca -I 'its id' -z 77 subject.pub
cert=subject-cert.pub
fingerprint=$(ssh-keygen -lf subject.pub | cut -d ' ' -f 2)
# Not the date, which is in bytes 20 to 27.
same_krl() {	# NAME CA LINES FILES...: of what ssh-keygen makes, and shows
	local name=$1 ca=$2 words=$3 why=
	shift 3
	printf -- "$words" >spec
	ssh-keygen -q -k -f theirs -s "$ca" -z 3 -C 'of test' spec "$@" &&
	    "$keygen" -q -k -f ours -s "$ca" -z 3 -C 'of test' spec "$@" || why="not made"
	cmp -s <(tail -c +29 ours) <(tail -c +29 theirs) &&
	    cmp -s <(head -c 20 ours) <(head -c 20 theirs) || why="$why not the same bytes"
	for krl in ours theirs; do
		want=$(ssh-keygen -Q -l -f $krl subject.pub $cert other.pub; echo $?)
		got=$("$keygen" -Q -l -f $krl subject.pub $cert other.pub; echo $?)
		diff <(echo "$want" | grep -v '^hash: [^ ]*$') <(echo "$got" | grep -v '^hash: [^ ]*$') >out ||
		    why="$why $krl: $(tr '\n' '|' <out)"
	done
	result "krl_$name" "$why"
}
same_krl empty krl-ca.pub ''
same_krl one_serial krl-ca.pub 'serial: 77\n'
same_krl serials krl-ca.pub 'serial:0x10-0x20 # some\n\n#\nSERIAL: 77\nserial: 18446744073709551615\nserial: 75-76\n'
same_krl bitmap krl-ca.pub "$(printf 'serial: %s\\n' $(seq 1 3 400))"
same_krl any_ca none 'serial: 77\nid: foo\n'
same_krl other_ca other.pub 'serial: 77\nid: its id\n'
same_krl key_ids krl-ca.pub 'id: its id \nid:another # comment\nid: its id\n'
for word in '' 'key: ' 'sha1: ' 'sha256: '; do
	same_krl "word_${word%: }" krl-ca.pub "$word$(cat subject.pub)\n"
	same_krl "cert_${word%: }" krl-ca.pub "$word$(cat $cert)\n"
done
same_krl hash krl-ca.pub "hash: $fingerprint\n"
same_krl files krl-ca.pub '' $cert other.pub
result mode_of_a_krl "$([ "$(stat -c %a ours)" = 644 ] || stat -c %a ours)"
# what is shown can be taken again
"$keygen" -Q -l -f ours >shown
expect krl_shown_is_taken 0 "Revoking from shown" "" -k -f again -s krl-ca.pub shown
result krl_nothing_is_left "$(ls ours.* again.* 2>/dev/null)"
# updates
expect krl_make 0 "" "" -q -k -f list -s krl-ca.pub -z 4 $cert
expect krl_update 0 "(standard input)" "serial: 78\n" -k -u -f list -s krl-ca.pub -
expect krl_updated 1 "serial: 77-78" "" -Q -l -f list $cert
result krl_version_stays "$(grep -x '# KRL version 4' out >/dev/null || cat out)"
expect krl_update_key 0 "" "" -q -k -u -f list -z 5 other.pub
expect krl_query_many 1 "other.pub (other): REVOKED" "" -Q -f list subject.pub other.pub
result krl_query_ok "$(grep -qx 'subject.pub (a comment): ok' out || cat out)"
expect krl_query_good 0 "subject.pub (a comment): ok" "" -Q -f list subject.pub
cat subject.pub other.pub >both
expect krl_query_each_key 1 "REVOKED" "" -Q -f list both
expect krl_update_missing 1 "No such file" "" -q -k -u -f missing other.pub
expect krl_update_no_krl 4 "not a KRL" "" -q -k -u -f spec other.pub
# what is not understood: which line, and the old list stays
cp list kept
bad_line() {	# NAME LINE WORDS
	printf -- "serial: 1\n$2\n" >bad
	expect "krl_refuses_$1" 1 "bad:2: $3" "" -q -k -f list -s krl-ca.pub bad
}
bad_line serial_0 'serial: 0' "serial number 0"
bad_line serial 'serial: many' "no serial number"
bad_line serial_negative 'serial: -1' "no serial number"
bad_line serial_surplus 'serial: 5 6' "no serial number"
bad_line serial_too_large 'serial: 18446744073709551616' "no serial number"
bad_line range 'serial: 5-5' "the range ends"
bad_line range_end 'serial: 5-' "no serial number"
bad_line key_id 'id: # none' "no key id"
bad_line key 'key: ssh-ed25519 AAAA' "no public key"
bad_line hash 'hash: SHA256:AAAA' "no SHA-256 hash"
bad_line hash_md5 'hash: MD5:00' "only SHA256:"
bad_line word 'revoke: all' "no public key"
bad_line long "id: $(printf %17000s x)" "the line is too long"
bad_line private "$(head -n 1 subject)" "no public key"
result krl_refused_stays "$(cmp kept list)"
expect krl_no_ca 1 "with a CA only" "serial: 5\n" -q -k -f list -
expect krl_bad_ca 4 "ed25519: not a public key file" "" -q -k -f list -s ed25519 other.pub
expect krl_no_file 1 "-f says" "" -k other.pub
expect krl_query_no_file 1 "-f says" "" -Q other.pub
expect krl_query_no_krl 4 "not a KRL" "" -Q -f other.pub other.pub
expect krl_query_no_key 4 "spec: no public key" "" -Q -f list spec
expect krl_two_jobs 1 "usage:" "" -k -Q -f list
expect krl_comment_too_long 1 "longer than" "" -q -k -f list -C "$(printf %1024s x)"

# ---- the command line itself
expect two_jobs 1 "usage:" "" -l -y -f ed
expect unknown_flag 1 "usage:" "" -w
expect left_over 1 "usage:" "" -l -f ed more
expect bits_no_number 1 "bits must be" "" -b many -f no
# what ps shows while it waits for its file's name
mkfifo wait
"$keygen" -q -P topsecret -N topsecret -p <wait >/dev/null 2>&1 &
exec 9>wait
for _ in $(seq 50); do
	grep -qa topsecret "/proc/$!/cmdline" || break
	sleep 0.1
done
result passphrase_leaves_the_command_line "$(tr '\0' ' ' <"/proc/$!/cmdline" | grep topsecret)"
exec 9>&-
wait
exit $failed
