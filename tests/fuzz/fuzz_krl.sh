#!/bin/sh
# fuzz_krl.sh DIR - seeds: KRLs with each kind of section, and lists of public keys.
set -eu
to=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
for key in ca one two; do ssh-keygen -q -t ed25519 -N '' -f $key; done
printf 'serial: 1\nserial: 3\nserial: 7-900\nserial: 18446744073709551615\nid: somebody\nid: x\n' >serials
printf 'serial: 10\nserial: 12\nserial: 13\nserial: 17\nserial: 31\nserial: 32\n' >bitmap
{ printf 'key: '; cat one.pub; printf 'sha1: '; cat one.pub; printf 'sha256: '; cat two.pub; } >keys
for what in serials bitmap keys; do ssh-keygen -q -k -z 5 -f "$to/$what" -s ca.pub $what; done
ssh-keygen -q -k -f "$to/plain" one.pub two.pub
ssh-keygen -q -k -f "$to/empty"
{ echo '# list'; cat one.pub; echo; cut -d' ' -f1,2 two.pub; } >"$to/list"
