# The Debian in which the package is built and the image is put together: the tools are those of the
# image's release, whatever this machine has. Kept unpacked in the cache.

tools_packages() {
	{
		cat "$here/packages/tools"
		sed -n '/^Build-Depends:/,/^Standards/s/^ \([a-z][^ ,]*\).*/\1/p' "$source/debian/control"
	} | names_in /dev/stdin
}

tools_make() {
	fetch "$cache/new.tools.tar" "$(tools_packages)"
	rm -rf "$cache/new.tools" && mkdir "$cache/new.tools"
	tar -C "$cache/new.tools" -xf "$cache/new.tools.tar"
	rm "$cache/new.tools.tar"
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
	chroot "$tools" apt-get -qq update
	# shellcheck disable=SC2086
	chroot "$tools" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $missing
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
