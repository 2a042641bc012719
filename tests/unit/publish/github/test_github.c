/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "publish/github/github.h"
#include "publish/github/github_api.h"
#include "publish/github/github_json.h"
#include "publish/github/pacer.h"

static void
test_refusals(void **state)
{
	static const struct {
		const char *body;
		enum github_refusal refusal;
		const char *sentence;
	} rows[] = {
		{"{\"message\":\"Validation Failed\",\"errors\":[{\"resource\":\"ReleaseAsset\","
		 "\"code\":\"already_exists\",\"field\":\"name\"}]}",
		 GITHUB_REFUSAL_ALREADY_EXISTS,
		 "Validation Failed; ReleaseAsset name already_exists"},
		{"{\"message\":\"Validation Failed\",\"errors\":[{\"resource\":\"ReleaseAsset\","
		 "\"code\":\"custom\",\"field\":\"file_count\",\"message\":\"file_count limited to "
		 "1000 assets per release\"}]}",
		 GITHUB_REFUSAL_FILE_COUNT,
		 "Validation Failed; ReleaseAsset file_count custom file_count limited to 1000 "
		 "assets per release"},
		{"{\"message\":\"Cannot upload assets to an immutable release.\"}",
		 GITHUB_REFUSAL_IMMUTABLE, "Cannot upload assets to an immutable release."},
		{"{\"message\":\"Validation Failed\",\"errors\":[\"tag_name was used by an "
		 "immutable release\"]}",
		 GITHUB_REFUSAL_BURNED_TAG,
		 "Validation Failed; tag_name was used by an immutable release"},
		{"{\"message\":\"Resource not accessible by integration\"}",
		 GITHUB_REFUSAL_INTEGRATION, "Resource not accessible by integration"},
		{"{\"message\":\"You have exceeded a secondary rate limit. Please wait.\"}",
		 GITHUB_REFUSAL_RATE_LIMIT,
		 "You have exceeded a secondary rate limit. Please wait."},
		{"{\"message\":\"You have triggered an abuse detection mechanism.\"}",
		 GITHUB_REFUSAL_RATE_LIMIT, "You have triggered an abuse detection mechanism."},
		{"{\"message\":\"Not Found\"}", GITHUB_REFUSAL_OTHER, "Not Found"},
		{"{\"message\":\"\\n Two \\r\\n\\n\\tlines \\n\",\"errors\":[\"a\\nb\"]}",
		 GITHUB_REFUSAL_OTHER, "Two; lines; a; b"},
		{"{\"errors\":7}", GITHUB_REFUSAL_OTHER, "no reason given"},
		{"[]", GITHUB_REFUSAL_OTHER, "no reason given"},
		{"<html>", GITHUB_REFUSAL_OTHER, "no reason given"},
		{"", GITHUB_REFUSAL_OTHER, "no reason given"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *sentence = NULL;

		assert_int_equal(
			github_parse_refusal(rows[i].body, strlen(rows[i].body), &sentence),
			rows[i].refusal);
		assert_string_equal(sentence, rows[i].sentence);
	}
}

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void
test_assets(void **state)
{
	static const struct {
		const char *digest;
		bool has_digest;
	} rows[] = {
		{"null", false},
		{"\"sha256:" HEX "\"", true},
		{"\"sha512:" HEX "\"", false},
		{"\"sha256:" HEX "00\"", false},
		{"\"" HEX "\"", false},
		{"7", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(github_asset_list_clear) struct github_asset_list list = {NULL, 0};
		struct error err = ERROR_INIT;
		auto_free char *text =
			xasprintf("[{\"id\":1,\"name\":\"a\",\"state\":\"uploaded\",\"size\":5,"
				  "\"digest\":%s},{\"id\":2,\"name\":\"b\",\"state\":\"starter\","
				  "\"size\":0}]",
				  rows[i].digest);

		assert_ok(github_parse_assets("x", text, strlen(text), &list, &err), err);
		assert_int_equal(list.count, 2);
		assert_int_equal(list.items[0].has_digest, rows[i].has_digest);
		assert_int_equal(list.items[0].size, 5);
		assert_true(list.items[0].uploaded);
		assert_false(list.items[1].uploaded);
		assert_false(list.items[1].has_digest);
	}
}

static void
test_malformed(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"{}", "page: the response is not a list"},
		{"[{}]", "page: the response has no valid 'id'"},
		{"[{\"id\":-1}]", "no valid 'id'"},
		{"[{\"id\":1}]", "no valid 'name'"},
		{"[{\"id\":1,\"name\":\"a\\u0000b\",\"size\":1}]", "page:1:"},
		{"[{\"id\":1,\"name\":\"a\",\"size\":\"1\"}]", "no valid 'size'"},
		{"[7]", "no valid 'id'"},
		{"[", "page:1:"},
		{"<html>", "page:1:1"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(github_asset_list_clear) struct github_asset_list list = {NULL, 0};
		struct error err = ERROR_INIT;

		assert_refused(github_parse_assets("page", rows[i].text, strlen(rows[i].text),
						   &list, &err),
			       err, ERR_REMOTE, rows[i].message);
		assert_int_equal(list.count, 0);
	}
}

/* What is not a list of releases is not the end of one. */
static void
test_malformed_releases(void **state)
{
	static const struct {
		const char *text, *message;
	} rows[] = {
		{"{}", "page: the response is not a list"},
		{"[{}]", "page: the response has no valid 'id'"},
		{"[7]", "no valid 'id'"},
		{"[", "page:1:"},
		{"<html>", "page:1:1"},
		{"", "page:1:"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(github_release_list_clear) struct github_release_list list = {NULL, 0};
		struct error err = ERROR_INIT;

		assert_refused(github_parse_releases("page", rows[i].text, strlen(rows[i].text),
						     &list, &err),
			       err, ERR_REMOTE, rows[i].message);
		assert_int_equal(list.count, 0);
	}
}

static void
test_release(void **state)
{
	static const char text[] =
		"{\"id\":7,\"tag_name\":\"v1\",\"draft\":true,\"html_url\":\"https://h/\","
		"\"upload_url\":\"https://u/7/assets{?name,label}\"}";
	AUTO(github_release_clear) struct github_release release = {.tag = NULL};
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(github_parse_release("x", text, strlen(text), &release, &err), err);
	assert_string_equal(release.upload_url, "https://u/7/assets");
	assert_true(release.draft);
	assert_false(release.immutable);
}

static struct github *
make(const char *api_url, const char *repository, struct error *err)
{
	struct github_options options = GITHUB_OPTIONS_DEFAULT;
	struct github *github = NULL;

	options.api_url = api_url;
	options.repository = repository;
	options.token = "ghs_secret";
	return github_new(&options, NULL, &github, err) < 0 ? NULL : github;
}

static void
test_where_the_token_may_go(void **state)
{
	static const struct {
		const char *api, *url;
		bool may;
	} rows[] = {
		{"https://api.github.com", "https://api.github.com/x", true},
		{"https://api.github.com", "https://uploads.github.com/x", true},
		{"https://api.github.com/", "https://uploads.github.com/x", true},
		{"https://api.github.com", "http://uploads.github.com/x", false},
		{"https://api.github.com", "https://uploads.github.com:444/x", false},
		{"https://api.github.com", "https://uploads.github.com.example/x", false},
		{"https://api.github.com", "https://github.com/x", false},
		{"https://api.github.com", "http://127.0.0.1/x", false},
		{"https://api.corp.ghe.com", "https://uploads.corp.ghe.com/x", true},
		{"https://api.corp.ghe.com", "https://uploads.github.com/x", false},
		{"https://git.example/api/v3", "https://git.example/api/uploads/x", true},
		{"https://git.example/api/v3", "https://uploads.github.com/x", false},
		{"http://127.0.0.1:1", "http://127.0.0.1:2/x", true},
		{"http://127.0.0.1:1", "https://uploads.github.com/x", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		AUTO(github_freep) struct github *github = make(rows[i].api, "o/r", &err);

		assert_non_null(github);
		if (rows[i].may)
			assert_ok(github_check_url(github, rows[i].url, &err), err);
		else
			assert_refused(github_check_url(github, rows[i].url, &err), err, ERR_REMOTE,
				       "refusing to send anything");
	}
}

static void
test_where_the_api_is(void **state)
{
	static const struct {
		const char *server, *api;
	} rows[] = {
		{"https://github.com", "https://api.github.com"},
		{"https://corp.ghe.com", "https://api.corp.ghe.com"},
		{"https://git.example", "https://git.example/api/v3"},
		{"https://github.com.example", "https://github.com.example/api/v3"},
		{"https://git.example:8443", "https://git.example:8443/api/v3"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *api = github_api_of(rows[i].server);

		assert_string_equal(api, rows[i].api);
	}
}

static void
test_bad_options(void **state)
{
	static const struct {
		const char *api, *repository, *message;
	} rows[] = {
		{"http://api.github.com", "o/r", "plain http"},
		{"https://u:p@api.github.com", "o/r", "the URL of the GitHub API"},
		{"nonsense", "o/r", "the URL of the GitHub API"},
		{"https://api.github.com", "o", "'o' is not OWNER/REPO"},
		{"https://api.github.com", "o/", "is not OWNER/REPO"},
		{"https://api.github.com", "/r", "is not OWNER/REPO"},
		{"https://api.github.com", "o/r/x", "is not OWNER/REPO"},
		{"https://api.github.com", "o/../r", "is not OWNER/REPO"},
		{"https://api.github.com", "o/r?x", "is not OWNER/REPO"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;

		assert_null(make(rows[i].api, rows[i].repository, &err));
		if (err.code != ERR_INPUT || strstr(err.message, rows[i].message) == NULL)
			fail_msg("%s %s: '%s'", rows[i].api, rows[i].repository, err.message);
	}
}

/* The default pace on a clock of its own: 600 files, and no window with more than is allowed. */
static void
test_pace(void **state)
{
	const struct pacer_limits limits = {1000, 80, 500};
	struct pacer *pacer = pacer_new(&limits, NULL, NULL);
	double at[600], now = 1000;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		at[i] = pacer_take(pacer, PACER_CREATE, now);
		assert_true(i == 0 || at[i] >= at[i - 1] + 1);
		assert_true(i < 80 || at[i] >= at[i - 80] + 60);
		assert_true(i < 500 || at[i] >= at[i - 500] + 3600);
		now = at[i];
	}
	assert_true(at[499] < 1000 + 520);
	pacer_free(pacer);
}

static void
test_minute_of_a_fast_pace(void **state)
{
	const struct pacer_limits limits = {100, 80, 0};
	struct pacer *pacer = pacer_new(&limits, NULL, NULL);
	double at[200], now = 1000;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		at[i] = now = pacer_take(pacer, PACER_CREATE, now);
		assert_true(i < 80 || at[i] >= at[i - 80] + 60);
	}
	assert_true(at[79] < 1008 && at[80] >= 1060 && at[160] >= 1120);
	pacer_free(pacer);
}

/* Whatever changes keeps the interval; the budgets are for what creates. */
static void
test_pace_of_changes(void **state)
{
	const struct pacer_limits limits = {1000, 80, 500};
	struct pacer *pacer = pacer_new(&limits, NULL, NULL);
	double last = pacer_take(pacer, PACER_CREATE, 1000);

	(void)state;
	for (size_t i = 0; i < 1000; i++) {
		double next = pacer_take(pacer, PACER_CHANGE, last);

		assert_true(next >= last + 1 && next < last + 1.1);
		last = next;
	}
	assert_true(pacer_take(pacer, PACER_CREATE, last) >= last + 1);
	assert_true(pacer_take(pacer, PACER_CREATE, last) < last + 2.1);
	pacer_free(pacer);
}

/* Several uploads under way meet the same limit, and hear of it one after the other. */
static void
test_hold(void **state)
{
	static const struct {
		double now, seconds;
		bool news;
		double free; /* when the next request may go */
	} rows[] = {
		{1000, 2, true, 1002},      {1000.1, 2, false, 1002.1}, {1000.9, 1, false, 1002.1},
		{1000.9, 2, false, 1002.9}, {1001, 100, true, 1101},    {1002, 1, false, 1101},
		{1101.5, 0, false, 1101.5}, {1102, 60, true, 1162},
	};
	const struct pacer_limits limits = {0, 0, 0};
	struct pacer *pacer = pacer_new(&limits, NULL, NULL);

	(void)state;
	assert_true(pacer_take(pacer, PACER_CREATE, 1000) <= 1000);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool news = pacer_hold(pacer, rows[i].now, rows[i].seconds);
		double free = pacer_take(pacer, PACER_CREATE, rows[i].now);

		if (news != rows[i].news || free < rows[i].free - 0.01 ||
		    free > rows[i].free + 0.01)
			fail_msg("row %zu: news %d, free at %f", i, news, free);
	}
	pacer_free(pacer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_assets),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_malformed_releases),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_where_the_token_may_go),
		cmocka_unit_test(test_where_the_api_is),
		cmocka_unit_test(test_bad_options),
		cmocka_unit_test(test_pace),
		cmocka_unit_test(test_minute_of_a_fast_pace),
		cmocka_unit_test(test_pace_of_changes),
		cmocka_unit_test(test_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
