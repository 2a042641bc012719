/* SPDX-License-Identifier: MIT */
#include "sign/make/key_openssh.h"

#include <openssl/evp.h>
#include <string.h>

/*
 * PEM-like with lines of 70, of
 *     "openssh-key-v1\0", string cipher, string kdf, string kdf options, uint32 1,
 *     string { string "ssh-ed25519", string public[32] },
 *     string { uint32 check, uint32 the same check, string "ssh-ed25519", string public[32],
 *              string { seed[32], public[32] }, string comment, padding 1 2 3 ... to 8 }
 */
enum { SSH_BLOB_SIZE = 51 };

static const char openssh_begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----\n";
static const char openssh_end[] = "-----END OPENSSH PRIVATE KEY-----";
static const char openssh_magic[] = "openssh-key-v1"; /* with its terminator */

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
	put_uint32(cursor, KEY_SEED_SIZE + PUBLIC_KEY_SIZE);
	put(cursor, seed, KEY_SEED_SIZE);
	put(cursor, key->bytes, PUBLIC_KEY_SIZE);
	put_string(cursor, "", 0);
	put(cursor, padding, sizeof(padding));
	return (size_t)(cursor->at - start);
}

int
key_openssh_format(const uint8_t seed[KEY_SEED_SIZE], const struct public_key *key,
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
