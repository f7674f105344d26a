/* SPDX-License-Identifier: MIT */
/* stat-follow.c - a line for each change of the segments there are */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cli.h"
#include "json.h"
#include "names.h"
#include "process.h"
#include "stat.h"
#include "text.h"

/* Who did it, or pid 0. */
struct actor {
	pid_t	pid;
	char	command[64];
};

static void
operand_text(const struct request *r, const struct shmu_item *item, char *buf,
    size_t size)
{
	column_text(column_find("OPERAND", 7), item, &r->style, buf, size);
	if (strcmp(buf, "-") == 0)
		snprintf(buf, size, "%s:%s", column_kind(item),
		    item->name != NULL ? item->name : "");
}

/* One line; what is between the operand and by whom, if it is known. */
static void
event(const struct request *r, const char *operand, const char *kind,
    const char *what, const char *detail, const struct actor *by)
{
	char when[TEXT_TIME];
	struct json j = JSON_INIT(stdout);

	text_utc(when, time(NULL));
	if (!r->json) {
		printf("%s %s ", when, what);
		cli_safe(stdout, operand);
		printf("%s%s", detail[0] != '\0' ? " " : "", detail);
		if (by->pid != 0) {
			printf(" by %d%s", (int)by->pid,
			    by->command[0] != '\0' ? " " : "");
			cli_safe(stdout, by->command);
		}
		putchar('\n');
		return;
	}
	j.flat = -1;
	json_open(&j, NULL, '{');
	json_string(&j, "time", when);
	json_string(&j, "event", what);
	json_string(&j, "kind", kind);
	json_string(&j, "operand", operand);
	json_string(&j, "detail", detail);
	if (by->pid != 0) {
		json_number(&j, "pid", by->pid);
		json_string(&j, "command", by->command);
	} else {
		json_null(&j, "pid");
		json_null(&j, "command");
	}
	json_close(&j, '}');
}

static void
item_event(const struct request *r, const struct shmu_item *item,
    const char *what, const char *detail, const struct actor *by)
{
	char operand[COLUMN_TEXT];

	operand_text(r, item, operand, sizeof operand);
	event(r, operand, column_kind(item), what, detail, by);
}

static void
by_holder(struct actor *by, const struct shmu_holder *h)
{
	by->pid = h->pid;
	snprintf(by->command, sizeof by->command, "%s", h->command);
}

static void
by_pid(struct actor *by, pid_t pid)
{
	by->pid = pid > 0 ? pid : 0;
	process_command(pid, by->command, sizeof by->command);
}

static void
removed(const struct request *r, const struct shmu_item *item)
{
	struct actor nobody = { 0, "" };

	item_event(r, item, "removed", "", &nobody);
}

static const struct shmu_holder *
find_holder(const struct shmu_item *item, const struct shmu_holder *h)
{
	size_t i;

	for (i = 0; i < item->nholders; i++)
		if (item->holders[i].pid == h->pid &&
		    item->holders[i].start == h->start)
			return &item->holders[i];
	return NULL;
}

/* The processes that came, or went; how many. */
static size_t
difference(const struct request *r, const struct shmu_item *from,
    const struct shmu_item *to, const struct shmu_item *item, const char *what)
{
	struct actor by;
	size_t i, n = 0;

	for (i = 0; i < to->nholders; i++)
		if (find_holder(from, &to->holders[i]) == NULL) {
			by_holder(&by, &to->holders[i]);
			item_event(r, item, what, to->holders[i].mapped ? "" :
			    "(open)", &by);
			n++;
		}
	return n;
}

/* System V records who; of others it is known if there is one holder. */
static void
created(const struct request *r, const struct shmu_item *item)
{
	static const struct shmu_item nothing;
	struct actor by = { 0, "" };
	char detail[96];

	if (item->kind == SHMU_ITEM_SYSV)
		by_pid(&by, item->info.cpid);
	else if (item->nholders == 1)
		by_holder(&by, item->holders);
	snprintf(detail, sizeof detail, "%" PRIu64 " bytes, owner %s",
	    item->info.size, names_user(item->info.uid));
	item_event(r, item, "created", detail, &by);
	difference(r, &nothing, item, item, "attached");
}

/* Attachments of processes that cannot be seen are counted all the same. */
static void
attachments(const struct request *r, const struct shmu_item *old,
    const struct shmu_item *now)
{
	struct actor by = { 0, "" };
	char detail[64];
	size_t n = difference(r, old, now, now, "attached") +
	    difference(r, now, old, now, "detached");

	if (n > 0 || old->info.attached == now->info.attached)
		return;
	by_pid(&by, now->info.lpid);
	snprintf(detail, sizeof detail,
	    "%" PRIu64 " -> %" PRIu64 " attachments", old->info.attached,
	    now->info.attached);
	item_event(r, now, now->info.attached > old->info.attached ? "attached" :
	    "detached", detail, &by);
}

static void
changed(const struct request *r, const struct shmu_item *old,
    const struct shmu_item *now)
{
	struct actor nobody = { 0, "" };
	char detail[300], was[COLUMN_TEXT];

	attachments(r, old, now);
	if (old->info.size != now->info.size) {
		snprintf(detail, sizeof detail, "%" PRIu64 " -> %" PRIu64
		    " bytes", old->info.size, now->info.size);
		item_event(r, now, "resized", detail, &nobody);
	}
	if (old->info.mode != now->info.mode ||
	    old->info.uid != now->info.uid || old->info.gid != now->info.gid) {
		snprintf(detail, sizeof detail, "%04o %s -> %04o %s",
		    (unsigned int)old->info.mode, names_user(old->info.uid),
		    (unsigned int)now->info.mode, names_user(now->info.uid));
		item_event(r, now, "changed", detail, &nobody);
	}
	if (old->info.removed != now->info.removed)
		item_event(r, old, "removed", now->info.removed ? "pending" : "",
		    &nobody);
	else if (old->name != NULL && now->name != NULL &&
	    strcmp(old->name, now->name) != 0) {
		operand_text(r, old, was, sizeof was);
		snprintf(detail, sizeof detail, "from %.250s", was);
		item_event(r, now, "renamed", detail, &nobody);
	}
}

/* An identity that no other segment has while this is there. */
static int
by_identity(const void *a, const void *b)
{
	const struct shmu_item *x = *(const struct shmu_item *const *)a;
	const struct shmu_item *y = *(const struct shmu_item *const *)b;
	int sysv = x->kind == SHMU_ITEM_SYSV;

	if (sysv != (y->kind == SHMU_ITEM_SYSV))
		return sysv ? -1 : 1;
	if (sysv)
		return (x->info.id > y->info.id) - (x->info.id < y->info.id);
	if (x->info.dev != y->info.dev)
		return x->info.dev < y->info.dev ? -1 : 1;
	return (x->info.ino > y->info.ino) - (x->info.ino < y->info.ino);
}

/* Rows of one identity: more than one for an object with several names. */
struct links {
	const struct shmu_item	**item;
	size_t			  n;
};

static struct links
next_links(const struct rows *rows, size_t at)
{
	struct links l = { rows->item + at, 0 };

	while (at + l.n < rows->n &&
	    by_identity(&rows->item[at], &rows->item[at + l.n]) == 0)
		l.n++;
	return l;
}

/* The one of the same name; NULL: there is none. */
static const struct shmu_item *
same_name(const struct links *l, const struct shmu_item *item)
{
	const char *name = item->name != NULL ? item->name : "", *other;
	size_t i;

	for (i = 0; i < l->n; i++) {
		other = l->item[i]->name != NULL ? l->item[i]->name : "";
		if (strcmp(other, name) == 0)
			return l->item[i];
	}
	return NULL;
}

/* How many of these have a name that those do not, and one of them. */
static size_t
unpaired(const struct links *these, const struct links *those,
    const struct shmu_item **one)
{
	size_t i, n = 0;

	for (i = 0; i < these->n; i++)
		if (same_name(those, these->item[i]) == NULL) {
			*one = these->item[i];
			n++;
		}
	return n;
}

/* A name that went while another came is a new name for the same. */
static void
compare_links(const struct request *r, const struct links *old,
    const struct links *now)
{
	const struct shmu_item *from = NULL, *to = NULL, *match;
	size_t gone = unpaired(old, now, &from), came = unpaired(now, old, &to);
	size_t i;
	int renamed = gone == 1 && came == 1;

	for (i = 0; i < old->n; i++) {
		match = same_name(now, old->item[i]);
		if (match != NULL)
			changed(r, old->item[i], match);
		else if (!renamed)
			removed(r, old->item[i]);
	}
	if (renamed)
		changed(r, from, to);
	for (i = 0; !renamed && i < now->n; i++)
		if (same_name(old, now->item[i]) == NULL)
			created(r, now->item[i]);
}

static void
compare(const struct request *r, const struct rows *old, const struct rows *now)
{
	struct links was, is;
	size_t i = 0, k = 0;
	int order;

	while (i < old->n || k < now->n) {
		order = i == old->n ? 1 : k == now->n ? -1 :
		    by_identity(&old->item[i], &now->item[k]);
		was = next_links(old, order <= 0 ? i : old->n);
		is = next_links(now, order >= 0 ? k : now->n);
		compare_links(r, &was, &is);
		i += was.n;
		k += is.n;
	}
}

/* A name that came and went between two looks. */
static void
missed(const struct request *r, const struct rows *old, const struct rows *now,
    const char *name)
{
	struct actor nobody = { 0, "" };
	char text[SHMU_OPERAND_TEXT];
	struct shmu_operand op;
	size_t i;

	for (i = 0; i < now->n; i++)
		if (now->item[i]->name != NULL &&
		    strcmp(now->item[i]->name, name) == 0)
			return;
	for (i = 0; i < old->n; i++)
		if (old->item[i]->name != NULL &&
		    strcmp(old->item[i]->name, name) == 0)
			return;
	memset(&op, 0, sizeof op);
	if (r->nwhere > 0 || strncmp(name, ".shmu-", 6) == 0 ||
	    shmu_operand_name(&op, name) == -1)
		return;
	op.kind = SHMU_POSIX;
	shmu_operand_text(&op, text, sizeof text);
	event(r, text, "posix", "created", "and gone at once", &nobody);
	event(r, text, "posix", "removed", "", &nobody);
}

/* What the kernel said of the directory since the last look. */
static void
drain(const struct request *r, int watch, const struct rows *old,
    const struct rows *now)
{
	union { struct inotify_event event; char bytes[8192]; } buf;
	ssize_t n, at;

	while ((n = read(watch, &buf, sizeof buf)) > 0)
		for (at = 0; at < n;) {
			const struct inotify_event *e =
			    (const void *)(buf.bytes + at);

			if (e->len > 0 && (e->mask & IN_CREATE) != 0)
				missed(r, old, now, e->name);
			at += (ssize_t)(sizeof *e + e->len);
		}
}

static int
look(struct rows *rows, struct request *r)
{
	int status;

	r->style.now = time(NULL);
	status = rows_take(rows, r);
	if (status == EXIT_YES)
		qsort(rows->item, rows->n, sizeof *rows->item, by_identity);
	return status;
}

/* Wait for the next look; sooner when something happens in the directory. */
static void
pause_for(const struct request *r, int watch)
{
	struct pollfd p = { watch, POLLIN, 0 };

	if (poll(&p, 1, (int)(r->every * 1000)) > 0)
		cli_sleep(0.05);
}

int
stat_follow(const struct request *request)
{
	struct request r = *request;
	struct rows old = ROWS_INIT, now = ROWS_INIT;
	int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), status;

	/* No line tells a state; who opens an object shall not be in the
	 * way. */
	r.sort = NULL;
	if ((r.spec.want & SHMU_INVENTORY_PROVE) == 0)
		r.spec.want |= SHMU_INVENTORY_NO_LEASE;
	if (watch != -1 && r.spec.ns == 0)
		inotify_add_watch(watch, SHMU_POSIX_DIR, IN_CREATE | IN_DELETE |
		    IN_MOVE | IN_ATTRIB | IN_MODIFY);
	status = look(&old, &r);
	if (status == EXIT_YES)
		stat_warn(&old);
	while (status == EXIT_YES) {
		pause_for(&r, watch);
		status = look(&now, &r);
		if (status == EXIT_YES) {
			compare(&r, &old, &now);
			if (watch != -1)
				drain(&r, watch, &old, &now);
			if (fflush(stdout) != 0)
				status = EXIT_CANNOT;
		}
		rows_free(&old);
		old = now;
		now.item = NULL;
		now.inv = NULL;
		now.n = 0;
	}
	rows_free(&old);
	if (watch != -1)
		close(watch);
	return status;
}
