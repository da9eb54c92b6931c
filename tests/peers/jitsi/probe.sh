#!/bin/bash
# The meeting's logic of a slot in a room of a real XMPP server, with the real lib-jitsi-meet: it sees
# that it is joined and who is there, and the room is told about the recording.
set -euo pipefail
. "${TR_SOURCE_DIR:?}/tests/peers/jitsi/room.sh"

code=0
"$build/telerec-test-probe" "$url" \
	'APP.conference._room.room.presMap.nodes.filter(n => ["session_id", "mode"].includes(n.tagName)).map(n => n.value).join()' \
	'APP.conference._room.getParticipants().length' 'location.href.includes("password")' \
	>"$work/probe.txt" 2>"$work/log" || code=$?
[ $code != 77 ] || { cat "$work/probe.txt"; exit 77; }
cat "$work/probe.txt"
[ $code = 0 ] || explain "the probe failed"
says() { grep -qx "$1" "$work/probe.txt" || explain "the probe did not say: $1"; }
says joined
says 'state: joined 1, participants 1, .*'
says 'answer: "probe-1,file"'
says 'answer: 1'
says 'answer: false'
says left
wait_until 20 sender_says 'participants":""' || explain "the recorder is still in the room"
kill "$sender"
wait_until 20 ended "$sender" || explain "the sender does not end"
kill "$focus" "$server_PID"
nothing_left_running
