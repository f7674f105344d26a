# SPDX-License-Identifier: MIT
load helper

@test "shm-attach: what is written is read back" {
	shm-create "$seg" 100
	printf hello | shm-attach write "$seg" 0
	is hello "$(shm-attach read "$seg" 0 5)"
	shm-attach write "$seg" 95 world
	is world "$(shm-attach read "$seg" 95 5)"
	is 100 "$(shm-attach read "$seg" | wc -c)"
	is 5 "$(shm-attach read "$seg" 95 | wc -c)"
	shm-rm -q "$seg"
}

@test "shm-attach: System V by key and by id" {
	id=$(shm-create "$key" 100)
	shm-attach write "$key" 10 text
	is text "$(shm-attach read "$id" 10 4)"
	is text "$(shm-attach read "id:$id" 10 4)"
	is 0 "$(nattch "$id")"
	shm-rm -q "$id"
}

@test "shm-attach: TEXT may begin with a dash and is taken as it is" {
	shm-create "$seg" 100
	shm-attach write "$seg" 0 '--help -x \n'
	is '--help -x \n' "$(shm-attach read "$seg" 0 12)"
	shm-rm -q "$seg"
}

@test "shm-attach: 1 GiB of binary data goes in and out unchanged in bounded memory" {
	[[ -z ${SHMU_SLOW-} ]] || skip "too slow under $SHMU_SLOW"
	head -c 1G /dev/urandom >data
	shm-create "$seg" 1G
	(ulimit -v 200000; shm-attach write "$seg" 0 <data)
	(ulimit -v 200000; shm-attach read "$seg") | cmp - data
	shm-attach fill "$seg" 0
	(ulimit -v 200000; cat data | shm-attach write "$seg" 0)
	cmp "/dev/shm$seg" data
	shm-rm -q "$seg"
	id=$(shm-create private 1G)
	cat >rss.py <<-'END'
	import resource, subprocess, sys
	subprocess.run(sys.argv[1:], check=True)
	r = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
	sys.exit(0 if r < 65536 else f"{r} KiB resident")
	END
	python3 rss.py shm-attach write "$id" 0 <data
	python3 rss.py shm-attach read "$id" >copy
	cmp copy data
	shm-rm -q "$id"
	rm -f data copy
}

@test "shm-attach: what does not fit writes nothing, is 1, and says the sizes" {
	shm-create "$seg" 10
	shm-attach write "$seg" 0 0123456789
	fails 1 "a text of 4 bytes at offset 7 does not fit: there are 10" shm-attach write "$seg" 7 abcd
	fails 1 "a text of 1 bytes at offset 10 does not fit" shm-attach write "$seg" 10 x
	fails 1 "at offset 11" shm-attach write "$seg" 11 ""
	fails 1 "offset 18446744073709551615" shm-attach write "$seg" 0xffffffffffffffff x
	printf 0123456789a >data
	run -1 --separate-stderr shm-attach write "$seg" 0 <data
	has "$stderr" "standard input of 11 bytes at offset 0 does not fit: there are 10"
	run -1 --separate-stderr sh -c 'printf abcdefghijkl | shm-attach write "$1" 0' sh "$seg"
	has "$stderr" "standard input of 12 bytes"
	is 0123456789 "$(shm-attach read "$seg")"
	run -0 shm-attach write "$seg" 10 ""
	shm-rm -q "$seg"
}

@test "shm-attach: a pipe up to 1 MiB is stored whole or not at all; beyond, it streams and counts" {
	shm-create "$seg" 1M
	run -1 --separate-stderr sh -c 'head -c 1048577 /dev/zero | tr "\0" A | shm-attach write "$1" 0' sh "$seg"
	one_line
	is "" "$(shm-attach read "$seg" | tr -d '\0')"
	shm-rm -q "$seg"
	shm-create "$seg" 2M
	run -1 --separate-stderr sh -c 'head -c 3000000 /dev/zero | tr "\0" A | shm-attach write "$1" 0' sh "$seg"
	has "$stderr" "2097152 bytes were stored"
	is 2097152 "$(shm-attach read "$seg" | tr -dc A | wc -c)"
	shm-rm -q "$seg"
}

@test "shm-attach: a range outside is 1, a malformed one 2" {
	shm-create "$seg" 10
	fails 1 "a range of 5 bytes at offset 6 does not fit: there are 10" shm-attach read "$seg" 6 5
	fails 1 "offset 11" shm-attach read "$seg" 11
	fails 1 "does not fit" shm-attach read "$seg" 1 0xffffffffffffffff
	fails 2 "an offset is bytes" shm-attach read "$seg" x
	fails 2 "one operand too many" shm-attach read "$seg" 1 2 3
	run -0 shm-attach read "$seg" 10
	is "" "$output"
	shm-rm -q "$seg"
}

@test "shm-attach: bad verbs and operands are 2, absent segments 1" {
	fails 2 "which verb" shm-attach
	fails 2 "nonesuch: there is no such verb" shm-attach nonesuch "$seg"
	fails 2 "of which SEGMENT" shm-attach read
	fails 2 "of which SEGMENT" shm-attach write
	fails 2 "private is for shm-create only" shm-attach read private
	fails 2 "a byte is" shm-attach fill "$seg" 999
	fails 2 "with which BYTE" shm-attach fill "$seg"
	fails 2 "at which OFFSET" shm-attach write "$seg"
	fails 2 "which COMMAND" shm-attach run "$seg"
	fails 2 "which OTHER" shm-attach diff "$seg"
	fails 1 "no such object" shm-attach read "$seg"
	fails 1 "no segment with this key" shm-attach read "$key"
	fails 1 "no segment with this id" shm-attach read 2147483647
	fails 1 "there is no such file" shm-attach read ./nonesuch
}

@test "shm-attach: reading what was never written allocates nothing" {
	shm-create --sparse "$seg" 1G
	is 0 "$(head -c 1000000 <(shm-attach read "$seg" 0 50M) | tr -d '\0' | wc -c)"
	shm-attach dump "$seg" >/dev/null
	is 0 "$(stat -c %b "/dev/shm$seg")"
	shm-rm -q "$seg"
	id=$(shm-create private 64M)
	shm-attach read "$id" | cmp -n 67108864 - /dev/zero
	shm-attach dump "$id" >/dev/null
	is 0 "$(awk -v id="$id" '$2 == id { print $15 }' /proc/sysvipc/shm)"
	shm-rm -q "$id"
}

@test "shm-attach: fill sets a range and nothing else" {
	shm-create "$seg" 20
	shm-attach fill "$seg" 65
	shm-attach fill "$seg" 0x42 5 10
	is AAAAABBBBBBBBBBAAAAA "$(shm-attach read "$seg")"
	fails 2 "a byte is" shm-attach fill "$seg" 300
	fails 1 "does not fit" shm-attach fill "$seg" 1 15 6
	is AAAAABBBBBBBBBBAAAAA "$(shm-attach read "$seg")"
	shm-rm -q "$seg"
}

@test "shm-attach: dump shows stored bytes, and --all every line" {
	shm-create --sparse "$seg" 1M
	shm-attach write "$seg" 65536 'a dump'
	run -0 shm-attach dump "$seg"
	has "$output" "00010000  61 20 64 75 6d 70 00 00  00 00 00 00 00 00 00 00  |a dump..........|"
	is 00100000 "${lines[-1]}"
	((${#lines[@]} < 10))
	is 65537 "$(shm-attach --all dump "$seg" | wc -l)"
	is "$(hexdump -Cv "/dev/shm$seg" | md5sum)" "$(shm-attach -a dump "$seg" | md5sum)"
	shm-rm -q "$seg"
}

@test "shm-attach: dump escapes control bytes" {
	shm-create "$seg" 16
	printf '\033[31m\377\000\n' | shm-attach write "$seg" 0
	run -0 shm-attach dump "$seg"
	has "$output" "|.[31m...........|"
	shm-rm -q "$seg"
}

@test "shm-attach: diff is 0 for equal, 1 for different, and shows the lines" {
	shm-create "$seg" 100
	id=$(shm-create private 100)
	run -0 shm-attach diff "$seg" "$id"
	is "" "$output"
	shm-attach write "$id" 50 X
	run -1 --separate-stderr shm-attach diff "$seg" "$id"
	has "$output" "-00000030"
	has "$output" "+00000030  00 00 58"
	shm-create "$seg-2" 99
	run -1 --separate-stderr shm-attach diff "$seg" "$seg-2"
	has "$stderr" "has 100 bytes, $seg-2 has 99"
	run -0 shm-attach -l 99 diff "$seg" "$seg-2"
	fails 1 "no such object" shm-attach diff "$seg" "$seg-3"
	shm-rm -q "$seg" "$seg-2" "$id"
}

@test "shm-attach: watch prints a change as it happens, and ends after --count" {
	shm-create "$seg" 100
	shm-attach --interval 0.01 --count 1 watch "$seg" 0 32 >out 3>&- &
	watcher=$!
	jobs+=("$watcher")
	eventually sh -c 'shm-attach write "$1" 16 "$(date +%N)"; test -s out' sh "$seg"
	wait "$watcher"
	has "$(cat out)" "-00000010"
	has "$(cat out)" "+00000010"
	shm-rm -q "$seg"
}

@test "shm-attach: watch ends with 124 at its limit" {
	shm-create "$seg" 100
	run -124 shm-attach --interval 0.01 -w 0.05 watch "$seg"
	is "" "$output"
	shm-create --sparse "$seg-b" 2M
	fails 2 "1 MiB at most" shm-attach watch "$seg-b"
	shm-rm -q "$seg" "$seg-b"
}

@test "shm-attach: hold is seen in nattch, for a time or until a signal" {
	id=$(shm-create private 100)
	spawn shm-attach hold "$id"
	eventually attached "$id" 1
	spawn shm-attach -r hold "$id"
	eventually attached "$id" 2
	kill -9 "${jobs[0]}"
	eventually attached "$id" 1
	kill -TERM "${jobs[1]}"
	status=0
	wait "${jobs[1]}" || status=$?
	is 143 "$status"
	eventually attached "$id" 0
	run -0 timeout 10 shm-attach hold "$id" 0.01
	shm-rm -q "$id"
}

@test "shm-attach: run gives the command the operand and the descriptor, and its status back" {
	shm-create "$seg" 100
	shm-attach write "$seg" 0 inherited
	run -0 shm-attach run "$seg" sh -c 'echo "$SHM_OPERAND"; head -c 9 <&"$SHM_FD"'
	is "$seg"$'\n'inherited "$output"
	run -7 shm-attach run "$seg" sh -c 'exit 7'
	run -137 shm-attach run "$seg" sh -c 'kill -9 $$'
	fails 127 "nonesuch" shm-attach run "$seg" nonesuch
	mkdir -m 0 closed
	fails 127 "nonesuch" env PATH="$PWD/closed:$PATH" shm-attach run "$seg" nonesuch
	rmdir closed
	touch plain
	fails 126 "plain" shm-attach run "$seg" ./plain
	run -0 shm-attach run "$seg" echo -x --help
	is "-x --help" "$output"
	shm-rm -q "$seg"
}

@test "shm-attach: run keeps a System V segment attached while the command runs" {
	id=$(shm-create private 100)
	# shellcheck disable=SC2016
	run -0 shm-attach run "$id" sh -c 'echo "${SHM_FD-none} $(awk -v id="$SHM_OPERAND" "\$2 == id { print \$7 }" /proc/sysvipc/shm)"'
	is "none 1" "$output"
	is 0 "$(nattch "$id")"
	spawn shm-attach run "$id" sleep 100
	eventually attached "$id" 1
	kill -TERM "${jobs[0]}"
	status=0
	wait "${jobs[0]}" || status=$?
	is 143 "$status"
	is 0 "$(nattch "$id")"
	shm-rm -q "$id"
}

@test "shm-attach: -r cannot write, and --protect none cannot read: 3, no signal" {
	shm-create "$seg" 100
	id=$(shm-create private 100)
	for s in "$seg" "$id"; do
		fails 3 "cannot be accessed" shm-attach -r write "$s" 0 x
		fails 3 "cannot be accessed" shm-attach --protect none write "$s" 0 x
		fails 3 "cannot be accessed" shm-attach --protect r fill "$s" 1
		run -0 shm-attach --protect r write "$s" 0 ""
	done
	fails 2 "letters of rwx" shm-attach --protect q read "$seg"
	is "" "$(shm-attach read "$seg" | tr -d '\0')"
	shm-rm -q "$seg" "$id"
}

@test "shm-attach: a read-only attachment is not made writable by --protect" {
	shm-create "$seg" 100
	id=$(shm-create private 100)
	for s in "$seg" "$id"; do
		fails 3 "cannot be protected so" shm-attach -r --protect rw fill "$s" 1
	done
	shm-rm -q "$seg" "$id"
}

@test "shm-attach: advice is taken by name, and unknown advice is 2" {
	shm-create "$seg" 1M
	run -0 --separate-stderr shm-attach -x --advise willneed,sequential read "$seg" 0 1
	has "$stderr" MADV_WILLNEED
	has "$stderr" MADV_SEQUENTIAL
	shm-attach fill "$seg" 1
	fails 3 "does not take this advice" shm-attach --advise remove read "$seg" 0 1
	run -0 shm-attach --advise remove hold "$seg" 0
	is 0 "$(stat -c %b "/dev/shm$seg")"
	fails 2 "nonsense: the kernel knows no such advice" shm-attach --advise nonsense read "$seg"
	shm-rm -q "$seg"
}

@test "shm-attach: --lock names the limit, with both figures" {
	shm-create "$seg" 1M
	run -0 --separate-stderr shm-attach -x --lock read "$seg" 0 1
	has "$stderr" "mlock("
	# Valgrind does not know mlock2.
	if [[ -z ${SHMU_VALGRIND-} ]]; then
		run -0 --separate-stderr shm-attach -x --lock=onfault read "$seg" 0 1
		has "$stderr" MLOCK_ONFAULT
	fi
	if [[ -n ${SHMU_SANITIZE-} ]]; then	# whose mlock does nothing
		shm-rm -q "$seg"
		return
	fi
	"${other[@]}" true 2>/dev/null || shm-rm -q "$seg"
	can_be_others
	chmod 666 "/dev/shm$seg"
	fails 3 "cannot lock 1048576 bytes: the limit is 65536" "${other[@]}" sh -c \
		'ulimit -l 64; shm-attach --lock hold "$1" 0' sh "$seg"
	shm-rm -q "$seg"
}

@test "shm-attach: a segment cut short while it is read is an error, not a signal" {
	shm-create "$seg" 1M
	spawn shm-attach --interval 0.01 watch "$seg"
	eventually sh -c "grep -q '$tag' /proc/${jobs[0]}/maps"
	shm-set --force --size 1 "$seg"
	status=0
	wait "${jobs[0]}" || status=$?
	is 3 "$status"
	shm-rm -q "$seg"
}

@test "shm-attach: planted things are refused in one line" {
	isolated
	mkfifo "/dev/shm/$tag-fifo"
	mkdir "/dev/shm/$tag-dir"
	ln -s /etc/passwd "/dev/shm/$tag-link"
	touch "/dev/shm/$tag-a"
	ln "/dev/shm/$tag-a" "/dev/shm/$tag-b"
	for verb in read dump hold watch; do
		fails 3 "this is a FIFO" shm-attach $verb "$seg-fifo"
		fails 3 "this is a directory" shm-attach $verb "$seg-dir"
		fails 3 "this is a symbolic link" shm-attach $verb "$seg-link"
		fails 3 "hard link" shm-attach $verb "$seg-a"
	done
	fails 3 "this is a FIFO" shm-attach write "$seg-fifo" 0 x
	rm -r "/dev/shm/$tag"*
}

@test "shm-attach: without permission it says whose it is" {
	isolated
	can_be_others
	shm-create "$seg" 10
	id=$(shm-create private 10)
	fails 3 "no permission: owner root, mode 0600" "${other[@]}" shm-attach read "$seg"
	# Valgrind answers for shmat(2) itself, with EINVAL, and has no pidfd_open.
	if [[ -n ${SHMU_VALGRIND-} ]]; then
		shm-rm -q "$seg" "$id"
		return
	fi
	fails 3 "no permission" "${other[@]}" shm-attach read "$id"
	fails 3 CAP_SYS_PTRACE "${other[@]}" shm-attach read "pid:$$/fd/1"
	shm-rm -q "$seg" "$id"
}

@test "shm-attach: a descriptor of another process, and of a deleted object" {
	[[ -z ${SHMU_VALGRIND-} ]] || skip "valgrind does not know pidfd_open"
	fails 1 "there is no process" shm-attach read pid:2147483647/fd/0
	cat >holder.py <<-'END'
	import os, signal
	fd = os.memfd_create("x")
	os.write(fd, b"from a memfd")
	print(os.getpid(), fd, flush=True)
	signal.pause()
	END
	python3 holder.py >where 3>&- &
	jobs+=("$!")
	eventually test -s where
	read -r pid fd <where
	is "from a memfd" "$(shm-attach read "pid:$pid/fd/$fd")"
	shm-attach write "pid:$pid/fd/$fd" 0 FROM
	is "FROM a memfd" "$(cat "/proc/$pid/fd/$fd")"
	fails 1 "has no descriptor 77" shm-attach read "pid:$pid/fd/77"
	fails 2 "pid:812/fd/5" shm-attach read "pid:$pid/fd/1.."
}

@test "shm-attach: lost output is 3" {
	shm-create "$seg" 100
	for verb in read dump; do
		run -3 --separate-stderr sh -c "shm-attach $verb '$seg' >/dev/full"
		has "$stderr" "standard output is lost"
	done
	shm-rm -q "$seg"
}
