/* SPDX-License-Identifier: MIT */
/* heap-sites.c - the places in the source, and the named roots: two tables that
 * only grow */
#include "config.h"

#include <string.h>

#include "heap-private.h"

static struct heap_site *
sites(const struct shmu_heap *h)
{
	return (struct heap_site *)(h->base + h->l.sites_off);
}

/* The row that has this place; or n when none of the first n does. */
static uint32_t
search(const struct shmu_heap *h, const struct heap_site *want, uint32_t n)
{
	uint32_t i;

	for (i = 1; i < n; i++)
		if (LOAD(&sites(h)[i].line) == want->line &&
		    memcmp(sites(h)[i].file, want->file,
		    sizeof want->file) == 0)
			break;
	return i;
}

static uint32_t
rows(const struct shmu_heap *h)
{
	uint64_t n = ACQUIRE(&control(h)->sites_known);

	return n < 1 ? 1 : n > h->l.sites ? h->l.sites : (uint32_t)n;
}

/* Row 0 is for what is not known. */
static uint32_t
add(struct shmu_heap *h, const struct heap_site *want)
{
	uint32_t n, i;

	if (shmu_h_lock(h) == -1)
		return 0;
	n = rows(h);
	i = search(h, want, n);
	if (i == n && n < h->l.sites) {
		sites(h)[n] = *want;
		RELEASE(&control(h)->sites_known, n + 1);
	} else if (i == n)
		i = 0;
	shmu_h_unlock(h);
	return i;
}

uint32_t
shmu_h_site_learn(struct shmu_heap *h, struct shmu_site *site)
{
	struct heap_site want = { .line = site->line };
	size_t len = strlen(site->file);
	uint32_t n = rows(h), i;

	if (h->slot == NULL)
		return 0;
	if (len > sizeof want.file - 1)
		memcpy(want.file, site->file + len - (sizeof want.file - 1),
		    sizeof want.file - 1);
	else
		memcpy(want.file, site->file, len);
	i = search(h, &want, n);
	if (i == n)
		i = add(h, &want);
	STORE(&site->known, (uint64_t)h->tag << 32 | i);
	return i;
}

static struct heap_root *
roots(const struct shmu_heap *h)
{
	return (struct heap_root *)(h->base + h->l.roots_off);
}

static struct heap_root *
find_root(const struct shmu_heap *h, const char *name)
{
	uint32_t i;

	for (i = 0; i < h->l.roots && ACQUIRE(&roots(h)[i].named) != 0; i++)
		if (strncmp(roots(h)[i].name, name,
		    sizeof roots(h)[i].name) == 0)
			return &roots(h)[i];
	return NULL;
}

uint64_t *
shmu_heap_root_find(struct shmu_heap *h, const char *name)
{
	struct heap_root *r = find_root(h, name);

	if (r == NULL)
		errno = ENOENT;
	return r == NULL ? NULL : &r->off;
}

static uint64_t *
add_root(struct shmu_heap *h, const char *name)
{
	struct heap_root *r = find_root(h, name);
	uint32_t i = 0;

	if (r != NULL)
		return &r->off;
	while (i < h->l.roots && LOAD(&roots(h)[i].named) != 0)
		i++;
	if (i == h->l.roots) {
		errno = ENOSPC;
		return NULL;
	}
	r = &roots(h)[i];
	r->off = 0;
	memset(r->name, 0, sizeof r->name);
	memcpy(r->name, name, strlen(name));
	RELEASE(&r->named, 1);
	return &r->off;
}

uint64_t *
shmu_heap_root(struct shmu_heap *h, const char *name)
{
	struct heap_root *r = find_root(h, name);
	uint64_t *word;
	size_t len = strlen(name);

	if (r != NULL)
		return &r->off;
	if (len == 0 || len > SHMU_HEAP_NAME) {
		errno = EINVAL;
		return NULL;
	}
	if (!shmu_h_enter(h))
		return NULL;
	if (shmu_h_lock(h) == -1) {
		heap_leave(h);
		return NULL;
	}
	word = add_root(h, name);
	shmu_h_unlock(h);
	heap_leave(h);
	return word;
}
