# For scripts that stream: a real nginx with its RTMP module, configured as in tests/peers/rtmp. Sourced
# after lib.sh.
#
# site_start NAME makes $work/NAME and starts it, site_kill NAME is SIGKILL, and then site_start NAME
# starts it again on the same ports. The port is in $work/NAME/port, what it recorded in
# $work/NAME/recorded. Applications: "live" (password=sesame, copies to "first" and "second"), "open".

site_modules=/usr/lib/nginx/modules
for tool in nginx openssl python3; do
	PATH=$PATH:/usr/sbin command -v $tool >/dev/null || skip "$tool is not installed"
done
[ -e $site_modules/ngx_rtmp_module.so ] || skip "nginx has no RTMP module (libnginx-mod-rtmp)"
[ -e $site_modules/ngx_stream_module.so ] || skip "nginx has no stream module (libnginx-mod-stream)"

# Below those that connections get by themselves: a server that is away for a while wants its own again.
free_ports() {
	python3 -c 'import random, socket, sys
found = []
while len(found) < int(sys.argv[1]):
	s = socket.socket()
	try:
		s.bind(("127.0.0.1", random.randrange(15000, 32000)))
		found.append(s)
	except OSError:
		pass
print(*(s.getsockname()[1] for s in found))' "$1"
}

site_make() {
	local folder=$work/$1 ports user=
	[ "$(id -u)" != 0 ] || user="user root;" # else root's nginx would become nobody
	mkdir -p "$folder/recorded"
	sh "$TR_SOURCE_DIR/tests/peers/rtmp/certificates.sh" "$folder" || fail "no certificates"
	read -r -a ports < <(free_ports 5)
	sed -e "s,@FOLDER@,$folder,g" -e "s,@MODULES@,$site_modules,g" -e "s,@RTMP@,${ports[0]},g" \
		-e "s,@HTTP@,${ports[1]},g" -e "s,@TLS@,${ports[2]},g" -e "s,@EXPIRED@,${ports[3]},g" \
		-e "s,@MISNAMED@,${ports[4]},g" -e "s,@ADDRESS@,127.0.0.1,g" -e "s,@USER@,$user,g" \
		"$TR_SOURCE_DIR/tests/peers/rtmp/nginx.conf.in" >"$folder/nginx.conf"
	echo "${ports[0]}" >"$folder/port"
}

site_port() { cat "$work/$1/port"; }
site_accepts() { (exec 9<>"/dev/tcp/127.0.0.1/$(site_port "$1")") 2>/dev/null; }

site_start() {
	[ -e "$work/$1/nginx.conf" ] || site_make "$1"
	PATH=$PATH:/usr/sbin nginx -e "$work/$1/error.log" -p "$work/$1" -c "$work/$1/nginx.conf" \
		>"$work/$1/said" 2>&1 &
	echo $! >"$work/$1/pid"
	disown
	wait_until 20 site_accepts "$1" || fail "nginx does not start: $(cat "$work/$1/said")"
}

site_kill() {
	[ -e "$work/$1/pid" ] || return 0
	kill -KILL "$(cat "$work/$1/pid")" 2>/dev/null || true
	wait_until 10 ended "$(cat "$work/$1/pid")" || fail "nginx cannot be killed"
	rm -f "$work/$1/pid"
}

# recordings SITE STREAM: the files, oldest first. (nginx writes the time into their names.)
recordings() { find "$work/$1/recorded" -name "$2-*.flv" -size +1k | sort -V; }
has_recording() { [ -n "$(recordings "$1" "$2")" ]; }
# has_ended SITE STREAM: a publisher of it has gone, and its file is complete.
has_ended() { grep -qF "\"$2\"" "$work/$1/rtmp.log"; }
# has_seconds SITE STREAM SECONDS: so long is the newest of them.
has_seconds() { lasts "$(recordings "$1" "$2" | tail -n 1)" "$3"; }

# codecs FILE_OR_URL: "aac h264"
codecs() {
	timeout 30 ffprobe -v error -show_entries stream=codec_name -of csv=p=0 "$1" | sort | xargs
}

# gap FILE v|a: the longest step from packet to packet in seconds; "back" when time goes back.
gap() {
	ffprobe -v error -select_streams "$2" -show_entries packet=dts_time -of csv=p=0 "$1" |
		tr -d ',' | awk '!NF { next } n && $1 < last { back = 1 } n && $1 - last > most { most = $1 - last }
			{ last = $1; n++ } END { print (back ? "back" : n ? most + 0 : "nothing") }'
}

# key_gap FILE: the longest time from key picture to key picture in seconds.
key_gap() {
	ffprobe -v error -select_streams v -show_entries packet=dts_time,flags -of csv=p=0 "$1" |
		awk -F, '$2 ~ /^K/ { if (n++ && $1 - last > most) most = $1 - last; last = $1 } END { print most + 0 }'
}

first_is_key() {
	case $(ffprobe -v error -select_streams v -show_entries packet=flags -of csv=p=0 "$1") in
	K*) ;;
	*) return 1 ;;
	esac
}

sizes() { ffprobe -v error -select_streams "$2" -show_entries packet=size -of csv=p=0 "$1" | tr -d ',' | xargs; }

# is_cut_from STREAM FILE v|a: the packets of the stream are packets of the file, one after the other
# without a hole. The last one may be cut short, where a server was killed.
is_cut_from() {
	python3 -c 'import sys
part, whole = (w.split() for w in sys.argv[1:])
part = part[:-1]
sys.exit(not part or not any(whole[i:i + len(part)] == part for i in range(len(whole))))' \
		"$(sizes "$1" "$3")" "$(sizes "$2" "$3")"
}

# shift STREAM FILE v|a: by how many ms the file's times are later than those of the same packets in the
# stream; "uneven" when that is not the same for all of them.
shift_of() {
	local path
	for path in "$1" "$2"; do
		ffprobe -v error -select_streams "$3" -show_entries packet=pts_time,size -of csv=p=0 "$path" |
			tr ',' ' ' | xargs
	done | python3 -c 'import sys
part, whole = ([(w[i + 1], float(w[i]) * 1000) for i in range(0, len(w), 2)] for w in map(str.split, sys.stdin))
part = part[:-1]
sizes = [size for size, _ in part]
first = next(i for i in range(len(whole)) if [size for size, _ in whole[i:i + len(part)]] == sizes)
shifts = [b - a for (_, a), (_, b) in zip(part, whole[first:])]
print("uneven" if max(shifts) - min(shifts) > 2 else sum(shifts) / len(shifts))'
}

# start_stream PAGE SECONDS SIZE RATE KBIT_S URL...: streams a page of the demo meeting in the background;
# sets $recorder. What it prints is in $work/printed, its log in $work/log.
start_stream() {
	local page=$1 seconds=$2 size=$3 rate=$4 bitrate=$5 url
	shift 5
	coproc server { exec "$build/telerec-demo-meeting" 2>"$work/server"; }
	read -r -t 80 url <&"${server[0]}" || fail "the demo meeting did not start: $(cat "$work/server")"
	printf '%s\n' "$@" >"$work/targets"
	"$build/telerec" stream "${url%/*}/$page" --to-file "$work/targets" ${record:+--record="$work/out"} \
		${record:+--name rec} --for "${seconds}s" --size "$size" --rate "$rate" --bitrate "$bitrate" \
		>"$work/printed" 2>"$work/log" &
	recorder=$!
}

# proxy_start NAME PORT: something between us and the server, which does what `proxy NAME WORDS` says
# (tests/peers/rtmp/fault_proxy.py). Its port is what proxy_port NAME prints; it ends with the script.
proxy_start() {
	local fd
	mkfifo "$work/$1.orders"
	python3 -B "$TR_SOURCE_DIR/tests/peers/rtmp/fault_proxy.py" "$2" \
		<"$work/$1.orders" >"$work/$1.port" 2>"$work/$1.said" &
	exec {fd}>"$work/$1.orders"
	eval "proxy_fd_$1=$fd"
	wait_until 20 test -s "$work/$1.port" || fail "no proxy: $(cat "$work/$1.said")"
}
proxy_port() { cat "$work/$1.port"; }
proxy() {
	local fd=proxy_fd_$1
	shift
	echo "$*" >&"${!fd}"
}
