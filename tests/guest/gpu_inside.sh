#!/bin/sh
# In the guest of gpu.sh, as root, with real render nodes of the kernel's vgem and virtio-gpu: what the probe
# says of them, to whom. Lines for the host: "NAME: {JSON}", "NAME: CODE".
here=$PWD
chmod -R a+rX .
export TMPDIR=/tmp

# Virtio's sits on the PCI bus, vgem on none.
for folder in /sys/class/drm/renderD*; do
	if [ "$(cat "$folder/device/vendor" 2>/dev/null)" = 0x1af4 ]; then
		virtio=${folder##*/}
	else
		vgem=${folder##*/}
	fi
done
# probe NAME ARGUMENT...: as $user
probe() {
	name=$1
	shift
	echo "$name: $(runuser -u "$user" -- "$here/telerec-encoder" --probe --timeout 300000 --silent 100000 "$@" 2>/tmp/words)"
	sed "s/^/   $name: /" /tmp/words
}

ls -l /dev/dri
echo "virtio: /dev/dri/$virtio"
echo "vgem: /dev/dri/$vgem"

# Without a VA driver: what the kernel has, and who may open it.
user=root
probe bare_root
user=recorder
probe bare_recorder
user=member
probe bare_member
user=recorder
runuser -u recorder -- "$here/telerec" probe >/tmp/answer 2>&1
echo "verb: $?"
sed 's/^/   /' /tmp/answer

# With the VA driver for tests under virtio-gpu's name: libva takes it by its own rules.
mkdir /tmp/va
cp test_drv_video.so /tmp/va/virtio_gpu_drv_video.so
: >/tmp/va/virtio_gpu_drv_video.so.conf
chmod 1777 /tmp/va
export LIBVA_DRIVERS_PATH=/tmp/va
user=recorder
probe driver_recorder
user=member
probe driver_member --self-test --size 320x240

# An X server on virtio's screen. On a processor alone Xorg draws by OpenGL only where its screen has
# another GPU beside: the bochs display.
card_of() {
	for folder in /sys/class/drm/card[0-9]; do
		[ "$(cat "$folder/device/vendor" 2>/dev/null)" != "$1" ] || echo "/dev/dri/${folder##*/}"
	done
}
cat >/tmp/xorg.conf <<CONF
Section "ServerFlags"
	Option "AutoAddDevices" "false"
	Option "AutoAddGPU" "false"
EndSection
Section "Device"
	Identifier "virtio"
	Driver "modesetting"
	Option "kmsdev" "$(card_of 0x1af4)"
EndSection
Section "Device"
	Identifier "bochs"
	Driver "modesetting"
	Option "kmsdev" "$(card_of 0x1234)"
EndSection
Section "Screen"
	Identifier "screen"
	Device "virtio"
	GPUDevice "bochs"
	DefaultDepth 24
EndSection
CONF
mkfifo /tmp/number
Xorg -displayfd 3 -config /tmp/xorg.conf -logfile /tmp/xorg.log -noreset -novtswitch -sharevts -ac -nolisten tcp \
	3>/tmp/number >/tmp/xorg.words 2>&1 &
xorg=$!
read -r number </tmp/number || number=none
echo "xorg: :$number, up for $(cut -d' ' -f1 /proc/uptime) s"
grep -iE 'glamor|llvmpipe|DRI3' /tmp/xorg.log | sed 's/^/   /'
[ "$number" != none ] || sed 's/^/   /' /tmp/xorg.log /tmp/xorg.words
runuser -u member -- env DISPLAY=":$number" TR_GUEST_NODE="/dev/dri/$virtio" TR_BUILD_DIR="$here" \
	"$here/test_guest_zero_copy" 2>&1
echo "zero_copy: $?"
# The same by our own hand.
echo "grab_only: $(runuser -u member -- "$here/telerec-slot" --grab-only ":$number" --encoder vaapi --size 638x360 \
	--for 5s --to /tmp/by-hand.mp4 2>/tmp/words | tr -d "\n")"
sed 's/^/   grab_only: /' /tmp/words
echo "by_hand: $("$here/telerec-slot" --check --json /tmp/by-hand.mp4 2>&1 | tr -d "\n")"
# And a whole recording, with a browser's double that shows four fields of colour.
runuser -u member -- "$here/telerec" record data:text/html,guest --display ":$number" --encoder vaapi \
	--browser "$here/image_browser.pl" --sound none --no-sound-expected --size 638x360 --for 5s \
	--to /tmp/recorded --name whole >/tmp/words 2>&1 </dev/null
echo "record: $?"
sed 's/^/   record: /' /tmp/words
echo "record_report: $(tr -d "\n" </tmp/recorded/whole/report.json)"
echo "record_poster: $(base64 -w0 </tmp/recorded/whole/poster.jpg)"
kill $xorg
wait $xorg
echo "up for $(cut -d' ' -f1 /proc/uptime) s"
