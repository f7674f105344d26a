#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# shell.sh - one more in a counter, as scripts do it, interleaved
#
# usage: bench/shell.sh [ROUNDS], by way of "make bench"
#
# Times are of one use, in microseconds: the best round and the middle one.  What
# stays in the shell is measured by its processor time, less that of the empty
# loop; the rest by the clock.  Peers that are not here are left out.
# shellcheck disable=SC2016  # code for eval
set -euo pipefail
rounds=${1:-15}
PATH=$SHMU_BUILD/src/cmd:$PATH
if [[ -z ${SHELL_BENCH-} ]]; then
	SHELL_BENCH=$(mktemp -d) && export SHELL_BENCH
	trap 'rm -rf "$SHELL_BENCH"' EXIT
	unshare -impf --mount-proc sh -c '
		mount --make-rprivate / 2>/dev/null
		mount -t tmpfs tmpfs /dev/shm
		exec "$@"' shell bash "$0" "$rounds"
	exit
fi
cd /dev/shm
command=$SHMU_BUILD/src/cmd/shm
enable -f "$SHMU_BUILD/src/shell/shm" shm 2>/dev/null ||
	echo "the builtin is not built, so the command stands for it"

declare -A times
LC_ALL=C

# time_of NAME COUNT CODE - of one of COUNT, in nanoseconds; a line for the table
time_of() {
	local name=$1 count=$2 from to
	eval "f() { for ((i = 0; i < count; i++)); do $3; done; }"
	from=${EPOCHREALTIME/./}
	f
	to=${EPOCHREALTIME/./}
	times[$name]+="$(((to - from) * 1000 / count)) "
}

# cpu_of NAME COUNT CODE - the same by the processor's time
cpu_of() {
	local name=$1 count=$2 user system TIMEFORMAT='%3U %3S'
	eval "f() { for ((i = 0; i < count; i++)); do $3; done; }"
	read -r user system < <({ time f; } 2>&1)
	times[$name]+="$(((10#${user/./} + 10#${system/./}) * 1000000 / count)) "
}

# figures NAME - best and median, in nanoseconds
figures() {
	# shellcheck disable=SC2086  # a list of numbers
	printf '%s\n' ${times[$1]} | sort -n |
		awk '{ t[NR] = $1 } END { print t[1], t[int((NR + 1) / 2)] }'
}

# table TITLE BASE LOOP NAME... - each beside BASE, less what LOOP takes
table() {
	local title=$1 base=$2 loop=$3 name best median b l=0 lm=0
	shift 3
	[[ -z $loop ]] || read -r l lm < <(figures "$loop")
	read -r b _ < <(figures "$base")
	printf '\n%-34s %9s %9s %7s\n' "$title" "best us" "median" "ratio"
	for name; do
		[[ -n ${times[$name]-} ]] || continue
		read -r best median < <(figures "$name")
		awk -v n="$name" -v x="$best" -v y="$median" -v l="$l" -v lm="$lm" -v b="$b" '
			BEGIN { printf "%-34s %9.2f %9.2f %7.2f\n", n, (x - l) / 1000,
			    (y - lm) / 1000, (x - l) / (b - l) }'
	done
}

dir=/dev/shm/files
mkdir $dir
echo 0 >$dir/count
redis=
if command -v redis-server >/dev/null; then
	redis-server --port 0 --unixsocket $dir/redis --save '' --daemonize yes \
		--dir $dir --pidfile $dir/redis.pid >/dev/null
	until redis-cli -s $dir/redis ping >/dev/null 2>&1; do :; done
	redis=1
fi
sqlite=
if command -v sqlite3 >/dev/null; then
	sqlite3 $dir/db 'create table t (n integer); insert into t values (0)'
	sqlite=1
fi
shm put bench:text 'eleven here'
coproc "$command" batch

for ((round = 0; round < rounds; round++)); do
	cpu_of ':' 100000 ':'
	cpu_of 'printf -v x %d' 100000 'printf -v x %d "$i"'
	cpu_of 'shm add -v x' 100000 'shm add -v x bench:n'
	cpu_of 'shm get -v x' 100000 'shm get -v x bench:text'
	cpu_of 'shm put' 100000 'shm put bench:text eleven-here'
	cpu_of 'shm lock, shm unlock' 100000 'shm lock bench:l; shm unlock bench:l'
	time_of 'coprocess: shm batch' 2000 \
		'echo add bench:n >&${COPROC[1]}; read -r x <&${COPROC[0]}'
	time_of 'command: shm add' 40 '$command add bench:n >/dev/null'
	time_of 'flock, read, echo' 40 \
		'{ flock 9; read -r x <$dir/count; echo $((x + 1)) >$dir/count; } 9>$dir/lock'
	[[ -z $redis ]] || time_of 'redis-cli incr' 20 'redis-cli -s $dir/redis incr n >/dev/null'
	[[ -z $sqlite ]] || time_of 'sqlite3' 20 \
		'sqlite3 $dir/db "update t set n = n + 1 returning n" >/dev/null'
	time_of 'batch' 1 'yes "add bench:n" 2>/dev/null | head -n 100000 | $command batch >/dev/null || :'
done

table 'in bash, less the loop' 'printf -v x %d' ':' \
	'printf -v x %d' 'shm add -v x' 'shm get -v x' 'shm put' \
	'shm lock, shm unlock'
table 'through a coprocess' 'coprocess: shm batch' '' 'coprocess: shm batch'
table 'a process each' 'command: shm add' '' \
	'command: shm add' 'flock, read, echo' 'redis-cli incr' 'sqlite3'
read -r best median < <(figures batch)
awk -v b="$best" -v m="$median" 'BEGIN {
	printf "\nshm batch, from a pipe: %.0f operations a second at best, %.0f in the middle\n",
	    1e14 / b, 1e14 / m }'

[[ -z $redis ]] || kill "$(cat $dir/redis.pid)"
