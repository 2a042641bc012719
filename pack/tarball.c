/* SPDX-License-Identifier: MIT */
#include "pack/tarball.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "pack/deflate.h"
#include "pack/tar.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static_assert(TAR_BLOCK == 512, "TARBALL_CONTENT_OFFSET counts on it");

char *
member_name(char name[MEMBER_NAME_SIZE], const char *target)
{
	int length = snprintf(name, MEMBER_NAME_SIZE, "qemu-%s-static", target);

	assert(length > 0 && length < MEMBER_NAME_SIZE);
	return name;
}

int
tarball_write(int fd, const char *name, const struct packed_member *member, const uint8_t *content,
	      int64_t mtime_sec, struct written_file *ret_file, struct error *err)
{
	AUTO(gzip_join_freep) struct gzip_join *join = gzip_join_new(fd, name);
	char inner[MEMBER_NAME_SIZE];
	uint8_t header[TAR_BLOCK];

	tar_file_header(header, member_name(inner, member->target), member->size, mtime_sec);
	if (gzip_join_raw(join, header, sizeof(header), err) < 0)
		return -1;
	gzip_join_begin_content(join, member->size, member->crc32);
	if (gzip_join_compressed(join, content, member->compressed_size, err) < 0)
		return -1;
	return gzip_join_finish(join, tar_padding(member->size) + TAR_TRAILER, ret_file, err);
}

/* A tarball in memory, being read. */
struct reading {
	const char *name;
	uint8_t *file;
	size_t file_size;
	uint8_t *tar; /* what comes after the tar header: the program, padding, trailer */
	size_t tar_size;
};

static int
load(int fd, struct reading *reading, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", reading->name);
	if (st.st_size < TARBALL_CONTENT_OFFSET + GZIP_TRAILER)
		return error_set(err, ERR_VERIFY, "'%s' is too short for a tarball", reading->name);
	if ((uint64_t)st.st_size > MEMBER_MAX_SIZE)
		return error_set(err, ERR_VERIFY, "'%s' is too large", reading->name);
	reading->file_size = (size_t)st.st_size;
	reading->file = malloc(reading->file_size);
	if (reading->file == NULL)
		return error_set(err, ERR_IO, "not enough memory for '%s'", reading->name);
	return read_at(fd, 0, reading->file, reading->file_size, reading->name, err);
}

static uint64_t
get_octal(const uint8_t *field, size_t width)
{
	uint64_t number = 0;

	for (size_t i = 0; i + 1 < width; i++)
		number = number << 3 | (uint64_t)(field[i] & 7);
	return number;
}

/* Takes what varies out of the header, makes the header of that again, and wants it the same. */
static int
check_header(const struct reading *reading, struct packed_member *member, int64_t *ret_mtime_sec,
	     struct error *err)
{
	const uint8_t *found = reading->file + GZIP_HEADER + GZIP_STORED_HEADER;
	size_t length = strnlen((const char *)found, TAR_NAME_LENGTH), prefix = strlen("qemu-"),
	       suffix = strlen("-static");
	uint8_t wanted[GZIP_STORED_HEADER + TAR_BLOCK];
	char name[MEMBER_NAME_SIZE];

	if (memcmp(reading->file, gzip_header, GZIP_HEADER) != 0)
		return error_set(err, ERR_VERIFY,
				 "'%s' does not begin with the expected gzip header",
				 reading->name);
	if (length <= prefix + suffix || length - prefix - suffix >= TARGET_SIZE)
		return error_set(err, ERR_VERIFY, "'%s' has a member with an invalid name",
				 reading->name);
	memcpy(member->target, found + prefix, length - prefix - suffix);
	member->target[length - prefix - suffix] = '\0';
	if (!name_is_plain(member->target))
		return error_set(err, ERR_VERIFY, "'%s' has a member with an invalid name",
				 reading->name);
	member->size = get_octal(found + 124, 12);
	*ret_mtime_sec = (int64_t)get_octal(found + 136, 12);
	gzip_stored_header(wanted, TAR_BLOCK);
	tar_file_header(wanted + GZIP_STORED_HEADER, member_name(name, member->target),
			member->size, *ret_mtime_sec);
	if (memcmp(reading->file + GZIP_HEADER, wanted, sizeof(wanted)) != 0)
		return error_set(err, ERR_VERIFY, "'%s' has an unexpected tar header",
				 reading->name);
	if (member->size > MEMBER_MAX_SIZE)
		return error_set(err, ERR_VERIFY, "'%s' has a member that is too large",
				 reading->name);
	return 0;
}

static int
check_content(struct reading *reading, struct packed_member *member, struct error *err)
{
	size_t zeros = tar_padding(member->size) + TAR_TRAILER;
	const uint8_t *stream = reading->file + TARBALL_CONTENT_OFFSET;
	size_t length = reading->file_size - TARBALL_CONTENT_OFFSET - GZIP_TRAILER;
	uint8_t end[GZIP_ZEROS_ROOM];
	size_t end_length = gzip_zeros(end, zeros);

	if (length < end_length + 4 || memcmp(stream + length - end_length, end, end_length) != 0 ||
	    memcmp(stream + length - end_length - 4, "\0\0\377\377", 4) != 0)
		return error_set(err, ERR_VERIFY, "'%s' does not end with the expected bytes",
				 reading->name);
	member->compressed_size = length - end_length;
	reading->tar_size = (size_t)member->size + zeros;
	reading->tar = malloc(reading->tar_size);
	if (reading->tar == NULL)
		return error_set(err, ERR_IO, "not enough memory for '%s'", reading->name);
	return inflate_whole(stream, length, reading->tar, reading->tar_size, reading->name, err);
}

static int
check_sums(const struct reading *reading, struct packed_member *member, struct error *err)
{
	const uint8_t *sums = reading->file + reading->file_size - GZIP_TRAILER;
	const uint8_t *header = reading->file + GZIP_HEADER + GZIP_STORED_HEADER;
	uint64_t total = TAR_BLOCK + reading->tar_size;
	uint8_t wanted[GZIP_TRAILER];
	uint32_t crc;

	for (size_t i = (size_t)member->size; i < reading->tar_size; i++)
		if (reading->tar[i] != 0)
			return error_set(err, ERR_VERIFY, "'%s' has extra bytes after its member",
					 reading->name);
	crc = gzip_crc(gzip_crc(0, header, TAR_BLOCK), reading->tar, reading->tar_size);
	gzip_trailer(wanted, crc, total);
	if (memcmp(sums, wanted, sizeof(wanted)) != 0)
		return error_set(err, ERR_VERIFY, "'%s' does not match its checksum",
				 reading->name);
	member->crc32 = gzip_crc(0, reading->tar, (size_t)member->size);
	digest_of(reading->tar, (size_t)member->size, &member->sha256);
	return 0;
}

static void
reading_clear(struct reading *reading)
{
	free(reading->file);
	free(reading->tar);
}

int
tarball_read(int fd, const char *name, struct packed_member *ret_member, int64_t *ret_mtime_sec,
	     uint8_t **ret_bytes, struct error *err)
{
	AUTO(reading_clear) struct reading reading = {.name = name};
	struct packed_member member = {.target = ""};
	int64_t mtime_sec = 0;

	if (load(fd, &reading, err) < 0 || check_header(&reading, &member, &mtime_sec, err) < 0 ||
	    check_content(&reading, &member, err) < 0 || check_sums(&reading, &member, err) < 0)
		return -1;
	*ret_member = member;
	*ret_mtime_sec = mtime_sec;
	if (ret_bytes != NULL)
		*ret_bytes = TAKE(reading.tar);
	return 0;
}
