#!/bin/bash
# `telerec network` and `telerec storage` on a tree of files, with a lsblk that has a stick: what is shown,
# what is changed, and what is refused.
set -euo pipefail
telerec=${TR_BUILD_DIR:?}/telerec
work=$(mktemp -d "${TMPDIR:-/tmp}/telerec-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
tree=$work/tree file=$work/tree/etc/systemd/network/20-telerec.network

fail() {
	echo "$*" >&2
	exit 1
}

# expect CODE TEXT COMMAND...: it ends so, and says that.
expect() {
	local code=$1 text=$2 said got=0
	shift 2
	said=$("$@" 2>&1) || got=$?
	[ "$got" = "$code" ] || fail "$*: code $got, not $code: $said"
	[[ $said == *"$text"* ]] || fail "$*: \"$text\" is not said: $said"
}

# ---- network ----

mkdir -p "$tree/run/systemd/netif/links" "$tree/sys/class/net/eth7" "$tree/proc/net" "$tree/etc"
expect 0 '"method": "dhcp"' "$telerec" network --root "$tree" --json
expect 0 'interface  eth7' "$telerec" network show --root "$tree"
expect 0 '' "$telerec" network set --root "$tree" address=192.168.1.20/24 gateway=192.168.1.1
grep -q '^Name=eth7$' "$file" && grep -q '^Address=192.168.1.20/24$' "$file" || fail "$(cat "$file")"
expect 0 '' "$telerec" network set --root "$tree" "dns=192.168.1.1, 9.9.9.9"
grep -q '^Address=192.168.1.20/24$' "$file" && grep -q '^DNS=192.168.1.1 9.9.9.9$' "$file" ||
	fail "the address was forgotten: $(cat "$file")"
expect 0 '"address": "192.168.1.20/24"' "$telerec" network --root "$tree" --json
before=$(cat "$file")
expect 0 '+DHCP=yes' "$telerec" network set --root "$tree" --dry-run method=dhcp
[ "$before" = "$(cat "$file")" ] || fail "a dry run changed something"
expect 2 'did you mean address' "$telerec" network set --root "$tree" adress=1.2.3.4/8
expect 2 'network.address: like' "$telerec" network set --root "$tree" address=300.1.1.1/24
expect 2 'show, set or test, not ' "$telerec" network sett
[ "$before" = "$(cat "$file")" ] || fail "what was refused changed something"

# `telerec machine` takes the same settings, by their whole names.
expect 0 '+DNS=10.0.0.1 10.0.0.2' "$telerec" machine set --root "$tree" --dry-run \
	network.interface=eth7 network.method=static network.address=10.0.0.9/8 network.dns=10.0.0.1,10.0.0.2
expect 0 '+VLAN=tr-vlan' "$telerec" network set --root "$tree" --dry-run vlan=7
expect 2 'network.vlan' "$telerec" machine set --root "$tree" network.interface=eth7 \
	network.vlan=5000
expect 2 'network.vlan' "$telerec" network set --root "$tree" vlan=twelve
expect 2 'give the PIN with --stdin' "$telerec" machine set --root "$tree" console.pin=1234
[ "$before" = "$(cat "$file")" ] || fail "a dry run changed something"
said=$("$telerec" network set --root "$tree" --json gateway=192.168.1.254) # and nothing else is said
[ "$said" = "{}" ] || fail "JSON: $said"

# ---- storage ----

mkdir "$work/bin"
cat >"$work/bin/lsblk" <<'END'
#!/bin/sh
echo '{"blockdevices": [{"name": "sdz", "path": "/dev/sdz", "type": "disk", "size": 64000000000, "model": "Stick",
	"ro": false, "rm": true, "mountpoints": [null], "children": [
	{"name": "sdz1", "path": "/dev/sdz1", "type": "part", "size": 32000000000, "fstype": "ext4", "label": "FILMS",
	"mountpoints": [null]},
	{"name": "sdz2", "path": "/dev/sdz2", "type": "part", "size": 32000000000, "fstype": "vfat", "label": null,
	"mountpoints": [null]}]}]}'
END
chmod 755 "$work/bin/lsblk"
export PATH=$work/bin:$PATH
printf 'recordings = "%s";\n' "$work" >"$work/telerec.conf"
expect 0 "recordings are kept in $work: " "$telerec" storage --config "$work/telerec.conf"
expect 0 'FILMS' "$telerec" storage show --config "$work/telerec.conf"
expect 0 '"obstacle": "its kind of file system knows no owners' \
	"$telerec" storage --json --config "$work/telerec.conf"
expect 0 'would run: e2label /dev/sdz1 TELEREC-REC' \
	"$telerec" storage use /dev/sdz1 --dry-run --config "$work/telerec.conf"
expect 2 'format it' "$telerec" storage use /dev/sdz2 --config "$work/telerec.conf"
expect 2 'there is no file system /dev/sdy1' "$telerec" storage use /dev/sdy1
expect 2 'say it twice' "$telerec" storage format /dev/sdz2
expect 2 'say it twice' "$telerec" storage format /dev/sdz2 --yes-erase /dev/sdz1
expect 0 'would run: mkfs.ext4' "$telerec" storage format /dev/sdz2 --dry-run
expect 2 'say which device' "$telerec" storage use
[ "$(cat "$work/telerec.conf")" = "recordings = \"$work\";" ] || fail "$(cat "$work/telerec.conf")"

# ---- a network share, with tools that write down how they are called ----

for tool in mount umount systemctl chgrp; do
	printf '#!/bin/sh\necho "%s $*" >>%s/calls\n' "$tool" "$work" >"$work/bin/$tool"
	chmod 755 "$work/bin/$tool"
done
share() { "$telerec" storage share --root "$tree" --config "$work/telerec.conf" "$@"; }
mkdir -p "$tree/run/media/telerec/share/files" "$tree/proc/self"
echo '/dev/sda2 / ext4 rw 0 0' >"$tree/proc/self/mounts"
expect 2 'say which share' share
expect 2 'a share is like nfs://host/export' share //nas/films
expect 2 'the user does not belong into the address' share smb://anna@nas/films
expect 2 'knows no user' share nfs://nas/films --user anna
expect 2 'no network share is in use here' share --forget
expect 0 'would try the share of nas' share nfs://nas/films --dry-run
printf '#!/bin/sh\necho "mount error(13): Permission denied" >&2; exit 32\n' >"$work/bin/mount"
expect 1 'nas refuses the user anna' share smb://nas/films --user anna --password-stdin <<<hunter2secret
[ ! -e "$work/calls" ] && [ ! -e "$tree/etc/telerec" ] || fail "what failed changed something"
printf '#!/bin/sh\necho "mount $*" >>%s/calls\n' "$work" >"$work/bin/mount"
expect 0 '' share --stdin --json <<<'{"url": "smb://nas/My%20films", "user": "anna", "password": "hunter2secret"}'
grep -q 'recordings = "/run/media/telerec/share/files/recordings";' "$work/telerec.conf" ||
	fail "$(cat "$work/telerec.conf")"
[ "$(stat -c %a "$tree/etc/telerec/share.credentials")" = 600 ] || fail "others can read the password"
! grep -r hunter2secret "$work" --exclude=share.credentials || fail "the password is elsewhere, too"
expect 0 'network share smb://nas/My%20films: NOT there now' \
	"$telerec" storage --root "$tree" --config "$work/telerec.conf"
expect 0 '"mounted": false' "$telerec" storage --root "$tree" --json --config "$work/telerec.conf"

# What the service makes of it.
mount_share() { TELEREC_ROOT=$tree sh "$(dirname "$0")/../../conf/systemd/telerec-mount-share"; }
unit=$tree/run/systemd/system/run-media-telerec-share-files.mount
: >"$work/calls"
expect 0 'the network share //nas/My films is at /run/media/telerec/share/files' mount_share
grep -qx 'What=//nas/My films' "$unit" && grep -qx 'Type=cifs' "$unit" && grep -qx 'TimeoutSec=25' "$unit" &&
	grep -q '^Options=credentials=/etc/telerec/share.credentials,uid=telerec,' "$unit" || fail "$(cat "$unit")"
expect 0 '' mount_share
[ "$(cat "$work/calls")" = "chgrp telerec $tree/run/media/telerec/share
systemctl daemon-reload
systemctl start run-media-telerec-share-files.mount
chgrp telerec $tree/run/media/telerec/share
systemctl start run-media-telerec-share-files.mount" ] || fail "$(cat "$work/calls")"
[ "$(stat -c %a "$tree/run/media/telerec/share")" = 750 ] || fail "everybody comes to the share"
printf '#!/bin/sh\nexit 1\n' >"$work/bin/systemctl"
expect 1 'journalctl -u run-media-telerec-share-files.mount' mount_share
printf '#!/bin/sh\n' >"$work/bin/systemctl"
expect 0 '' share --forget
grep -q 'recordings = "/var/lib/telerec/recordings";' "$work/telerec.conf" || fail "$(cat "$work/telerec.conf")"
[ ! -e "$tree/etc/telerec/share.conf" ] && [ ! -e "$tree/etc/telerec/share.credentials" ] || fail "it is not forgotten"
echo passed
