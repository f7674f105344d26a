/* SPDX-License-Identifier: MIT */
/* stat-columns.c - what shm-stat can show of a segment, a column each */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

#include "names.h"
#include "process.h"
#include "shmutil/parse.h"
#include "stat.h"

#define COLUMN(name)							\
	static void name(const struct row *r, int bytes, char *buf, size_t size)

static void
amount(uint64_t n, int bytes, char *buf, size_t size)
{
	char text[SHMU_SIZE_TEXT];

	if (bytes)
		snprintf(buf, size, "%" PRIu64, n);
	else
		snprintf(buf, size, "%s", shmu_size_text(text, n));
}

static void
when(time_t t, char *buf, size_t size)
{
	struct tm tm;

	if (t != 0 && localtime_r(&t, &tm) != NULL)
		strftime(buf, size, "%Y-%m-%dT%H:%M:%S%z", &tm);
}

COLUMN(kind)
{
	(void)bytes;
	snprintf(buf, size, "%s", r->info.kind == SHMU_ID ? "sysv" :
	    r->info.kind == SHMU_POSIX ? "posix" :
	    r->info.kind == SHMU_FILE ? "file" : "fd");
}

COLUMN(operand)
{
	struct shmu_operand op;

	(void)bytes;
	inventory_operand(r, &op);
	shmu_operand_text(&op, buf, size);
}

COLUMN(key)
{
	(void)bytes;
	if (r->info.kind == SHMU_ID)
		snprintf(buf, size, "0x%08x", (unsigned int)r->info.key);
}

COLUMN(id)
{
	(void)bytes;
	if (r->info.kind == SHMU_ID)
		snprintf(buf, size, "%d", r->info.id);
}

COLUMN(owner)
{
	(void)bytes;
	snprintf(buf, size, "%s", names_user(r->info.uid));
}

COLUMN(group)
{
	(void)bytes;
	snprintf(buf, size, "%s", names_group(r->info.gid));
}

COLUMN(mode)
{
	(void)bytes;
	snprintf(buf, size, "%04o", (unsigned int)r->info.mode);
}

COLUMN(bytes_asked)
{
	amount(r->info.size, bytes, buf, size);
}

COLUMN(allocated)
{
	if (r->info.kind != SHMU_ID)
		amount(r->info.allocated, bytes, buf, size);
}

COLUMN(rss)
{
	if (r->has_rss)
		amount(r->rss, bytes, buf, size);
}

COLUMN(swap)
{
	if (r->has_rss)
		amount(r->swap, bytes, buf, size);
}

COLUMN(nattch)
{
	(void)bytes;
	if (r->info.kind == SHMU_ID)
		snprintf(buf, size, "%" PRIu64, r->info.attached);
}

/* The state, then what else is worth a look. */
COLUMN(state)
{
	(void)bytes;
	snprintf(buf, size, "%s%s%s", inventory_state(r->state),
	    r->info.locked ? ",locked" : "",
	    (r->info.mode & 0002) != 0 && r->state != STATE_FOREIGN ?
	    ",world-writable" : "");
}

COLUMN(changed)
{
	(void)bytes;
	when(r->info.ctime, buf, size);
}

COLUMN(accessed)
{
	(void)bytes;
	when(r->info.atime, buf, size);
}

COLUMN(detached)
{
	(void)bytes;
	when(r->info.dtime, buf, size);
}

COLUMN(unused_for)
{
	double s = difftime(time(NULL), inventory_last_use(&r->info));

	if (bytes)
		snprintf(buf, size, "%.0f", s);
	else if (s < 120)
		snprintf(buf, size, "%.0fs", s);
	else if (s < 7200)
		snprintf(buf, size, "%.0fm", s / 60);
	else if (s < 172800)
		snprintf(buf, size, "%.0fh", s / 3600);
	else
		snprintf(buf, size, "%.0fd", s / 86400);
}

COLUMN(cpid)
{
	(void)bytes;
	if (r->info.kind == SHMU_ID)
		snprintf(buf, size, "%d", (int)r->info.cpid);
}

COLUMN(creator)
{
	(void)bytes;
	if (r->info.kind == SHMU_ID &&
	    !process_dead(r->info.cpid, r->info.ctime))
		process_command(r->info.cpid, buf, size);
}

COLUMN(lpid)
{
	(void)bytes;
	if (r->info.kind == SHMU_ID)
		snprintf(buf, size, "%d", (int)r->info.lpid);
}

COLUMN(holders)
{
	(void)bytes;
	inventory_who(r, buf, size);
}

const struct column columns[] = {
	{ "KIND", "sysv, posix, file or fd", 0, kind },
	{ "OPERAND", "how other commands call it", 0, operand },
	{ "KEY", "System V key", 0, key },
	{ "ID", "System V identifier", 1, id },
	{ "OWNER", "user", 0, owner },
	{ "GROUP", "group", 0, group },
	{ "MODE", "permission bits", 0, mode },
	{ "SIZE", "bytes asked for", 1, bytes_asked },
	{ "ALLOC", "RAM and swap of a POSIX object", 1, allocated },
	{ "RSS", "resident in RAM", 1, rss },
	{ "SWAP", "swapped out", 1, swap },
	{ "NATTCH", "attachments (System V), not processes", 1, nattch },
	{ "STATE", "live unused orphan unknown dest unfinished foreign", 0, state },
	{ "CTIME", "last change of mode, owner or content", 0, changed },
	{ "ATIME", "last attach or read", 0, accessed },
	{ "DTIME", "last detach", 0, detached },
	{ "AGE", "since its last use", 1, unused_for },
	{ "CPID", "process that created it", 1, cpid },
	{ "CREATOR", "command of that process, while it lives", 0, creator },
	{ "LPID", "process that attached or detached last", 1, lpid },
	{ "HOLDERS", "processes that have it attached, mapped or open", 0, holders },
	{ NULL, NULL, 0, NULL }
};

const struct column *
column_find(const char *name, size_t len)
{
	const struct column *c;

	for (c = columns; c->name != NULL; c++)
		if (strlen(c->name) == len && strncasecmp(c->name, name, len) == 0)
			return c;
	return NULL;
}
