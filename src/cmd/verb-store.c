/* SPDX-License-Identifier: MIT */
/* verb-store.c - the verbs for whole stores: new rm */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cause.h"
#include "shmutil/header.h"
#include "verb.h"

static int
taken(struct call *c)
{
	struct shmu_table *table;

	if (shmu_table_attach(&table, &c->op, SHMU_TABLE_READ |
	    ((c->given & OPT_ANY_OWNER) != 0 ? SHMU_TABLE_ANY_OWNER : 0)) == -1)
		return verb_cause_open(c, errno);
	shmu_table_detach(table);
	if ((c->given & OPT_EXISTING) != 0)
		return EXIT_YES;
	if (!cli.quiet)
		verb_fail(c, EXIT_NO, "the store exists already; --existing is "
		    "content with that");
	return EXIT_NO;
}

int
verb_new(struct call *c)
{
	struct shmu_table_spec spec = SHMU_TABLE_SPEC_INIT;
	struct shmu_owner owner;
	struct shmu_table *table;

	if ((c->given & OPT_MODE) != 0)
		spec.segment.mode = c->mode;
	spec.maximum = c->max;
	if ((c->given & OPT_OWNER) != 0) {
		if (shmu_owner_of(c->owner, &owner) == -1)
			return verb_cause(c, ESRCH);
		spec.owner = &owner;
	}
	if (shmu_table_create(&table, &c->op, &spec) == 0) {
		shmu_table_detach(table);
		return EXIT_YES;
	}
	if (errno == EEXIST)
		return taken(c);
	if (errno == EINVAL && c->max != 0)
		return verb_fail(c, EXIT_CANNOT,
		    "a store cannot have a maximum of %" PRIu64 " bytes; it is "
		    "from 131072 to 137438953472, 128K to 128G",
		    c->max);
	return cause_create(verb_where(c), &c->op, &spec.segment, errno);
}

/* Whether it is a store, and whose; by its header alone, so that also one that
 * cannot be used any more can be removed. */
static int
removable(struct call *c, struct shmu_segment *seg, struct shmu_info *info)
{
	struct shmu_header h;
	int r;

	if (shmu_segment_open(seg, &c->op, SHMU_READ) == -1 ||
	    shmu_segment_stat(seg, info) == -1)
		return verb_cause_open(c, errno);
	if (info->uid != geteuid() && (c->given & OPT_ANY_OWNER) == 0)
		return verb_cause_open(c, EPERM);
	if (info->size < SHMU_HEADER_SIZE)
		return verb_cause_open(c, EILSEQ);
	if (shmu_segment_map(seg, 0, SHMU_HEADER_SIZE, PROT_READ) == -1)
		return verb_cause_open(c, errno);
	r = shmu_header_check(seg->base, info->size, SHMU_FORMAT_TABLE, 0, &h);
	return r == -1 && (errno == EILSEQ || errno == EPROTOTYPE) ?
	    verb_cause_open(c, errno) : EXIT_YES;
}

int
verb_rm(struct call *c)
{
	static const struct shmu_segment closed = SHMU_SEGMENT_INIT;
	struct shmu_segment seg = closed;
	struct shmu_info info;
	int status = removable(c, &seg, &info);

	session_forget(c);
	if (status == EXIT_YES && shmu_segment_remove(&c->op, &info) == -1)
		status = errno == ENOENT ? EXIT_NO :
		    cause_change(verb_where(c), &c->op, errno);
	shmu_segment_close(&seg);
	return status;
}
