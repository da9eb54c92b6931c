#!/bin/bash
# The plug is pulled 100 times: each copy of the folder, made at a random moment, plays to within
# 2 s of that moment.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

start_recording
began=$(stat -c %W "$(ls "$(folder)"/*.part-001.mp4)")
for i in $(seq 100); do
	sleep "0.$((RANDOM % 30 + 10))"
	now >"$work/at.$i"
	cp -r "$(folder)" "$work/copy.$i"
done
# The clock of the recording starts a little after its file was made; the last copy tells by how much.
stop_recording
worst=0
for i in $(seq 100); do
	part=$(ls "$work/copy.$i"/*.part-001.mp4)
	[ -n "$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$part" 2>&1)" ] || fail "copy $i"
	errors=$(ffmpeg -v error -xerror -i "$part" -f null - 2>&1) || fail "copy $i does not decode: $errors"
	lost=$(awk -v at="$(cat "$work/at.$i")" -v began="$began" -v has="$(seconds_of "$part" v)" \
		'BEGIN { print at - began - has }')
	worst=$(awk -v a="$worst" -v b="$lost" 'BEGIN { print (a > b ? a : b) }')
done
echo "at most $worst s lost in 100 copies"
# st_birth is in whole seconds, rounded down: one more second than the promise.
between -1 "$worst" 3.0 || fail "a copy lost $worst s"
