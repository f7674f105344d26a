/* SPDX-License-Identifier: MIT */
/* stat-columns.c - what shm-stat can show of a segment, a column each */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "holders.h"
#include "names.h"
#include "process.h"
#include "shmutil/parse.h"
#include "stat.h"
#include "text.h"

void
column_size(uint64_t n, int bytes, char buf[TEXT_NUMBER])
{
	char text[SHMU_SIZE_TEXT];

	if (bytes || n < 1024)
		text_unsigned(buf, n);
	else
		text_copy(buf, shmu_size_text(text, n));
}

void
column_date(time_t t, char *buf, size_t size)
{
	struct tm tm;

	if (t != 0 && localtime_r(&t, &tm) != NULL)
		strftime(buf, size, "%Y-%m-%dT%H:%M:%S%z", &tm);
}

void
column_age(int64_t s, int exact, char buf[TEXT_NUMBER])
{
	static const struct { int64_t below, unit; char letter[2]; } units[] = {
		{ 120, 1, "s" }, { 7200, 60, "m" }, { 172800, 3600, "h" },
		{ INT64_MAX, 86400, "d" }
	};
	size_t i = 0;

	if (s < 0)	/* a clock was set, or the time was */
		s = 0;
	if (exact) {
		text_number(buf, s);
		return;
	}
	while (s >= units[i].below)
		i++;
	text_copy(buf + text_number(buf, s / units[i].unit), units[i].letter);
}

/* What does not fit is cut. */
static void
bounded(char *to, const char *from, size_t size)
{
	while (--size > 0 && *from != '\0')
		*to++ = *from++;
	*to = '\0';
}

/* Not every column looks at all of these. */
#define MAYBE	__attribute__((unused))
#define WORDS(name)							\
	static void name(const struct shmu_item *i,			\
	    const struct style *style MAYBE, char *buf, size_t size MAYBE)
#define VALUE(name)							\
	static int64_t name(const struct shmu_item *i,			\
	    const struct style *style MAYBE)

static int
is_sysv(const struct shmu_item *i)
{
	return i->kind == SHMU_ITEM_SYSV;
}

static int
knows(const struct shmu_item *i, unsigned int what)
{
	return (i->known & what) != 0;
}

const char *
column_kind(const struct shmu_item *i)
{
	static const char *const words[] = {
		"sysv", "posix", "memfd", "anon", "file"
	};

	return words[i->kind];
}

WORDS(kind)
{
	text_copy(buf, column_kind(i));
}

WORDS(operand)
{
	struct shmu_operand op;

	if (is_sysv(i))
		text_number(buf, i->info.id);
	else if (shmu_item_operand(i, &op) == 0)
		shmu_operand_text(&op, buf, size);
	else
		text_copy(buf, "-");
}

WORDS(key)
{
	if (is_sysv(i))
		text_digits(text_copy(buf, "0x"), (uint32_t)i->info.key, 16, 8);
}

WORDS(name)
{
	if (i->name != NULL)
		bounded(buf, i->name, size);
}

WORDS(owner)
{
	if (!knows(i, SHMU_KNOWN_OWNER))
		return;
	if (style->numeric)
		text_unsigned(buf, i->info.uid);
	else
		bounded(buf, names_user(i->info.uid), size);
}

WORDS(group)
{
	if (!knows(i, SHMU_KNOWN_OWNER))
		return;
	if (style->numeric)
		text_unsigned(buf, i->info.gid);
	else
		bounded(buf, names_group(i->info.gid), size);
}

WORDS(mode)
{
	if (knows(i, SHMU_KNOWN_OWNER))
		text_digits(buf, (uint32_t)i->info.mode, 8, 4);
}

/* The state, then what else is worth a look. */
WORDS(state)
{
	char *p = text_copy(buf, shmu_state_word(i->state));

	if (i->info.locked)
		p = text_copy(p, ",locked");
	if ((i->info.mode & 0002) != 0 && knows(i, SHMU_KNOWN_OWNER) &&
	    i->state != SHMU_STATE_FOREIGN && i->kind != SHMU_ITEM_MEMFD &&
	    i->kind != SHMU_ITEM_ANON)
		text_copy(p, ",world-writable");
}

WORDS(creator)
{
	if (is_sysv(i))
		process_creator(i->info.cpid, i->info.ctime, buf, size);
}

WORDS(holders)
{
	holders_text(i, buf, size);
}

WORDS(format)
{
	format_word(i, buf, size);
}

/* The namespace an operand is good in. */
WORDS(ns)
{
	pid_t pid = style->ns != 0 ? style->ns : getpid();
	char path[40];
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid,
	    is_sysv(i) ? "ipc" : "mnt");
	n = readlink(path, buf, size - 1);
	buf[n > 0 ? n : 0] = '\0';
}

VALUE(id)
{
	return is_sysv(i) ? i->info.id : UNKNOWN;
}

VALUE(length)
{
	return (int64_t)i->info.size;
}

VALUE(allocated)
{
	return knows(i, SHMU_KNOWN_ALLOCATED) ? (int64_t)i->info.allocated :
	    UNKNOWN;
}

VALUE(rss)
{
	return knows(i, SHMU_KNOWN_RESIDENT) ? (int64_t)i->resident : UNKNOWN;
}

VALUE(swap)
{
	return knows(i, SHMU_KNOWN_RESIDENT) ? (int64_t)i->swapped : UNKNOWN;
}

VALUE(nattch)
{
	return is_sysv(i) ? (int64_t)i->info.attached : UNKNOWN;
}

static int64_t
date(time_t t)
{
	return t == 0 ? UNKNOWN : (int64_t)t;
}

VALUE(changed)
{
	return date(i->info.ctime);
}

VALUE(accessed)
{
	return date(i->info.atime);
}

VALUE(detached)
{
	return date(i->info.dtime);
}

VALUE(modified)
{
	return date(i->info.mtime);
}

VALUE(age)
{
	time_t used = shmu_item_used(i);

	return used == 0 ? UNKNOWN : (int64_t)(style->now - used);
}

VALUE(cpid)
{
	return is_sysv(i) ? i->info.cpid : UNKNOWN;
}

VALUE(lpid)
{
	return is_sysv(i) ? i->info.lpid : UNKNOWN;
}

VALUE(page)
{
	return i->page != 0 ? (int64_t)i->page : UNKNOWN;
}

#define RSS	SHMU_INVENTORY_RESIDENT
#define HEADER	SHMU_INVENTORY_FORMAT

const struct column columns[] = {
	{ "KIND", "sysv, posix, memfd, anon or file", WORD, 0, kind, NULL },
	{ "OPERAND", "how other commands call it; - when they cannot", WORD, 0,
	    operand, NULL },
	{ "KEY", "System V key", WORD, 0, key, NULL },
	{ "ID", "System V identifier", NUMBER, 0, NULL, id },
	{ "NAME", "of a POSIX object or memfd; path of a file", WORD, 0, name,
	    NULL },
	{ "OWNER", "user", WORD, 0, owner, NULL },
	{ "GROUP", "group", WORD, 0, group, NULL },
	{ "MODE", "permission bits", WORD, 0, mode, NULL },
	{ "SIZE", "bytes asked for", SIZE, 0, NULL, length },
	{ "ALLOC", "RAM and swap that it takes; of a file, disk", SIZE, 0, NULL,
	    allocated },
	{ "RSS", "of that, what is in RAM", SIZE, RSS, NULL, rss },
	{ "SWAP", "of that, what is swapped out", SIZE, RSS, NULL, swap },
	{ "NATTCH", "attachments (System V), not processes", NUMBER, 0, NULL,
	    nattch },
	{ "STATE", "live unused orphan unknown dest unlinked unfinished foreign",
	    WORD, 0, state, NULL },
	{ "CTIME", "last change of mode, owner or content", DATE, 0, NULL,
	    changed },
	{ "ATIME", "last attach or read", DATE, 0, NULL, accessed },
	{ "DTIME", "last detach (System V)", DATE, 0, NULL, detached },
	{ "MTIME", "last write by a call (others)", DATE, 0, NULL, modified },
	{ "AGE", "since its last use", AGE, 0, NULL, age },
	{ "CPID", "process that created it (System V)", NUMBER, 0, NULL, cpid },
	{ "CREATOR", "command of that process, while it lives", WORD, 0, creator,
	    NULL },
	{ "LPID", "process that attached or detached last (System V)", NUMBER, 0,
	    NULL, lpid },
	{ "HOLDERS", "processes that have it attached, mapped or open", WORD, 0,
	    holders, NULL },
	{ "PAGESIZE", "of its pages, as a holder has them mapped", SIZE, 0, NULL,
	    page },
	{ "FORMAT", "structure of this toolkit that it holds", WORD, HEADER,
	    format, NULL },
	{ "NS", "namespace in which the operand is good", WORD, 0, ns, NULL },
	{ NULL, NULL, WORD, 0, NULL, NULL }
};

const struct column *
column_find(const char *word, size_t len)
{
	const struct column *c;

	for (c = columns; c->name != NULL; c++)
		if (strlen(c->name) == len &&
		    strncasecmp(c->name, word, len) == 0)
			return c;
	return NULL;
}

void
column_text(const struct column *c, const struct shmu_item *item,
    const struct style *style, char *buf, size_t size)
{
	int64_t n;

	buf[0] = '\0';
	if (c->type == WORD) {
		c->word(item, style, buf, size);
		return;
	}
	n = c->value(item, style);
	if (n == UNKNOWN)
		return;
	if (c->type == SIZE)
		column_size((uint64_t)n, style->bytes, buf);
	else if (c->type == AGE)
		column_age(n, style->bytes, buf);
	else if (c->type == DATE)
		column_date((time_t)n, buf, size);
	else
		text_number(buf, n);
}
