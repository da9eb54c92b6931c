#!/bin/bash
# The installation under a real systemd: the units start, the slots report for duty as users of their
# own, a recording survives its slot, and stopping leaves nothing behind.
#
# systemd boots in a container whose root is this system under an overlay, with the build installed
# into it; units_inside.sh is what runs there.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || skip "only root can start a container"
command -v systemd-nspawn >/dev/null || skip "systemd-nspawn is missing (package systemd-container)"
[ -x /lib/systemd/systemd ] || skip "there is no systemd here to boot"
for tool in curl ip pkill setpriv; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done

container=
leave() {
	if [ -n "$container" ]; then
		# Its init, and everything with it; then systemd-nspawn ends by itself.
		pkill -KILL -P "$container" 2>/dev/null || true
		wait_until 10 ended "$container" || kill -KILL "$container" 2>/dev/null || true
		wait "$container" 2>/dev/null || true
	fi
	# It has made groups below our own.
	for group in $(sed -n 's,^[0-9]*:name=systemd:,systemd,p; s,^0::\(.*\),unified\1 .\1,p' /proc/self/cgroup); do
		find "/sys/fs/cgroup/$group/payload" "/sys/fs/cgroup/$group/supervisor" -depth -type d \
			-exec rmdir {} + 2>/dev/null || true
	done
	umount -l "$work/root" 2>/dev/null || true
	clean_up
}
trap leave EXIT

mkdir "$work/upper" "$work/scratch" "$work/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$work/upper,workdir=$work/scratch" "$work/root" \
	2>"$work/log" || skip "no overlay of this system can be made: $(cat "$work/log")"
prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build/CMakeCache.txt")
DESTDIR=$work/root cmake --install "$build" >"$work/log" 2>&1 || fail "cmake --install"

# Only our units, and what they stand on.
units=$work/root/etc/systemd/system
mkdir -p "$units" "$work/root/report"
cat >"$units/telerec-test.target" <<'UNIT'
[Unit]
Requires=basic.target telerec-test.service
After=basic.target
UNIT
cat >"$units/telerec-test.service" <<UNIT
[Unit]
After=basic.target
[Service]
Type=oneshot
Environment=PREFIX=$prefix
ExecStart=/bin/bash /report/inside
StandardOutput=file:/report/out
StandardError=inherit
UNIT
for unit in systemd-networkd-wait-online NetworkManager-wait-online; do
	ln -sfn /dev/null "$units/$unit.service"
done
rm -f "$work/root/etc/machine-id"
cp "$(dirname "$0")/units_inside.sh" "$work/root/report/inside"

systemd-nspawn -q -D "$work/root" --register=no --keep-unit --private-network --link-journal=no \
	--console=pipe -b systemd.unit=telerec-test.target </dev/null >"$work/log" 2>&1 &
container=$!
is_over() { ended "$container" || grep -q '^units: ' "$work/root/report/out" 2>/dev/null; }
wait_until 20 test -e "$work/root/report/out" ||
	skip "systemd does not come up in a container here: $(tail -n 1 "$work/log")"
wait_until 400 is_over || fail "the container says: $(tail -n 40 "$work/root/report/out")"
cat "$work/root/report/out"
grep -qx 'units: all is well' "$work/root/report/out" || fail "see above"
