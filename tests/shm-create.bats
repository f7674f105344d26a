# SPDX-License-Identifier: MIT
load helper

@test "shm-create: System V: ipcs sees the key, the size and mode 600" {
	isolated
	run -0 --separate-stderr shm-create 0x666 256
	id=$output
	run -0 ipcs -m
	has "$output" "0x00000666 $id"
	[[ $output =~ 0x00000666\ +$id\ +[a-z]+\ +600\ +256\ +0 ]]
	ipcrm -m "$id"
}

@test "shm-create: POSIX: the object has the size and mode 600, allocated, and its operand is printed" {
	run -0 --separate-stderr shm-create "$seg" 64K
	is "$seg" "$output"
	is "" "$stderr"
	is "65536 600 1" "$(stat -c '%s %a %h' "/dev/shm$seg")"
	is 128 "$(stat -c %b "/dev/shm$seg")"
	shm-rm -q "$seg"
}

@test "shm-create: name and /name are one object" {
	shm-create "$tag" 10
	fails 1 "exists already with 10 bytes" shm-create "$seg" 10
	shm-rm -q "$tag"
}

@test "shm-create: the mode is exact for every kind, whatever the umask" {
	for mask in 000 022 077 777; do
		for mode in 0666 0600 0444 0 777; do
			(umask $mask; shm-create -m $mode "$seg" 10)
			is "$((8#$mode))" "$((8#$(stat -c %a "/dev/shm$seg")))"
			shm-rm -q "$seg"
			(umask $mask; shm-create -m $mode ./f 10)
			is "$((8#$mode))" "$((8#$(stat -c %a f)))"
			rm -f f
			id=$(umask $mask; shm-create -m $mode private 10)
			is "$((8#$mode))" "$((8#$(awk -v id="$id" '$2 == id { print $3 }' /proc/sysvipc/shm)))"
			shm-rm -q "$id"
		done
	done
}

@test "shm-create: ipcrm removes what was printed" {
	id=$(shm-create "$key" 100)
	ipcrm -m "$id"
	fails 1 "no segment with this key" shm-stat "$key"
}

@test "shm-create: a taken name or key is 1, says what is there, and changes nothing" {
	shm-create -m 640 "$seg" 8K
	shm-attach write "$seg" 0 keep
	fails 1 "$seg: exists already with 8192 bytes, mode 0640" shm-create "$seg" 100
	is "8192 640" "$(stat -c '%s %a' "/dev/shm$seg")"
	is keep "$(shm-attach read "$seg" 0 4)"
	id=$(shm-create "$key" 4096)
	fails 1 "$key: exists already as id $id with 4096 bytes" shm-create "$key" 8192
	fails 1 "exists already" shm-create "$key" 1
	shm-rm -q "$seg" "$id"
}

@test "shm-create: --existing opens what is there, if it is large enough" {
	shm-create "$seg" 100
	run -0 shm-create -e "$seg" 100
	is "$seg" "$output"
	run -0 shm-create --existing "$seg"
	fails 1 "exists with 100 bytes, 101 asked" shm-create --existing "$seg" 101
	id=$(shm-create "$key" 100)
	run -0 shm-create -e "$key" 100
	is "$id" "$output"
	fails 1 "exists with 100 bytes, 200 asked" shm-create -e "$key" 200
	shm-rm -q "$seg" "$id"
	fails 1 "no such object" shm-create -e "$seg" 10
	is 100 "$(shm-create "$seg" 100 >out; stat -c %s "/dev/shm$seg")"
	shm-rm -q "$seg"
}

@test "shm-create: operands that name nothing are 2, with the way out" {
	fails 2 "key 0 names nothing" shm-create 0x0 10
	fails 2 "key 0 names nothing" shm-create key:0 10
	fails 2 "0: an id cannot be chosen" shm-create 0 10
	fails 2 "write key:7 for a System V key or /7" shm-create 7 10
	fails 2 "'': the operand is empty" shm-create "" 10
	fails 2 "a/b: a name has no slash but the first; for a file write file:PATH" shm-create a/b 10
	fails 2 "file:PATH" shm-create /a/b 10
	fails 2 "write / and its name" shm-create /dev/shm/x 10
	fails 2 "directory" shm-create /.. 10
	fails 2 "is empty" shm-create / 10
	fails 2 "007: an identifier has no leading zero" shm-create 007 10
	fails 2 "sem." shm-create /sem.x 10
	fails 2 "cannot be created" shm-create pid:1/fd/2 10
}

@test "shm-create: a name of 255 bytes is taken, one of 256 is refused" {
	name=$(printf '%0255d' 0 | tr 0 n)
	run -0 shm-create "/$name" 1
	[[ -f /dev/shm/$name ]]
	shm-rm -q "/$name"
	fails 2 "more than 255 bytes" shm-create "/${name}n" 1
}

@test "shm-create: malformed sizes and modes are 2 and make nothing" {
	for size in 0 -5 -1K 1.5 4X 0x '' ' 1' 1K4 99999999999999999999 99999999T; do
		run -2 --separate-stderr shm-create "$seg" "$size"
		one_line
	done
	for mode in 999 07777 1777 4000 -1 8 rw '' 00600; do
		run -2 --separate-stderr shm-create -m "$mode" "$seg" 10
		one_line
	done
	[[ ! -e /dev/shm$seg ]]
	fails 2 "of which SIZE" shm-create "$seg"
	fails 2 "one operand too many" shm-create "$seg" 1 2
	fails 2 "there is no such option" shm-create --nonsense "$seg" 1
	fails 2 "needs an argument" shm-create --mode
	fails 2 "takes no argument" shm-create --sparse=1 "$seg" 1
}

@test "shm-create: sizes take the units" {
	while read -r text bytes; do
		shm-create --sparse "$seg" "$text" >out
		is "$bytes" "$(stat -c %s "/dev/shm$seg")"
		shm-rm -q "$seg"
	done <<-END
	1 1
	0x10 16
	4k 4096
	4KiB 4096
	4KB 4000
	1M 1048576
	1MB 1000000
	3p $((3 * $(getconf PAGESIZE)))
	2G 2147483648
	END
}

@test "shm-create: more than a full tmpfs has is 3 with the cause, and leaves nothing" {
	isolated
	mount -t tmpfs -o size=4M tmpfs /dev/shm
	fails 3 "/dev/shm is full: 8388608 bytes asked, 4194304 of 4194304 free" shm-create /big 8M
	is "" "$(ls -A /dev/shm)"
	is 0 "$(df --output=used /dev/shm | tail -1 | tr -d ' ')"
	run -0 shm-create --sparse /big 8M
	fails 3 "no memory left" shm-attach fill /big 1
	shm-rm -q /big
	umount /dev/shm
}

@test "shm-create: every size up to a full tmpfs is whole or an error, never a signal" {
	isolated
	mount -t tmpfs -o size=64K tmpfs /dev/shm
	for ((pages = 1; pages <= 20; pages++)); do
		run --separate-stderr shm-create "$seg" "${pages}p"
		if ((status == 0)); then
			shm-attach fill "$seg" 255
			shm-rm -q "$seg"
		else
			is 3 "$status"
			one_line
		fi
		is "" "$(ls -A /dev/shm)"
	done
	umount /dev/shm
}

@test "shm-create: limits of System V are named" {
	isolated
	fails 3 "kernel.shmmni" unshare -i sh -c \
		'echo 1 >/proc/sys/kernel/shmmni; shm-create private 1 >/dev/null; shm-create private 1'
	fails 3 "outside the limit of 8192" unshare -i sh -c \
		'echo 8192 >/proc/sys/kernel/shmmax; shm-create private 8193'
}

@test "shm-create: with kernel.shm_rmid_forced=1 System V is refused and says why" {
	isolated
	for op in private "$key"; do
		fails 3 "kernel.shm_rmid_forced is 1" unshare -i sh -c \
			'echo 1 >/proc/sys/kernel/shm_rmid_forced; shm-create "$1" 10' sh "$op"
		has "$stderr" "use a POSIX object"
	done
}

@test "shm-create: a planted link, FIFO, directory, socket or another's object is 1 and stays" {
	isolated
	echo untouched >target
	ln -s "$PWD/target" "/dev/shm/$tag-link"
	ln -s /nowhere "/dev/shm/$tag-dangling"
	mkfifo "/dev/shm/$tag-fifo"
	mkdir "/dev/shm/$tag-dir"
	for what in link:link dangling:link fifo:FIFO dir:directory; do
		before=$(stat -c '%F %a %i' "/dev/shm/$tag-${what%:*}")
		for how in "" --replace; do
			fails 1 "${what#*:}" shm-create $how "$seg-${what%:*}" 10
		done
		run -3 --separate-stderr shm-create --existing "$seg-${what%:*}" 10
		one_line
		is "$before" "$(stat -c '%F %a %i' "/dev/shm/$tag-${what%:*}")"
	done
	is untouched "$(cat target)"
	rm -r "/dev/shm/$tag"*
}

@test "shm-create: another user's object is neither opened nor replaced" {
	isolated
	can_be_others
	shm-create -m 0666 "$seg" 10
	fails 1 "owner root" "${other[@]}" shm-create "$seg" 10
	fails 3 "is root's, not nobody's" "${other[@]}" shm-create --existing "$seg" 10
	fails 3 "another user's" "${other[@]}" shm-create --replace "$seg" 10
	run -0 "${other[@]}" shm-create --existing --owner root "$seg" 10
	shm-rm -q "$seg"
	is "" "$(ls -A /dev/shm)"
}

@test "shm-create: of two creators of one name one wins, and nobody sees a half-made object" {
	cat >look.py <<-'END'
	import os, sys
	path, saw, stop = sys.argv[1:]
	seen = set()
	while not os.path.exists(stop):
	    try:
	        fd = os.open(path, os.O_RDONLY)
	    except FileNotFoundError:
	        continue
	    except PermissionError:
	        print("no permission"); break
	    s = os.fstat(fd)
	    data = os.read(fd, 8)
	    os.close(fd)
	    seen.add((s.st_size, s.st_mode & 0o777, data))
	    open(saw, "w").close()
	for s in sorted(seen):
	    print(*s)
	END
	python look.py "/dev/shm$seg" saw stop >seen 3>&- &
	watcher=$!
	for ((i = 0; i < $(rounds 60); i++)); do
		shm-create -m 0644 --fill 65 "$seg" 200000 >a 2>/dev/null 3>&- & one=$!
		shm-create -m 0644 --fill 65 "$seg" 200000 >b 2>/dev/null 3>&- & two=$!
		s1=0 s2=0
		wait $one || s1=$?
		wait $two || s2=$?
		is 1 "$((s1 + s2))"
		shm-rm -q "$seg"
	done
	shm-create -q -m 0644 --fill 65 "$seg" 200000 >/dev/null
	eventually test -e saw
	shm-rm -q "$seg"
	touch stop
	wait $watcher
	is "200000 420 b'AAAAAAAA'" "$(cat seen)"
}

@test "shm-create: of two creators of one key one wins" {
	for ((i = 0; i < $(rounds 40); i++)); do
		shm-create "$key" 4096 >a 2>/dev/null 3>&- & one=$!
		shm-create "$key" 4096 >b 2>/dev/null 3>&- & two=$!
		s1=0 s2=0
		wait $one || s1=$?
		wait $two || s2=$?
		is 1 "$((s1 + s2))"
		shm-rm -q "$key"
	done
}

@test "shm-create: killed while it fills, it leaves no POSIX object" {
	for ((i = 0; i < $(rounds 20); i++)); do
		shm-create --from - "$seg" 2G < <(yes) >/dev/null 2>&1 3>&- &
		creator=$!
		sleep 0.0$((i % 10))$((RANDOM % 10)) || true
		kill -9 "$creator"
		wait "$creator" || true
		[[ ! -e /dev/shm$seg ]]
	done
}

any_sysv() { [[ $(sysv_ids) ]]; }

@test "shm-create: a signal while it fills removes a System V segment, and it dies by the signal" {
	isolated
	mkfifo never
	for sig in INT TERM HUP; do
		env --default-signal shm-create --from never "$key" 1M <>never >out 2>&1 3>&- &
		creator=$!
		eventually any_sysv
		kill -$sig "$creator"
		status=0
		wait "$creator" || status=$?
		is "$((128 + $(kill -l $sig)))" "$status"
		is "" "$(sysv_ids)"
	done
}

@test "shm-create: --from takes the size and the bytes of a file or a pipe" {
	head -c 300000 /dev/urandom >data
	for kind in "$seg" private ./copy; do
		op=$(shm-create --from data "$kind")
		shm-attach read "$op" | cmp - data
		shm-rm -q "$op"
		op=$(cat data | shm-create --from - "$kind")
		shm-attach read "$op" | cmp - data
		shm-rm -q "$op"
		op=$(cat data | shm-create --from - "$kind" 400000)
		shm-attach read "$op" 0 300000 | cmp - data
		is "" "$(shm-attach read "$op" 300000 | tr -d '\0')"
		shm-rm -q "$op"
	done
}

@test "shm-create: --from of more than SIZE is 1, says both, and makes nothing" {
	head -c 1000 /dev/zero >data
	fails 1 "data has 1000 bytes and the segment would have 999" shm-create --from data "$seg" 999
	run -1 --separate-stderr sh -c 'cat data | shm-create --from - "$1" 999' sh "$seg"
	has "$stderr" "standard input has more than fits"
	run -1 --separate-stderr sh -c 'cat data | shm-create --from - "$1" 999' sh "$key"
	[[ ! -e /dev/shm$seg ]]
	fails 3 "cannot be read: No such file" shm-create --from nonesuch "$seg"
	fails 3 "directory" shm-create --from . "$seg"
	: >empty
	fails 1 "is empty" shm-create --from empty "$seg"
}

@test "shm-create: --fill fills every byte" {
	for kind in "$seg" private; do
		op=$(shm-create --fill 0xA5 "$kind" 100001)
		is 100001 "$(shm-attach read "$op" | tr -dc '\245' | wc -c)"
		shm-rm -q "$op"
	done
	fails 2 "a byte is a number from 0 to 255" shm-create --fill 256 "$seg" 1
}

@test "shm-create: --replace renames over a POSIX object; who has the old one keeps it" {
	shm-create --fill 65 "$seg" 100
	mkfifo go
	spawn shm-attach run "$seg" sh -c 'read -r x <go; dd bs=1 count=1 <&"$SHM_FD" >old 2>/dev/null'
	eventually grep -q "$tag" "/proc/${jobs[0]}/maps"
	run -0 shm-create --replace --fill 66 "$seg" 200
	is 200 "$(stat -c %s "/dev/shm$seg")"
	is B "$(shm-attach read "$seg" 0 1)"
	echo >go
	eventually test -s old
	is A "$(cat old)"
	shm-rm -q "$seg"
}

@test "shm-create: --replace of a System V key removes first, and says so" {
	one=$(shm-create "$key" 100)
	run -0 --separate-stderr shm-create --replace "$key" 200
	has "$stderr" "not replaced in one step"
	[[ $output != "$one" ]]
	fails 1 "no segment with this id" shm-stat "$one"
	shm-rm -q "$key"
}

@test "shm-create: --sparse allocates nothing, otherwise everything" {
	shm-create --sparse "$seg" 1G
	is "1073741824 0" "$(stat -c '%s %b' "/dev/shm$seg")"
	shm-rm -q "$seg"
}

@test "shm-create: --populate brings a System V segment into RAM" {
	id=$(shm-create private 1M)
	is 0 "$(awk -v id="$id" '$2 == id { print $15 }' /proc/sysvipc/shm)"
	shm-rm -q "$id"
	id=$(shm-create --populate private 1M)
	is 1048576 "$(awk -v id="$id" '$2 == id { print $15 }' /proc/sysvipc/shm)"
	shm-rm -q "$id"
}

@test "shm-create: --lock locks a System V segment; elsewhere it is refused with the way out" {
	id=$(shm-create --lock private 4096)
	has "$(ipcs -m -i "$id" 2>&1; awk -v id="$id" '$2 == id { print $3 }' /proc/sysvipc/shm)" 2600
	shm-rm -q "$id"
	fails 2 "shm-attach --lock hold" shm-create --lock "$seg" 10
}

@test "shm-create: --huge is for System V and names the cause when there are none" {
	fails 2 "--advise hugepage" shm-create --huge "$seg" 2M
	fails 2 "power of two" shm-create --huge=3M private 2M
	[[ $(cat /proc/sys/vm/nr_hugepages) == 0 && -z ${SHMU_VALGRIND-} ]] || return 0
	run -3 --separate-stderr shm-create --huge=2M private 2M
	one_line
	has "$stderr" "huge pages"
}

@test "shm-create: --owner gives it away, by name or number" {
	isolated
	can_be_others
	shm-create --owner nobody:nogroup -m 0640 "$seg" 10
	is "nobody nogroup 640" "$(stat -c '%U %G %a' "/dev/shm$seg")"
	id=$(shm-create --owner 65534:65534 private 10)
	is "65534 65534 600" "$(awk -v id="$id" '$2 == id { print $8, $9, $3 }' /proc/sysvipc/shm)"
	shm-rm -q "$seg" "$id"
	fails 2 "nosuchuser: there is no user of that name" shm-create --owner nosuchuser "$seg" 1
	fails 3 "only root may give" "${other[@]}" shm-create --owner root "$seg" 1
	is "" "$(sysv_ids)"
}

@test "shm-create: --ftok makes the key that ftok(3) makes" {
	touch file
	want=$(python -c 'import sysv_ipc; print(hex(sysv_ipc.ftok("file", 42, True)))' 2>/dev/null)
	run -0 --separate-stderr shm-create --ftok file:42 10
	has "$stderr" "16 bits of the inode"
	is "$((want))" "$(awk -v id="$output" '$2 == id { print $1 }' /proc/sysvipc/shm)"
	shm-rm -q "$output"
	fails 2 "PATH:ID" shm-create --ftok file 10
	fails 2 "not there" shm-create --ftok nonesuch:1 10
}

@test "shm-create: odd names are printed as operands that mean the same" {
	op=$(shm-create $'/'"$tag"$' a\n\e[31m\xff\\' 10)
	is "name:$tag\\x20a\\x0a\\x1b[31m\\xff\\x5c" "$op"
	run -0 --separate-stderr shm-attach read "$op" 0 1
	shm-rm -q "$op"
	run -1 compgen -G "/dev/shm/$tag*"
}

@test "shm-create: a file is made like an object" {
	run -0 shm-create -m 0640 ./data 8K
	is ./data "$output"
	is "8192 640" "$(stat -c '%s %a' data)"
	fails 1 "exists already with 8192 bytes" shm-create file:data 10
	fails 3 "directory ./no is not there" shm-create ./no/data 10
	rm -f data
	is "" "$(find . -name '.shmu*')"
}

@test "shm-create: lost output is 3, and what nobody was told of is removed" {
	run -3 --separate-stderr sh -c 'shm-create private 100 >/dev/full'
	has "$stderr" "standard output is lost"
	run -3 --separate-stderr sh -c 'shm-create "$1" 100 >/dev/full' sh "$seg"
	run -3 --separate-stderr sh -c 'shm-create --help >/dev/full'
	run -3 --separate-stderr sh -c 'shm-create --version >/dev/full'
}

@test "shm-create: --explain shows the calls with symbolic flags" {
	run -0 --separate-stderr shm-create -x "$key" 256
	id=$output
	is "shmget($key, 256, IPC_CREAT|IPC_EXCL|0600) = $id" "$stderr"
	run -1 --separate-stderr shm-create --explain "$key" 256
	has "$stderr" "shmget($key, 256, IPC_CREAT|IPC_EXCL|0600) = -1 EEXIST"
	shm-rm -q "$id"
	run -0 --separate-stderr shm-create -x "$seg" 4096
	has "$stderr" 'open("/dev/shm", O_RDWR|O_TMPFILE|O_CLOEXEC, 0600) = '
	has "$stderr" ', 0, 0, 4096) = 0'
	has "$stderr" "\"/dev/shm$seg\", AT_SYMLINK_FOLLOW) = 0"
	shm-rm -q "$seg"
}

@test "shm-create: options that contradict are 2" {
	fails 2 "exclude each other" shm-create --existing --replace "$seg" 1
	fails 2 "exclude each other" shm-create --from f --fill 1 "$seg" 1
	fails 2 "--sparse goes with" shm-create --sparse --populate "$seg" 1
	fails 2 "always new" shm-create --existing private 1
	fails 2 "goes only with --owner" shm-create --existing -m 600 "$seg" 1
	fails 2 "goes only with --owner" shm-create --existing --lock "$key" 1
}
