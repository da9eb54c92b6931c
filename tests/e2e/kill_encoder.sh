#!/bin/bash
# The encoder process is killed three times: the track goes on, with gaps under a second.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

start_recording
for _ in 1 2 3; do
	before=$(child_pid telerec-encoder)
	kill -KILL "$before"
	another() { [ -n "$(child_pid telerec-encoder)" ] && [ "$(child_pid telerec-encoder)" != "$before" ]; }
	wait_until 20 another || fail "no other encoder was started"
	sleep 1 # some pictures of this one
done
stop_recording
file=$(folder)/rec.mp4
decodes "$file"
gap=$(ffprobe -v error -select_streams v -show_entries packet=pts_time -of csv=p=0 "$file" | tr -d , |
	awk 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 } END { print most + 0 }')
between 0 "$gap" 1.0 || fail "a gap of $gap s in the pictures"
grep -q '"restarts": 3\|"encoder_restarts": 3' "$(folder)/report.json" ||
	fail "the report does not count 3 restarts: $(cat "$(folder)/report.json")"
nothing_left_running
