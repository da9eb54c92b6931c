#!/bin/bash
# The disk fills up during two recordings: what a rule lets go goes first, then nothing new starts, the
# recordings cost less step by step, and end with files that play. With room again all is well by itself.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
command -v curl >/dev/null || skip "curl is not installed"
small=$work/small
mkdir -m 777 "$small"
mount -t tmpfs -o size=200m,mode=777 telerec-small "$small" 2>/dev/null ||
	skip "only root can mount a small disk"

daemon=
end_all() {
	[ -z "$daemon" ] || kill -TERM "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait_until 60 ended "$daemon" || kill -KILL "$daemon" 2>/dev/null || true
	clean_up
}
trap end_all EXIT

chmod 755 "$work"
: >"$work/finalized"
chmod 666 "$work/finalized"
printf '#!/bin/sh\necho "$1" >>"%s/finalized"\n' "$work" >"$work/finalize"
chmod 755 "$work/finalize"
cat >"$work/telerec.conf" <<CONF
recordings = "$small";
slots = 3;
video: { size = "640x360"; frame_rate = 15; };
sound: { source = "plugin"; };
jibri_http: { external_port = 0; internal_port = "off"; };
finalize: { script = "$work/finalize"; timeout = "60s"; attempts = 1; };
storage: {
	folder = "{date} {room} {session_id}";
	file = "{room} of {session_id}";
	reserve = "50M";
	keep = ( { match = "https://.*/keep"; },
		{ match = ".*"; uploaded_only = true; min_free = "1M"; min_age = "0s"; } );
};
CONF

# old_recording NAME ROOM [NOTE]: one of last year, 25 MiB.
old_recording() {
	mkdir "$small/$1"
	fallocate -l 25M "$small/$1/movie.mp4"
	[ -z "${3:-}" ] || : >"$small/$1/$3"
	printf '{"schema": 1, "state": "done", "session_id": "%s", "url": "https://meet.test/%s", "name": "movie", "file": "movie.mp4", "reason": "", "created": "2025-11-21T04:13:00Z", "created_ns": 1763698380000000000, "bytes": 26214400, "duration_ns": 60000000000, "parts": []}' \
		"$1" "$2" >"$small/$1/state.json"
}
old_recording uploaded room .taken-over
old_recording here room
old_recording kept keep .taken-over

coproc server { exec "$build/telerec-demo-meeting" 2>"$work/server"; }
read -r -t 80 url <&"${server[0]}" || fail "the demo meeting did not start: $(cat "$work/server")"
base=${url%/*}

port=
api() { # METHOD PATH [BODY]: the status; the answer's body is in $work/answer
	local method=$1 path=$2
	shift 2
	[ $# = 0 ] || set -- -H 'Content-Type: application/json' -d "$1"
	curl -s -m 60 -o "$work/answer" -w '%{http_code}' -X "$method" "$@" \
		"http://127.0.0.1:$port/jibri/api/v1.0/$path"
}
start() { # SESSION ROOM: the status
	api POST startService "$(printf '{"sessionId":"%s","sinkType":"file","callParams":{"callUrlInfo":{"baseUrl":"%s","callName":"%s"}},"callLoginParams":{"domain":"recorder.test","username":"recorder","password":"x"}}' "$1" "$base" "$2")"
}
has_port() {
	port=$(sed -n 's/.*external HTTP API is on port \([0-9]*\).*/\1/p' "$work/log" | head -n 1)
	[ -n "$port" ]
}
is_shown() { [ "$(api GET health)" = 200 ] && grep -q "\"healthStatus\":\"$1\"" "$work/answer"; }
are_ready() { [ "$(grep -c 'slot [0-9] is ready' "$work/log")" = 3 ]; }
says() { grep -q -- "$1" "$work/log"; }
says_twice() { [ "$(grep -c -- "$1" "$work/log")" -ge 2 ]; }
folder_of() { echo "$small"/*" $1"; }
free_kib() { df --output=avail -k "$small" | tail -n 1; }
fills=0
leave() { # MIB: somebody else takes the rest
	fills=$((fills + 1))
	fallocate -l $(($(free_kib) - $1 * 1024))K "$small/filler-$fills"
}

begun=$(now)
"$build/telerecd" --config "$work/telerec.conf" >"$work/log" 2>&1 &
daemon=$!
wait_until 60 has_port || fail "telerecd does not say where its API is"
wait_until 90 are_ready || fail "the slots did not get ready"
[ "$(start one tone440)" = 200 ] || fail "the first start: $(cat "$work/answer")"
[ "$(start two tone880)" = 200 ] || fail "the second start: $(cat "$work/answer")"
wait_until 60 says 'session two.*: recording; joined' || fail "the second does not record"
wait_until 60 says 'session one.*: recording; joined' || fail "the first does not record"
[ -d "$(folder_of one)" ] || fail "the folder is not called by its template: $(ls "$small")"

# Warned in time, and freed by rule before anything is refused.
wait_until 30 says 'left for recordings in .* hours of one: make room' || fail "nothing was warned of"
sleep 3
leave 40
wait_until 15 says 'uploaded (session uploaded, 25.0 MiB) is removed' || fail "no room was made"
[ ! -e "$small/uploaded" ] || fail "it is still there"
[ -e "$small/here/movie.mp4" ] && [ -e "$small/kept/movie.mp4" ] || fail "what must stay is gone"
sleep 2
is_shown HEALTHY || fail "ill although there is room: $(cat "$work/answer")"
! says 'no recording starts' || fail "something would have been refused"

# Nothing is left to remove: nothing new starts, and what runs saves.
leave 32
wait_until 15 says 'no recording starts until that is better' || fail "the full disk is not noticed"
is_shown UNHEALTHY || fail "shown as well: $(cat "$work/answer")"
[ "$(start three tone550)" = 500 ] || fail "a start on a full disk: $(cat "$work/answer")"
[ ! -d "$(folder_of three)" ] || fail "the refused one has a folder"
wait_until 15 says_twice 'recording has half the pictures$' || fail "level 1"
sleep 2
leave 27
wait_until 15 says_twice 'recording has half the pictures, and coarser' || fail "level 2"
leave 23
wait_until 15 says_twice 'recording has sound, and a coarse picture' || fail "level 3"

# The last reserve: both end in good order. There is no room for their files, but the parts play.
sleep 3
leave 1
wait_until 30 says 'session one.*failed: the disk is full' || fail "the first does not end"
wait_until 30 says 'session two.*failed: the disk is full' || fail "the second does not end"
wait_until 30 says_twice 'its file is made when there is room' || fail "no word about the files"
for session in one two; do
	part=$(echo "$(folder_of $session)"/*.part-001.mp4)
	[ -s "$part" ] || fail "no part of $session: $(ls -a "$(folder_of $session)")"
	decodes_part "$part"
done
[ ! -s "$work/finalized" ] || fail "the script ran before there was a file"

# Room again: well by itself, both files are made, and the next recording starts.
rm "$small"/filler-*
wait_until 20 is_shown HEALTHY || fail "still ill: $(cat "$work/answer")"
both_are_finalized() { [ "$(wc -l <"$work/finalized")" = 2 ]; }
wait_until 60 both_are_finalized || fail "not both are finished: $(cat "$work/finalized")"
for session in one two; do
	folder=$(folder_of $session)
	movie=$(echo "$folder"/*" of $session.mp4")
	decodes "$movie"
	between 5 "$(seconds_of "$movie" a)" 1200 || fail "$movie has $(seconds_of "$movie" a) s"
	grep -q '"state": "done"' "$folder/state.json" || fail "state: $(cat "$folder/state.json")"
	for level in 1 2 3; do
		grep -q "\"level\": $level" "$folder/report.json" ||
			fail "level $level is not in the report: $(cat "$folder/report.json")"
	done
	[ -e "$folder/.taken-over" ] || fail "nobody noted that the script took it over"
	! compgen -G "$folder/*.part-*" >/dev/null || fail "a part was left: $(ls "$folder")"
	echo "session $session: $(seconds_of "$movie" a) s, $(stat -c %s "$movie") bytes"
done
[ "$(start four tone660)" = 200 ] || fail "no start with room again: $(cat "$work/answer")"
wait_until 60 says 'session four.*: recording; joined' || fail "the fourth does not record"
[ "$(api POST stopService)" = 200 ] || fail "stop"
echo "took $(since "$begun") s"
