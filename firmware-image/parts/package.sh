# telerec's own package, built in the tools' Debian. Kept by what it was built from. TR_IMAGE_DEB names one that
# is there already.

# Also of sources that git does not know.
package_sources() {
	git -C "$source" -c safe.directory='*' ls-files -z --cached --others --exclude-standard -- \
		. ':!firmware-image' ':!tests' 2>/dev/null ||
		find "$source" -type f ! -path "$source/.git/*" ! -path "$source/build*" ! -path "$source/image/*" \
			! -path "$source/recordings/*" ! -path "$source/firmware-image/*" ! -path "$source/tests/*" -printf '%P\0'
}

# Sets deb: where it is kept.
package_find() {
	local stamp
	stamp=$({
		echo "$speed"
		basename "$tools"
		cd "$source" && package_sources | sort -z | xargs -0 sha256sum 2>/dev/null
	} | sha256sum | cut -c1-16)
	deb=${TR_IMAGE_DEB:-$cache/telerec-$stamp.deb}
}

package_make() {
	if [ -n "${TR_IMAGE_DEB:-}" ]; then return; fi
	if [ -n "$from_scratch" ] || [ ! -e "$deb" ]; then
		package_build
	fi
	touch "$deb"
	find "$cache" -maxdepth 1 -name 'telerec-*.deb' -mtime +7 -delete
}

# Quick: what was compiled before stays, and only what is new is compiled.
package_build() {
	local to=$tools/package options=
	if [ -n "$from_scratch" ]; then rm -rf "$to"; else options=-nc; fi
	mkdir -p "$to/telerec"
	rm -rf "$to"/*.* "$to"/telerec/debian
	package_prune
	package_sources | tar -C "$source" --null -T - --ignore-failed-read -cf - | tar -C "$to/telerec" -xf -
	mkdir -p "$to/telerec/tests"
	chroot "$tools" env -C /package/telerec PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
		SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
		DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=$(nproc)" dpkg-buildpackage -us -uc -b -d $options
	cp "$to"/telerec_*.deb "$deb.new"
	mv "$deb.new" "$deb"
}

# Sources that are gone.
package_prune() {
	comm -23 <(cd "$tools/package/telerec" && find . -type f ! -path './obj-*' | sed 's,^\./,,' | sort) \
		<(package_sources | tr '\0' '\n' | sort) |
		while read -r file; do rm -f "$tools/package/telerec/$file"; done
}
