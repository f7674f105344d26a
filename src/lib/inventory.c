/* SPDX-License-Identifier: MIT */
/* inventory.c - the list of what there is; see shmutil/inventory.h */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "info.h"
#include "look.h"

/* Names are kept in large pieces, which never move. */
struct names {
	struct names	*next;
	size_t		 used;
	char		 text[65536 - 2 * sizeof(size_t)];
};

const char *
shmu_look_keep(struct shmu_inventory *inv, const char *name, size_t len)
{
	struct names *p = inv->names;
	char *kept;

	if (p == NULL || sizeof p->text - p->used <= len) {
		if (len >= sizeof p->text || (p = malloc(sizeof *p)) == NULL) {
			errno = ENOMEM;
			return NULL;
		}
		p->next = inv->names;
		p->used = 0;
		inv->names = p;
	}
	kept = p->text + p->used;
	memcpy(kept, name, len);
	kept[len] = '\0';
	p->used += len + 1;
	return kept;
}

struct shmu_item *
shmu_look_add(struct shmu_inventory *inv)
{
	struct shmu_item *item;
	size_t room = inv->room == 0 ? 16 : 2 * inv->room;

	if (inv->n == inv->room) {
		item = realloc(inv->items, room * sizeof *item);
		if (item == NULL)
			return NULL;
		inv->items = item;
		inv->room = room;
	}
	item = &inv->items[inv->n++];
	memset(item, 0, sizeof *item);
	item->via_fd = item->info.id = -1;
	item->last = SIZE_MAX;
	return item;
}

struct shmu_inventory *
shmu_inventory_new(const struct shmu_inventory_spec *spec)
{
	struct shmu_inventory *inv = calloc(1, sizeof *inv);
	char path[40], ns[40];
	int err;

	if (inv == NULL)
		return NULL;
	inv->spec = *spec;
	inv->dir = -1;
	inv->now = time(NULL);
	inv->retries = 20;
	snprintf(path, sizeof path, "/proc/%d/ns/ipc", (int)spec->ns);
	if (spec->ns == 0 || readlink(path, ns, sizeof ns) != -1)
		return inv;
	err = errno == ENOENT ? ESRCH : errno;
	free(inv);
	errno = err;
	return NULL;
}

void
shmu_inventory_free(struct shmu_inventory *inv)
{
	struct names *p;

	if (inv == NULL)
		return;
	while ((p = inv->names) != NULL) {
		inv->names = p->next;
		free(p);
	}
	if (inv->dir != -1)
		close(inv->dir);
	free(inv->items);
	free(inv->found);
	free(inv->holders);
	free(inv);
}

static int
posix_entry(struct shmu_inventory *inv, const char *name)
{
	struct shmu_item *item;
	struct stat st;

	if (fstatat(inv->dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;	/* it went meanwhile */
	item = shmu_look_add(inv);
	if (item == NULL)
		return -1;
	item->kind = SHMU_ITEM_POSIX;
	shmu_info_of_stat(&item->info, SHMU_POSIX, &st);
	item->type = st.st_mode & S_IFMT;
	item->known = SHMU_KNOWN_SIZE | SHMU_KNOWN_ALLOCATED | SHMU_KNOWN_OWNER;
	item->name = shmu_look_keep(inv, name, strlen(name));
	return item->name == NULL ? -1 : 0;
}

/* Open the directory, once; without one there are no objects. */
static int
posix_dir(struct shmu_inventory *inv)
{
	struct stat st, up;

	if (inv->dir != -1)
		return 0;
	inv->dir = inv->spec.ns != 0 ? shmu_elsewhere_dir(inv->spec.ns) :
	    open(SHMU_POSIX_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (inv->dir == -1)
		return errno == ENOENT ? 0 : -1;
	if (fstat(inv->dir, &st) == 0 &&
	    fstatat(inv->dir, "..", &up, 0) == 0) {
		inv->dev = st.st_dev;
		inv->mount = st.st_dev != up.st_dev;
	}
	return 0;
}

static int
posix(struct shmu_inventory *inv)
{
	struct dirent *e;
	int r = 0, fd;
	DIR *d;

	if (posix_dir(inv) == -1)
		return -1;
	if (inv->dir == -1)
		return 0;
	fd = openat(inv->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd == -1 ? NULL : fdopendir(fd);
	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	while (r == 0 && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = posix_entry(inv, e->d_name);
	closedir(d);
	return r;
}

int
shmu_inventory_all(struct shmu_inventory *inv)
{
	inv->all = 1;
	return shmu_look_sysv(inv) == -1 || posix(inv) == -1 ? -1 : 0;
}

/* System V is read from the list, which has more and asks no permission. */
static int
add_sysv(struct shmu_inventory *inv, int id)
{
	size_t from = inv->n, i;

	if (shmu_look_sysv(inv) == -1)
		return -1;
	for (i = from; i < inv->n; i++)
		if (inv->items[i].info.id == id) {
			inv->items[from] = inv->items[i];
			inv->n = from + 1;
			return 0;
		}
	inv->n = from;
	errno = EINVAL;
	return -1;
}

/* What a descriptor of a process is on. */
static void
add_held(struct shmu_inventory *inv, struct shmu_item *item)
{
	char path[40], text[4200];
	size_t skip = sizeof "/memfd:" - 1, tail = sizeof " (deleted)" - 1;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)item->via_pid,
	    item->via_fd);
	n = readlink(path, text, sizeof text - 1);
	if (n <= 0 || text[0] != '/')
		return;
	if (item->info.links == 0 && (size_t)n > tail)
		n -= (ssize_t)tail;
	text[n] = '\0';
	if (item->info.links == 0 && strncmp(text, "/memfd:", skip) == 0) {
		item->kind = SHMU_ITEM_MEMFD;
		item->name = shmu_look_keep(inv, text + skip, (size_t)n - skip);
	} else if (inv->mount && item->info.dev == inv->dev) {
		item->kind = SHMU_ITEM_POSIX;
		skip = (size_t)(strrchr(text, '/') + 1 - text);
		item->name = shmu_look_keep(inv, text + skip, (size_t)n - skip);
	} else
		item->name = shmu_look_keep(inv, text, (size_t)n);
}

int
shmu_inventory_add(struct shmu_inventory *inv, const struct shmu_operand *op)
{
	struct shmu_segment seg;
	struct shmu_item *item;
	int r, err;

	if (inv->spec.ns != 0) {
		errno = EOPNOTSUPP;
		return -1;
	}
	if (posix_dir(inv) == -1 ||
	    shmu_segment_open(&seg, op, SHMU_LOOK) == -1)
		return -1;
	if (seg.op.kind == SHMU_ID) {
		r = seg.op.id;
		shmu_segment_close(&seg);
		return add_sysv(inv, r);
	}
	item = shmu_look_add(inv);
	r = item == NULL ? -1 : shmu_segment_stat(&seg, &item->info);
	err = errno;
	shmu_segment_close(&seg);
	if (r == -1) {
		inv->n -= item != NULL;
		errno = err;
		return -1;
	}
	item->kind = op->kind == SHMU_POSIX ? SHMU_ITEM_POSIX : SHMU_ITEM_FILE;
	item->type = S_IFREG;
	item->known = SHMU_KNOWN_SIZE | SHMU_KNOWN_ALLOCATED | SHMU_KNOWN_OWNER;
	if (op->kind == SHMU_PIDFD) {
		item->via_pid = op->pid;
		item->via_fd = op->fd;
		add_held(inv, item);
	} else
		item->name = op->kind == SHMU_POSIX ?
		    shmu_look_keep(inv, op->name + 1, strlen(op->name + 1)) :
		    shmu_look_keep(inv, op->path, strlen(op->path));
	return 0;
}

int
shmu_inventory_look(struct shmu_inventory *inv)
{
	if (shmu_look_holders(inv) == -1)
		return -1;
	if ((inv->spec.want & SHMU_INVENTORY_RESIDENT) != 0)
		shmu_look_resident(inv);
	shmu_judge(inv);
	return 0;
}

const struct shmu_item *
shmu_inventory_items(const struct shmu_inventory *inv, size_t *n)
{
	*n = inv->n;
	return inv->items;
}
