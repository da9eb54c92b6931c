#!/bin/bash
# Each tree as the real libdrm and libva see it, and a folder of programs whose encoder lives in one.
set -euo pipefail
here=$TR_SOURCE_DIR/tests/peers/gpu
command -v umockdev-run >/dev/null || { echo "skipped: umockdev is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# expect TREE WORDS: stdin is what must be seen
expect() {
	cat >"$work/expected"
	"$here/with_gpu" "$1" "$2" "$TR_BUILD_DIR/tests/va/gpu_describe" >"$work/seen" || echo "exit code $?" >>"$work/seen"
	if ! diff -u "$work/expected" "$work/seen"; then
		echo "not ok: $1 $2"
		failed=1
	else
		echo "ok: $1 $2"
	fi
}

iris='"Intel iHD driver for" encoders=2'
expect intel "" <<<"/dev/dri/renderD128 0000:00:02.0 8086:9a49 i915 render $iris"
expect intel "personality=lp-only" <<<"/dev/dri/renderD128 0000:00:02.0 8086:9a49 i915 render ${iris%2}1"
expect intel "fault=init:2" <<<"/dev/dri/renderD128 0000:00:02.0 8086:9a49 i915 render va status -1"
expect intel-old "" <<<'/dev/dri/renderD128 0000:00:02.0 8086:5916 i915 render "Intel i965 driver fo" encoders=1'
expect amd "" <<<'/dev/dri/renderD128 0000:05:00.0 1002:15d8 amdgpu render "Mesa Gallium driver " encoders=1'
expect amd "fault=init:2" <<<'/dev/dri/renderD128 0000:05:00.0 1002:15d8 amdgpu render va status 2'
expect intel+amd "" <<TEXT
/dev/dri/renderD128 0000:00:02.0 8086:3e92 i915 render $iris
/dev/dri/renderD129 0000:03:00.0 1002:67df amdgpu render "Mesa Gallium driver " encoders=1
TEXT
expect amd+intel "radeonsi: fault=init:2; iHD: personality=lp-cqp-only" <<TEXT
/dev/dri/renderD128 0000:03:00.0 1002:67df amdgpu render va status 2
/dev/dri/renderD129 0000:00:02.0 8086:3e92 i915 render ${iris%2}1
TEXT
expect intel+nvidia "" <<TEXT
/dev/dri/renderD128 0000:00:02.0 8086:9bc5 i915 render $iris
/dev/dri/renderD129 0000:01:00.0 10de:1f08 nvidia-drm render "VA-API NVDEC driver " encoders=0
TEXT
expect denied "" <<<"/dev/dri/renderD128 0000:00:02.0 8086:9a49 EACCES"
expect no-driver "" <<<"/dev/dri/renderD128 0000:00:02.0 8086:9a49 i915 render va status -1"
expect none "" <<<"no devices"

# libva knows what to load for xe since 2.21.
xe=$("$here/with_gpu" xe "" "$TR_BUILD_DIR/tests/va/gpu_describe")
case $xe in
"/dev/dri/renderD128 0000:03:00.0 8086:56a0 xe render va status -1" | *"xe render $iris") echo "ok: xe" ;;
*) echo "not ok: xe: $xe"; failed=1 ;;
esac

# As the slot starts it: by its descriptor alone, with nothing of our environment.
"$here/make_programs" "$work/programs" intel "log=$work/log"
if env -i "$TR_BUILD_DIR/tests/va/run_by_descriptor" "$work/programs/telerec-encoder" --version | grep -q '^telerec-encoder '; then
	echo "ok: the encoder of a folder of programs becomes the real one"
else
	echo "not ok: the encoder of a folder of programs"
	failed=1
fi
sed -i "s|^program=.*|program=$TR_BUILD_DIR/tests/va/gpu_describe|" "$work/programs/telerec-encoder.world"
seen=$(env -i "$TR_BUILD_DIR/tests/va/run_by_descriptor" "$work/programs/telerec-encoder")
case $seen in
*"$iris") echo "ok: and lives in the world" ;;
*) echo "not ok: it lives in: $seen"; failed=1 ;;
esac
exit $failed
