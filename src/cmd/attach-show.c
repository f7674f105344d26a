/* SPDX-License-Identifier: MIT */
/* attach-show.c - the verbs of shm-attach that print: dump diff watch */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach.h"
#include "cause.h"
#include "cli.h"
#include "content.h"

#define ROW	16
#define PIECE	((size_t)64 << 10)
#define WATCH	((uint64_t)1 << 20)

static void
row(char mark, uint64_t off, const unsigned char *p, size_t len)
{
	size_t i;

	if (mark != '\0')
		putchar(mark);
	printf("%08" PRIx64 " ", off);
	for (i = 0; i < ROW; i++) {
		if (i < len)
			printf("%s%02x", i == ROW / 2 ? "  " : " ", p[i]);
		else
			fputs(i == ROW / 2 ? "    " : "   ", stdout);
	}
	fputs("  |", stdout);
	for (i = 0; i < len; i++)
		putchar(p[i] >= ' ' && p[i] <= '~' ? p[i] : '.');
	fputs("|\n", stdout);
}

/* Copy len bytes at off out of the segment. */
static int
get(struct attach *a, uint64_t off, unsigned char *buf, size_t len)
{
	size_t done, n;

	for (done = 0; done < len; done += n) {
		void *p;

		n = len - done;
		p = view_at(&a->view, off + done, &n);
		if (p == NULL ||
		    shmu_segment_copy(buf + done, p, n, NULL) == -1)
			return content_fault(&a->view, a->text, off + done,
			    errno);
	}
	return EXIT_YES;
}

/* What dump printed last, so that a repetition becomes one "*". */
struct dump {
	unsigned char	last[ROW];
	int		has_last;
	int		starred;
	uint64_t	next;	/* offset that would follow without a gap */
};

static void
dump_row(struct dump *d, int all, uint64_t off, const unsigned char *p,
    size_t len)
{
	int gap = off != d->next;

	d->next = off + len;
	if (!all && len == ROW && d->has_last && !gap &&
	    memcmp(p, d->last, ROW) == 0) {
		if (!d->starred)
			puts("*");
		d->starred = 1;
		return;
	}
	if (gap && !all && !d->starred)
		puts("*");
	row('\0', off, p, len);
	d->starred = 0;
	d->has_last = len == ROW;
	memcpy(d->last, p, len);
}

static int
dump_live(struct attach *a, struct dump *d, uint64_t off, uint64_t end)
{
	static unsigned char buf[PIECE];
	int status = EXIT_YES;
	size_t len, i;

	for (; off < end && status == EXIT_YES; off += len) {
		len = end - off < PIECE ? (size_t)(end - off) : PIECE;
		status = get(a, off, buf, len);
		for (i = 0; i < len && status == EXIT_YES; i += ROW)
			dump_row(d, a->all, off + i, buf + i,
			    len - i < ROW ? len - i : ROW);
	}
	return status;
}

/* A hole is printed without reading it, which would allocate it. */
static void
dump_zeros(struct dump *d, uint64_t off, uint64_t end)
{
	static const unsigned char zeros[ROW];

	for (; off < end; off += ROW)
		dump_row(d, 1, off, zeros,
		    end - off < ROW ? (size_t)(end - off) : ROW);
}

int
attach_dump(struct attach *a, char *argv[])
{
	uint64_t off, len, end, from, to;
	struct dump d = { .has_last = 0 };
	int status;

	status = attach_range(a, argv, &off, &len);
	end = off + len;
	d.next = off;
	if (status == EXIT_YES)
		status = attach_touch(a, off, len);
	for (; status == EXIT_YES && off < end; off = to) {
		if (view_live(&a->view, off, &from, &to) != 0 || from > end)
			from = to = end;
		if (to > end)
			to = end;
		if (a->all)
			dump_zeros(&d, off, from);
		status = dump_live(a, &d, from, to);
	}
	if (status != EXIT_YES)
		return status;
	if (d.next != end && !d.starred)
		puts("*");
	printf("%08" PRIx64 "\n", end);
	return status;
}

/* Print the rows of two equally long pieces that differ. */
static int
diff_rows(uint64_t off, const unsigned char *x, const unsigned char *y,
    size_t len)
{
	int status = EXIT_YES;
	size_t i, n;

	for (i = 0; i < len; i += ROW) {
		n = len - i < ROW ? len - i : ROW;
		if (memcmp(x + i, y + i, n) == 0)
			continue;
		status = EXIT_NO;
		if (!cli.quiet) {
			row('-', off + i, x + i, n);
			row('+', off + i, y + i, n);
		}
	}
	return status;
}

static int
diff(struct attach *a, struct attach *b)
{
	static unsigned char x[PIECE], y[PIECE];
	uint64_t end = a->length < b->length ? a->length : b->length, off;
	int status = EXIT_YES;
	size_t len;

	for (off = 0; off < end && status != EXIT_CANNOT; off += len) {
		len = end - off < PIECE ? (size_t)(end - off) : PIECE;
		if (get(a, off, x, len) != EXIT_YES ||
		    get(b, off, y, len) != EXIT_YES)
			return EXIT_CANNOT;
		status = cli_worst(status, diff_rows(off, x, y, len));
	}
	if (a->length == b->length)
		return status;
	if (!cli.quiet)
		cli_say(a->text, "has %" PRIu64 " bytes, %s has %" PRIu64,
		    a->length, b->text, b->length);
	return EXIT_NO;
}

int
attach_diff(struct attach *a, char *argv[])
{
	struct attach b = { .asked = MAPPING_INIT };
	int status;

	b.text = *argv;
	b.has_length = a->has_length;
	b.length = a->has_length ? a->length : 0;
	b.readonly = 1;
	cli_operand_or_die(&b.op, b.text);
	status = attach_open(&b, a->view.prot);
	if (status == EXIT_YES)
		status = diff(a, &b);
	shmu_segment_close(&b.seg);
	return status;
}

/* Look until something changes; the new bytes are then in new. */
static int
changed(struct attach *a, uint64_t off, const unsigned char *old,
    unsigned char *new, size_t len, double end)
{
	double left;
	int status;

	for (;;) {
		status = get(a, off, new, len);
		if (status != EXIT_YES || memcmp(old, new, len) != 0)
			return status;
		left = end - cli_now();
		if (a->limit >= 0 && left <= 0)
			return EXIT_TIMEOUT;
		cli_sleep(a->limit >= 0 && left < a->interval ? left :
		    a->interval);
	}
}

static int
watch(struct attach *a, uint64_t off, size_t len, unsigned char *old,
    unsigned char *new)
{
	double end = cli_now() + a->limit;
	uint64_t seen = 0;
	int status = get(a, off, old, len);

	while (status == EXIT_YES) {
		status = changed(a, off, old, new, len, end);
		if (status != EXIT_YES)
			break;
		diff_rows(off, old, new, len);
		if (fflush(stdout) != 0)
			break;
		memcpy(old, new, len);
		if (++seen == a->count)
			break;
	}
	return status;
}

int
attach_watch(struct attach *a, char *argv[])
{
	unsigned char *buf;
	uint64_t off, len;
	int status;

	status = attach_range(a, argv, &off, &len);
	if (status != EXIT_YES)
		return status;
	if (len > WATCH)
		cli_usage(a->text,
		    "watch looks at 1 MiB at most; give OFF and LEN");
	buf = malloc(2 * (size_t)len + 1);
	if (buf == NULL)
		return cli_fail(EXIT_CANNOT, NULL, "out of memory");
	status = watch(a, off, (size_t)len, buf, buf + len);
	free(buf);
	return status;
}
