/* SPDX-License-Identifier: MIT */
/* verb-cause.c - what an errno means for a store or a cell */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/statvfs.h>

#include "cause.h"
#include "process.h"
#include "shmutil/heap-view.h"
#include "verb.h"

/* Who has the lock of the heap below: of what cannot be attached to, too. */
static int
heap_holder(struct call *c, struct shmu_owner *out)
{
	struct shmu_segment seg = SHMU_SEGMENT_INIT;
	struct shmu_heap_view *view;
	struct shmu_heap_stat st;

	memset(&st, 0, sizeof st);
	if (shmu_segment_open(&seg, &c->op, SHMU_READ) == 0 &&
	    shmu_heap_view_segment(&view, &seg) == 0) {
		shmu_heap_view_stat(view, &st);
		shmu_heap_view_close(view);
	}
	shmu_segment_close(&seg);
	*out = st.holder;
	return st.holder.pid != 0;
}

/* Who has kept us waiting, as a phrase. */
static const char *
holder(struct call *c, char *buf, size_t size)
{
	struct shmu_owner owner;
	char name[32], *p;

	if ((c->t == NULL || shmu_table_holder(c->t, &owner) != 1) &&
	    !heap_holder(c, &owner))
		return "somebody";
	process_command((pid_t)owner.pid, name, sizeof name);
	for (p = name; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	snprintf(buf, size, "process %" PRIu32 " (%s, state %c)", owner.pid,
	    name, shmu_owner_state(&owner) != 0 ? shmu_owner_state(&owner) : '?');
	return buf;
}

static const struct {
	int		 err;
	const char	*text;
} stores[] = {
    {EILSEQ, "this segment is no store; shm-stat tells what it is"},
    {EPROTOTYPE, "this segment holds something else, or a store of another "
    "version; shm-stat tells"},
    {EBADMSG,
	"the store is damaged: what describes it cannot be right; remove it"},
    {ENOEXEC,
	"the store was made by a program of another word size or byte order"},
    {EINPROGRESS, "the store is being made; try again"},
    {ESTALE, "the store is unfinished, and who made it is dead; remove it with "
    "shm-rm"},
    {EXDEV, "the store belongs to another pid or time namespace; use it from "
    "there"},
    {EUSERS, "too many use the store at once; try again"},
    {EFAULT, "the store cannot be read: it was cut short, or its filesystem is "
    "full"},
    {EOWNERDEAD, "who was changing it died, and to put that right takes "
    "permission to write; use it once as its owner"},
};

/* What is said of a store, whether it is being attached or used; -1 when that
 * is not it. */
static int
of_store(struct call *c, int err)
{
	char buf[80];
	size_t i;

	if (err == ETIMEDOUT)
		return verb_fail(c, EXIT_CANNOT,
		    "%s has kept the store locked for 5 seconds; continue it, "
		    "or kill it",
		    holder(c, buf, sizeof buf));
	if (err == EPERM && (c->given & OPT_ANY_OWNER) == 0)
		return verb_fail(c, EXIT_CANNOT, "the store is another user's; "
		    "--any-owner uses it all the same");
	for (i = 0; i < sizeof stores / sizeof stores[0]; i++)
		if (stores[i].err == err)
			return verb_fail(c, EXIT_CANNOT, "%s", stores[i].text);
	return -1;
}

int
verb_cause_open(struct call *c, int err)
{
	int status = of_store(c, err);

	if (status != -1)
		return status;
	if (err == ENOENT || err == EIDRM || (err == EINVAL &&
	    (c->op.kind == SHMU_ID || c->op.kind == SHMU_KEY))) {
		if (!cli.quiet)
			verb_fail(c, EXIT_NO, "there is no such store; shm new "
			    "makes one");
		return EXIT_NO;
	}
	return cause_open(verb_where(c), &c->op, err);
}

/* What can be had for a POSIX object; UINT64_MAX where that is not asked
 * for. */
static uint64_t
available(const struct shmu_operand *op)
{
	struct statvfs fs;

	return op->kind == SHMU_POSIX && statvfs(SHMU_POSIX_DIR, &fs) == 0 ?
	    (uint64_t)fs.f_bavail * fs.f_frsize : UINT64_MAX;
}

static int
full(struct call *c)
{
	uint64_t free = available(&c->op);
	struct shmu_table_stat st;

	memset(&st, 0, sizeof st);
	shmu_table_stat(c->t, &st);
	if (st.size < st.maximum && free < st.maximum - st.size)
		return verb_fail(c, EXIT_CANNOT,
		    "the store cannot grow: it has %" PRIu64
		    " of at most %" PRIu64 " bytes, and %s only %" PRIu64
		    " free; free some there",
		    st.size, st.maximum, SHMU_POSIX_DIR, free);
	return verb_fail(c, EXIT_CANNOT,
	    "the store is full: %" PRIu64 " of at most %" PRIu64
	    " bytes, %" PRIu64
	    " cells; delete some, or make one with a larger --max",
	    st.size, st.maximum, st.cells);
}

static int
other_type(struct call *c)
{
	struct shmu_cell cell;

	if (shmu_table_get(c->t, c->key, c->key_length, NULL, 0, &cell) == -1)
		return verb_fail(c, EXIT_CANNOT, "the cell is of another type");
	if (cell.type == SHMU_CELL_BYTES &&
	    (c->verb->flags & VERB_INTEGER) != 0)
		return verb_fail(c, EXIT_CANNOT,
		    "the cell holds text that is no integer; shm get shows it");
	return verb_fail(c, EXIT_CANNOT, "the cell is of another type: %s",
	    shmu_cell_name(cell.type));
}

int
verb_cause(struct call *c, int err)
{
	int status;

	switch (err) {
	case ENOENT:
		return EXIT_NO;
	case EPROTOTYPE:
		return other_type(c);
	case ENOMEM:
	case ENOSPC:
		return full(c);
	case ERANGE:
		return verb_fail(c, EXIT_CANNOT,
		    "the sum does not fit 64 bits; --wrap goes round");
	case EBUSY:
		return verb_fail(c, EXIT_NO,
		    "somebody has it or waits for it; shm ls -l tells who");
	case EDEADLK:
		return verb_fail(c, EXIT_CANNOT, "this process has the lock "
		    "already");
	case ESRCH:
		return verb_fail(c, EXIT_CANNOT, "there is no process %d",
		    (int)c->owner);
	case EUSERS:
		return verb_fail(c, EXIT_CANNOT, "all %u places are taken",
		    SHMU_CELL_PLACES);
	case EROFS:
		return verb_fail(c, EXIT_CANNOT, "the store may only be read");
	default:
		break;
	}
	status = of_store(c, err);
	return status != -1 ? status : verb_fail(c, EXIT_CANNOT, "%s",
	    strerror(err));
}
