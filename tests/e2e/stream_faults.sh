#!/bin/bash
# stream_faults.sh [OUTAGE]: one stream with everything that can be wrong with a target: nobody there, a
# wrong password, a black hole, a slow reader, a server that is killed and comes back after so many seconds,
# a certificate that nobody knows, a name that nobody knows. The file has every picture that was
# encoded, and the one good target gets it all without a gap.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/stream_lib.sh"

outage=${1:-15}
end_all() {
	site_kill good
	site_kill killed
	clean_up
}
trap end_all EXIT

site_start good
site_start killed
tls_port=$(sed -n 's/.*listen 127.0.0.1:\([0-9]*\) ssl;/\1/p' "$work/good/nginx.conf" | head -n 1)
proxy_start hole "$(site_port good)"
proxy_start slow "$(site_port good)"
record=1 start_stream index.html 600 640x360 15 800 \
	"rtmp://127.0.0.1:$(site_port good)/open/good" \
	"rtmp://127.0.0.1:1/open/nobody" \
	"rtmp://127.0.0.1:$(site_port good)/live/password?password=wrong" \
	"rtmp://127.0.0.1:$(proxy_port hole)/open/hole" \
	"rtmp://127.0.0.1:$(proxy_port slow)/open/slow" \
	"rtmp://127.0.0.1:$(site_port killed)/open/killed" \
	"rtmps://localhost:$tls_port/open/certificate" \
	"rtmp://nowhere.invalid/open/name"
for target in good hole slow; do
	wait_until 60 has_recording good $target || fail "nothing arrives of the target \"$target\""
done
wait_until 20 has_recording killed killed || fail "nothing arrives at the server to be killed"
wait_until 30 has_seconds killed killed 4 || fail "the server to be killed gets no more"
proxy hole hole
proxy slow slow 24000
site_kill killed
sleep "$outage"
site_start killed
proxy hole go
back() { [ "$(recordings killed killed | wc -l)" = 2 ]; }
wait_until 40 back || fail "the server that was killed does not get the stream again"
# How long the buffers on the way hide it depends on what the encoder makes of the page.
has_lost() { grep -q ":$(proxy_port slow)/open/.*: streaming.* pictures lost" "$work/log"; }
wait_until 90 has_lost || fail "the slow target lost no picture"
proxy slow go
sleep 5
stop_recording 0
cat "$work/printed"

film=$work/out/rec/rec.mp4
report=$work/out/rec/report.json
decodes "$film"
# of TARGET FIELD: what the report says of the target whose address has that in it.
of() {
	python3 -c 'import json, sys
for stream in json.load(open(sys.argv[1]))["streams"]:
	if sys.argv[2] in stream["target"]:
		print(stream[sys.argv[3]])' "$report" "$1" "$2"
}
is() { [ "$(of "$1" "$2")" = "$3" ] || fail "$1: $2 is $(of "$1" "$2"), expected $3"; }
says() { of "$1" problem | grep -q "$2" || fail "$1: the problem is \"$(of "$1" problem)\", expected \"$2\""; }

encoded=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["pictures"]["encoded"])' "$report")
written=$(sizes "$film" v | wc -w)
[ "$written" = "$encoded" ] || fail "$encoded pictures were encoded, the file has $written"
between 0 "$(gap "$film" a)" 0.05 || fail "the file's sound has a gap of $(gap "$film" a) s"

wait_until 20 has_ended good good || fail "the good target does not notice the end"
wait_until 20 has_ended killed killed || fail "the server that was killed does not notice the end"
good=$(recordings good good)
[ "$(echo "$good" | wc -l)" = 1 ] || fail "the good target has: $good"
is_cut_from "$good" "$film" v || fail "the good target misses pictures of the file"
is_cut_from "$good" "$film" a || fail "the good target misses sound of the file"
between $((outage + 5)) "$(seconds_of "$good")" 600 || fail "$good has $(seconds_of "$good") s"
good=:$(site_port good)/open
is "$good" state streaming
is "$good" reconnects 0
is "$good" dropped_pictures 0
is "$good" dropped_sounds 0

is 127.0.0.1:1/ was_connected False
says 127.0.0.1:1/ "connection refused"
is ":$(site_port good)/live" state refused
is localhost state refused
says localhost "is not trusted"
is nowhere.invalid was_connected False
says nowhere.invalid "is not found"
slow=:$(proxy_port slow)/
is "$slow" dropped_sounds 0
is "$slow" reconnects 0
[ "$(of ":$(proxy_port hole)/" dropped_pictures)" -gt 0 ] || fail "the black hole lost no picture"
killed=:$(site_port killed)/
is "$killed" reconnects 1
is "$killed" state streaming
for part in $(recordings killed killed); do
	first_is_key "$part" || fail "$part does not begin with a key picture"
	[ "$(gap "$part" v)" != back ] || fail "$part: time goes back"
	is_cut_from "$part" "$film" v || fail "$part misses pictures of the file"
done
nothing_left_running
