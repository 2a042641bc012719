/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "distributor/documents/release.h"
#include "distributor/steps/reproduce_internal.h"
#include "pack/difference.h"
#include "sign/check/sums.h"

#include <string.h>

/* What only the run that signed could make. */
static bool
is_of_the_run(const char *name)
{
	return strcmp(name, RELEASE_PROVENANCE_NAME) == 0;
}

/* Why two files differ, to be freed by the caller; NULL where their bytes cannot be had. */
static char *
explain_file(const struct reproduction *p, const char *name, bool *ret_recompressed)
{
	auto_free char *path = xasprintf("%s/assets/%s", p->out, name);
	auto_free char *ours = NULL, *theirs = NULL;
	struct error ignored = ERROR_INIT;
	size_t ours_length, theirs_length;
	struct bytes made, published;

	if (read_file(path, MAX_EXPLAINED, &ours, &ours_length, &ignored) < 0 ||
	    p->files.read(p->files.context, name, MAX_EXPLAINED, &theirs, &theirs_length,
			  &ignored) < 0)
		return NULL;
	made = (struct bytes){(const uint8_t *)ours, ours_length};
	published = (struct bytes){(const uint8_t *)theirs, theirs_length};
	return difference_explain(&made, &published, ret_recompressed);
}

static int
compare_file(struct reproduction *p, const char *name, struct error *err)
{
	auto_free char *path = xasprintf("%s/assets/%s", p->out, name);
	struct digest made, published;
	bool recompressed = false;
	int result;

	if (interrupt_check(err) < 0)
		return -1;
	if (is_of_the_run(name)) {
		step_reproduce_add(p->result, xstrdup(name), REPRODUCED_OWN,
				   xstrdup("belongs to the run that signed it"));
		return 0;
	}
	result = p->files.digest(p->files.context, name, VERIFY_MAX_FILE, &published, NULL, err);
	if (result < 0 && err->code != ERR_NOT_FOUND)
		return -1;
	if (result < 0) {
		step_reproduce_add(p->result, xstrdup(name), REPRODUCED_MISSING,
				   xstrdup("listed in SHA256SUMS but missing"));
		return 0;
	}
	if (digest_file(path, &made, NULL, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		step_reproduce_add(p->result, xstrdup(name), REPRODUCED_EXTRA,
				   xstrdup("not produced by the rebuild"));
		return 0;
	}
	if (digest_equal(&made, &published)) {
		step_reproduce_add(p->result, xstrdup(name), REPRODUCED_SAME, NULL);
		return 0;
	}
	step_reproduce_add(p->result, xstrdup(name), REPRODUCED_DIFFERS,
			   explain_file(p, name, &recompressed));
	p->result->recompressed += recompressed;
	return 0;
}

static int
read_sums(const struct reproduction *p, struct sums *ret_sums, struct error *err)
{
	auto_free char *text = NULL;
	size_t length;

	if (p->files.read(p->files.context, SUMS_NAME, SUMS_MAX_TEXT, &text, &length, err) < 0)
		return -1;
	return sums_parse(text, length, ret_sums, SUMS_NAME, err);
}

/* What was made here and is not part of the release. */
static int
add_missing(struct reproduction *p, const struct sums *sums, struct error *err)
{
	auto_free char *assets = path_join(p->out, "assets");
	const struct verify_files made = verify_directory(assets);
	AUTO(sums_clear) struct sums names = SUMS_INIT;

	if (made.list(made.context, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (sums_find(sums, names.entries[i].name) == NULL)
			step_reproduce_add(p->result, xstrdup(names.entries[i].name),
					   REPRODUCED_MISSING, xstrdup("not listed in SHA256SUMS"));
	return 0;
}

int
step_reproduce_compare_files(struct reproduction *p, struct error *err)
{
	AUTO(sums_clear) struct sums sums = SUMS_INIT;
	struct progress_task *task;
	int result = 0;

	if (read_sums(p, &sums, err) < 0)
		return -1;
	task = progress_start(p->work->progress, "comparing", PROGRESS_ITEMS, sums.count);
	for (size_t i = 0; i < sums.count && result == 0; i++) {
		result = compare_file(p, sums.entries[i].name, err);
		progress_add(task, 1);
	}
	progress_done(task, NULL);
	return result < 0 ? -1 : add_missing(p, &sums, err);
}
