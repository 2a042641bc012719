/* SPDX-License-Identifier: MIT */
#include "images/unpack.h"

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/strbuf.h"
#include "images/unpack_internal.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILE  ((int64_t)512 << 20)
#define MAX_LAYER ((uint64_t)2 << 30)
#define WHITEOUT  ".wh."

/*
 * A layer being read. The blob is decompressed by one libarchive and its tar read by another, so
 * that both can be hashed on their way:
 *
 *     blob -> digest of the manifest -> `stream` -> diff_id of the config -> the tar's entries
 */
struct reader {
	int fd;
	const char *name;
	struct hasher *blob, *tar;
	struct archive *stream;
	int read_errno; /* of the read that failed */
	uint64_t size;  /* of the tar so far */
	uint8_t stored[65536], plain[65536];
};

static void
archive_freep(struct archive **archive)
{
	if (*archive != NULL)
		(void)archive_read_free(*archive);
	*archive = NULL;
}

/* Hashes the next bytes of the blob into `stored`. Like read(), but a signal does not end it. */
static ssize_t
read_stored(struct reader *reader)
{
	ssize_t n;

	do
		n = read(reader->fd, reader->stored, sizeof(reader->stored));
	while (n < 0 && errno == EINTR);
	if (n > 0)
		hasher_update(reader->blob, reader->stored, (size_t)n);
	if (n < 0)
		reader->read_errno = errno;
	return n;
}

static ssize_t
read_blob(struct archive *archive, void *context, const void **ret_bytes)
{
	struct reader *reader = context;
	ssize_t n;

	/* Here as well as between entries: much may go in before anything comes out. */
	if (interrupt_pending()) {
		archive_set_error(archive, EINTR, "interrupted");
		return ARCHIVE_FATAL;
	}
	n = read_stored(reader);
	if (n < 0) {
		archive_set_error(archive, errno, "read error");
		return ARCHIVE_FATAL;
	}
	*ret_bytes = reader->stored;
	return n;
}

static ssize_t
read_tar(struct archive *archive, void *context, const void **ret_bytes)
{
	struct reader *reader = context;
	ssize_t n;

	if (interrupt_pending()) {
		archive_set_error(archive, EINTR, "interrupted");
		return ARCHIVE_FATAL;
	}
	n = archive_read_data(reader->stream, reader->plain, sizeof(reader->plain));
	if (n < 0) {
		archive_set_error(archive, archive_errno(reader->stream), "%s",
				  archive_error_string(reader->stream));
		return ARCHIVE_FATAL;
	}
	reader->size += (uint64_t)n;
	if (reader->size > MAX_LAYER) {
		archive_set_error(archive, EFBIG, "it is larger than 2 GiB");
		return ARCHIVE_FATAL;
	}
	hasher_update(reader->tar, reader->plain, (size_t)n);
	*ret_bytes = reader->plain;
	return n;
}

static int
cannot_unpack(const char *name, struct archive *archive, struct error *err)
{
	const char *reason = archive_error_string(archive);

	return error_set(err, archive_errno(archive) == ENOMEM ? ERR_IO : ERR_INPUT,
			 "cannot unpack '%s': %s", name, reason != NULL ? reason : "unreadable");
}

/*
 * The media type is not asked: what is no tar in one of these is refused. There is one filter at
 * most: libarchive would otherwise undo as many compressions as it finds, within one another.
 */
static int
add_filter(const struct reader *reader, struct error *err)
{
	uint8_t magic[4] = {0};
	int filter = ARCHIVE_FILTER_NONE;

	if (TEMP_FAILURE_RETRY(pread(reader->fd, magic, sizeof(magic), 0)) < 0)
		return error_set_errno(err, ERR_IO, "cannot read '%s'", reader->name);
	if (memcmp(magic, "\x1f\x8b\x08", 3) == 0)
		filter = ARCHIVE_FILTER_GZIP;
	else if (memcmp(magic, "\x28\xb5\x2f\xfd", 4) == 0)
		filter = ARCHIVE_FILTER_ZSTD;
	if (filter != ARCHIVE_FILTER_NONE &&
	    archive_read_append_filter(reader->stream, filter) != ARCHIVE_OK)
		return cannot_unpack(reader->name, reader->stream, err);
	return 0;
}

static int
open_stream(struct reader *reader, struct error *err)
{
	struct archive_entry *entry;

	if (add_filter(reader, err) < 0)
		return -1;
	/* Any byte is of the format "raw": without one the reason has been forgotten. */
	if (archive_read_support_format_raw(reader->stream) != ARCHIVE_OK ||
	    archive_read_set_read_callback(reader->stream, read_blob) != ARCHIVE_OK ||
	    archive_read_set_callback_data(reader->stream, reader) != ARCHIVE_OK ||
	    archive_read_open1(reader->stream) != ARCHIVE_OK ||
	    archive_read_next_header(reader->stream, &entry) != ARCHIVE_OK)
		return error_set(err, ERR_INPUT, "'%s' is damaged or cut short", reader->name);
	return 0;
}

/*
 * Whether a name stays below the directory it is unpacked into, and stands for a file: a whiteout
 * takes one of an earlier layer away.
 */
static bool
is_plain(const char *name)
{
	if (name == NULL || *name == '\0' || *name == '/' || strlen(name) >= PATH_MAX / 2)
		return false;
	while (*name != '\0') {
		size_t length = strcspn(name, "/");

		if (length == 0 || length > NAME_MAX || (length == 1 && name[0] == '.') ||
		    (length == 2 && name[0] == '.' && name[1] == '.') ||
		    text_starts_with(name, WHITEOUT))
			return false;
		name += length + (name[length] == '/');
	}
	return true;
}

/* What cannot be written is no fault of the layer, so the two are told apart. */
static int
copy_content(struct archive *archive, const char *name, const struct unpack_sink *sink,
	     struct error *err)
{
	uint8_t bytes[65536];
	ssize_t n;

	while ((n = archive_read_data(archive, bytes, sizeof(bytes))) > 0)
		if (sink->write(sink->context, bytes, (size_t)n, err) < 0)
			return -1;
	return n < 0 ? cannot_unpack(name, archive, err) : 0;
}

static int
unpack_file(struct archive *archive, struct archive_entry *entry, const struct unpack_sink *sink,
	    struct error *err)
{
	const char *name = archive_entry_pathname(entry);
	int64_t size = archive_entry_size(entry);

	if (size < 0 || size > MAX_FILE)
		return error_set(err, ERR_INPUT, "'%s' is too large: %lld bytes", name,
				 (long long)size);
	if (sink->open(sink->context, name, err) < 0 || copy_content(archive, name, sink, err) < 0)
		return -1;
	return sink->close(sink->context, archive_entry_perm(entry) & 0755, err);
}

static int
unpack_entry(struct archive *archive, struct archive_entry *entry, const struct unpack_sink *sink,
	     const char *layer, struct error *err)
{
	const char *name = archive_entry_pathname(entry);

	if (!is_plain(name))
		return error_set(err, ERR_INPUT, "'%s' has the name '%s', which is not allowed",
				 layer, name != NULL ? name : "");
	/* Holes cost nothing in the layer, whose size is limited, and fill the disk. */
	if (archive_entry_sparse_count(entry) > 0)
		return error_set(err, ERR_INPUT, "'%s' has '%s', which is a sparse file", layer,
				 name);
	if (archive_entry_hardlink(entry) == NULL && archive_entry_filetype(entry) == AE_IFREG)
		return unpack_file(archive, entry, sink, err);
	if (archive_entry_filetype(entry) == AE_IFDIR)
		return sink->directory(sink->context, name, err);
	return error_set(err, ERR_INPUT, "'%s' has '%s', which is neither a file nor a directory",
			 layer, name);
}

static int
unpack_entries(struct reader *reader, const struct unpack_sink *sink, struct error *err)
{
	AUTO(archive_freep) struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	int r;

	if (archive == NULL)
		return error_set(err, ERR_IO, "libarchive is out of memory");
	if (archive_read_support_format_tar(archive) != ARCHIVE_OK ||
	    archive_read_set_read_callback(archive, read_tar) != ARCHIVE_OK ||
	    archive_read_set_callback_data(archive, reader) != ARCHIVE_OK ||
	    archive_read_open1(archive) != ARCHIVE_OK)
		return cannot_unpack(reader->name, archive, err);
	while ((r = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
		if (interrupt_check(err) < 0 ||
		    unpack_entry(archive, entry, sink, reader->name, err) < 0)
			return -1;
	if (r != ARCHIVE_EOF)
		return cannot_unpack(reader->name, archive, err);
	/* Padding and what else may follow the last entry belongs to the digests. */
	while ((r = (int)read_tar(archive, reader, &(const void *){NULL})) > 0)
		if (interrupt_check(err) < 0)
			return -1;
	return r < 0 ? cannot_unpack(reader->name, archive, err) : 0;
}

/* To the end of the blob, however far it was understood. */
static int
compare_blob(struct reader *reader, const struct digest *want, struct error *err)
{
	char expected[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
	struct digest seen;
	ssize_t n;

	do {
		if (interrupt_check(err) < 0)
			return -1;
		n = read_stored(reader);
	} while (n > 0);
	/* Also of a read that failed once: what came after it is another blob. */
	errno = reader->read_errno;
	if (errno != 0)
		return error_set_errno(err, ERR_IO, "cannot read '%s'", reader->name);
	hasher_finish(reader->blob, &seen);
	if (!digest_equal(&seen, want))
		return error_set(err, ERR_VERIFY, "sha256 of the layer '%s' is %s, expected %s",
				 reader->name, digest_hex(&seen, got), digest_hex(want, expected));
	return 0;
}

static int
compare_tar(struct reader *reader, const struct digest *want, struct error *err)
{
	char expected[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
	struct digest seen;

	hasher_finish(reader->tar, &seen);
	if (!digest_equal(&seen, want))
		return error_set(
			err, ERR_VERIFY,
			"sha256 of the tar in the layer '%s' is %s, expected %s as in the config",
			reader->name, digest_hex(&seen, got), digest_hex(want, expected));
	return 0;
}

int
layer_unpack(int fd, const char *name, const struct digest *digest, const struct digest *diff_id,
	     const struct unpack_sink *sink, struct error *err)
{
	auto_free struct reader *reader = xmalloc(sizeof(*reader));
	AUTO(hasher_freep) struct hasher *blob = hasher_new();
	AUTO(hasher_freep) struct hasher *tar = hasher_new();
	AUTO(archive_freep) struct archive *stream = archive_read_new();
	int result;

	if (stream == NULL)
		return error_set(err, ERR_IO, "libarchive is out of memory");
	reader->fd = fd;
	reader->name = name;
	reader->blob = blob;
	reader->tar = tar;
	reader->stream = stream;
	reader->read_errno = 0;
	reader->size = 0;
	result = open_stream(reader, err);
	if (result == 0)
		result = unpack_entries(reader, sink, err);
	if (result < 0 && err->code == ERR_INTERRUPTED)
		return -1;
	/* A wrong digest is the better reason for what could not be unpacked. */
	if (compare_blob(reader, digest, err) < 0)
		return -1;
	return result < 0 ? -1 : compare_tar(reader, diff_id, err);
}

/* A directory as the sink. */
struct place {
	const char *root;
	char *path; /* of the file that is being written */
	int fd;
};

static void
place_clear(struct place *place)
{
	free(place->path);
	cleanup_closep(&place->fd);
}

static int
make_place_directory(void *context, const char *name, struct error *err)
{
	const struct place *place = context;
	auto_free char *path = path_join(place->root, name);

	return make_directories(path, err);
}

static int
open_place_file(void *context, const char *name, struct error *err)
{
	struct place *place = context;
	auto_free char *path = path_join(place->root, name), *directory = path_directory(path);

	if (make_directories(directory, err) < 0)
		return -1;
	/* No symbolic link was ever made here, and this makes no second file of a name. */
	place->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (place->fd < 0)
		return error_set_errno(err, errno == EEXIST ? ERR_INPUT : ERR_IO,
				       "cannot create '%s'", path);
	free(place->path);
	place->path = TAKE(path);
	return 0;
}

static int
write_place_file(void *context, const void *bytes, size_t length, struct error *err)
{
	const struct place *place = context;

	return write_all(place->fd, bytes, length, place->path, err);
}

static int
close_place_file(void *context, mode_t mode, struct error *err)
{
	struct place *place = context;
	int closed;

	if (fchmod(place->fd, mode) < 0)
		return error_set_errno(err, ERR_IO, "cannot change the mode of '%s'", place->path);
	/* On NFS and full disks it is close() that fails. */
	closed = close(place->fd);
	place->fd = -1;
	return closed < 0 ? error_set_errno(err, ERR_IO, "cannot write '%s'", place->path) : 0;
}

static int
unpack_layer(const struct layout *layout, const struct oci_descriptor *layer,
	     const struct digest *diff_id, const char *directory, struct error *err)
{
	AUTO(place_clear) struct place place = {directory, NULL, -1};
	const struct unpack_sink sink = {make_place_directory, open_place_file, write_place_file,
					 close_place_file, &place};
	auto_free char *name = layout_blob_path(layout, &layer->digest);
	auto_close int fd = layout_open_blob(layout, layer, err);

	if (fd < 0)
		return -1;
	return layer_unpack(fd, name, &layer->digest, diff_id, &sink, err);
}

static bool
is_for(const char *architecture, const char *variant, const struct arch *host)
{
	return architecture != NULL && strcmp(architecture, host->oci) == 0 &&
	       (variant == NULL || host->oci_variant == NULL ||
		strcmp(variant, host->oci_variant) == 0);
}

/* NULL in `ret_image` if the tag or the host is not there; else borrowed, also from `index`. */
static int
find_image(const struct layout *layout, const char *tag, const struct arch *host,
	   struct oci_parsed *index, const struct oci_descriptor **ret_image, struct error *err)
{
	const struct oci_descriptor *image = layout_tags_find(layout_tags(layout), tag);

	*ret_image = image;
	if (image == NULL || oci_is_manifest(image->media_type))
		return 0;
	if (layout_read_parsed(layout, image, index, err) < 0)
		return -1;
	*ret_image = NULL;
	for (size_t i = 0; i < index->manifests.count && *ret_image == NULL; i++)
		if (is_for(index->manifests.items[i].architecture,
			   index->manifests.items[i].variant, host))
			*ret_image = &index->manifests.items[i];
	return 0;
}

static int
find_manifest(const struct layout *layout, const char *tag, const struct arch *host,
	      struct oci_parsed *ret_manifest, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed index = OCI_PARSED_INIT;
	const struct oci_descriptor *image;

	if (layout_tags_find(layout_tags(layout), tag) == NULL)
		return error_set(err, ERR_NOT_FOUND, "'%s' has no image '%s'", layout_path(layout),
				 tag);
	if (find_image(layout, tag, host, &index, &image, err) < 0)
		return -1;
	if (image == NULL)
		return error_set(err, ERR_NOT_FOUND, "the image '%s' is not available for %s", tag,
				 host->name);
	return layout_read_parsed(layout, image, ret_manifest, err);
}

/* The config of an image for this host, with a diff_id for each layer. */
static int
read_config(const struct layout *layout, const struct oci_parsed *manifest, const char *tag,
	    const struct arch *host, struct oci_config_parsed *ret_config, struct error *err)
{
	AUTO(oci_config_parsed_clear) struct oci_config_parsed config = {.diff_ids = NULL};
	auto_free char *name = NULL;
	auto_free char *text = NULL;

	if (!manifest->has_config)
		return error_set(err, ERR_INPUT, "the image '%s' has no config", tag);
	name = layout_blob_path(layout, &manifest->config.digest);
	if (layout_read(layout, &manifest->config, &text, err) < 0 ||
	    oci_config_parse(name, text, strlen(text), &config, err) < 0)
		return -1;
	if (!is_for(config.architecture, config.variant, host))
		return error_set(err, ERR_INPUT, "the image '%s' is for '%s/%s', expected %s", tag,
				 config.architecture != NULL ? config.architecture : "",
				 config.variant != NULL ? config.variant : "", host->name);
	if (config.diff_id_count != manifest->layers.count)
		return error_set(err, ERR_INPUT,
				 "the image '%s' has %zu layers, but its config has %zu", tag,
				 manifest->layers.count, config.diff_id_count);
	*ret_config = config;
	config = (struct oci_config_parsed){.diff_ids = NULL};
	return 0;
}

int
image_unpack(const struct layout *layout, const char *tag, const struct arch *host,
	     const char *directory, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed manifest = OCI_PARSED_INIT;
	AUTO(oci_config_parsed_clear) struct oci_config_parsed config = {.diff_ids = NULL};

	if (find_manifest(layout, tag, host, &manifest, err) < 0 ||
	    read_config(layout, &manifest, tag, host, &config, err) < 0)
		return -1;
	for (size_t i = 0; i < manifest.layers.count; i++)
		if (unpack_layer(layout, &manifest.layers.items[i], &config.diff_ids[i], directory,
				 err) < 0)
			return -1;
	return 0;
}

int
image_is_there(const struct layout *layout, const char *tag, const struct arch *host,
	       bool *ret_there, struct error *err)
{
	AUTO(oci_parsed_clear) struct oci_parsed index = OCI_PARSED_INIT;
	const struct oci_descriptor *image;

	if (find_image(layout, tag, host, &index, &image, err) < 0)
		return -1;
	*ret_there = image != NULL;
	return 0;
}
