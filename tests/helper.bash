# SPDX-License-Identifier: MIT
# helper.bash - what the tests share
# shellcheck disable=SC2034  # seg, key, output and stderr are for the tests
bats_require_minimum_version 1.7.0

# Every test has names of its own and a directory of its own to work in.
setup() {
	tag="t$$-$BATS_TEST_NUMBER-$RANDOM"
	seg="/$tag"
	printf -v key '0x7e%02x%04x' "$((RANDOM % 256))" "$((RANDOM % 65536))"
	jobs=()
	cd "$BATS_TEST_TMPDIR" || return 1
}

# Whatever a test leaves behind fails it.
teardown() { tidy; }
tidy() {
	local pid left=
	for pid in "${jobs[@]}"; do
		kill -9 "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	if [[ -n $SHMU_ISOLATED ]]; then
		left=$(ls -A /dev/shm; sysv_ids)
		find /dev/shm -mindepth 1 -delete
		sysv_ids | xargs -rn1 ipcrm -m
	else
		left=$(compgen -G "/dev/shm/$tag*" || true)
		rm -rf "/dev/shm/$tag"*
	fi
	[[ -z $left ]] || { echo "left behind: $left" >&2; return 1; }
}

sysv_ids() { awk 'NR > 1 { print $2 }' /proc/sysvipc/shm; }

# is WANT GOT - compare, and show both on a mismatch
is() {
	[[ $1 == "$2" ]] || { printf 'want: <%s>\ngot:  <%s>\n' "$@" >&2; return 1; }
}

# has TEXT PART - TEXT has PART in it
has() {
	[[ $1 == *"$2"* ]] || { printf 'want a part: <%s>\ngot: <%s>\n' "$2" "$1" >&2; return 1; }
}

# one_line - stderr of the last run is one line
one_line() {
	[[ $stderr && $stderr != *$'\n'* ]] || { printf 'want one line, got: <%s>\n' "$stderr" >&2; return 1; }
}

# fails STATUS PART COMMAND... - ends so, says one line with PART, prints nothing
fails() {
	local want=$1 part=$2
	shift 2
	run -"$want" --separate-stderr timeout 20 "$@"
	is "" "$output" && one_line && has "$stderr" "$part"
}

# no STATUS COMMAND... - ends so and says nothing at all
no() {
	local want=$1
	shift
	run -"$want" --separate-stderr timeout 20 "$@"
	is "" "$output$stderr"
}

# eventually COMMAND... - in the end it is true; a bound for who would hang
eventually() {
	local end=$((SECONDS + ${SHMU_SLOW:+1}20))
	until "$@"; do
		((SECONDS < end)) || { echo "never true: $*" >&2; return 1; }
		sleep 0.01 || return
	done
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# finished PID... - they end by themselves
finished() {
	local pid
	for pid; do
		eventually gone "$pid"
	done
}

# spawn COMMAND... - run in the background until the test ends; $! is its pid
spawn() {
	"$@" 3>&- &
	jobs+=("$!")
}

# lacks REASON - skip, which is a failure where everything must be there
lacks() {
	[[ -z ${SHMU_STRICT-} ]] || { echo "lacks: $1" >&2; return 1; }
	skip "$1"
}

# each_sh COMMAND... - with the words of each shell there is behind it.  Nothing
# stands behind || here, where a test would not end at what fails.
each_sh() {
	local sh words shells=(dash bash 'bash --posix' mksh 'busybox sh')
	[[ -z ${SHMU_SLOW-} ]] || shells=(dash)
	for sh in "${shells[@]}"; do
		command -v "${sh%% *}" >/dev/null || continue
		echo "in $sh"
		read -ra words <<<"$sh"
		"$@" "${words[@]}"
	done
}

# rounds N - so often, or a few times where every command is slow
rounds() { if [[ -n ${SHMU_SLOW-} ]]; then echo 5; else echo "$1"; fi; }

isolated() { [[ -n $SHMU_ISOLATED ]] || lacks "namespaces"; }

# In front of a command: as a user who is not us and has no privilege.
other=(setpriv --reuid 65534 --regid 65534 --clear-groups)
can_be_others() { "${other[@]}" true 2>/dev/null || lacks "the right to be another user"; }

# The name of a process as the kernel has it: another one under valgrind.
comm() { cat "/proc/$1/comm"; }

nattch() { awk -v id="$1" '$2 == id { print $7 }' /proc/sysvipc/shm; }
attached() { [[ $(nattch "$1") == "$2" ]]; }

# The Python that has sysv_ipc.
python() {
	local p
	for p in python3 /usr/bin/python3; do
		"$p" -c 'import sysv_ipc' 2>/dev/null && { "$p" "$@"; return; }
	done
	lacks "python3 with sysv_ipc"
}
