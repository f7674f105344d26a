/* SPDX-License-Identifier: MIT */
/* posix - a name for memory, in the place of a key */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arena.h"
#include "lesson.h"
#include "shmutil/libc.h"
#include "traces.h"
#include "victim.h"

/* show create */
/* Make it, give it a size, map it. */
static char *
create(const char *name, size_t size)
{
	char *p;
	int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL,
	    0600);

	if (fd == -1)
		return NULL;
	if (ftruncate(fd, (off_t)size) == -1)
		return NULL;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	close(fd);		/* the mapping stays */
	return p == MAP_FAILED ? NULL : p;
}
/* end */

static int64_t
size_of(const char *name)
{
	struct stat st;
	int fd = shm_open(name, O_RDONLY, 0);
	int64_t size = fd != -1 && fstat(fd, &st) == 0 ? st.st_size : -1;

	if (fd != -1)
		close(fd);
	return size;
}

struct found {
	int	read;		/* the child has read what we wrote */
};

/* A process that knows nothing but the name. */
static void
reader(const char *name, struct found *f)
{
	int fd = shm_open(name, O_RDONLY, 0);
	const char *p = mmap(NULL, page_size(), PROT_READ, MAP_SHARED, fd, 0);

	f->read = fd != -1 && p != MAP_FAILED && strcmp(p, "hello") == 0;
	_exit(0);
}

static void
measure(void)
{
	struct found *f = lesson_shared(sizeof *f);
	size_t size = page_size();
	int64_t empty, sized;
	char name[64], *p;
	int fd, again;
	pid_t pid;

	traces_name(name, sizeof name);
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd == -1)
		tour_skip("no POSIX object can be made: %s",
		    shmu_sys_errname(errno));
	close(fd);
	empty = size_of(name);
	shm_unlink(name);
	p = create(name, size);
	if (p == NULL) {
		shm_unlink(name);
		tour_skip("a POSIX object cannot have a size: %s",
		    shmu_sys_errname(errno));
	}
	sized = size_of(name);
	strcpy(p, "hello");
	pid = lesson_fork();
	if (pid == 0)
		reader(name, f);
	lesson_wait(pid);
	shm_unlink(name);
	again = shm_open(name, O_RDONLY, 0) == -1 ? errno : 0;

	tour_step("shm_open, ftruncate, mmap");
	tour_code("create");
	tour_step("A name, a size, a reader");
	tour_line("%-34s %lld", "size after shm_open", (long long)empty);
	tour_line("%-34s %s", "size after ftruncate", sized == (int64_t)size ?
	    "one page" : "?");
	tour_line("%-34s %s", "another process, by the name", f->read ?
	    "reads \"hello\"" : "?");
	tour_line("%-34s %s", "shm_open after shm_unlink", again == ENOENT ?
	    "ENOENT" : "?");
	tour_line("%-34s \"%s\"", "and the mapping", p);
	tour_text("The object is a file on a tmpfs: ls -l /dev/shm shows it. "
	    "Its name can go while it is in use; the memory goes with the "
	    "last mapping. But between shm_open and ftruncate it was there "
	    "with size 0, and who maps it then gets SIGBUS.");
	tour_value("size_created", empty);
	tour_value("pages_after", sized / (int64_t)size);
	tour_check(empty == 0 && sized == (int64_t)size,
	    "it has 0 bytes until ftruncate gives it some");
	tour_check(f->read, "another process read it by its name");
	tour_check(again == ENOENT && strcmp(p, "hello") == 0,
	    "unlinked: the name is gone, the content is not");
}

static int
is_larger(void *arg)
{
	return size_of(arg) > (int64_t)page_size();
}

static int
is_gone(void *arg)
{
	return size_of(arg) == -1;
}

static void
exercise(void)
{
	char name[64];
	int done;

	traces_name(name, sizeof name);
	if (create(name, page_size()) == NULL)
		tour_skip("no POSIX object can be made");
	tour_step("Your turn, in a second terminal");
	tour_text("There is an object %s of one page. Make it two pages:",
	    name);
	tour_line("shm-set --size 2p %s", name);
	done = tour_wait_for(is_larger, name);
	if (done) {
		tour_text("It is larger, and our mapping still has one page. "
		    "Now remove it:");
		tour_line("shm-rm %s", name);
		done = tour_wait_for(is_gone, name);
	}
	if (done)
		tour_check(1, "made larger, and removed, by you");
	else
		shm_unlink(name);
}

const struct lesson lesson_posix = {
	.name = "posix",
	.title = "a name for memory",
	.track = "sharing",
	.minutes = 3,
	.question = "Two processes have mapped a POSIX object, and one calls "
	    "shm_unlink(3). What does the other read from its mapping?",
	.choices = { "what was there before", "zeros", "nothing: SIGBUS" },
	.answer = 1,
	.hint = "What does unlink(2) do to a file that somebody has open?",
	.why = "A POSIX object is a file in RAM: a descriptor, a size, "
	    "permissions, and a name that can go first. Where no name is "
	    "needed memfd_create(2) makes the same without. A page that is "
	    "there for all costs once, whatever Rss says.",
	.next = "shm-create -x /mine 1M, and shm-stat /mine.",
	.pages = "shm_open(3) shm_overview(7) memfd_create(2) shm-create(1)",
	.measure = measure,
	.exercise = exercise
};
