/* SPDX-License-Identifier: MIT */
/*
 * tools.h - a lesson's mistakes as a program of their own, and the tools that
 * look at it: whichever this machine has
 *
 * The program is what the lesson shows, built by the machine's cc behind the
 * headers that it needs.
 */
#ifndef TOOLS_H
#define TOOLS_H

#include <stddef.h>
#include <sys/types.h>

struct program {
	char	path[256];
};

/* Build what this lesson shows as label, and below it the function main; option
 * is one of cc's, or NULL.  0, or -1 when there is no cc or it cannot.  It is
 * removed by program_remove, or by the janitor. */
int program_build(struct program *p, const char *lesson, const char *label,
    const char *main, const char *option);
void program_remove(const struct program *p);

/* A tool that runs it: its words (none: the program alone) and what it wants in
 * the environment, both ended by NULL. */
struct tool {
	const char	*words[8];
	const char	*environment[4];
};

/* A run of the program; several may be under way. */
struct run {
	pid_t	pid;
	int	output;
};
void run_begin(struct run *r, const struct program *p, const struct tool *tool,
    const char *arg);

/* Wait for it: its status, or -signal; 127 if the tool is not here.  said is
 * the begin of what it wrote to stderr. */
int run_end(struct run *r, char *said, size_t size);

#endif
