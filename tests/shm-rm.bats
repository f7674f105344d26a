# SPDX-License-Identifier: MIT
load helper

gone() { ! sysv_ids | grep -qx "$1"; }

@test "shm-rm: by key, id and name in one call, going on past failures" {
	shm-create "$seg" 10
	one=$(shm-create "$key" 10)
	two=$(shm-create private 10)
	run -1 --separate-stderr shm-rm "$key" 2147483647 "$two" "$seg-no" "$seg"
	is "$key: removed"$'\n'"$two: removed"$'\n'"$seg: removed" "$output"
	has "$stderr" "2147483647: there is no segment with this id"
	has "$stderr" "$seg-no: there is no such object"
	gone "$one"
	gone "$two"
	[[ ! -e /dev/shm$seg ]]
}

@test "shm-rm: an attached segment is pending, with who holds it" {
	id=$(shm-create "$key" 10)
	spawn shm-attach hold "$id"
	eventually attached "$id" 1
	run -1 --separate-stderr shm-rm "$key"
	is "$key: pending, 1 attached: ${jobs[0]} $(comm "${jobs[0]}")" "$output"
	is "" "$stderr"
	fails 1 "no segment with this key" shm-stat "$key"
	kill -9 "${jobs[0]}"
	eventually gone "$id"
}

@test "shm-rm: --wait waits for the last to detach, or 124" {
	id=$(shm-create private 10)
	spawn shm-attach hold "$id"
	eventually attached "$id" 1
	run -124 shm-rm --wait 0.05 "$id"
	has "$output" "pending, 1 attached: ${jobs[0]}"
	kill -9 "${jobs[0]}"
	eventually gone "$id"
	id=$(shm-create private 10)
	spawn shm-attach hold "$id"
	eventually attached "$id" 1
	shm-rm -w 10 "$id" >out 3>&- &
	remover=$!
	eventually awk -v id="$id" '$2 == id && $3 == 1600 { y = 1 } END { exit !y }' /proc/sysvipc/shm
	kill -9 "${jobs[1]}"
	wait "$remover"
	is "$id: removed" "$(cat out)"
}

@test "shm-rm: --wait tells who still has a removed POSIX object" {
	shm-create "$seg" 10
	spawn shm-attach hold "$seg"
	eventually grep -q "$tag" "/proc/${jobs[0]}/maps"
	run -124 --separate-stderr shm-rm --wait 0.05 "$seg"
	is "$seg: pending, 1 attached: ${jobs[0]} $(comm "${jobs[0]}")" "$output"
	[[ ! -e /dev/shm$seg ]]
}

@test "shm-rm: absent is 1, and 0 with --force" {
	fails 1 "no such object" shm-rm "$seg"
	fails 1 "no segment with this key" shm-rm "$key"
	run -0 --separate-stderr shm-rm -f "$seg" "$key" 2147483647
	is "" "$output$stderr"
	run -0 shm-rm -f
	fails 2 "which SEGMENT" shm-rm
}

@test "shm-rm: a malformed operand is 2 before anything is removed" {
	shm-create "$seg" 10
	run -2 shm-rm "$seg" ''
	[[ -e /dev/shm$seg ]]
	shm-rm -q "$seg"
	fails 2 "cannot be removed" shm-rm pid:1/fd/3
	fails 2 "key 0" shm-rm 0x0
}

@test "shm-rm: --dry-run removes nothing" {
	shm-create "$seg" 10
	run -0 shm-rm -n "$seg"
	is "$seg: would be removed" "$output"
	[[ -e /dev/shm$seg ]]
	shm-rm -q "$seg"
}

@test "shm-rm: --interactive asks" {
	shm-create "$seg" 10
	run -1 --separate-stderr shm-rm -i "$seg" <<<n
	has "$stderr" "remove $seg, 10 bytes of"
	[[ -e /dev/shm$seg ]]
	run -0 shm-rm -i "$seg" <<<y
	[[ ! -e /dev/shm$seg ]]
}

@test "shm-rm: operands from standard input" {
	shm-create "$seg-1" 10
	shm-create "$seg-2" 10
	printf '%s\n%s\n' "$seg-1" "$seg-2" | shm-rm -q -
	shm-create "$seg-1" 10
	printf '%s\0' "$seg-1" | shm-rm -q0
	[[ ! -e /dev/shm$seg-1 && ! -e /dev/shm$seg-2 ]]
}

@test "shm-rm: a planted FIFO, link, directory or semaphore is 3 and stays" {
	isolated
	mkfifo "/dev/shm/$tag-fifo"
	mkdir "/dev/shm/$tag-dir"
	ln -s /etc/passwd "/dev/shm/$tag-link"
	touch /dev/shm/sem.x
	fails 3 "this is a FIFO" shm-rm "$seg-fifo"
	fails 3 "this is a directory" shm-rm "$seg-dir"
	fails 3 "this is a symbolic link" shm-rm "$seg-link"
	fails 3 "named semaphore" shm-rm /sem.x
	is 4 "$(find /dev/shm -mindepth 1 | wc -l)"
	rm -r /dev/shm/sem.x "/dev/shm/$tag"*
}

@test "shm-rm: another's is 3 and stays" {
	isolated
	can_be_others
	shm-create -m 0666 "$seg" 10
	id=$(shm-create -m 0666 "$key" 10)
	fails 3 "only its owner" "${other[@]}" shm-rm "$seg"
	fails 3 "$key: no permission" "${other[@]}" shm-rm "$key"
	[[ -e /dev/shm$seg ]]
	shm-rm -q "$seg" "$id"
}

@test "shm-rm: --unused is a dry run until --yes, and takes only what nobody holds" {
	isolated
	used=$(shm-create private 10)
	spawn shm-attach hold "$used"
	eventually attached "$used" 1
	free=$(shm-create private 10)
	run -0 --separate-stderr shm-rm --unused
	has "$output" "$free: would be removed"
	[[ $output != *"$used:"* ]]
	has "$stderr" "--yes removes"
	run -0 --separate-stderr shm-rm --unused --yes
	gone "$free"
	is "$used" "$(sysv_ids)"
	kill -9 "${jobs[0]}"
	shm-rm -q "$used" || eventually gone "$used"
}

# in_pid_namespace COMMAND... - where the view of all processes is complete
in_pid_namespace() { unshare -pf --mount-proc "$@"; }

@test "shm-rm: --orphans takes what is old and whose creator is proven dead, nothing else" {
	isolated
	in_pid_namespace true || lacks "pid namespaces"
	# shellcheck disable=SC2016
	run -0 --separate-stderr in_pid_namespace bash -c '
		shm-create /fresh 10 >/dev/null
		shm-create /old 10 >/dev/null; touch -ad "5 hours ago" /dev/shm/old
		touch -md "5 hours ago" /dev/shm/old
		touch /dev/shm/sem.old
		shm-create private 10 >/dev/null
		echo default; shm-rm --orphans --yes
		echo young; shm-rm --orphans --older-than 0 --yes | sort'
	is "" "$stderr"
	has "$output" $'default\nyoung\n'
	has "$output" "/fresh: removed"
	has "$output" "/old: removed"
	is sem.old "$(ls -A /dev/shm)"
	is "" "$(sysv_ids)"
	rm /dev/shm/sem.old
}

@test "shm-rm: a segment whose creator lives is no orphan" {
	isolated
	cat >creator.py <<-'END'
	import sysv_ipc, signal
	m = sysv_ipc.SharedMemory(None, sysv_ipc.IPC_CREX, size=10)
	m.detach()
	print(m.id, flush=True)
	signal.pause()
	END
	python creator.py >id 3>&- &
	jobs+=("$!")
	eventually test -s id
	run -0 --separate-stderr shm-rm --orphans --older-than 0 --yes
	is "" "$output"
	is "$(cat id)" "$(sysv_ids)"
	pkill -9 -P "${jobs[0]}" || kill -9 "${jobs[0]}"
	eventually sh -c 'shm-rm --orphans --older-than 0 --yes | grep -q removed'
}

@test "shm-rm: an incomplete view calls no POSIX object unused" {
	isolated
	can_be_others
	"${other[@]}" shm-create "$seg" 10
	run -0 --separate-stderr "${other[@]}" shm-rm --unused --yes
	is "" "$output"
	has "$stderr" "cannot be seen"
	[[ -e /dev/shm$seg ]]
	shm-rm -q "$seg"
}

@test "shm-rm: bulk options that do not go together are 2" {
	fails 2 "take no SEGMENT" shm-rm --unused "$seg"
	fails 2 "exclude each other" shm-rm --unused --orphans
	fails 2 "go with --unused" shm-rm --yes "$seg"
	fails 2 "an age is" shm-rm --orphans --older-than 4x
}

@test "shm-rm: lost output is 3" {
	shm-create "$seg" 10
	run -3 --separate-stderr sh -c 'shm-rm "$1" >/dev/full' sh "$seg"
	has "$stderr" "standard output is lost"
}
