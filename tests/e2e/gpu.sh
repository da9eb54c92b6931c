#!/bin/bash
# Records on a GPU for tests with the whole slot, display to file. $1: "steady" (each picture is the
# GPU's), "hang" (once, in the middle: the device is opened anew), "exit" (the driver ends the process
# again and again: the next rungs go on), "absent" (a GPU asked for by name that cannot be used).
set -euo pipefail
. "$(dirname "$0")/lib.sh"
case=$1
[ -x "$build/tests/va/gpu_world" ] || skip "the GPU for tests is not built"
command -v umockdev-run >/dev/null || skip "umockdev is not installed"

case $case in
hang) words="fault=hang@40,once" ;;
exit) words="fault=exit@40" ;;
*) words="" ;;
esac
# What the slot's user may reach: programs and devices.
chmod 755 "$work"
TR_BUILD_DIR=$build "${TR_SOURCE_DIR:?}/tests/peers/gpu/make_programs" "$work/programs" intel "$words"
chmod -R a+rwX "$work/programs/world"
[ "$case" != absent ] || chmod a-rw "$work/programs/world/dev/dri"/*
slot_can_read_build || skip "the build folder is closed to the slot's user"

"$work/programs/telerec" record "$page" --to "$work/out" --name rec --size 640x360 \
	--encoder vaapi >"$work/log" 2>&1 &
recorder=$!
wait_until 90 part_has_pictures || fail "no fragment was on disk after 90 s"
failed() { [ "$(grep -c "warning: encoder: .* $1" "$work/log")" -ge "$2" ]; }
case $case in
hang) wait_until 60 failed hung 1 || fail "the driver did not hang" ;;
exit) wait_until 60 failed ended 2 || fail "the driver did not end twice" ;;
esac
# Some pictures after it. (Too few still for ffmpeg to guess a rate from: decodes_part.)
sleep 4
stop_recording

file=$(folder)/rec.mp4
report=$(folder)/report.json
decodes_part "$file"
field() { python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(eval(sys.argv[2], {"r": r, "e": r["encoder"]}))' "$report" "$1"; }
is() { [ "$(field "$1")" = "$2" ] || fail "$1 is $(field "$1"), not $2: $(cat "$report")"; }

# Each picture that was encoded is in the file, once.
packets=$(ffprobe -v error -select_streams v -count_packets -show_entries stream=nb_read_packets \
	-of csv=p=0 "$file" | tr -d ,)
is "r['pictures']['encoded']" "$packets"
is "sum(leg['pictures'] for leg in e['rungs'])" "$packets"
grep -q "encoder: h264_vaapi" "$work/log" || [ "$case" = absent ] || fail "the slot does not name its GPU"
case $case in
steady)
	is "[leg['name'][:21] for leg in e['rungs']]" "['h264_vaapi renderD128']"
	is "e['failures']" "[]"
	is "r['pictures']['encoder'][:10]" h264_vaapi
	# Xvfb's pictures are in no GPU's memory.
	is "e['zero_copy'], 'does not share its pictures' in e['no_zero_copy']" "(False, True)"
	;;
hang)
	is "[leg['name'][:21] for leg in e['rungs']]" "['h264_vaapi renderD128']"
	is "[f['what'] for f in e['failures']]" "['hung']"
	is "r['pictures']['encoder_restarts']" 1
	;;
exit)
	is "len(e['failures']) >= 2 and e['failure_count'] >= 2" True
	is "set((f['what'], f['why']) for f in e['failures'])" \
		"{('ended', 'the encoder process exited with code 1')}"
	is "r['pictures']['encoder_restarts']" "$(field "e['failure_count']")"
	is "len(e['rungs']) >= 2" True
	;;
absent)
	is "[leg['name'] for leg in e['rungs']]" "['libx264']"
	grep -q "warning: video.encoder asks for vaapi, which cannot be used" "$work/log" ||
		fail "what was asked for by name was replaced in silence"
	;;
esac
nothing_left_running
