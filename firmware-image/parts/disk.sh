# The image of an installed disk, for virtual machines and for flashing. Its data partition is small, and
# grows to the disk at the first start.

# id TEXT: a GUID of its own for each part, always the same one.
id() {
	echo "telerec $1" | sha256sum | sed 's/^\(.\{8\}\)\(.\{4\}\).\(.\{3\}\).\(.\{3\}\)\(.\{12\}\).*/\1-\2-4\3-8\4-\5/'
}

disk_make() {
	local disk=disk.img live=$work/iso/live
	rm -f "$work/$disk"
	truncate -s 4740M "$work/$disk"
	in_tools sgdisk --clear --disk-guid="$(id disk)" \
		--new=1:2048:+1M --typecode=1:ef02 --change-name=1:bios-boot --partition-guid=1:"$(id 1)" \
		--new=2:0:+64M --typecode=2:ef00 --change-name=2:esp --partition-guid=2:"$(id 2)" \
		--new=3:0:+96M --typecode=3:8300 --change-name=3:boot-a --partition-guid=3:"$(id 3)" \
		--new=4:0:+2G --typecode=4:8300 --change-name=4:root-a --partition-guid=4:"$(id 4)" \
		--new=5:0:+96M --typecode=5:8300 --change-name=5:boot-b --partition-guid=5:"$(id 5)" \
		--new=6:0:+2G --typecode=6:8300 --change-name=6:root-b --partition-guid=6:"$(id 6)" \
		--new=7:0:+380M --typecode=7:8300 --change-name=7:data --partition-guid=7:"$(id 7)" $disk
	disk_put "$live/boot.squashfs" 3
	disk_put "$live/root.squashfs" 4
	fat "$work/esp.img" 64 TR-ESP "$live/esp"
	disk_put "$work/esp.img" 2
	truncate -s 380M "$work/data.img"
	# As for the disk that it will grow to, and up to 4 TiB without a detour: mkfs itself thinks of a small one.
	in_tools env E2FSPROGS_FAKE_TIME="$SOURCE_DATE_EPOCH" mkfs.ext4 -q -F -L TR-DATA -m 1 -b 4096 -i 16384 \
		-J size=64 -U "$(id data)" -E hash_seed="$(id seed)",resize=1073741824,lazy_itable_init=0,root_owner=0:0 data.img
	disk_put "$work/data.img" 7
	disk_put "$live/bios/core.img" 1
	dd if="$live/bios/boot.img" of="$work/$disk" bs=440 count=1 conv=notrunc status=none
	if command -v qemu-img >/dev/null; then
		qemu-img convert -c -O qcow2 "$work/$disk" "$out/$name.qcow2"
	fi
	in_tools zstd -q -f "-$([ "$speed" = quick ] && echo 1 || echo 10)" -T0 --long=27 $disk -o disk.img.zst
	mv "$work/disk.img.zst" "$out/$name.img.zst"
}

# disk_put FILE PARTITION: its bytes to where the partition begins.
disk_put() {
	local start
	start=$(in_tools sgdisk --info="$2" disk.img | sed -n 's/^First sector: \([0-9]*\).*/\1/p')
	dd if="$1" of="$work/disk.img" bs=1M seek=$((start * 512)) oflag=seek_bytes conv=notrunc,sparse status=none
}
