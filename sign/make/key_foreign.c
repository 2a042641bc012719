/* SPDX-License-Identifier: MIT */
#include "base/base64.h"
#include "sign/check/ed25519.h"
#include "sign/check/wire.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

/*
 * OpenSSH, PEM-like with lines of 70, of
 *     "openssh-key-v1\0", string cipher, string kdf, string kdf options, uint32 1,
 *     string { string "ssh-ed25519", string public[32] },
 *     string { uint32 check, uint32 the same check, string "ssh-ed25519", string public[32],
 *              string { seed[32], public[32] }, string comment, padding 1 2 3 ... to 8 }
 * Only the form without a cipher is read.
 *
 * minisign: "untrusted comment: ...\n", base64 of
 *     "Ed", kdf "Sc" or 0 0, "B2", salt[32], opslimit[8] and memlimit[8] (little endian),
 *     { id[8], seed[32], public[32], checksum[32] }
 * The last part is XORed with the output of scrypt if there is a passphrase.
 */
enum { SEED_SIZE = 32, MINISIGN_SIZE = 158, MINISIGN_SECRET = 104, SSH_BLOB_SIZE = 51 };

static const char openssh_begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
static const char openssh_end[] = "-----END OPENSSH PRIVATE KEY-----";
static const char openssh_magic[] = "openssh-key-v1"; /* with its terminator */
static const char minisign_begin[] = "untrusted comment: ";
static const uint8_t kdf_none[] = {0, 0}, kdf_scrypt[] = {'S', 'c'};

static bool
starts_with(const struct secret *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return text->length >= length && memcmp(text->bytes, prefix, length) == 0;
}

bool
key_foreign_is_openssh(const struct secret *text)
{
	return starts_with(text, openssh_begin);
}

bool
key_foreign_is_minisign(const struct secret *text)
{
	return starts_with(text, minisign_begin);
}

/* Reads base64 that may be broken into lines. */
static int
decode_lines(const char *text, size_t length, struct secret *ret_bytes, const char *name,
	     struct error *err)
{
	AUTO(secret_clear) struct secret joined = SECRET_INIT;
	size_t count = 0, decoded;

	if (secret_alloc(length, &joined, err) < 0 || secret_alloc(length, ret_bytes, err) < 0)
		return -1;
	for (size_t i = 0; i < length; i++)
		if (text[i] != '\n')
			joined.bytes[count++] = text[i];
	if (!base64_decode(joined.bytes, count, (uint8_t *)ret_bytes->bytes, ret_bytes->length,
			   &decoded))
		return error_set(err, ERR_INPUT, "the key in '%s' is not base64", name);
	ret_bytes->length = decoded;
	return 0;
}

/* The key if the seed and the public key belong together: else they are damaged, or not opened. */
static struct signing_key *
take_pair(const uint8_t *seed, const uint8_t *public_part)
{
	AUTO(signing_key_freep) struct signing_key *key = NULL;
	struct error ignored = ERROR_INIT;

	if (signing_key_from_seed(seed, &key, &ignored) < 0 ||
	    CRYPTO_memcmp(signing_key_public(key)->bytes, public_part, PUBLIC_KEY_SIZE) != 0)
		return NULL;
	return TAKE(key);
}

static int
parse_openssh_secret(struct wire wire, struct signing_key **ret_key, const char *name,
		     struct error *err)
{
	struct signing_key *key;
	uint32_t check, again;
	const uint8_t *bytes;
	size_t length;

	if (!wire_get_uint32(&wire, &check) || !wire_get_uint32(&wire, &again) || check != again ||
	    !wire_get_text(&wire, "ssh-ed25519") || !wire_get_string(&wire, &bytes, &length) ||
	    length != PUBLIC_KEY_SIZE || !wire_get_string(&wire, &bytes, &length) ||
	    length != SEED_SIZE + PUBLIC_KEY_SIZE)
		return error_set(err, ERR_INPUT, "the OpenSSH key in '%s' is not one of Ed25519",
				 name);
	key = take_pair(bytes, bytes + SEED_SIZE);
	if (key == NULL)
		return error_set(err, ERR_INPUT, "the OpenSSH key in '%s' is damaged", name);
	*ret_key = key;
	return 0;
}

int
key_foreign_parse_openssh(const struct secret *text, struct signing_key **ret_key, const char *name,
			  struct error *err)
{
	AUTO(secret_clear) struct secret blob = SECRET_INIT;
	const char *body = text->bytes + strlen(openssh_begin);
	const char *end = strstr(body, openssh_end);
	struct wire wire;
	const uint8_t *bytes;
	uint32_t count;
	size_t length;

	if (end == NULL)
		return error_set(err, ERR_INPUT, "the key in '%s' is cut short", name);
	if (decode_lines(body, (size_t)(end - body), &blob, name, err) < 0)
		return -1;
	wire = (struct wire){(const uint8_t *)blob.bytes, blob.length};
	if (wire.left < sizeof(openssh_magic) ||
	    memcmp(wire.bytes, openssh_magic, sizeof(openssh_magic)) != 0)
		return error_set(err, ERR_INPUT, "the OpenSSH key in '%s' is damaged", name);
	wire.bytes += sizeof(openssh_magic);
	wire.left -= sizeof(openssh_magic);
	if (!wire_get_text(&wire, "none") || !wire_get_text(&wire, "none"))
		return error_set(err, ERR_INPUT,
				 "the OpenSSH key in '%s' has a passphrase; take it off with "
				 "ssh-keygen -p first",
				 name);
	if (!wire_get_text(&wire, "") || !wire_get_uint32(&wire, &count) || count != 1 ||
	    !wire_get_string(&wire, &bytes, &length) || !wire_get_string(&wire, &bytes, &length) ||
	    wire.left != 0)
		return error_set(err, ERR_INPUT, "the OpenSSH key in '%s' is damaged", name);
	return parse_openssh_secret((struct wire){bytes, length}, ret_key, name, err);
}

static int
decode_minisign(const struct secret *text, struct secret *ret_blob, const char *name,
		struct error *err)
{
	const char *line = strchr(text->bytes, '\n');

	if (line == NULL)
		return error_set(err, ERR_INPUT, "the key in '%s' is cut short", name);
	line++;
	if (decode_lines(line, strcspn(line, "\n"), ret_blob, name, err) < 0)
		return -1;
	if (ret_blob->length != MINISIGN_SIZE)
		return error_set(err, ERR_INPUT,
				 "the minisign key in '%s' has %zu bytes, expected %d", name,
				 ret_blob->length, MINISIGN_SIZE);
	if (memcmp(ret_blob->bytes, "Ed", 2) != 0 || memcmp(ret_blob->bytes + 4, "B2", 2) != 0 ||
	    (memcmp(ret_blob->bytes + 2, kdf_none, 2) != 0 &&
	     memcmp(ret_blob->bytes + 2, kdf_scrypt, 2) != 0))
		return error_set(err, ERR_INPUT,
				 "the minisign key in '%s' uses algorithms that are not supported",
				 name);
	return 0;
}

bool
key_foreign_is_protected(const struct secret *text)
{
	AUTO(secret_clear) struct secret blob = SECRET_INIT;
	struct error ignored = ERROR_INIT;

	return key_foreign_is_minisign(text) && decode_minisign(text, &blob, "it", &ignored) == 0 &&
	       memcmp(blob.bytes + 2, kdf_scrypt, 2) == 0;
}

static uint64_t
little_endian(const uint8_t bytes[8])
{
	uint64_t number = 0;

	for (size_t i = 8; i-- > 0;)
		number = number << 8 | bytes[i];
	return number;
}

/* libsodium's translation of its two limits to scrypt's N and p, with r = 8. */
static void
scrypt_parameters(uint64_t ops, uint64_t memory, uint64_t *ret_n, uint64_t *ret_p)
{
	uint64_t n = 2, max_n;

	if (ops < 32768)
		ops = 32768;
	max_n = ops < memory / 32 ? ops / 32 : memory / 1024;
	while (n <= max_n / 2)
		n *= 2;
	*ret_n = n;
	*ret_p = ops < memory / 32 ? 1 : ops / 4 / n / 8;
}

static int
unlock_minisign(struct secret *blob, const struct secret *passphrase, const char *name,
		struct error *err)
{
	AUTO(secret_clear) struct secret stream = SECRET_INIT;
	uint8_t *bytes = (uint8_t *)blob->bytes;
	const uint64_t max_memory = UINT64_C(2) << 30;
	uint64_t n, p;

	if (passphrase == NULL)
		return error_set(err, ERR_INPUT, "the key in '%s' needs its passphrase", name);
	scrypt_parameters(little_endian(bytes + 38), little_endian(bytes + 46), &n, &p);
	if (secret_alloc(MINISIGN_SECRET, &stream, err) < 0)
		return -1;
	if (EVP_PBE_scrypt(passphrase->bytes, passphrase->length, bytes + 6, 32, n, 8, p,
			   max_memory, (unsigned char *)stream.bytes, MINISIGN_SECRET) != 1)
		return error_set(err, ERR_INPUT,
				 "the minisign key in '%s' asks for too much memory", name);
	for (size_t i = 0; i < MINISIGN_SECRET; i++)
		bytes[54 + i] ^= (uint8_t)stream.bytes[i];
	return 0;
}

int
key_foreign_parse_minisign(const struct secret *text, const struct secret *passphrase,
			   struct signing_key **ret_key, const char *name, struct error *err)
{
	AUTO(secret_clear) struct secret blob = SECRET_INIT;
	struct signing_key *key;
	bool is_protected;
	const uint8_t *pair;

	if (decode_minisign(text, &blob, name, err) < 0)
		return -1;
	is_protected = memcmp(blob.bytes + 2, kdf_scrypt, 2) == 0;
	if (is_protected && unlock_minisign(&blob, passphrase, name, err) < 0)
		return -1;
	pair = (const uint8_t *)blob.bytes + 54 + MINISIGN_ID_SIZE;
	key = take_pair(pair, pair + SEED_SIZE);
	if (key == NULL)
		return error_set(err, ERR_INPUT,
				 is_protected ? "the passphrase does not open the key in '%s'"
					      : "the minisign key in '%s' is damaged",
				 name);
	*ret_key = key;
	return 0;
}

/* A place in secret memory that is written from the front. */
struct cursor {
	uint8_t *at;
};

static void
put(struct cursor *cursor, const void *bytes, size_t length)
{
	memcpy(cursor->at, bytes, length);
	cursor->at += length;
}

static void
put_uint32(struct cursor *cursor, uint32_t number)
{
	const uint8_t bytes[4] = {(uint8_t)(number >> 24), (uint8_t)(number >> 16),
				  (uint8_t)(number >> 8), (uint8_t)number};

	put(cursor, bytes, sizeof(bytes));
}

static void
put_string(struct cursor *cursor, const void *bytes, size_t length)
{
	put_uint32(cursor, (uint32_t)length);
	put(cursor, bytes, length);
}

static void
put_public(struct cursor *cursor, const struct public_key *key)
{
	put_string(cursor, "ssh-ed25519", 11);
	put_string(cursor, key->bytes, PUBLIC_KEY_SIZE);
}

/* Without a comment the secret part has 131 bytes and five of padding. */
static size_t
put_openssh_blob(struct cursor *cursor, const uint8_t *seed, const struct public_key *key)
{
	enum { SECRET_SIZE = 136, CHECK = 0x51454d55 };
	static const uint8_t padding[] = {1, 2, 3, 4, 5};
	const uint8_t *start = cursor->at;

	put(cursor, openssh_magic, sizeof(openssh_magic));
	put_string(cursor, "none", 4);
	put_string(cursor, "none", 4);
	put_string(cursor, "", 0);
	put_uint32(cursor, 1);
	put_uint32(cursor, SSH_BLOB_SIZE);
	put_public(cursor, key);
	put_uint32(cursor, SECRET_SIZE);
	put_uint32(cursor, CHECK);
	put_uint32(cursor, CHECK);
	put_public(cursor, key);
	put_uint32(cursor, SEED_SIZE + PUBLIC_KEY_SIZE);
	put(cursor, seed, SEED_SIZE);
	put(cursor, key->bytes, PUBLIC_KEY_SIZE);
	put_string(cursor, "", 0);
	put(cursor, padding, sizeof(padding));
	return (size_t)(cursor->at - start);
}

int
key_foreign_format_openssh(const uint8_t seed[SEED_SIZE], const struct public_key *key,
			   struct secret *ret_text, struct error *err)
{
	enum { ROOM = 512, LINE = 70 };
	AUTO(secret_clear) struct secret blob = SECRET_INIT, encoded = SECRET_INIT;
	struct cursor in, out;
	size_t length, lines;

	if (secret_alloc(ROOM, &blob, err) < 0 || secret_alloc(ROOM, &encoded, err) < 0)
		return -1;
	in.at = (uint8_t *)blob.bytes;
	length = (size_t)EVP_EncodeBlock((unsigned char *)encoded.bytes,
					 (const unsigned char *)blob.bytes,
					 (int)put_openssh_blob(&in, seed, key));
	lines = (length + LINE - 1) / LINE;
	if (secret_alloc(strlen(openssh_begin) + length + lines + strlen(openssh_end) + 1, ret_text,
			 err) < 0)
		return -1;
	out.at = (uint8_t *)ret_text->bytes;
	put(&out, openssh_begin, strlen(openssh_begin));
	for (size_t i = 0; i < length; i += LINE) {
		put(&out, encoded.bytes + i, length - i < LINE ? length - i : LINE);
		put(&out, "\n", 1);
	}
	put(&out, openssh_end, strlen(openssh_end));
	put(&out, "\n", 1);
	return 0;
}
