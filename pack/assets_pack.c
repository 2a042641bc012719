/* SPDX-License-Identifier: MIT */
#include "pack/assets_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/link.h"
#include "base/progress.h"
#include "model/elf.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

/* What a worker keeps between two programs. */
struct scratch {
	struct deflater *deflater;
	uint8_t *out;
	size_t room;
};

void *
pack_scratch_new(void)
{
	struct scratch *scratch = xcalloc(1, sizeof(*scratch));

	scratch->deflater = deflater_new();
	return scratch;
}

static void
scratch_drop(struct scratch *scratch)
{
	if (scratch->out != NULL)
		(void)munmap(scratch->out, scratch->room);
	scratch->out = NULL;
	scratch->room = 0;
}

void
pack_scratch_free(void *pointer)
{
	struct scratch *scratch = pointer;

	scratch_drop(scratch);
	deflater_free(scratch->deflater);
	free(scratch);
}

/* Mapped, not allocated: the bound is three times what is used, and unused pages cost nothing. */
static int
scratch_grow(struct scratch *scratch, size_t room, struct error *err)
{
	void *out;

	if (room <= scratch->room)
		return 0;
	scratch_drop(scratch);
	out = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (out == MAP_FAILED)
		return error_set_errno(err, ERR_IO, "cannot allocate %zu bytes", room);
	scratch->out = out;
	scratch->room = room;
	return 0;
}

/*
 * Adds the program to the host's all-in-one digest when its turn has come. Programs before it have
 * been taken by workers before this one, and wait for nothing but their own turn.
 */
static void
take_turn(struct pair *pair, const struct pipeline_item *item)
{
	struct host_state *host = pair->host;
	struct build *build = host->build;

	if (!pair->in_turn)
		return;
	(void)pthread_mutex_lock(&build->lock);
	while (host->turn != pair->turn)
		(void)pthread_cond_wait(&build->turning, &build->lock);
	(void)pthread_mutex_unlock(&build->lock);
	diff_id_add(host->running, pair->wanted->member->target, item->bytes, item->size);
	(void)pthread_mutex_lock(&build->lock);
	host->turn++;
	(void)pthread_cond_broadcast(&build->turning);
	(void)pthread_mutex_unlock(&build->lock);
}

static int
check_program(const struct pair *pair, const struct pipeline_item *item, struct digest *ret_sha256,
	      struct error *err)
{
	const struct member *member = pair->wanted->member;
	char got[DIGEST_HEX_SIZE], want[DIGEST_HEX_SIZE];

	digest_of(item->bytes, item->size, ret_sha256);
	if (!digest_equal(ret_sha256, &member->sha256))
		return error_set(err, ERR_VERIFY,
				 "sha256 of '%s' in '%s' is %s, expected %s as in the lock",
				 member->path, pair->wanted->package->file,
				 digest_hex(ret_sha256, got), digest_hex(&member->sha256, want));
	if (elf_check_static(item->bytes, item->size, pair->host->plan->arch, member->path, err) <
	    0)
		return error_prefix(err, "'%s'", pair->wanted->package->file);
	return 0;
}

static int
compress(struct scratch *scratch, const struct pair *pair, const struct pipeline_item *item,
	 struct packed_member *ret_packed, struct error *err)
{
	struct packed_member packed = {.size = item->size};
	size_t length;

	if (check_program(pair, item, &packed.sha256, err) < 0 ||
	    scratch_grow(scratch, deflater_bound(scratch->deflater, item->size), err) < 0 ||
	    deflater_run(scratch->deflater, item->bytes, item->size, scratch->out, scratch->room,
			 &length, err) < 0)
		return -1;
	assert(strlen(pair->wanted->member->target) < TARGET_SIZE);
	memcpy(packed.target, pair->wanted->member->target,
	       strlen(pair->wanted->member->target) + 1);
	packed.crc32 = gzip_crc(0, item->bytes, item->size);
	packed.compressed_size = length;
	*ret_packed = packed;
	return 0;
}

static int
write_tarball(struct build *build, const struct pair *pair, const struct packed_member *packed,
	      const uint8_t *content, struct written_file *ret_file, struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	auto_free char *name = tarball_name(pair->host->plan->arch->name, packed->target);
	auto_free char *path = path_join(build->directory, name);
	auto_free char *legacy_name = legacy_tarball_name(packed->target);
	auto_free char *legacy_path = path_join(build->directory, legacy_name);

	if (tempfile_open(&tmp, path, 0644, err) < 0 ||
	    tarball_write(tmp.fd, path, packed, content, build->plan->source_date_epoch, ret_file,
			  err) < 0 ||
	    tempfile_commit(&tmp, err) < 0)
		return -1;
	if (!pair->host->plan->legacy_names)
		return 0;
	return link_or_copy(path, legacy_path, err);
}

static int
write_program(struct build *build, const struct pipeline_item *item, const char *target,
	      struct error *err)
{
	char name[MEMBER_NAME_SIZE];
	auto_free char *path = path_join(build->directory, member_name(name, target));

	return write_file(path, item->bytes, item->size, 0755, err);
}

int
pair_pack(const struct pipeline_item *item, void *scratch, void *context, struct error *err)
{
	struct pair *pair = item->tag;
	struct build *build = pair->host->build;
	AUTO(diff_id_freep) struct diff_id *diff_id = diff_id_new(build->plan->source_date_epoch);
	struct packed_member packed;
	struct written_file tarball;

	(void)context;
	take_turn(pair, item);
	if (compress(scratch, pair, item, &packed, err) < 0)
		return -1;
	diff_id_add(diff_id, packed.target, item->bytes, item->size);
	if (write_tarball(build, pair, &packed, ((struct scratch *)scratch)->out, &tarball, err) <
	    0)
		return -1;
	if (pair->host->plan->legacy_names && write_program(build, item, packed.target, err) < 0)
		return -1;
	progress_add(pair->host->task, item->size);

	(void)pthread_mutex_lock(&build->lock);
	pair->packed = packed;
	pair->tarball = tarball;
	diff_id_finish(diff_id, &pair->diff_id);
	pair->complete = pair->made = true;
	(void)pthread_mutex_unlock(&build->lock);
	return host_pair_done(pair->host, err);
}
