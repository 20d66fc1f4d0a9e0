#!/bin/sh
# fuzz_posternd_conf.sh DIR - seeds: each keyword with each kind of value, and Match blocks.
set -eu
cd "$(dirname "$0")/../.."
words=$(sed -n -E 's/^[A-Z]+\(([A-Za-z0-9]+),.*/\1/p' apps/conf_keywords.def)
for value in yes no 7 2m none any 0022 a.example:22 '"a b" c' /etc/x -a,b 1G+1h 10:30:60; do
	for word in $words; do echo "$word $value"; done >"$1/each-$(printf %s "$value" | cksum | cut -d' ' -f1)"
done
for word in $words; do
	printf 'Match User b*,!x Address 2001:db8::/32,!192.0.2.7 Group wheel\n%s yes\nInclude self\nMatch all\n%s 7\n' \
	    "$word" "$word" >"$1/match-$word"
done
printf 'Subsystem a /b c\nSubsystem d e\nPort 22\nPort 23\nListenAddress [::1]:9\nMatch LocalPort 22 Host a.*\n' >"$1/lists"
printf 'Match Invalid-User\nMaxAuthTries 1\nMatch Version Postern_* LocalAddress 192.0.2.1\nForceCommand x "y\n' >"$1/whom"
