#!/bin/sh
# What happens in the guest of kernel.sh, in each of its boots.
# Programs may not be run from /run.
rm -rf /opt/payload
cp -r /run/payload /opt/payload
cd /opt/payload || exit 1
telerec() {
	/lib64/ld-linux-x86-64.so.2 --library-path /opt/payload/lib /opt/payload/telerec "$@"
}
field() {
	telerec kernel status --json | sed -n "s/^ *\"$1\": \"\{0,1\}\([^\",]*\)\"\{0,1\},\{0,1\}$/\1/p" | head -n 1
}
generic() {
	ls /boot/vmlinuz-* | grep -v cloud | sed 's/.*vmlinuz-//' | head -n 1
}

# As the package installs them.
install_rules() {
	place=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' telerec-disk@.service)
	mkdir -p "$(dirname "$place")"
	cp telerec-mount-disk "$place"
	chmod 755 "$place"
	cp 60-telerec.rules /etc/udev/rules.d/
	cp telerec-disk@.service /etc/systemd/system/
	systemctl daemon-reload
	udevadm control --reload
	udevadm trigger --action=add --subsystem-match=block
	udevadm settle
}

# The service manager's way, with all that the unit forbids; but nobody waits for a slot here.
boot_ok_by_unit() {
	unit=telerec-boot-ok.service
	program='/lib64/ld-linux-x86-64.so.2 --library-path /opt/payload/lib /opt/payload/telerec'
	cp "/opt/payload/$unit" /run/systemd/system/
	mkdir -p "/run/systemd/system/$unit.d"
	printf '[Service]\nType=oneshot\nExecStart=\nExecStart=%s kernel boot-ok\n' "$program" \
		>"/run/systemd/system/$unit.d/now.conf"
	systemctl daemon-reload
	systemctl start "$unit"
	code=$?
	journalctl -b --no-pager -o cat -u "$unit" | tail -n 20
	return $code
}

case $(uname -r) in
*cloud*) echo "cloud: yes" ;;
*) echo "cloud: no" ;;
esac
stage=$(cat stage)
case $stage in
learn)
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
	install_rules
	telerec kernel load --slots 16
	echo "load: $?"
	cat /proc/asound/cards
	echo "cards: $(ls -d /proc/asound/tr* | wc -l)"
	udevadm settle
	echo "links: $(ls /dev/snd/telerec | wc -l)"
	ls -l /dev/snd/telerec | head -n 3
	for _ in $(seq 60); do
		findmnt -n -o SOURCE,TARGET,OPTIONS /run/media/telerec/TELEREC-REC1 | tr -s ' ' | grep . && break
		sleep 1
	done
	echo "setup stick: $(basename "$(readlink -f /dev/telerec-setup)")"
	/lib64/ld-linux-x86-64.so.2 --library-path /opt/payload/lib \
		/opt/payload/test_guest_loopbacks 16 2>&1
	echo "tones: $?"
	boot_ok_by_unit
	echo "boot-ok: $?"
	echo "phase: $(field choice)"
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
