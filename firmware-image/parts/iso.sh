# The medium: optical disk and stick, BIOS and UEFI.

iso_efi() {
	local to=$work/efi.tree
	mkdir -p "$to/EFI/BOOT"
	cp "$work/live/esp/EFI/BOOT/"{BOOTX64.EFI,mmx64.efi} "$to/EFI/BOOT/"
	cp "$tools/usr/lib/grub/x86_64-efi-signed/gcdx64.efi.signed" "$to/EFI/BOOT/grubx64.efi"
	find "$to" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	fat "$work/efi.img" 12 TR-EFI "$to"
}

# fat FILE MIB LABEL TREE: a FAT file system with the tree's files, always the same one.
fat() {
	local file=${1#"$work/"} tree=${4#"$work/"}
	rm -f "$1"
	truncate -s "$2M" "$1"
	in_tools mkfs.vfat --invariant -i 54524553 -n "$3" $([ "$2" -lt 33 ] || echo -F 32) "$file"
	(cd "$4" && find . -mindepth 1 -type d | sort) | while read -r folder; do
		in_tools mmd -i "$file" "::${folder#.}"
	done
	(cd "$4" && find . -type f | sort) | while read -r entry; do
		in_tools mcopy -m -i "$file" "$tree/${entry#./}" "::${entry#.}"
	done
}

iso_make() {
	local tree=$work/iso date
	mkdir -p "$tree/boot/grub" "$tree/.disk"
	mv "$work/live" "$tree/live"
	cp "$work/manifest.txt" "$tree/live/manifest.txt"
	echo "telerec $version ($flavour)" >"$tree/.disk/info"
	fill "$here/grub/live.cfg" >"$tree/boot/grub/grub.cfg"
	ln -s iso/live "$work/live"
	iso_efi
	in_tools grub-mkimage -O i386-pc-eltorito -p /boot/grub -o iso/boot/grub/eltorito.img \
		biosdisk iso9660 part_gpt part_msdos fat ext2 normal configfile linux loadenv probe regexp search \
		search_label search_fs_file serial terminal test echo ls cat minicmd sleep reboot halt all_video gzio
	(cd "$tree/live" && find . -type f ! -name SHA256SUMS | sort | xargs sha256sum | sed 's,\./,,') >"$tree/live/SHA256SUMS"
	find "$tree" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
	date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S00)
	in_tools xorriso -report_about WARNING -as mkisofs -o image.iso -V TELEREC -r -J -joliet-long \
		--modification-date="$date" --set_all_file_dates "$date" \
		-b boot/grub/eltorito.img -no-emul-boot -boot-load-size 4 -boot-info-table --grub2-boot-info \
		--grub2-mbr /usr/lib/grub/i386-pc/boot_hybrid.img -partition_offset 16 --mbr-force-bootable \
		-append_partition 2 0xEF efi.img -appended_part_as_gpt \
		-eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot iso
	mv "$work/image.iso" "$out/$name.iso"
}
