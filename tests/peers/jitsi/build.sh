#!/bin/bash
# build.sh FOLDER: makes FOLDER/www, the pages of the test client with lib-jitsi-meet from npm.
# The library is fetched and bundled once for each state of the package files. Exit code 77: it
# cannot be made here (no Node.js, no npm registry).
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/npm" "$1/www"
out=$(cd "$1" && pwd)

skip() {
	echo "skipped: $*"
	exit 77
}

# The library wants two of its parts from GitHub; package-lock.json says by hand that they are the
# registry's, as Debian 12's npm cannot read such overrides in a package.json.
fetch() {
	cp "$here/package.json" "$here/package-lock.json" "$out/npm/"
	cd "$out/npm"
	npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=2 >log 2>&1 && return
	! grep -Eq 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|SELF_SIGNED_CERT|UNABLE_TO_|E40[0-9]|E50[0-9]' log ||
		skip "the npm registry does not give the packages: $(grep -Em1 'npm ERR!|npm error' log)"
	cat log >&2
	exit 1
}

# The library is written for webpack, which defines these three.
bundle() {
	node_modules/.bin/esbuild node_modules/@lyno/lib-jitsi-meet/dist/index.js --bundle \
		--platform=browser --format=iife --global-name=JitsiMeetJS --log-level=warning \
		--define:global=window '--define:__filename="lib-jitsi-meet"' \
		'--define:process.env.NODE_ENV="production"' --outfile="$out/www/lib-jitsi-meet.js"
}

exec 9>"$out/lock"
flock 9
cp "$here"/www/* "$out/www/"
cp "$out/www/client.html" "$out/www/index.html" # any path is a room
stamp=$(cat "$here/package.json" "$here/package-lock.json" "$here/build.sh" | sha256sum)
[ "$(cat "$out/stamp" 2>/dev/null)" != "$stamp" ] || exit 0
command -v npm >/dev/null || skip "npm is not installed"
[ "$(node -p 'parseInt(process.versions.node)' 2>/dev/null || echo 0)" -ge 18 ] ||
	skip "Node.js 18 or later is not installed"
fetch
bundle
echo "$stamp" >"$out/stamp"
