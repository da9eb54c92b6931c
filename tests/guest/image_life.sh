#!/bin/bash
# image_life.sh [STAGE...]: the life of an appliance in virtual machines: installed on an empty disk from a stick
# with settings, without a question and by typed keys; started by BIOS and UEFI; updated well, and in all the ways
# that go wrong; its power cut while it installs, records and updates; reset. Without a stage it goes through all of
# them; each begins with the disk that the one before left.
#
#   halves    power cuts while it is installed without a question; the stick always starts again
#   install   the same to its end; a stick with settings is there
#   first     BIOS, on a disk that has grown: settings, slots; a foreign update is refused, a good one written
#   unproven  its recorder does not prove itself: the machine restarts by itself
#   records   UEFI and BIOS by turns: the slot of before runs. Power cuts while it records: what was recorded is there
#   torn      by turns, too: power cuts while an update is written; the slot of before runs
#   back      UEFI: it does; an update can be written all the same: one whose kernel has no initrd
#   panic     the kernel panics, and the machine restarts by itself
#   good      the slot of before runs; an update is written
#   kept      it starts, and proves itself; settings and recordings are there
#   lost      GRUB's memory of the slots is gone, garbage or empty: the slot that proved itself runs; its kernel cannot
#             be read: the other one does
#   stays     the same slot runs, and the memory is made anew; a NoCloud volume brings settings; a reset that keeps recordings is asked for
#   reset     it was; one that keeps nothing is asked for
#   empty     it was
#   keys      BIOS, from the medium: installed by keys typed at the console on the serial line
#   typed     the disk starts; an update from a stick, and a reset, by keys
#
# Power is cut $TR_LIFE_CUTS times each (10), at random moments. The small image has no browser: a stand-in is
# brought on the stick with the updates. TR_IMAGE_DIR names a folder with the image (telerec-*-small-amd64.iso),
# TR_IMAGE_KEYS the one with its keys; TR_LIFE_DIR keeps disk and logs.
set -euo pipefail

source=${TR_SOURCE_DIR:?run by ctest, or set TR_SOURCE_DIR to the source folder}
keys=${TR_IMAGE_KEYS:-${XDG_CACHE_HOME:-$HOME/.cache}/telerec-image/keys}
firmware=/usr/share/OVMF
. "$source/tests/guest/dead_timer.sh"

skip() {
	echo "skipped: $*"
	exit 77
}
[ "$(uname -m)" = x86_64 ] || skip "the image is for x86_64 only"
[ "$(id -u)" = 0 ] || skip "only root can make a system"
for tool in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap xorriso:xorriso mcopy:mtools rauc:rauc ffmpeg:ffmpeg \
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
	[ ! -e "$work/prepared" ] || return 0
	local images=${TR_IMAGE_DIR:-$work/image}
	[ -n "${TR_IMAGE_DIR:-}" ] ||
		"$source/firmware-image/build" --flavour small --quick --iso-only --out "$images" || fail "no image was made"
	iso=$(ls -t "$images"/telerec-*small-amd64.iso | head -n 1)
	ln -sf "$iso" "$work/iso"
	rm -rf "$work/live"
	xorriso -osirrox on -indev "$iso" -extract /live "$work/live" >/dev/null 2>&1
	chmod -R u+w "$work/live"
	# The updates: a good one, one of somebody else's, and one that has no initrd.
	[ -e "$work/foreign" ] || "$source/firmware-image/update/make-keys" "$work/foreign"
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
	printf 'slots = 1;\nbrowser: { page_timeout = "5m"; };\n' >"$work/telerec/telerec.conf"
	echo 'environments = ( );' >"$work/telerec/secrets.conf"
	echo recorder-7 >"$work/telerec/hostname"
	echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZha2VmYWtlZmFrZWZha2VmYWtlZmFrZWZha2VmYWtl admin' \
		>"$work/telerec/authorized_keys"
	mcopy -s -i "$work/stick" "$work/telerec" ::
	truncate -s 1400M "$work/updates"
	mkfs.vfat -F 32 -n UPDATES "$work/updates" >/dev/null
	mcopy -i "$work/updates" "$work/telerec-9.raucb" "$work/foreign.raucb" "$work/broken.raucb" \
		"$source/tests/guest/image_browser.pl" ::
	: >"$work/prepared"
}

# start SCRIPT [QEMU_ARGUMENT...]: a machine in which the script is run by root once telerecd was started; its words
# go to $work/result. $trial_time says how long a slot on trial is given; $typist who types at the serial line.
start() {
	started_with=("$@") started_trial=${trial_time:-} started_typist=${typist:-}
	local script=$1
	shift
	rm -f "$work/grubenv"
	esp mcopy -n ::/boot/grub/grubenv "$work/grubenv" 2>/dev/null || true
	local unit
	unit="[Unit]
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
	# New each time: QEMU's devices change places, and the firmware would look where the disk was.
	cp $firmware/OVMF_VARS_4M.fd "$work/vars"
	local command=(qemu-system-x86_64) console="file:$work/console"
	if [ -n "${typist:-}" ]; then
		command=(env "TR_KEYS_RESULT=$work/result" /usr/bin/python3 "$source/tests/guest/image_keys.py" "$typist" qemu-system-x86_64)
		console=stdio
	fi
	"${command[@]}" -accel tcg,thread=multi -cpu qemu64,+rdrand,-cx16 -smp 2 -m 1536 -machine q35 -nodefaults \
		-display none -no-reboot -device virtio-rng-pci -serial "$console" -serial "file:$work/result" \
		-smbios "$(printf %s "$unit" | credential systemd.extra-unit.life.service)" \
		-smbios "$(printf '[Unit]\nWants=life.service\n' | credential systemd.unit-dropin.multi-user.target)" \
		-smbios "$(printf %s "$trial" | credential systemd.unit-dropin.telerec-update-ok.service)" \
		-drive "file=$work/disk,format=raw,if=virtio" "$@" </dev/null >"$work/qemu" 2>&1 &
	machine=$!
}

# start_again: as it was, with what GRUB remembered then, when its timer did not tick.
start_again() {
	has_dead_timer "$work/console" "$work/qemu" || return 1
	echo "   (the emulated timer did not tick, so busy is this machine: once more)"
	[ ! -e "$work/grubenv" ] || esp mcopy -o "$work/grubenv" ::/boot/grub/grubenv
	trial_time=$started_trial typist=$started_typist start "${started_with[@]}"
}
is_on() { kill -0 "$machine" 2>/dev/null || start_again; }
# await_end NAME: until the machine ends by itself, however long that takes: ctest's limit is for what hangs.
await_end() {
	local code=0
	wait "$machine" || code=$?
	if start_again; then
		await_end "$1"
		return
	fi
	[ $code = 0 ] || fail "$1: QEMU failed: $(cat "$work/qemu")"
	machine=
}
finish() {
	await_end "$1"
	sed 's/^/   /' "$work/result"
	cp "$work/console" "$work/console.$1"
}
await() {
	until grep -qF -- "$1" "$work/result"; do
		is_on || fail "the machine ended before it said: $1"
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
medium=(-drive "file=$work/iso,format=raw,if=none,id=cd,readonly=on,media=cdrom" -device ide-cd,drive=cd)
state='telerec update status --json | tr -d "\n {}"; echo; echo "disk: $(findmnt -n -o SOURCE /data) $(hostname)"
echo "failed: $(systemctl --failed --plain --no-legend --no-pager | cut -d" " -f1 | tr "\n" " ")"
cat /data/recordings/mark 2>/dev/null; journalctl -b -o cat -u telerec-own-disk | grep "^telerec disk"
'
open_stick='mkdir -p /tmp/u; while ! mount -o ro /dev/disk/by-label/UPDATES /tmp/u; do sleep 1; done 2>/dev/null
'

# esp COMMAND ARGUMENT...: mtools on the disk's EFI system partition; it begins at 2 MiB.
esp() {
	local command=$1
	shift
	"$command" -i "$work/disk@@2M" "$@"
}
# random LIMIT: seconds below it, with tenths.
random() { echo "$((RANDOM % $1)).$((RANDOM % 10))"; }
cuts=${TR_LIFE_CUTS:-10}

install_it() {
	start 'while [ -z "$(systemctl show -P ExecMainExitTimestamp telerec-install)" ]; do sleep 1; done
		cat /run/telerec-image/data; journalctl -b -o cat -u telerec-provision -u telerec-install' \
		-kernel "$work/live/vmlinuz" -initrd "$work/live/initrd.img" \
		-append "boot=telerec telerec.from=live telerec.install=/dev/vda telerec.then=stay console=ttyS0 quiet panic=30 no_timer_check" \
		"${medium[@]}" "$@"
}
# The steps take longer than these seconds on most machines; where one does not, the cut is in a later one.
stage_halves() {
	local steps=(partitioning 'copying the system' 'checking the system' 'copying the kernel' 'making the data' 'writing the boot')
	local cut step
	rm -f "$work/disk"
	truncate -s 6G "$work/disk"
	for cut in $(seq "$cuts"); do
		step=${steps[$(((cut - 1) % ${#steps[@]}))]}
		install_it
		until grep -qF -- "$step" "$work/console"; do
			is_on || fail "the machine ended before it said: $step"
			sleep 0.1
		done
		sleep "$(random 4)"
		cut_power
		echo "   cut $cut: after \"$(grep -oaE '(partitioning|copying|checking|making|writing) [A-Za-z ]*\.\.\.|done$' "$work/console" | tail -n 1)\""
	done
}
stage_install() {
	[ -e "$work/disk" ] || truncate -s 6G "$work/disk"
	install_it -drive "file=$work/stick,format=raw,if=virtio"
	finish install
	expect 'the settings on' 'SSH is open' 'telerec is on /dev/vda' 'guest: end'
	! mdir -i "$work/stick" ::telerec/secrets.conf >/dev/null 2>&1 || fail "the passwords are still on the stick"
}
stage_first() {
	truncate -s 7G "$work/disk"
	start "$state"'
		grep browser: /etc/telerec/telerec.conf; cat /data/ssh/authorized_keys; df -BM --output=size /data | tail -n 1
		'"$open_stick"'install -D -m 755 /tmp/u/image_browser.pl /data/life/stand-in; chmod 755 /data/life
		telerec update /tmp/u/foreign.raucb; echo "foreign: $?"
		umount /tmp/u; echo kept-data >/data/recordings/mark
		read -r began _ </proc/uptime; telerec update --from-stick; echo "update: $?"; read -r ended _ </proc/uptime
		echo "took: $((${ended%.*} - ${began%.*}))"; '"$state" "${updates[@]}"
	finish first
	expect '"slot":"A","proven":"A","next":"A"' 'disk: /dev/vda7 recorder-7' 'browser:' AAAAC3 \
		'is not signed with the key' 'foreign: 3' 'update: 0' '"next":"B"' 'guest: end'
	[ "$(grep -oE '^ *2[67][0-9][0-9]M' "$work/result" | tr -d ' M')" -gt 2600 ] || fail "/data did not grow"
	sed -n 's/^took: //p' "$work/result" | tr -d '\r' >"$work/update.seconds"
}
stage_unproven() {
	trial_time=5s start "${state}sleep 6000"
	finish unproven
	expect '"slot":"B","proven":"A","next":"A"' '"is_trial":true' kept-data
	! grep -q 'guest: end' "$work/result" || fail "it did not restart"
}

# How the stand-in browser's pictures tell the time.
last_picture() {
	ffmpeg -loglevel error -i "$1" -map 0:v -fps_mode passthrough -vf "crop=iw:10:0:0,scale=20:1:flags=area,format=gray" -f rawvideo - |
		tail -c 20 | od -An -v -w20 -t u1 | awk '{ for (i = 1; i <= 20; i++) t = 2 * t + ($i > 127); printf "%.1f", t / 10 }'
}
# watch SECONDS: notes when the recording's file was seen to grow, and when the guest says it did.
watch() {
	local end line seen
	end=$(($(date +%s%N) + $1 * 1000000000))
	seen=$(grep -a '^grew [0-9.]* [0-9]' "$work/result" | tail -n 1 || true)
	: >"$work/beats"
	while [ "$(date +%s%N)" -lt $end ] || [ "$(wc -l <"$work/beats")" -lt 3 ]; do
		is_on || fail "it did not record: $(cat "$work/result")"
		line=$(grep -a '^grew [0-9.]* [0-9]' "$work/result" | tail -n 1 || true)
		if [ "$line" != "$seen" ]; then
			seen=$line
			line=${line#grew }
			echo "$(date +%s.%N) ${line% *}" >>"$work/beats"
		fi
		sleep 0.05
	done
}
# by_turns: UEFI, and BIOS.
turn=()
by_turns() { if [ ${#turn[@]} = 0 ]; then turn=("${uefi[@]}"); else turn=(); fi; }
# copy_data: the data partition as it is now, without the holes, for the machine waits.
copy_data() {
	/usr/bin/python3 - "$work/disk" "$work/data" <<-'PYTHON'
		import os, sys
		begin = 4354 << 20
		disk, data = os.open(sys.argv[1], os.O_RDONLY), os.open(sys.argv[2], os.O_RDWR | os.O_CREAT | os.O_TRUNC)
		end = os.fstat(disk).st_size
		os.ftruncate(data, end - begin)
		at = begin
		while at < end:
		    try:
		        at = os.lseek(disk, at, os.SEEK_DATA)
		    except OSError:
		        break
		    hole = os.lseek(disk, at, os.SEEK_HOLE)
		    while at < hole:
		        part = os.pread(disk, min(hole - at, 1 << 20), at)
		        os.pwrite(data, part, at - begin)
		        at += len(part)
	PYTHON
}
# check_recording NAME CUT: what is in $work/data, a data partition as the cut of the power leaves it.
check_recording() {
	local at last lost slow
	e2fsck -p "$work/data" >"$work/fsck" 2>&1 || [ $? -lt 4 ] || fail "the file system: $(cat "$work/fsck")"
	rm -rf "$work/cut"
	mkdir "$work/cut"
	debugfs -R "rdump /recordings/life/$1 $work/cut" "$work/data" >/dev/null 2>&1
	at=$(find "$work/cut" -name '*.mp4' | head -n 1)
	[ -n "$at" ] || fail "there is no recording"
	ffmpeg -v error -i "$at" -f null - || fail "the recording cannot be played"
	[ "$(stat -c %s "$at")" -ge "$written" ] || fail "of $written bytes there are $(stat -c %s "$at")"
	last=$(last_picture "$at")
	# The guest's clock and ours go alike; the line that came soonest tells the distance.
	read -r lost slow <<<"$(awk -v cut="$cut_at" -v last="$last" '
		{ d = $2 - $1; if (NR == 1 || d > far) far = d; if (NR > 1 && $2 - before > slow) slow = $2 - before; before = $2 }
		END { printf "%.1f %.1f", cut + far - last, slow }' "$work/beats")"
	echo "   cut $2: the last $lost s are lost; the file grew every $slow s or faster"
	# On a machine that is too slow for a fragment a second, that one is lost and the one before it.
	awk -v lost="$lost" -v slow="$slow" 'BEGIN { exit !(lost <= 2.3 || lost <= 2 * slow + 1) }' || fail "more than 2 s are lost"
}
# Without sound, whose emulation cannot keep up. Each machine is halted at four moments, and what its disk holds then is looked at; then its power is cut.
stage_records() {
	local cut moment written name
	for cut in $(seq "$cuts"); do
		name=cut-$cut-$RANDOM
		by_turns
		start "$state"'
			systemctl stop telerecd # the machine is slow enough
			folder=/data/recordings/life; install -d -o telerec-slot-16 $folder
			setpriv --reuid=telerec-slot-16 --regid=telerec --init-groups env HOME=$folder telerec record \
				--browser /data/life/stand-in --sound none --size 320x180 --rate 5 --page-timeout 5m \
				--name '"$name"' --to $folder http://127.0.0.1/picture >/run/record.log 2>&1 &
			job=$!; was=; while [ -d /proc/$job ]; do
				now=$(find $folder/'"$name"' -name "*.mp4" -printf "%s\n" 2>/dev/null | tail -n 1)
				if [ "$now" != "$was" ]; then read -r up _ </proc/uptime; echo "grew $up $now"; was=$now; fi
				sleep 0.1; done; cat /run/record.log' "${turn[@]}"
		until grep -qa '^grew [0-9.]* [0-9]' "$work/result"; do
			is_on || fail "it did not record: $(cat "$work/result")"
			sleep 1
		done
		for moment in 1 2 3 4 5; do
			watch $((1 + RANDOM % 6))
			sleep "0.$((RANDOM % 10))"
			cut_at=$(date +%s.%N)
			if [ $moment -lt 5 ]; then kill -STOP "$machine"; else cut_power; fi
			written=$(grep -a '^grew [0-9.]* [0-9]' "$work/result" | tail -n 1 | tr -d '\r' | cut -d' ' -f3)
			copy_data
			[ $moment = 5 ] || kill -CONT "$machine"
			check_recording "$name" "$cut.$moment"
		done
		cp "$work/result" "$work/result.cut-$cut"
		expect '"slot":"A","proven":"A"' kept-data
	done
}
# one_torn NAME: an update that is cut off, anywhere in it.
one_torn() {
	local name=$1 wait end seen=0
	wait=$(random "$(cat "$work/update.seconds" 2>/dev/null || echo 30)")
	start "$state"'
		echo writing; telerec update --from-stick; echo "update: $?"; sleep 6000' "${turn[@]}" "${updates[@]}"
	await writing
	# What GRUB remembers is whole at any moment.
	end=$(($(date +%s) + ${wait%.*}))
	while [ "$(date +%s)" -lt $end ]; do
		kill -STOP "$machine"
		esp mcopy -n ::/boot/grub/grubenv - >"$work/memory" || fail "there is no grubenv"
		kill -CONT "$machine"
		[ "$(stat -c %s "$work/memory")" = 1024 ] && grep -qa '^PROVEN=A' "$work/memory" && grep -qa '^A_OK=1' "$work/memory" ||
			fail "grubenv was torn: $(cat "$work/memory")"
		seen=$((seen + 1))
		sleep "0.$((RANDOM % 10))"
	done
	cut_power
	echo "   $name: after $wait s, grubenv was whole $seen times; $(grep -o '"slot":.*"next":"."' "$work/result" | tail -n 1)$(grep '^update: ' "$work/result" | tr -d '\r')"
	expect '"slot":"A","proven":"A"' 'disk: /dev/vda7 recorder-7' kept-data
	# It was faster than thought: its trial, which it does not win, is not what is looked at here.
	if grep -q 'update: 0' "$work/result"; then
		trial_time=5s start 'sleep 6000'
		finish "$name"
	fi
}
stage_torn() {
	local cut
	for cut in $(seq "$cuts"); do
		by_turns
		one_torn "cut $cut"
	done
}
stage_back() {
	start "$state$open_stick"'
		telerec update /tmp/u/broken.raucb; echo "update: $?"; umount /tmp/u' "${uefi[@]}" "${updates[@]}"
	finish back
	expect '"slot":"A","proven":"A"' 'disk: /dev/vda7 recorder-7' kept-data 'update: 0'
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
# The health check of the image itself keeps it: a slot proves itself, now that it has the stand-in browser.
stage_kept() {
	start "$state"'
		telerec config set browser.path=/data/life/stand-in; systemctl restart telerecd
		while [ "$(systemctl show -P SubState telerec-update-ok)" = running ]; do sleep 1; done
		journalctl -b -o cat -u telerec-update-ok; telerec slots --json; grep browser: /etc/telerec/telerec.conf
		ls /data/recordings /data/recordings/life; '"$state"
	finish kept
	expect '"slot":"B","proven":"A"' 'records well, and is kept' '"proven":"B","next":"B"' browser: kept-data cut-1
}
# boots_slot SLOT NTH: as far as GRUB's choice, the first or the second.
boots_slot() {
	local choice='(Booting|Falling back to) .telerec, slot'
	start 'sleep 6000'
	until [ "$(grep -acE "$choice" "$work/console")" -ge "$2" ]; do
		is_on || fail "the machine ended"
		sleep 0.5
	done
	cut_power
	grep -aoE "$choice [AB]" "$work/console" | tail -n 1 | grep -q "slot $1" || fail "GRUB boots another slot than $1"
}
# What is remembered is lost in each of the ways, and the kernel of the slot that proved itself: a copy is put back.
stage_lost() {
	local way
	esp mcopy -n ::/boot/grub/grubenv.copy "$work/copy"
	head -c 1024 /dev/urandom >"$work/garbage"
	: >"$work/empty"
	for way in gone garbage empty; do
		esp mdel ::/boot/grub/grubenv 2>/dev/null || true
		[ $way = gone ] || esp mcopy "$work/$way" ::/boot/grub/grubenv
		boots_slot B 1
		echo "   $way: slot B is booted"
	done
	# Both at once: the first slot, and a start is not worse.
	esp mcopy -o "$work/empty" ::/boot/grub/grubenv.copy
	boots_slot A 1
	echo "   the copy is empty, too: slot A is booted"
	esp mcopy -o "$work/copy" ::/boot/grub/grubenv.copy
	dd if=/dev/zero of="$work/disk" bs=1M seek=2210 count=1 conv=notrunc status=none
	boots_slot A 2
	echo "   no kernel in slot B: slot A is booted"
	dd if="$work/live/boot.squashfs" of="$work/disk" bs=1M seek=2210 conv=notrunc status=none
	esp mcopy -o "$work/empty" ::/boot/grub/grubenv
}
stage_stays() {
	mkdir -p "$work/cloud"
	printf '#cloud-config\nhostname: recorder-8\nssh_authorized_keys:\n  - ssh-ed25519 %s admin\ntelerec_conf: |\n  slots = 2;\n' \
		AAAAC3NzaC1lZDI1NTE5AAAAIGNsb3VkY2xvdWRjbG91ZGNsb3VkY2xvdWRjbG91ZGNsb3Vk >"$work/cloud/user-data"
	echo 'instance-id: life' >"$work/cloud/meta-data"
	xorriso -as mkisofs -quiet -o "$work/cloud.iso" -V CIDATA -J -r "$work/cloud"
	start "$state"'
		grep slots /etc/telerec/telerec.conf; cat /data/ssh/authorized_keys; telerec factory-reset --keep-recordings --yes' \
		-drive "file=$work/cloud.iso,format=raw,if=virtio,readonly=on"
	finish stays
	expect '"slot":"B","proven":"B","next":"B"' '"is_trial":false' 'memory of the slots was lost' kept-data \
		'disk: /dev/vda7 recorder-8' 'slots = 2;' \
		AAAAIGNsb3Vk 'this machine is as new, but for its recordings'
}
facts='test -e /data/life; echo "browser: $?"; test -e /data/ssh/authorized_keys; echo "key: $?"
grep -q "slots = 2;" /etc/telerec/telerec.conf; echo "settings: $?"
'
stage_reset() {
	start "$state$facts"' telerec factory-reset --yes'
	finish reset
	expect '"slot":"B","proven":"B"' 'disk: /dev/vda7 telerec' kept-data 'browser: 1' 'key: 1' 'settings: 1' \
		'this machine is as new'
}
stage_empty() {
	start "$state$facts"
	finish empty
	expect '"slot":"B","proven":"B"' 'disk: /dev/vda7 telerec' 'browser: 1' 'key: 1' 'settings: 1' 'guest: end'
	! grep -q kept-data "$work/result" || fail "recordings are still there"
}

# The PIN of the console's shell is given here: its page is one of the console's own tests. What is installed
# has it, as all settings.
has_pin='test -s /data/etc/telerec/console.pin; echo "PIN: $?"; sleep 6000'
pin='echo "{\"console.pin\": \"2468\"}" | telerec machine set --stdin --json; echo "PIN: $?"; sleep 6000'
stage_keys() {
	/usr/bin/python3 -c 'import pyte' 2>/dev/null || skip "python3-pyte is not installed; the stages before have passed"
	rm -f "$work/disk"
	truncate -s 6G "$work/disk"
	typist=install start "$pin" -kernel "$work/live/vmlinuz" -initrd "$work/live/initrd.img" \
		-append "boot=telerec telerec.from=live console=ttyS0 quiet panic=30 no_timer_check" "${medium[@]}"
	await_end keys
	cat "$work/qemu"
}
stage_typed() {
	typist=upkeep start "$state$has_pin" "${updates[@]}"
	await_end typed
	cat "$work/qemu"
	expect '"slot":"A","proven":"A"' 'disk: /dev/vda7 telerec'
}

prepare
for stage in ${*:-halves install first unproven records torn back panic good kept lost stays reset empty keys typed}; do
	began=$SECONDS
	echo "== $stage"
	"stage_$stage"
	echo "== $stage: $((SECONDS - began)) s"
done
echo "passed"
