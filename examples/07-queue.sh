#!/bin/sh
# SPDX-License-Identifier: MIT
# 07-queue.sh - eight workers and a queue
# usage: 07-queue.sh COMMAND FILE...	(COMMAND gets one FILE)
#
# Before:
#
#	mkfifo jobs; printf '%s\n' "$@" >jobs &
#	... { flock 4; read -r f <&3; flock -u 4; } 4>jobs.lock 3<jobs
#
# Without the lock two readers share a line, each having half of it; what a
# killed worker had read is lost; a name with a newline is two.
set -eu
. shmutil.sh
store=queue.$$
command=${1:?which command?}
shift
shm new --owner $$ "$store"
trap 'shm rm "$store"' EXIT

# A leased item comes back when the worker that has it dies before the ack.
work() {
	while shm pop --lease -v f "$store:jobs"; do
		"$command" "$f" || :
		shm ack "$store:jobs"
	done
}

for _ in 1 2 3 4 5 6 7 8; do
	work &
done
[ $# -eq 0 ] || shm push -c 16 "$store:jobs" "$@"
shm close "$store:jobs"
wait
