/* SPDX-License-Identifier: MIT */
#include "pack/assets.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "pack/layer.h"
#include "pack/packlist.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* A host whose tarballs are being read. */
struct reader {
	const char *directory;
	const struct assets_host *host;
	int64_t mtime_sec;
	struct packlist_host *noted;
	struct diff_id *all; /* over the programs of the all-in-one image */
};

static void
reader_clear(struct reader *reader)
{
	diff_id_free(reader->all);
}

static int
check_packed_program(const char *path, const struct member *wanted,
		     const struct packed_member *found, struct error *err)
{
	char got[DIGEST_HEX_SIZE], want[DIGEST_HEX_SIZE];

	if (strcmp(found->target, wanted->target) != 0)
		return error_set(err, ERR_VERIFY,
				 "'%s' contains qemu-%s-static, expected qemu-%s-static", path,
				 found->target, wanted->target);
	if (found->size != wanted->size || !digest_equal(&found->sha256, &wanted->sha256))
		return error_set(err, ERR_VERIFY,
				 "sha256 of the program in '%s' is %s, expected %s as in the lock",
				 path, digest_hex(&found->sha256, got),
				 digest_hex(&wanted->sha256, want));
	return 0;
}

/* The program itself and its tarball under the names that the old release had. */
static int
check_legacy(const struct reader *reader, const char *name, uint64_t size,
	     const struct digest *sha256, struct error *err)
{
	auto_free char *path = path_join(reader->directory, name);
	struct digest seen;
	uint64_t seen_size;

	if (digest_file(path, &seen, &seen_size, err) < 0)
		return -1;
	if (seen_size != size || !digest_equal(&seen, sha256))
		return error_set(err, ERR_VERIFY, "'%s' does not match the tarball of its program",
				 path);
	return 0;
}

static int
check_legacy_files(const struct reader *reader, const struct packlist_member *member,
		   struct error *err)
{
	auto_free char *tarball = legacy_tarball_name(member->packed.target);
	char program[MEMBER_NAME_SIZE];

	if (check_legacy(reader, tarball, member->tarball.size, &member->tarball.sha256, err) < 0)
		return -1;
	return check_legacy(reader, member_name(program, member->packed.target),
			    member->packed.size, &member->packed.sha256, err);
}

/* Adds the program to the digests of the layers that it is in. */
static void
add_to_layers(struct reader *reader, const struct assets_member *wanted, const uint8_t *bytes,
	      struct packlist_member *member)
{
	AUTO(diff_id_freep) struct diff_id *alone = diff_id_new(reader->mtime_sec);
	size_t size = (size_t)member->packed.size;

	diff_id_add(alone, member->packed.target, bytes, size);
	diff_id_finish(alone, &member->diff_id);
	if (!wanted->image)
		return;
	diff_id_add(reader->all, member->packed.target, bytes, size);
	packlist_add_all_in_one(reader->noted, member->packed.target);
}

static int
read_host_tarball(struct reader *reader, const struct assets_member *wanted, struct error *err)
{
	struct packlist_member member = {
		.package = wanted->package->file,
		.package_version = wanted->package->version,
		.package_sha256 = wanted->package->sha256,
	};
	auto_free char *name = tarball_name(reader->host->arch->name, wanted->member->target);
	auto_free char *path = path_join(reader->directory, name);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	auto_free uint8_t *bytes = NULL;
	int64_t mtime_sec;

	if (fd < 0)
		return error_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				       "cannot open '%s'", path);
	if (tarball_read(fd, path, &member.packed, &mtime_sec, &bytes, err) < 0 ||
	    check_packed_program(path, wanted->member, &member.packed, err) < 0)
		return -1;
	if (mtime_sec != reader->mtime_sec)
		return error_set(err, ERR_VERIFY, "the time in '%s' is %lld, expected %lld", path,
				 (long long)mtime_sec, (long long)reader->mtime_sec);
	if (digest_fd(fd, path, &member.tarball.sha256, &member.tarball.size, err) < 0)
		return -1;
	add_to_layers(reader, wanted, bytes, &member);
	packlist_add_member(reader->noted, &member);
	return reader->host->legacy_names ? check_legacy_files(reader, &member, err) : 0;
}

int
assets_read_host(const char *directory, const struct assets_host *host, int64_t mtime_sec,
		 struct packlist *ret_manifest, struct error *err)
{
	AUTO(packlist_clear) struct packlist packlist = {.source_date_epoch = mtime_sec};
	AUTO(reader_clear)
	struct reader reader = {
		.directory = directory,
		.host = host,
		.mtime_sec = mtime_sec,
		.noted = packlist_add_host(&packlist, host->arch->name),
		.all = diff_id_new(mtime_sec),
	};

	reader.noted->legacy_names = host->legacy_names;
	for (size_t i = 0; i < host->count; i++)
		if (interrupt_check(err) < 0 ||
		    read_host_tarball(&reader, &host->members[i], err) < 0)
			return -1;
	if (reader.noted->all_in_one_count != 0)
		diff_id_finish(reader.all, &reader.noted->all_in_one_diff_id);
	*ret_manifest = packlist;
	packlist = (struct packlist)PACKLIST_INIT;
	return 0;
}
