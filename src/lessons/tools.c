/* SPDX-License-Identifier: MIT */
/* tools.c - a lesson's mistakes under the tools of this machine; see tools.h */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "file.h"
#include "lesson.h"
#include "shmutil/libc.h"
#include "tools.h"
#include "traces.h"
#include "victim.h"

static const char headers[] =
    "#include <stdlib.h>\n"
    "#include <string.h>\n";

enum { NOT_HERE = 127 };

static int
memory_file(void)
{
	int fd = memfd_create("mem-tour", MFD_CLOEXEC);

	if (fd == -1)
		tour_skip("no file can be made in RAM: %s",
		    shmu_sys_errname(errno));
	return fd;
}

/* In a child: be another program, with nothing of ours but its output. */
static void __attribute__((noreturn))
become(const char *const words[], const char *const environment[], int input,
    int output)
{
	struct rlimit none = { 0, 0 };
	int i, null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (i = 0; environment[i] != NULL; i++)
		putenv((char *)(uintptr_t)environment[i]);
	setrlimit(RLIMIT_CORE, &none);
	dup2(input != -1 ? input : null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(output, STDERR_FILENO);
	execvp(words[0], (char **)(uintptr_t)words);
	_exit(NOT_HERE);
}

static const char *
shown(const char *lesson, const char *label)
{
	const struct lesson_code *c = lesson_codes;

	while (c->lesson != NULL && (strcmp(c->lesson, lesson) != 0 ||
	    strcmp(c->label, label) != 0))
		c++;
	return c->lesson == NULL ? "" : c->text;
}

/* The directory is of its own, for what cc leaves for its parts. */
static int
new_directory(struct program *p, char *variable, size_t size)
{
	size_t len;

	snprintf(p->path, sizeof p->path, "%s/mem-tour-XXXXXX",
	    lesson_file_where());
	if (mkdtemp(p->path) == NULL)
		return -1;
	traces_path(p->path);
	len = (size_t)snprintf(variable, size, "TMPDIR=%s", p->path);
	if (len >= size || strlen(p->path) + sizeof "/program" > sizeof p->path)
		return -1;
	strcat(p->path, "/program");
	return 0;
}

int
program_build(struct program *p, const char *lesson, const char *label,
    const char *main, const char *option)
{
	char variable[300];
	const char *const environment[] = { variable, NULL };
	const char *const words[] = { "cc", "-w", "-g", "-O0", "-x", "c", "-o",
		p->path, "-", option, NULL };
	int in = memory_file(), fd;
	pid_t pid;

	if (new_directory(p, variable, sizeof variable) == -1)
		return -1;
	dprintf(in, "%s%s%s", headers, shown(lesson, label), main);
	lseek(in, 0, SEEK_SET);
	pid = lesson_fork();
	if (pid == 0) {
		fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
		become(words, environment, in, fd);
	}
	close(in);
	if (lesson_wait(pid) == 0)
		return 0;
	program_remove(p);
	return -1;
}

void
program_remove(const struct program *p)
{
	char directory[sizeof p->path];
	char *slash;

	strcpy(directory, p->path);
	slash = strrchr(directory, '/');
	*slash = '\0';
	unlink(p->path);
	rmdir(directory);
}

void
run_begin(struct run *r, const struct program *p, const struct tool *tool,
    const char *arg)
{
	const char *words[12];
	size_t n = 0;

	while (tool->words[n] != NULL) {
		words[n] = tool->words[n];
		n++;
	}
	words[n++] = p->path;
	words[n++] = arg;
	words[n] = NULL;
	r->output = memory_file();
	r->pid = lesson_fork();
	if (r->pid == 0)
		become(words, tool->environment, -1, r->output);
}

int
run_end(struct run *r, char *said, size_t size)
{
	int status = lesson_wait(r->pid);
	ssize_t n = pread(r->output, said, size - 1, 0);

	said[n > 0 ? n : 0] = '\0';
	close(r->output);
	return status;
}
