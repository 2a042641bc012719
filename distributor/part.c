#include "distributor/part.h"

#include "base/alloc.h"
#include "base/file.h"
#include "pack/link.h"

#include <string.h>

void
parts_release(struct parts *parts)
{
	manifest_release(&parts->manifest);
	asset_list_release(&parts->assets);
}

static int
check_release(const struct parts *parts, const char *directory, const struct asset_list *list,
	      const struct manifest *manifest, struct error *err)
{
	const struct manifest *first = &parts->manifest;

	if (!digest_equal(&list->lock_sha256, &parts->lock->digest))
		return error_set(err, ERR_INPUT, "the part '%s' was made from another lock",
				 directory);
	if (first->compressor == NULL)
		return 0;
	if (strcmp(first->compressor, manifest->compressor) != 0)
		return error_set(err, ERR_INPUT,
				 "the part '%s' was compressed by '%s', others by '%s'", directory,
				 manifest->compressor, first->compressor);
	if (first->source_date_epoch != manifest->source_date_epoch)
		return error_set(err, ERR_INPUT,
				 "the part '%s' has another date (SOURCE_DATE_EPOCH) than others",
				 directory);
	return 0;
}

static int
check_members(const struct parts *parts, const char *directory, const struct manifest_host *host,
	      struct error *err)
{
	for (size_t i = 0; i < host->count; i++) {
		const struct packed_member *packed = &host->members[i].packed;
		const struct member *member =
			lock_find_member(parts->lock, host->name, packed->target, NULL);

		if (member == NULL || !digest_equal(&member->sha256, &packed->sha256))
			return error_set(err, ERR_VERIFY,
					 "qemu-%s-static for %s in the part '%s' is not the lock's",
					 packed->target, host->name, directory);
	}
	return 0;
}

static int
add_host(struct parts *parts, const char *directory, const struct manifest_host *host,
	 struct error *err)
{
	struct manifest_host *copy;

	if (manifest_find_host(&parts->manifest, host->name) != NULL)
		return error_set(err, ERR_INPUT, "the host %s in '%s' is in another part too",
				 host->name, directory);
	if (check_members(parts, directory, host, err) < 0)
		return -1;
	copy = manifest_add_host(&parts->manifest, host->name);
	copy->legacy_names = host->legacy_names;
	copy->all_in_one_diff_id = host->all_in_one_diff_id;
	for (size_t i = 0; i < host->all_in_one_count; i++)
		manifest_add_all_in_one(copy, host->all_in_one_targets[i]);
	for (size_t i = 0; i < host->count; i++)
		manifest_add_member(copy, &host->members[i]);
	return 0;
}

/* The list that follows from the manifest has to be the one that is there. */
static int
check_assets(const char *directory, struct asset_list *there, const struct manifest *manifest,
	     struct error *err)
{
	struct asset_list made = {.name = xstrdup(there->name),
				  .version = xstrdup(there->version),
				  .source_date_epoch = manifest->source_date_epoch,
				  .lock_sha256 = there->lock_sha256};
	auto_free char *left = NULL, *right = NULL;

	manifest_list_assets(manifest, &made);
	left = asset_list_format(&made);
	right = asset_list_format(there);
	asset_list_release(&made);
	if (strcmp(left, right) != 0)
		return error_set(err, ERR_INPUT, "'%s/%s' and '%s/%s' do not belong together",
				 directory, ASSETS_NAME, directory, MANIFEST_NAME);
	return 0;
}

int
parts_add(struct parts *parts, const char *directory, struct error *err)
{
	AUTO(manifest_release) struct manifest manifest = MANIFEST_INIT;
	AUTO(asset_list_release) struct asset_list list = ASSET_LIST_INIT;
	auto_free char *manifest_path = path_join(directory, MANIFEST_NAME);
	auto_free char *list_path = path_join(directory, ASSETS_NAME);

	if (manifest_load(manifest_path, &manifest, err) < 0 ||
	    asset_list_load(list_path, &list, err) < 0) {
		if (err->code == ERR_NOT_FOUND)
			err->code = ERR_INPUT;
		return error_prefix(err, "'%s' is no part of a release", directory);
	}
	if (check_release(parts, directory, &list, &manifest, err) < 0 ||
	    check_assets(directory, &list, &manifest, err) < 0)
		return -1;
	if (parts->manifest.compressor == NULL) {
		parts->manifest.compressor = xstrdup(manifest.compressor);
		parts->manifest.source_date_epoch = manifest.source_date_epoch;
	}
	for (size_t i = 0; i < manifest.count; i++)
		if (add_host(parts, directory, &manifest.hosts[i], err) < 0)
			return -1;
	return 0;
}

static int
take_asset(const char *directory, const char *assets, const struct asset *asset, struct error *err)
{
	auto_free char *from = xasprintf("%s/assets/%s", directory, asset->name);
	auto_free char *to = path_join(assets, asset->name);
	struct error ignored = ERROR_INIT;
	struct digest seen;
	uint64_t size;

	if (!name_is_plain(asset->name))
		return error_set(err, ERR_INPUT, "'%s' is no name for an asset", asset->name);
	if (digest_file(to, &seen, &size, &ignored) == 0 && digest_equal(&seen, &asset->sha256))
		return 0;
	if (digest_file(from, &seen, &size, err) < 0) {
		if (err->code == ERR_NOT_FOUND)
			err->code = ERR_INPUT;
		return -1;
	}
	if (size != asset->size || !digest_equal(&seen, &asset->sha256))
		return error_set(err, ERR_VERIFY, "'%s' is not what the part says of it", from);
	return link_or_copy(from, to, err);
}

int
parts_take_assets(const char *directory, const char *assets, struct error *err)
{
	AUTO(asset_list_release) struct asset_list list = ASSET_LIST_INIT;
	auto_free char *path = path_join(directory, ASSETS_NAME);

	if (asset_list_load(path, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++)
		if (take_asset(directory, assets, &list.items[i], err) < 0)
			return -1;
	return 0;
}

int
parts_write_lists(struct parts *parts, const char *out, struct error *err)
{
	auto_free char *manifest_path = path_join(out, MANIFEST_NAME);
	auto_free char *list_path = path_join(out, ASSETS_NAME);
	auto_free char *manifest = manifest_format(&parts->manifest);
	auto_free char *list = NULL;

	asset_list_release(&parts->assets);
	parts->assets.name = xstrdup(parts->lock->name);
	parts->assets.version = xstrdup(parts->lock->version);
	parts->assets.source_date_epoch = parts->manifest.source_date_epoch;
	parts->assets.lock_sha256 = parts->lock->digest;
	manifest_list_assets(&parts->manifest, &parts->assets);
	list = asset_list_format(&parts->assets);
	if (write_file(manifest_path, manifest, strlen(manifest), 0644, err) < 0)
		return -1;
	return write_file(list_path, list, strlen(list), 0644, err);
}
