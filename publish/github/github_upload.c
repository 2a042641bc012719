/* SPDX-License-Identifier: MIT */
#include "publish/github/github_assets.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/strbuf.h"

#include <fcntl.h>
#include <string.h>

static const char *
content_type(const char *name)
{
	if (text_ends_with(name, ".gz"))
		return "application/gzip";
	if (text_ends_with(name, ".json"))
		return "application/json";
	if (text_starts_with(name, "SHA256SUMS"))
		return "text/plain";
	return "application/octet-stream";
}

/*
 * One request. On failure `*ret_unsure` tells that something may be there under the name all the
 * same: all of it, nothing, or after a 502 an empty "starter" asset.
 */
static int
post(struct github *github, const struct publish_file *file, struct github_asset *ret_asset,
     bool *ret_unsure, struct error *err)
{
	AUTO(github_answer_clear) struct github_answer answer = GITHUB_ANSWER_INIT;
	auto_free char *url = http_url_with_query(github->remote.upload_url, "name", file->name);
	auto_close int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	const struct http_body body = {.fd = fd, .size = file->size};
	struct github_request request = {.kind = GITHUB_CREATE,
					 .method = "POST",
					 .url = url,
					 .content_type = content_type(file->name),
					 .body = &body,
					 .lag = GITHUB_LAG_DRAFT};
	int result;

	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot open '%s'", file->path);
	request.progress =
		progress_start(github->options.progress, file->name, PROGRESS_BYTES, file->size);
	result = github_call(github, &request, &answer, err);
	progress_done(request.progress, NULL);
	*ret_unsure = result == 0 || answer.refusal == GITHUB_REFUSAL_ALREADY_EXISTS ||
		      (err->code == ERR_NETWORK && answer.refusal != GITHUB_REFUSAL_RATE_LIMIT);
	if (result < 0 && answer.refusal == GITHUB_REFUSAL_IMMUTABLE)
		return error_prefix(err, "the release is published and immutable; only a new "
					 "version can be released");
	if (result < 0)
		return -1;
	return github_parse_asset("response to an upload", answer.response.body,
				  answer.response.length, ret_asset, err);
}

/* What GitHub holds under the file's name: 1 the file itself, 0 nothing (any more), -1. */
static int
look(struct github *github, const struct publish_file *file, struct publish_result *result,
     struct error *err)
{
	AUTO(github_asset_list_clear) struct github_asset_list list = {NULL, 0};

	if (github_assets_list(github, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		auto_free char *why = NULL;
		int same;

		if (strcmp(list.items[i].name, file->name) != 0)
			continue;
		same = github_asset_matches(github, &list.items[i], file, result, &why, err);
		if (same != 0)
			return same;
		return github_asset_remove(github, &list.items[i], why, result, err);
	}
	return 0;
}

/*
 * Looks at the asset that an upload was answered with: 1 it is the file, 0 it is not and has been
 * removed (`err` says why), -1.
 */
static int
check_uploaded(struct github *github, const struct publish_file *file,
	       const struct github_asset *asset, struct publish_result *result, struct error *err)
{
	auto_free char *why = NULL;
	int same;

	if (strcmp(asset->name, file->name) != 0) {
		if (github_asset_remove(github, asset, "GitHub changed its name", result, err) < 0)
			return -1;
		return error_set(err, ERR_REMOTE, "GitHub stores '%s' as '%s'", file->name,
				 asset->name);
	}
	same = github_asset_matches(github, asset, file, result, &why, err);
	if (same != 0)
		return same;
	if (github_asset_remove(github, asset, why, result, err) < 0)
		return -1;
	error_set(err, ERR_VERIFY, "it was changed during the upload: %s", why);
	return 0;
}

/* One try: 1 the file is there, 0 it is not but may be sent again (`err` says why), -1. */
static int
send_once(struct github *github, const struct publish_file *file, struct publish_result *result,
	  struct error *err)
{
	AUTO(github_asset_clear) struct github_asset asset = {.name = NULL};
	struct error why;
	bool unsure = false;
	int there;

	if (post(github, file, &asset, &unsure, err) == 0)
		return check_uploaded(github, file, &asset, result, err);
	if (!unsure)
		return -1;
	why = *err;
	there = look(github, file, result, err);
	if (there == 0)
		*err = why;
	return there;
}

int
github_asset_send(struct github *github, const struct publish_file *file,
		  struct publish_result *result, struct error *err)
{
	for (unsigned int failed = 1;; failed++) {
		int there = github->options.dry_run ? 1 : send_once(github, file, result, err);

		if (there > 0) {
			(void)pthread_mutex_lock(&github->lock);
			result->uploaded++;
			result->bytes += file->size;
			(void)pthread_mutex_unlock(&github->lock);
			return 0;
		}
		if (there < 0 || failed >= github->options.tries)
			return error_prefix(err, "cannot upload '%s'", file->name);
		if (github_backoff(github, failed, err->message, err) < 0)
			return -1;
	}
}

/* Files that wait, and threads that take one after the other. */
struct queue {
	struct github *github;
	const struct publish_file *const *files;
	size_t count;
	struct publish_result *result;
	pthread_mutex_t lock;
	size_t next;
	bool failed;
	struct error err; /* the first */
};

static const struct publish_file *
queue_take(struct queue *queue)
{
	const struct publish_file *file = NULL;

	(void)pthread_mutex_lock(&queue->lock);
	if (!queue->failed && queue->next < queue->count)
		file = queue->files[queue->next++];
	(void)pthread_mutex_unlock(&queue->lock);
	return file;
}

static void *
run_queue(void *context)
{
	struct queue *queue = context;
	const struct publish_file *file;

	while ((file = queue_take(queue)) != NULL) {
		struct error err = ERROR_INIT;

		if (github_asset_send(queue->github, file, queue->result, &err) == 0)
			continue;
		(void)pthread_mutex_lock(&queue->lock);
		if (!queue->failed)
			queue->err = err;
		queue->failed = true;
		(void)pthread_mutex_unlock(&queue->lock);
	}
	return NULL;
}

int
github_assets_send(struct github *github, const struct publish_file *const *files, size_t count,
		   struct publish_result *result, struct error *err)
{
	enum { MAX_THREADS = 16 };
	pthread_t threads[MAX_THREADS];
	struct queue queue = {.github = github, .files = files, .count = count, .result = result};
	size_t wanted = github->options.parallel < count ? github->options.parallel : count;
	size_t running = 0;

	(void)pthread_mutex_init(&queue.lock, NULL);
	while (running + 1 < wanted && running < MAX_THREADS &&
	       pthread_create(&threads[running], NULL, run_queue, &queue) == 0)
		running++;
	(void)run_queue(&queue);
	while (running > 0)
		(void)pthread_join(threads[--running], NULL);
	(void)pthread_mutex_destroy(&queue.lock);
	if (queue.failed)
		*err = queue.err;
	return queue.failed ? -1 : 0;
}
