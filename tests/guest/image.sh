#!/bin/bash
# image.sh FLAVOUR MEDIUM [--cached]: makes the image of that flavour (firmware-image/build) and boots it in a virtual
# machine: "cd" by BIOS, "usb" by UEFI, "secure" by UEFI with Secure Boot enforced, or the installed disk's image,
# "disk" by BIOS and "disk_efi" by UEFI with Secure Boot enforced. What must be right in it is looked at from inside, and something is recorded there.
#
# --cached: only where its packages were fetched before; that takes minutes and the network. They are kept
# in ~/.cache/telerec-image. TR_IMAGE_DIR names a folder with images that are to be used as they are; a file "code" in
# it says how the build ended that `quickstart test` began beside other tests, and "words" what it said. The screen is
# left in the build folder as guest/image-FLAVOUR-MEDIUM.png.
set -euo pipefail

build=${TR_BUILD_DIR:?run by ctest, or set TR_BUILD_DIR to the build folder}
source=${TR_SOURCE_DIR:?}
here=$source/tests/guest
. "$here/dead_timer.sh"
flavour=$1 medium=$2

skip() {
	echo "skipped: $*"
	exit 77
}
fail() {
	[ ! -e "$work/serial" ] || tail -c 3000 "$work/serial" | tr -d '\033' >&2
	echo "FAILED: $*" >&2
	exit 1
}
# built CODE WORDS: how firmware-image/build has ended.
built() {
	[ "$1" != 77 ] || skip "no image: $(echo "$2" | tail -n 1)"
	[ "$1" != 124 ] || skip "no image: this machine takes too long to make it"
	[ "$1" = 0 ] || fail "no image was made: $2"
}

# seen WIDTH:HEIGHT:X:Y: the colour of this part of the recording's last picture, as "R G B".
seen() {
	ffmpeg -loglevel error -i "$movie" -vf "crop=$1,format=rgb24,scale=1:1:flags=area" -f rawvideo -pix_fmt rgb24 - |
		od -An -v -w3 -t u1 | tail -n 1 | xargs
}
# near COLOUR COLOUR: no part of it differs by more than 24.
near() {
	echo "$1 $2" | awk '{ for (i = 1; i <= 3; i++) { d = $i - $(i + 3); if (d > 24 || d < -24) far = 1 } exit far }'
}
# The demo meeting in 320x180, as tests/peers/meeting/www draws it: the wall, the edge of the slide, which is white or
# the cover's blue, and the participant, whose picture has been through the browser's own encoder and decoder; and
# another slide every six seconds.
meeting_is_seen() {
	local wall slide person changed
	wall=$(seen 4:80:252:50) slide=$(seen 165:3:75:27) person=$(seen 40:20:266:84)
	changed=$(ffmpeg -loglevel error -i "$movie" -vf \
		"crop=165:120:75:30,signalstats,metadata=print:key=lavfi.signalstats.YDIF:file=-" -f null - |
		awk -F= '/YDIF/ && $2 > 3 { n++ } END { print n + 0 }')
	echo "the meeting: its wall is $wall, its slide $slide, its participant $person; the slide changed $changed times"
	near "$wall" "11 13 17" || fail "the meeting's wall has the colour $wall"
	near "$slide" "251 251 249" || near "$slide" "23 58 99" || fail "the meeting's slide has the colour $slide"
	echo "$person" | awk '{ exit !($1 > 80 && $2 > 80 && $3 > 80) }' || fail "the participant has the colour $person"
	[ "$changed" -ge 1 ] || fail "the slide never changed"
}

# All is read before it runs.
main() {
[ "$(uname -m)" = x86_64 ] || skip "the image is for x86_64 only"
[ "$(id -u)" = 0 ] || skip "only root can make a system"
for tool in qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap ffmpeg:ffmpeg python3:python3; do
	command -v "${tool%:*}" >/dev/null || skip "${tool#*:} is not installed"
done
firmware=/usr/share/OVMF
case $medium in disk*) command -v zstd >/dev/null || skip "zstd is not installed" ;; esac
case $medium in
usb | secure | disk_efi) [ -e $firmware/OVMF_CODE_4M.secboot.fd ] || skip "ovmf is not installed" ;;
esac

work=$(mktemp -d /tmp/telerec-image.XXXXXX)
machine=
leave() {
	[ -z "$machine" ] || kill "$machine" 2>/dev/null || true
	[ -z "$machine" ] || wait "$machine" 2>/dev/null || true
	rm -rf "$work"
}
trap leave EXIT
trap 'exit 1' INT TERM

# The full image's own browser records the demo meeting, which is served here; 10.0.2.2 is this machine.
page=http://127.0.0.1/picture
if [ "$flavour" = full ]; then
	coproc MEETING { exec "$build/telerec-demo-meeting" --until-eof; }
	read -r -t 60 page <&"${MEETING[0]}" || fail "there is no demo meeting"
	# One participant, who plays a tone and moves little: more is too much for a browser that is emulated.
	page=$(echo "$page" | sed 's,//\(127.0.0.1\|localhost\),//10.0.2.2,; s,[^/]*$,people1-tone1000-image?sync=0\&rate=2,')
fi

images=${TR_IMAGE_DIR:-$work/image}
if [ -z "${TR_IMAGE_DIR:-}" ]; then
	option=--iso-only
	[ "${medium#disk}" = "$medium" ] || option=
	code=0
	# shellcheck disable=SC2086
	"$source/firmware-image/build" --flavour "$flavour" --quick $option ${3:-} --out "$images" || code=$?
	built "$code" "see above"
elif [ -e "$images/code" ]; then
	built "$(cat "$images/code")" "$(tail -n 30 "$images/words")"
fi
image=$(ls -t "$images"/telerec-*.iso | grep -e "$([ "$flavour" = full ] && echo '[0-9]-amd64' || echo "$flavour-amd64")" | head -n 1)
[ -n "$image" ] || fail "there is no image of the flavour $flavour in $images"

# The unit that looks around is handed in as virtual machines' hosts do it, so the image is as it is.
mkdir -p "$work/in" "$work/out"
cp "$here/image_inside.sh" "$here/image_browser.pl" "$work/in/"
chmod 755 "$work/in/"*
start_s=$([ "$flavour" = small ] && echo 1500 || echo 3000)
unit='[Unit]
After=multi-user.target
DefaultDependencies=no
[Service]
Type=exec
ExecStartPre=mkdir -p /run/test-in /run/test-out
ExecStartPre=mount -t 9p -o trans=virtio,version=9p2000.L,ro in /run/test-in
ExecStartPre=mount -t 9p -o trans=virtio,version=9p2000.L out /run/test-out
ExecStart=sh /run/test-in/image_inside.sh /run/test-out '"$page $((start_s - 300))"'
ExecStopPost=systemctl poweroff --no-block'
credential() { echo "type=11,value=io.systemd.credential.binary:$1=$(base64 -w0)"; }
processor=qemu64,-cx16 # QEMU 7.2 leaves wrong flags behind cmpxchg16b, on which a kernel crashes
[ "$flavour" = small ] || processor=Nehalem
arguments=(-accel tcg,thread=multi -cpu "$processor,+rdrand" -smp 2 -m "$([ "$flavour" = small ] && echo 1536 || echo 3072)"
	-no-reboot -action watchdog=none -display none -vga std -device virtio-rng-pci
	-netdev user,id=net -device virtio-net-pci,netdev=net,romfile=
	-serial "file:$work/serial" -monitor "unix:$work/monitor,server,nowait"
	-virtfs "local,path=$work/in,mount_tag=in,security_model=none,readonly=on"
	-virtfs "local,path=$work/out,mount_tag=out,security_model=none"
	-smbios "$(echo "$unit" | credential systemd.extra-unit.telerec-test.service)"
	-smbios "$(printf '[Unit]\nWants=telerec-test.service\n' | credential systemd.unit-dropin.multi-user.target)")
secure=(-machine "q35,smm=on" -global "driver=cfi.pflash01,property=secure,value=on"
	-drive "if=pflash,format=raw,readonly=on,file=$firmware/OVMF_CODE_4M.secboot.fd"
	-drive "if=pflash,format=raw,file=$work/vars")
stick=(-device qemu-xhci -drive "file=$image,format=raw,if=none,id=stick,readonly=on" -device "usb-storage,drive=stick")
case $medium in
cd) arguments+=(-machine q35 -cdrom "$image" -boot d) ;;
disk*)
	zstd -q -d --long=27 "${image%.iso}.img.zst" -o "$work/disk"
	truncate -s 8G "$work/disk"
	arguments+=(-drive "file=$work/disk,format=raw,if=virtio")
	;;
usb)
	cp $firmware/OVMF_VARS_4M.fd "$work/vars"
	arguments+=(-machine q35 -drive "if=pflash,format=raw,readonly=on,file=$firmware/OVMF_CODE_4M.fd"
		-drive "if=pflash,format=raw,file=$work/vars" "${stick[@]}")
	;;
secure) arguments+=("${stick[@]}") ;;
*) fail "there is no medium \"$medium\"" ;;
esac
case $medium in
disk) arguments+=(-machine q35) ;;
secure | disk_efi)
	cp $firmware/OVMF_VARS_4M.ms.fd "$work/vars"
	arguments+=("${secure[@]}")
	;;
esac
start=$SECONDS
start_machine() {
	qemu-system-x86_64 "${arguments[@]}" </dev/null >"$work/qemu" 2>&1 &
	machine=$!
}
start_again() {
	has_dead_timer "$work/serial" || return 1
	echo "the emulated timer did not tick, so busy is this machine: once more"
	rm "$work/serial"
	start_machine
}
start_machine

# A busy machine may take twenty times as long as a free one; longer is what hangs. First it starts, then it records.
limit=$((SECONDS + start_s))
started=
until [ -e "$work/out/look" ]; do
	if [ -z "$started" ] && [ -s "$work/out/said" ]; then
		started=yes limit=$((SECONDS + $([ "$flavour" = small ] && echo 1100 || echo 3600)))
	fi
	[ $SECONDS -lt $limit ] || fail "it takes too long: $(cat "$work/out/said" 2>/dev/null)"
	kill -0 "$machine" 2>/dev/null || start_again || fail "the machine has ended: $(cat "$work/qemu" "$work/out/said" 2>/dev/null)"
	sleep 1
done
mkdir -p "$build/guest"
picture=$build/guest/image-$flavour-$medium.png
python3 - "$work/monitor" "$work/screen" <<-'PYTHON'
	import socket, sys, time
	s = socket.socket(socket.AF_UNIX)
	s.connect(sys.argv[1])
	s.sendall(("screendump %s\n" % sys.argv[2]).encode())
	said = b""
	while said.count(b"(qemu)") < 2:
	    said += s.recv(4096)
PYTHON
ffmpeg -loglevel error -y -f image2 -c:v ppm -i "$work/screen" "$picture" || fail "there is no picture of the screen"
touch "$work/out/looked"
wait "$machine" || true
machine=
echo "the machine ran $((SECONDS - start)) s; the screen: $picture"
cp "$work/serial" "$build/guest/image-$flavour-$medium.serial"
cp -r "$work/out/." "$build/guest/image-$flavour-$medium.inside/" 2>/dev/null ||
	cp -r "$work/out" "$build/guest/image-$flavour-$medium.inside"

# field NAME: what the guest said of it. expect NAME VALUE
field() { sed -n "s/^$1: //p" "$work/out/said" | tail -n 1; }
expect() { [ "$(field "$1")" = "$2" ] || fail "$1 is \"$(field "$1")\", not \"$2\": $(cat "$work/out/said")"; }
sed 's/^/   /' "$work/out/said" "$work/out/analyze" "$work/out/security"
grep -q '^inside: done' "$work/out/said" || fail "the guest did not come to its end"
[ -n "$(field ready)" ] || fail "it was never ready"
grep -q 'telerec: ready to record' "$work/serial" || fail "the serial port does not say that it is ready"
expect failed ''
# Units that were given up may have had too little of a busy machine, which takes 60 s when it is free.
[ -z "$(field 'timed out')" ] || [ "$(field ready | cut -d. -f1)" -ge 180 ] || fail "units timed out: $(field 'timed out')"
expect root 'overlay over squashfs'
if [ -e "$work/disk" ]; then
	# Of the disk's 8 GiB it has what the image left free.
	expect data /dev/vda7
	[ "$(field 'data MiB')" -gt 3400 ] || fail "the data partition has only $(field 'data MiB') MiB"
else
	expect data ram
	grep -q 'kept in memory only' "$work/out/status" || fail "nothing says that recordings are in RAM: $(cat "$work/out/status")"
fi
case $medium in secure | disk_efi) expect 'secure boot' 1 ;; esac
expect 'not kept' ''
expect cards 16
expect passwords ''
expect logins ''
expect sources ''
expect console 'active active'
expect recorded 0
expect 'time zone' ../usr/share/zoneinfo/Asia/Tokyo
# The names' resolver, the answers of DHCP, and Jibri's HTTP APIs on loopback.
[ -z "$(field listeners | tr ' ' '\n' | grep -vE '127\.0\.0\.5[34](%lo)?:53$|^udp/.*:(68|546)$|^tcp/127\.0\.0\.1:(2222|3333)$' || true)" ] ||
	fail "something listens: $(field listeners)"

# The units that run all the time. The console's user may use sudo, and what keeps a slot may restart.
exposed=$(awk '/telerecd|slot@|boot-ok|ready/ && $2 >= 3' "$work/out/security")
[ -z "$exposed" ] || fail "systemd finds too much open: $exposed"

movie=$work/out/picture.mp4
sh "$here/tone.sh" "$movie" 1000 any || fail "the tone has not 1000 Hz"
if [ "$flavour" = full ]; then
	expect wifi '10.9.9. server 10.9.9.1 iburst'
	meeting_is_seen
else
	# The picture: the colours of its four fields.
	colours=$(ffmpeg -loglevel error -i "$movie" -vf format=rgb24,scale=2:2:flags=area -f rawvideo -pix_fmt rgb24 - |
		od -An -v -w12 -t u1 | tail -n 1 | awk '{ for (i = 1; i <= 12; i++) printf "%d%s", ($i > 127), (i % 3 ? "" : " ") }')
	[ "$colours" = "100 010 001 111 " ] || fail "the last picture's fields are $colours"
fi
echo "passed: ready after $(field ready) s, the tone has 1000 Hz"
}
main "$@"; exit
