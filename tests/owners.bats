# SPDX-License-Identifier: MIT
# Real owners of shared memory, and what shm-stat says of them beside the kernel
load helper

# In front of a command: as a user who is not root, which some servers insist on;
# and a directory for that user.
work_dir() {
	work=$BATS_TEST_TMPDIR/work
	mkdir "$work"
	if "${other[@]}" true 2>/dev/null; then
		plain=("${other[@]}")
		chown 65534:65534 "$work"
		chmod 711 "$TMPDIR" "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR"/* "$BATS_TEST_TMPDIR"
	else
		plain=(unshare -U --map-user=1000 --map-group=1000)
	fi
}

# Servers have children, which nobody ends when a test fails: all that is left in
# the ipc namespace of this file.
teardown() {
	local pid
	if [[ -n $SHMU_ISOLATED ]]; then
		for pid in $(pgrep -x 'postgres|nginx|redis-server' --ns $$ --nslist ipc); do
			kill -9 "$pid" 2>/dev/null || true
		done
	fi
	tidy
}

beside_the_kernel() { python3 "$SHMU_SRC/tests/owners.py" "$@"; }

no_process_of() { ! pgrep -x "$1" -u 65534,"$(id -u)" --ns $$ --nslist ipc >/dev/null; }

@test "owners: PostgreSQL is listed as the kernel tells, and what kill -9 leaves are orphans" {
	isolated
	bin=$(compgen -G '/usr/lib/postgresql/*/bin' | tail -1) || lacks postgresql
	work_dir
	(cd / && "${plain[@]}" "$bin/initdb" -D "$work/db" -A trust -N -U test >"$work.log" 2>&1)
	shm-create "$seg-idle" 4K
	touch "/dev/shm/sem.$tag"
	spawn "${plain[@]}" "$bin/postgres" -D "$work/db" -k "$work" -c listen_addresses= \
		-c dynamic_shared_memory_type=posix -c fsync=off >>"$work.log" 2>&1
	eventually test -S "$work/.s.PGSQL.5432"
	eventually sh -c "shm-stat -q --where kind=sysv,state=live | grep -q postgres"
	run -0 beside_the_kernel postgres
	[[ $output =~ ^anon=[1-9][0-9]*\ posix=[1-9][0-9]*\ sysv=1$ ]] || { echo "$output"; return 1; }

	# While it lives nothing of it is taken, however young an orphan may be.
	run -0 --separate-stderr shm-rm --orphans --older-than 0 --yes
	is "$seg-idle: removed" "$output"
	shm-create "$seg-idle" 4K
	master=$(head -1 "$work/db/postmaster.pid")
	kill -9 "$master"
	eventually no_process_of postgres
	run -0 shm-rm --orphans --yes
	is "" "$output"
	[[ -e /dev/shm$seg-idle && -e /dev/shm/sem.$tag ]]
	left=$(shm-stat -q --raw --noheadings -o KIND,STATE --older-than 0 --where "name=PostgreSQL*" ; \
		shm-stat -q --raw --noheadings -o KIND,STATE --older-than 0 --where kind=sysv)
	is "orphan posix sysv" "$(tr ' ' '\n' <<<"$left" | sort -u | xargs)"
	shm-rm -q "$seg-idle"
	run -0 shm-rm --orphans --older-than 0 --yes
	is "$(wc -l <<<"$left")" "${#lines[@]}"
	is "sem.$tag" "$(ls -A /dev/shm)"
	is "" "$(sysv_ids)"
	rm "/dev/shm/sem.$tag"
}

@test "owners: nginx has anonymous shared memory, which all its processes hold" {
	isolated
	command -v nginx >/dev/null || lacks nginx
	work_dir
	cat >"$work/conf" <<-END
	pid $work/pid;
	error_log $work/error;
	events {}
	http {
	    access_log off;
	    limit_req_zone \$binary_remote_addr zone=z:3m rate=1r/s;
	    client_body_temp_path $work/a; proxy_temp_path $work/b;
	    fastcgi_temp_path $work/c; uwsgi_temp_path $work/d; scgi_temp_path $work/e;
	    server { listen unix:$work/socket; }
	}
	END
	spawn "${plain[@]}" nginx -p "$work" -c "$work/conf" -e "$work/error" \
		-g 'daemon off; worker_processes 2;'
	master=$!
	eventually test -S "$work/socket"
	zone() {
		shm-stat -q --all --raw -b --noheadings -o KIND,SIZE,OPERAND,HOLDERS \
			--where "size=3M,holders=$master *"
	}
	eventually sh -c '[ "$(pgrep -c -P "$1")" = 2 ]' sh "$master"
	run -0 beside_the_kernel nginx
	has "$output" "anon="
	run -0 zone
	has "$output" "anon 3145728 - "
	is 3 "$(grep -o nginx <<<"$output" | wc -l)"
	kill "$master"
	eventually test ! -e "$work/pid"
}

@test "owners: Redis, a memfd and a Python program are told as the kernel tells them" {
	isolated
	command -v redis-server >/dev/null || lacks redis-server
	work_dir
	spawn "${plain[@]}" redis-server --port 0 --unixsocket "$work/redis" --save '' \
		--dir "$work" --daemonize no >"$work.log" 2>&1
	eventually test -S "$work/redis"
	cat >user.py <<-'END'
	import mmap, os, signal, sys
	from multiprocessing import shared_memory
	m = shared_memory.SharedMemory(name=sys.argv[1], create=True, size=70000)
	m.buf[0] = 1
	fd = os.memfd_create("frame buffer")
	os.ftruncate(fd, 5000)
	frame = mmap.mmap(fd, 5000, prot=mmap.PROT_READ)
	print("ready", flush=True)
	signal.pause()
	END
	python3 user.py "$tag" >out 3>&- &
	jobs+=("$!")
	eventually test -s out
	redis=$(beside_the_kernel redis-server)
	[[ $redis != *kernel* ]] || { echo "$redis"; return 1; }
	run -0 beside_the_kernel "$!"
	is "memfd=1 posix=1" "$output"
	is "70000 live" "$(shm-stat -q --raw -b --noheadings -o SIZE,STATE "$seg")"
	run -0 --separate-stderr shm-stat --json --where "name=frame buffer"
	is "memfd 5000 true pid:$!/fd/" "$(jq -r '.segments[0] | "\(.kind) \(.size) \(.holders[0].writable) \(.operand | sub("[0-9]+$"; ""))"' <<<"$output")"
	run -0 --separate-stderr shm-stat "$(jq -r '.segments[0].operand' <<<"$output")"
	has "$output" "NAME: frame buffer"
	# Killed, it leaves what its own tracker, a process of its own, does not take.
	kill -9 "$!"
	eventually sh -c '! pgrep -f "[r]esource_tracker" --ns $$ --nslist ipc >/dev/null'
	rm -f "/dev/shm$seg"
}
