# SPDX-License-Identifier: MIT
load helper

commands() { for c in "$SHMU_SRC"/man/*.1; do c=${c##*/}; echo "${c%.1}"; done; }

# Options as -h prints them, one a line: -m, --mode
from_help() {
	"$1" -h | sed -n 's/^  *\(-[^ ,]*\(, --[a-z0-9-]*\)*\).*/\1/p' |
		grep -oE -- '(^|[ ,])--?[a-zA-Z0-9][a-z0-9-]*' | tr -d ' ,' | sort -u
}

# Options as the list in the man page has them.
from_man() {
	sed -n 's/^\.It \(Fl .*\)/\1/p' "$SHMU_SRC/man/$1.1" |
		grep -oE 'Fl [^ ]+' | sed 's/^Fl //; s/\\&//g; s/\\-/-/g; s/^/-/' |
		sed 's/^\(--[a-z0-9-]*\).*/\1/' | sort -u
}

@test "docs: every command has a man page and a completion" {
	found=0
	for c in "$SHMU_BUILD"/src/cmd/*; do
		[[ -x $c && -f $c ]] || continue
		((found += 1))
		[[ -f $SHMU_SRC/man/${c##*/}.1 ]]
		[[ -f $SHMU_SRC/completions/bash/${c##*/} ]]
	done
	((found >= 5))
}

@test "docs: the options of -h are those of the man page" {
	for c in $(commands); do
		command -v "$c" >/dev/null || continue
		diff <(from_help "$c") <(from_man "$c") || { echo "$c" >&2; return 1; }
	done
}

@test "docs: the completion knows every option of -h" {
	for c in $(commands); do
		command -v "$c" >/dev/null || continue
		while read -r option; do
			grep -qE -- "(^|[ '\"(])$option([ '\")=]|\$)" "$SHMU_SRC/completions/bash/$c" ||
				{ echo "$c: $option" >&2; return 1; }
		done < <(from_help "$c")
	done
}

@test "docs: the completion of an option, a verb, a name and a column" {
	isolated
	shm-create "$seg" 10
	complete_words() {
		local COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=() COMP_LINE="$*" COMP_POINT
		COMP_POINT=${#COMP_LINE}
		# shellcheck disable=SC1090
		. "$SHMU_SRC/completions/bash/$1"
		"_${1//-/_}"
		printf '%s\n' "${COMPREPLY[@]}"
	}
	has "$(complete_words shm-create --re)" --replace
	has "$(complete_words shm-attach wa)" watch
	has "$(complete_words shm-rm "/${tag:0:3}")" "$seg"
	has "$(complete_words shm-stat -o HOL)" HOLDERS
	for column in $(shm-stat --columns | awk '{ print $1 }'); do
		has "$(complete_words shm-stat -o "SIZE,${column:0:2}")" "SIZE,${column:0:2}" ||
			is SIZE "$column"
		has "$(complete_words shm-stat --where "${column,,}")" "$column="
	done
	has "$(complete_words shm-stat --sort -SI)" -SIZE
	for state in foreign dest unlinked live unknown unfinished orphan unused locked world-writable; do
		has "$(complete_words shm-stat --where "state=${state:0:2}")" "$state"
	done
	has "$(complete_words shm-stat --where "size=+4K,kind=po")" posix
	has "$(complete_words shm-attach --advise will)" willneed
	shm put "$tag-s:first" v
	shm put "$tag-s:second" v
	has "$(complete_words shm unl)" unlock
	is "$tag-s:" "$(complete_words shm get "${tag}-")"
	is "$tag-s" "$(complete_words shm keys "${tag}-")"
	has "$(complete_words shm get "$tag-s" : f)" first
	for name in "first\$(id)" 'first;x' 'first x' 'first\sl'; do shm put "$tag-s:$name" v; done
	is first "$(complete_words shm get "$tag-s" : f)"
	is -ge "$(complete_words shm wait -w 1 "$tag-s" : first -g | tail -n 1)"
	shm rm "$tag-s"
	shm-rm -q "$seg"
}

@test "docs: the examples of every page run" {
	isolated
	[[ -z ${SHMU_VALGRIND-} ]] || skip "examples set time limits, which valgrind exceeds"
	for page in "$SHMU_SRC"/man/*.[17]; do
		grep -q '^\$ ' "$page" || { echo "$page has no example" >&2; return 1; }
		sed -n 's/^\$ //p' "$page" | sed 's/\\e/\\/g; s/\\-/-/g; s/\\(aq/'"'"'/g; s/\\&//g' >script
		mkdir -p scratch
		(cd scratch && timeout 60 unshare -im sh -ec '
			mount -t tmpfs tmpfs /dev/shm
			sh -e ../script
			[ -z "$(ls -A /dev/shm; awk "NR > 1" /proc/sysvipc/shm)" ]
			' </dev/null >../out 2>&1 3>&-) ||
			{ echo "$page:" >&2; cat script out >&2; return 1; }
		rm -rf scratch
	done
}

@test "docs: mandoc finds nothing to warn of" {
	command -v mandoc >/dev/null || lacks mandoc
	run -0 mandoc -T lint -W warning "$SHMU_SRC"/man/*.[137]
	is "" "$output"
}

@test "docs: every public function has a man page" {
	cat "$SHMU_SRC"/src/include/shmutil/*.h | grep -v ^typedef |
		grep -o '\bshmu_[a-z0-9_]*(' | tr -d '(' | sort -u |
		while read -r f; do
			grep -q "^\\.Fo\\? \\?.*\\b$f\\b" "$SHMU_SRC"/man/*.3 || { echo "$f" >&2; return 1; }
		done
}

# In shm, -i -l -n -v mean what they mean in a shell: read, ls, flock, printf.
@test "docs: every letter has a long twin and one meaning in all commands" {
	for c in $(commands); do
		command -v "$c" >/dev/null || continue
		"$c" -h | grep -oE '^  -[A-Za-z0-9], --[a-z-]+' |
			if [[ $c == shm ]]; then grep -v '^  -[ilnv]'; else cat; fi
	done | sort -u | awk '{ if ($1 in twin && twin[$1] != $2) { print twin[$1], $0; bad = 1 } twin[$1] = $2 }
		END { exit bad }'
	for c in $(commands); do
		command -v "$c" >/dev/null || continue
		run -1 sh -c '"$1" -h | grep -E "^  -[A-Za-z0-9]( |$)"' sh "$c"
	done
}

@test "docs: -h fits 80 columns, -V names the version, both are 0" {
	for c in $(commands); do
		command -v "$c" >/dev/null || continue
		run -0 --separate-stderr "$c" --help
		is "" "$stderr"
		is "" "$(awk 'length > 80' <<<"$output")"
		run -0 "$c" --version
		[[ $output =~ ^$c\ \(shmutils\ [0-9.]+\)$ ]]
	done
}

@test "docs: shellcheck finds nothing in our scripts" {
	command -v shellcheck >/dev/null || lacks shellcheck
	run -0 shellcheck -x "$SHMU_SRC/bootstrap" "$SHMU_SRC/.ci/run" "$SHMU_SRC/tests/run-bats" \
		"$SHMU_SRC/examples/demo" "$SHMU_SRC"/bench/*.sh \
		"$SHMU_SRC/src/shell/shmutil.sh.in"
	# They source a file that is made, and variables are set by shm.
	run -0 shellcheck -e SC1091,SC2154 "$SHMU_SRC"/examples/*.sh
	run -0 shellcheck -s bash "$SHMU_SRC"/completions/bash/*
	run -0 shellcheck "$SHMU_SRC"/tests/*.bats "$SHMU_SRC/tests/helper.bash"
}
