#!/bin/bash
# stream_sync.sh [SECONDS]: flash and beep are together in the stream that a server gets, within 40 ms, and
# exactly as in the file that is recorded besides.
#
# The median counts, for on a busy machine the browser shows some flashes late, the same in both (see
# avsync.sh): a page that was unlucky is loaded once more, and a short run, which shares the machine with
# other tests, allows 100 ms.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream_lib.sh"

seconds=${1:-40}
limit=100
[ "$seconds" -lt 300 ] || limit=40
end_all() {
	site_kill site
	clean_up
}
trap end_all EXIT

site_start site
# value NAME JSON
value() { sed -n "s/.*\"$1\": \([^,}]*\).*/\1/p" <<<"$2"; }
is_together() {
	local name=$1
	record=1 start_stream sync.html "$seconds" 1280x720 30 2500 \
		"rtmp://127.0.0.1:$(site_port site)/open/$name"
	wait_until $((seconds + 120)) ended "$recorder" || fail "the stream did not end"
	end_recording 0
	kill "$server_PID"
	stream=$(recordings site "$name")
	[ "$(echo "$stream" | wc -l)" = 1 ] || fail "the server has: $stream"
	decodes "$stream"
	is_cut_from "$stream" "$work/out/rec/rec.mp4" v || fail "the stream misses pictures of the file"
	of_stream=$("$build/telerec-avsync" "$stream" --json) || fail "no flashes in the stream"
	of_file=$("$build/telerec-avsync" "$work/out/rec/rec.mp4" --json) || fail "no flashes in the file"
	for figure in median_ms mean_ms p95_ms drift_ms_per_min; do
		a=$(value $figure "$of_stream")
		b=$(value $figure "$of_file")
		echo "$figure: $a in the stream, $b in the file"
		between -2 "$(awk -v a="$a" -v b="$b" 'BEGIN { print a - b }')" 2 ||
			fail "the stream is apart from the file"
	done
	[ "$(value dropouts "$of_stream")" = 0 ] || fail "the stream's sound has holes: $of_stream"
	rm -rf "$work/out"
	between -$limit "$(value median_ms "$of_stream")" $limit
}
is_busy() { awk -v n="$(nproc)" '{ exit !($1 > 2 * n) }' /proc/loadavg; }
is_together first || is_together again || {
	is_busy || fail "sound and picture are not together"
	echo "not judged: this machine has so much else to do that the browser is late"
}
nothing_left_running
