#!/bin/sh
# SPDX-License-Identifier: MIT
# sync.sh - mmap-sync beside the calls it stands on and its peers, interleaved
#
# usage: bench/sync.sh [ROUNDS], by way of "make bench"
#
# The files are in the build directory, which must be on a disk and have 2 GiB
# free; the source of a rewrite is in RAM.  Prints a table for each of the four
# workloads, and leaves bench/sync.txt, .tsv and .svg.
set -eu
rounds=${1:-15}
src=$(cd "$(dirname "$0")" && pwd)
PATH=$SHMU_BUILD/src/cmd:$SHMU_BUILD/bench:$PATH
export PATH
tsv=$SHMU_BUILD/bench/sync.tsv
txt=${tsv%.tsv}.txt
dir=$(mktemp -d "$SHMU_BUILD/bench/sync.XXXXXX")
source=$(mktemp /dev/shm/bench.XXXXXX)
trap 'rm -rf "$dir" "$source"' EXIT
trap 'exit 130' INT TERM
cd "$dir"
ln -s "$source" src

# group NAME ROUNDS BASE COMMAND... - a table, and its lines for the plot
group() {
	name=$1 n=$2 base=$3
	shift 2
	start "$n" "$base" true "$@" >table
	printf '\n%s\n' "$name" | cat - table | tee -a "$txt"
	awk -v group="$name" 'NR > 1 {
		ratio = $NF
		NF -= 3
		print group "\t" $0 "\t" ratio }' table >>"$tsv"
}

head -c 1G /dev/urandom >"$source"
dd if="$source" of=f bs=1M status=none conv=fsync	# large folios
awk 'BEGIN { for (i = 0; i < 1000; i++) printf "%d x\n", i * 262 * 4096 }' >updates
truncate -s 64G sparse
printf x | dd of=sparse bs=1 seek=5G conv=notrunc status=none
: >"$tsv"
: >"$txt"

group "sync of a clean 1 GiB file" $((rounds * 20)) \
	"sync-raw msync f" "mmap-sync f" "sync -d f"
group "rewrite of 1 GiB" "$rounds" \
	"sync-raw rewrite f src" \
	"sync-raw with src mmap-sync f --write -" \
	"sync-raw with src mmap-sync f --via mmap --write -" \
	"dd if=src of=f bs=1M conv=fdatasync,notrunc status=none" \
	"dd if=src of=f bs=256K conv=fdatasync,notrunc status=none"
group "1000 scattered bytes in 1 GiB" "$rounds" \
	"sync-raw pwrite f 1000" \
	"mmap-sync f --updates updates" \
	"mmap-sync f --via mmap --updates updates" \
	"sync-raw store f 1000" "sync-raw store-each f 1000"
set -- "sync-raw mincore sparse"
command -v vmtouch >/dev/null && set -- "$@" "vmtouch sparse"
command -v fincore >/dev/null && set -- "$@" "fincore sparse"
group "residency of a sparse 64 GiB file" "$rounds" \
	"mmap-sync --residency sparse" "$@"

"$src/plot" "mmap-sync and its peers, time, 1 is the first of each group" \
	<"$tsv" >"${tsv%.tsv}.svg"
echo
echo "plot: ${tsv%.tsv}.svg"
