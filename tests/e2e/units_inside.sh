# What units.sh runs as root in its container. The last line says "units: all is well".
set -euo pipefail

fail() {
	echo "FAILED: $*"
	systemctl status --no-pager -n 0 telerecd 'telerec-slot@*' | cut -c 1-160
	journalctl -b --no-pager -u telerecd -u 'telerec-slot@*' | tail -n 60
	echo "units: failed"
	exit 1
}
wait_until() {
	local end=$((SECONDS + 4 * $1)) # on a busy machine
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}
api() { curl -s -m 100 -o /report/answer -w '%{http_code}' -H 'Content-Type: application/json' "$@"; }
external=http://127.0.0.1:2222/jibri/api/v1.0
internal=http://127.0.0.1:3333/jibri/api/internal/v1.0
is_healthy() { [ "$(api $external/health)" = 200 ] && grep -q '"IDLE".*"HEALTHY"' /report/answer; }
are_ready() { systemctl show -P StatusText telerecd | grep -q '2 ready'; }
is_gone() { ! systemctl is-active -q telerecd && ! pgrep -u telerec >/dev/null &&
	! pgrep -u telerec-slot-1 >/dev/null && ! pgrep -u telerec-slot-2 >/dev/null; }
pid_of() { systemctl show -P MainPID "$1"; }
user_of() { ps -o user:32= -p "$1" | tr -d ' '; }

# WebRTC wants an interface besides the loopback one; nobody is at its other end.
ip link set lo up
ip link add tr0 type veth peer name tr1 || ip link add tr0 type dummy
ip address add 192.0.2.1/24 dev tr0
ip link set tr0 up
ip link set tr1 up 2>/dev/null || true
ip route add default dev tr0
systemd-sysusers
systemd-tmpfiles --create
cat >/etc/telerec/telerec.conf <<'CONF'
slots = 2;
video: { size = "640x360"; frame_rate = 15; };
sound: { source = "plugin"; };
browser: { allowed_hosts = ["localhost", "127.0.0.1"]; };
finalize: { script = "/report/finalize"; attempts = 1; };
environments = ( { name = "prod"; xmpp_domain = "meet.invalid"; servers = ["127.0.0.1:1"]; } );
CONF
cat >/etc/telerec/secrets.conf <<'CONF'
environments = ( { name = "prod"; control = { password = "hush-control"; };
	call = { password = "hush-call"; }; } );
CONF
chown root:root /etc/telerec/secrets.conf
chmod 600 /etc/telerec/secrets.conf
cat >/report/finalize <<'SCRIPT'
#!/bin/sh
cat "$1/metadata.json" >/tmp/finalized && ls -l "$1" && id -un
SCRIPT
chmod 755 /report /report/finalize

echo "-- the units start"
systemctl daemon-reload
systemctl start telerecd || fail "telerecd does not start"
wait_until 90 are_ready || fail "the slots do not get ready: $(systemctl show -P StatusText telerecd)"
wait_until 30 is_healthy || fail "health: $(cat /report/answer)"
[ "$(user_of "$(pid_of telerecd)")" = telerec ] || fail "telerecd does not run as telerec"
for slot in 1 2; do
	[ "$(user_of "$(pid_of telerec-slot@$slot)")" = "telerec-slot-$slot" ] ||
		fail "slot $slot does not run as telerec-slot-$slot"
	[ "$(systemctl show -P MemoryMax telerec-slot@$slot)" != infinity ] || fail "no limit of memory"
done
has_browser() { pgrep -u telerec-slot-1 -f -- --type=renderer >/dev/null; }
wait_until 30 has_browser || fail "there is no browser"
! pgrep -f -- --no-sandbox >/dev/null || fail "the browser runs without its sandbox"

echo "-- a recording"
coproc server { exec "$PREFIX/libexec/telerec/telerec-demo-meeting"; }
read -r -t 80 url <&"${server[0]}" || fail "the demo meeting does not start"
base=${url%/*}
# start SESSION
start() {
	api "$external/startService" -d '{"sessionId":"'"$1"'","sinkType":"file","callParams":{"callUrlInfo":{"baseUrl":"'"$base"'","callName":"tone440"}},"callLoginParams":{"domain":"recorder.test","username":"recorder","password":"hush-page"}}'
}
[ "$(start one)" = 200 ] || fail "start: $(cat /report/answer)"
folder=/var/lib/telerec/recordings/one
has_part() { compgen -G "$folder/*.part-00$1*" >/dev/null; }
wait_until 60 has_part 1 || fail "nothing is recorded: $(ls -la $folder)"
group=$(stat -c %G $folder)
slot=${group#telerec-slot-}
other=$((3 - slot))
[ "$(stat -c '%U %a' $folder)" = 'telerec 770' ] || fail "the folder is $(stat -c '%U %G %a' $folder)"
! setpriv --reuid "telerec-slot-$other" --regid "telerec-slot-$other" --clear-groups ls $folder \
	>/dev/null 2>&1 || fail "another slot may look into the recording"
! nsenter -t "$(pid_of telerec-slot@$slot)" -m setpriv --reuid "telerec-slot-$slot" \
	--regid "telerec-slot-$slot" --clear-groups ls /etc/telerec >/dev/null 2>&1 ||
	fail "a slot sees the settings"

echo "-- the slot dies, and its recording goes on"
sleep 4
old=$(pid_of telerec-slot@$slot)
kill -KILL "$old"
wait_until 90 has_part 2 || fail "the recording does not go on: $(ls -la $folder)"
[ "$(pid_of telerec-slot@$slot)" != "$old" ] || fail "the slot was not started again"
sleep 4
[ "$(api -X POST "$external/stopService")" = 200 ] || fail "stop: $(cat /report/answer)"
wait_until 90 test -s /tmp/systemd-private-*-telerecd.service-*/tmp/finalized ||
	fail "the finalize script has not read the metadata"
movie=$(ls $folder/tone440_*.mp4)
seconds=$(ffprobe -v error -show_entries format=duration -of csv=p=0 "$movie")
[ "${seconds%.*}" -ge 6 ] || fail "$movie has $seconds s"
is_taken_back() { [ "$(stat -c '%U %G %a' $folder)" = 'telerec telerec 750' ]; }
wait_until 30 is_taken_back || fail "the folder was not taken back: $(stat -c '%U %G %a' $folder)"
setpriv --reuid telerec --regid telerec --init-groups cat "$movie" >/dev/null || fail "telerec cannot read it"

echo "-- no secret lies about"
for pid in $(pgrep -u "telerec-slot-1,telerec-slot-2,telerec"); do
	! grep -qs hush- "/proc/$pid/environ" "/proc/$pid/cmdline" || fail "a secret in process $pid"
done
! journalctl -b --no-pager | grep -q hush- || fail "a secret in the journal"
! setpriv --reuid telerec-slot-1 --regid telerec-slot-1 --clear-groups \
	cat /run/credentials/telerecd.service/secrets.conf >/dev/null 2>&1 || fail "a slot can read the passwords"

echo "-- telerecd dies, and its recording is kept"
wait_until 60 is_healthy || fail "not idle again: $(cat /report/answer)"
[ "$(start two)" = 200 ] || fail "start: $(cat /report/answer)"
folder=/var/lib/telerec/recordings/two
wait_until 60 has_part 1 || fail "nothing is recorded: $(ls -la $folder)"
sleep 4
old=$(pid_of telerecd)
kill -KILL "$old"
has_movie() { compgen -G "$folder/tone440_*[0-9].mp4" >/dev/null; }
wait_until 90 has_movie || fail "the recording was not finished: $(ls -la $folder)"
wait_until 90 are_ready || fail "the recorder does not come back"
[ "$(pid_of telerecd)" != "$old" ] || fail "telerecd was not started again"
wait_until 60 is_taken_back || fail "the folder is $(stat -c '%U %G %a' $folder)"

echo "-- the recorder is restarted, and stopped"
wait_until 60 is_healthy || fail "not idle again: $(cat /report/answer)"
systemctl restart telerecd || fail "it cannot be restarted"
wait_until 90 are_ready || fail "the slots do not come back"
systemctl stop telerecd || fail "it cannot be stopped"
wait_until 30 is_gone || fail "something is left: $(ps -ef | grep '^telerec' | cut -c 1-160)"

echo "-- asked to stay down, it does"
systemctl start telerecd
wait_until 90 are_ready || fail "the slots do not come back"
[ "$(api -X POST "$internal/gracefulShutdown")" = 200 ] || fail "gracefulShutdown: $(cat /report/answer)"
wait_until 60 is_gone || fail "something is left: $(ps -ef | grep '^telerec' | cut -c 1-160)"
sleep 4
is_gone || fail "it was started again"
! journalctl -b --no-pager -u telerecd | grep -qi 'watchdog\|timed out' || fail "a watchdog or a timeout"
echo "units: all is well"
