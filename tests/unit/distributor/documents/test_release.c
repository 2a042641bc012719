/* SPDX-License-Identifier: MIT */
/* release.json of each format: what is read of the program that made a release, and what is not. */

#include "distributor/documents/release.h"

#include "base/alloc.h"
#include "tests/support/test.h"

#include <string.h>

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

/* A whole document with these members more. */
static char *
document(const char *members)
{
	return xasprintf("{\"name\":\"n\",\"version\":\"1-1\",\"tag\":\"v1-1\",\"commit\":null,"
			 "\"assets\":[],\"documents\":[]%s}",
			 members);
}

static void
each_format_says_what_made_it(void **state)
{
	static const struct {
		const char *members;
		uint64_t format;
		const char *tool, *sentence; /* one of them where the document says or is wrong */
	} rows[] = {
		{"", 0, NULL, NULL},
		{",\"distributor\":\"0.1.0\"", 0, "0.1.0", NULL},
		{",\"distributor\":1", 0, NULL, "distributor: must be a string"},
		{",\"tool\":{\"version\":\"9\"}", 0, NULL, NULL},
		{",\"format\":1", 1, NULL, NULL},
		{",\"format\":1,\"distributor\":\"0.1.0\"", 1, NULL, NULL},
		{",\"format\":1,\"tool\":{\"version\":\"0.1.0\",\"commit\":null}", 1, "0.1.0",
		 NULL},
		{",\"format\":1,\"tool\":{\"version\":\"0.1.0\",\"commit\":\"" COMMIT "\"}", 1,
		 "0.1.0 (commit " COMMIT ")", NULL},
		{",\"format\":1,\"tool\":{\"version\":\"0.1.0\",\"commit\":\"" COMMIT
		 "\",\"modified\":true,\"later\":[]}",
		 1, "0.1.0 (commit " COMMIT ", modified)", NULL},
		{",\"format\":1,\"tool\":{}", 0, NULL, "tool.version: is missing"},
		{",\"format\":1,\"tool\":\"0.1.0\"", 0, NULL, "tool: must be an object"},
		{",\"format\":1,\"tool\":{\"version\":\"1\",\"modified\":\"no\"}", 0, NULL,
		 "tool.modified: must be true or false"},
		{",\"format\":\"1\"", 0, NULL, "format: must be a non-negative integer"},
		{",\"format\":-1", 0, NULL, "format: must be a non-negative integer"},
		{",\"format\":1.5", 0, NULL, "format: must be a non-negative integer"},
		/* A later one is read as far as it is known here. */
		{",\"format\":7,\"tool\":{\"version\":\"9\"},\"news\":{\"a\":1}", 7, "9", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(release_claim_clear) struct release_claim claim = RELEASE_CLAIM_INIT;
		auto_free char *text = document(rows[i].members);
		struct error err = ERROR_INIT;

		if (rows[i].sentence != NULL) {
			assert_refused(release_claim_parse(text, strlen(text), &claim, "R", &err),
				       err, ERR_INPUT, rows[i].sentence);
			continue;
		}
		assert_ok(release_claim_parse(text, strlen(text), &claim, "R", &err), err);
		assert_int_equal(claim.format, rows[i].format);
		if (rows[i].tool == NULL)
			assert_null(claim.tool);
		else
			assert_string_equal(claim.tool, rows[i].tool);
	}
}

/* The keys that a verifier needs are asked for in a later format, too. */
static void
a_later_format_has_to_have_what_is_needed(void **state)
{
	static const char *const rows[] = {
		"{\"format\":7,\"version\":\"1\",\"tag\":\"v1\",\"assets\":[],\"documents\":[]}",
		"{\"format\":7,\"name\":\"n\",\"tag\":\"v1\",\"assets\":[],\"documents\":[]}",
		"{\"format\":7,\"name\":\"n\",\"version\":\"1\",\"assets\":[],\"documents\":[]}",
		"{\"format\":7,\"name\":\"n\",\"version\":\"1\",\"tag\":\"v1\",\"assets\":[]}",
		"{\"format\":7,\"name\":\"n\",\"version\":\"1\",\"tag\":\"v1\",\"documents\":[]}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(release_claim_clear) struct release_claim claim = RELEASE_CLAIM_INIT;
		struct error err = ERROR_INIT;

		assert_int_equal(release_claim_parse(rows[i], strlen(rows[i]), &claim, "R", &err),
				 -1);
		assert_int_equal(err.code, ERR_INPUT);
		assert_null(claim.name);
	}
}

/* What is written is read again as it was meant. */
static void
what_is_written_names_the_tool(void **state)
{
	static const struct tool tools[] = {
		{"0.2.0", NULL, false}, {"0.2.0", COMMIT, false}, {"0.2.0", COMMIT, true}};
	struct asset_list assets = ASSET_LIST_INIT;
	struct sums documents = SUMS_INIT;
	struct release release = {.name = "q",
				  .version = "1-1",
				  .tag = "v1-1",
				  .matrix_file = "m",
				  .lock_file = "l",
				  .assets = &assets};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		AUTO(release_claim_clear) struct release_claim claim = RELEASE_CLAIM_INIT;
		auto_free char *text = NULL, *want = tool_text(&tools[i]);
		struct error err = ERROR_INIT;

		release.tool = &tools[i];
		text = release_json(&release, &documents, NULL);
		assert_ok(release_claim_parse(text, strlen(text), &claim, "R", &err), err);
		assert_int_equal(claim.format, RELEASE_FORMAT);
		assert_string_equal(claim.tool, want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_format_says_what_made_it),
		cmocka_unit_test(a_later_format_has_to_have_what_is_needed),
		cmocka_unit_test(what_is_written_names_the_tool),
	};

	return cmocka_run_group_tests_name("release", tests, NULL, NULL);
}
