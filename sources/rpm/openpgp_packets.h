/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The packets of a file of OpenPGP public keys (RFC 9580, 4.2), and which of them librnp knows. It
 * skips the others itself, but writes about each to standard error.
 */

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Copies the keys and subkeys of versions 2 to 4 and of algorithms that librnp supports, with their
 * user ids and signatures, to `*ret_known`, to be freed by the caller; it is empty if there are
 * none. The user ids, subkeys and signatures of a skipped key are skipped, too.
 *
 * ERR_INPUT with `name` if the bytes are not a sequence of whole packets.
 */
int openpgp_known_packets(const uint8_t *bytes, size_t size, const char *name, uint8_t **ret_known,
			  size_t *ret_size, struct error *err) CHECKED;
