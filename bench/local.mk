# SPDX-License-Identifier: MIT

bench_programs = %D%/cpu %D%/empty-dynamic %D%/empty-static %D%/start %D%/sync-raw
bench_scripts = %D%/list.sh %D%/shell.sh %D%/start.sh %D%/sync.sh %D%/heap.py %D%/table.py
EXTRA_PROGRAMS += $(bench_programs)
EXTRA_DIST += $(bench_scripts) %D%/plot \
	%D%/heap-boost.cc %D%/heap-libc.c %D%/heap-mm.c %D%/heap-shmu.c \
	%D%/heap-work.c %D%/heap-work.h \
	%D%/table-boost.cc %D%/table-lmdb.c %D%/table-shmu.c \
	%D%/table-work.c %D%/table-work.h
bench_heaps = \
	%D%/heap-Boost %D%/heap-OSSP-mm %D%/heap-glibc %D%/heap-jemalloc \
	%D%/heap-mimalloc %D%/heap-shmutil
CLEANFILES += $(bench_programs) %D%/sync.svg %D%/sync.tsv %D%/sync.txt \
	$(bench_heaps) %D%/heap.svg %D%/heap.tsv %D%/heap.txt \
	%D%/table-Boost %D%/table-LMDB %D%/table-shmutil \
	%D%/table.svg %D%/table.tsv %D%/table.txt
bench_programs += %D%/stream/bytes %D%/stream/messages %D%/stream/sink
bench_scripts += %D%/stream/stream.sh
EXTRA_DIST += %D%/stream/boost-queue.cc
CLEANFILES += %D%/stream/boost-queue %D%/stream/stream.svg %D%/stream/stream.tsv

%C%_empty_dynamic_SOURCES = %D%/empty.c
%C%_empty_static_SOURCES = %D%/empty.c
%C%_empty_static_LDFLAGS = -all-static
# Linked as the tools are, so that what differs is what they do.
%C%_sync_raw_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_sync_raw_LDFLAGS = $(TOOL_LDFLAGS)
%C%_stream_bytes_SOURCES = %D%/stream/bench.h %D%/stream/bytes.c
%C%_stream_bytes_LDADD = libshmutil.la
%C%_stream_bytes_LDFLAGS = -static
%C%_stream_messages_SOURCES = %D%/stream/bench.h %D%/stream/messages.c
%C%_stream_messages_LDADD = libshmutil.la
%C%_stream_messages_LDFLAGS = -static
%C%_stream_sink_SOURCES = %D%/stream/bench.h %D%/stream/sink.c

.PHONY: bench
bench: $(bin_PROGRAMS) $(bench_programs)
	for script in $(bench_scripts); do \
		SHMU_BUILD='$(abs_builddir)' $(srcdir)/$$script || exit 1; \
	done
