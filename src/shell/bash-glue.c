/* SPDX-License-Identifier: MIT */
/*
 * bash-glue.c - shm as a builtin of bash 5.0 and later; see glue.h
 *
 * The licence above is that of this text.  The object it becomes is made with
 * headers of bash, so the loadable as a whole is under GPL version 3 or later.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>

#include "builtins.h"
#include "shell.h"
#include "arrayfunc.h"
#include "builtins/common.h"
#include "quit.h"
#include "unwind_prot.h"

#include "glue.h"

/* What bash looks for; all else is hidden. */
#define EXPORT	__attribute__((visibility("default")))

#define OLDEST	5	/* the major version */

/* Statuses, as everywhere in shmutils. */
#define NO	1
#define USAGE	2

/* Not in the headers that are installed. */
extern int first_pending_trap(void);
extern void run_pending_traps(void);

/* Not in bash 5.0. */
#pragma weak builtin_bind_variable

static int depth;

int
glue_depth(void)
{
	return depth;
}

void
glue_say(const char *line)
{
	const char *rest = strncmp(line, "shm: ", 5) == 0 ? line + 5 : line;

	builtin_error("%s", rest);
}

/* The variable itself of NAME or NAME[SUBSCRIPT]; NULL when there is none. */
static SHELL_VAR *
base(const char *var)
{
	const char *bracket = strchr(var, '[');
	SHELL_VAR *v;
	char *name;

	if (bracket == NULL)
		return find_variable(var);
	name = savestring(var);
	name[bracket - var] = '\0';
	v = find_variable(name);
	free(name);
	return v;
}

static int
nameable(const char *var)
{
	const char *bracket = strchr(var, '[');
	size_t length = strlen(var);
	char *name;
	int legal;

	if (bracket == NULL)
		return legal_identifier(var) != 0;
	if (bracket + 2 > var + length - 1 || var[length - 1] != ']')
		return 0;
	name = savestring(var);
	name[bracket - var] = '\0';
	legal = legal_identifier(name) != 0;
	free(name);
	return legal;
}

static int
fixed(const SHELL_VAR *v)
{
	return v != NULL && (readonly_p(v) || noassign_p(v));
}

/* The highest index there would be before an element is set. */
static intmax_t
highest(SHELL_VAR *v)
{
	if (v == NULL || value_cell(v) == NULL)
		return -1;
	return array_p(v) ? array_max_index(array_cell(v)) : 0;
}

/*
 * Whether an indexed array can have this element.  The shell evaluates what
 * stands there when the result is at hand, and gives up the script when it
 * cannot: it is a number, or the name of a variable that has one.
 */
static int
indexed(SHELL_VAR *v, const char *subscript)
{
	char *name = savestring(subscript);
	const char *number = name, *digits;
	intmax_t n;
	int fits;

	name[strlen(name) - 1] = '\0';
	if (legal_identifier(name))
		number = get_string_value(name);
	if (number == NULL)
		number = "";
	digits = number + (*number == '-');
	fits = all_digits(digits) && (*digits != '0' || digits[1] == '\0') &&
	    legal_number(number, &n) && (n >= 0 || n + highest(v) >= -1);
	free(name);
	return fits;
}

const char *
glue_unfit(const char *var, int *status)
{
	const char *bracket = strchr(var, '[');
	SHELL_VAR *v;

	*status = USAGE;
	if (!nameable(var))
		return "this is no name of a variable";
	v = base(var);
	if (bracket != NULL && (v == NULL || !assoc_p(v)) &&
	    !indexed(v, bracket + 1))
		return "an indexed array has no such element; declare -A makes "
		    "one that can";
	*status = NO;
	return fixed(v) ? "this variable is read-only" : NULL;
}

int
glue_set(const char *var, const char *value)
{
	char *name = (char *)var, *text = (char *)value;
	SHELL_VAR *v;

	/* The subscript has been expanded, and may be anything. */
	if (builtin_bind_variable != NULL)
		v = builtin_bind_variable(name, text, ASS_NOEXPAND |
		    ASS_ONEWORD);
	else if (strchr(var, '[') != NULL)
		v = assign_array_element(name, text, ASS_NOEXPAND, NULL);
	else
		v = bind_variable(name, text, 0);
	if (v == NULL || fixed(v))
		return NO;
	VUNSETATTR(v, att_invisible);
	return 0;
}

static int
no_array(const char *var, const char *what)
{
	builtin_error("%s: %s", var, what);
	return NO;
}

int
glue_clear(const char *var, int pairs)
{
	char *name = (char *)var;
	SHELL_VAR *v = find_variable(var);

	if (strchr(var, '[') != NULL)
		return no_array(var, "a whole array is filled, not an element");
	if (fixed(v))
		return no_array(var, "this variable is read-only");
	if (v != NULL && (pairs ? array_p(v) : assoc_p(v)))
		return no_array(var, pairs ? "this array is not associative; "
		    "declare -A makes one that is" : "this array is "
		    "associative; declare -a makes one that is not");
	if (v == NULL)
		v = pairs ? make_new_assoc_variable(name) :
		    make_new_array_variable(name);
	else if (pairs && !assoc_p(v))
		v = convert_var_to_assoc(v);
	else if (!pairs && !array_p(v))
		v = convert_var_to_array(v);
	if (v == NULL)
		return NO;
	VUNSETATTR(v, att_invisible);
	if (pairs)
		assoc_flush(assoc_cell(v));
	else
		array_flush(array_cell(v));
	return 0;
}

int
glue_add(const char *var, const char *key, const char *value)
{
	SHELL_VAR *v = find_variable(var);

	if (v == NULL || fixed(v))
		return NO;
	if (key != NULL && assoc_p(v))
		v = bind_assoc_variable(v, (char *)var, savestring(key),
		    (char *)value, 0);
	else if (key == NULL && array_p(v))
		v = bind_array_element(v, array_max_index(array_cell(v)) + 1,
		    (char *)value, 0);
	else
		return NO;
	return v == NULL ? NO : 0;
}

/* What depth was, when the shell leaves us for its prompt. */
static void
risen(void *was)
{
	depth = *(int *)was;
}

static void
deeper(int *was)
{
	*was = depth++;
	begin_unwind_frame((char *)"shm");
	add_unwind_protect(risen, was);
}

int
glue_interrupted(void)
{
	int sig, was;

	QUIT;
	sig = first_pending_trap();
	if (sig <= 0)
		return 0;
	deeper(&was);
	run_pending_traps();
	run_unwind_frame((char *)"shm");
	QUIT;
	/* A child that ended is no reason to end what its parent waits for. */
	return sig == SIGCHLD ? 0 : 128 + sig;
}

/* "( 'word' 'word' )", to be freed. */
static char *
quoted(char *argv[])
{
	size_t size = sizeof "(  )", at = 2, n;
	char *line, *word;
	int i;

	for (i = 0; argv[i] != NULL; i++)
		size += 4 * strlen(argv[i]) + 3;
	line = xmalloc(size);
	memcpy(line, "( ", 2);
	for (i = 0; argv[i] != NULL; i++) {
		word = sh_single_quote(argv[i]);
		n = strlen(word);
		memcpy(line + at, word, n);
		at += n;
		line[at++] = ' ';
		free(word);
	}
	memcpy(line + at, ")", 2);
	return line;
}

int
glue_run(char *argv[], void (*leave)(void *), void *arg)
{
	int status, was;

	deeper(&was);
	add_unwind_protect(leave, arg);
	status = parse_and_execute(quoted(argv), "shm", SEVAL_NOHIST);
	/* It has returned, so leave is not to be called. */
	discard_unwind_frame((char *)"shm");
	depth = was;
	return status;
}

/* enable -d refuses what is not dynamic: there is no other way to refuse. */
void
glue_pin(int pinned)
{
	struct builtin *b = current_builtin;

	if (b == NULL || strcmp(b->name, "shm") != 0)
		return;
	if (pinned)
		b->flags |= STATIC_BUILTIN;
	else
		b->flags &= ~STATIC_BUILTIN;
}

static int
shm_builtin(WORD_LIST *list)
{
	const WORD_LIST *l;
	int argc = 0, status, i = 0;
	char *few[16], **argv = few;

	for (l = list; l != NULL; l = l->next)
		argc++;
	if ((size_t)argc >= sizeof few / sizeof few[0])
		argv = xmalloc(((size_t)argc + 1) * sizeof *argv);
	for (l = list; l != NULL; l = l->next)
		argv[i++] = l->word->word;
	argv[argc] = NULL;
	status = builtin_shm(argc, argv);
	if (argv != few)
		free(argv);
	return status;
}

/* Called by enable, which wants something else than 0. */
EXPORT int shm_builtin_load(char *name);
int
shm_builtin_load(char *name)
{
	(void)name;
	if (atoi(dist_version) >= OLDEST)
		return 1;
	builtin_error("bash %s is too old: the builtin shm needs %d.0; use the "
	    "command", dist_version, OLDEST);
	return 0;
}

EXPORT void shm_builtin_unload(char *name);
void
shm_builtin_unload(char *name)
{
	(void)name;
	builtin_unload();
}

static char *const doc[] = {(char *)"Cells with names in shared memory: "
    "values, counters, locks, queues.",
    (char *)"",
    (char *)"The command shm as a builtin: shm -h tells its verbs, shm(1) all "
    "of",
    (char *)"it.  Without COMMAND, locks are taken for the shell itself.",
    (char *)"", (char *)"Exit Status:",
    (char *)"0 yes; 1 no; 2 usage; 3 it could not; 124 the time limit.", NULL};

extern EXPORT struct builtin shm_struct;
struct builtin shm_struct = {
	(char *)"shm",
	shm_builtin,
	BUILTIN_ENABLED | ARRAYREF_BUILTIN,
	doc,
	"shm [options] VERB [options] STORE:CELL [data]",
	NULL
};
