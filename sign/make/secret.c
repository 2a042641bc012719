/* SPDX-License-Identifier: MIT */
#include "sign/make/secret.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { HEAP_SIZE = 1 << 16, HEAP_LEAST = 32 };

int
secret_prepare(struct error *err)
{
	const struct rlimit no_core = {0, 0};

	if (CRYPTO_secure_malloc_initialized() == 1)
		return 0;
	if (setrlimit(RLIMIT_CORE, &no_core) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return error_set_errno(err, ERR_IO, "cannot disable core dumps");
	/* 2 means that the heap is there but the limit on locked memory kept it swappable. */
	if (CRYPTO_secure_malloc_init(HEAP_SIZE, HEAP_LEAST) == 0)
		return error_set(err, ERR_IO, "cannot create the heap for secrets");
	return 0;
}

void
secret_clear(struct secret *secret)
{
	if (secret->bytes != NULL)
		OPENSSL_secure_clear_free(secret->bytes, secret->length + 1);
	*secret = (struct secret)SECRET_INIT;
}

int
secret_alloc(size_t length, struct secret *ret_secret, struct error *err)
{
	char *bytes;

	if (secret_prepare(err) < 0)
		return -1;
	bytes = length < HEAP_SIZE ? OPENSSL_secure_zalloc(length + 1) : NULL;
	if (bytes == NULL)
		return error_set(err, ERR_IO, "cannot allocate %zu bytes for a secret", length);
	*ret_secret = (struct secret){bytes, length};
	return 0;
}

/* Reads to the end of `fd` into a secret of exactly that length. */
static int
read_to_end(int fd, size_t max_bytes, const char *name, struct secret *ret_secret,
	    struct error *err)
{
	AUTO(secret_clear) struct secret room = SECRET_INIT;
	size_t have = 0;

	if (secret_alloc(max_bytes + 1, &room, err) < 0)
		return -1;
	while (have <= max_bytes) {
		ssize_t n = read(fd, room.bytes + have, max_bytes + 1 - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, ERR_IO, "cannot read %s", name);
		if (n == 0)
			break;
		have += (size_t)n;
	}
	if (have > max_bytes)
		return error_set(err, ERR_INPUT, "%s is too large: at most %zu bytes are allowed",
				 name, max_bytes);
	if (secret_alloc(have, ret_secret, err) < 0)
		return -1;
	memcpy(ret_secret->bytes, room.bytes, have);
	return 0;
}

/*
 * Who names another file by mistake is not told to change its mode. What is read is what all keys
 * begin with, and no part of a secret: the last one is the DER around a seed, in base64.
 */
static bool
begins_like_key(int fd)
{
	static const char *const words[] = {"-----BEGIN ",
					    "untrusted comment:", "MC4CAQAwBQYDK2VwBCIE"};
	char head[21] = "";

	if (pread(fd, head, sizeof(head) - 1, 0) < 0)
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(head, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

static int
check_private(int fd, const char *path, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INPUT, "'%s' is not a regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return error_set(err, ERR_INPUT, "'%s' belongs to another user", path);
	if ((st.st_mode & 077) != 0 && !begins_like_key(fd))
		return error_set(err, ERR_INPUT, "'%s' is not a secret key file", path);
	if ((st.st_mode & 077) != 0)
		return error_set(
			err, ERR_INPUT,
			"'%s' has mode %04o, which lets others read it; run chmod 600 on it", path,
			(unsigned int)(st.st_mode & 07777));
	return 0;
}

int
secret_read_file(const char *path, size_t max_bytes, struct secret *ret_secret, struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int code = errno;

	if (fd < 0 && code == ELOOP)
		return error_set(err, ERR_INPUT, "'%s' is a symbolic link; use the file itself",
				 path);
	errno = code;
	if (fd < 0)
		return error_set_errno(err, code == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				       "cannot open '%s'", path);
	if (check_private(fd, path, err) < 0)
		return -1;
	if (read_to_end(fd, max_bytes, "it", ret_secret, err) < 0)
		return error_prefix(err, "cannot use '%s'", path);
	return 0;
}

int
secret_read_fd(int fd, size_t max_bytes, struct secret *ret_secret, struct error *err)
{
	auto_close int owned = fd;
	char name[48];

	(void)snprintf(name, sizeof(name), "descriptor %d", fd);
	return read_to_end(owned, max_bytes, name, ret_secret, err);
}

/* Overwrites every value of the name: an environment may have it twice, and getenv() tells one. */
static void
wipe_variable(const char *name)
{
	size_t length = strlen(name);

	for (char **at = environ; *at != NULL; at++)
		if (strncmp(*at, name, length) == 0 && (*at)[length] == '=')
			OPENSSL_cleanse(*at + length + 1, strlen(*at + length + 1));
}

int
secret_take_environment(const char *name, struct secret *ret_secret, struct error *err)
{
	char *value = getenv(name);
	size_t length;

	if (value == NULL || *value == '\0')
		return error_set(err, ERR_NOT_FOUND, "environment variable '%s' is not set", name);
	length = strlen(value);
	if (secret_alloc(length, ret_secret, err) < 0)
		return -1;
	memcpy(ret_secret->bytes, value, length);
	wipe_variable(name);
	if (unsetenv(name) < 0)
		return error_set_errno(err, ERR_IO, "cannot unset '%s'", name);
	return 0;
}

void
secret_trim_line(struct secret *secret)
{
	while (secret->length != 0 && (secret->bytes[secret->length - 1] == '\n' ||
				       secret->bytes[secret->length - 1] == '\r'))
		secret->bytes[--secret->length] = '\0';
}
