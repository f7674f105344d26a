# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154  # tag, output and stderr are the helper's and run's
load helper

# batch OPTION... - do the lines of standard input, where @ is the store
batch() { sed "s/@/$tag/g" | shm batch "$@"; }

@test "shm: batch answers each line with a status and a value" {
	batch >out <<-'END'
	add @:n 5
	get @:n
	put @:t "two  words and \"quotes\" \ "
	get @:t
	put   @:t   'it'\''s' 
	get @:t

	get @:none
	frob
	lock @:l
	lock -n @:l
	unlock @:l
	put @:x one two
	put @:x "open
	keys @
	push @:q a b
	pop @:q
	get @:q
	get -i @:q
	put -i @:x
	lock @:l -- true
	batch
	add @:n 0x7fffffffffffffff
	END
	sed "s/@/$tag/g" >want <<-'END'
	0 5
	0 5
	0
	0 two  words and "quotes" \x5c 
	0
	0 it's
	1
	2 shm: frob: there is no such verb; shm -h tells
	0
	3 shm: lock: @:l: this process has the lock already
	0
	2 shm: put: two: this is one operand too many; quote the text
	2 shm: batch: a quote is not closed
	0 l\x0an\x0at
	0
	0 a
	3 shm: get: @:q: a queue has no value; shm ls -l shows it, shm pop takes from it
	2 shm: get: --stdin is no option of this verb; shm -h tells
	2 shm: put: @:x: standard input cannot be read from here
	2 shm: lock: @:l: no command can be run from here
	2 shm: batch: this is a batch already
	3 shm: add: @:n: the sum does not fit 64 bits; --wrap goes round
	END
	diff want out
	is $'0 \x01' "$(printf 'put @:t %s\0get @:t\0' $'"\x01"' | batch -0 | tr '\0' '\n' | tail -n 1)"
	is 'two
lines' "$(printf 'put @:t "two\nlines"\0get @:t\0' | batch -0 | tr '\0' '\n' | tail -n +2 | cut -c 3- | sed '2s/.*/lines/')"
	printf 'get @:n\nget @:q\nget @:none\n' | batch --json >json
	is '0 "5" null' "$(jq -c .status,.value,.message json | head -n 3 | paste -sd ' ')"
	is "3 1" "$(jq .status json | tail -n 2 | paste -sd ' ')"
	is "last" "$(printf 'put @:t last\nget @:t' | batch | tail -n 1 | cut -c 3-)"
	shm rm "$tag"
}

@test "shm: batch as a coprocess answers as it is asked, and holds what it takes" {
	coproc BATCH { exec shm batch 2>&1; }
	pid=$BATCH_PID
	jobs+=("$pid")
	ask() { echo "$*" >&"${BATCH[1]}" && read -t 10 -r status value <&"${BATCH[0]}"; }
	for ((i = 1; i <= 100; i++)); do
		ask add "$tag:n"
		is "0 $i" "$status $value"
	done
	ask lock "$tag:l"
	no 1 shm lock -n "$tag:l" -- true
	printf 'add %s:n\nwait -w 100 %s:go -ne 0\n' "$tag" "$tag" >&"${BATCH[1]}"
	read -t 10 -r status value <&"${BATCH[0]}"
	is "0 101" "$status $value"
	shm add "$tag:go" >out
	read -t 10 -r status value <&"${BATCH[0]}"
	is 0 "$status$value"
	# Another store of that name is another store.
	shm rm "$tag"
	ask get "$tag:n"
	is 1 "$status"
	ask put "$tag:n" new
	is new "$(shm get "$tag:n")"
	shm rm "$tag"
	shm put "$tag:n" newer
	ask get "$tag:n"
	is "0 newer" "$status $value"
	eval "exec ${BATCH[1]}>&-"
	eventually [ ! -d "/proc/$pid" ]
	shm rm "$tag"
}

@test "shm: batch gives back what it took, when its input ends" {
	printf '%s\n' "lock $tag:l" "lock $tag:m" "unlock $tag:m" "acquire -c 3 $tag:s" "acquire -c 3 $tag:s" \
		"release $tag:s" "lock --owner $$ $tag:mine" "--in $seg lock x" | shm batch >out
	is 8 "$(grep -cx 0 out)"
	for cell in l m x; do no 0 shm lock -n "$tag:$cell" -- true; done
	no 0 shm sem -n -c 3 "$tag:s" -- true
	is 0 "$(shm len "$tag:s")"
	no 1 shm lock -n "$tag:mine" -- true
	loadable=$SHMU_BUILD/src/shell/shm
	if [[ -f $loadable && -z ${SHMU_SANITIZE-}${SHMU_VALGRIND-} ]]; then
		# shellcheck disable=SC2016  # for the inner shell
		run -0 --separate-stderr bash -c 'enable -f "$1" shm || exit
			shm batch <<<"lock $2:l" && env shm lock -n "$2:l" -- echo free
			shm batch <<<"lock --owner $$ $2:l" && env shm lock -n "$2:l" -- echo free
			enable -d shm 2>/dev/null || echo pinned
			shm batch <<<"unlock $2:l" && enable -d shm
			enable -f "$1" shm; shm lock "$2:l" && shm unlock --owner $$ "$2:l" && enable -d shm' \
			bash "$loadable" "$tag"
		is "0 free 0 pinned 0" "${lines[*]}"
		is "" "$stderr"
	fi
	shm rm "$tag"
}

@test "shm: batch answers with all of a value and all of the messages" {
	printf 'x\n' | shm put -i "$tag:k"
	is '0 x\x0a' "$(echo "get --raw $tag:k" | shm batch)"
	is '0 x\x0a' "$(echo "get -0 $tag:k" | shm batch)"
	is '0 x\x0a' "$(echo "get $tag:k" | shm batch)"
	is "1 shm: rm: $tag-a: there is no such store; shm new makes one\\x0ashm: rm: $tag-b: there is no such store; shm new makes one" \
		"$(echo "rm $tag-a $tag-b" | shm batch)"
	shm rm "$tag"
}

@test "shm: batch uses more stores than it keeps attached" {
	for i in 1 2 3; do
		for ((j = 0; j < 12; j++)); do echo "add $tag-$j:n"; done
	done | shm batch >out
	is 36 "$(grep -c '^0 [123]$' out)"
	for ((j = 0; j < 12; j++)); do
		is 3 "$(shm get "$tag-$j:n")"
		shm rm "$tag-$j"
	done
}

@test "shm: an empty queue is loaded as one" {
	shm push -c 5 "$tag:q" i
	shm pop "$tag:q" >out
	shm dump "$tag" >one
	is '{"key":"q","type":"queue","places":5,"closed":false,"items":[]}' "$(cat one)"
	shm put "$tag:q2" v
	shm del "$tag:q"
	spawn sh -c 'shm pop "$1:q" >popped; echo $? >>popped' sh "$tag"
	pop=$!
	eventually [ -e "/dev/shm/$tag" ]
	for ((i = 0; i < $(rounds 200); i++)); do cat one; done | shm load "$tag"
	kill -0 "$pop"
	diff one <(shm dump "$tag" | grep -v q2)
	shm push "$tag:q" item
	eventually grep -q 0 popped
	is "item 0" "$(paste -sd ' ' popped)"
	shm rm "$tag"
}

@test "shm: what is dumped and loaded is the same again" {
	shm put "$tag:text" $'käse "quoted" \\ \x01'
	printf 'a\0\377' | shm put -i "$tag:bytes"
	shm put "$tag:$(printf 'k\377')" 'odd key'
	shm put "$tag:empty" ''
	shm add "$tag:n" -9223372036854775808 >out
	shm push -c 5 "$tag:q" one $'two\nlines' ''
	shm push --hex "$tag:q" ff00
	shm push "$tag:shut" i
	shm pop "$tag:shut" >out
	shm close "$tag:shut"
	shm sem -c 3 "$tag:s" -- true
	shm barrier -n -c 4 "$tag:b" || is 1 $?
	shm lock "$tag:l" -- true
	shm lock --owner $$ "$tag:held"
	shm push "$tag:lease" leased rest
	shm pop --lease --owner $$ "$tag:lease" >out
	shm dump "$tag" >one
	is 12 "$(wc -l <one)"
	jq -e .key one >out
	has "$(cat one)" '"items":["leased","rest"]'
	shm load "$tag-copy" <one
	shm dump "$tag-copy" >two
	diff one two
	# And over what is there, of whatever kind.
	shm del "$tag-copy:text" "$tag-copy:n" "$tag-copy:l"
	shm lock "$tag-copy:n" -- true
	shm push "$tag-copy:text" i
	shm put "$tag-copy:l" text
	shm put "$tag-copy:more" more
	shm load "$tag-copy" <one
	shm del "$tag-copy:more"
	is "$(cat one)" "$(shm dump "$tag-copy")"
	printf 'a\0\377' | cmp - <(shm get --raw "$tag-copy:bytes")
	is one "$(shm pop "$tag-copy:q")"
	shm unlock --owner $$ "$tag:held"
	shm rm "$tag" "$tag-copy"
}

@test "shm: load tells the line that is wrong, and stores none of it" {
	good='{"key":"good","type":"integer","value":1}'
	while read -r line; do
		printf '%s\n\n%s\n%s\n' "$good" "$line" '{"key":"late","type":"lock"}' >in
		run -3 --separate-stderr shm load "$tag" <in
		is "" "$output"
		one_line
		has "$stderr" "shm: load: $tag: line 3: " || { echo "$line" >&2; return 1; }
		is good "$(shm keys "$tag")" || { echo "$line" >&2; return 1; }
	done <<-'END'
	x
	{}
	[]
	{"key":"k"}
	{"key":"","type":"lock"}
	{"key":"k","type":"frob"}
	{"key":"k","type":"bytes"}
	{"key":"k","type":"bytes","value":1}
	{"key":"k","type":"integer","value":"1"}
	{"key":"k","type":"integer","value":1.5}
	{"key":"k","type":"integer","value":9223372036854775808}
	{"key":"k","type":"semaphore"}
	{"key":"k","type":"semaphore","places":0}
	{"key":"k","type":"semaphore","places":1025}
	{"key":"k","type":"barrier","places":-1}
	{"key":"k","type":"queue","places":1,"items":["a"}
	{"key":"k","type":"queue","places":1,"items":[1]}
	{"key":"k","type":"queue","places":1,"items":["a","b"]}
	{"key":"k","type":"bytes","value":"a"
	{"key":"k","type":"bytes","value":"a"}}
	{"key":"k","type":"bytes","value":"\x"}
	{"key":"k","type":"bytes","value":"\u12"}
	{"key":"k","type":"bytes","value":"\ud800"}
	{"key":"k","type":"bytes","value":"\ud800\u0041"}
	{"key":"k","type":"bytes","value":"","value_hex":"f"}
	{"key":"k","type":"bytes","value":"a","frob":1}
	{"key":"k" "type":"lock"}
	"k"
	END
	printf '{"key":"k","type":"bytes","value":"%s"}' '\ud83d\ude00\u00e4\n\/' | shm load "$tag"
	is $'\xf0\x9f\x98\x80\xc3\xa4\n/' "$(shm get "$tag:k")"
	shm rm "$tag"
}

@test "shm: any segment can be a store" {
	shm-create "$key" 1M >out
	fails 3 "this segment is no store" shm --in "$key" get k
	shm-rm -q "$key"
	for where in "$key" ./file "name:$tag.x"; do
		is 1 "$(shm --in "$where" add k)"
		is 2 "$(shm add --in "$where" k)"
		is k "$(shm --in "$where" keys)"
		no 0 shm --in "$where" keys 'x*'
		no 0 shm --in "$where" lock l -- true
		# shellcheck disable=SC2094  # nothing is written
		shm --in "$where" dump >dump
		printf 'get k\nadd k\n' | sed "s|^|--in $where |" | shm batch >out
		is "0 2 0 3" "$(paste -sd ' ' out)"
		no 0 shm --in "$where" put -- -k -v
		is -v "$(shm --in "$where" get -- -k)"
		has "$(shm --in "$where" ls)" "integer"
		no 0 shm --in "$where" rm
		fails 1 "there is no such store" shm --in "$where" get k
	done
	fails 2 "private" shm --in private put k v
	fails 2 "which STORE:CELL?" shm --in ./file get
	[[ ! -e file ]]
}

@test "shm: the store of another user is refused" {
	can_be_others
	[[ $(id -u) == 0 ]] || lacks "root"
	"${other[@]}" shm new -m 0666 "$tag"
	for cmd in "get $tag:k" "put $tag:k v" "add $tag:n" "keys $tag" "rm $tag" "lock -n $tag:l -- true"; do
		# shellcheck disable=SC2086
		fails 3 "the store is another user's; --any-owner uses it all the same" shm $cmd
	done
	no 0 shm put --any-owner "$tag:k" v
	is v "$(shm get --any-owner "$tag:k")"
	shm new "$tag-mine"
	fails 3 "another user's" "${other[@]}" shm get --any-owner "$tag-mine:k" ||
		fails 3 "no permission" "${other[@]}" shm get --any-owner "$tag-mine:k"
	no 0 shm rm --any-owner "$tag"
	shm rm "$tag-mine"
}

@test "shm: who may only read can read" {
	can_be_others
	shm new -m 0644 "$tag"
	shm put "$tag:k" v
	reader() { "${other[@]}" shm --any-owner "$@"; }
	is v "$(reader get "$tag:k")"
	is k=v "$(reader all "$tag")"
	is '{"key":"k","type":"bytes","value":"v"}' "$(reader dump "$tag")"
	has "$(reader ls "$tag")" "bytes"
	shm lock "$tag:l" -- true
	shm push "$tag:q" i
	run -0 --separate-stderr reader ls -l "$tag"
	is "CELL TYPE LENGTH HELD BY WAITING|k bytes 1|l lock ? ? ?|q queue ? ? ?|" \
		"$(tr -s ' \n' ' |' <<<"$output")"
	is "" "$stderr"
	is '[1,null,null]' "$(reader ls --json "$tag" | jq -c '[.cells[].length]')"
	run -3 --separate-stderr reader dump "$tag"
	is '{"key":"k","type":"bytes","value":"v"} {"key":"l","type":"lock"}' "${lines[*]}"
	is "shm: dump: $tag: the store has a queue, of which only who may write can see what it is like" "$stderr"
	fails 3 "no permission: owner" "${other[@]}" shm --any-owner put "$tag:k" w
	fails 3 "no permission: only its owner" "${other[@]}" shm --any-owner rm "$tag"
	shm rm "$tag"
}

@test "shm: a store that is full says so, and stays as it is" {
	shm new --max 1M "$tag"
	head -c 2000000 /dev/zero >big
	fails 3 "more than the store can have" shm put -i "$tag:k" <big
	fails 3 "more than the store can have" shm put -i --length 2000000 "$tag:k" <big
	fails 3 "more than the store can have" shm put -i "$tag:k" </dev/zero
	fails 3 "a line of more than" shm push -i "$tag:k" </dev/zero
	fails 3 "a line of more than" shm load "$tag" </dev/zero
	fails 3 "the store is full" shm put -i --length 1048576 "$tag:k" <big
	is "" "$(shm keys "$tag")"
	head -c 100000 /dev/zero >some
	i=0
	while shm put -i "$tag:k$i" <some 2>err; do ((i += 1)); done
	has "$(cat err)" "the store is full"
	((i >= 4))
	is "$i" "$(shm keys "$tag" | wc -l)"
	fails 3 "the store is full" shm push -i "$tag:q" <some
	shm del "$tag:k0"
	no 0 shm put -i "$tag:k0" <some
	shm rm "$tag"
}

@test "shm: a filesystem that is full is told" {
	isolated
	# shellcheck disable=SC2016  # for the inner shell
	run -0 --separate-stderr unshare -m sh -c '
		mount -t tmpfs -o size=1M tmpfs /dev/shm || exit 77
		shm put a:k v
		head -c 2000000 /dev/zero | shm put -i a:k && exit 1
		head -c 1000000 /dev/zero 2>&1 >/dev/shm/rest | :
		shm put b:k v && exit 1
		[ "$(shm get a:k)" = v ] && [ ! -e /dev/shm/b ]'
	is 2 "$(wc -l <<<"$stderr")"
	has "${stderr%%$'\n'*}" "a:k: the store cannot grow: it has "
	has "${stderr#*$'\n'}" "b:k: /dev/shm is full: "
}

@test "shm: on a filesystem that may only be read cells are listed" {
	isolated
	# shellcheck disable=SC2016  # for the inner shell
	run -0 --separate-stderr unshare -m sh -c '
		mount -t tmpfs tmpfs /dev/shm || exit 77
		shm put a:k v && shm lock a:l -- true
		mount -o remount,bind,ro /dev/shm
		shm ls a && shm dump a'
	is "" "$stderr"
	has "$output" "bytes      1"
	has "$output" "lock       ?"
	has "$output" '{"key":"l","type":"lock"}'
}

@test "shm: what is no store, or a damaged one, is refused" {
	for size in 0 10 4096 1048576; do
		head -c $size /dev/zero >"/dev/shm/$tag"
		fails 3 "this segment is no store" shm get "$tag:k"
		fails 3 "this segment is no store" shm put "$tag:k" v
		fails 3 "this segment is no store" shm rm "$tag"
	done
	rm "/dev/shm/$tag"
	shm-heap create "/$tag" 1M >out
	fails 3 "holds something else" shm put "$tag:k" v
	fails 3 "holds something else" shm rm "$tag"
	shm-rm -q "/$tag"
	ln -s /etc/passwd "/dev/shm/$tag"
	fails 3 "symbolic link" shm get "$tag:k"
	rm "/dev/shm/$tag"
	shm put "$tag:k" v
	printf xxxx | dd of="/dev/shm/$tag" bs=1 seek=24 conv=notrunc status=none
	fails 3 "damaged" shm get "$tag:k"
	no 0 shm rm "$tag"
	[[ ! -e /dev/shm/$tag ]]
}

@test "shm: lost output is a failure, but what was done is done" {
	[[ -e /dev/full ]] || lacks /dev/full
	run -3 --separate-stderr sh -c 'shm add "$1:n" >/dev/full' sh "$tag"
	has "$stderr" "standard output is lost"
	is 1 "$(shm get "$tag:n")"
	shm rm "$tag"
}

@test "shm: the scripts of the manual do what they say" {
	# A counter from a pipeline.
	seq 10 | while read -r _; do shm add "$tag:n" >out; done
	is 10 "$(shm get "$tag:n")"
	# One instance only.
	shm lock -n "$tag:backup" -- shm lock -n "$tag:backup" -- echo two >out || is 1 $?
	is "" "$(cat out)"
	# Progress of workers in parallel.
	seq 20 | xargs -P8 -I{} sh -c 'shm add "$1:done" >/dev/null' sh "$tag" &
	jobs+=("$!")
	no 0 shm wait -w 10 "$tag:done" -ge 20
	# Until the server is ready.
	no 124 shm wait -w .01 "$tag:ready" -ne 0
	spawn sh -c 'shm put "$1:ready" 1' sh "$tag"
	no 0 shm wait -w 10 "$tag:ready" -ne 0
	# A leader.
	no 0 shm lock -n --owner $$ "$tag:leader"
	spawn sleep 100
	no 1 shm lock -n --owner $! "$tag:leader"
	# Phases in step.
	for i in 1 2 3; do
		# shellcheck disable=SC2016
		spawn sh -c 'echo 1 >>one; shm barrier -c 4 -w 10 "$1:b" >/dev/null || exit; wc -l <one >"two.$2"' sh "$tag" $i
	done
	echo 1 >>one
	shm barrier -c 4 -w 10 "$tag:b" >out
	for i in 1 2 3; do
		eventually [ -s two.$i ]
		is 4 "$(cat two.$i)"
	done
	shm rm "$tag"
}
