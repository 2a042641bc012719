/* SPDX-License-Identifier: MIT */
#include "sources/fedora/repo_checksum.h"

#include "base/alloc.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SHA512_HEX_SIZE (2 * SHA512_SIZE + 1)

enum repo_checksum_kind
repo_checksum_kind(const char *type)
{
	if (type != NULL && strcmp(type, "sha256") == 0)
		return REPO_CHECKSUM_SHA256;
	if (type != NULL && strcmp(type, "sha512") == 0)
		return REPO_CHECKSUM_SHA512;
	return REPO_CHECKSUM_NONE;
}

/* A SHA-512 is as long as two SHA-256, and is read as such. */
static bool
parse_sha512(const char *text, uint8_t *bytes)
{
	for (size_t half = 0; half < 2; half++) {
		auto_free char *digits = xstrndup(text, DIGEST_HEX_SIZE - 1);
		struct digest digest;

		if (!digest_parse(digits, &digest))
			return false;
		memcpy(bytes + half * DIGEST_SIZE, digest.bytes, DIGEST_SIZE);
		text += DIGEST_HEX_SIZE - 1;
	}
	return *text == '\0';
}

bool
repo_checksum_parse(enum repo_checksum_kind kind, const char *text,
		    struct repo_checksum *ret_checksum)
{
	struct repo_checksum checksum = {.kind = kind};
	bool good = false;

	if (kind == REPO_CHECKSUM_SHA256)
		good = digest_parse(text, &checksum.sha256);
	else if (kind == REPO_CHECKSUM_SHA512)
		good = parse_sha512(text, checksum.sha512);
	*ret_checksum = good ? checksum : (struct repo_checksum){.kind = REPO_CHECKSUM_NONE};
	return good;
}

static void
mdctx_freep(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

static int
sha512_fd(int fd, const char *name, uint8_t *ret_bytes, struct error *err)
{
	enum { CHUNK = 256 << 10 };
	AUTO(mdctx_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
	auto_free uint8_t *buffer = xmalloc(CHUNK);
	off_t at = 0;
	ssize_t n;

	if (context == NULL || EVP_DigestInit_ex(context, EVP_sha512(), NULL) != 1)
		return error_set(err, ERR_IO, "cannot compute a SHA-512");
	while ((n = pread(fd, buffer, CHUNK, at)) > 0) {
		if (EVP_DigestUpdate(context, buffer, (size_t)n) != 1)
			return error_set(err, ERR_IO, "cannot compute a SHA-512");
		at += n;
	}
	if (n < 0)
		return error_set_errno(err, ERR_IO, "cannot read '%s'", name);
	if (EVP_DigestFinal_ex(context, ret_bytes, NULL) != 1)
		return error_set(err, ERR_IO, "cannot compute a SHA-512");
	return 0;
}

static void
hex_of(const uint8_t *bytes, char hex[SHA512_HEX_SIZE])
{
	for (size_t i = 0; i < SHA512_SIZE; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
}

static int
check_sha512(const struct repo_checksum *checksum, int fd, const char *name, struct error *err)
{
	char want[SHA512_HEX_SIZE], got[SHA512_HEX_SIZE];
	uint8_t bytes[SHA512_SIZE];

	if (sha512_fd(fd, name, bytes, err) < 0)
		return -1;
	if (memcmp(bytes, checksum->sha512, sizeof(bytes)) == 0)
		return 0;
	hex_of(bytes, got);
	hex_of(checksum->sha512, want);
	return error_set(err, ERR_VERIFY, "sha512 of '%s' is %s, expected %s", name, got, want);
}

int
repo_checksum_check(const struct repo_checksum *checksum, int fd, const char *name,
		    const struct digest *sha256, struct error *err)
{
	char want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];

	assert(checksum->kind != REPO_CHECKSUM_NONE);
	if (checksum->kind == REPO_CHECKSUM_SHA512)
		return check_sha512(checksum, fd, name, err);
	if (digest_equal(sha256, &checksum->sha256))
		return 0;
	return error_set(err, ERR_VERIFY, "sha256 of '%s' is %s, expected %s", name,
			 digest_hex(sha256, got), digest_hex(&checksum->sha256, want));
}
