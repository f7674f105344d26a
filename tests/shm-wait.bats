# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154  # tag, output and stderr are the helper's and run's
load helper

# cells FILTER - what jq makes of the list of the cells
cells() { shm ls --json "$tag" | jq -r "$1"; }
waits() { [[ $(cells ".cells[] | select(.key == \"$1\") | .waiting | length") == "${2:-1}" ]]; }
held_by() { [[ $(cells ".cells[] | select(.key == \"$1\") | .holders[].pid") == "$2" ]]; }
free() { [[ -z $(cells ".cells[] | select(.key == \"$1\") | .holders[].pid") ]]; }
taken() { [[ $(shm len "$tag:$1") == "$2" ]]; }
# slay PID - kill it, and see it dead: the signal takes its time
slay() { kill -9 "$1" && eventually dead "$1"; }
dead() { ! grep -q '^State:[[:space:]]*[^ZX]' "/proc/$1/status" 2>/dev/null; }

@test "shm: a lock for a command is held and given back with its status" {
	for want in 0 1 7 124; do
		run -$want shm lock "$tag:l" -- sh -c "exit $want"
	done
	run -1 shm lock -E 9 "$tag:l" -- false
	# shellcheck disable=SC2016  # for the inner shell
	run -7 sh -c 'trap "" CHLD; exec shm lock "$1:l" -- sh -c "exit 7"' sh "$tag"
	# A child that ends at once is scanned for leaks by valgrind, beyond the end
	# of the store too, and dies of it.
	if [[ -z ${SHMU_VALGRIND-} ]]; then
		run -127 --separate-stderr shm lock "$tag:l" -- /nosuch
		is "shm: /nosuch: cannot be run: No such file or directory" "$stderr"
		: >plain
		run -126 --separate-stderr shm lock "$tag:l" -- ./plain
	fi
	fails 2 "-- COMMAND holds it for a command, --owner PID for a process" shm lock "$tag:l"
	fails 2 "-- COMMAND" shm sem -c 2 "$tag:s"
	fails 2 "either -- COMMAND or --owner" shm lock --owner $$ "$tag:l" -- true
	fails 2 "true: a command stands after --" shm lock "$tag:l" true
	fails 2 "which command" shm lock "$tag:l" --
	spawn shm lock "$tag:l" -- sleep 100
	holder=$!
	eventually held_by l "$holder"
	no 1 shm lock -n "$tag:l" -- echo never
	no 1 shm lock -w 0 "$tag:l" -- echo never
	no 124 shm lock -w .05 "$tag:l" -- echo never
	no 9 shm lock -n -E 9 "$tag:l" -- echo never
	no 9 shm lock -w .05 -E 9 "$tag:l" -- echo never
	fails 1 "somebody has it" shm del "$tag:l"
	kill "$holder"
	is in "$(shm lock "$tag:l" -- echo in)"
	shm rm "$tag"
}

@test "shm: a lock whose holder was killed is had, with a warning" {
	spawn shm lock "$tag:l" -- sleep 100
	holder=$!
	eventually held_by l "$holder"
	child=$(pgrep -P "$holder" -x sleep)
	jobs+=("$child")
	slay "$holder"
	run -0 --separate-stderr shm lock "$tag:l" -- echo mine
	is mine "$output"
	is "shm: lock: $tag:l: process $holder had it and died; what it protects may be half done" "$stderr"
	kill -0 "$child"
	no 0 shm lock "$tag:l" -- true
	spawn sleep 100
	shm lock --owner $! "$tag:l"
	fails 3 "has the lock already" shm lock --owner $! "$tag:l"
	slay $!
	run -0 --separate-stderr shm lock -q "$tag:l" -- echo quiet
	is quiet "$output$stderr"
	shm rm "$tag"
}

@test "shm: a lock for a process ends with it or with unlock, not with its children" {
	no 0 shm lock --owner $$ "$tag:l"
	no 1 shm lock -n "$tag:l" -- true
	run -1 --separate-stderr sh -c 'shm unlock "$1:l"; exit $?' sh "$tag"
	has "$stderr" "does not have it"
	no 0 shm unlock --owner $$ "$tag:l"
	no 0 shm lock -n "$tag:l" -- true
	# As a script does it: its parent is who unlocks.
	run -0 --separate-stderr sh -c 'shm lock --owner $$ "$1:l" && shm unlock "$1:l"; exit $?' sh "$tag"
	is "" "$output$stderr"
	# The daemon that a holder starts lives on, and does not have the lock.
	sh -c 'shm lock --owner $$ "$1:l"; sleep 100 3>&- >/dev/null 2>&1 & echo $! >daemon; kill -9 $$' sh "$tag" || true
	jobs+=("$(cat daemon)")
	run -0 --separate-stderr shm lock -n "$tag:l" -- echo mine
	has "$output$stderr" "had it and died"
	kill -0 "$(cat daemon)"
	fails 3 "there is no process 2147483647" shm lock --owner 2147483647 "$tag:l"
	shm rm "$tag"
}

@test "shm: a lock is shared by those who want to share it" {
	shm lock --shared --owner $$ "$tag:l"
	no 0 shm lock --shared -n "$tag:l" -- true
	no 1 shm lock -n "$tag:l" -- true
	shm unlock --owner $$ "$tag:l"
	shm lock --owner $$ "$tag:l"
	no 1 shm lock --shared -n "$tag:l" -- true
	shm rm "$tag"
}

@test "shm: signals reach the command, and the lock is given back" {
	for sig in INT TERM HUP QUIT; do
		# shellcheck disable=SC2016  # for the inner shell
		spawn env --default-signal shm lock "$tag:l" -- bash -c '
			trap "echo got >$0; exit 5" $0; : >ready
			while :; do sleep 0.02; done' $sig
		eventually [ -e ready ]
		kill -$sig $!
		eventually [ -s $sig ]
		eventually free l
		rm ready
	done
	# It dies as the command died.
	run -143 bash -c 'shm lock "$1:l" -- bash -c "kill -TERM \$\$"' bash "$tag"
	run -137 bash -c 'shm lock "$1:l" -- bash -c "kill -KILL \$\$"' bash "$tag"
	no 0 shm lock -n "$tag:l" -- true
	shm rm "$tag"
}

@test "shm: a semaphore lets so many in, and the places of the dead come back" {
	spawn shm sem -c 2 "$tag:s" -- sleep 100
	one=$!
	shm sem -c 2 --owner $$ "$tag:s"
	eventually taken s 2
	no 1 shm sem -n -c 2 "$tag:s" -- echo never
	no 124 shm sem -w .05 -c 2 "$tag:s" -- echo never
	fails 3 "it has 2 places, not 3; --resize" shm sem -n -c 3 "$tag:s" -- true
	no 0 shm sem -n --resize -c 3 "$tag:s" -- true
	no 1 shm sem -n -c 3 --resize "$tag:none" -- false
	fails 2 "how many? -c N" shm sem "$tag:s" -- true
	fails 2 "-c is at most 1024" shm sem -c 1025 "$tag:s" -- true
	fails 2 "a count is a number from 1" shm sem -c 0 "$tag:s" -- true
	child=$(pgrep -P "$one" -x sleep)
	jobs+=("$child")
	slay "$one"
	shm acquire --owner $$ -c 3 "$tag:s"
	run -0 --separate-stderr shm sem -n -c 3 "$tag:s" -- echo in
	is in "$output"
	has "$stderr" "process $one had it and died"
	shm release --owner $$ "$tag:s"
	shm unlock --owner $$ "$tag:s"
	fails 1 "does not have it" shm release --owner $$ "$tag:s"
	shm rm "$tag"
}

@test "shm: never more than the semaphore allows are in" {
	n=$(rounds 10)
	for _ in 1 2 3 4 5 6; do
		# shellcheck disable=SC2016  # for the inner shell
		spawn sh -c 'for i in $(seq "$2"); do shm sem -c 3 "$1:s" -- sh -c "
			printf \"add $1:in\nadd $1:in -1\n\" | shm batch >>most"; done' \
			sh "$tag" $((n - 4))
	done
	finished "${jobs[@]}"
	is 0 "$(shm get "$tag:in")"
	is $((12 * (n - 4))) "$(wc -l <most)"
	is "" "$(grep -v '^0 [0123]$' most)"
	shm rm "$tag"
}

@test "shm: a barrier opens when all have come, again and again" {
	for round in 1 2; do
		for i in 1 2; do spawn sh -c 'exec shm barrier -c 3 "$1:b" >"$2"' sh "$tag" "$round.$i"; done
		eventually waits b 2
		no 124 shm barrier -c 3 -w .01 "$tag:none"
		no 1 shm barrier -c 3 -n "$tag:none"
		is $round "$(shm barrier -c 3 "$tag:b")"
		eventually [ -s $round.1 -a -s $round.2 ]
		is "$round $round" "$(cat $round.1) $(cat $round.2)"
	done
	fails 3 "it has 3 places, not 2" shm barrier -n -c 2 "$tag:b"
	spawn sh -c 'shm barrier -c 3 "$1:b" 2>err; echo $? >broken' sh "$tag"
	eventually waits b 1
	spawn shm barrier -c 3 "$tag:b"
	eventually waits b 2
	kill -9 $!
	eventually [ -s broken ]
	is 3 "$(cat broken)"
	has "$(cat err)" "process $! waited here and died, so this meeting is broken for all"
	shm rm "$tag"
}

@test "shm: wait ends when the value is as asked, or changes, or the limit comes" {
	shm add "$tag:n" 5 >out
	for yes in "-eq 5" "-ne 4" "-lt 6" "-le 5" "-gt 4" "-ge 5" "-ge 0x5" "-gt -1"; do
		# shellcheck disable=SC2086
		no 0 shm wait -n "$tag:n" $yes
	done
	for n in "-eq 4" "-ne 5" "-lt 5" "-le 4" "-gt 5" "-ge 6"; do
		# shellcheck disable=SC2086
		no 1 shm wait -n "$tag:n" $n
		# shellcheck disable=SC2086
		no 124 shm wait -w .01 "$tag:n" $n
	done
	no 0 shm wait "$tag:none" -eq 0
	no 9 shm wait -E 9 -w .01 "$tag:n"
	no 1 shm wait -n "$tag:n"
	fails 2 "one of -eq -ne -lt" shm wait "$tag:n" -xx 5
	fails 2 "which integer" shm wait "$tag:n" -eq
	fails 2 "an integer is decimal" shm wait "$tag:n" -eq x
	shm put "$tag:text" hello
	fails 3 "text that is no integer" shm wait "$tag:text" -eq 5
	for change in "put $tag:text there" "del $tag:text" "put $tag:text new"; do
		sh -c 'shm -xx wait "$1:text" 2>trace; echo $? >status' sh "$tag" 3>&- &
		jobs+=("$!")
		eventually grep -q futex trace
		# shellcheck disable=SC2086
		shm $change
		eventually [ -s status ]
		is 0 "$(cat status)"
		rm status trace
	done
	spawn sh -c 'shm wait "$1:n" -ge 8; echo $? >status' sh "$tag"
	for i in 6 7 8; do is $i "$(shm add "$tag:n")"; done
	eventually [ -s status ]
	is 0 "$(cat status)"
	shm rm "$tag"
}

@test "shm: a queue is first in, first out, of any bytes, and can be closed" {
	shm push "$tag:q" one -two '' $'three\nlines'
	is 4 "$(shm len "$tag:q")"
	is one "$(shm pop "$tag:q")"
	is -two "$(shm pop "$tag:q")"
	is . "$(shm pop --raw "$tag:q"; echo .)"
	is $'three\nlines' "$(shm pop "$tag:q")"
	no 1 shm pop -n "$tag:q"
	no 124 shm pop -w .01 "$tag:q"
	printf 'a\nb b\n\nlast' | shm push -i "$tag:q"
	is "a,b b,,last," "$(for i in 1 2 3 4; do shm pop "$tag:q"; done | tr '\n' ,)"
	printf 'a\nb\0c' | shm push -i -0 "$tag:q"
	is $'a\nb' "$(shm pop "$tag:q")"
	is c "$(shm pop "$tag:q")"
	shm push --hex "$tag:q" 6100ff
	is YQD/ "$(shm pop --base64 "$tag:q")"
	fails 2 "which ITEM?" shm push "$tag:q"
	fails 2 "either ITEM or -i" shm push -i "$tag:q" x
	fails 2 "--owner is for --lease" shm pop --owner $$ "$tag:q"
	shm push "$tag:q" rest
	no 0 shm close "$tag:q"
	fails 1 "the queue is closed" shm push "$tag:q" more
	no 1 shm -q push "$tag:q" more
	is rest "$(shm pop "$tag:q")"
	no 1 shm pop "$tag:q"
	no 1 shm pop -w 100 "$tag:q"
	shm rm "$tag"
}

@test "shm: a full queue makes the writer wait, and an empty one the reader" {
	shm push -c 2 "$tag:q" 1 2
	no 1 shm push -n "$tag:q" 3
	no 124 shm push -w .01 "$tag:q" 3
	is 2 "$(shm len "$tag:q")"
	spawn sh -c 'shm push "$1:q" 3 4 5; echo $? >pushed' sh "$tag"
	is "1 2 3 4 5" "$(for i in 1 2 3 4 5; do shm pop "$tag:q"; done | paste -sd ' ')"
	eventually [ -s pushed ]
	is 0 "$(cat pushed)"
	spawn sh -c 'shm pop "$1:q" >popped; echo $? >>popped' sh "$tag"
	shm push "$tag:q" late
	eventually grep -q 0 popped
	is "late 0" "$(paste -sd ' ' popped)"
	shm rm "$tag"
}

@test "shm: eight readers share the work of a queue, each item once" {
	n=$(rounds 200)
	for i in 1 2 3 4 5 6 7 8; do
		sh -c 'while f=$(shm pop "$1:jobs"); do echo "$f"; done >"out.$2"; : >"done.$2"' sh "$tag" $i 2>err 3>&- &
		jobs+=("$!")
	done
	seq "$n" | shm push -i "$tag:jobs"
	shm close "$tag:jobs"
	for i in 1 2 3 4 5 6 7 8; do eventually [ -e done.$i ]; done
	is "$(seq "$n")" "$(sort -n out.*)"
	shm rm "$tag"
}

@test "shm: an item on lease comes back when its worker dies" {
	shm push "$tag:q" first second
	fails 2 "--owner PID says for which process" shm pop --lease "$tag:q"
	spawn sleep 100
	worker=$!
	is first "$(shm pop --lease --owner $worker "$tag:q")"
	is 1 "$(shm len "$tag:q")"
	fails 1 "has no item on lease" shm ack --owner $$ "$tag:q"
	slay $worker
	run -0 --separate-stderr shm pop --lease --owner $$ "$tag:q"
	is first "$output"
	is "shm: pop: $tag:q: process $worker had this item and died; it may be half done" "$stderr"
	no 0 shm ack --owner $$ "$tag:q"
	is second "$(shm pop "$tag:q")"
	no 1 shm pop -n "$tag:q"
	shm rm "$tag"
}

@test "shm: a cell that is deleted and made anew has changed" {
	shm put "$tag:w" 1
	for change in "put $tag:w 2" "add $tag:w"; do
		sh -c 'shm -xx wait -w 20 "$1:w" 2>trace; echo $? >status' sh "$tag" 3>&- &
		jobs+=("$!")
		eventually grep -q futex trace
		printf '%s\n' "del $tag:w" "$change" | shm batch >out
		eventually [ -s status ]
		is 0 "$(cat status)"
		rm status trace
	done
	shm rm "$tag"
}

@test "shm: other signals reach the command, too, also those of a timer" {
	for sig in USR1 USR2 ALRM PIPE; do
		# shellcheck disable=SC2016  # for the inner shell
		spawn env --default-signal shm lock "$tag:l" -- bash -c '
			trap "echo got >$0; exit 5" $0; : >ready
			while :; do sleep 0.02; done' $sig
		eventually [ -e ready ]
		kill -$sig $!
		eventually [ -s $sig ]
		eventually free l
		rm ready
	done
	run -142 python3 -c 'import os, signal, sys
signal.setitimer(signal.ITIMER_REAL, 0.2)
os.execvp("shm", sys.argv[1:])' shm lock "$tag:l" -- sleep 100
	no 0 shm lock -n "$tag:l" -- true
	shm rm "$tag"
}

@test "shm: what cannot be is refused before a store is made" {
	fails 3 "there is no process 2147483647" shm lock --owner 2147483647 "$tag:l"
	fails 3 "there is no process 2147483647" shm sem -c 2 --owner 2147483647 "$tag:s"
	fails 3 "there is no process 2147483647" shm pop --lease --owner 2147483647 "$tag:q"
	fails 2 "--owner is no option of this verb" shm barrier -c 1 --owner $$ "$tag:b"
	[[ ! -e /dev/shm/$tag ]]
	if [[ -z ${SHMU_VALGRIND-} ]]; then
		run -127 --separate-stderr shm lock "$tag:l" -- ''
		is "shm: '': cannot be run: No such file or directory" "$stderr"
		shm rm "$tag"
	fi
}

@test "shm: of a push for which there is too little room, it is told what was done" {
	fails 1 "there was room for 2 of the items; the others were not stored" shm push -n -c 2 "$tag:q" a b c
	is 2 "$(shm len "$tag:q")"
	no 1 shm push -n "$tag:q" c
	is a "$(shm pop "$tag:q")"
	printf 'c\nd\n' >in
	fails 124 "there was room for 1 of the items" shm push -i -w .01 "$tag:q" <in
	is "b c" "$(shm pop "$tag:q") $(shm pop "$tag:q")"
	no 1 shm pop -n "$tag:q"
	shm rm "$tag"
}

@test "shm: all who hold a cell are listed" {
	n=$(rounds 200)
	sleep 1000 3>&- &
	jobs+=("$!")
	for ((i = 0; i < n; i++)); do echo "acquire --owner $! -c $n $tag:s"; done | shm batch >out
	is "$n" "$(grep -c '^0$' out)"
	is "$n" "$(shm ls -l "$tag" | grep -o "$! sleep" | wc -l)"
	for ((i = n; i < 400; i++)); do echo "acquire --owner $! -c 400 --resize $tag:s"; done | shm batch >out
	has "$(shm ls -l "$tag")" "sleep, ..."
	shm rm "$tag"
}

# Somebody living who does not go on, in the lock of the heap.
@test "shm: who has the store locked is named, and nothing is read that was freed" {
	lib=$SHMU_BUILD/.libs/libshmutil.a
	[[ -f $lib && -z ${SHMU_SANITIZE-} ]] || skip "takes the static library as it is"
	cat >hold.c <<-'END'
	#include "config.h"
	#include <stdio.h>
	#include <unistd.h>
	#include "heap-private.h"
	#include "shmutil/table.h"
	int main(int argc, char *argv[]) {
	    struct shmu_operand op;
	    struct shmu_table *t;
	    if (argc != 2 || shmu_operand_parse(&op, argv[1], NULL) != 0 ||
	        shmu_table_attach(&t, &op, 0) != 0 ||
	        shmu_h_lock(shmu_table_heap(t)) != 0)
	        return 1;
	    puts("locked");
	    fflush(stdout);
	    pause();
	    return 1;
	}
	END
	read -ra cc <<<"${CC:-cc}"
	"${cc[@]}" -I"$SHMU_BUILD" -I"$SHMU_SRC/src/include" -I"$SHMU_SRC/src/lib" -o hold hold.c "$lib" -pthread
	shm push "$tag:q" i
	spawn ./hold "$seg" >locked
	holder=$!
	eventually grep -q locked locked
	for cmd in "ls $tag" "len $tag:q" "dump $tag" "get $tag:q" "put $tag:k v"; do
		# shellcheck disable=SC2086
		sh -c 'shm "$@" >"out.$1" 2>"err.$1"; echo $? >"status.$1"' sh $cmd 3>&- &
		jobs+=("$!")
	done
	for verb in ls len dump put; do
		eventually [ -s status.$verb ]
		is "3 " "$(cat status.$verb) $(cat out.$verb)"
		is 1 "$(wc -l <err.$verb)"
		has "$(cat err.$verb)" "process $holder (hold, state S) has kept the store locked for 5 seconds"
	done
	slay "$holder"
	is 1 "$(shm len "$tag:q")"
	shm rm "$tag"
}
