# SPDX-License-Identifier: MIT

bench_programs = %D%/empty-dynamic %D%/empty-static %D%/start
EXTRA_PROGRAMS += $(bench_programs)
EXTRA_DIST += %D%/start.sh
CLEANFILES += $(bench_programs)

%C%_empty_dynamic_SOURCES = %D%/empty.c
%C%_empty_static_SOURCES = %D%/empty.c
%C%_empty_static_LDFLAGS = -all-static

.PHONY: bench
bench: $(bin_PROGRAMS) $(bench_programs)
	SHMU_BUILD='$(abs_builddir)' $(srcdir)/%D%/start.sh
