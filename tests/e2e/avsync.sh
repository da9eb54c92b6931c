#!/bin/bash
# avsync.sh [SECONDS [MEAN_MS]]: flash and beep of a video element stay together in the recording.
# The mean depends on where in a refresh the page began (+-17 ms at 30 Hz), not on the recorder.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

record_demo "sync.html" "${1:-60}"
"$build/telerec-avsync" "$(folder)/rec.mp4" --max-mean-ms "${2:-20}" --max-p95-ms 15 --max-drift 2 ||
	fail "picture and sound are not together"
