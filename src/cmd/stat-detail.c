/* SPDX-License-Identifier: MIT */
/* stat-detail.c - all that shm-stat knows of a segment, as lines */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli.h"
#include "format.h"
#include "shmutil/pages.h"
#include "shmutil/range.h"
#include "stat.h"

/* As many pieces as fit on a line, a character each. */
#define STRIP	64

/* '#' all of a piece is in RAM, '+' a part, '.' nothing. */
static char
shade(uint64_t resident, uint64_t total)
{
	return resident == 0 ? '.' : resident >= total ? '#' : '+';
}

/* The bytes of piece i of a segment cut into whole pages; 0 behind its end. */
static uint64_t
piece(uint64_t size, size_t i, uint64_t *from)
{
	uint64_t page = shmu_pages_size(), pages = (size + page - 1) / page;
	uint64_t each = pages < STRIP ? 1 : (pages + STRIP - 1) / STRIP;

	*from = (uint64_t)i * each * page;
	if (*from >= size)
		return 0;
	return size - *from < each * page ? size - *from : each * page;
}

static int
strip_of(struct shmu_segment *seg, uint64_t size, char strip[STRIP + 1])
{
	struct shmu_residency res;
	uint64_t from, len;
	size_t i;
	int r;

	for (i = 0; i < STRIP && (len = piece(size, i, &from)) > 0; i++) {
		r = seg->fd != -1 ? shmu_pages_cached(seg->fd, from, len, &res) :
		    shmu_pages_resident((const char *)seg->base + from,
		    (size_t)len, &res);
		if (r == -1)
			return -1;
		strip[i] = shade(res.resident, res.total);
	}
	strip[i] = '\0';
	return 0;
}

/* A strip of what is in RAM.  A System V segment is attached for it, so only
 * one that is attached already: to attach changes its times. */
static void
print_strip(const struct shmu_item *item)
{
	struct shmu_operand op;
	struct shmu_segment seg;
	char strip[STRIP + 1];
	uint64_t from, size = item->info.size;

	if (size == 0 || size > SIZE_MAX ||
	    shmu_item_operand(item, &op) == -1 ||
	    (op.kind == SHMU_ID && item->info.attached == 0) ||
	    shmu_segment_open(&seg, &op, SHMU_READ) == -1)
		return;
	if ((op.kind != SHMU_ID ||
	    shmu_segment_map(&seg, 0, (size_t)size, PROT_READ) == 0) &&
	    strip_of(&seg, size, strip) == 0)
		printf("IN RAM: [%s] %" PRIu64 " bytes each\n", strip,
		    piece(size, 0, &from));
	shmu_segment_close(&seg);
}

/* The wall clock at the start of the machine, as both clocks are now. */
static time_t
boot(void)
{
	struct timespec wall, up;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &up);
	return wall.tv_sec - up.tv_sec;
}

static void
print_holders(const struct shmu_item *item)
{
	uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	char since[64];
	size_t i;

	for (i = 0; i < item->nholders; i++) {
		const struct shmu_holder *h = &item->holders[i];

		since[0] = '\0';
		if (h->start != 0)
			column_date(boot() + (time_t)(h->start / hz), since,
			    sizeof since);
		printf("HOLDER: %d ", (int)h->pid);
		cli_safe(stdout, h->command);
		printf(" %s %s%s%s\n", h->mapped ? "mapped" : "open",
		    h->writable ? "rw" : "ro", since[0] != '\0' ? ", runs since "
		    : "", since);
	}
}

/* One line for each column that has something to say. */
static void
block(const struct rows *rows, const struct shmu_item *item,
    const struct style *style)
{
	struct shmu_reason why[SHMU_REASONS];
	char text[COLUMN_TEXT], buf[96];
	const struct column *c;
	const char *missing;
	size_t n;

	for (c = columns; c->name != NULL; c++) {
		if (strcmp(c->name, "HOLDERS") == 0)
			continue;
		if (strcmp(c->name, "FORMAT") == 0)
			format_line(item, text, sizeof text);
		else
			column_text(c, item, style, text, sizeof text);
		if (text[0] == '\0')
			continue;
		printf("%s: ", c->name);
		cli_safe(stdout, text);
		n = strcmp(c->name, "STATE") == 0 ?
		    shmu_inventory_why(rows->inv, item, why) : 0;
		if (n > 0)
			printf(" (%s)", why[n - 1].text);
		putchar('\n');
	}
	print_strip(item);
	print_holders(item);
	missing = shmu_inventory_missing(rows->inv, buf, sizeof buf, NULL);
	if (missing != NULL && (item->state == SHMU_STATE_UNKNOWN ||
	    item->nholders > 0 || item->info.attached > 0))
		printf("HOLDER: perhaps more, %s\n", missing);
}

void
stat_detail(const struct rows *rows, const struct request *r)
{
	struct style exact = r->style;
	size_t i;

	exact.bytes = 1;
	for (i = 0; i < rows->n; i++) {
		if (i > 0)
			putchar('\n');
		block(rows, rows->item[i], &exact);
	}
}

void
stat_why(const struct rows *rows, const struct request *r)
{
	struct shmu_reason why[SHMU_REASONS];
	char text[COLUMN_TEXT];
	size_t i, k, n;

	for (i = 0; i < rows->n; i++) {
		column_text(column_find("OPERAND", 7), rows->item[i], &r->style,
		    text, sizeof text);
		cli_safe(stdout, text);
		printf(": %s\n", shmu_state_word(rows->item[i]->state));
		n = shmu_inventory_why(rows->inv, rows->item[i], why);
		for (k = 0; k < n; k++)
			printf("  %s %s\n", why[k].yes ? "yes" : "no ",
			    why[k].text);
	}
}
