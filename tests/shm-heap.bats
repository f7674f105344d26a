# SPDX-License-Identifier: MIT
load helper

# field NAME [OPTION...] - one value of stat
field() { shm-heap stat "${@:2}" "$seg" | sed -n "s/^$1: //p"; }
field_is() { [[ $(field "$1") == "$2" ]]; }

# The server of examples/, fed through fd 5, its answers in ./answers.
server() {
	mkfifo requests
	"$SHMU_BUILD/examples/heap-server" "$seg" 2 <requests >answers 2>errors 3>&- &
	jobs+=("$!")
	server=$!
	exec 5>requests
	eventually [ -e "/dev/shm$seg" ]
	eventually second_worker
}
second_worker() { shm-heap processes "$seg" | grep -q 'worker 2'; }
pools() { [[ $(shm-heap processes "$seg" | grep -c worker) == "$1" ]]; }
traced() { [[ $(wc -l <events) == "$1" ]]; }
answered() { [[ $(wc -l <answers) == "$1" ]]; }

@test "shm-heap: create, and the sum of free and real_used is the total" {
	is "$seg" "$(shm-heap create -m 0640 "$seg" 1M)"
	is "1048576 640" "$(stat -c '%s %a' "/dev/shm$seg")"
	is 1048576 "$(field total)"
	is 1048576 "$(($(field free) + $(field real_used)))"
	is "0 0 1" "$(field used) $(field chunks) $(field fragments)"
	is "$(field free)" "$(field largest_free)"
	run -0 shm-heap check "$seg"
	is sound "$output"
	shm-rm -q "$seg"
}

@test "shm-heap: every kind of segment holds a heap" {
	for kind in "$seg" "$key" private ./file; do
		where=$(shm-heap create "$kind" 256K)
		off=$(shm-heap alloc "$where" 100)
		shm-heap free "$where" "$off"
		is sound "$(shm-heap check "$where")"
		shm-rm -q "$where"
	done
}

@test "shm-heap: what is allocated is walked, summed up and freed" {
	shm-heap create "$seg" 1M >out
	a=$(shm-heap alloc "$seg" 100)
	b=$(shm-heap alloc "$seg" 200K)
	is 2 "$(field chunks)"
	run -0 shm-heap walk --min 100 --max 104 "$seg"
	has "$output" "$a 104 used"
	run -0 shm-heap walk --min 200K "$seg"
	has "$output" "$b "
	run -0 shm-heap sites "$seg"
	has "$output" "heap-use.c:"
	run -0 shm-heap show "$seg" "$b"
	has "$output" "state: used"
	run -0 shm-heap show "$seg"
	has "$output" "########"
	shm-heap free "$seg" "$b"
	fails 1 "$b is no allocation" shm-heap free "$seg" "$b"
	shm-heap free "$seg" "$a"
	fails 1 "is no allocation" shm-heap free "$seg" 100
	is 0 "$(field used)"
	shm-rm -q "$seg"
}

@test "shm-heap: a root names an allocation from one command to the next" {
	shm-heap create "$seg" 1M >out
	off=$(shm-heap alloc --root config "$seg" 64)
	fails 1 "root config names something already" shm-heap alloc --root config "$seg" 64
	run -0 shm-heap show "$seg"
	has "$output" "$off  root config"
	shm-heap free --root config "$seg"
	fails 1 "root config names nothing" shm-heap free --root config "$seg"
	fails 1 "root nosuch names nothing" shm-heap free --root nosuch "$seg"
	is 0 "$(field chunks)"
	shm-rm -q "$seg"
}

@test "shm-heap: out of room is an answer, counted, with what was asked" {
	shm-heap create "$seg" 1M >out
	fails 1 "no room for 2097152 bytes" shm-heap alloc "$seg" 2M
	is "1 2097152" "$(field failures) $(field last_failure)"
	shm-rm -q "$seg"
}

@test "shm-heap: create --max makes a heap that grows, and every report follows" {
	shm-heap create --max 4M "$seg" 256K >out
	before=$(field total)
	((before < 512 << 10))
	is 4194304 "$(field maximum)"
	off=$(shm-heap alloc --root big "$seg" 1M)
	((off + (1 << 20) > before))
	is "$(field total)" "$(stat -c %s "/dev/shm$seg")"
	is "$(field total)" "$(($(field free) + $(field real_used)))"
	(($(field total) > 1 << 20 && $(field total) < 4 << 20))
	is sound "$(shm-heap check "$seg")"
	run -0 shm-heap walk --min 1M "$seg"
	has "$output" "$off "
	run -0 shm-heap show "$seg" "$off"
	has "$output" "bytes: 00 00"
	run -0 shm-stat "$seg"
	has "$output" "of at most 4M"
	fails 1 "no room for 4194304 bytes" shm-heap alloc "$seg" 4M
	shm-heap alloc "$seg" 2M >out
	is sound "$(shm-heap check "$seg")"
	shm-rm -q "$seg"
}

@test "shm-heap: a heap that does not grow, and System V, have their maximum" {
	shm-heap create "$seg" 1M >out
	is 1048576 "$(field maximum)"
	fails 1 "no room" shm-heap alloc "$seg" 1M
	shm-rm -q "$seg"
	shm-heap create --max 1M "$key" 256K >out
	is 1048576 "$(shm-heap stat "$key" | sed -n 's/^total: //p')"
	shm-rm -q "$key"
}

@test "shm-heap: a heap grows until the filesystem is full, and that is no signal" {
	isolated
	[[ $EUID == 0 ]] || lacks "the right to mount"
	run -0 unshare -m bash -ec '
		mount -t tmpfs -o size=2m tmpfs /dev/shm
		shm-heap create --max 64M /pool 256K
		# alloc clears what it gets.
		for ((n = 0; n < 100; n++)); do
			shm-heap alloc /pool 100K >out 2>err || break
		done
		[[ $? == 0 && $n -gt 12 && $n -lt 20 ]]
		grep -q "no room for 102400 bytes" err
		shm-heap alloc /pool 10 >out
		shm-heap check /pool'
	has "$output" sound
}

@test "shm-heap: JSON of every report is valid and agrees" {
	command -v jq >/dev/null || lacks jq
	shm-heap create "$seg" 1M >out
	shm-heap alloc "$seg" 100 >out
	for verb in stat sites walk check processes gc; do
		shm-heap --json "$verb" "$seg" >json
		jq -e .schema json >out
	done
	is "$(field used)" "$(shm-heap --json stat "$seg" | jq .used)"
	is 1 "$(shm-heap --json sites "$seg" | jq '.sites[0].count')"
	is 1 "$(shm-heap --json walk "$seg" | jq '[.chunks[] | select(.state == "used")] | length')"
	shm-rm -q "$seg"
}

@test "shm-heap: the leak of the example is found with diff" {
	server
	echo "open a the first text" >&5
	eventually answered 1
	shm-heap sites "$seg" >before
	for ((i = 0; i < 20; i++)); do echo "open a it leaks" >&5; done
	eventually answered 21
	run -0 shm-heap diff before "$seg"
	line=$(grep -n 'char \*copy = ' "$SHMU_SRC/examples/heap-server.c")
	has "${lines[1]}" "+20 +320 "
	has "${lines[1]}" "heap-server.c:${line%%:*}"
	is 2 "${#lines[@]}"
	run -1 shm-heap diff --interval 0 "$seg"
	is "COUNT BYTES SITE" "$output"
	exec 5>&-
	eventually [ ! -e "/dev/shm$seg" ]
}

@test "shm-heap: private pools are seen, and looked into" {
	server
	eventually pools 2
	run -0 shm-heap processes "$seg"
	pid=$(awk '/worker 1/ { print $2 }' <<<"$output")
	is "1048576 1" "$(shm-heap stat --pool "$pid" "$seg" | sed -n 's/^total: //p') $(awk '/worker 1/ { print $5 }' <<<"$output")"
	run -0 shm-heap check --pool "$pid" "$seg"
	is sound "$output"
	fails 1 "has published no private pool" shm-heap stat --pool 1 "$seg"
	exec 5>&-
	eventually [ ! -e "/dev/shm$seg" ]
}

@test "shm-heap: a killed worker is recovered and its sessions stay" {
	server
	echo "open a one" >&5
	echo "open b two" >&5
	eventually answered 2
	pid=$(shm-heap processes "$seg" | awk '/worker 1/ { print $2 }')
	kill -9 "$pid"
	eventually field_is dead 1
	run -1 shm-heap check "$seg"
	has "$output" "a dead thread has a slot, which gc recovers"
	run -0 shm-heap gc "$seg"
	has "$output" "recovered 1 dead"
	is sound "$(shm-heap check "$seg")"
	echo "text b" >&5
	echo "text a" >&5
	eventually grep -q one answers
	eventually grep -q two answers
	exec 5>&-
	eventually [ ! -e "/dev/shm$seg" ]
}

@test "shm-heap: trace shows each allocation and free with its site" {
	server
	shm-heap trace -c 4 "$seg" >events 3>&- &
	jobs+=("$!")
	eventually grep -q WHAT events
	eventually field_is tracer "${jobs[-1]}"
	echo "open a text" >&5
	echo "close a" >&5
	eventually traced 5
	is "alloc alloc free free" "$(awk 'NR > 1 { print $1 }' events | xargs)"
	is 4 "$(grep -c heap-server.c: events)"
	eventually field_is tracer 0
	shm-heap trace "$seg" >events 3>&- &
	jobs+=("$!")
	eventually field_is tracer "${jobs[-1]}"
	kill -9 "${jobs[-1]}"
	eventually gone "${jobs[-1]}"
	field_is tracer "${jobs[-1]}"
	shm-heap gc "$seg" >/dev/null
	field_is tracer 0
	mkfifo lines
	shm-heap trace "$seg" >lines 2>err 3>&- &
	jobs+=("$!")
	head -n 1 lines >/dev/null
	eventually field_is tracer "${jobs[-1]}"
	echo "open a text" >&5
	eventually gone "${jobs[-1]}"
	field_is tracer 0
	is 1 "$(wc -l <err)"
	exec 5>&-
	eventually [ ! -e "/dev/shm$seg" ]
}

@test "shm-heap: looking stops nobody and asks no lock of a stopped application" {
	server
	echo "open a text" >&5
	eventually answered 1
	pid=$(shm-heap processes "$seg" | awk '/worker 1/ { print $2 }')
	kill -STOP "$pid" "$server"
	run -0 timeout 5 shm-heap stat "$seg"
	run -0 timeout 5 shm-heap walk "$seg"
	run -0 timeout 5 shm-heap check "$seg"
	kill -CONT "$pid" "$server"
	exec 5>&-
	eventually [ ! -e "/dev/shm$seg" ]
}

@test "shm-heap: a reader without the right to write looks, and does not attach" {
	isolated
	can_be_others
	shm-heap create -m 0644 "$seg" 1M >out
	run -0 "${other[@]}" "$SHMU_BUILD/src/cmd/shm-heap" stat "$seg"
	fails 3 "no permission" "${other[@]}" "$SHMU_BUILD/src/cmd/shm-heap" alloc "$seg" 10
	shm-set -m 0666 "$seg"
	fails 3 "--any-owner" "${other[@]}" "$SHMU_BUILD/src/cmd/shm-heap" alloc "$seg" 10
	run -0 "${other[@]}" "$SHMU_BUILD/src/cmd/shm-heap" --any-owner alloc "$seg" 10
	shm-rm -q "$seg"
}

@test "shm-heap: create gives the heap to another user" {
	isolated
	can_be_others
	shm-heap create --owner nobody "$seg" 1M >out
	is "65534 600" "$(stat -c '%u %a' "/dev/shm$seg")"
	run -0 "${other[@]}" "$SHMU_BUILD/src/cmd/shm-heap" alloc "$seg" 10
	shm-rm -q "$seg"
}

@test "shm-heap: without POSIX objects --fallback makes and finds System V" {
	isolated
	[[ $EUID == 0 ]] || lacks "the right to unmount"
	run -0 unshare -m bash -ec '
		umount /dev/shm
		mount -t tmpfs -o ro tmpfs /dev/shm
		id=$(shm-heap -q --fallback create /pool 1M)
		[[ $id == [0-9]* ]]
		off=$(shm-heap --fallback alloc /pool 10)
		shm-heap --fallback free /pool "$off"
		shm-heap check "$id"
		shm-rm -q "$id"'
	is sound "$output"
}

@test "shm-heap: another pid namespace may look but not attach" {
	isolated
	shm-heap create "$seg" 1M >out
	run -0 unshare --fork --pid --mount-proc shm-heap stat "$seg"
	fails 3 "belongs to another pid or time namespace" unshare --fork --pid --mount-proc shm-heap alloc "$seg" 10
	shm-rm -q "$seg"
}

@test "shm-heap: a sparse heap of 16 GiB tells right numbers" {
	shm-heap create --sparse "$seg" 16G >out
	shm-heap alloc --root big "$seg" 9G >out
	is 17179869184 "$(field total)"
	is 17179869184 "$(($(field free) + $(field real_used)))"
	(($(field used) >= 9 << 30 && $(field used) < (9 << 30) + $(field unit)))
	(($(field largest_free) > 6 << 30))
	is sound "$(shm-heap check "$seg")"
	shm-rm -q "$seg"
}

@test "shm-heap: what is no heap is refused, and damaged heaps too" {
	shm-create "$seg" 64K >out
	fails 3 "this is no heap" shm-heap stat "$seg"
	fails 3 "this is no heap" shm-heap alloc "$seg" 10
	shm-rm -q "$seg"
	fails 1 "there is no such object" shm-heap stat "$seg"
	shm-heap create "$seg" 256K >out
	fails 1 "exists already" shm-heap create "$seg" 256K
	shm-attach write "$seg" 4104 XX
	fails 3 "the heap is damaged" shm-heap stat "$seg"
	fails 3 "the heap is damaged" shm-heap alloc "$seg" 10
	shm-rm -q "$seg"
}

@test "shm-heap: a flaw in the metadata is found, and said where" {
	shm-heap create "$seg" 256K >out
	off=$(shm-heap alloc --root a "$seg" 100)
	is sound "$(shm-heap check "$seg")"
	# The word of its chunk is among the first bytes of its unit.
	unit=$(shm-heap walk "$seg" | awk 'NR == 2 { print $1 }')
	printf '\377\377\377\177' | shm-attach write "$seg" "$((unit - 4))"
	run -1 shm-heap check "$seg"
	has "$output" "word of a chunk cannot be"
	[[ $off ]]
	shm-rm -q "$seg"
}

@test "shm-heap: what cannot be a heap is 2, and a verb without --json says so" {
	fails 2 "belong to sem_open(3)" shm-heap create sem.x 1M
	fails 2 "7: this cannot be chosen" shm-heap create 7 1M
	fails 2 "cannot be chosen" shm-heap create "pid:$$/fd/0" 1M
	shm-heap create "$seg" 1M >/dev/null
	for verb in show trace; do
		fails 2 "$verb: this has no --json" shm-heap --json "$verb" "$seg"
	done
	shm-heap --json sites "$seg" >before
	fails 3 "without --json" shm-heap diff before "$seg"
	shm-rm -q "$seg"
}

@test "shm-heap: what is malformed is refused before anything is touched" {
	fails 2 "which verb" shm-heap
	fails 2 "there is no such verb" shm-heap frob "$seg"
	fails 2 "which SEGMENT" shm-heap stat
	fails 2 "an operand is missing" shm-heap create "$seg"
	fails 2 "one operand too many" shm-heap stat "$seg" x
	fails 2 "at least 131072 bytes" shm-heap create "$seg" 4K
	fails 2 "more than --max allows" shm-heap create --max 256K "$seg" 512K
	fails 2 "free what?" shm-heap free "$seg"
	fails 2 "an offset is a number" shm-heap free "$seg" x
	[[ ! -e /dev/shm$seg ]]
}
