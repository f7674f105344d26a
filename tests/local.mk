# SPDX-License-Identifier: MIT

TEST_EXTENSIONS = .bats
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER_FLAGS = --comments
BATS_LOG_DRIVER = $(LOG_DRIVER)
BATS_LOG_DRIVER_FLAGS = --comments --ignore-exit
BATS_LOG_COMPILER = $(srcdir)/tests/run-bats
AM_BATS_LOG_FLAGS = --tap
AM_TESTS_ENVIRONMENT = \
	PATH='$(abs_top_builddir)/src/cmd':"$$PATH" LC_ALL=C \
	CMOCKA_MESSAGE_OUTPUT=TAP CC='$(CC) $(CFLAGS)' \
	SHMU_SRC='$(abs_top_srcdir)' SHMU_BUILD='$(abs_top_builddir)'; \
	export PATH LC_ALL CMOCKA_MESSAGE_OUTPUT CC SHMU_SRC SHMU_BUILD;

bats_tests = \
	%D%/abi.bats \
	%D%/docs.bats \
	%D%/examples.bats \
	%D%/fifo.bats \
	%D%/interop.bats \
	%D%/mem-tour.bats \
	%D%/mmap-sync.bats \
	%D%/owners.bats \
	%D%/shell.bats \
	%D%/shm-attach.bats \
	%D%/shm-batch.bats \
	%D%/shm-create.bats \
	%D%/shm-heap.bats \
	%D%/shm-rm.bats \
	%D%/shm-set.bats \
	%D%/shm-stat.bats \
	%D%/shm-wait.bats \
	%D%/shm.bats \
	%D%/uptime.bats \
	%D%/watch.bats
EXTRA_DIST += $(bats_tests) %D%/lint-lessons %D%/helper.bash %D%/run-bats %D%/.shellcheckrc \
	%D%/deny.py %D%/header.c %D%/owners.py %D%/peer.c \
	%D%/textbook/client.c %D%/textbook/fifo.c %D%/textbook/server.c
if HAVE_BATS
TESTS += $(bats_tests)
endif

unit_tests = \
	%D%/torture/ring-hostile \
	%D%/torture/ring-kill \
	%D%/torture/ring-step \
	%D%/torture/test-cell-hostile \
	%D%/torture/test-cell-step \
	%D%/torture/test-heap-between \
	%D%/torture/test-heap-hostile \
	%D%/torture/test-heap-kill \
	%D%/torture/test-heap-step \
	%D%/torture/test-table-between \
	%D%/torture/test-table-hostile \
	%D%/torture/test-table-kill \
	%D%/torture/test-table-step \
	%D%/torture/test-uptime \
	%D%/unit/test-header \
	%D%/unit/test-heap \
	%D%/unit/test-inventory \
	%D%/unit/test-lock \
	%D%/unit/test-lock-cell \
	%D%/unit/test-meeting \
	%D%/unit/test-operand \
	%D%/unit/test-owner \
	%D%/unit/test-pages \
	%D%/unit/test-parse \
	%D%/unit/test-queue \
	%D%/unit/test-ring \
	%D%/unit/test-segment \
	%D%/unit/test-sys \
	%D%/unit/test-table \
	%D%/unit/test-uptime
if HAVE_CMOCKA
check_PROGRAMS += $(unit_tests)
TESTS += $(unit_tests)
endif
EXTRA_PROGRAMS += $(unit_tests)
EXTRA_DIST += %D%/unit/check.h %D%/unit/finding.h

UNIT_CFLAGS = $(AM_CFLAGS) $(CMOCKA_CFLAGS)
UNIT_LIBS = libshmutil.la $(CMOCKA_LIBS)
# For tests of what stands in src/cmd.
TEST_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src -I$(srcdir)/src/cmd -I$(srcdir)/%D%
TESTED_UPTIME = src/cmd/cli.c src/cmd/process.c src/cmd/uptime.c
%C%_unit_test_header_CFLAGS = $(UNIT_CFLAGS)
%C%_unit_test_header_LDADD = $(UNIT_LIBS)
%C%_unit_test_heap_CFLAGS = $(UNIT_CFLAGS) -pthread
%C%_unit_test_heap_LDADD = $(UNIT_LIBS) -lpthread
%C%_unit_test_lock_cell_SOURCES = \
	%D%/unit/cell.c \
	%D%/unit/cell.h \
	%D%/unit/test-lock-cell.c
%C%_unit_test_lock_cell_CFLAGS = $(UNIT_CFLAGS)
%C%_unit_test_lock_cell_LDADD = $(UNIT_LIBS)
%C%_unit_test_meeting_SOURCES = \
	%D%/unit/cell.c \
	%D%/unit/cell.h \
	%D%/unit/test-meeting.c
%C%_unit_test_meeting_CFLAGS = $(UNIT_CFLAGS)
%C%_unit_test_meeting_LDADD = $(UNIT_LIBS)
%C%_unit_test_queue_SOURCES = \
	%D%/unit/cell.c \
	%D%/unit/cell.h \
	%D%/unit/test-queue.c
%C%_unit_test_queue_CFLAGS = $(UNIT_CFLAGS)
%C%_unit_test_queue_LDADD = $(UNIT_LIBS)
%C%_unit_test_lock_CFLAGS = $(UNIT_CFLAGS)
%C%_unit_test_lock_LDADD = $(UNIT_LIBS)
%C%_unit_test_inventory_CFLAGS = $(UNIT_CFLAGS)
%C%_unit_test_inventory_LDADD = $(UNIT_LIBS)
%C%_unit_test_operand_CFLAGS = $(UNIT_CFLAGS)
%C%_unit_test_operand_LDADD = $(UNIT_LIBS)
%C%_unit_test_owner_CFLAGS = $(UNIT_CFLAGS) -pthread
%C%_unit_test_owner_LDADD = $(UNIT_LIBS) -lpthread
%C%_unit_test_pages_CFLAGS = $(UNIT_CFLAGS)
%C%_unit_test_pages_LDADD = $(UNIT_LIBS)
%C%_unit_test_parse_CFLAGS = $(UNIT_CFLAGS)
%C%_unit_test_parse_LDADD = $(UNIT_LIBS)
%C%_unit_test_ring_CFLAGS = $(UNIT_CFLAGS)
%C%_unit_test_ring_LDADD = $(UNIT_LIBS)
%C%_unit_test_segment_CFLAGS = $(UNIT_CFLAGS)
%C%_unit_test_segment_LDADD = $(UNIT_LIBS)
%C%_unit_test_sys_CFLAGS = $(UNIT_CFLAGS)
%C%_unit_test_sys_LDADD = $(UNIT_LIBS)
%C%_unit_test_table_CFLAGS = $(UNIT_CFLAGS) -pthread
%C%_unit_test_table_LDADD = $(UNIT_LIBS) -lpthread
%C%_unit_test_uptime_SOURCES = %D%/unit/test-uptime.c $(TESTED_UPTIME)
%C%_unit_test_uptime_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_unit_test_uptime_CFLAGS = $(UNIT_CFLAGS)
%C%_unit_test_uptime_LDADD = $(UNIT_LIBS)

# What is stepped through must not change between two calls: no lazy binding.
%C%_torture_test_cell_hostile_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src/lib
%C%_torture_test_cell_hostile_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_test_cell_hostile_LDFLAGS = -static
%C%_torture_test_cell_hostile_LDADD = $(UNIT_LIBS)
%C%_torture_test_cell_step_SOURCES = \
	%D%/torture/heap-state.c \
	%D%/torture/heap-state.h \
	%D%/torture/step.c \
	%D%/torture/step.h \
	%D%/torture/table-state.c \
	%D%/torture/table-state.h \
	%D%/torture/test-cell-step.c
%C%_torture_test_cell_step_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src/lib
%C%_torture_test_cell_step_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_test_cell_step_LDFLAGS = -static -Wl,-z,now
%C%_torture_test_cell_step_LDADD = $(UNIT_LIBS)
%C%_torture_test_heap_hostile_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_test_heap_hostile_LDADD = $(UNIT_LIBS)
%C%_torture_test_heap_kill_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_test_heap_kill_LDADD = $(UNIT_LIBS)
%C%_torture_test_heap_between_SOURCES = \
	%D%/torture/heap-state.c \
	%D%/torture/heap-state.h \
	%D%/torture/step.c \
	%D%/torture/step.h \
	%D%/torture/test-heap-between.c
%C%_torture_test_heap_between_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src/lib
%C%_torture_test_heap_between_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_test_heap_between_LDFLAGS = -static -Wl,-z,now
%C%_torture_test_heap_between_LDADD = $(UNIT_LIBS)
%C%_torture_test_heap_step_SOURCES = \
	%D%/torture/cut.c \
	%D%/torture/cut.h \
	%D%/torture/heap-state.c \
	%D%/torture/heap-state.h \
	%D%/torture/step.c \
	%D%/torture/step.h \
	%D%/torture/test-heap-step.c
%C%_torture_test_heap_step_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src/lib
%C%_torture_test_heap_step_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_test_heap_step_LDFLAGS = -static -Wl,-z,now
%C%_torture_test_heap_step_LDADD = $(UNIT_LIBS)
%C%_torture_test_table_between_SOURCES = \
	%D%/torture/heap-state.c \
	%D%/torture/heap-state.h \
	%D%/torture/step.c \
	%D%/torture/step.h \
	%D%/torture/table-state.c \
	%D%/torture/table-state.h \
	%D%/torture/test-table-between.c
%C%_torture_test_table_between_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src/lib
%C%_torture_test_table_between_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_test_table_between_LDFLAGS = -static -Wl,-z,now
%C%_torture_test_table_between_LDADD = $(UNIT_LIBS)
%C%_torture_test_table_hostile_SOURCES = \
	%D%/torture/heap-state.c \
	%D%/torture/heap-state.h \
	%D%/torture/table-state.c \
	%D%/torture/table-state.h \
	%D%/torture/test-table-hostile.c
%C%_torture_test_table_hostile_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src/lib
%C%_torture_test_table_hostile_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_test_table_hostile_LDFLAGS = -static
%C%_torture_test_table_hostile_LDADD = $(UNIT_LIBS)
%C%_torture_test_table_kill_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_test_table_kill_LDADD = $(UNIT_LIBS)
%C%_torture_test_table_step_SOURCES = \
	%D%/torture/cut.c \
	%D%/torture/cut.h \
	%D%/torture/heap-state.c \
	%D%/torture/heap-state.h \
	%D%/torture/step.c \
	%D%/torture/step.h \
	%D%/torture/table-state.c \
	%D%/torture/table-state.h \
	%D%/torture/test-table-step.c
%C%_torture_test_table_step_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src/lib
%C%_torture_test_table_step_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_test_table_step_LDFLAGS = -static -Wl,-z,now
%C%_torture_test_table_step_LDADD = $(UNIT_LIBS)
%C%_torture_test_uptime_SOURCES = \
	%D%/torture/step.c \
	%D%/torture/step.h \
	%D%/torture/test-uptime.c \
	$(TESTED_UPTIME)
%C%_torture_test_uptime_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_torture_test_uptime_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_test_uptime_LDFLAGS = -static -Wl,-z,now
%C%_torture_test_uptime_LDADD = $(UNIT_LIBS)

%C%_torture_ring_hostile_SOURCES = %D%/torture/ring-hostile.c %D%/torture/ring.h
%C%_torture_ring_hostile_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_torture_ring_hostile_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_ring_hostile_LDADD = $(UNIT_LIBS)
%C%_torture_ring_kill_SOURCES = %D%/torture/ring-kill.c %D%/torture/ring.h
%C%_torture_ring_kill_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_torture_ring_kill_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_ring_kill_LDADD = $(UNIT_LIBS)
%C%_torture_ring_step_SOURCES = \
	%D%/torture/ring-step.c \
	%D%/torture/ring.h \
	%D%/torture/step.c \
	%D%/torture/step.h
%C%_torture_ring_step_CPPFLAGS = $(TEST_CPPFLAGS)
%C%_torture_ring_step_CFLAGS = $(UNIT_CFLAGS)
%C%_torture_ring_step_LDFLAGS = -static -Wl,-z,now
%C%_torture_ring_step_LDADD = $(UNIT_LIBS)

# The tortures alone, for as long as it takes to kill thousands.
torture_tests = \
	%D%/torture/ring-hostile \
	%D%/torture/ring-kill \
	%D%/torture/ring-step \
	%D%/torture/test-cell-hostile \
	%D%/torture/test-cell-step \
	%D%/torture/test-heap-between \
	%D%/torture/test-heap-hostile \
	%D%/torture/test-heap-kill \
	%D%/torture/test-heap-step \
	%D%/torture/test-table-between \
	%D%/torture/test-table-hostile \
	%D%/torture/test-table-kill \
	%D%/torture/test-table-step \
	%D%/torture/test-uptime
.PHONY: torture
torture: $(torture_tests)
	for test in $(torture_tests); do \
		SHMU_TORTURE=1 CMOCKA_MESSAGE_OUTPUT=TAP ./$$test || exit 1; \
	done
