#!/bin/sh
# SPDX-License-Identifier: MIT
# 02-one-instance.sh - run a command unless it runs already
# usage: 02-one-instance.sh STORE COMMAND...
#
# Before:
#
#	mkdir run.lck || exit 0
#	trap 'rmdir run.lck' EXIT
#	backup
#
# When it is killed with -9, or the machine loses its power, the directory stays,
# and no backup is made any more until somebody notices.
set -eu
. shmutil.sh
store=${1:?which store?}
shift
# -E: the lock being busy is told from whatever the command ends with.
shm lock -n -E 99 "$store:instance" -- "$@" && status=0 || status=$?
[ "$status" -ne 99 ] || echo "$1 runs already" >&2
exit "$status"
