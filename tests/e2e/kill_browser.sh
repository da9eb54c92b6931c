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
is_back() { [ "$(grep -cx recording "$work/log")" -ge 2 ]; }
wait_until 90 is_back || fail "the page did not come back"
sleep 6
ran=$(since "$started")
stop_recording
file=$(folder)/rec.mp4
decodes "$file"
between "$(awk -v r="$ran" 'BEGIN { print r - 2 }')" "$(seconds_of "$file" v)" 1000 ||
	fail "the file ends more than 2 s before the end"
moving=$(most_moving "$file")
[ "$moving" -gt 8 ] || fail "only $moving pictures in two seconds of the last five: the page did not come back"
nothing_left_running
