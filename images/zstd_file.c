/* SPDX-License-Identifier: MIT */
#include "images/zstd_file.h"

#include "base/alloc.h"
#include "base/file.h"

#include <zstd.h>

enum { LEVEL = 10, WINDOW_LOG = 27, OUT_SIZE = 256 << 10 };

struct zstd_file {
	int fd;
	const char *name;
	ZSTD_CCtx *context;
	uint8_t *out;
	struct hasher *packed;
	struct hasher *content;
	uint64_t size;
};

struct zstd_file *
zstd_file_new(int fd, const char *name, uint64_t size)
{
	struct zstd_file *file = xcalloc(1, sizeof(*file));

	file->fd = fd;
	file->name = name;
	file->context = ZSTD_createCCtx();
	if (file->context == NULL)
		out_of_memory();
	(void)ZSTD_CCtx_setParameter(file->context, ZSTD_c_compressionLevel, LEVEL);
	(void)ZSTD_CCtx_setParameter(file->context, ZSTD_c_enableLongDistanceMatching, 1);
	(void)ZSTD_CCtx_setParameter(file->context, ZSTD_c_windowLog, WINDOW_LOG);
	(void)ZSTD_CCtx_setParameter(file->context, ZSTD_c_checksumFlag, 1);
	(void)ZSTD_CCtx_setPledgedSrcSize(file->context, size);
	file->out = xmalloc(OUT_SIZE);
	file->packed = hasher_new();
	file->content = hasher_new();
	return file;
}

void
zstd_file_free(struct zstd_file *file)
{
	if (file == NULL)
		return;
	(void)ZSTD_freeCCtx(file->context);
	hasher_free(file->packed);
	hasher_free(file->content);
	free(file->out);
	free(file);
}

void
zstd_file_freep(struct zstd_file **file)
{
	zstd_file_free(*file);
	*file = NULL;
}

static int
run(struct zstd_file *file, ZSTD_inBuffer *in, ZSTD_EndDirective directive, struct error *err)
{
	size_t left;

	do {
		ZSTD_outBuffer out = {file->out, OUT_SIZE, 0};

		left = ZSTD_compressStream2(file->context, &out, in, directive);
		if (ZSTD_isError(left))
			return error_set(err, ERR_IO, "cannot compress '%s': %s", file->name,
					 ZSTD_getErrorName(left));
		if (write_all(file->fd, file->out, out.pos, file->name, err) < 0)
			return -1;
		hasher_update(file->packed, file->out, out.pos);
		file->size += out.pos;
	} while (directive == ZSTD_e_end ? left != 0 : in->pos < in->size);
	return 0;
}

int
zstd_file_add(struct zstd_file *file, const void *bytes, size_t length, struct error *err)
{
	ZSTD_inBuffer in = {bytes, length, 0};

	hasher_update(file->content, bytes, length);
	return length != 0 ? run(file, &in, ZSTD_e_continue, err) : 0;
}

int
zstd_file_finish(struct zstd_file *file, struct digest *ret_digest, uint64_t *ret_size,
		 struct digest *ret_content, struct error *err)
{
	ZSTD_inBuffer in = {NULL, 0, 0};

	if (run(file, &in, ZSTD_e_end, err) < 0)
		return -1;
	hasher_finish(file->packed, ret_digest);
	hasher_finish(file->content, ret_content);
	*ret_size = file->size;
	return 0;
}
