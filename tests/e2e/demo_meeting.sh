#!/bin/bash
# The demo meeting is recorded as `quickstart record` does it: grade A, and flash and beep together.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

seconds=${1:-40}
coproc server { exec "$build/telerec-demo-meeting" 2>"$work/server"; }
read -r -t 20 url <&"${server[0]}" || fail "the demo meeting did not start: $(cat "$work/server")"
"$build/telerec" record "$url" --for "${seconds}s" --to "$work/out" --name rec \
	--size 1280x720 >"$work/log" 2>&1 &
recorder=$!
wait_until $((seconds + 120)) ended "$recorder" || fail "the recorder did not end"
end_recording 0
kill "$server_PID"
decodes "$(folder)/rec.mp4"
"$build/telerec" check "$(folder)/rec.mp4" >"$work/check" || fail "check: $(cat "$work/check")"
cat "$work/check"
grep -qi 'grade.*A' "$work/check" || fail "not grade A"
nothing_left_running
