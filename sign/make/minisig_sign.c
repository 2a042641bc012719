/* SPDX-License-Identifier: MIT */
#include "sign/make/minisig_sign.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "sign/check/ed25519.h"
#include "sign/check/formats.h"
#include "sign/check/sums.h"
#include "sign/make/preimage.h"

#include <string.h>

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
	uint8_t bytes[MINISIG_BYTES] = {'E', 'D'};
	auto_free char *first = NULL, *second = base64_encode(global, SIGNATURE_SIZE);

	public_key_minisign_id(&signer->published, bytes + 2);
	memcpy(bytes + 2 + MINISIGN_ID_SIZE, signature, SIGNATURE_SIZE);
	first = base64_encode(bytes, sizeof(bytes));
	return xasprintf("%ssignature from minisign secret key\n%s\n%s%s\n%s\n", MINISIG_UNTRUSTED,
			 first, MINISIG_TRUSTED, comment, second);
}

int
minisig_sign_sums(const struct signer *signer, const char *text, size_t length,
		  const char *trusted_comment, char **ret_text, struct error *err)
{
	AUTO(sums_clear) struct sums sums = SUMS_INIT;
	uint8_t hash[BLAKE2B_SIZE], signature[SIGNATURE_SIZE], global[SIGNATURE_SIZE];
	size_t comment_length = strlen(trusted_comment);

	if (comment_length == 0 ||
	    comment_length >= MINISIG_MAX_TRUSTED - strlen(MINISIG_TRUSTED) - 2 ||
	    !minisig_is_comment(trusted_comment, comment_length))
		return error_set(err, ERR_INPUT, "'%s' is not a valid trusted comment",
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
