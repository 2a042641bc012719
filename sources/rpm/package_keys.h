/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The package keys that ship with the program, and key rings for RPM packages.
 */

#include "sources/rpm/openpgp.h"

/* One file of sources/keys. */
struct package_key {
	const char *name; /* "fedora-44.asc" */
	const unsigned char *bytes;
	size_t size;
};

extern const struct package_key package_keys[];
extern const size_t package_key_count;

/*
 * A ring that accepts exactly the keys with these `fingerprints`, from the shipped keys and from
 * `files`. To be freed by the caller. Errors of openpgp_keyring_add_file() and
 * openpgp_keyring_pin().
 */
int package_keyring_new(const char *const *fingerprints, size_t fingerprint_count,
			const char *const *files, size_t file_count,
			struct openpgp_keyring **ret_ring, struct error *err) CHECKED;
