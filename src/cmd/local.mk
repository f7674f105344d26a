# SPDX-License-Identifier: MIT

CLI = \
	%D%/cause.c \
	%D%/cause.h \
	%D%/cli.c \
	%D%/cli.h \
	%D%/names.c \
	%D%/names.h
CONTENT = \
	%D%/content.c \
	%D%/content.h \
	%D%/view.c \
	%D%/view.h

bin_PROGRAMS += %D%/shm-create
%C%_shm_create_SOURCES = %D%/shm-create.c %D%/memcg.c %D%/memcg.h $(CLI) $(CONTENT)
%C%_shm_create_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_shm_create_LDFLAGS = $(TOOL_LDFLAGS)
%C%_shm_create_LDADD = libshmtool.la

bin_PROGRAMS += %D%/shm-attach
%C%_shm_attach_SOURCES = \
	%D%/attach-copy.c \
	%D%/attach-hold.c \
	%D%/attach-show.c \
	%D%/attach.h \
	%D%/shm-attach.c \
	$(CLI) $(CONTENT)
%C%_shm_attach_CFLAGS = $(AM_CFLAGS) $(TOOL_CFLAGS)
%C%_shm_attach_LDFLAGS = $(TOOL_LDFLAGS)
%C%_shm_attach_LDADD = libshmtool.la
