#!/bin/bash
# keyfile_make.sh DIR - key files of every type, format and cipher that the peers' tools
# write, for the tests to read.
#
# DIR/KEY.pub is the public line of DIR/KEY.FORMAT; a name that ends in .enc is encrypted
# with the passphrase "correct horse".  DIR/refused/WHY.NAME is to be refused.
set -eu
cd "$1"
pass='correct horse'
echo "$pass" >passfile
: >nopass
mkdir refused
keygen() { ssh-keygen -q "$@" </dev/null >/dev/null 2>&1; }

make() {	# KEY TYPE BITS
	keygen -t "$2" -b "$3" -N '' -C "$1@example" -f "$1"
	mv "$1" "$1.openssh"
	cp "$1.openssh" "$1.openssh.enc"
	keygen -p -a 4 -N "$pass" -f "$1.openssh.enc"
	for version in 2 3; do
		puttygen -q "$1.openssh" -o "$1.ppk$version" --new-passphrase nopass --ppk-param "version=$version"
		puttygen -q "$1.openssh" -o "$1.ppk$version.enc" --new-passphrase passfile \
		    --ppk-param "version=$version,passes=3"
	done
}
traditional() {	# KEY, an openssl command for it
	cp "$1.openssh" "$1.pem"
	keygen -p -m PEM -N '' -f "$1.pem"
	cp "$1.openssh" "$1.pem.enc"
	keygen -p -m PEM -N "$pass" -f "$1.pem.enc"
	cp "$1.openssh" "$1.pkcs8"
	keygen -p -m PKCS8 -N '' -f "$1.pkcs8"
	cp "$1.openssh" "$1.pkcs8.enc"
	keygen -p -m PKCS8 -N "$pass" -f "$1.pkcs8.enc"
}
make ed25519 ed25519 256
make p256 ecdsa 256
make p384 ecdsa 384
make p521 ecdsa 521
make rsa rsa 2048
make rsa3072 rsa 3072
make dsa dsa 1024
for key in p256 p384 p521 rsa rsa3072 dsa; do traditional $key; done

# ciphers
for c in aes128-ctr aes192-ctr aes256-ctr aes128-cbc aes192-cbc aes256-cbc 3des-cbc \
    aes128-gcm@openssh.com aes256-gcm@openssh.com chacha20-poly1305@openssh.com; do
	for key in p384 rsa; do
		cp $key.openssh "$key.$c.enc"
		keygen -p -a 1 -N "$pass" -Z "$c" -f "$key.$c.enc"
	done
done
for c in aes128 aes192 aes256 des3; do
	openssl rsa -traditional -in rsa.pem "-$c" -passout file:passfile -out rsa.pem-$c.enc 2>/dev/null
	openssl ec -in p384.pem "-$c" -passout file:passfile -out p384.pem-$c.enc 2>/dev/null
	for prf in hmacWithSHA1 hmacWithSHA256 hmacWithSHA384 hmacWithSHA512; do
		openssl pkcs8 -topk8 -in rsa.pem -v2 $c -v2prf $prf -iter 1000 -passout file:passfile \
		    -out rsa.pkcs8-$c-$prf.enc
	done
done
puttygen -q rsa.openssh -o rsa.ppk-argon2i.enc --new-passphrase passfile --ppk-param kdf=argon2i,passes=3
# forms of the same
openssl ec -in p256.pem -conv_form compressed -out p256.pem-compressed 2>/dev/null
openssl ec -in p256.pem -no_public -out p256.pem-no-point 2>/dev/null
openssl ec -in p256.pem -param_enc explicit -out p256.pem-explicit 2>/dev/null
{ openssl ecparam -name secp384r1; cat p384.pem; } >p384.pem-behind-parameters
sed 's/$/\r/' rsa.pem.enc >rsa.pem-crlf.enc
sed 's/$/\r/' rsa.ppk3.enc >rsa.ppk3-crlf.enc
openssl genpkey -algorithm ed25519 -out edwards.pkcs8
openssl pkcs8 -topk8 -in edwards.pkcs8 -passout file:passfile -out edwards.pkcs8.enc
{ printf 'ssh-ed25519 '; { printf '\0\0\0\013ssh-ed25519\0\0\0 '; openssl pkey -in edwards.pkcs8 \
    -pubout -outform DER | tail -c 32; } | base64 -w 0; } >edwards.pub

# with the public half behind the private one (RFC 5958); and RFC 8410's example of it
hex() { od -An -v -tx1 | tr -d ' \n'; }
der() {		# TAG HEX
	local n=$((${#2} / 2))
	if [ $n -lt 128 ]; then printf '%s%02x%s' $1 $n $2
	elif [ $n -lt 256 ]; then printf '%s81%02x%s' $1 $n $2
	else printf '%s82%04x%s' $1 $n $2; fi
}
value() {	# HEX: what is in its first element
	local from=4 n=$((0x${1:2:2}))
	case ${1:2:2} in
	81) from=6 n=$((0x${1:4:2})) ;;
	82) from=8 n=$((0x${1:4:4})) ;;
	esac
	echo "${1:from:2 * n}"
}
armour() {	# HEX
	echo '-----BEGIN PRIVATE KEY-----'
	printf '%b' "$(sed 's/../\\x&/g' <<<"$1")" | base64
	echo '-----END PRIVATE KEY-----'
}
public() {	# KEY [FLAGS]: its bits
	local spki=$(value "$(openssl pkey -in "$1" -pubout -outform DER | openssl pkey -pubin -inform DER \
	    -pubout -outform DER ${2-} ${3-} | hex)")
	local type=$(der 30 "$(value "$spki")")
	value "${spki:${#type}}"
}
version_2() {	# KEY VERSION BITS
	local body=$(value "$(openssl pkcs8 -topk8 -nocrypt -in "$1" -outform DER | hex)")
	armour "$(der 30 "0201$2${body:6}$(der 81 "$3")")"
}
for key in p256 p384 p521 rsa dsa edwards; do
	version_2 $key.pkcs8 01 "$(public $key.pkcs8)" >$key.pkcs8-2
done
version_2 p256.pkcs8 01 "$(public p256.pkcs8 -ec_conv_form compressed)" >p256.pkcs8-2-compressed
{ echo '-----BEGIN PRIVATE KEY-----'
echo 'MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC'
echo 'oB8wHQYKKoZIhvcNAQkJFDEPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrB'
echo 'Z9w7lshQhqowtrbLDFw4rXAxZuE='
echo '-----END PRIVATE KEY-----'; } >rfc8410.pkcs8-2
{ printf 'ssh-ed25519 '; printf '\0\0\0\013ssh-ed25519\0\0\0 %b' "$(sed 's/../\\x&/g' \
    <<<19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1)" | base64 -w 0; } >rfc8410.pub

# what is refused, and as what
openssl ecparam -genkey -noout -name secp256k1 -out refused/unsupported.secp256k1
openssl genpkey -algorithm ed448 -out refused/unsupported.ed448 2>/dev/null
openssl genpkey -algorithm x25519 -out refused/unsupported.x25519 2>/dev/null
openssl genpkey -algorithm rsa-pss -out refused/unsupported.rsa-pss 2>/dev/null
openssl genrsa -traditional -primes 3 -out refused/unsupported.three-primes 2048 2>/dev/null
openssl pkcs8 -topk8 -in rsa.pem -scrypt -passout file:passfile -out refused/unsupported.scrypt
openssl pkcs8 -topk8 -in rsa.pem -v1 PBE-SHA1-3DES -passout file:passfile -out refused/unsupported.pbes1
# a count of 100000 becomes one of 5000001, which nobody has to compute
openssl pkcs8 -topk8 -in rsa.pem -iter 100000 -passout file:passfile -outform DER |
	LC_ALL=C sed 's/\x02\x03\x01\x86\xa0/\x02\x03\x4c\x4b\x41/' |
	{ echo '-----BEGIN ENCRYPTED PRIVATE KEY-----'; base64; echo '-----END ENCRYPTED PRIVATE KEY-----'; } \
	>refused/unsupported.iterations
openssl rsa -traditional -in rsa.pem -camellia128 -passout file:passfile -out refused/unsupported.camellia 2>/dev/null
puttygen -q rsa.openssh -o refused/unsupported.argon2d --new-passphrase passfile --ppk-param kdf=argon2d,passes=3
puttygen -q rsa.openssh -o refused/unsupported.lanes --new-passphrase passfile --ppk-param parallelism=2,passes=3
puttygen -q rsa.openssh -o refused/unsupported.memory --new-passphrase passfile --ppk-param memory=65537,passes=1
puttygen -q -t ed448 -o refused/unsupported.ppk-ed448 --new-passphrase nopass
puttygen -q rsa.openssh -O private-sshcom -o refused/unsupported.sshcom
openssl genrsa -traditional -out refused/too-short.pem 1024 2>/dev/null
openssl genrsa -out refused/too-short.pkcs8 1024 2>/dev/null
keygen -t rsa -b 1024 -N '' -f refused/too-short.openssh
puttygen -q refused/too-short.openssh -o refused/too-short.ppk --new-passphrase nopass
rm refused/too-short.openssh.pub
sed 's/PuTTY-User-Key-File-3/PuTTY-User-Key-File-4/' rsa.ppk3 >refused/unsupported.ppk4
sed 's/^Private-MAC: ./Private-MAC: g/' rsa.ppk3 >refused/damaged.ppk3-mac
sed 's/^Comment: /Comment: x/' rsa.ppk2 >refused/damaged.ppk2-comment
for key in rsa p256 dsa; do
	sed '3s/^..../AAAA/' $key.pem >refused/damaged.$key-pem
	sed '/^-----END/d' $key.pem >refused/damaged.$key-no-end
	cat $key.pem $key.pem >refused/damaged.$key-twice
done
# a public half that is another key's, or where version 1 has none; a version to come
openssl genpkey -algorithm ed25519 -out other
openssl ecparam -genkey -name prime256v1 -noout -out other-p256
version_2 edwards.pkcs8 01 "$(public other)" >refused/damaged.edwards-2-other
version_2 p256.pkcs8 01 "$(public other-p256)" >refused/damaged.p256-2-other
version_2 p256.pkcs8 01 "$(public other-p256 -ec_conv_form compressed)" >refused/damaged.p256-2-compressed
version_2 rsa.pkcs8 01 "$(public rsa3072.pkcs8)" >refused/damaged.rsa-2-other
version_2 edwards.pkcs8 01 "$(public edwards.pkcs8)00" >refused/damaged.edwards-2-longer
version_2 edwards.pkcs8 01 00 >refused/damaged.edwards-2-empty
version_2 edwards.pkcs8 00 "$(public edwards.pkcs8)" >refused/damaged.edwards-2-version-1
version_2 edwards.pkcs8 02 "$(public edwards.pkcs8)" >refused/unsupported.edwards-3
rm other other-p256
# DSA of other sizes than signatures are made with; and numbers that OpenSSL would
# compute with for minutes
openssl genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:2048 -pkeyopt dsa_paramgen_q_bits:160 \
    -out parameters 2>/dev/null
openssl genpkey -paramfile parameters -out refused/unsupported.dsa2048
rm parameters
huge=$(der 02 01$(printf '%04998d' 1 | tr 0 c))
armour "$(der 30 "020100$(der 30 "06072a8648ce380401$(der 30 "${huge}020103020102")")$(der 04 "$huge")")" \
    >refused/unsupported.dsa-huge
