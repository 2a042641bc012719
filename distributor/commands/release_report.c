/* SPDX-License-Identifier: MIT */
#include "distributor/commands/release_report.h"
#include "distributor/cli/command.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/strbuf.h"
#include "distributor/cli/table.h"
#include "distributor/workspace/key_files.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *
state_word(enum step_state state)
{
	static const char *const words[] = {"not reached", "done",   "nothing to do",
					    "skipped",     "FAILED", "would do"};

	return words[state];
}

static char *
steps_table(const struct release_run *releasing, enum table_style style)
{
	static const char *const headers[] = {"step", "", "seconds>", "what"};
	AUTO(table_freep) struct table *table = table_new(headers, ARRAY_SIZE(headers));
	const struct release_step *steps = release_run_steps(releasing);

	for (size_t i = 0; i < RELEASE_STEPS; i++) {
		table_add(table, steps[i].name);
		table_add(table, state_word(steps[i].state));
		if (steps[i].state == STEP_NOT_REACHED)
			table_add(table, "");
		else
			table_addf(table, "%.1f", steps[i].seconds);
		table_add(table, steps[i].detail != NULL ? steps[i].detail : "");
	}
	return table_format(table, style);
}

/* Without a matrix, say, there is nothing to tell of. */
static bool
has_begun(const struct release_run *releasing)
{
	return release_run_steps(releasing)[0].state != STEP_NOT_REACHED;
}

/* Whether this run changed anything at all. */
static bool
did_something(const struct release_run *releasing)
{
	const struct release_step *steps = release_run_steps(releasing);

	for (size_t i = 0; i < RELEASE_STEPS; i++)
		if (steps[i].state == STEP_DONE && strcmp(steps[i].name, "lock") != 0 &&
		    strcmp(steps[i].name, "read back") != 0)
			return true;
	return false;
}

static json_t *
steps_json(const struct release_run *releasing)
{
	static const char *const words[] = {"not-reached", "done",   "nothing-to-do",
					    "skipped",     "failed", "would-do"};
	const struct release_step *steps = release_run_steps(releasing);
	json_t *list = json_array();

	for (size_t i = 0; i < RELEASE_STEPS; i++)
		jsonx_append(list, jsonx_pack("{s:s, s:s, s:s?, s:f}", "step", steps[i].name,
					      "state", words[steps[i].state], "detail",
					      steps[i].detail, "seconds", steps[i].seconds));
	return list;
}

static void
print_json(const struct app *app, const struct release_run *releasing,
	   const struct release_run_options *options, const struct error *err)
{
	auto_free char *assets = path_join(app->work.out, "assets");
	auto_free char *images = path_join(app->work.out, "images");

	app_print_json(jsonx_pack(
		"{s:s?, s:b, s:b, s:b, s:s?, s:s, s:s, s:s?, s:s, s:o, s:s?}", "tag",
		release_run_tag(releasing), "complete", err == NULL && !options->dry_run ? 1 : 0,
		"changed", did_something(releasing) ? 1 : 0, "dry_run", options->dry_run ? 1 : 0,
		"url", release_run_url(releasing), "assets", assets, "images", images, "repository",
		release_run_repository(releasing), "keys", release_run_keys(releasing), "steps",
		steps_json(releasing), "error", err != NULL ? err->message : NULL));
}

/*
 * How to check, by this program and by others, what was just made: commands to paste into a shell.
 * Those that go elsewhere first need the keys by their whole path.
 */
static void
print_advice(const struct app *app, const struct release_run *releasing,
	     const struct release_run_options *options)
{
	const char *tag = release_run_tag(releasing),
		   *repository = release_run_repository(releasing);
	const char *keys = release_run_keys(releasing);
	auto_free char *program = NULL, *place = NULL, *place_word = NULL, *keys_word = NULL;
	auto_free char *list = NULL, *list_word = NULL, *repository_word = NULL;

	if (options->directory == NULL)
		return;
	program = text_shell_word(app->work.program);
	place = path_join(options->directory, tag);
	place_word = text_shell_word(place);
	keys_word = text_shell_word(keys);
	(void)printf("\nVerify it:\n"
		     "  %s verify --keys %s --tag %s %s\n"
		     "  (cd %s && sha256sum --quiet -c SHA256SUMS)\n",
		     program, keys_word, tag, place_word, place_word);
	if (repository == NULL)
		return;
	list = path_join(keys, KEY_LIST_NAME);
	list_word = text_shell_word(list);
	repository_word = text_shell_word(repository);
	(void)printf("  git -C %s -c gpg.ssh.allowedSignersFile=%s%s verify-tag %s\n",
		     repository_word, *keys == '/' ? "" : "\"$PWD\"/", list_word, tag);
}

static void
print_text(const struct app *app, const struct release_run *releasing,
	   const struct release_run_options *options, const struct error *err)
{
	auto_free char *table = steps_table(releasing, TABLE_TEXT);
	const char *tag = release_run_tag(releasing), *url = release_run_url(releasing);

	if (has_begun(releasing))
		(void)fputs(table, stdout);
	if (err != NULL)
		return;
	if (options->dry_run)
		(void)printf("\n"
			     "%s: dry run, nothing was written outside OUT\n",
			     tag);
	else
		(void)printf("\n%s is released%s%s%s\n", tag,
			     did_something(releasing) ? "" : "; there was nothing to do",
			     url != NULL ? ": " : "", url != NULL ? url : "");
	if (!options->dry_run)
		print_advice(app, releasing, options);
}

void
release_summary_print(const struct app *app, const struct release_run *releasing,
		      const struct release_run_options *options, const struct error *err)
{
	if (app->json)
		print_json(app, releasing, options, err);
	else if (!app->quiet)
		print_text(app, releasing, options, err);
	(void)fflush(stdout);
}

static int
append(const char *path, const char *text, struct error *err)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	int result;

	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot open '%s'", path);
	result = write_all(fd, text, strlen(text), path, err);
	if (close(fd) < 0 && result == 0)
		return error_set_errno(err, ERR_IO, "cannot write '%s'", path);
	return result;
}

void
release_summary_add_markdown(const struct release_run *releasing, const struct error *err)
{
	const char *path = getenv("GITHUB_STEP_SUMMARY");
	const char *name = release_run_name(releasing), *tag = release_run_tag(releasing);
	AUTO(strbuf_clear) struct strbuf text = STRBUF_INIT;
	struct error trouble = ERROR_INIT;
	auto_free char *table = NULL;

	if (path == NULL || *path == '\0')
		return;
	table = has_begun(releasing) ? steps_table(releasing, TABLE_MARKDOWN) : xstrdup("");
	strbuf_addf(&text, "## %s %s\n\n%s\n", name != NULL ? name : "release",
		    tag != NULL ? tag : "", table);
	if (err != NULL)
		strbuf_addf(&text, "**Failed.** %s\n", err->message);
	else if (release_run_url(releasing) != NULL)
		strbuf_addf(&text, "Released: %s\n", release_run_url(releasing));
	if (append(path, strbuf_text(&text), &trouble) < 0)
		log_warning("%s", trouble.message);
}
