#!/bin/sh
# install_test.sh - a program built against the installed library, by pkg-config and
# nothing else, runs: with the shared library and with the static one.
#
# Whatever is found in the checkout by luck is missing on the machine of who installs.
set -u
cd "$(dirname "$0")/.." || exit 1
build=${BUILD:-build}
san= flags=
case "$build" in */san) san=SAN=1 flags=-fsanitize=address,undefined ;; esac
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
fail=0

case_of() {	# name, what is wrong or nothing
	if [ -z "$2" ]; then
		echo "ok $1"
	else
		echo "not ok $1: $2"
		fail=1
	fi
}

chmod 755 "$tmp"
case_of "make install" "$(make -s install $san "PREFIX=$tmp/usr" 2>&1 >/dev/null | head -n 3)"
missing=
for f in bin/postern bin/postern-keygen sbin/posternd include/postern.h lib/libpostern.a lib/libpostern.so \
    libexec/postern/postern-monitor libexec/postern/postern-worker libexec/postern/postern-keyload \
    libexec/postern/postern-resolve \
    share/man/man1/postern.1 share/man/man1/postern-keygen.1 share/man/man3/postern_transport.3 share/man/man8/posternd.8; do
	[ -s "$tmp/usr/$f" ] || missing="$missing $f"
done
case_of "all is there" "$missing"

cat >"$tmp/program.c" <<'END'
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <postern.h>

/* Starts a monitor and a client's worker; its peer says what no SSH server says. */
int
main(void)
{
	struct postern_client_config cfg = POSTERN_CLIENT_CONFIG;
	static const char hello[] = "SSH-1.0-old\r\n";
	postern_context *ctx;
	postern_transport *t;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
	    write(pair[1], hello, strlen(hello)) < 0)
		return 2;
	if ((r = postern_context_new(&ctx, NULL, 20000)) < 0 ||
	    (r = postern_transport_new(&t, ctx, pair[0])) < 0) {
		fprintf(stderr, "%s\n", postern_strerror(r));
		return 3;
	}
	cfg.host = "localhost";
	r = postern_transport_start_client(t, &cfg, 20000);
	if (r != POSTERN_EPROTO)
		fprintf(stderr, "%s\n", postern_strerror(r));
	postern_context_free(ctx);
	return r == POSTERN_EPROTO ? 0 : 4;
}
END
export PKG_CONFIG_PATH="$tmp/usr/lib/pkgconfig"
program() {	# shared or static; what pkg-config says is words
	# shellcheck disable=SC2046,SC2086
	if [ "$1" = shared ]; then
		${CC:-cc} $flags -o "$tmp/$1" "$tmp/program.c" $(pkg-config --cflags --libs postern)
	else
		${CC:-cc} $flags -o "$tmp/$1" "$tmp/program.c" $(pkg-config --cflags postern) \
			"$(pkg-config --variable=libdir postern)/libpostern.a" $(pkg-config --static --libs-only-l postern |
			tr ' ' '\n' | grep -v '^-lpostern$')
	fi || { echo "it does not build"; return; }
	( cd / && LD_LIBRARY_PATH="$tmp/usr/lib" timeout 60 "$tmp/$1" 2>&1 ) || echo "it does not run"
}
case_of "a program with the shared library" "$(program shared)"
case_of "a program with the static library" "$(program static)"
rm "$tmp/usr/libexec/postern/postern-worker"
case_of "without its worker it does not" \
	"$( [ "$(cd / && LD_LIBRARY_PATH=$tmp/usr/lib timeout 60 "$tmp/shared" >/dev/null 2>&1; echo $?)" != 0 ] || echo "it does")"
exit "$fail"
