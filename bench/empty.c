/* SPDX-License-Identifier: MIT */
/* empty.c - the least a program can be, to measure the start of others by */
int
main(void)
{
	return 0;
}
