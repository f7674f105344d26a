# SPDX-License-Identifier: MIT
load helper

loadable=$SHMU_BUILD/src/shell/shm

builtin_is_here() {
	[[ -f $loadable ]] && return
	[[ -z ${SHMU_SANITIZE-}${SHMU_VALGRIND-} ]] ||
		skip "the builtin is not built for what needs its own runtime"
	lacks "the headers of bash"
}

# in_bash SCRIPT [ARG...] - with the builtin, in a bash of its own
in_bash() {
	bash -c "enable -f '$loadable' shm || exit 99; $1" bash "${@:2}"
}

# Shells for which shmutil.sh defines a function.
functions() { SHMUTIL_LOADABLE='' each_sh "$@"; }

waits() { [[ $(shm ls --json -l "$1" | jq '[.cells[].waiting[]] | length') -gt 0 ]]; }
gone() { ! kill -0 "$1" 2>/dev/null; }

@test "builtin: bash loads it, treats it as its own, and lets go of it" {
	builtin_is_here
	in_bash 'type shm && help -s shm && enable -d shm && ! builtin shm -V' 2>/dev/null
	is "shm (shmutils" "$(in_bash 'shm -V' | cut -d' ' -f1-2)"
	run -0 in_bash 'command -v shm; compgen -b sh; enable -d shm; enable -f "$1" shm; shm -h' "$loadable"
	has "$output" "usage: shm"
}

@test "builtin: nothing in it can end the shell, and bash sees three names of it" {
	builtin_is_here
	is "shm_builtin_load shm_builtin_unload shm_struct" \
		"$(nm -D --defined-only "$loadable" | awk '{ print $3 }' | sort | xargs)"
	run -1 grep -wE 'exit|_exit|_Exit|quick_exit|abort|pthread_create|sigaction|signal' \
		<(nm -D --undefined-only "$loadable" | sed 's/.* //; s/@.*//')
}

@test "builtin: what it does is what the command does" {
	builtin_is_here
	for verb in "put T:a text" "get T:a" "add T:n 5" "add T:n -7" "cas T:n -2 9" "cas T:n 3 4" \
		"max T:n 100" "min T:n 1" "swap T:n 8" "get T:n" "type T:n" "len T:a" "keys T" \
		"all T" "get T:none" "del T:a" "del T:a" "add T:n x" "nosuch T:n" "get T" "get -z T:n" \
		"push T:q one" "pop T:q" "close T:q" "pop T:q" "push T:q two" "wait -n T:n -eq 0" \
		"wait -w 0.01 T:n -eq 0" "barrier -c 1 T:b" "unlock T:l" "get -v x-y T:n" "rm T" "rm T"; do
		read -ra words <<<"${verb//T/$tag.a}"
		a=$(shm "${words[@]}" 2>&1) && s=0 || s=$?
		b=$(in_bash 'shm $1' "${verb//T/$tag.b}" 2>&1) && t=0 || t=$?
		b=${b//$tag.b/$tag.a}
		[[ $verb == *-v* || $verb == unlock* ]] || is "$a" "${b#bash: line 1: }"
		is "$verb: $s" "$verb: $t"
	done
}

@test "builtin: results go into variables of every kind" {
	builtin_is_here
	in_bash '
		set -eu
		shm put "$1:t" $'"'a \"b\"\n\n'"'
		shm get -v x "$1:t"; [[ $x == $'"'a \"b\"\n\n'"' ]]
		shm add -v arr[3] "$1:n" 5; [[ ${arr[3]} == 5 && ${#arr[@]} == 1 ]]
		declare -A map=()
		key="k \$(touch evil) ]"
		shm get -v "map[k x]" "$1:n"; [[ ${map[k x]} == 5 ]]
		shm get -v "map[$key]" "$1:n"; [[ ${map[$key]} == 5 ]]
		f() { local l=1; shm add -v l "$1:n"; [[ $l == 6 ]]; }
		f "$1"; [[ -z ${l+set} ]]
		declare -n ref=target; shm get -v ref "$1:n"; [[ $target == 6 ]]
		declare -i int; shm get -v int "$1:n"; [[ $int == 6 ]]
		shm all -v all "$1"; [[ ${#all[@]} == 2 && ${all[n]} == 6 && ${all[t]} == "$x" ]]
		shm keys -v keys "$1"; [[ ${keys[*]} == "n t" && ${#keys[@]} == 2 ]]
		g() { local -A all; shm all -v all "$1"; [[ ${#all[@]} == 2 ]]; all=(); }
		g "$1"; [[ ${#all[@]} == 2 ]]' "$tag"
	[[ ! -e evil ]]
	shm rm "$tag"
}

@test "builtin: what cannot be set is refused before anything is done" {
	builtin_is_here
	for bad in '' 1x x-y 'x y' 'x[' 'x[]' '[1]' 'x[1]y' -; do
		run -2 --separate-stderr in_bash 'shm add -v "$2" "$1:n"' "$tag" "$bad"
		one_line
	done
	[[ ! -e /dev/shm/$tag ]]
	run -0 --separate-stderr in_bash 'readonly r=1; shm push "$1:q" item
		shm pop -v r "$1:q"; echo "$? $r"; shm pop "$1:q"' "$tag"
	is $'1 1\nitem' "$output"
	has "$stderr" "r: this variable is read-only"
	run -0 --separate-stderr in_bash 'declare -A a=([k]=v); declare -a i=(1); declare -r R
		shm add -v x "$1:n"; shm keys -v a "$1"; echo $?; shm all -v i "$1"; echo $?
		shm all -v "a[k]" "$1"; echo $?; shm keys -v R "$1"; echo $?; echo "${a[@]} ${i[@]}"' "$tag"
	is "1 1 1 1 v 1" "$(xargs <<<"$output")"
	shm rm "$tag"
}

# The element, the array that has it, and the keys of that.
elements='
	declare -A m=()
	declare -n ref=m
	n=0
	for k in "\$(touch evil)" "\`touch evil\`" "it'"'"'s" "a\"b" "a]" "]" "a[b" "a\$b" "back\\sl" \
		@ "*" "two words"; do
		shm push "$1:q" "item $k"; shm pop -v "ref[$k]" "$1:q"
		[[ ${m[$k]} == "item $k" && ${#m[@]} == $((n += 1)) ]] || echo "bad: $k"
	done
	a=(1 2 3) i=5 last=-1 code="x[\$(touch evil)]"
	shm push "$1:q" item
	for k in "x y" "\$(touch evil)" "x[\$(touch evil)]" code 08 i+1 -4 nosuch \
		99999999999999999999 @ -; do
		shm pop -v "a[$k]" "$1:q"; [[ $? == 2 ]] || echo "bad: $k"
	done
	shm pop -v "none[-1]" "$1:q"; echo "$? $(shm len "$1:q")"
	shm get -v "a[i]" "$1:n"; shm get -v "a[last]" "$1:n"; shm get -v "a[-5]" "$1:n"
	declare -p a
	f() { local -A l; shm get -v "l[x y]" "$1:n"; declare -p l; }
	f "$1"; declare -p l 2>/dev/null; true'
elements_are() {
	shm put "$tag:n" N
	run -0 --separate-stderr timeout 20 "$@"
	is "2 1" "${lines[0]}"
	is 'declare -a a=([0]="1" [1]="N" [2]="3" [5]="N")' "${lines[1]}"
	is 'declare -A l=(["x y"]="N" )' "${lines[2]}"
	is 3 "${#lines[@]}"
	is 12 "$(grep -c 'has no such element; declare -A' <<<"$stderr")"
	is 12 "${#stderr_lines[@]}"
	[[ ! -e evil ]]
	shm rm "$tag"
}

@test "builtin: any key of an associative array, and no index that fails or runs" {
	builtin_is_here
	elements_are bash -c "enable -f '$loadable' shm; $elements" bash "$tag"
}

@test "builtin: a NUL byte leaves the variable as it was" {
	builtin_is_here
	printf 'a\0b' | shm put -i "$tag:blob"
	run -3 --separate-stderr in_bash 'x=old; shm get -v x "$1:blob"; s=$?; echo "$x"; exit $s' "$tag"
	is old "$output"
	has "$stderr" "shm: get: $tag:blob: value has a NUL byte at 1; use --hex, --base64 or stdout"
	run -0 in_bash 'shm get --hex -v x "$1:blob"; echo "$x"; declare -A a=([k]=v)
		shm all -v a "$1"; echo "$? ${a[k]}"; shm get "$1:blob" | od -An -c' "$tag"
	has "$output" "610062"
	has "$output" "3 v"
	has "$output" 'a  \0   b'
	shm rm "$tag"
}

@test "builtin: 1, 2 and 4 shells add, and nothing is lost" {
	builtin_is_here
	n=$(rounds 50000)
	for shells in 1 2 4; do
		shm put "$tag:n" 0
		pids=()
		for ((i = 0; i < shells; i++)); do
			spawn bash -c 'enable -f "$1" shm; for ((i = 0; i < $3; i++)); do shm add -v x "$2"; done' \
				bash "$loadable" "$tag:n" "$n"
			pids+=("$!")
		done
		for pid in "${pids[@]}"; do wait "$pid"; done
		is "$((n * shells))" "$(shm get "$tag:n")"
	done
	shm rm "$tag"
}

@test "builtin: subshells, pipelines and background jobs work on the same store" {
	builtin_is_here
	run -0 in_bash '
		shm add -v x "$1:n"
		(shm add -v x "$1:n"); shm add "$1:n" | cat >/dev/null; echo y | shm put -i "$1:t"
		shm add -v x "$1:n" & wait
		printf "%s\n" a b | while read -r w; do shm add -v x "$1:n"; read -t 0; done
		(read -r line; echo "$line"; shm get "$1:t") <<<"stdin is still there"
		shm get "$1:n"' "$tag"
	is $'stdin is still there\ny\n\n6' "$output"
	shm rm "$tag"
}

@test "builtin: another store of the same name is noticed, and one that is gone" {
	builtin_is_here
	run -0 in_bash 'shm add "$1:n"; env shm rm "$1"; shm get "$1:n" 2>/dev/null; echo "gone $?"
		env shm put "$1:n" 40; shm add "$1:n" 2; shm rm "$1"; shm get -q "$1:n"; echo "gone $?"' "$tag"
	is "1 gone 1 42 gone 1" "$(xargs <<<"$output")"
}

@test "builtin: a lock is the shell's, not its children's" {
	builtin_is_here
	run -0 --separate-stderr in_bash '
		shm lock "$1:l"; (shm unlock "$1:l"); echo "child $?"
		(shm lock -n "$1:l"); echo "child $?"; shm lock "$1:l"; echo "again $?"
		env shm lock -n "$1:l" -- true; echo "other $?"
		shm unlock "$1:l"; echo "own $?"; shm unlock "$1:l"; echo "twice $?"
		(shm lock "$1:l"; me=$BASHPID; env shm ls -l "$1" | grep -c "lock.* $me bash"; shm unlock "$1:l")' "$tag"
	is "child 1 child 1 again 3 other 1 own 0 twice 1 1" "$(xargs <<<"$output")"
	has "$stderr" "does not have it"
	shm rm "$tag"
}

@test "builtin: who is killed while it holds a lock gives it back, its children do not keep it" {
	builtin_is_here
	spawn bash -c 'enable -f "$1" shm; shm lock "$2:l"; sleep 100 & echo $! >child; wait' bash "$loadable" "$tag"
	holder=$!
	eventually test -s child
	run -1 shm lock -n "$tag:l" -- true
	kill -9 "$holder"
	run -0 --separate-stderr in_bash 'shm lock -v dead "$1:l"; echo "$dead"' "$tag"
	is "$holder" "$output"
	has "$stderr" "process $holder had it and died"
	kill "$(cat child)"
	shm rm "$tag"
}

@test "builtin: a lock outlives exec and ends with the process" {
	builtin_is_here
	spawn bash -c 'enable -f "$1" shm; shm lock "$2:l"; echo on >began; exec sleep 100' bash "$loadable" "$tag"
	holder=$!
	eventually test -s began
	eventually [ "$(comm "$holder")" = sleep ]
	run -1 shm lock -n "$tag:l" -- true
	kill -9 "$holder"
	eventually shm lock -qn "$tag:l" -- true
	shm rm "$tag"
}

@test "builtin: acquire and release without a command" {
	builtin_is_here
	run -0 in_bash 'shm acquire -c 2 "$1:s"; (shm acquire -n -c 2 "$1:s"; echo "second $?"
		(shm acquire -n -c 2 "$1:s"; echo "third $?"); shm release "$1:s"; echo "back $?")
		shm sem -c 2 "$1:s" -- echo within; shm release "$1:s"; echo "back $?"' "$tag"
	is "second 0 third 1 back 0 within back 0" "$(xargs <<<"$output")"
	shm rm "$tag"
}

@test "builtin: -- COMMAND may be a function, and what it does to the shell is its own" {
	builtin_is_here
	run -0 in_bash '
		f() { echo "in $1"; (shm lock -n "$t:l") || echo busy; exit 9; }; t=$1
		shm lock "$t:l" -- f "a  '"'"'b"; echo "f $?"
		shm lock "$t:l" -- nosuch 2>/dev/null; echo "none $?"
		shm lock -n -E 50 "$t:l" -- false; echo "false $?"
		shm lock -n "$t:l"; echo "free $?"; shm unlock "$t:l"' "$tag"
	has "$output" $'in a  \'b\nbusy\nf 9\nnone 127\nfalse 1\nfree 0'
	shm rm "$tag"
}

@test "builtin: it cannot be removed while the shell holds a lock" {
	builtin_is_here
	run -0 in_bash 'shm lock "$1:l"; enable -d shm 2>/dev/null; echo $?
		shm unlock "$1:l"; enable -d shm; echo $?; shm rm "$1"' "$tag"
	is $'1\n0' "$output"
}

@test "builtin: a trap runs during a wait, may use shm, and ends the wait" {
	builtin_is_here
	spawn bash -c 'enable -f "$1" shm
		trap "shm add -v x $2:trapped; shm rm -q $2.other" USR1
		echo on >began; shm wait "$2:n" -ne 0; echo "$? $x" >ended' bash "$loadable" "$tag"
	eventually test -s began
	shm put "$tag.other:x" 1
	eventually waiting "$!"
	kill -USR1 "$!"
	eventually test -s ended
	is "138 1" "$(cat ended)"
	shm rm "$tag"
}
waiting() { [[ $(cat "/proc/$1/wchan") == futex* ]] || grep -q ' futex\| 202 ' "/proc/$1/syscall" 2>/dev/null || [[ $(cat "/proc/$1/syscall") == 202* ]]; }

@test "builtin: a child that ends does not end a wait, trapped or not" {
	builtin_is_here
	for trap in 'trap "echo child >>log" CHLD' true; do
		spawn bash -c "enable -f '$loadable' shm; $trap; true & sleep 0.05 &
			echo on >began; shm wait -w 20 '$tag:n' -ne 0; echo \$? >ended"
		eventually waiting "$!"
		[[ $trap == true ]] || eventually test -s log
		shm put "$tag:n" 1
		eventually test -s ended
		is 0 "$(cat ended)"
		shm rm "$tag"
		rm -f ended began
	done
}

@test "builtin: a script that waits dies of SIGTERM and SIGINT as any" {
	builtin_is_here
	for sig in TERM INT; do
		spawn env --default-signal=INT bash -c "enable -f '$loadable' shm
			trap 'echo bye >exit' EXIT; shm lock '$tag:l'; shm wait '$tag:n' -ne 0; echo no >went"
		pid=$!
		eventually waiting "$pid"
		kill "-$sig" "$pid"
		eventually test -s exit
		eventually gone "$pid"
		[[ ! -e went ]]
		shm lock -qn "$tag:l" -- true
		shm rm "$tag"
		rm -f exit
	done
}

@test "builtin: Ctrl-C at a prompt is 130 and a prompt, with nothing held" {
	builtin_is_here
	command -v python3 >/dev/null || lacks python3
	python3 - "$loadable" "$tag" <<-'END'
		import os, pty, re, select, signal, sys, time
		loadable, tag = sys.argv[1:]
		pid, fd = pty.fork()
		if pid == 0:
		    # Who runs the tests in the background ignores it.
		    signal.signal(signal.SIGINT, signal.SIG_DFL)
		    os.environ['PS1'] = 'prompt> '
		    os.execvp('bash', ['bash', '--norc', '--noprofile', '-i'])
		seen = b''
		def read_until(pattern):
		    global seen
		    end = time.time() + 20
		    while not re.search(pattern, seen):
		        left = end - time.time()
		        if left <= 0 or not select.select([fd], [], [], left)[0]:
		            sys.exit('never seen: %r in %r' % (pattern, seen))
		        seen += os.read(fd, 4096)
		    seen = seen[re.search(pattern, seen).end():]
		def say(line):
		    os.write(fd, line.encode() + b'\n')
		def asleep():
		    end = time.time() + 20
		    while True:
		        with open('/proc/%d/syscall' % pid) as f:
		            if f.read().startswith('202 '):
		                return
		        if time.time() > end:
		            sys.exit('it does not wait')
		read_until(rb'prompt> ')
		say("bind 'set enable-bracketed-paste off' 2>/dev/null; enable -f %s shm; echo loaded=$?" % loadable)
		read_until(rb'loaded=0')
		for command in ('shm wait %s:n -ne 0', 'shm pop %s:q', 'f() { shm wait %s:n -ne 0; }; f'):
		    say(command % tag)
		    asleep()
		    os.write(fd, b'\x03')
		    say('echo status=$?')
		    read_until(rb'status=130')
		say('shm lock %s:l -- sleep 1000; echo not reached' % tag)
		read_until(rb'reached')
		end = time.time() + 20
		while os.system('pgrep -P %d sleep >pids || for p in $(pgrep -P %d); do pgrep -x sleep -P $p; done >pids; test -s pids' % (pid, pid)) != 0:
		    if time.time() > end:
		        sys.exit('no command')
		os.write(fd, b'\x03')
		say('echo status=$?')
		read_until(rb'status=130')
		say('shm lock -n %s:l; echo free=$?; shm unlock %s:l' % (tag, tag))
		read_until(rb'free=0')
		say('shm add -v x %s:n 5; echo "x=$x"' % tag)
		read_until(rb'x=5')
		say('exit 0')
		os.waitpid(pid, 0)
	END
	shm rm "$tag"
}

@test "builtin: what is no store, or no longer, costs a line and not the shell" {
	builtin_is_here
	shm put "$tag.good:x" 1
	for ((round = 0; round < $(rounds 16); round++)); do
		cp "/dev/shm/$tag.good" "/dev/shm/$tag"
		case $((round % 4)) in
		0) head -c "$((round * 100))" /dev/urandom >"/dev/shm/$tag" ;;
		1) truncate -s "$((round * 300))" "/dev/shm/$tag" ;;
		*) head -c $((round * 40)) /dev/urandom | dd of="/dev/shm/$tag" bs=1 conv=notrunc \
			seek=$((round * 977 % 60000)) status=none ;;
		esac
		run -0 timeout 60 bash -c 'enable -f "$1" shm; exec 2>&1 </dev/null
			for v in get add "put -i" type "lock -n" "pop -n"; do shm $v "$2:x"; done
			shm keys "$2"; shm all "$2"; shm ls -l "$2"; echo survived' bash "$loadable" "$tag"
		is survived "${lines[-1]}"
		rm -f "/dev/shm/$tag"
	done
	run -0 in_bash 'shm add -v x "$1:n"; truncate -s 100 "/dev/shm/$1"; shm add -v x "$1:n"; echo "$?"' "$tag"
	is 3 "${lines[-1]}"
	rm -f "/dev/shm/$tag" "/dev/shm/$tag.good"
}

@test "builtin: its descriptors are out of the way and close at exec" {
	builtin_is_here
	run -0 in_bash 'shm add -v x "$1:n"
		for fd in /proc/$$/fd/*; do case $(readlink $fd) in /dev/shm/*) echo "${fd##*/}" ;; esac; done
		sh -c "readlink /proc/self/fd/*" | grep -c /dev/shm
		for fd in {3..9} 200; do eval "exec $fd>f$fd"; echo user >&$fd; done
		shm put -i "$1:big" < <(head -c 3000000 /dev/zero); echo "$?"; shm len "$1:big"
		cat f* | sort -u' "$tag"
	(( lines[0] >= 300 ))
	is "0 0 3000000 user" "${lines[*]:1}"
	shm rm "$tag"
}

@test "builtin: a lost standard output is told" {
	builtin_is_here
	run -3 --separate-stderr in_bash 'shm add "$1:n" >/dev/full' "$tag"
	has "$stderr" "standard output"
	shm rm "$tag"
}

@test "shmutil.sh: it loads the builtin in bash, and not twice" {
	builtin_is_here
	run -0 bash -c '. shmutil.sh; . shmutil.sh; type -t shm; shm add -v x "$1:n"; echo "$x"' bash "$tag"
	is $'builtin\n1' "$output"
	run -0 bash -c 'SHMUTIL_LOADABLE=/nonexistent; . shmutil.sh 2>/dev/null; type -t shm' bash
	is function "$output"
	run -0 bash -r -c '. shmutil.sh; type -t shm'
	is function "$output"
	shm rm "$tag"
}

@test "shmutil.sh: a function does what only a shell can" {
	cat >script <<-'END'
		set -eu
		. shmutil.sh
		s=$1
		shm add -v x "$s:n"; [ "$x" = 1 ]
		shm put "$s:t" "it's \$x

		"
		shm get -v x "$s:t"; [ "$x" = "it's \$x

		" ]
		shm get -v empty "$s:none" && exit 1
		[ -z "${empty+set}" ]
		shm put "$s:e" ""; shm get -v empty "$s:e"; [ "${empty+set}" = set ]
		shm -qv x get "$s:n"; [ "$x" = 1 ]
		shm get -qvx "$s:n"; shm get --var=x "$s:n"; shm get "$s:n" --var x; [ "$x" = 1 ]
		shm put "$s:d" -v; shm get -v x "$s:d"; [ "$x" = -v ]
		shm put -- "$s:d" --; shm get -v x -- "$s:d"; [ "$x" = -- ]
		x=old; shm cas -v x "$s:n" 7 8 && exit 1; [ "$x" = 1 ]
		(shm add -v x "$s:n"; [ "$x" = 2 ]); [ "$x" = 1 ]
		f() { shm add -v y "$s:n"; }; f; [ "$y" = 3 ]
		shm lock "$s:l"; shm lock -n "$s:l" 2>/dev/null && exit 1
		(shm unlock "$s:l" 2>/dev/null) && exit 1
		(shm lock -n "$s:l") && exit 1
		shm lock -n "$s:l" -- true && exit 1
		shm unlock "$s:l"
		(shm lock "$s:l"; shm unlock "$s:l"); shm lock -v dead "$s:l" -n; [ -z "$dead" ]
		shm acquire -c 1 "$s:s"; (shm acquire -n -c1 "$s:s") && exit 1; shm release "$s:s"
		shm push "$s:q" "a b"; shm pop --lease -v x "$s:q"; [ "$x" = "a b" ]; shm ack "$s:q"
		[ "$(shm lock -- "$s:l2" -- echo done)" = done ]
		echo right
	END
	both() { is right "$("$@" script "$tag")"; shm rm "$tag"; }
	functions both
	is right "$(bash script "$tag")"
	shm rm "$tag"
}

@test "shmutil.sh: a function refuses what it cannot set, and the script goes on" {
	cat >script <<-'END'
		. shmutil.sh
		readonly r=1
		shm add -v r "$1:n"; echo "$?"
		for bad in "" 1x x-y 'x;y' 'x$(touch evil)' _shm_var '[1]'; do
			shm add -v "$bad" "$1:n"; echo "$?"
		done
		x=old; shm get -v x "$1:nul"; echo "$? $x"
		shm lock -v x "$1:l" -- true; echo "$?"
		shm get -w1 -v; echo "$?"
		shm get "$1:n"; echo "$?"
	END
	refused() {
		printf 'a\0b' | shm put -i "$tag:nul"
		is "1 2 2 2 2 2 2 2 3 old 2 2 1" "$("$@" script "$tag" 2>err | xargs)"
		is 11 "$(wc -l <err)"
		grep -qx "shm: add: '': this is no name of a variable here" err
		grep -q 'value has a NUL byte at 1' err
		shm rm "$tag"
	}
	functions refused
	[[ ! -e evil ]]
}

@test "shmutil.sh: any key of an associative array, and no index that fails or runs" {
	export SHMUTIL_LOADABLE=
	elements_are bash -c ". shmutil.sh; $elements" bash "$tag"
}

@test "shmutil.sh: a function works whatever the script has made of its shell" {
	cat >script <<-'END'
		alias shm='shm -q'
		. shmutil.sh
		set -euf
		s=$1
		for ifs in , '' 0123456789 ' ' '(' /; do
			IFS=$ifs
			shm lock "$s:l"
			shm lock -n "$s:l" -- true && exit 1
			shm unlock "$s:l"
			shm sem -c 1 "$s:s"; shm release "$s:s"
			shm push "$s:q" "a, b"; shm pop --lease -v x "$s:q"; [ "$x" = "a, b" ]
			shm ack "$s:q"
		done
		readonly IFS
		shm lock "$s:l"
		shm unlock "$s:l"
		echo right
	END
	altered() { is right "$("$@" script "$tag")"; shm rm "$tag"; }
	functions altered
	is right "$(SHMUTIL_LOADABLE='' bash -O expand_aliases script "$tag")"
	shm rm "$tag"
}

@test "shmutil.sh: a holder that is killed gives back, whatever shell it was" {
	killed() {
		rm -f began
		spawn "$@" -c '. shmutil.sh; shm lock "$1:l"; sleep 100 & echo $! >began; wait' sh "$tag"
		holder=$!
		eventually test -s began
		run -1 shm lock -n "$tag:l" -- true
		kill -9 "$holder"
		eventually shm lock -qn "$tag:l" -- true
		kill "$(cat began)"
		shm rm "$tag"
	}
	functions killed
}

@test "shmutil.sh: arrays in bash, and a line elsewhere" {
	cat >script <<-'END'
		. shmutil.sh
		shm put "$1:a" "x
		"; shm put "$1:k ]'" 2
		key="k ]'"
		shm all -v all "$1"; echo "$? ${#all[@]} ${all[$key]}"
		shm keys -v keys "$1"; echo "$? ${#keys[@]}"
		[ "${all[a]}" = "x
		" ]; echo $?
		shm all -v keys "$1" 2>/dev/null; echo $?; shm keys -v all "$1" 2>/dev/null; echo $?
		shm keys -v "all[a]" "$1" 2>/dev/null; echo "$?"
		shm keys -v keys "$1.none" 2>/dev/null; echo "$? ${#keys[@]}"
		declare -n ref=target; shm all -v ref "$1"; echo "${#target[@]}"
		true & child=$!
		set -eu; shm all -v made "$1"; shm keys -v keys "$1"; echo "${#made[@]} $((child == $!))"
		shm new "$1.empty"; shm keys -v keys "$1.empty"; echo "${#keys[@]}"
	END
	export SHMUTIL_LOADABLE=
	is "0 2 2 0 2 0 1 1 1 1 2 2 2 1 0" "$(bash script "$tag" | xargs)"
	shm rm "$tag.empty"
	run -2 --separate-stderr dash -c '. shmutil.sh; shm all -v x "$1"' dash "$tag"
	one_line
	shm rm "$tag"
}

@test "shmutil.sh: as a command it says how it is used" {
	run -0 sh "$SHMU_BUILD/src/shell/shmutil.sh" --help
	is "usage: . shmutil.sh" "$output"
	run -0 sh "$SHMU_BUILD/src/shell/shmutil.sh" --version
	[[ $output =~ ^shmutil.sh\ \(shmutils\ [0-9.]+\)$ ]]
}
