#!/bin/bash
# avsync.sh [SECONDS]: flash and beep of a video element stay together in the recording.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

seconds=${1:-60}
coproc server { exec "$build/telerec-demo-meeting" 2>"$work/server"; }
read -r -t 20 url <&"${server[0]}" || fail "the demo meeting did not start: $(cat "$work/server")"
"$build/telerec" record "${url%/*}/sync.html" --for "${seconds}s" --to "$work/out" --name rec \
	--size 1280x720 >"$work/log" 2>&1 &
recorder=$!
wait_until $((seconds + 120)) ended "$recorder" || fail "the recorder did not end"
end_recording 0
kill "$server_PID"
"$build/telerec-avsync" "$(folder)/rec.mp4" --max-mean-ms 20 --max-p95-ms 15 --max-drift 2 ||
	fail "picture and sound are not together"
