#!/bin/bash
# stream_hour.sh [SECONDS]: `telerec stream` to two servers for an hour. The memory of slot and encoder
# at the end is that of minute five, within 5 %; both servers got everything without a reconnect, as
# long as the clock says, with pictures and sound as far apart at the end as at the beginning.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream_lib.sh"

seconds=${1:-3600}
early=$((seconds > 600 ? 300 : seconds / 2))
window=$((seconds > 240 ? 60 : seconds / 4))
end_all() {
	site_kill one
	site_kill two
	clean_up
}
trap end_all EXIT

rss() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
# sample NAME: the memory of both, medians of 10 s: what comes and goes with a picture is no growth.
sample() {
	for _ in $(seq 10); do
		rss "$(slot_pid)" >>"$work/$1.slot"
		rss "$(child_pid telerec-encoder)" >>"$work/$1.encoder"
		sleep 1
	done
}
median() { sort -n "$work/$1" | sed -n 5p; }

# offset FILE FROM: the mean distance of beep and flash in a window, in ms.
offset() {
	ffmpeg -nostdin -v error -y -ss "$2" -t "$window" -i "$1" -c copy -copyts "$work/window.mkv" ||
		fail "$1 cannot be cut at $2 s"
	"$build/telerec-avsync" "$work/window.mkv" --json | sed -n 's/.*"mean_ms": \([^,]*\),.*/\1/p'
}

site_start one
site_start two
start_stream sync.html "$seconds" 640x360 15 500 \
	"rtmp://127.0.0.1:$(site_port one)/open/a" "rtmp://127.0.0.1:$(site_port two)/open/b"
wait_until 60 has_recording one a || fail "nothing arrives at the first server"
wait_until 20 has_recording two b || fail "nothing arrives at the second server"
began=$SECONDS
sleep $((early - 10))
sample early
while [ $((SECONDS - began)) -lt $((seconds - 20)) ]; do
	sleep 1
	! ended "$recorder" || fail "the stream ended after $((SECONDS - began)) s"
done
sample late
wait_until 120 ended "$recorder" || fail "the stream did not end"
end_recording 0
cat "$work/printed"
for program in slot encoder; do
	before=$(median early.$program)
	after=$(median late.$program)
	echo "$program: $before KiB at ${early} s, $after KiB at the end"
	between 0 "$after" "$(awk -v e="$before" 'BEGIN { print e * 1.05 }')" ||
		fail "the $program grew from $before to $after KiB"
done
[ "$(grep -c "^Stream: .*/open/\*\*\*  ([^,]*)" "$work/printed")" = 2 ] ||
	fail "a target was connected again, or lost something"

for film in "$(recordings one a)" "$(recordings two b)"; do
	[ "$(echo "$film" | wc -l)" = 1 ] || fail "more than one recording: $film"
	decodes "$film"
	clock=$(awk -v a="$(stat -c %.W "$film")" -v b="$(stat -c %.Y "$film")" 'BEGIN { print b - a }')
	length=$(seconds_of "$film")
	start_offset=$(offset "$film" 5)
	end_offset=$(offset "$film" "$(awk -v l="$length" -v w="$window" 'BEGIN { print l - w - 5 }')")
	echo "$(basename "$film"): $length s, by the clock $clock s; sound late by $start_offset ms at the" \
		"beginning, $end_offset ms at the end; gaps $(gap "$film" v) s, $(gap "$film" a) s"
	between "$(awk -v c="$clock" 'BEGIN { print c - 1 }')" "$length" \
		"$(awk -v c="$clock" 'BEGIN { print c + 1 }')" || fail "$length s in $clock s"
	between $((seconds - 5)) "$length" $((seconds + 5)) || fail "$length s of $seconds"
	between 0 "$(gap "$film" v)" 0.5 || fail "$film: pictures $(gap "$film" v) s"
	between 0 "$(gap "$film" a)" 0.1 || fail "$film: sound $(gap "$film" a) s"
	# Of 15 pictures a second each may be 67 ms late.
	between -40 "$(awk -v a="$start_offset" -v b="$end_offset" 'BEGIN { print b - a }')" 40 ||
		fail "sound and picture went from $start_offset to $end_offset ms"
done
nothing_left_running
