# SPDX-License-Identifier: MIT

# For scripts, which find it where they find the command; here, too.
bin_SCRIPTS += %D%/shmutil.sh
noinst_SCRIPTS += src/cmd/shmutil.sh
CLEANFILES += %D%/shmutil.sh src/cmd/shmutil.sh
EXTRA_DIST += %D%/shmutil.sh.in
shmutil_sh = sed -e 's|@PACKAGE_STRING[@]|$(PACKAGE_STRING)|'
%D%/shmutil.sh: $(srcdir)/%D%/shmutil.sh.in Makefile
	@$(MKDIR_P) %D%
	$(AM_V_GEN)$(shmutil_sh) -e 's|@loadable[@]|$(bashloadabledir)/shm|' \
		$(srcdir)/%D%/shmutil.sh.in >$@
src/cmd/shmutil.sh: $(srcdir)/%D%/shmutil.sh.in Makefile
	@$(MKDIR_P) src/cmd
	$(AM_V_GEN)$(shmutil_sh) -e 's|@loadable[@]|$(abs_builddir)/%D%/shm|' \
		$(srcdir)/%D%/shmutil.sh.in >$@

EXTRA_DIST += %D%/bash-glue.c %D%/builtin.c %D%/glue.h
if HAVE_BASH
# The only file that sees the headers of bash.
noinst_LTLIBRARIES += libshmbash.la
libshmbash_la_SOURCES = %D%/bash-glue.c %D%/glue.h
libshmbash_la_CPPFLAGS = $(BASH_CPPFLAGS)
libshmbash_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden
libshmbash_la_LIBTOOLFLAGS = --tag=disable-static

# All of it in one object, of which nothing is left that nobody calls, such as
# what ends a command.
noinst_LTLIBRARIES += libshmshell.la
libshmshell_la_SOURCES = %D%/builtin.c $(libshmutil_la_SOURCES) $(VERBS)
libshmshell_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(srcdir)/src/cmd
libshmshell_la_CFLAGS = $(AM_CFLAGS) -fvisibility=hidden -ffunction-sections
libshmshell_la_LIBTOOLFLAGS = --tag=disable-static

noinst_LTLIBRARIES += %D%/builtin.la
%C%_builtin_la_SOURCES =
%C%_builtin_la_LIBADD = libshmbash.la libshmshell.la
%C%_builtin_la_LDFLAGS = -module -avoid-version -shared -rpath $(bashloadabledir) \
	-Wl,-z,now -Wl,--gc-sections \
	-export-symbols-regex '^shm_(struct|builtin_load|builtin_unload)$$'

# Named so that bash finds it by the name of the builtin.
bashloadable_DATA = %D%/shm
CLEANFILES += %D%/shm
%D%/shm: %D%/builtin.la
	$(AM_V_GEN)cp %D%/.libs/builtin.so $@

install-data-hook:
	cd '$(DESTDIR)$(bashloadabledir)' && rm -f shmutil.so && \
		$(LN_S) shm shmutil.so
uninstall-hook:
	rm -f '$(DESTDIR)$(bashloadabledir)/shmutil.so'
endif
