/* SPDX-License-Identifier: MIT */
#include "publish/directory.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/seen_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_FETCHED = 16 << 20 };

static void
notice(const struct directory_target *target, const char *what, const char *name)
{
	auto_free char *sentence = xasprintf("%s '%s': it does not belong to the release",
					     target->dry_run ? "would remove" : what, name);

	if (target->notice != NULL)
		target->notice(target->notice_context, sentence);
}

static char *
draft_path(const struct directory_target *target, const char *tag)
{
	return xasprintf("%s/.%s.incomplete", target->path, tag);
}

/*
 * What is wrong with the file of this name there: NULL for nothing. To be freed. An error if that
 * cannot be found out, which says nothing about the file.
 */
static int
difference(const struct directory_target *target, const char *directory,
	   const struct publish_file *file, char **ret_why, struct error *err)
{
	auto_free char *path = path_join(directory, file->name);
	char got[DIGEST_HEX_SIZE], want[DIGEST_HEX_SIZE];
	struct digest sha256;
	uint64_t size;

	*ret_why = NULL;
	if (seen_digest(target->seen, path, &sha256, &size, err) < 0) {
		if (err->code != ERR_NOT_FOUND && err->code != ERR_INPUT)
			return -1;
		*ret_why = xstrdup(err->code == ERR_NOT_FOUND ? "missing" : err->message);
	} else if (size != file->size) {
		*ret_why = xasprintf("size is %llu, expected %llu", (unsigned long long)size,
				     (unsigned long long)file->size);
	} else if (!digest_equal(&sha256, &file->sha256)) {
		*ret_why = xasprintf("sha256 is %s, expected %s", digest_hex(&sha256, got),
				     digest_hex(&file->sha256, want));
	}
	return 0;
}

/* Calls `foreign` with the name of each entry that is no file of the release. */
static int
visit_foreign(const char *directory, const struct publication *release,
	      int (*foreign)(void *context, const char *name, struct error *err), void *context,
	      struct error *err)
{
	AUTO(words_clear) struct words names = WORDS_INIT;

	if (directory_names(directory, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (publication_find(release, names.items[i]) == NULL &&
		    foreign(context, names.items[i], err) < 0)
			return -1;
	return 0;
}

static int
note_foreign(void *context, const char *name, struct error *err)
{
	(void)err;
	publish_differences_add(context, name, "does not belong to this release");
	return 0;
}

static int
compare(const struct directory_target *target, const char *directory,
	const struct publication *release, struct error *err)
{
	AUTO(publish_differences_clear)
	struct publish_differences differences = PUBLISH_DIFFERENCES_INIT;

	for (size_t i = 0; i < release->count; i++) {
		auto_free char *why = NULL;

		if (difference(target, directory, &release->files[i], &why, err) < 0)
			return -1;
		if (why != NULL)
			publish_differences_add(&differences, release->files[i].name, why);
		if (interrupt_check(err) < 0)
			return -1;
	}
	if (visit_foreign(directory, release, note_foreign, &differences, err) < 0)
		return -1;
	return publish_differences_check(&differences, err);
}

/* Copies some bytes; a file system that can shares them. */
static ssize_t
copy_piece(int from, int to, size_t want)
{
	static const size_t MAX_READ = 65536;
	ssize_t n = copy_file_range(from, NULL, to, NULL, want, 0);
	uint8_t bytes[65536];
	struct error ignored = ERROR_INIT;

	if (n >= 0 || (errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP))
		return n;
	n = read(from, bytes, want < MAX_READ ? want : MAX_READ);
	if (n > 0 && write_all(to, bytes, (size_t)n, "copy", &ignored) < 0)
		return -1;
	return n;
}

static int
copy_bytes(int from, int to, const struct publish_file *file, struct progress_task *task,
	   struct error *err)
{
	uint64_t done = 0;

	while (done < file->size) {
		size_t want = file->size - done < (8u << 20) ? (size_t)(file->size - done)
							     : (size_t)(8u << 20);
		ssize_t n = copy_piece(from, to, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, ERR_IO, "cannot copy '%s'", file->path);
		if (n == 0)
			return error_set(err, ERR_VERIFY, "'%s' shrank while it was copied",
					 file->path);
		done += (uint64_t)n;
		progress_add(task, (uint64_t)n);
		if (interrupt_check(err) < 0)
			return -1;
	}
	return 0;
}

/* Whether the bytes have arrived is seen when all are compared. */
static int
copy_file(const struct directory_target *target, const char *directory,
	  const struct publish_file *file, struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	auto_free char *path = path_join(directory, file->name);
	auto_close int from = open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct progress_task *task;
	int copied;

	if (from < 0)
		return error_set_errno(err, ERR_IO, "cannot open '%s'", file->path);
	if (tempfile_open(&tmp, path, 0644, err) < 0)
		return -1;
	task = progress_start(target->progress, file->name, PROGRESS_BYTES, file->size);
	copied = copy_bytes(from, tmp.fd, file, task, err);
	progress_done(task, NULL);
	return copied < 0 ? -1 : tempfile_commit(&tmp, err);
}

struct sweep {
	const struct directory_target *target;
	const char *directory;
	struct publish_result *result;
};

static int
remove_foreign(void *context, const char *name, struct error *err)
{
	const struct sweep *sweep = context;
	auto_free char *path = path_join(sweep->directory, name);

	notice(sweep->target, "removing", path);
	sweep->result->removed++;
	if (!sweep->target->dry_run && remove(path) < 0)
		return error_set_errno(err, ERR_IO, "cannot remove '%s'", path);
	return 0;
}

static int
complete(const struct directory_target *target, const struct publication *release,
	 struct publish_result *result, struct error *err)
{
	auto_free char *draft = draft_path(target, release->tag);
	struct sweep sweep = {target, draft, result};
	bool there;

	if (!target->dry_run && make_directories(draft, err) < 0)
		return -1;
	if (path_exists(draft, &there, err) < 0 ||
	    (there && visit_foreign(draft, release, remove_foreign, &sweep, err) < 0))
		return -1;
	for (size_t i = 0; i < release->count; i++) {
		auto_free char *why = NULL;

		if (difference(target, draft, &release->files[i], &why, err) < 0)
			return -1;
		if (why == NULL) {
			result->kept++;
			continue;
		}
		if (!target->dry_run && copy_file(target, draft, &release->files[i], err) < 0)
			return -1;
		result->uploaded++;
		result->bytes += release->files[i].size;
	}
	return target->dry_run ? 0 : compare(target, draft, release, err);
}

/* One run at a time; a dry run makes no lock. */
static int
take_lock(const struct directory_target *target, struct error *err)
{
	auto_free char *path = path_join(target->path, ".lock");
	int fd;

	if (make_directories(target->path, err) < 0)
		return -1;
	fd = lock_file(path, false, err);
	if (fd < 0 && err->code == ERR_BUSY)
		error_set(err, ERR_BUSY, "another run is publishing to '%s'", target->path);
	return fd;
}

/* A release that is out stays as it is; one that was only tried may have been in the way. */
static int
explain_other_files(const char *path, struct error *err)
{
	const struct error why = *err;

	return error_set(err, ERR_VERIFY,
			 "'%s' is already published with other files: %s; raise the release number "
			 "in \"version\", or publish to another directory",
			 path, why.message);
}

int
directory_prepare(const struct directory_target *target, const struct publication *release,
		  struct publish_result *result, struct error *err)
{
	auto_free char *path = path_join(target->path, release->tag);
	auto_close int lock = -1; /* held to the end of this function */
	bool there;

	if (publication_check(release, err) < 0)
		return -1;
	if (!target->dry_run && (lock = take_lock(target, err)) < 0)
		return -1;
	result->url = xstrdup(path);
	if (path_exists(path, &there, err) < 0)
		return -1;
	if (!there)
		return complete(target, release, result, err);
	if (compare(target, path, release, err) < 0)
		return err->code != ERR_VERIFY ? -1 : explain_other_files(path, err);
	result->was_there = true;
	result->kept = release->count;
	return 0;
}

int
directory_latest_tag(const struct directory_target *target, char **ret_tag, struct error *err)
{
	auto_free char *path = path_join(target->path, "latest");
	char text[256];
	ssize_t length = readlink(path, text, sizeof(text) - 1);

	/* EINVAL: it is not a link, and so not ours. */
	if (length < 0 && errno != ENOENT && errno != ENOTDIR && errno != EINVAL)
		return error_set_errno(err, ERR_IO, "cannot read '%s'", path);
	text[length < 0 ? 0 : length] = '\0';
	*ret_tag = name_is_plain(text) ? xstrdup(text) : NULL;
	return 0;
}

/* 1 when it has moved, 0 when it was there. */
static int
point_latest(const struct directory_target *target, const char *tag, struct error *err)
{
	auto_free char *path = path_join(target->path, "latest");
	auto_free char *temporary = xasprintf("%s/.latest.%s", target->path, tag);
	auto_free char *now = NULL;

	if (directory_latest_tag(target, &now, err) < 0)
		return -1;
	if (now != NULL && strcmp(now, tag) == 0)
		return 0;
	(void)unlink(temporary);
	if (symlink(tag, temporary) < 0 || rename(temporary, path) < 0)
		return error_set_errno(err, ERR_IO, "cannot link '%s' to '%s'", path, tag);
	return 1;
}

static int
reveal(const struct directory_target *target, const struct publication *release, const char *path,
       struct error *err)
{
	auto_free char *draft = draft_path(target, release->tag);
	auto_free char *notes = xasprintf("%s.md", path);

	/* Time has passed since it was compared. */
	if (compare(target, draft, release, err) < 0 ||
	    write_file(notes, release->body, strlen(release->body), 0644, err) < 0)
		return -1;
	if (rename(draft, path) < 0)
		return error_set_errno(err, ERR_IO, "cannot rename '%s'", draft);
	return 0;
}

int
directory_publish(const struct directory_target *target, const struct publication *release,
		  struct publish_result *result, struct error *err)
{
	auto_free char *path = path_join(target->path, release->tag), *latest = NULL;
	auto_close int lock = -1; /* held to the end of this function */
	bool there;
	int moved = 0;

	if (target->dry_run)
		return 0;
	if ((lock = take_lock(target, err)) < 0 || path_exists(path, &there, err) < 0 ||
	    (!there && reveal(target, release, path, err) < 0))
		return -1;
	result->published = !result->was_there;
	if (compare(target, path, release, err) < 0)
		return error_prefix(err, "'%s' was published, but reading it back failed", path);
	if (release->latest && (moved = point_latest(target, release->tag, err)) < 0)
		return -1;
	result->moved = result->was_there && moved > 0;
	if (directory_latest_tag(target, &latest, err) < 0)
		return -1;
	result->latest = latest != NULL && strcmp(latest, release->tag) == 0;
	return 0;
}

int
directory_fetch(const struct directory_target *target, const char *tag, const char *const *names,
		size_t count, const char *into, struct error *err)
{
	auto_free char *path = path_join(target->path, tag), *draft = draft_path(target, tag);
	int fetched = 0;
	bool there;

	if (path_exists(path, &there, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		auto_free char *from = path_join(there ? path : draft, names[i]);
		auto_free char *to = path_join(into, names[i]), *text = NULL;
		bool kept;
		size_t length;

		if (path_exists(to, &kept, err) < 0)
			return -1;
		if (kept)
			continue;
		if (read_file(from, MAX_FETCHED, &text, &length, err) < 0) {
			if (err->code != ERR_NOT_FOUND)
				return -1;
			continue;
		}
		if (write_file(to, text, length, 0644, err) < 0)
			return -1;
		fetched++;
	}
	return fetched;
}
