# SPDX-License-Identifier: MIT
# shm-stat --watch, in a terminal
load helper


# tm ARGUMENT... - tmux with a server of this test's own
tm() { tmux -S "$BATS_TEST_TMPDIR/tmux" -f /dev/null "$@"; }

# A terminal of 100 columns and 12 rows with a shell in it.
terminal() {
	command -v tmux >/dev/null || lacks tmux
	[[ -z ${SHMU_VALGRIND-} ]] || skip "too slow for a screen"
	tm new-session -d -x 100 -y 12 -s t "env PS1='ready> ' LC_ALL=C bash --norc" 3>&-
	sees 'ready>'
}

# The shell and its server end with the test, however that ends.
teardown() {
	tm kill-server 2>/dev/null || true
	eventually sh -c '! tmux -S "$1" ls 2>/dev/null >&2' sh "$BATS_TEST_TMPDIR/tmux"
	tidy
}

screen() { tm capture-pane -p -t t; }
shows() { screen | grep -qE -- "$1"; }
lacks_on_screen() { ! screen | grep -qE -- "$1"; }
sees() { eventually shows "$1" || { screen >&2; return 1; }; }
sees_no() { eventually lacks_on_screen "$1" || { screen >&2; return 1; }; }
keys() { tm send-keys -t t "$@"; }

# What stty tells, into a file, to be compared.
modes() {
	rm -f "$1"
	keys "stty -g >$BATS_TEST_TMPDIR/$1" Enter
	eventually test -s "$BATS_TEST_TMPDIR/$1"
}

# on_usual_screen - the other screen is left, and the cursor is shown
on_usual_screen() { [[ $(tm display-message -p -t t '#{alternate_on} #{cursor_flag}') == "0 1" ]]; }

@test "watch: the table is drawn anew, and q gives the terminal back as it was" {
	isolated
	terminal
	modes before
	shm-create "$seg-1" 4K
	keys 'shm-stat --watch=0.1; echo "status=$?"' Enter
	sees "$seg-1"
	[[ $(tm display-message -p -t t '#{alternate_on} #{cursor_flag}') == "1 0" ]]
	shm-create "$seg-2" 4K
	sees "$seg-2"
	shm-rm -q "$seg-1"
	sees_no "$seg-1"
	keys q
	sees 'status=0'
	on_usual_screen
	modes after
	cmp before after
	shm-rm -q "$seg-2"
}

@test "watch: arrows scroll and choose the order, r turns it round" {
	isolated
	terminal
	for i in {10..29}; do shm-create "$seg-$i" "${i}K"; done >/dev/null
	keys 'shm-stat -q --watch=60 --where kind=posix --sort operand -o OPERAND,SIZE' Enter
	sees "$seg-10 +10K"
	lacks_on_screen "$seg-29"
	keys Down Down
	sees_no "$seg-11 "
	sees "$seg-12 "
	keys Up
	sees "$seg-11 "
	keys End
	sees "$seg-29 "
	keys Home
	sees "$seg-10 "
	keys r
	sees "$seg-29 "
	keys Right
	sees "by SIZE down"
	sees "$seg-29 +29K"
	keys r
	sees "$seg-10 +10K"
	keys Left Left
	sees "20 segments  q quits|20 segments; "
	keys NPage
	keys q
	eventually on_usual_screen
	for i in {10..29}; do echo "$seg-$i"; done | shm-rm -q -
}

@test "watch: whatever signal ends or stops it, the terminal is as it was" {
	isolated
	terminal
	modes before
	for sig in INT TERM HUP QUIT PIPE; do
		keys clear Enter
		keys 'shm-stat --watch=60' Enter
		sees 'q quits'
		pid=$(tm display-message -p -t t '#{pane_pid}')
		kill -s "$sig" "$(pgrep -P "$pid" -x shm-stat)"
		eventually on_usual_screen
		keys 'echo "status=$?"' Enter
		sees "status=$((128 + $(kill -l "$sig")))"
		modes after
		cmp before after
	done
	keys 'shm-stat --watch=60' Enter
	sees 'q quits'
	keys C-z
	sees 'Stopped'
	on_usual_screen
	modes after
	cmp before after
	keys clear Enter
	keys fg Enter
	sees 'q quits'
	keys C-c
	eventually on_usual_screen
	modes after
	cmp before after
}

@test "watch: a smaller terminal is filled, not overrun" {
	isolated
	terminal
	for i in {10..29}; do shm-create "$seg-$i" 4K; done >/dev/null
	keys 'shm-stat -q --watch=60' Enter
	sees 'q quits'
	tm resize-window -t t -x 40 -y 6
	eventually sh -c '[ "$(tmux -S "$1" capture-pane -p -t t | grep -c posix)" = 3 ]' sh "$BATS_TEST_TMPDIR/tmux"
	is "" "$(screen | awk 'length > 40')"
	keys q
	eventually on_usual_screen
	for i in {10..29}; do echo "$seg-$i"; done | shm-rm -q -
}

@test "watch: without a terminal it is 2, and says what to use" {
	fails 2 "--follow is for files and pipes" shm-stat --watch
	fails 2 "at least 0.05" shm-stat --watch=0
	fails 2 "only one" shm-stat --watch --follow
}
