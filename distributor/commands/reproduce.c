/* SPDX-License-Identifier: MIT */
#include "distributor/steps/reproduce.h"
#include "base/alloc.h"
#include "base/jsonx.h"
#include "distributor/cli/command.h"
#include "distributor/cli/table.h"
#include "pack/deflate.h"

#include <jansson.h>
#include <stdio.h>

extern const struct command cmd_reproduce;

static struct step_reproduce_options options;

static const char *
state_word(enum reproduced state)
{
	static const char *const words[] = {"same", "differs", "missing", "extra", "not rebuilt"};

	return words[state];
}

static void
print_json(const struct step_reproduce *r)
{
	auto_free char *compressor = deflater_identity();
	json_t *rows = json_array();

	for (size_t i = 0; i < r->count; i++)
		jsonx_append(rows,
			     jsonx_pack("{s:s, s:s, s:s?}", "name", r->rows[i].name, "state",
					state_word(r->rows[i].state), "detail", r->rows[i].detail));
	app_print_json(jsonx_pack("{s:s, s:s?, s:s, s:b, s:I, s:I, s:s, s:s?, s:o}", "tag", r->tag,
				  "commit", r->commit, "distributor", r->program, "reproduced",
				  r->different == 0 ? 1 : 0, "different", (json_int_t)r->different,
				  "recompressed", (json_int_t)r->recompressed, "compressor",
				  compressor, "made_in", r->made_in, "files", rows));
}

/* What is the same is counted; with -v it is listed as well. */
static void
print_text(const struct app *app, const struct step_reproduce *r)
{
	static const char *const headers[] = {"what", "", "where"};
	AUTO(table_freep) struct table *table = table_new(headers, ARRAY_SIZE(headers));
	size_t same = 0, shown = 0;

	for (size_t i = 0; i < r->count; i++) {
		same += r->rows[i].state == REPRODUCED_SAME;
		if (r->rows[i].state == REPRODUCED_SAME && !app->verbose)
			continue;
		shown++;
		table_add(table, r->rows[i].name);
		table_add(table, state_word(r->rows[i].state));
		table_add(table, r->rows[i].detail != NULL ? r->rows[i].detail : "");
	}
	if (shown != 0) {
		table_print(table, TABLE_TEXT);
		(void)printf("\n");
	}
	(void)printf("%s: %zu of %zu files and images are identical%s\n", r->tag, same, r->count,
		     r->different == 0 ? "; release reproduced" : "");
	if (r->made_in != NULL)
		(void)printf("rebuilt files are in %s\n", r->made_in);
}

/* Whoever compressed with another version is not to blame for it. */
static int
not_reproduced(const struct step_reproduce *r, struct error *err)
{
	auto_free char *compressor = deflater_identity(), *excuse = NULL;

	if (r->recompressed != 0)
		excuse = xasprintf("; %zu of them have the same content but were compressed by a "
				   "different program or version than this one (%s), so images and "
				   "documents that refer to them differ as well",
				   r->recompressed, compressor);
	return error_set(err, ERR_VERIFY,
			 "%s is not reproduced: %zu of %zu files and images differ%s", r->tag,
			 r->different, r->count, excuse != NULL ? excuse : "");
}

static int
run_reproduce(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(step_reproduce_clear) struct step_reproduce result = STEP_REPRODUCE_INIT;

	(void)argc;
	options.what = argv[0];
	if (step_reproduce(&app->work, &options, &result, err) < 0)
		return -1;
	if (app->json)
		print_json(&result);
	else if (!app->quiet)
		print_text(app, &result);
	return result.different == 0 ? 0 : not_reproduced(&result, err);
}

static const struct option_spec reproduce_options[] = {
	{"against", '\0', "DIR|URL", OPTION_TEXT, &options.against,
	 "with TAG: where its files are (default: its page on\n"
	 "GitHub)"},
	{"repo", '\0', "DIR", OPTION_TEXT, &options.repo_path,
	 "git repository with the tag (default .)"},
	{"registrars", '\0', "DIR", OPTION_TEXT, &options.registrars,
	 "directory with register-HOST programs (default:\n"
	 "those of this build)"},
	{"no-images", '\0', NULL, OPTION_FLAG, &options.no_images, "do not rebuild images"},
	{"keep", '\0', "DIR", OPTION_TEXT, &options.keep,
	 "build in DIR and keep it (default: a temporary\n"
	 "directory)"},
	{.name = NULL},
};

const struct command cmd_reproduce = {
	.name = "reproduce",
	.args = "TAG|DIR|URL",
	.summary = "rebuild a published release and compare every byte",
	.description =
		"Reads the inputs of a release from its release.json, takes matrix and lock from\n"
		"the tag (or from DIR, or from --matrix and --lock if their digests match),\n"
		"rebuilds tarballs, images and documents in a private directory, and compares\n"
		"them. For each difference it shows the first byte and the part of the format it\n"
		"belongs to, or that only the compressor differs.\n"
		"\n"
		"DIR contains the files of a release, or is an OUT directory, whose images are\n"
		"then compared in depth too. Provenance and signatures belong to the run that\n"
		"signed and are not rebuilt; use 'distributor verify' for those.\n"
		"\n"
		"Exits with 0 if everything is identical and with 4 if anything differs.\n",
	.examples = "  distributor reproduce v10.2.2-1\n"
		    "  distributor reproduce --repo out/repository.git out/releases/latest\n",
	.options = reproduce_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_CACHE | SHARED_JOBS | SHARED_OFFLINE,
	.min_args = 1,
	.max_args = 1,
	.run = run_reproduce,
};
