#!/bin/sh
# SPDX-License-Identifier: MIT
# 09-leader.sh - one of several leads; when it dies, another one does
# usage: 09-leader.sh STORE COMMAND...	(what a leader does)
#
# Before:
#
#	[ -s leader ] || echo $$ >leader
#	[ "$(cat leader)" = $$ ] && lead
#
# Between looking and writing there is time for another one; and the file of a
# leader that was killed is followed for ever.
set -eu
. shmutil.sh
store=${1:?which store?}
shift
if ! shm lock -n "$store:leader"; then
	echo "$$ follows"
	shm lock -v before "$store:leader"
	[ -z "$before" ] || echo "$before is dead"
fi
echo "$$ leads"
"$@"
shm unlock "$store:leader"
