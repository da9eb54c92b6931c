#!/bin/bash
# Finished recordings on their way to a real SFTP server and a real WebDAV server: what a person gets to
# hear before it works, that whole files arrive and only whole folders are seen, that a server that goes
# away in the middle and a telerecd that is killed in the middle cost nothing but time, and that no secret
# gets out.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
for tool in rclone ssh-keyscan ssh-keygen openssl python3 curl; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done
[ -x /usr/sbin/sshd ] || skip "openssh-server is not installed"
[ -x /usr/sbin/nginx ] || skip "nginx is not installed"
[ -e /usr/lib/nginx/modules/ngx_http_dav_ext_module.so ] ||
	skip "libnginx-mod-http-dav-ext is not installed"

daemon= sshd= nginx=
# A server's sessions are children of their own.
end_sshd() {
	[ -n "$sshd" ] || return 0
	local process children="$sshd" all=
	while [ -n "$children" ]; do
		all="$all $children"
		children=$(for process in $children; do pgrep -P "$process" || true; done)
	done
	kill -KILL $all 2>/dev/null || true
	wait "$sshd" 2>/dev/null || true
	sshd=
}
end_all() {
	[ -z "$daemon" ] || kill -TERM "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait_until 60 ended "$daemon" || kill -KILL "$daemon" 2>/dev/null || true
	end_sshd
	[ -z "$nginx" ] || kill -TERM "$nginx" 2>/dev/null || true
	! mountpoint -q "$work/nas/small" 2>/dev/null || umount "$work/nas/small"
	clean_up
}
trap end_all EXIT

free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}
me=$(id -un)
socket=$work/control.sock
ssh_port=$(free_port)
web_port=$(free_port)
password=Geheimnis-$RANDOM$RANDOM
mkdir "$work/nas" "$work/dav" "$work/body" "$work/out"

# ---- the servers ----

ssh-keygen -q -t ed25519 -N '' -f "$work/host"
ssh-keygen -q -t ecdsa -N '' -f "$work/host2"
ssh-keygen -q -t ed25519 -N '' -f "$work/user"
[ "$(id -u)" != 0 ] || mkdir -p /run/sshd
cat >"$work/sshd.conf" <<CONF
Port $ssh_port
ListenAddress 127.0.0.1
HostKey $work/host
HostKey $work/host2
PidFile none
AuthorizedKeysFile $work/user.pub
StrictModes no
UsePAM no
PasswordAuthentication no
Subsystem sftp internal-sftp
CONF
# From 9.8 on it refuses an address for a while that often comes without logging in, as tests do.
! /usr/sbin/sshd -t -f "$work/sshd.conf" -o PerSourcePenalties=no 2>/dev/null ||
	echo "PerSourcePenalties no" >>"$work/sshd.conf"
ssh_is_up() { (exec 3<>"/dev/tcp/127.0.0.1/$ssh_port") 2>/dev/null; }
start_sshd() {
	setsid /usr/sbin/sshd -D -f "$work/sshd.conf" -E "$work/sshd.log" </dev/null >/dev/null 2>&1 &
	sshd=$!
	wait_until 20 ssh_is_up || fail "no SSH server: $(cat "$work/sshd.log")"
}
start_sshd

echo "recorder:$(openssl passwd -apr1 "$password")" >"$work/users"
user_line=
[ "$(id -u)" != 0 ] || user_line="user root;"
cat >"$work/nginx.conf" <<CONF
daemon off; $user_line worker_processes 1; pid $work/nginx.pid; error_log $work/nginx.log;
load_module /usr/lib/nginx/modules/ngx_http_dav_ext_module.so;
events { worker_connections 64; }
http {
	access_log off; client_body_temp_path $work/body; client_max_body_size 0;
	proxy_temp_path $work/body; fastcgi_temp_path $work/body; uwsgi_temp_path $work/body; scgi_temp_path $work/body;
	server {
		listen 127.0.0.1:$web_port; root $work/dav;
		location / {
			dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS;
			auth_basic x; auth_basic_user_file $work/users;
		}
	}
}
CONF
/usr/sbin/nginx -c "$work/nginx.conf" -e "$work/nginx.log" </dev/null >/dev/null 2>&1 &
nginx=$!
web_is_up() { (exec 3<>"/dev/tcp/127.0.0.1/$web_port") 2>/dev/null; }
wait_until 20 web_is_up || fail "no web server: $(cat "$work/nginx.log")"

# ---- the settings ----

# configure HOST_KEYS_LINE BANDWIDTH
configure() {
	cat >"$work/telerec.conf" <<CONF
recordings = "$work/out";
slots = 1;
sound: { source = "none"; };
jibri_http: { external_port = "off"; internal_port = "off"; };
api: { socket = "$socket"; };
storage: { uploads = (
	{ name = "nas"; url = "sftp://$me@127.0.0.1:$ssh_port$work/nas"; key_file = "$work/user"; $1 bandwidth = "$2"; },
	{ name = "web"; url = "webdav://recorder@127.0.0.1:$web_port"; } ); };
CONF
}
configure "" 0
(umask 077 && echo "storage: { uploads = ( { name = \"web\"; password = \"$password\"; } ); };" >"$work/secrets.conf")

# expects CODE WORDS ARGUMENT...: telerec's exit code, and words in what it says.
expects() {
	local wanted=$1 words=$2 code=0
	shift 2
	"$build/telerec" "$@" >"$work/said" 2>&1 </dev/null || code=$?
	[ $code = "$wanted" ] || fail "telerec $*: code $code, expected $wanted: $(cat "$work/said")"
	grep -qF -- "$words" "$work/said" || fail "telerec $*: \"$words\" is not in: $(cat "$work/said")"
}
try() { expects "$1" "$2" upload test "$3" --config "$work/telerec.conf"; }
# try_json CAUSE: the settings of a target on standard input.
try_json() {
	local code=0
	"$build/telerec" upload test --stdin --json >"$work/said" 2>&1 || code=$?
	[ $code = 1 ] && grep -qF "\"cause\": \"$1\"" "$work/said" ||
		fail "code $code, and \"$1\" is not in: $(cat "$work/said")"
}

# ---- before it works ----

expects 0 "nas" upload list --config "$work/telerec.conf"
try 1 "no host key of it is in telerec.conf" nas
keys=$(sed -n 's/^ *\(host_keys = .*\)$/\1/p' "$work/said")
[ -n "$keys" ] || fail "the test does not show the host keys: $(cat "$work/said")"
expects 0 "$(ssh-keygen -lf "$work/host.pub" | cut -d' ' -f2)" upload trust nas --config "$work/telerec.conf"
other=$(ssh-keygen -y -f "$work/user" | cut -d' ' -f1,2)
configure "host_keys = [ \"$other\" ];" 0
try 1 "shows a host key that is not in telerec.conf" nas
configure "$keys" 0
try 0 "has taken it" nas
try 0 "has taken it" web
expects 0 "the target nas takes files" doctor --only uploads --config "$work/telerec.conf"
try_json login <<<"{\"url\": \"webdav://recorder@127.0.0.1:$web_port\", \"password\": \"$password-not\"}"
! grep -qF "$password" "$work/said" || fail "the password is shown: $(cat "$work/said")"
try_json no-place <<<"{\"url\": \"webdav://recorder@127.0.0.1:$web_port/none\", \"password\": \"$password\"}"
try_json refused <<<"{\"url\": \"webdav://recorder@127.0.0.1:$(free_port)\", \"password\": \"$password\"}"
[ -z "$(find "$work/nas" "$work/dav" -name ".telerec*")" ] || fail "a test leaves files at the target"

# ---- recordings ----

# make_recording NAME MIB
make_recording() {
	mkdir "$work/out/$1"
	head -c $(($2 * 1048576)) /dev/urandom >"$work/out/$1/film.mp4"
	echo '{"grade": "A"}' >"$work/out/$1/report.json"
	cat >"$work/out/$1/state.json" <<JSON
{"schema": 1, "state": "done", "session_id": "$1", "url": "https://meet.example.org/$1", "name": "film",
 "file": "film.mp4", "reason": "", "created": "2026-11-21T04:13:00Z", "created_ns": 1795234380000000000,
 "bytes": $(($2 * 1048576)), "duration_ns": 60000000000, "parts": []}
JSON
}
start_daemon() {
	rm -f "$socket"
	"$build/telerecd" --config "$work/telerec.conf" >>"$work/log" 2>&1 &
	daemon=$!
	wait_until 60 [ -S "$socket" ] || fail "there is no socket"
}
stop_daemon() {
	kill -TERM "$daemon"
	wait_until 60 ended "$daemon" || fail "telerecd does not end"
	wait "$daemon" 2>/dev/null || true
	daemon=
}
# state RECORDING TARGET
state() {
	curl -s --max-time 20 --unix-socket "$socket" "http://localhost/v1/recordings/$1" | python3 -c '
import json, sys
print({u["name"]: u["state"] for u in json.load(sys.stdin)["uploads"]}.get(sys.argv[1]))' "$2" 2>/dev/null || true
}
is() { [ "$(state "$1" "$2")" = "$3" ]; }
# arrived RECORDING FOLDER
arrived() {
	for file in film.mp4 report.json; do
		cmp "$work/out/$1/$file" "$2/$1/$file" || fail "$file of $1 is another one in $2"
	done
	[ ! -e "$2/$1/state.json" ] || fail "state.json of $1 was uploaded"
	[ ! -e "$2/.telerec-part-$1" ] || fail "the hidden folder of $1 is still there"
}
node() { expects 0 "" "$1" --node "$socket" "${@:2}"; }

make_recording first 3
start_daemon
expects 1 "there is no such recording" recordings upload nobody --node "$socket"
node recordings upload first
wait_until 60 is first nas done || fail "first is not on the nas: $(state first nas)"
wait_until 60 is first web done || fail "first is not in the web: $(state first web)"
arrived first "$work/nas"
arrived first "$work/dav"
[ -e "$work/out/first/.taken-over" ] || fail "it is with all targets, and not noted as taken over"
expects 4 "all targets have it" recordings upload first --node "$socket"
curl -s --unix-socket "$socket" http://localhost/metrics >"$work/metrics"
grep -q '^telerec_uploads_total{target="nas",result="done"} 1$' "$work/metrics" ||
	fail "metrics: $(grep upload "$work/metrics")"
stop_daemon

# ---- cut off in the middle ----

# So slow that nobody misses the middle; the rest goes at full speed.
configure "$keys" 64K
make_recording second 8
start_daemon
node recordings upload second --to nas
part=$work/nas/.telerec-part-second/film.mp4
wait_until 30 [ -s "$part" ] || fail "second does not begin"
end_sshd
[ ! -e "$work/nas/second" ] || fail "half a recording is seen"
wait_until 60 is second nas failed || fail "nobody noticed that the server is gone: $(state second nas)"
node recordings show second --json
grep -q '"next_try_ms": [1-9]' "$work/said" || fail "no next try: $(cat "$work/said")"
stop_daemon
start_sshd
configure "$keys" 0
start_daemon
node recordings upload second --to nas
wait_until 60 is second nas done || fail "second does not go on: $(cat "$work/said")"
arrived second "$work/nas"

stop_daemon
configure "$keys" 64K
start_daemon
make_recording third 8
node recordings upload third --to nas
part=$work/nas/.telerec-part-third/film.mp4
wait_until 60 [ -s "$part" ] || fail "third does not begin"
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null || true
[ ! -e "$work/nas/third" ] || fail "half a recording is seen"
configure "$keys" 0
start_daemon
wait_until 60 is third nas done || fail "third is not taken up again: $(state third nas)"
arrived third "$work/nas"
stop_daemon

# ---- a full disk there ----

if [ "$(id -u)" = 0 ] && mkdir "$work/nas/small" && mount -t tmpfs -o size=1M none "$work/nas/small" 2>/dev/null; then
	configure "$keys" 0
	sed -i "s,$work/nas\",$work/nas/small\"," "$work/telerec.conf"
	make_recording fourth 3
	start_daemon
	node recordings upload fourth --to nas
	wait_until 60 is fourth nas failed || fail "a full disk is not noticed: $(state fourth nas)"
	node recordings show fourth --json
	grep -q 'disk is full\|no room' "$work/said" || fail "the full disk is not named: $(cat "$work/said")"
	stop_daemon
	umount "$work/nas/small"
fi

! grep -rqF "$password" "$work/log" "$work/out" || fail "the password got out"
