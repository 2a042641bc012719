/* SPDX-License-Identifier: MIT */
#include "distributor/steps/tag.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/seen_files.h"
#include "base/strbuf.h"
#include "distributor/steps/sign.h"
#include "distributor/verify/verify.h"
#include "distributor/workspace/epoch.h"
#include "sign/check/sums.h"
#include "sign/check/tag_object.h"
#include "sign/make/sshsig_sign.h"

#include <inttypes.h>
#include <string.h>

/*
 * The digest of OUT/assets/SHA256SUMS. One that was tried with another key, or is left from another
 * version, would make a tag that nothing can be released under.
 */
static int
put_sums(const struct workspace *work, const struct release_info *info,
	 const struct keyring *keyring, struct strbuf *message, struct error *err)
{
	auto_free char *path = xasprintf("%s/assets/%s", work->out, SUMS_NAME);
	auto_free char *command =
		workspace_command(work, "sign", SHARED_MATRIX | SHARED_LOCK | SHARED_OUT);
	char hex[DIGEST_HEX_SIZE];
	struct digest digest;
	int done;

	if ((done = step_sign_is_done(work, info, keyring, err)) < 0)
		return -1;
	if (done == 0)
		return error_set(err, ERR_INPUT,
				 "the tag cannot name '%s': it is missing, or not signed for %s by "
				 "an allowed key; sign the release first: %s",
				 path, info->tag, command);
	if (seen_digest(work->seen, path, &digest, NULL, err) < 0)
		return -1;
	strbuf_addf(message, TAG_SUMS_KEY "%s\n", digest_hex(&digest, hex));
	return 0;
}

/* What the release is made of, for people who look at the tag. */
static int
make_message(const struct workspace *work, const struct release_info *info,
	     const struct keyring *keyring, bool name_sums, char **ret_message, struct error *err)
{
	AUTO(strbuf_clear) struct strbuf message = STRBUF_INIT;
	char hex[DIGEST_HEX_SIZE];
	const char *last = "";

	strbuf_addf(&message, "%s %s\n\n", info->matrix->name, info->matrix->version);
	for (size_t i = 0; i < info->lock->packages.count; i++) {
		const struct package *package = &info->lock->packages.items[i];

		if (strcmp(package->host, last) != 0)
			strbuf_addf(&message, "%s: QEMU %s, %s\n", package->host,
				    package->qemu_version, package->version);
		last = package->host;
	}
	strbuf_addf(&message, "\n%s: %s\n", path_base(work->matrix_path),
		    digest_hex(&info->release.matrix_sha256, hex));
	strbuf_addf(&message, "%s: %s\n", path_base(info->lock_path),
		    digest_hex(&info->lock->digest, hex));
	if (name_sums && put_sums(work, info, keyring, &message, err) < 0)
		return -1;
	*ret_message = strbuf_take(&message);
	return 0;
}

/* Without an identity in git's configuration the signer tags in its own name. */
static int
find_tagger(const struct release_info *info, const struct keyring *keyring,
	    const struct step_tag *tagging, char **ret_tagger, struct error *err)
{
	if (tagging->tagger != NULL) {
		*ret_tagger = xstrdup(tagging->tagger);
		return 0;
	}
	if (repo_identity(info->repo, ret_tagger, err) < 0)
		return -1;
	if (*ret_tagger == NULL)
		*ret_tagger =
			xasprintf("%s <%s>", info->matrix->name, keyring->entries[0].principal);
	return 0;
}

static int
sign_text(struct lazy_signer *lazy, const char *text, char **ret_whole, struct error *err)
{
	const struct signing_key *key = NULL;
	const struct keyring_entry *entry;
	auto_free char *armour = NULL;
	struct signer signer;

	if (lazy_signer_key(lazy, &key, err) < 0 ||
	    keyring_find(lazy->keyring, signing_key_public(key), SSHSIG_GIT, "the tag", &entry,
			 err) < 0)
		return -1;
	signer = (struct signer){key, entry->key};
	if (sshsig_sign_tag(&signer, text, strlen(text), &armour, err) < 0)
		return -1;
	*ret_whole = xasprintf("%s%s", text, armour);
	return 0;
}

/* The last line of a message, where that names a SHA256SUMS; or NULL. */
static const char *
sums_line(const char *message)
{
	const char *line = strstr(message, "\n" TAG_SUMS_KEY);

	return line != NULL ? line + 1 : NULL;
}

/* A tag may name its SHA256SUMS or not; two that do have to name the same. */
static bool
says_the_same(const char *have, const char *want)
{
	const char *a = sums_line(have), *b = sums_line(want);
	size_t length = a != NULL ? (size_t)(a - have) : strlen(have);

	if ((a == NULL) == (b == NULL))
		return strcmp(have, want) == 0;
	return length == (b != NULL ? (size_t)(b - want) : strlen(want)) &&
	       memcmp(have, want, length) == 0;
}

/* Both messages in their first line that differs; where one has ended, nothing. */
static int
explain_messages(const char *name, const char *have, const char *want, struct error *err)
{
	size_t line = 0;

	for (size_t i = 0; have[i] != '\0' && have[i] == want[i]; i++)
		if (have[i] == '\n')
			line = i + 1;
	have += line;
	want += line;
	return error_set(err, ERR_BUSY, "tag '%s' already exists with \"%.*s\", expected \"%.*s\"",
			 name, (int)strcspn(have, "\n"), have, (int)strcspn(want, "\n"), want);
}

/* The first field in which two tags differ, as a sentence. */
static int
explain_difference(const struct tag_object *have, const struct tag_object *want, struct error *err)
{
	if (strcmp(have->commit, want->commit) != 0)
		return error_set(err, ERR_BUSY,
				 "tag '%s' already exists at commit %s, expected %s: increase the "
				 "release number in \"version\", or finish that release after 'git "
				 "switch --detach %s'",
				 want->name, have->commit, want->commit, want->name);
	if (!says_the_same(have->message, want->message))
		return explain_messages(want->name, have->message, want->message, err);
	return error_set(err, ERR_BUSY,
			 "tag '%s' already exists, tagged by %s at %" PRId64
			 ", expected %s at %" PRId64,
			 want->name, have->tagger, have->time_sec, want->tagger, want->time_sec);
}

static bool
is_same(const struct tag_object *have, const struct tag_object *want)
{
	return strcmp(have->commit, want->commit) == 0 && strcmp(have->name, want->name) == 0 &&
	       strcmp(have->tagger, want->tagger) == 0 && have->time_sec == want->time_sec &&
	       says_the_same(have->message, want->message);
}

/* 1 when the name is free, 0 when it holds the same with a good signature. */
static int
compare_existing(const struct release_info *info, const struct keyring *keyring,
		 const struct tag_object *want, struct step_tag_result *ret_result,
		 struct error *err)
{
	AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
	AUTO(tag_object_clear) struct tag_object have = TAG_OBJECT_INIT;
	auto_free char *old = NULL;
	struct digest sums;
	size_t length;

	if (repo_tag_read(info->repo, want->name, &old, &length, ret_result->id, err) < 0)
		return err->code == ERR_NOT_FOUND ? 1 : -1;
	if (tag_object_parse(old, length, &have, want->name, err) < 0)
		return -1;
	if (!is_same(&have, want))
		return explain_difference(&have, want, err);
	ret_result->names_sums = sums_line(have.message) != NULL;
	verify_tag(want->name, old, length, keyring, NULL, &report, &sums);
	return verify_report_conclude(&report, err);
}

int
step_tag(const struct workspace *work, struct release_info *info, struct lazy_signer *lazy,
	 const struct step_tag *tagging, struct step_tag_result *ret_result, struct error *err)
{
	AUTO(tag_object_clear) struct tag_object tag = TAG_OBJECT_INIT;
	auto_free char *text = NULL, *whole = NULL;
	char commit[REPO_ID_SIZE];
	int state;

	if (info->repo == NULL)
		return error_set(err, ERR_NOT_FOUND, "no git repository to tag");
	if (repo_commit(info->repo, tagging->revision, commit, err) < 0 ||
	    workspace_epoch(work, &tag.time_sec, err) < 0)
		return -1;
	tag.commit = xstrdup(commit);
	tag.name = xstrdup(info->tag);
	if (find_tagger(info, lazy->keyring, tagging, &tag.tagger, err) < 0 ||
	    make_message(work, info, lazy->keyring, tagging->name_sums, &tag.message, err) < 0 ||
	    tag_object_format(&tag, &text, err) < 0)
		return -1;
	ret_result->names_sums = tagging->name_sums;
	state = compare_existing(info, lazy->keyring, &tag, ret_result, err);
	if (state <= 0)
		return state;
	if (sign_text(lazy, text, &whole, err) < 0)
		return -1;
	return repo_tag_write(info->repo, tag.name, whole, tagging->dry_run, ret_result->id, err);
}
