#!/bin/bash
# Bit for bit through the whole slot: a page of known pixels on the slot's own X server, recorded on each
# kind of GPU for tests, whose packets decode to what was put in. The file's pictures must equal our
# conversion of the screen. Where no GPU is to be had, software records and the log says why.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
source=${TR_SOURCE_DIR:?}
[ -x "$build/tests/va/gpu_screen" ] || skip "the GPU for tests is not built"
command -v umockdev-run >/dev/null || skip "umockdev is not installed"
slot_can_read_build || skip "the build folder is closed to the slot's user"
chmod 755 "$work"
cp "$source/tests/peers/gpu/screen.html" "$work/screen.html"
page=file://$work/screen.html

# programs NAME TREE WORDS: the programs for such a machine.
programs() {
	TR_BUILD_DIR=$build "$source/tests/peers/gpu/make_programs" "$work/$1" "$2" "$3"
	chmod -R a+rwX "$work/$1/world"
}

# record PROGRAMS NAME [OPTION...]: into $work/out/NAME; its words into $work/NAME.log
record() {
	"$work/$1/telerec" record "$page" --to "$work/out" --name "$2" --size 640x360 --sound none \
		--encoder vaapi "${@:3}" >"$work/$2.log" 2>&1
}

# complain NAME SENTENCE: with the recorder's words.
complain() {
	echo "FAILED: $1: $2" >&2
	tail -n 30 "$work/$1.log" | sed 's/^/  log: /' >&2
	return 1
}

# legs NAME: the encoders that made it, and how many failures there were.
legs() {
	python3 -c 'import json, sys
e = json.load(open(sys.argv[1]))["encoder"]
print(";".join(leg["name"] for leg in e["rungs"]), len(e["failures"]))' "$work/out/$1/report.json"
}

# A GPU has deadlines that a machine with too much to do cannot keep: then another encoder goes on, as
# it should, and this says nothing about pictures. 2: so it was.
on_rung() {
	local got
	got=$(legs "$1")
	# shellcheck disable=SC2053 # a pattern
	[[ $got == $2 ]] || { echo "$1: encoded by $got, not by $2"; return 2; }
}

look() {
	local file=$work/out/$1/$1.mp4 found
	found=$("$build/tests/va/gpu_screen" "$file" "${@:2}") || complain "$1" "$found" || return 1
	decodes_part "$file"
	echo "$1: $(legs "$1"): $found"
}

# Each case: 0; 1: wrong; 2: could not be shown on this machine now.

# exact NAME TREE WORDS RUNG [OPTION...]: every pixel, all of it by a rung of this pattern.
exact() {
	programs "$1" "$2" "$3"
	record "$1" "$1" --for 3s "${@:5}" || complain "$1" "exit code $?" || return 1
	on_rung "$1" "$4 0" || return 2
	look "$1" --numbers 3
}

# One session: what comes second is recorded by software, and the first is not touched.
limited() {
	programs session-limit intel session-limit=1
	"$work/session-limit/telerec" record "$page" --to "$work/out" --name session-limit --size 640x360 \
		--sound none --encoder vaapi >"$work/session-limit.log" 2>&1 &
	local first=$! code=0
	has_fragment() { ended $first || [ -n "$(find "$work/out/session-limit" -name '*.part-*.mp4' -size +100k 2>/dev/null)" ]; }
	wait_until 60 has_fragment || code=1
	[ $code != 0 ] || record session-limit second --for 2s || code=$?
	kill -INT $first 2>/dev/null || true
	wait $first || complain session-limit "exit code $?" || return 1
	[ $code = 0 ] || complain second "exit code $code" || return 1
	on_rung session-limit "$node* 0" || return 2
	on_rung second "libx264 0" || complain second "the limit was not kept" || return 1
	grep "video.encoder asks for vaapi, which cannot be used: " "$work/second.log" ||
		complain second "it is not said why" || return 1
	look session-limit --numbers 3
	look second --lossy
	# and what is not lossless is told from what is
	! "$build/tests/va/gpu_screen" "$work/out/second/second.mp4" >/dev/null ||
		complain second "software's pictures are taken for exact ones"
}

decode_only() {
	programs decode-only intel personality=decode-only
	record decode-only decode-only --for 2s || complain decode-only "exit code $?" || return 1
	on_rung decode-only "libx264 0" || complain decode-only "it encodes" || return 1
	grep "video.encoder asks for vaapi, which cannot be used: .*can decode H.264" "$work/decode-only.log" ||
		complain decode-only "it is not said why" || return 1
	look decode-only --lossy
}

# run COMMAND...: again where the machine was too busy, up to five times.
run() {
	local code turn
	for turn in 1 2 3 4 5; do
		code=0
		"$@" || code=$?
		[ $code = 2 ] || return $code
		rm -rf "$work/out/$2" "$work/out/session-limit" "$work/out/second"
	done
	return 2
}

node="h264_vaapi renderD128"
cases=(
	"exact intel-new intel '' '$node *'"
	"exact intel-old intel-old '' '$node *'"
	"exact lp-only intel personality=lp-only '$node * LP'"
	"exact lp-cqp-only intel personality=lp-cqp-only '$node CQP LP'"
	"exact cqp-only intel cqp-only '$node CQP*'"
	"exact amd amd '' '$node *'"
	"exact qsv intel+qsv '' 'h264_qsv renderD128 *' --encoder qsv"
	"limited ''"
	"decode_only ''"
)
# Two at a time; each in a shell of its own, whose end says how it went.
is_busy=
count_end() {
	local code=0
	wait -n || code=$?
	case $code in
	0) ;;
	2) is_busy=1 ;;
	*) fail "see above" ;;
	esac
}
[ -e "$build/tests/va/test_mfx.so" ] || { # built without libvpl-dev
	for i in "${!cases[@]}"; do [[ ${cases[i]} != *qsv* ]] || unset "cases[$i]"; done
}
running=0
for case in "${cases[@]}"; do
	[ $running -lt 2 ] || { count_end; running=$((running - 1)); }
	(
		trap - EXIT
		eval "run $case"
	) &
	running=$((running + 1))
done
while [ $running -gt 0 ]; do
	count_end
	running=$((running - 1))
done
[ -z "$(pgrep -af "telerec-slot|telerec-encoder" | grep -F "$work" || true)" ] || fail "something is left running"
[ -z "$is_busy" ] || skip "this machine is too busy for a GPU's deadlines"
