# SPDX-License-Identifier: MIT
load helper

include() { echo "$SHMU_SRC/src/include"; }

@test "abi: the shared library exports what the map names, and nothing else" {
	lib=$SHMU_BUILD/.libs/libshmutil.so
	[[ -f $lib ]] || skip "configured without a shared library"
	sed -n 's/^\t\(shmu_[a-z0-9_]*\);$/\1/p' "$SHMU_SRC/src/lib/libshmutil.map" | sort >want
	nm -D --defined-only "$lib" | sed -n 's/.* T \([^@]*\).*/\1/p' | sort >got
	[[ -s want ]]
	diff want got
}

@test "abi: every function that a public header declares is in the map" {
	cat "$(include)"/shmutil/*.h | tr '\n\t' '  ' | grep -oE 'SHMU_API [^;(]*\(' |
		grep -oE 'shmu_[a-z0-9_]+\($' | tr -d '(' | sort -u >want
	[[ $(wc -l <want) -gt 90 ]]
	sed -n 's/^\t\(shmu_[a-z0-9_]*\);$/\1/p' "$SHMU_SRC/src/lib/libshmutil.map" | sort >got
	diff want got
}

@test "abi: every public header compiles alone, as C and as C++" {
	for h in "$(include)"/shmutil/*.h; do
		name=shmutil/${h##*/}
		echo "#include <$name>" >alone.c
		cp alone.c alone.cc
		gcc -std=c11 -D_GNU_SOURCE -Wall -Wextra -Wconversion -Wshadow -Werror -I"$(include)" -c alone.c
		g++ -std=c++11 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$(include)" -c alone.cc
	done
}

@test "abi: a C++ program links and runs" {
	lib=$SHMU_BUILD/.libs/libshmutil.a
	[[ -f $lib ]] || lib=$SHMU_BUILD/.libs/libshmutil.so
	[[ -z ${SHMU_SANITIZE-} ]] || skip "a sanitized library needs a sanitized program"
	cat >p.cc <<-'END'
	#include <cstring>
	#include <sys/mman.h>
	#include <shmutil/segment.h>
	int main() {
	    shmu_operand op;
	    shmu_spec spec = SHMU_SPEC_INIT;
	    shmu_segment seg = SHMU_SEGMENT_INIT;
	    spec.size = 100;
	    if (shmu_operand_parse(&op, "private", nullptr) != 0 ||
	        shmu_segment_create(&seg, &op, &spec) != 0 ||
	        shmu_segment_map(&seg, 0, 100, PROT_READ | PROT_WRITE) != 0)
	        return 1;
	    std::strcpy(static_cast<char *>(seg.base), "C++");
	    op = seg.op;
	    shmu_segment_close(&seg);
	    return shmu_segment_remove(&op, nullptr) != 0;
	}
	END
	g++ -D_GNU_SOURCE -I"$(include)" -o p p.cc "$lib"
	LD_LIBRARY_PATH=$SHMU_BUILD/.libs ./p
}

@test "abi: the library never prints or exits" {
	lib=$SHMU_BUILD/.libs/libshmutil.a
	[[ -f $lib ]] || skip "configured without a static library"
	run -1 sh -c 'nm "$1" | grep -wE "U (printf|puts|putchar|fprintf|perror|exit|_exit|abort|err|errx|warn|warnx|signal|sigaction|stdout|stderr)"' sh "$lib"
}

@test "abi: the core of the library stays small" {
	cd "$SHMU_SRC/src/lib"
	count=$(cat change.c create.c header.c names.c operand.c owner.c pages.c parse.c \
		segment.c sys.c | wc -l)
	((count <= 2700)) || { echo "$count lines" >&2; return 1; }
}
