# SPDX-License-Identifier: MIT

CLI = \
	%D%/cause.c \
	%D%/cause.h \
	%D%/cli.c \
	%D%/cli.h \
	%D%/names.c \
	%D%/names.h
CONTENT = \
	%D%/content.c \
	%D%/content.h \
	%D%/view.c \
	%D%/view.h
HOLDERS = \
	%D%/holders.c \
	%D%/holders.h
TEXT = \
	%D%/text.c \
	%D%/text.h
JSON = \
	%D%/json.c \
	%D%/json.h \
	$(TEXT)
FIFO = \
	%D%/fifo-plain.c \
	%D%/fifo.c \
	%D%/fifo.h \
	%D%/process.c \
	%D%/process.h \
	%D%/stop.c \
	%D%/stop.h

bin_PROGRAMS += %D%/fifo-consumer
%C%_fifo_consumer_SOURCES = %D%/fifo-consumer.c $(CLI) $(FIFO)
%C%_fifo_consumer_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_fifo_consumer_LDFLAGS = $(TOOL_LDFLAGS)
%C%_fifo_consumer_LDADD = libshmtool.la

bin_PROGRAMS += %D%/fifo-producer
%C%_fifo_producer_SOURCES = %D%/fifo-producer.c $(CLI) $(FIFO)
%C%_fifo_producer_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_fifo_producer_LDFLAGS = $(TOOL_LDFLAGS)
%C%_fifo_producer_LDADD = libshmtool.la

bin_PROGRAMS += %D%/shm-create
%C%_shm_create_SOURCES = %D%/shm-create.c %D%/memcg.c %D%/memcg.h $(CLI) $(CONTENT)
%C%_shm_create_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_shm_create_LDFLAGS = $(TOOL_LDFLAGS)
%C%_shm_create_LDADD = libshmtool.la

bin_PROGRAMS += %D%/shm-attach
%C%_shm_attach_SOURCES = \
	%D%/attach-copy.c \
	%D%/attach-hold.c \
	%D%/attach-show.c \
	%D%/attach.h \
	%D%/mapping.c \
	%D%/mapping.h \
	%D%/run.c \
	%D%/run.h \
	%D%/shm-attach.c \
	$(CLI) $(CONTENT)
%C%_shm_attach_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_shm_attach_LDFLAGS = $(TOOL_LDFLAGS)
%C%_shm_attach_LDADD = libshmtool.la

bin_PROGRAMS += %D%/shm-heap
%C%_shm_heap_SOURCES = \
	%D%/heap-list.c \
	%D%/heap-stat.c \
	%D%/heap-use.c \
	%D%/heap.h \
	%D%/shm-heap.c \
	%D%/stop.c \
	%D%/stop.h \
	$(CLI) $(JSON)
%C%_shm_heap_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_shm_heap_LDFLAGS = $(TOOL_LDFLAGS)
%C%_shm_heap_LDADD = libshmtool.la

# What a command, a shell or a pipe may carry.
VERBS = \
	%D%/buffer.c \
	%D%/buffer.h \
	%D%/encode.c \
	%D%/encode.h \
	%D%/json-read.c \
	%D%/json-read.h \
	%D%/process.c \
	%D%/process.h \
	%D%/session.c \
	%D%/table.c \
	%D%/table.h \
	%D%/verb-batch.c \
	%D%/verb-cause.c \
	%D%/verb-dump.c \
	%D%/verb-integer.c \
	%D%/verb-list.c \
	%D%/verb-load.c \
	%D%/verb-lock.c \
	%D%/verb-ls-cells.c \
	%D%/verb-ls.c \
	%D%/verb-option.c \
	%D%/verb-queue.c \
	%D%/verb-result.c \
	%D%/verb-store.c \
	%D%/verb-target.c \
	%D%/verb-value.c \
	%D%/verb-wait.c \
	%D%/verb.c \
	%D%/verb.h \
	$(CLI) $(JSON)

bin_PROGRAMS += %D%/shm
%C%_shm_SOURCES = \
	%D%/run.c \
	%D%/run.h \
	%D%/shm.c \
	$(VERBS)
%C%_shm_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_shm_LDFLAGS = $(TOOL_LDFLAGS)
%C%_shm_LDADD = libshmtool.la

bin_PROGRAMS += %D%/shm-set
%C%_shm_set_SOURCES = %D%/shm-set.c $(CLI) $(HOLDERS) $(TEXT)
%C%_shm_set_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_shm_set_LDFLAGS = $(TOOL_LDFLAGS)
%C%_shm_set_LDADD = libshmtool.la

bin_PROGRAMS += %D%/shm-rm
%C%_shm_rm_SOURCES = %D%/shm-rm.c $(CLI) $(HOLDERS) $(TEXT)
%C%_shm_rm_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_shm_rm_LDFLAGS = $(TOOL_LDFLAGS)
%C%_shm_rm_LDADD = libshmtool.la

UPTIME = \
	%D%/process.c \
	%D%/process.h \
	%D%/uptime.c \
	%D%/uptime.h

bin_PROGRAMS += %D%/uptime-srv
%C%_uptime_srv_SOURCES = %D%/uptime-srv.c $(CLI) $(UPTIME)
%C%_uptime_srv_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_uptime_srv_LDFLAGS = $(TOOL_LDFLAGS)
%C%_uptime_srv_LDADD = libshmtool.la

bin_PROGRAMS += %D%/uptime-cli
%C%_uptime_cli_SOURCES = %D%/uptime-cli.c $(CLI) $(JSON) $(UPTIME)
%C%_uptime_cli_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_uptime_cli_LDFLAGS = $(TOOL_LDFLAGS)
%C%_uptime_cli_LDADD = libshmtool.la

bin_PROGRAMS += %D%/shm-stat
%C%_shm_stat_SOURCES = \
	%D%/format.c \
	%D%/format.h \
	%D%/process.c \
	%D%/process.h \
	%D%/shm-stat.c \
	%D%/stat-audit.c \
	%D%/stat-columns.c \
	%D%/stat-detail.c \
	%D%/stat-follow.c \
	%D%/stat-json.c \
	%D%/stat-limits.c \
	%D%/stat-limits.h \
	%D%/stat-table.c \
	%D%/stat-watch.c \
	%D%/stat-where.c \
	%D%/stat.h \
	%D%/table.c \
	%D%/table.h \
	%D%/terminal.c \
	%D%/terminal.h \
	$(CLI) $(HOLDERS) $(JSON)
%C%_shm_stat_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_shm_stat_LDFLAGS = $(TOOL_LDFLAGS)
%C%_shm_stat_LDADD = libshmtool.la

bin_PROGRAMS += %D%/mmap-sync
%C%_mmap_sync_SOURCES = \
	%D%/mapping.c \
	%D%/mapping.h \
	%D%/mmap-sync.c \
	%D%/progress.c \
	%D%/progress.h \
	%D%/sync-job.c \
	%D%/sync-range.c \
	%D%/sync-residency.c \
	%D%/sync-updates.c \
	%D%/sync-write.c \
	%D%/sync.h \
	$(CLI) $(JSON)
%C%_mmap_sync_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS) -pthread
%C%_mmap_sync_LDFLAGS = $(TOOL_LDFLAGS)
%C%_mmap_sync_LDADD = libshmtool.la

# Its lessons are about the malloc of the system's libc, so it is linked to
# that, and dynamically, as the learner's own programs are: what it finds in its
# address space and heap is what they find in theirs.  A compiler that knows
# what malloc and memset are leaves out what a lesson is about.
bin_PROGRAMS += %D%/mem-tour
%C%_mem_tour_SOURCES = \
	%D%/json.c \
	%D%/json.h \
	%D%/mem-tour.c \
	%D%/text.c \
	%D%/text.h \
	%D%/tour-catalog.c \
	%D%/tour-choose.c \
	%D%/tour-draw.c \
	%D%/tour-explain.c \
	%D%/tour-measure.c \
	%D%/tour-play.c \
	%D%/tour-play.h \
	%D%/tour-screen.c \
	%D%/tour-state.c \
	%D%/tour-strip.c \
	%D%/tour-term.c \
	%D%/tour-through.c \
	%D%/tour.h \
	$(CLI) $(LESSONS) $(UPTIME)
nodist_%C%_mem_tour_SOURCES = src/lessons/code.c
%C%_mem_tour_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src/lessons -I$(srcdir)/src/cmd
%C%_mem_tour_CFLAGS = $(AM_CFLAGS) -fno-builtin -pthread
%C%_mem_tour_LDFLAGS = -static
%C%_mem_tour_LDADD = libshmutil.la
