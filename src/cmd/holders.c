/* SPDX-License-Identifier: MIT */
/* holders.c - who holds the segments of an inventory; see inventory.h */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inventory.h"
#include "process.h"

/* How a row is found from a line of maps or from a descriptor.  The inode of
 * a System V attachment is the id, on a device that other memory shares. */
struct place {
	int	 sysv;
	dev_t	 dev;
	ino_t	 ino;
	size_t	 row;
};

struct scan {
	struct inventory	*inv;
	struct place		*places;	/* sorted */
	char			 own_ns[64];	/* our ipc namespace */
	pid_t			 pid;		/* the process being read */
	int			 same_ns;	/* -1: not looked at yet */
	char			*line;
	size_t			 room;
};

static int
compare(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->sysv != y->sysv)
		return x->sysv < y->sysv ? -1 : 1;
	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static int
index_rows(struct scan *s)
{
	size_t i;

	s->places = calloc(s->inv->n + 1, sizeof *s->places);
	if (s->places == NULL)
		return -1;
	for (i = 0; i < s->inv->n; i++) {
		const struct shmu_info *info = &s->inv->rows[i].info;

		s->places[i].sysv = info->kind == SHMU_ID;
		s->places[i].dev = info->kind == SHMU_ID ? 0 : info->dev;
		s->places[i].ino = info->kind == SHMU_ID ? (ino_t)info->id :
		    info->ino;
		s->places[i].row = i;
	}
	qsort(s->places, s->inv->n, sizeof *s->places, compare);
	return 0;
}

static struct row *
find(struct scan *s, int sysv, dev_t dev, ino_t ino)
{
	struct place key = { sysv, sysv ? 0 : dev, ino, 0 }, *p;

	p = bsearch(&key, s->places, s->inv->n, sizeof *s->places, compare);
	return p == NULL ? NULL : &s->inv->rows[p->row];
}

/* Note that the process being read holds r; lines of one process come
 * together, so it can only be the last holder. */
static int
note(struct scan *s, struct row *r, int mapped, int writable)
{
	struct holder *h;

	if (r->nholders > 0 && r->holders[r->nholders - 1].pid == s->pid) {
		h = &r->holders[r->nholders - 1];
		h->mapped |= mapped;
		h->writable |= writable;
		return 0;
	}
	h = realloc(r->holders, (r->nholders + 1) * sizeof *h);
	if (h == NULL)
		return -1;
	r->holders = h;
	h += r->nholders++;
	h->pid = s->pid;
	h->mapped = mapped;
	h->writable = writable;
	process_command(s->pid, h->command, sizeof h->command);
	return 0;
}

/* Ids mean nothing in another ipc namespace. */
static int
same_namespace(struct scan *s)
{
	char path[40], ns[64];
	ssize_t n;

	if (s->same_ns == -1) {
		snprintf(path, sizeof path, "/proc/%d/ns/ipc", (int)s->pid);
		n = readlink(path, ns, sizeof ns - 1);
		ns[n > 0 ? n : 0] = '\0';
		s->same_ns = n > 0 && strcmp(ns, s->own_ns) == 0;
	}
	return s->same_ns;
}

/* "start-end perms offset major:minor inode path" */
static int
map_line(struct scan *s, const char *line)
{
	unsigned int major, minor;
	uint64_t ino;
	char perms[5];
	int at = 0, sysv;
	struct row *r;

	if (sscanf(line, "%*x-%*x %4s %*x %x:%x %" SCNu64 " %n", perms, &major,
	    &minor, &ino, &at) != 4 || perms[3] != 's' || at == 0)
		return 0;
	sysv = strncmp(line + at, "/SYSV", 5) == 0 &&
	    strstr(line + at, " (deleted)") != NULL;
	r = find(s, sysv, makedev(major, minor), (ino_t)ino);
	if (r == NULL || (sysv && !same_namespace(s)))
		return 0;
	return note(s, r, 1, perms[1] == 'w');
}

/* The process being read could not be, unless it is merely gone. */
static int
unseen(struct scan *s)
{
	if (errno == ENOENT || errno == ESRCH)
		return 0;
	s->inv->partial = 1;
	if (s->inv->unseen_pid != s->pid)
		s->inv->unseen++;
	s->inv->unseen_pid = s->pid;
	return 0;
}

/* Shared mappings have an "s" fourth; most lines are private and skipped. */
static int
read_maps(struct scan *s)
{
	char path[32];
	ssize_t n;
	int r = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/maps", (int)s->pid);
	f = fopen(path, "re");
	if (f == NULL)
		return unseen(s);
	while (r == 0 && (n = getline(&s->line, &s->room, f)) > 0) {
		const char *p = strchr(s->line, ' ');

		if (p != NULL && p + 4 < s->line + n && p[4] == 's')
			r = map_line(s, s->line);
	}
	if (ferror(f))
		unseen(s);
	fclose(f);
	return r;
}

static int
open_for_writing(pid_t pid, const char *fd)
{
	char path[300], line[128];
	unsigned int flags = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/fdinfo/%s", (int)pid, fd);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "flags: %o", &flags) == 1)
			break;
	fclose(f);
	return (flags & O_ACCMODE) != O_RDONLY;
}

static int
read_fds(struct scan *s)
{
	char path[32];
	struct dirent *e;
	struct stat st;
	struct row *row;
	int r = 0;
	DIR *d;

	snprintf(path, sizeof path, "/proc/%d/fd", (int)s->pid);
	d = opendir(path);
	if (d == NULL)
		return unseen(s);
	while (r == 0 && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' ||
		    fstatat(dirfd(d), e->d_name, &st, 0) == -1 ||
		    !S_ISREG(st.st_mode))
			continue;
		row = find(s, 0, st.st_dev, st.st_ino);
		if (row != NULL)
			r = note(s, row, 0, open_for_writing(s->pid, e->d_name));
	}
	closedir(d);
	return r;
}

/* With hidepid, processes of others are not even listed. */
static int
hides_processes(void)
{
	char line[1024];
	int hidden = 0;
	FILE *f;

	if (geteuid() == 0)
		return 0;
	f = fopen("/proc/self/mounts", "re");
	if (f == NULL)
		return 1;
	while (fgets(line, sizeof line, f) != NULL)
		if (strstr(line, " /proc proc ") != NULL)
			hidden = strstr(line, "hidepid=") != NULL &&
			    strstr(line, "hidepid=0") == NULL &&
			    strstr(line, "hidepid=off") == NULL;
	fclose(f);
	return hidden;
}

static enum state
judge(const struct inventory *inv, const struct row *r)
{
	double idle = difftime(time(NULL), inventory_last_use(&r->info));

	if (r->type != 0 && r->type != S_IFREG)
		return STATE_FOREIGN;
	if (r->name != NULL && strncmp(r->name, "sem.", 4) == 0)
		return STATE_FOREIGN;
	if (r->info.removed)
		return STATE_DEST;
	if (r->info.attached > 0 || r->nholders > 0)
		return STATE_LIVE;
	if (r->info.kind != SHMU_ID && inv->partial)
		return STATE_UNKNOWN;
	if (r->name != NULL && strncmp(r->name, ".shmu-", 6) == 0)
		return STATE_UNFINISHED;
	if (idle < inv->age || r->path != NULL)
		return STATE_UNUSED;
	if (r->info.kind == SHMU_ID &&
	    !process_dead(r->info.cpid, r->info.ctime))
		return STATE_UNUSED;
	return STATE_ORPHAN;
}

static int
scan_all(struct scan *s, DIR *proc)
{
	struct dirent *e;
	int r = 0;

	while (r == 0 && (e = readdir(proc)) != NULL) {
		s->pid = (pid_t)strtol(e->d_name, NULL, 10);
		if (s->pid <= 0 || s->pid == getpid())
			continue;
		s->same_ns = -1;
		r = read_maps(s);
		if (r == 0)
			r = read_fds(s);
	}
	return r;
}

int
inventory_holders(struct inventory *inv)
{
	struct scan s = { .inv = inv };
	ssize_t n;
	size_t i;
	DIR *proc;
	int r;

	if (inv->n == 0)
		return 0;
	if (index_rows(&s) == -1)
		return -1;
	n = readlink("/proc/self/ns/ipc", s.own_ns, sizeof s.own_ns - 1);
	s.own_ns[n > 0 ? n : 0] = '\0';
	proc = opendir("/proc");
	inv->partial |= proc == NULL || hides_processes();
	r = proc == NULL ? 0 : scan_all(&s, proc);
	if (proc != NULL)
		closedir(proc);
	free(s.line);
	free(s.places);
	for (i = 0; i < inv->n; i++)
		inv->rows[i].state = judge(inv, &inv->rows[i]);
	return r;
}

const char *
inventory_state(enum state state)
{
	static const char *const words[] = {
		[STATE_LIVE] = "live", [STATE_UNUSED] = "unused",
		[STATE_ORPHAN] = "orphan", [STATE_UNKNOWN] = "unknown",
		[STATE_DEST] = "dest", [STATE_UNFINISHED] = "unfinished",
		[STATE_FOREIGN] = "foreign"
	};

	return words[state];
}

static const char *
why_unused(const struct inventory *inv, const struct row *r, char *buf,
    size_t size)
{
	double idle = difftime(time(NULL), inventory_last_use(&r->info));

	if (r->path != NULL)
		return "nobody holds it, and a file is never an orphan";
	if (idle < inv->age)
		snprintf(buf, size, "nobody holds it, but it was used %.0f s ago "
		    "and an orphan is unused for %.0f s", idle, inv->age);
	else
		snprintf(buf, size, "nobody holds it, but its creator, process %d, "
		    "is not proven dead", (int)r->info.cpid);
	return buf;
}

const char *
inventory_why(const struct inventory *inv, const struct row *r, char *buf,
    size_t size)
{
	switch (r->state) {
	case STATE_LIVE:
		snprintf(buf, size, r->info.kind == SHMU_ID ?
		    "attached %" PRIu64 " times" : "held by %" PRIu64 " processes",
		    r->info.kind == SHMU_ID ? r->info.attached :
		    (uint64_t)r->nholders);
		return buf;
	case STATE_UNUSED:
		return why_unused(inv, r, buf, size);
	case STATE_ORPHAN:
		if (r->info.kind != SHMU_ID)
			return "nobody holds it, and it was not used for long";
		snprintf(buf, size, "nobody is attached, it was not used for long, "
		    "and its creator, process %d, is dead", (int)r->info.cpid);
		return buf;
	case STATE_UNKNOWN:
		return "nobody seen holds it, but not every process can be seen";
	case STATE_DEST:
		return "it was removed and goes with its last holder";
	case STATE_UNFINISHED:
		return "a creation that was killed left it";
	case STATE_FOREIGN:
		return "it is in the directory but is no shared memory";
	}
	return "";
}

const char *
inventory_partial(const struct inventory *inv, char *buf, size_t size)
{
	if (inv->unseen == 0)
		snprintf(buf, size, "/proc hides processes of others");
	else if (inv->unseen == 1)
		snprintf(buf, size, "process %d cannot be seen",
		    (int)inv->unseen_pid);
	else
		snprintf(buf, size, "%zu processes cannot be seen, among them %d",
		    inv->unseen, (int)inv->unseen_pid);
	return buf;
}

const char *
inventory_who(const struct row *row, char *buf, size_t size)
{
	size_t i, used = 0;
	const char *p;

	buf[0] = '\0';
	for (i = 0; i < row->nholders && used + 48 < size; i++) {
		used += (size_t)snprintf(buf + used, size - used, "%s%d ",
		    i == 0 ? "" : ", ", (int)row->holders[i].pid);
		for (p = row->holders[i].command; *p != '\0'; p++)
			used += (size_t)snprintf(buf + used, size - used,
			    *p >= ' ' && *p <= '~' ? "%c" : "?", *p);
	}
	if (i < row->nholders)
		snprintf(buf + used, size - used, ", ...");
	return buf;
}
