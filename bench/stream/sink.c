/* SPDX-License-Identifier: MIT */
/* sink - read standard input to its end, and every byte of it */
#include "config.h"

#include "bench.h"

int
main(void)
{
	static char buf[CHUNK] __attribute__((aligned(4096)));
	ssize_t n;

	while ((n = read(STDIN_FILENO, buf, sizeof buf)) > 0)
		touch(buf, (size_t)n);
	return n == -1;
}
