# SPDX-License-Identifier: MIT

shmutilincludedir = $(includedir)/shmutil
shmutilinclude_HEADERS = \
	src/include/shmutil/api.h \
	src/include/shmutil/cell.h \
	src/include/shmutil/event.h \
	src/include/shmutil/header.h \
	src/include/shmutil/heap-view.h \
	src/include/shmutil/heap.h \
	src/include/shmutil/inventory.h \
	src/include/shmutil/libc.h \
	src/include/shmutil/lock.h \
	src/include/shmutil/operand.h \
	src/include/shmutil/owner.h \
	src/include/shmutil/pages.h \
	src/include/shmutil/parse.h \
	src/include/shmutil/range.h \
	src/include/shmutil/ring.h \
	src/include/shmutil/segment.h \
	src/include/shmutil/sys.h \
	src/include/shmutil/table.h

pkgconfig_DATA = %D%/shmutil.pc
EXTRA_DIST += %D%/libshmutil.map

lib_LTLIBRARIES += libshmutil.la
libshmutil_la_SOURCES = \
	%D%/allocate.h \
	%D%/cell-array.c \
	%D%/cell-barrier.c \
	%D%/cell-common.c \
	%D%/cell-item.c \
	%D%/cell-line.c \
	%D%/cell-line.h \
	%D%/cell-lock.c \
	%D%/cell-pop.c \
	%D%/cell-private.h \
	%D%/cell-queue.c \
	%D%/cell-queue.h \
	%D%/cell-state.c \
	%D%/cell-wait.c \
	%D%/change.c \
	%D%/create.c \
	%D%/elsewhere.c \
	%D%/event.c \
	%D%/hash.h \
	%D%/heap-alloc.c \
	%D%/heap-attach.c \
	%D%/heap-check.c \
	%D%/heap-debug.c \
	%D%/heap-grow.c \
	%D%/heap-into.c \
	%D%/heap-layout.c \
	%D%/heap-layout.h \
	%D%/heap-pools.c \
	%D%/heap-private.h \
	%D%/heap-recover.c \
	%D%/heap-resize.c \
	%D%/heap-sites.c \
	%D%/heap-span.c \
	%D%/heap-trace.c \
	%D%/heap-units.c \
	%D%/heap-view.c \
	%D%/heap-view.h \
	%D%/heap-walk.c \
	%D%/header.c \
	%D%/holders.c \
	%D%/info.h \
	%D%/inventory.c \
	%D%/item.c \
	%D%/judge.c \
	%D%/kernel.h \
	%D%/lock.c \
	%D%/look.h \
	%D%/maps.c \
	%D%/names.c \
	%D%/names.h \
	%D%/operand.c \
	%D%/owner.c \
	%D%/pages.c \
	%D%/parse.c \
	%D%/party.c \
	%D%/party.h \
	%D%/pause.h \
	%D%/probe.c \
	%D%/scan.c \
	%D%/scan.h \
	%D%/ring-channel.c \
	%D%/ring-channel.h \
	%D%/ring.c \
	%D%/segment.c \
	%D%/sys.c \
	%D%/sysv.c \
	%D%/table-bucket.c \
	%D%/table-cell.c \
	%D%/table-chain.c \
	%D%/table-each.c \
	%D%/table-layout.h \
	%D%/table-look.c \
	%D%/table-private.h \
	%D%/table-recover.c \
	%D%/table-split.c \
	%D%/table-value.c \
	%D%/table-view.c \
	%D%/table-wait.c \
	%D%/table.c \
	%D%/view.c \
	%D%/why.c
libshmutil_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libshmutil_la_LDFLAGS = -version-info 0:0:0 -no-undefined
libshmutil_la_DEPENDENCIES = %D%/libshmutil.map
if HAVE_VSCRIPT
libshmutil_la_LDFLAGS += $(VSCRIPT_LDFLAGS),$(srcdir)/%D%/libshmutil.map
endif

# The same sources for the tools, which may have another libc.
noinst_LTLIBRARIES += libshmtool.la
libshmtool_la_SOURCES = $(libshmutil_la_SOURCES)
libshmtool_la_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
libshmtool_la_LDFLAGS = -static
