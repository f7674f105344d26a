/* SPDX-License-Identifier: MIT */
/*
 * header.c - make a segment that begins with a header of libshmutil
 *
 * usage: header forever | dead | building SEGMENT
 *
 * It is tied to nobody, tied to a process that has ended, or left half-built by
 * a process that has ended; of a System V segment the id is printed.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmutil/header.h>
#include <shmutil/segment.h>

static int
make(const char *how, const char *text)
{
	struct shmu_operand op;
	struct shmu_spec spec = SHMU_SPEC_INIT;
	struct shmu_segment seg;
	struct shmu_owner self;

	spec.size = 8192;
	if (shmu_operand_parse(&op, text, NULL) == -1 ||
	    shmu_segment_create(&seg, &op, &spec) == -1 ||
	    shmu_segment_map(&seg, 0, 8192, PROT_READ | PROT_WRITE) == -1 ||
	    shmu_owner_self(&self) == -1)
		return 1;
	shmu_header_init(seg.base, SHMU_FORMAT_TABLE, 1, 8192, 8192,
	    strcmp(how, "forever") == 0 ? NULL : &self);
	if (strcmp(how, "building") != 0)
		shmu_header_publish(seg.base);
	if (seg.op.kind == SHMU_ID)
		printf("%d\n", seg.op.id);
	fflush(stdout);
	return 0;
}

int
main(int argc, char *argv[])
{
	int status;

	if (argc != 3)
		return 2;
	if (fork() == 0)
		_exit(make(argv[1], argv[2]));
	return wait(&status) == -1 || status != 0;
}
