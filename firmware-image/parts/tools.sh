# The Debian in which the package is built and the image is put together: the tools are those of the
# image's release, whatever this machine has. Kept unpacked in the cache.

tools_packages() {
	{
		cat "$here/packages/tools"
		sed -n '/^Build-Depends:/,/^Standards/s/^ \([a-z][^ ,]*\).*/\1/p' "$source/debian/control"
	} | names_in /dev/stdin
}

tools_make() {
	fetch "$cache/new.tools" "$(tools_packages)" --format=directory \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/info/*'
	find "$cache" -maxdepth 1 -name 'tools-*' -exec rm -rf {} +
	mv "$cache/new.tools" "$tools"
}

# What the sources need since the tools were made.
tools_add() {
	cp "$cache/new.apt" "$tools/etc/apt/apt.conf.d/90build"
	[ ! -e /etc/resolv.conf ] || cat /etc/resolv.conf >"$tools/etc/resolv.conf"
	if [ -n "$sources" ]; then
		rm -f "$tools"/etc/apt/sources.list "$tools"/etc/apt/sources.list.d/*
		cp "$sources" "$tools/etc/apt/sources.list.d/build.sources"
	fi
	# shellcheck disable=SC2086
	chroot "$tools" env DEBIAN_FRONTEND=noninteractive sh -c \
		'apt-get -qq update && apt-get -qq -y --no-install-recommends install "$@"' sh $missing || {
		! no_network || exit 77
		return 1
	}
}

tools_find() {
	tools=$cache/tools-$suite
	if [ "$speed" = release ] || [ ! -d "$tools" ]; then
		must_fetch "the tools"
		step "tools ($suite)" tools_make
	fi
	missing=$(comm -23 <(tools_packages | tr , '\n' | sort) \
		<(chroot "$tools" dpkg-query -W -f '${Package}\n' | sort))
	if [ -n "$missing" ]; then
		must_fetch "$(echo "$missing" | paste -sd ' ')"
		step "tools ($suite), what is new: $(echo "$missing" | paste -sd ' ')" tools_add
	fi
}
