# Unit and golden tests in C, one program per subject.
TAP_TESTS += test-bytes
test_bytes_SOURCES = tests/unit/test-bytes.c
test_bytes_CPPFLAGS = $(TEST_CPPFLAGS)
test_bytes_LDADD = $(CORE_LIBS)
