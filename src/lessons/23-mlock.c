/* SPDX-License-Identifier: MIT */
/* mlock - who may pin memory, and how much */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"
#include "shmutil/libc.h"
#include "victim.h"

enum { LIMIT = 64 << 10, PAGES = 64, IPC_LOCK = 14 };

/* show lock */
/* What does the kernel say to it? */
static int
lock(void *p, size_t size)
{
	return mlock(p, size) == 0 ? 0 : errno;
}
/* end */

/* What a child without the capability found. */
struct found {
	int	small, large, onfault, none, dontneed, dropped;
	int64_t	inherited_kib, locked_kib;
	size_t	before, after;
	int	all, future_small, future_large;
};

/* Without CAP_IPC_LOCK, which root has; so it is for everybody.  As capset(2)
 * has it, version 3: the header of the kernel is not there for every libc. */
static void
drop_capability(struct found *f)
{
	struct { uint32_t version; int pid; } head = { 0x20080522, 0 };
	struct { uint32_t effective, permitted, inheritable; } data[2];

	memset(data, 0, sizeof data);
	if (syscall(SYS_capget, &head, data) == 0) {
		data[0].effective &= ~(1U << IPC_LOCK);
		data[0].permitted &= ~(1U << IPC_LOCK);
		f->dropped = syscall(SYS_capset, &head, data) == 0;
	}
}

static void
limit(rlim_t bytes)
{
	struct rlimit r;

	getrlimit(RLIMIT_MEMLOCK, &r);
	r.rlim_cur = bytes < r.rlim_max ? bytes : r.rlim_max;
	setrlimit(RLIMIT_MEMLOCK, &r);
}

static void
on_fault(struct found *f, struct arena *a)
{
	char cells[PAGES];

	f->onfault = mlock2(a->base, LIMIT, MLOCK_ONFAULT) == 0 ? 0 : errno;
	f->before = arena_cells(a, cells);
	a->base[0] = a->base[a->page] = 1;
	f->after = arena_cells(a, cells);
	munlock(a->base, a->size);
}

/* What is mapped from now on shall be locked, as it is touched. */
static int
map_locked(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static void
all_to_come(struct found *f)
{
	f->all = mlockall(MCL_CURRENT) == 0 ? 0 : errno;
	munlockall();
	if (mlockall(MCL_FUTURE | MCL_ONFAULT) == -1) {
		f->future_small = f->future_large = errno;
		return;
	}
	f->future_small = map_locked(LIMIT / 2);
	f->locked_kib = proc_kib("/proc/self/status", "VmLck");
	f->future_large = map_locked(LIMIT);
	munlockall();
}

static void
child(struct found *f)
{
	struct arena a, b;
	pid_t pid;

	drop_capability(f);
	limit(LIMIT);
	arena_open(&a, PAGES);
	arena_open(&b, PAGES);
	f->large = lock(a.base, 2 * LIMIT);
	munlock(a.base, a.size);
	f->small = lock(a.base, LIMIT / 2);
	f->dontneed = madvise(a.base, a.page, MADV_DONTNEED) == 0 ? 0 :
	    errno;
	pid = lesson_fork();
	if (pid == 0) {
		f->inherited_kib = proc_kib("/proc/self/status", "VmLck");
		_exit(0);
	}
	lesson_wait(pid);
	munlock(a.base, a.size);
	on_fault(f, &b);
	all_to_come(f);
	limit(0);
	f->none = lock(a.base, a.page);
	_exit(0);
}

static const char *
said(int err)
{
	return err == 0 ? "ok" : shmu_sys_errname(err);
}

static void
measure(void)
{
	struct found *f = lesson_shared(sizeof *f);
	struct rlimit r;
	pid_t pid;

#ifdef __SANITIZE_ADDRESS__
	tour_skip("the address sanitizer leaves mlock(2) out");
#endif
	getrlimit(RLIMIT_MEMLOCK, &r);
	if (r.rlim_max < LIMIT)
		tour_skip("the limit of this session is %llu bytes: too few "
		    "to lock any", (unsigned long long)r.rlim_max);
	if (page_size() * 2 > LIMIT / 2)
		tour_skip("pages are too large for this lesson");
	pid = lesson_fork();
	if (pid == 0)
		child(f);
	lesson_wait(pid);
	if (!f->dropped)
		tour_skip("the capability CAP_IPC_LOCK cannot be given up");
	tour_step("RLIMIT_MEMLOCK is 64 KiB, and CAP_IPC_LOCK given up");
	tour_code("lock");
	tour_line("%-34s %s", "lock 32 KiB", said(f->small));
	tour_line("%-34s %s", "lock 128 KiB", said(f->large));
	tour_line("%-34s %s", "lock a page, with a limit of 0", said(f->none));
	tour_line("%-34s %s", "MADV_DONTNEED of a locked page",
	    said(f->dontneed));
	tour_text("A locked page stays in RAM, whatever happens: for a key "
	    "that may not reach a disk, or for an answer that may not wait "
	    "for one. So it is limited, but for who has CAP_IPC_LOCK.");
	tour_step("Lock what is touched, and what a child gets");
	tour_bar("ONFAULT", f->before, f->before + f->after + 2, "pages");
	tour_bar("2 touched", f->after, f->before + f->after + 2, "pages");
	tour_line("%-34s %lld KiB", "locked in a child after fork",
	    (long long)f->inherited_kib);
	tour_text("mlock(2) brings in all pages at once; mlock2(2) with "
	    "MLOCK_ONFAULT keeps those that come. A child has the pages, not "
	    "the locks. SHM_LOCK of a System V segment is limited likewise.");
	tour_value("inherited_kib", f->inherited_kib);
	tour_step("Lock all there is, or all that comes");
	tour_line("%-34s %s", "mlockall of what is mapped now", said(f->all));
	tour_line("%-34s %s, %lld KiB locked", "MCL_FUTURE, then map 32 KiB",
	    said(f->future_small), (long long)f->locked_kib);
	tour_line("%-34s %s", "then map 64 KiB more", said(f->future_large));
	tour_text("A program that may never wait for a disk locks all it has "
	    "and will have. Under a limit that turns against it: the next "
	    "mapping past it fails, and malloc(3) with it.");
	tour_check(f->small == 0, "below the limit: ok");
	tour_check(f->large == ENOMEM, "above it: ENOMEM");
	tour_check(f->none == EPERM, "a limit of 0: EPERM");
	tour_check(f->dontneed == EINVAL, "DONTNEED of it: EINVAL");
	tour_check(f->inherited_kib == 0, "a child inherits no lock");
	if (f->onfault != 0)
		tour_lacks("mlock2(2): %s", said(f->onfault));
	else
		tour_check(f->before == 0 && f->after == 2,
		    "ONFAULT: no page, and two after two touches");
	tour_check(f->all == ENOMEM, "all that is mapped is too much: ENOMEM");
	if (f->future_small == EINVAL)
		tour_lacks("MCL_ONFAULT is not known here");
	else
		tour_check(f->future_small == 0 && f->future_large == EAGAIN &&
		    f->locked_kib == LIMIT / 2048,
		    "FUTURE: counted when mapped, EAGAIN past the limit");
}

const struct lesson lesson_mlock = {
	.name = "mlock",
	.title = "who may pin memory, and how much",
	.track = "mappings",
	.minutes = 3,
	.question = "A process has 32 KiB locked in RAM, and forks. How much "
	    "has the child locked?",
	.choices = { "the same 32 KiB", "nothing",
	    "what it writes to" },
	.answer = 2,
	.hint = "A limit for each process would be worth little, if a fork "
	    "doubled what is locked.",
	.why = "Locks are counted for a process, and end with exec, exit and "
	    "munmap; a fork begins without. RLIMIT_MEMLOCK decides, not who "
	    "you are: even root of a user namespace is bound by it.",
	.next = "ulimit -l shows your limit; shm-attach --lock uses it.",
	.pages = "mlock(2) mlockall(2) getrlimit(2) capabilities(7)",
	.measure = measure
};
