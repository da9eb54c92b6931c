#!/bin/bash
# fresh.sh SUITE [VERB...]: `./quickstart record` on a system that has only Debian's essential packages,
# or another verb of it that leaves recordings and ends.
#
# The system is made by mmdebstrap and entered by pivot_root in namespaces of its own: in a plain
# chroot the kernel refuses the user namespaces that the browser's sandbox is made of.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

suite=$1
verb=${*:2}
verb=${verb:-record}
source=${TR_SOURCE_DIR:?}
[ "$(id -u)" = 0 ] || skip "only root can make a system"
command -v mmdebstrap >/dev/null || skip "mmdebstrap is not installed"
root=$work/root
mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
	awk '{ for (i = 1; i <= NF; i++) if (!found && $i ~ /^https?:.*\/debian\/?$/) found = $i }
		END { print found ? found : "http://deb.debian.org/debian" }')
mmdebstrap --quiet --variant=apt --include=ca-certificates,mount "$suite" "$root" "$mirror" \
	>"$work/log" 2>&1 || fail "mmdebstrap $suite"
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
[ ! -d /etc/apt/apt.conf.d ] || cp -n /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
mkdir -p "$root/root/telerec"
git -C "$source" ls-files -z --cached --others --exclude-standard |
	tar -C "$source" --null -T - -cf - | tar -C "$root/root/telerec" -xf -
cat >"$root/enter" <<INSIDE
#!/bin/sh
set -e
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t tmpfs tmpfs /run
cd /root/telerec
export HOME=/root LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
exec ./quickstart $verb
INSIDE
chmod +x "$root/enter"
timeout 2400 unshare --mount --pid --fork --kill-child --propagation private bash -euc '
	root=$1
	mount --bind "$root" "$root"
	mkdir -p "$root/dev/shm" "$root/old"
	for node in null zero full random urandom tty; do
		touch "$root/dev/$node" 2>/dev/null || true
		mount --bind "/dev/$node" "$root/dev/$node"
	done
	mkdir -p "$root/dev/pts"
	ln -sfn /proc/self/fd "$root/dev/fd"
	cd "$root"
	pivot_root . old
	mount -t proc proc /proc
	umount -l /old
	exec /enter
' - "$root" >"$work/log" 2>&1 || fail "quickstart $verb failed on $suite"
tail -n 12 "$work/log"
file=$(find "$root/root/telerec/recordings" -name '*.mp4' | head -n 1)
[ -n "$file" ] || fail "there is no MP4"
decodes "$file"
! grep -qi 'no-sandbox' "$work/log" || fail "the browser ran without its sandbox"
check=$("$build/telerec" check "$file") || fail "check: $check"
grep -qi 'grade.*A' <<<"$check" || fail "not grade A: $check"
