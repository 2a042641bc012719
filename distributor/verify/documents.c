/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/jsonx.h"
#include "base/strbuf.h"
#include "distributor/verify/verify_internal.h"
#include "sign/check/dsse.h"
#include "sign/check/statement.h"

#include <jansson.h>
#include <string.h>

/* The one listed file that ends with this, or NULL. */
static const struct sums_entry *
listed_with_suffix(const struct sums *sums, const char *suffix, size_t *ret_count)
{
	const struct sums_entry *found = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < sums->count; i++)
		if (text_ends_with(sums->entries[i].name, suffix)) {
			found = &sums->entries[i];
			(*ret_count)++;
		}
	return found;
}

/* Reads a listed document and makes sure that it is what was signed before it is parsed. */
static int
read_listed(struct verifying *v, const struct sums_entry *entry, const char *check, bool required,
	    char **ret_text, size_t *ret_length)
{
	auto_free char *text = NULL;
	struct digest digest;
	size_t length;

	if (verify_read(v->files, entry->name, RELEASE_MAX_TEXT, required, check, v->report, &text,
			&length) < 0)
		return -1;
	digest_of(text, length, &digest);
	if (!digest_equal(&digest, &entry->sha256)) {
		verify_note(v->report, check, VERIFY_FAILED, "'%s' does not match SHA256SUMS",
			    entry->name);
		return -1;
	}
	*ret_text = TAKE(text);
	*ret_length = length;
	return 0;
}

/* Name, version and tag of the document against the document's own name. */
static int
check_identity(const struct release_claim *claim, const char *file, struct error *err)
{
	auto_free char *name = release_file_name(claim->name, claim->version, "release");

	if (strcmp(name, file) != 0)
		return error_set(err, ERR_VERIFY,
				 "'%s' does not match its content, which is for %s %s", file,
				 claim->name, claim->version);
	if (claim->tag[0] != 'v' || strcmp(claim->tag + 1, claim->version) != 0)
		return error_set(err, ERR_VERIFY, "'%s': tag %s does not match version %s", file,
				 claim->tag, claim->version);
	return 0;
}

/* What release.json lists has to be what SHA256SUMS lists, but for two files made after it. */
static int
check_lists(const struct verifying *v, const char *file, struct error *err)
{
	for (size_t i = 0; i < v->claim.files.count; i++) {
		const struct sums_entry *entry = &v->claim.files.entries[i];
		const struct sums_entry *listed = sums_find(&v->sums, entry->name);

		if (listed == NULL || !digest_equal(&listed->sha256, &entry->sha256))
			return error_set(err, ERR_VERIFY, "'%s' and SHA256SUMS differ for '%s'",
					 file, entry->name);
	}
	for (size_t i = 0; i < v->sums.count; i++) {
		const char *name = v->sums.entries[i].name;

		if (strcmp(name, file) != 0 && strcmp(name, RELEASE_PROVENANCE_NAME) != 0 &&
		    sums_find(&v->claim.files, name) == NULL)
			return error_set(err, ERR_VERIFY,
					 "SHA256SUMS lists '%s', which '%s' does not", name, file);
	}
	return 0;
}

/* The beginning of the trusted comment: "NAME TAG\t". */
static int
check_comment(const struct verifying *v, struct error *err)
{
	auto_free char *want = xasprintf("%s %s\t", v->claim.name, v->claim.tag);

	if (v->comment == NULL || text_starts_with(v->comment, want))
		return 0;
	return error_set(err, ERR_VERIFY,
			 "the minisign signature is for '%s', but release.json is for %s %s",
			 v->comment, v->claim.name, v->claim.tag);
}

/* The document says which release this is; everything else has to agree. */
static void
check_version(struct verifying *v, const char *file)
{
	const char *tag = v->request->tag;
	struct error err = ERROR_INIT;

	if (check_identity(&v->claim, file, &err) < 0 || check_lists(v, file, &err) < 0 ||
	    check_comment(v, &err) < 0) {
		verify_fail(v->report, "version", &err);
		return;
	}
	v->report->tag = xstrdup(v->claim.tag);
	v->report->made_by = v->claim.tool != NULL ? xstrdup(v->claim.tool) : NULL;
	v->report->format = v->claim.format;
	if (tag != NULL && strcmp(tag, v->claim.tag) != 0)
		verify_note(v->report, "version", VERIFY_FAILED,
			    "these are the files of %s, not of %s: a different release is offered "
			    "under this name",
			    v->claim.tag, tag);
	else
		verify_note(v->report, "version", VERIFY_OK, "%s %s", v->claim.name, v->claim.tag);
}

/* Without release.json, the trusted comment alone can bind the version. */
static void
check_comment_only(struct verifying *v)
{
	const char *tag = v->request->tag;
	auto_free char *want = tag != NULL ? xasprintf(" %s\t", tag) : NULL;

	if (want == NULL)
		return;
	if (v->comment != NULL && strstr(v->comment, want) != NULL)
		verify_note(v->report, "version", VERIFY_OK, "%s, from the trusted comment", tag);
	else if (v->comment != NULL)
		verify_note(v->report, "version", VERIFY_FAILED,
			    "these are the files of '%s', not of %s: a different release is "
			    "offered under this name",
			    v->comment, tag);
	else
		verify_note(v->report, "version", VERIFY_FAILED,
			    "cannot confirm that this is %s: release.json and SHA256SUMS.minisig "
			    "are missing",
			    tag);
}

void
verify_claim(struct verifying *v)
{
	bool required = v->request->only_count == 0;
	struct error err = ERROR_INIT;
	const struct sums_entry *entry;
	auto_free char *text = NULL;
	size_t count, length, failed = v->report->failed;

	entry = listed_with_suffix(&v->sums, ".release.json", &count);
	if (count != 1) {
		verify_note(v->report, "version", VERIFY_FAILED,
			    "expected one NAME-VERSION.release.json in SHA256SUMS but got %zu",
			    count);
		return;
	}
	if (read_listed(v, entry, "version", required, &text, &length) < 0) {
		if (v->report->failed == failed)
			check_comment_only(v);
		return;
	}
	if (release_claim_parse(text, length, &v->claim, entry->name, &err) < 0)
		verify_fail(v->report, "version", &err);
	if (v->report->failed == failed)
		check_version(v, entry->name);
}

static bool
dsse_names(const void *dsse, const struct public_key *key)
{
	return dsse_is_by(dsse, key);
}

/* All listed files but the provenance itself, and no others. */
static int
check_subjects(const struct verifying *v, const struct statement *statement, struct error *err)
{
	if (strcmp(statement->predicate_type, PREDICATE_PROVENANCE) != 0)
		return error_set(err, ERR_VERIFY, "expected SLSA provenance but got '%s'",
				 statement->predicate_type);
	for (size_t i = 0; i < statement->subjects.count; i++) {
		const struct sums_entry *subject = &statement->subjects.entries[i];
		const struct sums_entry *listed = sums_find(&v->sums, subject->name);

		if (listed == NULL || !digest_equal(&listed->sha256, &subject->sha256))
			return error_set(err, ERR_VERIFY, "subject '%s' does not match SHA256SUMS",
					 subject->name);
	}
	for (size_t i = 0; i < v->sums.count; i++)
		if (strcmp(v->sums.entries[i].name, RELEASE_PROVENANCE_NAME) != 0 &&
		    sums_find(&statement->subjects, v->sums.entries[i].name) == NULL)
			return error_set(err, ERR_VERIFY, "subject '%s' is missing",
					 v->sums.entries[i].name);
	return 0;
}

/* The tag that the build was started for. */
static int
check_parameters(const struct verifying *v, const struct dsse *dsse, struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	const char *tag = NULL;

	if (jsonx_parse(RELEASE_PROVENANCE_NAME, dsse->payload, dsse->payload_length, &doc, err) <
	    0)
		return -1;
	(void)json_unpack(doc.root, "{s:{s:{s:{s:s}}}}", "predicate", "buildDefinition",
			  "externalParameters", "tag", &tag);
	if (tag == NULL || (v->claim.tag != NULL && strcmp(tag, v->claim.tag) != 0))
		return error_set(err, ERR_VERIFY, "it is for %s",
				 tag != NULL ? tag : "an unknown tag");
	return 0;
}

static int
check_bundle(struct verifying *v, const char *text, size_t length,
	     const struct keyring_entry **ret_entry, struct error *err)
{
	AUTO(dsse_clear) struct dsse dsse = DSSE_INIT;
	AUTO(statement_clear) struct statement statement = STATEMENT_INIT;

	if (dsse_parse(text, length, &dsse, RELEASE_PROVENANCE_NAME, err) < 0 ||
	    keyring_find_named(v->request->keyring, dsse_names, &dsse, v->version, "the provenance",
			       ret_entry, err) < 0 ||
	    dsse_check(&dsse, &(*ret_entry)->key, RELEASE_PROVENANCE_NAME, err) < 0)
		return -1;
	if (statement_parse(dsse.payload, dsse.payload_length, &statement, RELEASE_PROVENANCE_NAME,
			    err) < 0 ||
	    check_subjects(v, &statement, err) < 0 || check_parameters(v, &dsse, err) < 0)
		return error_prefix(err, "provenance does not match the release");
	return 0;
}

void
verify_provenance(struct verifying *v)
{
	const struct sums_entry *entry = sums_find(&v->sums, RELEASE_PROVENANCE_NAME);
	bool required = v->request->only_count == 0;
	const struct keyring_entry *signer;
	struct error err = ERROR_INIT;
	auto_free char *text = NULL;
	size_t length;

	if (entry == NULL) {
		verify_note(v->report, "provenance", VERIFY_FAILED,
			    "SHA256SUMS does not list " RELEASE_PROVENANCE_NAME);
		return;
	}
	if (read_listed(v, entry, "provenance", required, &text, &length) < 0)
		return;
	if (check_bundle(v, text, length, &signer, &err) < 0)
		verify_fail(v->report, "provenance", &err);
	else
		verify_signed(v->report, "provenance", signer, "covers all files, signed", "");
}

void
verify_release(const struct verify_files *files, const struct verify_request *request,
	       struct verify_report *report)
{
	struct verifying v = {.files = files, .request = request, .report = report};

	if (verify_signatures(&v)) {
		verify_claim(&v);
		if (!verify_interrupted(report))
			verify_contents(&v);
		if (!verify_interrupted(report))
			verify_provenance(&v);
	}
	free(v.comment);
	free(v.version);
	sums_clear(&v.sums);
	release_claim_clear(&v.claim);
}
