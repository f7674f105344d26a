# SPDX-License-Identifier: MIT
load helper

stat_json() { shm-stat --json "$@" 2>/dev/null; }

@test "shm-stat: both kinds in one table, with who holds them" {
	isolated
	id=$(shm-create "$key" 256)
	shm-create -m 0640 "$seg" 64K
	spawn shm-attach hold "$id"
	spawn shm-attach -r hold "$seg"
	eventually attached "$id" 1
	eventually grep -q "$tag" "/proc/${jobs[1]}/maps"
	run -0 --separate-stderr shm-stat --raw -b -o KIND,OPERAND,KEY,MODE,SIZE,NATTCH,STATE,HOLDERS
	is "sysv $id $(printf '0x%08x' "$key") 0600 256 1 live ${jobs[0]}\\x20$(comm "${jobs[0]}")" "${lines[1]}"
	is "posix $seg - 0640 65536 - live ${jobs[1]}\\x20$(comm "${jobs[1]}")" "${lines[2]}"
	run -0 shm-stat -q
	has "$output" "KIND"
	has "$output" "64K"
	kill -9 "${jobs[@]}"
	eventually attached "$id" 0
	shm-rm -q "$seg" "$id"
}

@test "shm-stat: an empty list has its headings, and JSON an empty array" {
	isolated
	run -0 --separate-stderr shm-stat -o OPERAND,SIZE
	is "OPERAND SIZE" "$output"
	is '[]' "$(stat_json | jq -c .segments)"
	is shmutils.segments.1 "$(stat_json | jq -r .schema)"
}

@test "shm-stat: one operand in detail" {
	id=$(shm-create -m 0640 "$key" 300)
	run -0 --separate-stderr shm-stat "$key"
	has "$output" "OPERAND: $id"
	has "$output" "SIZE: 300"
	has "$output" "MODE: 0640"
	has "$output" "NATTCH: 0"
	has "$output" "CPID: "
	shm-create "$seg" 8192
	run -0 --separate-stderr shm-stat "$seg" "$id"
	has "$output" "OPERAND: $seg"
	has "$output" "ALLOC: 8192"
	has "$output" "OPERAND: $id"
	shm-rm -q "$seg" "$id"
}

@test "shm-stat: JSON has numbers as numbers and what the kernel tells" {
	id=$(shm-create "$key" 300)
	shm-attach fill "$id" 1
	row=$(awk -v id="$id" '$2 == id' /proc/sysvipc/shm)
	read -r _ _ _ size cpid lpid nattch uid gid cuid cgid _ _ _ rss swap <<<"$row"
	is "$size $cpid $lpid $nattch $uid $gid $cuid $cgid $rss $swap" "$(stat_json "$id" | jq -r '.segments[0] |
		[.size, .creator_pid, .last_pid, .attached, .uid, .gid, .creator_uid, .creator_gid, .resident, .swapped] |
		map(if type == "number" then . else error("no number") end) | join(" ")')"
	is "$(printf '0x%08x' "$key")" "$(stat_json "$id" | jq -r '.segments[0].key')"
	[[ $(stat_json "$id" | jq -r '.segments[0].changed') =~ ^20[0-9-]+T[0-9:]+Z$ ]]
	is null "$(stat_json "$id" | jq -r '.segments[0] | .dtime')"
	shm-rm -q "$id"
}

@test "shm-stat: odd names are harmless in the table and valid in JSON" {
	isolated
	touch "/dev/shm/"$'a b\n\e[31m\xff"\\'
	run -0 --separate-stderr shm-stat -o OPERAND --raw --noheadings
	is 'name:a\x20b\x0a\x1b[31m\xff"\x5c' "$output"
	[[ $(shm-stat -q) != *$'\e'* ]]
	is 'name:a\x20b\x0a\x1b[31m\xff"\x5c' "$(stat_json | jq -r '.segments[0].operand')"
	is '6120620a1b5b33316dff225c' "$(stat_json | jq -r '.segments[0].name_hex')"
	is 'name:a\x20b\x0a\x1b[31m\xff"\x5c' "$(stat_json "$output" | jq -r '.segments[0].operand')"
	shm-rm -q "$output"
}

@test "shm-stat: what is no shared memory is called foreign" {
	isolated
	mkfifo /dev/shm/fifo
	mkdir /dev/shm/dir
	ln -s /nowhere /dev/shm/dangling
	touch /dev/shm/sem.x
	run -0 --separate-stderr shm-stat --raw --noheadings -o STATE
	is "foreign foreign foreign foreign" "$(xargs <<<"$output")"
	rm -r /dev/shm/*
}

@test "shm-stat: a removed and attached segment is dest" {
	id=$(shm-create "$key" 10)
	spawn shm-attach hold "$id"
	eventually attached "$id" 1
	shm-rm -q "$id" || true
	is "dest 0x00000000" "$(stat_json "$id" | jq -r '.segments[0] | "\(.state) \(.key)"')"
	kill -9 "${jobs[0]}"
	eventually sh -c "! awk '{ print \$2 }' /proc/sysvipc/shm | grep -qx $id"
}

@test "shm-stat: world-writable and locked are shown" {
	shm-create -m 0666 "$seg" 10
	id=$(shm-create --lock private 10)
	has "$(shm-stat -q --raw -o STATE "$seg")" world-writable
	has "$(shm-stat -q --raw -o STATE "$id")" locked
	shm-rm -q "$seg" "$id"
}

@test "shm-stat: another user sees every segment, and is told what it cannot see" {
	isolated
	can_be_others
	shm-create "$seg" 100
	id=$(shm-create private 200)
	run -0 --separate-stderr "${other[@]}" shm-stat --raw -b --noheadings -o OPERAND,SIZE
	is "$id 200"$'\n'"$seg 100" "$output"
	has "$stderr" "cannot be seen"
	is "false unknown" "$("${other[@]}" shm-stat --json "$seg" | jq -r '"\(.complete) \(.segments[0].state)"')"
	is 200 "$("${other[@]}" shm-stat --json "$id" | jq '.segments[0].size')"
	shm-rm -q "$seg" "$id"
}

@test "shm-stat: absent is 1, malformed 2; others are still shown" {
	shm-create "$seg" 10
	run -1 --separate-stderr shm-stat "$seg-no" "$seg"
	has "$output" "OPERAND: $seg"
	has "$stderr" "$seg-no: there is no such object"
	fails 1 "no segment with this id" shm-stat 2147483647
	fails 2 "leading zero" shm-stat 007
	fails 2 "no such column" shm-stat -o NONSENSE
	shm-rm -q "$seg"
}

@test "shm-stat: operands from standard input" {
	shm-create "$seg" 10
	has "$(echo "$seg" | shm-stat -)" "OPERAND: $seg"
	has "$(printf '%s\0' "$seg" | shm-stat -0)" "OPERAND: $seg"
	shm-rm -q "$seg"
}

@test "shm-stat: every column can be asked for, in either case" {
	shm-create "$seg" 10
	all=$(shm-stat --columns | awk '{ print $1 }' | paste -sd,)
	run -0 --separate-stderr shm-stat -o "$all" "$seg"
	is "$(tr , ' ' <<<"$all" | wc -w)" "$(head -1 <<<"$output" | wc -w)"
	run -0 shm-stat -o operand "$seg"
	shm-rm -q "$seg"
}

@test "shm-stat: a file and a descriptor are told too" {
	shm-create ./f 4096
	has "$(shm-stat -q ./f)" "KIND: file"
	if [[ -n ${SHMU_VALGRIND-} ]]; then	# which does not know pidfd_open
		shm-rm -q ./f
		return
	fi
	exec 9<f
	me=$BASHPID
	has "$(shm-stat -q "pid:$me/fd/9")" "SIZE: 4096"
	is "pid:$me/fd/9 4096" "$(shm-stat -q -b --raw --noheadings -o OPERAND,SIZE "pid:$me/fd/9")"
	exec 9<&-
	shm-rm -q ./f
}

@test "shm-stat: lost output is 3" {
	run -3 --separate-stderr sh -c 'shm-stat >/dev/full'
	has "$stderr" "standard output is lost"
}
