# SPDX-License-Identifier: MIT
load helper

# "${without[@]}" NAME ERRNO COMMAND... - the system call fails so for it
without=(python3 "$SHMU_SRC/tests/deny.py")
can_deny() {
	"${without[@]}" msync EIO true || lacks "seccomp filters"
	[[ -z ${SHMU_VALGRIND-} ]] || skip "valgrind may use the call itself"
}

# small_disk SIZE - a filesystem of its own on ./disk, full at SIZE
small_disk() {
	isolated
	mkdir disk
	mount -t tmpfs -o "size=$1" tmpfs disk
}
teardown_disk() { umount disk; }

has_cachestat() {
	printf '%s\n' 6.5 "$(uname -r)" | sort -VC || lacks "Linux 6.5"
	[[ -z ${SHMU_VALGRIND-} ]] || skip "valgrind does not know cachestat"
}

calls() { grep -c "^$1(" <<<"$stderr" || true; }

@test "mmap-sync: a file that is not there is created with --size only, whole and 0600" {
	fails 1 "--size SIZE creates it" mmap-sync new
	fails 1 "--size SIZE creates it" mmap-sync --write x new
	[[ ! -e new ]]
	run -0 --separate-stderr mmap-sync new --size 64K --write 'Hello Mmap'
	is "" "$output$stderr"
	is "65536 600 10" "$(stat -c '%s %a' new) $(tr -d '\0' <new | wc -c)"
	is "Hello Mmap" "$(head -c 10 new)"
	(($(stat -c %b new) * 512 >= 65536))
}

@test "mmap-sync: an empty file grows with --size only" {
	: >empty
	fails 1 "1 bytes at offset 0 do not fit: the file has 0; --size" mmap-sync empty --write x
	run -0 mmap-sync empty
	is 0 "$(stat -c %s empty)"
	run -0 mmap-sync empty --size 1p --write x
	is "$(getconf PAGESIZE)" "$(stat -c %s empty)"
}

@test "mmap-sync: only the bytes of the range change, by either way" {
	head -c 300000 /dev/urandom >before
	for via in pwrite mmap; do
		cp before after
		mmap-sync --via $via after --write 0123456789 --offset 123456
		run -1 cmp -l before after
		((${#lines[@]} <= 10))
		is 0123456789 "$(tail -c +123457 after | head -c 10)"
		cmp -n 123456 before after
		cmp -i 123466 before after
	done
}

@test "mmap-sync: the n-th --write goes with the n-th --offset, in any order" {
	head -c 100 /dev/zero >f
	mmap-sync f --write one --write two --offset 10 --offset 20
	mmap-sync f --offset 30 --write three --offset 40 --write -5
	is "one two three -5" "$(tr -s '\0' ' ' <f | sed 's/^ //; s/ $//')"
	is two "$(tail -c +21 f | head -c 3)"
	fails 2 "there are 2 and 1" mmap-sync f --write a --write b --offset 1
	fails 2 "where to --write what" mmap-sync f --offset 1
}

@test "mmap-sync: --updates takes lines and binary records, and refuses malformed ones whole" {
	head -c 8192 /dev/zero >f
	printf '0 a line\n100:7 a\nb\0c\nd\n4K last' >u
	mmap-sync f --updates u
	is "a line" "$(head -c 6 f)"
	is "$(printf 'a\nb\0c\nd' | od -c)" "$(tail -c +101 f | head -c 7 | od -c)"
	is last "$(tail -c +4097 f | head -c 4)"
	cp f before
	for bad in 'x y' '5' '1:4 ab' '1:2 abc' ':1 a' '1:-1 a' '99999999999999999999 a' '1: a'; do
		printf '0 good\n%s\n' "$bad" >u
		fails 2 "record 2 is neither" mmap-sync f --updates u
		run -2 --separate-stderr sh -c 'mmap-sync f --updates - <u'
	done
	cmp f before
	printf '0 x\n8192 x\n' >u
	fails 1 "1 bytes at offset 8192 do not fit" mmap-sync f --updates u
	cmp f before
	fails 3 "cannot be read" mmap-sync f --updates nonesuch
}

@test "mmap-sync: what does not fit writes nothing, is 1, and says the sizes" {
	printf 0123456789 >f
	fails 1 "4 bytes at offset 7 do not fit: the file has 10" mmap-sync f --write abcd --offset 7
	fails 1 "at offset 18446744073709551615" mmap-sync f --write x --offset 0xffffffffffffffff
	fails 1 "do not fit" mmap-sync f --write x --offset 0 --write y --offset 10
	printf 0123456789a >data
	run -1 --separate-stderr sh -c 'mmap-sync f --write - <data'
	has "$stderr" "11 bytes at offset 0 do not fit"
	run -1 --separate-stderr sh -c 'cat data | mmap-sync f --write -'
	has "$stderr" "11 bytes at offset 0 do not fit"
	fails 1 "the range of 6 bytes at offset 5 does not fit" mmap-sync f --range 5:6
	fails 1 "does not fit" mmap-sync f --range 0xffffffffffffffff:0xffffffffffffffff
	fails 1 "does not fit" mmap-sync f --size 20 --write x --range 21:
	is 0123456789 "$(cat f)"
	run -0 mmap-sync f --write "" --offset 10
}

@test "mmap-sync: standard input goes into every FILE, a long pipe into one" {
	head -c 3000000 /dev/urandom >data
	: >a
	: >b
	mmap-sync --size 3M a b --write - --offset 7 <data
	for f in a b; do cmp <(tail -c +8 $f | head -c 3000000) data; done
	head -c 1M data | mmap-sync a b --write -
	cmp -n 1048576 a data
	cmp a b || cmp <(head -c 1M a) <(head -c 1M b)
	run -2 --separate-stderr sh -c 'cat data | mmap-sync a b --write -'
	has "$stderr" "one FILE only"
	for via in pwrite mmap; do
		rm -f c
		cat data | mmap-sync --via $via --size 3000000 c --write -
		cmp c data
	done
	run -1 --separate-stderr sh -c 'cat data | mmap-sync c --write - --offset 1'
	has "$stderr" "2999999 bytes were stored up to the end"
	run -1 --separate-stderr sh -c 'cat data | mmap-sync new --size 2M --write -'
	has "$stderr" "more than fits into 2097152 bytes, so nothing was created"
	[[ ! -e new ]]
	fails 2 "standard input can be read once" mmap-sync c --write - --updates -
}

@test "mmap-sync: a file is never cut without --force, and --force cuts it" {
	printf 0123456789 >f
	fails 1 "has 10 bytes, and 5 would cut content off" mmap-sync f --size 5 --write abc
	is 0123456789 "$(cat f)"
	run -0 mmap-sync f --force --size 5
	is 01234 "$(cat f)"
	run -0 mmap-sync f --size 5
	run -0 mmap-sync f --size 8
	is 8 "$(stat -c %s f)"
	fails 2 "at least one byte" mmap-sync f --size 0
	fails 3 "more than it can hold" mmap-sync f --size 0xffffffffffffffff
	is 8 "$(stat -c %s f)"
}

@test "mmap-sync: one msync for each contiguous range, none for a page" {
	head -c 1M /dev/zero >f
	run -0 --separate-stderr mmap-sync -x f
	is 1 "$(calls msync)"
	has "$stderr" ", 1048576, MS_SYNC) = 0"
	run -0 --separate-stderr mmap-sync -x f --range 0:64K --range 64K:64K --range 100K:4K --range 512K:
	is 2 "$(calls msync)"
	has "$stderr" ", 131072, MS_SYNC) = 0"
	has "$stderr" ", 524288, MS_SYNC) = 0"
	run -0 --separate-stderr mmap-sync -x --via mmap --write x --write y --offset 0 --offset 500K f
	is 1 "$(calls msync)"
	is 0 "$(calls pwrite)"
	run -0 --separate-stderr mmap-sync -x --write x --write y --offset 0 --offset 500K f
	is "2 1 0" "$(calls pwrite) $(calls fdatasync) $(calls msync)"
	run -0 --separate-stderr mmap-sync -x --invalidate f
	has "$stderr" "MS_INVALIDATE|MS_SYNC"
}

@test "mmap-sync: -v says which way was taken" {
	head -c 1M /dev/zero >f
	run -0 --separate-stderr mmap-sync -v f --write x
	has "$stderr" "wrote 1 bytes in 1 places by pwrite"
	has "$stderr" "synced 1048576 bytes by fdatasync, 1 call"
	run -0 --separate-stderr mmap-sync -v --via mmap f --write x
	has "$stderr" "by stores to the mapping"
	has "$stderr" "by msync, 1 call"
	fails 2 "use --via mmap" mmap-sync --via pwrite --protect r f
	fails 2 "--via pwrite or" mmap-sync --via nonesuch f
}

@test "mmap-sync: --async schedules, does not wait, and says so" {
	head -c 1M /dev/zero >f
	run -0 --separate-stderr mmap-sync -x --async f
	is "f: writing back is scheduled, and was not waited for" "$output"
	has "$stderr" MS_ASYNC
	has "$stderr" "SYNC_FILE_RANGE_WRITE) = 0"
	is "0" "$(calls fdatasync)"
	run -0 mmap-sync -q --async f
	is "" "$output"
	fails 2 "choose one" mmap-sync --async --sync f
	for bad in x:5 :5 1:2:3 1:x "" -1:5 5:-1 99999999999999999999:1; do
		fails 2 "a range is OFF:LEN" mmap-sync --range "$bad" f
	done
}

@test "mmap-sync: a read-only file is synced by fdatasync, not by an msync that does nothing" {
	can_be_others
	chmod 755 .
	head -c 10000 /dev/zero >f
	chmod 444 f
	run -0 --separate-stderr "${other[@]}" mmap-sync -x f
	is "1 0" "$(calls fdatasync) $(calls msync)"
	if [[ -z ${SHMU_VALGRIND-} ]]; then
		dirty=$(mmap-sync --json --residency f | jq '.files[0].residency[0].dirty')
		[[ $dirty == 0 || $dirty == null ]]
	fi
	fails 3 "no permission: owner root, mode 0444" "${other[@]}" mmap-sync f --write x
	is 10000 "$(tr -dc '\0' <f | wc -c)"
}

@test "mmap-sync: an I/O error of writing back is told, and is 3" {
	head -c 1M /dev/zero >f
	can_deny
	fails 3 "msync: the disk failed to take it (EIO)" "${without[@]}" msync EIO mmap-sync f
	fails 3 "the disk failed to take it" "${without[@]}" msync EIO mmap-sync f --range 0:1 --range 512K:1
	fails 3 "fdatasync: the disk failed to take it (EIO)" "${without[@]}" fdatasync EIO mmap-sync f --write x
	fails 3 "the disk is full" "${without[@]}" fdatasync ENOSPC mmap-sync f --write x
	run -3 --separate-stderr "${without[@]}" fdatasync EIO mmap-sync f new --size 1M --write x
	is 2 "$(grep -c EIO <<<"$stderr")"
	[[ ! -e new ]]
}

@test "mmap-sync: a disk that fails: nothing is called safe" {
	small_disk 24M
	truncate -s 64M disk/image
	mkdir m
	if ! { mkfs.ext4 -q -F -O ^has_journal disk/image && mount -o loop disk/image m; } 2>/dev/null; then
		teardown_disk
		skip "no loop device"
	fi
	fallocate -l 32M m/f
	sync -f m/f
	head -c 24M /dev/zero >disk/fill || true
	head -c 20M /dev/urandom >data
	run -3 --separate-stderr mmap-sync m/f --write - <data
	run -3 --separate-stderr mmap-sync -v --via mmap m/f --write - <data
	[[ $stderr != *synced* ]]
	has "$stderr" "msync: the disk "
	rm disk/fill
	umount m
	teardown_disk
}

@test "mmap-sync: a full filesystem is told before anything is written, and nothing is left" {
	small_disk 4M
	f=disk/f
	fails 3 "disk is full: 8388608 bytes asked, 4194304 of 4194304 free" mmap-sync disk/new --size 8M
	[[ ! -e disk/new ]]
	mmap-sync $f --size 1M --write keep
	fails 3 "is full: 7340032 bytes asked" mmap-sync $f --size 8M --write lost
	is "1048576 keep" "$(stat -c %s $f) $(head -c 4 $f)"
	mmap-sync $f --size 3M --sparse
	head -c 2M /dev/zero >disk/fill
	head -c 2500K /dev/zero | tr '\0' A >data
	printf '2M last\n' >u
	for via in pwrite mmap; do
		fails 3 "the filesystem is full; 0 bytes were stored" sh -c "mmap-sync --via $via $f --write - <data"
		fails 3 "the filesystem is full; 0 bytes were stored" mmap-sync --via $via $f --size 4M --write x --updates u
		is "3145728 keep" "$(stat -c %s $f) $(tr -d '\0' <$f)"
	done
	teardown_disk
}

@test "mmap-sync: a filesystem that cannot allocate: refused, or --sparse" {
	isolated
	mkdir disk
	mount -t ramfs ramfs disk || lacks ramfs
	fails 3 "cannot allocate in advance; use --sparse" mmap-sync disk/f --size 1M
	is "" "$(ls -A disk)"
	run -0 mmap-sync disk/f --size 1M --sparse --write hello
	is hello "$(tr -d '\0' <disk/f)"
	teardown_disk
}

@test "mmap-sync: a file cut by somebody else is an error, not a signal and not zeros" {
	for via in pwrite mmap; do
		rm -f f pipe
		mkfifo pipe
		mmap-sync f --size 4M
		spawn sh -c "mmap-sync --via $via f --write - <pipe 2>err"
		exec 5>pipe
		head -c 1500000 /dev/zero | tr '\0' A >&5
		eventually sh -c 'tail -c +1400000 f | head -c 1 | grep -q A'
		truncate -s 4096 f
		head -c 1000000 /dev/zero | tr '\0' A >&5 || true
		exec 5>&-
		status=0
		wait "${jobs[-1]}" || status=$?
		is 3 "$status"
		has "$(cat err)" "f: was cut to 4096 bytes by somebody else"
		is 4096 "$(stat -c %s f)"
	done
}

@test "mmap-sync: what is no regular file is refused in one line, at once" {
	mkfifo fifo
	mkdir dir
	ln -s nowhere dangling
	fails 3 "fifo: this is a FIFO" mmap-sync fifo
	fails 3 "fifo: this is a FIFO" mmap-sync fifo --size 1M --write x
	fails 3 "dir: this is a directory" mmap-sync dir
	fails 3 "/dev/null: this is a device" mmap-sync /dev/null --write x
	fails 3 "no disk to sync with" mmap-sync /proc/self/status
	fails 1 "symbolic link to what is not there" mmap-sync dangling --size 1M
	fails 2 "a FILE has a name" mmap-sync ""
	fails 3 "cannot be opened: Not a directory" mmap-sync /dev/null/x
	head -c 10 /dev/zero >real
	ln -s real link
	run -0 mmap-sync link --write x
	is x "$(tr -d '\0' <real)"
}

@test "mmap-sync: several FILEs go on after a failure, and the worst status counts" {
	head -c 10 /dev/zero >a
	head -c 10 /dev/zero >c
	run -1 --separate-stderr mmap-sync a b c --write x
	has "$stderr" "b: there is no such file"
	is "x x" "$(tr -d '\0' <a) $(tr -d '\0' <c)"
	mkdir d
	run -3 --separate-stderr mmap-sync a b d c --write y
	is "y y" "$(tr -d '\0' <a) $(tr -d '\0' <c)"
}

@test "mmap-sync: --residency shows what is in RAM, and says by which call" {
	has_cachestat
	head -c 1M /dev/zero >f
	mmap-sync f
	run -0 mmap-sync --residency f
	has "${lines[0]}" "f: 1048576 of 1048576 bytes in RAM, 100.0 %"
	is "|$(printf '#%.0s' {1..64})|" "${lines[1]}"
	truncate -s 64G f
	run -0 mmap-sync --residency f
	has "${lines[0]}" "1048576 of 68719476736 bytes in RAM, 0.0 %"
	is "|+$(printf '.%.0s' {1..63})|" "${lines[1]}"
	has "${lines[0]}" "(cachestat)"
	run -0 --separate-stderr mmap-sync -x --residency f --range 0:2p
	is "|##|" "${lines[1]}"
	is "0 0" "$(calls msync) $(calls fdatasync)"
	: >f
	run -0 mmap-sync --residency f
	has "$output" "0 of 0 bytes"
}

@test "mmap-sync: without cachestat it is mincore, with the same figures" {
	head -c 100000 /dev/zero >f
	can_deny
	for e in ENOSYS EPERM; do
		run -0 "${without[@]}" cachestat $e mmap-sync --residency f
		has "${lines[0]}" "102400 of 102400 bytes in RAM, 100.0 % (mincore)"
		is "|$(printf '#%.0s' {1..25})|" "${lines[1]}"
	done
	run -0 "${without[@]}" cachestat ENOSYS mmap-sync --json --residency f
	is "mincore null" "$(jq -r '.files[0].residency[0] | "\(.source) \(.dirty)"' <<<"$output")"
}

@test "mmap-sync: of a file that it may not judge it claims nothing" {
	has_cachestat
	can_be_others
	chmod 755 .
	head -c 1M /dev/zero >f
	chmod 644 f
	fails 3 "to nobody else" "${other[@]}" mmap-sync --residency f
	run -3 --separate-stderr "${other[@]}" mmap-sync --json --residency f
	is null "$(jq '.files[0].residency' <<<"$output")"
	can_deny
	fails 3 "to nobody else" "${without[@]}" cachestat ENOSYS "${other[@]}" mmap-sync --residency f
}

@test "mmap-sync: --populate brings in, --evict drops, and what stays is 1" {
	has_cachestat
	[[ $(stat -f -c %T .) != tmpfs ]] || lacks "a directory on a disk"
	head -c 1M /dev/zero >f
	run -0 mmap-sync --evict --residency f
	has "$output" "f: 0 of 1048576 bytes in RAM"
	run -0 --separate-stderr mmap-sync -x --populate --residency f --range 512K:
	has "$stderr" MADV_POPULATE_READ
	has "$output" ": 524288 of 524288 bytes in RAM"
	truncate -s 1G f
	run -0 mmap-sync --populate f
	run -0 mmap-sync --residency f
	has "$output" "f: 1048576 of 1073741824 bytes"
	[[ -z ${SHMU_SANITIZE-} ]] || skip "a sanitizer's mlock does nothing"
	spawn shm-attach --lock -l 4p hold ./f
	eventually sh -c 'grep -q "^VmLck:.*[1-9]" /proc/'"${jobs[0]}/status"
	fails 1 "stay in RAM: locked, mapped" mmap-sync --evict f
	fails 2 "no --async and no --lock" mmap-sync --evict --lock f
}

@test "mmap-sync: --evict on a tmpfs says that it stays" {
	has_cachestat
	small_disk 4M
	head -c 8192 /dev/zero >disk/f
	fails 1 "8192 bytes stay in RAM" mmap-sync --evict disk/f
	teardown_disk
}

@test "mmap-sync: --lock names the limit, with both figures" {
	[[ -z ${SHMU_SANITIZE-} ]] || skip "a sanitizer's mlock does nothing"
	head -c 1M /dev/zero >f
	run -0 --separate-stderr mmap-sync -x --lock --range 0:4K f
	has "$stderr" "mlock("
	has "$stderr" ", $(getconf PAGESIZE)) = 0"
	can_be_others
	chmod 755 .
	chmod 666 f
	fails 3 "f: cannot lock 1048576 bytes: the limit is 65536 (RLIMIT_MEMLOCK" "${other[@]}" sh -c \
		'ulimit -l 64; mmap-sync --lock f --write x'
	is "" "$(tr -d '\0' <f)"
}

@test "mmap-sync: --protect holds for what is written, without a signal" {
	head -c 10000 /dev/zero >f
	for p in none r; do
		fails 3 "cannot be accessed: the mapping forbids it" mmap-sync --protect $p f --write x
	done
	run -0 mmap-sync --protect rw f --write x
	is x "$(tr -d '\0' <f)"
	fails 2 "letters of rwx" mmap-sync --protect q f
}

@test "mmap-sync: --advise takes hints, and what discards content with --force only" {
	head -c 1M /dev/urandom >f
	cp f before
	run -0 --separate-stderr mmap-sync -x --advise willneed,sequential f
	has "$stderr" MADV_WILLNEED
	has "$stderr" MADV_SEQUENTIAL
	fails 2 "remove: this discards what the file has" mmap-sync --advise remove f
	fails 2 "shm-attach(1) lists them" mmap-sync --advise nonsense f
	cmp f before
	run -0 mmap-sync --force --advise remove f --range 0:512K
	is 524288 "$(head -c 512K f | tr -dc '\0' | wc -c)"
	cmp -i 524288 f before
}

@test "mmap-sync: -n says what would be done and does nothing" {
	printf 0123456789 >f
	run -0 mmap-sync -n f new --size 1M --write x
	has "${lines[0]}" "f: would change its size from 10 to 1048576, write 1 bytes in 1 places by pwrite"
	has "${lines[1]}" "new: would create it with 1048576 bytes"
	is "0123456789" "$(cat f)"
	[[ ! -e new ]]
	has "${lines[1]}" "sync all of it"
	fails 1 "would cut content off" mmap-sync -n f --size 5
	fails 2 "nothing that --json could tell" mmap-sync -n --json f
	is "f: would populate it, map it as --advise, --lock and --protect say" "$(mmap-sync -n --populate --lock f)"
	is "f: would look what is in RAM" "$(mmap-sync -n --residency f)"
	can_be_others
	chmod 0644 f
	fails 3 "f: no permission" "${other[@]}" mmap-sync -n f --write x
}

@test "mmap-sync: an operand that cannot be is 2 before another is touched" {
	printf old >f
	fails 2 "mmap-sync: '': a FILE has a name" mmap-sync --write new f ''
	is old "$(cat f)"
}

@test "mmap-sync: --json is valid, of every FILE, and names what is odd" {
	has_cachestat
	name=$'odd\x1b\xff"name'
	head -c 10000 /dev/zero >"$name"
	run -1 --separate-stderr mmap-sync --json --residency "$name" nonesuch --write abc
	is 'shmutils.mmap-sync.1 2' "$(jq -r '"\(.schema) \(.files | length)"' <<<"$output")"
	is '0 10000 3 pwrite fdatasync true' "$(jq -r '.files[0] | "\(.status) \(.size) \(.written) \(.via) \(.sync.call) \(.sync.waited)"' <<<"$output")"
	is 12288 "$(jq -r '.files[0].residency[0].total' <<<"$output")"
	is 6f64641bff226e616d65 "$(jq -r '.files[0].file_hex' <<<"$output")"
	is '1 null null' "$(jq -r '.files[1] | "\(.status) \(.sync) \(.residency)"' <<<"$output")"
	one_line
	[[ $stderr != *$'\x1b'* ]]
}

@test "mmap-sync: a limit of file size is told, not died of" {
	head -c 4096 /dev/zero >f
	run -3 bash -c 'set -o pipefail; (ulimit -f 2; mmap-sync f --size 1M) 2>&1 | cat'
	has "$output" "1048576 bytes are more than the limit of 2048 (RLIMIT_FSIZE, ulimit -f) allows"
	run -3 bash -c 'set -o pipefail; (ulimit -f 2; mmap-sync f --write x --offset 4000) 2>&1 | cat'
	has "$output" "beyond the limit of ulimit -f"
	is "4096 0" "$(stat -c %s f) $(tr -d '\0' <f | wc -c)"
}

@test "mmap-sync: 64-bit offsets" {
	mmap-sync f --size 8T --sparse --write far --offset 7T || lacks "files of 8 TiB"
	is far "$(tail -c +$((7 * 1024 ** 4 + 1)) f | head -c 3)"
	(($(stat -c %b f) < 10000))
	[[ -z ${SHMU_VALGRIND-} ]] || skip "valgrind maps no 8 TiB"
	mmap-sync f --via mmap --write near --offset 5G
	is near "$(tail -c +$((5 * 1024 ** 3 + 1)) f | head -c 4)"
	rm f
}

@test "mmap-sync: no address space for the mapping: fdatasync does it" {
	[[ -z ${SHMU_SANITIZE-}${SHMU_VALGRIND-} ]] || skip "which need much address space"
	truncate -s 1G f
	run -0 --separate-stderr bash -c 'ulimit -v 100000; mmap-sync -x f --write x'
	run -0 --separate-stderr bash -c 'ulimit -v 100000; mmap-sync -x f'
	is 1 "$(calls fdatasync)"
	fails 3 "no address space" bash -c 'ulimit -v 100000; mmap-sync --lock f'
}

@test "mmap-sync: killed while it creates a file, it leaves none" {
	mkfifo pipe
	spawn sh -c 'exec env --default-signal=INT mmap-sync f --size 4M --write - <pipe'
	exec 5>pipe
	head -c 1500000 /dev/zero >&5
	eventually sh -c "ls -l /proc/${jobs[0]}/fd | grep -q deleted"
	kill -INT "${jobs[0]}"
	exec 5>&-
	eventually sh -c "! kill -0 ${jobs[0]} 2>/dev/null || grep -q 'State:.Z' /proc/${jobs[0]}/status"
	is pipe "$(ls -A)"
}

@test "mmap-sync: what takes long has a line on a terminal, and none elsewhere" {
	command -v script >/dev/null || lacks script
	mkfifo pipe
	spawn script -qfec 'mmap-sync f --size 4M --write - <pipe' typescript
	exec 5>pipe
	head -c 1500000 /dev/zero >&5
	eventually grep -q 'mmap-sync: f: writing 1.4M, 1 s' typescript
	exec 5>&-
	eventually test -e f
	is "" "$(grep -v writing typescript | grep 'mmap-sync:' || true)"
}

@test "mmap-sync: two that write at once both do" {
	head -c 1M /dev/zero >f
	n=$(rounds 20)
	for ((i = 0; i < n; i++)); do
		spawn mmap-sync f --write "$i" --offset $((i * 4096))
	done
	for pid in "${jobs[@]}"; do wait "$pid"; done
	for ((i = 0; i < n; i++)); do
		is "$i" "$(tail -c +$((i * 4096 + 1)) f | head -c 2 | tr -d '\0')"
	done
}

@test "mmap-sync: lost output is 3" {
	head -c 10 /dev/zero >f
	for o in --residency --json --async; do
		run -3 --separate-stderr sh -c "mmap-sync $o f >/dev/full"
		has "$stderr" "standard output is lost"
	done
}
