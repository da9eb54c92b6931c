#!/bin/bash
# Chromium is killed: the page is loaded again, the file goes on.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

start_recording
started=$(now)
before=$(child_pid chrom)
[ -n "$before" ] || fail "no browser is a child of the slot"
kill -KILL "$before"
another() { [ -n "$(child_pid chrom)" ] && [ "$(child_pid chrom)" != "$before" ]; }
wait_until 30 another || fail "no other browser was started"
sleep 6 # of the page after its return
stop_recording
ran=$(since "$started")
file=$(folder)/rec.mp4
decodes "$file"
between "$(awk -v r="$ran" 'BEGIN { print r - 2 }')" "$(seconds_of "$file" v)" 1000 ||
	fail "the file ends more than 2 s before the end"
# After the return the page moves again: the last two seconds hold more than repeats.
moving=$(ffprobe -v error -select_streams v -show_entries packet=pts_time -of csv=p=0 "$file" | tr -d , |
	awk '{ t[NR] = $1 } END { for (i in t) if (t[i] > t[NR] - 2) n++; print n }')
[ "$moving" -gt 20 ] || fail "only $moving pictures in the last 2 s: the page did not come back"
nothing_left_running
