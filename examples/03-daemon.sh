#!/bin/sh
# SPDX-License-Identifier: MIT
# 03-daemon.sh - start something that stays, with a lock that does not stay
# usage: 03-daemon.sh STORE DAEMON...
#
# Before:
#
#	exec 9>deploy.lock
#	flock 9
#	daemon &
#	...
#
# The daemon inherits descriptor 9 and with it the lock, for as long as it runs:
# the next deployment waits for ever.  Each daemon has to be started with 9>&-,
# and one is always forgotten.
set -eu
. shmutil.sh
store=${1:?which store?}
shift
shm lock "$store:deploy"
"$@" </dev/null >/dev/null 2>&1 &
echo "deployed, process $!"
shm unlock "$store:deploy"
