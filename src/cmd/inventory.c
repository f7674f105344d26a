/* SPDX-License-Identifier: MIT */
/* inventory.c - every segment of the machine; see inventory.h */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "inventory.h"
#include "process.h"
#include "shmutil/pages.h"
#include "shmutil/sys.h"

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY	15
#endif

static struct row *
add(struct inventory *inv)
{
	struct row *rows;

	if (inv->n == inv->room) {
		inv->room = inv->room == 0 ? 64 : 2 * inv->room;
		rows = realloc(inv->rows, inv->room * sizeof *rows);
		if (rows == NULL)
			return NULL;
		inv->rows = rows;
	}
	rows = &inv->rows[inv->n++];
	memset(rows, 0, sizeof *rows);
	return rows;
}

/* One line of /proc/sysvipc/shm; old kernels lack the last two fields. */
static int
sysv_line(struct inventory *inv, const char *line)
{
	int64_t atime, dtime, ctime;
	unsigned int perms;
	struct row *r;
	struct shmu_info i = { .kind = SHMU_ID };
	uint64_t rss = 0, swap = 0;
	int n;

	n = sscanf(line, "%d %d %o %" SCNu64 " %d %d %" SCNu64 " %u %u %u %u "
	    "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNu64 " %" SCNu64, &i.key,
	    &i.id, &perms, &i.size, &i.cpid, &i.lpid, &i.attached, &i.uid,
	    &i.gid, &i.cuid, &i.cgid, &atime, &dtime, &ctime, &rss, &swap);
	if (n < 14)
		return 0;
	r = add(inv);
	if (r == NULL)
		return -1;
	i.mode = perms & 0777;
	i.removed = (perms & SHM_DEST) != 0;
	i.locked = (perms & SHM_LOCKED) != 0;
	i.atime = (time_t)atime;
	i.dtime = (time_t)dtime;
	i.ctime = (time_t)ctime;
	r->info = i;
	r->has_rss = n == 16;
	r->rss = rss;
	r->swap = swap;
	return 0;
}

/* Without /proc: the kernel's list, which lacks what is resident. */
static int
sysv_list(struct inventory *inv)
{
	struct shmid_ds ds;
	struct shmu_segment seg = SHMU_SEGMENT_INIT;
	struct row *r;
	int i, max = shmu_sys_shmctl(0, SHM_INFO, &ds);

	for (i = 0; i <= max; i++) {
		seg.op.kind = SHMU_ID;
		seg.op.id = shmu_sys_shmctl(i, SHM_STAT_ANY, &ds);
		if (seg.op.id == -1)
			continue;
		r = add(inv);
		if (r == NULL)
			return -1;
		if (shmu_segment_stat(&seg, &r->info) == -1)
			inv->n--;
	}
	return max == -1 ? -1 : 0;
}

int
inventory_sysv(struct inventory *inv)
{
	FILE *f = fopen("/proc/sysvipc/shm", "re");
	char line[512];
	int r = 0;

	if (f == NULL)
		return sysv_list(inv);
	while (r == 0 && fgets(line, sizeof line, f) != NULL)
		r = sysv_line(inv, line);
	fclose(f);
	return r;
}

static void
from_stat(struct shmu_info *i, enum shmu_kind kind, const struct stat *st)
{
	i->kind = kind;
	i->id = -1;
	i->size = (uint64_t)st->st_size;
	i->allocated = (uint64_t)st->st_blocks * 512;
	i->mode = st->st_mode & 0777;
	i->uid = i->cuid = st->st_uid;
	i->gid = i->cgid = st->st_gid;
	i->atime = st->st_atime;
	i->mtime = st->st_mtime;
	i->ctime = st->st_ctime;
	i->dev = st->st_dev;
	i->ino = st->st_ino;
	i->links = st->st_nlink;
	i->removed = st->st_nlink == 0;
}

static int
posix_row(struct inventory *inv, int dir, const char *name)
{
	struct stat st;
	struct row *r;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return 0;	/* it went meanwhile */
	r = add(inv);
	if (r == NULL)
		return -1;
	from_stat(&r->info, SHMU_POSIX, &st);
	r->type = st.st_mode & S_IFMT;
	r->name = strdup(name);
	return r->name == NULL ? -1 : 0;
}

int
inventory_posix(struct inventory *inv)
{
	DIR *d = opendir(SHMU_POSIX_DIR);
	struct dirent *e;
	int r = 0;

	if (d == NULL)
		return errno == ENOENT ? 0 : -1;
	while (r == 0 && (e = readdir(d)) != NULL)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = posix_row(inv, dirfd(d), e->d_name);
	closedir(d);
	return r;
}

/* System V is read from the list, which has more and asks no permission. */
static int
one_sysv(struct inventory *inv, int id)
{
	struct inventory all = INVENTORY_INIT;
	struct row *r;
	size_t i;
	int found = -1;

	if (inventory_sysv(&all) == -1)
		return -1;
	for (i = 0; i < all.n && found == -1; i++)
		if (all.rows[i].info.id == id && (r = add(inv)) != NULL) {
			*r = all.rows[i];
			found = 0;
		}
	inventory_free(&all);
	if (found == -1)
		errno = EINVAL;
	return found;
}

int
inventory_one(struct inventory *inv, const struct shmu_operand *op)
{
	struct shmu_segment seg;
	struct row *r;
	int err, id;

	if (shmu_segment_open(&seg, op, SHMU_LOOK) == -1)
		return -1;
	if (seg.op.kind == SHMU_ID) {
		id = seg.op.id;
		shmu_segment_close(&seg);
		return one_sysv(inv, id);
	}
	r = add(inv);
	if (r == NULL || shmu_segment_stat(&seg, &r->info) == -1) {
		err = errno;
		shmu_segment_close(&seg);
		errno = err;
		return -1;
	}
	r->type = S_IFREG;
	if (op->kind == SHMU_POSIX)
		r->name = strdup(op->name + 1);
	else if (op->kind == SHMU_FILE)
		r->path = strdup(op->path);
	else if (asprintf(&r->path, "/proc/%d/fd/%d", (int)op->pid, op->fd) == -1)
		r->path = NULL;
	shmu_segment_close(&seg);
	return r->name == NULL && r->path == NULL ? -1 : 0;
}

void
inventory_resident(struct inventory *inv)
{
	struct shmu_residency res;
	struct shmu_operand op;
	struct shmu_segment seg;
	size_t i;

	for (i = 0; i < inv->n; i++) {
		struct row *r = &inv->rows[i];

		if (r->info.kind != SHMU_POSIX || r->type != S_IFREG)
			continue;
		inventory_operand(r, &op);
		if (shmu_segment_open(&seg, &op, SHMU_READ) == -1)
			continue;
		if (shmu_pages_cached(seg.fd, 0, 0, &res) == 0) {
			r->has_rss = 1;
			r->rss = res.resident;
			r->swap = r->info.allocated > res.resident ?
			    r->info.allocated - res.resident : 0;
		}
		shmu_segment_close(&seg);
	}
}

void
inventory_operand(const struct row *row, struct shmu_operand *op)
{
	memset(op, 0, sizeof *op);
	op->kind = row->info.kind;
	op->id = row->info.id;
	op->path = row->path;
	if (row->name != NULL)
		shmu_operand_name(op, row->name);
	if (op->kind == SHMU_PIDFD && row->path != NULL)
		sscanf(row->path, "/proc/%d/fd/%d", &op->pid, &op->fd);
}

time_t
inventory_last_use(const struct shmu_info *info)
{
	time_t last = info->ctime;

	if (info->atime > last)
		last = info->atime;
	if (info->dtime > last)
		last = info->dtime;
	return info->mtime > last ? info->mtime : last;
}

void
inventory_free(struct inventory *inv)
{
	struct inventory empty = INVENTORY_INIT;
	size_t i;

	for (i = 0; i < inv->n; i++) {
		free(inv->rows[i].name);
		free(inv->rows[i].path);
		free(inv->rows[i].holders);
	}
	free(inv->rows);
	*inv = empty;
}
