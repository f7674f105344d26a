/* SPDX-License-Identifier: MIT */
/* operand.c - one way to write down any segment; see shmutil/operand.h */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "shmutil/operand.h"
#include "shmutil/parse.h"

static int
refuse(const char **out, int err, const char *why)
{
	if (out != NULL)
		*out = why;
	errno = err;
	return -1;
}

int
shmu_operand_name(struct shmu_operand *op, const char *name)
{
	size_t len = strlen(name);

	memset(op, 0, sizeof *op);
	op->kind = SHMU_POSIX;
	if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    memchr(name, '/', len) != NULL)
		return refuse(NULL, EINVAL, NULL);
	if (len > SHMU_NAME_MAX)
		return refuse(NULL, ENAMETOOLONG, NULL);
	op->name[0] = '/';
	memcpy(op->name + 1, name, len + 1);
	return 0;
}

static int
posix(struct shmu_operand *op, const char *name, const char **why)
{
	if (name[0] == '\0')
		return refuse(why, EINVAL, "the name is empty");
	if (strchr(name, '/') != NULL)
		return refuse(why, EINVAL,
		    strncmp(name, "dev/shm/", 8) == 0
			? "a path is no name; for the object in /dev/shm write "
			    "/ and its name"
			: "a name has no slash but the first; for a file write "
			    "file:PATH");
	if (shmu_operand_name(op, name) == 0)
		return 0;
	if (errno == ENAMETOOLONG)
		return refuse(why, errno, "the name has more than 255 bytes");
	return refuse(why, errno, "this is the name of a directory");
}

/* NAME with \xHH decoded. */
static int
escaped(struct shmu_operand *op, const char *text, const char **why)
{
	/* One byte too many is enough to be refused as too long. */
	char name[SHMU_NAME_MAX + 2];
	size_t n = 0;

	text += text[0] == '/';
	while (*text != '\0' && n < sizeof name - 1) {
		if (*text == '\\') {
			char hex[5] = "0x";
			uint64_t byte;

			if (text[1] != 'x' || text[2] == '\0' ||
			    text[3] == '\0' ||
			    memcpy(hex + 2, text + 2, 2) == NULL ||
			    shmu_parse_number(hex, 255, &byte) == -1 ||
			    byte == 0)
				return refuse(why, EINVAL,
				    "a backslash in name: is written \\x5c, "
				    "and every other byte \\xHH");
			name[n++] = (char)byte;
			text += 4;
		} else
			name[n++] = *text++;
	}
	name[n] = '\0';
	return posix(op, name, why);
}

static int
key(struct shmu_operand *op, const char *text, const char **why)
{
	int negative = text[0] == '-';
	int hex = text[negative] == '0' &&
	    (text[negative + 1] == 'x' || text[negative + 1] == 'X');
	uint64_t n, max = hex ? UINT32_MAX : (uint64_t)INT32_MAX + (uint64_t)negative;

	if ((negative && hex) ||
	    shmu_parse_number(text + negative, max, &n) == -1)
		return refuse(why, errno == ERANGE ? ERANGE : EINVAL,
		    errno == ERANGE ? "a key has 32 bits, and in decimal a sign" :
		    "a key is 0x and hexadecimal digits, or key: and a number");
	if (n == 0)
		return refuse(why, EINVAL,
		    "key 0 names nothing; to create without a key write "
		    "private");
	op->kind = SHMU_KEY;
	op->key = (key_t)(negative ? -(int64_t)n : (int64_t)n);
	return 0;
}

static int
id(struct shmu_operand *op, const char *text, const char **why)
{
	uint64_t n;

	if (text[0] == '0' && text[1] != '\0')
		return refuse(why, EINVAL,
		    "an identifier has no leading zero; a key is written 0x29a "
		    "or key:666");
	if (strspn(text, "0123456789") != strlen(text) ||
	    shmu_parse_number(text, INT_MAX, &n) == -1)
		return refuse(why, errno == ERANGE ? ERANGE : EINVAL,
		    errno == ERANGE ? "no identifier is that large" :
		    "an identifier is a decimal number");
	op->kind = SHMU_ID;
	op->id = (int)n;
	return 0;
}

/* The number at *p, up to the byte end, which *p is then behind. */
static int
part(const char **p, char end, uint64_t *n)
{
	char digits[16];
	size_t len = strcspn(*p, "/");

	if ((*p)[len] != end || len >= sizeof digits)
		return -1;
	memcpy(digits, *p, len);
	digits[len] = '\0';
	*p += len + (end != '\0');
	return strspn(digits, "0123456789") == len ?
	    shmu_parse_number(digits, INT_MAX, n) : -1;
}

static int
pidfd(struct shmu_operand *op, const char *text, const char **why)
{
	uint64_t pid, fd;

	if (part(&text, '/', &pid) == -1 || pid == 0 ||
	    strncmp(text, "fd/", 3) != 0 ||
	    (text += 3, part(&text, '\0', &fd)) == -1)
		return refuse(why, EINVAL,
		    "a descriptor of a process is written pid:812/fd/5");
	op->kind = SHMU_PIDFD;
	op->pid = (pid_t)pid;
	op->fd = (int)fd;
	return 0;
}

static int
file(struct shmu_operand *op, const char *path, const char **why)
{
	if (path[0] == '\0')
		return refuse(why, EINVAL, "the path is empty");
	op->kind = SHMU_FILE;
	op->path = path;
	return 0;
}

int
shmu_operand_parse(struct shmu_operand *op, const char *text, const char **why)
{
	memset(op, 0, sizeof *op);
	errno = 0;
	if (text[0] == '\0')
		return refuse(why, EINVAL, "the operand is empty");
	if (strncmp(text, "name:", 5) == 0)
		return escaped(op, text + 5, why);
	if (strncmp(text, "key:", 4) == 0)
		return key(op, text + 4, why);
	if (strncmp(text, "id:", 3) == 0)
		return id(op, text + 3, why);
	if (strncmp(text, "file:", 5) == 0)
		return file(op, text + 5, why);
	if (strncmp(text, "pid:", 4) == 0)
		return pidfd(op, text + 4, why);
	if (strncmp(text, "./", 2) == 0 || strncmp(text, "../", 3) == 0)
		return file(op, text, why);
	if (strcmp(text, "private") == 0) {
		op->kind = SHMU_PRIVATE;
		return 0;
	}
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return key(op, text, why);
	if (strspn(text, "0123456789") == strlen(text))
		return id(op, text, why);
	if (text[0] == '-' &&
	    strspn(text + 1, "0123456789") == strlen(text + 1))
		return refuse(why, EINVAL,
		    "a negative key is written key:-5, and a name /-5");
	return posix(op, text[0] == '/' ? text + 1 : text, why);
}

/* Whether a byte may stand in an operand as it is. */
static int
plain(unsigned char c)
{
	return c > ' ' && c <= '~' && c != '\\';
}

static void
name_text(const char *name, char *buf, size_t size)
{
	size_t i, n = 0;

	for (i = 1; name[i] != '\0'; i++)
		if (!plain((unsigned char)name[i]))
			break;
	if (name[i] == '\0' && i < size) {
		memcpy(buf, name, i + 1);
		return;
	}
	n = (size_t)snprintf(buf, size, "name:");
	for (i = 1; name[i] != '\0' && n + 5 <= size; i++)
		n += (size_t)snprintf(buf + n, size - n,
		    plain((unsigned char)name[i]) ? "%c" : "\\x%02x",
		    (unsigned char)name[i]);
}

const char *
shmu_operand_text(const struct shmu_operand *op, char *buf, size_t size)
{
	switch (op->kind) {
	case SHMU_POSIX:
		name_text(op->name, buf, size);
		break;
	case SHMU_KEY:
		snprintf(buf, size, "%#x", (unsigned int)op->key);
		break;
	case SHMU_ID:
		snprintf(buf, size, "%d", op->id);
		break;
	case SHMU_FILE:
		snprintf(buf, size, "%s%s", strncmp(op->path, "./", 2) == 0 ||
		    strncmp(op->path, "../", 3) == 0 ? "" : "file:", op->path);
		break;
	case SHMU_PIDFD:
		snprintf(buf, size, "pid:%d/fd/%d", (int)op->pid, op->fd);
		break;
	case SHMU_PRIVATE:
		snprintf(buf, size, "private");
		break;
	}
	return buf;
}
