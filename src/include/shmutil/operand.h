/* SPDX-License-Identifier: MIT */
/*
 * operand.h - one way to write down any segment
 *
 *	/name  name  name:NAME	 POSIX shared-memory object; in NAME, \xHH is a byte
 *	0x29a  key:666  key:-5	 System V segment by key, never key 0
 *	7  id:7			 System V segment by identifier
 *	./f  ../f  file:PATH	 regular file
 *	pid:812/fd/5		 regular file or memfd that a process holds open
 *	private			 a System V segment without a key, to create only
 *
 * Nothing here calls the system or allocates; thread-safe, safe after fork.
 */
#ifndef SHMUTIL_OPERAND_H
#define SHMUTIL_OPERAND_H

#include <stddef.h>
#include <sys/types.h>

#include "shmutil/api.h"

SHMU_BEGIN

enum shmu_kind {
	SHMU_POSIX,
	SHMU_KEY,
	SHMU_ID,
	SHMU_FILE,
	SHMU_PIDFD,
	SHMU_PRIVATE
};

/* The bytes of a POSIX name after its slash: one directory entry. */
#define SHMU_NAME_MAX	255

/* Owned by the caller; holds no resource.  Which members have a meaning is
 * told by kind. */
struct shmu_operand {
	enum shmu_kind	 kind;
	key_t		 key;			/* SHMU_KEY */
	int		 id;			/* SHMU_ID */
	pid_t		 pid;			/* SHMU_PIDFD */
	int		 fd;			/* SHMU_PIDFD, in that
						 * process */
	const char	*path;			/* SHMU_FILE: within the text
						 * parsed */
	char		 name[SHMU_NAME_MAX + 2];	/* SHMU_POSIX,
							 * "/name" */
};

/*
 * Read text into op.  op->path points into text, which must outlive it.
 * Returns 0, or -1 with errno EINVAL, ERANGE or ENAMETOOLONG, *why a fixed
 * English phrase that says what is wrong and what to write instead, and op
 * undefined.  why may be NULL.
 */
SHMU_API int shmu_operand_parse(struct shmu_operand *op, const char *text,
    const char **why);

/*
 * Fill op with the POSIX object of the directory entry name (without a slash,
 * any bytes).  Returns 0, or -1 with errno EINVAL (empty, "." or "..", or has
 * a slash) or ENAMETOOLONG.
 */
SHMU_API int shmu_operand_name(struct shmu_operand *op, const char *name);

/*
 * Write op as text that shmu_operand_parse reads back as the same segment: a
 * name with bytes outside printable ASCII, a blank or a backslash becomes
 * name: with \xHH.  At most size bytes with the NUL; SHMU_OPERAND_TEXT is
 * enough but for a path, which is cut.  Returns buf.
 */
#define SHMU_OPERAND_TEXT	(5 + 4 * SHMU_NAME_MAX + 1)
SHMU_API const char *shmu_operand_text(const struct shmu_operand *op,
    char *buf, size_t size);

SHMU_END

#endif
