#!/bin/sh
# SPDX-License-Identifier: MIT
# start.sh - the start of every command beside its peers, interleaved
#
# usage: bench/start.sh [ROUNDS], by way of "make bench"
set -eu
rounds=${1:-300}
PATH=$SHMU_BUILD/src/cmd:$PATH
export PATH
bench=$SHMU_BUILD/bench

# shellcheck disable=SC2016  # for the inner shell
# In namespaces of its own, so that the lists are empty and nothing is left; and so
# that there are few processes, since shm-stat looks at each, as no peer does:
# what that takes is a figure of list.sh.
exec unshare -impf --mount-proc sh -c '
	mount --make-rprivate / 2>/dev/null
	mount -t tmpfs tmpfs /dev/shm
	"$1/start" "$2" "ipcs -m" "ipcrm --all=shm" \
		"ipcs -m" "lsipc -m" \
		"true" "$1/empty-dynamic" "$1/empty-static" \
		"ipcmk -M 4096" \
		"shm-create private 4096" \
		"shm-create --replace /bench 4096" \
		"shm-create private 4096 ; shm-rm %s" \
		"shm-create --replace /b 4096 ; shm-rm /b" \
		"shm-create private 4096 ; shm-set -m 640 %s" \
		"shm-create private 4096 ; shm-attach write %s 0 hello" \
		"shm-create private 4096 ; shm-attach read %s 0 5" \
		"shm-stat -q" \
		"shm add bench-store:n" \
		"shm get bench-store:n" \
		"shm lock bench-store:l -- true" \
		"flock /dev/shm/lock true"
	' start "$bench" "$rounds"
