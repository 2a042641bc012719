/* SPDX-License-Identifier: MIT */
#include "images/layers.h"

#include "base/alloc.h"
#include "images/zstd_file.h"
#include "model/elf.h"
#include "pack/deflate.h"
#include "pack/layer.h"
#include "pack/packlist.h"
#include "pack/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Registrars have some ten kilobytes. */
#define MAX_REGISTRAR ((size_t)8 << 20)

static const uint8_t zeros[TAR_BLOCK + TAR_TRAILER];

static int
check_member(const struct image_tarball *tarball, const struct packed_member *found,
	     struct error *err)
{
	char want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];

	if (strcmp(found->target, tarball->target) != 0)
		return error_set(err, ERR_VERIFY,
				 "'%s' contains qemu-%s-static, expected qemu-%s-static",
				 tarball->path, found->target, tarball->target);
	if (!digest_equal(&found->sha256, tarball->program))
		return error_set(err, ERR_VERIFY,
				 "sha256 of the program in '%s' is %s, expected %s as in the lock",
				 tarball->path, digest_hex(&found->sha256, got),
				 digest_hex(tarball->program, want));
	return 0;
}

/* The file is the one that was noted: then so are its parts. */
static int
take_noted(const struct image_tarball *tarball, int fd, struct image_member *member,
	   struct digest *ret_diff_id, struct error *err)
{
	char want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
	const struct written_file *noted = &tarball->packed->tarball;
	struct digest seen;

	if (digest_fd(fd, tarball->path, &seen, NULL, err) < 0)
		return -1;
	if (!digest_equal(&seen, &noted->sha256))
		return error_set(
			err, ERR_VERIFY,
			"sha256 of '%s' is %s, expected %s as made by 'distributor tarballs'",
			tarball->path, digest_hex(&seen, got), digest_hex(&noted->sha256, want));
	member->member = tarball->packed->packed;
	*ret_diff_id = tarball->packed->diff_id;
	return 0;
}

/* Without a note everything in the file is checked, and the diff_id computed from the program. */
static int
take_unknown(const struct image_tarball *tarball, int fd, int64_t mtime_sec,
	     struct image_member *member, struct digest *ret_diff_id, struct error *err)
{
	AUTO(diff_id_freep) struct diff_id *diff_id = NULL;
	auto_free uint8_t *bytes = NULL;
	int64_t found_mtime_sec;

	if (tarball_read(fd, tarball->path, &member->member, &found_mtime_sec, &bytes, err) < 0)
		return -1;
	diff_id = diff_id_new(mtime_sec);
	diff_id_add(diff_id, member->member.target, bytes, (size_t)member->member.size);
	diff_id_finish(diff_id, ret_diff_id);
	return 0;
}

int
image_member_open(const struct image_tarball *tarball, int64_t mtime_sec,
		  struct image_member *ret_member, struct digest *ret_diff_id, struct error *err)
{
	struct image_member member = {.path = tarball->path, .fd = -1};
	auto_close int fd = open(tarball->path, O_RDONLY | O_CLOEXEC);
	int result;

	if (fd < 0)
		return error_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				       "cannot open '%s'", tarball->path);
	result = tarball->packed != NULL
			 ? take_noted(tarball, fd, &member, ret_diff_id, err)
			 : take_unknown(tarball, fd, mtime_sec, &member, ret_diff_id, err);
	if (result < 0 || check_member(tarball, &member.member, err) < 0)
		return -1;
	member.fd = fd;
	fd = -1;
	*ret_member = member;
	return 0;
}

void
image_member_close(struct image_member *member)
{
	cleanup_closep(&member->fd);
}

static struct layer_part *
parts_of(const struct image_member *members, size_t count)
{
	struct layer_part *parts = xcalloc(count + 1, sizeof(*parts));

	for (size_t i = 0; i < count; i++)
		parts[i] = (struct layer_part){
			.member = &members[i].member,
			.fd = members[i].fd,
			.name = members[i].path,
		};
	return parts;
}

int
layer_join(struct layout *layout, const struct image_member *members, size_t count,
	   int64_t mtime_sec, const struct digest *diff_id, const char *created_by,
	   struct oci_layer *ret_layer, struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	auto_free struct layer_part *parts = parts_of(members, count);
	struct written_file file;

	if (layout_blob_begin(layout, &tmp, err) < 0 ||
	    layer_write(tmp.fd, tmp.path, parts, count, mtime_sec, &file, err) < 0 ||
	    layout_blob_commit(layout, &tmp, &file.sha256, err) < 0)
		return -1;
	*ret_layer =
		(struct oci_layer){OCI_LAYER_GZIP, file.sha256, file.size, *diff_id, created_by};
	return 0;
}

int
layer_digest(const struct image_member *members, size_t count, int64_t mtime_sec,
	     struct digest *ret_diff_id, struct error *err)
{
	auto_free struct layer_part *parts = parts_of(members, count);

	return layer_diff_id(parts, count, mtime_sec, ret_diff_id, err);
}

/* One member into a tar that is being compressed. */
static int
zstd_add_member(struct zstd_file *file, const struct image_member *member, int64_t mtime_sec,
		struct error *err)
{
	char inner[MEMBER_NAME_SIZE];
	auto_free char *path = xasprintf("usr/bin/%s", member_name(inner, member->member.target));
	auto_free uint8_t *bytes = NULL;
	struct packed_member found;
	int64_t found_mtime_sec;
	uint8_t header[TAR_BLOCK];

	if (tarball_read(member->fd, member->path, &found, &found_mtime_sec, &bytes, err) < 0)
		return -1;
	tar_file_header(header, path, found.size, mtime_sec);
	if (zstd_file_add(file, header, sizeof(header), err) < 0 ||
	    zstd_file_add(file, bytes, (size_t)found.size, err) < 0)
		return -1;
	return zstd_file_add(file, zeros, tar_padding(found.size), err);
}

static int
zstd_add_all(struct zstd_file *file, const struct image_member *members, size_t count,
	     int64_t mtime_sec, struct error *err)
{
	uint8_t headers[2 * TAR_BLOCK];

	tar_directory_header(headers, "usr/", mtime_sec);
	tar_directory_header(headers + TAR_BLOCK, "usr/bin/", mtime_sec);
	if (zstd_file_add(file, headers, sizeof(headers), err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		if (zstd_add_member(file, &members[i], mtime_sec, err) < 0)
			return -1;
	return zstd_file_add(file, zeros, TAR_TRAILER, err);
}

static int
commit_zstd(struct layout *layout, struct tempfile *tmp, struct zstd_file *file,
	    const char *created_by, struct oci_layer *ret_layer, struct error *err)
{
	struct oci_layer layer = {.kind = OCI_LAYER_ZSTD, .created_by = created_by};

	if (zstd_file_finish(file, &layer.digest, &layer.size, &layer.diff_id, err) < 0 ||
	    layout_blob_commit(layout, tmp, &layer.digest, err) < 0)
		return -1;
	*ret_layer = layer;
	return 0;
}

int
layer_zstd(struct layout *layout, const struct image_member *members, size_t count,
	   int64_t mtime_sec, const char *created_by, struct oci_layer *ret_layer,
	   struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	AUTO(zstd_file_freep) struct zstd_file *file = NULL;
	uint64_t size = 2 * TAR_BLOCK + TAR_TRAILER;

	if (layout_blob_begin(layout, &tmp, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++)
		size += TAR_BLOCK + members[i].member.size + tar_padding(members[i].member.size);
	file = zstd_file_new(tmp.fd, tmp.path, size);
	if (zstd_add_all(file, members, count, mtime_sec, err) < 0)
		return -1;
	return commit_zstd(layout, &tmp, file, created_by, ret_layer, err);
}

/* The tar of the registrar, uncompressed; `size` bytes of program lie behind the header. */
static uint8_t *
register_tar(const uint8_t *program, size_t size, int64_t mtime_sec, size_t *ret_length)
{
	size_t length = TAR_BLOCK + size + tar_padding(size) + TAR_TRAILER;
	uint8_t *tar = xcalloc(1, length);

	tar_file_header(tar, "register", size, mtime_sec);
	memcpy(tar + TAR_BLOCK, program, size);
	*ret_length = length;
	return tar;
}

static int
gzip_tar(int fd, const char *name, const uint8_t *tar, size_t length, struct written_file *ret_file,
	 struct error *err)
{
	AUTO(deflater_freep) struct deflater *deflater = deflater_new();
	AUTO(gzip_join_freep) struct gzip_join *join = gzip_join_new(fd, name);
	/* The final block holds the zeros at the end. */
	size_t content = length - TAR_TRAILER, room = deflater_bound(deflater, content), packed;
	auto_free uint8_t *out = xmalloc(room);

	if (deflater_run(deflater, tar, content, out, room, &packed, err) < 0)
		return -1;
	gzip_join_begin_content(join, content, gzip_crc(0, tar, content));
	if (gzip_join_compressed(join, out, packed, err) < 0)
		return -1;
	return gzip_join_finish(join, TAR_TRAILER, ret_file, err);
}

int
layer_register(struct layout *layout, const char *path, const struct arch *host, int64_t mtime_sec,
	       bool zstd, const char *created_by, struct oci_layer *ret_layer, struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	auto_free uint8_t *tar = NULL;
	auto_free char *program = NULL;
	size_t size, length;
	struct written_file file;

	if (read_file(path, MAX_REGISTRAR, &program, &size, err) < 0 ||
	    elf_check_static((const uint8_t *)program, size, host, path, err) < 0)
		return -1;
	tar = register_tar((const uint8_t *)program, size, mtime_sec, &length);
	if (layout_blob_begin(layout, &tmp, err) < 0)
		return -1;
	if (zstd) {
		AUTO(zstd_file_freep)
		struct zstd_file *out = zstd_file_new(tmp.fd, tmp.path, length);

		if (zstd_file_add(out, tar, length, err) < 0)
			return -1;
		return commit_zstd(layout, &tmp, out, created_by, ret_layer, err);
	}
	*ret_layer = (struct oci_layer){.kind = OCI_LAYER_GZIP, .created_by = created_by};
	digest_of(tar, length, &ret_layer->diff_id);
	if (gzip_tar(tmp.fd, tmp.path, tar, length, &file, err) < 0 ||
	    layout_blob_commit(layout, &tmp, &file.sha256, err) < 0)
		return -1;
	ret_layer->digest = file.sha256;
	ret_layer->size = file.size;
	return 0;
}
