#!/bin/bash
# A real Jitsi client sends camera and microphone; `telerec record` is the second participant of
# its conference: both join by XMPP, and the sender is seen and heard in the recording.
set -euo pipefail
. "${TR_SOURCE_DIR:?}/tests/peers/jitsi/room.sh"

seconds=${1:-15}

"$build/telerec" record "$url#config.iAmRecorder=true" --for "${seconds}s" --to "$work/out" --name rec \
	--size 1280x720 >"$work/log" 2>&1 &
recorder=$!
wait_until 60 sender_says 'participants[^,]*Recorder.*connection[^,]*connected.*p2p[^,]*true' ||
	explain "the sender is not connected with the recorder"
wait_until 120 ended "$recorder" || explain "the recorder did not end"
end_recording 0
kill "$sender"
wait_until 20 ended "$sender" || explain "the sender does not end"

[ "$(grep -c "^conference $room@conference.meet.test for " "$work/focus.txt")" -ge 2 ] ||
	explain "not both asked the focus for the conference"
kill "$focus"
wait "$focus" || explain "the focus was surprised: $(cat "$work/focus.errors")"
kill "$server_PID"

file=$(folder)/rec.mp4
[ -z "${KEEP:-}" ] || cp -r "$(folder)" "$KEEP"
decodes "$file"
"$build/telerec" check "$file" >"$work/check" || fail "check: $(cat "$work/check")"
cat "$work/check"
graded_well "$work/check" || fail "not grade A"

# The sender's tile, four pictures a second: of 3 s in all none is of one colour, and they differ. (A busy
# machine shows it late, or stands still for a while.)
moving=$(ffmpeg -v error -i "$file" -an -vf "crop=640:400:320:120,fps=4,scale=64:40,format=gray" \
	-f rawvideo - | perl -e 'binmode STDIN; my ($n, $old) = (0); while (read STDIN, my $p, 64 * 40) {
		my @v = sort { $a <=> $b } unpack "C*", $p;
		$n++ if $v[-1] - $v[0] > 40 && defined $old && $p ne $old; $old = $p } print $n')
[ "$moving" -ge 12 ] || fail "the sender moves in $moving pictures only"

# Its beeps: sound that comes and goes.
beeps=$(ffmpeg -hide_banner -i "$file" -vn -af silencedetect=noise=-40dB:duration=0.1 -f null - 2>&1 |
	grep -c silence_end || true)
[ "$beeps" -ge 4 ] || fail "$beeps beeps only"
echo "the sender moves in $moving of $((4 * seconds)) pictures, $beeps beeps"
nothing_left_running
