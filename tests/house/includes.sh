#!/bin/sh
# Checks that every #include of src points the way tests/rooms.table allows, that each file's name is
# used once in src, and that no file reaches outside by "..".
set -eu
cd "${1:?the source folder}"

bad=$(
	grep -rnE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' src --include='*.[ch]' | awk -F: '
		BEGIN {
			while ((getline line < "tests/rooms.table") > 0) {
				if (line ~ /^#/ || line == "")
					continue
				split(line, parts, ":")
				known[parts[1]] = 1
				count = split(parts[2], words, " ")
				for (i = 1; i <= count; i++)
					allowed[parts[1], words[i]] = 1
			}
		}
		{
			split($1, path, "/")
			room = path[2]
			match($0, /"[^"]*"/)
			included = substr($0, RSTART + 1, RLENGTH - 2)
			split(included, target, "/")
			if (!(room in known))
				print $1 ":" $2 ": room \"" room "\" is not in tests/rooms.table"
			else if (included ~ /\.\./ || included !~ /\//)
				print $1 ":" $2 ": \"" included "\" is not written from src/"
			else if (target[1] != room && !((room, target[1]) in allowed))
				print $1 ":" $2 ": " room " may not include \"" included "\""
		}'
)
twice=$(find src -name '*.[ch]' | sed 's,.*/,,' | sort | uniq -d |
	sed 's/.*/src has two files with the name &/')
# The build must not link what the sources may not include.
links=$(
	for list in src/*/CMakeLists.txt; do
		room=$(basename "$(dirname "$list")")
		allowed="$room $(sed -n "s/^$room://p" tests/rooms.table)"
		for other in $(tr '\n\t' '  ' <"$list" | sed 's/tr_room(/\n&/g' |
			sed -n 's/^tr_room([^)]*DEPENDS \([a-z_ ]*\).*/\1/p'); do
			# A folder may be two rooms, one of which needs less than the other.
			folder=$(basename "$(dirname "$(grep -l "^tr_room($other\\>" src/*/CMakeLists.txt)")")
			case " $allowed " in
			*" $folder "*) ;;
			*) echo "$list: $room may not link $other" ;;
			esac
		done
	done
)
[ -z "$bad$twice$links" ] && exit 0
printf '%s\n' "$bad" "$twice" "$links" | sed '/^$/d'
exit 1
