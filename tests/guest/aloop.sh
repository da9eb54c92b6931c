#!/bin/bash
# The sound by the kernel's snd-aloop, tested in a virtual machine: few build machines have it.
#
# Takes this machine's kernel when that has the module and may be read, else Debian's package,
# which is fetched once into the build folder and unpacked, never installed. aloop.sh FILTER runs
# only the tests that the cmocka filter names. With TR_GUEST_SLOTS=16 it is the slots' cards, all at
# once (test_loopbacks.c).
set -euo pipefail

build=${TR_BUILD_DIR:?run by ctest, or set TR_BUILD_DIR to the build folder}
source=${TR_SOURCE_DIR:?}
cache=$build/guest
program=test_guest_${TR_GUEST_SLOTS:+loopbacks}
[ -n "${TR_GUEST_SLOTS:-}" ] || program=test_guest_aloop
work=$(mktemp -d /tmp/telerec-guest.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

skip() {
	echo "skipped: $*"
	exit 77
}

[ "$(uname -m)" = x86_64 ] || skip "the guest is for x86_64 only"
for tool in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static xz:xz-utils; do
	command -v "${tool%:*}" >/dev/null || skip "${tool#*:} is not installed"
done

# find_kernel ROOT: sets root, version and image, when it has a kernel with the module.
find_kernel() {
	local module
	for module in "$1"/lib/modules/*/kernel/sound/drivers/snd-aloop.ko*; do
		root=${1:-/}
		version=${module#"$1"/lib/modules/}
		version=${version%%/*}
		image=$1/boot/vmlinuz-$version
		[ ! -e "$module" ] || [ ! -r "$image" ] || return 0
	done
	return 1
}

fetch_kernel() {
	local package
	package=$(apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[^ ]*\).*/\1/p' | head -n 1)
	[ -n "$package" ] || skip "no Debian package of a kernel is known (apt-get update?)"
	rm -rf "${cache:?}"/{boot,lib,usr} && mkdir -p "$cache"
	(cd "$work" && timeout 120 apt-get -qq download "$package" >"$work/log" 2>&1) ||
		skip "cannot fetch $package: $(tail -n 1 "$work/log")"
	dpkg-deb -x "$work/$package"_*.deb "$cache"
	[ -e "$cache/lib" ] || ln -s usr/lib "$cache/lib" # where the packages of Debian 13 have it
}

find_kernel "" || find_kernel "$cache" || { fetch_kernel && find_kernel "$cache"; } ||
	skip "there is no kernel with snd-aloop"
echo "kernel $version"

bash "$source/tests/guest/make_initramfs.sh" "$root" "$version" \
	"$build/$program" "$work/initramfs"

# run SECONDS ACCELERATOR ARGUMENTS: the guest, its console on standard output.
run() {
	timeout "$1" qemu-system-x86_64 -accel "$2" -m 512 -smp 2 -nodefaults -no-reboot \
		-display none -serial stdio -kernel "$image" -initrd "$work/initramfs" \
		-append "console=ttyS0 quiet panic=-1 $3" </dev/null
}

# A /dev/kvm that is there need not work: in a virtual machine it may hang.
accelerator=tcg
if [ -w /dev/kvm ] && run 6 kvm telerec_probe 2>/dev/null | grep -q 'guest: alive'; then
	accelerator=kvm
fi
echo "accelerator $accelerator"
run 640 "$accelerator" "${1:+telerec_filter=$1}" | stdbuf -oL tr -d '\r' | tee "$work/console" || true
grep -qxE 'guest: the programs ended with 0( 0)?' "$work/console" || {
	echo "FAILED: the guest's programs did not end well" >&2
	exit 1
}
