# Kernel, initrd, and what starts them: GRUB for BIOS and, signed by Debian, for UEFI.

# fill FILE: the menu, with what is known now.
fill() {
	sed -e "s/@VERSION@/$version/g" "$1"
}

boot_initrd() {
	local to=$root/etc/initramfs-tools
	install -m 644 "$here/initramfs/telerec" "$root/usr/share/initramfs-tools/scripts/telerec"
	install -m 755 "$here/initramfs/hook" "$root/usr/share/initramfs-tools/hooks/telerec"
	: >"$to/modules"
	install -m 644 "$here/initramfs/modules" "$to/telerec-modules"
	printf 'MODULES=list\nBUSYBOX=y\nCOMPRESS=zstd\nCOMPRESSLEVEL=%s\nFSTYPE=ext4\nRESUME=none\n' \
		"$([ "$speed" = quick ] && echo 3 || echo 19)" >"$to/conf.d/telerec"
	in_root env SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" mkinitramfs -o /boot/initrd.telerec "$kernel"
}

# little VALUE BYTES: as GRUB's boot sectors have numbers.
little() {
	local value=$1 bytes=$2
	while [ "$bytes" -gt 0 ]; do
		# shellcheck disable=SC2059
		printf "\\x$(printf %02x $((value & 255)))"
		value=$((value >> 8)) bytes=$((bytes - 1))
	done
}

# patch FILE OFFSET: standard input is written there.
patch() { dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

# GRUB for a disk's BIOS boot partition, which begins at sector 2048; the installer only copies it.
boot_bios() {
	local to=$work/live/bios sectors
	mkdir -p "$to"
	in_tools grub-mkimage -O i386-pc -p '(,gpt2)/boot/grub' -o live/bios/core.img \
		biosdisk part_gpt fat ext2 squash4 normal configfile linux loadenv probe regexp search search_fs_uuid \
		search_label serial terminal test echo ls cat minicmd sleep reboot halt all_video gzio
	cp "$tools/usr/lib/grub/i386-pc/boot.img" "$to/boot.img"
	little 2048 8 | patch "$to/boot.img" $((0x5c))
	printf '\xff' | patch "$to/boot.img" $((0x64))
	printf '\x90\x90' | patch "$to/boot.img" $((0x66))
	truncate -s %512 "$to/core.img"
	sectors=$(($(stat -c %s "$to/core.img") / 512))
	{
		little 2049 8
		little $((sectors - 1)) 2
		little $((0x820)) 2
	} | patch "$to/core.img" $((0x1f4))
}

# The tree of the installed EFI system partition.
boot_esp() {
	local to=$work/live/esp
	mkdir -p "$to/EFI/BOOT" "$to/EFI/debian" "$to/boot/grub"
	cp "$tools/usr/lib/shim/shimx64.efi.signed" "$to/EFI/BOOT/BOOTX64.EFI"
	cp "$tools/usr/lib/shim/mmx64.efi.signed" "$to/EFI/BOOT/mmx64.efi"
	cp "$tools/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" "$to/EFI/BOOT/grubx64.efi"
	# The signed GRUB looks here; the partition that it came from is the root.
	echo 'configfile ($root)/boot/grub/grub.cfg' >"$to/EFI/debian/grub.cfg"
	fill "$here/grub/disk.cfg" >"$to/boot/grub/grub.cfg"
	in_tools grub-editenv live/esp/boot/grub/grubenv create
	in_tools grub-editenv live/esp/boot/grub/grubenv set 'ORDER=A B' A_OK=1 A_TRY=0 B_OK=0 B_TRY=0 PROVEN=A
	cp "$to/boot/grub/grubenv" "$to/boot/grub/grubenv.copy"
}

boot_make() {
	mkdir -p "$work/live" "$work/boot"
	kernel=$(basename "$(ls -d "$root"/lib/modules/* | sort -V | tail -n 1)")
	boot_initrd
	cp "$root/boot/vmlinuz-$kernel" "$work/live/vmlinuz"
	mv "$root/boot/initrd.telerec" "$work/live/initrd.img"
	chmod 644 "$work/live/initrd.img"
	# What a slot's boot partition holds, as a file system that GRUB reads; it is copied there as it is.
	cp "$work/live/vmlinuz" "$work/live/initrd.img" "$here/grub/slot.cfg" "$work/boot/"
	chmod 644 "$work/boot/slot.cfg"
	find "$work/boot" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	in_tools mksquashfs boot live/boot.squashfs -comp gzip -noI -noD -noF -noappend -no-progress -quiet \
		-reproducible -all-root
	boot_bios
	boot_esp
}
