/* SPDX-License-Identifier: MIT */
#include "pack/layer.h"

#include "base/alloc.h"
#include "base/file.h"
#include "pack/tar.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const uint8_t zeros[TAR_BLOCK + TAR_TRAILER];

struct diff_id {
	struct hasher *hasher;
	int64_t mtime_sec;
	size_t padding; /* what the member added last is still owed */
};

static void
directory_headers(uint8_t headers[2 * TAR_BLOCK], int64_t mtime_sec)
{
	tar_directory_header(headers, "usr/", mtime_sec);
	tar_directory_header(headers + TAR_BLOCK, "usr/bin/", mtime_sec);
}

static void
file_header(uint8_t header[TAR_BLOCK], const char *target, uint64_t size, int64_t mtime_sec)
{
	char inner[MEMBER_NAME_SIZE], path[TAR_NAME_LENGTH + 1];
	int length = snprintf(path, sizeof(path), "usr/bin/%s", member_name(inner, target));

	assert(length > 0 && (size_t)length < sizeof(path));
	tar_file_header(header, path, size, mtime_sec);
}

struct diff_id *
diff_id_new(int64_t mtime_sec)
{
	struct diff_id *diff_id = xcalloc(1, sizeof(*diff_id));
	uint8_t headers[2 * TAR_BLOCK];

	diff_id->hasher = hasher_new();
	diff_id->mtime_sec = mtime_sec;
	directory_headers(headers, mtime_sec);
	hasher_update(diff_id->hasher, headers, sizeof(headers));
	return diff_id;
}

void
diff_id_free(struct diff_id *diff_id)
{
	if (diff_id == NULL)
		return;
	hasher_free(diff_id->hasher);
	free(diff_id);
}

void
diff_id_freep(struct diff_id **diff_id)
{
	diff_id_free(*diff_id);
	*diff_id = NULL;
}

void
diff_id_add(struct diff_id *diff_id, const char *target, const uint8_t *bytes, size_t size)
{
	uint8_t header[TAR_BLOCK];

	hasher_update(diff_id->hasher, zeros, diff_id->padding);
	file_header(header, target, size, diff_id->mtime_sec);
	hasher_update(diff_id->hasher, header, sizeof(header));
	hasher_update(diff_id->hasher, bytes, size);
	diff_id->padding = tar_padding(size);
}

void
diff_id_finish(struct diff_id *diff_id, struct digest *ret_digest)
{
	hasher_update(diff_id->hasher, zeros, diff_id->padding + TAR_TRAILER);
	hasher_finish(diff_id->hasher, ret_digest);
}

/* Copies the content stream as it is. */
static int
copy_content(struct gzip_join *join, const struct layer_part *part, struct error *err)
{
	enum { CHUNK = 256 << 10 };
	auto_free uint8_t *chunk = xmalloc(CHUNK);
	uint64_t offset = TARBALL_CONTENT_OFFSET, left = part->member->compressed_size;

	gzip_join_begin_content(join, part->member->size, part->member->crc32);
	while (left != 0) {
		size_t length = left < CHUNK ? (size_t)left : (size_t)CHUNK;

		if (read_at(part->fd, offset, chunk, length, part->name, err) < 0)
			return -1;
		if (gzip_join_compressed(join, chunk, length, err) < 0)
			return -1;
		offset += length;
		left -= length;
	}
	return 0;
}

int
layer_write(int fd, const char *name, const struct layer_part *parts, size_t count,
	    int64_t mtime_sec, struct written_file *ret_file, struct error *err)
{
	AUTO(gzip_join_freep) struct gzip_join *join = gzip_join_new(fd, name);
	/* What stands between two contents: zeros up to the next block, or the directories. */
	uint8_t between[3 * TAR_BLOCK] = {0};
	size_t length = 2 * TAR_BLOCK;

	assert(count > 0);
	directory_headers(between, mtime_sec);
	for (size_t i = 0; i < count; i++) {
		const struct packed_member *member = parts[i].member;

		file_header(between + length, member->target, member->size, mtime_sec);
		if (gzip_join_raw(join, between, length + TAR_BLOCK, err) < 0 ||
		    copy_content(join, &parts[i], err) < 0)
			return -1;
		length = tar_padding(member->size);
		memset(between, 0, length);
	}
	return gzip_join_finish(join, length + TAR_TRAILER, ret_file, err);
}

int
layer_diff_id(const struct layer_part *parts, size_t count, int64_t mtime_sec,
	      struct digest *ret_digest, struct error *err)
{
	AUTO(diff_id_freep) struct diff_id *diff_id = diff_id_new(mtime_sec);

	for (size_t i = 0; i < count; i++) {
		const struct packed_member *wanted = parts[i].member;
		auto_free uint8_t *bytes = NULL;
		struct packed_member found;
		int64_t found_mtime_sec;

		if (tarball_read(parts[i].fd, parts[i].name, &found, &found_mtime_sec, &bytes,
				 err) < 0)
			return -1;
		if (strcmp(found.target, wanted->target) != 0 || found.size != wanted->size ||
		    found.compressed_size != wanted->compressed_size ||
		    found.crc32 != wanted->crc32 || !digest_equal(&found.sha256, &wanted->sha256))
			return error_set(err, ERR_VERIFY, "'%s' does not contain member '%s'",
					 parts[i].name, wanted->target);
		diff_id_add(diff_id, wanted->target, bytes, (size_t)found.size);
	}
	diff_id_finish(diff_id, ret_digest);
	return 0;
}
