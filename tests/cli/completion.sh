#!/bin/bash
# What the shells are given to complete command lines with, as bash and zsh use it: every verb and
# every option of `telerec help`, files where there may be one, and the settings' names.
set -euo pipefail
telerec=${TR_BUILD_DIR:?}/telerec
work=$(mktemp -d /tmp/telerec-test.XXXXXX)
trap 'rm -rf "$work"' EXIT
cd "$work"
touch a-file.conf

fail() {
	echo "FAILED: $*" >&2
	exit 1
}

"$telerec" completion bash >bash.sh
. ./bash.sh
[[ $(complete -p telerec) == *"-F _telerec telerec" ]] || fail "bash completes nothing"

# completes WORD...: what bash offers behind these words, the last of which is only begun.
completes() {
	COMP_WORDS=("$telerec" "$@")
	COMP_CWORD=$#
	_telerec
	echo "${COMPREPLY[*]}"
}

# offers "WORD..." CHOICE: the choice is among them.
offers() {
	local choices
	choices=" $(completes $1 "${3-}") "
	[[ $choices == *" $2 "* ]] || fail "behind \"$1\" there is no $2, but:$choices"
}

[ "$(completes rec)" = "recordings record" ] || fail "rec: $(completes rec)"
[ "$(completes record)" = "recordings record" ] || fail "record: $(completes record)"
[ "$(completes recordings l)" = list ] || fail "recordings l: $(completes recordings l)"
[ "$(completes status --fo)" = --follow ] || fail "status --fo: $(completes status --fo)"
[ "$(completes status --token-file a-)" = a-file.conf ] || fail "no files for --token-file"
[ "$(completes check a-)" = a-file.conf ] || fail "no files for check"
[ -z "$(completes start --for x)" ] || fail "a time is completed"
[ "$(completes config get video.si)" = video.size ] || fail "no settings' names"
[ "$(completes help reco)" = "recordings record" ] || fail "help: $(completes help reco)"
offers server-config jitsi-meet

# Nothing is forgotten: the lists are those of `telerec help`.
verbs=$("$telerec" help | sed -n 's/^  \([a-z-]*\)  .*/\1/p')
"$telerec" completion zsh >_telerec
for verb in $verbs; do
	[[ " $(completes "") " == *" $verb "* ]] || fail "bash does not know $verb"
	grep -q "^		'$verb:" _telerec || fail "zsh does not know $verb"
	for option in $("$telerec" "$verb" --help | sed -n 's/^  \(--[a-z-]*\)[[ ].*/\1/p'); do
		offers "$verb" "$option" --
		sed -n "/^	$verb)/,/;;/p" _telerec | grep -qe "'$option[=[]" ||
			fail "zsh does not know $verb $option"
	done
done

command -v zsh >/dev/null || exit 0
zsh -n _telerec || fail "zsh cannot read its completion"
# Its own functions are replaced by ones that tell what they are given.
cat >try.zsh <<'ZSH'
_describe() { print -l -- ${(P)2} }
_arguments() { print -l -- "$@" }
words=(telerec "$@") CURRENT=$(($# + 1))
. ./_telerec
ZSH
zsh -f try.zsh "" | grep -q "^import-jibri:.*Jibri's" || fail "zsh: $(zsh -f try.zsh "")"
zsh -f try.zsh check "" | grep -qF '_files' || fail "zsh has no files for check"
zsh -f try.zsh start "" | grep -qF -- '--wait=-[until it is on' || fail "zsh: $(zsh -f try.zsh start "")"
