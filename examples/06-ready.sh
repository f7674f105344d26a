#!/bin/sh
# SPDX-License-Identifier: MIT
# 06-ready.sh - wait until a server is ready, but not for ever
# usage: 06-ready.sh SECONDS SERVER...
#
# The server says so with: shm add "$READY"
#
# Before:
#
#	server & while [ ! -e ready ]; do sleep 1; done
#
# It waits half a second too long in the mean, and for ever when the server died;
# and when it finds the file of the time before, not at all.
set -eu
. shmutil.sh
store=ready.$$
limit=${1:?how many seconds?}
shift
shm new --owner $$ "$store"
trap 'shm rm "$store"' EXIT

READY=$store:ready "$@" &
server=$!
if shm wait -w "$limit" "$store:ready" -ne 0; then
	echo "process $server is ready"
else
	echo "it was not ready in $limit seconds" >&2
	kill "$server" 2>/dev/null || :
	exit 1
fi
