/* SPDX-License-Identifier: MIT */
#include "sign/check/minisig.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/strbuf.h"
#include "sign/check/ed25519.h"
#include "sign/check/sums.h"

#include <jansson.h>
#include <string.h>

/*
 * untrusted comment: ...\n
 * base64 of "ED", id[8], Ed25519(BLAKE2b-512(file))[64]\n
 * trusted comment: T\n
 * base64 of Ed25519(that signature, T)[64]\n
 */
enum { SIG_SIZE = 2 + MINISIGN_ID_SIZE + SIGNATURE_SIZE, MAX_UNTRUSTED = 1024, MAX_TRUSTED = 8192 };

static const char untrusted_prefix[] = "untrusted comment: ";
static const char trusted_prefix[] = "trusted comment: ";

void
minisig_clear(struct minisig *sig)
{
	free(sig->trusted_comment);
	*sig = (struct minisig)MINISIG_INIT;
}

/* minisign 0.12 refuses comments that are not printable UTF-8. */
static bool
is_comment(const char *text, size_t length)
{
	json_t *value;

	for (size_t i = 0; i < length; i++)
		if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
			return false;
	value = json_stringn(text, length);
	json_decref(value);
	return value != NULL;
}

static int
sign_comment(const struct signer *signer, const uint8_t signature[SIGNATURE_SIZE],
	     const char *comment, uint8_t ret_global[SIGNATURE_SIZE], struct error *err)
{
	AUTO(strbuf_clear) struct strbuf preimage = STRBUF_INIT;

	strbuf_add(&preimage, signature, SIGNATURE_SIZE);
	strbuf_adds(&preimage, comment);
	return preimage_sign(signer, PREIMAGE_COMMENT, (const uint8_t *)preimage.text,
			     preimage.length, ret_global, err);
}

static char *
format(const struct signer *signer, const uint8_t signature[SIGNATURE_SIZE], const char *comment,
       const uint8_t global[SIGNATURE_SIZE])
{
	uint8_t bytes[SIG_SIZE] = {'E', 'D'};
	auto_free char *first = NULL, *second = base64_encode(global, SIGNATURE_SIZE);

	public_key_minisign_id(&signer->published, bytes + 2);
	memcpy(bytes + 2 + MINISIGN_ID_SIZE, signature, SIGNATURE_SIZE);
	first = base64_encode(bytes, sizeof(bytes));
	return xasprintf("%ssignature from minisign secret key\n%s\n%s%s\n%s\n", untrusted_prefix,
			 first, trusted_prefix, comment, second);
}

int
minisig_sign_sums(const struct signer *signer, const char *text, size_t length,
		  const char *trusted_comment, char **ret_text, struct error *err)
{
	AUTO(sums_clear) struct sums sums = SUMS_INIT;
	uint8_t hash[BLAKE2B_SIZE], signature[SIGNATURE_SIZE], global[SIGNATURE_SIZE];
	size_t comment_length = strlen(trusted_comment);

	if (comment_length == 0 || comment_length >= MAX_TRUSTED - strlen(trusted_prefix) - 2 ||
	    !is_comment(trusted_comment, comment_length))
		return error_set(err, ERR_INPUT, "'%s' cannot be a trusted comment",
				 trusted_comment);
	if (sums_parse(text, length, &sums, SUMS_NAME, err) < 0)
		return -1;
	blake2b_of(text, length, hash);
	if (preimage_sign(signer, PREIMAGE_PREHASH, hash, sizeof(hash), signature, err) < 0 ||
	    sign_comment(signer, signature, trusted_comment, global, err) < 0)
		return -1;
	*ret_text = format(signer, signature, trusted_comment, global);
	return 0;
}

/* Cuts the next line off `*at`. */
static bool
next_line(const char **at, size_t *left, const char **ret_line, size_t *ret_length)
{
	const char *end = *left != 0 ? memchr(*at, '\n', *left) : NULL;

	if (end == NULL)
		return false;
	*ret_line = *at;
	*ret_length = (size_t)(end - *at);
	*left -= *ret_length + 1;
	*at = end + 1;
	return true;
}

static bool
has_prefix(const char *line, size_t length, const char *prefix, size_t max)
{
	return length >= strlen(prefix) && length < max &&
	       memcmp(line, prefix, strlen(prefix)) == 0 && is_comment(line, length);
}

static int
parse_signatures(const char *first, size_t first_length, const char *second, size_t second_length,
		 struct minisig *sig, const char *name, struct error *err)
{
	uint8_t bytes[SIG_SIZE];
	size_t size, global;

	if (!base64_decode(first, first_length, bytes, sizeof(bytes), &size) || size != SIG_SIZE ||
	    !base64_decode(second, second_length, sig->global, SIGNATURE_SIZE, &global) ||
	    global != SIGNATURE_SIZE)
		return error_set(err, ERR_INPUT, "the minisign signature in '%s' is damaged", name);
	if (memcmp(bytes, "Ed", 2) == 0)
		return error_set(err, ERR_VERIFY,
				 "'%s' is a legacy minisign signature, which does not sign a hash; "
				 "minisign needs -H to refuse it",
				 name);
	if (memcmp(bytes, "ED", 2) != 0)
		return error_set(err, ERR_INPUT,
				 "the minisign signature in '%s' has an unknown "
				 "algorithm",
				 name);
	memcpy(sig->id, bytes + 2, MINISIGN_ID_SIZE);
	memcpy(sig->signature, bytes + 2 + MINISIGN_ID_SIZE, SIGNATURE_SIZE);
	return 0;
}

int
minisig_parse(const char *text, size_t length, struct minisig *ret_sig, const char *name,
	      struct error *err)
{
	AUTO(minisig_clear) struct minisig sig = MINISIG_INIT;
	const char *line[4] = {NULL}, *comment;
	size_t size[4] = {0}, left = length;

	for (size_t i = 0; i < ARRAY_SIZE(line); i++)
		if (length > MINISIG_MAX_TEXT || !next_line(&text, &left, &line[i], &size[i]))
			return error_set(err, ERR_INPUT, "'%s' is not a minisign signature", name);
	if (left != 0 || !has_prefix(line[0], size[0], untrusted_prefix, MAX_UNTRUSTED) ||
	    !has_prefix(line[2], size[2], trusted_prefix, MAX_TRUSTED))
		return error_set(err, ERR_INPUT, "'%s' is not a minisign signature", name);
	if (parse_signatures(line[1], size[1], line[3], size[3], &sig, name, err) < 0)
		return -1;
	comment = line[2] + strlen(trusted_prefix);
	sig.trusted_comment = xstrndup(comment, size[2] - strlen(trusted_prefix));
	*ret_sig = sig;
	sig = (struct minisig)MINISIG_INIT;
	return 0;
}

bool
minisig_is_by(const struct minisig *sig, const struct public_key *key)
{
	uint8_t id[MINISIGN_ID_SIZE];

	public_key_minisign_id(key, id);
	return memcmp(id, sig->id, sizeof(id)) == 0;
}

int
minisig_check(const struct minisig *sig, const struct public_key *key, const void *bytes,
	      size_t length, const char *name, struct error *err)
{
	AUTO(strbuf_clear) struct strbuf global = STRBUF_INIT;
	char fingerprint[FINGERPRINT_SIZE];
	uint8_t hash[BLAKE2B_SIZE];

	blake2b_of(bytes, length, hash);
	if (ed25519_verify(key, hash, sizeof(hash), sig->signature, err) < 0) {
		if (err->code != ERR_VERIFY)
			return -1;
		return error_set(err, ERR_VERIFY, "'%s' is not what key %s signed with minisign",
				 name, public_key_fingerprint(key, fingerprint));
	}
	strbuf_add(&global, sig->signature, SIGNATURE_SIZE);
	strbuf_adds(&global, sig->trusted_comment);
	if (ed25519_verify(key, global.text, global.length, sig->global, err) < 0) {
		if (err->code != ERR_VERIFY)
			return -1;
		return error_set(err, ERR_VERIFY,
				 "the trusted comment of the minisign "
				 "signature of '%s' was "
				 "changed: '%s'",
				 name, sig->trusted_comment);
	}
	return 0;
}
