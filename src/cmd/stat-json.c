/* SPDX-License-Identifier: MIT */
/* stat-json.c - all that shm-stat knows, as JSON; the schema is in its page */
#include "config.h"

#include <string.h>
#include <sys/stat.h>

#include "json.h"
#include "names.h"
#include "process.h"
#include "shmutil/header.h"
#include "stat.h"
#include "text.h"

static const char *
type_word(mode_t type)
{
	return S_ISDIR(type) ? "directory" : S_ISFIFO(type) ? "fifo" :
	    S_ISLNK(type) ? "symlink" : S_ISSOCK(type) ? "socket" :
	    S_ISREG(type) ? "file" : "device";
}

static void
known(struct json *j, const char *key, int is_known, uint64_t n)
{
	if (is_known)
		json_unsigned(j, key, n);
	else
		json_null(j, key);
}

static void
holders(struct json *j, const struct shmu_item *item)
{
	size_t i;

	json_open(j, "holders", '[');
	for (i = 0; i < item->nholders; i++) {
		const struct shmu_holder *h = &item->holders[i];

		json_open(j, NULL, '{');
		json_number(j, "pid", h->pid);
		json_unsigned(j, "start_ticks", h->start);
		json_string(j, "command", h->command);
		json_bool(j, "mapped", h->mapped);
		json_bool(j, "writable", h->writable);
		known(j, "fd", h->fd != -1, (uint64_t)h->fd);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
sysv_members(struct json *j, const struct shmu_info *i, int detail)
{
	char text[TEXT_NUMBER + 2], command[64];

	text_digits(text_copy(text, "0x"), (uint32_t)i->key, 16, 8);
	json_string(j, "key", text);
	json_number(j, "id", i->id);
	json_unsigned(j, "attached", i->attached);
	json_bool(j, "locked", i->locked);
	json_unsigned(j, "creator_uid", i->cuid);
	json_unsigned(j, "creator_gid", i->cgid);
	json_number(j, "creator_pid", i->cpid);
	if (detail)
		json_string(j, "creator_command", *process_creator(i->cpid,
		    i->ctime, command, sizeof command) != '\0' ? command : NULL);
	json_number(j, "last_pid", i->lpid);
	json_time(j, "detached", i->dtime);
}

static void
file_members(struct json *j, const struct shmu_item *item)
{
	json_string(j, "name", item->name);
	json_string(j, "type", type_word(item->type));
	json_unsigned(j, "device", item->info.dev);
	json_unsigned(j, "inode", item->info.ino);
	json_unsigned(j, "links", item->info.links);
	json_time(j, "modified", item->info.mtime);
}

static void
owner_members(struct json *j, const struct shmu_item *item,
    const struct style *style)
{
	const struct shmu_info *i = &item->info;
	int is_known = (item->known & SHMU_KNOWN_OWNER) != 0;
	char text[TEXT_NUMBER];

	json_string(j, "owner", !is_known || style->numeric ? NULL :
	    names_user(i->uid));
	known(j, "uid", is_known, i->uid);
	json_string(j, "group", !is_known || style->numeric ? NULL :
	    names_group(i->gid));
	known(j, "gid", is_known, i->gid);
	text_digits(text, (uint32_t)i->mode, 8, 4);
	json_string(j, "mode", is_known ? text : NULL);
}

static void
size_members(struct json *j, const struct shmu_item *item)
{
	int resident = (item->known & SHMU_KNOWN_RESIDENT) != 0;

	json_unsigned(j, "size", item->info.size);
	if ((item->known & SHMU_KNOWN_SIZE) == 0)
		json_bool(j, "size_is_minimum", 1);
	known(j, "allocated", (item->known & SHMU_KNOWN_ALLOCATED) != 0,
	    item->info.allocated);
	known(j, "resident", resident, item->resident);
	known(j, "swapped", resident, item->swapped);
	if (item->page != 0)
		json_unsigned(j, "page_size", item->page);
}

static void
reasons(struct json *j, const struct rows *rows, const struct shmu_item *item)
{
	struct shmu_reason why[SHMU_REASONS];
	size_t i, n = shmu_inventory_why(rows->inv, item, why);

	json_open(j, "why", '[');
	for (i = 0; i < n; i++) {
		json_open(j, NULL, '{');
		json_bool(j, "removable", why[i].yes);
		json_string(j, "text", why[i].text);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void
segment(struct json *j, const struct rows *rows, const struct shmu_item *item,
    const struct request *r)
{
	char text[COLUMN_TEXT];
	struct shmu_operand op;

	json_open(j, NULL, '{');
	json_string(j, "kind", column_kind(item));
	if (item->kind == SHMU_ITEM_SYSV) {
		text_number(text, item->info.id);
		json_string(j, "operand", text);
	} else
		json_string(j, "operand", shmu_item_operand(item, &op) == -1 ?
		    NULL : shmu_operand_text(&op, text, sizeof text));
	owner_members(j, item, &r->style);
	size_members(j, item);
	json_string(j, "state", shmu_state_word(item->state));
	json_bool(j, "removed", item->info.removed);
	json_time(j, "changed", item->info.ctime);
	json_time(j, "accessed", item->info.atime);
	if (item->kind == SHMU_ITEM_SYSV)
		sysv_members(j, &item->info, r->why);
	else
		file_members(j, item);
	if ((r->spec.want & SHMU_INVENTORY_FORMAT) != 0) {
		json_string(j, "format", shmu_header_name(item->format));
		known(j, "layout", item->format != 0, item->layout);
	}
	if (r->why)
		reasons(j, rows, item);
	holders(j, item);
	json_close(j, '}');
}

void
stat_json(const struct rows *rows, const struct request *r)
{
	struct json j = JSON_INIT(stdout);
	char buf[96];
	const char *missing;
	size_t i;

	/* A list has a line for each segment. */
	j.flat = r->why ? JSON_FLAT : 2;
	missing = shmu_inventory_missing(rows->inv, buf, sizeof buf, NULL);
	json_open(&j, NULL, '{');
	json_string(&j, "schema", "shmutils.segments.1");
	json_bool(&j, "complete", missing == NULL);
	json_string(&j, "missing", missing);
	json_unsigned(&j, "unseen_processes", shmu_inventory_unseen(rows->inv));
	json_open(&j, "segments", '[');
	for (i = 0; i < rows->n; i++)
		segment(&j, rows, rows->item[i], r);
	json_close(&j, ']');
	json_close(&j, '}');
}
