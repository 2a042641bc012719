/* SPDX-License-Identifier: MIT */
#include "base/start.h"

#include "base/alloc.h"

#include <jansson.h>
#include <openssl/crypto.h>

/* As libcrypto's own three, in which no bytes are NULL. */
static void *
crypto_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return size != 0 ? xmalloc(size) : NULL;
}

static void
crypto_free(void *bytes, const char *file, int line)
{
	(void)file;
	(void)line;
	free(bytes);
}

static void *
crypto_realloc(void *old, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	if (size != 0)
		return xreallocarray(old, 1, size);
	free(old);
	return NULL;
}

int
libraries_start(struct error *err)
{
	json_set_alloc_funcs(xmalloc, free);
	/* Refused by a libcrypto that has allocated something: then a failure could hide. */
	if (CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free) != 1)
		return error_set(err, ERR_IO, "libcrypto is already in use at program start");
	if (OPENSSL_init_crypto(0, NULL) != 1)
		return error_set(err, ERR_IO, "cannot initialize libcrypto");
	return 0;
}
