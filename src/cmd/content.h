/* SPDX-License-Identifier: MIT */
/*
 * content.h - bytes that go into a segment: a file, standard input, one byte
 *
 * Functions return an exit status, having printed why when it is not
 * EXIT_YES.
 */
#ifndef CONTENT_H
#define CONTENT_H

#include "shmutil/segment.h"
#include "view.h"

struct content {
	int		fd;	/* where to read, -1: nowhere */
	uint64_t	length;	/* bytes to come, UINT64_MAX: until the end */
	const char	*name;	/* for messages */
};
#define CONTENT_INIT	{ -1, 0, NULL }

/* Open FILE or "-".  A regular file is measured. */
int content_open(struct content *c, const char *from, const char *text,
    uint64_t *size);
void content_close(struct content *c);

/* Copy all of c to offset 0 of seg; more than size is EXIT_NO. */
int content_copy(struct content *c, struct shmu_segment *seg, const char *text,
    uint64_t size);

/*
 * Read from fd to off of the view until the end of the input or of the
 * segment, adding to *stored.  More input than room is EXIT_NO.
 */
int content_stream(int fd, const char *name, struct view *v, const char *text,
    uint64_t off, uint64_t *stored);

/* Copy len bytes of buf to off of the view. */
int content_bytes(const void *buf, size_t len, struct view *v,
    const char *text, uint64_t off);

/* Set len bytes at off to byte, with a view of its own or a given one. */
int content_fill(struct shmu_segment *seg, const char *text, uint64_t off,
    uint64_t len, unsigned char byte);
int content_fill_view(struct view *v, const char *text, uint64_t off,
    uint64_t len, unsigned char byte);

/* Say why moving bytes at off of the view failed with err. */
int content_fault(const struct view *v, const char *text, uint64_t off,
    int err);

#endif
