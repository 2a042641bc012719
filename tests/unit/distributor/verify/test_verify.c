/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "distributor/documents/release.h"
#include "distributor/verify/verify.h"
#include "sign/check/dsse.h"
#include "sign/check/minisig.h"
#include "sign/check/simple_signing.h"
#include "sign/check/sshsig.h"
#include "sign/check/statement.h"
#include "sign/check/tag_object.h"

/* What a reader of verification takes, and what is one more. */

/* 64 zero bytes */
#define SIGNATURE                                                                                  \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"                             \
	"AAAAAAAAAAAAAAAAAAAAAAAAAA=="
#define HEX "0123456789012345678901234567890123456789012345678901234567890123"

static char *
data(const char *name)
{
	auto_free char *path = path_join("data/sign", name);
	struct error err = ERROR_INIT;
	char *text;

	assert_ok(read_file(path, 1 << 20, &text, NULL, &err), err);
	return text;
}

/* `text` with blanks, or what else may be added, up to a length. To be freed by the caller. */
static char *
padded(const char *text, size_t at, char c, size_t length)
{
	size_t more = length - strlen(text);
	char *whole = xmalloc(length + 1);

	memcpy(whole, text, at);
	memset(whole + at, c, more);
	(void)strcpy(whole + at + more, text + at);
	return whole;
}

static void
tags_end_at_their_limit(void **state)
{
	static const char text[] = "object 0123456789012345678901234567890123456789\ntype commit\n"
				   "tag v1\ntagger A B <a@example.org> 1 +0000\n\nm\n";

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		AUTO(tag_object_clear) struct tag_object tag = TAG_OBJECT_INIT;
		size_t length = TAG_OBJECT_MAX_TEXT + more;
		auto_free char *whole = padded(text, sizeof(text) - 2, 'x', length);
		struct error err = ERROR_INIT;

		if (more == 0)
			assert_ok(tag_object_parse(whole, length, &tag, "T", &err), err);
		else
			assert_refused(tag_object_parse(whole, length, &tag, "T", &err), err,
				       ERR_INPUT, "T: not a tag object");
	}
	for (size_t i = 0; i < sizeof(text); i++) {
		AUTO(tag_object_clear) struct tag_object tag = TAG_OBJECT_INIT;
		auto_free char *whole = padded(text, i, ' ', sizeof(text));
		struct error err = ERROR_INIT;

		/* What stands behind it would be looked at by nobody. */
		whole[i] = '\0';
		assert_refused(tag_object_parse(whole, sizeof(text), &tag, "T", &err), err,
			       ERR_INPUT, "T: not a tag object");
	}
}

static char *
lines_of_sums(size_t count, size_t name_length)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < count; i++)
		strbuf_addf(&text, "%s  %0*zu\n", HEX, (int)name_length, i);
	return strbuf_take(&text);
}

static void
lists_of_digests_end_at_their_limits(void **state)
{
	static const struct {
		size_t files, name_length;
		const char *sentence; /* NULL: it is read */
	} rows[] = {
		{SUMS_MAX_FILES, 8, NULL},
		{SUMS_MAX_FILES + 1, 8, "S:4097: more than 4096 files"},
		{1, 255, NULL},
		{1, 256, "is not a valid asset name"},
		/* 256 bytes in a line: exactly what a text may have */
		{SUMS_MAX_FILES, 189, NULL},
		{SUMS_MAX_FILES, 190, "'S' is too large"},
	};

	(void)state;
	assert_int_equal(SUMS_MAX_TEXT, SUMS_MAX_FILES * 256);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(sums_clear) struct sums sums = SUMS_INIT;
		auto_free char *text = lines_of_sums(rows[i].files, rows[i].name_length);
		struct error err = ERROR_INIT;

		if (rows[i].sentence == NULL) {
			assert_ok(sums_parse(text, strlen(text), &sums, "S", &err), err);
			assert_int_equal(sums.count, rows[i].files);
		} else {
			assert_refused(sums_parse(text, strlen(text), &sums, "S", &err), err,
				       ERR_INPUT, rows[i].sentence);
		}
	}
}

static void
statements_end_at_their_limit(void **state)
{
	(void)state;
	for (size_t count = STATEMENT_MAX_SUBJECTS; count <= STATEMENT_MAX_SUBJECTS + 1; count++) {
		AUTO(statement_clear) struct statement statement = STATEMENT_INIT;
		AUTO(strbuf_clear) struct strbuf text = STRBUF_INIT;
		struct error err = ERROR_INIT;

		strbuf_addf(&text,
			    "{\"_type\":\"%s\",\"predicateType\":\"x\",\"predicate\":{},"
			    "\"subject\":[",
			    STATEMENT_TYPE);
		for (size_t i = 0; i < count; i++)
			strbuf_addf(&text, "%s{\"name\":\"f%zu\",\"digest\":{\"sha256\":\"%s\"}}",
				    i != 0 ? "," : "", i, HEX);
		strbuf_adds(&text, "]}");
		if (count == STATEMENT_MAX_SUBJECTS)
			assert_ok(statement_parse(text.text, text.length, &statement, "S", &err),
				  err);
		else
			assert_refused(
				statement_parse(text.text, text.length, &statement, "S", &err), err,
				ERR_INPUT, "must be a list of 1 to 1024 files");
	}
}

static void
bundles_end_at_their_limit(void **state)
{
	static const char text[] =
		"{\"mediaType\":\"" DSSE_BUNDLE_TYPE "\",\"verificationMaterial\":{\"publicKey\":{"
		"\"hint\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"}},\"dsseEnvelope\":{"
		"\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\","
		"\"signatures\":[{\"sig\":\"" SIGNATURE "\"}]}}";

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		AUTO(dsse_clear) struct dsse dsse = DSSE_INIT;
		size_t length = DSSE_MAX_TEXT + more;
		auto_free char *whole = padded(text, strlen(text), ' ', length);
		struct error err = ERROR_INIT;

		if (more == 0)
			assert_ok(dsse_parse(whole, length, &dsse, "B", &err), err);
		else
			assert_refused(dsse_parse(whole, length, &dsse, "B", &err), err, ERR_INPUT,
				       "'B' is too large");
	}
}

static void
signatures_end_at_their_limits(void **state)
{
	auto_free char *ssh = data("SHA256SUMS.sig"), *minisign = data("SHA256SUMS.minisig");
	const char *comment = strchr(minisign, '\n'), *trusted;
	auto_free char *payload = padded("{}", 2, ' ', SIMPLE_SIGNING_MAX_TEXT + 1);
	const struct public_key nobody = {{0}};

	(void)state;
	trusted = strstr(minisign, "\ntrusted comment: ") + strlen("\ntrusted comment: ");
	for (size_t more = 0; more < 2; more++) {
		AUTO(simple_signing_clear) struct simple_signing claim = SIMPLE_SIGNING_INIT;
		size_t first = (size_t)(comment - minisign), at = (size_t)(trusted - minisign);
		size_t line = strlen("trusted comment: ") + strcspn(trusted, "\n");
		auto_free char *armour =
			padded(ssh, strlen(SSHSIG_BEGIN), '\n', SSHSIG_MAX_TEXT + more);
		auto_free char *untrusted =
			padded(minisign, first, 'x', strlen(minisign) + 1023 + more - first);
		auto_free char *other =
			padded(minisign, at, 'x', strlen(minisign) + 8191 + more - line);
		const char *const minisigs[] = {untrusted, other};
		struct error err = ERROR_INIT;
		struct sshsig sig;

		if (more == 0)
			assert_ok(sshsig_parse(armour, strlen(armour), &sig, "S", &err), err);
		else
			assert_int_equal(sshsig_parse(armour, strlen(armour), &sig, "S", &err), -1);
		for (size_t i = 0; i < ARRAY_SIZE(minisigs); i++) {
			AUTO(minisig_clear) struct minisig parsed = MINISIG_INIT;
			size_t length = strlen(minisigs[i]);

			if (more == 0)
				assert_ok(minisig_parse(minisigs[i], length, &parsed, "M", &err),
					  err);
			else
				assert_refused(
					minisig_parse(minisigs[i], length, &parsed, "M", &err), err,
					ERR_INPUT, "'M' is not a minisign signature");
		}
		/* The next thing that is looked at is the signature. */
		assert_refused(simple_signing_check(payload, SIMPLE_SIGNING_MAX_TEXT + more,
						    SIGNATURE, &nobody, &claim, "P", &err),
			       err, more == 0 ? ERR_VERIFY : ERR_INPUT,
			       more == 0 ? "does not verify" : "'P' is too large");
	}
}

/* release.json, read whole or not at all: an entry that is passed over is one not compared. */
static void
claims_have_no_entry_that_is_passed_over(void **state)
{
#define GOOD "{\"name\":\"a\",\"size\":3,\"sha256\":\"" HEX "\"}"
	static const struct {
		const char *assets, *documents, *sentence;
	} rows[] = {
		{"[]", "[]", NULL},
		{"[" GOOD "]", "[]", NULL},
		{"null", "[]", "assets: must be an array"},
		{"{}", "[]", "assets: must be an array"},
		{"[]", "\"x\"", "documents: must be an array"},
		{"[" GOOD ", null]", "[]", "assets[1]: must be an object"},
		{"[1, " GOOD "]", "[]", "assets[0]: must be an object"},
		{"[[]]", "[]", "assets[0]: must be an object"},
		{"[" GOOD "]", "[{}]", "documents[0].sha256: missing name or digest"},
		{"[{\"name\":\"a\",\"size\":3}]", "[]", "missing name or digest"},
		{"[{\"size\":3,\"sha256\":\"" HEX "\"}]", "[]", "missing name or digest"},
		{"[{\"name\":\"a\",\"size\":3,\"sha256\":\"0" HEX "\"}]", "[]",
		 "missing name or digest"},
		{"[{\"name\":\"a\",\"size\":3,\"sha256\":\"x\"}]", "[]", "missing name or digest"},
		{"[{\"name\":1,\"size\":3,\"sha256\":\"" HEX "\"}]", "[]", "must be a string"},
		{"[{\"name\":\"a\",\"size\":\"3\",\"sha256\":\"" HEX "\"}]", "[]",
		 "must be a non-negative integer"},
		{"[{\"name\":\"a\",\"size\":-1,\"sha256\":\"" HEX "\"}]", "[]",
		 "must be a non-negative integer"},
		{"[{\"name\":\"a\",\"sha256\":\"" HEX "\"}]", "[]", "missing size"},
		{"[{\"name\":\"../a\",\"size\":3,\"sha256\":\"" HEX "\"}]", "[]",
		 "is not a valid asset name"},
		{"[" GOOD ", " GOOD "]", "[]", "assets[1]: 'a' is listed twice"},
		{"[" GOOD "]", "[" GOOD "]", "documents[0]: 'a' is listed twice"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(release_claim_clear) struct release_claim claim = RELEASE_CLAIM_INIT;
		auto_free char *text =
			xasprintf("{\"name\":\"n\",\"version\":\"1\",\"tag\":\"v1\",\"commit\":"
				  "\"c\",\"assets\":%s,\"documents\":%s}",
				  rows[i].assets, rows[i].documents);
		struct error err = ERROR_INIT;

		if (rows[i].sentence == NULL) {
			assert_ok(release_claim_parse(text, strlen(text), &claim, "R", &err), err);
			assert_string_equal(claim.commit, "c");
			assert_int_equal(claim.files.count, i);
			assert_int_equal(i == 0 ? 3 : claim.sizes[0], 3);
		} else {
			assert_refused(release_claim_parse(text, strlen(text), &claim, "R", &err),
				       err, ERR_INPUT, rows[i].sentence);
			assert_null(claim.name);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_end_at_their_limit),
		cmocka_unit_test(lists_of_digests_end_at_their_limits),
		cmocka_unit_test(statements_end_at_their_limit),
		cmocka_unit_test(bundles_end_at_their_limit),
		cmocka_unit_test(signatures_end_at_their_limits),
		cmocka_unit_test(claims_have_no_entry_that_is_passed_over),
	};

	return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}
