#!/bin/sh
# image_inside.sh FOLDER PAGE SECONDS: what happens in the booted image, in the test of it (image.sh), which reads FOLDER;
# it is ready to record PAGE within the seconds.
out=$1
here=$(dirname "$0")
exec >"$out/said" 2>&1 3>&1
said() { echo "$1: $2" >&3; }

# It is up when it says so.
for _ in $(seq $(($3 * 2))); do
	[ -s /run/telerec-ready/seconds ] && break
	sleep 0.5
done
said ready "$(cat /run/telerec-ready/seconds)"
timeout 60 systemctl is-system-running --wait >"$out/state"
said state "$(cat "$out/state")"
failed='' late=''
for unit in $(systemctl --failed --no-legend --plain | awk '{ print $1 }'); do
	if [ "$(systemctl show -P Result "$unit")" = timeout ]; then late="$late $unit"; else failed="$failed $unit"; fi
done
said failed "${failed# }"
said "timed out" "${late# }"
said root "$(findmnt -n -o FSTYPE /) over $(findmnt -n -o FSTYPE /run/telerec-image/lower)"
said data "$(cat /run/telerec-image/data)"
said "data MiB" "$(df -BM --output=size /data | tail -n 1 | tr -dc 0-9)"
said "secure boot" "$(od -An -t u1 -j 4 /sys/firmware/efi/efivars/SecureBoot-* 2>/dev/null | tr -dc 0-9)"
for place in /etc/telerec /var/lib/telerec/recordings /var/log/journal /etc/systemd/network; do
	findmnt -n "$place" >/dev/null || said "not kept" "$place"
done
said cards "$(ls -d /proc/asound/tr* | wc -l)"
said passwords "$(awk -F: '$2 !~ /^[!*]/ { print $1 }' /etc/shadow | paste -sd ' ')"
said logins "$(pgrep -l 'getty|sshd|^login$' | paste -sd ' ')"
said listeners "$(ss -Hltun | awk '{ print $1 "/" $5 }' | sort -u | paste -sd ' ')"
said sources "$(find /etc/apt -name '*.sources' -o -name '*.list' | paste -sd ' ')"
said console "$(systemctl is-active telerec-console@tty1 telerec-console@ttyS0 | paste -sd ' ')"
said machine "$(cat /etc/machine-id)"
systemd-analyze >"$out/analyze" 2>&1
systemd-analyze blame >"$out/blame" 2>&1
# systemd may be too busy to answer.
for _ in 1 2 3 4 5; do
	systemd-analyze security --no-pager 2>/dev/null | grep telerec | grep -v telerec-test >"$out/security"
	grep -q telerecd.service "$out/security" && break
done
journalctl -b --no-pager -o short-monotonic >"$out/journal"
telerec status >"$out/status" 2>&1
cp /run/telerec-image/prepare "$out/prepare"

# A recording of the picture and the tone, by what is installed, through the kernel's loopback.
browser=$here/image_browser.pl seconds=8 more=0
[ ! -x /usr/bin/chromium ] || browser=/usr/bin/chromium seconds=60 more=120
install -d -o telerec-slot-16 /run/test-recordings
# On a busy machine too little of the sound may get there, and a real browser takes minutes to open the page's
# connections: then once more, and longer.
for _ in 1 2 3 4 5; do
	rm -rf /run/test-recordings/picture
	setpriv --reuid=telerec-slot-16 --regid=telerec-slot-16 --init-groups env HOME=/run/test-recordings \
		telerec record --browser "$browser" --sound loopback --size 320x180 --rate 5 --for ${seconds}s \
		--page-timeout 5m --name picture --to /run/test-recordings "$2" --verbose
	recorded=$?
	jq -e '.sound.peak_db > -60 and .duration_s - .sound.silence_s > 0.5' /run/test-recordings/picture/report.json >/dev/null 2>&1 && break
	seconds=$((seconds + more))
done
said recorded $recorded
cp /run/test-recordings/picture/picture.mp4 /run/test-recordings/picture/report.json "$out/"

# What is set now is there after the next start.
timedatectl set-timezone Asia/Tokyo
for _ in $(seq 240); do
	[ -L /data/etc/localtime ] && break
	sleep 0.5
done
said "time zone" "$(readlink /data/etc/localtime)"

# Wi-Fi by two radios of the kernel's own: one is the network, and says by DHCP where the time is; the other is set up
# as by a stick.
wifi() {
	mkdir -p /run/test-wifi/telerec /run/systemd/network
	echo '{"ssid": "Hall 3", "password": "a long password"}' >/run/test-wifi/telerec/wifi.json
	/usr/lib/telerec-image/provision /run/test-wifi
	printf '%s\n' '[Match]' Name=wlan0 '[Network]' Address=10.9.9.1/24 DHCPServer=yes '[DHCPServer]' EmitNTP=yes \
		NTP=10.9.9.1 EmitRouter=no EmitDNS=no >/run/systemd/network/10-test.network
	networkctl reload
	modprobe mac80211_hwsim radios=2
	udevadm settle --timeout=60
	systemctl stop telerec-wifi@wlan0
	printf '%s\n' 'network={' mode=2 frequency=2412 key_mgmt=WPA-PSK 'ssid="Hall 3"' 'psk="a long password"' '}' \
		>/run/test-wifi/network
	wpa_supplicant -B -D nl80211 -i wlan0 -c /run/test-wifi/network
	for _ in $(seq 360); do
		grep -qs 10.9.9.1 /run/chrony-dhcp/telerec.sources && break
		sleep 0.5
	done
	said wifi "$(ip -4 -brief address show dev wlan1 | awk '{ print $3 }' | sed 's,[0-9]*/.*,,') $(cat /run/chrony-dhcp/telerec.sources)"
	networkctl status wlan1 --no-pager
	systemctl status telerec-wifi@wlan1 --no-pager
}
[ ! -x /usr/sbin/wpa_supplicant ] || wifi >"$out/wifi" 2>&1

# The test takes a picture of the screen now.
touch "$out/look"
for _ in $(seq 240); do
	[ -e "$out/looked" ] && break
	sleep 0.5
done
echo "inside: done"
sync
