/* SPDX-License-Identifier: MIT */
/*
 * names.h - users and groups by name
 *
 * The commands are static programs, which cannot load the system's name
 * services.  The local files are read directly; what is not in them is asked
 * of getent(1), which knows every service.
 */
#ifndef NAMES_H
#define NAMES_H

#include <sys/types.h>

/*
 * Read "USER", "USER:GROUP" or ":GROUP", by name or number; a part that is not
 * there is (uid_t)-1 or (gid_t)-1.  Ends the program with EXIT_USAGE, naming
 * the part, when it is nobody's.
 */
void names_owner(const char *text, uid_t *uid, gid_t *gid);

/* Read "USER", by name or number, or end the program likewise. */
uid_t names_uid(const char *text);

/* The name of uid, or its number; cached, valid until the program ends. */
const char *names_user(uid_t uid);
const char *names_group(gid_t gid);

#endif
