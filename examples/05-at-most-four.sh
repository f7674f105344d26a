#!/bin/sh
# SPDX-License-Identifier: MIT
# 05-at-most-four.sh - never more than four at once, whoever starts them
# usage: 05-at-most-four.sh STORE COMMAND FILE...	(COMMAND gets one FILE)
#
# Before:
#
#	mkfifo t; exec 3<>t; printf .... >&3
#	for f; do read -rn1 -u3 _; { work "$f"; printf . >&3; } & done
#
# Each worker that is killed takes its token with it: after four of them nothing
# runs any more.  And a second script has a FIFO, and four, of its own.
set -eu
. shmutil.sh
store=${1:?which store?}
command=${2:?which command?}
shift 2
for f; do
	shm sem -c 4 "$store:workers" -- "$command" "$f" &
done
wait
