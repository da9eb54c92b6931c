#!/bin/bash
# Who watches a node that records: Prometheus with the dashboard's and the alert rules' queries, a
# StatsD server, and webhooks with a token beside a subscriber that always fails.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
for tool in curl openssl prometheus promtool python3; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
here=$(cd "$(dirname "$0")" && pwd)

daemon=
end_all() {
	[ -z "$daemon" ] || kill -TERM "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait_until 60 ended "$daemon" || kill -KILL "$daemon" 2>/dev/null || true
	[ -z "${listener_PID:-}" ] || kill "$listener_PID" 2>/dev/null || true
	clean_up
}
trap end_all EXIT

chmod 755 "$work"
mkdir -m 777 "$work/out"
mkdir "$work/heard"
touch "$work/heard/statsd" "$work/heard/hooks"
openssl genrsa -traditional -out "$work/key.pem" 2048 2>/dev/null
openssl rsa -in "$work/key.pem" -pubout -out "$work/pub.pem" 2>/dev/null

coproc server { exec "$build/telerec-demo-meeting" 2>"$work/server"; }
read -r -t 80 url <&"${server[0]}" || fail "the demo meeting did not start: $(cat "$work/server")"
base=${url%/*}
# The shell has one coprocess at a time; this one's ports come through a file.
mkfifo "$work/until"
python3 -B "$here/metrics_listener.py" "$work/heard" <"$work/until" >"$work/ports" 2>"$work/listener" &
listener_PID=$!
exec {until}>"$work/until"
wait_until 30 test -s "$work/ports" || fail "the listener did not start: $(cat "$work/listener")"
read -r udp hook failing <"$work/ports"

cat >"$work/telerec.conf" <<CONF
id = "node-1";
recordings = "$work/out";
video: { size = "640x360"; frame_rate = 15; };
sound: { source = "plugin"; };
jibri_http: { external_port = 0; internal_port = 0; };
api: { socket = "$work/control.sock"; port = 0; };
stats: { statsd = "127.0.0.1:$udp"; prometheus = true; };
webhooks: { subscribers = ["http://127.0.0.1:$failing", "http://127.0.0.1:$hook/hooks"];
	key_file = "$work/key.pem"; key_id = "key-7"; issuer = "recorders"; audience = "hooks"; };
CONF

port_of() { sed -n "s/.*external HTTP API is on port \([0-9]*\).*/\1/p" "$work/log" | head -n 1; }
node_port_of() { sed -n 's/.*the node API is at 127.0.0.1, port \([0-9]*\).*/\1/p' "$work/log" | head -n 1; }
knows_port() { [ -n "$(port_of)" ] && [ -n "$(node_port_of)" ]; }
read_metrics() { curl -sS -m 20 -o "$work/metrics" "http://127.0.0.1:$external/metrics"; }
says() { read_metrics && grep -q "^$1\$" "$work/metrics"; }
heard() { grep -qF -- "$2" "$work/heard/$1"; }
api() {
	curl -s -m 120 -o "$work/answer" -w '%{http_code}' -X POST -H 'Content-Type: application/json' \
		-d "${2:-}" "http://127.0.0.1:$external/jibri/api/v1.0/$1"
}

"$build/telerecd" --config "$work/telerec.conf" >"$work/log" 2>&1 &
daemon=$!
wait_until 60 knows_port || fail "telerecd does not say where its API is"
external=$(port_of)
wait_until 90 says 'telerec_slot_state{slot="1",state="idle"} 1' || fail "the slot does not get ready"
wait_until 20 says 'telerec_healthy 1' || fail "idle, but not healthy"

body='{"sessionId":"one","sinkType":"file","callParams":{"callUrlInfo":{"baseUrl":"'$base'","callName":"tone440"}},"callLoginParams":{"domain":"recorder.test","username":"recorder","password":"hush-marker"}}'
[ "$(api startService "$body")" = 200 ] || fail "start: $(cat "$work/answer")"
wait_until 60 says 'telerec_slot_session{slot="1",kind="file",phase="on",environment=""} 1' ||
	fail "the session is not on"
[ "$(api startService "${body/one/two}")" = 412 ] || fail "a second start is not refused"
# One there is, so that it counts.
wait_until 30 says 'telerec_slot_frames_encoded_total{slot="1"} [1-9].*' || fail "no pictures counted"

# While it records: nothing of a stream, of an XMPP server, or of rates that nobody knows yet.
timeout -k 30 400 python3 -B "$here/metrics_queries.py" --target "127.0.0.1:$(node_port_of)" \
	--may-miss 'telerec_((stream|link)_(?!failures)|uploads?_).*|telerec_disk_recording_left_seconds'
read_metrics
words=$(promtool check metrics <"$work/metrics" 2>&1) || fail "promtool check metrics: $words"
for secret in hush-marker recorder.test tone440 "$work"; do
	! grep -qF "$secret" "$work/metrics" || fail "/metrics shows $secret"
done
wait_until 20 says 'telerec_slot_sound_peak_dbfs{slot="1"} -[0-9.]*' || fail "no level"
grep -q '^telerec_starts_refused_total{cause="busy"} 1$' "$work/metrics" || fail "no refusal counted"
[ "$(curl -s -o /dev/null -w '%{content_type}' "http://127.0.0.1:$external/metrics")" = \
	"text/plain; version=0.0.4; charset=utf-8" ] || fail "another content type"

# The node API says the same on its socket. (What nobody knows yet may come between the two.)
tell_the_same() {
	read_metrics
	curl -sS -m 20 -o "$work/socket" --unix-socket "$work/control.sock" http://telerec/metrics
	diff <(sed -n 's/^# TYPE //p' "$work/socket") <(sed -n 's/^# TYPE //p' "$work/metrics") >"$work/diff"
}
wait_until 5 tell_the_same || fail "the node API tells other figures than Jibri's port: $(cat "$work/diff")"

[ "$(api stopService)" = 200 ] || fail "stop: $(cat "$work/answer")"
wait_until 20 says 'telerec_sessions_ended_total 1' || fail "the end is not counted"
wait_until 20 says 'jitsi_jibri_sessions_stopped_total 1' || fail "the end is not counted for Jibri"
wait_until 20 says 'telerec_files_total{result="made"} 1' || fail "the files are not counted"

for line in 'jibri.start:1|c|#recording' 'jibri.busy:1|c|#recording' 'jibri.stop:1|c|#recording'; do
	wait_until 20 heard statsd "$line" || fail "StatsD did not get $line: $(cat "$work/heard/statsd")"
done

off='{"jibriId":"node-1","session":{"sessionId":"one","status":"OFF","sipAddress":null,"failure":null,"shouldRetry":null}}'
wait_until 30 heard hooks '\"sessionId\":\"one\",\"status\":\"OFF\"' || fail "no OFF came"
cat >"$work/check.py" <<'CHECK'
import base64, json, sys, time
posts = [json.loads(line) for line in open(sys.argv[1])]
def part(text):
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
# What is not answered within 2 s is told once more.
sessions = list(dict.fromkeys(
    post["body"] for post in posts if post["path"] == "/hooks/v1/session/status"))
assert len(sessions) == 2 and '"status":"ON"' in sessions[0], sessions
assert sessions[1] == sys.argv[2], sessions
states = [json.loads(post["body"])["status"] for post in posts if post["path"] == "/hooks/v1/status"]
busy = [state["busyStatus"] for state in states if state["health"]["healthStatus"] == "HEALTHY"]
assert "BUSY" in busy and "IDLE" in busy[busy.index("BUSY"):], states
token = posts[-1]["token"]
head, claims, _ = token.removeprefix("Bearer ").split(".")
assert part(head)["alg"] == "RS256" and part(head)["kid"] == "key-7", head
assert part(claims).keys() == {"iss", "aud", "exp"}, claims
assert part(claims)["iss"] == "recorders" and part(claims)["aud"] == ["hooks"], claims
assert 3000 < part(claims)["exp"] - time.time() <= 3600, claims
print(token.removeprefix("Bearer "), end="")
CHECK
# The last of them, that it is idle again, comes when it comes.
are_right() { python3 -B "$work/check.py" "$work/heard/hooks" "$off" >"$work/token" 2>"$work/wrong"; }
wait_until 30 are_right ||
	fail "the webhooks are not as they should be: $(cat "$work/wrong" "$work/heard/hooks")"
token=$(cat "$work/token")
printf %s "${token%.*}" >"$work/signed"
printf %s== "${token##*.}" | tr -- -_ +/ | openssl base64 -d -A >"$work/signature"
openssl dgst -sha256 -verify "$work/pub.pem" -signature "$work/signature" "$work/signed" >/dev/null ||
	fail "openssl does not accept the token's signature"
grep -q "127.0.0.1:$failing.* was not taken: it answered with status 500" "$work/log" ||
	fail "nothing is said of the subscriber that fails"
! grep -q -e hush-marker -e "$token" "$work/log" || fail "a secret is in the log"

kill -TERM "$daemon"
wait_until 60 ended "$daemon" || fail "telerecd does not end"
daemon=
exec {until}>&-
echo "watched a recording: $(grep -vc '^#' "$work/metrics") series"
