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
sleep 6
stop_recording
file=$(folder)/rec.mp4
decodes "$file"
moving=$(most_moving "$file")
[ "$moving" -gt 8 ] || fail "only $moving pictures in two seconds of the last five: the page did not come back"
nothing_left_running
