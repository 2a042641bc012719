/* SPDX-License-Identifier: MIT */
#include "sources/rpm/openpgp.h"

#include "base/alloc.h"
#include "base/file.h"
#include "sources/rpm/openpgp_packets.h"

#include <ctype.h>
#include <jansson.h>
#include <rnp/rnp.h>
#include <rnp/rnp_err.h>
#include <string.h>
#include <strings.h>

#define MAX_KEY_FILE (1U << 20)

struct openpgp_keyring {
	rnp_ffi_t ffi;
	char (*pins)[OPENPGP_FINGERPRINT_SIZE];
	size_t pin_count;
};

static void
buffer_freep(char **buffer)
{
	rnp_buffer_destroy(*buffer);
}

static void
input_freep(rnp_input_t *input)
{
	(void)!rnp_input_destroy(*input);
}

static void
key_freep(rnp_key_handle_t *key)
{
	(void)!rnp_key_handle_destroy(*key);
}

static void
verify_freep(rnp_op_verify_t *op)
{
	(void)!rnp_op_verify_destroy(*op);
}

static void
json_freep(json_t **json)
{
	json_decref(*json);
}

int
openpgp_keyring_new(struct openpgp_keyring **ret_ring, struct error *err)
{
	struct openpgp_keyring *ring = xcalloc(1, sizeof(*ring));
	rnp_result_t r = rnp_ffi_create(&ring->ffi, "GPG", "GPG");

	if (r != RNP_SUCCESS) {
		free(ring);
		return error_set(err, ERR_IO, "cannot start librnp: %s", rnp_result_to_string(r));
	}
	*ret_ring = ring;
	return 0;
}

void
openpgp_keyring_free(struct openpgp_keyring *ring)
{
	if (ring == NULL)
		return;
	(void)!rnp_ffi_destroy(ring->ffi);
	free(ring->pins);
	free(ring);
}

void
openpgp_keyring_freep(struct openpgp_keyring **ring)
{
	openpgp_keyring_free(*ring);
	*ring = NULL;
}

static void
output_freep(rnp_output_t *output)
{
	(void)!rnp_output_destroy(*output);
}

static int
refuse_keys(const char *name, rnp_result_t r, struct error *err)
{
	return error_set(err, ERR_INPUT, "cannot read an OpenPGP key from '%s': %s", name,
			 rnp_result_to_string(r));
}

/* Packets, without the armour. librnp sees only those that it knows; a file may have others. */
static int
import_keys(struct openpgp_keyring *ring, const void *bytes, size_t size, const char *name,
	    struct error *err)
{
	AUTO(input_freep) rnp_input_t input = NULL;
	auto_free uint8_t *known = NULL;
	size_t length;
	rnp_result_t r;

	if (openpgp_known_packets(bytes, size, name, &known, &length, err) < 0)
		return -1;
	if (length == 0)
		return 0;
	r = rnp_input_from_memory(&input, known, length, false);
	if (r == RNP_SUCCESS)
		r = rnp_import_keys(ring->ffi, input,
				    RNP_LOAD_SAVE_PUBLIC_KEYS | RNP_LOAD_SAVE_PERMISSIVE, NULL);
	return r == RNP_SUCCESS ? 0 : refuse_keys(name, r, err);
}

static int
import_block(struct openpgp_keyring *ring, const void *bytes, size_t size, const char *name,
	     struct error *err)
{
	AUTO(input_freep) rnp_input_t input = NULL;
	AUTO(output_freep) rnp_output_t output = NULL;
	uint8_t *packets = NULL;
	size_t length = 0;
	rnp_result_t r = rnp_input_from_memory(&input, bytes, size, false);

	if (r == RNP_SUCCESS)
		r = rnp_output_to_memory(&output, 0);
	if (r == RNP_SUCCESS)
		r = rnp_dearmor(input, output);
	if (r == RNP_SUCCESS)
		r = rnp_output_memory_get_buf(output, &packets, &length, false);
	if (r != RNP_SUCCESS)
		return refuse_keys(name, r, err);
	return import_keys(ring, packets, length, name, err);
}

/*
 * Key files of distributions have several blocks with text before and between them. They are
 * imported one by one: librnp would write a warning of its own to standard error about the text.
 */
int
openpgp_keyring_add(struct openpgp_keyring *ring, const void *bytes, size_t size, const char *name,
		    struct error *err)
{
	static const char begin[] = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
	static const char end[] = "-----END PGP PUBLIC KEY BLOCK-----";
	const char *stop = (const char *)bytes + size;
	const char *block = memmem(bytes, size, begin, sizeof(begin) - 1);

	if (block == NULL) {
		/* An old or new format packet with tag 6, "public key". */
		uint8_t first = size == 0 ? 0 : *(const uint8_t *)bytes;

		if ((first & 0xfc) != 0x98 && first != 0xc6)
			return error_set(err, ERR_INPUT, "'%s' contains no OpenPGP public key",
					 name);
		return import_keys(ring, bytes, size, name, err);
	}
	while (block != NULL) {
		const char *last = memmem(block, (size_t)(stop - block), end, sizeof(end) - 1);

		if (last == NULL)
			return error_set(err, ERR_INPUT, "'%s' is cut short within a key block",
					 name);
		last += sizeof(end) - 1;
		if (import_block(ring, block, (size_t)(last - block), name, err) < 0)
			return -1;
		block = memmem(last, (size_t)(stop - last), begin, sizeof(begin) - 1);
	}
	return 0;
}

int
openpgp_keyring_add_file(struct openpgp_keyring *ring, const char *path, struct error *err)
{
	auto_free char *bytes = NULL;
	size_t size;

	if (read_file(path, MAX_KEY_FILE, &bytes, &size, err) < 0)
		return -1;
	return openpgp_keyring_add(ring, bytes, size, path, err);
}

/* Upper case without blanks. Returns the number of digits, 0 for what is not a fingerprint. */
static size_t
normalise_fingerprint(const char *text, char *out)
{
	size_t length = 0;

	for (; *text != '\0'; text++) {
		if (*text == ' ')
			continue;
		if (!isxdigit((unsigned char)*text) || length + 1 == OPENPGP_FINGERPRINT_SIZE)
			return 0;
		out[length++] = (char)toupper((unsigned char)*text);
	}
	out[length] = '\0';
	return length;
}

int
openpgp_keyring_pin(struct openpgp_keyring *ring, const char *fingerprint, struct error *err)
{
	AUTO(key_freep) rnp_key_handle_t key = NULL;
	char pin[OPENPGP_FINGERPRINT_SIZE];
	size_t digits = normalise_fingerprint(fingerprint, pin);

	if (digits == 64)
		return error_set(err, ERR_INPUT,
				 "key %s has OpenPGP version 6, which is not supported", pin);
	if (digits != 40)
		return error_set(err, ERR_INPUT,
				 "'%s' is not a fingerprint: expected 40 hexadecimal digits",
				 fingerprint);
	if (rnp_locate_key(ring->ffi, "fingerprint", pin, &key) != RNP_SUCCESS || key == NULL)
		return error_set(
			err, ERR_NOT_FOUND,
			"no key has the fingerprint %s; add a file with it to \"key_files\"", pin);
	ring->pins = xgrow(ring->pins, ring->pin_count, sizeof(*ring->pins));
	memcpy(ring->pins[ring->pin_count++], pin, sizeof(pin));
	return 0;
}

/*
 * The version octet is the first of the packet's body, which begins after a head of two to six
 * octets (RFC 9580, 4.2). librnp is not asked about versions that it does not know: it answers
 * with messages on standard error. 0 if that is no signature packet.
 */
static unsigned int
packet_version(const uint8_t *bytes, size_t size)
{
	size_t head;

	if (size < 8 || (bytes[0] & 0x80) == 0)
		return 0;
	if ((bytes[0] & 0x40) != 0) {
		if ((bytes[0] & 0x3f) != 2)
			return 0;
		head = bytes[1] < 192 ? 2 : bytes[1] < 224 ? 3 : bytes[1] == 255 ? 6 : 0;
	} else {
		static const size_t heads[] = {2, 3, 5, 0};

		if ((bytes[0] & 0x3c) >> 2 != 2)
			return 0;
		head = heads[bytes[0] & 3];
	}
	return head == 0 ? 0 : bytes[head];
}

static void
copy_upper(char *out, size_t size, const char *text)
{
	size_t i;

	for (i = 0; text != NULL && text[i] != '\0' && i + 1 < size; i++)
		out[i] = (char)toupper((unsigned char)text[i]);
	out[i] = '\0';
}

/* Version 3 packets have the key id in a field, version 4 packets in one of two subpackets. */
static void
find_key_id(const json_t *packet, struct openpgp_packet *ret_packet)
{
	const json_t *subpacket;
	size_t i;

	copy_upper(ret_packet->key_id, sizeof(ret_packet->key_id),
		   json_string_value(json_object_get(packet, "signer")));
	json_array_foreach (json_object_get(packet, "subpackets"), i, subpacket) {
		const char *id = json_string_value(json_object_get(subpacket, "issuer keyid"));
		const char *fp = json_string_value(json_object_get(subpacket, "fingerprint"));

		if (id == NULL && fp != NULL && strlen(fp) == 40)
			id = fp + 24;
		if (id != NULL)
			copy_upper(ret_packet->key_id, sizeof(ret_packet->key_id), id);
	}
}

static int
dump_packets(const void *bytes, size_t size, const char *name, json_t **ret_packets,
	     struct error *err)
{
	AUTO(input_freep) rnp_input_t input = NULL;
	AUTO(buffer_freep) char *text = NULL;
	rnp_result_t r = rnp_input_from_memory(&input, bytes, size, false);

	if (r == RNP_SUCCESS)
		r = rnp_dump_packets_to_json(input, 0, &text);
	if (r != RNP_SUCCESS)
		return error_set(err, ERR_INPUT, "cannot read the signature of '%s': %s", name,
				 rnp_result_to_string(r));
	*ret_packets = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_array(*ret_packets) || json_array_size(*ret_packets) != 1)
		return error_set(err, ERR_INPUT, "signature of '%s' is not a single OpenPGP packet",
				 name);
	return 0;
}

int
openpgp_inspect(const void *bytes, size_t size, const char *name, struct openpgp_packet *ret_packet,
		struct error *err)
{
	AUTO(json_freep) json_t *packets = NULL;
	struct openpgp_packet packet = {.version = packet_version(bytes, size)};
	const json_t *dump;

	if (packet.version == 0)
		return error_set(err, ERR_INPUT,
				 "signature of '%s' is not an OpenPGP signature packet", name);
	if (packet.version == 3 || packet.version == 4) {
		if (dump_packets(bytes, size, name, &packets, err) < 0)
			return -1;
		dump = json_array_get(packets, 0);
		if (json_integer_value(json_object_get(dump, "version")) != packet.version)
			return error_set(err, ERR_INPUT, "signature of '%s' is malformed", name);
		copy_upper(packet.hash, sizeof(packet.hash),
			   json_string_value(json_object_get(dump, "hash algorithm.str")));
		find_key_id(dump, &packet);
	}
	*ret_packet = packet;
	return 0;
}

static bool
is_pinned(const struct openpgp_keyring *ring, const char *fingerprint, const char **ret_pin)
{
	for (size_t i = 0; fingerprint != NULL && i < ring->pin_count; i++) {
		if (strcasecmp(ring->pins[i], fingerprint) == 0) {
			*ret_pin = ring->pins[i];
			return true;
		}
	}
	return false;
}

/* Whether the key, or the primary key that it belongs to, is pinned. */
static bool
key_is_pinned(const struct openpgp_keyring *ring, rnp_key_handle_t key, const char **ret_pin)
{
	AUTO(buffer_freep) char *own = NULL;
	AUTO(buffer_freep) char *primary = NULL;
	bool is_sub = false;

	if (rnp_key_get_fprint(key, &own) == RNP_SUCCESS && is_pinned(ring, own, ret_pin))
		return true;
	if (rnp_key_is_sub(key, &is_sub) != RNP_SUCCESS || !is_sub)
		return false;
	return rnp_key_get_primary_fprint(key, &primary) == RNP_SUCCESS &&
	       is_pinned(ring, primary, ret_pin);
}

static bool
hash_is_strong(const char *hash)
{
	return strcmp(hash, "SHA256") == 0 || strcmp(hash, "SHA384") == 0 ||
	       strcmp(hash, "SHA512") == 0;
}

static int
refuse_key(const struct openpgp_keyring *ring, const char *key_id, const char *name,
	   struct error *err)
{
	auto_free char *pins = xstrdup("");

	for (size_t i = 0; i < ring->pin_count; i++) {
		char *longer = xasprintf("%s%s%s", pins, i == 0 ? "" : ", ", ring->pins[i]);

		free(pins);
		pins = longer;
	}
	return error_set(err, ERR_VERIFY,
			 "'%s' is signed by key %s, which is not pinned (%s); to accept it, add "
			 "its fingerprint to \"keys\"",
			 name, key_id[0] != '\0' ? key_id : "without an id",
			 pins[0] != '\0' ? pins : "no key is");
}

/* What can be said before any cryptography, and is therefore said best. */
static int
check_packet(const struct openpgp_keyring *ring, const struct openpgp_packet *packet,
	     const char *name, struct error *err)
{
	AUTO(key_freep) rnp_key_handle_t key = NULL;
	const char *pin;

	if (packet->version != 3 && packet->version != 4)
		return error_set(err, ERR_VERIFY,
				 "'%s': OpenPGP signature version %u is not supported; use a copy "
				 "signed with version 4",
				 name, packet->version);
	if (!hash_is_strong(packet->hash))
		return error_set(
			err, ERR_VERIFY,
			"signature of '%s' is weak: it uses %s, SHA-256 or better is required",
			name, packet->hash[0] != '\0' ? packet->hash : "an unknown hash");
	if (packet->key_id[0] == '\0' ||
	    rnp_locate_key(ring->ffi, "keyid", packet->key_id, &key) != RNP_SUCCESS ||
	    key == NULL || !key_is_pinned(ring, key, &pin))
		return refuse_key(ring, packet->key_id, name, err);
	return 0;
}

static int
refuse_signature(const char *name, const char *key_id, rnp_result_t r, struct error *err)
{
	return error_set(err, ERR_VERIFY, "bad signature of '%s' by key %s: %s", name, key_id,
			 rnp_result_to_string(r));
}

/* Reads the result of the one signature: only RNP_SUCCESS of a pinned key means yes. */
static int
judge(const struct openpgp_keyring *ring, rnp_op_verify_t op, const struct openpgp_packet *packet,
      const char *name, struct openpgp_signer *ret_signer, struct error *err)
{
	AUTO(key_freep) rnp_key_handle_t key = NULL;
	AUTO(buffer_freep) char *hash = NULL;
	rnp_op_verify_signature_t signature;
	const char *pin;
	uint32_t created = 0;
	size_t count = 0;
	rnp_result_t r;

	if (rnp_op_verify_get_signature_count(op, &count) != RNP_SUCCESS || count != 1 ||
	    rnp_op_verify_get_signature_at(op, 0, &signature) != RNP_SUCCESS)
		return refuse_signature(name, packet->key_id, RNP_ERROR_SIGNATURE_INVALID, err);
	r = rnp_op_verify_signature_get_status(signature);
	if (r != RNP_SUCCESS)
		return refuse_signature(name, packet->key_id, r, err);
	if (rnp_op_verify_signature_get_key(signature, &key) != RNP_SUCCESS || key == NULL ||
	    !key_is_pinned(ring, key, &pin))
		return refuse_key(ring, packet->key_id, name, err);
	if (rnp_op_verify_signature_get_hash(signature, &hash) != RNP_SUCCESS ||
	    !hash_is_strong(hash) ||
	    rnp_op_verify_signature_get_times(signature, &created, NULL) != RNP_SUCCESS)
		return refuse_signature(name, packet->key_id, RNP_ERROR_SIGNATURE_INVALID, err);
	copy_upper(ret_signer->fingerprint, sizeof(ret_signer->fingerprint), pin);
	ret_signer->signed_sec = created;
	return 0;
}

int
openpgp_verify(struct openpgp_keyring *ring, const void *signature, size_t signature_size,
	       const void *data, size_t data_size, const char *name,
	       struct openpgp_signer *ret_signer, struct error *err)
{
	AUTO(input_freep) rnp_input_t signature_input = NULL;
	AUTO(input_freep) rnp_input_t data_input = NULL;
	AUTO(verify_freep) rnp_op_verify_t op = NULL;
	struct openpgp_packet packet;
	rnp_result_t r;

	if (openpgp_inspect(signature, signature_size, name, &packet, err) < 0) {
		err->code = ERR_VERIFY;
		return -1;
	}
	if (check_packet(ring, &packet, name, err) < 0)
		return -1;
	if (rnp_input_from_memory(&signature_input, signature, signature_size, false) !=
		    RNP_SUCCESS ||
	    rnp_input_from_memory(&data_input, data, data_size, false) != RNP_SUCCESS ||
	    rnp_op_verify_detached_create(&op, ring->ffi, data_input, signature_input) !=
		    RNP_SUCCESS)
		return error_set(err, ERR_IO, "cannot verify '%s': out of memory", name);
	r = rnp_op_verify_execute(op);
	if (r != RNP_SUCCESS && r != RNP_ERROR_SIGNATURE_INVALID)
		return refuse_signature(name, packet.key_id, r, err);
	return judge(ring, op, &packet, name, ret_signer, err);
}
