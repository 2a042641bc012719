/* SPDX-License-Identifier: MIT */
#include "distributor/steps/assemble.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/link.h"
#include "base/parallel.h"
#include "base/strbuf.h"
#include "distributor/steps/tarballs.h"
#include "pack/deflate.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static void
part_clear(struct part *part)
{
	packlist_clear(&part->packlist);
	asset_list_clear(&part->assets);
}

void
parts_clear(struct parts *parts)
{
	for (size_t i = 0; i < parts->count; i++)
		part_clear(&parts->items[i]);
	free(parts->items);
	packlist_clear(&parts->packlist);
	asset_list_clear(&parts->assets);
}

char *
part_hosts(const struct packlist *packlist)
{
	struct strbuf names = STRBUF_INIT;

	for (size_t i = 0; i < arch_count; i++)
		if (packlist_find_host(packlist, arch_table[i].name) != NULL)
			strbuf_addf(&names, "%s%s", names.length != 0 ? "," : "",
				    arch_table[i].name);
	return strbuf_take(&names);
}

static int
check_release(const struct parts *parts, const struct part *part, struct error *err)
{
	auto_free char *compressor = deflater_identity();

	if (!digest_equal(&part->assets.lock_sha256, &parts->work->lock->digest))
		return error_set(err, ERR_INPUT, "part '%s' was built from a different lock",
				 part->directory);
	if (strcmp(compressor, part->packlist.compressor) != 0)
		return error_set(err, ERR_INPUT,
				 "part '%s' was compressed by '%s', but this program uses '%s': "
				 "build and join all parts with the same version",
				 part->directory, part->packlist.compressor, compressor);
	if (part->packlist.source_date_epoch != parts->source_date_epoch)
		return error_set(
			err, ERR_INPUT,
			"part '%s' has a different date (SOURCE_DATE_EPOCH): %lld, expected %lld",
			part->directory, (long long)part->packlist.source_date_epoch,
			(long long)parts->source_date_epoch);
	return 0;
}

static int
check_hosts(const struct parts *parts, const struct part *part, struct error *err)
{
	for (size_t i = 0; i < part->packlist.count; i++) {
		const char *host = part->packlist.hosts[i].name;

		if (matrix_find_host(parts->work->matrix, host) == NULL)
			return error_set(err, ERR_INPUT,
					 "part '%s' contains host %s, which is not in the matrix",
					 part->directory, host);
		for (size_t j = 0; j < parts->count; j++)
			if (packlist_find_host(&parts->items[j].packlist, host) != NULL)
				return error_set(err, ERR_INPUT, "duplicate host %s in '%s'", host,
						 part->directory);
	}
	return 0;
}

/* What is written into OUT would be written into the part. */
static int
check_place(const struct parts *parts, const char *directory, struct error *err)
{
	struct stat part, out;

	if (stat(directory, &part) < 0)
		return error_set_errno(err, errno == ENOENT ? ERR_INPUT : ERR_IO,
				       "cannot look at '%s'", directory);
	if (stat(parts->work->out, &out) < 0)
		return errno == ENOENT ? 0
				       : error_set_errno(err, ERR_IO, "cannot look at '%s'",
							 parts->work->out);
	if (part.st_dev == out.st_dev && part.st_ino == out.st_ino)
		return error_set(err, ERR_INPUT,
				 "part '%s' is the output directory; use a different --out",
				 directory);
	return 0;
}

int
parts_add(struct parts *parts, const char *directory, struct error *err)
{
	AUTO(part_clear) struct part part = {.directory = directory};
	auto_free char *packlist_path = path_join(directory, PACKLIST_NAME);
	auto_free char *list_path = path_join(directory, ASSETS_NAME);

	if (packlist_load(packlist_path, &part.packlist, err) < 0 ||
	    asset_list_load(list_path, &part.assets, err) < 0) {
		if (err->code == ERR_NOT_FOUND)
			err->code = ERR_INPUT;
		return error_prefix(err, "'%s' is not a part of a release", directory);
	}
	if (check_place(parts, directory, err) < 0 || check_release(parts, &part, err) < 0 ||
	    check_hosts(parts, &part, err) < 0)
		return -1;
	parts->items = xgrow(parts->items, parts->count, sizeof(*parts->items));
	parts->items[parts->count++] = part;
	part = (struct part){.directory = NULL};
	return 0;
}

/* One host of a part, for parallel_for(). */
struct host_work {
	const struct part *part;
	struct assets_host host;
	struct packlist found;
};

struct reading {
	const struct parts *parts;
	struct plan plan;
	struct host_work *hosts;
	size_t count;
};

static void
part_reading_clear(struct reading *reading)
{
	for (size_t i = 0; i < reading->count; i++) {
		free(reading->hosts[i].host.members);
		packlist_clear(&reading->hosts[i].found);
	}
	free(reading->hosts);
	plan_clear(&reading->plan);
}

static void
plan_reading(struct reading *reading)
{
	const struct parts *parts = reading->parts;

	plan_make(parts->work->matrix, parts->work->lock, &reading->plan);
	reading->hosts = xcalloc(reading->plan.host_count + 1, sizeof(*reading->hosts));
	for (size_t h = 0; h < reading->plan.host_count; h++) {
		const char *name = reading->plan.hosts[h].host->arch->name;

		for (size_t i = 0; i < parts->count; i++) {
			struct host_work *work = &reading->hosts[reading->count];

			if (packlist_find_host(&parts->items[i].packlist, name) == NULL)
				continue;
			work->part = &parts->items[i];
			step_tarballs_host(&reading->plan, h, &work->host);
			reading->count++;
		}
	}
}

static int
read_part_host(size_t index, void *context, struct error *err)
{
	const struct reading *reading = context;
	struct host_work *work = &reading->hosts[index];
	auto_free char *assets = path_join(work->part->directory, ASSETS_DIRECTORY);

	if (assets_read_host(assets, &work->host, reading->parts->source_date_epoch, &work->found,
			     err) == 0)
		return 0;
	if (err->code == ERR_NOT_FOUND)
		err->code = ERR_INPUT;
	return error_prefix(err, "part '%s'", work->part->directory);
}

/* `found` is what the part has, as text; `expected` what follows from its tarballs. */
static int
compare_list(const struct part *part, const char *name, const char *found, const char *expected,
	     struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc theirs = JSONX_DOC_INIT, ours = JSONX_DOC_INIT;
	auto_free char *path = path_join(part->directory, name), *where = NULL;

	if (strcmp(found, expected) == 0)
		return 0;
	if (jsonx_parse(path, found, strlen(found), &theirs, err) < 0 ||
	    jsonx_parse(path, expected, strlen(expected), &ours, err) < 0)
		return -1;
	where = jsonx_difference(theirs.root, ours.root);
	return error_set(err, ERR_VERIFY, "'%s' does not match the tarballs next to it: %s", path,
			 where != NULL ? where : "same content in a different format");
}

static void
begin_list(const struct parts *parts, const struct packlist *packlist, struct asset_list *ret_list)
{
	*ret_list = (struct asset_list){.name = xstrdup(parts->work->lock->name),
					.version = xstrdup(parts->work->lock->version),
					.source_date_epoch = parts->source_date_epoch,
					.lock_sha256 = parts->work->lock->digest};
	packlist_list_assets(packlist, ret_list);
}

/*
 * A run that was stopped does not know the digest over all of its programs. Nothing is lost by it:
 * it is known here.
 */
static void
forget_all_in_one(const struct packlist *found, struct packlist_host *host)
{
	const struct packlist_host *there = packlist_find_host(found, host->name);

	if (digest_is_zero(&there->all_in_one_diff_id))
		host->all_in_one_diff_id = there->all_in_one_diff_id;
}

/* Makes both lists of a part from its tarballs. */
static int
check_part_lists(const struct reading *reading, const struct part *part, struct error *err)
{
	AUTO(packlist_clear)
	struct packlist made = {
		.compressor = deflater_identity(),
		.source_date_epoch = reading->parts->source_date_epoch,
	};
	AUTO(asset_list_clear) struct asset_list list = ASSET_LIST_INIT;
	struct part copy = *part;
	auto_free char *packlist = NULL, *listed = NULL, *found = NULL, *found_list = NULL;

	for (size_t i = 0; i < reading->count; i++)
		if (reading->hosts[i].part == part)
			packlist_copy_host(&made, &reading->hosts[i].found.hosts[0]);
	begin_list(reading->parts, &made, &list);
	for (size_t i = 0; i < made.count; i++)
		forget_all_in_one(&part->packlist, &made.hosts[i]);
	packlist = packlist_format(&made);
	listed = asset_list_format(&list);
	found = packlist_format(&part->packlist);
	found_list = asset_list_format(&copy.assets);
	if (compare_list(part, PACKLIST_NAME, found, packlist, err) < 0)
		return -1;
	return compare_list(part, ASSETS_NAME, found_list, listed, err);
}

static bool
is_listed(const struct part *part, const char *name)
{
	for (size_t i = 0; i < part->assets.count; i++)
		if (strcmp(part->assets.items[i].name, name) == 0)
			return true;
	return false;
}

/* Whether a part may have this, at its top or among its assets. Locks are of runs that made it. */
static bool
may_be_in_part(const struct part *part, bool top, const char *name, mode_t mode)
{
	if (!top)
		return S_ISREG(mode) && is_listed(part, name);
	if (S_ISDIR(mode))
		return strcmp(name, ASSETS_DIRECTORY) == 0 || strcmp(name, "images") == 0;
	return S_ISREG(mode) &&
	       (strcmp(name, PACKLIST_NAME) == 0 || strcmp(name, ASSETS_NAME) == 0 ||
		strcmp(name, ".lock") == 0 || strcmp(name, ".images.lock") == 0);
}

static int
check_part_files(const struct part *part, bool top, struct error *err)
{
	auto_free char *directory =
		top ? xstrdup(part->directory) : path_join(part->directory, ASSETS_DIRECTORY);
	AUTO(words_clear) struct words names = WORDS_INIT;

	if (directory_names(directory, &names, err) < 0) {
		if (err->code == ERR_NOT_FOUND)
			err->code = ERR_INPUT;
		return -1;
	}
	for (size_t i = 0; i < names.count; i++) {
		auto_free char *path = path_join(directory, names.items[i]);
		struct stat st;

		if (lstat(path, &st) < 0)
			return error_set_errno(err, ERR_IO, "cannot stat '%s'", path);
		if (!may_be_in_part(part, top, names.items[i], st.st_mode))
			return error_set(err, ERR_VERIFY, "'%s' does not belong to the part '%s'",
					 path, part->directory);
	}
	return 0;
}

int
parts_check(struct parts *parts, struct error *err)
{
	AUTO(part_reading_clear) struct reading reading = {.parts = parts};

	for (size_t i = 0; i < parts->count; i++)
		if (check_part_files(&parts->items[i], true, err) < 0 ||
		    check_part_files(&parts->items[i], false, err) < 0)
			return -1;
	plan_reading(&reading);
	if (parallel_for(reading.count, (unsigned int)parts->work->jobs, read_part_host, &reading,
			 err) < 0)
		return -1;
	for (size_t i = 0; i < parts->count; i++)
		if (check_part_lists(&reading, &parts->items[i], err) < 0)
			return -1;
	parts->packlist.compressor = deflater_identity();
	parts->packlist.source_date_epoch = parts->source_date_epoch;
	for (size_t i = 0; i < reading.count; i++)
		packlist_copy_host(&parts->packlist, &reading.hosts[i].found.hosts[0]);
	begin_list(parts, &parts->packlist, &parts->assets);
	return 0;
}

static int
take_asset(const char *directory, const char *assets, const struct asset *asset, struct error *err)
{
	auto_free char *from = xasprintf("%s/" ASSETS_DIRECTORY "/%s", directory, asset->name);
	auto_free char *to = path_join(assets, asset->name);
	struct error ignored = ERROR_INIT;
	struct digest seen;
	uint64_t size;

	if (digest_file(to, &seen, &size, &ignored) == 0 && digest_equal(&seen, &asset->sha256))
		return 0;
	if (digest_file(from, &seen, &size, err) < 0)
		return -1;
	if (size != asset->size || !digest_equal(&seen, &asset->sha256))
		return error_set(err, ERR_VERIFY, "'%s' changed after it was checked", from);
	return link_or_copy(from, to, err);
}

int
parts_take_assets(const struct parts *parts, struct error *err)
{
	auto_free char *assets = path_join(parts->work->out, ASSETS_DIRECTORY);

	if (make_directories(assets, err) < 0)
		return -1;
	for (size_t i = 0; i < parts->count; i++) {
		const struct part *part = &parts->items[i];

		/* By now they are those of parts->assets. */
		for (size_t j = 0; j < part->assets.count; j++)
			if (take_asset(part->directory, assets, &part->assets.items[j], err) < 0)
				return -1;
	}
	return 0;
}

int
parts_write_lists(struct parts *parts, struct error *err)
{
	auto_free char *packlist_path = path_join(parts->work->out, PACKLIST_NAME);
	auto_free char *list_path = path_join(parts->work->out, ASSETS_NAME);
	auto_free char *packlist = packlist_format(&parts->packlist);
	auto_free char *list = asset_list_format(&parts->assets);

	if (write_file(packlist_path, packlist, strlen(packlist), 0644, err) < 0)
		return -1;
	return write_file(list_path, list, strlen(list), 0644, err);
}
