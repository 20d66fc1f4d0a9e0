#!/bin/sh
# deps.sh build|check|fuzz|interop - installs from Debian's packages what is missing for a goal,
# and says so first.  Uses sudo when not root.  Does nothing when nothing is missing.
set -eu

build="gcc libc6-dev libcrypt-dev libssl-dev libsodium-dev libseccomp-dev libbsd-dev libmd-dev zlib1g-dev openssh-client"
check="$build clang libcmocka-dev openssh-server openssh-sftp-server dropbear-bin tinysshd putty-tools openssl
       python3-minimal python3 procps binutils mandoc gdb xauth rsync git python3-paramiko python3-asyncssh python3-twisted
       libssh-dev libssh2-1-dev libevent-dev pkgconf valgrind libpam0g-dev libpam-modules"

# its seeds of key files are made by the same tools as for check
fuzz="$build clang libclang-rt-14-dev libcmocka-dev libpam0g-dev putty-tools openssl"

case "${1:-}" in
build) want=$build ;;
check) want=$check ;;
fuzz) want=$fuzz ;;
interop)
	want="$check python3-venv"
	# what the peers are written in, wherever it is from; Debian's Go and Rust are too old for them
	for pair in node:nodejs npm:npm mvn:maven javac:default-jdk-headless; do
		command -v "${pair%:*}" >/dev/null || want="$want ${pair#*:}"
	done ;;
*) echo "usage: deps.sh build|check|fuzz|interop" >&2; exit 2 ;;
esac

missing=
for p in $want; do
	state=$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null || true)
	[ "$state" = "install ok installed" ] || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

echo "Missing Debian packages:$missing"
if [ "$(id -u)" -eq 0 ]; then
	sudo=
elif command -v sudo >/dev/null 2>&1; then
	sudo=sudo
else
	echo "Neither root nor sudo: please install them, then try again." >&2
	exit 1
fi
echo "Installing them with apt-get${sudo:+ (sudo)}."
export DEBIAN_FRONTEND=noninteractive
# A freshly installed machine may have no package lists yet.
$sudo apt-get update -q >/dev/null || echo "apt-get update failed; trying with the lists there are" >&2
# policy-rc.d: the packages' own daemons are not to be started on this machine
if [ ! -e /usr/sbin/policy-rc.d ]; then
	printf '#!/bin/sh\nexit 101\n' | $sudo tee /usr/sbin/policy-rc.d >/dev/null
	$sudo chmod 755 /usr/sbin/policy-rc.d
	trap '$sudo rm -f /usr/sbin/policy-rc.d' EXIT
fi
# shellcheck disable=SC2086 # a list of names
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
