#!/bin/bash
# image_reproducible.sh: two builds of the same sources and packages, from unpacked packages on, are the same bytes.
set -euo pipefail
source=${TR_SOURCE_DIR:?run by ctest, or set TR_SOURCE_DIR to the sources}

if [ "$(id -u)" != 0 ] || ! command -v mmdebstrap >/dev/null; then
	echo "skipped: it takes root and mmdebstrap"
	exit 77
fi
work=$(mktemp -d /tmp/telerec-image.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
for one in first second; do
	"$source/firmware-image/build" --flavour small --quick --from-scratch --out "$work/$one"
done
cd "$work"
same=yes
for file in $(cd first && ls -- *.iso *.img.zst *.raucb *.manifest *.cdx.json && { ls -- *.qcow2 2>/dev/null || true; }); do
	if cmp "first/$file" "second/$file"; then
		echo "the same: $file $(sha256sum <"first/$file" | cut -c1-16)"
	else
		same=no
	fi
done
[ $same = yes ] || {
	echo "FAILED: two builds differ" >&2
	exit 1
}
