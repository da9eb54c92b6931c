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
echo passed
