/* SPDX-License-Identifier: MIT */
#include "sources/rpm/rpm_verify.h"

#include "base/alloc.h"
#include "base/file.h"
#include "model/package.h"

#include <openssl/evp.h>
#include <string.h>

#define ALGORITHM_SHA256  8U     /* OpenPGP's number */
#define MAX_SIGNATURE     16384U /* bytes of one OpenPGP packet */
#define MAX_OPENPGP_COUNT 16U    /* signatures in tag 278 */

/*
 * The signature header says how large the rest is. It is not signed, and so proves nothing, but
 * tells a download that was cut short from one that was altered.
 */
static int
check_size(const struct rpm *rpm, struct error *err)
{
	uint64_t rest = rpm->size - rpm->header_offset;
	uint32_t says;

	if (rpm_header_uint32(&rpm->signature, RPM_SIGTAG_SIZE, &says) && says > rest)
		return error_set(err, ERR_VERIFY,
				 "'%s' is cut short: %llu of %u bytes follow its signature header; "
				 "fetch it again",
				 rpm->label, (unsigned long long)rest, says);
	if (rpm->payload_offset == rpm->size)
		return error_set(err, ERR_VERIFY, "'%s' is cut short: it has no payload",
				 rpm->label);
	return 0;
}

/* Packages of rpm before 4.14 have no SHA-256 of their header; the signature covers it anyway. */
static int
check_header_digest(const struct rpm *rpm, struct error *err)
{
	const char *hex = rpm_header_string(&rpm->signature, RPM_SIGTAG_SHA256);
	char got[DIGEST_HEX_SIZE];
	struct digest want;

	if (hex == NULL)
		return 0;
	if (!digest_parse(hex, &want) || !digest_equal(&want, &rpm->header_sha256))
		return error_set(err, ERR_VERIFY,
				 "main header of '%s' was altered: its sha256 is %s, expected %s",
				 rpm->label, digest_hex(&rpm->header_sha256, got), hex);
	return 0;
}

static int
verify_packet(const struct rpm *rpm, struct openpgp_keyring *ring, const uint8_t *packet,
	      size_t size, struct openpgp_signer *ret_signer, struct error *err)
{
	if (size > MAX_SIGNATURE)
		return error_set(err, ERR_VERIFY, "signature of '%s' has %zu bytes", rpm->label,
				 size);
	return openpgp_verify(ring, packet, size, rpm->header_bytes, rpm->header_size, rpm->label,
			      ret_signer, err);
}

/* One string of tag 278. */
static int
verify_base64(const struct rpm *rpm, struct openpgp_keyring *ring, const char *text,
	      struct openpgp_signer *ret_signer, struct error *err)
{
	auto_free uint8_t *packet = NULL;
	size_t length = strlen(text);
	int size;

	if (length == 0 || length > MAX_SIGNATURE || length % 4 != 0)
		return error_set(err, ERR_VERIFY, "signature of '%s' is not base64", rpm->label);
	packet = xmalloc(length);
	size = EVP_DecodeBlock(packet, (const unsigned char *)text, (int)length);
	if (size < 4)
		return error_set(err, ERR_VERIFY, "signature of '%s' is not base64", rpm->label);
	size -= (text[length - 1] == '=') + (text[length - 2] == '=');
	return verify_packet(rpm, ring, packet, (size_t)size, ret_signer, err);
}

static int
verify_openpgp_tag(const struct rpm *rpm, struct openpgp_keyring *ring, const char **texts,
		   size_t count, struct openpgp_signer *ret_signer, struct error *err)
{
	for (size_t i = 0; i < count && i < MAX_OPENPGP_COUNT; i++) {
		if (verify_base64(rpm, ring, texts[i], ret_signer, err) == 0)
			return 0;
	}
	return -1;
}

/* One good signature by a pinned key is enough; if there is none, the last one says why. */
static int
check_signature(const struct rpm *rpm, struct openpgp_keyring *ring,
		struct openpgp_signer *ret_signer, struct error *err)
{
	static const uint32_t tags[] = {RPM_SIGTAG_DSA, RPM_SIGTAG_RSA};
	size_t count = 0;
	auto_free const char **texts =
		rpm_header_strings(&rpm->signature, RPM_SIGTAG_OPENPGP, &count);
	bool found = count > 0;

	if (found && verify_openpgp_tag(rpm, ring, texts, count, ret_signer, err) == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		size_t size;
		const uint8_t *packet = rpm_header_bytes(&rpm->signature, tags[i], &size);

		if (packet == NULL)
			continue;
		found = true;
		if (verify_packet(rpm, ring, packet, size, ret_signer, err) == 0)
			return 0;
	}
	if (found)
		return -1;
	return error_set(err, ERR_VERIFY,
			 "'%s' is not signed; use the signed copy, or the signature header that "
			 "its build system keeps",
			 rpm->label);
}

static int
check_identity(const struct rpm *rpm, const struct rpm_identity *identity, struct error *err)
{
	if (rpm->source_rpm == NULL)
		return error_set(err, ERR_VERIFY, "'%s' is a source package", rpm->label);
	if (strcmp(rpm->os, "linux") != 0)
		return error_set(err, ERR_VERIFY, "'%s' is for '%s', expected linux", rpm->label,
				 rpm->os);
	if (identity == NULL)
		return 0;
	if (strcmp(rpm->name, identity->name) != 0)
		return error_set(err, ERR_VERIFY, "'%s' is package '%s', expected '%s'", rpm->label,
				 rpm->name, identity->name);
	if (strcmp(rpm->evr, package_plain_evr(identity->evr)) != 0)
		return error_set(err, ERR_VERIFY, "'%s' has version %s, expected %s", rpm->label,
				 rpm->evr, identity->evr);
	if (strcmp(rpm->arch, identity->arch) != 0)
		return error_set(err, ERR_VERIFY, "'%s' is for %s, expected %s", rpm->label,
				 rpm->arch, identity->arch);
	return 0;
}

/* The payload digest that the signed header has. */
static int
payload_digest(const struct rpm *rpm, struct digest *ret_digest, struct error *err)
{
	size_t count = 0;
	auto_free const char **hex =
		rpm_header_strings(&rpm->header, RPM_TAG_PAYLOAD_DIGEST, &count);
	uint32_t algorithm = ALGORITHM_SHA256; /* RPM 6 leaves it out and means this */

	if (hex == NULL)
		return error_set(err, ERR_VERIFY,
				 "the signed header of '%s' does not cover its payload: it was "
				 "built with rpm before 4.14; use a newer build",
				 rpm->label);
	(void)!rpm_header_uint32(&rpm->header, RPM_TAG_PAYLOAD_DIGEST_ALGORITHM, &algorithm);
	if (algorithm != ALGORITHM_SHA256 || count != 1 || !digest_parse(hex[0], ret_digest))
		return error_set(err, ERR_VERIFY,
				 "payload of '%s' is covered by hash %u only, SHA-256 is required",
				 rpm->label, algorithm);
	return 0;
}

static int
check_payload(const struct rpm *rpm, const struct digest *want, struct error *err)
{
	enum { CHUNK = 256 << 10 };
	AUTO(hasher_freep) struct hasher *hasher = hasher_new();
	auto_free uint8_t *buffer = xmalloc(CHUNK);
	char want_hex[DIGEST_HEX_SIZE], got_hex[DIGEST_HEX_SIZE];
	struct digest got;

	for (uint64_t at = rpm->payload_offset; at < rpm->size;) {
		size_t n = rpm->size - at < CHUNK ? (size_t)(rpm->size - at) : CHUNK;

		if (read_at(rpm->fd, at, buffer, n, rpm->label, err) < 0)
			return -1;
		hasher_update(hasher, buffer, n);
		at += n;
	}
	hasher_finish(hasher, &got);
	if (!digest_equal(&got, want))
		return error_set(err, ERR_VERIFY,
				 "payload of '%s' was altered: its sha256 is %s, expected %s",
				 rpm->label, digest_hex(&got, got_hex), digest_hex(want, want_hex));
	return 0;
}

int
rpm_verify_header(const struct rpm *rpm, struct openpgp_keyring *ring,
		  const struct rpm_identity *identity, struct openpgp_signer *ret_signer,
		  struct error *err)
{
	struct openpgp_signer signer;
	struct digest payload;

	if (check_header_digest(rpm, err) < 0 || check_signature(rpm, ring, &signer, err) < 0 ||
	    check_identity(rpm, identity, err) < 0 || payload_digest(rpm, &payload, err) < 0)
		return -1;
	*ret_signer = signer;
	return 0;
}

int
rpm_verify(const struct rpm *rpm, struct openpgp_keyring *ring, const struct rpm_identity *identity,
	   struct openpgp_signer *ret_signer, struct error *err)
{
	struct openpgp_signer signer;
	struct digest payload;

	if (check_size(rpm, err) < 0 || rpm_verify_header(rpm, ring, identity, &signer, err) < 0 ||
	    payload_digest(rpm, &payload, err) < 0 || check_payload(rpm, &payload, err) < 0)
		return -1;
	*ret_signer = signer;
	return 0;
}
