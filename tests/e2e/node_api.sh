#!/bin/bash
# telerecd as whoever operates it sees it, through `telerec` and the node API: a recording of the demo
# meeting from its start to its removal, a picture of it while it runs, the events it makes, a second
# one at the same time, and a node that drains.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
command -v curl >/dev/null || skip "curl is not installed"
command -v python3 >/dev/null || skip "python3 is not installed"

daemon=
followers=()
end_daemon() {
	[ ${#followers[@]} = 0 ] || kill "${followers[@]}" 2>/dev/null || true
	[ -z "$daemon" ] || kill -TERM "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait_until 60 ended "$daemon" || kill -KILL "$daemon" 2>/dev/null || true
	clean_up
}
trap end_daemon EXIT

chmod 755 "$work"
mkdir -m 777 "$work/out"
socket=$work/control.sock
cat >"$work/telerec.conf" <<CONF
recordings = "$work/out";
slots = 2;
video: { size = "640x360"; frame_rate = 15; };
sound: { source = "plugin"; };
jibri_http: { external_port = "off"; internal_port = "off"; };
api: { socket = "$socket"; };
CONF

# node VERB [ARGUMENT...]: telerec on this node; what it prints is in $work/answer.
node() {
	local code=0
	"$build/telerec" "$1" --node "$socket" "${@:2}" >"$work/answer" 2>"$work/said" </dev/null || code=$?
	return $code
}
# expects CODE VERB [ARGUMENT...]
expects() {
	local wanted=$1 code=0
	shift
	node "$@" || code=$?
	[ $code = "$wanted" ] ||
		fail "telerec $*: code $code, expected $wanted: $(cat "$work/answer" "$work/said")"
}
# value EXPRESSION: of the JSON that the last verb printed, "answer".
value() {
	python3 -c 'import json, sys; answer = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' \
		"$work/answer" "$1"
}
# holds EXPRESSION
holds() { [ "$(value "$1")" = True ] || fail "$1 is not true of: $(cat "$work/answer")"; }
slots_are_well() { node slots --json && [ "$(value 'all(s["is_healthy"] for s in answer["slots"])')" = True ]; }
says() { grep -qF -- "$1" "$work/answer" || fail "\"$1\" is not in: $(cat "$work/answer")"; }
has_event() { grep -qs "\"type\":\"$1\"" "$work/events"; }

expects 3 status
grep -q "telerecd is not running" "$work/said" || fail "no daemon: $(cat "$work/said")"

coproc server { exec "$build/telerec-demo-meeting" 2>"$work/server"; }
read -r -t 80 url <&"${server[0]}" || fail "the demo meeting did not start: $(cat "$work/server")"
base=${url%/*}
"$build/telerecd" --config "$work/telerec.conf" >"$work/log" 2>&1 &
daemon=$!
wait_until 60 [ -S "$socket" ] || fail "there is no socket"
wait_until 60 slots_are_well || fail "the slots are not well: $(cat "$work/answer" "$work/said")"
[ "$(stat -c %a "$socket")" = 660 ] || fail "the socket's mode is $(stat -c %a "$socket")"
expects 0 status
says ": well, 0 of 2 slots in use"
says "Disk: "

"$build/telerec" status --node "$socket" --follow --json >"$work/events" 2>"$work/follower" &
followers+=($!)
wait_until 20 has_event hello || fail "no events: $(cat "$work/follower")"

# A recording, as a person starts it and looks at it.
expects 0 start "$base/tone440" --session-id first --room tone440@conference.example.org --wait
says "Session first is on."
expects 0 status --json
holds 'answer["node"]["slots_busy"] == 1'
expects 0 sessions first --json
holds 'answer["state"] == "on" and answer["kind"] == "file" and answer["streams"] == []'
holds 'answer["room"] == "tone440@conference.example.org"'
slot=$(value 'answer["slot"]')
expects 0 sessions
says "first"
expects 0 slots "$slot"
says "Session     first"

# The picture is one of the meeting: of its size, and neither black nor of one colour.
expects 0 slots preview "$slot" --to "$work/preview.jpg" --width 320
[ "$(ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 "$work/preview.jpg")" = \
	mjpeg,320,180 ] || fail "the preview: $(ffprobe -v error -show_streams "$work/preview.jpg")"
range=$(ffmpeg -v error -i "$work/preview.jpg" -vf format=gray,signalstats,metadata=print:file=- \
	-f null - | sed -n 's/.*YLOW=//p; s/.*YHIGH=//p' | tr '\n' ' ')
awk -v r="$range" 'BEGIN { split(r, y, " "); exit !(y[2] - y[1] > 20) }' ||
	fail "the preview shows nothing: grey from $range"

# A second one takes the other slot, and there is no room for a third.
expects 0 start "$base/tone440" --session-id second --for 10m --json
holds 'answer["slot"] != '"$slot"
expects 4 start "$base/tone440" --json
holds 'answer["error"]["status"] == 409'
expects 0 stop second

wait_until 20 has_event progress || fail "no progress among the events"
expects 0 stop first --wait --json
holds 'answer["sessions"][0]["is_over"] and answer["sessions"][0]["grade"] in list("ABCDEF")'
wait_until 20 has_event over || fail "no end among the events"
for type in slot accepted on progress ended files over; do
	has_event $type || fail "no event \"$type\" in: $(cut -c 1-80 "$work/events")"
done

# What is on the disk.
expects 0 recordings --json --search FIRST
holds '[r["id"] for r in answer["recordings"]] == ["first"]'
holds 'answer["recordings"][0]["state"] == "done"'
python3 -B "$TR_SOURCE_DIR/tests/control/node_api.py" "$TR_SOURCE_DIR" --live "$socket" >"$work/looked" ||
	[ $? = 77 ] || fail "the node is not as conf/openapi.yaml says: $(cat "$work/looked")"
expects 0 recordings show first --json
file=$(value 'answer["file"]')
expects 0 recordings get first --to "$work/got"
cmp "$work/got/first/$file" "$work/out/first/$file" || fail "the copy is another file"
decodes "$work/got/first/$file"
head -c 1000 "$work/out/first/$file" >"$work/got/first/.$file.part"
rm "$work/got/first/$file"
expects 0 recordings get first --to "$work/got"
cmp "$work/got/first/$file" "$work/out/first/$file" || fail "the continued copy is another file"
expects 0 recordings delete first --yes
expects 1 recordings show first
[ ! -e "$work/out/first" ] || fail "the deleted recording is still there"

expects 0 logs --level info --session first
says "recording"
expects 0 config get slots --json
holds 'answer == 2'
[ "$(curl -s --unix-socket "$socket" -o /dev/null -w '%{http_code}' http://localhost/v1/openapi.yaml)" = 200 ] ||
	fail "no openapi.yaml"

# It takes nothing new, takes new ones again, and leaves when nothing runs.
expects 0 drain --wait
expects 4 start "$base/tone440"
expects 0 drain --off
expects 0 start "$base/tone440" --wait=over --for 2s
expects 0 drain --leave --wait
wait_until 30 ended "$daemon" || fail "telerecd does not leave"
daemon=
nothing_left_running
