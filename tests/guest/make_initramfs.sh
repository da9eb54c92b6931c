#!/bin/bash
# make_initramfs.sh KERNEL_ROOT VERSION PROGRAM OUTPUT: a guest that loads snd-aloop and runs the
# program twice: as an ordinary user of the group audio, and as one outside of it.
#
# With TR_GUEST_SLOTS the cards are those that the package brings, for as many slots as there may be; the
# program is told their number, and runs as the ordinary user of the group audio only.
#
# KERNEL_ROOT holds lib/modules/VERSION, of a Debian package or "/". The guest's last line on the
# console is "guest: the programs ended with CODE CODE". "telerec_filter=TESTS" among the kernel's
# arguments chooses tests; "telerec_probe" only says "guest: alive".
set -euo pipefail

kernel_root=${1%/} version=$2 program=$3 output=$4
modules=$kernel_root/lib/modules/$version/kernel
root=$(mktemp -d /tmp/telerec-initramfs.XXXXXX)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,dev,etc,lib/modules,proc,sys,tmp,usr/share}

# add_module NAME: the module as NAME.ko, after those that it needs. Compressed ones are unpacked.
add_module() {
	local name=${1//-/_} file needed
	[ ! -e "$root/lib/modules/$name.ko" ] || return 0
	file=$(find "$modules" -name "${name//_/[-_]}.ko*" | head -n 1)
	[ -n "$file" ] || { echo "the kernel $version has no module $name" >&2; exit 1; }
	case $file in
	*.xz) xz -dc "$file" ;;
	*.zst) zstd -dcq "$file" ;;
	*.gz) gzip -dc "$file" ;;
	*) cat "$file" ;;
	esac >"$root/lib/modules/$name.ko"
	for needed in $(tr '\0' '\n' <"$root/lib/modules/$name.ko" | sed -n 's/^depends=//p' | tr , ' '); do
		add_module "$needed"
	done
	echo "$name" >>"$root/lib/modules/order"
}
add_module snd-aloop

# The program keeps its libraries' paths; all that libasound reads comes along.
for file in $(ldd "$program" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p'); do
	mkdir -p "$root$(dirname "$file")"
	cp -L "$file" "$root$file"
done
cp "$program" "$root/program"
echo "${TR_GUEST_SLOTS:-}" >"$root/slots"
if [ -n "${TR_GUEST_SLOTS:-}" ]; then
	sed -n 's/^options snd-aloop //p' "${TR_SOURCE_DIR:?}/kernel/modprobe.conf" >"$root/parameters"
	echo recorder >"$root/users"
else
	echo "enable=1,1,1 pcm_substreams=1,1,8 id=tr0,tr1,Loopback" >"$root/parameters"
	echo recorder outsider >"$root/users"
fi
cp -rL /usr/share/alsa "$root/usr/share/alsa"
cp "$(command -v busybox)" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
echo 'root:x:0:0::/:/bin/sh
recorder:x:1000:1000::/tmp:/bin/sh
outsider:x:1001:1001::/tmp:/bin/sh' >"$root/etc/passwd"
echo 'root:x:0:
audio:x:29:recorder
recorder:x:1000:
outsider:x:1001:' >"$root/etc/group"

cat >"$root/init" <<'INIT'
#!/bin/sh
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
if grep -q telerec_probe /proc/cmdline; then
	echo "guest: alive"
	poweroff -f
fi
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm
mount -t tmpfs tmpfs /dev/shm
chmod 1777 /tmp /dev/shm
for name in $(cat /lib/modules/order); do
	parameters=
	[ "$name" != snd_aloop ] || \
		parameters=$(cat /parameters)
	insmod /lib/modules/$name.ko $parameters || echo "guest: cannot load $name"
done
chgrp -R 29 /dev/snd && chmod 0660 /dev/snd/*
cat /proc/asound/cards
# What only root may do, when a test asks for it.
while :; do
	for order in unbind bind unload load; do
		[ -e /tmp/$order ] || continue
		case $order in
		unload)
			# The kernel refuses that while a card is in use: it has to be taken away first.
			rmmod snd_aloop 2>/dev/null && echo "guest: snd_aloop went under a recording"
			echo snd_aloop.0 >/sys/bus/platform/drivers/snd_aloop/unbind
			rmmod snd_aloop
			;;
		load) insmod /lib/modules/snd_aloop.ko $(cat /parameters) ;;
		*) echo snd_aloop.0 >/sys/bus/platform/drivers/snd_aloop/$order ;;
		esac
		chgrp -R 29 /dev/snd && chmod 0660 /dev/snd/*
		rm /tmp/$order
	done
	usleep 50000
done &
cd /tmp
filter=$(sed -n 's/.*telerec_filter=\([^ ]*\).*/\1/p' /proc/cmdline)
codes=
for user in $(cat /users); do
	HOME=/tmp su -s /bin/sh $user -c "exec /program $filter $(cat /slots)"
	codes="$codes $?"
done
echo "guest: the programs ended with$codes"
poweroff -f
INIT
chmod 0755 "$root" "$root/init" "$root/tmp" "$root/program"
(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$output"
