#!/bin/sh
# What happens in the booted image, in the test of it (image.sh): $1 is the folder that the test reads.
out=$1
here=$(dirname "$0")
exec >"$out/said" 2>&1
said() { echo "$1: $2"; }

# It is up when it says so.
for _ in $(seq 1200); do
	[ -s /run/telerec-ready/seconds ] && break
	sleep 0.5
done
said ready "$(cat /run/telerec-ready/seconds)"
timeout 60 systemctl is-system-running --wait >"$out/state"
said state "$(cat "$out/state")"
said failed "$(systemctl --failed --no-legend --plain | awk '{ print $1 }' | paste -sd ' ')"
said root "$(findmnt -n -o FSTYPE /) over $(findmnt -n -o FSTYPE /run/telerec-image/lower)"
said data "$(cat /run/telerec-image/data)"
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
systemd-analyze security --no-pager 2>/dev/null | grep telerec >"$out/security"
journalctl -b --no-pager -o short-monotonic >"$out/journal"
telerec status >"$out/status" 2>&1
cp /run/telerec-image/prepare "$out/prepare"

# A recording of the picture and the tone, by what is installed, through the kernel's loopback.
browser=$here/image_browser.pl
[ ! -x /usr/bin/chromium ] || browser=/usr/bin/chromium
install -d -o telerec-slot-16 /run/test-recordings
setpriv --reuid=telerec-slot-16 --regid=telerec-slot-16 --init-groups env HOME=/run/test-recordings \
	telerec record --browser "$browser" --sound loopback --size 320x180 --rate 5 --for 8s \
	--page-timeout 5m --name picture --to /run/test-recordings "${2:-http://127.0.0.1/picture}" --verbose
said recorded $?
cp /run/test-recordings/picture/picture.mp4 /run/test-recordings/picture/report.json "$out/"

# The test takes a picture of the screen now.
touch "$out/look"
for _ in $(seq 240); do
	[ -e "$out/looked" ] && break
	sleep 0.5
done
echo "inside: done"
sync
