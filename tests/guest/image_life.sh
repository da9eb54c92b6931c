#!/bin/bash
# image_life.sh [STAGE...]: the life of an appliance in virtual machines: installed on an empty disk from a stick
# with settings, without a question; started by BIOS and UEFI; updated well, and in all the ways that go wrong;
# its power cut. Without a stage it goes through all of them; each begins with the disk that the one before left.
#
#   install   the image's ISO and a stick with settings; the disk is empty
#   first     BIOS, on a disk that has grown: settings, slots; a foreign update is refused, a good one written
#   unproven  its recorder does not prove itself: the machine restarts by itself
#   back      UEFI: the slot of before runs, what was on /data is there; another update's writing is cut off
#   cut       after that the slot of before runs, and an update can be written: one whose kernel has no initrd
#   panic     the kernel panics, and the machine restarts by itself
#   good      the slot of before runs; an update is written, proves itself in the next boot ("kept"), and stays
#   kept
#   stays
#   power     power cuts at random moments while it starts and writes ($TR_LIFE_CUTS, 10): it always comes back
#
# The small image has no browser, so no recorder of it proves itself: what "unproven" needs; "kept" says
# `telerec update boot-ok` in its place. TR_IMAGE_DIR names a folder with the image (telerec-*-small-amd64.iso),
# TR_IMAGE_KEYS the one with its keys; TR_LIFE_DIR keeps disk and logs.
set -euo pipefail

source=${TR_SOURCE_DIR:?run by ctest, or set TR_SOURCE_DIR to the source folder}
keys=${TR_IMAGE_KEYS:-${XDG_CACHE_HOME:-$HOME/.cache}/telerec-image/keys}
firmware=/usr/share/OVMF

skip() {
	echo "skipped: $*"
	exit 77
}
[ "$(uname -m)" = x86_64 ] || skip "the image is for x86_64 only"
[ "$(id -u)" = 0 ] || skip "only root can make a system"
for tool in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap xorriso:xorriso mcopy:mtools rauc:rauc \
	mksquashfs:squashfs-tools; do
	command -v "${tool%:*}" >/dev/null || skip "${tool#*:} is not installed"
done
[ -e $firmware/OVMF_CODE_4M.fd ] || skip "ovmf is not installed"

work=${TR_LIFE_DIR:-$(mktemp -d /tmp/telerec-life.XXXXXX)}
mkdir -p "$work"
machine=
leave() {
	[ -z "$machine" ] || kill "$machine" 2>/dev/null || true
	[ -z "$machine" ] || wait "$machine" 2>/dev/null || true
	[ -n "${TR_LIFE_DIR:-}" ] || rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' INT TERM
fail() {
	tail -c 1500 "$work/console" | tr -d '\033' >&2
	echo "FAILED: $*" >&2
	exit 1
}

prepare() {
	[ ! -e "$work/live/root.squashfs" ] || return 0
	local images=${TR_IMAGE_DIR:-$work/image}
	[ -n "${TR_IMAGE_DIR:-}" ] ||
		"$source/firmware-image/build" --flavour small --quick --iso-only --out "$images" || fail "no image was made"
	iso=$(ls -t "$images"/telerec-*small-amd64.iso | head -n 1)
	ln -sf "$iso" "$work/iso"
	xorriso -osirrox on -indev "$iso" -extract /live "$work/live" >/dev/null 2>&1
	chmod -R u+w "$work/live"
	# The updates: a good one, one of somebody else's, and one that has no initrd.
	"$source/firmware-image/update/make-keys" "$work/foreign"
	mkdir -p "$work/broken" "$work/kernel"
	cp "$work/live/vmlinuz" "$work/kernel/vmlinuz"
	head -c 100000 /dev/zero >"$work/kernel/initrd.img"
	mksquashfs "$work/kernel" "$work/broken/boot.squashfs" -comp gzip -noappend -quiet -no-progress
	ln -f "$work/live/root.squashfs" "$work/broken/root.squashfs"
	"$source/firmware-image/update/make-bundle" "$work/live" "$work/telerec-9.raucb" 9.0.0 "$keys"
	"$source/firmware-image/update/make-bundle" "$work/live" "$work/foreign.raucb" 9.0.0 "$work/foreign"
	"$source/firmware-image/update/make-bundle" "$work/broken" "$work/broken.raucb" 9.5.0 "$keys"
	# A stick with settings, one with updates.
	rm -f "$work"/stick "$work"/updates
	truncate -s 34M "$work/stick"
	mkfs.vfat -F 32 -s 1 -n STICK "$work/stick" >/dev/null
	mkdir -p "$work/telerec"
	echo 'slots = 2;' >"$work/telerec/telerec.conf"
	echo 'environments = ( );' >"$work/telerec/secrets.conf"
	echo recorder-7 >"$work/telerec/hostname"
	echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZha2VmYWtlZmFrZWZha2VmYWtlZmFrZWZha2VmYWtl admin' \
		>"$work/telerec/authorized_keys"
	mcopy -s -i "$work/stick" "$work/telerec" ::
	truncate -s 1400M "$work/updates"
	mkfs.vfat -F 32 -n UPDATES "$work/updates" >/dev/null
	mcopy -i "$work/updates" "$work/telerec-9.raucb" "$work/foreign.raucb" "$work/broken.raucb" ::
}

# start SCRIPT [QEMU_ARGUMENT...]: a machine in which the script is run by root once telerecd was started; its words
# go to $work/result. TRIAL says how long a slot on trial is given.
start() {
	local script=$1
	shift
	local unit="[Unit]
DefaultDependencies=no
After=telerecd.service telerec-provision.service telerec-own-disk.service
[Service]
Type=exec
StandardOutput=file:/dev/ttyS1
StandardError=file:/dev/ttyS1
ExecStart=/bin/sh -c 'echo $(printf '%s\necho guest: end\nsync; systemctl poweroff --force\n' "$script" | base64 -w0) | base64 -d >/run/life.sh; exec sh /run/life.sh'
"
	local trial="[Service]
ExecStart=
ExecStart=/usr/bin/telerec update boot-ok --wait ${trial_time:-20m}
"
	credential() { echo "type=11,value=io.systemd.credential.binary:$1=$(base64 -w0)"; }
	: >"$work/result"
	: >"$work/console"
	qemu-system-x86_64 -accel tcg,thread=multi -cpu qemu64,+rdrand -smp 1 -m 1536 -machine q35 -nodefaults \
		-display none -no-reboot -device virtio-rng-pci -serial "file:$work/console" -serial "file:$work/result" \
		-smbios "$(printf %s "$unit" | credential systemd.extra-unit.life.service)" \
		-smbios "$(printf '[Unit]\nWants=life.service\n' | credential systemd.unit-dropin.multi-user.target)" \
		-smbios "$(printf %s "$trial" | credential systemd.unit-dropin.telerec-update-ok.service)" \
		-drive "file=$work/disk,format=raw,if=virtio" "$@" </dev/null >"$work/qemu" 2>&1 &
	machine=$!
}

# finish NAME: until the machine ends by itself, however long that takes: ctest's limit is for what hangs.
finish() {
	wait "$machine" || fail "$1: QEMU failed: $(cat "$work/qemu")"
	machine=
	sed 's/^/   /' "$work/result"
	cp "$work/console" "$work/console.$1"
}
await() {
	until grep -qF -- "$1" "$work/result"; do
		kill -0 "$machine" 2>/dev/null || fail "the machine ended before it said: $1"
		sleep 0.2
	done
}
cut_power() {
	kill -KILL "$machine"
	wait "$machine" 2>/dev/null || true
	machine=
}
expect() {
	local text
	for text in "$@"; do
		grep -qF -- "$text" "$work/result" || fail "the guest did not say: $text"
	done
}
uefi=(-drive "if=pflash,format=raw,readonly=on,file=$firmware/OVMF_CODE_4M.fd"
	-drive "if=pflash,format=raw,file=$work/vars")
updates=(-drive "file=$work/updates,format=raw,if=none,id=updates,readonly=on" -device qemu-xhci
	-device usb-storage,drive=updates)
state='telerec update status --json | tr -d "\n {}"; echo; echo "disk: $(findmnt -n -o SOURCE /data) $(hostname)"
echo "failed: $(systemctl --failed --plain --no-legend --no-pager | cut -d" " -f1 | tr "\n" " ")"
cat /data/recordings/mark 2>/dev/null'

stage_install() {
	rm -f "$work/disk"
	truncate -s 6G "$work/disk"
	start 'while [ -z "$(systemctl show -P ExecMainExitTimestamp telerec-install)" ]; do sleep 1; done
		cat /run/telerec-image/data; journalctl -b -o cat -u telerec-provision -u telerec-install' \
		-kernel "$work/live/vmlinuz" -initrd "$work/live/initrd.img" \
		-append "boot=telerec telerec.from=live telerec.install=/dev/vda telerec.then=stay console=ttyS0 quiet panic=30" \
		-drive "file=$(readlink -f "$work/iso"),format=raw,if=none,id=cd,readonly=on,media=cdrom" -device ide-cd,drive=cd \
		-drive "file=$work/stick,format=raw,if=virtio"
	finish install
	expect 'the settings on' 'SSH is open' 'telerec is on /dev/vda' 'guest: end'
	! mdir -i "$work/stick" ::telerec/secrets.conf >/dev/null 2>&1 || fail "the passwords are still on the stick"
}
stage_first() {
	truncate -s 7G "$work/disk"
	start "$state"'
		grep -x 'slots = .*' /etc/telerec/telerec.conf; cat /data/ssh/authorized_keys; df -BM --output=size /data | tail -n 1
		mkdir /tmp/u; mount -o ro /dev/disk/by-label/UPDATES /tmp/u
		telerec update /tmp/u/foreign.raucb; echo "foreign: $?"
		umount /tmp/u; echo kept-data >/data/recordings/mark
		telerec update --from-stick; echo "update: $?"; '"$state" "${updates[@]}"
	finish first
	expect '"slot":"A","proven":"A","next":"A"' 'disk: /dev/vda7 recorder-7' 'slots = 2;' AAAAC3 \
		'is not signed with the key' 'foreign: 3' 'update: 0' '"next":"B"' 'guest: end'
	[ "$(grep -oE '^ *2[67][0-9][0-9]M' "$work/result" | tr -d ' M')" -gt 2600 ] || fail "/data did not grow"
}
stage_unproven() {
	trial_time=5s start "$state; sleep 600"
	finish unproven
	expect '"slot":"B","proven":"A","next":"A"' '"is_trial":true' kept-data
	! grep -q 'guest: end' "$work/result" || fail "it did not restart"
}
stage_back() {
	cp $firmware/OVMF_VARS_4M.fd "$work/vars"
	start "$state"'
		echo writing; telerec update --from-stick; echo "update: $?"; sleep 600' "${uefi[@]}" "${updates[@]}"
	await writing
	# Somewhere in the minutes that it takes.
	sleep $((10 + RANDOM % 20))
	cut_power
	sed 's/^/   /' "$work/result"
	expect '"slot":"A","proven":"A"' 'disk: /dev/vda7 recorder-7' kept-data
}
stage_cut() {
	start "$state"'
		mkdir /tmp/u; mount -o ro /dev/disk/by-label/UPDATES /tmp/u
		telerec update /tmp/u/broken.raucb; echo "update: $?"; umount /tmp/u' "${updates[@]}"
	finish cut
	expect '"slot":"A","proven":"A"' kept-data 'update: 0'
}
stage_panic() {
	start "$state"
	finish panic
	! grep -q 'guest: end' "$work/result" || fail "the broken kernel came up"
	grep -qi panic "$work/console" || echo "   (the console did not show the panic: it is quiet)"
}
stage_good() {
	start "$state"'
		telerec update --from-stick; echo "update: $?"' "${updates[@]}"
	finish good
	expect '"slot":"A","proven":"A"' kept-data 'update: 0'
}
stage_kept() {
	start "$state"'
		telerec update boot-ok; echo "ok: $?"; '"$state"
	finish kept
	expect '"slot":"B","proven":"A"' 'ok: 0' '"proven":"B","next":"B"'
}
stage_stays() {
	start "$state"
	finish stays
	expect '"slot":"B","proven":"B","next":"B"' '"is_trial":false' kept-data
}
stage_power() {
	local cut
	for cut in $(seq "${TR_LIFE_CUTS:-10}"); do
		start "$state"'
			echo started; i=0; while :; do i=$((i + 1)); echo $i >/data/recordings/count.new
			sync /data/recordings/count.new; mv /data/recordings/count.new /data/recordings/count; done'
		await started
		sleep $((RANDOM % 8)).$((RANDOM % 10))
		cut_power
		echo "   cut $cut"
	done
	start "$state"'; cat /data/recordings/count'
	finish power
	expect kept-data 'guest: end'
}

prepare
for stage in ${*:-install first unproven back cut panic good kept stays power}; do
	began=$SECONDS
	echo "== $stage"
	"stage_$stage"
	echo "== $stage: $((SECONDS - began)) s"
done
echo "passed"
