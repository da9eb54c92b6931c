#!/bin/sh
# fuzz.sh NAME SECONDS SOURCE_DIR BUILD_DIR LIBRARY... -- SOURCE...: so long of libFuzzer. Each parser
# is built by itself, because only clang can do this.
set -eu
name=$1 seconds=$2 sources=$3 build=$4
shift 4
if ! command -v clang >/dev/null; then
	echo "skipped: there is no clang here"
	exit 77
fi
libraries=
while [ "$1" != -- ]; do
	libraries="$libraries $1"
	shift
done
shift
work=$build/fuzz-$name-$seconds
mkdir -p "$work/found"
cd "$sources"
# shellcheck disable=SC2046,SC2086
clang -g -O1 -std=gnu17 -D_GNU_SOURCE -DTR_VERSION='"fuzz"' -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=all -Isrc -Itests $(pkg-config --cflags jansson $libraries) \
	-o "$work/fuzz" "tests/fuzz/fuzz_$name.c" "$@" $(pkg-config --libs $libraries) -lm
cd "$work"
# libconfig itself loses a string when the syntax is wrong, so leaks are left to the unit tests.
export ASAN_OPTIONS=detect_leaks=0
exec ./fuzz -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -error_exitcode=1 \
	-verbosity=0 found "$sources/tests/fuzz/corpus/$name"
