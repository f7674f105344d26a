/* SPDX-License-Identifier: MIT */
/* finding.h - what shmu_heap_view_check finds, as a comment of TAP */
#ifndef FINDING_H
#define FINDING_H

#include "check.h"
#include "shmutil/heap-view.h"

static inline void
print_finding(const struct shmu_heap_finding *f, void *arg)
{
	(void)arg;
	print_error("# %s: %u at %llx: %llx\n", shmu_heap_flaw_text(f->flaw),
	    f->index, (unsigned long long)f->off,
	    (unsigned long long)f->value);
}

#endif
