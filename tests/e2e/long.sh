#!/bin/bash
# long.sh [SECONDS]: a slot's memory at the end is that of minute five, within 5 %.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

seconds=${1:-7200}
start_recording
slot=$(slot_pid)
rss() { awk '/^VmRSS/ { print $2 }' "/proc/$slot/status"; }
sleep $((seconds > 600 ? 300 : seconds / 2))
early=$(rss)
for _ in $(seq $((seconds - (seconds > 600 ? 300 : seconds / 2)))); do
	sleep 1
	kill -0 "$slot" 2>/dev/null || fail "the slot died"
done
late=$(rss)
echo "slot: $early KiB early, $late KiB late"
between 0 "$late" "$(awk -v e="$early" 'BEGIN { print e * 1.05 }')" || fail "memory grew from $early to $late KiB"
stop_recording
decodes "$(folder)/rec.mp4"
