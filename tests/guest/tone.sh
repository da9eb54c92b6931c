#!/bin/sh
# tone.sh MOVIE HERTZ [any]: says the frequency and the level of the sound in a recording; 0 when it is this
# frequency (one that divides 48000) at the level at which image_browser.pl plays, or at any.
#
# From one rising zero crossing to the next it is a period; the most frequent one counts, for a machine that
# is too slow leaves gaps, and a codec's noise around them does not count. The level is that of the loudest tenth
# of a second.
set -eu
ffmpeg -loglevel error -i "$1" -ac 1 -ar 48000 -f s16le - | od -An -v -w2 -t d2 |
	awk -v wanted="$2" -v any="${3:+1}" '{
		n++
		if (last < 0 && $1 >= 0) { if (top > 1000) seen[n - at]++; at = n; top = 0 }
		if ($1 > top) top = $1
		last = $1
		sum += $1 * $1
		if (n % 4800 == 0) { if (sum > loudest) loudest = sum; sum = 0 }
	} END {
		for (d in seen) if (seen[d] > most) { most = seen[d]; best = d }
		hertz = most >= 100 ? 48000 / best : 0
		level = loudest ? 10 * log(loudest / 4800 / 32768 / 32768) / log(10) : -99
		printf "tone: %d Hz, %d periods of %.1f s, %.1f dB\n", hertz, most, n / 48000, level
		exit !(hertz == wanted && (any || (level > -14.8 && level < -11.8)))
	}'
