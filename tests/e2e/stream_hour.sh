#!/bin/bash
# stream_hour.sh [SECONDS]: `telerec stream` to two servers for an hour. The memory of slot and encoder
# at the end is that of minute five, within 5 %; both servers got everything without a reconnect, as
# long as the clock says, and pictures and sound do not drift apart. (Judged on a machine with time only:
# a browser without shows its pictures late, by whole ones and for minutes.)
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream_lib.sh"

seconds=${1:-3600}
early=$((seconds > 600 ? 300 : seconds / 2))
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

is_busy() { awk -v n="$(nproc)" '{ exit !($3 > 2 * n) }' /proc/loadavg; }

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
	sound_length=$(seconds_of "$film" a)
	sync=$("$build/telerec-avsync" "$film" --json) || fail "$film: no flashes and beeps"
	drift=$(sed -n 's/.*"drift_ms_per_min": \([^,]*\),.*/\1/p' <<<"$sync")
	echo "$(basename "$film"): $length s, sound $sound_length s, by the clock $clock s; gaps $(gap "$film" v)" \
		"and $(gap "$film" a) s; drift $drift ms/min; load $(cat /proc/loadavg); $sync"
	between -0.2 "$(awk -v a="$length" -v b="$sound_length" 'BEGIN { print a - b }')" 0.2 ||
		fail "pictures of $length s, sound of $sound_length s"
	between "$(awk -v c="$clock" 'BEGIN { print c - 1 }')" "$length" \
		"$(awk -v c="$clock" 'BEGIN { print c + 1 }')" || fail "$length s in $clock s"
	between $((seconds - 5)) "$length" $((seconds + 5)) || fail "$length s of $seconds"
	between 0 "$(gap "$film" v)" 1 || fail "$film: pictures $(gap "$film" v) s"
	between 0 "$(gap "$film" a)" 0.1 || fail "$film: sound $(gap "$film" a) s"
	# One picture of 15 a second, sooner or later, is 67 ms.
	[ "$seconds" -le 600 ] || is_busy ||
		between -100 "$(awk -v d="$drift" -v s="$length" 'BEGIN { print d * s / 60 }')" 100 ||
		fail "sound and picture drift by $drift ms a minute"
done
nothing_left_running
