#!/bin/bash
# kernel.sh bios|efi: a Debian 13 with only the cloud's kernel, in a virtual machine with GRUB, and telerec's
# package in it: it finds that this kernel has no snd-aloop, tries the generic one for one boot, gets the old
# one back when that does not come up, keeps it once a slot is healthy in it, gives sixteen slots a card
# each and records a tone by one, is restarted by the hardware's watchdog, and undoes it all.
#
# With "efi" the same machine starts by EFI, and only what depends on that is done.
#
# The disk is made once and kept in ~/.cache/telerec-guest. The package is that of firmware-image/build, or
# the one that TR_IMAGE_DEB names. Takes half an hour in software, and hours on a busy machine.
set -euo pipefail

build=${TR_BUILD_DIR:?run by ctest, or set TR_BUILD_DIR to the build folder}
source=${TR_SOURCE_DIR:?}
here=$source/tests/guest
start_by=${1:-bios}
firmware=/usr/share/OVMF
suite=trixie

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
for tool in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap mkfs.ext4:e2fsprogs mkfs.vfat:dosfstools \
	ffmpeg:ffmpeg; do
	command -v "${tool%:*}" >/dev/null || skip "${tool#*:} is not installed"
done
[ "$start_by" = bios ] || [ -e $firmware/OVMF_CODE_4M.fd ] || skip "ovmf is not installed"

work=$(mktemp -d /tmp/telerec-guest.XXXXXX)
machine=
leave() {
	[ -z "$machine" ] || kill "$machine" 2>/dev/null || true
	[ -z "$machine" ] || wait "$machine" 2>/dev/null || true
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' INT TERM
cache=${XDG_CACHE_HOME:-$HOME/.cache}/telerec-guest
mkdir -p "$cache" "$work/payload"

# boot DISK SECONDS QEMU_ARGUMENT...: with $work/payload as what it brings; its words in $work/result, its
# console in $work/console. Without rdrand, and with one processor, Linux 6.12 comes up late or not at all here.
boot() {
	local disk=$1 seconds=$2
	shift 2
	tar -C "$work/payload" -cf "$work/payload.tar" .
	truncate -s %1M "$work/payload.tar"
	: >"$work/result"
	timeout "$seconds" qemu-system-x86_64 -accel tcg,thread=multi -cpu qemu64,+rdrand,-cx16 -smp 2 -m 1536 -nodefaults \
		-display none -action watchdog=none -device virtio-rng-pci -nic user,model=virtio-net-pci \
		-drive "file=$disk,format=raw,if=virtio,cache=unsafe" \
		-drive "file=$work/payload.tar,format=raw,if=virtio,readonly=on" \
		-drive "file=$work/disk-rec,format=raw,if=virtio" \
		-drive "file=$work/disk-setup,format=raw,if=virtio" \
		-drive "file=$work/disk-out,format=raw,if=virtio" \
		-serial "file:$work/console" -serial "file:$work/result" "$@" </dev/null >"$work/qemu" 2>&1 &
	machine=$!
	wait "$machine" || true
	machine=
}

# stage NAME SECONDS [QEMU_ARGUMENT...]: boots by GRUB with the payload's NAME to run.
stage() {
	local start=$SECONDS name=$1 seconds=$2
	shift 2
	echo "== $name"
	echo "$name" >"$work/payload/stage"
	[ $# != 0 ] || set -- -no-reboot
	boot "$work/disk.img" "$seconds" "${board[@]}" "$@"
	# EFI writes to each serial port, too.
	sed -n '/guest: kernel/,$s/^/   /p' "$work/result"
	cat "$work/qemu"
	echo "== $name: $((SECONDS - start)) s"
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

find_package() {
	local code=0
	if [ -z "${TR_IMAGE_DEB:-}" ]; then
		"$source/firmware-image/build" --flavour small --package-only --out "$work/package" >"$work/log" 2>&1 ||
			code=$?
		[ $code = 0 ] || {
			tail -n 20 "$work/log"
			fail "telerec's package cannot be made"
		}
		TR_IMAGE_DEB=$(ls "$work"/package/*.deb)
	fi
	cp "$TR_IMAGE_DEB" "$work/payload/telerec.deb"
	packages=$(dpkg-deb -f "$TR_IMAGE_DEB" Depends Pre-Depends | sed 's/^[A-Z][^:]*: //' | tr , '\n' |
		sed 's/[(|].*//; s/ //g; /^$/d' | sort -u | paste -sd,),chromium-sandbox,fonts-dejavu-core
}

make_disk() {
	echo "making a small Debian ($suite), once"
	rm -f "$cache"/*.img
	bash "$here/make_root.sh" "$work/new" "$suite" "$packages" >"$work/log" 2>&1 || {
		tail -n 20 "$work/log"
		skip "the guest's system cannot be made"
	}
	mv "$work/payload" "$work/payload.later"
	mkdir "$work/payload"
	echo 'grub-install /dev/vda && grub-install --target=x86_64-efi --removable --no-nvram && update-grub' \
		>"$work/payload/run.sh"
	boot "$work/new" 1800 -no-reboot -kernel "$work/new.vmlinuz" -initrd "$work/new.initrd" \
		-append "root=/dev/vda1 ro console=ttyS0 quiet loglevel=3 panic=-1"
	expect 'guest: ended with 0'
	mv "$work/new" "$disk"
	rm -rf "$work/payload" "$work"/new.*
	mv "$work/payload.later" "$work/payload"
}

find_package
stamp=$({ cat "$here/make_root.sh" "$here/guest_run.sh" && echo "$packages"; } | sha256sum | cut -c1-16)
disk=$cache/$suite-$stamp.img
for label in rec:TELEREC-REC1 setup:TELEREC-SETUP; do
	truncate -s 8M "$work/disk-${label%:*}"
	mkfs.ext4 -q -F -L "${label#*:}" "$work/disk-${label%:*}"
done
truncate -s 64M "$work/disk-out"
[ -e "$disk" ] || make_disk
cp --sparse=always "$disk" "$work/disk.img"
board=(-machine pc)
if [ "$start_by" = efi ]; then
	cp $firmware/OVMF_VARS_4M.fd "$work/vars"
	board=(-machine q35 -drive "if=pflash,format=raw,readonly=on,file=$firmware/OVMF_CODE_4M.fd"
		-drive "if=pflash,format=raw,file=$work/vars")
fi

# The test's own program brings its libraries, but for the C library, which is the guest's.
mkdir -p "$work/payload/lib"
cp "$build/test_guest_loopbacks" "$work/payload/"
for file in $(ldd "$build/test_guest_loopbacks" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p'); do
	case ${file##*/} in
	libc.so* | libm.so* | libpthread.so* | ld-linux* | libdl.so* | librt.so* | libresolv.so*) ;;
	*) cp -L "$file" "$work/payload/lib/" ;;
	esac
done
strip "$work"/payload/lib/* 2>/dev/null || true
cp "$here/kernel_inside.sh" "$work/payload/run.sh"
cp "$here/image_browser.pl" "$work/payload/"
echo "$start_by" >"$work/payload/start_by"

stage learn 3600
expect 'guest: kernel 6.' "started by: $start_by" 'package: 0' 'cloud: yes' 'status: 1' 'snd-aloop absent' \
	'use-generic --install' 'install: 0' '+GRUB_DEFAULT' 'is on trial: reboot' 'next: gnulinux-advanced-'

# Its initrd is no initrd: the kernel panics, waits as it was told, and restarts.
stage broken 1200
! grep -q 'guest: kernel' "$work/result" || fail "the broken kernel came up"
grep -qi 'panic' "$work/console" || fail "there was no panic on the console"

stage fallen 1800
expect 'cloud: yes' 'did not come up' 'phase: failed' 'again: 0' 'is on trial: reboot'

stage tried 3600
expect 'cloud: no' 'status: 0' 'phase: trial' 'load: 0' 'cards: 16' 'links: 16' \
	'/dev/vdc /run/media/telerec/TELEREC-REC1 ' 'setup stick: vdd' 'rules: 0' 'config: 0' \
	'without a slot: trial, running' 'with a slot: chosen' 'boot-ok: success' 'is the default now'
if [ "$start_by" = bios ]; then
	expect 'tones: 0' 'recorded tone: 0' 'lost the sound of' 'is back' 'recorded lost: 0'
	tar -C "$work" -xf "$work/disk-out"
	sh "$here/tone.sh" "$work/tone/tone.mp4" 1000 || fail "the recording is not of the tone that was played"
	sh "$here/tone.sh" "$work/lost/lost.mp4" 1000 || fail "the recording did not go on"
	lasts=$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$work/lost/lost.mp4")
	[ "${lasts%.*}" -ge 24 ] || fail "the recording lasts $lasts s, not 25"
	mkdir -p "$build/guest"
	cp "$work/tone/tone.mp4" "$build/guest/kernel-tone.mp4"
fi

if [ "$start_by" = bios ]; then
	# The first process stops; the board's watchdog restarts the machine.
	stage watched 3600 -device i6300esb -action watchdog=reset
	expect 'watchdog: i6300ESB' 'is active with 30 s' 'freezing: the first process' 'came back: 1'
fi

stage settled 1800
expect 'cloud: no' 'cards: 16' 'phase: chosen' 'undo: 0' 'cloud-amd64) again'

stage back 1800
expect 'cloud: yes' 'phase: none' 'cards: 0' 'files: gone'
echo "passed"
