/* SPDX-License-Identifier: MIT */
/* names.c - users and groups by name; see names.h */
#include "config.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "names.h"
#include "shmutil/parse.h"

extern char **environ;

/* An answer that was had once. */
struct known {
	struct known	*next;
	unsigned int	 id;
	char		*name;
};

/* "NAME:password:ID:...", the form of passwd, of group and of getent. */
static int
entry(char *line, const char **name, unsigned int *id)
{
	char *p = strchr(line, ':'), *end;
	uint64_t n;

	if (p == NULL)
		return -1;
	*p++ = '\0';
	p = strchr(p, ':');
	if (p == NULL)
		return -1;
	end = strpbrk(++p, ":\n");
	if (end != NULL)
		*end = '\0';
	if (shmu_parse_number(p, UINT32_MAX, &n) == -1)
		return -1;
	*name = line;
	*id = (unsigned int)n;
	return 0;
}

/* Find by name, or by *id when name is NULL; the line found is left in buf. */
static const char *
search(FILE *from, const char *name, unsigned int *id, char *buf, size_t size)
{
	const char *found;
	unsigned int n;

	while (fgets(buf, (int)size, from) != NULL)
		if (entry(buf, &found, &n) == 0 &&
		    (name != NULL ? strcmp(found, name) == 0 : n == *id)) {
			*id = n;
			return found;
		}
	return NULL;
}

static FILE *
getent(const char *database, const char *what, pid_t *pid)
{
	char *argv[] = { (char *)"getent", (char *)"--", (char *)database,
	    (char *)what, NULL };
	posix_spawn_file_actions_t actions;
	int fds[2], r;

	if (pipe2(fds, O_CLOEXEC) == -1)
		return NULL;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
	    O_WRONLY, 0);
	r = posix_spawnp(pid, "getent", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(fds[1]);
	if (r == 0)
		return fdopen(fds[0], "r");
	close(fds[0]);
	return NULL;
}

/* Ask the file, then the services. */
static const char *
look_up(const char *database, const char *name, unsigned int *id, char *buf,
    size_t size)
{
	char file[32], number[16];
	const char *found = NULL;
	pid_t pid;
	FILE *f;

	snprintf(file, sizeof file, "/etc/%s", database);
	f = fopen(file, "re");
	if (f != NULL) {
		found = search(f, name, id, buf, size);
		fclose(f);
	}
	if (found != NULL)
		return found;
	snprintf(number, sizeof number, "%u", *id);
	f = getent(database, name != NULL ? name : number, &pid);
	if (f != NULL) {
		found = search(f, name, id, buf, size);
		fclose(f);
		waitpid(pid, NULL, 0);
	}
	return found;
}

static unsigned int
id_or_die(const char *database, const char *what, const char *text)
{
	char buf[1024];
	unsigned int id = 0;
	uint64_t n;

	/* The largest number means "no change" to the kernel. */
	if (shmu_parse_number(text, UINT32_MAX - 1, &n) == 0)
		return (unsigned int)n;
	if (look_up(database, text, &id, buf, sizeof buf) != NULL)
		return id;
	cli_usage(text, "there is no %s of that name", what);
}

void
names_owner(const char *text, uid_t *uid, gid_t *gid)
{
	size_t len = strcspn(text, ":");
	char *user = strndup(text, len);

	if (user == NULL)
		cli_usage(text, "out of memory");
	if (len == 0 && text[len] == '\0')
		cli_usage(text, "an owner is USER, USER:GROUP or :GROUP");
	*uid = len > 0 ? id_or_die("passwd", "user", user) : (uid_t)-1;
	*gid = text[len] != '\0' && text[len + 1] != '\0' ?
	    id_or_die("group", "group", text + len + 1) : (gid_t)-1;
	free(user);
}

uid_t
names_uid(const char *text)
{
	if (text[0] == '\0' || strchr(text, ':') != NULL)
		cli_usage(text, "a USER is asked for, by name or number");
	return id_or_die("passwd", "user", text);
}

static const char *
name_of(struct known **list, const char *database, unsigned int id)
{
	char buf[1024], number[16];
	const char *name;
	struct known *k;

	for (k = *list; k != NULL; k = k->next)
		if (k->id == id)
			return k->name;
	snprintf(number, sizeof number, "%u", id);
	name = look_up(database, NULL, &id, buf, sizeof buf);
	k = malloc(sizeof *k);
	if (k == NULL)
		return "?";
	k->id = id;
	k->name = strdup(name != NULL ? name : number);
	if (k->name == NULL) {
		free(k);
		return "?";
	}
	k->next = *list;
	*list = k;
	return k->name;
}

const char *
names_user(uid_t uid)
{
	static struct known *users;

	return name_of(&users, "passwd", uid);
}

const char *
names_group(gid_t gid)
{
	static struct known *groups;

	return name_of(&groups, "group", gid);
}
