/* SPDX-License-Identifier: MIT */
/* tour-catalog.c - the lessons that there are, by name and as a list */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "tour.h"

size_t
lesson_count(void)
{
	size_t n = 0;

	while (lessons[n] != NULL)
		n++;
	return n;
}

int
lesson_find(const char *name)
{
	size_t i, n = lesson_count();
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	for (i = 0; i < n; i++)
		if (strcmp(lessons[i]->name, name) == 0)
			return (int)i;
	if (name[0] >= '1' && name[0] <= '9' && *end == '\0' && number <= n)
		return (int)number - 1;
	return -1;
}

void
code_print(FILE *out, const struct lesson *l, const char *label)
{
	const struct lesson_code *c;
	int n = 0;

	for (c = lesson_codes; c->lesson != NULL; c++)
		if (strcmp(c->lesson, l->name) == 0 &&
		    (label == NULL || strcmp(c->label, label) == 0))
			fprintf(out, "%s%s", n++ > 0 ? "\n" : "", c->text);
}

static void
list_json(void)
{
	struct json j = JSON_INIT(stdout);
	size_t i;

	json_open(&j, NULL, '{');
	json_string(&j, "schema", "shmutils.mem-tour-list.1");
	json_open(&j, "lessons", '[');
	for (i = 0; lessons[i] != NULL; i++) {
		json_open(&j, NULL, '{');
		json_unsigned(&j, "number", i + 1);
		json_string(&j, "name", lessons[i]->name);
		json_string(&j, "title", lessons[i]->title);
		json_string(&j, "track", lessons[i]->track);
		json_number(&j, "minutes", lessons[i]->minutes);
		json_bool(&j, "seen", state_seen(i));
		json_close(&j, '}');
	}
	json_close(&j, ']');
	json_close(&j, '}');
}

int
catalog_list(const struct tour *t)
{
	const char *track = "";
	size_t i;

	if (t->json) {
		list_json();
		return EXIT_YES;
	}
	for (i = 0; lessons[i] != NULL; i++) {
		if (strcmp(track, lessons[i]->track) != 0)
			printf("%s%s\n", i > 0 ? "\n" : "",
			    track = lessons[i]->track);
		printf("  %2zu  %-13s %-36s %d min%s\n", i + 1,
		    lessons[i]->name, lessons[i]->title, lessons[i]->minutes,
		    state_seen(i) ? "  seen" : "");
	}
	return EXIT_YES;
}
