#!/bin/bash
# A stream over Jibri's HTTP API: with a key, which a rule sends to the site's own server, with a whole URL
# to a room that is recorded, too, and with a URL that is not allowed. No key is seen anywhere.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream_lib.sh"
command -v curl >/dev/null || skip "curl is not installed"

key=hush-marker
daemon=
end_all() {
	[ -z "$daemon" ] || kill -TERM "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait_until 60 ended "$daemon" || kill -KILL "$daemon" 2>/dev/null || true
	site_kill site
	[ -z "${server_PID:-}" ] || kill "$server_PID" 2>/dev/null || true
	clean_up
}
trap end_all EXIT

site_start site
port=$(site_port site)
chmod 755 "$work"
mkdir -m 777 "$work/out"
printf '#!/bin/sh\necho "$1" >>"%s/finalized"\n' "$work" >"$work/finalize"
chmod 755 "$work/finalize"
cat >"$work/telerec.conf" <<CONF
recordings = "$work/out";
slots = 1;
video: { size = "640x360"; frame_rate = 15; };
sound: { source = "plugin"; };
jibri_http: { external_port = 0; internal_port = 0; };
api: { socket = "$work/control.sock"; };
finalize: { script = "$work/finalize"; timeout = "60s"; attempts = 1; };
stream: {
	allowed = [ "rtmp://a\\\\.rtmp\\\\.youtube\\\\.com/live2/[^/]+", "rtmp://127\\\\.0\\\\.0\\\\.1:$port/.*" ];
	rewrite = ( { match = "rtmp://a\\\\.rtmp\\\\.youtube\\\\.com/live2/(.*)";
		to = "rtmp://127.0.0.1:$port/live/\\\\1?password=sesame"; } );
	bitrate = 800;
};
rooms = ( { match = "http://[^/]*/tone880"; record_too = true; } );
CONF
cat >"$work/secrets.conf" <<CONF
rooms = ( { match = "http://[^/]*/tone880"; streams = [ "rtmp://127.0.0.1:$port/open/$key-room" ]; } );
CONF
chmod 600 "$work/secrets.conf"

coproc server { exec "$build/telerec-demo-meeting" 2>"$work/server"; }
read -r -t 80 url <&"${server[0]}" || fail "the demo meeting did not start: $(cat "$work/server")"
base=${url%/*}

external() {
	sed -n "s/.*external HTTP API is on port \([0-9]*\).*/\1/p" "$work/log" | head -n 1
}
# api METHOD PATH [BODY]: the status; the answer's body is in $work/answer.
api() {
	local method=$1 path=$2
	shift 2
	[ $# = 0 ] || set -- -H 'Content-Type: application/json' -d "$1"
	curl -s -m 120 -o "$work/answer" -w '%{http_code}' -X "$method" "$@" \
		"http://127.0.0.1:$(external)/jibri/api/v1.0/$path"
}
body() { # SESSION ROOM KEY
	printf '{"sessionId":"%s","sinkType":"stream","youTubeStreamKey":"%s","callParams":{"callUrlInfo":{"baseUrl":"%s","callName":"%s"}},"callLoginParams":{"domain":"recorder.test","username":"recorder","password":"x"}}' \
		"$1" "$3" "$base" "$2"
}
has_port() { [ -n "$(external)" ]; }
is() { [ "$(api GET health)" = 200 ] && grep -q "\"busyStatus\":\"$1\"" "$work/answer"; }

: >"$work/log"
"$build/telerecd" --config "$work/telerec.conf" >"$work/log" 2>&1 &
daemon=$!
wait_until 60 has_port || fail "telerecd does not say where its API is"
wait_until 90 is IDLE || fail "not ready: $(cat "$work/answer")"

# Forbidden: nothing starts.
[ "$(api POST startService "$(body no tone440 "rtmp://127.0.0.1:1/x/$key-no")")" = 500 ] ||
	fail "a target that is not allowed is not refused"
is IDLE || fail "the refused one keeps the slot busy"
[ ! -e "$work/out/no" ] || fail "the refused one has a folder"
grep -q "rtmp://127.0.0.1:1/x/\*\*\* is nothing that stream.allowed lets through" "$work/log" ||
	fail "the log does not say why it was refused"

# A key: only streamed.
[ "$(api POST startService "$(body one tone440 "$key-a")")" = 200 ] || fail "start with a key"
wait_until 60 has_recording site "$key-a" || fail "nothing arrives"
is BUSY || fail "not busy while it streams"
wait_until 30 has_seconds site "$key-a" 4 || fail "no more arrives"
[ "$(api POST stopService)" = 200 ] || fail "stop"
wait_until 30 is IDLE || fail "not idle after the stop"
wait_until 20 has_ended site "$key-a" || fail "the server does not notice the end"
film=$(recordings site "$key-a")
[ "$(codecs "$film")" = "aac h264" ] || fail "$film is: $(codecs "$film")"
between 3 "$(seconds_of "$film")" 1000 || fail "$film has $(seconds_of "$film") s"
between 0 "$(gap "$film" v)" 8 || fail "$film: pictures $(gap "$film" v) s"
between 0 "$(gap "$film" a)" 0.1 || fail "$film: sound $(gap "$film" a) s"
first_is_key "$film" || fail "$film does not begin with a key picture"
! compgen -G "$work/out/one/*.mp4" >/dev/null || fail "the stream was recorded"

# A URL, to a room with a target of its own that is recorded, too.
[ "$(api POST startService "$(body two tone880 "rtmp://127.0.0.1:$port/open/$key-b")")" = 200 ] ||
	fail "start with a URL"
wait_until 60 has_recording site "$key-b" || fail "nothing arrives by the URL"
wait_until 20 has_recording site "$key-room" || fail "nothing arrives at the room's own target"
wait_until 30 has_seconds site "$key-room" 4 || fail "no more arrives"
[ "$(api POST stopService)" = 200 ] || fail "stop of the second"
wait_until 60 test -s "$work/finalized" || fail "the script did not run"
[ "$(cat "$work/finalized")" = "$work/out/two" ] || fail "the script got: $(cat "$work/finalized")"
movie=$(echo "$work"/out/two/*.mp4)
decodes "$movie"
between 3 "$(seconds_of "$movie")" 1000 || fail "$movie has $(seconds_of "$movie") s"
[ -s "$work/out/two/metadata.json" ] || fail "no metadata"
for name in "$key-b" "$key-room"; do
	wait_until 20 has_ended site "$name" || fail "the server does not notice the end of $name"
done
for film in $(recordings site "$key-b") $(recordings site "$key-room"); do
	[ "$(codecs "$film")" = "aac h264" ] || fail "$film is: $(codecs "$film")"
	is_cut_from "$film" "$movie" v || fail "$film misses pictures of the file"
	is_cut_from "$film" "$movie" a || fail "$film misses sound of the file"
done
wait_until 30 is IDLE || fail "not idle after the second stop"

# Refused by the server: a failure, and the slot is well again.
[ "$(api POST startService "$(body three tone440 "rtmp://127.0.0.1:$port/live/$key-c?password=nope-marker")")" = 200 ] ||
	fail "start of one that will be refused"
wait_until 60 grep -q "three.*failed: no server takes the stream" "$work/log" ||
	fail "it is not said that the server refused"
wait_until 30 is IDLE || fail "not idle after the refusal"

# One that is running, for a look at everything.
[ "$(api POST startService "$(body four tone440 "$key-d")")" = 200 ] || fail "start of the last"
wait_until 60 has_recording site "$key-d" || fail "nothing arrives of the last"
for process in "$daemon" $(pgrep -P "$daemon") $(pgrep -f "$work" || true); do
	! grep -qa "hush-marker\|sesame\|nope-marker" "/proc/$process/cmdline" 2>/dev/null ||
		fail "a key is in the arguments of $process"
	! grep -qa "hush-marker\|sesame\|nope-marker" "/proc/$process/environ" 2>/dev/null ||
		fail "a key is in the environment of $process"
done
kill -TERM "$daemon"
wait_until 60 ended "$daemon" || fail "telerecd does not leave"
daemon=
! grep -q "hush-marker\|sesame\|nope-marker" "$work/log" || fail "a key is in the log"
left=$(grep -rlaE "hush-marker|sesame|nope-marker" "$work/out" || true)
[ -z "$left" ] || fail "a key is in: $left"
nothing_left_running
