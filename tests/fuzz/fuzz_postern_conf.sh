#!/bin/sh
# fuzz_postern_conf.sh DIR - seeds: each keyword with each kind of value, Match, and tokens.
set -eu
cd "$(dirname "$0")/../.."
words=$(sed -n -E 's/^KEYWORD\(([A-Za-z0-9]+),.*/\1/p' apps/client_keywords.def)
for value in yes no 7 2m none 'confirm 1h' 0177 '8080 a.example:80' '"a b"' '~/x-%C-%h' '${HOME}/%%%d%i%j%k%L%l%n%p%r%u' \
    -a,b '1G 1h'; do
	for word in $words; do echo "$word $value"; done >"$1/each-$(printf %s "$value" | cksum | cut -d' ' -f1)"
done
for word in $words; do
	printf 'Host web.* !x\n%s yes\nInclude self\nMatch final host web.*,!y\n%s=7\n' "$word" "$word" >"$1/match-$word"
done
printf 'Match exec "x %%h" user bob\nPort 1\nMatch !localnetwork 10.0.0.0/8,::1 localuser bob\nPort 2\n' >"$1/criteria"
printf 'Match canonical all\nPort 1\nMatch originalhost "web.*"\nHostName %%h.x\nProxyJump %%r@%%h:%%p,ssh://u@[::1]:2\n' >"$1/names"
