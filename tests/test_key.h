/* test_key.h - a host key file for tests on the public API: a descriptor of it. */
#ifndef TESTS_TEST_KEY_H
#define TESTS_TEST_KEY_H

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/keyfile_samples.h"

static inline int
test_key_file(void)
{
	int fd = memfd_create("host key", MFD_CLOEXEC);

	const char *text = samples_clear[0].file;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

#endif
