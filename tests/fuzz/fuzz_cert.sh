#!/bin/sh
# fuzz_cert.sh DIR - seeds: certificates of each type, of users and hosts, with each option.
set -eu
to=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for ca in ed25519 ecdsa rsa; do ssh-keygen -q -t $ca -N '' -f ca-$ca; done
certify() {	# NAME CA OPTIONS...
	name=$1 ca=$2
	shift 2
	ssh-keygen -q -s "ca-$ca" -I "id of $name" "$@" "$name.pub" 2>/dev/null
	cut -d' ' -f2 "$name-cert.pub" | base64 -d >"$to/$name"
}
for type in ed25519 ecdsa rsa; do
	for name in user host; do ssh-keygen -q -t $type -N '' -f $name-$type; done
	certify user-$type ed25519 -n bob,ops -z 7 -V +1h -O force-command=x -O source-address=192.0.2.0/24,2001:db8::/32
	certify host-$type $type -h -n 'a.example,*.b.example' -V always:forever
done
ssh-keygen -q -t ed25519 -N '' -f bare
certify bare rsa -O clear -O no-touch-required -O critical:x@y=z -O extension:verify-required
