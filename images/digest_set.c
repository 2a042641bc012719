/* SPDX-License-Identifier: MIT */
#include "images/digest_set.h"

#include "base/alloc.h"

#include <search.h>
#include <string.h>

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct digest));
}

bool
digest_set_add(struct digest_set *set, const struct digest *digest)
{
	struct digest *copy = xmalloc(sizeof(*copy));
	struct digest **found;

	*copy = *digest;
	found = tsearch(copy, &set->root, compare);
	if (found == NULL)
		out_of_memory();
	if (*found == copy)
		return true;
	free(copy);
	return false;
}

bool
digest_set_has(const struct digest_set *set, const struct digest *digest)
{
	return tfind(digest, &set->root, compare) != NULL;
}

void
digest_set_clear(struct digest_set *set)
{
	tdestroy(set->root, free);
	set->root = NULL;
}
