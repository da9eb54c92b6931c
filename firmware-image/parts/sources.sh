# Where packages come from: this machine's own apt configuration, with the image's release in it.

# The entries that are Debian's own archive, in either format, from the files given.
sources_of_host() {
	awk -v suite="$suite" -v ours="$1" -v components="$2" '
		function translate(name) { sub("^" ours, suite, name); return name }
		function is_ours(name) { return name ~ "^" ours "(-updates|-security)?$" }
		function is_debian(uri) { return uri ~ /\/debian(-security)?\/?$/ }
		function emit(uri, names, signed) {
			print "Types: deb\nURIs: " uri "\nSuites:" names "\nComponents: " components
			if (signed) print "Signed-By: " signed
			print ""
		}
		function finish(   n, list, i, names) {
			n = split(suites, list, " ")
			for (i = 1; i <= n; i++) if (is_ours(list[i])) names = names " " translate(list[i])
			if (names && is_debian(uri) && " " parts " " ~ / main /) emit(uri, names, signed)
			uri = suites = parts = signed = ""
		}
		FNR == 1 { finish() }
		/^[ \t]*#/ { next }
		/^[ \t]*$/ { finish(); next }
		/^deb / {
			line = $0; signed = ""
			if (match(line, /\[[^]]*\]/)) {
				options = substr(line, RSTART, RLENGTH)
				if (match(options, /signed-by=[^] ]*/)) signed = substr(options, RSTART + 10, RLENGTH - 10)
				sub(/\[[^]]*\]/, "", line)
			}
			n = split(line, word, " "); uri = word[2]; suites = word[3]; parts = ""
			for (i = 4; i <= n; i++) parts = parts " " word[i]
			finish(); next
		}
		/^URIs:/ { uri = $2 }
		/^Suites:/ { sub(/^Suites: */, ""); suites = $0 }
		/^Components:/ { sub(/^Components: */, ""); parts = $0 }
		/^Signed-By: *[^ ]/ { signed = $2 }
		END { finish() }
	' $3
}

# Sets sources and fetch_options: what mmdebstrap is told.
sources_find() {
	local codename components=main files
	components=main
	[ "$flavour" = small ] || components="main non-free-firmware"
	[ -z "$nonfree_intel" ] || components="$components non-free"
	sources=$cache/new.sources
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	files=$(ls /etc/apt/sources.list /etc/apt/sources.list.d/*.list \
		/etc/apt/sources.list.d/*.sources 2>/dev/null || true)
	if [ -n "${TR_IMAGE_SOURCES:-}" ]; then
		cp "$TR_IMAGE_SOURCES" "$sources"
	elif [ -n "$files" ]; then
		sources_of_host "${codename:-none}" "$components" "$files" >"$sources"
	fi
	# Without any, mmdebstrap has its own idea of where Debian is.
	[ -s "$sources" ] || sources=
	fetch_options=(--components="${components// /,}")
	[ -n "$sources" ] || fetch_options=(--components="${components// /,}")
	apt-config dump 2>/dev/null |
		grep -E '^Acquire::(https?::.*|Retries|Check-Valid-Until|Check-Date) "[^"]' >"$cache/new.apt" || true
	echo 'APT::Install-Recommends "false";' >>"$cache/new.apt"
	echo 'Acquire::Retries "3";' >>"$cache/new.apt"
}

# sources_reach: asks once whether Debian answers, with the host's own way to it.
sources_reached=
sources_reach() {
	local uri
	[ -z "$sources_reached" ] || return 0
	sources_reached=yes
	uri=$(sed -n 's/^URIs: *//p' "${sources:-/dev/null}" | head -n 1)
	[ -n "$uri" ] || return 0
	/usr/lib/apt/apt-helper -o Acquire::Retries=5 download-file "${uri%/}/dists/$suite/InRelease" \
		"$cache/new.release" >>"$log" 2>&1 || cannot "Debian's $suite cannot be fetched from $uri"
}

# no_network: whether what was said last is the network's fault and not the lists' of packages.
no_network() {
	tail -n 60 "$log" | grep -qE 'Failed to fetch|Unable to fetch|Could not (connect|resolve|handshake)|Temporary failure|Connection (failed|timed out)'
}

# fetch OUTPUT PACKAGES [OPTION...]: a Debian with these packages, as a tar if nothing else is said; packages are fetched
# once. Nothing is forced to the disk meanwhile.
fetch() {
	find "$cache/archives" -name '*.deb' -mtime +30 -delete
	for _ in 1 2 3; do
		rm -rf --one-file-system "${1:?}"
		if fetch_once "$@"; then return; fi
		no_network || exit 1
	done
	exit 77
}

fetch_once() {
	local output=$1 packages=$2
	shift 2
	INITRD=No TMPDIR=$cache mmdebstrap --mode=root --variant=minbase --aptopt="$cache/new.apt" \
		--dpkgopt=force-unsafe-io "${fetch_options[@]}" --include="$packages" \
		--skip=essential/unlink,download/empty,cleanup/apt/cache \
		--setup-hook='mkdir -p "$1/var/cache/apt/archives/partial"' \
		--setup-hook="cp -u '$cache'/archives/*.deb \"\$1/var/cache/apt/archives/\" 2>/dev/null || true" \
		--customize-hook="cp -u \"\$1\"/var/cache/apt/archives/*.deb '$cache/archives/'" \
		--customize-hook='rm -rf "$1"/var/cache/apt/archives/*.deb' \
		"$@" "$suite" "$output" ${sources:+"$sources"}
}

# names_in FILE...: the packages of a list, with commas between.
names_in() { sed 's/#.*//' "$@" | tr -s ' \n' '\n' | sed '/^$/d' | sort -u | paste -sd,; }
