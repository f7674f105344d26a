#!/bin/sh
# SPDX-License-Identifier: MIT
# 10-phases.sh - four processes in step
# usage: 10-phases.sh COMMAND	(gets the phase, 1 to 3, and the process, 1 to 4)
#
# Before:
#
#	: >"done.$id"
#	until [ "$(ls done.* | wc -l)" -ge 4 ]; do sleep .2; done
#
# The files have to go before the next phase, but not before all have seen them;
# and when one of the four dies, the others count for ever.
set -eu
. shmutil.sh
store=phases.$$
command=${1:?which command?}
shm new --owner $$ "$store"
trap 'shm rm "$store"' EXIT

member() {
	for phase in 1 2 3; do
		"$command" "$phase" "$1" || return
		shm barrier -c 4 -w 60 "$store:step" >/dev/null || return
	done
}

pids=
for id in 1 2 3 4; do
	member "$id" &
	pids="$pids $!"
done
status=0
for pid in $pids; do
	wait "$pid" || status=$?
done
exit "$status"
