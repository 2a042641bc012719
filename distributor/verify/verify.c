/* SPDX-License-Identifier: MIT */
#include "distributor/verify/verify.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "distributor/verify/verify_internal.h"
#include "sign/check/tag_object.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void
verify_report_clear(struct verify_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		free(report->rows[i].sentence);
		free(report->rows[i].signer);
	}
	free(report->rows);
	free(report->tag);
	free(report->made_by);
	*report = (struct verify_report)VERIFY_REPORT_INIT;
}

void
verify_note(struct verify_report *report, const char *check, enum verify_status status,
	    const char *format, ...)
{
	struct verify_row *row;
	char *sentence = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&sentence, format, args) < 0)
		sentence = xstrdup("out of memory");
	va_end(args);
	scrub_text(sentence);
	report->rows = xgrow(report->rows, report->count, sizeof(*report->rows));
	row = &report->rows[report->count++];
	*row = (struct verify_row){check, status, status == VERIFY_FAILED ? ERR_VERIFY : ERR_NONE,
				   sentence, NULL};
	report->failed += status == VERIFY_FAILED;
}

void
verify_signed(struct verify_report *report, const char *check, const struct keyring_entry *signer,
	      const char *what, const char *after)
{
	char fingerprint[FINGERPRINT_SIZE];

	verify_note(report, check, VERIFY_OK, "%s by %s, %s%s", what, signer->principal,
		    public_key_fingerprint(&signer->key, fingerprint), after);
	report->rows[report->count - 1].signer = xstrdup(fingerprint);
}

void
verify_fail(struct verify_report *report, const char *check, const struct error *err)
{
	verify_note(report, check, VERIFY_FAILED, "%s", err->message);
	report->rows[report->count - 1].code = err->code;
}

bool
verify_interrupted(const struct verify_report *report)
{
	return report->count != 0 && report->rows[report->count - 1].code == ERR_INTERRUPTED;
}

/* How much a failure decides: its place among these, and what is none of them is ERR_VERIFY. */
static const enum error_code kinds[] = {ERR_NETWORK, ERR_REMOTE, ERR_DENIED,
					ERR_IO,      ERR_VERIFY, ERR_INTERRUPTED};

static size_t
kind_of(enum error_code code)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (kinds[i] == code)
			return i;
	return kind_of(ERR_VERIFY);
}

int
verify_report_conclude(const struct verify_report *report, struct error *err)
{
	const struct verify_row *decides = NULL;

	for (size_t i = 0; i < report->count; i++) {
		const struct verify_row *row = &report->rows[i];

		if (row->status == VERIFY_FAILED &&
		    (decides == NULL || kind_of(row->code) > kind_of(decides->code)))
			decides = row;
	}
	if (decides == NULL)
		return 0;
	return error_set(err, kinds[kind_of(decides->code)], "%s", decides->sentence);
}

/* One file of a release as text; a missing one is a failure only if it is required. */
int
verify_read(const struct verify_files *files, const char *name, size_t max_bytes, bool required,
	    const char *check, struct verify_report *report, char **ret_text, size_t *ret_length)
{
	struct error err = ERROR_INIT;

	if (files->read(files->context, name, max_bytes, ret_text, ret_length, &err) == 0)
		return 0;
	if (err.code == ERR_NOT_FOUND && !required)
		verify_note(report, check, VERIFY_SKIPPED, "%s does not exist", name);
	else if (err.code == ERR_NOT_FOUND)
		verify_note(report, check, VERIFY_FAILED, "'%s' is missing", name);
	else
		verify_fail(report, check, &err);
	return -1;
}

/* The digest in the line "SHA256SUMS: HEX" of a tag's message. */
static void
find_sums(const char *message, struct digest *ret_sums)
{
	static const char key[] = "\n" TAG_SUMS_KEY;
	const char *line = strstr(message, key);
	char hex[DIGEST_HEX_SIZE];

	memset(ret_sums, 0, sizeof(*ret_sums));
	if (line == NULL || strlen(line + strlen(key)) < sizeof(hex) - 1)
		return;
	memcpy(hex, line + strlen(key), sizeof(hex) - 1);
	hex[sizeof(hex) - 1] = '\0';
	if (!digest_parse(hex, ret_sums))
		memset(ret_sums, 0, sizeof(*ret_sums));
}

static int
check_tag_signature(const struct tag_object *tag, const char *name, const char *text,
		    const struct keyring *keyring, const struct keyring_entry **ret_entry,
		    struct error *err)
{
	auto_free char *what = xasprintf("the tag '%s'", name);
	struct sshsig sig;

	if (tag->signature == NULL)
		return error_set(err, ERR_VERIFY, "tag '%s' is not signed", name);
	if (sshsig_parse(tag->signature, strlen(tag->signature), &sig, name, err) < 0 ||
	    keyring_find_for(keyring, &sig.key, SSHSIG_GIT, tag->name, what, ret_entry, err) < 0)
		return -1;
	return sshsig_check(&sig, SSHSIG_GIT, text, tag->signed_size, name, err);
}

void
verify_tag(const char *name, const char *text, size_t length, const struct keyring *keyring,
	   const char *commit, struct verify_report *report, struct digest *ret_sums)
{
	AUTO(tag_object_clear) struct tag_object tag = TAG_OBJECT_INIT;
	auto_free char *signed_what = NULL, *after = NULL;
	const struct keyring_entry *entry;
	struct error err = ERROR_INIT;

	memset(ret_sums, 0, sizeof(*ret_sums));
	if (tag_object_parse(text, length, &tag, name, &err) < 0 ||
	    check_tag_signature(&tag, name, text, keyring, &entry, &err) < 0) {
		verify_fail(report, "tag", &err);
		return;
	}
	/* git verify-tag says "Good" here too: the signature is that of another tag. */
	if (strcmp(tag.name, name) != 0) {
		verify_note(report, "tag", VERIFY_FAILED,
			    "reference '%s' points to tag '%s': the tag was renamed", name,
			    tag.name);
		return;
	}
	if (commit != NULL && strcmp(tag.commit, commit) != 0) {
		verify_note(report, "tag", VERIFY_FAILED, "tag '%s' points to commit %s, not to %s",
			    name, tag.commit, commit);
		return;
	}
	find_sums(tag.message, ret_sums);
	signed_what = xasprintf("%s is signed", name);
	after = xasprintf(", commit %.12s", tag.commit);
	verify_signed(report, "tag", entry, signed_what, after);
}
