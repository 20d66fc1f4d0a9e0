/*
 * mem.c - wiping, comparing and keeping secrets.
 *
 * Key material of a process that holds long-lived keys lives in memory that no
 * core dump, no swap and no stray read or write of a neighbouring object
 * reaches.  It trusts the kernel only; where the kernel has no secret memory
 * (memfd_secret), libsodium's locked and guarded pages stand in.  It must never
 * hand out ordinary heap memory instead: a caller without guarded memory gets
 * NULL and refuses the key.
 */
#include "crypto/crypto.h"

#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_memfd_secret
#define SYS_memfd_secret 447		/* one number on every architecture */
#endif

enum {
	SECRET_SIZE_MAX = 1 << 20,
	SECRET_ALIGN = 64,
};

/* Stands before the caller's bytes, inside the guarded area. */
struct secret_head {
	uint8_t *map;			/* NULL: libsodium's          */
	size_t map_len;			/* with both guard pages      */
	size_t size;			/* the caller's bytes         */
};
_Static_assert(sizeof(struct secret_head) <= SECRET_ALIGN, "head fits its place");

void
crypto_wipe(void *p, size_t n)
{
	if (n > 0)
		sodium_memzero(p, n);
}

bool
crypto_equal(const void *a, const void *b, size_t n)
{
	return n == 0 || sodium_memcmp(a, b, n) == 0;
}

/* Pages that even the kernel has unmapped from its own direct map, between two
 * that fault.  NULL where the kernel has none, or the lock limit is reached. */
static struct secret_head *
secret_map(size_t n)
{
	struct secret_head *head;
	size_t page = (size_t)sysconf(_SC_PAGESIZE), middle, len;
	uint8_t *map;
	int fd;

	middle = (SECRET_ALIGN + n + page - 1) / page * page;
	len = middle + 2 * page;
	fd = (int)syscall(SYS_memfd_secret, O_CLOEXEC);
	if (fd < 0)
		return NULL;
	if (ftruncate(fd, (off_t)middle) != 0)
		goto err1;
	map = mmap(NULL, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		goto err1;
	if (mmap(map + page, middle, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		goto err2;
	(void)close(fd);		/* the mapping stays; nothing was buffered */
	/* Some kernels dump such pages as zeroes, others refuse the advice:
	 * either way no secret is in a core file. */
	(void)madvise(map + page, middle, MADV_DONTDUMP);
	head = (struct secret_head *)(void *)(map + page);
	head->map = map;
	head->map_len = len;
	return head;
err2:
	(void)munmap(map, len);
err1:
	(void)close(fd);
	return NULL;
}

void *
crypto_secret_alloc(size_t n)
{
	struct secret_head *head;

	if (n == 0 || n > SECRET_SIZE_MAX || sodium_init() < 0)
		return NULL;
	head = secret_map(n);
	if (head == NULL) {
		/* Guard pages, mlock and MADV_DONTDUMP are libsodium's.  The size
		 * is rounded up, since it places the end at the guard page. */
		head = sodium_malloc((SECRET_ALIGN + n + 15) / 16 * 16);
		if (head == NULL)
			return NULL;
		head->map = NULL;
		head->map_len = 0;
	}
	head->size = n;
	memset((uint8_t *)head + SECRET_ALIGN, 0, n);
	return (uint8_t *)head + SECRET_ALIGN;
}

void
crypto_secret_free(void *p)
{
	struct secret_head *head;

	if (p == NULL)
		return;
	head = (struct secret_head *)(void *)((uint8_t *)p - SECRET_ALIGN);
	sodium_memzero(p, head->size);
	if (head->map == NULL)
		sodium_free(head);
	else
		(void)munmap(head->map, head->map_len);
}
