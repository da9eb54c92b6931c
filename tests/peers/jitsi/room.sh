# What the tests with the real Jitsi client share. Sourced after `set -euo pipefail`: starts Prosody, the
# focus and the web server, and a browser that sends camera and microphone into a room of its own.
# Gives $url (of the room, for a second participant), $room, $focus, $sender and $server_PID.
. "${TR_SOURCE_DIR:?}/tests/e2e/lib.sh"

here=$TR_SOURCE_DIR/tests/peers/jitsi
prosody=$(command -v prosody) || skip "prosody is not installed"
command -v setpriv >/dev/null || skip "setpriv is not installed"
[ -n "$(ip -4 -o addr show scope global up 2>/dev/null || true)" ] ||
	skip "no network address but loopback, which browsers do not send media over"
browser=/usr/lib/chromium/chromium
[ -x $browser ] || browser=$(command -v chromium)

mkdir -p "$build/peers-jitsi"
code=0
"$here/build.sh" "$build/peers-jitsi" >"$work/log" 2>&1 || code=$?
[ $code != 77 ] || { cat "$work/log"; exit 77; }
[ $code = 0 ] || fail "the client cannot be built"

# Prosody and the browser run as an ordinary user, in a folder of theirs, and die with this shell.
theirs=$work/theirs
chmod 711 "$work"
mkdir -p "$theirs/data" "$theirs/profile"
as_user=(setpriv --pdeathsig KILL)
if [ "$(id -u)" = 0 ]; then
	chown -R 65534:65534 "$theirs"
	as_user+=(--reuid 65534 --regid 65534 --clear-groups)
fi
as_user+=(env HOME="$theirs" XDG_RUNTIME_DIR="$theirs" TMPDIR="$theirs")

# The last lines of every program's log, for one look at what went wrong.
explain() {
	local file
	for file in "$theirs/prosody.log" "$work"/{prosody,focus,server,sender}.txt; do
		[ ! -s "$file" ] || tail -n 15 "$file" | sed "s,^,  ${file##*/}: ," >&2
	done
	fail "$@"
}

read -r http_port component_port < <(perl -MIO::Socket::INET -e '
	my @s = map { IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") } 1 .. 2;
	print join(" ", map { $_->sockport } @s), "\n"')
secret=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
sed -e "s,@FOLDER@,$theirs,; s/@HTTP_PORT@/$http_port/; s/@COMPONENT_PORT@/$component_port/" \
	-e "s/@SECRET@/$secret/" "$here/prosody.cfg.lua" >"$theirs/prosody.cfg.lua"
"${as_user[@]}" "$prosody" --config "$theirs/prosody.cfg.lua" -F >"$work/prosody.txt" 2>&1 &
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
wait_until 30 listens "$http_port" || explain "Prosody does not answer HTTP"
wait_until 30 listens "$component_port" || explain "Prosody does not take components"

"$build/telerec-test-focus" focus.meet.test "$component_port" "$secret" \
	>"$work/focus.txt" 2>"$work/focus.errors" &
focus=$!
wait_until 20 grep -q ready "$work/focus.txt" || explain "no focus: $(cat "$work/focus.errors")"

coproc server { exec "$build/telerec-demo-meeting" --pages "$build/peers-jitsi/www" 2>"$work/server.txt"; }
read -r -t 80 url <&"${server[0]}" || explain "no web server"
room=room$$
url="${url%/*}/$room?bosh=http://127.0.0.1:$http_port/http-bind"

# The machine's own address, not a name that only multicast DNS knows.
"${as_user[@]}" "$browser" --headless=new --enable-logging=stderr --log-level=0 --user-data-dir="$theirs/profile" \
	--no-first-run --disable-gpu --disable-background-networking --disable-component-update \
	--use-fake-device-for-media-stream --use-fake-ui-for-media-stream \
	--autoplay-policy=no-user-gesture-required --disable-features=WebRtcHideLocalIpsWithMdns \
	"$url&name=Sender&send=1" >"$work/sender.txt" 2>&1 &
sender=$!
# sender_says WORDS: in the latest state that its page wrote to the console.
sender_says() { grep -F 'client: {' "$work/sender.txt" | tail -n 1 | grep -q "$1"; }
wait_until 60 sender_says 'joined[^,]*true' || explain "the sender did not join"
