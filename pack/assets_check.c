/* SPDX-License-Identifier: MIT */
#include "pack/assets_internal.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/link.h"
#include "base/seen_files.h"

#include <string.h>
#include <sys/stat.h>

static bool
same_inode(const char *a, const char *b)
{
	struct stat first, second;

	return lstat(a, &first) == 0 && lstat(b, &second) == 0 && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

/* Whether the file is there, whole, with these bytes and permissions. */
static bool
file_is(const struct build *build, const char *path, mode_t mode, uint64_t size,
	const struct digest *sha256)
{
	struct error ignored = ERROR_INIT;
	struct digest digest;
	struct stat st;

	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 07777) == mode &&
	       (uint64_t)st.st_size == size &&
	       seen_digest(build->plan->seen, path, &digest, NULL, &ignored) == 0 &&
	       digest_equal(&digest, sha256);
}

/* What an earlier run says of this pair, if that was the same pair made in the same way. */
static const struct packlist_member *
find_earlier(const struct build *build, const struct pair *pair)
{
	const struct member *wanted = pair->wanted->member;
	const struct packlist_host *host =
		packlist_find_host(&build->old, pair->host->plan->arch->name);
	const struct packlist_member *found;

	if (host == NULL || strcmp(build->old.compressor, build->compressor) != 0 ||
	    build->old.source_date_epoch != build->plan->source_date_epoch)
		return NULL;
	found = packlist_find_member(host, wanted->target);
	if (found == NULL || found->packed.size != wanted->size ||
	    !digest_equal(&found->packed.sha256, &wanted->sha256))
		return NULL;
	return found;
}

void
pair_check(const struct build *build, struct pair *pair)
{
	const struct packlist_member *earlier = find_earlier(build, pair);
	const char *target = pair->wanted->member->target;
	auto_free char *name = tarball_name(pair->host->plan->arch->name, target);
	auto_free char *path = path_join(build->directory, name);
	char inner[MEMBER_NAME_SIZE];

	if (earlier == NULL ||
	    !file_is(build, path, 0644, earlier->tarball.size, &earlier->tarball.sha256))
		return;
	if (pair->host->plan->legacy_names) {
		auto_free char *program = path_join(build->directory, member_name(inner, target));

		if (!file_is(build, program, 0755, earlier->packed.size, &earlier->packed.sha256))
			return;
	}
	pair->packed = earlier->packed;
	pair->tarball = earlier->tarball;
	pair->diff_id = earlier->diff_id;
	pair->complete = true;
}

int
pair_link_legacy(const struct build *build, const struct pair *pair, struct error *err)
{
	const char *target = pair->wanted->member->target;
	auto_free char *name = tarball_name(pair->host->plan->arch->name, target);
	auto_free char *path = path_join(build->directory, name);
	auto_free char *legacy_name = legacy_tarball_name(target);
	auto_free char *legacy = path_join(build->directory, legacy_name);

	if (same_inode(path, legacy) ||
	    file_is(build, legacy, 0644, pair->tarball.size, &pair->tarball.sha256))
		return 0;
	return link_or_copy(path, legacy, err);
}

/* Which of the three kinds of asset of a member a file name is, or that it is none. */
static const struct digest *
digest_of_name(const struct packlist *packlist, const char *name)
{
	for (size_t h = 0; h < packlist->count; h++) {
		const struct packlist_host *host = &packlist->hosts[h];

		for (size_t i = 0; i < host->count; i++) {
			const struct packlist_member *member = &host->members[i];
			auto_free char *tarball = tarball_name(host->name, member->packed.target);
			auto_free char *legacy = legacy_tarball_name(member->packed.target);
			char program[MEMBER_NAME_SIZE];

			if (strcmp(name, tarball) == 0)
				return &member->tarball.sha256;
			if (!host->legacy_names)
				continue;
			if (strcmp(name, legacy) == 0)
				return &member->tarball.sha256;
			if (strcmp(name, member_name(program, member->packed.target)) == 0)
				return &member->packed.sha256;
		}
	}
	return NULL;
}

static void
add_name(char ***names, size_t *count, const char *name)
{
	*names = xgrow(*names, *count, sizeof(**names));
	(*names)[(*count)++] = xstrdup(name);
}

/* Ours only if it is still what we made: a file that somebody changed is theirs. */
static int
clean_file(struct build *build, const char *name, struct assets_report *report, struct error *err)
{
	const struct digest *ours = digest_of_name(&build->old, name);
	auto_free char *path = path_join(build->directory, name);
	struct error ignored = ERROR_INIT;
	struct digest digest;

	if (ours == NULL || seen_digest(build->plan->seen, path, &digest, NULL, &ignored) < 0 ||
	    !digest_equal(&digest, ours)) {
		if (interrupt_check(err) < 0)
			return -1;
		add_name(&report->strays, &report->stray_count, name);
		return 0;
	}
	if (unlink(path) < 0)
		return error_set_errno(err, ERR_IO, "cannot remove '%s'", path);
	add_name(&report->removed, &report->removed_count, name);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
build_clean(struct build *build, struct assets_report *report, struct error *err)
{
	AUTO(packlist_clear) struct packlist now = PACKLIST_INIT;
	AUTO(words_clear) struct words names = WORDS_INIT;
	int result = 0;

	if (directory_names(build->directory, &names, err) < 0)
		return -1;
	build_collect(build, build->plan->partial, &now);
	for (size_t i = 0; result == 0 && i < names.count; i++) {
		const char *name = names.items[i];

		if (digest_of_name(&now, name) != NULL ||
		    (build->plan->keeps != NULL && build->plan->keeps(name)))
			continue;
		result = clean_file(build, name, report, err);
	}
	if (report->removed_count != 0)
		qsort(report->removed, report->removed_count, sizeof(char *), by_name);
	if (report->stray_count != 0)
		qsort(report->strays, report->stray_count, sizeof(char *), by_name);
	return result;
}
