#include "images/unpack.h"

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/strbuf.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_FILE ((int64_t)512 << 20)

/* A layer being read: libarchive gets its bytes here, and they are hashed on the way. */
struct reader {
	int fd;
	struct hasher *hasher;
	const char *name;
	uint8_t buffer[65536];
};

static void
archive_freep(struct archive **archive)
{
	if (*archive != NULL)
		(void)archive_read_free(*archive);
	*archive = NULL;
}

static ssize_t
read_more(struct archive *archive, void *context, const void **ret_bytes)
{
	struct reader *reader = context;
	ssize_t n;

	do
		n = read(reader->fd, reader->buffer, sizeof(reader->buffer));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		archive_set_error(archive, errno, "read error");
		return ARCHIVE_FATAL;
	}
	hasher_update(reader->hasher, reader->buffer, (size_t)n);
	*ret_bytes = reader->buffer;
	return n;
}

static int
open_archive(struct reader *reader, struct archive **ret_archive, struct error *err)
{
	AUTO(archive_freep) struct archive *archive = archive_read_new();

	if (archive == NULL)
		return error_set(err, ERR_IO, "libarchive has no memory");
	/* The media type is not asked: what is no tar of these is refused. */
	if (archive_read_support_filter_gzip(archive) != ARCHIVE_OK ||
	    archive_read_support_filter_zstd(archive) != ARCHIVE_OK ||
	    archive_read_support_format_tar(archive) != ARCHIVE_OK ||
	    archive_read_open(archive, reader, NULL, read_more, NULL) != ARCHIVE_OK)
		return error_set(err, ERR_INPUT, "'%s' is no layer: %s", reader->name,
				 archive_error_string(archive));
	*ret_archive = TAKE(archive);
	return 0;
}

/* Whether a name stays below the directory it is unpacked into. */
static bool
is_below(const char *name)
{
	if (name == NULL || *name == '\0' || *name == '/')
		return false;
	while (*name != '\0') {
		size_t length = strcspn(name, "/");

		if (length == 0 || (length == 1 && name[0] == '.') ||
		    (length == 2 && name[0] == '.' && name[1] == '.'))
			return false;
		name += length + (name[length] == '/');
	}
	return true;
}

static int
unpack_file(struct archive *archive, struct archive_entry *entry, const char *path,
	    struct error *err)
{
	auto_free char *directory = path_directory(path);
	auto_close int fd = -1;
	int64_t size = archive_entry_size(entry);
	mode_t mode = archive_entry_perm(entry) & 0755;

	if (size < 0 || size > MAX_FILE)
		return error_set(err, ERR_INPUT, "'%s' has %lld bytes, which is too much",
				 archive_entry_pathname(entry), (long long)size);
	if (make_directories(directory, err) < 0)
		return -1;
	/* No symbolic link was ever made here, and this makes no second file of a name. */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return error_set_errno(err, errno == EEXIST ? ERR_INPUT : ERR_IO,
				       "cannot make '%s'", path);
	if (archive_read_data_into_fd(archive, fd) != ARCHIVE_OK)
		return error_set(err, ERR_INPUT, "cannot unpack '%s': %s",
				 archive_entry_pathname(entry), archive_error_string(archive));
	if (fchmod(fd, mode) < 0)
		return error_set_errno(err, ERR_IO, "cannot change the mode of '%s'", path);
	return 0;
}

static int
unpack_entry(struct archive *archive, struct archive_entry *entry, const char *directory,
	     const char *layer, struct error *err)
{
	const char *name = archive_entry_pathname(entry);
	auto_free char *path = NULL;

	if (!is_below(name))
		return error_set(err, ERR_INPUT, "'%s' has a file of the name '%s'", layer,
				 name != NULL ? name : "");
	path = path_join(directory, name);
	if (archive_entry_hardlink(entry) == NULL && archive_entry_filetype(entry) == AE_IFREG)
		return unpack_file(archive, entry, path, err);
	if (archive_entry_filetype(entry) == AE_IFDIR)
		return make_directories(path, err);
	return error_set(err, ERR_INPUT, "'%s' has '%s', which is neither file nor directory",
			 layer, name);
}

/* To the end of the blob: padding and what else may follow the last entry belongs to its digest. */
static int
compare_digest(struct reader *reader, const struct digest *want, struct error *err)
{
	char expected[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
	struct digest seen;
	ssize_t n;

	while ((n = read(reader->fd, reader->buffer, sizeof(reader->buffer))) > 0)
		hasher_update(reader->hasher, reader->buffer, (size_t)n);
	if (n < 0)
		return error_set_errno(err, ERR_IO, "cannot read '%s'", reader->name);
	hasher_finish(reader->hasher, &seen);
	if (!digest_equal(&seen, want))
		return error_set(err, ERR_VERIFY, "sha256 of the layer '%s' is %s, not %s",
				 reader->name, digest_hex(&seen, got), digest_hex(want, expected));
	return 0;
}

static int
unpack_entries(struct reader *reader, const char *directory, struct error *err)
{
	AUTO(archive_freep) struct archive *archive = NULL;
	struct archive_entry *entry;
	int r;

	if (open_archive(reader, &archive, err) < 0)
		return -1;
	while ((r = archive_read_next_header(archive, &entry)) == ARCHIVE_OK)
		if (interrupt_check(err) < 0 ||
		    unpack_entry(archive, entry, directory, reader->name, err) < 0)
			return -1;
	if (r != ARCHIVE_EOF)
		return error_set(err, ERR_INPUT, "cannot read '%s': %s", reader->name,
				 archive_error_string(archive));
	return 0;
}

static int
unpack_layer(const struct layout *layout, const struct oci_descriptor *layer, const char *directory,
	     struct error *err)
{
	auto_free struct reader *reader = xcalloc(1, sizeof(*reader));
	auto_free char *name = layout_blob_path(layout, &layer->digest);
	auto_close int fd = layout_open_blob(layout, layer, err);
	AUTO(hasher_freep) struct hasher *hasher = hasher_new();
	int result;

	if (fd < 0)
		return -1;
	*reader = (struct reader){.fd = fd, .hasher = hasher, .name = name};
	result = unpack_entries(reader, directory, err);
	if (result < 0 && err->code == ERR_INTERRUPTED)
		return -1;
	/* A wrong digest is the better reason for what could not be unpacked. */
	if (compare_digest(reader, &layer->digest, err) < 0)
		return -1;
	return result;
}

static bool
is_for(const struct oci_descriptor *manifest, const struct arch *host)
{
	return manifest->architecture != NULL && strcmp(manifest->architecture, host->oci) == 0 &&
	       (manifest->variant == NULL || host->oci_variant == NULL ||
		strcmp(manifest->variant, host->oci_variant) == 0);
}

static int
find_manifest(const struct layout *layout, const char *tag, const struct arch *host,
	      struct oci_parsed *ret_manifest, struct error *err)
{
	const struct oci_descriptor *image = layout_tags_find(layout_tags(layout), tag);
	AUTO(oci_parsed_release) struct oci_parsed index = OCI_PARSED_INIT;

	if (image == NULL)
		return error_set(err, ERR_NOT_FOUND, "'%s' has no image '%s'", layout_path(layout),
				 tag);
	if (oci_is_manifest(image->media_type))
		return layout_read_parsed(layout, image, ret_manifest, err);
	if (layout_read_parsed(layout, image, &index, err) < 0)
		return -1;
	for (size_t i = 0; i < index.manifests.count; i++)
		if (is_for(&index.manifests.items[i], host))
			return layout_read_parsed(layout, &index.manifests.items[i], ret_manifest,
						  err);
	return error_set(err, ERR_NOT_FOUND, "the image '%s' has no part for %s", tag, host->name);
}

int
image_unpack(const struct layout *layout, const char *tag, const struct arch *host,
	     const char *directory, struct error *err)
{
	AUTO(oci_parsed_release) struct oci_parsed manifest = OCI_PARSED_INIT;

	if (find_manifest(layout, tag, host, &manifest, err) < 0)
		return -1;
	for (size_t i = 0; i < manifest.layers.count; i++)
		if (unpack_layer(layout, &manifest.layers.items[i], directory, err) < 0)
			return -1;
	return 0;
}
