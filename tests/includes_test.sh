#!/bin/bash
# includes_test.sh - includes point one way: who may take what from whom.
#
# The table says, for the files that match the first column, which of our own
# headers may stand in an include line.  What matches no row may take nothing, so a
# new kind of file needs a row here before it compiles its way around the fence.
set -u
cd "$(dirname "$0")/.." || exit 1

# The first row whose pattern matches the file counts.  Both are extended regular
# expressions over whole names.
read -r -d '' table <<'TABLE'
crypto/.*                               crypto/.*
proto/.*                                (proto|crypto)/.*
ipc/.*                                  ipc/.*|proto/wire\.h
privsep/spawn(_plan)?\.[ch]              privsep/spawn\.h
privsep/sandbox.*                       privsep/sandbox.*
privsep/rehearsal\.[ch]                 privsep/(rehearsal|sandbox|worker)\.h
privsep/canary\.h                       -
privsep/zygote\.c                       ipc/.*|crypto/crypto\.h|privsep/(canary|rehearsal|sandbox|spawn|worker)\.h
privsep/keyload\.c                      ipc/.*|crypto/(crypto|keyfile)\.h|privsep/(sandbox|spawn)\.h
privsep/resolve\.c                      ipc/.*|privsep/spawn\.h
privsep/monitor.*                       ipc/.*|crypto/.*|proto/wire\.h|privsep/(monitor.*|sandbox|spawn)\.h
privsep/worker.*                        ipc/.*|proto/.*|crypto/.*|privsep/(worker.*|sandbox)\.h
privsep/api.*                           ipc/.*|crypto/names\.def|proto/(wire\.h|messages\.def)|include/postern\.h|privsep/(api.*|spawn)\.h
include/.*                              -
apps/client.*                           apps/(client.*|tty_.*|(foreign_names|program_signals)\.h)
apps/postern\.c                         apps/client.*
apps/keygen.*                           apps/(keygen.*|conf_pattern\.h)|crypto/.*
apps/.*                                 apps/(posternd|conf|account|session|tty_|foreign_names|program_signals).*
TABLE

# Prints one line per include that the table does not allow, below folder $1.
violations() {
	(cd "$1" && find crypto proto ipc privsep include apps -name '*.[ch]' -o -name '*.def') |
	sort | while IFS= read -r file; do
		awk -v file="$file" -v table="$table" '
		BEGIN {
			n = split(table, rows, "\n")
			allow = "-"
			for (i = 1; i <= n; i++) {
				split(rows[i], c, /[ \t]+/)
				if (file ~ "^(" c[1] ")$") { allow = c[2]; break }
			}
		}
		/^[ \t]*#[ \t]*include[ \t]*"/ {
			split($0, q, "\"")
			if (q[2] !~ "^(" allow ")$")
				print file ":" FNR ": must not include " q[2]
		}
		# the same by the back door
		/^[ \t]*#[ \t]*include[ \t]*</ && !/<postern\.h>/ {
			split($0, q, /[<>]/)
			if (q[2] ~ /^(crypto|proto|ipc|privsep|apps)\//)
				print file ":" FNR ": ours is written with quotes: " q[2]
		}
		/^[ \t]*#[ \t]*include[ \t]*<postern\.h>/ && file !~ /^(apps\/|privsep\/api)/ {
			print file ":" FNR ": must not include postern.h"
		}' "$1/$file"
	done
}

failed=0
case_of() {
	if [ -z "$2" ]; then
		echo "ok $1"
	else
		printf 'not ok %s: %s\n' "$1" "$(head -n 1 <<<"$2")"
		tail -n +2 <<<"$2"
		failed=1
	fi
}

case_of include_directions "$(violations .)"

# Each kind of file, with what it must not have, in a tree of its own.
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir"/{crypto,proto,ipc,privsep,include,apps}
missed=
while read -r file header; do
	echo "#include $header" >"$dir/$file"
	[ "$(violations "$dir" | wc -l)" -eq 1 ] || missed="$missed $file<-$header"
	rm "$dir/$file"
done <<'PLANTED'
crypto/a.c "proto/wire.h"
proto/a.c "ipc/ipc.h"
ipc/a.c "proto/ssh.h"
ipc/messages.def "crypto/crypto.h"
privsep/spawn.c "ipc/ipc.h"
privsep/sandbox_a.c "crypto/crypto.h"
privsep/zygote.c "proto/ssh.h"
privsep/keyload.c "proto/wire.h"
privsep/resolve.c "crypto/crypto.h"
privsep/monitor_a.c "proto/packet.h"
privsep/monitor_a.c "privsep/worker.h"
privsep/worker_a.c "privsep/monitor.h"
privsep/worker_a.c <postern.h>
privsep/api_a.c "crypto/crypto.h"
privsep/api_a.c "proto/ssh.h"
privsep/other.c "ipc/ipc.h"
include/postern.h "ipc/ipc.h"
apps/posternd.c "ipc/ipc.h"
apps/posternd.c <proto/ssh.h>
apps/client_a.c "apps/session.h"
apps/posternd.c "crypto/crypto.h"
apps/keygen_a.c "proto/ssh.h"
apps/keygen_a.c "privsep/monitor.h"
PLANTED
case_of planted_includes_are_found "${missed:+not found:$missed}"
exit $failed
