/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/digest.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/jsonx.h"
#include "base/log.h"
#include "base/number.h"
#include "base/progress.h"
#include "base/start.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "base/words.h"
#include "model/arch.h"
#include "model/elf.h"
#include "tests/support/refuse.h"
#include "tests/support/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void
errors_carry_context_and_are_scrubbed(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(error_set(&err, ERR_VERIFY, "bad \033[31m'%s'", "x\ny"), -1);
	assert_string_equal(err.message, "bad ?[31m'x?y'");
	(void)error_prefix(&err, "cannot read '%s'", "f");
	assert_string_equal(err.message, "cannot read 'f': bad ?[31m'x?y'");
	assert_int_equal(error_exit_status(&err), 4);
}

/* "\xc2\x9b" is CSI, and so is a bare 0x9b to a terminal of Latin-1. */
static const struct {
	const char *text, *shown;
} controls[] = {
	{"plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
	 "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"},
	{"a\tb\nc\rd\033e\177f\001g", "a?b?c?d?e?f?g"},
	{"\x80 \x9b \x9f \xa0 \xff", "? ? ? ? ?"},
	{"\xc2\x80 \xc2\x9b \xc2\x9f \xc2\xa0", "?? ?? ?? \xc2\xa0"},
	{"\xd8\x9b \xd8\x9c \xd8\x9d", "\xd8\x9b ?? \xd8\x9d"},
	{"\xe2\x80\x8d \xe2\x80\x8e \xe2\x80\x8f \xe2\x80\x90",
	 "\xe2\x80\x8d ??? ??? \xe2\x80\x90"},
	{"\xe2\x80\xa7 \xe2\x80\xa8 \xe2\x80\xa9", "\xe2\x80\xa7 ??? ???"},
	{"\xe2\x80\xaa \xe2\x80\xae \xe2\x80\xaf", "??? ??? \xe2\x80\xaf"},
	{"\xe2\x81\xa5 \xe2\x81\xa6 \xe2\x81\xa9 \xe2\x81\xaa",
	 "\xe2\x81\xa5 ??? ??? \xe2\x81\xaa"},
	{"cut \xe2\x80", "cut ??"},
	{"overlong \xc0\x9b", "overlong ??"},
	{"surrogate \xed\xa0\x80", "surrogate ???"},
};

static void
controls_do_not_reach_a_terminal(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++) {
		auto_free char *text = xstrdup(controls[i].text);

		scrub_text(text);
		assert_string_equal(text, controls[i].shown);
	}
}

/* What is written to standard error meanwhile, without its last line's end; to be freed. */
static char *
said_by(void (*say)(const char *text), const char *text)
{
	struct error err = ERROR_INIT;
	auto_close int file = nameless_file(&err), saved = dup(STDERR_FILENO);
	char *said = xcalloc(1, 4096);
	ssize_t n;

	assert_true(file >= 0 && saved >= 0);
	(void)fflush(stderr);
	assert_true(dup2(file, STDERR_FILENO) >= 0);
	say(text);
	(void)fflush(stderr);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	n = pread(file, said, 4095, 0);
	assert_true(n > 0 && said[n - 1] == '\n');
	said[n - 1] = '\0';
	return said;
}

static void
say_warning(const char *text)
{
	log_warning("%s", text);
}

static void
say_info(const char *text)
{
	log_info("%s", text);
}

static void
log_lines_are_scrubbed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(controls); i++) {
		auto_free char *info = said_by(say_info, controls[i].text);
		auto_free char *warning = said_by(say_warning, controls[i].text);

		assert_string_equal(info, controls[i].shown);
		assert_true(text_starts_with(warning, "warning: "));
		assert_string_equal(warning + strlen("warning: "), controls[i].shown);
	}
}

static void
exit_statuses_say_who_can_help(void **state)
{
	struct error err = ERROR_INIT;

	(void)state;
	(void)error_set(&err, ERR_NETWORK, "no answer");
	assert_int_equal(error_exit_status(&err), 5);
	(void)error_set(&err, ERR_INPUT, "not JSON");
	assert_int_equal(error_exit_status(&err), 3);
	(void)error_set_absent(&err, "status 404");
	assert_int_equal(err.code, ERR_NOT_FOUND);
	(void)error_prefix(&err, "cannot fetch '%s'", "f");
	assert_int_equal(error_exit_status(&err), 5);
	(void)error_set(&err, ERR_NOT_FOUND, "no such file");
	assert_int_equal(error_exit_status(&err), 3);
}

static void
words_are_owned_and_sorted(void **state)
{
	AUTO(words_clear) struct words words = WORDS_INIT;
	const char *const *argv;

	(void)state;
	words_sort(&words);
	assert_null(words_argv(&words)[0]);
	words_add(&words, "b");
	assert_string_equal(words_take(&words, xstrdup("c")), "c");
	words_add(&words, "a");
	assert_true(words_have(&words, "c"));
	assert_false(words_have(&words, "d"));
	words_sort(&words);
	assert_int_equal(words.count, 3);
	argv = words_argv(&words);
	assert_string_equal(argv[0], "a");
	assert_string_equal(argv[2], "c");
	assert_null(argv[3]);
}

static void
words_are_quoted_for_the_shell(void **state)
{
	static const struct {
		const char *word, *quoted;
	} rows[] = {{"out/a-b_1.json", "out/a-b_1.json"},
		    {"", "''"},
		    {"my keys", "'my keys'"},
		    {"it's", "'it'\\''s'"},
		    {"$(x);*", "'$(x);*'"},
		    {"~/keys", "'~/keys'"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *quoted = text_shell_word(rows[i].word);

		assert_string_equal(quoted, rows[i].quoted);
	}
}

static void
digests_are_sha256(void **state)
{
	char hex[DIGEST_HEX_SIZE];
	struct digest digest, parsed;

	(void)state;
	digest_of("abc", 3, &digest);
	assert_string_equal(digest_hex(&digest, hex),
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(digest_parse(hex, &parsed));
	assert_true(digest_equal(&digest, &parsed));
	assert_false(digest_parse("ba78", &parsed));
	hex[3] = 'g';
	assert_false(digest_parse(hex, &parsed));
}

static void
every_spelling_finds_its_host(void **state)
{
	static const struct {
		const char *spelling, *host;
	} rows[] = {
		{"aarch64", "aarch64"},
		{"arm64", "aarch64"},
		{"linux/arm64", "aarch64"},
		{"linux/arm64/v8", "aarch64"},
		{"amd64", "x86_64"},
		{"ppc64el", "ppc64le"},
		{"armhf", "armv7l"},
		{"armel", "armv5tel"},
		{"armv7hl", "armv7l"},
		{"i386", "i686"},
		{"386", "i686"},
		{"loong64", "loongarch64"},
		{"linux/arm/v7", "armv7l"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct arch *arch = arch_find_any(rows[i].spelling);

		assert_non_null(arch);
		assert_string_equal(arch->name, rows[i].host);
	}
	assert_null(arch_find_any("vax"));
	assert_string_equal(arch_suggest("aarch46")->name, "aarch64");
	assert_string_equal(target_find_any("linux/arm64"), "aarch64");
	assert_string_equal(target_find_any("powerpc"), "ppc");
	assert_null(target_find_any("vax"));
	assert_string_equal(target_suggest("spark64"), "sparc64");
	for (size_t i = 1; i < target_count; i++)
		assert_true(strcmp(target_table[i - 1], target_table[i]) < 0);
}

static void
json_differences_name_the_first_place(void **state)
{
	static const struct {
		const char *found, *expected, *want;
	} rows[] = {
		{"{\"a\":1,\"b\":[1,{\"c\":\"x\"}]}", "{\"b\":[1,{\"c\":\"x\"}],\"a\":1}", NULL},
		{"{\"b\":[1,{\"c\":\"x\"}]}", "{\"b\":[1,{\"c\":\"y\"}]}",
		 "b[1].c is \"x\", expected \"y\""},
		{"{\"b\":2,\"a\":2}", "{\"b\":1,\"a\":1}", "a is 2, expected 1"},
		{"{\"a\":1}", "{}", "a is 1, expected none"},
		{"{}", "{\"a.b\":null}", "[\"a.b\"] is missing, expected null"},
		{"[1]", "[1,[]]", "[1] is missing, expected []"},
		{"[1,true]", "[1]", "[1] is true, expected none"},
		{"[{}]", "[[]]", "[0] is {}, expected []"},
		{"[\"\\u202e\"]", "[1]", "[0] is \"\\u202E\", expected 1"},
		{"{}", "[]", "is {}, expected []"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(jsonx_clear) struct jsonx_doc a = JSONX_DOC_INIT, b = JSONX_DOC_INIT;
		auto_free char *text = NULL;
		struct error err = ERROR_INIT;

		assert_ok(jsonx_parse("a", rows[i].found, strlen(rows[i].found), &a, &err), err);
		assert_ok(jsonx_parse("b", rows[i].expected, strlen(rows[i].expected), &b, &err),
			  err);
		text = jsonx_difference(a.root, b.root);
		if (rows[i].want == NULL)
			assert_null(text);
		else
			assert_string_equal(text, rows[i].want);
	}
}

static void
json_errors_name_the_place(void **state)
{
	static const char text[] = "{\n  \"a\": {\"b\": [1,\n   {\"c\": 2}]},\n  \"x y\": true\n}";
	static const struct {
		const char *path, *wanted;
	} rows[] = {
		{"a", "f.json:2:8: a: x"},
		{"a.b[1].c", "f.json:3:10: a.b[1].c: x"},
		{"a.b[1].zz", "f.json:3:4: a.b[1].zz: x"},
		{"[\"x y\"]", "f.json:4:10: [\"x y\"]: x"},
		{"", "f.json:1:1: document: x"},
	};
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(jsonx_parse("f.json", text, strlen(text), &doc, &err), err);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)jsonx_error(&doc, &err, rows[i].path, "x");
		assert_string_equal(err.message, rows[i].wanted);
	}
	(void)jsonx_error_at_key(&doc, &err, "a.b", "x");
	assert_string_equal(err.message, "f.json:2:9: a.b: x");
}

static void
json_refuses_duplicates_and_depth(void **state)
{
	enum { DEEPEST = 64 };
	struct jsonx_doc doc = JSONX_DOC_INIT;
	AUTO(jsonx_clear) struct jsonx_doc deepest = JSONX_DOC_INIT;
	struct error err = ERROR_INIT;
	char deep[2 * DEEPEST + 2];

	(void)state;
	assert_refused(jsonx_parse("f", "{\"a\":1,\"a\":2}", 13, &doc, &err), err, ERR_INPUT,
		       "f:1:");
	memset(deep, '[', DEEPEST + 1);
	memset(deep + DEEPEST + 1, ']', DEEPEST + 1);
	assert_refused(jsonx_parse("f", deep, sizeof(deep), &doc, &err), err, ERR_INPUT,
		       "f: JSON is nested deeper than 64 levels");
	assert_null(doc.root);
	assert_ok(jsonx_parse("f", deep + 1, sizeof(deep) - 2, &deepest, &err), err);
}

static void
unknown_keys_are_corrected(void **state)
{
	static const struct jsonx_key keys[] = {
		{"source", true}, {"version", false}, {NULL, false}};
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(jsonx_parse("f", "{\"sorce\": 1}", 12, &doc, &err), err);
	assert_refused(jsonx_check_keys(&doc, doc.root, "", keys, &err), err, ERR_INPUT,
		       "f:1:2: sorce: unknown key; did you mean \"source\"?");
}

static size_t
files_in(const char *directory)
{
	AUTO(words_clear) struct words names = WORDS_INIT;
	struct error err = ERROR_INIT;

	assert_ok(directory_names(directory, &names, &err), err);
	return names.count;
}

static void
directories_are_listed_sorted(void **state)
{
	auto_free char *root = scratch_directory();
	AUTO(words_clear) struct words names = WORDS_INIT;
	AUTO(words_clear) struct words again = WORDS_INIT;
	auto_close int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(directory_names(root, &names, &err), err);
	assert_int_equal(names.count, 0);
	for (const char *name = "c\0.a\0b\0"; *name != '\0'; name += strlen(name) + 1)
		assert_int_equal(mkdirat(fd, name, 0755), 0);
	for (int twice = 0; twice < 2; twice++) {
		words_clear(&names);
		assert_ok(directory_names_at(fd, "shown", &names, &err), err);
		assert_string_equal(words_argv(&names)[0], ".a");
		assert_string_equal(words_argv(&names)[1], "b");
		assert_string_equal(words_argv(&names)[2], "c");
		assert_null(words_argv(&names)[3]);
	}
	assert_ok(directory_names(root, &again, &err), err);
	assert_int_equal(again.count, 3);
	scratch_remove(root);
	assert_refused(directory_names(root, &again, &err), err, ERR_NOT_FOUND, root);
	assert_refused(directory_names("/dev/null", &again, &err), err, ERR_IO, "'/dev/null'");
	assert_int_equal(again.count, 3);
}

/* In a child, for whom no directory can be read any more: 0 as it should be, 77 if not to be had. */
static int
list_what_cannot_be_read(const char *root)
{
	struct words names = WORDS_INIT;
	auto_close int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct error err = ERROR_INIT;

	if (refuse_syscall(SYS_getdents64, EIO) < 0)
		return 77;
	if (directory_names(root, &names, &err) != -1 || err.code != ERR_IO ||
	    strstr(err.message, "Input/output error") == NULL || names.items != NULL)
		return 1;
	err = (struct error)ERROR_INIT;
	return directory_names_at(fd, "shown", &names, &err) == -1 && err.code == ERR_IO &&
			       strstr(err.message, "'shown'") != NULL
		       ? 0
		       : 2;
}

static void
a_directory_is_read_to_its_end_or_not_at_all(void **state)
{
	auto_free char *root = scratch_directory();
	int status = 0;
	pid_t child;

	(void)state;
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(list_what_cannot_be_read(root));
	assert_int_equal(waitpid(child, &status, 0), child);
	scratch_remove(root);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip_because("no system call can be refused here");
	assert_int_equal(status, 0);
}

/* So that the sanitizer's malloc() fails as that of a system without memory does. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void
json_without_memory(void)
{
	json_malloc_t take;

	json_get_alloc_funcs(&take, NULL);
	(void)take(PTRDIFF_MAX);
}

static void
crypto_without_memory(void)
{
	(void)OPENSSL_malloc(PTRDIFF_MAX);
}

static void
crypto_grows_without_memory(void)
{
	(void)OPENSSL_realloc(OPENSSL_malloc(1), PTRDIFF_MAX);
}

static void
an_element_that_is_none(void)
{
	jsonx_append(json_array(), json_string("\xff"));
}

static void
a_member_that_is_none(void)
{
	jsonx_set(json_object(), "key", json_string("\xff"));
}

static void
libraries_do_not_go_on_without_memory(void **state)
{
	static const struct {
		const char *label, *message;
		void (*act)(void);
	} rows[] = {
		{"jansson", "distributor: out of memory", json_without_memory},
		{"libcrypto", "distributor: out of memory", crypto_without_memory},
		{"libcrypto, more", "distributor: out of memory", crypto_grows_without_memory},
		{"an element", "jsonx_append", an_element_that_is_none},
		{"a member", "jsonx_set", a_member_that_is_none},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char said[4096] = "";
		struct error err = ERROR_INIT;
		int ends[2], status = 0;
		pid_t child;
		size_t have = 0;
		ssize_t n;

		assert_int_equal(pipe(ends), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			(void)signal(SIGABRT, SIG_DFL);
			(void)dup2(ends[1], STDERR_FILENO);
			if (libraries_start(&err) == 0)
				rows[i].act();
			_exit(0);
		}
		(void)close(ends[1]);
		while ((n = read(ends[0], said + have, sizeof(said) - 1 - have)) > 0)
			have += (size_t)n;
		(void)close(ends[0]);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT ||
		    strstr(said, rows[i].message) == NULL)
			fail_msg("%s: status %d, '%s'", rows[i].label, status, said);
	}
}

/* A file's name may be any bytes, and an error's sentence may end within a letter. */
static void
results_take_text_that_is_not_utf8(void **state)
{
	static const struct {
		const char *text, *shown;
	} rows[] = {
		{"", ""},
		{"plain", "plain"},
		{"\xff", "\\xff"},
		{"evil\xffname", "evil\\xffname"},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"cut \xe2\x82", "cut \\xe2\\x82"},
		{"cut \xf0\x9f\x98", "cut \\xf0\\x9f\\x98"},
		{"overlong \xc0\xaf", "overlong \\xc0\\xaf"},
		{"overlong \xc1\xbf", "overlong \\xc1\\xbf"},
		{"overlong \xe0\x9f\xbf", "overlong \\xe0\\x9f\\xbf"},
		{"overlong \xf0\x8f\xbf\xbf", "overlong \\xf0\\x8f\\xbf\\xbf"},
		{"least \xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80",
		 "least \xc2\x80\xe0\xa0\x80\xf0\x90\x80\x80"},
		{"surrogate \xed\xa0\x80", "surrogate \\xed\\xa0\\x80"},
		{"before them \xed\x9f\xbf", "before them \xed\x9f\xbf"},
		{"most \xf4\x8f\xbf\xbf", "most \xf4\x8f\xbf\xbf"},
		{"beyond \xf4\x90\x80\x80", "beyond \\xf4\\x90\\x80\\x80"},
		{"beyond \xf5\x80\x80\x80", "beyond \\xf5\\x80\\x80\\x80"},
		{"lone \x80.\xbf", "lone \\x80.\\xbf"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *value = jsonx_pack("{s:s}", "text", rows[i].text);

		assert_string_equal(json_string_value(json_object_get(value, "text")),
				    rows[i].shown);
		json_decref(value);
	}
}

static void
results_are_packed_as_jansson_does(void **state)
{
	static const char format[] = "{s:s, s:s?, s:s?, s:s*, s:s*, s:b, s:b, s:i, s:I, s:f, s:o, "
				     "s:{s:I, s:[s, s]}, s:[]}";
	json_t *first = json_array(), *second = json_array(), *ours, *theirs;
	auto_free char *mine = NULL, *other = NULL;

	(void)state;
#define ARGUMENTS(list)                                                                            \
	format, "a", "A", "b", "B", "null", NULL, "c", "C", "left out", NULL, "yes", 1, "no", 0,   \
		"i", -7, "I", (json_int_t)1 << 40, "f", 2.5, "o", list, "in", "x", (json_int_t)3,  \
		"y", "1", "2", "none"
	ours = jsonx_pack(ARGUMENTS(first));
	theirs = json_pack(ARGUMENTS(second));
#undef ARGUMENTS
	mine = jsonx_pretty(ours);
	other = jsonx_pretty(theirs);
	assert_string_equal(mine, other);
	json_decref(ours);
	json_decref(theirs);
}

static void
tempfiles_are_whole_or_absent(void **state)
{
	char directory[] = "/tmp/test_base.XXXXXX";
	auto_free char *path = NULL;
	auto_free char *text = NULL;
	struct tempfile tmp = TEMPFILE_INIT;
	struct error err = ERROR_INIT;
	struct stat st;

	(void)state;
	assert_non_null(mkdtemp(directory));
	path = path_join(directory, "x");
	assert_ok(tempfile_open(&tmp, path, 0755, &err), err);
	assert_ok(write_all(tmp.fd, "half", 4, path, &err), err);
	assert_int_not_equal(access(path, F_OK), 0);
	tempfile_discard(&tmp);
	assert_int_equal(files_in(directory), 0);

	assert_ok(write_file(path, "whole", 5, 0755, &err), err);
	assert_ok(read_file(path, 100, &text, NULL, &err), err);
	assert_string_equal(text, "whole");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_refused(read_file(path, 4, &text, NULL, &err), err, ERR_INPUT,
		       "at most 4 are allowed");
	assert_int_equal(files_in(directory), 1);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

/* The second digest of an old, unchanged file needs no reading; any change is seen. */
/* Calls of this program, in their order: S a file is synced, D a directory, R renamed, L linked. */
static char calls[16];
static size_t call_count, failing_call; /* the number of the one that fails, from 1; 0: none */

static bool
note_call(char letter)
{
	if (call_count < sizeof(calls) - 1)
		calls[call_count] = letter;
	if (++call_count != failing_call)
		return false;
	errno = EIO;
	return true;
}

__attribute__((visibility("default"))) int
fsync(int fd)
{
	struct stat st;

	if (note_call(fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? 'D' : 'S'))
		return -1;
	return (int)syscall(SYS_fsync, fd);
}

__attribute__((visibility("default"))) int
rename(const char *from, const char *to)
{
	return note_call('R') ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

__attribute__((visibility("default"))) int
link(const char *from, const char *to)
{
	return note_call('L') ? -1 : (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* After a power cut there is the old file or the new one: each step is taken, in its order. */
static void
what_is_durable_is_synced(void **state)
{
	static const struct {
		const char *label, *order;
		int (*commit)(struct tempfile *tmp, struct error *err);
		bool replaces;
	} rows[] = {
		{"durable", "SRD", tempfile_commit_durable, true},
		{"new", "SLD", tempfile_commit_new, false},
		{"quick", "R", tempfile_commit, true},
	};

	(void)state;
	for (size_t i = 0; i < 4 * ARRAY_SIZE(rows); i++) {
		const size_t row = i / 4, fails = i % 4, last = strlen(rows[row].order);
		auto_free char *root = scratch_directory(), *path = path_join(root, "x");
		auto_free char *text = NULL;
		struct tempfile tmp = TEMPFILE_INIT;
		struct error err = ERROR_INIT;
		bool there;
		int result;

		if (fails > last)
			continue;
		if (rows[row].replaces)
			assert_ok(write_file(path, "old", 3, 0644, &err), err);
		assert_ok(tempfile_open(&tmp, path, 0644, &err), err);
		assert_ok(write_all(tmp.fd, "new", 3, path, &err), err);
		call_count = 0;
		failing_call = fails;
		memset(calls, 0, sizeof(calls));
		result = rows[row].commit(&tmp, &err);
		failing_call = 0;
		if ((result < 0) != (fails != 0) || (result < 0 && err.code != ERR_IO) ||
		    strncmp(calls, rows[row].order, fails != 0 ? fails : last + 1) != 0)
			fail_msg("%s, %zu: %d, '%s', '%s'", rows[row].label, fails, result, calls,
				 err.message);
		assert_ok(path_exists(path, &there, &err), err);
		/* The name changes with the second of three steps, and not before. */
		if (there)
			assert_ok(read_file(path, 10, &text, NULL, &err), err);
		if (rows[row].replaces)
			assert_string_equal(text,
					    fails != 0 && (last == 1 || fails < 3) ? "old" : "new");
		else
			assert_int_equal(there, fails == 0 || fails == 3);
		assert_int_equal(files_in(root), there ? 1 : 0);
		scratch_remove(root);
	}
}

static void
a_new_file_replaces_none(void **state)
{
	auto_free char *directory = scratch_directory(), *path = path_join(directory, "key");
	auto_free char *text = NULL;
	struct error err = ERROR_INIT;
	struct stat st;

	(void)state;
	for (int i = 0; i < 2; i++) {
		AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;

		assert_ok(tempfile_open(&tmp, path, 0600, &err), err);
		assert_ok(write_all(tmp.fd, i == 0 ? "first" : "again", 5, path, &err), err);
		if (i == 0)
			assert_ok(tempfile_commit_new(&tmp, &err), err);
		else
			assert_refused(tempfile_commit_new(&tmp, &err), err, ERR_BUSY, "key'");
		assert_null(tmp.temporary_path);
	}
	assert_ok(read_file(path, 10, &text, NULL, &err), err);
	assert_string_equal(text, "first");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void
paths_that_cannot_be_looked_at_are_not_missing(void **state)
{
	auto_free char *root = scratch_directory(), *file = path_join(root, "x");
	auto_free char *below = path_join(file, "y"), *loop = path_join(root, "loop");
	auto_free char *inside = path_join(loop, "y");
	struct error err = ERROR_INIT;
	bool there;

	(void)state;
	assert_ok(path_exists(file, &there, &err), err);
	assert_false(there);
	assert_ok(write_file(file, "", 0, 0644, &err), err);
	assert_ok(path_exists(file, &there, &err), err);
	assert_true(there);
	assert_ok(path_exists(below, &there, &err), err);
	assert_false(there);
	assert_int_equal(symlink("loop", loop), 0);
	assert_ok(path_exists(loop, &there, &err), err);
	assert_true(there);
	assert_refused(path_exists(inside, &there, &err), err, ERR_IO, "cannot access");
	assert_refused(path_is_directory(inside, &there, &err), err, ERR_IO, "cannot access");
	assert_ok(path_is_directory(below, &there, &err), err);
	assert_false(there);
	assert_ok(path_is_directory(file, &there, &err), err);
	assert_false(there);
	assert_ok(path_is_directory(root, &there, &err), err);
	assert_true(there);
	scratch_remove(root);
}

static void
paths_are_made_real(void **state)
{
	auto_free char *root = scratch_directory(), *file = path_join(root, "x");
	auto_free char *below = path_join(file, "y"), *loop = path_join(root, "loop");
	auto_free char *link = path_join(root, "link"), *real = NULL, *want = realpath(root, NULL);
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(path_real(file, &real, &err), err);
	assert_null(real);
	assert_ok(write_file(file, "", 0, 0644, &err), err);
	assert_ok(path_real(below, &real, &err), err);
	assert_null(real);
	assert_int_equal(symlink("loop", loop), 0);
	assert_refused(path_real(loop, &real, &err), err, ERR_IO, "cannot access");
	assert_int_equal(symlink(".", link), 0);
	assert_ok(path_real(link, &real, &err), err);
	assert_string_equal(real, want);
	scratch_remove(root);
}

/* Whoever stands in a directory that is gone does not work on another. */
static void
paths_are_made_absolute(void **state)
{
	auto_free char *before = getcwd(NULL, 0), *want = path_join(before, "a/b");
	auto_free char *root = scratch_directory(), *gone = path_join(root, "gone");
	auto_free char *absolute = NULL, *same = NULL, *none = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(path_absolute("a/b", &absolute, &err), err);
	assert_string_equal(absolute, want);
	assert_ok(path_absolute("/a/b", &same, &err), err);
	assert_string_equal(same, "/a/b");
	assert_int_equal(mkdir(gone, 0700), 0);
	assert_int_equal(chdir(gone), 0);
	assert_int_equal(rmdir(gone), 0);
	assert_refused(path_absolute("a/b", &none, &err), err, ERR_IO,
		       "cannot get the current directory to resolve 'a/b'");
	assert_int_equal(chdir(before), 0);
	scratch_remove(root);
}

/* A link that somebody put at the name of a lock makes no file elsewhere. */
static void
locks_do_not_follow_links(void **state)
{
	auto_free char *root = scratch_directory(), *name = path_join(root, "lock");
	auto_free char *elsewhere = path_join(root, "elsewhere");
	struct error err = ERROR_INIT;
	bool there;

	(void)state;
	assert_int_equal(symlink("elsewhere", name), 0);
	assert_refused(lock_file(name, false, &err), err, ERR_IO, name);
	assert_ok(path_exists(elsewhere, &there, &err), err);
	assert_false(there);
	scratch_remove(root);
}

static void
a_changed_file_is_hashed_again(void **state)
{
	char name[] = "/tmp/test_base_digest.XXXXXX";
	const struct timespec old[] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	struct digest wanted, seen;
	struct error err = ERROR_INIT;
	int fd = mkstemp(name);
	uint64_t size;

	(void)state;
	assert_true(fd >= 0);
	for (char text[] = "a"; text[0] <= 'c'; text[0]++) {
		assert_int_equal(pwrite(fd, text, 1, 0), 1);
		assert_int_equal(futimens(fd, old),
				 0); /* hides it from all but the time of change */
		for (int i = 0; i < 2; i++) {
			assert_ok(digest_file(name, &seen, &size, &err), err);
			digest_of(text, 1, &wanted);
			assert_true(digest_equal(&seen, &wanted) && size == 1);
		}
	}
	(void)close(fd);
	(void)unlink(name);
	assert_refused(digest_file(name, &seen, NULL, &err), err, ERR_NOT_FOUND, name);
	assert_int_equal(symlink("/dev/null", name), 0);
	assert_refused(digest_file(name, &seen, NULL, &err), err, ERR_INPUT, "not a regular file");
	(void)unlink(name);
	assert_int_equal(mkfifo(name, 0600),
			 0); /* nobody writes to it, and that is not waited for */
	assert_refused(digest_file(name, &seen, NULL, &err), err, ERR_INPUT, "not a regular file");
	(void)unlink(name);
	assert_refused(digest_file("/tmp", &seen, NULL, &err), err, ERR_INPUT,
		       "not a regular file");
}

static void
locks_exclude(void **state)
{
	char name[] = "/tmp/test_base_lock.XXXXXX";
	struct error err = ERROR_INIT;
	int fd = mkstemp(name), held;

	(void)state;
	assert_true(fd >= 0);
	held = lock_file(name, false, &err);
	assert_true(held >= 0);
	assert_refused(lock_file(name, false, &err), err, ERR_BUSY, name);
	assert_int_equal(close(held), 0);
	held = lock_file(name, false, &err);
	assert_true(held >= 0);
	(void)close(held);
	(void)close(fd);
	(void)unlink(name);
}

static void
names_are_plain(void **state)
{
	(void)state;
	assert_true(name_is_plain("x86_64_qemu-aarch64-static.tar.gz"));
	assert_false(name_is_plain(""));
	assert_false(name_is_plain(".hidden"));
	assert_false(name_is_plain("-option"));
	assert_false(name_is_plain("a/b"));
	assert_false(name_is_plain("a~b"));
	assert_false(name_is_plain("caf\xc3\xa9"));
}

/* A minimal 64-bit ELF program for x86_64 with one program header of the given type. */
static size_t
make_elf(uint8_t bytes[256], uint32_t segment_type, uint64_t dynamic_tag)
{
	static const uint8_t head[] = {0x7f, 'E', 'L', 'F', 2, 1, 1};

	memset(bytes, 0, 256);
	memcpy(bytes, head, sizeof(head));
	bytes[16] = 2;  /* ET_EXEC */
	bytes[18] = 62; /* EM_X86_64 */
	bytes[32] = 64; /* e_phoff */
	bytes[54] = 56; /* e_phentsize */
	bytes[56] = 1;  /* e_phnum */
	bytes[64] = (uint8_t)segment_type;
	bytes[72] = 128; /* p_offset */
	bytes[96] = 32;  /* p_filesz */
	bytes[128] = (uint8_t)dynamic_tag;
	return 256;
}

static void
elf_identity_is_checked(void **state)
{
	const struct arch *host = arch_find("x86_64");
	struct error err = ERROR_INIT;
	uint8_t bytes[256];
	size_t size;

	(void)state;
	size = make_elf(bytes, 1, 0);
	assert_ok(elf_check_static(bytes, size, host, "f", &err), err);
	size = make_elf(bytes, 2, 5); /* static-PIE: PT_DYNAMIC without DT_NEEDED */
	assert_ok(elf_check_static(bytes, size, host, "f", &err), err);
	size = make_elf(bytes, 2, 1);
	assert_refused(elf_check_static(bytes, size, host, "f", &err), err, ERR_VERIFY,
		       "'f' is not static: it needs a shared library");
	size = make_elf(bytes, 3, 0);
	assert_refused(elf_check_static(bytes, size, host, "f", &err), err, ERR_VERIFY,
		       "program interpreter");
	size = make_elf(bytes, 1, 0);
	assert_refused(elf_check_static(bytes, size, arch_find("aarch64"), "f", &err), err,
		       ERR_VERIFY, "machine 62, expected aarch64");
	assert_refused(elf_check_static(bytes, size, arch_find("s390x"), "f", &err), err,
		       ERR_VERIFY, "byte order");
	assert_refused(elf_check_static(bytes, 40, host, "f", &err), err, ERR_VERIFY, "not an ELF");
	bytes[73] = 9; /* far behind the end, but nothing of the file */
	bytes[96] = 0;
	assert_ok(elf_check_static(bytes, size, host, "f", &err), err);
	bytes[73] = 0;
	bytes[96] = 32;
	bytes[72] = 250;
	assert_refused(elf_check_static(bytes, size, host, "f", &err), err, ERR_VERIFY,
		       "beyond the end");
	memset(bytes + 96, 0, 8); /* p_filesz: nothing but zeros in memory */
	assert_ok(elf_check_static(bytes, size, host, "f", &err), err);
}

static void
put_word(uint8_t *at, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* Offsets and sizes that lead outside; each file has an allocation of its exact size. */
static void
elf_is_read_within_its_bounds(void **state)
{
	static const struct {
		const char *label;
		size_t size;
		uint32_t segment_type;
		uint64_t offset, length;
		const char *refusal; /* NULL: it is accepted */
	} rows[] = {
		{"a header of 32 bits, one short", 51, 1, 0, 0, "not an ELF file"},
		{"a header of 32 bits", 52, 1, 0, 0, "ends within its ELF header"},
		{"a header that is one short", 63, 1, 0, 0, "ends within its ELF header"},
		{"a header alone", 64, 1, 0, 0, "invalid ELF program header table"},
		{"a table that is one short", 119, 1, 0, 0, "invalid ELF program header table"},
		{"a table", 120, 1, 0, 0, NULL},
		{"a sum that wraps", 256, 2, UINT64_MAX - 7, 0, "beyond the end"},
		{"a sum that wraps to the end", 256, 2, UINT64_MAX - 7, 264, "beyond the end"},
		{"an empty table far away", 256, 2, 1 << 20, 0, "beyond the end"},
		{"an empty table one behind the end", 256, 2, 257, 0, "beyond the end"},
		{"an empty table at the end", 256, 2, 256, 0, NULL},
		{"half an entry", 256, 2, 248, 8, NULL},
		{"half an entry behind a whole one", 256, 2, 232, 24, NULL},
		{"the last entry", 256, 2, 240, 16, NULL},
		{"one behind the last entry", 256, 2, 241, 16, "beyond the end"},
		{"the largest length", 256, 2, 0, UINT64_MAX, "beyond the end"},
		{"a load that wraps", 256, 1, UINT64_MAX - 7, 16, "beyond the end"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free uint8_t *exact = malloc(rows[i].size);
		struct error err = ERROR_INIT;
		uint8_t bytes[256];
		int result;

		assert_non_null(exact);
		(void)make_elf(bytes, rows[i].segment_type, 5);
		for (size_t at = 128; at < sizeof(bytes); at += 8)
			put_word(bytes + at, 5); /* neither an end nor a library */
		put_word(bytes + 72, rows[i].offset);
		put_word(bytes + 96, rows[i].length);
		memcpy(exact, bytes, rows[i].size);
		result = elf_check_static(exact, rows[i].size, arch_find("x86_64"), "f", &err);
		if ((result == 0) != (rows[i].refusal == NULL) ||
		    (result < 0 &&
		     (err.code != ERR_VERIFY || strstr(err.message, rows[i].refusal) == NULL)))
			fail_msg("%s: %d, '%s'", rows[i].label, result, err.message);
	}
}

static void
only_programs_are_programs(void **state)
{
	static const char *const refusals[] = {
		"of type 0", "of type 1", NULL, NULL, "of type 4", "of type 5",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct error err = ERROR_INIT;
		uint8_t bytes[256];
		size_t size = make_elf(bytes, 1, 0);
		const struct arch *host = arch_find("x86_64");

		bytes[16] = (uint8_t)i;
		if (refusals[i] == NULL)
			assert_ok(elf_check_static(bytes, size, host, "f", &err), err);
		else
			assert_refused(elf_check_static(bytes, size, host, "f", &err), err,
				       ERR_VERIFY, refusals[i]);
	}
}

static void
arm_abis_differ_by_flags(void **state)
{
	uint8_t bytes[256] = {0x7f, 'E', 'L', 'F', 1, 1, 1};
	struct error err = ERROR_INIT;

	(void)state;
	bytes[16] = 2;
	bytes[18] = 40;
	bytes[28] = 52;
	bytes[37] = 0x04; /* hard float */
	bytes[39] = 0x05;
	bytes[42] = 32;
	bytes[44] = 1;
	assert_ok(elf_check_static(bytes, sizeof(bytes), arch_find("armv7l"), "f", &err), err);
	assert_refused(elf_check_static(bytes, sizeof(bytes), arch_find("armv5tel"), "f", &err),
		       err, ERR_VERIFY, "not the ABI of armv5tel");
}

static void
secrets_are_redacted(void **state)
{
	auto_free char *clean = NULL;

	(void)state;
	log_add_secret("hunter2hunter2");
	log_add_secret("short");
	clean = log_redact("a hunter2hunter2 short aHVudGVyMmh1bnRlcjI= z");
	assert_string_equal(clean, "a *** short *** z");
	/* Of tokens the newest count, and push out no other secret. */
	for (int i = 10; i < 60; i++) {
		auto_free char *token = xasprintf("t0ken-%d-x", i);

		log_add_token(token);
	}
	free(TAKE(clean));
	clean = log_redact("t0ken-43-x t0ken-44-x t0ken-59-x hunter2hunter2");
	assert_string_equal(clean, "t0ken-43-x *** *** ***");
}

static void
nouns_follow_their_number(void **state)
{
	static const char *const wanted[] = {"0 hosts", "1 host", "2 hosts"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		auto_free char *text = xasprintf("%zu host%s", i, plural(i));

		assert_string_equal(text, wanted[i]);
	}
}

static void
bytes_are_readable(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {{0, "0 B"},
		    {999, "999 B"},
		    {1000, "1.0 kB"},
		    {64178608, "64.2 MB"},
		    {999999, "1.0 MB"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *text = format_bytes(rows[i].bytes);

		assert_string_equal(text, rows[i].text);
	}
}

/* Whoever works in another directory finds it all the same. */
static void
temporary_directories_are_absolute(void **state)
{
	auto_free char *before = getcwd(NULL, 0);
	char *place = scratch_directory();
	const char *old = getenv("TMPDIR");
	auto_free char *saved = old != NULL ? xstrdup(old) : NULL;
	auto_free char *path = NULL;
	auto_free char *here = NULL;
	auto_free char *begin = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(chdir(place), 0);
	here = getcwd(NULL, 0);
	begin = xasprintf("%s/name-", here);
	assert_int_equal(setenv("TMPDIR", ".", 1), 0);
	assert_ok(temporary_directory("name", &path, &err), err);
	assert_int_equal(setenv("TMPDIR", "./nowhere", 1), 0);
	assert_refused(temporary_directory("name", &(char *){NULL}, &err), err, ERR_IO,
		       "'./nowhere'");
	assert_int_equal(saved != NULL ? setenv("TMPDIR", saved, 1) : unsetenv("TMPDIR"), 0);
	assert_int_equal(chdir(before), 0);
	if (!text_starts_with(path, begin))
		fail_msg("'%s' does not begin with '%s'", path, begin);
	assert_int_equal(rmdir(path), 0);
	scratch_remove(place);
	free(place);
}

static void
directories_do_not_stand_on_files(void **state)
{
	auto_free char *root = scratch_directory();
	auto_free char *file = path_join(root, "file"), *below = path_join(file, "a/b");
	auto_free char *made = path_join(root, "a/b"), *link = path_join(root, "link");
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(write_file(file, "", 0, 0644, &err), err);
	assert_refused(make_directories(file, &err), err, ERR_INPUT, "/file': Not a directory");
	assert_refused(make_directories(below, &err), err, ERR_INPUT, "/file': Not a directory");
	for (int twice = 0; twice < 2; twice++)
		assert_ok(make_directories(made, &err), err);
	assert_int_equal(symlink("a", link), 0);
	assert_ok(make_directories(link, &err), err);
	scratch_remove(root);
}

static void
numbers_are_digits_alone(void **state)
{
	static const struct {
		const char *text;
		uint64_t max, number;
		size_t length; /* of the digits; 0: refused */
	} rows[] = {
		{"0", 0, 0, 1},
		{"0", UINT64_MAX, 0, 1},
		{"007", 7, 7, 3},
		{"7", 6, 0, 0},
		{"10", 9, 0, 0},
		{"10", 10, 10, 2},
		{"99", 100, 99, 2},
		{"101", 100, 0, 0},
		{"4294967296", UINT32_MAX, 0, 0},
		{"18446744073709551615", UINT64_MAX, UINT64_MAX, 20},
		{"18446744073709551616", UINT64_MAX, 0, 0},
		{"99999999999999999999", UINT64_MAX, 0, 0},
		{"000000000000000000000000000001", 1, 1, 30},
		{"12x", 100, 12, 2},
		{"12 ", 100, 12, 2},
		{"1.5", 100, 1, 1},
		{"", 9, 0, 0},
		{" 1", 9, 0, 0},
		{"+1", 9, 0, 0},
		{"-1", 9, 0, 0},
		{"x1", 9, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *at = rows[i].text;
		uint64_t number = 42, whole = 42;
		bool found = parse_uint_prefix(&at, rows[i].max, &number);
		bool is_whole = parse_uint(rows[i].text, rows[i].max, &whole);

		if (found != (rows[i].length != 0) || at != rows[i].text + rows[i].length ||
		    number != (found ? rows[i].number : 42))
			fail_msg("'%s' up to %" PRIu64 ": %" PRIu64 ", '%s' is left", rows[i].text,
				 rows[i].max, number, at);
		assert_int_equal(is_whole, found && *at == '\0');
		assert_int_equal(whole, is_whole ? number : 42);
	}
}

static void
a_character_is_passed_only_if_it_is_next(void **state)
{
	const char *at = ".2";

	(void)state;
	assert_false(parse_character(&at, '2'));
	assert_string_equal(at, ".2");
	assert_true(parse_character(&at, '.'));
	assert_string_equal(at, "2");
	at = "";
	assert_false(parse_character(&at, '\0'));
	assert_string_equal(at, "");
}

static void
a_signal_ends_a_pause(void **state)
{
	double started = monotonic_sec();
	int status = 0;
	pid_t child;

	(void)state;
	assert_true(interrupt_pause(150));
	assert_true(monotonic_sec() - started >= 0.15);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		interrupt_install();
		_exit(raise(SIGTERM) == 0 && !interrupt_pause(3600 * 1000) ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: libcrypto must not be in use. */
		cmocka_unit_test(libraries_do_not_go_on_without_memory),
		cmocka_unit_test(errors_carry_context_and_are_scrubbed),
		cmocka_unit_test(controls_do_not_reach_a_terminal),
		cmocka_unit_test(log_lines_are_scrubbed),
		cmocka_unit_test(exit_statuses_say_who_can_help),
		cmocka_unit_test(words_are_owned_and_sorted),
		cmocka_unit_test(words_are_quoted_for_the_shell),
		cmocka_unit_test(numbers_are_digits_alone),
		cmocka_unit_test(a_character_is_passed_only_if_it_is_next),
		cmocka_unit_test(a_signal_ends_a_pause),
		cmocka_unit_test(digests_are_sha256),
		cmocka_unit_test(every_spelling_finds_its_host),
		cmocka_unit_test(json_differences_name_the_first_place),
		cmocka_unit_test(json_errors_name_the_place),
		cmocka_unit_test(json_refuses_duplicates_and_depth),
		cmocka_unit_test(unknown_keys_are_corrected),
		cmocka_unit_test(results_take_text_that_is_not_utf8),
		cmocka_unit_test(results_are_packed_as_jansson_does),
		cmocka_unit_test(directories_are_listed_sorted),
		cmocka_unit_test(a_directory_is_read_to_its_end_or_not_at_all),
		cmocka_unit_test(tempfiles_are_whole_or_absent),
		cmocka_unit_test(what_is_durable_is_synced),
		cmocka_unit_test(a_new_file_replaces_none),
		cmocka_unit_test(paths_that_cannot_be_looked_at_are_not_missing),
		cmocka_unit_test(paths_are_made_real),
		cmocka_unit_test(paths_are_made_absolute),
		cmocka_unit_test(locks_do_not_follow_links),
		cmocka_unit_test(a_changed_file_is_hashed_again),
		cmocka_unit_test(locks_exclude),
		cmocka_unit_test(names_are_plain),
		cmocka_unit_test(elf_identity_is_checked),
		cmocka_unit_test(elf_is_read_within_its_bounds),
		cmocka_unit_test(only_programs_are_programs),
		cmocka_unit_test(arm_abis_differ_by_flags),
		cmocka_unit_test(secrets_are_redacted),
		cmocka_unit_test(nouns_follow_their_number),
		cmocka_unit_test(bytes_are_readable),
		cmocka_unit_test(temporary_directories_are_absolute),
		cmocka_unit_test(directories_do_not_stand_on_files),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
