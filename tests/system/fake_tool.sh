#!/bin/sh
# The tools of a machine that is the tree below $TR_FAKE_ROOT, by the name that it is called with. Strict: what
# the real one would not understand, or what nobody should ask, ends with 64. Every call is a line of
# $TR_FAKE_ROOT/calls. A file fail-NAME makes the tool fail with its text.
set -eu
root=${TR_FAKE_ROOT:?}
name=$(basename "$0")
echo "$name $*" >>"$root/calls"
uuid=0f1e2d3c-1111-4222-8333-444455556666

refuse() {
	echo "fake $name: \"$*\"?" >&2
	exit 64
}
if [ -e "$root/fail-$name" ]; then
	cat "$root/fail-$name" >&2
	exit 1
fi

# entry INDENT TITLE ID VERSION ARGUMENTS
entry() {
	printf "%smenuentry '%s' --class debian --class os \$menuentry_id_option '%s' {\n" "$1" "$2" "$3"
	printf "%s\tlinux\t/boot/vmlinuz-%s root=UUID=%s ro %s\n" "$1" "$4" "$uuid" "$5"
	printf "%s\tinitrd\t/boot/initrd.img-%s\n%s}\n" "$1" "$4" "$1"
}

# As grub-mkconfig: the settings are shell, the last one wins, the newest kernel is first.
make_menu() {
	GRUB_DEFAULT=0 GRUB_CMDLINE_LINUX='' GRUB_CMDLINE_LINUX_DEFAULT=''
	for file in "$root/etc/default/grub" "$root"/etc/default/grub.d/*.cfg; do
		# shellcheck disable=SC1090
		[ ! -e "$file" ] || . "$file"
	done
	[ "$GRUB_DEFAULT" != saved ] || GRUB_DEFAULT="\${saved_entry}"
	kernels=$(cd "$root/boot" && ls -d vmlinuz-* | sed 's/^vmlinuz-//' | sort -rV)
	args="$GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT"
	printf 'load_env\nif [ "${next_entry}" ] ; then\n   set default="${next_entry}"\n'
	printf '   set next_entry=\n   save_env next_entry\nelse\n   set default="%s"\nfi\n' "$GRUB_DEFAULT"
	entry '' 'Debian GNU/Linux' "gnulinux-simple-$uuid" "$(echo "$kernels" | head -n 1)" "$args"
	echo "submenu 'Advanced options for Debian GNU/Linux' \$menuentry_id_option 'gnulinux-advanced-$uuid' {"
	for kernel in $kernels; do
		entry '	' "Debian GNU/Linux, with Linux $kernel" "gnulinux-$kernel-advanced-$uuid" "$kernel" "$args"
		entry '	' "Debian GNU/Linux, with Linux $kernel (recovery mode)" \
			"gnulinux-$kernel-recovery-$uuid" "$kernel" single
	done
	echo '}'
}

# set_env NAME [VALUE]: one block of 1024 bytes, as GRUB wants it.
set_env() {
	file=$root/boot/grub/grubenv
	{
		echo '# GRUB Environment Block'
		sed '/^#/d' "$file" 2>/dev/null | grep -v "^$1=" || true
		[ $# = 1 ] || echo "$1=$2"
	} >"$file.new"
	size=$(stat -c %s "$file.new")
	head -c $((1024 - size)) /dev/zero | tr '\0' '#' >>"$file.new"
	mv "$file.new" "$file"
}

case $name in
update-grub)
	[ $# = 0 ] || refuse "$@"
	if [ -e "$root/ignore-settings" ]; then
		rm -f "$root"/etc/default/grub.d/ignored
		(make_menu | sed 's/set default="gnu.*"/set default="0"/') >"$root/boot/grub/grub.cfg"
	else
		make_menu >"$root/boot/grub/grub.cfg"
	fi
	echo done >&2
	;;
grub-reboot)
	[ $# = 1 ] || refuse "$@"
	set_env next_entry "$1"
	;;
grub-editenv)
	[ $# = 3 ] && [ "$1" = "$root/boot/grub/grubenv" ] && [ "$2" = unset ] || refuse "$@"
	set_env "$3"
	;;
grub-probe)
	[ $# = 2 ] && [ "$2" = /boot/grub ] || refuse "$@"
	case $1 in
	--target=abstraction) [ ! -e "$root/abstraction" ] || cat "$root/abstraction" ;;
	--target=fs) [ ! -e "$root/fs" ] && echo ext2 || cat "$root/fs" ;;
	*) refuse "$@" ;;
	esac
	;;
dpkg-query)
	[ "$1" = -S ] && [ $# -gt 1 ] || refuse "$@"
	shift
	for file in "$@"; do
		case $file in
		/boot/vmlinuz-*) echo "linux-image-${file#/boot/vmlinuz-}: $file" ;;
		*) refuse "$@" ;;
		esac
	done
	;;
apt-cache)
	[ $# = 2 ] && [ "$1" = policy ] || refuse "$@"
	if grep -qx "$2" "$root/packages" 2>/dev/null; then
		printf '%s:\n  Installed: (none)\n  Candidate: 1.0\n  Version table:\n' "$2"
	fi
	;;
apt-get)
	[ "$*" = "install --yes --no-install-recommends $4" ] || refuse "$@"
	grep -qx "$4" "$root/packages" || { echo "E: Unable to locate package $4" >&2; exit 100; }
	case $4 in
	linux-image-*)
		version=6.1.0-51-amd64
		[ "$4" != linux-image-generic ] || version=6.8.0-51-generic
		touch "$root/boot/vmlinuz-$version"
		mkdir -p "$root/lib/modules/$version/kernel/sound/drivers"
		touch "$root/lib/modules/$version/kernel/sound/drivers/snd-aloop.ko"
		echo 'kernel/sound/drivers/snd-aloop.ko: kernel/sound/core/snd.ko' \
			>"$root/lib/modules/$version/modules.dep"
		make_menu >"$root/boot/grub/grub.cfg"
		;;
	esac
	;;
modprobe)
	if [ "$*" = '-r snd-aloop' ]; then
		[ ! -e "$root/busy" ] || { echo 'modprobe: FATAL: Module snd_aloop is in use.' >&2; exit 1; }
		rm -rf "$root/sys/module/snd_aloop" "$root/proc/asound"
		exit 0
	fi
	[ "$1" = snd-aloop ] && [ $# = 6 ] || refuse "$@"
	ids=
	for option in "$2" "$3" "$4" "$5" "$6"; do
		case $option in
		id=*) ids=$(echo "${option#id=}" | tr , ' ') ;;
		enable=* | index=* | pcm_substreams=* | pcm_notify=*) ;;
		*) refuse "$@" ;;
		esac
	done
	mkdir -p "$root/sys/module/snd_aloop" "$root/proc/asound"
	echo live >"$root/sys/module/snd_aloop/initstate"
	[ ! -e "$root/no-cards" ] || exit 0
	for id in $ids; do
		mkdir "$root/proc/asound/$id"
	done
	;;
*) refuse "$@" ;;
esac
