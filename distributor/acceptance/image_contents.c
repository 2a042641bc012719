/* SPDX-License-Identifier: MIT */
#include "distributor/acceptance/acceptance.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/parallel.h"
#include "distributor/workspace/registrars.h"
#include "images/contents.h"
#include "images/unpack.h"

#include <string.h>

/* The pairs of one host, for parallel_for(). */
struct work {
	struct acceptance *trial;
	struct acceptance_host *host;
	const struct layout *layout;
};

/* The program that the image of this pair has to have, or NULL if there may be no such image. */
static const struct member *
expected(const struct acceptance *trial, const struct acceptance_host *host, const char *target)
{
	if (!matrix_wants_image(trial->matrix, host->arch->name, target))
		return NULL;
	return lock_find_member(trial->lock, host->arch->name, target, NULL);
}

/* The image of a pair: its program alone. */
static int
check_root(const struct acceptance *trial, const char *root, const char *tag,
	   const struct member *member, struct error *err)
{
	AUTO(image_contents_clear)
	struct image_contents contents = {root, tag, trial->images_command, WORDS_INIT};

	image_contents_add_program(&contents, member->target);
	if (image_contents_check_program(&contents, member, err) < 0)
		return -1;
	return image_contents_check_listing(&contents, err);
}

static int
unpack_pair(const struct work *work, const char *tag, const struct member *member,
	    struct error *err)
{
	auto_free char *root = acceptance_path(work->trial, tag);
	int result;

	if (make_directories(root, err) < 0)
		return -1;
	result = image_unpack(work->layout, tag, work->host->arch, root, err);
	if (result < 0)
		error_prefix(err, "image '%s'", tag);
	if (result == 0)
		result = check_root(work->trial, root, tag, member, err);
	remove_tree(root);
	return result;
}

static int
check_pair(const struct work *work, const char *tag, const struct member *member, struct error *err)
{
	bool there = layout_tags_find(layout_tags(work->layout), tag) != NULL;

	if (member == NULL)
		return error_set(
			err, ERR_VERIFY,
			"image '%s' belongs to a pair that is not in this release; '%s' removes it",
			tag, work->trial->images_command);
	if (!there)
		return error_set(err, ERR_VERIFY, "image '%s' is missing; run '%s'", tag,
				 work->trial->images_command);
	return unpack_pair(work, tag, member, err);
}

static int
try_pair(size_t index, void *context, struct error *err)
{
	const struct work *work = context;
	const char *target = target_table[index];
	const struct member *member = expected(work->trial, work->host, target);
	auto_free char *tag = xasprintf("%s-%s", work->host->arch->name, target);
	int result;

	if (!acceptance_wants(work->trial, target) ||
	    (member == NULL && layout_tags_find(layout_tags(work->layout), tag) == NULL))
		return 0;
	result = check_pair(work, tag, member, err);
	if (result < 0 && err->code == ERR_INTERRUPTED)
		return -1;
	acceptance_add(work->trial, work->host, ACCEPTANCE_IMAGE, target,
		       result < 0 ? ACCEPTANCE_FAILED : ACCEPTANCE_OK,
		       result < 0 ? err->message : NULL);
	return 0;
}

int
acceptance_contents_of_pairs(struct acceptance *trial, struct acceptance_host *host,
			     const struct layout *layout, struct error *err)
{
	struct work work = {trial, host, layout};

	return parallel_for(target_count, (unsigned int)trial->work->jobs, try_pair, &work, err);
}

bool
acceptance_wants_all_in_one(const struct acceptance *trial, const struct acceptance_host *host)
{
	for (size_t i = 0; i < target_count; i++)
		if (expected(trial, host, target_table[i]) != NULL)
			return true;
	return false;
}

int
acceptance_contents_without_all(struct acceptance *trial, struct acceptance_host *host,
				const struct layout *layout, struct error *err)
{
	bool there;

	if (image_is_there(layout, "latest", host->arch, &there, err) < 0) {
		if (err->code == ERR_INTERRUPTED)
			return -1;
		acceptance_add(trial, host, ACCEPTANCE_IMAGE, "latest", ACCEPTANCE_FAILED,
			       err->message);
	} else if (there) {
		auto_free char *reason = xasprintf(
			"image 'latest' belongs to no pair in this release; '%s' removes it",
			trial->images_command);

		acceptance_add(trial, host, ACCEPTANCE_IMAGE, "latest", ACCEPTANCE_FAILED, reason);
	}
	return 0;
}

/* The programs of the image of all, and the files that it may have. */
static int
check_programs(const struct acceptance *trial, const struct acceptance_host *host,
	       struct image_contents *contents, struct error *err)
{
	for (size_t i = 0; i < target_count; i++) {
		const struct member *member = expected(trial, host, target_table[i]);
		bool wanted = acceptance_wants(trial, target_table[i]);

		if (wanted && member != NULL &&
		    image_contents_check_program(contents, member, err) < 0)
			return -1;
		/* Nothing is said about one that was not asked for. */
		if (!wanted || member != NULL)
			image_contents_add_program(contents, target_table[i]);
	}
	return 0;
}

int
acceptance_contents_of_root(struct acceptance *trial, struct acceptance_host *host, const char *tag,
			    const char *root, struct error *err)
{
	AUTO(image_contents_clear)
	struct image_contents contents = {root, tag, trial->images_command, WORDS_INIT};
	auto_free char *registrar = NULL;
	enum acceptance_outcome outcome = ACCEPTANCE_OK;

	words_add(&contents.files, "/register");
	if ((strcmp(tag, "latest") == 0 && check_programs(trial, host, &contents, err) < 0) ||
	    image_contents_check_listing(&contents, err) < 0)
		outcome = ACCEPTANCE_FAILED;
	else if (registrar_find(trial->registrars, host->arch, &registrar, err) < 0)
		outcome = ACCEPTANCE_SKIPPED;
	else if (image_contents_check_registrar(&contents, registrar, err) < 0)
		outcome = ACCEPTANCE_FAILED;
	if (outcome != ACCEPTANCE_OK && err->code == ERR_INTERRUPTED)
		return -1;
	acceptance_add(trial, host, ACCEPTANCE_IMAGE, tag, outcome,
		       outcome != ACCEPTANCE_OK ? err->message : NULL);
	return 0;
}
