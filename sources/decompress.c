/* SPDX-License-Identifier: MIT */
#include "sources/decompress.h"

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/strbuf.h"
#include "sources/xz.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (256U << 10)

enum { LZMA_HEAD = 13 };

struct decompressor {
	struct archive *archive;
	struct xz *xz; /* decodes what libarchive reads, or NULL */
	char *name;
	int fd; /* borrowed */
	uint64_t offset;
	int read_errno; /* of the read that failed */
	uint8_t *chunk; /* what libarchive is reading from */

	const uint8_t *block; /* what it has decompressed and was not read yet; its own */
	size_t block_size;
	bool at_end;
};

/*
 * A file of LZMA has no magic, and its decoder refuses what it cannot read: one octet of
 * properties, four of the size of the dictionary, eight of the content's.
 */
static const struct filter {
	const char *word;
	const char *ending;
	enum compression compression;
	int code;
	const char *magic;
} filters[] = {
	{"gzip", ".gz", COMPRESSION_GZIP, ARCHIVE_FILTER_GZIP, "\x1f\x8b\x08"},
	{"bzip2", ".bz2", COMPRESSION_BZIP2, ARCHIVE_FILTER_BZIP2, "BZh"},
	{"lzma", ".lzma", COMPRESSION_LZMA, ARCHIVE_FILTER_LZMA, ""},
	{"xz", ".xz", COMPRESSION_XZ, ARCHIVE_FILTER_XZ, "\xfd\x37zXZ"},
	{"zstd", ".zst", COMPRESSION_ZSTD, ARCHIVE_FILTER_ZSTD, "\x28\xb5\x2f\xfd"},
};

static bool
begins_as(const struct filter *filter, const uint8_t *bytes, size_t size)
{
	size_t length = strlen(filter->magic);

	return size != 0 && size >= length && memcmp(bytes, filter->magic, length) == 0;
}

/* The decoder takes as much memory as it is told here. "xz -9" makes dictionaries of 64 MiB. */
static int
check_dictionary(const struct decompressor *d, const uint8_t *head, size_t size, struct error *err)
{
	uint64_t dictionary = 0;

	if (size < LZMA_HEAD)
		return error_set(err, ERR_INPUT, "'%s' does not have the stated compression",
				 d->name);
	for (size_t i = 4; i > 0; i--)
		dictionary = dictionary << 8 | head[i];
	if (dictionary > XZ_MAX_DICTIONARY)
		return error_set(err, ERR_INPUT,
				 "'%s' needs a dictionary of %llu bytes to decompress, at most "
				 "%llu are allowed",
				 d->name, (unsigned long long)dictionary,
				 (unsigned long long)XZ_MAX_DICTIONARY);
	return 0;
}

bool
compression_parse(const char *word, enum compression *ret_compression)
{
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		if (strcmp(word, filters[i].word) == 0) {
			*ret_compression = filters[i].compression;
			return true;
		}
	}
	return false;
}

enum compression
compression_of_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		if (text_ends_with(name, filters[i].ending))
			return filters[i].compression;
	}
	return COMPRESSION_NONE;
}

static la_ssize_t
read_chunk(struct archive *archive, void *client, const void **ret_bytes)
{
	struct decompressor *d = client;
	ssize_t n;

	(void)archive;
	/* Here as well as in next_block(): much may go in before anything comes out. */
	if (interrupt_pending()) {
		d->read_errno = EINTR;
		return -1;
	}
	n = TEMP_FAILURE_RETRY(pread(d->fd, d->chunk, CHUNK, (off_t)d->offset));
	if (n < 0) {
		d->read_errno = errno;
		return -1;
	}
	d->offset += (uint64_t)n;
	*ret_bytes = d->chunk;
	return n;
}

/* libarchive says ARCHIVE_FATAL for bad data and for failed reads alike. */
static int
refuse(struct decompressor *d, const char *reason, struct error *err)
{
	int number = archive_errno(d->archive);

	if (interrupt_check(err) < 0)
		return -1;
	if (d->read_errno != 0) {
		errno = d->read_errno;
		return error_set_errno(err, ERR_IO, "cannot read '%s'", d->name);
	}
	return error_set(err, number == ENOMEM ? ERR_IO : ERR_INPUT, "cannot decompress '%s': %s",
			 d->name, reason != NULL ? reason : "no reason given");
}

/* The filters for gzip and bzip2 take a read that failed between two members for the end. */
static int
end(struct decompressor *d, struct error *err)
{
	if (d->read_errno != 0)
		return refuse(d, NULL, err);
	d->block_size = 0;
	d->at_end = true;
	return 0;
}

/*
 * One filter, and no other: libarchive would otherwise go on to look for compressed data within the
 * compressed data, and undo that too. An appended filter is not asked whether it fits, and takes
 * what does not begin as it should for the end of the data, so that is compared here.
 */
static int
add_filter(struct decompressor *d, enum compression compression, struct error *err)
{
	uint8_t first[LZMA_HEAD];
	ssize_t n = TEMP_FAILURE_RETRY(pread(d->fd, first, sizeof(first), (off_t)d->offset));

	if (n < 0)
		return error_set_errno(err, ERR_IO, "cannot read '%s'", d->name);
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		if (filters[i].compression != compression)
			continue;
		if (!begins_as(&filters[i], first, (size_t)n))
			return error_set(err, ERR_INPUT,
					 "'%s' does not have the stated compression", d->name);
		if (compression == COMPRESSION_LZMA &&
		    check_dictionary(d, first, (size_t)n, err) < 0)
			return -1;
		if (compression == COMPRESSION_XZ) {
			d->xz = xz_new(read_chunk, d);
			return 0;
		}
		/* ARCHIVE_WARN: it would run an external program, which is no substitute. */
		if (archive_read_append_filter(d->archive, filters[i].code) != ARCHIVE_OK)
			return error_set(err, ERR_IO,
					 "cannot read '%s': libarchive was built without %s",
					 d->name, filters[i].word);
	}
	return 0;
}

static int
begin(struct decompressor *d, enum compression compression, struct error *err)
{
	const char *reason = "the data is damaged or cut short";
	struct archive_entry *entry;
	int r;

	if (add_filter(d, compression, err) < 0)
		return -1;
	/*
	 * Any byte is of the format "raw": without one the reason has been forgotten. To the format
	 * "empty" what fails at its first byte is empty too, so that it is only for a plain file.
	 */
	if (archive_read_support_format_raw(d->archive) != ARCHIVE_OK ||
	    (compression == COMPRESSION_NONE &&
	     archive_read_support_format_empty(d->archive) != ARCHIVE_OK) ||
	    archive_read_set_read_callback(d->archive, d->xz != NULL ? xz_read : read_chunk) !=
		    ARCHIVE_OK ||
	    archive_read_set_callback_data(d->archive, d->xz != NULL ? (void *)d->xz : d) !=
		    ARCHIVE_OK ||
	    archive_read_open1(d->archive) != ARCHIVE_OK)
		return refuse(d, xz_reason(d->xz) != NULL ? xz_reason(d->xz) : reason, err);
	r = archive_read_next_header(d->archive, &entry);
	if (r == ARCHIVE_EOF)
		return end(d, err);
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
		return refuse(d, xz_reason(d->xz) != NULL ? xz_reason(d->xz) : reason, err);
	return 0;
}

int
decompressor_open(int fd, uint64_t offset, enum compression compression, const char *name,
		  struct decompressor **ret_decompressor, struct error *err)
{
	AUTO(decompressor_freep) struct decompressor *d = xcalloc(1, sizeof(*d));

	d->name = xstrdup(name);
	d->fd = fd;
	d->offset = offset;
	d->chunk = xmalloc(CHUNK);
	d->archive = archive_read_new();
	if (d->archive == NULL)
		return error_set(err, ERR_IO, "cannot decompress '%s': out of memory", name);
	if (begin(d, compression, err) < 0)
		return -1;
	*ret_decompressor = TAKE(d);
	return 0;
}

/* Makes `block` hold something unless the data has ended. */
static int
next_block(struct decompressor *d, struct error *err)
{
	while (d->block_size == 0 && !d->at_end) {
		const void *bytes;
		la_int64_t offset;
		int r;

		if (interrupt_check(err) < 0)
			return -1;
		r = archive_read_data_block(d->archive, &bytes, &d->block_size, &offset);
		if (r == ARCHIVE_EOF)
			return end(d, err);
		if (r != ARCHIVE_OK)
			return refuse(d, archive_error_string(d->archive), err);
		d->block = bytes;
	}
	return 0;
}

ssize_t
decompressor_read(struct decompressor *d, void *buffer, size_t length, struct error *err)
{
	uint8_t *out = buffer;
	size_t done = 0;

	while (done < length) {
		size_t n;

		if (next_block(d, err) < 0)
			return -1;
		if (d->block_size == 0)
			break;
		n = length - done < d->block_size ? length - done : d->block_size;
		if (out != NULL)
			memcpy(out + done, d->block, n);
		d->block += n;
		d->block_size -= n;
		done += n;
	}
	return (ssize_t)done;
}

void
decompressor_free(struct decompressor *d)
{
	if (d == NULL)
		return;
	if (d->archive != NULL)
		(void)archive_read_free(d->archive);
	xz_free(d->xz);
	free(d->chunk);
	free(d->name);
	free(d);
}

void
decompressor_freep(struct decompressor **d)
{
	decompressor_free(*d);
	*d = NULL;
}
