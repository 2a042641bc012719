/* SPDX-License-Identifier: MIT */
#include "sources/rpm/package_keys.h"

static int
fill(struct openpgp_keyring *ring, const char *const *fingerprints, size_t fingerprint_count,
     const char *const *files, size_t file_count, struct error *err)
{
	for (size_t i = 0; i < package_key_count; i++) {
		if (openpgp_keyring_add(ring, package_keys[i].bytes, package_keys[i].size,
					package_keys[i].name, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < file_count; i++) {
		if (openpgp_keyring_add_file(ring, files[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; i < fingerprint_count; i++) {
		if (openpgp_keyring_pin(ring, fingerprints[i], err) < 0)
			return -1;
	}
	return 0;
}

int
package_keyring_new(const char *const *fingerprints, size_t fingerprint_count,
		    const char *const *files, size_t file_count, struct openpgp_keyring **ret_ring,
		    struct error *err)
{
	AUTO(openpgp_keyring_freep) struct openpgp_keyring *ring = NULL;

	if (openpgp_keyring_new(&ring, err) < 0 ||
	    fill(ring, fingerprints, fingerprint_count, files, file_count, err) < 0)
		return -1;
	*ret_ring = TAKE(ring);
	return 0;
}
