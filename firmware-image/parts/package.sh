# telerec's own package, built in the tools' Debian. Kept by what it was built from.

package_sources() {
	git -C "$source" ls-files -z --cached --others --exclude-standard -- . ':!firmware-image' ':!tests' 2>/dev/null
}

# Sets deb: where it is kept.
package_find() {
	local stamp
	stamp=$({
		echo "$speed"
		basename "$tools"
		cd "$source" && package_sources | sort -z | xargs -0 sha256sum 2>/dev/null
	} | sha256sum | cut -c1-16)
	deb=$cache/telerec-$stamp.deb
}

package_make() {
	if [ "$speed" = release ] || [ ! -e "$deb" ]; then
		package_build
	fi
	touch "$deb"
	find "$cache" -maxdepth 1 -name 'telerec-*.deb' -mtime +7 -delete
}

package_build() {
	mkdir -p "$work/package/telerec/tests"
	package_sources | tar -C "$source" --null -T - --ignore-failed-read -cf - | tar -C "$work/package/telerec" -xf -
	in_tools env -C package/telerec SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
		DEB_BUILD_OPTIONS="nocheck noautodbgsym parallel=$(nproc)" dpkg-buildpackage -us -uc -b -d
	cp "$work"/package/telerec_*.deb "$deb.new"
	mv "$deb.new" "$deb"
	rm -rf "$work/package"
}
