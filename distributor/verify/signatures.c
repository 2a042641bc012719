/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "distributor/verify/verify_internal.h"
#include "sign/check/minisig.h"

#include <string.h>

/* 1 verified, 0 absent and not required, -1 failed. */
static int
check_ssh(struct verifying *v, const char *text, size_t length)
{
	bool required = v->request->only_count == 0;
	auto_free char *armour = NULL;
	const struct keyring_entry *entry;
	struct error err = ERROR_INIT;
	struct sshsig sig;
	size_t size, failed = v->report->failed;

	if (verify_read(v->files, SUMS_NAME ".sig", SSHSIG_MAX_TEXT, required, "signature",
			v->report, &armour, &size) < 0)
		return v->report->failed == failed ? 0 : -1;
	if (sshsig_parse(armour, size, &sig, SUMS_NAME ".sig", &err) < 0 ||
	    sshsig_check(&sig, SSHSIG_FILE, text, length, SUMS_NAME, &err) < 0 ||
	    keyring_find_for(v->request->keyring, &sig.key, SSHSIG_FILE, v->version,
			     "the signature of SHA256SUMS", &entry, &err) < 0) {
		verify_fail(v->report, "signature", &err);
		return -1;
	}
	verify_signed(v->report, "signature", entry, "SHA256SUMS is signed", "");
	return 1;
}

static bool
minisig_names(const void *sig, const struct public_key *key)
{
	return minisig_is_by(sig, key);
}

static int
check_minisign(struct verifying *v, const char *text, size_t length)
{
	bool required = v->request->only_count == 0;
	AUTO(minisig_clear) struct minisig sig = MINISIG_INIT;
	auto_free char *file = NULL;
	const struct keyring_entry *entry;
	struct error err = ERROR_INIT;
	size_t size, failed = v->report->failed;

	if (verify_read(v->files, SUMS_NAME ".minisig", MINISIG_MAX_TEXT, required, "minisign",
			v->report, &file, &size) < 0)
		return v->report->failed == failed ? 0 : -1;
	if (minisig_parse(file, size, &sig, SUMS_NAME ".minisig", &err) < 0 ||
	    keyring_find_named(v->request->keyring, minisig_names, &sig, v->version,
			       "the minisign signature", &entry, &err) < 0 ||
	    minisig_check(&sig, &entry->key, text, length, SUMS_NAME, &err) < 0) {
		verify_fail(v->report, "minisign", &err);
		return -1;
	}
	v->comment = TAKE(sig.trusted_comment);
	verify_signed(v->report, "minisign", entry, "SHA256SUMS is signed", "");
	return 1;
}

bool
verify_signatures(struct verifying *v)
{
	auto_free char *text = NULL;
	struct error err = ERROR_INIT;
	size_t length;
	int ssh, minisign;

	if (verify_read(v->files, SUMS_NAME, SUMS_MAX_TEXT, true, "signature", v->report, &text,
			&length) < 0)
		return false;
	v->version = sums_release_version(text);
	ssh = check_ssh(v, text, length);
	minisign = check_minisign(v, text, length);
	if (ssh == 0 && minisign == 0)
		verify_note(v->report, "signature", VERIFY_FAILED,
			    "SHA256SUMS is not signed: SHA256SUMS.sig and SHA256SUMS.minisig are "
			    "missing");
	if (ssh < 0 || minisign < 0 || ssh + minisign == 0)
		return false;
	if (sums_parse(text, length, &v->sums, SUMS_NAME, &err) < 0) {
		verify_fail(v->report, "sums", &err);
		return false;
	}
	digest_of(text, length, &v->report->sums);
	return true;
}

int
verify_signatures_only(const struct verify_files *files, const struct verify_request *request,
		       const char *comment, struct error *err)
{
	AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
	struct verifying v = {.files = files, .request = request, .report = &report};
	bool good = verify_signatures(&v) && v.comment != NULL && strcmp(v.comment, comment) == 0;

	for (size_t i = 0; i < report.count; i++)
		good = good && report.rows[i].status == VERIFY_OK;
	free(v.comment);
	free(v.version);
	sums_clear(&v.sums);
	if (!good && verify_report_conclude(&report, err) < 0 &&
	    (err->code == ERR_IO || err->code == ERR_INTERRUPTED))
		return -1;
	return good ? 1 : 0;
}
