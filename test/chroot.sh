#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Boots Strata from a bare Debian 12 that has nothing but git and python3: makes such a system in a
# temporary folder, clones this repository there and runs `./strata run` without a terminal, or another
# subcommand. Needs root and debootstrap; takes some minutes and 2 to 4 GB below ${TMPDIR:-/tmp}. What is
# committed is what is tested.
#
#     test/chroot.sh [SUBCOMMAND [ARGUMENTS...]]
set -euo pipefail

[ $# -gt 0 ] || set -- run --timeout 60
source=$(cd "$(dirname "$0")/.." && pwd)
for program in debootstrap git python3; do
	command -v "$program" >/dev/null || { echo "chroot.sh: $program is not installed" >&2; exit 1; }
done
[ "$(id -u)" = 0 ] || { echo "chroot.sh: must be run by root" >&2; exit 1; }

# The mirror of this machine's own apt configuration.
mirror=$(cd "$source/tools" && python3 -c 'from strata import debian; print(debian.mirror("bookworm"))')

top=$(mktemp -d)
root=$top/root

mounted() {
	awk -v root="$root/" 'index($2, root) == 1 { print $2 }' /proc/mounts
}

tidy_up() {
	local point
	while read -r point; do
		umount "$point" || umount -l "$point"
	done < <(mounted | sort -r)
	# Never descend into a mount that would not go.
	if [ -z "$(mounted)" ]; then
		rm -rf --one-file-system "$top"
	else
		echo "chroot.sh: $root is left behind: something is still mounted there" >&2
	fi
}
trap tidy_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

debootstrap --variant=minbase --include=git,python3,ca-certificates bookworm "$root" "$mirror" >&2

# How this machine reaches its mirror.
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
cp -L /etc/hosts "$root/etc/hosts" 2>/dev/null || true
cp -rL /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
[ ! -e /etc/apt/apt.conf ] || cp -L /etc/apt/apt.conf "$root/etc/apt/"
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then
	cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
fi

mount -t proc proc "$root/proc"
# Private: what is mounted and unmounted in there must not come back here.
mount --bind /dev "$root/dev"
mount --make-private "$root/dev"
mount --bind /dev/pts "$root/dev/pts"

git clone -q --no-hardlinks "$source" "$root/root/strata"

keep=()
for variable in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
	[ -z "${!variable:-}" ] || keep+=("$variable=${!variable}")
done

status=0
env -i "${keep[@]}" HOME=/root LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	setsid --wait chroot "$root" /root/strata/strata "$@" </dev/null || status=$?
echo "chroot.sh: ./strata $1 ended with status $status" >&2
exit "$status"
