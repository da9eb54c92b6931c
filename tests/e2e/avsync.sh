#!/bin/bash
# avsync.sh [SECONDS]: flash and beep of a video element stay together in the recording.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

record_demo "sync.html" "${1:-60}"
"$build/telerec-avsync" "$(folder)/rec.mp4" --max-mean-ms 20 --max-p95-ms 15 --max-drift 2 ||
	fail "picture and sound are not together"
