/* SPDX-License-Identifier: MIT */
#include "images/push/push.h"
#include "images/reference.h"
#include "images/referrers.h"
#include "images/registry/challenge.h"
#include "images/registry/credential_helper.h"
#include "images/registry/credentials.h"
#include "images/registry/realm.h"
#include "images/registry/registry.h"
#include "images/registry/scope.h"
#include "images/registry/token.h"
#include "tests/doubles/bad_http.h"
#include "tests/support/refuse.h"
#include "tests/support/scratch.h"

#include "base/file.h"
#include "base/progress.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void
test_reference(void **state)
{
	static const struct {
		const char *text, *host, *path, *tag;
		bool digest;
	} rows[] = {
		{"ghcr.io/owner/repo", "ghcr.io", "owner/repo", NULL, false},
		{"ghcr.io/owner/repo:v1", "ghcr.io", "owner/repo", "v1", false},
		{"docker.io/owner/repo", "registry-1.docker.io", "owner/repo", NULL, false},
		{"index.docker.io/owner/repo", "registry-1.docker.io", "owner/repo", NULL, false},
		{"owner/repo:latest", "registry-1.docker.io", "owner/repo", "latest", false},
		{"busybox", "registry-1.docker.io", "library/busybox", NULL, false},
		{"localhost/a", "localhost", "a", NULL, false},
		{"localhost:5000/a/b:t", "localhost:5000", "a/b", "t", false},
		{"[::1]:5000/a", "[::1]:5000", "a", NULL, false},
		{"quay.io/a/b__c--d.e@sha256:" HEX64, "quay.io", "a/b__c--d.e", NULL, true},
		{"quay.io/a:t@sha256:" HEX64, "quay.io", "a", "t", true},
	};
	static const char *const bad[] = {
		"",
		"ghcr.io/",
		"ghcr.io/Owner/repo",
		"ghcr.io/a//b",
		"ghcr.io/a/",
		"ghcr.io/a/.b",
		"ghcr.io/a___b",
		"ghcr.io/a..b",
		"ghcr.io/a-",
		"ghcr.io/a:",
		"ghcr.io/a:+",
		"ghcr.io/a:-b",
		"ghcr.io/a@sha256:0",
		"-x.io/a",
		"a b.io/c",
		"x.io:port/a",
		"ghcr.io/a@md5:0",
		"[::1/a",
		"x.io:/a",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(reference_clear) struct reference reference = REFERENCE_INIT;
		struct error err = ERROR_INIT;

		assert_ok(reference_parse(rows[i].text, &reference, &err), err);
		assert_string_equal(reference.host, rows[i].host);
		assert_string_equal(reference.path, rows[i].path);
		assert_int_equal(reference.has_digest, rows[i].digest);
		if (rows[i].tag == NULL)
			assert_null(reference.tag);
		else
			assert_string_equal(reference.tag, rows[i].tag);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		AUTO(reference_clear) struct reference reference = REFERENCE_INIT;
		struct error err = ERROR_INIT;

		if (reference_parse(bad[i], &reference, &err) == 0)
			fail_msg("'%s' was accepted", bad[i]);
		if (strstr(err.message, bad[i]) == NULL)
			fail_msg("'%s': %s", bad[i], err.message);
	}
}

static void
test_repository(void **state)
{
	AUTO(reference_clear) struct reference reference = REFERENCE_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(reference_parse_repository("ghcr.io/a/b:c", &reference, &err), err,
		       ERR_INPUT, "expected a repository without a tag");
	assert_true(reference_host_is_loopback("localhost:5000"));
	assert_true(reference_host_is_loopback("127.0.0.1"));
	assert_true(reference_host_is_loopback("[::1]:5000"));
	assert_false(reference_host_is_loopback("127.0.0.1.example.org"));
	assert_false(reference_host_is_loopback("localhost.example.org"));
	assert_false(reference_host_is_loopback("[::2]:5000"));
}

static void
test_challenge(void **state)
{
	AUTO(challenges_clear) struct challenges list = CHALLENGES_INIT;
	const struct challenge *bearer, *basic;

	(void)state;
	assert_true(challenges_parse(
		"Negotiate YII==, Bearer realm=\"https://auth.docker.io/token\" , "
		"service=registry.docker.io,scope=\"repository:a/b:pull,push repository:c:pull\","
		"error=\"insufficient_scope\", basic REALM = \"a \\\"b\\\" c\"",
		&list));
	assert_int_equal(list.count, 3);
	bearer = challenges_find(&list, CHALLENGE_BEARER);
	assert_string_equal(bearer->realm, "https://auth.docker.io/token");
	assert_string_equal(bearer->service, "registry.docker.io");
	assert_string_equal(bearer->scope, "repository:a/b:pull,push repository:c:pull");
	assert_string_equal(bearer->error, "insufficient_scope");
	basic = challenges_find(&list, CHALLENGE_BASIC);
	assert_string_equal(basic->realm, "a \"b\" c");
	assert_true(challenges_parse("NTLM", &list));
	assert_int_equal(list.count, 4);
}

static void
assert_text_equal(const char *text, const char *wanted)
{
	if (wanted == NULL)
		assert_null(text);
	else
		assert_string_equal(text, wanted);
}

/* What servers write against the grammar, and which does not lose the method. */
static void
test_sloppy_challenge(void **state)
{
	static const struct {
		const char *text;
		enum challenge_scheme scheme;
		const char *realm, *service, *scope;
	} rows[] = {
		{"Basic realm=/", CHALLENGE_BASIC, "/", NULL, NULL},
		{"Basic realm=", CHALLENGE_BASIC, "", NULL, NULL},
		{"Basic", CHALLENGE_BASIC, NULL, NULL, NULL},
		{"Bearer realm=https://r.example:1/token?a=b,service=r.example", CHALLENGE_BEARER,
		 "https://r.example:1/token?a=b", "r.example", NULL},
		{"Bearer realm=\"https://r.example/\",service=,scope=\"\"", CHALLENGE_BEARER,
		 "https://r.example/", "", ""},
		{"Bearer service=, realm=\"https://r.example/\"", CHALLENGE_BEARER,
		 "https://r.example/", "", NULL},
		{"Bearer realm=\"https://r.example/\",scope=", CHALLENGE_BEARER,
		 "https://r.example/", NULL, ""},
		{"Negotiate YII=, Basic realm=/", CHALLENGE_BASIC, "/", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(challenges_clear) struct challenges list = CHALLENGES_INIT;
		const struct challenge *found;

		if (!challenges_parse(rows[i].text, &list))
			fail_msg("'%s' was refused", rows[i].text);
		found = challenges_find(&list, rows[i].scheme);
		assert_non_null(found);
		assert_text_equal(found->realm, rows[i].realm);
		assert_text_equal(found->service, rows[i].service);
		assert_text_equal(found->scope, rows[i].scope);
	}
}

/* What is asked of a token server, of what is needed and of what the registry says. */
static void
test_scopes(void **state)
{
	static const struct {
		const char *own, *challenge, *asked;
	} rows[] = {
		{"repository:a/b:pull", NULL, "repository:a/b:pull"},
		{"repository:a/b:pull", "", "repository:a/b:pull"},
		{"repository:a/b:pull", "  ", "repository:a/b:pull"},
		{"repository:a/b:pull,push", "repository:a/b:pull,push",
		 "repository:a/b:pull,push"},
		/* the registry knows best what is needed more */
		{"repository:a/b:pull,push", "repository:a/b:push,pull,delete",
		 "repository:a/b:push,pull,delete"},
		{"repository:a/b:pull", "repository:a/b:*", "repository:a/b:*"},
		/* less than what is needed would be refused in the next round */
		{"repository:a/b:pull,push", "repository:a/b:pull", "repository:a/b:pull,push"},
		{"repository:a/b:pull,push", "repository:a/b:push", "repository:a/b:pull,push"},
		/* something else is asked for too, and one's own all the same */
		{"repository:a/b:pull", "repository:c/d:pull",
		 "repository:a/b:pull repository:c/d:pull"},
		{"repository:a/b:pull", "registry:catalog:* repository:a/b:pull",
		 "repository:a/b:pull registry:catalog:*"},
		{"repository:a/b:pull", "repository:a/bc:pull",
		 "repository:a/b:pull repository:a/bc:pull"},
		{"repository:a/b:pull", "aws", "repository:a/b:pull aws"},
		{"repository:a/b:pull,push repository:c/d:pull", "repository:a/b:pull,push",
		 "repository:a/b:pull,push repository:c/d:pull"},
		{"repository:a/b:pull", "repository:c:pull repository:c:pull",
		 "repository:a/b:pull repository:c:pull"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *asked = scope_join(rows[i].own, rows[i].challenge);

		if (strcmp(asked, rows[i].asked) != 0)
			fail_msg("row %zu: '%s'", i, asked);
	}
}

static void
test_bad_challenge(void **state)
{
	static const char *const rows[] = {
		"",
		",",
		"Bearer realm=\"open",
		"Bearer realm=\"a\\",
		"Basic realm=\"a\"b",
		"=x",
		"Bearer realm=\"a\" service=\"b\"",
		"(x)",
		"Basic @",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(challenges_clear) struct challenges list = CHALLENGES_INIT;

		if (challenges_parse(rows[i], &list))
			fail_msg("'%s' was accepted", rows[i]);
		assert_int_equal(list.count, 0);
	}
}

/* "alice:s3cret", "bob:a:b", "alice:identity", each in base64. */
#define ALICE "YWxpY2U6czNjcmV0"
#define BOB   "Ym9iOmE6Yg=="

static void
test_credentials(void **state)
{
	static const struct {
		const char *text, *repository, *user, *secret, *helper;
	} rows[] = {
		{"{}", "ghcr.io/a/b", NULL, NULL, NULL},
		{"{\"auths\":{\"ghcr.io\":{\"auth\":\"" ALICE "\"}}}", "ghcr.io/a/b", "alice",
		 "s3cret", NULL},
		{"{\"auths\":{\"ghcr.io\":{\"auth\":\"" BOB "\"}}}", "ghcr.io/a/b", "bob", "a:b",
		 NULL},
		{"{\"auths\":{\"ghcr.io\":{\"auth\":\"" ALICE "\"},\"ghcr.io/a\":{\"auth\":\"" BOB
		 "\"},\"ghcr.io/ab\":{\"auth\":\"" ALICE "\"}}}",
		 "ghcr.io/a/b", "bob", "a:b", NULL},
		{"{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"" ALICE "\"}}}", "a/b",
		 "alice", "s3cret", NULL},
		{"{\"auths\":{\"localhost:5000\":{\"username\":\"u\",\"password\":\"p\"}}}",
		 "localhost:5000/x", "u", "p", NULL},
		{"{\"auths\":{\"localhost\":{\"auth\":\"" ALICE "\"}}}", "localhost:5000/x", NULL,
		 NULL, NULL},
		{"{\"auths\":{\"ghcr.io\":{}},\"credsStore\":\"desktop\"}", "ghcr.io/a", NULL, NULL,
		 "desktop"},
		{"{\"auths\":{\"ghcr.io\":{\"auth\":\"" ALICE
		 "\"}},\"credHelpers\":{\"ghcr.io\":\"gh\",\"quay.io\":\"q\"},\"credsStore\":"
		 "\"s\"}",
		 "ghcr.io/a", NULL, NULL, "gh"},
		/* as docker reads it: an empty file */
		{"", "ghcr.io/a", NULL, NULL, NULL},
		{" \n\t\r\n", "ghcr.io/a", NULL, NULL, NULL},
		/* an empty helper is the file itself, and not the store */
		{"{\"auths\":{\"ghcr.io\":{\"auth\":\"" ALICE
		 "\"}},\"credHelpers\":{\"ghcr.io\":\"\"},\"credsStore\":\"s\"}",
		 "ghcr.io/a", "alice", "s3cret", NULL},
		{"{\"auths\":{\"ghcr.io\":{}},\"credHelpers\":{\"ghcr.io\":\"\"},"
		 "\"credsStore\":\"s\"}",
		 "ghcr.io/a", NULL, NULL, NULL},
		{"{\"credsStore\":\"\"}", "ghcr.io/a", NULL, NULL, NULL},
		/* names of members without regard to case, the exact one first */
		{"{\"auths\":{\"ghcr.io\":{}},\"credSstore\":\"osxkeychain\"}", "ghcr.io/a", NULL,
		 NULL, "osxkeychain"},
		{"{\"credsstore\":\"a\",\"credsStore\":\"b\"}", "ghcr.io/a", NULL, NULL, "b"},
		{"{\"Auths\":{\"ghcr.io\":{\"AUTH\":\"" ALICE "\"}}}", "ghcr.io/a", "alice",
		 "s3cret", NULL},
		{"{\"credhelpers\":{\"ghcr.io\":\"gh\"}}", "ghcr.io/a", NULL, NULL, "gh"},
		/* the version of an API is no namespace */
		{"{\"auths\":{\"ghcr.io/v2/\":{\"auth\":\"" ALICE "\"}}}", "ghcr.io/a", "alice",
		 "s3cret", NULL},
		{"{\"auths\":{\"ghcr.io/v1\":{\"auth\":\"" ALICE "\"}}}", "ghcr.io/a", "alice",
		 "s3cret", NULL},
		{"{\"auths\":{\"ghcr.io/v2/x\":{\"auth\":\"" ALICE "\"}}}", "ghcr.io/a", NULL, NULL,
		 NULL},
		/* what docker writes is taken before what means the same, in any order */
		{"{\"auths\":{\"https://ghcr.io/v2/\":{\"auth\":\"" BOB
		 "\"},\"ghcr.io\":{\"auth\":\"" ALICE "\"}}}",
		 "ghcr.io/a", "alice", "s3cret", NULL},
		{"{\"auths\":{\"docker.io\":{\"auth\":\"" BOB
		 "\"},\"https://index.docker.io/v1/\":{\"auth\":\"" ALICE "\"}}}",
		 "a/b", "alice", "s3cret", NULL},
		/* tokens of Docker Desktop are for nobody else, in any order */
		{"{\"auths\":{\"https://index.docker.io/v1/access-token\":{\"auth\":\"" BOB
		 "\"},\"https://index.docker.io/v1/refresh-token\":{\"auth\":\"" BOB
		 "\"},\"https://index.docker.io/v1/\":{\"auth\":\"" ALICE "\"}}}",
		 "a/b", "alice", "s3cret", NULL},
		{"{\"auths\":{\"https://index.docker.io/v1/access-token\":{\"auth\":\"" BOB "\"}}}",
		 "a/b", NULL, NULL, NULL},
		/* without a secret there is nobody: base64 of ":" and of "bob:" */
		{"{\"auths\":{\"ghcr.io\":{\"auth\":\"Og==\"}}}", "ghcr.io/a", NULL, NULL, NULL},
		{"{\"auths\":{\"ghcr.io\":{\"auth\":\"Ym9iOg==\"}}}", "ghcr.io/a", NULL, NULL,
		 NULL},
		{"{\"auths\":{\"ghcr.io\":{\"username\":\"bob\",\"password\":\"\"}}}", "ghcr.io/a",
		 NULL, NULL, NULL},
		{"{\"auths\":{\"ghcr.io\":{\"auth\":\"\"}},\"credsStore\":\"s\"}", "ghcr.io/a",
		 NULL, NULL, "s"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(reference_clear) struct reference repository = REFERENCE_INIT;
		AUTO(credentials_clear) struct credentials found = CREDENTIALS_INIT;
		auto_free char *helper = NULL;
		struct error err = ERROR_INIT;
		int result;

		assert_ok(reference_parse(rows[i].repository, &repository, &err), err);
		result = credentials_parse("config.json", rows[i].text, strlen(rows[i].text), false,
					   &repository, &found, &helper, &err);
		if (result != (rows[i].user != NULL || rows[i].helper != NULL))
			fail_msg("row %zu: %d %s", i, result, err.message);
		if (rows[i].user != NULL) {
			assert_string_equal(found.user, rows[i].user);
			assert_string_equal(found.secret, rows[i].secret);
		}
		if (rows[i].helper != NULL)
			assert_string_equal(helper, rows[i].helper);
	}
}

static void
test_identity_token(void **state)
{
	static const char text[] =
		"{\"ghcr.io\":{\"auth\":\"" ALICE "\",\"identitytoken\":\"tok\"}}";
	static const char docker[] = "{\"auths\":{\"ghcr.io\":{\"auth\":\"Ym9iOg==\","
				     "\"identitytoken\":\"tok\"}}}";
	AUTO(reference_clear) struct reference repository = REFERENCE_INIT;
	AUTO(credentials_clear) struct credentials found = CREDENTIALS_INIT;
	auto_free char *helper = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(reference_parse("ghcr.io/a", &repository, &err), err);
	assert_int_equal(credentials_parse("f", text, strlen(text), true, &repository, &found,
					   &helper, &err),
			 1);
	assert_true(found.identity_token);
	assert_string_equal(found.secret, "tok");
	credentials_clear(&found);
	/* docker writes "auth" without a password beside it: base64 of "bob:" */
	assert_int_equal(credentials_parse("f", docker, strlen(docker), false, &repository, &found,
					   &helper, &err),
			 1);
	assert_true(found.identity_token);
	assert_string_equal(found.secret, "tok");
}

/* No message shows what may be a secret. */
static void
test_bad_credentials(void **state)
{
	static const struct {
		const char *text, *refusal;
	} rows[] = {
		{"s3cret", "'f' is not a JSON object"},
		{"{\"auths\":{\"ghcr.io\":{\"auth\":\"s3cret", "'f' is not a JSON object (line 1)"},
		{"{\"auths\":{\"ghcr.io\":{\"auth\":\"s3cret\"}}}",
		 "an 'auth' in 'f' is not the base64"},
		{"{\"auths\":{\"ghcr.io\":{\"auth\":\"czNjcmV0\"}}}", "an 'auth' in 'f' is not"},
		{"{\"credsStore\":\"../s3cret\"}",
		 "a credential helper in 'f' has an invalid name"},
		{"{\"credHelpers\":{\"ghcr.io\":7}}",
		 "a credential helper in 'f' has an invalid name"},
	};
	AUTO(reference_clear) struct reference repository = REFERENCE_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(reference_parse("ghcr.io/a", &repository, &err), err);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(credentials_clear) struct credentials found = CREDENTIALS_INIT;
		auto_free char *helper = NULL;

		assert_refused(credentials_parse("f", rows[i].text, strlen(rows[i].text), false,
						 &repository, &found, &helper, &err),
			       err, ERR_INPUT, rows[i].refusal);
		assert_null(strstr(err.message, "s3cret"));
		assert_null(found.secret);
	}
}

/*
 * The places, in their order, and helpers that answer, do not know, fail, talk nonsense, know nobody
 * and are not installed.
 */
static void
test_find(void **state)
{
	static const char *const names[] = {"docker-credential-good", "docker-credential-none",
					    "docker-credential-sick", "docker-credential-odd",
					    "docker-credential-pass", "docker-credential-gone"};
	static const int results[] = {1, 0, -1, -1, 0, 0};
	static const char *const scripts[] = {
		"#!/bin/sh\nread host\n"
		"printf '{\"ServerURL\":\"%s\",\"Username\":\"%s\",\"Secret\":\"h3lper\"}' x "
		"$host\n",
		"#!/bin/sh\necho credentials not found in native keychain\nexit 1\n",
		"#!/bin/sh\necho s3cret\nexit 3\n", "#!/bin/sh\necho s3cret\n",
		"#!/bin/sh\necho '{\"ServerURL\":\"\",\"Username\":\"\",\"Secret\":\"\"}'\n"};
	char *dir = scratch_directory();
	auto_free char *docker = path_join(dir, "config.json");
	auto_free char *path = xasprintf("%s:%s", dir, getenv("PATH"));
	auto_free char *named = path_join(dir, "named.json");
	AUTO(reference_clear) struct reference repository = REFERENCE_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		auto_free char *program = path_join(dir, names[i]);

		assert_ok(write_file(program, scripts[i], strlen(scripts[i]), 0755, &err), err);
	}
	(void)unsetenv("REGISTRY_AUTH_FILE");
	(void)setenv("PATH", path, 1);
	(void)setenv("HOME", dir, 1);
	(void)setenv("XDG_RUNTIME_DIR", dir, 1);
	(void)setenv("XDG_CONFIG_HOME", dir, 1);
	(void)setenv("DOCKER_CONFIG", dir, 1);
	assert_ok(reference_parse("ghcr.io/a", &repository, &err), err);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		AUTO(credentials_clear) struct credentials found = CREDENTIALS_INIT;
		auto_free char *text = xasprintf("{\"credsStore\":\"%s\"}", names[i] + 18);
		auto_free char *absent = NULL;
		int result;

		assert_ok(write_file(docker, text, strlen(text), 0600, &err), err);
		result = credentials_find(NULL, &repository, &found, &absent, &err);
		if (result != results[i])
			fail_msg("%s: %d %s", names[i], result, err.message);
		/* What is not installed is told, and keeps nobody from what is public. */
		assert_int_equal(absent != NULL, i == ARRAY_SIZE(scripts));
		if (absent != NULL)
			assert_true(strstr(absent, names[i]) != NULL &&
				    strstr(absent, docker) != NULL);
		if (i == 0) {
			assert_string_equal(found.user, "ghcr.io");
			assert_string_equal(found.secret, "h3lper");
		}
		if (result < 0) {
			assert_non_null(strstr(err.message, names[i]));
			assert_null(strstr(err.message, "s3cret"));
		}
	}
	{
		AUTO(credentials_clear) struct credentials found = CREDENTIALS_INIT;
		static const char text[] = "{\"auths\":{\"ghcr.io\":{\"auth\":\"" ALICE "\"}}}";
		auto_free char *absent = NULL;

		assert_refused(credentials_find(named, &repository, &found, &absent, &err), err,
			       ERR_NOT_FOUND, named);
		assert_ok(write_file(named, text, strlen(text), 0600, &err), err);
		(void)setenv("REGISTRY_AUTH_FILE", named, 1);
		assert_int_equal(credentials_find(NULL, &repository, &found, &absent, &err), 1);
		assert_string_equal(found.user, "alice");
		assert_string_equal(found.origin, named);
	}
	scratch_remove(dir);
	free(dir);
}

static void
test_helper_that_cannot_be_read(void **state)
{
	static const char script[] = "#!/bin/sh\necho credentials not found\nexit 1\n";
	AUTO(credentials_clear) struct credentials found = CREDENTIALS_INIT;
	AUTO(reference_clear) struct reference repository = REFERENCE_INIT;
	char *dir = scratch_directory();
	auto_free char *program = path_join(dir, "docker-credential-mute");
	auto_free char *path = xasprintf("%s:%s", dir, getenv("PATH"));
	struct error err = ERROR_INIT;
	int status = 0;
	pid_t child;

	(void)state;
	assert_ok(write_file(program, script, strlen(script), 0755, &err), err);
	assert_ok(reference_parse("ghcr.io/a", &repository, &err), err);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)setenv("PATH", path, 1);
		if (refuse_syscall(SYS_read, EIO) < 0)
			_exit(77);
		_exit(credential_helper_ask("mute", &repository, &found, &err) < 0 &&
				      err.code == ERR_IO &&
				      strstr(err.message, "cannot read the output") != NULL
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	scratch_remove(dir);
	free(dir);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip_because("no system call can be refused here");
	assert_int_equal(status, 0);
}

/* Each place has another user; who has come first is taken away before the next round. */
static void
test_places(void **state)
{
	static const struct {
		const char *variable, *value, *file;
		bool legacy;
	} rows[] = {
		{"REGISTRY_AUTH_FILE", "named.json", "named.json", false},
		{"XDG_RUNTIME_DIR", "run", "run/containers/auth.json", false},
		{"XDG_CONFIG_HOME", "conf", "conf/containers/auth.json", false},
		{"DOCKER_CONFIG", "docker", "docker/config.json", false},
		{"HOME", "home", "home/.dockercfg", true},
	};
	static const char *const folders[] = {"run/containers", "conf/containers", "docker",
					      "home"};
	char *dir = scratch_directory();
	AUTO(reference_clear) struct reference repository = REFERENCE_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(reference_parse("ghcr.io/a", &repository, &err), err);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		auto_free char *path = path_join(dir, folders[i]);

		assert_ok(make_directories(path, &err), err);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *path = path_join(dir, rows[i].file);
		auto_free char *value = path_join(dir, rows[i].value);
		auto_free char *text = xasprintf("%s{\"ghcr.io\":{\"username\":\"user%zu\","
						 "\"password\":\"p\"}}%s",
						 rows[i].legacy ? "" : "{\"auths\":", i,
						 rows[i].legacy ? "" : "}");

		assert_ok(write_file(path, text, strlen(text), 0600, &err), err);
		(void)setenv(rows[i].variable, value, 1);
	}
	for (size_t i = 0; i <= ARRAY_SIZE(rows); i++) {
		AUTO(credentials_clear) struct credentials found = CREDENTIALS_INIT;
		auto_free char *user = xasprintf("user%zu", i);
		auto_free char *absent = NULL;
		int result = credentials_find(NULL, &repository, &found, &absent, &err);

		assert_int_equal(result, i < ARRAY_SIZE(rows));
		if (result == 1) {
			auto_free char *path = path_join(dir, rows[i].file);

			assert_string_equal(found.user, user);
			assert_int_equal(unlink(path), 0);
		}
	}
	scratch_remove(dir);
	free(dir);
}

static void
test_realm(void **state)
{
	static const struct {
		const char *host, *realm;
		bool related;
	} rows[] = {
		{"ghcr.io", "ghcr.io", true},
		{"localhost:5000", "localhost:5001", true},
		{"registry-1.docker.io", "auth.docker.io", true},
		{"registry.gitlab.com", "gitlab.com", true},
		{"docker.io", "notdocker.io", false},
		{"ghcr.io", "quay.io", false},
		{"ghcr.io", "ghcr.io.evil.example", false},
		{"a.example.co.uk", "b.example.co.uk", true},
		{"example.co.uk", "evil.co.uk", false},
		{"registry.com.au", "evil.com.au", false},
		{"127.0.0.1", "127.0.0.1:17003", true},
		{"10.0.0.1", "11.0.0.1", false},
		{"localhost", "evil.localhost", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (realm_is_related(rows[i].host, rows[i].realm) != rows[i].related)
			fail_msg("%s, %s", rows[i].host, rows[i].realm);
}

static void
test_token(void **state)
{
	static const struct {
		const char *text, *token;
		double life; /* in seconds, until it is renewed */
	} rows[] = {
		{"{\"token\":\"abc\"}", "abc", 45},
		{"{\"access_token\":\"abc\",\"expires_in\":300}", "abc", 225},
		{"{\"token\":\"a\",\"access_token\":\"b\",\"expires_in\":-5}", "a", 45},
		{"{\"token\":\"\",\"access_token\":\"b\"}", "b", 45},
		{"{\"token\":\"a b\"}", NULL, 0},
		{"{\"token\":\"a\\nX: y\"}", NULL, 0},
		{"{\"token\":7}", NULL, 0},
		{"<html>", NULL, 0},
		{"", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(token_clear) struct token token = TOKEN_INIT;
		struct error err = ERROR_INIT;
		double before = monotonic_sec();

		if (rows[i].token == NULL) {
			assert_refused(
				token_parse("t", rows[i].text, strlen(rows[i].text), &token, &err),
				err, ERR_REMOTE, "the response of 't' contains no token");
			continue;
		}
		assert_ok(token_parse("t", rows[i].text, strlen(rows[i].text), &token, &err), err);
		assert_string_equal(token.text, rows[i].token);
		/* However long that took. */
		assert_true(token.renew_at_sec >= before + rows[i].life);
		assert_true(token.renew_at_sec <= monotonic_sec() + rows[i].life);
	}
}

static void
test_tags(void **state)
{
	struct digest digest;

	(void)state;
	assert_int_equal(push_tag_rank("sha256-" HEX64 ".sig", "1"), 0);
	assert_int_equal(push_tag_rank("10.0.2-1", "10.0.2-1"), 1);
	assert_int_equal(push_tag_rank("x86_64-arm-10.0.2-1", "10.0.2-1"), 1);
	assert_int_equal(push_tag_rank("x86_64-arm", "10.0.2-1"), 2);
	assert_int_equal(push_tag_rank("110.0.2-1", "10.0.2-1"), 2);
	assert_int_equal(push_tag_rank("register", NULL), 2);
	assert_int_equal(push_tag_rank("latest", "10.0.2-1"), 3);
	assert_true(referrers_tag_is_fallback("sha256-" HEX64));
	assert_false(referrers_tag_is_fallback("sha256-" HEX64 ".sig"));
	assert_false(referrers_tag_is_fallback("sha256-0"));
	assert_false(referrers_tag_subject("sha256-" HEX64 ".att", &digest));
	assert_false(referrers_tag_is_any("sha256-" HEX64 ".att"));
	assert_true(referrers_tag_is_any("sha256-" HEX64 ".sig"));
	assert_true(referrers_tag_subject("sha256-" HEX64, &digest));
}

static void
test_merge(void **state)
{
	static const char theirs_text[] =
		"{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"x\",\"artifactType\":"
		"\"other\","
		"\"digest\":\"sha256:" HEX64 "\",\"size\":7,\"annotations\":{\"k\":\"v\"}}]}";
	AUTO(oci_parsed_clear) struct oci_parsed theirs = OCI_PARSED_INIT, ours = OCI_PARSED_INIT;
	AUTO(oci_parsed_clear) struct oci_parsed read = OCI_PARSED_INIT;
	AUTO(oci_document_clear) struct oci_document merged = OCI_DOCUMENT_INIT;
	AUTO(oci_document_clear) struct oci_document again = OCI_DOCUMENT_INIT;
	struct oci_descriptor *mine = oci_descriptors_add(&ours.manifests);
	struct error err = ERROR_INIT;

	(void)state;
	mine->media_type = xstrdup("y");
	digest_of("mine", 4, &mine->digest);
	assert_ok(oci_parse("t", theirs_text, strlen(theirs_text), &theirs, &err), err);
	assert_false(referrers_merge(&theirs, &ours, &merged));
	assert_ok(oci_parse("m", merged.text, merged.length, &read, &err), err);
	assert_int_equal(read.manifests.count, 2);
	assert_string_equal(read.manifests.items[0].artifact_type, "other");
	assert_string_equal(oci_labels_get(&read.manifests.items[0].annotations, "k"), "v");
	assert_true(referrers_merge(&read, &ours, &again));
	assert_true(digest_equal(&merged.descriptor.digest, &again.descriptor.digest));
}

/* The content of a blob is compared with its digest and size, whatever the registry says. */
static void
test_content_of_blobs(void **state)
{
	static const struct registry_options options = {.auth = {.auth_file = NULL}};
	struct bad_http server = {0};
	AUTO(reference_clear) struct reference repository = REFERENCE_INIT;
	struct http_client *http = NULL;
	struct registry *registry = NULL;
	struct digest right = bad_http_digest(1000), wrong = bad_http_digest(999);
	struct error err = ERROR_INIT;
	char *text = NULL;

	(void)state;
	bad_http_start(&server);
	{
		auto_free char *name = xasprintf("127.0.0.1:%d/blob/1000", server.port);

		assert_ok(reference_parse(name, &repository, &err), err);
	}
	assert_ok(http_client_new(NULL, &http, &err), err);
	assert_ok(registry_open(http, &repository, &options, &registry, &err), err);
	assert_refused(registry_get_blob(registry, &wrong, 1000, &text, &err), err, ERR_VERIFY,
		       "served blob 'sha256:");
	assert_refused(registry_get_blob(registry, &right, 999, &text, &err), err, ERR_VERIFY,
		       "served blob 'sha256:");
	assert_null(text);
	assert_ok(registry_get_blob(registry, &right, 1000, &text, &err), err);
	free(text);
	assert_int_equal(registry_head_blob(registry, &right, 1000, &err), REGISTRY_THERE);
	assert_int_equal(registry_head_blob(registry, &right, 1001, &err), REGISTRY_ABSENT);
	registry_free(registry);
	http_client_free(http);
	bad_http_stop(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_repository),
		cmocka_unit_test(test_sloppy_challenge),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_bad_challenge),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_identity_token),
		cmocka_unit_test(test_bad_credentials),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_helper_that_cannot_be_read),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_realm),
		cmocka_unit_test(test_token),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_content_of_blobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
