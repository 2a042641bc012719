/* SPDX-License-Identifier: MIT */
#include "sign/make/simple_signing_sign.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "sign/check/formats.h"
#include "sign/make/preimage.h"

#include <string.h>

/* Nothing that JSON would have to escape, and nothing that could look like a digest. */
static bool
is_reference(const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._:/-";
	const char *slash = strrchr(text, '/');
	const char *colon = slash != NULL ? strchr(slash, ':') : NULL;

	return text[strspn(text, allowed)] == '\0' && colon != NULL && colon[1] != '\0' &&
	       strchr(colon + 1, ':') == NULL && slash != text && strlen(text) < 512;
}

int
simple_signing_sign(const struct signer *signer, const char *reference,
		    const struct digest *manifest, char **ret_payload, char **ret_signature,
		    struct error *err)
{
	uint8_t signature[SIGNATURE_SIZE];
	auto_free char *payload = NULL;
	char hex[DIGEST_HEX_SIZE];

	if (!is_reference(reference))
		return error_set(err, ERR_INPUT, "'%s' is not REGISTRY/REPOSITORY:TAG", reference);
	/* podman and skopeo take these members in any order and no others. */
	payload = xasprintf("{\"critical\":{\"identity\":{\"docker-reference\":\"%s\"},"
			    "\"image\":{\"docker-manifest-digest\":\"sha256:%s\"},"
			    "\"type\":\"%s\"},\"optional\":null}",
			    reference, digest_hex(manifest, hex), SIMPLE_SIGNING_TYPE);
	if (preimage_sign(signer, PREIMAGE_SIMPLE, (const uint8_t *)payload, strlen(payload),
			  signature, err) < 0)
		return -1;
	*ret_signature = base64_encode(signature, sizeof(signature));
	*ret_payload = TAKE(payload);
	return 0;
}
