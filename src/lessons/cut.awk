# SPDX-License-Identifier: MIT
# cut.awk - cut the C that the lessons show out of their own sources
#
# Files NN-NAME.c; whole functions between /* show LABEL */ and /* end */.
BEGIN {
	print "/* The C that is shown, cut from the lessons by cut.awk. */"
	print "#include \"config.h\""
	print "#include \"lesson.h\""
	print ""
	print "const struct lesson_code lesson_codes[] = {"
}
FNR == 1 {
	if (label != "")
		fail("no end of " label)
	name = FILENAME
	sub(/.*\//, "", name)
	sub(/^[0-9]*-/, "", name)
	sub(/\.c$/, "", name)
}
function fail(why) {
	printf "%s: %s\n", FILENAME, why | "cat 1>&2"
	failed = 1
	exit 1
}
function escaped(line,    i, c, out) {
	for (i = 1; i <= length(line); i++) {
		c = substr(line, i, 1)
		if (c == "\t")
			c = "    "
		else if (c == "\\" || c == "\"")
			c = "\\" c
		out = out c
	}
	return out
}
/^\/\* show [a-z0-9-]+ \*\/$/ {
	if (label != "")
		fail("show within " label)
	label = $3
	printf "\t{ \"%s\", \"%s\",\n", name, label
	next
}
/^\/\* end \*\/$/ && label != "" {
	print "\t},"
	label = ""
	next
}
label != "" {
	printf "\t    \"%s\\n\"\n", escaped($0)
}
END {
	if (failed)
		exit 1
	if (label != "") {
		printf "%s: no end of %s\n", FILENAME, label | "cat 1>&2"
		exit 1
	}
	print "\t{ NULL, NULL, NULL }"
	print "};"
}
