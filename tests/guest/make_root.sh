#!/bin/bash
# make_root.sh OUTPUT SUITE PACKAGES: a disk image with a small Debian that has only the cloud's kernel, what
# PACKAGES (with commas between) names besides, and a local repository with the generic kernel. Boots by
# GRUB, from BIOS and EFI, once grub-install has run in it: OUTPUT.vmlinuz and OUTPUT.initrd start it for that.
#
# At each boot the guest unpacks the tar archive on its second disk and runs "run.sh" from it; what
# that prints goes to the second serial port. Needs root and Debian's archive.
set -euo pipefail

output=$1 suite=$2 packages=$3
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d /tmp/telerec-guest-root.XXXXXX)
trap 'rm -rf "$work"' EXIT
root=$work/root
mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
	awk '{ for (i = 1; i <= NF; i++) if (!found && $i ~ /^https?:.*\/debian\/?$/) found = $i }
		END { print found ? found : "http://deb.debian.org/debian" }')

mmdebstrap --quiet --variant=minbase \
	--include="systemd-sysv,udev,kmod,dbus,grub-pc,grub-efi-amd64-bin,initramfs-tools,zstd,alsa-utils,linux-image-cloud-amd64,$packages" \
	--aptopt='APT::Install-Recommends "false"' \
	--dpkgopt=path-exclude=/usr/share/man/* --dpkgopt=path-exclude=/usr/share/locale/* \
	--dpkgopt=path-exclude=/usr/share/doc/* \
	--essential-hook='mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/boot/grub"' \
	--essential-hook='printf "MODULES=list\nCOMPRESS=zstd\nCOMPRESSLEVEL=1\n" >"$1/etc/initramfs-tools/conf.d/guest"' \
	--essential-hook='printf "%s\n" ext4 virtio_blk virtio_pci ata_piix sd_mod >"$1/etc/initramfs-tools/modules"' \
	--essential-hook='ln -s /bin/true "$1/usr/local/sbin/update-grub"' \
	--customize-hook='rm "$1/usr/local/sbin/update-grub"' \
	--customize-hook='mkdir -p "$1/opt/repository"' \
	--customize-hook='chroot "$1" sh -c "cd /opt/repository && apt-get -qq download linux-image-amd64 \$(apt-cache depends linux-image-amd64 | sed -n \"s/.*Depends: //p\" | head -n 1) && chmod 644 *.deb" 2>/dev/null' \
	"$suite" "$root" "$mirror"

# The archive of the guest: what was fetched, and nothing else.
(cd "$root/opt/repository" && for deb in *.deb; do
	dpkg-deb -f "$deb"
	echo "Filename: ./$deb"
	echo "Size: $(stat -c %s "$deb")"
	echo "SHA256: $(sha256sum "$deb" | cut -d' ' -f1)"
	echo
done >Packages)
rm -f "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/*Packages*
rm -rf "$root"/var/lib/apt/lists/* "$root"/var/cache/apt/*.bin
echo 'deb [trusted=yes] file:/opt/repository ./' >"$root/etc/apt/sources.list"

echo guest >"$root/etc/hostname"
mkdir -p "$root/boot/efi"
printf '%s\n' '/dev/vda1 / ext4 errors=remount-ro 0 1' '/dev/vda2 /boot/efi vfat nofail 0 2' >"$root/etc/fstab"
printf '[Match]\nType=ether\n[Network]\nDHCP=ipv4\n' >"$root/etc/systemd/network/50-guest.network"
rm -f "$root/etc/machine-id" && echo uninitialized >"$root/etc/machine-id"
cat >>"$root/etc/default/grub" <<'GRUB'
GRUB_TIMEOUT=1
GRUB_CMDLINE_LINUX_DEFAULT="quiet loglevel=3 systemd.show_status=0"
GRUB_CMDLINE_LINUX="console=ttyS0"
GRUB_TERMINAL=console
GRUB
for unit in apt-daily.timer apt-daily-upgrade.timer e2scrub_reap.service dpkg-db-backup.timer \
	e2scrub_all.timer fstrim.timer systemd-timesyncd.service getty@.service serial-getty@.service \
	systemd-networkd-wait-online.service; do
	ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
install -m 755 "$here/guest_run.sh" "$root/usr/local/sbin/guest-run"
cat >"$root/etc/systemd/system/guest.service" <<'UNIT'
[Unit]
Description=what the test wants
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/usr/local/sbin/guest-run
StandardOutput=null
StandardError=null
TimeoutStartSec=infinity
[Install]
WantedBy=graphical.target
UNIT
mkdir -p "$root/etc/systemd/system/graphical.target.wants"
ln -s ../guest.service "$root/etc/systemd/system/graphical.target.wants/guest.service"
ln -sf /lib/systemd/system/graphical.target "$root/etc/systemd/system/default.target"

# Two partitions: the root at 1 MiB, and EFI's. Their file systems are made as files, as build hosts may not mount.
truncate -s 5000M "$work/fs"
mkfs.ext4 -q -F -L guest -E root_owner=0:0 -d "$root" "$work/fs"
truncate -s 1M "$output.part"
cat "$work/fs" >>"$output.part"
truncate -s 48M "$work/esp"
mkfs.vfat -n GUEST-ESP "$work/esp" >/dev/null
cat "$work/esp" >>"$output.part"
sectors=$(($(stat -c %s "$work/fs") / 512))
# number VALUE: as the partition table has it, four bytes, the lowest first.
number() {
	local shift
	for shift in 0 8 16 24; do
		# shellcheck disable=SC2059
		printf "\\$(printf %03o $(($1 >> shift & 255)))"
	done
}
{
	printf '\200\376\377\377\203\376\377\377' && number 2048 && number $sectors
	printf '\000\376\377\377\357\376\377\377' && number $((2048 + sectors)) && number 98304
} | dd of="$output.part" bs=1 seek=446 conv=notrunc status=none
printf '\125\252' | dd of="$output.part" bs=1 seek=510 conv=notrunc status=none
cp "$root"/boot/vmlinuz-* "$output.vmlinuz"
cp "$root"/boot/initrd.img-* "$output.initrd"
cp --sparse=always "$output.part" "$output"
rm "$output.part"
