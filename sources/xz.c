/* SPDX-License-Identifier: MIT */
#include "sources/xz.h"

#include "base/alloc.h"

#include <archive.h>
#include <errno.h>
#include <lzma.h>
#include <stdbool.h>

/* The dictionary, and what else the decoder needs. */
#define MAX_MEMORY (XZ_MAX_DICTIONARY + (UINT64_C(1) << 20))

enum { OUT_SIZE = 256 << 10 };

struct xz {
	xz_input *input;
	void *context;
	lzma_stream stream;
	lzma_ret status;
	bool at_end; /* of the input */
	uint8_t *out;
};

struct xz *
xz_new(xz_input *input, void *context)
{
	struct xz *xz = xcalloc(1, sizeof(*xz));

	xz->input = input;
	xz->context = context;
	xz->stream = (lzma_stream)LZMA_STREAM_INIT;
	xz->status = lzma_stream_decoder(&xz->stream, MAX_MEMORY, LZMA_CONCATENATED);
	xz->out = xmalloc(OUT_SIZE);
	return xz;
}

void
xz_free(struct xz *xz)
{
	if (xz == NULL)
		return;
	lzma_end(&xz->stream);
	free(xz->out);
	free(xz);
}

const char *
xz_reason(const struct xz *xz)
{
	if (xz == NULL || xz->status == LZMA_OK || xz->status == LZMA_STREAM_END)
		return NULL;
	if (xz->status == LZMA_MEM_ERROR)
		return "out of memory";
	if (xz->status == LZMA_MEMLIMIT_ERROR)
		return "it requires a dictionary of more than the 128 MiB allowed";
	if (xz->status == LZMA_OPTIONS_ERROR)
		return "it uses an xz feature that is not supported";
	return "invalid xz data";
}

bool
xz_is_sound(const struct xz *xz)
{
	return xz != NULL &&
	       (xz->status == LZMA_MEMLIMIT_ERROR || xz->status == LZMA_OPTIONS_ERROR);
}

ssize_t
xz_read(struct archive *archive, void *context, const void **ret_bytes)
{
	struct xz *xz = context;

	xz->stream.next_out = xz->out;
	xz->stream.avail_out = OUT_SIZE;
	while (xz->status == LZMA_OK && xz->stream.avail_out == OUT_SIZE) {
		if (xz->stream.avail_in == 0 && !xz->at_end) {
			const void *bytes = NULL;
			ssize_t n = xz->input(archive, xz->context, &bytes);

			if (n < 0)
				return ARCHIVE_FATAL;
			xz->stream.next_in = bytes;
			xz->stream.avail_in = (size_t)n;
			xz->at_end = n == 0;
		}
		xz->status = lzma_code(&xz->stream, xz->at_end ? LZMA_FINISH : LZMA_RUN);
	}
	/* What came before a failure is given first. */
	if (xz->stream.avail_out == OUT_SIZE && xz_reason(xz) != NULL) {
		archive_set_error(archive, xz->status == LZMA_MEM_ERROR ? ENOMEM : EINVAL, "%s",
				  xz_reason(xz));
		return ARCHIVE_FATAL;
	}
	*ret_bytes = xz->out;
	return (ssize_t)(OUT_SIZE - xz->stream.avail_out);
}
