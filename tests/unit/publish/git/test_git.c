/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "publish/git/git_askpass.h"
#include "publish/git/git_internal.h"
#include "publish/git/git_make.h"
#include "publish/git/git_push_internal.h"
#include "publish/git/git_tag.h"
#include "tests/support/scratch.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names below a directory that stands in for all that is before them, and what is expected. */
static void
test_path_inside(void **state)
{
	static const struct {
		const char *root, *path, *inside;
	} rows[] = {
		{"repo", "repo/m.json", "m.json"},
		{"repo", "repo/matrix/m.json", "matrix/m.json"},
		{"repo/", "repo/matrix/m.json", "matrix/m.json"},
		{"repo", "repo/matrix/../m.json", "m.json"},
		{"repo", "repo/gone.json", "gone.json"},
		{"repo", "link/m.json", "matrix/m.json"},
		{"link", "repo/matrix/m.json", "m.json"},
		{"repo", "repo2/m.json", NULL},
		{"repo", "m.json", NULL},
		{"repo", "nowhere/m.json", NULL},
		{"nowhere", "repo/m.json", NULL},
	};
	auto_free char *top = scratch_directory();
	auto_free char *matrix = path_join(top, "repo/matrix"), *other = path_join(top, "repo2");
	auto_free char *link = path_join(top, "link");
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(make_directories(matrix, &err), err);
	assert_ok(make_directories(other, &err), err);
	assert_int_equal(symlink(matrix, link), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *root = path_join(top, rows[i].root);
		auto_free char *path = path_join(top, rows[i].path);
		auto_free char *inside = NULL;

		assert_ok(path_inside(root, path, &inside, &err), err);
		if (rows[i].inside == NULL ? inside != NULL
					   : inside == NULL || strcmp(inside, rows[i].inside) != 0)
			fail_msg("'%s' in '%s': '%s'", rows[i].path, rows[i].root,
				 inside != NULL ? inside : "(none)");
	}
	scratch_remove(top);
}

/* A machine whose whole file system is in one repository. */
static void
test_path_inside_of_all(void **state)
{
	static const struct {
		const char *path, *inside;
	} rows[] = {
		{"/m.json", "m.json"},
		{"/dev/m.json", "dev/m.json"},
		{"/dev/../m.json", "m.json"},
		{"/nowhere/m.json", NULL},
	};

	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *inside = NULL;

		assert_ok(path_inside("/", rows[i].path, &inside, &err), err);
		if (rows[i].inside == NULL)
			assert_null(inside);
		else if (inside == NULL || strcmp(inside, rows[i].inside) != 0)
			fail_msg("'%s': '%s'", rows[i].path, inside != NULL ? inside : "(none)");
	}
}

/* Which tags are versions before this one: "changes since" is about the last of them. */
static void
test_earlier_versions(void **state)
{
	static const struct {
		const char *other, *name;
		bool before;
	} rows[] = {
		{"v0.9-1", "v1.0-1", true},
		{"v0", "v1", true},
		{"v9.2-1", "v10.0-1", true},
		{"v10.0-1", "v10.0-2", true},
		{"v10.0-9", "v10.0-10", true},
		{"v10.0-1", "v10.0-1", false},
		{"v10.0-2", "v10.0-1", false},
		{"/1", "v1", false},
		{"v/1", "v1", false},
		{"v:1", "va", false},
		{"v", "v1", false},
		{"10.0-1", "v11.0-1", false},
		{"V1", "v2", false},
		{"vendor", "v1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (repo_is_before(rows[i].other, rows[i].name) != rows[i].before)
			fail_msg("%s before %s", rows[i].other, rows[i].name);
}

static void
test_https_origin(void **state)
{
	static const struct {
		const char *url, *origin;
	} rows[] = {
		{"https://github.com/o/r.git", "https://github.com:443"},
		{"https://GitHub.com", "https://github.com:443"},
		{"https://x-access-token@github.com/o/r", "https://github.com:443"},
		{"https://github.com:8443/o", "https://github.com:8443"},
		{"https://127.0.0.1:1/x", "https://127.0.0.1:1"},
		{"https://[::1]:1/x", "https://[::1]:1"},
		{"https://[::1]/x", "https://[::1]:443"},
		{"https://evil.example/@github.com", "https://evil.example:443"},
		{"https://github.com@evil.example/", "https://evil.example:443"},
		{"https://evil.example?@github.com", "https://evil.example:443"},
		{"https://evil.example#@github.com", "https://evil.example:443"},
		{"http://github.com/o/r.git", NULL},
		{"HTTPS://github.com/o/r.git", NULL},
		{"https://", NULL},
		{"https:///o/r", NULL},
		{"https://github.com:/o", NULL},
		{"https://github.com:1x/o", NULL},
		{"https://github.com\\@evil.example\\x", NULL},
		{"https://git hub.com/", NULL},
		{"ssh://git@github.com/o/r", NULL},
		{"git@github.com:o/r", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *origin = git_https_origin(rows[i].url);

		if (rows[i].origin == NULL ? origin != NULL
					   : origin == NULL || strcmp(origin, rows[i].origin) != 0)
			fail_msg("'%s': '%s'", rows[i].url, origin != NULL ? origin : "(none)");
	}
}

static void
test_askpass_question(void **state)
{
	static const struct {
		const char *prompt;
		enum git_question question;
	} rows[] = {
		{"Username for 'https://github.com': ", GIT_QUESTION_USER},
		{"Password for 'https://x-access-token@github.com': ", GIT_QUESTION_PASSWORD},
		{"Password for 'https://github.com/o/r.git': ", GIT_QUESTION_PASSWORD},
		{"Password for 'https://github.com:443': ", GIT_QUESTION_PASSWORD},
		{"Password for 'http://github.com': ", GIT_QUESTION_OTHER},
		{"Password for 'https://github.com:444': ", GIT_QUESTION_OTHER},
		{"Password for 'https://github.com.evil.example': ", GIT_QUESTION_OTHER},
		{"Password for 'https://evil.example/github.com': ", GIT_QUESTION_OTHER},
		{"Password for 'https://github.com/@evil.example': ", GIT_QUESTION_OTHER},
		{"Password for 'https://github.com?@evil.example': ", GIT_QUESTION_OTHER},
		{"Password for 'https://github.com#@evil.example': ", GIT_QUESTION_OTHER},
		{"Password for 'https://github.com:443/@evil.example': ", GIT_QUESTION_OTHER},
		{"Password for 'https://u@github.com/@evil.example': ", GIT_QUESTION_OTHER},
		{"Password for 'https://github.com': x", GIT_QUESTION_OTHER},
		{"Password for 'https://github.com'", GIT_QUESTION_OTHER},
		{"Enter passphrase for key '/home/a/.ssh/id_ed25519': ", GIT_QUESTION_OTHER},
		{"", GIT_QUESTION_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (git_askpass_question(rows[i].prompt, "https://github.com:443") !=
		    rows[i].question)
			fail_msg("%s", rows[i].prompt);
}

/* A repository with one commit, to be freed with repo_free(). */
static struct repo *
make_repo(const char *path, char ret_commit[REPO_ID_SIZE])
{
	static const struct repo_file files[] = {{"folder/file", "text\n", 5},
						 {"folder/nul", "a\0b", 3}};
	const struct repo_content content = {.files = files,
					     .count = ARRAY_SIZE(files),
					     .name = "A",
					     .email = "a@example.org",
					     .time_sec = 1,
					     .message = "one\n"};
	struct error err = ERROR_INIT;
	struct repo *repo = NULL;

	assert_int_equal(repo_make(path, &content, &err), 1);
	assert_ok(repo_open(path, &repo, &err), err);
	assert_ok(repo_commit(repo, "HEAD", ret_commit, &err), err);
	return repo;
}

static void
make_tag(struct repo *repo, const char *commit, const char *name)
{
	auto_free char *text = xasprintf("object %s\ntype commit\ntag %s\n"
					 "tagger A <a@example.org> 1 +0000\n\nm\n",
					 commit, name);
	char id[REPO_ID_SIZE];
	struct error err = ERROR_INIT;

	assert_int_equal(repo_tag_write(repo, name, text, false, id, &err), 1);
}

static void
test_previous_tag(void **state)
{
	static const char *const tags[] = {"v0.9.0-1",     "v0.10.0-1",  "v10.0.0-1", "v9.0.0-1",
					   "other",        "va",         "v12.1-1",   "v12.1-rc1-1",
					   "v12.1-rc10-1", "v12.1-rc9-1"};
	static const struct {
		const char *name, *previous;
	} rows[] = {
		{"v0.9.0-1", NULL},
		{"v0.9.1-1", "v0.9.0-1"},
		{"v0.10.0-1", "v0.9.0-1"},
		{"v1.0.0-1", "v0.10.0-1"},
		{"v10.0.0-1", "v9.0.0-1"},
		{"v11.0.0-1", "v10.0.0-1"},
		{"v10.0.0-2", "v10.0.0-1"},
		{"v12.1-rc1-1", "v10.0.0-1"},
		{"v12.1-rc2-1", "v12.1-rc1-1"},
		{"v12.1-rc10-1", "v12.1-rc9-1"},
		{"v12.1-1", "v12.1-rc10-1"},
		{"v12.1.0-2", "v12.1-1"},
		{"v12.2-rc1-1", "v12.1-1"},
	};
	auto_free char *top = scratch_directory(), *path = path_join(top, "r.git");
	auto_free char *light = path_join(path, "refs/tags/v10.0.0-9");
	char commit[REPO_ID_SIZE];
	AUTO(repo_freep) struct repo *repo = make_repo(path, commit);
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		make_tag(repo, commit, tags[i]);
	/* A lightweight tag is not the tag of a release. */
	assert_ok(write_file(light, commit, strlen(commit), 0644, &err), err);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *previous = NULL;

		assert_ok(repo_previous_tag(repo, rows[i].name, &previous, &err), err);
		if (rows[i].previous == NULL
			    ? previous != NULL
			    : previous == NULL || strcmp(previous, rows[i].previous) != 0)
			fail_msg("before %s: %s", rows[i].name,
				 previous != NULL ? previous : "(none)");
	}
	assert_true(repo_knows_all_tags(repo));
	/* One that cannot be read may be the one. */
	assert_ok(write_file(light, "x\n", 2, 0644, &err), err);
	{
		char *previous = NULL;

		assert_int_equal(repo_previous_tag(repo, "v11.0.0-1", &previous, &err), -1);
		assert_int_equal(err.code, ERR_IO);
		assert_null(previous);
	}
	scratch_remove(top);
}

/* A lock that a killed run has left is removed in our own repository, and in no other. */
static void
test_lock_left(void **state)
{
	auto_free char *top = scratch_directory(), *path = path_join(top, "r.git");
	auto_free char *lock = path_join(path, "refs/tags/v1.lock");
	const struct timespec old[2] = {{1, 0}, {1, 0}};
	char commit[REPO_ID_SIZE], id[REPO_ID_SIZE];
	AUTO(repo_freep) struct repo *repo = make_repo(path, commit);
	auto_free char *text = xasprintf("object %s\ntype commit\ntag v1\n"
					 "tagger A <a@example.org> 1 +0000\n\nm\n",
					 commit);
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(write_file(lock, "", 0, 0644, &err), err);
	assert_int_equal(utimensat(AT_FDCWD, lock, old, 0), 0);
	assert_int_equal(repo_tag_write(repo, "v1", text, false, id, &err), -1);
	assert_int_equal(err.code, ERR_BUSY);
	assert_non_null(strstr(err.message, lock));
	assert_int_equal(access(lock, F_OK), 0);
	repo_set_own(repo);
	assert_int_equal(repo_tag_write(repo, "v1", text, false, id, &err), 1);
	assert_int_not_equal(access(lock, F_OK), 0);
	scratch_remove(top);
}

/* What is not there, and what cannot be read, are told apart. */
static void
test_tree_file(void **state)
{
	static const struct {
		const char *revision, *inside;
		enum error_code code;
		const char *text;
		size_t length;
	} rows[] = {
		{"HEAD", "folder/file", ERR_NONE, "text\n", 5},
		{"HEAD", "folder/nul", ERR_NONE, "a\0b", 3},
		{"HEAD", "folder/none", ERR_NOT_FOUND, NULL, 0},
		{"HEAD", "folder", ERR_NOT_FOUND, NULL, 0},
		{"HEAD", "folder/file/deeper", ERR_NOT_FOUND, NULL, 0},
		{"HEAD", "none/file", ERR_NOT_FOUND, NULL, 0},
		{"none", "folder/file", ERR_NOT_FOUND, NULL, 0},
		{"refs/tags/none", "folder/file", ERR_NOT_FOUND, NULL, 0},
		{"0123456789012345678901234567890123456789", "folder/file", ERR_IO, NULL, 0},
	};
	auto_free char *top = scratch_directory(), *path = path_join(top, "r.git");
	char commit[REPO_ID_SIZE];
	AUTO(repo_freep) struct repo *repo = make_repo(path, commit);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		auto_free char *text = NULL;
		size_t length;
		int result = repo_tree_file(repo, rows[i].revision, rows[i].inside, 100, &text,
					    &length, &err);

		if (err.code != rows[i].code || (result == 0) != (rows[i].code == ERR_NONE))
			fail_msg("%s:%s: %d, %s", rows[i].revision, rows[i].inside, (int)err.code,
				 err.message);
		if (result == 0) {
			assert_int_equal(length, rows[i].length);
			assert_memory_equal(text, rows[i].text, length + 1);
		}
	}
	scratch_remove(top);
}

/* The same contents by other paths: the path that is asked for is the best, then its last part. */
static void
test_find_contents(void **state)
{
	static const struct repo_file files[] = {{"a/x.json", "text\n", 5},
						 {"b/m.json", "text\n", 5},
						 {"c/m.json", "text\n", 5},
						 {"m.json", "other\n", 6}};
	static const struct {
		const char *revision, *path, *text, *inside;
	} rows[] = {
		{"HEAD", "c/m.json", "text\n", "c/m.json"},
		{"HEAD", "somewhere/m.json", "text\n", "b/m.json"},
		{"HEAD", "m.json", "text\n", "b/m.json"},
		{"HEAD", "y.json", "text\n", "a/x.json"},
		{"HEAD", "y.json", "other\n", "m.json"},
		{"HEAD", "m.json", "text", NULL},
		{"HEAD", "m.json", "", NULL},
	};
	const struct repo_content content = {.files = files,
					     .count = ARRAY_SIZE(files),
					     .name = "A",
					     .email = "a@example.org",
					     .time_sec = 1,
					     .message = "one\n"};
	auto_free char *top = scratch_directory(), *path = path_join(top, "r.git");
	AUTO(repo_freep) struct repo *repo = NULL;
	struct error err = ERROR_INIT;
	char *none = NULL;

	(void)state;
	assert_int_equal(repo_make(path, &content, &err), 1);
	assert_ok(repo_open(path, &repo, &err), err);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *inside = NULL;

		assert_ok(repo_find_contents(repo, rows[i].revision, rows[i].path, rows[i].text,
					     strlen(rows[i].text), &inside, &err),
			  err);
		if (rows[i].inside == NULL ? inside != NULL
					   : inside == NULL || strcmp(inside, rows[i].inside) != 0)
			fail_msg("row %zu: '%s'", i, inside != NULL ? inside : "(none)");
	}
	assert_int_equal(repo_find_contents(repo, "none", "m.json", "", 0, &none, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_ok(repo_work_path(repo, path, &none, &err), err);
	assert_null(none);
	scratch_remove(top);
}

/* The rules of git; each row is a configuration, a remote, and where git pushes. */
static void
test_push_urls(void **state)
{
	static const struct {
		const char *config, *remote, *urls;
	} rows[] = {
		{"[remote \"o\"]\nurl = u:1\n", "o", "u:1 "},
		{"[remote \"o\"]\nurl = u:1\nurl = u:2\n", "o", "u:1 u:2 "},
		{"[remote \"o\"]\nurl = u:1\npushurl = p:1\npushurl = p:2\n", "o", "p:1 p:2 "},
		{"[remote \"o\"]\nurl = u:1\npushurl = no_push\n", "o", "no_push "},
		{"[remote \"o\"]\npushurl = p:1\npushurl =\nurl = u:1\n", "o", "u:1 "},
		{"[remote \"a.b\"]\nurl = u:1\n", "a.b", "u:1 "},
		{"[remote \"o\"]\nurl = u:1\n[url \"x:\"]\ninsteadOf = u:\n", "o", "x:1 "},
		{"[remote \"o\"]\nurl = u:1\n[url \"x:\"]\ninsteadOf = u:\n[url \"y:\"]\n"
		 "insteadOf = u:1\n",
		 "o", "y: "},
		{"[remote \"o\"]\nurl = u:1\nurl = v:1\n[url \"x:\"]\npushInsteadOf = u:\n", "o",
		 "x:1 "},
		{"[remote \"o\"]\nurl = u:1\npushurl = p:1\n[url \"x:\"]\npushInsteadOf = p:\n",
		 "o", "p:1 "},
		{"[remote \"o\"]\nurl = u:1\npushurl = p:1\n[url \"x:\"]\ninsteadOf = p:\n", "o",
		 "x:1 "},
		{"[url \"x:\"]\npushInsteadOf = u:\n[url \"y:\"]\ninsteadOf = u:\n", "u:3", "x:3 "},
		{"[url \"y:\"]\ninsteadOf = gh\n", "gh/a", "y:/a "},
		{"", "https://example.org/r", "https://example.org/r "},
		{"", "o", NULL},
		{"[remote \"other\"]\nurl = u:1\n", "o", NULL},
	};
	auto_free char *top = scratch_directory();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *name = xasprintf("r%zu.git", i), *path = path_join(top, name);
		auto_free char *config = path_join(path, "config"), *old = NULL, *text = NULL;
		char commit[REPO_ID_SIZE], joined[256] = "";
		AUTO(words_clear) struct words urls = {NULL, 0};
		struct error err = ERROR_INIT;

		repo_free(make_repo(path, commit));
		assert_ok(read_file(config, 10000, &old, NULL, &err), err);
		text = xasprintf("%s\n%s", old, rows[i].config);
		assert_ok(write_file(config, text, strlen(text), 0644, &err), err);

		AUTO(repo_freep) struct repo *repo = NULL;

		assert_ok(repo_open(path, &repo, &err), err);
		if (push_urls_resolve(repo, rows[i].remote, &urls, &err) < 0) {
			assert_null(rows[i].urls);
			assert_int_equal(err.code, ERR_INPUT);
			continue;
		}
		for (size_t u = 0; u < urls.count; u++) {
			(void)strcat(joined, urls.items[u]);
			(void)strcat(joined, " ");
		}
		if (rows[i].urls == NULL || strcmp(joined, rows[i].urls) != 0)
			fail_msg("row %zu: %s", i, joined);
	}
	scratch_remove(top);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path_inside),      cmocka_unit_test(test_path_inside_of_all),
		cmocka_unit_test(test_earlier_versions), cmocka_unit_test(test_https_origin),
		cmocka_unit_test(test_askpass_question), cmocka_unit_test(test_previous_tag),
		cmocka_unit_test(test_lock_left),        cmocka_unit_test(test_tree_file),
		cmocka_unit_test(test_find_contents),    cmocka_unit_test(test_push_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
