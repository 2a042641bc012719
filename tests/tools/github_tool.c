/* SPDX-License-Identifier: MIT */
/*
 * Publishes the files of a directory through publish/, for tests against the double:
 *
 *     github_tool [OPTION=VALUE]... DIRECTORY TAG
 *
 * Options: pace=MS minute=N hour=N tries=N first=MS limit=MS max=SECONDS parallel=N dry=1 latest=0
 * prepare=1 (no publishing) tag_id=ID hint=FILE. Prints one line of JSON; errors as the program does.
 */

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "model/release_version.h"
#include "publish/github/github.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

static void
notice(void *context, const char *sentence)
{
	(void)context;
	log_info("%s", sentence);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int
is_file(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* What the publication borrows. */
struct loaded {
	char **texts;
	size_t text_count;
	struct publish_file *files;
};

static void
loaded_clear(struct loaded *loaded)
{
	for (size_t i = 0; i < loaded->text_count; i++)
		free(loaded->texts[i]);
	free(loaded->texts);
	free(loaded->files);
}

static const char *
keep(struct loaded *loaded, char *text)
{
	loaded->texts = xgrow(loaded->texts, loaded->text_count, sizeof(*loaded->texts));
	loaded->texts[loaded->text_count++] = text;
	return text;
}

static int
load(const char *directory, struct loaded *loaded, struct publication *publication,
     struct error *err)
{
	struct dirent **entries;
	int count = scandir(directory, &entries, is_file, by_name), result = 0;

	if (count < 0)
		return error_set_errno(err, ERR_IO, "cannot read '%s'", directory);
	loaded->files = xcalloc((size_t)count + 1, sizeof(*loaded->files));
	for (int i = 0; i < count; i++) {
		struct publish_file *file = &loaded->files[i];

		file->name = keep(loaded, xstrdup(entries[i]->d_name));
		file->path = keep(loaded, path_join(directory, file->name));
		free(entries[i]);
		if (digest_file(file->path, &file->sha256, &file->size, err) < 0)
			result = -1;
	}
	free(entries);
	publication->files = loaded->files;
	publication->count = (size_t)count;
	return result;
}

static int
run(struct github_options *options, struct publication *publication, bool only_prepare, bool decide,
    struct error *err)
{
	AUTO(publish_result_clear) struct publish_result result = PUBLISH_RESULT_INIT;
	AUTO(http_client_freep) struct http_client *http = NULL;
	AUTO(github_freep) struct github *github = NULL;
	auto_free char *latest = NULL;
	const struct http_options http_options = {.first_wait_ms = 10, .tries = 3};

	if (http_client_new(&http_options, &http, err) < 0 ||
	    github_new(options, http, &github, err) < 0 ||
	    (decide && github_latest_tag(github, &latest, err) < 0))
		return -1;
	if (decide)
		publication->latest = release_tag_takes_latest(publication->tag, latest);
	if (github_prepare(github, publication, &result, err) < 0)
		return -1;
	if (!only_prepare && github_publish(github, publication, &result, err) < 0)
		return -1;
	(void)printf("{\"url\":\"%s\",\"was_there\":%d,\"published\":%d,\"latest\":%d,"
		     "\"immutable\":%d,\"uploaded\":%zu,\"kept\":%zu,\"removed\":%zu,"
		     "\"downloads\":%zu,\"requests\":%zu}\n",
		     result.url != NULL ? result.url : "", result.was_there, result.published,
		     result.latest, result.immutable, result.uploaded, result.kept, result.removed,
		     result.downloads, result.requests);
	return 0;
}

static void
set_option(struct github_options *options, struct publication *publication, bool *prepare,
	   const char *name, const char *value)
{
	unsigned int number = (unsigned int)strtoul(value, NULL, 10);
	const struct {
		const char *name;
		unsigned int *target;
	} numbers[] = {
		{"pace=", &options->pace.interval_ms}, {"minute=", &options->pace.per_minute},
		{"hour=", &options->pace.per_hour},    {"tries=", &options->tries},
		{"first=", &options->first_wait_ms},   {"limit=", &options->limit_wait_ms},
		{"max=", &options->max_wait_sec},      {"parallel=", &options->parallel},
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (strncmp(name, numbers[i].name, strlen(numbers[i].name)) == 0)
			*numbers[i].target = number;
	if (strncmp(name, "dry=", 4) == 0)
		options->dry_run = number != 0;
	if (strncmp(name, "latest=", 7) == 0)
		publication->latest = number != 0;
	if (strncmp(name, "prepare=", 8) == 0)
		*prepare = number != 0;
	if (strncmp(name, "tag_id=", 7) == 0)
		publication->tag_id = value;
	if (strncmp(name, "hint=", 5) == 0)
		options->hint_path = value;
}

int
main(int argc, char **argv)
{
	struct github_options options = GITHUB_OPTIONS_DEFAULT;
	struct publication publication = {.title = "Title", .body = "# Body\n", .latest = true};
	AUTO(loaded_clear) struct loaded loaded = {NULL, 0, NULL};
	struct error err = ERROR_INIT;
	bool prepare = false, decide = false;
	int i;

	interrupt_install();
	options.api_url = getenv("GITHUB_API_URL");
	options.repository = getenv("GITHUB_REPOSITORY");
	options.token = getenv("GITHUB_TOKEN");
	options.notice = notice;
	options.pace = (struct pacer_limits){0, 0, 0};
	options.first_wait_ms = options.limit_wait_ms = 10;
	for (i = 1; i < argc && strchr(argv[i], '=') != NULL; i++)
		if (strcmp(argv[i], "latest=auto") == 0)
			decide = true;
		else
			set_option(&options, &publication, &prepare, argv[i],
				   strchr(argv[i], '=') + 1);
	if (argc - i != 2 || options.api_url == NULL || options.repository == NULL)
		return 2;
	publication.tag = argv[i + 1];
	if (load(argv[i], &loaded, &publication, &err) == 0 &&
	    run(&options, &publication, prepare, decide, &err) == 0)
		return 0;
	log_error("%s", err.message);
	return error_exit_status(&err);
}
