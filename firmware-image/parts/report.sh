# What is in it, and what takes the space.

# The packages as CycloneDX has them.
report_bom() {
	printf '{\n "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,\n'
	printf ' "metadata": {"component": {"type": "operating-system", "name": "telerec", "version": "%s"}},\n' "$version"
	printf ' "components": [\n'
	awk -F '\t' '{
		purl = $2
		gsub(/\+/, "%2B", purl); gsub(/:/, "%3A", purl)
		printf "%s  {\"type\": \"library\", \"name\": \"%s\", \"version\": \"%s\", \"purl\": \"pkg:deb/debian/%s@%s?arch=%s\"}",
			(NR > 1 ? ",\n" : ""), $1, $2, $1, purl, $3
	}' "$work/packages.tsv"
	printf '\n ]\n}\n'
}

report_table() {
	echo "packages, MB unpacked:"
	sort -t "$(printf '\t')" -k4,4nr "$work/packages.tsv" |
		awk -F '\t' 'NR <= 15 { printf "%8.1f  %s\n", $4 / 1024, $1 }'
	awk -F '\t' '{ sum += $4 } END { printf "%8.1f  all %d packages\n", sum / 1024, NR }' "$work/packages.tsv"
	echo "folders, MB unpacked:"
	sort -k1,1nr "$work/sizes" | sed "s,$root,," | awk '$2 ~ /^\/.+/ && n++ < 12 { printf "%8.1f  %s\n", $1 / 1024, $2 }'
	echo "on the medium, MB:"
	(cd "$work/iso/live" && stat -c '%s %n' vmlinuz initrd.img boot.squashfs root.squashfs) |
		awk '{ printf "%8.1f  %s\n", $1 / 1048576, $2 }'
}

report_make() {
	cp "$work/manifest.txt" "$out/$name.manifest"
	report_bom >"$out/$name.cdx.json"
	report_table | tee -a "$log"
	rm -f "$out/$name.sha256"
	(cd "$out" && for file in "$name".{iso,img.zst,qcow2,raucb,manifest,cdx.json}; do
		[ ! -e "$file" ] || sha256sum "$file"
	done >"$name.sha256")
	(cd "$out" && ls -l "$name".* | awk '{ printf "build: %8.1f MB  %s\n", $5 / 1000000, $NF }')
}
