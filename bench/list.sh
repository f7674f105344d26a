#!/bin/sh
# SPDX-License-Identifier: MIT
# list.sh - a long list beside the peers': cpu time and memory, interleaved
#
# usage: bench/list.sh [ROUNDS [SEGMENTS [PROCESSES]]], by way of "make bench"
#
# In namespaces of its own there are so many System V segments and as many POSIX
# objects, and first no process but the benchmark's own, then PROCESSES more.
set -eu
rounds=${1:-15} segments=${2:-4000} processes=${3:-300}
PATH=$SHMU_BUILD/src/cmd:$PATH
export PATH

# shellcheck disable=SC2016  # for the inner shell
exec unshare -impf --mount-proc sh -c '
	mount --make-rprivate / 2>/dev/null
	mount -t tmpfs tmpfs /dev/shm
	"$1/cpu" make "$3"
	echo "$3 System V segments, $3 POSIX objects"
	"$1/cpu" "$2" "lsipc -m" "lsipc -m" "ipcs -m" "shm-stat" \
		"shm-stat -o OPERAND,SIZE,HOLDERS"
	"$1/cpu" "$2" "lsipc -m --json" "lsipc -m --json" "shm-stat --json"
	echo; echo "the same, and $4 processes more"
	"$1/cpu" hold "$4"
	"$1/cpu" "$2" "lsof /dev/shm" "lsof /dev/shm" \
		"shm-stat -o OPERAND,SIZE,HOLDERS"
	find /dev/shm -type f -delete
	ipcrm --all=shm
	echo; echo "no segments, and $4 processes more: what the search for holders takes"
	"$1/cpu" "$2" "lsof /dev/shm" "lsof /dev/shm" "shm-stat"
	' list "$SHMU_BUILD/bench" "$rounds" "$segments" "$processes"
