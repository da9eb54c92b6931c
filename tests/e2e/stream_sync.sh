#!/bin/bash
# stream_sync.sh [SECONDS]: picture and sound of the stream that a server gets are as far apart as in the
# file that is recorded besides. That the file is right is for avsync.sh, which has the machine for itself;
# only the long form, which has it, too, asks here that flash and beep are together within 40 ms. (The
# median counts, and a page that was unlucky is loaded once more: the browser may show some flashes late.)
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream_lib.sh"

seconds=${1:-15}
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
	wait_until $((seconds + 300)) ended "$recorder" || fail "the stream did not end"
	end_recording 0
	kill "$server_PID"
	wait_until 20 has_ended site "$name" || fail "the server does not notice the end"
	stream=$(recordings site "$name")
	[ "$(echo "$stream" | wc -l)" = 1 ] || fail "the server has: $stream"
	decodes "$stream"
	is_cut_from "$stream" "$work/out/rec/rec.mp4" v || fail "the stream misses pictures of the file"
	is_cut_from "$stream" "$work/out/rec/rec.mp4" a || fail "the stream misses sound of the file"
	v=$(shift_of "$stream" "$work/out/rec/rec.mp4" v)
	a=$(shift_of "$stream" "$work/out/rec/rec.mp4" a)
	echo "in the file the same pictures are $v ms later, the same sound $a ms"
	between -2 "$(awk -v a="$a" -v v="$v" 'BEGIN { print a - v }')" 2 ||
		fail "picture and sound of the stream are apart from those of the file"
	rm -rf "$work/out"
	of_stream=$("$build/telerec-avsync" "$stream" --json) || fail "no flashes in the stream"
	echo "flash to beep: median $(value median_ms "$of_stream") ms"
	[ "$seconds" -lt 300 ] || between -40 "$(value median_ms "$of_stream")" 40
}
is_together first || is_together again || fail "sound and picture are not together"
nothing_left_running
