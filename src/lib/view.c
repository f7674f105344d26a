/* SPDX-License-Identifier: MIT */
/* view.c - how much of the processes can be seen from here */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "look.h"

/* Whether /proc is mounted so that it hides processes of others. */
static int
hides(void)
{
	char line[1024], *p;
	int hidden = 0;
	FILE *f = fopen("/proc/self/mounts", "re");

	if (f == NULL)
		return 1;
	while (fgets(line, sizeof line, f) != NULL)
		if (strstr(line, " /proc proc ") != NULL) {
			p = strstr(line, "hidepid=");
			hidden = p != NULL && p[8] != '0' &&
			    strncmp(p + 8, "off", 3) != 0;
		}
	fclose(f);
	return hidden;
}

/* Root of the first user namespace, whose inode Linux fixes too, sees what
 * /proc hides. */
static int
is_root(void)
{
	struct stat st;

	return geteuid() == 0 && stat("/proc/self/ns/user", &st) == 0 &&
	    st.st_ino == 0xeffffffd;
}

/* Whether the numbers in /proc are those of our pid namespace: then it knows
 * this process by one number.  -1: it does not tell. */
static int
proc_is_ours(void)
{
	char line[256];
	int a, b, n = -1;
	FILE *f = fopen("/proc/self/status", "re");

	if (f == NULL)
		return 0;
	while (fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "NSpid:", 6) == 0)
			n = sscanf(line + 6, "%d %d", &a, &b) == 1;
	fclose(f);
	return n;
}

/*
 * In the first pid namespace, whose inode Linux fixes, no process is outside;
 * and a /proc that knows this process there can be no other namespace's.
 */
void
shmu_look_place(struct shmu_inventory *inv)
{
	struct stat st;

	inv->outside = stat("/proc/self/ns/pid", &st) == -1 ||
	    st.st_ino != 0xeffffffc;
	inv->hidden = !is_root() && hides();
	inv->no_proc = inv->outside && proc_is_ours() == 0;
}

int
shmu_look_complete(const struct shmu_inventory *inv)
{
	return inv->unseen == 0 && !inv->hidden && !inv->outside &&
	       !inv->no_proc;
}

size_t
shmu_inventory_unseen(const struct shmu_inventory *inv)
{
	return inv->unseen;
}

const char *
shmu_inventory_missing(const struct shmu_inventory *inv, char *buf, size_t size,
    int *nameless)
{
	int dark = inv->unseen > 0 || inv->hidden || inv->no_proc;

	if (nameless != NULL)
		*nameless = dark;
	if (inv->no_proc)
		return "/proc is not there, or is that of another pid "
		    "namespace";
	if (inv->hidden)
		return "/proc hides processes of others";
	if (inv->unseen == 1)
		snprintf(buf, size, "process %d cannot be seen",
		    (int)inv->unseen_pid);
	else if (inv->unseen > 1)
		snprintf(buf, size,
		    "%zu processes cannot be seen, among them %d", inv->unseen,
		    (int)inv->unseen_pid);
	else if (inv->outside)
		return "processes outside this pid namespace cannot be seen";
	else
		return NULL;
	return buf;
}
