# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154  # seg, key and jobs are set by helper.bash
load helper

# textbook NAME - build one of the programs that know only libc
textbook() {
	local cc
	read -ra cc <<<"${CC:-cc}"
	"${cc[@]}" -o "$1" "$SHMU_SRC/tests/textbook/$1.c"
}

# serve ARGUMENT... - start a server of key and wait until it writes; $srv
serve() {
	spawn uptime-srv -k "$key" "$@"
	srv=$!
	timeout 20 uptime-cli -q -k "$key" --once --wait >/dev/null
}

# ended PID STATUS - within 10 s it has ended so
ended() {
	local status=0
	eventually gone "$1"
	wait "$1" || status=$?
	is "$2" "$status"
}
gone() { [[ ! -e /proc/$1 || $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) == [ZX]* ]]; }

# lines FILE N - FILE has that many lines or more
lines() { (($(wc -l <"$1") >= $2)); }

# rising TEXT [HH:MM] - its lines are readings, several, each later than the last
rising() {
	local line last=-1 n=0
	while read -r line; do
		[[ $line =~ ^"Timer is : [${2-00:00}:"([0-9]{2})\]$ ]] || { echo "$line" >&2; return 1; }
		((10#${BASH_REMATCH[1]} > last))
		last=$((10#${BASH_REMATCH[1]}))
		n=$((n + 1))
	done <<<"$1"
	((n > 1))
}

no_segment() { run -1 uptime-cli -k "$key" --once; }

first() { python - "$key" <<-'END'
	import sysv_ipc, sys
	m = sysv_ipc.SharedMemory(int(sys.argv[1], 0))
	print(m.size, oct(m.mode), m.read(9))
	m.detach()
	END
}

@test "uptime: the segment has key, 256 bytes, mode 0600 and HH:MM:SS with a NUL" {
	isolated
	spawn uptime-srv
	timeout 20 uptime-cli --once --wait
	key=0x666
	[[ $(first) =~ ^256\ 0o600\ b\'00:00:0[0-9]\\x00\'$ ]]
	kill "$!"
	ended "$!" 143
}

@test "uptime: the client prints each second, one line each" {
	serve
	run -0 timeout 20 uptime-cli -k "$key" -c 3
	rising "$output"
	kill "$srv"
	ended "$srv" 143
}

@test "uptime: signals remove the segment and end the server; --keep leaves it" {
	for sig in HUP INT PIPE QUIT TERM; do
		spawn env --default-signal uptime-srv -k "$key"
		srv=$!
		timeout 20 uptime-cli -q -k "$key" --once --wait
		kill -"$sig" "$srv"
		ended "$srv" "$((128 + $(kill -l $sig)))"
		no_segment
	done
	serve --keep
	kill "$srv"
	ended "$srv" 143
	fails 3 "its server has ended" uptime-cli -k "$key"
	serve
	kill "$srv"
	ended "$srv" 143
	no_segment
}

@test "uptime: an ignored signal stays ignored" {
	spawn env --ignore-signal=HUP uptime-srv -k "$key"
	srv=$!
	timeout 20 uptime-cli -q -k "$key" --once --wait
	kill -HUP "$srv"
	run -0 timeout 20 uptime-cli -k "$key" -c 2
	kill "$srv"
	ended "$srv" 143
}

@test "uptime: a server whose explanation nobody reads removes the segment" {
	run -141 bash -c 'set -o pipefail; uptime-srv -x -k "$1" 2>&1 | head -n 1' bash "$key"
	no_segment
}

@test "uptime: --count ends the server, and the segment with it" {
	spawn uptime-srv -k "$key" -c 2
	timeout 20 uptime-cli -q -k "$key" --wait -c 2 >out
	lines out 2
	ended "$!" 0
	no_segment
}

@test "uptime: without a server the client says so; --wait waits, at most so long" {
	fails 1 "start uptime-srv" uptime-cli -k "$key"
	fails 1 "there is no such segment; start uptime-srv" uptime-cli --posix "$seg"
	fails 124 "no server in 0.1 seconds" uptime-cli -k "$key" --wait=0.1
}

@test "uptime: a killed server is named by its client, which ends with 3" {
	serve
	spawn uptime-cli -k "$key" >out 2>err
	cli=$!
	eventually lines out 1
	kill -9 "$srv"
	ended "$cli" 3
	is "uptime-cli: $key: its server, process $srv, is dead; start uptime-srv, or --wait for it" "$(<err)"
	fails 3 "process $srv, is dead" uptime-cli -k "$key" --once
	serve
	kill "$srv"
	ended "$srv" 143
}

@test "uptime: the next server takes over in place, and waiting clients go on" {
	serve
	spawn uptime-cli -k "$key" --wait >out 2>err
	cli=$!
	eventually lines out 1
	id=$(shm-stat -q --raw --noheadings -o ID "$key" 2>/dev/null || true)
	dead=$srv
	kill -9 "$srv"
	eventually grep -q "process $dead, is dead; waiting" err
	spawn uptime-srv -k "$key" 2>srv-err
	srv=$!
	eventually grep -q "process $srv serves it now" err
	n=$(wc -l <out)
	eventually lines out "$((n + 2))"
	has "$(tail -n 2 out)" "[00:00:0"
	has "$(<srv-err)" "took over from process $dead, which is dead"
	is "$id" "$(shm-stat -q --raw --noheadings -o ID "$key" 2>/dev/null || true)"
	kill "$cli" "$srv"
	ended "$srv" 143
}

@test "uptime: a second live server is refused and told of the first, which goes on" {
	serve
	fails 1 "is served by process $srv ($(comm "$srv"))" uptime-srv -k "$key"
	run -0 timeout 20 uptime-cli -k "$key" --once
	kill -STOP "$srv"
	fails 1 "is served by process $srv" uptime-srv -k "$key"
	kill -CONT "$srv"
	kill "$srv"
	ended "$srv" 143
}

@test "uptime: of servers that start at once, exactly one serves" {
	for how in new dead; do
		if [[ $how == dead ]]; then
			serve --keep
			kill -9 "$srv"
			ended "$srv" 137
		fi
		pids=()
		for ((i = 0; i < 6; i++)); do
			spawn uptime-srv -q -k "$key" 2>"err-$i"
			pids+=("$!")
		done
		alive() {
			local p n=0
			for p in "${pids[@]}"; do gone "$p" || { n=$((n + 1)) srv=$p; }; done
			((n == 1))
		}
		eventually alive
		timeout 20 uptime-cli -q -k "$key" -c 2
		alive
		for ((i = 0; i < 6; i++)); do
			[[ ${pids[i]} == "$srv" ]] && continue
			ended "${pids[i]}" 1
			has "$(<"err-$i")" "process $srv"
		done
		kill "$srv"
		ended "$srv" 143
	done
}

@test "uptime: a segment of another size, another program's or another user's is refused" {
	shm-create "$key" 4096
	fails 1 "exists with 4096 bytes, not the 256" uptime-srv -k "$key"
	fails 3 "its server is dead" uptime-cli -k "$key"
	shm-rm -q "$key"
	shm-create "$seg" 256
	fails 1 "cannot be told; remove it with shm-rm" uptime-srv --posix "$seg"
	shm-rm -q "$seg"
	shm-create "$seg" 4
	fails 3 "a time needs 9 or more" uptime-cli --posix "$seg"
	shm-rm -q "$seg"
}

@test "uptime: a server of another user is read with -m 0644, and not taken over" {
	isolated
	can_be_others
	serve -m 0644
	run -0 timeout 20 "${other[@]}" uptime-cli -k "$key" -c 2
	rising "$output"
	fails 3 "exists and is" "${other[@]}" uptime-srv -k "$key"
	kill "$srv"
	ended "$srv" 143
	serve
	# In valgrind, shmat of what may not be read is EINVAL.
	[[ -n ${SHMU_VALGRIND-} ]] || fails 3 "no permission" "${other[@]}" uptime-cli -k "$key" --once
	kill "$srv"
	ended "$srv" 143
}

@test "uptime: --posix is the same with an object" {
	umask 077
	spawn uptime-srv --posix "$tag" -m 0644
	srv=$!
	timeout 20 uptime-cli --posix "$seg" --wait -c 2 >out
	rising "$(<out)"
	is "256 644" "$(stat -c '%s %a' "/dev/shm$seg")"
	fails 1 "is served by process $srv" uptime-srv --posix "$seg"
	kill -9 "$srv"
	ended "$srv" 137
	spawn uptime-srv -q --posix "$seg"
	srv=$!
	timeout 20 uptime-cli -q --posix "$seg" --wait -c 2 >out
	kill "$srv"
	ended "$srv" 143
	[[ ! -e /dev/shm$seg ]]
}

@test "uptime: an object cut short is one line for both, and no signal" {
	spawn uptime-srv --posix "$seg" 2>srv-err
	srv=$!
	spawn uptime-cli --posix "$seg" --wait >out 2>err
	cli=$!
	eventually lines out 1
	truncate -s 0 "/dev/shm$seg"
	ended "$srv" 3
	ended "$cli" 3
	is "uptime-srv: $seg: somebody made it shorter while it was served; start again" "$(<srv-err)"
	is "uptime-cli: $seg: somebody made it shorter while it was read" "$(<err)"
	[[ ! -e /dev/shm$seg ]]
}

@test "uptime: a server whose segment is removed says so and ends" {
	spawn uptime-srv -k "$key" 2>err
	srv=$!
	timeout 20 uptime-cli -k "$key" --wait --once
	shm-rm -q "$key" || true
	ended "$srv" 3
	has "$(<err)" "somebody else removed it"
}

@test "uptime: our client prints the time of a textbook server, and sees it die" {
	textbook server
	spawn ./server "$key"
	srv=$!
	spawn uptime-cli -k "$key" --wait >out 2>err
	cli=$!
	eventually lines out 3
	rising "$(head -n 3 out)"
	fails 1 "belongs to process $srv (server)" uptime-srv -k "$key"
	kill -9 "$srv"
	eventually grep -q "its server is dead" err
	kill "$cli"
	spawn uptime-srv -q -k "$key"
	timeout 20 uptime-cli -q -k "$key" --wait -c 2
	kill "$!"
	ended "$!" 143
}

@test "uptime: a textbook client prints our time" {
	textbook client
	serve
	run -0 timeout 20 ./client "$key" 2
	[[ ${lines[0]} =~ ^Timer\ is\ :\ \[00:00:[0-9]{2}\]$ ]]
	[[ ${lines[1]} =~ ^Timer\ is\ :\ \[00:00:[0-9]{2}\]$ ]]
	kill "$srv"
	ended "$srv" 143
}

@test "uptime: Python reads what we write, and we print what it writes" {
	serve
	has "$(first)" "b'00:00:0"
	kill "$srv"
	ended "$srv" 143
	cat >server.py <<-'END'
	import sysv_ipc, sys, time
	m = sysv_ipc.SharedMemory(int(sys.argv[1], 0), sysv_ipc.IPC_CREX, size=256)
	for t in range(1000):
	    m.write(b"12:34:%02d\0" % (t % 60))
	    time.sleep(1)
	END
	spawn "$(python -c 'import sys; print(sys.executable)')" server.py "$key"
	run -0 timeout 30 uptime-cli -k "$key" --wait -c 2
	rising "$output" 12:34
	shm-rm -q "$key" || true
}

@test "uptime: a textbook server on what a dead one left is read, and not taken over" {
	textbook server
	serve
	kill -9 "$srv"
	ended "$srv" 137
	spawn ./server "$key"
	run -0 timeout 20 uptime-cli -q -k "$key" -c 3
	rising "$output"
	fails 1 "another program writes to it" uptime-srv -k "$key"
	shm-rm -q "$key" || true
}

@test "uptime: text is hostile: escaped and at most 255 bytes" {
	id=$(shm-create "$key" 256)
	spawn uptime-cli -q -k "$key" --wait --once >out
	eventually attached "$id" 1
	printf '\033[2J\n\377%300s' x | tr ' ' y | head -c 256 | shm-attach write "$key" 0
	eventually gone "$!"
	is "Timer is : [\\x1b[2J\\x0a\\xff$(printf '%249s' '' | tr ' ' y)]" "$(<out)"
	shm-rm -q "$key"
}

@test "uptime: --json is an object for each reading, --days counts days" {
	serve
	timeout 20 uptime-cli -k "$key" --json -c 2 >out
	is "true true true true" "$(jq -rs 'map(.schema == "shmutils.uptime.1") + map(.server == '"$srv"' and (.text | test("^00:00:[0-9]{2}$")) and .seconds * 1000000000 <= .nanoseconds) | join(" ")' out)"
	run -0 timeout 20 uptime-cli -k "$key" --days --once
	[[ $output =~ ^Timer\ is\ :\ \[0-00:00:[0-9]{2}\]$ ]]
	kill "$srv"
	ended "$srv" 143
}

@test "uptime: a stopped server is not dead: the client says it once and goes on" {
	serve
	spawn uptime-cli -k "$key" >out 2>err
	cli=$!
	eventually lines out 1
	kill -STOP "$srv"
	eventually grep -q "process $srv, lives, is stopped but writes nothing; waiting" err
	kill -CONT "$srv"
	n=$(wc -l <out)
	eventually lines out "$((n + 2))"
	is 1 "$(wc -l <err)"
	kill "$cli" "$srv"
	ended "$srv" 143
}

@test "uptime: time goes on by the clock, however often the server is stopped" {
	serve
	began=$(timeout 20 uptime-cli -k "$key" --once --json | jq '.nanoseconds - 0')
	for ((i = 0; i < $(rounds 100); i++)); do
		kill -STOP "$srv"
		kill -CONT "$srv"
	done
	timeout 20 uptime-cli -k "$key" --json -c 3 >out
	# Each write is in the second that it tells, and not the one after.
	is true "$(jq -s --argjson b "$began" 'all(.[]; .nanoseconds - .seconds * 1000000000 < 1000000000 and .nanoseconds >= $b)' out)"
	kill "$srv"
	ended "$srv" 143
}

@test "uptime: a server in a time namespace counts from its own start" {
	isolated
	unshare --time --boottime 1000000 true 2>/dev/null || lacks "time namespaces"
	spawn unshare --fork --kill-child --time --boottime 1000000 uptime-srv -k "$key"
	run -0 timeout 20 uptime-cli -q -k "$key" --wait -c 2
	rising "$output"
	fails 1 "(of another namespace); end it" uptime-srv -k "$key"
	kill -9 "$!"
	eventually gone "$!"
	shm-rm -q "$key" || true
}

@test "uptime: a server of another pid namespace is refused while it is attached" {
	isolated
	unshare --pid --fork true 2>/dev/null || lacks "pid namespaces"
	spawn unshare --pid --fork --kill-child uptime-srv -k "$key"
	outer=$!
	timeout 20 uptime-cli -q -k "$key" --wait -c 2
	fails 1 "is served by process 1 (of another namespace)" uptime-srv -k "$key"
	kill -9 "$(pgrep -P "$outer")"
	eventually gone "$outer"
	fails 3 "process 1, is dead" timeout 20 uptime-cli -k "$key"
	# A client would be attached, so that nothing was proven.
	spawn uptime-srv -v -k "$key" 2>err
	srv=$!
	eventually grep -q "served by process $srv" err
	has "$(<err)" "took over from process 1"
	kill "$srv"
	ended "$srv" 143
}

@test "uptime: -x shows what a student's own program would call" {
	run -0 --separate-stderr uptime-srv -x -k "$key" -c 1
	is "shmget($key, 256, IPC_CREAT|IPC_EXCL|0600) = " "$(sed -n '1s/[0-9]*$//p' <<<"$stderr")"
	run -0 grep -c futex <<<"$(uptime-srv -xx -k "$key" -c 1 2>&1)"
	run -1 grep -c futex <<<"$(uptime-srv -x -k "$key" -c 1 2>&1)"
}

@test "uptime: what is malformed is 2, and nothing is made" {
	fails 2 "a key is a number" uptime-srv -k 0
	fails 2 "a key is a number" uptime-srv -k abc
	fails 2 "a key is a number" uptime-cli -k ""
	fails 2 "no POSIX name" uptime-srv --posix ./file
	fails 2 "exclude each other" uptime-srv -k 1 --posix /a
	fails 2 "at least 1" uptime-srv -c 0
	fails 2 "at least 1" uptime-cli -c 0
	fails 2 "there are no operands" uptime-srv 0x666
	fails 2 "octal" uptime-srv -m 999
	fails 2 "no such option" uptime-cli -m 600
	fails 2 "number of seconds" uptime-cli --wait=x
}

@test "uptime: lost output is 3" {
	serve
	run -3 timeout 20 sh -c 'uptime-cli -k "$1" >/dev/full' sh "$key"
	kill "$srv"
	ended "$srv" 143
}
