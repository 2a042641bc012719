/* SPDX-License-Identifier: MIT */
#include "pack/packlist.h"

#include "base/alloc.h"

#include <string.h>

static void
member_clear(struct packlist_member *member)
{
	free(member->package);
	free(member->package_version);
}

void
packlist_host_clear(struct packlist_host *host)
{
	for (size_t i = 0; i < host->count; i++)
		member_clear(&host->members[i]);
	for (size_t i = 0; i < host->all_in_one_count; i++)
		free(host->all_in_one_targets[i]);
	free(host->members);
	free(host->all_in_one_targets);
	free(host->name);
	*host = (struct packlist_host){.name = NULL};
}

void
packlist_clear(struct packlist *packlist)
{
	for (size_t i = 0; i < packlist->count; i++)
		packlist_host_clear(&packlist->hosts[i]);
	free(packlist->hosts);
	free(packlist->compressor);
	*packlist = (struct packlist)PACKLIST_INIT;
}

const struct packlist_host *
packlist_find_host(const struct packlist *packlist, const char *name)
{
	for (size_t i = 0; i < packlist->count; i++)
		if (strcmp(packlist->hosts[i].name, name) == 0)
			return &packlist->hosts[i];
	return NULL;
}

const struct packlist_member *
packlist_find_member(const struct packlist_host *host, const char *target)
{
	for (size_t i = 0; i < host->count; i++)
		if (strcmp(host->members[i].packed.target, target) == 0)
			return &host->members[i];
	return NULL;
}

struct packlist_host *
packlist_add_host(struct packlist *packlist, const char *name)
{
	size_t at = packlist->count;

	packlist->hosts = xgrow(packlist->hosts, packlist->count, sizeof(*packlist->hosts));
	for (; at > 0 && strcmp(packlist->hosts[at - 1].name, name) > 0; at--)
		packlist->hosts[at] = packlist->hosts[at - 1];
	packlist->hosts[at] = (struct packlist_host){.name = xstrdup(name)};
	packlist->count++;
	return &packlist->hosts[at];
}

void
packlist_add_member(struct packlist_host *host, const struct packlist_member *member)
{
	struct packlist_member copy = *member;

	copy.package = xstrdup(member->package);
	copy.package_version = xstrdup(member->package_version);
	host->members = xgrow(host->members, host->count, sizeof(*host->members));
	host->members[host->count++] = copy;
}

void
packlist_add_all_in_one(struct packlist_host *host, const char *target)
{
	host->all_in_one_targets = xgrow(host->all_in_one_targets, host->all_in_one_count,
					 sizeof(*host->all_in_one_targets));
	host->all_in_one_targets[host->all_in_one_count++] = xstrdup(target);
}

void
packlist_copy_host(struct packlist *packlist, const struct packlist_host *from)
{
	struct packlist_host *to = packlist_add_host(packlist, from->name);

	to->legacy_names = from->legacy_names;
	to->all_in_one_diff_id = from->all_in_one_diff_id;
	for (size_t i = 0; i < from->all_in_one_count; i++)
		packlist_add_all_in_one(to, from->all_in_one_targets[i]);
	for (size_t i = 0; i < from->count; i++)
		packlist_add_member(to, &from->members[i]);
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
	  const struct packlist_host *host, const struct packlist_member *member)
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
list_member(const struct packlist_host *host, const struct packlist_member *member,
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
packlist_list_assets(const struct packlist *packlist, struct asset_list *list)
{
	for (size_t h = 0; h < packlist->count; h++)
		for (size_t i = 0; i < packlist->hosts[h].count; i++)
			list_member(&packlist->hosts[h], &packlist->hosts[h].members[i], list);
	asset_list_sort(list);
}
