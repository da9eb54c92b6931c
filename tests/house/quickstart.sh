#!/bin/sh
# quickstart on machines that lack something: what it says to whom cannot install it.
set -eu
source=${1:?the source folder}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A machine with these programs only: no package is installed, no sudo, no network.
mkdir "$work/bin" "$work/here"
for program in bash cat dirname grep id mktemp readlink rm; do
	ln -s "$(command -v $program)" "$work/bin/$program"
done
printf '#!/bin/sh\nexit 1\n' >"$work/bin/dpkg-query"
printf '#!/bin/sh\necho "E: Unable to locate package gcc"; exit 100\n' >"$work/bin/apt-get"
chmod 755 "$work" "$work/bin/dpkg-query" "$work/bin/apt-get"
cp "$source/quickstart" "$work/here/quickstart"

# try AS...: what `quickstart $words` says, and its code as the last line.
words=build
try() {
	code=0
	# shellcheck disable=SC2086
	"$@" env -i PATH="$work/bin" "$work/bin/bash" "$work/here/quickstart" $words 2>&1 || code=$?
	echo "code $code"
}
expect() {
	case $said in
	*"$1"*) ;;
	*) echo "it says: $said"; echo "and not: $1"; exit 1 ;;
	esac
}

if [ "$(id -u)" = 0 ]; then
	said=$(try)
	expect "trying again with fresh package lists"
	expect "E: Unable to locate package gcc"
	expect "code 100"
	as_nobody="setpriv --reuid 65534 --regid 65534 --clear-groups"
fi
said=$(try ${as_nobody:-})
expect "there is no sudo. Run as root: apt-get install --no-install-recommends gcc "
expect "code 1"

# What it does not know it does not begin.
for words in "test --help" "test --all 5" "build telerec" "clean up"; do
	said=$(try)
	expect "quickstart: \"${words%% *}\" takes no \"${words##* }\""
	expect "code 2"
done
