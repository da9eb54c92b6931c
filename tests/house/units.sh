#!/bin/sh
# Checks the systemd units that the build made: systemd understands every line of them, and judges
# their exposure below 3.0 (of 10); and that sysusers.d has a user for each slot there may be.
set -eu
sources=${1:?the source folder} units=${2:?the build folder}/systemd
if ! command -v systemd-analyze >/dev/null; then
	echo "skipped: there is no systemd-analyze here (package systemd)"
	exit 77
fi
if ! systemd-analyze --help | grep -q -e --offline; then
	echo "skipped: this systemd-analyze judges no files"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# Programs that are not installed here, and manuals, are no fault of a unit's.
for unit in telerecd.service telerec-slot@.service telerec-slot@1.service telerec-boot-ok.service \
	telerec-disk@.service telerec-disk@sdb1.service telerec-share.service; do
	file=$units/$(echo "$unit" | sed 's/@.*\./@./')
	cp "$file" "$work/$unit"
done
for unit in telerecd.service telerec-slot@1.service telerec-boot-ok.service telerec-disk@sdb1.service \
	telerec-share.service; do
	SYSTEMD_UNIT_PATH=$work: systemd-analyze verify --man=no "$work/$unit" >"$work/log" 2>&1 || true
	if grep -v 'is not executable: No such file' "$work/log"; then
		echo "$unit: systemd does not understand all of it"
		failed=1
	fi
	if ! systemd-analyze security --offline=true --threshold=30 "$work/$unit" >"$work/log" 2>&1; then
		tail -n 1 "$work/log"
		failed=1
	fi
done

users=$(sed -n 's/^u telerec-slot-\([0-9]*\) .*/\1/p' "$sources/conf/sysusers.d/telerec.conf" | sort -n | tail -n 1)
most=$(sed -n 's/^#define TR_CONFIG_SLOTS_MAX \([0-9]*\).*/\1/p' "$sources/src/config/config.h")
if [ "$users" != "$most" ]; then
	echo "sysusers.d has users for $users slots, but there may be $most"
	failed=1
fi
exit $failed
