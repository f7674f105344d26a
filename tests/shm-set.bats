# SPDX-License-Identifier: MIT
load helper

@test "shm-set: --mode is exact for every kind" {
	shm-create "$seg" 10
	id=$(shm-create "$key" 10)
	shm-create ./f 10
	(umask 077; shm-set -m 0666 "$seg" "$key" ./f)
	is 666 "$(stat -c %a "/dev/shm$seg")"
	is 666 "$(stat -c %a f)"
	is 666 "$(awk -v id="$id" '$2 == id { print $3 }' /proc/sysvipc/shm)"
	shm-rm -q "$seg" "$id" ./f
}

@test "shm-set: the owner of a segment of mode 0 can still open it up" {
	isolated
	can_be_others
	"${other[@]}" shm-create -m 0 "$seg" 10
	id=$("${other[@]}" shm-create -m 0 private 10)
	run -0 "${other[@]}" shm-set -m 0600 "$seg" "$id"
	is 600 "$(stat -c %a "/dev/shm$seg")"
	is "600 65534" "$(awk -v id="$id" '$2 == id { print $3, $8 }' /proc/sysvipc/shm)"
	shm-rm -q "$seg" "$id"
}

@test "shm-set: --owner by name or number, either part" {
	isolated
	can_be_others
	shm-create "$seg" 10
	id=$(shm-create private 10)
	shm-set --owner nobody "$seg" "$id"
	is "65534 0" "$(stat -c '%u %g' "/dev/shm$seg")"
	is "65534 0" "$(awk -v id="$id" '$2 == id { print $8, $9 }' /proc/sysvipc/shm)"
	shm-set --owner :nogroup "$seg" "$id"
	is "65534 65534" "$(stat -c '%u %g' "/dev/shm$seg")"
	is "65534 65534" "$(awk -v id="$id" '$2 == id { print $8, $9 }' /proc/sysvipc/shm)"
	shm-rm -q "$seg" "$id"
	fails 2 "no group of that name" shm-set --owner :nosuch "$seg"
}

@test "shm-set: --size grows, allocated, and keeps what is there" {
	shm-create "$seg" 4096
	shm-attach write "$seg" 0 keep
	shm-set --size 64K "$seg"
	is "65536 128" "$(stat -c '%s %b' "/dev/shm$seg")"
	is keep "$(shm-attach read "$seg" 0 4)"
	shm-set --sparse -s 1G "$seg"
	is "1073741824 128" "$(stat -c '%s %b' "/dev/shm$seg")"
	shm-rm -q "$seg"
}

@test "shm-set: a smaller --size needs --force and names who would get SIGBUS" {
	shm-create "$seg" 64K
	fails 1 "cutting 65536 bytes to 4096 loses content" shm-set -s 4096 "$seg"
	spawn shm-attach hold "$seg"
	eventually grep -q "$tag" "/proc/${jobs[0]}/maps"
	fails 1 "these would get SIGBUS: ${jobs[0]} $(comm "${jobs[0]}"); --force" shm-set -s 4096 "$seg"
	is 65536 "$(stat -c %s "/dev/shm$seg")"
	run -0 shm-set --force -s 4096 "$seg"
	is 4096 "$(stat -c %s "/dev/shm$seg")"
	shm-rm -q "$seg"
}

@test "shm-set: no room to grow is 3 and leaves the old size" {
	isolated
	mount -t tmpfs -o size=64K tmpfs /dev/shm
	shm-create "$seg" 4096
	fails 3 "is full" shm-set -s 1M "$seg"
	is "4096 8" "$(stat -c '%s %b' "/dev/shm$seg")"
	shm-rm -q "$seg"
	umount /dev/shm
}

@test "shm-set: System V keeps its size, and only System V is locked: both say what to do" {
	id=$(shm-create private 10)
	shm-create "$seg" 10
	fails 3 "create another" shm-set -s 20 "$id"
	fails 3 "shm-attach --lock hold" shm-set --lock "$seg"
	shm-set --lock "$id"
	is 2600 "$(awk -v id="$id" '$2 == id { print $3 }' /proc/sysvipc/shm)"
	shm-set --unlock "$id"
	is 600 "$(awk -v id="$id" '$2 == id { print $3 }' /proc/sysvipc/shm)"
	shm-rm -q "$seg" "$id"
}

@test "shm-set: what is another's is 3, and nothing changes" {
	isolated
	can_be_others
	shm-create -m 0666 "$seg" 10
	id=$(shm-create -m 0666 private 10)
	fails 3 "only its owner" "${other[@]}" shm-set -m 0777 "$seg"
	fails 3 "only its owner" "${other[@]}" shm-set -m 0777 "$id"
	fails 3 "only its owner" "${other[@]}" shm-set --owner nobody "$seg"
	is "666 0" "$(stat -c '%a %u' "/dev/shm$seg")"
	shm-rm -q "$seg" "$id"
}

@test "shm-set: goes on past failures; could-not beats no" {
	shm-create "$seg" 10
	id=$(shm-create private 10)
	run -1 shm-set -m 640 "$seg-no" "$seg" 0x7fffffff
	is 640 "$(stat -c %a "/dev/shm$seg")"
	run -3 shm-set --lock "$seg-no" "$seg" "$id"
	is 2600 "$(awk -v id="$id" '$2 == id { print $3 }' /proc/sysvipc/shm)"
	shm-rm -q "$seg" "$id"
}

@test "shm-set: a malformed operand is 2 before anything is touched" {
	shm-create "$seg" 10
	run -2 --separate-stderr shm-set -m 640 "$seg" 007
	one_line
	is 600 "$(stat -c %a "/dev/shm$seg")"
	shm-rm -q "$seg"
	fails 2 "set what" shm-set "$seg"
	fails 2 "which SEGMENT" shm-set -m 600
	fails 2 "exclude each other" shm-set -s 10 --lock "$seg"
	fails 2 "at least one byte" shm-set -s 0 "$seg"
}

@test "shm-set: --dry-run says what it would do and does nothing" {
	shm-create "$seg" 4096
	run -0 --separate-stderr shm-set -n -m 640 -s 8192 "$seg"
	is "$seg: would set size 8192, mode 0640" "$output"
	is "4096 600" "$(stat -c '%s %a' "/dev/shm$seg")"
	shm-rm -q "$seg"
}

@test "shm-set: operands from standard input, by line and by NUL" {
	shm-create "$seg-1" 10
	shm-create "$seg-2" 10
	printf '%s\n%s\n' "$seg-1" "$seg-2" | shm-set -m 640 -
	is "640 640" "$(stat -c %a "/dev/shm$seg-1" "/dev/shm$seg-2" | xargs)"
	printf '%s\0%s\0' "$seg-1" "$seg-2" | shm-set -0 -m 600
	is "600 600" "$(stat -c %a "/dev/shm$seg-1" "/dev/shm$seg-2" | xargs)"
	shm-rm -q "$seg-1" "$seg-2"
}

@test "shm-set: a planted link is not followed" {
	isolated
	echo x >target
	chmod 600 target
	ln -s "$PWD/target" "/dev/shm/$tag"
	fails 3 "symbolic link" shm-set -m 777 "$seg"
	is 600 "$(stat -c %a target)"
	rm "/dev/shm/$tag"
}

@test "shm-set: --explain shows the calls" {
	id=$(shm-create private 10)
	run -0 --separate-stderr shm-set -x -m 640 "$id"
	has "$stderr" "shmctl($id, IPC_SET, {uid="
	has "$stderr" "mode=0640}) = 0"
	shm-rm -q "$id"
}
