#!/bin/bash
# What `telerec check` says about a good file, a torn one, and what is no recording at all.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# expect CODE WORDS FILE: the exit code, and the words in what is printed.
expect() {
	local got=0
	"$build/telerec" check "$3" >"$work/log" 2>&1 || got=$?
	[ "$got" = "$1" ] || fail "$3: exit code $got, expected $1"
	grep -Eqi -- "$2" "$work/log" || fail "$3: no word of '$2'"
	[ -z "$(grep -Ei "AddressSanitizer|runtime error" "$work/log" || true)" ] || fail "$3: it crashed"
}

video=(-f lavfi -i testsrc2=size=320x180:rate=25:duration=4)
sound=(-f lavfi -i "sine=frequency=440:sample_rate=48000:duration=4")
coders=(-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac -ac 2)
ffmpeg -v error "${video[@]}" "${sound[@]}" "${coders[@]}" -movflags +faststart "$work/good.mp4"
ffmpeg -v error "${video[@]}" "${sound[@]}" "${coders[@]}" -g 25 \
	-movflags frag_keyframe+empty_moov+default_base_moof "$work/part.mp4"
head -c $(($(stat -c %s "$work/part.mp4") * 3 / 4)) "$work/part.mp4" >"$work/torn.mp4"
head -c 300 "$work/good.mp4" >"$work/head.mp4"
echo "minutes of the meeting" >"$work/notes.txt"
: >"$work/empty.mp4"

expect 0 "grade +A" "$work/good.mp4"
grep -q "0 errors" "$work/log" || fail "good.mp4: errors are counted"
expect 0 "grade +[ABC]" "$work/torn.mp4"
grep -Eqi "torn|cut|trunc|incomplete|end" "$work/log" || fail "torn.mp4: not a word of its end"
expect 1 "trouble" "$work/head.mp4"
expect 1 "trouble .*(video|media|recording)" "$work/notes.txt"
expect 1 "trouble .*empty" "$work/empty.mp4"
expect 1 "no such file" "$work/nothing.mp4"
expect 1 "trouble" "$work"
expect 1 "no such file" ""

code=0
"$build/telerec" check "$work/good.mp4" "$work/notes.txt" >"$work/log" 2>&1 || code=$?
[ "$code" = 1 ] || fail "one good of two: exit code $code, expected 1"
code=0
"$build/telerec" check >"$work/log" 2>&1 || code=$?
[ "$code" = 2 ] || fail "no file named: exit code $code, expected 2"

for file in good.mp4 notes.txt; do
	"$build/telerec" check --json "$work/$file" >"$work/log" 2>&1 || true
	tr -d '\n' <"$work/log" | grep -q "^{.*$file.*}\$" || fail "$file: that is not one JSON object"
done
