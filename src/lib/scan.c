/* SPDX-License-Identifier: MIT */
/* scan.c - what was found at the processes so far; see scan.h */
#include "config.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "scan.h"

/* The inode of a System V attachment is its id, on a device that memfds and
 * anonymous memory have too. */
static int
same(const struct shmu_item *item, int sysv, dev_t dev, ino_t ino)
{
	if (item->kind == SHMU_ITEM_SYSV)
		return sysv && (ino_t)item->info.id == ino;
	return !sysv && item->info.ino == ino && item->info.dev == dev;
}

static size_t
hash(int sysv, dev_t dev, ino_t ino)
{
	uint64_t h = ino * UINT64_C(0x9e3779b97f4a7c15) + (sysv ? 1 : dev);

	return (size_t)(h ^ h >> 29);
}

/* The slot of an item, or the free one where it would be. */
static uint32_t *
slot(const struct scan *s, int sysv, dev_t dev, ino_t ino)
{
	size_t i = hash(sysv, dev, ino) & s->mask;

	while (s->slots[i] != 0 &&
	    !same(&s->inv->items[s->slots[i] - 1], sysv, dev, ino))
		i = (i + 1) & s->mask;
	return &s->slots[i];
}

static uint32_t *
slot_of(const struct scan *s, const struct shmu_item *item)
{
	int sysv = item->kind == SHMU_ITEM_SYSV;

	return slot(s, sysv, item->info.dev, sysv ? (ino_t)item->info.id :
	    item->info.ino);
}

int
shmu_scan_index(struct scan *s)
{
	size_t room = 64, i;
	uint32_t *at;

	while (room < 2 * s->inv->n + 32)
		room *= 2;
	free(s->slots);
	s->slots = calloc(room, sizeof *s->slots);
	if (s->slots == NULL)
		return -1;
	s->mask = room - 1;
	s->used = s->inv->n;
	for (i = 0; i < s->inv->n; i++) {
		at = slot_of(s, &s->inv->items[i]);
		if (*at == 0)
			*at = (uint32_t)i + 1;
	}
	return 0;
}

size_t
shmu_scan_find(const struct scan *s, int sysv, dev_t dev, ino_t ino)
{
	return *slot(s, sysv, dev, ino);
}

/*
 * What has no name, by the name the kernel gives it: a memfd, anonymous memory
 * or an object that was unlinked.  *name is where its own name begins and *len
 * is its length; 0 when it is nothing to list.
 */
static int
nameless(const struct scan *s, const char *text, dev_t dev, const char **name,
    size_t *len, enum shmu_item_kind *kind)
{
	size_t n = strlen(text), tail = sizeof DELETED - 1;
	const char *slash = strrchr(text, '/');

	if (!s->inv->all || n < tail || slash == NULL ||
	    strcmp(text + n - tail, DELETED) != 0)
		return 0;
	*name = text + sizeof "/memfd:" - 1;
	if (strncmp(text, "/memfd:", sizeof "/memfd:" - 1) == 0)
		*kind = SHMU_ITEM_MEMFD;
	else if (strcmp(text, "/dev/zero" DELETED) == 0 &&
	    (s->inv->spec.want & SHMU_INVENTORY_ANON) != 0 && major(dev) == 0)
		*kind = SHMU_ITEM_ANON;
	else if (s->inv->dir != -1 && dev == s->inv->dev && (s->inv->mount ||
	    strncmp(text, SHMU_POSIX_DIR "/", sizeof SHMU_POSIX_DIR) == 0)) {
		*kind = SHMU_ITEM_POSIX;
		*name = slash + 1;
	} else
		return 0;
	*len = n - tail - (size_t)(*name - text);
	return 1;
}

size_t
shmu_scan_discover(struct scan *s, const char *text, dev_t dev, ino_t ino)
{
	enum shmu_item_kind kind;
	struct shmu_item *item;
	const char *name;
	size_t len;

	if (!nameless(s, text, dev, &name, &len, &kind) ||
	    s->inv->n == UINT32_MAX)
		return 0;
	if (4 * s->used > 3 * s->mask && shmu_scan_index(s) == -1)
		return SIZE_MAX;
	item = shmu_look_add(s->inv);
	if (item == NULL)
		return SIZE_MAX;
	item->kind = kind;
	item->type = S_IFREG;
	item->info.kind = SHMU_PIDFD;
	item->info.dev = dev;
	item->info.ino = ino;
	item->info.removed = 1;
	if (kind != SHMU_ITEM_ANON &&
	    (item->name = shmu_look_keep(s->inv, name, len)) == NULL)
		return SIZE_MAX;
	*slot_of(s, item) = (uint32_t)s->inv->n;
	s->used++;
	return s->inv->n;
}

/* Its command and start time, as /proc/PID/stat has them. */
static void
name_process(struct scan *s)
{
	char path[SHMU_PROC_PATH], buf[1024], *p, *q;
	ssize_t n = -1;
	size_t len;
	int fd, i;

	s->named = 1;
	s->start = 0;
	strcpy(s->command, "?");
	fd = openat(s->proc, shmu_proc_path(path, s->pid, "stat"),
	    O_RDONLY | O_CLOEXEC);
	if (fd != -1) {
		n = read(fd, buf, sizeof buf - 1);
		close(fd);
	}
	if (n <= 0)
		return;
	buf[n] = '\0';
	/* The command may have any byte in it but ends at the last ")". */
	p = strchr(buf, '(');
	q = strrchr(buf, ')');
	if (p == NULL || q == NULL)
		return;
	len = (size_t)(q - ++p);
	if (len >= sizeof s->command)
		len = sizeof s->command - 1;
	memcpy(s->command, p, len);
	s->command[len] = '\0';
	for (i = 0; i < 20 && q != NULL; i++)
		q = strchr(q + 1, ' ');
	if (q != NULL)
		s->start = strtoull(q + 1, NULL, 10);
}

/* What is of one process comes together, so only the last holder of the item
 * can be the same. */
int
shmu_scan_note(struct scan *s, size_t at, int mapped, int writable, int fd)
{
	struct shmu_inventory *inv = s->inv;
	struct shmu_item *item = &inv->items[at];
	size_t room = inv->found_room == 0 ? 64 : 2 * inv->found_room;
	struct shmu_holder *h;
	struct found *f;

	if (item->last == SIZE_MAX ||
	    inv->found[item->last].holder.pid != s->pid) {
		if (inv->nfound == inv->found_room) {
			f = realloc(inv->found, room * sizeof *f);
			if (f == NULL)
				return -1;
			inv->found = f;
			inv->found_room = room;
		}
		if (!s->named)
			name_process(s);
		f = &inv->found[inv->nfound];
		f->item = at;
		f->holder = (struct shmu_holder){ .pid = s->pid,
		    .start = s->start, .fd = -1 };
		memcpy(f->holder.command, s->command, sizeof s->command);
		item->last = inv->nfound++;
	}
	h = &inv->found[item->last].holder;
	h->mapped |= mapped;
	h->writable |= writable;
	if (fd != -1 && h->fd == -1)
		h->fd = fd;
	return 0;
}

/* One item can stand for the same as an earlier one, such as a second name: it
 * has the same holders. */
int
shmu_scan_gather(struct scan *s)
{
	struct shmu_inventory *inv = s->inv;
	size_t i, at = 0;

	free(inv->holders);
	inv->holders = calloc(inv->nfound + 1, sizeof *inv->holders);
	if (inv->holders == NULL)
		return -1;
	for (i = 0; i < inv->nfound; i++)
		inv->items[inv->found[i].item].nholders++;
	for (i = 0; i < inv->n; i++) {
		inv->items[i].holders = inv->holders + at;
		at += inv->items[i].nholders;
		inv->items[i].nholders = 0;
	}
	for (i = 0; i < inv->nfound; i++) {
		struct shmu_item *item = &inv->items[inv->found[i].item];

		inv->holders[(size_t)(item->holders - inv->holders) +
		    item->nholders++] = inv->found[i].holder;
	}
	for (i = 0; i < inv->n; i++) {
		at = *slot_of(s, &inv->items[i]);
		if (at != 0 && at - 1 != i) {
			inv->items[i].holders = inv->items[at - 1].holders;
			inv->items[i].nholders = inv->items[at - 1].nholders;
		}
	}
	free(inv->found);
	inv->found = NULL;
	return 0;
}
