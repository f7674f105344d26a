/* SPDX-License-Identifier: MIT */
/* mem-tour - lessons about memory that measure the reader's own process */
#include "config.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "tour.h"

static const char help[] =
    "usage: mem-tour [options] list\n"
    "       mem-tour [options] run LESSON ...\n"
    "       mem-tour [options] next\n"
    "       mem-tour [options] reset [LESSON ...]\n"
    "       mem-tour [options] explain [TOPIC]\n"
    "       mem-tour [options] code LESSON\n"
    "\n"
    "Short lessons about memory, each measured in a process of your own, now.\n"
    "LESSON is a name or number of the list, or all.\n"
    "\n"
    "      --ascii          draw with ASCII characters only\n"
    "      --check          measure and judge: 0 seen, 1 not seen, 77 skipped\n"
    "      --color=WHEN     auto, always or never\n"
    "      --guess=N        guess 1, 2 or 3 without being asked\n"
    "      --json           print what was measured, or the list, as JSON\n"
    "      --no-input       ask for nothing: straight through\n"
    "      --pace=SECONDS   straight through, with a pause after each step\n"
    "      --plain          words in the place of drawings\n"
    "\n" CLI_HELP;

enum { ASCII = 256, CHECK, COLOR, GUESS, JSON, NO_INPUT, PACE, PLAIN };

static const struct option words[] = {
	{ "ascii",	no_argument,		NULL, ASCII },
	{ "check",	no_argument,		NULL, CHECK },
	{ "color",	required_argument,	NULL, COLOR },
	{ "guess",	required_argument,	NULL, GUESS },
	{ "json",	no_argument,		NULL, JSON },
	{ "no-input",	no_argument,		NULL, NO_INPUT },
	{ "pace",	required_argument,	NULL, PACE },
	{ "plain",	no_argument,		NULL, PLAIN },
	CLI_LONG
};

static size_t
lesson_or_die(const char *name)
{
	int n = lesson_find(name);

	if (n < 0)
		cli_usage(name, "there is no such lesson; mem-tour list "
		    "has them");
	return (size_t)n;
}

static int
choice(const char *text)
{
	if (text[0] != '\0' && text[1] == '\0' &&
	    strchr("123abc", text[0]) != NULL)
		return (text[0] - '1') % ('a' - '1') + 1;
	cli_usage(text, "a guess is 1, 2 or 3");
}

static int
when(const char *text)
{
	if (strcmp(text, "auto") == 0)
		return -1;
	if (strcmp(text, "always") == 0)
		return 1;
	if (strcmp(text, "never") == 0)
		return 0;
	cli_usage(text, "color is auto, always or never");
}

/* From here on through the course, until the learner stops. */
static int
play_from(const struct tour *t, size_t first)
{
	int to = (int)first, status = EXIT_YES;

	term_begin();
	while (to != GO_QUIT)
		status = verdict_worse(status, play(t, (size_t)to, &to));
	term_end();
	return status;
}

static int
run_each(const struct tour *t, char *argv[])
{
	struct json j = JSON_INIT(stdout);
	int status = TOUR_SEEN, all;
	size_t i, n;

	if (t->json) {
		json_open(&j, NULL, '{');
		json_string(&j, "schema", "shmutils.mem-tour.1");
		json_open(&j, "lessons", '[');
	}
	for (; *argv != NULL; argv++) {
		all = strcmp(*argv, "all") == 0;
		n = all ? lesson_count() : 1;
		for (i = 0; i < n; i++)
			status = verdict_worse(status, through(t,
			    all ? i : lesson_or_die(*argv), &j));
	}
	if (t->json) {
		json_close(&j, ']');
		json_close(&j, '}');
	}
	return status;
}

static int
run(const struct tour *t, char *argv[])
{
	size_t i;

	if (argv[0] == NULL)
		cli_usage(NULL, "which LESSON? mem-tour list has them");
	for (i = 0; argv[i] != NULL; i++)
		if (strcmp(argv[i], "all") != 0)
			lesson_or_die(argv[i]);
	if (!term_is_interactive(t) || t->pace >= 0)
		return run_each(t, argv);
	if (argv[1] != NULL)
		cli_usage(argv[1], "one LESSON at a time on a terminal; "
		    "--no-input runs several");
	return play_from(t, strcmp(argv[0], "all") == 0 ? 0 :
	    lesson_or_die(argv[0]));
}

static int
next(const struct tour *t)
{
	char *name[2] = { NULL, NULL };
	int status;
	size_t i;

	for (i = 0; lessons[i] != NULL; i++)
		if (!state_seen(i)) {
			name[0] = strdup(lessons[i]->name);
			status = name[0] == NULL ? EXIT_CANNOT : run(t, name);
			free(name[0]);
			return status;
		}
	return cli_fail(EXIT_NO, NULL, "all %zu lessons were seen; "
	    "mem-tour reset begins anew", lesson_count());
}

static int
reset(char *argv[])
{
	int status = EXIT_YES;

	if (*argv == NULL || strcmp(*argv, "all") == 0)
		return state_reset();
	for (; *argv != NULL; argv++)
		status = cli_worst(status, state_mark(lesson_or_die(*argv),
		    0));
	return status;
}

/* What the process of a lesson does; mem-tour starts itself so. */
static int
lesson_process(const char *name, int exercise)
{
	const struct lesson *l = lessons[lesson_or_die(name)];

	if (cli.explain)
		tour_explain(cli.explain > 1);
#if !defined __GLIBC__ || defined __SANITIZE_ADDRESS__
	if (l->needs & LESSON_GLIBC_MALLOC)
		tour_skip("it is about the malloc of glibc, and this "
		    "mem-tour has another");
#endif
	if (exercise && l->exercise != NULL)
		l->exercise();
	else if (!exercise)
		l->measure();
	_exit(0);
}

static int
verb(const struct tour *t, char *argv[])
{
	const char *word = argv[0];

	if (word == NULL)
		cli_usage(NULL, "list, run, next, reset, explain or code? "
		    "mem-tour list shows the lessons; try --help");
	argv++;
	if ((strcmp(word, "measure") == 0 || strcmp(word, "exercise") == 0) &&
	    argv[0] != NULL)
		return lesson_process(argv[0], word[0] == 'e');
	setlocale(LC_CTYPE, "");
	if (strcmp(word, "run") == 0)
		return run(t, argv);
	if (strcmp(word, "reset") == 0)
		return reset(argv);
	if (strcmp(word, "list") == 0 && argv[0] == NULL)
		return catalog_list(t);
	if (strcmp(word, "next") == 0 && argv[0] == NULL)
		return next(t);
	if (strcmp(word, "explain") == 0 && argv[0] == NULL)
		return explain_list(), EXIT_YES;
	if (argv[0] == NULL || argv[1] != NULL)
		cli_usage(word, "there is no such verb, or not with these "
		    "operands; try --help");
	if (strcmp(word, "explain") == 0)
		return explain_topic(t, argv[0]);
	if (strcmp(word, "code") != 0)
		cli_usage(word, "there is no such verb; try --help");
	code_print(stdout, lessons[lesson_or_die(argv[0])], NULL);
	return EXIT_YES;
}

int
main(int argc, char *argv[])
{
	struct tour t = { .color = -1, .pace = -1 };
	int c;

	cli_begin("mem-tour", help);
	while ((c = cli_option(argc, argv, "", words)) != -1)
		switch (c) {
		case ASCII: t.ascii = 1; break;
		case CHECK: t.check = 1; break;
		case COLOR: t.color = when(optarg); break;
		case GUESS: t.guess = choice(optarg); break;
		case JSON: t.json = 1; break;
		case NO_INPUT: t.no_input = 1; break;
		case PACE: t.pace = cli_seconds("the pace", optarg); break;
		case PLAIN: t.plain = 1; break;
		}
	return cli_done(verb(&t, argv + optind));
}
