/* SPDX-License-Identifier: MIT */
#include "sources/rpm/rpm_payload.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "sources/rpm/cpio.h"
#include "sources/rpm/rpm_files.h"

#include <string.h>
#include <sys/stat.h>

#define ALGORITHM_SHA256 8U /* OpenPGP's number */

struct rpm_reader {
	struct rpm rpm;
	struct rpm_file_list files;
	struct decompressor *decompressor;
	struct cpio cpio;
	struct cpio_entry entry;
	bool *seen; /* for each file: it was in the payload */
	size_t expected;
	bool at_end;

	const struct rpm_file *current;
	char *name; /* of the current member */
	uint64_t left;
	struct hasher *hasher;
};

static char *
file_name(const struct rpm_file *file)
{
	const char *directory = file->directory;

	while (*directory == '/')
		directory++;
	return xasprintf("%s%s", directory, file->base);
}

/* Whether a name in the payload ("./usr/bin/x", "/usr/bin/x") means this file. */
static bool
is_named(const struct rpm_file *file, const char *name)
{
	const char *directory = file->directory;
	size_t length;

	if (name[0] == '.' && name[1] == '/')
		name++;
	while (*name == '/')
		name++;
	while (*directory == '/')
		directory++;
	length = strlen(directory);
	return strncmp(name, directory, length) == 0 && strcmp(name + length, file->base) == 0;
}

/* The file that a newc entry is about. Payloads are in the order of the list, more or less. */
static int
find_by_name(const struct rpm_reader *r, const char *name, size_t *ret_index, struct error *err)
{
	for (size_t i = 0; i < r->files.count; i++) {
		size_t index = (r->expected + i) % r->files.count;

		if (!r->seen[index] && is_named(&r->files.items[index], name)) {
			*ret_index = index;
			return 0;
		}
	}
	return error_set(err, ERR_VERIFY, "payload of '%s' has '%s' %s", r->rpm.label, name,
			 "twice or without an entry in the signed header");
}

static int
find_stripped(const struct rpm_reader *r, uint32_t index, size_t *ret_index, struct error *err)
{
	if (index >= r->files.count || r->seen[index])
		return error_set(err, ERR_VERIFY, "payload of '%s' has file %u %s", r->rpm.label,
				 (unsigned int)index,
				 "twice or without an entry in the signed header");
	*ret_index = index;
	return 0;
}

/* How much data the payload has for a file: none for a hard link, but for the last of its set. */
static uint64_t
data_size(const struct rpm_file *file)
{
	if (S_ISLNK(file->mode))
		return file->size;
	return S_ISREG(file->mode) && !file->linked ? file->size : 0;
}

/* Size and type are said twice: in the payload and in the header that is signed. */
static int
check_newc(const struct rpm_reader *r, const struct rpm_file *file, struct error *err)
{
	if (((file->mode ^ r->entry.mode) & S_IFMT) != 0)
		return error_set(err, ERR_VERIFY,
				 "type of '%s' in the payload of '%s' differs from the header",
				 r->entry.name, r->rpm.label);
	if (r->entry.size != data_size(file))
		return error_set(err, ERR_VERIFY,
				 "'%s' has %llu bytes in the payload of '%s', expected %llu as in "
				 "the header",
				 r->entry.name, (unsigned long long)r->entry.size, r->rpm.label,
				 (unsigned long long)data_size(file));
	return 0;
}

static enum member_type
member_type(const struct rpm_file *file)
{
	if (S_ISREG(file->mode))
		return file->linked ? MEMBER_HARD_LINK : MEMBER_FILE;
	if (S_ISLNK(file->mode))
		return MEMBER_SYMLINK;
	return S_ISDIR(file->mode) ? MEMBER_DIRECTORY : MEMBER_OTHER;
}

static void
begin_member(struct rpm_reader *r, size_t index, struct member_info *ret_info)
{
	const struct rpm_file *file = &r->files.items[index];

	r->seen[index] = true;
	r->expected = index + 1;
	r->current = file;
	free(r->name);
	r->name = file_name(file);
	*ret_info = (struct member_info){
		.name = r->name,
		.type = member_type(file),
		.mode = file->mode & 07777,
		.link_target = S_ISLNK(file->mode) ? file->link : NULL,
	};
	if (ret_info->type == MEMBER_FILE)
		ret_info->size = file->size;
	r->left = ret_info->size;
	hasher_free(r->hasher);
	r->hasher = hasher_new();
}

/* A payload that ends in good order but early would otherwise look like a smaller package. */
static int
check_complete(const struct rpm_reader *r, struct error *err)
{
	for (size_t i = 0; i < r->files.count; i++) {
		const struct rpm_file *file = &r->files.items[i];

		if (!r->seen[i] && !file->ghost)
			return error_set(err, ERR_VERIFY, "payload of '%s' is missing '%s%s'",
					 r->rpm.label, file->directory, file->base);
	}
	return 0;
}

static int
rpm_reader_next(void *state, struct member_info *ret_info, struct error *err)
{
	struct rpm_reader *r = state;
	size_t index;
	int n;

	if (r->at_end)
		return 0;
	n = cpio_next(&r->cpio, &r->entry, err);
	if (n < 0)
		return -1;
	if (n == 0) {
		r->at_end = true;
		r->left = 0;
		return check_complete(r, err);
	}
	if (r->entry.stripped) {
		if (find_stripped(r, r->entry.index, &index, err) < 0)
			return -1;
		cpio_set_size(&r->cpio, data_size(&r->files.items[index]));
	} else if (find_by_name(r, r->entry.name, &index, err) < 0 ||
		   check_newc(r, &r->files.items[index], err) < 0) {
		return -1;
	}
	begin_member(r, index, ret_info);
	return 1;
}

static int
check_digest(struct rpm_reader *r, struct error *err)
{
	struct digest want, got;
	char hex[DIGEST_HEX_SIZE];

	if (r->files.digest_algorithm != ALGORITHM_SHA256 ||
	    !digest_parse(r->current->digest, &want))
		return error_set(err, ERR_VERIFY, "header of '%s' has no SHA-256 of '%s'",
				 r->rpm.label, r->name);
	hasher_finish(r->hasher, &got);
	if (!digest_equal(&want, &got))
		return error_set(err, ERR_VERIFY, "sha256 of '%s' in '%s' is %s, expected %s",
				 r->name, r->rpm.label, digest_hex(&got, hex), r->current->digest);
	return 0;
}

static ssize_t
rpm_reader_read(void *state, void *buffer, size_t length, struct error *err)
{
	struct rpm_reader *r = state;
	ssize_t n;

	if (length > r->left)
		length = (size_t)r->left;
	if (length == 0)
		return 0;
	n = cpio_read(&r->cpio, buffer, length, err);
	if (n < 0)
		return -1;
	hasher_update(r->hasher, buffer, (size_t)n);
	r->left -= (uint64_t)n;
	if (r->left == 0 && check_digest(r, err) < 0)
		return -1;
	return n;
}

static void
rpm_reader_free(void *state)
{
	struct rpm_reader *r = state;

	decompressor_free(r->decompressor);
	rpm_files_clear(&r->files);
	rpm_clear(&r->rpm);
	hasher_free(r->hasher);
	free(r->seen);
	free(r->name);
	free(r);
}

static void
rpm_reader_freep(struct rpm_reader **r)
{
	if (*r != NULL)
		rpm_reader_free(*r);
}

static int
payload_compression(const struct rpm *rpm, enum compression *ret_compression, struct error *err)
{
	const char *format = rpm_header_string(&rpm->header, RPM_TAG_PAYLOAD_FORMAT);
	const char *word = rpm_header_string(&rpm->header, RPM_TAG_PAYLOAD_COMPRESSOR);

	if (format != NULL && strcmp(format, "cpio") != 0)
		return error_set(err, ERR_INPUT,
				 "payload of '%s' has format '%s', which is not supported",
				 rpm->label, format);
	*ret_compression = COMPRESSION_NONE;
	if (word != NULL && !compression_parse(word, ret_compression))
		return error_set(err, ERR_INPUT,
				 "payload of '%s' is compressed with '%s', which is not supported",
				 rpm->label, word);
	return 0;
}

int
rpm_reader_open(const char *path, const char *label, struct package_reader **ret_reader,
		struct error *err)
{
	static const struct package_reader_ops ops = {
		.next = rpm_reader_next,
		.read = rpm_reader_read,
		.free = rpm_reader_free,
	};
	AUTO(rpm_reader_freep) struct rpm_reader *r = xcalloc(1, sizeof(*r));
	enum compression compression;

	r->rpm = (struct rpm)RPM_INIT;
	if (rpm_open(path, label, &r->rpm, err) < 0 ||
	    rpm_files_load(&r->rpm, &r->files, err) < 0 ||
	    payload_compression(&r->rpm, &compression, err) < 0 ||
	    decompressor_open(r->rpm.fd, r->rpm.payload_offset, compression, r->rpm.label,
			      &r->decompressor, err) < 0)
		return -1;
	cpio_init(&r->cpio, r->decompressor, r->rpm.label);
	r->seen = xcalloc(r->files.count + 1, sizeof(*r->seen));
	*ret_reader = package_reader_new(&ops, TAKE(r));
	return 0;
}
