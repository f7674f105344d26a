/* SPDX-License-Identifier: MIT */
/* table.c - a table of text in columns; see table.h */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "table.h"

#define LENGTH	2
#define LONGEST	65535

void
table_column(struct table *t, const char *heading, int right)
{
	if (t->columns == TABLE_MOST) {
		t->failed = 1;
		return;
	}
	t->heading[t->columns] = heading;
	t->right[t->columns] = right;
	t->width[t->columns] = strlen(heading);
	t->columns++;
}

/* Make room for more; 0 when there is none. */
static int
grow(struct table *t)
{
	size_t room = t->room == 0 ? 16384 : 2 * t->room;
	char *p = realloc(t->cells, room);

	if (p == NULL) {
		t->failed = 1;
		return 0;
	}
	t->cells = p;
	t->room = room;
	return 1;
}

/* A byte takes at most four places; the longest cell there can be is cut. */
void
table_cell(struct table *t, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	size_t column = t->n % t->columns, begin = t->used + LENGTH;
	size_t at = begin, len;

	for (;; text++) {
		unsigned char c = (unsigned char)*text;

		if (at + LENGTH + 4 > t->room && !grow(t))
			return;
		if (c == '\0' || at - begin + 4 > LONGEST)
			break;
		if (c >= ' ' && c <= '~') {
			t->cells[at++] = *text;
			continue;
		}
		t->cells[at++] = '\\';
		t->cells[at++] = 'x';
		t->cells[at++] = hex[c >> 4];
		t->cells[at++] = hex[c & 15];
	}
	len = at - begin;
	t->cells[t->used] = (char)(len >> 8);
	t->cells[t->used + 1] = (char)(len & 0xff);
	if (len > t->width[column])
		t->width[column] = len;
	t->used = at;
	t->n++;
}

/* A line as it grows, and what of it is still to be written. */
struct line {
	FILE		*out;
	size_t		 at, width;	/* columns used, and at most */
	size_t		 used;
	char		 text[1024];
};

static void
put(struct line *l, char c)
{
	if (l->width > 0 && l->at == l->width)
		return;
	if (l->used == sizeof l->text) {
		fwrite(l->text, 1, l->used, l->out);
		l->used = 0;
	}
	l->text[l->used++] = c;
	l->at++;
}

static void
put_all(struct line *l, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		put(l, s[i]);
}

static void
blanks(struct line *l, size_t n)
{
	for (; n > 0; n--)
		put(l, ' ');
}

static void
raw(struct line *l, const char *text, size_t len, size_t column)
{
	size_t i;

	if (column > 0)
		put(l, ' ');
	if (len == 0)
		put(l, '-');
	for (i = 0; i < len; i++)
		if (text[i] == ' ')
			put_all(l, "\\x20", 4);
		else
			put(l, text[i]);
}

/* owed: the blanks before the next text, so that none end a line. */
static void
cell(const struct table *t, const struct table_style *style, struct line *l,
    const char *text, size_t len, size_t column, size_t *owed)
{
	size_t pad = t->width[column] - len;

	if (style->raw) {
		raw(l, text, len, column);
		return;
	}
	*owed += t->right[column] ? pad : 0;
	if (len > 0) {
		blanks(l, *owed);
		put_all(l, text, len);
		*owed = 0;
	}
	*owed += (t->right[column] ? 0 : pad) + 1;
}

static void
end(const struct table_style *style, struct line *l)
{
	const char *s = style->end != NULL ? style->end : "\n";

	fwrite(l->text, 1, l->used, l->out);
	fwrite(s, 1, strlen(s), l->out);
	l->at = l->used = 0;
}

void
table_print(const struct table *t, const struct table_style *style, FILE *out)
{
	struct line l = { out, 0, style->width, 0, { 0 } };
	size_t c, len, owed = 0, row, rows = t->columns == 0 ? 0 :
	    t->n / t->columns;
	const char *p = t->cells;

	for (c = 0; c < t->columns && !style->noheadings; c++)
		cell(t, style, &l, t->heading[c], strlen(t->heading[c]), c,
		    &owed);
	if (!style->noheadings)
		end(style, &l);
	for (row = 0; row < rows; row++) {
		int shown = row >= style->from && (style->rows == 0 ||
		    row - style->from < style->rows);

		for (c = owed = 0; c < t->columns; c++, p += LENGTH + len) {
			len = (size_t)(unsigned char)p[0] << 8 |
			    (unsigned char)p[1];
			if (shown)
				cell(t, style, &l, p + LENGTH, len, c, &owed);
		}
		if (shown)
			end(style, &l);
	}
}

void
table_free(struct table *t)
{
	free(t->cells);
	t->cells = NULL;
	t->used = t->room = t->n = 0;
}
