/* SPDX-License-Identifier: MIT */
/* overcommit - promises beyond what there is */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"
#include "shmutil/libc.h"
#include "victim.h"

enum { CHUNKS = 20 };

/* show promise */
/* May I have so much, if I do not touch it? */
static int
promise(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}
/* end */

static int
mode_now(void)
{
	int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
	char c = '?';

	if (fd == -1 || read(fd, &c, 1) != 1)
		tour_skip("/proc/sys/vm/overcommit_memory cannot be read");
	close(fd);
	return c - '0';
}

struct found {
	int	chunks;			/* accepted */
	int	twice;			/* errno of twice the RAM */
	int64_t	rss_kib;
};

static void
child(struct found *f, size_t ram)
{
	while (f->chunks < CHUNKS && promise(ram / 2) == 0)
		f->chunks++;
	f->twice = promise(2 * ram);
	f->rss_kib = proc_kib("/proc/self/status", "VmRSS");
	_exit(0);
}

static void
predict(int mode)
{
	static const char *const rules[] = {
		"0, heuristic: one request beyond all RAM and swap is refused",
		"1, always: nothing is refused",
		"2, strict: all promises together must fit CommitLimit"
	};

	tour_step("The rule of this machine");
	tour_line("overcommit_memory is");
	tour_line("%s", rules[mode]);
	tour_text("It says what a promise may be. What is promised shows in "
	    "/proc/meminfo as Committed_AS, and what it is measured by in "
	    "mode 2 as CommitLimit.");
}

static void
measure(void)
{
	struct found *f = lesson_shared(sizeof *f);
	int64_t total = proc_kib("/proc/meminfo", "MemTotal"),
	    swap = proc_kib("/proc/meminfo", "SwapTotal");
	int mode = mode_now(), sign;
	size_t ram = (size_t)total * 1024;
	pid_t pid;

	if (total <= 0 || mode < 0 || mode > 2)
		tour_skip("/proc/meminfo says nothing of this machine's RAM");
	predict(mode);
	pid = lesson_fork();
	if (pid == 0)
		child(f, ram);
	sign = lesson_wait(pid);
	tour_step("Half of the RAM, twenty times; then twice the RAM at once");
	tour_code("promise");
	tour_bar("RAM", ram >> 30, ram / 2 * CHUNKS >> 30, "GiB");
	tour_bar("promised", ram / 2 * (size_t)f->chunks >> 30,
	    ram / 2 * CHUNKS >> 30, "GiB");
	tour_line("%-34s %lld MiB", "in RAM of it",
	    (long long)f->rss_kib / 1024);
	tour_line("%-34s %s", "twice the RAM at once", f->twice == 0 ?
	    "granted too" : shmu_sys_errname(f->twice));
	tour_step("And who pays?");
	tour_text("If all touch what they were promised, the kernel ends a "
	    "process: the one with the highest /proc/PID/oom_score. Anybody "
	    "may raise the oom_score_adj of their own, to be the first; "
	    "lowering it needs CAP_SYS_RESOURCE. To be told no instead, set "
	    "a limit: ulimit -v, or a memory cgroup.");
	tour_value("mode", mode);
	tour_value("chunks_granted", f->chunks);
	if (sign != 0)
		tour_unsure("the child was ended by something else");
	if (mode == 2) {
		tour_check(f->chunks < CHUNKS, "strict: ten times the RAM was "
		    "refused");
		return;
	}
	if (f->chunks < CHUNKS)
		tour_skip("a limit of this session (ulimit -v) came first");
	tour_check(f->chunks == CHUNKS, "ten times the RAM was promised");
	tour_check(f->rss_kib < total / 10, "and almost none of it used");
	if (mode == 1)
		tour_check(f->twice == 0, "mode 1: twice the RAM too");
	else if (swap < total)
		tour_check(f->twice == ENOMEM, "mode 0: twice the RAM in one "
		    "piece was refused");
}

const struct lesson lesson_overcommit = {
	.name = "overcommit",
	.title = "promises beyond what there is",
	.track = "mappings",
	.minutes = 4,
	.question = "A program maps half of the machine's RAM, twenty times, "
	    "and touches nothing. On a Linux as it is installed, how many of "
	    "the calls succeed?",
	.choices = { "one or two", "all twenty", "none" },
	.answer = 2,
	.hint = "By the first lessons: what does a mapping cost that nobody "
	    "touches?",
	.why = "Memory that is not touched costs nothing, and most of what "
	    "programs ask for is not, so the kernel promises more than it "
	    "has. The price: malloc hardly ever says no, and who touches too "
	    "much may be ended later, or another.",
	.next = "grep Commit /proc/meminfo, and sum up VSZ of ps aux.",
	.pages = "proc(5) mmap(2) malloc(3) getrlimit(2)",
	.measure = measure
};
