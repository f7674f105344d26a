/* SPDX-License-Identifier: MIT */
/* sync.h - what the parts of mmap-sync share */
#ifndef SYNC_H
#define SYNC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "json.h"
#include "mapping.h"
#include "shmutil/pages.h"
#include "shmutil/segment.h"

#define REST	UINT64_MAX	/* a length: to the end */

struct range {
	uint64_t	off;
	uint64_t	len;	/* may be REST */
};

/* Bytes for one place: len of them are at bytes, what total has beyond them
 * comes from standard input; REST is as much as there is. */
struct update {
	uint64_t	 off;
	const char	*bytes;
	uint64_t	 len;
	uint64_t	 total;
};

/* How many of its bytes are known of. */
static inline uint64_t
update_known(const struct update *u)
{
	return u->total != REST ? u->total : u->len;
}

struct updates {
	struct update	*list;
	size_t		 n;
	size_t		 room;		/* private: allocated */
	size_t		 offsets;	/* private: --offset seen */
	const char	*from;		/* private: of --updates */
	off_t		 start;		/* of standard input, -1: a pipe */
	char		*piped;		/* private: what came through it */
	char		*records;	/* private: the content of from */
};

enum via { VIA_AUTO, VIA_PWRITE, VIA_MMAP };

/* What the options said. */
struct request {
	int		 force, dry, json, sparse;
	int		 sync, async, invalidate;
	int		 populate, evict, residency;
	int		 has_size;
	uint64_t	 size;
	enum via	 via;
	struct mapping	 asked;
	struct updates	 updates;
	struct range	*ranges;
	size_t		 nranges;
};

/* Whether the options ask something of the mapping itself. */
static inline int
request_asks_mapping(const struct request *r)
{
	return r->asked.advice != NULL || r->asked.lock != LOCK_NO ||
	    r->asked.protect != -1;
}

static inline int
request_changes(const struct request *r)
{
	return r->has_size || r->updates.n > 0;
}

#define CELLS	64	/* of the strip */

/* What is in RAM of a range, in all and by its parts. */
struct strip {
	struct shmu_residency	all;
	char			cells[CELLS + 1];
};

/* One FILE on its way. */
struct job {
	const struct request	*r;
	const char		*text;	/* the operand as typed */
	struct shmu_segment	 seg;	/* mapped whole, or not mapped */
	uint64_t		 old;	/* its size at first, 0 when created */
	uint64_t		 size;	/* and now */
	int			 created;
	int			 writable;
	enum via		 via;	/* never VIA_AUTO */
	struct range		*ranges;	/* of this file, merged */
	struct range		 whole;		/* which is most often the
						 * one */
	size_t			 nranges;
	uint64_t		 written;	/* bytes */
	const char		*call;	/* that synced, or NULL */
	size_t			 calls;
	uint64_t		 synced;	/* bytes of the ranges */
	uint64_t		 nanoseconds;	/* that took */
	struct strip		*strips;	/* one for each range, or
						 * NULL */
	int			 has_evicted;
	uint64_t		 evicted;
};

/* sync-updates.c: collect, then make ready or end with EXIT_USAGE; then see
 * whether all fit into size bytes. */
void updates_text(struct updates *u, const char *text);
void updates_offset(struct updates *u, uint64_t off);
void updates_from(struct updates *u, const char *path);
void updates_ready(struct updates *u, int files);
int updates_fit(const struct updates *u, const char *text, uint64_t size);
void updates_free(struct updates *u);

/* The rest are steps of a job; each returns an exit status, having said why. */

/* sync-write.c: store the updates.  Nothing is stored unless there is room on
 * the filesystem for all whose length is known. */
int job_write(struct job *j);

/* sync-range.c: read OFF[:[LEN]], or end with EXIT_USAGE; take the ranges that
 * were asked for as this file has them; sync them; drop them from RAM. */
void range_add(struct request *r, const char *text);
int job_ranges(struct job *j);
int job_sync(struct job *j);
int job_populate(struct job *j);
int job_evict(struct job *j);

/* sync-residency.c: look what is in RAM; print it. */
int job_look(struct job *j);
void job_print(const struct job *j, struct json *o, int status);

/* sync-job.c: do all of it to the file text; map all of it, unless it is. */
int job_run(const struct request *r, const char *text, struct json *o);
int job_map(struct job *j);

#endif
