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
	shm-create "$seg-1" 10
	shm-create "$seg-2" 10
	run -1 shm-rm -i "$seg-1" "$seg-2" <<<"no, keep this!!yes"
	[[ -e /dev/shm$seg-1 && -e /dev/shm$seg-2 ]]
	shm-rm -q "$seg-1" "$seg-2"
}

@test "shm-rm: --owner is a user, and a group there is refused, not passed over" {
	isolated
	touch "/dev/shm$seg"
	for owner in :0 0:0 ''; do
		fails 2 "a USER is asked for" shm-rm --unused --owner "$owner" --yes
		fails 2 "a USER is asked for" shm-stat --where "owner=$owner"
	done
	[[ -e /dev/shm$seg ]]
	rm "/dev/shm$seg"
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
	fails 3 "named semaphore" shm-set --mode 600 /sem.x
	fails 3 "named semaphore" shm-attach read /sem.x
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

@test "shm-rm: an object of another user is left alone where not all can be seen" {
	isolated
	can_be_others
	shm-create -m 0666 "$seg" 10
	run -0 --separate-stderr "${other[@]}" shm-rm --unused --yes
	is "" "$output"
	has "$stderr" "so 1 object that nobody seen holds is left alone"
	[[ -e /dev/shm$seg ]]
	shm-rm -q "$seg"
}

@test "shm-rm: what a process outside the pid namespace holds is not unused" {
	isolated
	in_pid_namespace true || lacks "pid namespaces"
	shm-create "$seg" 10
	shm-create "$seg-free" 10
	spawn shm-attach hold "$seg"
	eventually grep -q "$tag" "/proc/${jobs[0]}/maps"
	run -0 --separate-stderr in_pid_namespace shm-rm --unused --yes
	is "$seg-free: removed" "$output"
	run -0 --separate-stderr in_pid_namespace shm-rm --orphans --older-than 0 --yes
	is "" "$output"
	kill -9 "${jobs[0]}"
	eventually sh -c "shm-rm --unused --yes | grep -qx '$seg: removed'"
}

# header HOW SEGMENT - make a segment with a header of the library: see header.c
can_make_headers() {
	[[ -z ${SHMU_SANITIZE-} ]] || skip "a sanitized library needs a sanitized program"
	[[ -f $SHMU_BUILD/.libs/libshmutil.a ]] || skip "configured without a static library"
}
header() {
	[[ -x $BATS_FILE_TMPDIR/header ]] || cc -D_GNU_SOURCE -I"$SHMU_SRC/src/include" \
		-o "$BATS_FILE_TMPDIR/header" "$SHMU_SRC/tests/header.c" \
		"$SHMU_BUILD/.libs/libshmutil.a"
	"$BATS_FILE_TMPDIR/header" "$@"
}

@test "shm-rm: a store tied to nobody is never an orphan, one tied to a dead process is" {
	isolated
	can_make_headers
	header forever "$seg-store"
	header dead "$seg-dead"
	header building "$seg-half"
	is "unused orphan unfinished" "$(shm-stat --older-than 0 -q --raw --noheadings -o STATE "$seg-store" "$seg-dead" "$seg-half" | xargs)"
	has "$(shm-stat --older-than 0 --why "$seg-store")" "no  it is a table that is tied to no process"
	has "$(shm-stat --older-than 0 --why "$seg-dead")" "yes its header ties the table to a process that is proven dead"
	has "$(shm-stat "$seg-dead")" "FORMAT: table, layout 1, 8K of at most 8K, tied to process "
	run -0 shm-rm --orphans --older-than 0 --yes
	is "$seg-dead: removed" "$output"
	shm-rm -q "$seg-store" "$seg-half"
}

@test "shm-rm: a stream whose ends are dead is an orphan, and goes with its bell" {
	isolated
	mkfifo in
	exec 7<>in
	fifo-producer "${seg#/}" <in 3>&- 7>&- &
	jobs+=("$!")
	eventually test -p "/dev/shm$seg.bell"
	eventually sh -c "shm-stat '$seg' | grep -q 'FORMAT: ring.* bytes published'"
	run -0 --separate-stderr shm-stat --audit
	is "" "$output"
	run -0 shm-rm --orphans --older-than 0 --yes
	is "" "$output"
	kill -9 "$!"
	exec 7>&-
	eventually sh -c 'shm-stat -q --older-than 0 --where "operand=$1,state=orphan" >/dev/null' sh "$seg"
	run -0 shm-rm --orphans --older-than 0 --yes
	is "$seg: removed" "$output"
	is "" "$(ls -A /dev/shm)"
}

@test "shm-rm: a stream that is named goes with its bell, and no other FIFO does" {
	mkfifo in "/dev/shm$seg.other.bell"
	exec 7<>in
	fifo-producer "$seg" <in 3>&- 7>&- &
	jobs+=("$!")
	eventually test -p "/dev/shm$seg.bell"
	shm-create -q "$seg.other" 4096
	run -0 shm-rm "$seg" "$seg.other"
	is "$seg: removed"$'\n'"$seg.other: removed" "$output"
	[[ ! -e /dev/shm$seg && ! -e /dev/shm$seg.bell && -p /dev/shm$seg.other.bell ]]
	rm "/dev/shm$seg.other.bell"
}

@test "shm-rm: a System V store is looked into right before it would be removed" {
	isolated
	can_make_headers
	id=$(header forever "$key")
	is orphan "$(shm-stat --older-than 0 -q --raw --noheadings -o STATE "$id")"
	run -1 --separate-stderr shm-rm --orphans --older-than 0 --yes
	has "$stderr" "$id: kept"
	is "$id" "$(sysv_ids)"
	shm-rm -q "$id"
}

@test "shm-rm: what is used again between the look and the removal is kept" {
	isolated
	for i in 1 2 3 4 5 6 7 8; do shm-create "$seg-$i" 10 >/dev/null; done
	# It asks about the first; meanwhile all come into use.
	mkfifo answer
	{ shm-rm -i --unused --yes <answer >out 2>err && echo 0 || echo $?; } >status 3>&- &
	jobs+=("$!")
	exec 8>answer
	eventually grep -q 'remove ' err
	for i in 1 2 3 4 5 6 7 8; do spawn shm-attach hold "$seg-$i"; done
	for i in 1 2 3 4 5 6 7 8; do eventually grep -q "$tag-$i\$" "/proc/${jobs[i]}/maps"; done
	yes | head -20 >&8
	exec 8>&-
	eventually test -s status
	is 1 "$(cat status)"
	is "" "$(cat out)"
	is 8 "$(grep -c "kept: it is in use" err)"
	kill -9 "${jobs[@]:1}"
	eventually sh -c "shm-rm -q --unused --yes; ! ls /dev/shm | grep -q ."
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
