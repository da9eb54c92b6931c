#!/bin/bash
# telerecd as whoever uses Jibri's HTTP APIs sees it: a recording of the demo meeting from
# startService to the finalize script, and the three ways to make the daemon leave.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
command -v curl >/dev/null || skip "curl is not installed"

daemon=

end_daemon() {
	[ -z "$daemon" ] || kill -TERM "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait_until 60 ended "$daemon" || kill -KILL "$daemon" 2>/dev/null || true
	[ -z "${server_PID:-}" ] || kill "$server_PID" 2>/dev/null || true
	clean_up
}
trap end_daemon EXIT

chmod 755 "$work"
mkdir -m 777 "$work/out"
cat >"$work/finalize" <<'SCRIPT'
#!/bin/sh
[ "${1##*/}" != slow ] || until [ -e "$0.go" ]; do sleep 0.2; done
{ echo "$#" "$1"; ls "$1"; } >"${0}d"
echo "folder $1 is done"
SCRIPT
chmod 755 "$work/finalize"
cat >"$work/telerec.conf" <<CONF
recordings = "$work/out";
slots = 1;
video: { size = "640x360"; frame_rate = 15; };
sound: { source = "plugin"; };
jibri_http: { external_port = 0; internal_port = 0; };
api: { socket = "$work/control.sock"; };
finalize: { script = "$work/finalize"; timeout = "60s"; attempts = 1; };
CONF

coproc server { exec "$build/telerec-demo-meeting" 2>"$work/server"; }
read -r -t 80 url <&"${server[0]}" || fail "the demo meeting did not start: $(cat "$work/server")"
base=${url%/*}

port_of() { sed -n "s/.*$1 HTTP API is on port \([0-9]*\).*/\1/p" "$work/log" | head -n 1; }
knows_ports() { [ -n "$(port_of external)" ] && [ -n "$(port_of internal)" ]; }

# api METHOD PATH [BODY]: the status; the answer's body is in $work/answer.
api() {
	local method=$1 url="http://127.0.0.1:$external/jibri/api/v1.0/$2"
	shift 2
	[ $# = 0 ] || set -- -H 'Content-Type: application/json' -d "$1"
	curl -s -m 120 -o "$work/answer" -w '%{http_code}' -X "$method" "$@" "$url"
}
internal() {
	curl -s -m 20 -o "$work/answer" -w '%{http_code}' -X POST \
		"http://127.0.0.1:$internal/jibri/api/internal/v1.0/$1"
}
body() {
	printf '{"sessionId":"%s","sinkType":"file","callParams":{"callUrlInfo":{"baseUrl":"%s","callName":"tone440"}},"callLoginParams":{"domain":"recorder.test","username":"recorder","password":"hush-%s"}}' \
		"$1" "$base" marker
}
health() { [ "$(api GET health)" = 200 ] && [ "$(cat "$work/answer")" = "$1" ]; }
idle='{"status":{"busyStatus":"IDLE","health":{"healthStatus":"HEALTHY","details":{}}}}'
busy=${idle/IDLE/BUSY}
has_part() { compgen -G "$work/out/$1/*.part-*.mp4" >/dev/null; }

start_daemon() {
	: >"$work/log"
	"$build/telerecd" --config "$work/telerec.conf" >"$work/log" 2>&1 &
	daemon=$!
	wait_until 60 knows_ports || fail "telerecd does not say where its APIs are"
	external=$(port_of external) internal=$(port_of internal)
	wait_until 90 health "$idle" || fail "not ready: $(cat "$work/answer")"
}

# leaves EXIT_CODE: the daemon does so by itself.
leaves() {
	local code=0
	wait_until 120 ended "$daemon" || fail "telerecd does not leave"
	wait "$daemon" || code=$?
	daemon=
	[ "$code" = "$1" ] || fail "telerecd left with $code, expected $1"
	! grep -q hush-marker "$work/log" || fail "the password is in the log"
}

# record SESSION: starts it, and gives it some seconds on the disk.
record() {
	[ "$(api POST startService "$(body "$1")")" = 200 ] || fail "start: $(cat "$work/answer")"
	[ ! -s "$work/answer" ] || fail "the answer to a start is not empty"
	wait_until 60 has_part "$1" || fail "nothing is recorded"
	wait_until 60 lasts "$(echo "$work/out/$1"/*.part-001.mp4)" 3 || fail "the recording does not grow"
}

# is_complete SESSION: its files, and the script has seen them.
is_complete() {
	local folder=$work/out/$1 movie
	movie=$(echo "$folder"/tone440_*.mp4)
	[ -s "$movie" ] || fail "no movie in $folder: $(ls "$folder")"
	decodes "$movie"
	between 3 "$(seconds_of "$movie")" 1000 || fail "$movie has $(seconds_of "$movie") s"
	grep -q "^{\"meeting_url\":\"$base/tone440\",\"participants\":\\[.*\"telerec\":{" \
		"$folder/metadata.json" || fail "metadata.json: $(cat "$folder/metadata.json")"
	[ "$(head -n 1 "$work/finalized")" = "1 $folder" ] ||
		fail "the script got: $(head -n 1 "$work/finalized")"
	grep -q metadata.json "$work/finalized" || fail "the script came before the metadata"
	grep -q "${movie##*/}" "$work/finalized" || fail "the script came before the movie"
	wait_until 10 grep -q "folder $folder is done" "$work/log" || fail "the script's words are not logged"
	rm "$work/finalized"
}

start_daemon
[ "$(api GET nothing)" = 404 ] || fail "an unknown path is not 404"
[ "$(api POST health)" = 405 ] || fail "a wrong method is not 405"
[ "$(api POST startService '{')" = 500 ] || fail "what is no JSON is not 500"
[ "$(api POST startService '{"sessionId":"x","sinkType":"file","callParams":{"callUrlInfo":{"baseUrl":"http://a","callName":"b"}}}')" = 412 ] ||
	fail "a start without login is not 412"
[ "$(cat "$work/answer")" = "Call login params missing" ] || fail "$(cat "$work/answer")"
[ "$(api POST stopService)" = 200 ] || fail "a stop of nothing is not 200"

record one
health "$busy" || fail "while it records: $(cat "$work/answer")"
[ "$(api POST startService "$(body two)")" = 412 ] || fail "a second start is not 412"
[ "$(cat "$work/answer")" = "Jibri is currently busy" ] || fail "$(cat "$work/answer")"
stopped=$(now)
[ "$(api POST stopService)" = 200 ] || fail "stop: $(cat "$work/answer")"
echo "stopService took $(since "$stopped") s, files and script included"
is_complete one
wait_until 30 health "$idle" || fail "after the stop: $(cat "$work/answer")"
[ "$(internal notifyConfigChanged)" = 200 ] || fail "notifyConfigChanged"
leaves 0

start_daemon
record slow
api POST stopService >"$work/stop" &
stopping=$!
wait_until 30 health "$idle" || fail "the slot waits for the script: $(cat "$work/answer")"
ended "$stopping" && fail "stopService does not wait for the script"
touch "$work/finalize.go"
wait "$stopping"
[ "$(cat "$work/stop")" = 200 ] || fail "the long stop: $(cat "$work/stop")"
is_complete slow

record three
[ "$(internal gracefulShutdown)" = 200 ] || fail "gracefulShutdown"
[ "$(internal notifyConfigChanged)" = 200 ] || fail "notifyConfigChanged after it"
health "$busy" || fail "while it leaves: $(cat "$work/answer")"
sleep 1
ended "$daemon" && fail "gracefulShutdown does not wait"
[ "$(api POST stopService)" = 200 ] || fail "stop while leaving: $(cat "$work/answer")"
leaves 255
is_complete three

start_daemon
record four
[ "$(internal shutdown)" = 200 ] || fail "shutdown"
leaves 255
is_complete four
nothing_left_running
