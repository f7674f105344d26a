/* SPDX-License-Identifier: MIT */
/* mapping.h - what options ask of a mapping: advice, a lock, a protection */
#ifndef MAPPING_H
#define MAPPING_H

#include <stddef.h>

enum lock { LOCK_NO, LOCK_NOW, LOCK_ONFAULT };

struct mapping {
	const int	*advice;	/* ended by -1, or NULL */
	enum lock	 lock;
	int		 protect;	/* PROT_ bits, or -1 */
};
#define MAPPING_INIT	{ NULL, LOCK_NO, -1 }

/* Read the argument of --advise ("willneed,random", in place), --lock (NULL
 * when it has none) or --protect, or end the program with EXIT_USAGE. */
const int *mapping_advices(char *text);
enum lock mapping_lock(const char *text);
int mapping_protection(const char *text);

/* Do it to len bytes at start, in the order above; an exit status, said why. */
int mapping_apply(const struct mapping *m, const char *text, void *start,
    size_t len);

#endif
