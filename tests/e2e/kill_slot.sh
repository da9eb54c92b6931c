#!/bin/bash
# The whole slot is killed: what was written is playable to within 2 s of that moment, another slot
# goes on in a new part, and one file comes out of both.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

start_recording
wait_until 30 lasts "$(folder)/rec.part-001.mp4" 3 || fail "the first part does not grow"
before=$(slot_pid)
part=$(ls "$(folder)"/*.part-001.mp4)
length_then=$(seconds_of "$part" v)
kill -KILL "$before"
cp "$part" "$work/cut.mp4"
between 0 "$length_then" 100 || fail "no pictures before the kill"
another_part() { lasts "$(folder)/rec.part-002.mp4" 1; }
wait_until 60 another_part || fail "no second part was begun"
decodes_part "$work/cut.mp4"
between "$(awk -v l="$length_then" 'BEGIN { print l - 0.1 }')" "$(seconds_of "$work/cut.mp4" v)" 100 ||
	fail "the first part lost pictures that were on disk"
sleep 4
stop_recording
decodes "$(folder)/rec.mp4"
between "$(awk -v l="$length_then" 'BEGIN { print l + 4 }')" "$(seconds_of "$(folder)/rec.mp4" v)" 200 ||
	fail "the joined file is too short: $(seconds_of "$(folder)/rec.mp4" v)"
gap=$(ffprobe -v error -select_streams a -show_entries packet=pts_time -of csv=p=0 "$(folder)/rec.mp4" | tr -d , |
	awk 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 } END { print most + 0 }')
between 0 "$gap" 0.03 || fail "a hole of $gap s in the sound of the joined file"
nothing_left_running
