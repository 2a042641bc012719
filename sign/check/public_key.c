/* SPDX-License-Identifier: MIT */
#include "sign/check/public_key.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/digest.h"
#include "base/strbuf.h"
#include "sign/check/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/*
 * SSH:       string "ssh-ed25519", string key[32]                           51 bytes
 * minisign:  "Ed", id[8], key[32]                                           42 bytes
 * PEM:       SubjectPublicKeyInfo of RFC 8410: the twelve bytes below, key[32]   44 bytes
 */
enum { SSH_BLOB_SIZE = 51, MINISIGN_SIZE = 42, SPKI_SIZE = 44 };

static const uint8_t spki_prefix[] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
				      0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
static const char pem_begin[] = "-----BEGIN PUBLIC KEY-----\n";
static const char pem_end[] = "-----END PUBLIC KEY-----\n";
static const char ssh_type[] = "ssh-ed25519";

bool
public_key_equal(const struct public_key *a, const struct public_key *b)
{
	return memcmp(a->bytes, b->bytes, PUBLIC_KEY_SIZE) == 0;
}

static void
put_ssh_blob(struct strbuf *buf, const struct public_key *key)
{
	wire_put_text(buf, ssh_type);
	wire_put_string(buf, key->bytes, PUBLIC_KEY_SIZE);
}

char *
public_key_ssh_base64(const struct public_key *key)
{
	AUTO(strbuf_clear) struct strbuf blob = STRBUF_INIT;

	put_ssh_blob(&blob, key);
	return base64_encode(blob.text, blob.length);
}

char *
public_key_fingerprint(const struct public_key *key, char text[FINGERPRINT_SIZE])
{
	AUTO(strbuf_clear) struct strbuf blob = STRBUF_INIT;
	auto_free char *encoded = NULL;
	struct digest digest;

	put_ssh_blob(&blob, key);
	digest_of(blob.text, blob.length, &digest);
	encoded = base64_encode(digest.bytes, DIGEST_SIZE);
	/* OpenSSH leaves the padding out. */
	encoded[strcspn(encoded, "=")] = '\0';
	(void)snprintf(text, FINGERPRINT_SIZE, "SHA256:%s", encoded);
	return text;
}

static void
spki_of(const struct public_key *key, uint8_t spki[SPKI_SIZE])
{
	memcpy(spki, spki_prefix, sizeof(spki_prefix));
	memcpy(spki + sizeof(spki_prefix), key->bytes, PUBLIC_KEY_SIZE);
}

char *
public_key_hint(const struct public_key *key)
{
	uint8_t spki[SPKI_SIZE];
	struct digest digest;

	spki_of(key, spki);
	digest_of(spki, sizeof(spki), &digest);
	return base64_encode(digest.bytes, DIGEST_SIZE);
}

void
public_key_minisign_id(const struct public_key *key, uint8_t id[MINISIGN_ID_SIZE])
{
	struct digest digest;

	digest_of(key->bytes, PUBLIC_KEY_SIZE, &digest);
	memcpy(id, digest.bytes, MINISIGN_ID_SIZE);
}

char *
public_key_ssh_line(const struct public_key *key, const char *comment)
{
	auto_free char *encoded = public_key_ssh_base64(key);

	return xasprintf("%s %s%s%s\n", ssh_type, encoded, *comment != '\0' ? " " : "", comment);
}

char *
public_key_minisign_base64(const struct public_key *key)
{
	uint8_t bytes[MINISIGN_SIZE] = {'E', 'd'};

	public_key_minisign_id(key, bytes + 2);
	memcpy(bytes + 2 + MINISIGN_ID_SIZE, key->bytes, PUBLIC_KEY_SIZE);
	return base64_encode(bytes, sizeof(bytes));
}

char *
public_key_minisign(const struct public_key *key)
{
	auto_free char *encoded = public_key_minisign_base64(key);
	uint8_t id[MINISIGN_ID_SIZE];
	uint64_t number = 0;

	public_key_minisign_id(key, id);
	for (size_t i = MINISIGN_ID_SIZE; i-- > 0;)
		number = number << 8 | id[i];
	return xasprintf("untrusted comment: minisign public key %016" PRIX64 "\n%s\n", number,
			 encoded);
}

char *
public_key_pem(const struct public_key *key)
{
	auto_free char *encoded = NULL;
	uint8_t spki[SPKI_SIZE];

	spki_of(key, spki);
	encoded = base64_encode(spki, sizeof(spki));
	return xasprintf("%s%s\n%s", pem_begin, encoded, pem_end);
}

int
public_key_parse_ssh_blob(const uint8_t *bytes, size_t length, struct public_key *ret_key,
			  const char *name, struct error *err)
{
	struct wire wire = {bytes, length};
	const uint8_t *type, *key;
	size_t type_length, key_length;

	if (!wire_get_string(&wire, &type, &type_length))
		return error_set(err, ERR_INPUT, "the key in '%s' is cut short", name);
	if (type_length != strlen(ssh_type) || memcmp(type, ssh_type, type_length) != 0)
		return error_set(err, ERR_INPUT, "the key in '%s' has type '%.*s', expected %s",
				 name, (int)(type_length < 64 ? type_length : 64),
				 (const char *)type, ssh_type);
	if (!wire_get_string(&wire, &key, &key_length) || key_length != PUBLIC_KEY_SIZE ||
	    wire.left != 0)
		return error_set(err, ERR_INPUT, "the key in '%s' has the wrong length", name);
	memcpy(ret_key->bytes, key, PUBLIC_KEY_SIZE);
	return 0;
}

int
public_key_parse_ssh_base64(const char *text, struct public_key *ret_key, const char *name,
			    struct error *err)
{
	/* Room for keys of other types, so that the message can name the type. */
	uint8_t blob[PUBLIC_KEY_MAX_TEXT];
	size_t length;

	if (!base64_decode(text, strlen(text), blob, sizeof(blob), &length))
		return error_set(err, ERR_INPUT, "the key in '%s' is not base64", name);
	return public_key_parse_ssh_blob(blob, length, ret_key, name, err);
}

/* The words of one line: type, base64, and a comment that does not matter. */
static int
parse_ssh_line(const char *text, struct public_key *ret_key, const char *name, struct error *err)
{
	size_t length = strcspn(text, "\n"), type, encoded;
	auto_free char *line = xstrndup(text, length);
	char *word;

	if (text[length] == '\n' && text[length + 1] != '\0')
		return error_set(err, ERR_INPUT,
				 "'%s' is not a public key: it has more than one line", name);
	type = strcspn(line, " \t");
	if (line[type] == '\0')
		return error_set(err, ERR_INPUT, "'%s' is not an SSH public key", name);
	line[type] = '\0';
	word = line + type + 1;
	encoded = strcspn(word, " \t");
	word[encoded] = '\0';
	if (strcmp(line, ssh_type) != 0)
		return error_set(err, ERR_INPUT, "the key in '%s' has type '%s', expected %s", name,
				 line, ssh_type);
	return public_key_parse_ssh_base64(word, ret_key, name, err);
}

static int
parse_minisign(const char *text, struct public_key *ret_key, const char *name, struct error *err)
{
	const char *second = strchr(text, '\n');
	uint8_t bytes[MINISIGN_SIZE];
	size_t length, decoded;

	if (!text_starts_with(text, "untrusted comment: ") || second == NULL)
		return error_set(err, ERR_INPUT, "'%s' is not a minisign public key", name);
	second++;
	length = strcspn(second, "\n");
	if (second[length] == '\n' && second[length + 1] != '\0')
		return error_set(err, ERR_INPUT, "'%s' has more than two lines", name);
	if (!base64_decode(second, length, bytes, sizeof(bytes), &decoded) ||
	    decoded != MINISIGN_SIZE || memcmp(bytes, "Ed", 2) != 0)
		return error_set(err, ERR_INPUT, "the minisign key in '%s' is damaged", name);
	memcpy(ret_key->bytes, bytes + 2 + MINISIGN_ID_SIZE, PUBLIC_KEY_SIZE);
	return 0;
}

static int
parse_pem(const char *text, struct public_key *ret_key, const char *name, struct error *err)
{
	const char *body = text + strlen(pem_begin);
	uint8_t spki[SPKI_SIZE];
	size_t length, decoded;

	if (!text_starts_with(text, pem_begin))
		return error_set(err, ERR_INPUT, "'%s' is not a PEM public key", name);
	length = strcspn(body, "\n");
	if (body[length] != '\n' || strcmp(body + length + 1, pem_end) != 0 ||
	    !base64_decode(body, length, spki, sizeof(spki), &decoded) || decoded != SPKI_SIZE ||
	    memcmp(spki, spki_prefix, sizeof(spki_prefix)) != 0)
		return error_set(err, ERR_INPUT, "the PEM key in '%s' is not an Ed25519 key", name);
	memcpy(ret_key->bytes, spki + sizeof(spki_prefix), PUBLIC_KEY_SIZE);
	return 0;
}

/* The text with LF where it has CR LF: what git makes of a file on Windows. */
static char *
without_carriage_returns(const char *text)
{
	char *copy = xstrdup(text), *to = copy;

	for (const char *from = text; *from != '\0'; from++)
		if (from[0] != '\r' || from[1] != '\n')
			*to++ = *from;
	*to = '\0';
	return copy;
}

int
public_key_parse(const char *text, struct public_key *ret_key, const char *name, struct error *err)
{
	auto_free char *plain = without_carriage_returns(text);

	if (strstr(plain, "PRIVATE KEY-----") != NULL)
		return error_set(err, ERR_INPUT, "'%s' is a secret key, expected a public key",
				 name);
	if (text_starts_with(plain, "-----BEGIN"))
		return parse_pem(plain, ret_key, name, err);
	if (text_starts_with(plain, "untrusted comment:"))
		return parse_minisign(plain, ret_key, name, err);
	return parse_ssh_line(plain, ret_key, name, err);
}
