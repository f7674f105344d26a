#!/bin/sh
# SPDX-License-Identifier: MIT
# 01-counter.sh - count in a pipeline; argument: a directory, to count its files
#
# Before:
#
#	n=0
#	find "$dir" -type f | while read -r _; do n=$((n + 1)); done
#	echo "$n"
#
# It prints 0: the loop is a process of its own, as every part of a pipeline,
# and its n ends with it.
set -eu
. shmutil.sh
store=counter.$$
shm new --owner $$ "$store"
trap 'shm rm "$store"' EXIT

shm put "$store:n" 0
find "${1-.}" -type f | while read -r _; do
	shm add -v so_far "$store:n"
	[ $((so_far % 1000)) -ne 0 ] || echo "$so_far ..." >&2
done
shm get "$store:n"
