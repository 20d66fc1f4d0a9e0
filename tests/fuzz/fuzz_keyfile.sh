#!/bin/bash
# fuzz_keyfile.sh CORPUS - seeds: a key file of each type, format and cipher.
set -eu
corpus=$(realpath "$1")
[ ! -e "$corpus/rsa.pem" ] || exit 0
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$(dirname "$0")/../keyfile_make.sh" "$dir"
rm "$dir"/*.pub "$dir/passfile" "$dir/nopass"
mv "$dir"/refused/* "$dir"/*.* "$corpus"
