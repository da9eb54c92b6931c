#!/bin/bash
# four_slots.sh [SECONDS]: four recordings at once on one machine; one slot is killed in the middle.
# No sound is lost, memory stays flat, and the other three notice nothing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

seconds=${1:-600}
slots=4
daemon=

end_daemon() {
	[ -z "$daemon" ] || kill -TERM "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait_until 60 ended "$daemon" || kill -KILL "$daemon" 2>/dev/null || true
	clean_up
}
trap end_daemon EXIT

mkdir -p "$work/out"
chmod 755 "$work" "$work/out"
cat >"$work/telerec.conf" <<CONF
recordings = "$work/out";
slots = $slots;
video: { size = "640x360"; frame_rate = 15; };
sound: { source = "plugin"; };
jibri_http: { external_port = 0; internal_port = "off"; };
api: { socket = "$work/control.sock"; };
CONF

coproc server { exec "$build/telerec-demo-meeting" 2>"$work/server"; }
read -r -t 80 url <&"${server[0]}" || fail "the demo meeting did not start: $(cat "$work/server")"
base=${url%/*}

"$build/telerecd" --config "$work/telerec.conf" >"$work/log" 2>&1 &
daemon=$!

api() { curl -s -o "$work/answer" -w '%{http_code}' "$@"; }
port_is_known() {
	port=$(sed -n 's/.*external HTTP API is on port \([0-9]*\).*/\1/p' "$work/log" | head -n 1)
	[ -n "$port" ]
}
slot_pids() { pgrep -P "$daemon" -f 'telerec-slot' | sort -n; }
is_well() {
	[ "$(api "http://127.0.0.1:$port/jibri/api/v1.0/health")" = 200 ] &&
		grep -q '"healthStatus":"HEALTHY"' "$work/answer"
}
start() {
	local body
	body=$(printf '{"sessionId":"%s","sinkType":"file","callParams":{"callUrlInfo":{"baseUrl":"%s","callName":"%s"}},"callLoginParams":{"domain":"recorder.test","username":"recorder","password":"x"}}' \
		"session-$1" "$base" "tone$((300 + $1 * 110))-room$1")
	[ "$(api -X POST -H 'Content-Type: application/json' -d "$body" \
		"http://127.0.0.1:$port/jibri/api/v1.0/startService")" = 200 ]
}
records() { compgen -G "$work/out/session-$1/*.part-*.mp4" >/dev/null; }
rss_of() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status" 2>/dev/null || echo 0; }

wait_until 60 port_is_known || fail "telerecd did not say where its API is"
wait_until 90 is_well || fail "the slots did not get ready"
for k in $(seq $slots); do
	wait_until 60 start "$k" || fail "recording $k was not taken: $(cat "$work/answer")"
done
for k in $(seq $slots); do
	wait_until 90 records "$k" || fail "recording $k did not begin"
done

sleep $((seconds / 4))
declare -A early
for pid in $(slot_pids); do early[$pid]=$(rss_of "$pid"); done
[ ${#early[@]} = $slots ] || fail "${#early[@]} slots instead of $slots"
victim=$(slot_pids | head -n 1)
kill -KILL "$victim"
sleep $((seconds * 3 / 4))
for pid in "${!early[@]}"; do
	[ "$pid" = "$victim" ] && continue
	late=$(rss_of "$pid")
	echo "slot process $pid: ${early[$pid]} KiB early, $late KiB late"
	between 1 "$late" "$(awk -v e="${early[$pid]}" 'BEGIN { print e * 1.05 }')" ||
		fail "memory grew from ${early[$pid]} to $late KiB"
done

[ "$(api -X POST "http://127.0.0.1:$port/jibri/api/v1.0/stopService")" = 200 ] || fail "stop failed"
# figure KEY REPORT: the first number of that name.
figure() { sed -n "s/.*\"$1\": *\([0-9.]*\).*/\1/p" "$2" | head -n 1; }
is_reported() { [ -s "$work/out/session-$1/report.json" ]; }
resumed=0
for k in $(seq $slots); do
	wait_until 120 is_reported "$k" || fail "recording $k was not finished"
	report=$work/out/session-$k/report.json
	file=$(compgen -G "$work/out/session-$k/*.mp4" | head -n 1)
	decodes "$file"
	parts=$(figure parts "$report")
	lost=$(figure lost_s "$report")
	gaps=$(figure gaps "$report")
	echo "recording $k: $parts parts, $lost s of sound lost, $gaps gaps"
	if [ "$parts" = 1 ]; then
		between 0 "$lost" 0 || fail "recording $k lost $lost s of sound"
		[ "$gaps" = 0 ] || fail "recording $k has $gaps gaps in its sound"
	else
		resumed=$((resumed + 1))
	fi
done
[ $resumed = 1 ] || fail "$resumed recordings were resumed instead of one"
