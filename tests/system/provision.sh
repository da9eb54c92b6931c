#!/bin/bash
# What the appliance takes from a stick or a NoCloud volume, and what it refuses: the image's script, in a folder
# that stands for the machine; and what factory-reset leaves.
set -euo pipefail

build=${TR_BUILD_DIR:?run by ctest, or set TR_BUILD_DIR to the build folder}
scripts=${TR_SOURCE_DIR:?}/firmware-image/overlay/usr/lib/telerec-image
command -v jq >/dev/null || {
	echo "skipped: jq is not installed"
	exit 77
}
work=$(mktemp -d /tmp/telerec-provision.XXXXXX)
trap 'rm -rf "$work"' EXIT
export TELEREC_ROOT=$work/root TELEREC_PROGRAM=$build/telerec TELEREC_COMMAND_LINE='' TELEREC_OWNER=''
data=$work/root/data
stick=$work/stick

fail() {
	echo "FAILED: $*" >&2
	cat "$work/said" >&2
	exit 1
}
begin() {
	rm -rf "$work/root" "$stick"
	mkdir -p "$work/root/etc" "$data/etc/telerec" "$data/network" "$stick/telerec"
	echo 'slots = 1;' >"$data/etc/telerec/telerec.conf"
}
provision() { sh "$scripts/provision" "$stick" >"$work/said" 2>&1 || fail "the script failed"; }
said() { grep -qF -- "$1" "$work/said" || fail "it did not say: $1"; }
holds() { grep -qF -- "$2" "$data/$1" || fail "$1 does not hold: $2"; }

echo "== everything at once is taken, and the passwords are wiped"
begin
cp "$TR_SOURCE_DIR/conf/telerec.conf" "$stick/telerec/telerec.conf"
echo 'slots = 3;' >"$stick/telerec/telerec.conf"
printf 'environments = ( );\n' >"$stick/telerec/secrets.conf"
echo recorder-7 >"$stick/telerec/hostname"
echo Europe/Berlin >"$stick/telerec/timezone"
echo 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGZha2U admin' >"$stick/telerec/authorized_keys"
printf '[Match]\nName=eth9\n\n[Network]\nDHCP=yes\n' >"$stick/telerec/30-own.network"
provision
holds etc/telerec/telerec.conf 'slots = 3;'
holds etc/telerec/secrets.conf environments
[ ! -e "$stick/telerec/secrets.conf" ] || fail "the passwords are still on the stick"
[ -e "$stick/telerec/telerec.conf" ] || fail "what is no secret was removed"
holds etc/hostname recorder-7
[ "$(readlink "$data/etc/localtime")" = /usr/share/zoneinfo/Europe/Berlin ] || fail "no time zone"
holds ssh/authorized_keys AAAAC3
[ "$(stat -c %a "$data/ssh/authorized_keys" "$data/etc/telerec/secrets.conf" | paste -sd' ')" = "600 640" ] ||
	fail "others can read what they must not"
holds network/30-own.network Name=eth9

echo "== a stick that stays does not undo what was set up since"
echo 'slots = 2;' >"$data/etc/telerec/telerec.conf"
provision
[ ! -s "$work/said" ] || fail "something was taken again"
holds etc/telerec/telerec.conf 'slots = 2;'
echo 'slots = 4;' >"$stick/telerec/telerec.conf"
provision
holds etc/telerec/telerec.conf 'slots = 4;'

echo "== wrong ones leave the old in force, and are named"
begin
echo 'slots = "many";' >"$stick/telerec/telerec.conf"
echo 'environments = ( );' >"$stick/telerec/secrets.conf"
echo '../../etc/shadow' >"$stick/telerec/timezone"
echo 'a b;reboot' >"$stick/telerec/hostname"
echo 'no key' >"$stick/telerec/authorized_keys"
echo 'hello' >"$stick/telerec/x.network"
provision
said 'are not taken, those of before stay in force'
said 'slots'
said 'time zone'
said 'is no host name'
said 'has no public key'
said 'is no file of systemd-networkd'
holds etc/telerec/telerec.conf 'slots = 1;'
[ -e "$stick/telerec/secrets.conf" ] || fail "the passwords were wiped, and are nowhere"
[ ! -e "$data/etc/telerec/secrets.conf" ] || fail "half of the settings was taken"
[ ! -e "$data/ssh/authorized_keys" ] || fail "SSH was opened"

echo "== network.json"
begin
echo '{"match": "enp1s0", "address": ["192.0.2.5/24"], "gateway": "192.0.2.1", "dns": "192.0.2.1", "vlan": 12}' \
	>"$stick/telerec/network.json"
provision
holds network/20-telerec-vlan.network Address=192.0.2.5/24
holds network/20-telerec-vlan.network Name=tr-vlan
holds network/20-telerec-vlan.netdev Id=12
holds network/20-telerec.network Name=enp1s0
holds network/20-telerec.network VLAN=tr-vlan
proxy=etc/chromium/policies/managed/telerec-proxy.json
echo '{"dhcp": true, "ntp": "time.example.org", "proxy": "http://proxy.example.org:3128"}' >"$stick/telerec/network.json"
provision
holds network/20-telerec.network DHCP=yes
holds network/20-telerec.network NTP=time.example.org
holds $proxy '"http://proxy.example.org:3128"'
cmp "$data/$proxy" "$work/root/$proxy"
[ ! -e "$data/network/20-telerec-vlan.netdev" ] || fail "the VLAN of before is still there"
for wrong in '{"address": "x\nExec=y"}' '{"dhcp": true, "vlan": 4095}' '{"dhcp": true, "vlan": "1"}' \
	'{"dhcp": true, "proxy": "proxy"}' '{"adress": "192.0.2.5/24"}' '[]' '{}' 'no'; do
	echo "$wrong" >"$stick/telerec/network.json"
	provision
	said 'is not taken'
	holds network/20-telerec.network DHCP=yes
	holds $proxy proxy.example.org
done
echo '{"dhcp": true}' >"$stick/telerec/network.json"
provision
[ ! -e "$data/$proxy" ] || fail "the proxy of before is still there"

echo "== Wi-Fi: its password goes off the stick, and nobody reads it"
begin
password='pass "word" 7'
wifi() { jq -n --arg password "$password" '{ssid: "Hall 3 ä", password: $password} + '"${1:-{\}}" >"$stick/telerec/wifi.json"; }
wifi
provision
said 'this image has no Wi-Fi'
mkdir -p "$work/root/usr/sbin"
cp /bin/true "$work/root/usr/sbin/wpa_supplicant"
for wrong in '{ssid: ""}' '{ssid: "a\nb"}' '{ssid: 5}' '{password: "short"}' '{password: "\nnetwork={ }"}' '{country: "de"}' \
	'{"psk": 1}'; do
	wifi "$wrong"
	provision
	said 'wifi.json'
	said 'is not taken'
	! grep -F "$password" "$work/said" || fail "the password is told"
	[ -e "$stick/telerec/wifi.json" ] || fail "it was wiped, and is nowhere"
done
wifi '{country: "DE", hidden: true}'
provision
said 'the Wi-Fi'
! grep -F "$password" "$work/said" || fail "the password is told"
holds etc/wpa_supplicant/telerec.conf "psk=\"$password\""
holds etc/wpa_supplicant/telerec.conf 'ssid="Hall 3 ä"'
holds etc/wpa_supplicant/telerec.conf country=DE
holds network/25-telerec-wifi.network Type=wlan
[ ! -e "$stick/telerec/wifi.json" ] || fail "the password is still on the stick"
[ "$(stat -c %a "$data/etc/wpa_supplicant/telerec.conf" "$work/root/etc/wpa_supplicant/telerec.conf" | paste -sd' ')" = \
	"600 600" ] || fail "others can read the password"
[ -z "$(find "$work/root" -name '*.new')$(ls "$work/root/run/telerec-image/provision" | grep wifi)" ] || fail "a copy is left"

echo "== time servers of the network, for chrony"
mkdir -p "$work/root/run/systemd/netif"
printf 'OPER_STATE=routable\nNTP=192.0.2.7 time.example.org x;y\n' >"$work/root/run/systemd/netif/state"
sh "$scripts/time"
[ "$(paste -sd, "$work/root/run/chrony-dhcp/telerec.sources")" = \
	"server 192.0.2.7 iburst,server time.example.org iburst" ] || fail "other time servers"

echo "== what is set in /etc is kept"
begin
mkdir -p "$work/root/etc/chromium/policies/managed"
echo recorder-8 >"$work/root/etc/hostname"
ln -s /usr/share/zoneinfo/Asia/Tokyo "$work/root/etc/localtime"
echo '{"ProxyServer": "http://p"}' >"$work/root/$proxy"
sh "$scripts/keep"
holds etc/hostname recorder-8
holds $proxy http://p
[ "$(readlink "$data/etc/localtime")" = /usr/share/zoneinfo/Asia/Tokyo ] || fail "the time zone is not kept"
rm "$work/root/$proxy"
sh "$scripts/keep"
[ ! -e "$data/$proxy" ] || fail "the proxy that was taken away is kept"

echo "== NoCloud"
begin
rmdir "$stick/telerec"
cat >"$stick/user-data" <<'USER'
#cloud-config
hostname: "vm-3"   # a comment
timezone: Asia/Tokyo
ssh_authorized_keys:
  - ssh-rsa AAAAB3NzaC1yc2E admin@example
telerec_conf: |
  slots = 5;
  video = { frame_rate = 25; };
packages:
  - nmap
USER
provision
holds etc/hostname vm-3
holds ssh/authorized_keys 'ssh-rsa AAAAB3NzaC1yc2E admin@example'
holds etc/telerec/telerec.conf 'slots = 5;'
said '"packages" in user-data is not known here'

echo "== factory-reset"
request() {
	mkdir -p "$data/recordings/one" "$data/journal" "$data/ssh"
	touch "$data/recordings/one/r.mp4" "$data/machine-id" "$data/ssh/key"
	"$build/telerec" factory-reset --yes --data "$data" "$@" >"$work/said" || fail "the request was not taken"
}
request --keep-recordings
sh "$scripts/reset-data" "$data"
[ "$(find "$data" -mindepth 1 -maxdepth 1 -printf '%f ')" = "recordings " ] || fail "more than recordings is left"
[ -e "$data/recordings/one/r.mp4" ] || fail "the recording is gone"
request
"$build/telerec" factory-reset --cancel --data "$data" >"$work/said"
sh "$scripts/reset-data" "$data"
[ -e "$data/machine-id" ] || fail "it was reset, though the request was taken back"
request
sh "$scripts/reset-data" "$data"
[ -z "$(ls -A "$data")" ] || fail "something is left"
echo "passed"
