#!/bin/bash
# The demo meeting is recorded as `quickstart record` does it: grade A, and flash and beep together.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

record_demo "" "${1:-40}"
decodes "$(folder)/rec.mp4"
"$build/telerec" check "$(folder)/rec.mp4" >"$work/check" || fail "check: $(cat "$work/check")"
cat "$work/check"
graded_well "$work/check" || fail "not grade A"
nothing_left_running
