#!/bin/bash
# fresh.sh SUITE [VERB...]: `./quickstart record` on a system that has only Debian's essential packages,
# or another verb of it that leaves recordings and ends, or `./quickstart test`, of which nothing may be
# skipped (but the formatting on other suites than bookworm): what is missing in quickstart's lists is on no machine of ours.
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
# Tests need an ordinary user, too, who cannot look into /root; recordings must do without.
place=/root/telerec patience=2400
[ "$verb" != test ] || place=/srv/telerec patience=5400
mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
	awk '{ for (i = 1; i <= NF; i++) if (!found && $i ~ /^https?:.*\/debian\/?$/) found = $i }
		END { print found ? found : "http://deb.debian.org/debian" }')
mmdebstrap --quiet --variant=apt --include=ca-certificates,mount "$suite" "$root" "$mirror" \
	>"$work/log" 2>&1 || fail "mmdebstrap $suite"
printf '127.0.0.1 localhost\n::1 localhost\n' >"$root/etc/hosts"
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
[ ! -d /etc/apt/apt.conf.d ] || cp -n /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
# How this machine gets to the network, and nothing else of it.
network=()
for name in http_proxy https_proxy no_proxy; do
	[ -z "${!name:-}" ] || network+=("$name=${!name}")
done
[ ! -r "${NODE_EXTRA_CA_CERTS:-}" ] || {
	cp "$NODE_EXTRA_CA_CERTS" "$root/etc/own-authorities.pem"
	network+=(NODE_EXTRA_CA_CERTS=/etc/own-authorities.pem)
}
mkdir -p "$root$place"
git -C "$source" ls-files -z --cached --others --exclude-standard |
	tar -C "$source" --null -T - -cf - | tar -C "$root$place" --no-same-owner -xf -
cat >"$root/enter" <<INSIDE
#!/bin/sh
set -e
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mkdir -p /run/lock
cd $place
exec ./quickstart $verb
INSIDE
chmod +x "$root/enter"
timeout $patience unshare --mount --pid --fork --kill-child --propagation private bash -euc '
	root=$1
	shift
	mount --bind "$root" "$root"
	mkdir -p "$root/old"
	mount --rbind /dev "$root/dev"
	mount --rbind /sys "$root/sys"
	cd "$root"
	pivot_root . old
	mount -t proc proc /proc
	umount -l /old
	exec env -i HOME=/root LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" /enter
' - "$root" "${network[@]}" >"$work/log" 2>&1 || fail "quickstart $verb failed on $suite"
tail -n 12 "$work/log"
if [ "$verb" = test ]; then
	# Each Debian formats differently, and 12's version is the one that counts.
	may_skip=0
	[ "$suite" = bookworm ] || may_skip=$(grep -c '^quickstart: skipped: clang-format: ' "$work/log" || true)
	tail -n 1 "$work/log" | grep -qE "^[0-9]{3,} passed, 0 failed, $may_skip skipped\$" || fail "not all tests ran: $(grep -F 'quickstart: skipped' "$work/log" || true)"
	exit 0
fi
file=$(find "$root$place/recordings" -name '*.mp4' | head -n 1)
[ -n "$file" ] || fail "there is no MP4"
decodes "$file"
! grep -qi 'no-sandbox' "$work/log" || fail "the browser ran without its sandbox"
check=$("$build/telerec" check "$file") || fail "check: $check"
grep -qi 'grade.*A' <<<"$check" || fail "not grade A: $check"
