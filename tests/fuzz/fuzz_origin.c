/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "distributor/verify/release_json.h"
#include "sign/check/sums.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

struct input {
	const uint8_t *bytes;
	size_t size;
};

/* SHA256SUMS, and the one file that it names. */
static int
read_memory(void *context, const char *name, size_t max_bytes, char **ret_text, size_t *ret_length,
	    struct error *err)
{
	const struct input *input = context;
	char hex[DIGEST_HEX_SIZE];
	struct digest digest;

	if (strcmp(name, SUMS_NAME) == 0) {
		digest_of(input->bytes, input->size, &digest);
		*ret_text = xasprintf("%s  x-1.release.json\n", digest_hex(&digest, hex));
		*ret_length = strlen(*ret_text);
		return 0;
	}
	if (input->size > max_bytes)
		return error_set(err, ERR_INPUT, "'%s' is too large", name);
	*ret_text = xmalloc(input->size + 1);
	memcpy(*ret_text, input->bytes, input->size);
	(*ret_text)[input->size] = '\0';
	*ret_length = input->size;
	return 0;
}

/* What it says of paths stays inside a repository. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};
	struct verify_files files = {.context = &input, .read = read_memory};
	AUTO(release_origin_clear) struct release_origin origin = RELEASE_ORIGIN_INIT;
	struct error err = ERROR_INIT;
	struct digest digest;
	const char *tag;

	if (release_origin_read(&files, &origin, &err) < 0)
		return 0;
	if (origin.lock_file[0] == '/' || strstr(origin.matrix_file, "..") != NULL)
		abort();
	for (size_t i = 0; release_origin_image(&origin, i, &tag, &digest, &err) > 0; i++)
		if (tag == NULL)
			abort();
	return 0;
}
