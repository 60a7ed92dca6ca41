# Tests of the program as a user runs it.
TAP_SH += tests/cli/compare.sh tests/cli/cuda.sh tests/cli/demo.sh tests/cli/detect.sh tests/cli/eval.sh tests/cli/hostile.sh tests/cli/inputs.sh tests/cli/kill.sh tests/cli/query.sh tests/cli/sessions.sh tests/cli/structure.sh
EXTRA_DIST += tests/cli/lib.sh
check_PROGRAMS += pty
pty_SOURCES = tests/cli/pty.c
pty_LDADD = -lutil
TAP_LONGER += tests/cli/kill.sh
TAP_FULL += tests/cli/full.sh
