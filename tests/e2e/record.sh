#!/bin/bash
# A page becomes a file: complete, clean, judged, with its report and poster.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

start_recording --for 12s
end_recording 0
out=$(folder)
for file in rec.mp4 report.json poster.jpg state.json; do
	[ -s "$out/$file" ] || fail "there is no $file: $(ls "$out")"
done
[ -z "$(ls "$out" | grep part- || true)" ] || fail "parts were left"
decodes "$out/rec.mp4"
# Where the machine stands still just then, the end comes a little later.
between 11.8 "$(seconds_of "$out/rec.mp4" v)" 20 || fail "the picture is not 12 s long"
between 11.8 "$(seconds_of "$out/rec.mp4" a)" 20 || fail "the sound is not 12 s long"
ffprobe -v error -select_streams v -show_entries stream=width,height,codec_name,color_space,color_range,level \
	-of csv=p=0 "$out/rec.mp4" | grep -q '^h264,640,360,30,tv,bt709' || fail "wrong video track: $(
	ffprobe -v error -select_streams v -show_streams "$out/rec.mp4")"
"$build/telerec" check "$out/rec.mp4" >"$work/check" || fail "check: $(cat "$work/check")"
graded_well "$work/check" || fail "not grade A: $(cat "$work/check")"
peak=$(ffmpeg -v info -i "$out/rec.mp4" -af volumedetect -f null - 2>&1 |
	sed -n 's/.*max_volume: \(.*\) dB/\1/p')
between -20 "$peak" -8 || fail "the tone's peak is $peak dB, not about -14"
nothing_left_running
