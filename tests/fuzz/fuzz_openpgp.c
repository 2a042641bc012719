/* SPDX-License-Identifier: MIT */
#include "sources/rpm/openpgp.h"
#include "sources/rpm/openpgp_packets.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What is known of a file of keys is a part of it, and all of that is known. */
static void
keys(const uint8_t *bytes, size_t size)
{
	AUTO(openpgp_keyring_freep) struct openpgp_keyring *ring = NULL;
	auto_free uint8_t *known = NULL, *again = NULL;
	struct error err = ERROR_INIT;
	size_t length, second;

	if (openpgp_keyring_new(&ring, &err) < 0)
		abort();
	(void)!openpgp_keyring_add(ring, bytes, size, "fuzz", &err);
	if (openpgp_known_packets(bytes, size, "fuzz", &known, &length, &err) < 0)
		return;
	if (length > size ||
	    openpgp_known_packets(known, length, "fuzz", &again, &second, &err) < 0 ||
	    second != length || memcmp(known, again, length) != 0)
		abort();
}

/* No signature is good without a key. */
static void
signature(const uint8_t *bytes, size_t size)
{
	AUTO(openpgp_keyring_freep) struct openpgp_keyring *ring = NULL;
	struct openpgp_packet packet;
	struct openpgp_signer signer;
	struct error err = ERROR_INIT;

	if (openpgp_inspect(bytes, size, "fuzz", &packet, &err) < 0)
		return;
	if (strlen(packet.key_id) > 16 || strlen(packet.hash) > 15 ||
	    openpgp_keyring_new(&ring, &err) < 0 ||
	    openpgp_verify(ring, bytes, size, "data", 4, "fuzz", &signer, &err) == 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	keys(bytes, size);
	signature(bytes, size);
	return 0;
}
