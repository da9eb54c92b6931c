#!/bin/bash
# What `telerec server-config prosody` prints is pasted into a real Prosody as a person would: the
# file, the commands, telerec.conf and secrets.conf. telerecd with them must get into the brewery.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
for tool in prosody prosodyctl openssl python3; do
	command -v $tool >/dev/null || skip "$tool is not installed"
done

daemon=
server=
domain=meet.test
as_nobody=()
[ "$(id -u)" != 0 ] || as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

end_all() {
	[ -z "$daemon" ] || kill -TERM "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait_until 60 ended "$daemon" || kill -KILL "$daemon" 2>/dev/null || true
	stop_prosody
	clean_up
}

stop_prosody() {
	[ -z "$server" ] || kill -TERM "$server" 2>/dev/null || true
	[ -z "$server" ] || wait_until 30 ended "$server" || kill -KILL "$server" 2>/dev/null || true
	server=
}
trap end_all EXIT

# printed PART OF-FILE [OPTION...]: the text for a file, or with "" the first commands.
printed() {
	python3 -c '
import json, sys
print(next(s["text"] for s in json.load(open(sys.argv[1])) if s["file"].endswith(sys.argv[2])
           and (sys.argv[2] or not s["file"])), end="")' "$1" "$2"
}

answers() { (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

start_prosody() {
	"${as_nobody[@]}" prosody --config "$work/prosody.cfg.lua" -F >"$work/prosody.out" 2>&1 &
	server=$!
	wait_until 30 answers || fail "Prosody does not come up: $(cat "$work/prosody.out" "$work/prosody/log")"
}

# A server with a Jitsi Meet and no recorder, in its own folder.
make_server() {
	port=$(python3 -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
	rm -rf "$work/prosody"
	mkdir -p "$work/prosody/data" "$work/prosody/conf.d"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
		-keyout "$work/prosody/key" -out "$work/prosody/crt" -subj "/CN=auth.$domain" \
		-addext "subjectAltName=DNS:$domain,DNS:auth.$domain,DNS:recorder.$domain" 2>/dev/null
	cat >"$work/prosody.cfg.lua" <<LUA
daemonize = false
data_path = "$work/prosody/data"
pidfile = "$work/prosody/pid"
log = { info = "$work/prosody/log" }
interfaces = { "127.0.0.1" }
c2s_ports = { $port }
c2s_direct_tls_ports = { }
c2s_require_encryption = true
modules_enabled = { "disco", "saslauth", "ping", "roster", "tls" }
modules_disabled = { "s2s", "s2s_auth_certs", "offline" }
certificates = "$work/prosody"
ssl = { key = "$work/prosody/key", certificate = "$work/prosody/crt" }
authentication = "internal_hashed"
storage = "internal"
VirtualHost "$domain"
	authentication = "anonymous"
VirtualHost "auth.$domain"
Component "conference.$domain" "muc"
Include "$work/prosody/conf.d/*.cfg.lua"
LUA
	chmod 755 "$work"
	[ "$(id -u)" != 0 ] || chown -R 65534:65534 "$work/prosody"
}

# The commands run as they are printed, but for the server they mean.
mkdir -p "$work/bin"
cat >"$work/bin/prosodyctl" <<SH
#!/bin/sh
exec ${as_nobody[*]} $(command -v prosodyctl) --config "$work/prosody.cfg.lua" "\$@"
SH
printf '#!/bin/sh\necho "$*" >>"%s"\n' "$work/restarts" >"$work/bin/systemctl"
chmod 755 "$work/bin/"*

joined() { grep -q "in jibribrewery@internal.auth.$domain as " "$work/log"; }

# try STYLE: from a server that knows nothing of recorders to a recorder in its brewery.
try() {
	local password
	make_server
	start_prosody
	: >"$work/restarts"
	"$build/telerec" server-config prosody --domain $domain --style "$1" --json >"$work/json"
	printed "$work/json" telerec.cfg.lua >"$work/prosody/conf.d/telerec.cfg.lua"
	printed "$work/json" "" >"$work/commands"
	PATH=$work/bin:$PATH sh -e "$work/commands" >"$work/commands.out" 2>&1 ||
		fail "the commands: $(cat "$work/commands" "$work/commands.out")"
	grep -qx "restart prosody" "$work/restarts" || fail "the commands restart no Prosody"
	stop_prosody
	start_prosody
	# A module that Jitsi's packages bring: without it Prosody says so, and goes on.
	! grep "	error	" "$work/prosody/log" | grep -v "load module 'limits_exception'" ||
		fail "Prosody does not like it"

	rm -rf "$work/etc"
	mkdir -m 755 "$work/etc"
	printed "$work/json" telerec.conf | sed "s/servers = .*/servers = [ \"127.0.0.1:$port\" ];/
		s|strip = .*|&\n\t\tca_file = \"$work/prosody/crt\";|" >"$work/etc/telerec.conf"
	printed "$work/json" secrets.conf >"$work/etc/secrets.conf"
	chmod 600 "$work/etc/secrets.conf"
	cat >>"$work/etc/telerec.conf" <<CONF
recordings = "$work/out";
video: { size = "640x360"; frame_rate = 15; };
sound: { source = "plugin"; };
jibri_http: { external_port = "off"; internal_port = "off"; };
api: { socket = "$work/control.sock"; };
CONF
	mkdir -p -m 777 "$work/out"
	"$build/telerecd" --config "$work/etc/telerec.conf" >"$work/log" 2>&1 &
	daemon=$!
	wait_until 60 joined || fail "telerecd does not get into the brewery; Prosody: $(cat "$work/prosody/log")"
	[ -s "$work/prosody/data/recorder%2emeet%2etest/accounts/recorder.dat" ] ||
		fail "the browser has no account"
	password=$(sed -n 's/.*password = "\(.*\)";/\1/p' "$work/etc/secrets.conf" | head -n 1)
	[ ${#password} -ge 24 ] || fail "the password is short"
	! grep -qF "$password" "$work/log" || fail "the password is in the log"
	kill -TERM "$daemon"
	wait_until 60 ended "$daemon" || fail "telerecd does not leave"
	daemon=
	stop_prosody
	echo "$1 style: telerecd was in the brewery"
}

try new
try old

# Passwords in a file instead, which is nobody else's and is never written over.
"$build/telerec" server-config prosody --domain $domain --write-secrets "$work/mine" >"$work/shown"
[ "$(stat -c %a "$work/mine")" = 600 ] || fail "others can read the passwords"
for password in $(sed -n 's/.*password = "\(.*\)";/\1/p' "$work/mine"); do
	! grep -qF "$password" "$work/shown" || fail "the password is shown, too"
done
! "$build/telerec" server-config prosody --domain $domain --write-secrets "$work/mine" 2>/dev/null ||
	fail "a file was written over"

# What docker's .env gets is what its Jibri would read.
"$build/telerec" server-config docker --domain $domain --json >"$work/json"
printed "$work/json" .env >"$work/env"
if ruby -e 'require "hocon"' 2>/dev/null; then
	"$build/telerec" import-jibri --env "$work/env" --to "$work/docker" >"$work/shown" ||
		fail "docker's variables: $(cat "$work/shown")"
	grep -q 'domain = "hidden.meet.jitsi";' "$work/docker/telerec.conf" || fail "docker's names"
fi
