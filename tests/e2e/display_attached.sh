#!/bin/bash
# Records on an X server that somebody else runs, as an Xorg on a GPU would be: here an Xvfb, larger than
# the picture. With `telerec record --display` and in telerecd's first slot; the server stays and is left
# empty. It ends in the middle and comes back: the recording goes on. It ends for good: so does the
# recording, with its file and a sentence.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
for tool in xwininfo python3 curl; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done

xserver=
daemon=
end_all() {
	[ -z "$daemon" ] || kill -TERM "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait_until 60 ended "$daemon" || kill -KILL "$daemon" 2>/dev/null || true
	[ -z "$xserver" ] || kill_server
	[ -z "${display:-}" ] || rm -f "/tmp/.X${display#:}-lock" "/tmp/.X11-unix/X${display#:}"
	clean_up
}
trap end_all EXIT
chmod 755 "$work"

answers() { xwininfo -display "$display" -root >"$work/root" 2>&1; }
answers_or_ended() { answers || ended "$xserver"; }
# A number far from those that servers choose by themselves.
start_server() {
	Xvfb "$display" -screen 0 800x600x24 -ac -nolisten tcp >"$work/server.log" 2>&1 &
	xserver=$!
	wait_until 20 answers_or_ended || fail "the X server does not answer: $(cat "$work/server.log")"
	! ended "$xserver"
}
kill_server() {
	kill -KILL "$xserver" 2>/dev/null || true
	wait "$xserver" 2>/dev/null || true
}
for attempt in 1 2 3 4 5; do
	display=:$((200 + RANDOM % 9000))
	! [ -e "/tmp/.X${display#:}-lock" ] || continue
	! start_server || break
	[ $attempt -lt 5 ] || fail "no X server starts: $(cat "$work/server.log")"
done
windows() { xwininfo -display "$display" -root -children | sed -n 's/^ *\([0-9]*\) child.*/\1/p'; }
has_no_windows() { [ "$(windows)" = 0 ]; }

# looks_right FILE: the page's ground (#224466) where nothing is drawn; the page's own size.
looks_right() {
	[ "$(ffprobe -v error -select_streams v -show_entries stream=width,height -of csv=p=0 "$1")" = 640,360 ] ||
		fail "the size of $1"
	ffmpeg -v error -sseof -10 -i "$1" -f image2 -update 1 -c:v ppm -pix_fmt rgb24 -y "$work/last.ppm"
	python3 - "$work/last.ppm" <<-'PY' || fail "the picture of $1"
		import sys
		data = open(sys.argv[1], "rb").read()[-640 * 360 * 3:]
		for x, y in ((639, 0), (639, 359), (0, 359), (500, 100)):
		    pixel = data[(y * 640 + x) * 3:][:3]
		    if any(abs(a - b) > 6 for a, b in zip(pixel, b"\x22\x44\x66")):
		        sys.exit(f"{x},{y}: {pixel.hex()}")
	PY
}

# What cannot be is refused with the reason.
refused() {
	local code=0
	"$build/telerec" record "$page" --to "$work/no" --name no "$@" >"$work/log" 2>&1 || code=$?
	[ $code != 0 ] || fail "telerec record $* went well"
}
refused --display wayland
grep -qF 'must be "xvfb", or an X server of this machine like ":0"' "$work/log" || fail "no sentence"
refused --display "$display" --size 800x600
grep -qF "the screen $display has 800x600 pixels, and a picture of 800x600 wants 808x608" "$work/log" ||
	fail "no sentence about the size"
has_no_windows || fail "a refused recording left a window"

# A recording; with the GPU for tests where there is one, to hear why there is no zero-copy.
telerec=$build/telerec
options=()
if [ -x "$build/tests/va/gpu_world" ] && command -v umockdev-run >/dev/null && slot_can_read_build; then
	TR_BUILD_DIR=$build "${TR_SOURCE_DIR:?}/tests/peers/gpu/make_programs" "$work/programs" intel ""
	chmod -R a+rwX "$work/programs/world"
	telerec=$work/programs/telerec
	options=(--encoder vaapi)
fi
"$telerec" record "$page" --to "$work/out" --name rec --size 640x360 --display "$display" \
	"${options[@]}" >"$work/log" 2>&1 &
recorder=$!
wait_until 60 part_has_pictures || fail "no fragment was on disk after 60 s"
grep -qF "display $display" "$work/log" || fail "it does not say its display"
[ "$(windows)" -gt 0 ] || fail "the browser is not on that screen"
stop_recording
decodes_part "$(folder)/rec.mp4"
looks_right "$(folder)/rec.mp4"
wait_until 20 has_no_windows || fail "the recording left windows: $(xwininfo -display "$display" -root -children)"
! ended "$xserver" || fail "the recording has ended the X server"
value() {
	python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$@"
}
if [ ${#options[@]} -gt 0 ]; then
	[ "$(value "$(folder)/report.json" 'r["encoder"]["zero_copy"], "it has no DRI3" in r["encoder"]["no_zero_copy"]')" = \
		"(False, True)" ] || fail "the report does not say why there is no zero-copy: $(cat "$(folder)/report.json")"
fi

# telerecd's first slot; the server ends and is back.
mkdir -m 777 "$work/daemon"
socket=$work/control.sock
cat >"$work/telerec.conf" <<CONF
recordings = "$work/daemon";
slots = 1;
video: { size = "640x360"; frame_rate = 15; display = "$display"; zero_copy = "off"; };
sound: { source = "plugin"; };
jibri_http: { external_port = "off"; internal_port = "off"; };
api: { socket = "$socket"; };
CONF
coproc server { exec "$build/telerec-demo-meeting" 2>"$work/meeting"; }
read -r -t 80 url <&"${server[0]}" || fail "the demo meeting did not start: $(cat "$work/meeting")"
"$build/telerecd" --config "$work/telerec.conf" >"$work/log" 2>&1 &
daemon=$!
node() { "$build/telerec" "$1" --node "$socket" "${@:2}" >"$work/answer" 2>"$work/said" </dev/null; }
is_well() { node slots --json && [ "$(value "$work/answer" 'all(s["is_healthy"] for s in r["slots"])')" = True ]; }
is_on() { node sessions first --json && [ "$(value "$work/answer" 'r["state"]')" = on ]; }
wait_until 60 is_well || fail "the slot is not well: $(cat "$work/answer" "$work/said")"
node start "${url%/*}/tone440" --session-id first --room tone440@conference.example.org --wait ||
	fail "start: $(cat "$work/said")"
node slots preview 1 --to "$work/preview.jpg" --width 320 || fail "preview: $(cat "$work/said")"
[ "$(ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 "$work/preview.jpg")" = \
	mjpeg,320,180 ] || fail "the preview: $(ffprobe -v error -show_streams "$work/preview.jpg")"
kill_server
start_server || fail "the X server does not start again"
is_back() { grep -qF "the X server $display is back" "$work/log"; }
wait_until 30 is_back || fail "nobody noticed that the X server is back"
has_windows() { [ "$(windows)" -gt 0 ]; }
wait_until 30 has_windows || fail "the browser did not come back"
is_on || fail "the recording has ended: $(cat "$work/answer")"
node stop first --wait --json || fail "stop: $(cat "$work/said")"
file=$(echo "$work"/daemon/first/*.mp4)
decodes_part "$file"
[ "$(value "$work/daemon/first/report.json" 'r["encoder"]["no_zero_copy"]')" = "it is switched off" ] ||
	fail "the report does not say that zero-copy is switched off"
kill -TERM "$daemon"
wait_until 60 ended "$daemon" || fail "telerecd does not end"
daemon=
kill "$server_PID"
wait_until 20 has_no_windows || fail "telerecd left windows"

# It ends for good.
rm -rf "$work/out"
start_recording --display "$display"
kill_server
end_recording 12
grep -qF "the X server $display, which is not ours to start, has ended: waiting for it" "$work/log" ||
	fail "the end of the X server is not said"
grep -qF "the X server $display has ended and did not come back within 20 s" "$work/log" ||
	fail "no sentence says why the recording ended"
decodes_part "$(folder)/rec.mp4"
between 18 "$(seconds_of "$(folder)/rec.mp4" a)" 600 || fail "the sound did not go on while it was waited for"
nothing_left_running
