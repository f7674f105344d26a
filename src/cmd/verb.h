/* SPDX-License-Identifier: MIT */
/*
 * verb.h - the verbs of shm, for whoever carries them: a command, a shell, a
 * pipe
 *
 * A carrier fills a struct carrier, begins a session, and hands it one command
 * after the other.  Nothing here exits, dies by a signal or keeps a half-made
 * state: a carrier may leave a verb by longjmp(3) from interrupted, with which
 * at most what was waited for is lost.
 *
 * Fork: a session notices that it is in a child, and attaches anew there.
 * Threads: one session for a process, since messages go through cli.h.
 */
#ifndef VERB_H
#define VERB_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>
#include <time.h>

#include "buffer.h"
#include "cli.h"
#include "shmutil/cell.h"

struct call;
struct carrier {
	FILE	*out;		/* results, unless they go into a variable */
	int	 in;		/* what -i reads, or -1: nothing can be read */
	pid_t	 holder;	/* who takes locks without --owner; 0: nobody, so
				 * it has to be said */
	pid_t	 giver;		/* who gives back without --owner */
	void	*arg;		/* of the functions */

	/* What stores keep open is moved to this descriptor or above; 0: it is
	 * not moved. */
	int	 descriptor;

	/* Why var (-v) cannot be set, and the status then; NULL: it can.  This
	 * is asked before anything is touched.  unfit NULL: there are no
	 * variables here. */
	const char *(*unfit)(void *arg, const char *var, int *status);

	/* Store value in var; 0, or a status after a message. */
	int	(*set)(void *arg, const char *var, const void *value,
		    size_t length);

	/* Make var an empty array, associative when pairs; then add to it, key
	 * NULL in one that is not.  As set. */
	int	(*clear)(void *arg, const char *var, int pairs);
	int	(*add)(void *arg, const char *var, const char *key,
		    const void *value, size_t length);

	/* A signal ended a wait: 0 to wait on, else the status to return.  NULL
	 * waits on.  polled: it is also called four times a second, since a
	 * signal may come just before a wait begins, and end nothing. */
	int	(*interrupted)(void *arg);
	int	 polled;

	/* A wait may begin: bring out what is still held back.  May be NULL. */
	void	(*before_wait)(void *arg);

	/* Run the command and return its status; or do not return, after
	 * calling leave.  NULL: there are no commands. */
	int	(*run)(void *arg, char *argv[], void (*leave)(void *),
		    void *leave_arg);

	/* By c the holder has taken a lock or a place (more), or given one
	 * back.  May be NULL; where it is not, session.held is also less than 0, when
	 * what had been taken before was given back. */
	void	(*held)(void *arg, const struct call *c, int more);

	/* A message, a line without its end.  NULL: to stderr. */
	void	(*say)(void *arg, const char *line);
};

/* What was attached lately, to be used again. */
#define SESSION_STORES	8
struct identity {
	uint64_t	a, b;		/* device and inode, or a System V id */
	uint64_t	size;		/* which never shrinks; 0: not known */
};
struct store {
	struct shmu_table	*table;	/* NULL: none here */
	char			*text;	/* of the operand */
	int			 fd;	/* of the segment, or -1 */
	struct identity		 is;	/* all zero: not known */
	int			 readonly, any_owner;
	uint64_t		 used;	/* the session's clock then */
};

struct session {
	const struct carrier	*carrier;
	pid_t			 pid;	/* where the stores are attached */
	int			 many;	/* commands: a store may be another one
					 * the next time */
	int			 held;	/* locks and places that the carrier has
					 * taken and not given back */
	int			 end;	/* what ends a result, or -1: nothing
					 * does */
	uint64_t		 clock;
	struct store		 stores[SESSION_STORES];
	struct buffer		 value, text;	/* scratch of verbs */
	struct buffer		 where;		/* of messages */
	struct buffer		 list, places;	/* see cells_list */
	int			 quiet, explain;	/* -q and -x of all
							 * commands */
	unsigned int		 given;		/* other options of all:
						 * OPT_* */
};

/* Begin; many commands will be given, or one.  The session is the caller's. */
void session_begin(struct session *s, const struct carrier *carrier, int many);
void session_end(struct session *s);

/*
 * Do what argv says, argv[0] being a verb or an option before it, argc words
 * and a NULL behind them; the words are put in another order.  The status.
 */
int verb_run(struct session *s, int argc, char *argv[]);

/* Options, as bits. */
enum {
	OPT_IN = 1, OPT_NOWAIT = 1 << 1, OPT_WAIT = 1 << 2, OPT_SHARED = 1 << 3,
	OPT_COUNT = 1 << 4, OPT_RESIZE = 1 << 5, OPT_OWNER = 1 << 6,
	OPT_LEASE = 1 << 7, OPT_WRAP = 1 << 8, OPT_EXISTING = 1 << 9,
	OPT_ANY_OWNER = 1 << 10, OPT_STATUS = 1 << 11, OPT_VAR = 1 << 12,
	OPT_MAX = 1 << 13, OPT_MODE = 1 << 14, OPT_LONG = 1 << 15,
	OPT_JSON = 1 << 16, OPT_STDIN = 1 << 17, OPT_HEX = 1 << 18,
	OPT_BASE64 = 1 << 19, OPT_NULL = 1 << 20, OPT_QUOTE = 1 << 21,
	OPT_LENGTH = 1 << 22, OPT_RAW = 1 << 23, OPT_QUIET = 1 << 24,
	OPT_EXPLAIN = 1 << 25, OPT_HELP = 1 << 26, OPT_VERSION = 1 << 27
};

/* One command, as it was read. */
struct call {
	struct session		*s;
	const struct verb	*verb;
	unsigned int		 given;		/* OPT_* */
	const char		*in, *var;
	double			 seconds;
	uint32_t		 count;
	pid_t			 owner;		/* 0: not said */
	int			 status;	/* -E */
	uint64_t		 max, length;
	mode_t			 mode;

	const char		*target;	/* as typed */
	struct shmu_operand	 op;
	const char		*store;		/* the operand's text */
	size_t			 store_length;
	const char		*key;
	size_t			 key_length;
	char			**argv;		/* what follows the target */
	int			 argc;
	char			**command;	/* what follows --, or NULL */
	int			 foreign;	/* the status is the
						 * command's */
	struct shmu_table	*t;
	struct timespec		 end;		/* of waiting, by the clock */
	struct timespec		 left;
	time_t			 asked;		/* when that was, in seconds */
};

/* What may be asked of a verb.  form: T store and cell, S store, s store or
 * none, N nothing.  most -1: any number. */
#define VERB_DATA	1	/* what follows the target is data */
#define VERB_COMMAND	2	/* -- COMMAND may follow */
#define VERB_WAITS	4
#define VERB_EACH	8	/* of several targets */
#define VERB_INTEGER	16	/* the cell is one */
struct verb {
	const char	*name;
	int		(*run)(struct call *c);
	char		 form;
	unsigned int	 flags;
	int		 least, most;	/* operands after the target */
	unsigned int	 options;
	const char	*lacks;		/* which operand is missing */
};

extern const char verb_help[];
const struct verb *verb_named(const char *name);

/*
 * Read words: options of any verb before the first other word, which is left
 * in c->argv with the rest when verb is NULL; with a verb, its options and
 * operands.  0, or a status after a message.
 */
int verb_options(struct call *c, int argc, char *argv[]);

/* Read the target, NULL where --in says it all: c->op, store and key.  As
 * above. */
int verb_target(struct call *c, const char *word);

/* Whether a store can have this name. */
int verb_is_store(const char *name);

/* Say "shm: VERB: TARGET: ..." and return status. */
int verb_fail(struct call *c, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same about one word of the command line; EXIT_USAGE. */
int verb_usage(struct call *c, const char *word, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Say what err means for the table, or its cell, and return the status. */
int verb_cause(struct call *c, int err);
int verb_cause_open(struct call *c, int err);

/* "VERB: TARGET", for messages. */
const char *verb_where(struct call *c);

/* How a store is wanted. */
enum access {
	READS,		/* it must be there */
	CHANGES,	/* the same, to write */
	MAKES		/* it is made, unless only existing ones are wanted */
};

/* Attach: EXIT_YES and c->t, or a status after a message. */
int session_open(struct call *c, enum access how);
/* The same without a message: 0, or -1 with errno, and what was attached before
 * can be used still. */
int session_try(struct call *c, enum access how);
/* To see who is at a cell takes the right to write: EXIT_YES, EXIT_NO where
 * that is lacking, or a status after a message. */
int session_sees(struct call *c);

/* Detach from the store c means, which is removed; from all. */
void session_forget(struct call *c);

/* A limit: count down what is left of it; NULL when there is none.  1: over. */
void patience_begin(struct call *c);
const struct timespec *patience_left(struct call *c);
int patience_over(struct call *c);

/* After ETIMEDOUT: was it a polling carrier's turn, and no time limit's end? */
int patience_polls(struct call *c);

/* A wait ended with EINTR: EXIT_YES to wait on, or the status to end with. */
int verb_interrupted(struct call *c);

/* Print a value as the options want it, or store it in the variable. */
int verb_result(struct call *c, const void *bytes, size_t n);
int verb_result_number(struct call *c, int64_t n);

/* Bytes as --hex, --base64 or --quote want them: in s->text until it is used
 * again.  plain escapes what is in also, unless NULL. */
int verb_encode(struct call *c, const void **bytes, size_t *n,
    const char *also);

/* Text that was given, decoded as --hex or --base64 want it. */
int verb_decode(struct call *c, const char **bytes, size_t *n);

/* All of -i, into s->value. */
int verb_stdin(struct call *c, uint64_t most);

/* The most bytes of -i that can be data for the store, or for one as it would
 * be made: in code a byte has up to four. */
uint64_t verb_most(struct call *c);

/*
 * Call each for every line of -i as it comes, without its end, until one
 * returns other than EXIT_YES, which is then the status; one of more than most
 * bytes is refused.  each must leave s->value alone.
 */
typedef int verb_line(struct call *c, const char *line, size_t n, void *arg);
int verb_lines(struct call *c, char end, uint64_t most, verb_line *each,
    void *arg);

/* An integer of the command line; 0, or EXIT_USAGE after a message. */
int verb_integer(struct call *c, const char *text, int64_t *out);

/* The same without a message: 0, or -1 with EINVAL or ERANGE. */
int integer_parse(const char *text, int64_t *out);

/* What the cell c->key of c->t holds, in s->value; an integer as text.  EXIT_NO
 * when there is none. */
int verb_fetch(struct call *c, struct shmu_cell *cell);

/* Open the store to read, and list the cells whose names glob (NULL: any)
 * matches, in the order of their bytes; *n of them.  As others. */
int cells_list(struct call *c, const char *glob, size_t *n);

/* Make c->key the one with this number; its type. */
enum shmu_cell_type cells_at(struct call *c, size_t i);

/* A queue is made for no more items. */
#define QUEUE_MOST	1000000U

/* ls of one store. */
int ls_cells(struct call *c);

/* The member "value" of the cell whose value is in s->value. */
struct json;
void json_value(struct json *j, struct call *c, const struct shmu_cell *cell);

/* A claim as the options want it: EXIT_YES, or a status after a message. */
int claim_begin(struct call *c, struct shmu_claim *claim, int needs_owner);

/* Try until it succeeds (0) or must not: the status without a message, or -1
 * with the errno that is left for the caller to explain. */
typedef int claim_try(struct call *c, struct shmu_claim *claim, void *arg);
int claim_take(struct call *c, struct shmu_claim *claim, claim_try *try,
    void *arg);

/* The verbs. */
int verb_new(struct call *c), verb_rm(struct call *c), verb_ls(struct call *c);
int verb_get(struct call *c), verb_put(struct call *c),
    verb_del(struct call *c);
int verb_type(struct call *c), verb_len(struct call *c);
int verb_add(struct call *c), verb_swap(struct call *c),
    verb_cas(struct call *c);
int verb_max(struct call *c), verb_min(struct call *c),
    verb_wait(struct call *c);
int verb_keys(struct call *c), verb_all(struct call *c);
int verb_lock(struct call *c), verb_unlock(struct call *c);
int verb_sem(struct call *c), verb_barrier(struct call *c);
int verb_push(struct call *c), verb_pop(struct call *c),
    verb_ack(struct call *c);
int verb_close(struct call *c);
int verb_dump(struct call *c), verb_load(struct call *c);
int verb_batch(struct call *c);

#endif
