/* SPDX-License-Identifier: MIT */
/* owner.c - identify a process beyond its id; see shmutil/owner.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "party.h"

/* The whole of a small file of /proc; its length, or -1. */
static ssize_t
slurp(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

/* Whether /proc counts as we do: it may be that of another pid namespace. */
static int
proc_is_ours(void)
{
	char own[16], self[16];
	ssize_t n = readlink("/proc/self", self, sizeof self - 1);

	if (n <= 0)
		return 0;
	self[n] = '\0';
	snprintf(own, sizeof own, "%d", (int)getpid());
	return strcmp(own, self) == 0;
}

int
shmu_owner_look(uint32_t pid, struct shmu_life *life)
{
	char path[32], buf[1024], *p;

	if (!proc_is_ours())
		return -1;
	snprintf(path, sizeof path, "/proc/%" PRIu32 "/stat", pid);
	if (slurp(path, buf, sizeof buf) <= 0)
		return -1;
	/* The command may have any byte in it but ends at the last ")". */
	p = strrchr(buf, ')');
	if (p == NULL || sscanf(p + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u "
	    "%*u %*u %*u %*u %*d %*d %*d %*d %u %*d %" SCNu64, &life->state,
	    &life->threads, &life->start) != 3)
		return -1;
	return 0;
}

/* The random number of this start of the machine; zeros when unknown. */
static void
boot_id(uint64_t boot[2])
{
	char buf[64];
	uint32_t a, b, c, d;
	uint64_t e;

	boot[0] = boot[1] = 0;
	if (slurp("/proc/sys/kernel/random/boot_id", buf, sizeof buf) <= 0 ||
	    sscanf(buf, "%8" SCNx32 "-%4" SCNx32 "-%4" SCNx32 "-%4" SCNx32
	    "-%12" SCNx64, &a, &b, &c, &d, &e) != 5)
		return;
	boot[0] = (uint64_t)a << 32 | b << 16 | c;
	boot[1] = (uint64_t)d << 48 | e;
}

static uint64_t
namespace(const char *path)
{
	struct stat st;

	return stat(path, &st) == -1 ? 0 : st.st_ino;
}

/* The parts that every process seen from here has in common. */
static void
places(struct shmu_owner *out)
{
	boot_id(out->boot);
	out->pidns = namespace("/proc/self/ns/pid");
	out->timens = namespace("/proc/self/ns/time");
}

static int
identify(pid_t pid, struct shmu_owner *out)
{
	struct shmu_life life;

	memset(out, 0, sizeof *out);
	out->pid = (uint32_t)pid;
	places(out);
	if (shmu_owner_look(out->pid, &life) == -1) {
		errno = ESRCH;
		return -1;
	}
	out->start = life.start;
	return 0;
}

int
shmu_owner_self(struct shmu_owner *out)
{
	return identify(getpid(), out);
}

int
shmu_owner_thread(struct shmu_owner *out)
{
	return identify((pid_t)syscall(SYS_gettid), out);
}

int
shmu_owner_of(pid_t pid, struct shmu_owner *out)
{
	if (pid <= 0) {
		errno = EINVAL;
		return -1;
	}
	return identify(pid, out);
}

static int
same_boot(const struct shmu_owner *a, const struct shmu_owner *b)
{
	return memcmp(a->boot, b->boot, sizeof a->boot) == 0;
}

static int
boot_known(const struct shmu_owner *o)
{
	return (o->boot[0] | o->boot[1]) != 0;
}

int
shmu_owner_comparable(const struct shmu_owner *owner,
    const struct shmu_owner *here)
{
	if (boot_known(owner) && boot_known(here) && !same_boot(owner, here))
		return -1;
	return boot_known(owner) && same_boot(owner, here) &&
	    owner->pidns != 0 && owner->pidns == here->pidns;
}

int
shmu_owner_dead(const struct shmu_owner *in_segment)
{
	struct shmu_owner owner = *in_segment, here = { 0 };

	if (owner.pid == 0)
		return 0;
	places(&here);
	return shmu_owner_fate(&owner, &here, UINT64_MAX) == SHMU_DEAD;
}

char
shmu_owner_state(const struct shmu_owner *in_segment)
{
	struct shmu_owner owner = *in_segment, here = { 0 };
	struct shmu_life life;

	places(&here);
	if (owner.pid == 0 || shmu_owner_comparable(&owner, &here) != 1 ||
	    shmu_owner_look(owner.pid, &life) == -1 || (owner.start != 0 &&
	    owner.timens == here.timens && life.start != owner.start))
		return 0;
	return life.state;
}

int
shmu_owner_same(const struct shmu_owner *a, const struct shmu_owner *b)
{
	return a->pid == b->pid && a->start == b->start && same_boot(a, b) &&
	    a->pidns == b->pidns;
}
