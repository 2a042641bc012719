#include "sources/decompress.h"

#include "base/alloc.h"
#include "base/strbuf.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK (256U << 10)

struct decompressor {
	struct archive *archive;
	char *name;
	int fd; /* borrowed */
	uint64_t offset;
	uint8_t *chunk; /* what libarchive is reading from */

	const uint8_t *block; /* what it has decompressed and was not read yet; its own */
	size_t block_size;
	bool at_end;
};

static const struct {
	const char *word;
	const char *ending;
	enum compression compression;
	int (*support)(struct archive *archive);
} filters[] = {
	{"gzip", ".gz", COMPRESSION_GZIP, archive_read_support_filter_gzip},
	{"bzip2", ".bz2", COMPRESSION_BZIP2, archive_read_support_filter_bzip2},
	{"lzma", ".lzma", COMPRESSION_LZMA, archive_read_support_filter_lzma},
	{"xz", ".xz", COMPRESSION_XZ, archive_read_support_filter_xz},
	{"zstd", ".zst", COMPRESSION_ZSTD, archive_read_support_filter_zstd},
};

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

	do {
		n = pread(d->fd, d->chunk, CHUNK, (off_t)d->offset);
	} while (n < 0 && errno == EINTR);
	if (n < 0) {
		archive_set_error(archive, errno, "%s", strerror(errno));
		return -1;
	}
	d->offset += (uint64_t)n;
	*ret_bytes = d->chunk;
	return n;
}

/* libarchive says ARCHIVE_FATAL for bad data and for failed reads alike; errno tells them apart. */
static int
refuse(struct decompressor *d, struct error *err)
{
	const char *text = archive_error_string(d->archive);
	bool io = archive_errno(d->archive) == EIO || archive_errno(d->archive) == ENOMEM;

	return error_set(err, io ? ERR_IO : ERR_INPUT, "cannot decompress '%s': %s", d->name,
			 text != NULL ? text : "no reason given");
}

static int
add_filter(struct decompressor *d, enum compression compression, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(filters); i++) {
		if (filters[i].compression != compression)
			continue;
		/* ARCHIVE_WARN: it would run an external program, which is no substitute. */
		if (filters[i].support(d->archive) != ARCHIVE_OK)
			return error_set(err, ERR_IO,
					 "cannot read '%s': libarchive was built without %s",
					 d->name, filters[i].word);
	}
	return 0;
}

/*
 * libarchive recognises a filter by the data's first bytes, and passes data through when none
 * fits. One that is not what was announced is refused here.
 */
static int
check_filter(struct decompressor *d, enum compression compression, struct error *err)
{
	/* The list always ends with the source itself, which counts as "none". */
	bool filtered = archive_filter_count(d->archive) > 1;

	if (filtered == (compression != COMPRESSION_NONE))
		return 0;
	return error_set(err, ERR_INPUT, "'%s' is not compressed as it says", d->name);
}

static int
begin(struct decompressor *d, enum compression compression, struct error *err)
{
	struct archive_entry *entry;
	int r;

	if (add_filter(d, compression, err) < 0)
		return -1;
	if (archive_read_support_format_raw(d->archive) != ARCHIVE_OK ||
	    archive_read_support_format_empty(d->archive) != ARCHIVE_OK ||
	    archive_read_open(d->archive, d, NULL, read_chunk, NULL) != ARCHIVE_OK)
		return refuse(d, err);
	r = archive_read_next_header(d->archive, &entry);
	d->at_end = r == ARCHIVE_EOF;
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN && r != ARCHIVE_EOF)
		return refuse(d, err);
	return check_filter(d, compression, err);
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
		return error_set(err, ERR_IO, "cannot decompress '%s': no memory", name);
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
		int r = archive_read_data_block(d->archive, &bytes, &d->block_size, &offset);

		if (r == ARCHIVE_EOF) {
			d->block_size = 0;
			d->at_end = true;
		} else if (r != ARCHIVE_OK) {
			return refuse(d, err);
		}
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
