#!/bin/sh
# fuzz_known_hosts.sh DIR - seeds: each form of line; @K and @L become keys.
set -eu
printf 'host.example @K\n' >"$1/plain"
printf 'a,host.*,!host.x @L comment\n@revoked * @K\n' >"$1/revoked"
printf '# x\n\n@cert-authority *.example @K\nhost.example @L\n@other host.example @K\r\n' >"$1/marked"
printf '|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg= @L\n|1|x|y @K\n' >"$1/hashed"
printf '[host.example]:22,ho?t.* ssh-ed25519 AAAA\nhost.example ssh-rsa AAAAC3NzaC1lZDI1NTE5\n' >"$1/damaged"
