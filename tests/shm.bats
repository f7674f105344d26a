# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154  # tag, output and stderr are the helper's and run's
load helper

# Every test has a store of its own, which is called as the tag.

@test "shm: what is put is what is got, whatever it begins with" {
	for text in hello '' -v --hex -- -n 'two words' $'two\nlines' 'käse' "it's" '$HOME' '\x41' -1; do
		no 0 shm put "$tag:k" "$text"
		is "$text." "$(shm get "$tag:k"; echo .)" ||
			is "$text"$'\n.' "$(shm get "$tag:k"; echo .)"
		is "${#text}" "$(LC_ALL=C shm len "$tag:k")" || is käse "$text"
		is bytes "$(shm type "$tag:k")"
	done
	fails 2 "extra: this is one operand too many; quote the text" shm put "$tag:k" one extra
	fails 2 "which TEXT?" shm put "$tag:k"
	fails 2 "either TEXT or -i" shm put -i "$tag:k" text
	is -1 "$(shm get "$tag:k")"
	shm rm "$tag"
}

@test "shm: bytes come through standard input and output as they are" {
	head -c 300000 /dev/urandom >in
	printf 'a\0b\n\377' >odd
	: >empty
	for f in in odd empty; do
		shm put -i "$tag:k" <$f
		shm get --raw "$tag:k" >out
		cmp $f out
		for code in --hex --base64; do
			shm get $code "$tag:k" >text
			shm put $code -i "$tag:copy" <text
			shm get --raw "$tag:copy" >out
			cmp $f out
		done
		shm get -0 "$tag:k" | head -c -1 | cmp - $f
		is "$(stat -c %s $f)" "$(shm len "$tag:k")"
	done
	is "$(base64 -w 0 in)" "$(shm put -i "$tag:k" <in; shm get --base64 "$tag:k")"
	shm put --hex "$tag:k" '61 0a 42'
	is $'a\nB' "$(shm get "$tag:k")"
	fails 2 "pairs of hexadecimal digits" shm put --hex "$tag:k" 616
	fails 2 "pairs of hexadecimal digits" shm put --hex "$tag:k" zz
	for bad in a ab= abc 'abcd=' 'ab=c' '=abc' 'a*cd'; do
		fails 2 "not base64" shm put --base64 "$tag:k" "$bad"
	done
	is a "$(shm get --length 1 "$tag:k")"
	printf abcdef | { shm put -i --length 2 "$tag:k"; cat; } >rest
	is "ab cdef" "$(shm get "$tag:k") $(cat rest)"
	printf abc >short
	fails 3 "ended after 3 bytes" shm put -i --length 4 "$tag:k" <short
	is ab "$(shm get "$tag:k")"
	shm rm "$tag"
}

@test "shm: a quoted value is a word of the shell" {
	for text in plain "it's" $'tab\tand\nline' $'\001\x7f' 'back\slash $x `y`' $'\xff\xfe'; do
		shm put "$tag:k" "$text"
		eval "copy=$(shm get --quote "$tag:k")"
		is "$text" "$copy"
	done
	shm put "$tag:k" $'\001abc\\\n\'f\xffa'
	is "\$'\\001abc\\134\\012\\047f\\377a'" "$(shm get --quote "$tag:k")"
	for sh in bash mksh ksh zsh; do
		command -v "$sh" >/dev/null || continue
		$sh -c 'eval "copy=$(shm get --quote "$1:k")"; printf %s "$copy"' $sh "$tag" | cmp - <(shm get --raw "$tag:k")
	done
	shm rm "$tag"
}

@test "shm: integers count, and refuse to overflow" {
	is 1 "$(shm add "$tag:n")"
	is 9 "$(shm add "$tag:n" 08)"
	is -1 "$(shm add "$tag:n" -0xa)"
	is integer "$(shm type "$tag:n")"
	is -1 "$(shm get "$tag:n")"
	is 2 "$(shm len "$tag:n")"
	is -1 "$(shm swap "$tag:n" 9223372036854775807)"
	fails 3 "does not fit 64 bits; --wrap" shm add "$tag:n"
	is 9223372036854775807 "$(shm get "$tag:n")"
	is -9223372036854775808 "$(shm add --wrap "$tag:n")"
	fails 3 "does not fit" shm add "$tag:n" -1
	fails 2 "an integer has 64 bits" shm add "$tag:n" 9223372036854775808
	fails 2 "an integer has 64 bits" shm add "$tag:n" -9223372036854775809
	for bad in '' x 1x 0x - -- +1 ' 1' 1.5; do
		fails 2 "an integer is decimal or 0x" shm add "$tag:n" "$bad"
	done
	is -9223372036854775808 "$(shm get "$tag:n")"
	is 5 "$(shm max "$tag:n" 5)"
	is 5 "$(shm max "$tag:n" 4)"
	is 3 "$(shm min "$tag:n" 3)"
	is 3 "$(shm min "$tag:n" 4)"
	shm put "$tag:text" -17
	is -16 "$(shm add "$tag:text")"
	shm put "$tag:text" 1.5
	fails 3 "holds text that is no integer" shm add "$tag:text"
	is 1.5 "$(shm get "$tag:text")"
	fails 2 "which N?" shm swap "$tag:n"
	shm rm "$tag"
}

@test "shm: cas changes what it expects and nothing else" {
	is 7 "$(shm cas "$tag:n" 0 7)"
	run -1 --separate-stderr shm cas "$tag:n" 0 8
	is 7 "$output$stderr"
	is 8 "$(shm cas "$tag:n" 7 8)"
	fails 2 "which OLD and NEW?" shm cas "$tag:n" 8
	fails 2 "9: this is one operand too many" shm cas "$tag:n" 8 8 9
	shm rm "$tag"
}

@test "shm: four shells add 5000 each, and none is lost" {
	n=$(rounds 5000)
	few=$((n > 5 ? 100 : 2))
	for _ in 1 2 3 4; do
		# shellcheck disable=SC2016  # for the inner shell
		spawn sh -c 'yes "add $2:n" | head -n "$1" | shm batch >/dev/null' sh "$n" "$tag"
		# shellcheck disable=SC2016
		spawn sh -c 'for i in $(seq "$1"); do shm add "$2:m" >/dev/null; done' sh "$few" "$tag"
	done
	finished "${jobs[@]}"
	is "$((4 * n)) $((4 * few))" "$(shm get "$tag:n") $(shm get "$tag:m")"
	shm rm "$tag"
}

@test "shm: absent is 1, and says so only of a store" {
	for verb in get len type keys all dump ls del unlock ack; do
		case $verb in
		keys | all | dump | ls) t=$tag ;;
		*) t=$tag:k ;;
		esac
		fails 1 "shm: $verb: $t: there is no such store; shm new makes one" shm $verb "$t"
		no 1 shm -q $verb "$t"
		[[ ! -e /dev/shm/$tag ]]
	done
	shm new "$tag"
	for verb in get len type del unlock; do no 1 shm $verb "$tag:k"; done
	for verb in keys all dump; do no 0 shm $verb "$tag"; done
	shm rm "$tag"
	fails 1 "there is no such store" shm rm "$tag"
}

@test "shm: what writes or waits makes the store, unless it must not" {
	for cmd in "put $tag:k v" "add $tag:k" "swap $tag:k 1" "cas $tag:k 0 1" "max $tag:k 1" "min $tag:k 1" \
		"lock $tag:k -- true" "sem -c 1 $tag:k -- true" "barrier -c 1 $tag:k" "push $tag:k i" "close $tag:k" \
		"wait -n $tag:k" "pop -n $tag:k" "load $tag"; do
		# shellcheck disable=SC2086
		set -- $cmd
		fails 1 "there is no such store" shm "$1" --existing "${@:2}" </dev/null
		SHM_STRICT=1 fails 1 "there is no such store" shm "$@" </dev/null
		[[ ! -e /dev/shm/$tag ]]
		run --separate-stderr shm "$@" </dev/null
		((status <= 1))
		case $1 in
		wait | pop) is "shm: $1: $tag:k: the store was not there and is made now" "$stderr" ;;
		*) is "" "$stderr" ;;
		esac
		is 600 "$(stat -c %a "/dev/shm/$tag")"
		SHM_STRICT=0 shm rm "$tag"
	done
	SHM_STRICT=1 shm new -m 0640 --max 1M "$tag"
	is 640 "$(stat -c %a "/dev/shm/$tag")"
	is 1048576 "$(shm ls --json | jq ".stores[] | select(.store == \"$tag\") | .maximum")"
	fails 1 "exists already; --existing" shm new "$tag"
	no 1 shm -q new "$tag"
	no 0 shm new --existing "$tag"
	shm rm "$tag"
}

@test "shm: targets, stores and options that are wrong are told" {
	fails 2 "which verb?" shm
	fails 2 "frob: there is no such verb" shm frob "$tag:k"
	fails 2 "which STORE:CELL?" shm get
	fails 2 "which STORE?" shm keys
	fails 2 "a target is STORE:CELL" shm get "$tag"
	fails 2 "a cell has a name of 1 to 255 bytes" shm get "$tag:"
	fails 2 "a cell has a name of 1 to 255 bytes" shm get "$tag:$(printf %256s x)"
	fails 2 "for a whole store" shm keys "$tag:k"
	for bad in .x -x 'a b' 'ä' a/b /a "$(printf %031d 0)"; do
		fails 2 "a store has 1 to 30 letters" shm get -- "$bad:k"
	done
	fails 2 "''" shm get ''
	fails 2 "a store has 1 to 30" shm get :k
	for word in name key id file pid private sem redis rediss sem.x; do
		fails 2 "a store cannot be called $word" shm put "$word:k" v
	done
	fails 2 "--frob: there is no such option" shm get --frob "$tag:k"
	fails 2 "-Q: there is no such option" shm get -Q "$tag:k"
	fails 2 "--lease is no option of this verb" shm get --lease "$tag:k"
	fails 2 "-w: this option needs an argument" shm pop -w
	fails 2 "--hex=1: this option takes no argument" shm get --hex=1 "$tag:k"
	fails 2 "a time limit is a number of seconds" shm pop -w x "$tag:k"
	fails 2 "a time limit is a number of seconds" shm pop -w -1 "$tag:k"
	fails 2 "a process is a number" shm lock --owner 0 "$tag:k"
	fails 2 "a mode is octal" shm new -m 9 "$tag"
	fails 2 "a size is bytes" shm new --max x "$tag"
	for max in 131071 64k 129G; do
		fails 3 "it is from 131072 to 137438953472, 128K to 128G" shm new --max $max "$tag"
	done
	for max in 128K 128G; do
		no 0 shm new --max $max "$tag"
		shm rm "$tag"
	done
	fails 2 "either --hex or --base64" shm get --hex --base64 "$tag:k"
	fails 2 "source shmutil.sh, or write" shm get -v x "$tag:k"
	fails 2 "extra: this is one operand too many" shm get "$tag:k" extra
	[[ ! -e /dev/shm/$tag ]]
	run -0 shm -h
	has "$output" "usage: shm"
	is "$output" "$(shm get --help)"
	run -0 shm -V
	has "$output" "shm (shmutils"
	shm put "$tag:a:b" colon
	is colon "$(shm get "$tag:a:b")"
	is a:b "$(shm keys "$tag")"
	shm rm "$tag"
}

@test "shm: options stand before or after the verb, and show the calls" {
	shm put "$tag:k" v
	for cmd in "-x get" "get -x" "--explain get" "-qx get"; do
		# shellcheck disable=SC2086
		run -0 --separate-stderr shm $cmd "$tag:k"
		is v "$output"
		has "$stderr" "shm_open(\"/$tag\", O_RDONLY"
	done
	run -124 --separate-stderr shm -x wait -w .01 "$tag:k"
	[[ $stderr != *futex* ]]
	run -124 --separate-stderr shm -xx wait -w 1 "$tag:k"
	has "$stderr" 'futex('
	is v "$(shm --in "/$tag" get k)"
	is v "$(shm get --in="/$tag" k)"
	shm rm "$tag"
}

@test "shm: a value is of its type" {
	shm lock "$tag:l" -- true
	shm push "$tag:q" i
	fails 3 "$tag:l: a lock has no value" shm get "$tag:l"
	fails 3 "a queue has no value; shm ls -l shows it, shm pop takes from it" shm get "$tag:q"
	fails 3 "of another type: lock" shm put "$tag:l" v
	fails 3 "of another type: queue" shm add "$tag:q"
	fails 3 "of another type: lock" shm push "$tag:l" i
	shm put "$tag:k" v
	fails 3 "of another type: bytes" shm lock "$tag:k" -- true
	fails 3 "holds text that is no integer" shm add "$tag:k"
	is "lock queue 1" "$(shm type "$tag:l") $(shm type "$tag:q") $(shm len "$tag:q")"
	shm rm "$tag"
}

@test "shm: keys and all list what there is, escaped or raw" {
	shm put "$tag:b" $'two\nlines'
	shm put "$tag:a=1" 'x\y'
	shm add "$tag:n" -3 >out
	shm push "$tag:q" i
	is "a=1 b n q" "$(shm keys "$tag" | paste -sd ' ')"
	is "b n" "$(shm keys "$tag" '[a-n]' | paste -sd ' ')"
	no 0 shm keys "$tag" 'x*'
	run -0 shm all "$tag"
	is 'a\x3d1=x\x5cy b=two\x0alines n=-3' "${lines[*]}"
	shm all -0 "$tag" | tr '\n\0' '_\n' >out
	is 'a=1=x\y b=two_lines n=-3' "$(paste -sd ' ' out)"
	run -0 shm all --hex "$tag"
	is 'a\x3d1=785c79' "${lines[0]}"
	run -0 shm all --quote "$tag"
	is "n='-3'" "${lines[2]}"
	is $'two\nlines' "$(shm all --json "$tag" | jq -r '.cells[] | select(.key == "b") | .value')"
	is -3 "$(shm all --json "$tag" | jq '.cells[] | select(.key == "n") | .value')"
	is queue "$(shm keys --json "$tag" | jq -r '.cells[] | select(.key == "q") | .type')"
	shm del "$tag:b" "$tag:n"
	is "a=1 q" "$(shm keys "$tag" | paste -sd ' ')"
	run -1 shm del "$tag:b" "$tag:q"
	is "a=1" "$(shm keys "$tag")"
	no 9 shm del -E 9 "$tag:b"
	shm rm "$tag"
}

@test "shm: a name with a NUL is listed whole" {
	echo '{"key_hex":"610062","type":"bytes","value":"v"}' | shm load "$tag"
	is 'a\x00b' "$(shm keys "$tag")"
	has "$(shm ls "$tag")" 'a\x00b bytes'
	shm rm "$tag"
}

@test "shm: a fraction has a point, wherever the user lives" {
	command -v localedef >/dev/null || lacks localedef
	mkdir locales
	localedef -i de_DE -f UTF-8 "$PWD/locales/de_DE.UTF-8" 2>/dev/null || lacks "the sources of locales"
	loadable=$SHMU_BUILD/src/shell/shm
	[[ -f $loadable && -z ${SHMU_SANITIZE-}${SHMU_VALGRIND-} ]] || skip "takes the builtin"
	LOCPATH=$PWD/locales LC_ALL=de_DE.UTF-8 run -0 --separate-stderr bash -c 'enable -f "$1" shm || exit
		printf "%.1f\n" 1,5
		shm -q pop -w 0.01 "$2:q"; echo $?
		shm -q pop -w 0,01 "$2:q" 2>/dev/null; echo $?' bash "$loadable" "$tag"
	is "1,5 124 2" "${lines[*]}"
	shm rm "$tag"
}

@test "shm: ls lists stores and nothing else" {
	shm put "$tag:k" v
	shm new --owner $$ "$tag-o"
	shm-create "$seg-x" 8192
	echo text >"/dev/shm/$tag-y"
	run -0 shm ls
	has "$output" STORE
	is 1 "$(grep -c "^$tag " <<<"$output")"
	is 0 "$(grep -c "$tag-[xy]" <<<"$output" || true)"
	is "1 null" "$(shm ls --json | jq -r ".stores[] | select(.store == \"$tag\") | \"\\(.cells) \\(.process)\"")"
	is "$$ false" "$(shm ls --json | jq -r ".stores[] | select(.store == \"$tag-o\") | \"\\(.process) \\(.dead)\"")"
	has "$(shm ls -l)" "$$ "
	fails 3 "no store" shm rm "$tag-x"
	fails 3 "no store" shm get "$tag-y:k"
	[[ -e /dev/shm/$tag-x && -e /dev/shm/$tag-y ]]
	rm "/dev/shm/$tag-x" "/dev/shm/$tag-y"
	shm rm "$tag" "$tag-o"
}

