/* SPDX-License-Identifier: MIT */
#include "sign/make/key.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "sign/make/key_internal.h"
#include "sign/make/key_openssh.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <string.h>

/*
 * PKCS#8 of RFC 8410, always 48 bytes: SEQUENCE { 0, SEQUENCE { OID 1.3.101.112 },
 * OCTET STRING { OCTET STRING seed[32] } }. PEM is this in base64 between two lines.
 */
enum { SEED_SIZE = KEY_SEED_SIZE, DER_SIZE = 48, SCRYPT_N = 1 << 14, SCRYPT_R = 8 };

static const uint8_t der_prefix[] = {0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
				     0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
static const char pem_begin[] = "-----BEGIN PRIVATE KEY-----\n";
static const char pem_end[] = "-----END PRIVATE KEY-----";
static const char protected_begin[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n";

struct signing_key {
	EVP_PKEY *pkey; /* libcrypto keeps the secret part of it in the secure heap */
	struct public_key public_part;
};

static void
x509_sig_freep(X509_SIG **sig)
{
	X509_SIG_free(*sig);
}

static void
pkcs8_freep(PKCS8_PRIV_KEY_INFO **info)
{
	PKCS8_PRIV_KEY_INFO_free(*info); /* wipes the key in it */
}

static void
bio_freep(BIO **bio)
{
	(void)BIO_free(*bio);
}

static void
md_context_freep(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

void
signing_key_free(struct signing_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

void
signing_key_freep(struct signing_key **key)
{
	signing_key_free(*key);
	*key = NULL;
}

static int
wrap(EVP_PKEY *pkey, struct signing_key **ret_key, const char *name, struct error *err)
{
	struct signing_key *key;
	size_t length = PUBLIC_KEY_SIZE;
	struct public_key public_part;

	if (pkey == NULL || EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519 ||
	    EVP_PKEY_get_raw_public_key(pkey, public_part.bytes, &length) != 1 ||
	    length != PUBLIC_KEY_SIZE) {
		EVP_PKEY_free(pkey);
		return error_set(err, ERR_INPUT, "the key in '%s' is not an Ed25519 key", name);
	}
	key = xcalloc(1, sizeof(*key));
	key->pkey = pkey;
	key->public_part = public_part;
	*ret_key = key;
	return 0;
}

static int
key_from_seed(const uint8_t seed[SEED_SIZE], struct signing_key **ret_key, struct error *err)
{
	if (secret_prepare(err) < 0)
		return -1;
	return wrap(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SEED_SIZE), ret_key,
		    "memory", err);
}

int
signing_key_generate(struct signing_key **ret_key, struct error *err)
{
	AUTO(secret_clear) struct secret seed = SECRET_INIT;

	if (secret_alloc(SEED_SIZE, &seed, err) < 0)
		return -1;
	if (RAND_priv_bytes((uint8_t *)seed.bytes, SEED_SIZE) != 1)
		return error_set(err, ERR_IO, "no random numbers to generate a key");
	return key_from_seed((const uint8_t *)seed.bytes, ret_key, err);
}

bool
signing_key_needs_passphrase(const struct secret *text)
{
	return bytes_start_with(text->bytes, text->length, protected_begin);
}

/* The base64 of the DER, of which only the seed varies. */
static int
parse_der_base64(const char *text, size_t length, struct signing_key **ret_key, const char *name,
		 struct error *err)
{
	AUTO(secret_clear) struct secret der = SECRET_INIT;
	size_t decoded;

	if (secret_alloc(DER_SIZE, &der, err) < 0)
		return -1;
	if (!base64_decode(text, length, (uint8_t *)der.bytes, DER_SIZE, &decoded) ||
	    decoded != DER_SIZE || memcmp(der.bytes, der_prefix, sizeof(der_prefix)) != 0)
		return error_set(err, ERR_INPUT,
				 "'%s' does not contain an Ed25519 key in PKCS#8 (PEM, or the "
				 "base64 of the DER on one line of 64 characters)",
				 name);
	return key_from_seed((const uint8_t *)der.bytes + sizeof(der_prefix), ret_key, err);
}

static int
parse_protected(const struct secret *text, const struct secret *passphrase,
		struct signing_key **ret_key, const char *name, struct error *err)
{
	AUTO(bio_freep) BIO *bio = BIO_new_mem_buf(text->bytes, (int)text->length);
	AUTO(x509_sig_freep) X509_SIG *sig = NULL;
	AUTO(pkcs8_freep) PKCS8_PRIV_KEY_INFO *info = NULL;

	if (passphrase == NULL)
		return error_set(err, ERR_INPUT, "the key in '%s' requires its passphrase", name);
	sig = bio != NULL ? PEM_read_bio_PKCS8(bio, NULL, NULL, NULL) : NULL;
	if (sig == NULL)
		return error_set(err, ERR_INPUT, "the protected key in '%s' is damaged", name);
	info = PKCS8_decrypt(sig, passphrase->bytes, (int)passphrase->length);
	if (info == NULL)
		return error_set(err, ERR_INPUT, "wrong passphrase for the key in '%s'", name);
	return wrap(EVP_PKCS82PKEY(info), ret_key, name, err);
}

int
signing_key_parse(const struct secret *text, const struct secret *passphrase,
		  struct signing_key **ret_key, const char *name, struct error *err)
{
	const char *body = text->bytes, *end;
	size_t length = text->length;

	if (bytes_start_with(text->bytes, text->length, protected_begin))
		return parse_protected(text, passphrase, ret_key, name, err);
	if (bytes_start_with(text->bytes, text->length, pem_begin)) {
		body += strlen(pem_begin);
		end = strstr(body, "\n-----END");
		if (end == NULL || !text_starts_with(end + 1, pem_end))
			return error_set(err, ERR_INPUT, "the key in '%s' is cut short", name);
		length = (size_t)(end - body);
	} else {
		length = strcspn(body, "\r\n");
	}
	return parse_der_base64(body, length, ret_key, name, err);
}

const struct public_key *
signing_key_public(const struct signing_key *key)
{
	return &key->public_part;
}

int
signing_key_use(const struct signing_key *key, const uint8_t *preimage, size_t length,
		uint8_t ret_signature[SIGNATURE_SIZE], struct error *err)
{
	AUTO(md_context_freep) EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t size = SIGNATURE_SIZE;

	/* Pure Ed25519 (RFC 8032): no digest, and the whole message in one call. */
	if (context == NULL || EVP_DigestSignInit(context, NULL, NULL, NULL, key->pkey) != 1 ||
	    EVP_DigestSign(context, ret_signature, &size, preimage, length) != 1 ||
	    size != SIGNATURE_SIZE)
		return error_set(err, ERR_IO, "libcrypto cannot sign");
	return 0;
}

/* Base64 of `count` bytes in the secure heap, between two texts. */
static int
wrap_base64(const char *before, const uint8_t *bytes, size_t count, const char *after,
	    struct secret *ret_text, struct error *err)
{
	size_t encoded = (count + 2) / 3 * 4, start = strlen(before);

	if (secret_alloc(start + encoded + strlen(after), ret_text, err) < 0)
		return -1;
	memcpy(ret_text->bytes, before, start);
	(void)EVP_EncodeBlock((unsigned char *)ret_text->bytes + start, bytes, (int)count);
	memcpy(ret_text->bytes + start + encoded, after, strlen(after));
	return 0;
}

static int
format_plain(const uint8_t *seed, enum signing_key_form form, struct secret *ret_text,
	     struct error *err)
{
	AUTO(secret_clear) struct secret der = SECRET_INIT;

	if (secret_alloc(DER_SIZE, &der, err) < 0)
		return -1;
	memcpy(der.bytes, der_prefix, sizeof(der_prefix));
	memcpy(der.bytes + sizeof(der_prefix), seed, SEED_SIZE);
	if (form == SIGNING_KEY_LINE)
		return wrap_base64("", (const uint8_t *)der.bytes, DER_SIZE, "\n", ret_text, err);
	return wrap_base64(pem_begin, (const uint8_t *)der.bytes, DER_SIZE,
			   "\n-----END PRIVATE KEY-----\n", ret_text, err);
}

/*
 * Scrypt, at the most memory that libcrypto lets a reader use, rather than 2048 rounds of PBKDF2.
 */
static X509_SIG *
protect(EVP_PKEY *pkey, const struct secret *passphrase)
{
	AUTO(pkcs8_freep) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	X509_ALGOR *algorithm =
		PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), NULL, 0, NULL, SCRYPT_N, SCRYPT_R, 1);
	X509_SIG *sig = NULL;

	if (info != NULL && algorithm != NULL)
		sig = PKCS8_set0_pbe(passphrase->bytes, (int)passphrase->length, info, algorithm);
	if (sig == NULL)
		X509_ALGOR_free(algorithm);
	return sig;
}

static int
format_protected(const struct signing_key *key, const struct secret *passphrase,
		 struct secret *ret_text, struct error *err)
{
	AUTO(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
	AUTO(x509_sig_freep) X509_SIG *sig = NULL;
	char *bytes;
	long length;

	if (passphrase->length == 0)
		return error_set(err, ERR_INPUT, "the passphrase is empty");
	sig = protect(key->pkey, passphrase);
	if (sig == NULL || bio == NULL || PEM_write_bio_PKCS8(bio, sig) != 1)
		return error_set(err, ERR_IO, "libcrypto cannot protect the key");
	length = BIO_get_mem_data(bio, &bytes);
	if (secret_alloc((size_t)length, ret_text, err) < 0)
		return -1;
	memcpy(ret_text->bytes, bytes, (size_t)length);
	return 0;
}

int
signing_key_format(const struct signing_key *key, enum signing_key_form form,
		   const struct secret *passphrase, struct secret *ret_text, struct error *err)
{
	AUTO(secret_clear) struct secret seed = SECRET_INIT;
	size_t length = SEED_SIZE;

	if (form == SIGNING_KEY_PEM && passphrase != NULL)
		return format_protected(key, passphrase, ret_text, err);
	if (secret_alloc(SEED_SIZE, &seed, err) < 0)
		return -1;
	if (EVP_PKEY_get_raw_private_key(key->pkey, (uint8_t *)seed.bytes, &length) != 1)
		return error_set(err, ERR_IO, "libcrypto cannot export the key");
	if (form == SIGNING_KEY_OPENSSH)
		return key_openssh_format((const uint8_t *)seed.bytes, &key->public_part, ret_text,
					  err);
	return format_plain((const uint8_t *)seed.bytes, form, ret_text, err);
}

int
signing_key_write(const char *path, const struct secret *text, struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;

	if (tempfile_open(&tmp, path, 0600, err) < 0 ||
	    write_all(tmp.fd, text->bytes, text->length, path, err) < 0)
		return -1;
	if (tempfile_commit_new(&tmp, err) == 0)
		return 0;
	if (err->code == ERR_BUSY)
		return error_set(
			err, ERR_INPUT,
			"'%s' exists and a key file is never replaced; choose another name", path);
	return -1;
}
