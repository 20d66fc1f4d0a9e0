#!/bin/sh
# fuzz_update.sh DIR - seeds: lists of keys, then files; @ and a letter become a key.
set -eu
printf 'K\nhost.example @K\nhost.example @L\nother @M\n' >"$1/old"
printf 'KLM\n# x\nhost.example @K\r\nhost.example @N x\n' >"$1/new"
printf 'KL\n@revoked host.example @M\nhost.example @K\n' >"$1/marked"
printf 'KL\nhost.example,other @K\n*.example @N\nalias @L\n' >"$1/several"
printf 'LxL\nhost.example @K\n|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= @L\n' >"$1/hashed"
