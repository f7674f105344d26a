/* SPDX-License-Identifier: MIT */
/* stat-detail.c - all that shm-stat knows of a segment, as lines and as JSON */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli.h"
#include "json.h"
#include "names.h"
#include "process.h"
#include "stat.h"

static const char *
type_word(mode_t type)
{
	return S_ISDIR(type) ? "directory" : S_ISFIFO(type) ? "fifo" :
	    S_ISLNK(type) ? "symlink" : S_ISSOCK(type) ? "socket" :
	    S_ISREG(type) ? "file" : "device";
}

/* One line for each column that has something to say. */
void
stat_detail(const struct inventory *inv, const struct row *row)
{
	char text[COLUMN_TEXT], why[200];
	const struct column *c;
	size_t i;

	for (c = columns; c->name != NULL; c++) {
		text[0] = '\0';
		c->text(row, 1, text, sizeof text);
		if (text[0] == '\0' || strcmp(c->name, "HOLDERS") == 0)
			continue;
		printf("%s: ", c->name);
		cli_safe(stdout, text);
		if (strcmp(c->name, "STATE") == 0)
			printf(" (%s)", inventory_why(inv, row, why, sizeof why));
		putchar('\n');
	}
	for (i = 0; i < row->nholders; i++) {
		const struct holder *h = &row->holders[i];

		printf("HOLDER: %d ", (int)h->pid);
		cli_safe(stdout, h->command);
		printf(" %s %s\n", h->mapped ? "mapped" : "open",
		    h->writable ? "rw" : "ro");
	}
	if (inv->partial)
		printf("HOLDER: unknown, %s\n",
		    inventory_partial(inv, why, sizeof why));
}

static void
holders(struct json *j, const struct row *row)
{
	size_t i;

	json_open(j, "holders", '[');
	for (i = 0; i < row->nholders; i++) {
		json_open(j, NULL, '{');
		json_number(j, "pid", row->holders[i].pid);
		json_string(j, "command", row->holders[i].command);
		json_bool(j, "mapped", row->holders[i].mapped);
		json_bool(j, "writable", row->holders[i].writable);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
sysv_members(struct json *j, const struct shmu_info *i)
{
	char key[16], command[64];

	snprintf(key, sizeof key, "0x%08x", (unsigned int)i->key);
	json_string(j, "key", key);
	json_number(j, "id", i->id);
	json_unsigned(j, "attached", i->attached);
	json_bool(j, "locked", i->locked);
	json_unsigned(j, "creator_uid", i->cuid);
	json_unsigned(j, "creator_gid", i->cgid);
	json_number(j, "creator_pid", i->cpid);
	json_string(j, "creator_command", process_dead(i->cpid, i->ctime) ?
	    NULL : process_command(i->cpid, command, sizeof command));
	json_number(j, "last_pid", i->lpid);
	json_time(j, "detached", i->dtime);
}

static void
file_members(struct json *j, const struct row *r)
{
	json_string(j, "name", r->name != NULL ? r->name : r->path);
	json_string(j, "type", type_word(r->type));
	json_unsigned(j, "allocated", r->info.allocated);
	json_unsigned(j, "device", r->info.dev);
	json_unsigned(j, "inode", r->info.ino);
	json_unsigned(j, "links", r->info.links);
	json_time(j, "modified", r->info.mtime);
}

static void
member(struct json *j, const char *key, const char *name, const struct row *row)
{
	char text[COLUMN_TEXT] = "";

	column_find(name, strlen(name))->text(row, 1, text, sizeof text);
	json_string(j, key, text);
}

static void
segment(struct json *j, const struct inventory *inv, const struct row *r)
{
	char why[200];

	json_open(j, NULL, '{');
	member(j, "kind", "KIND", r);
	member(j, "operand", "OPERAND", r);
	json_string(j, "owner", names_user(r->info.uid));
	json_unsigned(j, "uid", r->info.uid);
	json_string(j, "group", names_group(r->info.gid));
	json_unsigned(j, "gid", r->info.gid);
	member(j, "mode", "MODE", r);
	json_unsigned(j, "size", r->info.size);
	if (r->has_rss) {
		json_unsigned(j, "resident", r->rss);
		json_unsigned(j, "swapped", r->swap);
	} else {
		json_null(j, "resident");
		json_null(j, "swapped");
	}
	json_string(j, "state", inventory_state(r->state));
	json_string(j, "why", inventory_why(inv, r, why, sizeof why));
	json_bool(j, "removed", r->info.removed);
	json_time(j, "changed", r->info.ctime);
	json_time(j, "accessed", r->info.atime);
	if (r->info.kind == SHMU_ID)
		sysv_members(j, &r->info);
	else
		file_members(j, r);
	holders(j, r);
	json_close(j, '}');
}

void
stat_json(const struct inventory *inv)
{
	struct json j = JSON_INIT(stdout);
	size_t i;

	json_open(&j, NULL, '{');
	json_string(&j, "schema", "shmutils.segments.1");
	json_bool(&j, "complete", !inv->partial);
	json_unsigned(&j, "unseen_processes", inv->unseen);
	json_open(&j, "segments", '[');
	for (i = 0; i < inv->n; i++)
		segment(&j, inv, &inv->rows[i]);
	json_close(&j, ']');
	json_close(&j, '}');
}
