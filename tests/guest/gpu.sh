#!/bin/bash
# GPUs of a real kernel, in a virtual machine: render nodes of vgem and virtio-gpu, made by udev with the
# group and mode that Debian gives them. What the probe says to root, to a user outside of the group, to
# one in it; with the VA driver for tests on virtio-gpu's node, a rung that encodes. And the zero-copy road:
# Xorg's pixmaps of its screen (DRI3) into that encoder, and the colours of what it made; by itself, and as a
# whole recording on that X server.
#
# The guest has this machine's release, as the programs are built for it. Its file system is made once
# and kept in ~/.cache/telerec-guest. Takes a minute or two in software.
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
for tool in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap mkfs.ext4:e2fsprogs jq:jq \
	ffmpeg:ffmpeg; do
	command -v "${tool%:*}" >/dev/null || skip "${tool#*:} is not installed"
done
suite=$(. /etc/os-release && [ "$ID" = debian ] && echo "$VERSION_CODENAME") ||
	skip "the programs are for another system than the guest's, which is Debian"
programs=(telerec telerec-slot telerec-encoder telerec-gpu.so tests/va/test_drv_video.so test_guest_zero_copy)
case $(ldd "${programs[@]/#/$build/}") in
*lib[at]san*) skip "the guest has no sanitizers" ;;
esac

work=$(mktemp -d /tmp/telerec-guest.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cache=${XDG_CACHE_HOME:-$HOME/.cache}/telerec-guest
mkdir -p "$cache"

# The Debian packages that the programs' libraries come from.
list_packages() {
	local file
	for file in "${programs[@]/#/$build/}"; do
		ldd "$file"
	done | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | sort -u | xargs readlink -f |
		sed 's/.*\//\/x86_64-linux-gnu\//; s/$/$/' >"$work/files"
	grep -lf "$work/files" /var/lib/dpkg/info/*.list | sed 's/.*\///; s/\.list$//; s/:.*//' | sort -u
}
mapfile -t packages < <(list_packages)
stamp=$({ cat "$here/make_gpu_root.sh" && echo "${packages[@]}"; } | sha256sum | cut -c1-16)
root=$cache/gpu-$suite-$stamp
if ! [ -e "$root" ]; then
	echo "making a small Debian ($suite) with ${#packages[@]} libraries, once"
	rm -f "$cache"/gpu-*
	bash "$here/make_gpu_root.sh" "$work/root" "$suite" "${packages[@]}" >"$work/log" 2>&1 || {
		tail -n 20 "$work/log"
		skip "the guest's system cannot be made"
	}
	mv "$work/root.vmlinuz" "$root.vmlinuz"
	mv "$work/root.initrd" "$root.initrd"
	mv "$work/root" "$root"
fi

mkdir "$work/payload"
cp "${programs[@]/#/$build/}" "$work/payload/"
strip "$work"/payload/* 2>/dev/null || true
cp "$here/gpu_inside.sh" "$work/payload/run.sh"
install -m 755 "$here/image_browser.pl" "$work/payload/"
tar -C "$work/payload" -cf "$work/payload.tar" .
truncate -s %1M "$work/payload.tar"

# What it writes is lost: its disk is a snapshot. Its clock counts instructions, a nanosecond each, so that no
# deadline in it passes because this machine is busy.
start=$SECONDS
: >"$work/result"
TMPDIR=$work timeout "${TR_GUEST_SECONDS:-3000}" qemu-system-x86_64 -accel tcg,thread=single -icount shift=0 \
	-cpu max -smp 1 -m 1536 \
	-nodefaults -no-reboot -display none -device virtio-rng-pci \
	-device virtio-gpu-pci -device bochs-display \
	-drive "file=$root,format=raw,if=virtio,snapshot=on" \
	-drive "file=$work/payload.tar,format=raw,if=virtio,readonly=on" \
	-serial "file:$work/console" -serial "file:$work/result" \
	-kernel "$root.vmlinuz" -initrd "$root.initrd" \
	-append "root=/dev/vda rw console=ttyS0 quiet loglevel=3 panic=-1 init=/sbin/guest-init" \
	</dev/null || true
grep -v -e '^[a-z_]*: {' -e '^record_poster: ' "$work/result" || true
echo "the guest took $((SECONDS - start)) s"
grep -qx 'guest: ended with 0' "$work/result" || {
	tail -n 20 "$work/console" >&2
	fail "the guest did not come to its end"
}

# said NAME: what the guest said under that name
said() {
	sed -n "s/^$1: //p" "$work/result"
}
# is NAME FILTER VALUE: what jq's filter makes of it, where "$virtio" and "$vgem" are the nodes
is() {
	local value
	value=$(said "$1" | jq -r --arg virtio "$(said virtio)" --arg vgem "$(said vgem)" "$2" 2>&1) || true
	[ "$value" = "$3" ] || fail "$1: $2 is: $value; not: $3"$'\n'"$(said "$1")"
}
first='[.rungs[] | select(.works)][0].name'
device() {
	echo ".devices[] | select(.node == \$$1) | $2"
}

# Root sees both nodes; there is no driver for either: software encodes.
for user in root member; do
	is "bare_$user" '.devices | length' 2
	is "bare_$user" "$(device virtio .kernel_driver)" virtio_gpu
	is "bare_$user" "$(device vgem .kernel_driver)" vgem
	is "bare_$user" "$(device virtio .group)" render
	is "bare_$user" "$(device virtio .cause)" no-driver
	is "bare_$user" "$(device vgem .cause)" no-driver
	is "bare_$user" "$first" libx264
done
is bare_root "$(device virtio .problem)" \
	"libva finds no driver \"virtio_gpu\" for the GPU at $(said virtio) (kernel driver virtio_gpu)."

# Outside of the group the kernel says no, and the sentence names the group.
for case in bare driver; do
	for name in virtio vgem; do
		is "${case}_recorder" "$(device $name .cause)" no-permission
		is "${case}_recorder" "$(device $name .problem)" \
			"user 1000 may not open $(said $name): it belongs to group render, which this user is not in."
		is "${case}_recorder" "$(device $name .cure)" \
			"usermod -aG render \"\$(id -un 1000)\", then log in or start the service anew"
	done
	is "${case}_recorder" "$first" libx264
done
grep -qF "user 1000 may not open $(said virtio): it belongs to group render" "$work/result" ||
	fail "telerec probe does not say which group is missing"

# In it, with a driver: what it encodes was decoded and compared.
is driver_member "$first" "h264_vaapi $(basename "$(said virtio)") VBR"
is driver_member '[.rungs[] | select(.works)][0].was_tested' true
is driver_member "$(device virtio .problem)" ""
is driver_member "$(device vgem .cause)" no-driver
is driver_member '[.rungs[] | select(.works)][0].can_convert' true

# From the screen of a GPU's X server to packets, without a copy.
[ "$(said zero_copy)" = 0 ] || fail "the zero-copy road"
is grab_only .encoder.zero_copy true
is grab_only .encoder.no_zero_copy ""
is grab_only '.encoder.rungs | map(.zero_copy) | all' true
is by_hand .quality.decoded.decode_errors 0

# A whole `telerec record` on that X server, to the file and its poster.
[ "$(said record)" = 0 ] || fail "telerec record --display"
is record_report .encoder.zero_copy true
is record_report '.encoder.rungs | map(.zero_copy) | all' true
is record_report .decoded.decode_errors 0
said record_poster | base64 -d >"$work/poster.jpg"
colours=$(ffmpeg -loglevel error -i "$work/poster.jpg" -vf format=rgb24,scale=2:2:flags=area -f rawvideo \
	-pix_fmt rgb24 - | od -An -v -tu1 -w3 | awk '{ printf "%d%d%d ", ($1 > 128), ($2 > 128), ($3 > 128) }')
[ "$colours" = "100 010 001 111 " ] || fail "the poster's fields are $colours"
echo "passed"
