# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154  # output and stderr come from run
load helper

data() { head -c "$1" /dev/urandom >in; }

gone() { [[ ! -e /dev/shm$seg && ! -e /dev/shm$seg.bell ]]; }

# feed FILE COMMAND... - spawn with FILE as standard input
feed() {
	local file=$1
	shift
	"$@" <"$file" 3>&- 9>&- &
	jobs+=("$!")
}

# ended PID STATUS - the job has ended so
ended() {
	local status=0
	wait "$1" || status=$?
	is "$2" "$status"
}

# killed PID - and gone
killed() {
	kill -9 "$1"
	ended "$1" 137
}

# acknowledged N - the channel's consumer has acknowledged N bytes at least
position() { od -An -t u8 -j "$1" -N 8 "/dev/shm$seg" 2>/dev/null | tr -d " "; }
published() { [[ $(position 4224) -ge $1 ]]; }
acknowledged() { [[ $(position 4608) -ge $1 ]]; }

@test "fifo: every byte arrives, whoever comes first" {
	data 20000003
	for first in producer consumer; do
		if [[ $first == producer ]]; then
			feed in fifo-producer "$seg"
			producer=$!
			eventually test -e "/dev/shm$seg"
			fifo-consumer "$seg" >out
			ended "$producer" 0
		else
			spawn fifo-consumer "$seg" >out
			consumer=$!
			eventually test -e "/dev/shm$seg"
			fifo-producer "$seg" <in
			ended "$consumer" 0
		fi
		cmp in out
		gone
	done
}

@test "fifo: through a ring of one page, and of nothing" {
	data 300000
	feed in fifo-producer -s 1 "$seg"
	fifo-consumer -s 1 "$seg" | cmp - in
	eventually gone
	feed /dev/null fifo-producer "$seg"
	is "" "$(fifo-consumer "$seg")"
	eventually gone
}

@test "fifo: a producer's 0 means that all was acknowledged" {
	data 1000
	feed in fifo-producer "$seg"
	producer=$!
	eventually published 1000
	kill -0 "$producer"
	fifo-consumer "$seg" >out
	ended "$producer" 0
	cmp in out
}

@test "fifo: killed again and again, --to and --resume give each byte once" {
	data 30000000
	# shellcheck disable=SC2329  # called by its name
	restarted() {
		while :; do
			"$@" 2>>errors && return
			sleep 0.01 || true	# it is killed as well
		done
	}
	spawn restarted sh -c 'exec fifo-producer --resume "$1" <in' sh "$seg"
	producer=$!
	spawn restarted fifo-consumer --resume --to out "$seg"
	consumer=$!
	for ((i = 0; i < $(rounds 60); i++)); do
		sleep "0.00$((RANDOM % 10))"
		if ((i % 3)); then pkill -9 -P "$consumer" || true
		else pkill -9 -P "$producer" || true; fi
	done
	eventually same
	# Either may have begun another stream, if it was killed at the very end.
	kill -9 "$producer" "$consumer" 2>/dev/null || true
	pkill -9 -f "fifo-.*$seg" || true
	eventually deserted
	same
	rm -f "/dev/shm$seg" "/dev/shm$seg.bell"
}
same() { cmp -s in out; }
deserted() { ! pgrep -f "$seg" >/dev/null; }

@test "fifo: the loss of a consumer is 3 with its pid, and leaves nothing" {
	data 10000000
	spawn fifo-consumer "$seg" > >(sleep 20)
	consumer=$!
	fifo-producer "$seg" <in 2>errors &
	producer=$!
	eventually acknowledged 1
	killed "$consumer"
	ended "$producer" 3
	has "$(<errors)" "fifo-producer: $seg: consumer pid $consumer died before the end"
	is 1 "$(wc -l <errors)"
	gone
}

@test "fifo: a producer that waits for input learns that its consumer is gone" {
	mkfifo input
	exec 9<>input
	feed input fifo-producer "$seg" 2>errors
	producer=$!
	spawn fifo-consumer "$seg" >out 9>&-
	consumer=$!
	echo x >&9
	eventually test -s out
	killed "$consumer"
	ended "$producer" 3
	has "$(<errors)" "consumer pid $consumer died before the end, having taken up to byte 2"
	exec 9>&-
	gone
}

@test "fifo: the loss of a producer is 3 with its pid, after what it published" {
	mkfifo input
	exec 9<>input
	feed input fifo-producer "$seg"
	producer=$!
	fifo-consumer "$seg" >out 2>errors &
	consumer=$!
	echo hello >&9
	eventually test -s out
	killed "$producer"
	ended "$consumer" 3
	is hello "$(<out)"
	is "fifo-consumer: $seg: producer pid $producer died before the end, at byte 6" "$(<errors)"
	exec 9>&-
	gone
}

# The consumer has said that it hands on more than it has acknowledged.
writing() { [[ $(position 4616) -gt $(position 4608) ]]; }

@test "fifo: --reconnect waits for another, who goes on" {
	data 9000000
	fifo-producer --reconnect 20 "$seg" <in 2>errors &
	producer=$!
	mkfifo slow
	exec 9<>slow
	spawn fifo-consumer "$seg" >slow
	first=$!
	eventually acknowledged 1000000
	eventually writing
	killed "$first"
	eventually grep -q "waiting 20 s for another" errors
	exec 9>&-
	at=$(position 4608)
	run -1 --separate-stderr fifo-consumer "$seg"
	has "$stderr" "its stream is at byte $at, where consumer pid $first left it; --resume goes on there"
	fifo-consumer --resume "$seg" >rest 2>said
	ended "$producer" 0
	cmp rest <(tail -c +"$((at + 1))" in)
	has "$(<said)" "bytes $at to "
	eventually gone
}

@test "fifo: another that came in time has a time limit of its own" {
	mkfifo input
	exec 9<>input
	fifo-consumer --reconnect "${SHMU_SLOW:+3}0.3" -t 20 "$seg" >out 2>errors 9>&- &
	consumer=$!
	echo a >&9
	feed input fifo-producer "$seg"
	eventually test -s out
	killed $!
	eventually grep -q "waiting .* s" errors
	feed input fifo-producer --resume "$seg"
	producer=$!
	printf 'a\nb\n' >&9
	exec 9>&-
	ended "$producer" 0
	ended "$consumer" 0
	is $'a\nb' "$(<out)"
}

@test "fifo: who was given a non-blocking descriptor waits for it" {
	data 3000000
	cat >nonblocking.py <<-'END'
		import fcntl, os, subprocess, sys
		channel, name = sys.argv[1:]
		given, in_ = os.pipe()
		out, taken = os.pipe()
		for fd in given, taken:
		    fcntl.fcntl(fd, fcntl.F_SETFL, os.O_NONBLOCK)
		c = subprocess.Popen(["fifo-consumer", channel], stdout=taken)
		p = subprocess.Popen(["fifo-producer", channel], stdin=given)
		os.close(given)
		os.close(taken)
		if os.fork() == 0:
		    os.close(out)
		    data = open(name, "rb").read()
		    while data:
		        data = data[os.write(in_, data[:50000]):]
		    os._exit(0)
		os.close(in_)
		got = b""
		while part := os.read(out, 4096):
		    got += part
		sys.exit(p.wait() or c.wait() or got != open(name, "rb").read())
	END
	timeout 60 python3 nonblocking.py "$seg" in
	eventually gone
}

@test "fifo: a stopped consumer is waited for, and goes on" {
	data 12000000
	spawn fifo-consumer "$seg" >out
	consumer=$!
	eventually test -e "/dev/shm$seg"
	kill -STOP "$consumer"
	fifo-producer "$seg" <in &
	producer=$!
	eventually published 4194304
	run -1 fifo-consumer "$seg"
	has "$output" "consumer pid $consumer ($(comm "$consumer")) has the channel"
	kill -CONT "$consumer"
	ended "$producer" 0
	ended "$consumer" 0
	cmp in out
}

@test "fifo: a time limit is 124 and says who does nothing" {
	fails 124 "no producer came within 0.05 s" fifo-consumer -t 0.05 "$seg"
	fails 124 "no consumer came within 0.05 s" fifo-producer -t 0.05 "$seg" </dev/null
	gone
	spawn fifo-consumer "$seg" >out
	consumer=$!
	eventually test -e "/dev/shm$seg"
	kill -STOP "$consumer"
	data 5000000
	fails 124 "consumer pid $consumer did nothing for 0.1 s; it is stopped" fifo-producer -t 0.1 "$seg" <in
	kill -CONT "$consumer"
	ended "$consumer" 3
	gone
}

@test "fifo: a signal ends either side, which dies by it and leaves nothing" {
	for sig in INT TERM HUP; do
		for side in producer consumer; do
			mkfifo input
			env --default-signal fifo-$side "$seg" <>input >/dev/null 2>errors 3>&- &
			pid=$!
			eventually test -e "/dev/shm$seg.bell"
			eventually test -e "/dev/shm$seg"
			kill -$sig "$pid"
			ended "$pid" "$((128 + $(kill -l $sig)))"
			is "" "$(<errors)"
			gone
			rm input
		done
	done
}

@test "fifo: output that is lost is 3 on both sides, with one line each" {
	data 10000000
	feed in fifo-producer "$seg" 2>errors
	producer=$!
	run -3 --separate-stderr bash -c 'set -o pipefail; fifo-consumer "$1" | head -c 10 >/dev/null' sh "$seg"
	is "fifo-consumer: standard output: Broken pipe" "$stderr"
	ended "$producer" 3
	has "$(<errors)" "left before the end"
	is 1 "$(wc -l <errors)"
	gone
}

@test "fifo: one producer and one consumer at a time, and the second is told the first" {
	mkfifo input
	exec 9<>input
	feed input fifo-producer "$seg"
	producer=$!
	spawn fifo-consumer "$seg" >out 9>&-
	consumer=$!
	echo x >&9
	eventually test -s out
	fails 1 "producer pid $producer ($(comm "$producer")) has the channel" fifo-producer "$seg" </dev/null
	fails 1 "consumer pid $consumer ($(comm "$consumer")) has the channel" fifo-consumer "$seg"
	exec 9>&-
	ended "$producer" 0
	ended "$consumer" 0
	is x "$(<out)"
}

@test "fifo: what a dead pair left is replaced, unless it is resumed" {
	data 3000
	feed in fifo-producer --resume "$seg"
	producer=$!
	eventually published 3000
	killed "$producer"
	echo new | fifo-producer "$seg" 2>said &
	producer=$!
	eventually test -s said
	is new "$(fifo-consumer "$seg")"
	ended "$producer" 0
	is "fifo-producer: $seg: beginning anew; 3000 bytes of an earlier stream, which --resume would have gone on with, are dropped" "$(<said)"
	eventually gone
}

@test "fifo: --lines never gives part of a line" {
	seq 1 200000 >in
	feed in fifo-producer --lines "$seg"
	fifo-consumer --lines "$seg" | cmp - in
	eventually gone
	mkfifo input
	exec 9<>input
	feed input fifo-producer --lines "$seg"
	producer=$!
	printf 'one\ntwo\npart' >&9
	fifo-consumer --lines "$seg" >out 2>errors &
	consumer=$!
	eventually test -s out
	killed "$producer"
	ended "$consumer" 3
	is $'one\ntwo' "$(<out)"
	exec 9>&-
	eventually gone
	printf 'a\0b' | fifo-producer --lines -0 "$seg" &
	is 'a b' "$(fifo-consumer --lines -0 "$seg" | tr '\0' ' ')"
	eventually gone
	head -c 5000 /dev/zero | tr '\0' x >in
	spawn fifo-consumer -s 1 "$seg"
	eventually test -e "/dev/shm$seg"
	fails 1 "is longer than the channel's 4096 bytes" fifo-producer --lines "$seg" <in
	eventually gone
}

@test "fifo: --records are those of the library, a line each" {
	{ seq 1 50000; head -c 100000 /dev/zero | tr '\0' x; echo; echo; echo last; } >in
	feed in fifo-producer --records "$seg"
	fifo-consumer --records "$seg" | cmp - in
	eventually gone
	printf 'no newline' | fifo-producer --records "$seg" &
	is "no newline" "$(fifo-consumer --records "$seg")"
	eventually gone
	feed in fifo-producer --records "$seg"
	eventually test -e "/dev/shm$seg"
	fails 1 "carries records (--records)" fifo-consumer "$seg"
	fifo-consumer --records -s 8K "$seg" 2>note | cmp - in
	is "fifo-consumer: $seg: the other side made it with 4194304 bytes, so --size does nothing" "$(<note)"
	eventually gone
}

@test "fifo: --verify finds a byte that changed on its way" {
	data 100000
	feed in fifo-producer --verify "$seg"
	fifo-consumer --verify "$seg" | cmp - in
	eventually gone
	fifo-producer --verify "$seg" <in &
	producer=$!
	eventually published 100000
	printf '\x00\x01\x02' | dd of="/dev/shm$seg" bs=1 seek=60000 conv=notrunc status=none
	fails 3 "the checksum is wrong" fifo-consumer --verify --to out "$seg"
	eventually gone
	feed in fifo-producer "$seg"
	fails 3 "the producer gave no checksum" fifo-consumer --verify --to out "$seg"
	eventually gone
}

@test "fifo: a full filesystem, a taken name and a squatted bell are one line each" {
	isolated
	(mount -t tmpfs -o size=2M tmpfs /dev/shm 2>/dev/null) || lacks "a tmpfs of its own"
	fails 3 "/dev/shm is full: 4194304 bytes asked" fifo-producer "$seg" </dev/null
	is "" "$(ls -A /dev/shm)"
	umount /dev/shm
	mkdir "/dev/shm$seg"
	fails 3 "a directory" fifo-consumer "$seg"
	rmdir "/dev/shm$seg"
	mkfifo "/dev/shm$seg"
	fails 3 "a FIFO" fifo-consumer "$seg"
	rm "/dev/shm$seg"
	ln -s /nonesuch "/dev/shm$seg"
	fails 3 "symbolic link" fifo-consumer "$seg"
	rm "/dev/shm$seg"
	shm-create -q "$seg" 1M >/dev/null
	fails 3 "something else of this name" fifo-consumer "$seg"
	shm-rm -q "$seg"
	echo mine >"/dev/shm$seg.bell"
	fails 3 "its bell" fifo-producer "$seg" </dev/null
	is mine "$(<"/dev/shm$seg.bell")"
	rm "/dev/shm$seg.bell"
	ln -s "$PWD/target" "/dev/shm$seg.bell"
	fails 3 "its bell" fifo-producer "$seg" </dev/null
	[[ ! -e target ]]
	rm "/dev/shm$seg.bell"
}

@test "fifo: both names have the mode asked for, whatever the umask" {
	for mask in 000 077 777; do
		(umask $mask; exec fifo-producer -m 0640 "$seg" </dev/null 3>&-) &
		producer=$!
		eventually test -e "/dev/shm$seg"
		is "640 640" "$(stat -c %a "/dev/shm$seg" "/dev/shm$seg.bell" | xargs)"
		fifo-consumer "$seg"
		ended "$producer" 0
	done
	feed /dev/null fifo-producer "$seg"
	eventually test -e "/dev/shm$seg"
	is "600 600" "$(stat -c %a "/dev/shm$seg" "/dev/shm$seg.bell" | xargs)"
	fifo-consumer "$seg"
	eventually gone
}

@test "fifo: another user's channel is refused, though its mode is open" {
	can_be_others
	feed /dev/null fifo-producer -m 0666 "$seg"
	eventually test -e "/dev/shm$seg"
	fails 3 "the channel is another user's" "${other[@]}" fifo-consumer "$seg"
	fifo-consumer "$seg"
	eventually gone
}

@test "fifo: a channel cut short by somebody else is a line, not a signal" {
	mkfifo input
	exec 9<>input
	for side in producer consumer; do
		fifo-$side "$seg" <input >/dev/null 2>errors 3>&- 9>&- &
		pid=$!
		eventually test -e "/dev/shm$seg"
		truncate -s 0 "/dev/shm$seg"
		if [[ $side == producer ]]; then echo x >&9; else kill -TERM "$pid"; fi
		ended "$pid" 3
		has "$(<errors)" "fifo-$side: $seg: the channel was cut short by somebody else"
		is 1 "$(wc -l <errors)"
		rm "/dev/shm$seg" "/dev/shm$seg.bell"
	done
	exec 9>&-
}

@test "fifo: the end waits for who was killed before it saw it" {
	data 3000
	feed in fifo-producer --resume "$seg"
	killed_after_all=$!
	eventually published 3000
	eventually finished
	killed "$killed_after_all"
	fifo-consumer "$seg" --resume --to out
	cmp in out
	cat in in >longer
	fails 3 "its stream ended at byte 3000, and the input goes on" fifo-producer --resume "$seg" <longer
	fifo-producer --resume "$seg" <in
	gone
}
finished() { [[ $(od -An -t u4 -j 4112 -N 4 "/dev/shm$seg" | tr -d ' ') == 1 ]]; }

# So many have been the channel's producer.
producers() { [[ $(od -An -t u4 -j 4532 -N 4 "/dev/shm$seg" | tr -d ' ') == "$1" ]]; }

@test "fifo: a resumed side checks that it has the same data" {
	data 5000
	feed in fifo-producer --resume "$seg"
	producer=$!
	eventually published 5000
	killed "$producer"
	head -c 100 in >short
	fails 3 "5000 bytes were sent already, more than the input has" fifo-producer --resume "$seg" <short
	fifo-producer --resume "$seg" <in &
	producer=$!
	eventually producers 3
	fifo-consumer --resume --to out "$seg"
	ended "$producer" 0
	cmp in out
	eventually gone
	data 6000000
	fifo-producer --reconnect 20 "$seg" <in 2>/dev/null &
	producer=$!
	eventually test -e "/dev/shm$seg"
	(ulimit -f 1000; trap '' XFSZ; exec fifo-consumer --to out "$seg" 2>errors 3>&-) || status=$?
	is 3 "$status"
	has "$(<errors)" "File too large"
	head -c 10 in >other
	fails 3 "has 10 bytes, and" fifo-consumer --resume --to other "$seg"
	fifo-consumer --resume --verify --to out "$seg" 2>errors || status=$?
	has "$(<errors)" "the producer gave no checksum"
	ended "$producer" 0
	cmp in out
	eventually gone
}

@test "fifo: --to wants a regular file, and makes none when the channel fails" {
	fails 3 "--to needs a regular file" fifo-consumer --to /dev/null "$seg"
	mkfifo pipe
	fails 3 "--to needs a regular file" fifo-consumer --to pipe "$seg"
	fails 1 "no such object" fifo-consumer -e --to new "$seg"
	[[ ! -e new ]]
	fails 1 "no such object" fifo-producer -e "$seg" </dev/null
	fails 124 "no producer came" fifo-consumer -t 0.05 --to new "$seg"
	is 0 "$(stat -c %s new)"
	echo precious >new
	fails 1 "there is no stream to resume, and new has 9 bytes" fifo-consumer --resume --to new "$seg"
	is precious "$(<new)"
	gone
}

@test "fifo: what makes no sense is 2 and touches nothing" {
	fails 2 "which CHANNEL" fifo-producer
	fails 2 "one operand too many" fifo-consumer a b
	fails 2 "write /7 for the object of that name" fifo-producer 7
	fails 2 "a size is bytes" fifo-consumer -s much "$seg"
	fails 2 "go with --plain" fifo-producer --text hi "$seg"
	fails 2 "which FIFO" fifo-consumer --plain "$seg"
	fails 2 "leave the options of the stream out" fifo-producer --plain --fifo p --verify "$seg"
	fails 2 "cannot be resumed into a file" fifo-consumer --records --resume --to out "$seg"
	fails 2 "belong to sem_open(3)" fifo-producer /sem.x
	fails 2 "choose --lines or --records" fifo-producer --lines --records "$seg"
	fails 2 "cannot be read again" fifo-consumer --resume --verify "$seg"
	fails 3 "too long" fifo-producer "/$(printf 'x%.0s' {1..252})" </dev/null
	gone
}

@test "fifo: -x shows the calls, and waits only when given twice" {
	echo hi | fifo-producer -x "$seg" 2>calls &
	producer=$!
	eventually published 3
	fifo-consumer -xx "$seg" >out 2>calls2
	ended "$producer" 0
	has "$(<calls)" "mkfifo(\"/dev/shm$seg.bell\", 0600) = 0"
	has "$(cat calls calls2)" "unlink(\"/dev/shm$seg\") = 0"
	[[ $(<calls) != *futex* ]]
	has "$(<calls2)" "FUTEX_WAKE"
}

@test "fifo: --plain tells why it could not make its FIFO" {
	fails 3 "nodir/x: this FIFO cannot be made: No such file" fifo-consumer --plain --fifo nodir/x -t 1 "$seg"
	[[ ! -e /dev/shm$seg ]]
}

@test "fifo: --plain, with a textbook's program at the other end, both ways" {
	cc -o textbook "$SHMU_SRC/tests/textbook/fifo.c"
	spawn ./textbook consume "$seg" bell >out
	consumer=$!
	eventually test -p bell
	fifo-producer --plain --fifo bell -c 2 --text 'good day' "$seg"
	eventually grep -c . out
	eventually test "$(grep -c '^data from prod: good day$' out)" -ge 1
	kill "$consumer"
	rm -f bell
	spawn ./textbook produce "$seg" bell
	producer=$!
	eventually test -p bell
	is $'data from prod: Hello \ndata from prod: Hello ' "$(fifo-consumer --plain --fifo bell -c 2 "$seg")"
	kill "$producer"
	rm -f bell "/dev/shm$seg"
}

@test "fifo: --plain clears 10 bytes, escapes what is hostile, checks what it opens" {
	fifo-consumer --plain --fifo bell -c 1 "$seg" >out &
	consumer=$!
	eventually test -p bell
	eventually test -s "/dev/shm$seg"
	is "1048576" "$(stat -c %s "/dev/shm$seg")"
	exec 9<>"/dev/shm$seg"
	fifo-producer --plain --fifo bell -c 1 --text $'a\e[2Jbcdefghij' "$seg"
	ended "$consumer" 0
	is 'data from prod: a\x1b[2Jbcdefghij' "$(<out)"
	is "000000000000000000006869" "$(head -c 12 <&9 | od -An -tx1 -N 14 | tr -d ' \n' | head -c 24)" || true
	exec 9>&-
	[[ ! -e bell ]]
	gone
	fails 124 "no message came for 0.05 s" fifo-consumer --plain --fifo bell -t 0.05 "$seg"
	echo file >bell
	fails 3 "this is no FIFO" fifo-producer --plain --fifo bell -c 1 "$seg"
	rm bell
	ln -s elsewhere bell
	fails 3 "symbolic link" fifo-producer --plain --fifo bell -c 1 "$seg"
	rm bell
	shm-create -q "$seg" 100 >/dev/null
	fails 1 "has 100 bytes, and the textbook protocol needs 1M" fifo-consumer --plain --fifo bell "$seg"
	shm-rm -q "$seg"
	[[ ! -e bell ]]
}
