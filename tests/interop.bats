# SPDX-License-Identifier: MIT
load helper

compiler() { read -ra cc <<<"${CC:-cc}"; }	# and its flags

@test "interop: a plain C program opens what we made, and we open what it made" {
	compiler
	"${cc[@]}" -o peer "$SHMU_SRC/tests/peer.c"
	shm-create "$seg" 4096
	shm-create "$key" 4096
	for pair in "posix $seg" "key $key"; do
		read -r kind name <<<"$pair"
		shm-attach write "$name" 0 "from shm-attach"
		./peer get "$kind" "$name" "from shm-attach"
		run -1 ./peer get "$kind" "$name" "something else"
		shm-rm -q "$name"
		./peer put "$kind" "$name" "from C"
		is "from C" "$(shm-attach read "$name" 0 6)"
		shm-rm -q "$name"
	done
}

@test "interop: the same program, compiled against <shmutil/libc.h>, runs through libshmutil" {
	compiler
	lib=$SHMU_BUILD/.libs/libshmutil.a
	[[ -f $lib ]] || lib=$SHMU_BUILD/.libs/libshmutil.so
	"${cc[@]}" -o peer -I"$SHMU_SRC/src/include" -include shmutil/libc.h \
		-D_GNU_SOURCE "$SHMU_SRC/tests/peer.c" "$lib"
	has "$(nm peer)" shmu_sys_shmget
	for pair in "posix $seg" "key $key"; do
		read -r kind name <<<"$pair"
		./peer put "$kind" "$name" "through us"
		run -3 ./peer put "$kind" "$name" again
		is "through us" "$(shm-attach read "$name" 0 10)"
		./peer get "$kind" "$name" "through us"
		shm-rm -q "$name"
	done
}

@test "interop: Python's sysv_ipc opens what we made, and we open what it made" {
	cat >sysv.py <<-'END'
	import sysv_ipc, sys
	how, key = sys.argv[1], int(sys.argv[2], 0)
	if how == "read":
	    m = sysv_ipc.SharedMemory(key)
	    print(m.size, oct(m.mode), m.read(5).decode())
	else:
	    m = sysv_ipc.SharedMemory(key, sysv_ipc.IPC_CREX, mode=0o640, size=300)
	    m.write(b"from Python")
	END
	shm-create "$key" 200
	shm-attach write "$key" 0 hello
	is "200 0o600 hello" "$(python sysv.py read "$key")"
	shm-rm -q "$key"
	python sysv.py write "$key"
	is "from Python" "$(shm-attach read "$key" 0 11)"
	is "300 0640" "$(shm-stat -q --raw --noheadings -b -o SIZE,MODE "$key")"
	shm-rm -q "$key"
}

@test "interop: Python's multiprocessing.shared_memory opens what we made, and we open what it made" {
	cat >posix.py <<-'END'
	import sys
	from multiprocessing import shared_memory, resource_tracker
	resource_tracker.register = lambda *a: None
	resource_tracker.unregister = lambda *a: None
	how, name = sys.argv[1:]
	m = shared_memory.SharedMemory(name, create=how == "write", size=300)
	if how == "write":
	    m.buf[:11] = b"from Python"
	else:
	    print(m.size, bytes(m.buf[:5]).decode())
	m.close()
	END
	shm-create "$seg" 4096
	shm-attach write "$seg" 0 hello
	is "4096 hello" "$(python3 posix.py read "$tag")"
	shm-rm -q "$seg"
	python3 posix.py write "$tag"
	is "from Python" "$(shm-attach read "$seg" 0 11)"
	shm-rm -q "$seg"
}

@test "interop: ipcs, ipcrm, ipcmk and cat agree with us" {
	shm-create "$seg" 10
	shm-attach write "$seg" 0 0123456789
	is 0123456789 "$(cat "/dev/shm$seg")"
	rm "/dev/shm$seg"
	fails 1 "no such object" shm-attach read "$seg"
	id=$(ipcmk -M 8192 -p 0600 | grep -o '[0-9]*$')
	has "$(shm-stat -q "$id")" "SIZE: 8192"
	shm-rm -q "$id"
	shm-create "$key" 100
	ipcrm -M "$key"
	fails 1 "no segment with this key" shm-rm "$key"
}
