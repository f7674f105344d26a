#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# stream.sh - the ring and the commands that stand on it beside their peers
#
# usage: bench/stream/stream.sh [ROUNDS], by way of "make bench"
#
# Every round runs each workload once, so what disturbs one disturbs all, and
# only ratios within a round are judged: their median, beside the ratio of the
# bests.  With SHMU_BENCH_SHORT set it takes less than a minute and says less.
# Leaves stream.tsv, and stream.svg where there is something to plot it with.
# shellcheck disable=SC2002  # the copy that cat makes is what is measured
set -euo pipefail
if [[ -z ${SHMU_BENCH_INSIDE-} ]]; then
	# Names and leftovers are then its own.
	export SHMU_BENCH_INSIDE=1
	exec unshare -im "$0" "$@"
fi
mount --make-rprivate / 2>/dev/null || true
mount -t tmpfs tmpfs /dev/shm

src=$(cd "$(dirname "$0")" && pwd)
out=$SHMU_BUILD/bench/stream
PATH=$SHMU_BUILD/src/cmd:$out:$PATH
if [[ -n ${SHMU_BENCH_SHORT-} ]]; then
	rounds=${1:-5} mebibytes=256 scale=1 idle=2
else
	rounds=${1:-11} mebibytes=1024 scale=4 idle=10
fi
bytes=$((mebibytes << 20))
file=/dev/shm/source
results=/dev/shm/results

has() { command -v "$1" >/dev/null; }

# settle - wait a while for a moment in which nobody else runs
settle() {
	local i running
	for ((i = 0; i < 5; i++)); do
		read -r _ _ _ running _ </proc/loadavg
		if [[ $running == 1/* ]]; then return; fi
		sleep 0.02
	done
}

# timed NAME COMMAND... - run it, which moves $bytes; note GB/s
timed() {
	local name=$1 begin end
	shift
	settle
	begin=${EPOCHREALTIME/[.,]/}
	"$@"
	end=${EPOCHREALTIME/[.,]/}
	awk -v name="$name" -v bytes="$bytes" -v us=$((end - begin)) \
		'BEGIN { printf "%s\t%.3f\n", name, bytes / us / 1e3 }' >>"$results"
}

fifo_to_sink() {
	fifo-producer -q bench <"$file" &
	fifo-consumer -q bench | sink
	wait $!
}
fifo_to_null() {
	fifo-producer -q bench <"$file" &
	fifo-consumer -q bench >/dev/null
	wait $!
}
cat_to_sink() { cat "$file" | sink; }
cat_cat_to_sink() { cat "$file" | cat | sink; }
cat_cat_to_null() { cat "$file" | cat >/dev/null; }
named_to_sink() {
	cat "$file" >/dev/shm/named &
	sink </dev/shm/named
	wait $!
}
pv_to_sink() { pv -q "$file" | sink; }
mbuffer_to_sink() { mbuffer -q -i "$file" 2>/dev/null | sink; }
socat_to_sink() { socat -u "OPEN:$file,rdonly" STDOUT | sink; }

commands() {
	timed fifo-sink fifo_to_sink
	timed cat-cat-sink cat_cat_to_sink
	timed cat-sink cat_to_sink
	timed fifo-null fifo_to_null
	timed cat-cat-null cat_cat_to_null
	timed named-sink named_to_sink
	if has pv; then timed pv-sink pv_to_sink; fi
	if has mbuffer; then timed mbuffer-sink mbuffer_to_sink; fi
	if has socat; then timed socat-sink socat_to_sink; fi
}

# each COMMAND ARGUMENT ... -- MECHANISM... - run it with one after the other
each() {
	local command=()
	while [[ $1 != -- ]]; do
		command+=("$1")
		shift
	done
	for mechanism in "${@:2}"; do
		settle
		"${command[@]}" "$mechanism"
	done
}

library() {
	each bytes "$file" "$bytes" -- read ring splice pipe pipe-1M mkfifo socket
	each messages rate $((scale * 500000)) -- ring-each ck_ring
	each messages rate $((scale * 1000000)) -- ring-batched
	each messages rate $((scale * 25000)) -- mq pipe seqpacket |
		awk '{ print "rate-" $0 }'
	if [[ -x $out/boost-queue ]]; then "$out/boost-queue" $((scale * 25000)); fi
	each messages delay $((scale * 50000)) -- ring-spinning ring-each ck_ring |
		delays
	each messages delay $((scale * 1000)) -- ring-asleep mq pipe seqpacket |
		delays
}

# Two columns are two results: the median and what one in a thousand exceeds.
delays() {
	awk -v OFS='\t' '{ print "delay-" $1, $2; print "p99.9-" $1, $3 }'
}

# spent PID... - clock ticks of CPU and context switches that they had
spent() {
	local pid
	for pid; do
		sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13, 0 }'
		awk '/ctxt_switches/ { n += $2 } END { print 0, n }' "/proc/$pid/status"
	done | awk '{ cpu += $1; n += $2 } END { print cpu, n }'
}

# A pair with nothing to send.
idle_pair() {
	local producer consumer before after
	mkfifo /dev/shm/quiet
	exec 9<>/dev/shm/quiet
	fifo-producer -q quiet-pair <&9 9<&- &
	producer=$!
	fifo-consumer -q quiet-pair >/dev/null 9<&- &
	consumer=$!
	echo hello >&9
	sleep 0.5
	before=$(spent "$producer" "$consumer")
	sleep "$idle"
	after=$(spent "$producer" "$consumer")
	kill "$producer" "$consumer"
	wait "$producer" "$consumer" 2>/dev/null || true
	exec 9<&-
	echo "$before $after" | awk -v s="$idle" '{
		printf "\nidle for %d s: %d ticks of CPU, %d context switches; ",
		    s, $3 - $1, $4 - $2
		print ($3 == $1 && $4 - $2 <= 4) ? "goal 0: yes" : "goal 0: no" }'
}

# GROUP, OURS, goal and PEER; of delays less is better.
goals() {
	cat <<-'END'
	bytes in place	ring	>= 0.95	read
	bytes in place	ring	>= 0.97	splice
	bytes in place	ring	>= 5	cat-sink
	bytes in place	ring	>= 5	mkfifo
	bytes in place	ring	>= 2.5	pipe-1M
	bytes in place	ring	>= 2.5	socket
	commands	fifo-sink	>= 2	cat-cat-sink
	commands	fifo-sink	>= 1	cat-sink
	commands	fifo-sink	>= 1	named-sink
	commands	fifo-sink	>= 1	pv-sink
	commands	fifo-sink	>= 1	mbuffer-sink
	commands	fifo-sink	>= 1	socat-sink
	commands	fifo-null	>= 4	cat-cat-null
	64-byte records	ring-batched	>= 4	ck_ring
	64-byte records	ring-batched	>= 20	boost
	64-byte records	ring-each	>= 0.9	ck_ring
	64-byte records	ring-each	>= 1	rate-mq
	64-byte records	ring-each	>= 1	rate-pipe
	64-byte records	ring-each	>= 1	rate-seqpacket
	64-byte delay	delay-ring-spinning	<= 1.0	delay-ck_ring
	64-byte delay	delay-ring-each	<= 1.0	delay-ck_ring
	64-byte delay	delay-ring-asleep	<= 1.1	delay-mq
	64-byte delay	delay-ring-asleep	<= 1.1	delay-pipe
	64-byte delay	p99.9-ring-spinning	<= 2	delay-ring-spinning
	64-byte delay	p99.9-ck_ring	<= 2	delay-ck_ring
	END
}

judge() {
	awk -F '\t' -v tsv="$out/stream.tsv" '
	function median(list, n,   i, j, t) {
		for (i = 2; i <= n; i++) {
			t = list[i]
			for (j = i - 1; j > 0 && list[j] > t; j--)
				list[j + 1] = list[j]
			list[j + 1] = t
		}
		return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
	}
	FNR == NR {
		v[$1, ++n[$1]] = $2
		if (n[$1] == 1 || $2 > most[$1])
			most[$1] = $2
		if (n[$1] == 1 || $2 < least[$1])
			least[$1] = $2
		next
	}
	FNR == 1 {
		printf "\n%-42s %9s %9s %7s %7s  %-8s\n", "ours / peer",
		    "ours", "peer", "ratio", "bests", "goal"
		printf "" >tsv
	}
	n[$2] && n[$4] {
		if ($1 != group)
			print group = $1
		for (i = 1; i <= n[$2]; i++) {
			ratio[i] = v[$2, i] / v[$4, i]
			a[i] = v[$2, i]
			b[i] = v[$4, i]
		}
		r = median(ratio, n[$2])
		less = $3 ~ /^</
		best = less ? least[$2] / least[$4] : most[$2] / most[$4]
		split($3, goal, " ")
		met = less ? r <= goal[2] : r >= goal[2]
		printf "  %-40s %9.2f %9.2f %7.2f %7.2f  %-8s %s\n", $2 " / " $4,
		    median(a, n[$2]), median(b, n[$2]), r, best, $3,
		    met ? "yes" : "no"
		printf "%s\t%s\t%.3f\n", $1, $2 " / " $4, less ? r : 1 / r >tsv
	}' "$results" <(goals)
}

head -c "${mebibytes}M" /dev/urandom >"$file"
mkfifo /dev/shm/named
if has c++ && [[ -f /usr/include/boost/interprocess/ipc/message_queue.hpp ]]; then
	c++ -O2 -o "$out/boost-queue" "$src/boost-queue.cc" -lrt
fi
for ((round = 1; round <= rounds; round++)); do
	printf '\rround %d of %d' "$round" "$rounds" >&2
	commands
	library >>"$results"
done
echo >&2
echo "streams and records, $rounds rounds; GB/s, millions of records a second, ns"
judge
idle_pair
if [[ -x $src/../plot ]]; then
	"$src/../plot" "streams, time, 1 is the peer" <"$out/stream.tsv" \
		>"$out/stream.svg"
	echo "plot: $out/stream.svg"
fi
