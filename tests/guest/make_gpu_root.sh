#!/bin/bash
# make_gpu_root.sh OUTPUT SUITE PACKAGE...: a file system with a small Debian, the generic kernel, an X server
# that has glamor, and these packages; beside it OUTPUT.vmlinuz and OUTPUT.initrd.
#
# At its boot the guest loads the modules of GPUs, has udev make their nodes, unpacks the tar archive on its
# second disk and runs "run.sh" from it; what that prints goes to the second serial port. No service
# manager: it is up in seconds. Needs root and Debian's archive.
set -euo pipefail

output=$1 suite=$2
shift 2
work=$(mktemp -d /tmp/telerec-guest-root.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
root=$work/root
mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
	awk '{ for (i = 1; i <= NF; i++) if (!found && $i ~ /^https?:.*\/debian\/?$/) found = $i }
		END { print found ? found : "http://deb.debian.org/debian" }')
packages="udev kmod initramfs-tools zstd linux-image-amd64 xserver-xorg-core libgl1-mesa-dri $*"

mmdebstrap --quiet --variant=minbase --aptopt='APT::Install-Recommends "false"' \
	--include="${packages// /,}" \
	--dpkgopt=path-exclude=/usr/share/man/* --dpkgopt=path-exclude=/usr/share/locale/* \
	--dpkgopt=path-exclude=/usr/share/doc/* \
	--essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d"' \
	--essential-hook='printf "MODULES=list\nCOMPRESS=zstd\nCOMPRESSLEVEL=1\n" >"$1/etc/initramfs-tools/conf.d/guest"' \
	--essential-hook='printf "%s\n" ext4 virtio_blk virtio_pci >"$1/etc/initramfs-tools/modules"' \
	"$suite" "$root" "$mirror"

rm -rf "$root"/etc/apt/sources.list.d/* "$root"/etc/apt/sources.list \
	"$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin
echo guest >"$root/etc/hostname"
echo '127.0.0.1 localhost guest' >"$root/etc/hosts"
# "recorder" is in no group but his own; "member" is in that of the nodes.
for name in recorder:1000 member:1001; do
	echo "${name%:*}:x:${name#*:}:${name#*:}::/tmp:/bin/sh" >>"$root/etc/passwd"
	echo "${name%:*}:x:${name#*:}:" >>"$root/etc/group"
done
sed -i 's/^render:\(.*\):$/render:\1:member/' "$root/etc/group"
cat >"$root/sbin/guest-init" <<'INIT'
#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mount -t devpts pts /dev/pts
for folder in /dev/shm /run /tmp; do
	mount -t tmpfs tmpfs $folder
done
chmod 1777 /dev/shm /tmp
exec >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 -onlcr 2>/dev/null
/lib/systemd/systemd-udevd --daemon
for name in virtio-gpu bochs vgem virtio_rng; do
	modprobe $name || echo "guest: no module $name"
done
udevadm trigger && udevadm settle --timeout 300
mkdir /run/payload
tar -xf /dev/vdb -C /run/payload
echo "guest: kernel $(uname -r), up for $(cut -d' ' -f1 /proc/uptime) s"
cd /run/payload
sh ./run.sh
echo "guest: ended with $?"
sync
echo o >/proc/sysrq-trigger
sleep 60
INIT
chmod 755 "$root/sbin/guest-init"

truncate -s 2000M "$output.part"
mkfs.ext4 -q -F -L guest -E root_owner=0:0 -d "$root" "$output.part"
cp -L "$root"/boot/vmlinuz-* "$output.vmlinuz"
cp -L "$root"/boot/initrd.img-* "$output.initrd"
mv "$output.part" "$output"
