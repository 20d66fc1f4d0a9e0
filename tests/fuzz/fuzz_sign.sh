#!/bin/sh
# fuzz_sign.sh DIR - seeds: a key of each type, with what is a signature by its form.
set -eu
to=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for size in ed25519:256 ecdsa:256 ecdsa:384 ecdsa:521 rsa:2048 dsa:1024; do
	ssh-keygen -q -t "${size%:*}" -b "${size#*:}" -N '' -f key 2>/dev/null || continue
	cut -d' ' -f2 key.pub | base64 -d >blob
	type=$(cut -d' ' -f1 key.pub)
	n=$(wc -c <blob)
	{
		# shellcheck disable=SC2059 # the format is the bytes
		printf "\\$(printf %03o $((n / 256)))\\$(printf %03o $((n % 256)))"
		cat blob
		printf "\\000\\000\\000\\$(printf %03o ${#type})%s\\000\\000\\000\\100" "$type"
		head -c 64 blob
	} >"$to/$size"
	rm key key.pub
done
