/* SPDX-License-Identifier: MIT */
/* progress.c - a line on the terminal for what takes long; see progress.h */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "progress.h"
#include "shmutil/pages.h"
#include "shmutil/parse.h"

#define NAME	32	/* bytes of text that are shown, from its end */

static struct {
	const char		*text;
	const char		*what;
	uint64_t		 total;
	_Atomic uint64_t	 done;
	int			 fd;	/* whose dirty pages count, or -1 */
	int			 running;
	int			 ended;
	pthread_t		 thread;
	pthread_mutex_t		 lock;
	pthread_cond_t		 changed;
} progress = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.changed = PTHREAD_COND_INITIALIZER
};

/* How much is written back: what was dirty at most, less what still is. */
static void
count_dirty(void)
{
	struct shmu_residency r;
	uint64_t left;

	if (shmu_pages_cached(progress.fd, 0, 0, &r) == -1)
		return;
	left = r.dirty + r.writeback;
	if (left > progress.total)
		progress.total = left;
	progress.done = progress.total - left;
}

static void
draw(int seconds)
{
	char done[SHMU_SIZE_TEXT], total[SHMU_SIZE_TEXT];
	size_t len = strlen(progress.text);
	uint64_t n;

	if (progress.fd != -1)
		count_dirty();
	n = progress.done;
	fprintf(stderr, "\r\033[K%s: ", cli.program);
	cli_safe(stderr, progress.text + (len > NAME ? len - NAME : 0));
	fprintf(stderr, ": %s", progress.what);
	if (progress.total != 0)
		fprintf(stderr, " %s of %s, %u %%", shmu_size_text(done, n),
		    shmu_size_text(total, progress.total),
		    (unsigned int)((double)n / (double)progress.total * 100));
	else if (n != 0)
		fprintf(stderr, " %s", shmu_size_text(done, n));
	fprintf(stderr, ", %d s", seconds);
	fflush(stderr);
}

static void *
watch(void *arg)
{
	struct timespec begin, next;
	int drawn = 0;

	(void)arg;
	clock_gettime(CLOCK_REALTIME, &begin);
	next = begin;
	next.tv_sec++;
	pthread_mutex_lock(&progress.lock);
	while (!progress.ended) {
		if (pthread_cond_timedwait(&progress.changed, &progress.lock,
		    &next) == 0)
			continue;
		draw((int)(next.tv_sec - begin.tv_sec));
		drawn = 1;
		next.tv_nsec += 250000000;
		next.tv_sec += next.tv_nsec / 1000000000;
		next.tv_nsec %= 1000000000;
	}
	pthread_mutex_unlock(&progress.lock);
	if (drawn)
		fputs("\r\033[K", stderr);
	return NULL;
}

static void
begin(const char *text, const char *what, uint64_t total, int fd)
{
	if (cli.quiet || cli.explain || !isatty(STDERR_FILENO))
		return;
	progress.text = text;
	progress.what = what;
	progress.total = total;
	progress.done = 0;
	progress.fd = fd;
	progress.ended = 0;
	progress.running = pthread_create(&progress.thread, NULL, watch,
	    NULL) == 0;
}

void
progress_begin(const char *text, const char *what, uint64_t total)
{
	begin(text, what, total, -1);
}

void
progress_begin_sync(const char *text, int fd)
{
	begin(text, "writing back", 0, fd);
}

void
progress_at(uint64_t done)
{
	progress.done = done;
}

void
progress_end(void)
{
	if (!progress.running)
		return;
	pthread_mutex_lock(&progress.lock);
	progress.ended = 1;
	pthread_cond_signal(&progress.changed);
	pthread_mutex_unlock(&progress.lock);
	pthread_join(progress.thread, NULL);
	progress.running = 0;
}
