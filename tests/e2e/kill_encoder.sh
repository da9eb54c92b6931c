#!/bin/bash
# The encoder process is killed three times: the track goes on, with gaps under a second.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

another() { [ -n "$(child_pid telerec-encoder)" ] && [ "$(child_pid telerec-encoder)" != "$before" ]; }

# A whole recording; sets $gap and $restarts.
record_with_kills() {
	rm -rf "$work/out"
	start_recording
	for _ in 1 2 3; do
		before=$(child_pid telerec-encoder)
		[ -n "$before" ] || fail "no encoder is a child of the slot"
		kill -KILL "$before"
		wait_until 20 another || fail "no other encoder was started"
		sleep 1 # some pictures of this one
	done
	stop_recording
	local file
	file=$(folder)/rec.mp4
	decodes "$file"
	gap=$(ffprobe -v error -select_streams v -show_entries packet=pts_time -of csv=p=0 "$file" | tr -d , |
		sort -n | awk 'NR > 1 && $1 - last > most { most = $1 - last } { last = $1 } END { print most + 0 }')
	restarts=$(sed -n 's/.*"encoder_restarts": \([0-9]*\).*/\1/p' "$(folder)/report.json")
	[ "${restarts:-0}" -ge 3 ] ||
		fail "the report does not count 3 restarts: $(cat "$(folder)/report.json")"
	nothing_left_running
}

# A machine that stands still makes gaps, too, and an encoder that is stopped with it is replaced: it need
# not go well each time.
for turn in 1 2 3 4 5; do
	record_with_kills
	echo "the longest gap in the pictures is $gap s, $restarts restarts"
	between 0 "$gap" 1.0 && [ "$restarts" = 3 ] && exit 0
done
fail "a gap of $gap s in the pictures, or more restarts than kills, $turn times"
