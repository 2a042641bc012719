/* SPDX-License-Identifier: MIT */
#include "sources/rpm/openpgp_packets.h"

#include "base/alloc.h"

#include <stdbool.h>
#include <string.h>

enum packet_tag {
	PACKET_SIGNATURE = 2,
	PACKET_KEY = 6,
	PACKET_USER_ID = 13,
	PACKET_SUBKEY = 14,
	PACKET_USER_ATTRIBUTE = 17,
};

struct packet {
	unsigned int tag;
	size_t head, length; /* of its head, and of its body */
	const uint8_t *body;
};

static size_t
big_endian(const uint8_t *p, size_t count)
{
	size_t value = 0;

	for (size_t i = 0; i < count; i++)
		value = value << 8 | p[i];
	return value;
}

/*
 * The head is a tag and a length: in the old form one of 1, 2 or 4 octets, as the tag's last two
 * bits say, in the new form one of 1, 2 or 5 octets, as its first octet says. Lengths that come in
 * parts, or that are not told, belong to data, not to keys.
 */
static bool
read_head(const uint8_t *bytes, size_t size, struct packet *ret_packet)
{
	static const size_t old_lengths[] = {1, 2, 4, 0};
	bool is_new = (bytes[0] & 0x40) != 0;
	size_t count, length;

	if ((bytes[0] & 0x80) == 0 || size < 2)
		return false;
	if (is_new)
		count = bytes[1] < 192 ? 1 : bytes[1] < 224 ? 2 : bytes[1] == 255 ? 5 : 0;
	else
		count = old_lengths[bytes[0] & 3];
	if (count == 0 || size - 1 < count)
		return false;
	if (is_new && count == 2)
		length = ((size_t)(bytes[1] - 192) << 8) + bytes[2] + 192;
	else if (is_new && count == 5)
		length = big_endian(bytes + 2, 4);
	else
		length = big_endian(bytes + 1, count);
	if (length > size - 1 - count)
		return false;
	*ret_packet = (struct packet){
		.tag = is_new ? bytes[0] & 0x3fU : (bytes[0] & 0x3cU) >> 2,
		.head = 1 + count,
		.length = length,
		.body = bytes + 1 + count,
	};
	return true;
}

/* RSA, ElGamal, DSA, ECDH, ECDSA and EdDSA, by their numbers. */
static bool
algorithm_is_known(uint8_t algorithm)
{
	return (algorithm >= 1 && algorithm <= 3) || (algorithm >= 16 && algorithm <= 20) ||
	       algorithm == 22;
}

/* version, time (4), in old versions validity (2), algorithm */
static bool
key_is_known(const struct packet *packet)
{
	uint8_t version = packet->length >= 8 ? packet->body[0] : 0;

	if (version == 4)
		return algorithm_is_known(packet->body[5]);
	return (version == 2 || version == 3) && algorithm_is_known(packet->body[7]);
}

/*
 * Version 4: version, type, algorithm; before that: version, 5, type, time (4), key id (8),
 * algorithm.
 */
static bool
signature_is_known(const struct packet *packet)
{
	uint8_t version = packet->length >= 16 ? packet->body[0] : 0;

	if (version == 4)
		return algorithm_is_known(packet->body[2]);
	return (version == 2 || version == 3) && algorithm_is_known(packet->body[15]);
}

/* What has been let through: a key, and the subkey of it that the next signatures are of. */
struct filter {
	bool in_key, in_subkey;
};

static bool
passes(struct filter *filter, const struct packet *packet)
{
	switch (packet->tag) {
	case PACKET_KEY:
		filter->in_key = filter->in_subkey = key_is_known(packet);
		return filter->in_key;
	case PACKET_SUBKEY:
		filter->in_subkey = filter->in_key && key_is_known(packet);
		return filter->in_subkey;
	case PACKET_SIGNATURE:
		return filter->in_key && filter->in_subkey && signature_is_known(packet);
	case PACKET_USER_ID:
	case PACKET_USER_ATTRIBUTE:
		return filter->in_key;
	default:
		return false;
	}
}

int
openpgp_known_packets(const uint8_t *bytes, size_t size, const char *name, uint8_t **ret_known,
		      size_t *ret_size, struct error *err)
{
	auto_free uint8_t *known = xmalloc(size + 1);
	struct filter filter = {false, false};
	struct packet packet;
	size_t used = 0;

	for (size_t at = 0; at < size; at += packet.head + packet.length) {
		if (!read_head(bytes + at, size - at, &packet))
			return error_set(err, ERR_INPUT,
					 "'%s' is damaged: no complete OpenPGP packet at byte %zu",
					 name, at);
		if (!passes(&filter, &packet))
			continue;
		memcpy(known + used, bytes + at, packet.head + packet.length);
		used += packet.head + packet.length;
	}
	*ret_known = TAKE(known);
	*ret_size = used;
	return 0;
}
