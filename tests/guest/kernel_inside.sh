#!/bin/sh
# What happens in the guest of kernel.sh, in each of its boots.
# Programs may not be run from /run.
rm -rf /opt/payload
cp -r /run/payload /opt/payload
chmod 755 /opt/payload/*.pl
cd /opt/payload || exit 1
marks=/var/lib/guest
mkdir -p $marks
field() {
	telerec kernel status --json | sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" | head -n 1
}
generic() {
	ls /boot/vmlinuz-* | grep -v cloud | sed 's/.*vmlinuz-//' | head -n 1
}
# wait_for SECONDS COMMAND...
wait_for() {
	left=$1
	shift
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 1
	done
}

install_package() {
	dpkg -i telerec.deb
	echo "package: $?"
	udevadm control --reload
}

settings() {
	cat >/etc/telerec/telerec.conf <<-CONF
		slots = 1;
		video: { size = "320x180"; frame_rate = 5; };
		sound: { source = "loopback"; };
		browser: { path = "$1"; allowed_hosts = ["127.0.0.1"]; };
	CONF
}

# record NAME SECONDS: of the tone, by a slot's user, from the slot's own card.
record() {
	setpriv --reuid=telerec-slot-1 --regid=telerec-slot-1 --init-groups env HOME=/var/tmp/tone \
		telerec record --browser /opt/payload/image_browser.pl --sound loopback --size 320x180 --rate 5 \
		--for "$2s" --page-timeout 5m --name "$1" --to /var/tmp/tone http://127.0.0.1/tone --verbose 2>&1
	echo "recorded $1: $?"
}
record_tone() {
	install -d -o telerec-slot-1 /var/tmp/tone
	record tone 10
	# The card goes while it is recorded from, and comes back.
	record lost 25 >lost &
	wait_for 300 grep -q RUNNING /proc/asound/tr1/pcm1c/sub0/status
	sleep 5
	echo snd_aloop.0 >/sys/bus/platform/drivers/snd_aloop/unbind
	sleep 3
	echo snd_aloop.0 >/sys/bus/platform/drivers/snd_aloop/bind
	wait
	cat lost
	tar -C /var/tmp/tone -cf /dev/vde tone lost
}

# The service manager's way. Without a slot that works the trial goes on; with one it is over.
keep_by_unit() {
	settings /bin/false
	systemctl enable --now telerecd
	wait_for 300 systemctl -q is-active telerecd
	systemctl start telerec-boot-ok
	sleep 20
	telerec slots
	echo "without a slot: $(field choice), $(systemctl show -P SubState telerec-boot-ok)"
	settings /opt/payload/image_browser.pl
	systemctl restart telerecd
	wait_for 900 sh -c '[ "$(systemctl show -P ActiveState telerec-boot-ok)" != active ]'
	telerec slots
	echo "with a slot: $(field choice)"
	echo "boot-ok: $(systemctl show -P Result telerec-boot-ok)"
	journalctl -b --no-pager -o cat -u telerec-boot-ok -u telerecd -u 'telerec-slot@1' | tail -n 30
	systemctl disable --now telerecd
}

# The first process stops by a fault, as one that hangs: nobody serves the watchdog any more.
watch() {
	boots=$(cat $marks/watched 2>/dev/null || echo 0)
	echo $((boots + 1)) >$marks/watched
	[ "$boots" = 0 ] || {
		echo "came back: $boots"
		return
	}
	wait_for 300 grep -qsx active /sys/class/watchdog/watchdog0/state
	echo "watchdog: $(cat /sys/class/watchdog/watchdog0/identity)," \
		"is $(cat /sys/class/watchdog/watchdog0/state) with $(cat /sys/class/watchdog/watchdog0/timeout) s"
	journalctl -b --no-pager -o cat _PID=1 | grep -i watchdog
	sync
	echo "freezing: the first process"
	kill -SEGV 1
	sleep 600
}

case $(uname -r) in
*cloud*) echo "cloud: yes" ;;
*) echo "cloud: no" ;;
esac
if [ -d /sys/firmware/efi ]; then echo "started by: efi"; else echo "started by: bios"; fi
stage=$(cat stage)
case $stage in
learn)
	install_package
	telerec kernel status
	echo "status: $?"
	telerec kernel use-generic
	apt-get -qq update
	telerec kernel use-generic --install --dry-run
	telerec kernel use-generic --install
	echo "install: $?"
	telerec kernel undo
	echo "after undo:"
	telerec kernel use-generic --dry-run --no-trial
	telerec kernel use-generic
	echo "next: $(grub-editenv - list | sed -n 's/^next_entry=//p')"
	mv "/boot/initrd.img-$(generic)" /boot/good-initrd
	echo 'this is none' >"/boot/initrd.img-$(generic)"
	;;
fallen)
	telerec kernel boot-ok 2>&1
	echo "phase: $(field choice)"
	mv /boot/good-initrd "/boot/initrd.img-$(generic)"
	telerec kernel use-generic
	echo "again: $?"
	;;
tried)
	telerec kernel status
	echo "status: $?"
	echo "phase: $(field choice)"
	telerec kernel load --slots 16
	echo "load: $?"
	cat /proc/asound/cards
	echo "cards: $(ls -d /proc/asound/tr* | wc -l)"
	udevadm settle
	echo "links: $(ls /dev/snd/telerec | wc -l)"
	ls -l /dev/snd/telerec | head -n 3
	udevadm verify --no-style /usr/lib/udev/rules.d/60-telerec.rules
	echo "rules: $?"
	for _ in $(seq 60); do
		findmnt -n -o SOURCE,TARGET,OPTIONS /run/media/telerec/TELEREC-REC1 | tr -s ' ' | grep . && break
		sleep 1
	done
	echo "setup stick: $(basename "$(readlink -f /dev/telerec-setup)")"
	if [ "$(cat start_by)" = bios ]; then
		/lib64/ld-linux-x86-64.so.2 --library-path /opt/payload/lib \
			/opt/payload/test_guest_loopbacks 16 2>&1
		echo "tones: $?"
		record_tone
	fi
	telerec kernel check-config
	echo "config: $?"
	telerec doctor --only kernel 2>&1
	keep_by_unit
	;;
watched)
	watch
	;;
settled)
	echo "cards: $(ls -d /proc/asound/tr* 2>/dev/null | wc -l)"
	echo "phase: $(field choice)"
	telerec kernel undo
	echo "undo: $?"
	;;
back)
	telerec kernel status
	echo "phase: $(field choice)"
	echo "cards: $(ls -d /proc/asound/tr* 2>/dev/null | wc -l)"
	ls /etc/default/grub.d/zz-telerec.cfg /etc/modprobe.d/telerec-aloop.conf \
		/var/lib/telerec-kernel 2>/dev/null || echo "files: gone"
	;;
esac
