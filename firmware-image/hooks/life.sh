# What an image needs for its life: the units of the disk, of provisioning, installing and updates, and the
# public half of the key that updates are signed with.
life_units() {
	local unit
	for unit in telerec-own-disk telerec-provision telerec-install telerec-update-ok; do
		systemctl --root="$root" -q enable "$unit.service"
	done
}
life_keys() {
	keys=${TR_IMAGE_KEYS:-$cache/keys}
	[ -e "$keys/cert.pem" ] || "$here/update/make-keys" "$keys"
	install -D -m 644 "$keys/cert.pem" "$root/etc/rauc/keyring.pem"
}
# GRUB's memory outlives a power cut while it is written.
life_grubenv() {
	mv "$root/usr/bin/grub-editenv" "$root/usr/bin/grub-editenv.debian"
	ln -s ../lib/telerec-image/grub-editenv "$root/usr/bin/grub-editenv"
}
life_units
life_keys
life_grubenv
