#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# 08-hash.sh - settings that scripts share; argument: a store
#
# usage: 08-hash.sh STORE set KEY VALUE | get KEY | unset KEY | list
#
# Before:
#
#	sqlite3 kv.db "insert or replace into kv values('$k', '$v')"
#
# That is a process and a transaction on a disk for each key, fails with
# "database is locked" when several do it, and with a quote in $v does what the
# quote's author wants.
set -eu
. shmutil.sh
store=${1:?which store?}
case ${2-} in
set) shm put "$store:${3:?which key?}" "${4?which value?}" ;;
get) shm get "$store:${3:?which key?}" ;;
unset) shm del "$store:${3:?which key?}" ;;
list)
	declare -A all=()
	shm all -v all "$store"
	for key in "${!all[@]}"; do
		printf '%s is %q\n' "$key" "${all[$key]}"
	done | sort
	;;
*)
	echo "usage: 08-hash.sh STORE set KEY VALUE | get KEY | unset KEY | list" >&2
	exit 2
	;;
esac
