#!/bin/sh
# SPDX-License-Identifier: MIT
# 04-progress.sh - work on files in parallel and say how far it is
# usage: 04-progress.sh COMMAND FILE...	(COMMAND gets one FILE)
#
# Before:
#
#	printf '%s\n' "$@" | xargs -P8 -I{} sh -c 'work {}
#	    flock c.lock sh -c "n=\$(cat c); echo \$((n + 1)) >c"'
#
# That starts four processes for each file only to count, and without the lock
# it loses some.
set -eu
. shmutil.sh
store=progress.$$
command=${1:?which command?}
shift
[ $# -gt 0 ] || exit 0
shm new --owner $$ "$store"
trap 'shm rm "$store"' EXIT

shm put "$store:done" 0
# shellcheck disable=SC2016  # for the shells that xargs starts
printf '%s\0' "$@" | xargs -0 -P8 -n1 sh -c '
	"$0" "$2" || shm add "$1:failed" >/dev/null
	shm add "$1:done" >/dev/null' "$command" "$store" &
n=0
while [ "$n" -lt $# ]; do
	# It wakes when there is more, and is told how much.
	shm wait -v n "$store:done" -gt "$n"
	printf '\r%d of %d' "$n" $#
done
wait
echo
shm add -v failed "$store:failed" 0
[ "$failed" -eq 0 ] || { echo "$failed failed" >&2; exit 1; }
