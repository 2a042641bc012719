/* SPDX-License-Identifier: MIT */
#include "distributor/steps/sign.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/seen_files.h"
#include "base/strbuf.h"
#include "distributor/verify/verify.h"
#include "sign/check/dsse.h"
#include "sign/check/minisig.h"
#include "sign/check/statement.h"
#include "sign/make/dsse_sign.h"
#include "sign/make/minisig_sign.h"
#include "sign/make/sshsig_sign.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DOCUMENTS = 2 };

struct made_file {
	char *name, *text; /* owned */
};

/*
 * One run. Nothing is written before everything is made and signed: without a key, or with one
 * that may not sign, what was signed before stays whole.
 */
struct signing {
	const struct workspace *work;
	struct release_info *info;
	const struct keyring *keyring;
	struct lazy_signer *lazy;
	struct step_sign_result *result;
	char *directory;
	struct sums files; /* all that SHA256SUMS will list */
	struct made_file *made;
	size_t made_count;
};

static void
signing_clear(struct signing *s)
{
	for (size_t i = 0; i < s->made_count; i++) {
		free(s->made[i].name);
		free(s->made[i].text);
	}
	free(s->made);
	free(s->directory);
	sums_clear(&s->files);
}

/* Whether the file is there with these bytes. */
static bool
is_there(const struct signing *s, const char *name, const char *text)
{
	auto_free char *path = path_join(s->directory, name);

	return seen_is(s->work->seen, path, text);
}

/* Keeps a file for write_made(), unless it is there with these bytes. */
static void
put_file(struct signing *s, const char *name, const char *text)
{
	if (is_there(s, name, text))
		return;
	s->made = xgrow(s->made, s->made_count, sizeof(*s->made));
	s->made[s->made_count++] = (struct made_file){xstrdup(name), xstrdup(text)};
}

/* The same for a document, which is listed. */
static int
put_document(struct signing *s, const char *name, const char *text, struct error *err)
{
	struct digest digest;

	digest_of(text, strlen(text), &digest);
	if (sums_add(&s->files, name, &digest, err) < 0)
		return -1;
	put_file(s, name, text);
	return 0;
}

static int
write_made(struct signing *s, struct error *err)
{
	for (size_t i = 0; i < s->made_count; i++) {
		auto_free char *path = path_join(s->directory, s->made[i].name);

		if (write_file(path, s->made[i].text, strlen(s->made[i].text), 0644, err) < 0)
			return -1;
		s->result->written++;
	}
	return 0;
}

static int
check_asset(struct signing *s, const struct asset *asset, struct error *err)
{
	auto_free char *path = path_join(s->directory, asset->name);
	struct digest digest;

	if (interrupt_check(err) < 0)
		return -1;
	if (seen_digest(s->work->seen, path, &digest, NULL, err) < 0) {
		if (err->code == ERR_NOT_FOUND)
			return error_set(err, ERR_INPUT,
					 "'%s' is missing; build the tarballs again", path);
		return -1;
	}
	if (!digest_equal(&digest, &asset->sha256))
		return error_set(err, ERR_VERIFY,
				 "'%s' does not match %s; build the tarballs again", path,
				 ASSETS_NAME);
	return sums_add(&s->files, asset->name, &asset->sha256, err);
}

/* Every asset is there and is what the list says. */
static int
check_assets(struct signing *s, struct error *err)
{
	const struct asset_list *assets = &s->info->assets;
	struct progress_task *task =
		progress_start(s->work->progress, "checking assets", PROGRESS_ITEMS, assets->count);
	int result = 0;

	for (size_t i = 0; i < assets->count && result == 0; i++) {
		result = check_asset(s, &assets->items[i], err);
		progress_add(task, 1);
	}
	progress_done(task, NULL);
	s->result->assets = assets->count;
	return result;
}

/* What signing an earlier version has left here: NAME-OTHER.release.json and its like. */
static bool
is_of_other_version(const struct signing *s, const char *name)
{
	static const char *const kinds[] = {".release.json", ".spdx.json", ".sources.json"};
	auto_free char *prefix = xasprintf("%s-", s->info->matrix->name);
	auto_free char *mine = xasprintf("%s-%s.", s->info->matrix->name, s->info->matrix->version);

	if (!text_starts_with(name, prefix) || text_starts_with(name, mine))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (text_ends_with(name, kinds[i]))
			return true;
	return false;
}

static int
remove_earlier(const struct signing *s, struct error *err)
{
	const struct verify_files files = verify_directory(s->directory);
	AUTO(sums_clear) struct sums names = SUMS_INIT;

	if (files.list(files.context, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		auto_free char *path = path_join(s->directory, names.entries[i].name);

		if (!is_of_other_version(s, names.entries[i].name))
			continue;
		if (unlink(path) < 0)
			return error_set_errno(err, ERR_IO, "cannot remove '%s'", path);
		log_info("removed '%s' of a different version", path);
	}
	return 0;
}

/* A file that belongs to nothing would be published without a signature. */
static int
check_strangers(struct signing *s, struct error *err)
{
	static const char *const known[] = {SUMS_NAME, SUMS_NAME ".sig", SUMS_NAME ".minisig"};
	struct verify_files files = verify_directory(s->directory);
	AUTO(sums_clear) struct sums names = SUMS_INIT;

	if (files.list(files.context, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++) {
		const char *name = names.entries[i].name;
		bool is_known = sums_find(&s->files, name) != NULL;

		for (size_t k = 0; k < ARRAY_SIZE(known); k++)
			is_known = is_known || strcmp(name, known[k]) == 0;
		if (!is_known && !is_of_other_version(s, name))
			return error_set(err, ERR_INPUT,
					 "unexpected file '%s/%s' in %s %s; remove it",
					 s->directory, name, s->info->matrix->name, s->info->tag);
	}
	return 0;
}

static int
make_documents(struct signing *s, struct error *err)
{
	const struct release *release = &s->info->release;
	auto_free char *sources = release_sources(release), *spdx = release_spdx(release);
	auto_free char *sources_name =
		release_file_name(release->name, release->version, "sources");
	auto_free char *spdx_name = release_file_name(release->name, release->version, "spdx");
	auto_free char *json_name = release_file_name(release->name, release->version, "release");
	auto_free char *json = NULL;
	AUTO(sums_clear) struct sums documents = SUMS_INIT;
	const uint64_t sizes[DOCUMENTS] = {strlen(sources), strlen(spdx)};
	size_t first = s->files.count;

	if (put_document(s, sources_name, sources, err) < 0 ||
	    put_document(s, spdx_name, spdx, err) < 0)
		return -1;
	for (size_t i = first; i < s->files.count; i++)
		if (sums_add(&documents, s->files.entries[i].name, &s->files.entries[i].sha256,
			     err) < 0)
			return -1;
	json = release_json(release, &documents, sizes);
	return put_document(s, json_name, json, err);
}

/*
 * A signed provenance of an earlier run about exactly these files stays: it has that run's times. 1
 * with its text, 0 if there is none; what cannot be read here may be one, and is not replaced.
 */
static int
find_provenance(struct signing *s, const char *statement, char **ret_text, struct error *err)
{
	auto_free char *path = path_join(s->directory, RELEASE_PROVENANCE_NAME);
	AUTO(dsse_clear) struct dsse dsse = DSSE_INIT;
	const struct keyring_entry *entry;
	struct error ignored = ERROR_INIT;
	auto_free char *text = NULL;
	size_t length;

	if (seen_read(s->work->seen, path, DSSE_MAX_TEXT, &text, &length, err) < 0)
		return err->code == ERR_IO ? -1 : 0;
	if (dsse_parse(text, length, &dsse, path, &ignored) < 0 ||
	    !release_provenance_is_same(statement, dsse.payload))
		return 0;
	for (size_t i = 0; i < s->keyring->count; i++) {
		const struct public_key *key = &s->keyring->entries[i].key;

		if (dsse_is_by(&dsse, key) && dsse_check(&dsse, key, path, &ignored) == 0 &&
		    keyring_find_for(s->keyring, key, SSHSIG_FILE, s->info->release.tag, path,
				     &entry, &ignored) == 0) {
			*ret_text = TAKE(text);
			return 1;
		}
	}
	return 0;
}

static int
make_provenance(struct signing *s, struct error *err)
{
	auto_free char *statement = NULL, *bundle = NULL;
	const struct signer *signer;
	int found;

	s->info->release.finished_sec = time(NULL);
	if (release_provenance(&s->info->release, &s->files, &statement, err) < 0)
		return -1;
	if ((found = find_provenance(s, statement, &bundle, err)) < 0)
		return -1;
	if (found == 0 &&
	    (lazy_signer_get(s->lazy, &signer, err) < 0 ||
	     dsse_sign_statement(signer, statement, strlen(statement), &bundle, err) < 0))
		return -1;
	return put_document(s, RELEASE_PROVENANCE_NAME, bundle, err);
}

/* The directory as it will be: with this list in place of the one that is there. */
struct future {
	struct verify_files present;
	const char *sums;
};

static int
read_future(void *context, const char *name, size_t max_bytes, char **ret_text, size_t *ret_length,
	    struct error *err)
{
	const struct future *future = context;

	if (strcmp(name, SUMS_NAME) != 0)
		return future->present.read(future->present.context, name, max_bytes, ret_text,
					    ret_length, err);
	*ret_text = xstrdup(future->sums);
	*ret_length = strlen(future->sums);
	return 0;
}

/* 1 if both signatures over this list are there and right, so that no key is needed; 0 or -1. */
static int
signatures_are_good(struct signing *s, const char *sums, const char *comment, struct error *err)
{
	const char *const only[] = {SUMS_NAME};
	const struct verify_place place = {s->directory, s->work->seen};
	struct future future = {verify_directory_seen(&place), sums};
	struct verify_files files = {.context = &future, .read = read_future};
	struct verify_request request = {.keyring = s->keyring, .only = only, .only_count = 1};

	return verify_signatures_only(&files, &request, comment, err);
}

static int
make_signatures(struct signing *s, const char *sums, const char *comment, struct error *err)
{
	auto_free char *ssh = NULL, *minisign = NULL;
	const struct signer *signer;

	if (lazy_signer_get(s->lazy, &signer, err) < 0 ||
	    sshsig_sign_sums(signer, sums, strlen(sums), &ssh, err) < 0 ||
	    minisig_sign_sums(signer, sums, strlen(sums), comment, &minisign, err) < 0)
		return -1;
	put_file(s, SUMS_NAME ".sig", ssh);
	put_file(s, SUMS_NAME ".minisig", minisign);
	return 0;
}

/* What the signature says it is of, to be freed by the caller. */
static char *
trusted_comment(const struct release_info *info)
{
	return xasprintf("%s %s\tfile:%s", info->release.name, info->release.tag, SUMS_NAME);
}

static int
make_sums(struct signing *s, struct error *err)
{
	auto_free char *sums = NULL, *comment = trusted_comment(s->info);
	int good;

	if (sums_format(&s->files, &sums, err) < 0)
		return -1;
	put_file(s, SUMS_NAME, sums);
	digest_of(sums, strlen(sums), &s->result->sums);
	if ((good = signatures_are_good(s, sums, comment, err)) != 0)
		return good < 0 ? -1 : 0;
	return make_signatures(s, sums, comment, err);
}

int
step_sign_is_done(const struct workspace *work, const struct release_info *info,
		  const struct keyring *keyring, struct error *err)
{
	auto_free char *directory = path_join(work->out, "assets"),
		       *comment = trusted_comment(info);
	const char *const only[] = {SUMS_NAME};
	const struct verify_place place = {directory, work->seen};
	const struct verify_files files = verify_directory_seen(&place);
	const struct verify_request request = {.keyring = keyring, .only = only, .only_count = 1};

	return verify_signatures_only(&files, &request, comment, err);
}

int
step_sign_documents(const struct workspace *work, struct release_info *info, struct error *err)
{
	struct step_sign_result ignored = {0};
	AUTO(signing_clear)
	struct signing s = {.work = work,
			    .info = info,
			    .result = &ignored,
			    .directory = path_join(work->out, "assets")};

	if (check_assets(&s, err) < 0 || make_documents(&s, err) < 0)
		return -1;
	return write_made(&s, err);
}

int
step_sign(const struct workspace *work, struct release_info *info, struct lazy_signer *lazy,
	  struct step_sign_result *ret_result, struct error *err)
{
	AUTO(signing_clear)
	struct signing s = {.work = work,
			    .info = info,
			    .keyring = lazy->keyring,
			    .lazy = lazy,
			    .result = ret_result,
			    .directory = path_join(work->out, "assets")};

	*ret_result = (struct step_sign_result){0};
	tempfile_sweep(s.directory);
	if (check_assets(&s, err) < 0 || make_documents(&s, err) < 0 ||
	    make_provenance(&s, err) < 0 || check_strangers(&s, err) < 0 ||
	    make_sums(&s, err) < 0 || remove_earlier(&s, err) < 0)
		return -1;
	return write_made(&s, err);
}
