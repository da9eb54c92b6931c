#!/bin/bash
# A Debian with only the cloud's kernel, in a virtual machine with GRUB: telerec finds that it has no
# snd-aloop, tries the generic one for one boot, gets the old one back when that does not come up,
# makes it the default when it does, gives sixteen slots a card each, and undoes it all.
#
# The disk is made once and kept in ~/.cache/telerec-guest. Takes some ten minutes in software on an idle machine.
# TR_GUEST_SUITE names the release. Without it: Debian 13, or 12 where QEMU is older than 8: what 7.2
# emulates in software Linux 6.12 did not survive in four boots by GRUB out of four.
set -euo pipefail

build=${TR_BUILD_DIR:?run by ctest, or set TR_BUILD_DIR to the build folder}
source=${TR_SOURCE_DIR:?}
here=$source/tests/guest

skip() {
	echo "skipped: $*"
	exit 77
}
fail() {
	echo "FAILED: $*" >&2
	exit 1
}

[ "$(uname -m)" = x86_64 ] || skip "the guest is for x86_64 only"
[ "$(id -u)" = 0 ] || skip "only root can make a system"
for tool in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap mkfs.ext4:e2fsprogs; do
	command -v "${tool%:*}" >/dev/null || skip "${tool#*:} is not installed"
done

work=$(mktemp -d /tmp/telerec-guest.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cache=${XDG_CACHE_HOME:-$HOME/.cache}/telerec-guest
mkdir -p "$cache"
stamp=$(cat "$here/make_root.sh" "$here/guest_run.sh" | sha256sum | cut -c1-16)
version=$(qemu-system-x86_64 --version | sed -n 's/.*version \([0-9]*\).*/\1/p')
suite=${TR_GUEST_SUITE:-$([ "$version" -lt 8 ] && echo bookworm || echo trixie)}
disk=$cache/$suite-$stamp.img

# boot DISK SECONDS [QEMU_ARGUMENT...]: with $work/payload as what it brings; its words in
# $work/result, its console in $work/console.
boot() {
	local disk=$1 seconds=$2
	shift 2
	tar -C "$work/payload" -cf "$work/payload.tar" .
	truncate -s %1M "$work/payload.tar"
	: >"$work/result"
	timeout "$seconds" qemu-system-x86_64 -accel tcg -cpu qemu64 -smp 1 -m 768 -nodefaults \
		-no-reboot -display none -device virtio-rng-pci \
		-drive "file=$disk,format=raw,if=virtio,cache=unsafe" \
		-drive "file=$work/payload.tar,format=raw,if=virtio,readonly=on" \
		-drive "file=$work/disk-rec,format=raw,if=virtio" \
		-drive "file=$work/disk-setup,format=raw,if=virtio" \
		-serial "file:$work/console" -serial "file:$work/result" "$@" </dev/null || true
}

# stage NAME SECONDS: boots by GRUB with the payload's NAME to run.
stage() {
	local start=$SECONDS
	echo "== $1"
	echo "$1" >"$work/payload/stage"
	boot "$work/disk.img" "$2"
	sed 's/^/   /' "$work/result"
	echo "== $1: $((SECONDS - start)) s"
}

# expect TEXT...: the guest said it.
expect() {
	local text
	for text in "$@"; do
		grep -qF -- "$text" "$work/result" || {
			tail -n 20 "$work/console" >&2
			fail "the guest did not say: $text"
		}
	done
}

make_disk() {
	echo "making a small Debian ($suite), once"
	rm -f "$cache/$suite"-*
	bash "$here/make_root.sh" "$work/new" "$suite" >"$work/log" 2>&1 || {
		tail -n 20 "$work/log"
		skip "the guest's system cannot be made"
	}
	mkdir -p "$work/payload"
	echo 'grub-install /dev/vda && update-grub' >"$work/payload/run.sh"
	boot "$work/new" 900 -kernel "$work/new.vmlinuz" -initrd "$work/new.initrd" \
		-append "root=/dev/vda1 ro console=ttyS0 quiet loglevel=3 panic=-1"
	expect 'guest: ended with 0'
	mv "$work/new" "$disk"
	rm -rf "$work/payload" "$work"/new.*
}
for label in rec:TELEREC-REC1 setup:TELEREC-SETUP; do
	truncate -s 8M "$work/disk-${label%:*}"
	mkfs.ext4 -q -F -L "${label#*:}" "$work/disk-${label%:*}"
done
[ -e "$disk" ] || make_disk
cp --sparse=always "$disk" "$work/disk.img"

# The programs bring their libraries, but for the C library, which is the guest's.
mkdir -p "$work/payload/lib"
for program in telerec test_guest_loopbacks; do
	cp "$build/$program" "$work/payload/"
	for file in $(ldd "$build/$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p'); do
		case ${file##*/} in
		libc.so* | libm.so* | libpthread.so* | ld-linux* | libdl.so* | librt.so* | libresolv.so*) ;;
		*) cp -L "$file" "$work/payload/lib/" ;;
		esac
	done
done
strip "$work/payload/telerec" "$work"/payload/lib/* 2>/dev/null || true
cp "$here/kernel_inside.sh" "$work/payload/run.sh"
cp "$source/udev/60-telerec.rules" "$source/conf/systemd/telerec-mount-disk" \
	"$build/systemd/telerec-disk@.service" "$build/systemd/telerec-boot-ok.service" "$work/payload/"

stage learn 1800
expect 'guest: kernel 6.' 'cloud: yes' 'status: 1' 'snd-aloop absent' 'use-generic --install' \
	'install: 0' '+GRUB_DEFAULT' 'is on trial: reboot' 'next: gnulinux-advanced-'

# Its initrd is no initrd: the kernel panics, waits as it was told, and restarts.
stage broken 600
! grep -q 'guest: kernel' "$work/result" || fail "the broken kernel came up"
grep -qi 'panic' "$work/console" || fail "there was no panic on the console"

stage fallen 900
expect 'cloud: yes' 'did not come up' 'phase: failed' 'again: 0' 'is on trial: reboot'

stage tried 1500
expect 'cloud: no' 'status: 0' 'phase: trial' 'load: 0' 'cards: 16' \
	'links: 16' '/dev/vdc /run/media/telerec/TELEREC-REC1 ' 'setup stick: vdd' 'tones: 0' 'boot-ok: 0' \
	'is the default now' 'phase: chosen'

stage settled 900
expect 'cloud: no' 'cards: 16' 'phase: chosen' 'undo: 0' 'cloud-amd64) again'

stage back 900
expect 'cloud: yes' 'phase: none' 'cards: 0' 'files: gone'
echo "passed"
