# What the end-to-end scripts share. Sourced after `set -euo pipefail`.
#
# Each script records with the real programs in $TR_BUILD_DIR into a folder of its own under /tmp,
# and leaves nothing behind: no process, no file. `fail` says what was expected and ends the script.

build=${TR_BUILD_DIR:?run by ctest, or set TR_BUILD_DIR to the build folder}
work=$(mktemp -d /tmp/telerec-e2e.XXXXXX)
recorder=

fail() {
	echo "FAILED: $*" >&2
	[ ! -f "$work/log" ] || sed 's/^/  log: /' "$work/log" | tail -n 40 >&2
	exit 1
}

skip() {
	echo "skipped: $*"
	exit 77
}

# The real encoder looks for its module in the build folder; a root's slot has another user.
slot_can_read_build() {
	[ "$(id -u)" != 0 ] || setpriv --reuid=64123 --clear-groups test -r "$build/telerec-gpu.so"
}

clean_up() {
	trap - EXIT
	if [ -n "$recorder" ] && kill -0 "$recorder" 2>/dev/null; then
		kill -TERM "$recorder" 2>/dev/null || true
		wait_until 30 ended "$recorder" || kill -KILL "$recorder" 2>/dev/null || true
	fi
	[ -z "${server_PID:-}" ] || kill "$server_PID" 2>/dev/null || true
	! mountpoint -q "$work/small" 2>/dev/null || umount "$work/small"
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

# wait_until SECONDS COMMAND...: polls until the command succeeds. The seconds are those of a machine with
# little else to do; others get four times as many.
wait_until() {
	local end=$((SECONDS + 4 * $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

ended() { ! kill -0 "$1" 2>/dev/null; }

for tool in Xvfb ffmpeg ffprobe; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
[ -x /usr/lib/chromium/chromium ] || command -v chromium >/dev/null || skip "chromium is not installed"

# A page that moves, sounds, and needs no server.
page='data:text/html,<title>e2e</title><body style="margin:0;background:%23246"><canvas id=c width=400 height=200></canvas><p style="color:white;font:40px sans-serif" id=t></p><script>
let x=c.getContext("2d"),n=0;setInterval(()=>{n++;x.fillStyle="hsl("+n%25360+",80%25,50%25)";x.fillRect(n*7%25400,0,40,200);t.textContent=n},40);
let a=new AudioContext(),o=a.createOscillator(),g=a.createGain();g.gain.value=.2;o.connect(g).connect(a.destination);o.start()</script>'
page=${page//$'\n'/}
page=${page// /%20}

# start_recording [OPTION...]: records $page in the background as $work/out/rec; sets $recorder.
start_recording() {
	"$build/telerec" record "$page" --to "$work/out" --name rec --size 640x360 "$@" \
		>"$work/log" 2>&1 &
	recorder=$!
	wait_until 60 part_has_pictures || fail "no fragment was on disk after 60 s"
}

# record_demo [PAGE] SECONDS: records the demo meeting, or another page of its server, to the end.
record_demo() {
	local page=$1 seconds=$2 url
	coproc server { exec "$build/telerec-demo-meeting" 2>"$work/server"; }
	read -r -t 80 url <&"${server[0]}" || fail "the demo meeting did not start: $(cat "$work/server")"
	[ -z "$page" ] || url=${url%/*}/$page
	"$build/telerec" record "$url" --for "${seconds}s" --to "$work/out" --name rec \
		--size 1280x720 >"$work/log" 2>&1 &
	recorder=$!
	wait_until $((seconds + 120)) ended "$recorder" || fail "the recorder did not end"
	end_recording 0
	kill "$server_PID"
}

folder() { echo "$work/out/rec"; }

part_has_pictures() {
	local part
	for part in "$(folder)"/*.part-*.mp4; do
		[ -s "$part" ] && [ "$(stat -c %s "$part")" -gt 20000 ] && return 0
	done
	return 1
}

# end_recording EXPECTED_EXIT_CODE: waits for the recorder by itself.
end_recording() {
	local code=0
	wait_until 120 ended "$recorder" || fail "the recorder did not end"
	wait "$recorder" || code=$?
	recorder=
	[ "$code" = "$1" ] || fail "exit code $code, expected $1"
}

stop_recording() {
	kill -INT "$recorder"
	end_recording "${1:-0}"
}

slot_pid() { pgrep -P "$recorder" -f telerec-slot | head -n 1; }
child_pid() { pgrep -P "$(slot_pid)" "$1" | head -n 1; }
has_child() { [ -n "$(child_pid "$1")" ]; }

# decodes FILE: fully, without one warning.
decodes() {
	local words
	words=$(ffmpeg -v warning -xerror -i "$1" -f null - 2>&1) || explain_decoding "$1" "$words"
	[ -z "$words" ] || fail "$1 decodes with: $words"
}

# What does not decode, and how much of it there is: one packet, or all from a place on.
explain_decoding() {
	local track
	for track in v a; do
		echo "track $track, to its end: $(ffmpeg -v warning -i "$1" -map "0:$track" -f null - 2>&1 | sort | uniq -c | head -n 12)" >&2
	done
	# A packet that begins so is taken for one with a header of its own, see the decoder's ADTS.
	echo "sounds that begin with 0xfff: $(ffprobe -v error -select_streams a -show_data \
		-show_entries packet=pts_time,pos,size,data -of compact "$1" | tr '\n' ' ' | sed 's/packet|/\n&/g' |
		grep -i 'data=.n00000000: fff' | head -n 3)" >&2
	fail "$1 does not decode: $2"
}

# decodes_part FILE: the same for a part that was cut. It may hold too few pictures for ffmpeg to guess
# a rate from, so it gets an exact time base instead of a warning about its own guess.
decodes_part() {
	local words
	words=$(ffmpeg -v warning -xerror -i "$1" -enc_time_base 1:90000 -f null - 2>&1) ||
		fail "$1 does not decode: $words"
	[ -z "$words" ] || fail "$1 decodes with: $words"
}

# graded_well FILE: what `telerec check` said there. A machine that stands still at the end of a
# recording may cut one track short of the other.
graded_well() {
	grep -Eqi 'grade +A' "$1" || { grep -Eqi 'grade +B' "$1" && grep -q 'picture and sound end' "$1"; }
}

# seconds_of FILE [v|a]: the end of the last packet of the track.
seconds_of() {
	ffprobe -v error -select_streams "${2:-v}" -show_entries packet=pts_time -of csv=p=0 "$1" |
		tr -d ',' | sort -n | tail -n 1
}

# lasts FILE SECONDS [v|a]: so much of it is there already, also of one that is still written.
lasts() { between "$2" "$(seconds_of "$1" "${3:-v}" 2>/dev/null || true)" 1000000; }

# most_moving FILE: the most pictures in two of its last five seconds. One that stands still is repeated
# once a second; where the machine stands still for a moment, the other seconds tell.
most_moving() {
	ffprobe -v error -select_streams v -show_entries packet=pts_time -of csv=p=0 "$1" | tr -d , | sort -n |
		awk '{ t[NR] = $1 } END {
			for (i = 1; i <= NR; i++) {
				for (n = 0; t[i] > t[NR] - 5 && i + n <= NR && t[i + n] < t[i] + 2; n++);
				if (n > most) most = n
			}
			print most + 0 }'
}

# between LOW VALUE HIGH
between() { awk -v l="$1" -v v="$2" -v h="$3" 'BEGIN { exit !(v >= l && v <= h) }'; }

now() { date +%s.%N; }
since() { awk -v a="$1" -v b="$(now)" 'BEGIN { print b - a }'; }

# What was killed last may need a moment to go.
nothing_left_running() {
	wait_until 5 nothing_runs || fail "left running: $left"
	[ -z "$recorder" ] || ended "$recorder" || fail "the recorder is still there"
}
nothing_runs() {
	left=$(pgrep -af "telerec-slot|telerec-encoder|telerec-rt|Xvfb.*-fbdir" |
		grep -F "$work" || true)
	[ -z "$left" ]
}
