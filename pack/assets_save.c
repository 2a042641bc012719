/* SPDX-License-Identifier: MIT */
#include "pack/assets_internal.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/seen_files.h"

#include <string.h>

static size_t
image_count(const struct host_state *host)
{
	size_t count = 0;

	for (size_t i = 0; i < host->plan->count; i++)
		count += host->plan->members[i].image;
	return count;
}

/* Whether an earlier run's all-in-one digest was over the same programs. */
static bool
all_in_one_still_holds(const struct build *build, const struct host_state *host,
		       const struct packlist_host *old)
{
	size_t next = 0;

	if (old == NULL || build->old.source_date_epoch != build->plan->source_date_epoch ||
	    old->all_in_one_count != image_count(host))
		return false;
	for (size_t i = 0; i < host->plan->count; i++) {
		const struct assets_member *wanted = &host->plan->members[i];
		const struct packlist_member *member;

		if (!wanted->image)
			continue;
		member = packlist_find_member(old, wanted->member->target);
		if (member == NULL ||
		    !digest_equal(&member->packed.sha256, &wanted->member->sha256) ||
		    strcmp(old->all_in_one_targets[next++], wanted->member->target) != 0)
			return false;
	}
	return true;
}

void
host_settle(struct host_state *host)
{
	const struct build *build = host->build;
	const struct packlist_host *old = packlist_find_host(&build->old, host->plan->arch->name);

	if (host->running != NULL && host->turn == image_count(host) && host->turn != 0)
		diff_id_finish(host->running, &host->all_in_one);
	else if (all_in_one_still_holds(build, host, old))
		host->all_in_one = old->all_in_one_diff_id;
}

static void
collect_host(const struct host_state *host, struct packlist *packlist)
{
	struct packlist_host *to = packlist_add_host(packlist, host->plan->arch->name);

	to->legacy_names = host->plan->legacy_names;
	to->all_in_one_diff_id = host->all_in_one;
	for (size_t i = 0; i < host->plan->count; i++) {
		const struct pair *pair = &host->pairs[i];
		struct packlist_member member = {
			.packed = pair->packed, .tarball = pair->tarball, .diff_id = pair->diff_id};

		if (!pair->complete)
			continue;
		member.package = pair->wanted->package->file;
		member.package_version = pair->wanted->package->version;
		member.package_sha256 = pair->wanted->package->sha256;
		packlist_add_member(to, &member);
		if (pair->wanted->image && !digest_is_zero(&host->all_in_one))
			packlist_add_all_in_one(to, pair->wanted->member->target);
	}
}

void
build_collect(const struct build *build, bool all, struct packlist *ret_manifest)
{
	struct packlist packlist = {.compressor = xstrdup(build->compressor),
				    .source_date_epoch = build->plan->source_date_epoch};

	for (size_t h = 0; h < build->plan->host_count; h++)
		collect_host(&build->hosts[h], &packlist);
	for (size_t h = 0; all && h < build->old.count; h++)
		if (packlist_find_host(&packlist, build->old.hosts[h].name) == NULL)
			packlist_copy_host(&packlist, &build->old.hosts[h]);
	*ret_manifest = packlist;
}

int
build_save(struct build *build, bool all, struct error *err)
{
	AUTO(packlist_clear) struct packlist packlist = PACKLIST_INIT;
	auto_free char *text = NULL;

	build_collect(build, all, &packlist);
	text = packlist_format(&packlist);
	if (seen_is(build->plan->seen, build->packlist_path, text))
		return 0;
	return write_file(build->packlist_path, text, strlen(text), 0644, err);
}
