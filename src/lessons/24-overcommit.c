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

enum { CHUNKS = 20, MIB = 512, TRIES = 20, OOM_ADJ = 500 };

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

/* By how many KiB the promises of this machine grow by a mapping, and by its
 * mprotect(2) if that is what counts.  Others make promises at the same time:
 * so it is the one of some tries that is nearest to what it shall be;
 * INT64_MIN when it may not be mapped. */
static int64_t
committed_by(int prot, int flags, int then, int64_t want)
{
	const size_t size = (size_t)MIB << 20;
	int64_t best = INT64_MAX, before, delta;
	void *p;
	int i;

	for (i = 0; i < TRIES && best != want; i++) {
		before = proc_kib("/proc/meminfo", "Committed_AS");
		p = mmap(NULL, size, prot, MAP_PRIVATE | MAP_ANONYMOUS | flags,
		    -1, 0);
		if (p == MAP_FAILED)
			return INT64_MIN;
		if (then != prot && mprotect(p, size, then) == -1)
			before = INT64_MAX;
		delta = proc_kib("/proc/meminfo", "Committed_AS") - before;
		munmap(p, size);
		if (llabs((long long)(delta - want)) <
		    llabs((long long)(best - want)))
			best = delta;
	}
	return best;
}

/* Somebody else may have given back a little meanwhile. */
static uint64_t
mib(int64_t kib)
{
	return kib < 0 ? 0 : (uint64_t)kib / 1024;
}

static void
draw_committed(int mode)
{
	const int rw = PROT_READ | PROT_WRITE;
	const int64_t all = MIB << 10, reserve = mode == 2 ? all : 0;
	int64_t plain = committed_by(rw, 0, rw, all),
	    reading = committed_by(PROT_READ, 0, PROT_READ, 0),
	    changed = committed_by(PROT_READ, 0, rw, all),
	    noreserve = committed_by(rw, MAP_NORESERVE, rw, reserve);

	if (plain == INT64_MIN || reading == INT64_MIN ||
	    changed == INT64_MIN || noreserve == INT64_MIN) {
		tour_lacks("Committed_AS: %d MiB may not be mapped", MIB);
		return;
	}
	tour_step("What a mapping of 512 MiB adds to Committed_AS");
	tour_bar("read, write", mib(plain), MIB, "MiB");
	tour_bar("only read", mib(reading), MIB, "MiB");
	tour_bar("then write", mib(changed), MIB, "MiB");
	tour_bar("NORESERVE", mib(noreserve), MIB, "MiB");
	tour_text("A promise is counted when it could be called in: what can "
	    "only be read is a page of zeros for ever. mprotect(2) to "
	    "writable makes it a promise. MAP_NORESERVE asks not to be "
	    "counted, which only mode 2 does not heed.");
	tour_text("Every process of the machine promises into the same sum, so "
	    "this is the calmest of some tries, and nothing is judged by it.");
}

static int
read_number(const char *path)
{
	char text[32] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || read(fd, text, sizeof text - 1) <= 0)
		text[0] = '\0';
	if (fd != -1)
		close(fd);
	return atoi(text);
}

/* 0, or the errno of who is not allowed to. */
static int
set_adjustment(const char *text)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	int err = fd == -1 || write(fd, text, strlen(text)) == -1 ? errno : 0;

	if (fd != -1)
		close(fd);
	return err;
}

/* What a child may do about who is ended first. */
struct score {
	int	adjusted, before, after;
	int	raised, lowered;	/* errno */
};

static void
who_pays(void)
{
	struct score *s = lesson_shared(sizeof *s);
	pid_t pid = lesson_fork();

	if (pid == 0) {
		s->adjusted = read_number("/proc/self/oom_score_adj");
		s->before = read_number("/proc/self/oom_score");
		s->raised = set_adjustment("500");
		s->after = read_number("/proc/self/oom_score");
		s->lowered = set_adjustment("-500");
		_exit(0);
	}
	lesson_wait(pid);
	tour_step("And who pays?");
	tour_text("If all touch what they were promised, the kernel ends a "
	    "process: the one with the highest oom_score.");
	tour_line("%-34s %d", "oom_score of a child", s->before);
	tour_line("%-34s %d", "after oom_score_adj of 500", s->after);
	tour_line("%-34s %s", "oom_score_adj of -500", s->lowered == 0 ?
	    "allowed to who is privileged" : shmu_sys_errname(s->lowered));
	tour_text("Anybody may put themselves first; to go further back "
	    "needs CAP_SYS_RESOURCE. To be told no instead, set a limit: "
	    "ulimit -v, or a memory cgroup.");
	if (s->raised != 0 || s->adjusted >= OOM_ADJ)
		tour_lacks("oom_score_adj cannot be raised here");
	else
		tour_check(s->after > s->before,
		    "who raises oom_score_adj is ended sooner");
}

static void
predict(int mode)
{
	static const char *const rules[] = {
		"0, heuristic: more than RAM and swap at once is refused",
		"1, always: nothing is refused",
		"2, strict: all promises must fit into CommitLimit"
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
	draw_committed(mode);
	who_pays();
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
