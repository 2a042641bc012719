/* SPDX-License-Identifier: MIT */
#include "base/digest.h"

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/interrupt.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>

struct hasher {
	EVP_MD_CTX *context;
};

bool
digest_equal(const struct digest *a, const struct digest *b)
{
	return memcmp(a->bytes, b->bytes, DIGEST_SIZE) == 0;
}

bool
digest_is_zero(const struct digest *digest)
{
	static const struct digest zero;

	return digest_equal(digest, &zero);
}

char *
digest_hex(const struct digest *digest, char hex[DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		hex[2 * i] = digits[digest->bytes[i] >> 4];
		hex[2 * i + 1] = digits[digest->bytes[i] & 15];
	}
	hex[DIGEST_HEX_SIZE - 1] = '\0';
	return hex;
}

bool
digest_parse(const char *hex, struct digest *ret_digest)
{
	struct digest digest;

	if (strlen(hex) != DIGEST_HEX_SIZE - 1)
		return false;
	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		int high = ascii_hex_value(hex[2 * i]), low = ascii_hex_value(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		digest.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret_digest = digest;
	return true;
}

struct hasher *
hasher_new(void)
{
	struct hasher *hasher = xcalloc(1, sizeof(*hasher));

	hasher->context = EVP_MD_CTX_new();
	if (hasher->context == NULL || EVP_DigestInit_ex(hasher->context, EVP_sha256(), NULL) != 1)
		out_of_memory();
	return hasher;
}

void
hasher_free(struct hasher *hasher)
{
	if (hasher == NULL)
		return;
	EVP_MD_CTX_free(hasher->context);
	free(hasher);
}

void
hasher_freep(struct hasher **hasher)
{
	hasher_free(*hasher);
	*hasher = NULL;
}

void
hasher_update(struct hasher *hasher, const void *bytes, size_t length)
{
	int updated = EVP_DigestUpdate(hasher->context, bytes, length);

	assert(updated == 1);
}

void
hasher_finish(struct hasher *hasher, struct digest *ret_digest)
{
	unsigned int size = 0;
	int finished = EVP_DigestFinal_ex(hasher->context, ret_digest->bytes, &size);
	int restarted = EVP_DigestInit_ex(hasher->context, EVP_sha256(), NULL);

	assert(finished == 1 && restarted == 1 && size == DIGEST_SIZE);
}

void
digest_of(const void *bytes, size_t length, struct digest *ret_digest)
{
	AUTO(hasher_freep) struct hasher *hasher = hasher_new();

	hasher_update(hasher, bytes, length);
	hasher_finish(hasher, ret_digest);
}

int
digest_fd(int fd, const char *name, struct digest *ret_digest, uint64_t *ret_size,
	  struct error *err)
{
	enum { CHUNK = 256 << 10 };
	AUTO(hasher_freep) struct hasher *hasher = hasher_new();
	auto_free uint8_t *chunk = xmalloc(CHUNK);
	off_t offset = 0;

	for (;;) {
		ssize_t n;

		if (interrupt_check(err) < 0)
			return -1;
		n = pread(fd, chunk, CHUNK, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, ERR_IO, "cannot read '%s'", name);
		if (n == 0)
			break;
		hasher_update(hasher, chunk, (size_t)n);
		offset += n;
	}
	hasher_finish(hasher, ret_digest);
	if (ret_size != NULL)
		*ret_size = (uint64_t)offset;
	return 0;
}

int
digest_file(const char *path, struct digest *ret_digest, uint64_t *ret_size, struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 && errno == ELOOP)
		return error_set(err, ERR_INPUT, "'%s' is not a regular file", path);
	if (fd < 0)
		return error_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				       "cannot open '%s'", path);
	if (fstat(fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INPUT, "'%s' is not a regular file", path);
	return digest_fd(fd, path, ret_digest, ret_size, err);
}
