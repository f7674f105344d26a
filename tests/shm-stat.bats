# SPDX-License-Identifier: MIT
# Segments of tmpfs and of System V are the test's alone; memfds are any
# process's, so what looks at all kinds expects more than it made.
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
	for kind in sysv posix; do
		run -1 --separate-stderr shm-stat --where "kind=$kind" -o OPERAND,SIZE
		is "OPERAND SIZE" "$output"
		is '[]' "$(stat_json --where "kind=$kind" | jq -c .segments)"
	done
	run -0 --separate-stderr shm-stat -o OPERAND,SIZE
	has "$output" "OPERAND"
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

@test "shm-stat: what a heap and a table hold is told, and looking changes no time" {
	store=${seg#/}
	shm put "$store:a" text
	shm add "$store:n" 5
	before=$(stat -c '%x %y %z' "/dev/shm/$store")
	run -0 --separate-stderr shm-stat "$seg"
	has "$output" "; cells 2; chunks "
	has "$output" ", attached 0, of these dead 0"
	is "$before" "$(stat -c '%x %y %z' "/dev/shm/$store")"
	shm del "$store:a"
	has "$(shm-stat "$seg")" "; cells 1; "
	shm rm "$store"
	shm-heap create "$seg" 1M >/dev/null
	shm-heap alloc "$seg" 100 >/dev/null
	run -0 --separate-stderr shm-stat "$seg"
	has "$output" "; chunks 1 with 104, attached 0, of these dead 0"
	[[ $output != *cells* ]]
	shm-rm -q "$seg"
}

@test "shm-stat: a time in the future is no negative age" {
	touch -d tomorrow "/dev/shm$seg"
	[[ $(shm-stat -b --raw --noheadings -o AGE "$seg") != -* ]]
	rm "/dev/shm$seg"
}

@test "shm-stat: odd names are harmless in the table and valid in JSON" {
	isolated
	touch "/dev/shm/"$'a b\n\e[31m\xff"\\'
	run -0 --separate-stderr shm-stat --where kind=posix -o OPERAND --raw --noheadings
	is 'name:a\x20b\x0a\x1b[31m\xff"\x5c' "$output"
	[[ $(shm-stat -q) != *$'\e'* ]]
	is 'name:a\x20b\x0a\x1b[31m\xff"\x5c' "$(stat_json --where kind=posix | jq -r '.segments[0].operand')"
	is '6120620a1b5b33316dff225c' "$(stat_json --where kind=posix | jq -r '.segments[0].name_hex')"
	is 'name:a\x20b\x0a\x1b[31m\xff"\x5c' "$(stat_json "$output" | jq -r '.segments[0].operand')"
	shm-rm -q "$output"
}

@test "shm-stat: what is no shared memory is called foreign" {
	isolated
	mkfifo /dev/shm/fifo
	mkdir /dev/shm/dir
	ln -s /nowhere /dev/shm/dangling
	touch /dev/shm/sem.x
	run -0 --separate-stderr shm-stat --where kind=posix --raw --noheadings -o STATE
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

# A Python that holds something of each kind that has no name.
holder() {
	cat >holder.py <<-'END'
	import ctypes, mmap, os, signal, sys
	memfd = os.memfd_create("frame\n\x1b[31m")
	os.ftruncate(memfd, 5000)
	anon = mmap.mmap(-1, 9 * 4096)
	gone = os.open("/dev/shm/" + sys.argv[1], os.O_CREAT | os.O_RDWR, 0o600)
	os.ftruncate(gone, 8192)
	# mmap.mmap would keep a descriptor of its own.
	call = ctypes.CDLL(None).mmap
	call.restype = ctypes.c_void_p
	call.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + 3 * [ctypes.c_int] + [ctypes.c_long]
	mapped = call(None, 8192, mmap.PROT_READ, mmap.MAP_SHARED, gone, 0)
	os.unlink("/dev/shm/" + sys.argv[1])
	if len(sys.argv) > 2:
	    os.close(gone)
	print("ready", flush=True)
	signal.pause()
	END
	python3 holder.py "$@" >ready 3>&- &
	jobs+=("$!")
	eventually test -s ready
}

@test "shm-stat: what has no name is listed: unlinked, memfd, and on request anonymous" {
	isolated
	holder "$tag" && me=$!
	row() { shm-stat -q --raw --noheadings -b -o KIND,OPERAND,SIZE,STATE "$@" | sed 's|fd/[0-9]*|fd/N|'; }
	is "posix pid:$me/fd/N 8192 unlinked" "$(row --where "name=$tag")"
	is "memfd pid:$me/fd/N 5000 live" "$(row --where "name=frame*")"
	is "" "$(row --where "kind=anon" || true)"
	is "anon - 36864 live" "$(row --all --where "kind=anon,holders=$me *,size=36864")"
	[[ $(shm-stat -q -o NAME) != *$'\e'* ]]
	is 'frame\n\u001b[31m' "$(shm-stat -q --json --where 'kind=memfd,name=frame*' | jq '.segments[0].name' | tr -d '"')"
	operand=$(shm-stat -q --raw --noheadings -o OPERAND --where "name=$tag")
	has "$(shm-stat "$operand")" "STATE: unlinked"
	has "$(shm-stat "$operand")" "HOLDER: $me "
	kill -9 "$me"
	eventually sh -c "! shm-stat -q --where 'name=$tag' >/dev/null"
}

@test "shm-stat: an unlinked object that is only mapped has no operand" {
	isolated
	holder "$tag" closed && me=$!
	is "- unlinked" "$(shm-stat -q --raw --noheadings -o OPERAND,STATE --where "name=$tag")"
	is "null true" "$(shm-stat -q --json --where "name=$tag" | jq -r '.segments[0] | "\(.operand) \(.holders[0].mapped)"')"
	kill -9 "$me"
}

@test "shm-stat: reading maps as text, as before Linux 6.11, tells the same" {
	isolated
	[[ -z ${SHMU_VALGRIND-}${SHMU_SANITIZE-} ]] || skip "strace of what traces itself"
	command -v strace >/dev/null || lacks strace
	holder "$tag"
	shm-create "$seg" 64K
	id=$(shm-create private 4K)
	spawn shm-attach hold "$id"
	spawn shm-attach -r hold "$seg"
	eventually attached "$id" 1
	eventually grep -q "$tag" "/proc/${jobs[2]}/maps"
	pids=$(IFS=/; echo "${jobs[*]/%/ *}")
	columns=KIND,OPERAND,NAME,SIZE,ALLOC,STATE,HOLDERS
	what=(-q --all --raw --noheadings -o "$columns" --where "holders=$pids")
	new=$(shm-stat "${what[@]}")
	old=$(strace -f -qq -e trace=none -e inject=ioctl:error=ENOTTY "$(command -v shm-stat)" "${what[@]}")
	is "$new" "$old"
	is 5 "$(wc -l <<<"$new")"
	kill -9 "${jobs[@]}"
	eventually attached "$id" 0
	shm-rm -q "$seg" "$id"
}

@test "shm-stat: --where chooses, --sort orders; no row is 1" {
	isolated
	for s in 4K 1M 64K; do shm-create "$seg-$s" "$s"; done >/dev/null
	id=$(shm-create -m 0666 private 8K)
	ops() { shm-stat -q --raw --noheadings -o OPERAND "$@" | xargs; }
	is "$seg-64K $seg-1M" "$(ops --where 'kind=posix,size=+4K' --sort size)"
	is "$seg-1M $seg-64K" "$(ops --where 'kind=posix,size=+4K' --sort -size)"
	is "$seg-64K" "$(ops --where 'size=+4K,size=-1M,kind=posix')"
	is "$id" "$(ops --where 'size=8k')"
	is "$id" "$(ops --where 'state=world-writable')"
	is "$id" "$(ops --where "mode=0666")"
	is "$seg-4K" "$(ops --where "name=*-4K")"
	is "$seg-4K" "$(ops --where "operand=$seg-4K")"
	is "$seg-1M $seg-4K $seg-64K" "$(ops --where kind=posix,owner=me --sort name)"
	is "$seg-1M $seg-4K $seg-64K" "$(ops --where "kind=posix,owner=$(id -u),age=-1h" --sort NAME)"
	run -1 --separate-stderr shm-stat -q --noheadings --where age=+1h
	is "" "$output"
	fails 2 "no such column" shm-stat --where nonsense=1
	fails 2 "COLUMN=VALUE" shm-stat --where state
	fails 2 "a size is" shm-stat --where size=+x
	fails 2 "no user of that name" shm-stat --where owner=nobody-of-that-name
	fails 2 "no such state" shm-stat --where state=orphans
	fails 2 "no such kind" shm-stat --where kind=shm
	fails 2 "no such column" shm-stat --sort nonsense
	shm-rm -q "$id" "$seg"-{4K,1M,64K}
}

@test "shm-stat: --why gives the reasons, one a line" {
	isolated
	id=$(shm-create private 10)
	shm-create "$seg" 10
	run -0 --separate-stderr shm-stat --why "$id"
	is "$id: unused" "${lines[0]}"
	is "  yes the kernel counts no attachment" "${lines[1]}"
	has "${lines[2]}" "  no  it was last used "
	run -0 --separate-stderr shm-stat --older-than 0 --why "$id" "$seg"
	has "$output" "$id: orphan"
	has "$output" "yes its creator, process "
	has "$output" "$seg: orphan"
	has "$output" "yes nobody"
	is true "$(shm-stat --older-than 0 --json "$seg" | jq '[.segments[0].why[].removable] | all')"
	spawn shm-attach hold "$seg"
	eventually grep -q "$tag" "/proc/${jobs[0]}/maps"
	has "$(shm-stat --why "$seg")" "no  1 process has it mapped or open"
	kill -9 "${jobs[0]}"
	shm-rm -q "$seg" "$id"
}

@test "shm-stat: a holder that no process list shows makes an object live all the same" {
	isolated
	unshare -pf --mount-proc true 2>/dev/null || lacks "pid namespaces"
	shm-create "$seg" 10
	is unused "$(unshare -pf --mount-proc shm-stat -q --raw --noheadings -o STATE "$seg")"
	spawn shm-attach hold "$seg"
	eventually grep -q "$tag" "/proc/${jobs[0]}/maps"
	is "live -" "$(unshare -pf --mount-proc shm-stat -q --raw --noheadings -o STATE,HOLDERS "$seg")"
	run -0 unshare -pf --mount-proc shm-stat --why "$seg"
	has "$output" "the kernel refuses a write lease"
	# With the /proc of another pid namespace no number means what it says.
	id=$(shm-create private 10)
	run -0 --separate-stderr unshare -pf shm-stat --older-than 0 --why "$id"
	has "$output" "$id: unused"
	has "$output" "no  its creator is a process that cannot be seen"
	kill -9 "${jobs[0]}"
	shm-rm -q "$seg" "$id"
}

@test "shm-stat: under hidepid=2 nothing foreign is called dead or unused" {
	isolated
	can_be_others
	shm-create -m 0666 "$seg" 10
	id=$(shm-create -m 0666 private 10)
	hidden() { unshare -m sh -c 'mount -t proc -o hidepid=2 proc /proc && exec "$@"' sh "${other[@]}" "$@"; }
	hidden true 2>/dev/null || lacks "hidepid"
	# shellcheck disable=SC2016
	[[ $(hidden sh -c 'set -- /proc/[1-9]*; echo $#') -lt $(set -- /proc/[1-9]*; echo $#) ]]
	run -0 --separate-stderr hidden shm-stat --older-than 0 --raw --noheadings -o OPERAND,STATE
	has "$output" "$seg unknown,"
	has "$stderr" "/proc hides processes of others"
	# The creator of id is dead; one that lives and is hidden is not called dead.
	cat >creator.py <<-'END'
	import sysv_ipc, signal
	m = sysv_ipc.SharedMemory(None, sysv_ipc.IPC_CREX, size=10, mode=0o666)
	m.detach()
	print(m.id, flush=True)
	signal.pause()
	END
	python creator.py >alive 3>&- &
	jobs+=("$!")
	eventually test -s alive
	run -0 --separate-stderr hidden shm-stat --older-than 0 --why "$(cat alive)"
	has "$output" ": unused"
	[[ $output != *"is dead"* ]]
	run -0 --separate-stderr hidden shm-rm --orphans --older-than 0 --yes -q
	is "$id"$'\n'"$(cat alive)" "$(sysv_ids | sort -n)"
	pkill -9 -P "${jobs[0]}" || kill -9 "${jobs[0]}"
	shm-rm -q "$seg" "$id" "$(cat alive)"
}

@test "shm-stat: a number that is used again is no proof that the creator is dead" {
	isolated
	cat >again.sh <<-'END'
	id=$(shm-create private 10)
	dead=$(shm-stat -q -b --raw --noheadings -o CPID "$id")
	made=$(date +%s)
	until [ "$(date +%s)" -gt $((made + 3)) ]; do :; done
	echo $((dead - 1)) >/proc/sys/kernel/ns_last_pid
	sleep 60 &
	[ $! = "$dead" ] || exit 9
	shm-stat --older-than 0 --why "$id"
	shm-stat -q --raw --noheadings -o CREATOR "$id"
	kill $!
	END
	run unshare -pf --mount-proc bash again.sh
	((status != 9)) || skip "another process took the number"
	id=$(sysv_ids)
	has "$output" "$id: unused"
	has "$output" "no  process "
	has "$output" "it is no proof"
	is "-" "${lines[-1]}"
	shm-rm -q "$id"
}

@test "shm-stat: --ns lists the namespaces of a process" {
	isolated
	[[ -z ${SHMU_VALGRIND-} ]] || skip "valgrind does not know openat2"
	cat >inside.sh <<-'END'
	mount -t tmpfs tmpfs /dev/shm
	shm-create /inside 4K && shm-create key:77 8K && ln -s /etc/passwd /dev/shm/link
	echo ready >ready
	exec sleep 60
	END
	unshare -im sh inside.sh >made 3>&- &
	jobs+=("$!")
	eventually test -s ready
	shm-create "$seg" 10
	run -0 --separate-stderr shm-stat --ns "$!" --raw -b --noheadings -o KIND,OPERAND,OWNER,SIZE --where kind=sysv/posix --sort -kind
	is "sysv 0 $(id -u) 8192"$'\n'"posix /link $(id -u) 11"$'\n'"posix /inside $(id -u) 4096" "$(sort -k1,1r -k2,2r <<<"$output")"
	ns=$(readlink "/proc/$!/ns/ipc")
	is "$ns" "$(shm-stat -q --ns "$!" --raw --noheadings -o NS --where kind=sysv)"
	fails 1 "there is no process 2147483647" shm-stat --ns 2147483647
	fails 2 "takes none" shm-stat --ns 1 "$seg"
	if "${other[@]}" true 2>/dev/null; then
		run -3 --separate-stderr "${other[@]}" shm-stat --ns "$!"
		has "$stderr" "CAP_SYS_PTRACE"
	fi
	kill -9 "$!"
	shm-rm -q "$seg"
}

@test "shm-stat: --usage tells limits and use, as text and as JSON" {
	isolated
	id=$(shm-create private 12K)
	shm-create "$seg" 64K
	run -0 --separate-stderr shm-stat -q -b --usage
	is "SHMMNI $(cat /proc/sys/kernel/shmmni) 1" "$(awk '$1 == "SHMMNI" { print $1, $2, $3 }' <<<"$output")"
	is "12288" "$(awk '$1 == "SHMALL" { print $3 }' <<<"$output")"
	is "65536" "$(awk '$1 == "POSIX" && $5 == "bytes" { print $3 }' <<<"$output")"
	has "$output" "System V segments: 1, 12288 asked for"
	has "$output" "POSIX objects: 1, 65536 asked for, 65536 in RAM and swap"
	is "shmutils.limits.1 1 65536" "$(shm-stat -q -u --json | jq -r '[.schema, (.limits[] | select(.resource == "SHMMNI") | .used), (.totals[] | select(.kind == "posix") | .size)] | join(" ")')"
	shm-rm -q "$seg" "$id"
}

@test "shm-stat: --audit lists what others may do, and is 1 then" {
	isolated
	shm-create "$seg-own" 10
	run -0 --separate-stderr shm-stat --audit --where 'name=*-own'
	is "" "$output"
	shm-create -m 0640 "$seg-group" 10
	id=$(shm-create -m 0622 private 10)
	ln -s /etc/passwd "/dev/shm$seg-link"
	ln "/dev/shm$seg-own" "/dev/shm$seg-second"
	run -1 --separate-stderr shm-stat --audit
	has "$output" "$seg-group: group $(id -gn) may read it, mode 0640"
	has "$output" "$id: everybody may write it, mode 0622"
	has "$output" "$seg-link: a symbolic link stands under a name"
	has "$output" "$seg-second: it has a second name"
	is 5 "$(shm-stat --audit --json | jq '.findings | length')"
	rm "/dev/shm$seg-link" "/dev/shm$seg-second"
	shm-rm -q "$seg-own" "$seg-group" "$id"
}

@test "shm-stat: --check is 0 when all is well, otherwise 1 with the trouble" {
	isolated
	shm-create "$seg" 10
	run -0 --separate-stderr shm-stat -q --check
	is "" "$output"
	run -1 --separate-stderr shm-stat --check --older-than 0
	is "$seg: orphan: shm-rm --orphans removes it (owner $(id -un))" "$output"
	run -1 shm-stat -q --check --older-than 0
	is "" "$output"
	touch "/dev/shm/.shmu-1-$tag"
	has "$(shm-stat --check || true)" ".shmu-1-$tag: unfinished"
	rm "/dev/shm/.shmu-1-$tag"
	shm-rm -q "$seg"
}

# Whether a --follow has begun, and tells what is new in file $1.
began() {
	shm-create "$seg-begin" 10 >/dev/null && shm-rm -q "$seg-begin"
	grep -q "$seg-begin" "$1"
}

@test "shm-stat: --follow prints a line for each change, with by whom" {
	isolated
	shm-stat -q --follow=0.1 >log 2>err 3>&- &
	jobs+=("$!")
	eventually began log
	shm-create "$seg-1" 4K
	eventually grep -q "created $seg-1 4096 bytes, owner $(id -un)" log
	spawn shm-attach hold "$seg-1"
	holder=$!
	eventually grep -q "attached $seg-1 by $holder " log
	kill -9 "$holder"
	eventually grep -q "detached $seg-1 by $holder " log
	shm-set -q --size 8K "$seg-1"
	eventually grep -q "resized $seg-1 4096 -> 8192 bytes" log
	shm-set -q --mode 0640 "$seg-1"
	eventually grep -q "changed $seg-1 0600 $(id -un) -> 0640 $(id -un)" log
	id=$(shm-create private 4K)
	eventually grep -q "created $id 4096 bytes" log
	spawn shm-attach hold "$id"
	eventually grep -q "attached $id by $! " log
	shm-rm -q "$seg-1" "$id" || true
	eventually grep -q "removed $seg-1" log
	eventually grep -q "removed $id pending" log
	kill -9 "$!"
	eventually sh -c "[ \$(grep -c 'removed $id' log) = 2 ]"
	shm-create "$seg-2" 10 >/dev/null && shm-rm -q "$seg-2"
	eventually grep -q "created $seg-2" log
	eventually grep -q "removed $seg-2" log
	shm-create "$seg-4" 10 >/dev/null
	eventually grep -q "created $seg-4" log
	ln "/dev/shm$seg-4" "/dev/shm$seg-5"
	eventually grep -q "created $seg-5" log
	mv "/dev/shm$seg-5" "/dev/shm$seg-6"
	eventually grep -q "renamed $seg-6 from $seg-5" log
	rm "/dev/shm$seg-6"
	eventually grep -q "removed $seg-6" log
	is 1 "$(grep -c " $seg-4" log)"
	shm-rm -q "$seg-4"
	kill "${jobs[0]}"
	is "" "$(grep -v '^20[0-9T:-]*Z [a-z]* [^ ]' log)"
	shm-stat -q --json --follow=0.1 >log.json 2>err 3>&- &
	jobs+=("$!")
	eventually began log.json
	shm-create "$seg-3" 10
	eventually grep -q "created.*$seg-3" log.json
	is "created posix $seg-3" "$(grep "created.*$seg-3" log.json | jq -r '"\(.event) \(.kind) \(.operand)"')"
	kill "$!"
	shm-rm -q "$seg-3"
}

@test "shm-stat: objects that come and go all the time: no crash, no stale row, nothing of others removed" {
	isolated
	command -v stress-ng >/dev/null || lacks stress-ng
	seconds=${SHMU_SOAK:-4}
	keep=$(shm-create private 10)
	shm-create "$seg" 10
	spawn shm-attach hold "$seg"
	spawn stress-ng --quiet --temp-path "$BATS_TEST_TMPDIR" --timeout "$((seconds + 60))" \
		--shm 1 --shm-bytes 1M --shm-objs 8 --shm-sysv 1 --shm-sysv-bytes 1M --shm-sysv-segs 4
	load=$!
	eventually grep -q "$tag" "/proc/${jobs[0]}/maps"
	eventually sh -c 'shm-stat -q --where "operand=/stress-ng*" >/dev/null'
	end=$((SECONDS + seconds)) n=0
	while ((SECONDS < end)); do
		shm-stat -q --json >list
		jq -e --arg seg "$seg" --argjson keep "$keep" '[.segments[] | select(.operand == $seg or .id == $keep)] | length == 2' list >/dev/null
		# A row is whole: an owner who is there, a size, and a state for each.
		jq -e '[.segments[] | select(.state == null or .size < 0 or (.kind == "sysv" and .creator_pid < 0) or (.kind == "posix" and .removed == false and .name == ""))] == []' list >/dev/null
		shm-rm -q --unused --older-than 3600 --yes 2>err || [[ $? == 1 ]]
		shm-rm -q --orphans --yes 2>err || [[ $? == 1 ]]
		shm-stat -q -o OPERAND,FORMAT,RSS,CREATOR,HOLDERS >/dev/null
		n=$((n + 1))
	done
	((n > 0))
	kill -0 "$load"
	kill "$load"
	eventually sh -c "! kill -0 $load 2>/dev/null"
	is "$keep" "$(sysv_ids | grep -x "$keep")"
	[[ -e /dev/shm$seg ]]
	kill -9 "${jobs[0]}"
	pkill -9 -x stress-ng-shm --ns $$ --nslist ipc || true
	eventually sh -c '! pgrep stress-ng --ns $$ --nslist ipc >/dev/null'
	find /dev/shm -name 'stress-ng*' -delete
	sysv_ids | xargs -rn1 ipcrm -m
	shm-rm -q "$seg"
}
