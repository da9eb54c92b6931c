#!/bin/sh
# Checks that the manual page names the verbs and options that the program's own help names, and
# no others.
set -eu
page=${1:?the source folder}/src/cli/telerec.1
telerec=${2:?the build folder}/telerec
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$telerec" help | sed -n 's/^  \([a-z-]*\)  .*/\1/p' | sort >"$work/verbs"
sed -n 's/^\.Ss telerec \([a-z-]*\).*/\1/p' "$page" | sort >"$work/page-verbs"
for verb in $(cat "$work/verbs"); do
	"$telerec" "$verb" --help | sed -n "s/^  --\([a-z-]*\)[[ ].*/$verb \1/p"
done | sort >"$work/options"
awk '/^\.Ss telerec /{verb = $3} /^\.It Fl Fl /{print verb, $4}' "$page" | sort >"$work/page-options"
# The section of `stream` refers to record's options, and lists only its own.
for option in $(sed -n 's/^record //p' "$work/page-options"); do
	grep -qx "stream $option" "$work/page-options" || sed -i "/^stream $option\$/d" "$work/options"
done
# So do those of the verbs that ask a node to those of `status`.
for verb in $(sed -n 's/ token-file$//p' "$work/options"); do
	for option in node token-file ca-file json; do
		grep -qx "$verb $option" "$work/page-options" ||
			sed -i "/^$verb $option\$/d" "$work/options"
	done
done
diff "$work/verbs" "$work/page-verbs"
diff "$work/options" "$work/page-options"
[ -s "$work/verbs" ] && [ -s "$work/options" ]
