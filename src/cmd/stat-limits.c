/* SPDX-License-Identifier: MIT */
/* stat-limits.c - the limits of shared memory and what is used of them */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cli.h"
#include "json.h"
#include "shmutil/sys.h"
#include "stat.h"
#include "stat-limits.h"
#include "text.h"

/* The union that shmctl fills by its command. */
static int
shmctl_info(int cmd, void *out)
{
	return shmu_sys_shmctl(0, cmd, out);
}

static void
add(struct limits *l, const char *name, const char *meaning, int bytes,
    uint64_t limit, uint64_t used)
{
	struct limit *x = &l->limit[l->n++];

	/* The kernel writes "none" as a number no machine can reach. */
	if (limit >= INT64_MAX)
		limit = NO_LIMIT;
	x->name = name;
	x->meaning = meaning;
	x->bytes = bytes;
	x->limit = limit;
	x->used = used;
}

static uint64_t
times(uint64_t a, uint64_t b)
{
	return b != 0 && a > NO_LIMIT / b ? NO_LIMIT : a * b;
}

static int
sysv(struct limits *l)
{
	struct shm_info info;
	struct shminfo limit;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (shmctl_info(SHM_INFO, &info) == -1 ||
	    shmctl_info(IPC_INFO, &limit) == -1)
		return -1;
	add(l, "SHMMNI", "System V segments", 0, limit.shmmni,
	    (uint64_t)info.used_ids);
	add(l, "SHMALL", "System V bytes, in whole pages", 1,
	    times(limit.shmall, page), info.shm_tot * page);
	add(l, "SHMMAX", "bytes of one System V segment", 1, limit.shmmax,
	    NOT_USED);
	l->rss = info.shm_rss * page;
	l->swap = info.shm_swp * page;
	l->forced = cli_kernel_limit("shm_rmid_forced") != 0;
	return 0;
}

int
limits_get(struct limits *l)
{
	struct statvfs fs;
	struct rlimit r;

	memset(l, 0, sizeof *l);
	if (sysv(l) == -1)
		return -1;
	if (statvfs(SHMU_POSIX_DIR, &fs) == 0) {
		add(l, "POSIX", "bytes in " SHMU_POSIX_DIR, 1,
		    (uint64_t)fs.f_blocks * fs.f_frsize == 0 ? NO_LIMIT :
		    (uint64_t)fs.f_blocks * fs.f_frsize,
		    (uint64_t)(fs.f_blocks - fs.f_bfree) * fs.f_frsize);
		add(l, "INODES", "names in " SHMU_POSIX_DIR, 0,
		    fs.f_files == 0 ? NO_LIMIT : fs.f_files,
		    (uint64_t)(fs.f_files - fs.f_ffree));
	}
	if (getrlimit(RLIMIT_MEMLOCK, &r) == 0)
		add(l, "MEMLOCK", "bytes that a process here may lock", 1,
		    r.rlim_cur == RLIM_INFINITY ? NO_LIMIT : r.rlim_cur,
		    NOT_USED);
	return 0;
}

double
limits_percent(const struct limit *x)
{
	return x->limit == NO_LIMIT || x->limit == 0 || x->used == NOT_USED ?
	    0 : 100 * (double)x->used / (double)x->limit;
}

static void
number_cell(struct table *t, const struct limit *x, uint64_t n,
    const struct style *style)
{
	char text[TEXT_NUMBER];

	if (n == NO_LIMIT)
		table_cell(t, n == x->limit ? "none" : "");
	else {
		column_size(n, style->bytes || !x->bytes, text);
		table_cell(t, text);
	}
}

static void
print(const struct limits *l, const struct request *r)
{
	struct table t = TABLE_INIT;
	char text[32];
	size_t i;

	table_column(&t, "RESOURCE", 0);
	table_column(&t, "LIMIT", 1);
	table_column(&t, "USED", 1);
	table_column(&t, "USE%", 1);
	table_column(&t, "MEANING", 0);
	for (i = 0; i < l->n; i++) {
		const struct limit *x = &l->limit[i];

		table_cell(&t, x->name);
		number_cell(&t, x, x->limit, &r->style);
		if (x->used == NOT_USED)
			table_cell(&t, "");
		else
			number_cell(&t, x, x->used, &r->style);
		snprintf(text, sizeof text, "%.1f", limits_percent(x));
		table_cell(&t, x->used == NOT_USED ? "" : text);
		table_cell(&t, x->meaning);
	}
	table_print(&t, &r->table, stdout);
	table_free(&t);
}

/* What each kind has, as one line. */
static void
print_total(const struct total *t, const char *kind, const struct style *style)
{
	char size[TEXT_NUMBER], alloc[TEXT_NUMBER];

	column_size(t->size, style->bytes, size);
	column_size(t->allocated, style->bytes, alloc);
	printf("%s: %zu, %s asked for, %s in RAM and swap%s\n", kind, t->n, size,
	    alloc, t->unknown > 0 ? ", and what is not known" : "");
}

void
limits_total(struct total total[TOTALS], const struct rows *rows)
{
	size_t i;

	memset(total, 0, TOTALS * sizeof *total);
	for (i = 0; i < rows->n; i++) {
		const struct shmu_item *item = rows->item[i];
		struct total *t = &total[item->kind];

		if (item->state == SHMU_STATE_FOREIGN)
			continue;
		t->n++;
		t->size += item->info.size;
		if ((item->known & SHMU_KNOWN_ALLOCATED) != 0)
			t->allocated += item->info.allocated;
		else
			t->unknown++;
	}
}

static void
json(const struct limits *l, const struct total total[TOTALS])
{
	static const char *const kinds[] = { "sysv", "posix", "memfd", "anon" };
	struct json j = JSON_INIT(stdout);
	size_t i;

	json_open(&j, NULL, '{');
	json_string(&j, "schema", "shmutils.limits.1");
	json_open(&j, "limits", '[');
	for (i = 0; i < l->n; i++) {
		const struct limit *x = &l->limit[i];

		json_open(&j, NULL, '{');
		json_string(&j, "resource", x->name);
		json_string(&j, "meaning", x->meaning);
		if (x->limit == NO_LIMIT)
			json_null(&j, "limit");
		else
			json_unsigned(&j, "limit", x->limit);
		if (x->used == NOT_USED)
			json_null(&j, "used");
		else
			json_unsigned(&j, "used", x->used);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_open(&j, "totals", '[');
	for (i = 0; i < TOTALS - 1; i++) {
		json_open(&j, NULL, '{');
		json_string(&j, "kind", kinds[i]);
		json_unsigned(&j, "segments", total[i].n);
		json_unsigned(&j, "size", total[i].size);
		json_unsigned(&j, "allocated", total[i].allocated);
		json_unsigned(&j, "not_known", total[i].unknown);
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_unsigned(&j, "sysv_resident", l->rss);
	json_unsigned(&j, "sysv_swapped", l->swap);
	json_bool(&j, "shm_rmid_forced", l->forced);
	json_close(&j, '}');
}

int
stat_limits(const struct request *r)
{
	static const char *const kinds[] = {
		"System V segments", "POSIX objects", "memfds",
		"anonymous shared mappings"
	};
	struct total total[TOTALS];
	struct rows rows = ROWS_INIT;
	struct limits l;
	int status = rows_take(&rows, r), i;

	if (status == EXIT_YES && limits_get(&l) == -1)
		status = cli_fail(EXIT_CANNOT, NULL,
		    "the limits cannot be read: %s", strerror(errno));
	if (status == EXIT_YES) {
		limits_total(total, &rows);
		if (r->json)
			json(&l, total);
		else {
			print(&l, r);
			putchar('\n');
			for (i = 0; i < TOTALS - 1; i++)
				if (i != SHMU_ITEM_ANON || (r->spec.want &
				    SHMU_INVENTORY_ANON) != 0)
					print_total(&total[i], kinds[i],
					    &r->style);
			if (l.forced)
				puts("kernel.shm_rmid_forced is 1: a System V "
				    "segment goes with its last attachment");
			stat_warn(&rows);
		}
	}
	rows_free(&rows);
	return status;
}
