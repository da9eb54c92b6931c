#!/bin/bash
# `telerec stream` to two servers and a file: one server is killed in the middle and comes back. The file
# and the other server miss nothing, the one that was killed gets the rest from a key picture on.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream_lib.sh"

key=hush-marker
end_all() {
	site_kill one
	site_kill two
	[ -z "${server_PID:-}" ] || kill "$server_PID" 2>/dev/null || true
	clean_up
}
trap end_all EXIT

site_start one
site_start two
coproc server { exec "$build/telerec-demo-meeting" 2>"$work/server"; }
read -r -t 80 url <&"${server[0]}" || fail "the demo meeting did not start: $(cat "$work/server")"

cat >"$work/targets" <<TARGETS
# the server that is killed
rtmp://127.0.0.1:$(site_port one)/open/$key-a
rtmp://127.0.0.1:$(site_port two)/live/$key-b?password=sesame
TARGETS
"$build/telerec" stream "$url" --to-file "$work/targets" --record="$work/out" --name rec --for 600s \
	--size 640x360 --rate 15 --bitrate 800 >"$work/printed" 2>"$work/log" &
recorder=$!
wait_until 120 has_recording one "$key-a" || fail "nothing arrives at the first server"
wait_until 20 has_recording two "$key-b" || fail "nothing arrives at the second server"
is_pushed_on() { [ "$(codecs "rtmp://127.0.0.1:$(site_port two)/second/$key-b")" = "aac h264" ]; }
wait_until 30 is_pushed_on ||
	fail "the copy that the server pushes on cannot be read"
! grep -qa $key "/proc/$recorder/cmdline" || fail "the key is in the arguments"

began=$(now)
wait_until 30 has_seconds one "$key-a" 4 || fail "the first server gets no more"
site_kill one
away=$(now)
sleep 8
site_start one
away=$(since "$away")
is_back() { [ "$(recordings one "$key-a" | wc -l)" = 2 ]; }
wait_until 60 is_back || fail "the server that was killed does not get the stream again"
wait_until 30 has_seconds one "$key-a" 4 || fail "the first server gets no more after its return"
is_shown() { grep -q "/open/\*\*\*: streaming" "$work/log"; }
wait_until 30 is_shown || fail "no line of the first target" # there is one every ten seconds
ran=$(since "$began")
stop_recording 0
cat "$work/printed"

film=$work/out/rec/rec.mp4
decodes "$film"
between "$(awk -v r="$ran" 'BEGIN { print r - 2 }')" "$(seconds_of "$film")" 600 ||
	fail "$film has $(seconds_of "$film") s, $ran s passed"
# On a busy machine pictures are left out, but not for as long as the server was away.
between 0 "$(gap "$film" v)" "$away" || fail "the file's pictures have a gap of $(gap "$film" v) s"
between 0 "$(gap "$film" a)" 0.05 || fail "the file's sound has a gap of $(gap "$film" a) s"

wait_until 20 has_ended two "$key-b" || fail "the second server does not notice the end"
wait_until 20 has_ended one "$key-a" || fail "the first server does not notice the end"
other=$(recordings two "$key-b")
[ "$(echo "$other" | wc -l)" = 1 ] || fail "the second server saw: $other"
[ "$(codecs "$other")" = "aac h264" ] || fail "$other is: $(codecs "$other")"
between "$(awk -v r="$ran" 'BEGIN { print r - 2 }')" "$(seconds_of "$other")" 600 ||
	fail "$other has $(seconds_of "$other") s, $ran s passed"
between 0.1 "$(key_gap "$other")" "$(awk -v g="$(gap "$other" v)" 'BEGIN { print 3 + g }')" ||
	fail "the key pictures are $(key_gap "$other") s apart, expected 2 s"
is_cut_from "$other" "$film" v || fail "the second server misses pictures of the file"
is_cut_from "$other" "$film" a || fail "the second server misses sound of the file"

count=0
for part in $(recordings one "$key-a"); do
	count=$((count + 1))
	first_is_key "$part" || fail "$part does not begin with a key picture"
	[ "$(gap "$part" v)" != back ] || fail "$part: the pictures' time goes back"
	is_cut_from "$part" "$film" v || fail "$part misses pictures of the file"
	is_cut_from "$part" "$film" a || fail "$part misses sound of the file"
	between 2 "$(seconds_of "$part")" 600 || fail "$part has $(seconds_of "$part") s"
done
[ $count = 2 ] || fail "the first server has $count recordings, expected 2"

grep -q "^Stream: .*/open/\*\*\*  (.*, 1 reconnect, [0-9]* pictures lost)" "$work/printed" ||
	fail "the sum of the first target is wrong"
grep -q "^Stream: .*/live/\*\*\*  ([^,]*)" "$work/printed" || fail "the second target lost something"
! grep -rqa "$key\|sesame" "$work/log" "$work/printed" "$work/out" --include='*.json' --include=log \
	--include=printed || fail "a key is in the log or in a report"

# Refused: exit code 20, and nothing is left.
code=0
"$build/telerec" stream "$url" --to - --for 20s --size 640x360 >"$work/printed" 2>"$work/log" \
	<<<"rtmp://127.0.0.1:$(site_port two)/live/$key-c?password=nope-marker" || code=$?
[ $code = 20 ] || fail "a stream that is refused ends with $code"
! grep -q "$key\|nope-marker" "$work/log" || fail "the refused key is in the log"
nothing_left_running
