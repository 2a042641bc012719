/* SPDX-License-Identifier: MIT */
#include "sign/check/minisig.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/strbuf.h"
#include "sign/check/ed25519.h"
#include "sign/check/formats.h"

#include <jansson.h>
#include <string.h>

/*
 * untrusted comment: ...\n
 * base64 of "ED", id[8], Ed25519(BLAKE2b-512(file))[64]\n
 * trusted comment: T\n
 * base64 of Ed25519(that signature, T)[64]\n
 */
enum { MAX_UNTRUSTED = 1024 };

void
minisig_clear(struct minisig *sig)
{
	free(sig->trusted_comment);
	*sig = (struct minisig)MINISIG_INIT;
}

bool
minisig_is_comment(const char *text, size_t length)
{
	json_t *value;

	for (size_t i = 0; i < length; i++)
		if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
			return false;
	value = json_stringn(text, length);
	json_decref(value);
	return value != NULL;
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
	       memcmp(line, prefix, strlen(prefix)) == 0 && minisig_is_comment(line, length);
}

static int
parse_signatures(const char *first, size_t first_length, const char *second, size_t second_length,
		 struct minisig *sig, const char *name, struct error *err)
{
	uint8_t bytes[MINISIG_BYTES];
	size_t size, global;

	if (!base64_decode(first, first_length, bytes, sizeof(bytes), &size) ||
	    size != MINISIG_BYTES ||
	    !base64_decode(second, second_length, sig->global, SIGNATURE_SIZE, &global) ||
	    global != SIGNATURE_SIZE)
		return error_set(err, ERR_INPUT, "the minisign signature in '%s' is damaged", name);
	if (memcmp(bytes, "Ed", 2) == 0)
		return error_set(err, ERR_VERIFY,
				 "'%s' is a legacy minisign signature, which does not sign a hash; "
				 "minisign refuses it with -H",
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
	if (left != 0 || !has_prefix(line[0], size[0], MINISIG_UNTRUSTED, MAX_UNTRUSTED) ||
	    !has_prefix(line[2], size[2], MINISIG_TRUSTED, MINISIG_MAX_TRUSTED))
		return error_set(err, ERR_INPUT, "'%s' is not a minisign signature", name);
	if (parse_signatures(line[1], size[1], line[3], size[3], &sig, name, err) < 0)
		return -1;
	comment = line[2] + strlen(MINISIG_TRUSTED);
	sig.trusted_comment = xstrndup(comment, size[2] - strlen(MINISIG_TRUSTED));
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
		return error_set(err, ERR_VERIFY,
				 "the minisign signature of '%s' by key %s does not verify", name,
				 public_key_fingerprint(key, fingerprint));
	}
	strbuf_add(&global, sig->signature, SIGNATURE_SIZE);
	strbuf_adds(&global, sig->trusted_comment);
	if (ed25519_verify(key, global.text, global.length, sig->global, err) < 0) {
		if (err->code != ERR_VERIFY)
			return -1;
		return error_set(
			err, ERR_VERIFY,
			"the trusted comment of the minisign signature of '%s' was altered: '%s'",
			name, sig->trusted_comment);
	}
	return 0;
}
