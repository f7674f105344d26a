# SPDX-License-Identifier: MIT
load helper

examples=$SHMU_SRC/examples

setup_file() {
	cat >"$BATS_FILE_TMPDIR/slow" <<-'END'
		#!/bin/sh
		# How many of these run now, and ever did at once.
		now=$(shm add "$COUNT:now")
		shm max "$COUNT:most" "$now" >/dev/null
		shm wait -w 10 "$COUNT:go" -ne 0
		shm add "$COUNT:now" -1 >/dev/null
		shm add "$COUNT:done" >/dev/null
	END
	chmod 755 "$BATS_FILE_TMPDIR/slow"
}

# Each example in every shell there is, with the builtin and without.
each_shell() { each_sh with_and_without "$@"; }
with_and_without() {
	"$@"
	[[ $2 == bash ]] || return 0
	echo "as a function"
	SHMUTIL_LOADABLE='' "$@"
}

gone() { ! kill -0 "$1" 2>/dev/null; }
cell_is() { [[ $(shm get "$1" 2>/dev/null) == "$2" ]]; }
waits() { [[ $(shm ls --json -l "$1" | jq '[.cells[].waiting[]] | length') -gt 0 ]]; }

@test "examples: 01 counts in a pipeline" {
	mkdir d && touch d/{1..7}
	counts() { is 7 "$("$@" "$examples/01-counter.sh" d)"; }
	each_shell counts
}

@test "examples: 02 runs one instance, also after it was killed" {
	one() {
		run -5 "$@" "$examples/02-one-instance.sh" "$tag" sh -c 'echo on; exit 5'
		is on "$output"
		spawn "$@" "$examples/02-one-instance.sh" "$tag" sh -c "echo >began; exec sleep 100"
		eventually test -e began
		run -99 "$@" "$examples/02-one-instance.sh" "$tag" true
		has "$output" "true runs already"
		holder=$(shm ls --json -l "$tag" | jq '.cells[0].holders[0].pid')
		kill -9 "$holder"
		eventually "$@" "$examples/02-one-instance.sh" "$tag" true
		pkill -9 -P "$holder" sleep || true
		rm -f began
		shm rm "$tag"
	}
	each_shell one
}

@test "examples: 03 leaves a daemon without the lock" {
	deploy() {
		run -0 timeout 20 "$@" "$examples/03-daemon.sh" "$tag" sleep 100
		[[ $output =~ ^deployed,\ process\ ([0-9]+)$ ]]
		daemon=${BASH_REMATCH[1]}
		jobs+=("$daemon")
		kill -0 "$daemon"
		shm lock -n "$tag:deploy" -- true
		kill "$daemon"
		shm rm "$tag"
	}
	each_shell deploy
}

@test "examples: 04 tells how far it is, and what failed" {
	progress() {
		run -0 timeout 20 "$@" "$examples/04-progress.sh" true a 'b c' "d'e" f
		has "$output" "4 of 4"
		run -1 timeout 20 "$@" "$examples/04-progress.sh" test '' x
		has "$output" "1 failed"
		run -0 timeout 20 "$@" "$examples/04-progress.sh" false
		is "" "$output"
	}
	each_shell progress
}

@test "examples: 05 has four at once and no more" {
	four() {
		export COUNT=$tag.c
		spawn "$@" "$examples/05-at-most-four.sh" "$tag" "$BATS_FILE_TMPDIR/slow" a b c d e f g
		eventually cell_is "$COUNT:now" 4
		eventually waits "$tag"
		is 4 "$(shm get "$COUNT:now")"
		shm add "$COUNT:go" >/dev/null
		eventually cell_is "$COUNT:done" 7
		eventually gone "$!"
		is 4 "$(shm get "$COUNT:most")"
		shm rm "$tag" "$COUNT"
	}
	each_shell four
}

@test "examples: 06 goes on when the server is ready, and gives up when it is not" {
	ready() {
		run -0 timeout 20 "$@" "$examples/06-ready.sh" 10 sh -c 'shm add "$READY" >/dev/null'
		has "$output" "is ready"
		run -1 timeout 20 "$@" "$examples/06-ready.sh" 0.05 sleep 100
		has "$output" "not ready in 0.05 seconds"
	}
	each_shell ready
}

@test "examples: 07 hands each file to one worker, whatever it is called" {
	printf '#!/bin/sh\nshm push -- "$OUT:got" "$1"\n' >note
	chmod 755 note
	export OUT=$tag
	queue() {
		files=("a b" $'c\nd' '*' -n)
		for ((k = 0; k < $(rounds 40); k++)); do files+=("$k"); done
		timeout 60 "$@" "$examples/07-queue.sh" ./note "${files[@]}"
		is "${#files[@]}" "$(shm len "$tag:got")"
		shm close "$tag:got"
		diff <(printf '%s\0' "${files[@]}" | sort -z) \
			<(while shm pop -0 "$tag:got"; do :; done | sort -z)
		shm rm "$tag"
	}
	each_shell queue
}

@test "examples: 08 shares settings of any text" {
	value=$'it\'s "$x"\n\n'
	hash() {
		[[ $1 == bash || -n ${SHMU_SLOW-} ]] || return 0
		set -- bash "${@:2}"
		"$@" "$examples/08-hash.sh" "$tag" set key "$value"
		"$@" "$examples/08-hash.sh" "$tag" set 'k ]=' 2
		is "$value"$'\n'. "$("$@" "$examples/08-hash.sh" "$tag" get key; echo .)"
		is "k ]= is 2"$'\n'"key is $(printf %q "$value")" "$("$@" "$examples/08-hash.sh" "$tag" list)"
		"$@" "$examples/08-hash.sh" "$tag" unset key
		run -1 "$@" "$examples/08-hash.sh" "$tag" get key
		run -2 "$@" "$examples/08-hash.sh" "$tag" what
		shm rm "$tag"
	}
	each_shell hash
}

@test "examples: 09 has one leader, and another one when it is killed" {
	lead() {
		rm -f led
		spawn "$@" "$examples/09-leader.sh" "$tag" sh -c 'echo $PPID >>led; exec sleep 100'
		eventually test -s led
		first=$(cat led)
		is "$first" "$!"
		spawn "$@" "$examples/09-leader.sh" "$tag" sh -c 'echo $PPID >>led'
		eventually waits "$tag"
		is 1 "$(wc -l <led)"
		sleeper=$(pgrep -P "$first")
		kill -9 "$first"
		eventually gone "$!"
		kill "$sleeper"
		is 2 "$(wc -l <led)"
		is "$!" "$(tail -n 1 led)"
		shm rm "$tag"
	}
	each_shell lead
}

@test "examples: 10 nobody is in a phase before all have done the one before" {
	printf '#!/bin/sh\nshm push "$OUT:log" "$1"\n' >note
	chmod 755 note
	export OUT=$tag
	phases() {
		timeout 60 "$@" "$examples/10-phases.sh" ./note
		shm close "$tag:log"
		is "1 1 1 1 2 2 2 2 3 3 3 3" "$(while shm pop "$tag:log"; do :; done | xargs)"
		shm rm "$tag"
	}
	each_shell phases
}

@test "examples: the monitor of calls is the same in sh and C" {
	c=$SHMU_BUILD/examples/call-monitor
	monitor() {
		"$@" "$examples/call-monitor.sh" "$tag" start_monitoring a@host
		"$c" "$tag" start_monitoring b@host
		is 16 "$(shm len "$tag:a@host")"
		has "$("$c" "$tag" report | sort)" "a@host: since"
		has "$("$@" "$examples/call-monitor.sh" "$tag" report)" "b@host: since"
		"$c" "$tag" stop_monitoring a@host
		"$@" "$examples/call-monitor.sh" "$tag" stop_monitoring b@host
		run -0 "$@" "$examples/call-monitor.sh" "$tag" report
		grep -qE '^a@host: [0-9]+ s$' <<<"$output"
		grep -qE '^b@host: [0-9]+ s$' <<<"$output"
		is "" "$(shm keys "$tag")"
		run -1 "$@" "$examples/call-monitor.sh" "$tag" stop_monitoring a@host
		has "$output" "a@host: this call is not monitored"
		run -1 "$c" "$tag" stop_monitoring a@host
		has "$output" "a@host: this call is not monitored"
		shm put --hex "$tag:x" 0000000000000000000000000000000a
		has "$("$c" "$tag" report)" "x: 720575940379279360 s"
		shm rm "$tag"
	}
	each_shell monitor
}
