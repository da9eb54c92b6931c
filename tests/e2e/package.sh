#!/bin/bash
# package.sh SUITE: the Debian package, built in a clean system of that release and put through its
# life in another one: installed, upgraded, removed, purged. Then systemd boots there, and the package
# takes the place of a Jibri that runs, records a meeting, and is upgraded while it does.
#
# package.sh sources: only what can be seen in debian/.
#
# package_inside.sh is what runs in those systems, which are containers below /tmp.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

suite=$1
source=${TR_SOURCE_DIR:?}

# The release of the package and of the programs is one, and what they are built from is said twice.
check_sources() {
	local version package except
	version=$(sed -n 's/^project(telerec VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")
	head -n 1 "$source/debian/changelog" | grep -qF "telerec ($version)" ||
		fail "debian/changelog does not begin with version $version"
	except=' gcc libc6-dev ffmpeg libcmocka-dev libyuv-dev '
	for package in $(sed -n '/^build_packages="/,/"$/p' "$source/quickstart" | tr -d '"' |
		sed 's/build_packages=//'); do
		[[ $except == *" $package "* ]] || grep -q "^ $package\b" "$source/debian/control" ||
			fail "quickstart builds with $package, which debian/control does not name"
	done
	for script in "$source"/debian/*.p{ost,re}{inst,rm}; do
		[ ! -e "$script" ] || sh -n "$script" || fail "$script is no shell script"
	done
	[ -x "$source/debian/rules" ] || fail "debian/rules cannot be run"
}
if [ "$suite" = sources ]; then
	check_sources
	exit 0
fi

[ "$(id -u)" = 0 ] || skip "only root can make a system"
for tool in mmdebstrap systemd-nspawn; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done

container=
leave() {
	if [ -n "$container" ]; then
		# Its init, and everything with it; then systemd-nspawn ends by itself.
		pkill -KILL -P "$container" 2>/dev/null || true
		wait_until 10 ended "$container" || kill -KILL "$container" 2>/dev/null || true
		wait "$container" 2>/dev/null || true
	fi
	# It has made groups below our own.
	for group in $(sed -n 's,^[0-9]*:name=systemd:,systemd,p; s,^0::\(.*\),unified\1 .\1,p' /proc/self/cgroup); do
		find "/sys/fs/cgroup/$group/payload" "/sys/fs/cgroup/$group/supervisor" -depth -type d \
			-exec rmdir {} + 2>/dev/null || true
	done
	clean_up
}
trap leave EXIT

# make_system NAME: a small Debian below $work.
make_system() {
	local root=$work/$1
	mkdir -p "$root"
	tar -C "$root" -xf "$work/base.tar"
	cp /etc/resolv.conf "$root/etc/resolv.conf"
	cp -n /etc/apt/apt.conf.d/*proxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
	mkdir -p "$root/report"
	cp "$(dirname "$0")/package_inside.sh" "$root/report/inside"
}

# run_in NAME VERB: the container has this machine's network, and no systemd.
run_in() {
	local code=0
	timeout 1800 systemd-nspawn -q -D "$work/$1" --register=no --keep-unit --pipe --resolv-conf=off --timezone=off \
		/bin/bash /report/inside "$2" </dev/null >"$work/log" 2>&1 || code=$?
	grep '^== ' "$work/log" || true
	[ $code = 0 ] && return
	grep -i 'error\|FAILED' "$work/log" | tail -n 20 >&2 || true
	fail "$suite: $2"
}

mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true; } |
	awk '{ for (i = 1; i <= NF; i++) if (!found && $i ~ /^https?:.*\/debian\/?$/) found = $i }
		END { print found ? found : "http://deb.debian.org/debian" }')
mmdebstrap --quiet --variant=apt --include=ca-certificates "$suite" "$work/base.tar" "$mirror" \
	>"$work/log" 2>&1 || fail "mmdebstrap $suite"
make_system builder
make_system node
rm "$work/base.tar"

mkdir -p "$work/builder/build/telerec"
git -C "$source" ls-files -z --cached --others --exclude-standard |
	tar -C "$source" --null -T - -cf - | tar -C "$work/builder/build/telerec" -xf -
run_in builder build
cp "$work"/builder/build/*.deb "$work/node/report/"
rm -rf "$work/builder"
run_in node life

# Only our units, and what they stand on.
units=$work/node/etc/systemd/system
cat >"$units/telerec-test.target" <<'UNIT'
[Unit]
Requires=basic.target telerec-test.service
After=basic.target
UNIT
cat >"$units/telerec-test.service" <<UNIT
[Unit]
After=basic.target
[Service]
Type=oneshot
TimeoutStartSec=900
Environment=DEMO_MEETING=$build/telerec-demo-meeting E2E=$source/tests/e2e
ExecStart=/bin/bash /report/inside booted
StandardOutput=file:/report/out
StandardError=inherit
UNIT
rm -f "$work/node/etc/machine-id"
: >"$work/node/etc/machine-id"
# The systemd of Debian 13 wants control groups of version 2 only.
[ "$suite" = bookworm ] || export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
systemd-nspawn -q -D "$work/node" --register=no --keep-unit --private-network --link-journal=no \
	--resolv-conf=off --timezone=off --bind-ro="$source" --bind-ro="$build" --console=pipe -b \
	systemd.unit=telerec-test.target </dev/null >"$work/log" 2>&1 &
container=$!
out=$work/node/report/out
is_over() { ended "$container" || grep -q '^package: ' "$out" 2>/dev/null; }
if ! wait_until 60 test -e "$out"; then
	skip "systemd does not come up in a container here: $(tail -n 1 "$work/log")"
fi
wait_until 900 is_over || fail "the container says: $(tail -n 40 "$out")"
grep '^== ' "$out" || true
grep -qx 'package: all is well' "$out" || fail "the container says: $(tail -n 80 "$out")"
