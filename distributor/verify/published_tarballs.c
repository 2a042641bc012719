/* SPDX-License-Identifier: MIT */
#include "distributor/verify/published_tarballs.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "base/words.h"
#include "distributor/documents/release.h"
#include "distributor/verify/verify.h"
#include "distributor/workspace/version.h"
#include "matrix/lock.h"
#include "matrix/matrix.h"
#include "net/http.h"
#include "pack/packlist.h"
#include "sign/check/keyring.h"

#include <string.h>
#include <unistd.h>

/* What is needed, and from where. */
struct source {
	const struct workspace *work;
	struct http_client *http;
	const char *base; /* URL, without a '/' at its end */
	const char *directory;
	struct words names;
	struct sums sums; /* as fetched, not verified yet */
};

static void
list_needed(struct source *source)
{
	const struct matrix *matrix = source->work->matrix;

	for (size_t h = 0; h < matrix->host_count; h++) {
		const char *host = matrix->hosts[h].arch->name;

		for (size_t t = 0; t < target_count && workspace_wants_host(source->work, host);
		     t++)
			if (lock_find_member(source->work->lock, host, target_table[t], NULL) !=
				    NULL &&
			    matrix_wants_image(matrix, host, target_table[t]))
				(void)words_take(&source->names,
						 tarball_name(host, target_table[t]));
	}
	/* It says which version the list is of. */
	(void)words_take(&source->names,
			 release_file_name(matrix->name, matrix->version, "release"));
}

static int
fetch_small(const struct source *source, const char *name, bool optional, struct error *err)
{
	auto_free char *url = xasprintf("%s/%s", source->base, name);
	auto_free char *path = path_join(source->directory, name);
	auto_free char *text = NULL;
	size_t length;

	if (http_get(source->http, url, HTTP_ALLOW_FILE, RELEASE_MAX_TEXT, &text, &length, err) < 0)
		return optional && err->code == ERR_NOT_FOUND ? 0 : -1;
	return write_file(path, text, length, 0644, err);
}

static int
fetch_listed(const struct source *source, const char *name, struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	const struct sums_entry *entry = sums_find(&source->sums, name);
	auto_free char *url = xasprintf("%s/%s", source->base, name);
	auto_free char *path = path_join(source->directory, name);
	const struct http_request request = {.url = url, .allow = HTTP_ALLOW_FILE};
	struct http_download download = {.name = name, .max_bytes = MEMBER_MAX_SIZE};
	struct http_downloaded done;
	struct error ignored = ERROR_INIT;
	struct digest seen;

	if (entry == NULL)
		return error_set(err, ERR_VERIFY, "the release at '%s' does not list '%s'",
				 source->base, name);
	if (digest_file(path, &seen, NULL, &ignored) == 0 && digest_equal(&seen, &entry->sha256))
		return 0;
	if (tempfile_open(&tmp, path, 0644, err) < 0)
		return -1;
	download.fd = tmp.fd;
	download.progress = progress_start(source->work->progress, name, PROGRESS_BYTES, 0);
	if (http_download(source->http, &request, &download, &done, err) < 0) {
		progress_done(download.progress, NULL);
		return error_prefix(err, "cannot fetch '%s'", name);
	}
	progress_done(download.progress, NULL);
	if (!digest_equal(&done.sha256, &entry->sha256))
		return error_set(err, ERR_VERIFY, "'%s' does not match SHA256SUMS", url);
	return tempfile_commit(&tmp, err);
}

static int
fetch(struct source *source, struct error *err)
{
	auto_free char *agent = xasprintf("distributor/%s", version_program());
	const struct http_options options = {.user_agent = agent, .notice = notice_info};
	auto_free char *path = path_join(source->directory, SUMS_NAME);
	auto_free char *text = NULL;
	size_t length;

	if (make_directories(source->directory, err) < 0 ||
	    http_client_new(&options, &source->http, err) < 0 ||
	    fetch_small(source, SUMS_NAME, false, err) < 0 ||
	    fetch_small(source, SUMS_NAME ".sig", true, err) < 0 ||
	    fetch_small(source, SUMS_NAME ".minisig", true, err) < 0 ||
	    read_file(path, RELEASE_MAX_TEXT, &text, &length, err) < 0 ||
	    sums_parse(text, length, &source->sums, path, err) < 0)
		return -1;
	for (size_t i = 0; i < source->names.count; i++)
		if (fetch_listed(source, source->names.items[i], err) < 0)
			return -1;
	return 0;
}

static int
verify(const struct source *source, struct error *err)
{
	AUTO(keyring_clear) struct keyring keyring = KEYRING_INIT;
	AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
	auto_free char *tag = xasprintf("v%s", source->work->matrix->version);
	struct verify_files files = verify_directory(source->directory);
	struct verify_request request = {
		.keyring = &keyring,
		.tag = tag,
		.only = (const char *const *)source->names.items,
		.only_count = source->names.count,
	};

	if (keyring_load(source->work->keys, NULL, &keyring, err) < 0)
		return -1;
	verify_release(&files, &request, &report);
	if (verify_report_conclude(&report, err) < 0)
		return error_prefix(err, "the release in '%s' is not verified", source->directory);
	return 0;
}

static void
source_clear(struct source *source)
{
	words_clear(&source->names);
	sums_clear(&source->sums);
	http_client_free(source->http);
}

int
published_tarballs_prepare(const struct workspace *work, const char *from, char **ret_directory,
			   struct error *err)
{
	AUTO(source_clear) struct source source = {.work = work};
	bool is_url = strstr(from, "://") != NULL, there = true;
	auto_free char *base = xstrdup(from);
	auto_free char *directory = is_url ? path_join(work->out, "assets") : xstrdup(from);

	if (is_url && work->offline)
		return error_set(err, ERR_USAGE, "--offline cannot be used with the URL '%s'",
				 from);
	if (!is_url && path_exists(from, &there, err) < 0)
		return -1;
	if (!there)
		return error_set(err, ERR_INPUT, "directory '%s' does not exist", from);
	if (text_ends_with(base, "/"))
		base[strlen(base) - 1] = '\0';
	source.base = base;
	source.directory = directory;
	list_needed(&source);
	if ((is_url && fetch(&source, err) < 0) || verify(&source, err) < 0)
		return -1;
	*ret_directory = TAKE(directory);
	return 0;
}
