# SPDX-License-Identifier: MIT

LESSON_FILES = \
	%D%/01-map.c \
	%D%/02-first-touch.c \
	%D%/03-zero-page.c \
	%D%/04-cow.c \
	%D%/05-stack.c \
	%D%/06-page-tables.c \
	%D%/07-break.c \
	%D%/08-brk-or-mmap.c \
	%D%/09-sizes.c \
	%D%/10-xmalloc.c \
	%D%/11-mem.c \
	%D%/12-holes.c \
	%D%/13-leak.c \
	%D%/14-dangling.c \
	%D%/15-heap-police.c \
	%D%/16-anon.c \
	%D%/17-filemap.c \
	%D%/18-msync.c \
	%D%/19-faults.c \
	%D%/20-guard.c \
	%D%/21-residency.c \
	%D%/22-advise.c \
	%D%/23-mlock.c \
	%D%/24-overcommit.c \
	%D%/25-sysv.c \
	%D%/26-uptime.c \
	%D%/27-posix.c \
	%D%/28-bell.c \
	%D%/29-race.c \
	%D%/30-pools.c
LESSONS = \
	%D%/arena.c \
	%D%/arena.h \
	%D%/calls.c \
	%D%/calls.h \
	%D%/file.c \
	%D%/file.h \
	%D%/heap.c \
	%D%/heap.h \
	%D%/lesson.h \
	%D%/lessons.c \
	%D%/report.c \
	%D%/tools.c \
	%D%/tools.h \
	%D%/traces.c \
	%D%/traces.h \
	%D%/victim.c \
	%D%/victim.h \
	$(LESSON_FILES)
EXTRA_DIST += %D%/cut.awk
CLEANFILES += %D%/code.c

# The C that is shown is cut from the lessons here, so it cannot be another.
%D%/code.c: $(LESSON_FILES) %D%/cut.awk
	$(AM_V_GEN)$(MKDIR_P) %D% && cd $(srcdir) && \
		$(AWK) -f %D%/cut.awk $(LESSON_FILES) >'$(abs_top_builddir)/$@.new' && \
		mv '$(abs_top_builddir)/$@.new' '$(abs_top_builddir)/$@'
