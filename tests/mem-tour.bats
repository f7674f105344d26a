# SPDX-License-Identifier: MIT
# shellcheck disable=SC2154  # output and stderr come from run
load helper

setup_file() {
	export XDG_STATE_HOME=$BATS_FILE_TMPDIR/state HOME=$BATS_FILE_TMPDIR
	unset NO_COLOR COLUMNS LINES MALLOC_PERTURB_
}

# No terminal outlives its test, whatever happens in it.
eval "helper_$(declare -f teardown)"
teardown() {
	[[ -z ${server-} ]] || tmux -L "$server" kill-server 2>/dev/null || true
	helper_teardown
}

names() { mem-tour --json list | jq -r '.lessons[].name'; }

# Runs of every lesson in each of the circumstances below.
runs() { echo "${SHMU_TOUR_RUNS:-$([[ ${SHMU_SLOW-} ]] && echo 1 || echo 3)}"; }

# judged COMMAND... - so many runs of all lessons: none is not seen, and what is
# skipped says why
judged() {
	local i status n
	n=$(mem-tour --json list | jq '.lessons | length')
	for ((i = 0; i < $(runs); i++)); do
		status=0
		"$@" mem-tour --check --json run all >found 2>errors || status=$?
		is "" "$(<errors)"
		is "" "$(jq -c '.lessons[] | select(.verdict == "not seen") |
			[.lesson, .reason, .values]' found)"
		is "$n" "$(jq '.lessons | length' found)"
		jq -e 'all(.lessons[]; (.verdict == "seen") == (.reason == null))' found
		jq -r '.lessons[] | select(.reason != null) | .lesson + ": " + .reason' found
		is "$(jq 'if any(.lessons[]; .verdict != "seen") then 77 else 0 end' found)" "$status"
	done
}

@test "mem-tour: every lesson is seen, or says why not" {
	judged env
	[[ $(jq '[.lessons[] | select(.verdict == "seen")] | length' found) -ge 1 ]]
}

@test "mem-tour: so it is for another user" {
	can_be_others
	judged "${other[@]}"
}

@test "mem-tour: so it is on one processor" {
	cpu=$(taskset -pc $$ | sed 's/.*: *\([0-9]*\).*/\1/')
	judged taskset -c "$cpu"
}

@test "mem-tour: so it is in a user namespace" {
	unshare -Ur true 2>/dev/null || lacks "user namespaces"
	judged unshare -Ur
}

@test "mem-tour: so it is under load" {
	for _ in 1 2 3 4; do
		spawn sh -c 'while :; do :; done'
	done
	SHMU_TOUR_RUNS=${SHMU_TOUR_RUNS-1} judged env
}

@test "mem-tour: two runs measure the same, and no address" {
	mem-tour --check --json run cow >one
	mem-tour --check --json run cow >two
	diff <(jq '.lessons[].values | del(.child_faults)' one) \
		<(jq '.lessons[].values | del(.child_faults)' two)
	for _ in one two; do
		mem-tour --check --json run all >whole || (($? == 77))
		is "" "$(grep -oE '0x[0-9a-f]{6,}|[0-9]{14,}' whole)"
	done
}

@test "mem-tour: the lint passes every lesson, and refuses what lacks a part" {
	"$SHMU_SRC/tests/lint-lessons" "$SHMU_SRC"/src/lessons/[0-9]*.c
	for part in title question hint why pages choices answer measure; do
		cp "$SHMU_SRC/src/lessons/04-cow.c" .
		sed -i "s/^	\\.$part = /	.x$part = /" 04-cow.c
		run -1 "$SHMU_SRC/tests/lint-lessons" 04-cow.c
	done
	for line in 'tour_check(' 'tour_step(' '\/\* show'; do
		cp "$SHMU_SRC/src/lessons/04-cow.c" .
		sed -i "/$line/d" 04-cow.c
		run -1 "$SHMU_SRC/tests/lint-lessons" 04-cow.c
	done
	sed 's/^	\.hint = .*/	.hint = "",/' "$SHMU_SRC/src/lessons/04-cow.c" >04-cow.c
	run -1 "$SHMU_SRC/tests/lint-lessons" 04-cow.c
	is "04-cow.c: no hint" "$output"
}

@test "mem-tour: every lesson of the tree is in the course" {
	is "$(cd "$SHMU_SRC/src/lessons" && printf '%s\n' [0-9]*.c | sed 's/^[0-9]*-//; s/\.c$//')" "$(names)"
}

@test "mem-tour: the C that is shown is the lesson's, and compiles as shown" {
	# Behind the headers that mem-tour-student(7) gives.
	sed -n '/^#define _GNU_SOURCE/,/^END/p' "$SHMU_SRC/man/mem-tour-student.7" |
		grep '^#' >headers
	[[ $(wc -l <headers) -gt 5 ]]
	for name in $(names); do
		mem-tour code "$name" >shown
		[[ -s shown ]]
		cat headers shown >"$name.c"
		# shellcheck disable=SC2086  # CC may have options
		${CC:-cc} -I"$SHMU_SRC/src/include" -Wall -Wextra -Wno-unused-function \
			-fsyntax-only "$name.c"
		sed 's/\t/    /g' "$SHMU_SRC"/src/lessons/[0-9][0-9]-"$name".c >source
		while IFS= read -r line; do
			grep -qxF -- "$line" source || { echo "$name: $line" >&2; return 1; }
		done <shown
	done
}

@test "mem-tour: text fits 60 columns, and what is not wrapped does so itself" {
	COLUMNS=60 mem-tour --no-input run all >narrow || (($? == 77))
	is "" "$(awk 'length > 59' narrow)"
	COLUMNS=120 mem-tour --no-input run all >wide || (($? == 77))
	is "" "$(grep '^   ' wide | awk 'length > 59')"
	is "" "$(grep -n '[^ -~]' narrow wide)"
}

@test "mem-tour: straight through, with a guess, in words, without colour" {
	run -0 --separate-stderr mem-tour --guess=3 run cow
	is "" "$stderr"
	has "$output" 'You guessed "256 pages"; what was measured says "10 pages"'
	has "$output" "++"
	[[ $output != *[$'\033\200'-$'\377']* ]]
	run -0 mem-tour --guess=b run cow
	has "$output" 'You guessed "10 pages", and so it is.'
	run -0 mem-tour --plain run cow
	has "$output" "parent: 246 shared; 10 its own"
	LC_ALL=C.UTF-8 run -0 mem-tour run cow
	has "$output" $'\342\226\222'
	LC_ALL=C.UTF-8 run -0 mem-tour --ascii --color=always run cow
	has "$output" $'\033['
	[[ $output != *[$'\200'-$'\377']* ]]
	# Those that can be read on a light background and on a dark one.
	mem-tour --color=always run all >whole || (($? == 77))
	is "" "$(grep -oE $'\033''\[[^m]*m' whole | grep -vxE '.\[(0|1|31|32|35)m')"
}

@test "mem-tour: -x tells the calls that a lesson makes" {
	run -0 --separate-stderr mem-tour -x --check run cow
	is "seen          cow           5 checks" "$output"
	has "$stderr" "mmap(NULL, "
	has "$stderr" "MAP_PRIVATE|MAP_ANONYMOUS"
}

@test "mem-tour: what was seen is kept, listed, next and forgotten" {
	export XDG_STATE_HOME=$PWD/state
	mem-tour --json list | jq -e 'all(.lessons[]; .seen | not)'
	mkdir -p state/shmutils
	printf 'cow\nnonsense\n\033[2J\n' >state/shmutils/mem-tour
	is cow "$(mem-tour --json list | jq -r '.lessons[] | select(.seen) | .name')"
	mem-tour reset cow
	is "" "$(<state/shmutils/mem-tour)"
	names >state/shmutils/mem-tour
	fails 1 "were seen" mem-tour next
	mem-tour reset
	[[ ! -e state/shmutils/mem-tour ]]
	has "$(mem-tour --no-input next)" "lesson 1 of"
}

@test "mem-tour: what makes no sense is 2, and a topic that is none 1" {
	fails 2 "try --help" mem-tour
	fails 2 "try --help" mem-tour dance
	fails 2 "there is no such verb" mem-tour list cow
	fails 2 "which LESSON" mem-tour run
	fails 2 "nonesuch: there is no such lesson" mem-tour run cow nonesuch
	fails 2 "no such lesson" mem-tour run 99
	fails 2 "a guess is" mem-tour --guess=4 run cow
	fails 2 "color is" mem-tour --color=red run cow
	fails 2 "the pace" mem-tour --pace=x run cow
	fails 1 "no such topic" mem-tour explain nonesuch
	for topic in $(mem-tour explain); do
		mem-tour explain "$topic" >text
		[[ $(wc -l <text) -gt 1 ]]
		sed -n 's/^ Lessons: //p' text | tr ' ' '\n' >lessons
		is "" "$(grep -vxFf <(names) lessons)"
	done
	run -3 sh -c 'mem-tour --check run cow >/dev/full'
}

@test "mem-tour: the completion knows verbs, lessons and topics" {
	completes() {
		local COMP_WORDS=(mem-tour "$@") COMP_CWORD=$# COMPREPLY=() COMP_LINE="mem-tour $*" COMP_POINT
		COMP_POINT=${#COMP_LINE}
		# shellcheck disable=SC1091
		. "$SHMU_SRC/completions/bash/mem-tour"
		_mem_tour
		echo "${COMPREPLY[*]}"
	}
	is explain "$(completes ex)"
	is cow "$(completes run co)"
	is "advise all anon" "$(completes reset a | tr ' ' '\n' | sort | xargs)"
	is "pools posix" "$(completes --guess 2 run po | tr ' ' '\n' | sort | xargs)"
	has "$(completes explain overc)" overcommit
	is --pace "$(completes --pa)"
}

# A terminal: term COLUMNS ROWS LOCALE COMMAND - a shell in tmux with it running
term() {
	command -v tmux >/dev/null || lacks tmux
	export TMUX_TMPDIR=$PWD
	unset TMUX
	server=$tag-$RANDOM
	tmux -u -f /dev/null -L "$server" new-session -d -x "$1" -y "$2" \
		"env LC_ALL=$3 PS1=ready: bash --norc --noprofile" 3>&-
	eventually shows ready:
	tmux -L "$server" send-keys "$4" Enter
}
screen() { tmux -L "$server" capture-pane -p; }
shows() { [[ $(screen) == *"$1"* ]]; }
hides() { [[ $(screen) != *"$1"* ]]; }
differs() { [[ $(screen) != "$1" ]]; }
# All of a screen is there.
complete() { [[ $(screen | head -n 1) == " lesson "* && $(screen | tail -n 1) == *" list  q"* ]]; }
# The same once a lesson was measured, which takes a while under load.
measured() {
	for _ in 1 2 3; do
		! eventually complete 2>/dev/null || return 0
	done
	return 1
}
# press KEY... - and wait until the screen has another picture, complete
press() {
	local before
	before=$(screen)
	tmux -L "$server" send-keys "$@"
	eventually differs "$before"
}
# What runs in it is asked to quit first: a sanitizer that looks for leaks in its
# end must not be hung up.
bye() {
	eventually quits "$(tmux -L "$server" list-panes -F '#{pane_pid}')"
	tmux -L "$server" kill-server
}

# Keys that come while a lesson measures are dropped, so more than once.
quits() {
	pgrep -P "$1" >/dev/null || return 0
	tmux -L "$server" send-keys q
	return 1
}

# walk LESSON ROWS - from the question to the end; every screen fits
walk() {
	local i found=
	eventually complete
	shows "lesson" && has "$(screen)" ": $1"
	press 2
	for ((i = 0; i < 40; i++)); do
		measured
		is "$2" "$(screen | wc -l)"
		! shows "Man pages:" || found=1
		! [[ $(screen) =~ step\ ([0-9]+)\ of\ ([0-9]+) && ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" &&
			$(screen | tail -n 1) != *more:* ]] || break
		press n
	done
	((i < 40)) && is 1 "$found"
}

@test "mem-tour: every screen fits 80x24 and 60x20, in UTF-8 and ASCII" {
	for size in "80 24 C.UTF-8" "60 20 C"; do
		# shellcheck disable=SC2086  # three words
		term $size "mem-tour run 1"
		first=1
		for name in $(names); do
			[[ $first ]] || press n
			first=
			# shellcheck disable=SC2086
			set -- $size
			walk "$name" "$2"
		done
		bye
	done
}

@test "mem-tour: every key works in every step" {
	term 80 24 C.UTF-8 "mem-tour run cow"
	eventually complete
	for step in 1 2 3 4; do
		eventually shows "step $step of"
		before=$(screen)
		press h
		eventually shows "Hint"
		press h
		eventually shows "Answer"
		has "$(screen)" "2) 10 pages"
		press n
		eventually shows "step $step of"
		is "$before" "$(screen)"
		press c
		eventually shows "The C that is run"
		press h
		eventually hides "The C that is run"
		press l
		eventually shows "Enter goes there"
		press l
		eventually hides "Enter goes there"
		is "$before" "$(screen)"
		press n
		eventually complete
		if ((step > 1)); then
			press b
			is "$before" "$(screen)"
			press n
		fi
	done
	tmux -L "$server" send-keys r
	bye
}

sane() { shows "icanon:echo"; }
ask_stty() {
	tmux -L "$server" send-keys C-l
	tmux -L "$server" send-keys 'stty -a | grep -oE " -?(icanon|echo)( |;|$)" | tr -d " ;\n"; echo' Enter
	eventually shows "icanonecho"
	hides "-icanon" && hides "-echo"
}

@test "mem-tour: an interrupt, a stop and a killed child leave a sane terminal" {
	term 80 24 C.UTF-8 "mem-tour run cow"
	eventually complete
	press C-z
	eventually shows "Stopped"
	ask_stty
	tmux -L "$server" send-keys fg Enter
	eventually complete
	press 2
	eventually shows "step 2 of"
	tmux -L "$server" send-keys C-c
	eventually shows ready:
	ask_stty
	tmux -L "$server" send-keys "mem-tour run cow" Enter
	eventually shows "Your guess"
	pid=$(tmux -L "$server" list-panes -F '#{pane_pid}')
	kill -TERM "$(pgrep -P "$pid")"
	eventually shows ready:
	ask_stty
	bye
}

@test "mem-tour: a dumb terminal gets lines, and Enter after each key" {
	term 80 24 C "TERM=dumb mem-tour --guess=1 run cow"
	eventually shows "(and Enter):"
	tmux -L "$server" send-keys 2 Enter
	eventually shows "step 2 of"
	tmux -L "$server" send-keys n Enter
	eventually shows "step 3 of"
	tmux -L "$server" send-keys q Enter
	eventually shows "ready:"
	ask_stty
	bye
}

@test "mem-tour: a resized terminal is drawn anew, a tiny one in words" {
	term 80 24 C.UTF-8 "mem-tour run cow"
	eventually complete
	press 2
	tmux -L "$server" resize-window -x 50 -y 15
	eventually shows "parent: 256 shared"
	tmux -L "$server" resize-window -x 100 -y 30
	eventually shows $'\342\226\222'
	bye
}

# exercise LESSON - in a terminal, up to the step where it is the learner's turn
exercise() {
	term 80 24 C.UTF-8 "mem-tour run $1"
	eventually complete
	press s
	for ((i = 0; i < 20; i++)); do
		eventually complete
		! shows "Your turn" || return 0
		press n
	done
	return 1
}

@test "mem-tour: an exercise notices what is done in a second terminal" {
	exercise sysv
	eventually shows "shm-attach hold id:"
	id=$(screen | sed -n 's/.*shm-attach hold id:\([0-9]*\).*/\1/p')
	is 0 "$(nattch "$id")"
	spawn shm-attach hold "$id"
	eventually shows "shm-rm id:$id"
	kill "${jobs[-1]}"
	eventually attached "$id" 0
	hides "[seen]"
	shm-rm "$id"
	eventually shows "[seen] attached, and removed, by you"
	bye
	exercise posix
	eventually shows "shm-set --size 2p /mem-tour-"
	name=$(screen | sed -n 's/.*--size 2p \(\/[^ ]*\).*/\1/p')
	shm-set --size 2p "$name"
	eventually shows "shm-rm $name"
	shm-rm "$name"
	eventually shows "[seen] made larger"
	bye
	exercise uptime
	eventually shows "uptime-srv &"
	spawn uptime-srv
	eventually shows "kill -9 "
	pid=$(screen | sed -n 's/.*kill -9 //p')
	has "$(comm "$pid")" "$(comm "${jobs[-1]}")"
	kill -9 "${jobs[-1]}"
	eventually shows "uptime-srv -c"
	uptime-srv -qc 1
	eventually shows "[seen] served, killed, taken over and removed, by you"
	bye
}

gone() { [[ ! -e /dev/shm/$1 ]]; }

@test "mem-tour: an exercise that is left, interrupted or killed leaves nothing" {
	isolated
	for end in n b q C-c TERM KILL; do
		exercise posix
		eventually shows "shm-set"
		name=$(screen | sed -n 's/.*--size 2p \/\([^ ]*\).*/\1/p')
		[[ -e /dev/shm/$name ]]
		pid=$(pgrep -P "$(tmux -L "$server" list-panes -F '#{pane_pid}')")
		case $end in
		TERM | KILL) kill -$end "$pid" ;;
		*) tmux -L "$server" send-keys $end ;;
		esac
		eventually gone "$name"
		bye
	done
	# The child that measures is killed: the terminal is still ours.
	exercise posix
	eventually shows "shm-set"
	pid=$(pgrep -P "$(tmux -L "$server" list-panes -F '#{pane_pid}')")
	kill -9 "$(pgrep -P "$pid")"
	press n
	eventually complete
	tmux -L "$server" send-keys q
	eventually hides "list  q"
	ask_stty
	bye
	for name in /dev/shm/mem-tour-*; do
		eventually gone "${name##*/}"
	done
}
