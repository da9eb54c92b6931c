# The network's helpers. chrony is in the full image only: it is told by a file of the network's time servers, and
# listens for its own tool on a socket only.
systemctl --root="$root" -q enable telerec-keep.path
if [ "$flavour" = full ]; then
	systemctl --root="$root" -q enable telerec-time.path
	echo 'cmdport 0' >"$root/etc/chrony/conf.d/telerec.conf"
	ln -sf /dev/null "$root/etc/systemd/system/wpa_supplicant.service"
	# Network shares are mounted without these (nolock), and nothing of ours shall listen.
	for unit in rpcbind.service rpcbind.socket rpc-statd.service rpc-statd-notify.service; do
		ln -sf /dev/null "$root/etc/systemd/system/$unit"
	done
fi
