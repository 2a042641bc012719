/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * OpenPGP signatures, verified with pinned keys only. Wraps librnp.
 *
 * Nothing of the machine is used: no key ring, policy or trust database. A key is trusted because
 * its fingerprint is pinned, so its own certifications and their age do not matter.
 */

#include "base/cleanup.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

#define OPENPGP_FINGERPRINT_SIZE 65 /* up to 64 upper-case digits and the terminator */

struct openpgp_signer {
	char fingerprint[OPENPGP_FINGERPRINT_SIZE]; /* the pinned one */
	int64_t signed_sec;                         /* time in the signature */
};

struct openpgp_keyring;

/* An empty ring, to be freed by the caller. ERR_IO. For use by one thread at a time. */
int openpgp_keyring_new(struct openpgp_keyring **ret_ring, struct error *err) CHECKED;

void openpgp_keyring_free(struct openpgp_keyring *ring);
void openpgp_keyring_freep(struct openpgp_keyring **ring); /* for AUTO() */

/*
 * Adds the public keys in `bytes`, armored or not. Text around the armor is ignored. They are not
 * accepted until their fingerprints are pinned. `name` is for messages. ERR_INPUT.
 */
int openpgp_keyring_add(struct openpgp_keyring *ring, const void *bytes, size_t size,
			const char *name, struct error *err) CHECKED;

/* The same for a file of at most 1 MiB. Also ERR_NOT_FOUND and ERR_IO. */
int
openpgp_keyring_add_file(struct openpgp_keyring *ring, const char *path, struct error *err) CHECKED;

/*
 * Accepts the key with this fingerprint: 40 hexadecimal digits in either case, spaces allowed
 * between them. The fingerprint of a primary key includes its subkeys. ERR_INPUT if it is not a
 * fingerprint, ERR_NOT_FOUND if no such key was added.
 */
int openpgp_keyring_pin(struct openpgp_keyring *ring, const char *fingerprint,
			struct error *err) CHECKED;

/* The values in one signature packet. None of them is verified. */
struct openpgp_packet {
	unsigned int version; /* 3 or 4; for other versions nothing else is set */
	char hash[16];        /* "SHA256" */
	char key_id[17];      /* of the signer, upper case, "" if missing */
};

/* Reads the one signature packet in `bytes`. ERR_INPUT if there is none, or more than one. */
int openpgp_inspect(const void *bytes, size_t size, const char *name,
		    struct openpgp_packet *ret_packet, struct error *err) CHECKED;

/*
 * Verifies the one binary signature packet in `signature`, over `data`, by a pinned key. Versions 3
 * and 4 are supported, and the hash must be SHA-256, SHA-384 or SHA-512. `name` is what was signed,
 * for messages. On success fills `*ret_signer`.
 *
 * ERR_VERIFY in every other case, with what is wrong: unknown version, weak hash, a key that is not
 * pinned, or a signature that does not match the data. ERR_IO if memory is short.
 */
int openpgp_verify(struct openpgp_keyring *ring, const void *signature, size_t signature_size,
		   const void *data, size_t data_size, const char *name,
		   struct openpgp_signer *ret_signer, struct error *err) CHECKED;
