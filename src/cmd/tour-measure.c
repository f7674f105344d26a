/* SPDX-License-Identifier: MIT */
/* tour-measure.c - start a lesson, collect what it reports, and judge that */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "tour.h"

enum {
	LIMIT = 120,			/* seconds for a lesson */
	TEXT_MAX = 1 << 20		/* bytes of all that it reports */
};

extern char **environ;

/* Whatever changes how malloc behaves, or puts another in its place. */
static void
clean_environment(void)
{
	static const char *const names[] = { "MALLOC_", "GLIBC_TUNABLES=",
		"LD_PRELOAD=", "LD_AUDIT=", "LD_DEBUG" };
	size_t i, k, to = 0;
	int bad;

	for (i = 0; environ[i] != NULL; i++) {
		bad = 0;
		for (k = 0; k < sizeof names / sizeof names[0]; k++)
			bad |= strncmp(environ[i], names[k],
			    strlen(names[k])) == 0;
		if (!bad)
			environ[to++] = environ[i];
	}
	environ[to] = NULL;
}

static void __attribute__((noreturn))
become_lesson(const struct lesson *l, const char *role, int out, pid_t parent)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG,
	    strcmp(role, "exercise") == 0 ? SIGTERM : SIGKILL);
	if (getppid() != parent || n <= 0 || null == -1)
		_exit(EXIT_CANNOT);
	self[n] = '\0';
	clean_environment();
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execl(self, "mem-tour", cli.explain > 1 ? "-xx" :
	    cli.explain ? "-x" : "-q", role, l->name,
	    (char *)NULL);
	_exit(EXIT_CANNOT);
}

int
measure_begin(struct measuring *m, const struct lesson *l, const char *role)
{
	pid_t parent = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) == -1)
		return cli_fail(EXIT_CANNOT, l->name, "no pipe can be had: %s",
		    strerror(errno));
	m->pid = fork();
	if (m->pid == 0)
		become_lesson(l, role, fds[1], parent);
	close(fds[1]);
	m->fd = fds[0];
	if (m->pid == -1) {
		close(m->fd);
		return cli_fail(EXIT_CANNOT, l->name,
		    "no process can be started: %s", strerror(errno));
	}
	setpgid(m->pid, m->pid);
	fcntl(m->fd, F_SETFL, O_NONBLOCK);
	return EXIT_YES;
}

int
measure_read(struct measuring *m, struct findings *f)
{
	char buf[16384], *text;
	ssize_t n;

	for (;;) {
		n = read(m->fd, buf, sizeof buf);
		if (n == -1)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0 || f->size + (size_t)n > TEXT_MAX)
			return 0;
		text = realloc(f->text, f->size + (size_t)n + 1);
		if (text == NULL)
			return 0;
		memcpy(text + f->size, buf, (size_t)n);
		f->text = text;
		f->size += (size_t)n;
		f->text[f->size] = '\0';
	}
}

/* Judge what the records say, and how the process ended. */
static void
judge(struct findings *f, int status, int sig)
{
	size_t i;

	f->verdict = INCONCLUSIVE;
	f->reason = NULL;
	for (i = 0; i < f->n; i++)
		if (f->record[i].kind == 'X' || f->record[i].kind == 'U') {
			f->verdict = f->record[i].kind == 'X' ? SKIPPED :
			    INCONCLUSIVE;
			f->reason = f->record[i].field[0];
		}
	if (f->failed > 0) {
		f->verdict = NOT_SEEN;
		for (i = f->n; i-- > 0;)
			if (f->record[i].kind == 'A' &&
			    f->record[i].field[0][0] == '0')
				f->reason = f->record[i].field[1];
	} else if (f->reason == NULL && sig != 0) {
		f->reason = "it took longer than two minutes";
	} else if (f->reason == NULL && status != 0) {
		f->reason = "the measuring process ended before its end";
	} else if (f->reason == NULL && f->checks > 0) {
		f->verdict = SEEN;
	} else if (f->reason == NULL) {
		f->reason = "nothing was checked";
	}
}

void
measure_end(struct measuring *m, struct findings *f, int sig)
{
	int status = 0;

	if (sig != 0)
		kill(-m->pid, sig);
	while (waitpid(m->pid, &status, 0) == -1 && errno == EINTR)
		;
	/* Its children, if it died before them. */
	kill(-m->pid, SIGKILL);
	close(m->fd);
	findings_parse(f);
	judge(f, status, sig);
}

int
measure(struct findings *f, const struct lesson *l)
{
	time_t end = time(NULL) + LIMIT;
	struct pollfd p = { .events = POLLIN };
	struct measuring m;

	memset(f, 0, sizeof *f);
	if (measure_begin(&m, l, "measure") != EXIT_YES)
		return EXIT_CANNOT;
	p.fd = m.fd;
	while (measure_read(&m, f)) {
		if (time(NULL) > end) {
			measure_end(&m, f, SIGKILL);
			return EXIT_YES;
		}
		poll(&p, 1, 1000);
	}
	measure_end(&m, f, 0);
	return EXIT_YES;
}

/* The fields of a record, which tabs part. */
static void
split(struct record *r, char *line)
{
	static char none[] = "";
	size_t i;

	r->kind = line[0];
	line += line[0] != '\0';
	for (i = 0; i < RECORD_FIELDS; i++) {
		r->field[i] = line == NULL ? none : line;
		if (line != NULL && (line = strchr(line, '\t')) != NULL)
			*line++ = '\0';
	}
}

static void
count(struct findings *f, const struct record *r)
{
	f->steps += r->kind == 'S';
	f->checks += r->kind == 'A';
	f->failed += r->kind == 'A' && r->field[0][0] == '0';
}

/* What has come is cut up in a copy, since more may come. */
void
findings_parse(struct findings *f)
{
	char *line, *end;

	free(f->record);
	free(f->parsed);
	f->n = f->steps = f->checks = f->failed = 0;
	f->record = calloc(f->size / 2 + 1, sizeof *f->record);
	f->parsed = strdup(f->text == NULL ? "" : f->text);
	if (f->record == NULL || f->parsed == NULL)
		return;
	for (line = f->parsed; (end = strchr(line, '\n')) != NULL;
	    line = end + 1) {
		*end = '\0';
		split(&f->record[f->n], line);
		count(f, &f->record[f->n++]);
	}
}

void
findings_free(struct findings *f)
{
	free(f->text);
	free(f->parsed);
	free(f->record);
	memset(f, 0, sizeof *f);
}

const char *
verdict_word(enum verdict v)
{
	static const char *const words[] = { "seen", "NOT SEEN", "skipped",
		"inconclusive" };

	return words[v];
}

int
verdict_status(enum verdict v)
{
	return v == SEEN ? TOUR_SEEN : v == NOT_SEEN ? TOUR_NOT_SEEN :
	    TOUR_SKIPPED;
}

/* Of several: could not, then not seen, then skipped, then seen. */
int
verdict_worse(int a, int b)
{
	static const int order[] = { EXIT_CANNOT, TOUR_NOT_SEEN,
		TOUR_SKIPPED };
	size_t i;

	for (i = 0; i < sizeof order / sizeof order[0]; i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return TOUR_SEEN;
}
