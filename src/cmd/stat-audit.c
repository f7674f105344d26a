/* SPDX-License-Identifier: MIT */
/* stat-audit.c - what others may do to segments, and what is wrong with them */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "json.h"
#include "names.h"
#include "shmutil/header.h"
#include "stat.h"
#include "stat-limits.h"

/* What was found; written as it comes. */
struct report {
	const struct request	*request;
	struct json		 json;
	size_t			 n;
};

static void
begin(struct report *p, const struct request *r, const char *schema)
{
	struct json j = JSON_INIT(stdout);

	p->request = r;
	p->json = j;
	p->n = 0;
	if (!r->json)
		return;
	json_open(&p->json, NULL, '{');
	json_string(&p->json, "schema", schema);
	json_open(&p->json, "findings", '[');
}

/* 1, the answer is no, if anything was found. */
static int
end(struct report *p)
{
	if (p->request->json) {
		json_close(&p->json, ']');
		json_close(&p->json, '}');
	}
	return p->n > 0 ? EXIT_NO : EXIT_YES;
}

static void
found(struct report *p, const char *operand, const char *owner,
    const char *finding)
{
	p->n++;
	if (p->request->json) {
		json_open(&p->json, NULL, '{');
		json_string(&p->json, "operand", operand);
		json_string(&p->json, "owner", owner);
		json_string(&p->json, "finding", finding);
		json_close(&p->json, '}');
		return;
	}
	if (cli.quiet)
		return;
	cli_safe(stdout, operand);
	printf(": %s", finding);
	if (owner != NULL)
		printf(" (owner %s)", owner);
	putchar('\n');
}

static void
finding(struct report *p, const struct shmu_item *item, const char *text)
{
	char operand[COLUMN_TEXT], owner[COLUMN_TEXT];

	column_text(column_find("OPERAND", 7), item, &p->request->style,
	    operand, sizeof operand);
	column_text(column_find("OWNER", 5), item, &p->request->style, owner,
	    sizeof owner);
	if (strcmp(operand, "-") == 0 && item->name != NULL)
		found(p, item->name, owner, text);
	else
		found(p, operand, owner, text);
}

/* What the bits of a mode let the group or everybody do. */
static void
access_of(struct report *p, const struct shmu_item *item)
{
	static const char *const what[] = {
		NULL, NULL, "write", "write", "read", "read", "read and write",
		"read and write"
	};
	char text[160];
	mode_t mode = item->info.mode;

	if (what[mode & 7] != NULL) {
		snprintf(text, sizeof text, "everybody may %s it, mode %04o",
		    what[mode & 7], (unsigned int)mode);
		finding(p, item, text);
	} else if (what[mode >> 3 & 7] != NULL) {
		snprintf(text, sizeof text, "group %s may %s it, mode %04o",
		    names_group(item->info.gid), what[mode >> 3 & 7],
		    (unsigned int)mode);
		finding(p, item, text);
	}
}

/* The FIFO NAME.bell of a stream NAME, as fifo-producer(1) makes it. */
static int
is_bell(const struct rows *rows, const struct shmu_item *item)
{
	size_t len = strlen(item->name), i;

	if (!S_ISFIFO(item->type) || len < 5 ||
	    strcmp(item->name + len - 5, ".bell") != 0)
		return 0;
	for (i = 0; i < rows->n; i++)
		if (rows->item[i]->kind == SHMU_ITEM_POSIX &&
		    rows->item[i]->info.uid == item->info.uid &&
		    rows->item[i]->format == SHMU_FORMAT_RING &&
		    strlen(rows->item[i]->name) == len - 5 &&
		    strncmp(rows->item[i]->name, item->name, len - 5) == 0)
			return 1;
	return 0;
}

static void
audit_item(struct report *p, const struct rows *rows,
    const struct shmu_item *item)
{
	if (item->kind == SHMU_ITEM_MEMFD || item->kind == SHMU_ITEM_ANON)
		return;		/* reached by who was given it only */
	if (item->kind == SHMU_ITEM_POSIX && is_bell(rows, item)) {
		access_of(p, item);
		return;
	}
	if (item->state == SHMU_STATE_FOREIGN && item->type != S_IFREG) {
		finding(p, item, S_ISLNK(item->type) ? "a symbolic link stands "
		    "under a name of an object" : S_ISFIFO(item->type) ?
		    "a FIFO stands under a name of an object" :
		    "it is no regular file");
		return;
	}
	access_of(p, item);
	if (item->kind == SHMU_ITEM_POSIX && item->info.links > 1)
		finding(p, item, "it has a second name, a hard link");
}

/* Who may write to the directory may remove and plant names, but for the
 * sticky bit. */
static void
audit_dir(struct report *p)
{
	struct stat st;
	char text[80];

	if (p->request->spec.ns != 0 || stat(SHMU_POSIX_DIR, &st) == -1 ||
	    (st.st_mode & 0022) == 0 || (st.st_mode & S_ISVTX) != 0)
		return;
	snprintf(text, sizeof text,
	    "others may remove each other's objects: no sticky bit, mode %04o",
	    (unsigned int)st.st_mode & 07777U);
	found(p, SHMU_POSIX_DIR, names_user(st.st_uid), text);
}

int
stat_audit(const struct request *r)
{
	struct rows rows = ROWS_INIT;
	struct report p;
	int status = rows_take(&rows, r);
	size_t i;

	if (status == EXIT_YES) {
		begin(&p, r, "shmutils.audit.1");
		audit_dir(&p);
		for (i = 0; i < rows.n; i++)
			audit_item(&p, &rows, rows.item[i]);
		status = end(&p);
	}
	rows_free(&rows);
	return status;
}

static void
check_item(struct report *p, const struct shmu_item *item)
{
	switch (item->state) {
	case SHMU_STATE_ORPHAN:
		finding(p, item, "orphan: shm-rm --orphans removes it");
		break;
	case SHMU_STATE_UNFINISHED:
		finding(p, item, "unfinished: a killed creation left it");
		break;
	case SHMU_STATE_DEST:
		finding(p, item, "dest: removed, but still attached");
		break;
	default:
		break;
	}
	if ((item->info.mode & 0002) != 0 && item->type != S_IFLNK &&
	    item->kind != SHMU_ITEM_MEMFD && item->kind != SHMU_ITEM_ANON)
		finding(p, item, "world-writable");
}

#define FULL	90	/* percent */

static void
check_limits(struct report *p)
{
	struct limits l;
	char text[96];
	size_t i;

	if (p->request->spec.ns != 0 || limits_get(&l) == -1)
		return;
	for (i = 0; i < l.n; i++)
		if (limits_percent(&l.limit[i]) >= FULL) {
			snprintf(text, sizeof text, "%s: %.0f%% is used",
			    l.limit[i].meaning, limits_percent(&l.limit[i]));
			found(p, l.limit[i].name, NULL, text);
		}
}

int
stat_check(const struct request *r)
{
	struct rows rows = ROWS_INIT;
	struct report p;
	int status = rows_take(&rows, r);
	size_t i;

	if (status == EXIT_YES) {
		begin(&p, r, "shmutils.check.1");
		check_limits(&p);
		for (i = 0; i < rows.n; i++)
			check_item(&p, rows.item[i]);
		stat_warn(&rows);
		status = end(&p);
	}
	rows_free(&rows);
	return status;
}
