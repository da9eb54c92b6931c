# The image's root. The packages are kept in the cache as they were fetched; the rest is done each time.

root_packages() {
	{
		cat "$here/packages/base" "$here/packages/$flavour"
		[ -z "$nonfree_intel" ] || echo intel-media-va-driver-non-free
		dpkg-deb -f "$deb" Depends Pre-Depends | sed 's/^[A-Z][^:]*: //' | tr , '\n' | sed 's/[(|].*//'
	} | names_in /dev/stdin | tr , '\n' | {
		if [ "$flavour" = small ]; then grep -vx chromium; else cat; fi
	} | {
		if [ -n "$nonfree_intel" ]; then grep -vx intel-media-va-driver; else cat; fi
	} | paste -sd,
}

# Sets packages and base: where the packages' tree is kept.
root_find() {
	packages=$(root_packages)
	base=$cache/root-$flavour-$({ echo "$suite $packages"; declare -f root_fetch; } | sha256sum | cut -c1-16).tar
	[ -e "$base" ] || must_fetch "the system's packages"
}

root_fetch() {
	if [ -z "$from_scratch" ] && [ -e "$base" ]; then
		return
	fi
	fetch "$cache/new.root.tar" "$packages" \
		--dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
		--dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/lintian/*' \
		--dpkgopt='path-exclude=/usr/share/bug/*' --dpkgopt='path-exclude=/usr/share/gtk-doc/*' \
		--dpkgopt='path-exclude=/usr/lib/grub/*' --dpkgopt='path-exclude=/usr/share/icons/*' \
		--dpkgopt='path-include=/usr/share/icons/*.theme'
	rm -f "$cache/root-$flavour"-*.tar
	mv "$cache/new.root.tar" "$base"
}

in_root() { chroot "$root" /usr/bin/env PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DEBIAN_FRONTEND=noninteractive "$@"; }

# telerec wants a browser; this package says that the small image does without.
root_no_browser() {
	mkdir -p "$work/no-browser/DEBIAN"
	cat >"$work/no-browser/DEBIAN/control" <<-CONTROL
		Package: telerec-no-browser
		Version: $version
		Architecture: all
		Provides: chromium
		Maintainer: telerec maintainers <maintainers@telerec.example>
		Description: stands in for the browser in an image for tests
	CONTROL
	in_tools dpkg-deb --root-owner-group -b no-browser no-browser.deb
	mv "$work/no-browser.deb" "$root/tmp/"
}

root_units() {
	local unit
	for unit in telerecd telerec-ready telerec-console@tty1 telerec-console@ttyS0 systemd-networkd \
		systemd-resolved ssh; do
		systemctl --root="$root" -q enable "$unit.service"
	done
	for unit in getty@.service serial-getty@.service autovt@.service console-getty.service \
		apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
		fstrim.timer systemd-networkd-wait-online.service systemd-firstboot.service ssh.socket \
		sshd-keygen.service alsa-state.service alsa-restore.service systemd-pcrlock-make-policy.service \
		ldconfig.service systemd-hwdb-update.service systemd-journal-catalog-update.service \
		systemd-update-done.service systemd-sysusers.service; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
	rm -f "$root/etc/systemd/system/getty.target.wants/"*
	# It would make a server on the host's own socket, where there is one.
	mkdir -p "$root/etc/systemd/system-generators"
	ln -sf /dev/null "$root/etc/systemd/system-generators/systemd-ssh-generator"
	ln -sf /usr/lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
}

root_make() {
	mkdir "$root"
	tar -C "$root" -xf "$base"
	tar -C "$here/overlay" --owner=0 --group=0 --mode=go-w -cf - . | tar -C "$root" --no-overwrite-dir -xf -
	mkdir -p "$root/data" "$root/var/log/journal"
	in_root systemd-sysusers
	[ "$flavour" = full ] || root_no_browser
	cp "$deb" "$root/tmp/telerec.deb"
	in_root sh -c 'dpkg -i /tmp/*.deb && rm /tmp/*.deb'
	in_root install -d -m 750 -o telerec -g telerec /var/lib/telerec /var/lib/telerec/recordings
	install -m 644 "$source/kernel/modprobe.conf" "$root/etc/modprobe.d/telerec-aloop.conf"
	install -m 644 "$source/kernel/modules-load.conf" "$root/etc/modules-load.d/telerec.conf"
	install -D -m 644 "$source/kernel/watchdog.conf" "$root/etc/systemd/system.conf.d/telerec-watchdog.conf"
	echo telerec >"$root/etc/hostname"
	printf '127.0.0.1\tlocalhost telerec\n::1\tlocalhost\n' >"$root/etc/hosts"
	printf 'telerec %s (%s)\n' "$version" "$flavour" >"$root/etc/telerec-image"
	root_units
	for hook in "$here"/hooks/*; do
		# shellcheck source=/dev/null
		[ ! -e "$hook" ] || . "$hook"
	done
}

# Nothing of the build's machine, of its time or of chance stays.
root_clean() {
	rm -rf "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/* "$root"/etc/apt/apt.conf.d/99mmdebstrap \
		"$root"/var/lib/apt/lists/* "$root"/var/cache/apt/* "$root"/var/cache/debconf/*-old \
		"$root"/var/lib/dpkg/*-old "$root"/etc/{passwd,shadow,group,gshadow}- "$root"/var/cache/ldconfig/aux-cache \
		"$root"/etc/ssh/ssh_host_* "$root"/var/lib/systemd/random-seed "$root"/etc/.pwd.lock \
		"$root"/boot/* "$root"/vmlinuz* "$root"/initrd* "$root"/tmp/* "$root"/run/* "$root"/etc/resolv.conf
	sed -i /^force-unsafe-io/d "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
	find "$root/var/log" -type f -delete
	find "$root" -xdev -name '*.pyc' -delete
	: >"$root/etc/machine-id"
	rm -f "$root/var/lib/dbus/machine-id"
	ln -s ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
	find "$root" -xdev -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
}

root_pack() {
	local level=3
	[ "$speed" = quick ] || level=15
	in_root dpkg-query -W -f '${Package} ${Version}\n' >"$work/manifest.txt"
	in_root dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\t${Installed-Size}\n' >"$work/packages.tsv"
	du -xk --max-depth=4 "$root" >"$work/sizes"
	root_clean
	in_tools mksquashfs root live/root.squashfs -comp zstd -Xcompression-level $level -b 128K -noappend \
		-no-progress -quiet -reproducible -processors "$(nproc)"
}
