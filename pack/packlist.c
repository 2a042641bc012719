#include "pack/packlist.h"

#include "base/alloc.h"

#include <string.h>

static void
member_release(struct manifest_member *member)
{
	free(member->package);
	free(member->package_version);
}

void
manifest_host_release(struct manifest_host *host)
{
	for (size_t i = 0; i < host->count; i++)
		member_release(&host->members[i]);
	for (size_t i = 0; i < host->all_in_one_count; i++)
		free(host->all_in_one_targets[i]);
	free(host->members);
	free(host->all_in_one_targets);
	free(host->name);
	*host = (struct manifest_host){.name = NULL};
}

void
manifest_release(struct manifest *manifest)
{
	for (size_t i = 0; i < manifest->count; i++)
		manifest_host_release(&manifest->hosts[i]);
	free(manifest->hosts);
	free(manifest->compressor);
	*manifest = (struct manifest)MANIFEST_INIT;
}

const struct manifest_host *
manifest_find_host(const struct manifest *manifest, const char *name)
{
	for (size_t i = 0; i < manifest->count; i++)
		if (strcmp(manifest->hosts[i].name, name) == 0)
			return &manifest->hosts[i];
	return NULL;
}

const struct manifest_member *
manifest_find_member(const struct manifest_host *host, const char *target)
{
	for (size_t i = 0; i < host->count; i++)
		if (strcmp(host->members[i].packed.target, target) == 0)
			return &host->members[i];
	return NULL;
}

struct manifest_host *
manifest_add_host(struct manifest *manifest, const char *name)
{
	size_t at = manifest->count;

	manifest->hosts = xgrow(manifest->hosts, manifest->count, sizeof(*manifest->hosts));
	for (; at > 0 && strcmp(manifest->hosts[at - 1].name, name) > 0; at--)
		manifest->hosts[at] = manifest->hosts[at - 1];
	manifest->hosts[at] = (struct manifest_host){.name = xstrdup(name)};
	manifest->count++;
	return &manifest->hosts[at];
}

void
manifest_add_member(struct manifest_host *host, const struct manifest_member *member)
{
	struct manifest_member copy = *member;

	copy.package = xstrdup(member->package);
	copy.package_version = xstrdup(member->package_version);
	host->members = xgrow(host->members, host->count, sizeof(*host->members));
	host->members[host->count++] = copy;
}

void
manifest_add_all_in_one(struct manifest_host *host, const char *target)
{
	host->all_in_one_targets = xgrow(host->all_in_one_targets, host->all_in_one_count,
					 sizeof(*host->all_in_one_targets));
	host->all_in_one_targets[host->all_in_one_count++] = xstrdup(target);
}

void
manifest_copy_host(struct manifest *manifest, const struct manifest_host *from)
{
	struct manifest_host *to = manifest_add_host(manifest, from->name);

	to->legacy_names = from->legacy_names;
	to->all_in_one_diff_id = from->all_in_one_diff_id;
	for (size_t i = 0; i < from->all_in_one_count; i++)
		manifest_add_all_in_one(to, from->all_in_one_targets[i]);
	for (size_t i = 0; i < from->count; i++)
		manifest_add_member(to, &from->members[i]);
}

char *
tarball_name(const char *host, const char *target)
{
	return xasprintf("%s_qemu-%s-static.tar.gz", host, target);
}

char *
legacy_tarball_name(const char *target)
{
	return xasprintf("qemu-%s-static.tar.gz", target);
}

static struct asset *
add_asset(struct asset_list *list, enum asset_kind kind, char *name,
	  const struct manifest_host *host, const struct manifest_member *member)
{
	struct asset *asset = asset_list_add(list);

	*asset = (struct asset){
		.name = name,
		.kind = kind,
		.size = member->tarball.size,
		.sha256 = member->tarball.sha256,
		.host = xstrdup(host->name),
		.target = xstrdup(member->packed.target),
		.package = xstrdup(member->package),
		.package_sha256 = member->package_sha256,
		.member_size = member->packed.size,
		.member_sha256 = member->packed.sha256,
	};
	return asset;
}

static void
list_member(const struct manifest_host *host, const struct manifest_member *member,
	    struct asset_list *list)
{
	const char *target = member->packed.target;
	char name[MEMBER_NAME_SIZE];
	struct asset *program;

	(void)add_asset(list, ASSET_TARBALL, tarball_name(host->name, target), host, member);
	if (!host->legacy_names)
		return;
	(void)add_asset(list, ASSET_LEGACY_TARBALL, legacy_tarball_name(target), host, member);
	program = add_asset(list, ASSET_LEGACY_BINARY, xstrdup(member_name(name, target)), host,
			    member);
	program->size = member->packed.size;
	program->sha256 = member->packed.sha256;
}

void
manifest_list_assets(const struct manifest *manifest, struct asset_list *list)
{
	for (size_t h = 0; h < manifest->count; h++)
		for (size_t i = 0; i < manifest->hosts[h].count; i++)
			list_member(&manifest->hosts[h], &manifest->hosts[h].members[i], list);
	asset_list_sort(list);
}
