/* SPDX-License-Identifier: MIT */
/*
 * glue.h - what builtin.c asks of a shell, in words that are no shell's
 *
 * bash-glue.c sees the headers of bash and nothing of ours but this one;
 * builtin.c sees ours and none of bash's, which have the same names for other
 * things.
 */
#ifndef GLUE_H
#define GLUE_H

/* Why var cannot be set, and the status then; NULL: it can. */
const char *glue_unfit(const char *var, int *status);

/* Set a variable; make one an empty array, associative when pairs; add to that.
 * 0, or a status after a message. */
int glue_set(const char *var, const char *value);
int glue_clear(const char *var, int pairs);
int glue_add(const char *var, const char *key, const char *value);

/*
 * A wait was interrupted, or has lasted a while: do what the shell has to do
 * about signals.  0 to wait on, else the status to end with.  May not return:
 * the shell goes back to its prompt, or ends.
 */
int glue_interrupted(void);

/* Run the command as ( COMMAND ) and return its status.  When the shell goes
 * back to its prompt instead, it calls leave before. */
int glue_run(char *argv[], void (*leave)(void *), void *arg);

/* What glue_interrupted and glue_run let the shell do may call the builtin
 * again: how deep it is in that. */
int glue_depth(void);

/* A message, a line that begins with "shm: ". */
void glue_say(const char *line);

/* Whether the builtin may be unloaded. */
void glue_pin(int pinned);

/* The builtin. */
int builtin_shm(int argc, char *argv[]);
void builtin_unload(void);

#endif
