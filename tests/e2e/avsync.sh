#!/bin/bash
# avsync.sh [SECONDS [MEAN_MS]]: flash and beep of a video element stay together in the recording.
# The page sees to it that both begin together (see sync.html). Where the machine stalls, pictures are
# late for a moment: the short form runs among many other tests, so it allows a mean of 60 ms; the
# long one 20.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

seconds=${1:-60}
limit=60
[ "$seconds" -lt 300 ] || limit=20
record_demo "sync.html" "$seconds"
"$build/telerec-avsync" "$(folder)/rec.mp4" --max-mean-ms "${2:-$limit}" --max-p95-ms 15 --max-drift 2 ||
	fail "picture and sound are not together"
