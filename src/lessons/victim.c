/* SPDX-License-Identifier: MIT */
/* victim.c - children of a lesson; see victim.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lesson.h"
#include "shmutil/libc.h"
#include "victim.h"

/* Where the handler of a child leaves what it saw. */
static struct {
	int		code;
	uintptr_t	addr;
} *seen;

static unsigned char handler_stack[65536];

void *
lesson_shared(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		tour_skip("memory cannot be shared with a child");
	return p;
}

pid_t
lesson_fork(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == -1)
		tour_skip("no process can be started: %s",
		    shmu_sys_errname(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return pid;
}

int
lesson_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -SIGKILL;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* To return lets the access fault again, now with nobody to catch it. */
static void
note(int sig, siginfo_t *info, void *context)
{
	(void)context;
	seen->code = info->si_code;
	seen->addr = (uintptr_t)info->si_addr;
	signal(sig, SIG_DFL);
}

static void
catch_faults(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS };
	struct rlimit none = { 0, 0 };
	struct sigaction act = { .sa_sigaction = note,
		.sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t stack = { .ss_sp = handler_stack,
		.ss_size = sizeof handler_stack };
	size_t i;

	setrlimit(RLIMIT_CORE, &none);
	sigaltstack(&stack, NULL);
	for (i = 0; i < sizeof signals / sizeof signals[0]; i++)
		sigaction(signals[i], &act, NULL);
	signal(SIGABRT, SIG_DFL);
}

/* The first line that arrives; the rest is read too, so that nobody blocks. */
static void
listen_to(int fd, char *said, size_t size)
{
	char rest[256];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, len < size - 1 ? said + len : rest,
	    len < size - 1 ? size - 1 - len : sizeof rest)) > 0)
		if (len < size - 1)
			len += (size_t)n;
	said[len] = '\0';
	said[strcspn(said, "\n")] = '\0';
}

void
victim_run(void (*fn)(void *), void *arg, struct victim *end)
{
	int fds[2], status;
	pid_t pid;

	memset(end, 0, sizeof *end);
	if (seen == NULL)
		seen = lesson_shared(sizeof *seen);
	memset(seen, 0, sizeof *seen);
	if (pipe2(fds, O_CLOEXEC) == -1)
		tour_skip("no pipe can be had: %s", shmu_sys_errname(errno));
	pid = lesson_fork();
	if (pid == 0) {
		dup2(fds[1], STDERR_FILENO);
		catch_faults();
		fn(arg);
		_exit(0);
	}
	close(fds[1]);
	listen_to(fds[0], end->said, sizeof end->said);
	close(fds[0]);
	status = lesson_wait(pid);
	end->exited = status >= 0 ? status : -1;
	end->signal = status < 0 ? -status : 0;
	end->code = seen->code;
	end->addr = seen->addr;
}

const char *
victim_signal(int sig)
{
	return sig == 0 ? "-none-" : sig == SIGSEGV ? "SIGSEGV" :
	    sig == SIGBUS ? "SIGBUS" : sig == SIGABRT ? "SIGABRT" :
	    sig == SIGKILL ? "SIGKILL" : "other";
}

const char *
victim_code(int sig, int code)
{
	if (sig == SIGSEGV)
		return code == SEGV_MAPERR ? "SEGV_MAPERR" :
		    code == SEGV_ACCERR ? "SEGV_ACCERR" : "other";
	return sig == SIGBUS && code == BUS_ADRERR ? "BUS_ADRERR" : "-";
}

void
turns_open(struct turns *t)
{
	t->turn = lesson_shared(sizeof *t->turn);
}

void
turns_give(struct turns *t, uint32_t to)
{
	__atomic_store_n(t->turn, to, __ATOMIC_RELEASE);
	shmu_sys_futex_wake((uint32_t *)t->turn, 64);
}

void
turns_await(const struct turns *t, uint32_t mine)
{
	uint32_t now;

	while ((now = __atomic_load_n(t->turn, __ATOMIC_ACQUIRE)) != mine)
		shmu_sys_futex_wait((const uint32_t *)t->turn, now, NULL);
}
