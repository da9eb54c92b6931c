# The update for machines that have an older image.

bundle_make() {
	local keys=${TR_IMAGE_KEYS:-$cache/keys}
	mkdir -p "$work/keys"
	cp "$keys/cert.pem" "$keys/key.pem" "$work/keys/"
	cp "$here/update/make-bundle" "$here/update/same-bytes" "$work/"
	in_tools_with_proc ./make-bundle iso/live bundle.raucb "$version" keys
	in_tools ./same-bytes bundle.raucb keys
	in_tools_with_proc rauc info --keyring=keys/cert.pem bundle.raucb
	rm -rf "$work/keys"
	mv "$work/bundle.raucb" "$out/$name.raucb"
}
