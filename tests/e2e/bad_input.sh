#!/bin/bash
# What can be wrong before and during a recording: each a clear sentence, its exit code, nothing left.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

# expect NAME CODE WORDS COMMAND...: runs, wants the exit code (or any but 0 for "x") and the words.
expect() {
	local name=$1 code=$2 words=$3 got=0
	shift 3
	timeout 400 "$@" >"$work/log" 2>&1 || got=$?
	[ "$got" != 124 ] || fail "$name: it hangs"
	if [ "$code" = x ]; then
		[ "$got" != 0 ] || fail "$name: it succeeded"
	else
		[ "$got" = "$code" ] || fail "$name: exit code $got, expected $code"
	fi
	grep -Eqi -- "$words" "$work/log" || fail "$name: no word of '$words'"
	nothing_left_running
	echo "$name: $(grep -Ei -- "$words" "$work/log" | head -n 1)"
}

record=("$build/telerec" record --to "$work/out" --size 640x360 --for 3s)

expect "no arguments" 2 "usage|address" "$build/telerec" record
expect "size 0x0" 2 "0x0|size" "${record[@]}" --size 0x0 "$page"
expect "size 10000x10000" 2 "10000|size" "${record[@]}" --size 10000x10000 "$page"
expect "size of odd numbers" 2 "odd|even|size" "${record[@]}" --size 641x361 "$page"
expect "unknown option" 2 "unknown|option" "${record[@]}" --colour blue "$page"
expect "no URL scheme" 2 "http|address" "${record[@]}" "ftp://example.org/"
expect "no such host" x "name|host|resolve" "${record[@]}" "http://no-such-host.invalid/"
# A port that is taken, so that nobody else is there, and where nobody listens.
coproc shut { exec perl -MIO::Socket::INET -e '$| = 1;
	my $s = IO::Socket::INET->new(Proto => "tcp", LocalAddr => "127.0.0.1") or die;
	print "http://127.0.0.1:", $s->sockport, "/\n"; <STDIN>'; }
read -r -t 80 url <&"${shut[0]}" || fail "no shut port"
shut_pid=$shut_PID # the shell forgets its own as soon as the coprocess ended
expect "connection refused" x "refused|connect" "${record[@]}" "$url"
kill "$shut_pid"
wait "$shut_pid" 2>/dev/null || true
expect "no such browser" x "browser|chromium" "${record[@]}" --browser /nonexistent/chromium "$page"
expect "no such sound device" x "sound" "${record[@]}" --sound hw:NoSuchCard "$page"

printf 'slots = 1;\nqualty = 20;\n' >"$work/telerec.conf"
expect "unknown key" x "telerec.conf:2: .*qualty.*quality" "${record[@]}" --config "$work/telerec.conf" "$page"

# A page that is never complete: its server accepts and says nothing.
coproc hang { exec perl -MIO::Socket::INET -e '$| = 1;
	my $s = IO::Socket::INET->new(Listen => 9, LocalAddr => "127.0.0.1") or die;
	print "http://127.0.0.1:", $s->sockport, "/\n"; my @c; push @c, $s->accept while 1'; }
read -r -t 80 url <&"${hang[0]}" || fail "no silent server"
expect "page that never loads" x "time|load" "${record[@]}" --page-timeout 3s "$url"
kill "$hang_PID"

if [ "$(id -u)" = 0 ]; then
	mkdir -p "$work/small"
	mount -t tmpfs -o size=24m tmpfs "$work/small" || skip "no tmpfs can be mounted here"
	# The disk fills up in the middle, to the last byte.
	(wait_until 60 part_has_pictures && cat /dev/zero >"$work/small/filler" 2>/dev/null) &
	mkdir -p "$work/out" && ln -s ../small/rec "$work/out/rec"
	expect "full disk" x "disk is full" "$build/telerec" record --to "$work/small" --name rec \
		--size 640x360 --for 60s "$page"
	files=("$work"/small/rec/*.mp4)
	[ -s "${files[0]}" ] || fail "full disk: there is no file"
	for file in "${files[@]}"; do
		errors=$(ffmpeg -v error -i "$file" -f null - 2>&1) || fail "full disk: $file: $errors"
		[ -z "$errors" ] || fail "full disk: $file: $errors"
	done
	rm "$work/small/filler"
	mount -o remount,ro "$work/small"
	expect "read-only folder" x "read-only|cannot|write" "$build/telerec" record \
		--to "$work/small/new" --size 640x360 --for 3s "$page"
	umount "$work/small"
fi
