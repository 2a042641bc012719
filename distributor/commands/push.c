/* SPDX-License-Identifier: MIT */
#include "distributor/steps/push.h"
#include "base/alloc.h"
#include "base/jsonx.h"
#include "base/progress.h"
#include "base/text.h"
#include "distributor/cli/command.h"
#include "distributor/commands/registry_options.h"

#include <jansson.h>
#include <stdio.h>

extern const struct command cmd_push;

static struct step_push_options options = STEP_PUSH_OPTIONS_DEFAULT;

static json_t *
target_json(const struct step_push_target *target)
{
	const struct push_result *r = &target->result;
	auto_free char *name = reference_repository(&target->reference);
	json_t *root = jsonx_pack(
		"{s:s, s:b, s:s*, s:{s:I, s:I}, s:{s:I, s:I}, s:{s:I, s:I, s:I}, s:I}",
		"repository", name, "done", target->failed ? 0 : 1, "error",
		target->failed ? target->err.message : NULL, "blobs", "kept",
		(json_int_t)r->blobs_kept, "sent", (json_int_t)r->blobs_sent, "manifests", "kept",
		(json_int_t)r->manifests_kept, "sent", (json_int_t)r->manifests_sent, "tags",
		"kept", (json_int_t)r->tags_kept, "new", (json_int_t)r->tags_new, "moved",
		(json_int_t)r->tags_moved, "bytes", (json_int_t)r->bytes_sent);

	if (target->effects != NULL)
		jsonx_set(root, "effects", json_incref(target->effects));
	return root;
}

static void
print_target(const struct step_push_target *target)
{
	const struct push_result *r = &target->result;
	auto_free char *name = reference_repository(&target->reference);
	auto_free char *bytes = format_bytes(r->bytes_sent);
	size_t writes = r->blobs_sent + r->manifests_sent + r->tags_new + r->tags_moved;

	if (target->failed)
		return;
	if (writes == 0) {
		(void)printf("%s: up to date (%zu tag%s), nothing pushed\n", name, r->tags_kept,
			     plural(r->tags_kept));
		return;
	}
	(void)printf("%s: %s %zu blob%s (%zu existing), %zu manifest%s (%zu "
		     "existing), %zu new and %zu moved tag%s (%zu unchanged); %s\n",
		     name, options.dry_run ? "would push" : "pushed", r->blobs_sent,
		     plural(r->blobs_sent), r->blobs_kept, r->manifests_sent,
		     plural(r->manifests_sent), r->manifests_kept, r->tags_new, r->tags_moved,
		     plural(r->tags_moved), r->tags_kept, bytes);
}

static void
print_result(const struct app *app, const struct step_push *pushing)
{
	json_t *list = json_array();

	for (size_t i = 0; i < pushing->count; i++) {
		jsonx_append(list, target_json(&pushing->targets[i]));
		if (!app->json && !app->quiet)
			print_target(&pushing->targets[i]);
	}
	if (app->json)
		app_print_json(jsonx_pack("{s:b, s:o}", "dry_run", options.dry_run ? 1 : 0,
					  "repositories", list));
	else
		json_decref(list);
}

static int
run_push(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(step_push_clear) struct step_push pushing = STEP_PUSH_INIT;
	int result;

	options.repositories = (const char *const *)argv;
	options.repository_count = (size_t)argc;
	/* Images that are pushed elsewhere may be of any matrix. */
	if ((argc == 0 || workspace_names_matrix(&app->work)) &&
	    workspace_load_matrix(&app->work, err) < 0)
		return -1;
	options.list_effects = app->json;
	result = step_push(&app->work, &options, &pushing, err);
	/* A stop by a signal and what kept it from beginning have no result to show. */
	if (pushing.count != 0 && pushing.done == pushing.count)
		print_result(app, &pushing);
	return result;
}

static const struct option_spec push_cmd_options[] = {
	{"layout", '\0', "DIR", OPTION_TEXT, &options.layout,
	 "OCI layout to push (default OUT/images)"},
	{"dry-run", 'n', NULL, OPTION_FLAG, &options.dry_run,
	 "compare with the registry and show what would be\n"
	 "pushed"},
	REGISTRY_OPTIONS(options.access),
	{"replace-version", '\0', NULL, OPTION_FLAG, &options.replace_version,
	 "move version tags that exist with different content"},
	{"hold-moving", '\0', NULL, OPTION_FLAG | OPTION_HIDDEN, &options.only_version,
	 "do not move 'latest' and other moving tags, until\n"
	 "the release is published"},
	{"part", '\0', NULL, OPTION_FLAG, &options.part, "push a layout even if hosts are missing"},
	{"unsigned", '\0', NULL, OPTION_FLAG, &options.unsigned_too,
	 "push images that no allowed key has signed for the\n"
	 "target repository"},
	{"connections", '\0', "N", OPTION_NUMBER | OPTION_HIDDEN, &options.connections,
	 "number of parallel requests (default 6)"},
	{.name = NULL},
};

const struct command cmd_push = {
	.name = "push",
	.args = "[REPOSITORY]...",
	.summary = "push images, indexes and image signatures to registries",
	.description =
		"Pushes OUT/images to each REPOSITORY (default: those in the matrix): blobs,\n"
		"manifests, indexes, version tags, moving tags, 'latest' last. Then reads every\n"
		"tag back. Content that exists in the registry is not uploaded again, so an\n"
		"interrupted push can be repeated.\n"
		"\n"
		"Images must be signed for each repository by a key in --keys ('distributor sign'\n"
		"does that), except parts, which are signed after they are joined. Images must\n"
		"have the version of the matrix; if repositories are given, this is checked only\n"
		"with --matrix.\n",
	.examples = "  distributor push --dry-run\n"
		    "  distributor push --unsigned localhost:5000/owner/qemu-user-static\n",
	.options = push_cmd_options,
	.shared = SHARED_MATRIX | SHARED_OUT | SHARED_KEYS | SHARED_OFFLINE,
	.min_args = 0,
	.max_args = -1,
	.run = run_push,
};
