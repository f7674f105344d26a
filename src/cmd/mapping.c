/* SPDX-License-Identifier: MIT */
/* mapping.c - what options ask of a mapping; see mapping.h */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "cause.h"
#include "cli.h"
#include "mapping.h"
#include "shmutil/pages.h"

const int *
mapping_advices(char *text)
{
	static int list[32];
	const struct shmu_advice *a;
	size_t n = 0;
	char *word;

	for (word = strtok(text, ","); word != NULL; word = strtok(NULL, ",")) {
		a = shmu_pages_advice(word);
		if (a == NULL)
			cli_usage(word, "the kernel knows no such advice; "
			    "shm-attach(1) lists them");
		if (n == sizeof list / sizeof list[0] - 1)
			cli_usage(word, "this is too much advice");
		list[n++] = a->value;
	}
	list[n] = -1;
	return list;
}

enum lock
mapping_lock(const char *text)
{
	if (text != NULL && strcmp(text, "onfault") != 0)
		cli_usage(text, "--lock or --lock=onfault");
	return text != NULL ? LOCK_ONFAULT : LOCK_NOW;
}

int
mapping_protection(const char *text)
{
	int prot = PROT_NONE;

	if (strcmp(text, "none") == 0)
		return prot;
	if (*text == '\0' || strspn(text, "rwx") != strlen(text))
		cli_usage(text, "a protection is none, or letters of rwx");
	for (; *text != '\0'; text++)
		prot |= *text == 'r' ? PROT_READ : *text == 'w' ? PROT_WRITE :
		    PROT_EXEC;
	return prot;
}

int
mapping_apply(const struct mapping *m, const char *text, void *start,
    size_t len)
{
	const int *advice;

	for (advice = m->advice; advice != NULL && *advice != -1; advice++)
		if (shmu_pages_advise(start, len, *advice) == -1)
			return cli_fail(EXIT_CANNOT, text,
			    "the kernel does not take this advice here: %s",
			    strerror(errno));
	if (m->lock != LOCK_NO && (m->lock == LOCK_NOW ? shmu_pages_lock :
	    shmu_pages_lock_onfault)(start, len) == -1)
		return cause_lock(text, len, errno);
	if (m->protect != -1 &&
	    shmu_pages_protect(start, len, m->protect) == -1)
		return cli_fail(EXIT_CANNOT, text, "cannot be protected so: %s",
		    strerror(errno));
	return EXIT_YES;
}
