# package_inside.sh VERB: what package.sh runs as root in its containers. The packages are beside it.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root

fail() {
	echo "FAILED: $*"
	if [ -d /run/systemd/system ]; then
		systemctl status --no-pager -n 0 telerecd telerec-upgrade 'telerec-slot@*' | cut -c 1-160
		journalctl -b --no-pager -u telerecd -u telerec-upgrade -u 'telerec-slot@*' | tail -n 60
	fi
	echo "package: failed"
	exit 1
}
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}
apt() { apt-get -q -y --no-install-recommends -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold "$@"; }
status_of() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null || true; }

# repack VERSION: the package once more, under another version and with other files of settings.
repack() {
	local to=/tmp/repack
	dpkg-deb -R /build/telerec.deb $to
	sed -i "s/^Version: .*/Version: $version$1/" $to/DEBIAN/control
	echo "# as of $1" >>$to/etc/telerec/telerec.conf
	echo >>$to/etc/chromium/policies/managed/telerec.json
	dpkg-deb --root-owner-group -b $to "/build/$2.deb"
	rm -r $to
}

# A package with what matters of Jibri's: services that are conffiles, and its settings.
make_jibri() {
	local to=/tmp/jibri unit
	mkdir -p $to/DEBIAN $to/etc/jitsi/jibri $to/etc/systemd/system $to/opt/jitsi/jibri
	cat >$to/DEBIAN/control <<-'CONTROL'
		Package: jibri
		Version: 8.0
		Architecture: all
		Maintainer: nobody <nobody@localhost>
		Description: stands in for Jibri
	CONTROL
	printf '#!/bin/sh\nexec sleep infinity\n' >$to/opt/jitsi/jibri/launch.sh
	chmod 755 $to/opt/jitsi/jibri/launch.sh
	echo 'jibri { id = "old" }' >$to/etc/jitsi/jibri/jibri.conf
	for unit in jibri jibri-xorg jibri-icewm; do
		printf '[Service]\nExecStart=/opt/jitsi/jibri/launch.sh\nRestart=always\n[Install]\nWantedBy=%s\n' \
			"$([ $unit = jibri ] && echo multi-user.target || echo jibri.service)" \
			>$to/etc/systemd/system/$unit.service
	done
	(cd $to && find etc -type f -printf '/%p\n' | sort >DEBIAN/conffiles)
	dpkg-deb --root-owner-group -b $to /build/jibri.deb
}

build() {
	local file
	apt-get -q update
	apt install build-essential lintian
	cd /build/telerec
	apt build-dep ./
	echo "== the package is built"
	dpkg-buildpackage -us -uc -b
	echo "== lintian finds no error"
	lintian --allow-root --fail-on error /build/telerec_*.changes >/tmp/tags || fail "lintian: $(cat /tmp/tags)"
	sed 's/^/== /' /tmp/tags
	version=$(dpkg-parsechangelog -S Version)
	for file in bin/telerec sbin/telerecd libexec/telerec/telerec-{slot,encoder}; do
		readelf -hdW "debian/telerec/usr/$file" >/tmp/elf
		grep -q 'DYN (' /tmp/elf && grep -q 'NOW' /tmp/elf || fail "$file is not hardened"
	done
	mv /build/telerec_*.deb /build/telerec.deb
	rm /build/telerec-dbgsym_*.deb
	repack '~before' before
	repack '+after' after
	make_jibri
}

is_installed() {
	local file user changed
	[ "$(status_of telerec)" = 'install ok installed' ] || fail "it is \"$(status_of telerec)\""
	changed=$(dpkg -V telerec | grep -v ' c ' || true)
	[ -z "$changed" ] || fail "files are not as they came: $changed"
	for file in /usr/bin/telerec /usr/sbin/telerecd /usr/libexec/telerec/{telerec-slot,telerec-encoder,*.so}; do
		! ldd "$file" | grep 'not found' || fail "$file lacks a library"
	done
	telerec version >/dev/null || fail "telerec does not run"
	telerecd --check || fail "telerecd refuses the settings that it came with"
	for user in telerec telerec-slot-1 telerec-slot-16; do
		getent passwd $user >/dev/null || fail "there is no user $user"
	done
	id -nG telerec | grep -qw telerec-slot-16 || fail "telerec is in $(id -nG telerec)"
	[ "$(stat -c '%U %G %a' /var/lib/telerec/recordings)" = 'telerec telerec 750' ] ||
		fail "recordings: $(stat -c '%U %G %a' /var/lib/telerec/recordings)"
	[ ! -e /etc/systemd/system/multi-user.target.wants/telerecd.service ] ||
		fail "the service was enabled without being asked for"
}

is_gone() {
	[ ! -e /usr/bin/telerec ] && [ ! -e /usr/sbin/telerecd ] && [ ! -e /usr/libexec/telerec ] ||
		fail "programs are left"
}

life() {
	local left policies=/etc/chromium/policies/managed/telerec.json
	local recording=/var/lib/telerec/recordings/one/one.mp4 conf=/etc/telerec/telerec.conf
	cd /report
	apt-get -q update
	# What the booted system needs, and only that besides what the package asks for.
	apt install systemd systemd-sysv procps iproute2 curl python3 prosody openssl ffmpeg

	echo "== installed"
	apt install ./before.deb
	is_installed
	grep -qx '# as of ~before' $conf || fail "the settings are not those of the package"

	echo "== upgraded"
	echo '# mine' >>$conf
	echo 'environments = ( );' >/etc/telerec/secrets.conf
	chmod 600 /etc/telerec/secrets.conf
	mkdir -p ${recording%/*}
	echo movie >$recording
	touch /var/lib/telerec/some-state
	apt install ./telerec.deb
	is_installed
	grep -qx '# mine' $conf || fail "the upgrade has lost the administrator's settings"
	[ -n "$(tail -n 1 $policies)" ] || fail "the upgrade has not renewed the policies"
	[ "$(stat -c '%U %G %a' /etc/telerec/secrets.conf)" = 'root telerec 640' ] ||
		fail "secrets.conf is $(stat -c '%U %G %a' /etc/telerec/secrets.conf)"

	echo "== removed"
	apt remove telerec
	is_gone
	for left in $conf /etc/telerec/secrets.conf $recording /var/lib/telerec/some-state $policies; do
		[ -e "$left" ] || fail "the removal has taken $left"
	done
	getent passwd telerec >/dev/null || fail "the removal has taken the user"

	echo "== installed again, and purged"
	apt install ./telerec.deb
	is_installed
	grep -qx '# mine' $conf || fail "the administrator's settings are lost"
	apt purge telerec | tee /tmp/said
	is_gone
	grep -q 'recordings .* are kept' /tmp/said || fail "the purge does not say that it keeps recordings"
	[ -s $recording ] || fail "the purge has taken a recording"
	for left in /etc/telerec $policies /var/log/telerec /var/lib/telerec/some-state; do
		[ ! -e "$left" ] || fail "the purge has left $left"
	done

	echo "== purged without a recording, nothing is left"
	apt install ./telerec.deb
	rm -r ${recording%/*}
	apt purge telerec
	left=$(find /etc /usr /lib /var /opt /run /tmp -xdev -name '*telerec*' ! -path '/var/lib/apt/*')
	[ -z "$left" ] || fail "the purge has left $left"
}

api() { curl -s -m 100 -o /report/answer -w '%{http_code}' -H 'Content-Type: application/json' "$@"; }
external=http://127.0.0.1:2222/jibri/api/v1.0
are_ready() { systemctl show -P StatusText telerecd | grep -q '1 ready'; }
is_healthy() { [ "$(api $external/health)" = 200 ] && grep -q '"IDLE".*"HEALTHY"' /report/answer; }
is_busy() { [ "$(api $external/health)" = 200 ] && grep -q '"BUSY"' /report/answer; }
pid_of() { systemctl show -P MainPID "$1"; }
is_another() { [ "$(pid_of telerecd)" != "$1" ] && [ "$(pid_of telerecd)" != 0 ] && are_ready; }

# WebRTC wants an interface besides the loopback one; nobody is at its other end.
make_network() {
	ip link set lo up
	ip link add tr0 type veth peer name tr1 || ip link add tr0 type dummy
	ip address add 192.0.2.1/24 dev tr0
	ip link set tr0 up
	ip link set tr1 up 2>/dev/null || true
	ip route add default dev tr0
}

replace_jibri() {
	local unit
	echo "== a Jibri that runs is replaced"
	dpkg -i jibri.deb
	systemctl daemon-reload
	systemctl -q enable --now jibri-xorg jibri-icewm jibri
	systemctl -q is-active jibri || fail "the test's own Jibri does not run"
	apt install ./telerec.deb | tee /tmp/said
	is_installed
	grep -q 'services are stopped and disabled' /tmp/said || fail "it does not say what became of Jibri"
	grep -q 'telerec import-jibri /etc/jitsi/jibri/jibri.conf' /tmp/said || fail "it offers no import"
	[ "$(status_of jibri)" = 'deinstall ok config-files' ] || fail "jibri is \"$(status_of jibri)\""
	grep -q old /etc/jitsi/jibri/jibri.conf || fail "Jibri's settings are gone"
	for unit in jibri jibri-xorg jibri-icewm; do
		! systemctl -q is-active $unit || fail "$unit still runs"
		! systemctl -q is-enabled $unit 2>/dev/null || fail "$unit is still enabled"
	done
	! pgrep -f jibri/launch.sh || fail "a process of Jibri's is left"
	! systemctl -q is-active telerecd || fail "telerecd was started before it was set up"
}

set_up() {
	echo "== the service comes up"
	cat >/etc/telerec/telerec.conf <<-'CONF'
		slots = 1;
		video: { size = "640x360"; frame_rate = 15; };
		browser: { allowed_hosts = ["localhost", "127.0.0.1"]; };
	CONF
	systemctl enable --now telerecd || fail "telerecd does not start"
	wait_until 120 are_ready || fail "the slot does not get ready: $(systemctl show -P StatusText telerecd)"
	wait_until 30 is_healthy || fail "health: $(cat /report/answer)"
	! pgrep -f -- --no-sandbox >/dev/null || fail "the browser runs without its sandbox"
}

record_over_an_upgrade() {
	local url base old folder=/var/lib/telerec/recordings/one movie said
	echo "== a recording through Jibri's HTTP API, and an upgrade while it runs"
	coproc server { exec "$DEMO_MEETING"; }
	read -r -t 80 url <&"${server[0]}" || fail "the demo meeting does not start"
	base=${url%/*}
	[ "$(api "$external/startService" -d '{"sessionId":"one","sinkType":"file","callParams":{"callUrlInfo":{"baseUrl":"'"$base"'","callName":"tone440"}},"callLoginParams":{"domain":"recorder.test","username":"recorder","password":"hush-page"}}')" = 200 ] ||
		fail "start: $(cat /report/answer)"
	has_part() { compgen -G "$folder/*.part-001*" >/dev/null; }
	wait_until 60 has_part || fail "nothing is recorded: $(ls -la $folder)"
	old=$(pid_of telerecd)
	apt install ./after.deb | tee /tmp/said
	grep -q 'a recording is running' /tmp/said || fail "the upgrade does not say that it waits"
	[ "$(pid_of telerecd)" = "$old" ] && is_busy || fail "the upgrade has cut the recording"
	sleep 4
	[ "$(api -X POST "$external/stopService")" = 200 ] || fail "stop: $(cat /report/answer)"
	wait_until 120 is_another "$old" || fail "the new version does not come up after the recording"
	movie=$(ls $folder/tone440_*.mp4)
	said=$(telerec check "$movie") || fail "check: $said"
	echo "$said"
	! compgen -G "$folder/*.part-002*" >/dev/null || fail "the recording was interrupted"
	waits() { systemctl -q is-active telerec-upgrade; }
	gone() { ! waits; }
	wait_until 30 gone || fail "telerec-upgrade.service is left"

	echo "== an upgrade while nothing runs"
	old=$(pid_of telerecd)
	apt install --reinstall ./after.deb
	wait_until 120 is_another "$old" || fail "the new version was not started"
}

record_by_xmpp() {
	echo "== a recording through XMPP"
	systemctl -q disable --now prosody 2>/dev/null || true
	python3 -B "$E2E/package_xmpp.py" "${DEMO_MEETING%/*}" || fail "no recording through XMPP"
}

remove_it() {
	echo "== removed while it runs"
	apt remove telerec
	! systemctl -q is-active telerecd && ! pgrep -u telerec,telerec-slot-1 ||
		fail "something still runs"
	apt purge telerec
	[ ! -e /etc/systemd/system/multi-user.target.wants/telerecd.service ] &&
		[ ! -L /etc/systemd/system/multi-user.target.wants/telerecd.service ] ||
		fail "the purge has left the service enabled"
	compgen -G '/var/lib/telerec/recordings/one/*.mp4' >/dev/null || fail "the recording is gone"
}

booted() {
	cd /report
	make_network
	replace_jibri
	set_up
	record_over_an_upgrade
	record_by_xmpp
	remove_it
	echo "package: all is well"
}

"$1"
