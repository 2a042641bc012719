/* SPDX-License-Identifier: MIT */
#include "sign/make/dsse_sign.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "sign/check/dsse.h"
#include "sign/check/formats.h"
#include "sign/check/statement.h"
#include "sign/make/preimage.h"

int
dsse_sign_statement(const struct signer *signer, const char *statement, size_t length,
		    char **ret_bundle, struct error *err)
{
	AUTO(strbuf_clear) struct strbuf preimage = STRBUF_INIT;
	AUTO(statement_clear) struct statement parsed = STATEMENT_INIT;
	auto_free char *body = NULL, *hint = NULL, *encoded = NULL;
	uint8_t signature[SIGNATURE_SIZE];

	if (statement_parse(statement, length, &parsed, "the statement", err) < 0)
		return -1;
	dsse_put_preimage(&preimage, statement, length);
	if (preimage_sign(signer, PREIMAGE_DSSE, (const uint8_t *)preimage.text, preimage.length,
			  signature, err) < 0)
		return -1;
	body = base64_encode(statement, length);
	hint = public_key_hint(&signer->published);
	encoded = base64_encode(signature, sizeof(signature));
	/* Base64 needs no escapes, so that the text can be written as it stands. */
	*ret_bundle = xasprintf("{\"mediaType\":\"%s\","
				"\"verificationMaterial\":{\"publicKey\":{\"hint\":\"%s\"}},"
				"\"dsseEnvelope\":{\"payload\":\"%s\",\"payloadType\":\"%s\","
				"\"signatures\":[{\"sig\":\"%s\"}]}}\n",
				DSSE_BUNDLE_TYPE, hint, body, DSSE_PAYLOAD_TYPE, encoded);
	return 0;
}
