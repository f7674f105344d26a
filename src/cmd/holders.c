/* SPDX-License-Identifier: MIT */
/* holders.c - who holds an item, in words; see holders.h */
#include "config.h"

#include "holders.h"
#include "text.h"

const char *
holders_text(const struct shmu_item *item, char *buf, size_t size)
{
	const char *c;
	char *p = buf;
	size_t i;

	*p = '\0';
	for (i = 0; i < item->nholders; i++) {
		if ((size_t)(p - buf) + TEXT_NUMBER + SHMU_COMMAND + 8 > size) {
			text_copy(p, ", ...");
			break;
		}
		if (i > 0)
			p = text_copy(p, ", ");
		p += text_number(p, item->holders[i].pid);
		*p++ = ' ';
		for (c = item->holders[i].command; *c != '\0'; c++)
			*p++ = *c >= ' ' && *c <= '~' ? *c : '?';
		*p = '\0';
	}
	return buf;
}
