#!/bin/sh
# SPDX-License-Identifier: MIT
# call-monitor.sh - how long calls last: a struct under the id of each
# usage: call-monitor.sh STORE start_monitoring|stop_monitoring CALLID
#        call-monitor.sh STORE report
#
# call-monitor.c is the same in C, and both work on the same store: under the id
# of a call is a struct of two integers of 64 bits, when it began and when it
# ended, in seconds of the clock, or 0.  The report frees those that ended.
set -eu
. shmutil.sh

# The bytes of an integer as they lie in memory, in hexadecimal, and back.  Of
# the two orders that machines have, this is the one where the last comes first.
reversed() {
	r='' rest=$1
	while [ -n "$rest" ]; do
		r=${rest%"${rest#??}"}$r rest=${rest#??}
	done
	echo "$r"
}
pack() { reversed "$(printf '%016x' "$1")"; }
unpack() { printf '%d' "0x$(reversed "$1")"; }

start_monitoring() {
	shm put --hex "$store:$1" "$(pack "$(date +%s)")$(pack 0)"
}

stop_monitoring() {
	shm get --hex -v call "$store:$1" || {
		echo "$1: this call is not monitored" >&2
		return 1
	}
	start=${call%????????????????}
	shm put --hex "$store:$1" "$start$(pack "$(date +%s)")"
}

report() {
	shm keys -0 "$store" | tr '\0' '\n' | while read -r id; do
		shm get --hex -v call "$store:$id" || continue
		start=$(unpack "${call%????????????????}")
		end=$(unpack "${call#????????????????}")
		if [ "$end" -eq 0 ]; then
			echo "$id: since $(($(date +%s) - start)) s"
		else
			echo "$id: $((end - start)) s"
			shm del "$store:$id"
		fi
	done
}

store=${1:?which store?}
verb=${2:?start_monitoring, stop_monitoring or report?}
case $verb in
start_monitoring | stop_monitoring) "$verb" "${3:?which call?}" ;;
report) report ;;
*)
	echo "call-monitor.sh: $verb: one of start_monitoring, stop_monitoring, report" >&2
	exit 2
	;;
esac
