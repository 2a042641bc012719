/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/progress.h"
#include "base/seen_files.h"
#include "distributor/verify/verify_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int
place_read(void *context, const char *name, size_t max_bytes, char **ret_text, size_t *ret_length,
	   struct error *err)
{
	const struct verify_place *place = context;
	auto_free char *path = path_join(place->path, name);

	return seen_read(place->seen, path, max_bytes, ret_text, ret_length, err);
}

/* What is not a regular file is left to digest_file(). */
static int
place_digest(void *context, const char *name, uint64_t max_bytes, struct digest *ret_digest,
	     uint64_t *ret_size, struct error *err)
{
	const struct verify_place *place = context;
	auto_free char *path = path_join(place->path, name);
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size > max_bytes)
		return error_set(err, ERR_VERIFY, "'%s' has %llu bytes, expected at most %llu",
				 name, (unsigned long long)st.st_size,
				 (unsigned long long)max_bytes);
	return seen_digest(place->seen, path, ret_digest, ret_size, err);
}

/* Not through sums_add(): a foreign file may have any name. */
static int
place_list(void *context, struct sums *ret_names, struct error *err)
{
	const struct verify_place *place = context;
	AUTO(words_clear) struct words names = WORDS_INIT;

	if (directory_names(place->path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		ret_names->entries =
			xgrow(ret_names->entries, ret_names->count, sizeof(*ret_names->entries));
		ret_names->entries[ret_names->count++].name = TAKE(names.items[i]);
	}
	return 0;
}

struct verify_files
verify_directory_seen(const struct verify_place *place)
{
	return (struct verify_files){(void *)(uintptr_t)place, place_read, place_digest,
				     place_list};
}

static int
directory_read(void *context, const char *name, size_t max_bytes, char **ret_text,
	       size_t *ret_length, struct error *err)
{
	struct verify_place place = {.path = context};

	return place_read(&place, name, max_bytes, ret_text, ret_length, err);
}

static int
directory_digest(void *context, const char *name, uint64_t max_bytes, struct digest *ret_digest,
		 uint64_t *ret_size, struct error *err)
{
	struct verify_place place = {.path = context};

	return place_digest(&place, name, max_bytes, ret_digest, ret_size, err);
}

static int
directory_list(void *context, struct sums *ret_names, struct error *err)
{
	struct verify_place place = {.path = context};

	return place_list(&place, ret_names, err);
}

struct verify_files
verify_directory(const char *path)
{
	return (struct verify_files){(void *)(uintptr_t)path, directory_read, directory_digest,
				     directory_list};
}

/* The size that the signed release.json gives for a file; false if it does not. */
static bool
claimed_size(const struct verifying *v, const char *name, uint64_t *ret_size)
{
	for (size_t i = 0; i < v->claim.files.count; i++)
		if (strcmp(v->claim.files.entries[i].name, name) == 0) {
			*ret_size = v->claim.sizes[i];
			return true;
		}
	return false;
}

/*
 * No file of the release has more bytes: so many are read of one that has. The list itself and the
 * provenance, which release.json cannot give a size of, are small.
 */
static uint64_t
largest_size(const struct verifying *v)
{
	uint64_t largest = RELEASE_MAX_TEXT;

	if (v->claim.name == NULL)
		return VERIFY_MAX_FILE;
	for (size_t i = 0; i < v->claim.files.count; i++)
		if (v->claim.sizes[i] > largest)
			largest = v->claim.sizes[i];
	return largest;
}

/* A wrong digest, in the words that say what happened to the file. */
static void
explain_difference(struct verifying *v, const struct sums_entry *entry, const struct digest *have,
		   uint64_t size)
{
	const struct sums_entry *other = sums_find_digest(&v->sums, have);
	char got[DIGEST_HEX_SIZE], want[DIGEST_HEX_SIZE];
	uint64_t claimed;

	if (other != NULL)
		verify_note(v->report, "files", VERIFY_FAILED,
			    "'%s' has the content of '%s': the files were swapped", entry->name,
			    other->name);
	else if (claimed_size(v, entry->name, &claimed) && size < claimed)
		verify_note(v->report, "files", VERIFY_FAILED,
			    "'%s' is truncated: got %llu of %llu bytes", entry->name,
			    (unsigned long long)size, (unsigned long long)claimed);
	else
		verify_note(v->report, "files", VERIFY_FAILED,
			    "'%s' was modified: sha256 is %s, expected %s", entry->name,
			    digest_hex(have, got), digest_hex(&entry->sha256, want));
}

/* Whether the file is there and is what the list says. */
static bool
check_file(struct verifying *v, const struct sums_entry *entry)
{
	struct error err = ERROR_INIT;
	struct digest digest;
	uint64_t size, claimed;

	progress_add(v->request->progress, 1);
	if (v->files->digest(v->files->context, entry->name, largest_size(v), &digest, &size,
			     &err) < 0) {
		if (err.code == ERR_NOT_FOUND)
			error_set(&err, ERR_NOT_FOUND, "'%s' is missing", entry->name);
		verify_fail(v->report, "files", &err);
		return false;
	}
	if (!digest_equal(&digest, &entry->sha256)) {
		explain_difference(v, entry, &digest, size);
		return false;
	}
	if (claimed_size(v, entry->name, &claimed) && claimed != size) {
		verify_note(v->report, "files", VERIFY_FAILED,
			    "'%s' has %llu bytes, but release.json lists %llu", entry->name,
			    (unsigned long long)size, (unsigned long long)claimed);
		return false;
	}
	return true;
}

/* What is beside the files of a release and not listed: its signatures, and the reader's keys. */
static bool
is_beside(const struct verifying *v, const char *name)
{
	const char *keys = v->request->keys_name;

	return strcmp(name, SUMS_NAME) == 0 || strcmp(name, SUMS_NAME ".sig") == 0 ||
	       strcmp(name, SUMS_NAME ".minisig") == 0 || (keys != NULL && strcmp(name, keys) == 0);
}

/* A file that nobody signed; with the content of one that is listed it was only renamed. */
static void
explain_unlisted(struct verifying *v, const char *name)
{
	const struct sums_entry *entry = NULL;
	struct error err = ERROR_INIT;
	struct digest digest;

	if (v->files->digest(v->files->context, name, largest_size(v), &digest, NULL, &err) == 0)
		entry = sums_find_digest(&v->sums, &digest);
	if (err.code == ERR_INTERRUPTED)
		verify_fail(v->report, "names", &err);
	else if (entry != NULL)
		verify_note(
			v->report, "names", VERIFY_FAILED,
			"'%s' is not listed but has the content of '%s': it was renamed or copied",
			name, entry->name);
	else
		verify_note(v->report, "names", VERIFY_FAILED,
			    "'%s' is not listed in SHA256SUMS and is not signed", name);
}

static void
check_unlisted(struct verifying *v)
{
	AUTO(sums_clear) struct sums names = SUMS_INIT;
	struct error err = ERROR_INIT;
	size_t failed = v->report->failed;

	if (v->files->list == NULL) {
		verify_note(v->report, "names", VERIFY_SKIPPED,
			    "not checked: a URL does not list its files");
		return;
	}
	if (v->files->list(v->files->context, &names, &err) < 0) {
		verify_fail(v->report, "names", &err);
		return;
	}
	for (size_t i = 0; i < names.count && !verify_interrupted(v->report); i++)
		if (!is_beside(v, names.entries[i].name) &&
		    sums_find(&v->sums, names.entries[i].name) == NULL)
			explain_unlisted(v, names.entries[i].name);
	if (v->report->failed == failed)
		verify_note(v->report, "names", VERIFY_OK, "no unexpected files");
}

static void
check_single(struct verifying *v, const char *name)
{
	const struct sums_entry *entry = sums_find(&v->sums, name);

	if (entry == NULL)
		explain_unlisted(v, name);
	else if (check_file(v, entry))
		verify_note(v->report, "files", VERIFY_OK, "'%s' matches its signed digest", name);
}

void
verify_contents(struct verifying *v)
{
	size_t good = 0;

	for (size_t i = 0; i < v->request->only_count && !verify_interrupted(v->report); i++)
		check_single(v, v->request->only[i]);
	if (v->request->only_count != 0)
		return;
	progress_set_total(v->request->progress, v->sums.count);
	for (size_t i = 0; i < v->sums.count && !verify_interrupted(v->report); i++)
		good += check_file(v, &v->sums.entries[i]);
	if (good == v->sums.count)
		verify_note(v->report, "files", VERIFY_OK,
			    "all %zu files match their signed digests", good);
	if (!verify_interrupted(v->report))
		check_unlisted(v);
}
