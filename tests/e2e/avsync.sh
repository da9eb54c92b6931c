#!/bin/bash
# avsync.sh [SECONDS [MEAN_MS]]: flash and beep of a video element stay together in the recording.
# The mean is settled when the page begins: Chromium locks the video's 30 pictures/s to the 30 Hz
# display wherever they happen to meet (+-17 ms), and takes another +-17 ms for good enough. Within
# a recording nothing moves. Seen over many page loads: -49 to +24 ms, most of them within 20.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

record_demo "sync.html" "${1:-60}"
"$build/telerec-avsync" "$(folder)/rec.mp4" --max-mean-ms "${2:-60}" --max-p95-ms 15 --max-drift 2 ||
	fail "picture and sound are not together"
