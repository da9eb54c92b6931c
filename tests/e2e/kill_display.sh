#!/bin/bash
# The X server is killed: another is started with the browser, the file goes on.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

start_recording
before=$(child_pid Xvfb)
kill -KILL "$before"
another() { [ -n "$(child_pid Xvfb)" ] && [ "$(child_pid Xvfb)" != "$before" ] && has_child chrom; }
wait_until 30 another || fail "no other X server was started"
is_back() { [ "$(grep -cx recording "$work/log")" -ge 2 ]; }
wait_until 90 is_back || fail "the page did not come back"
sleep 5
stop_recording
file=$(folder)/rec.mp4
decodes "$file"
moving=$(ffprobe -v error -select_streams v -show_entries packet=pts_time -of csv=p=0 "$file" | tr -d , |
	awk '{ t[NR] = $1 } END { for (i in t) if (t[i] > t[NR] - 2) n++; print n }')
# A picture that stands still is repeated once a second; on a busy machine a moving one has few, too.
[ "$moving" -gt 8 ] || fail "only $moving pictures in the last 2 s: the page did not come back"
nothing_left_running
