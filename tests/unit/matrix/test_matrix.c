/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/file.h"
#include "matrix/lock.h"
#include "matrix/matrix.h"
#include "matrix/plan.h"

#include <dirent.h>

static const char two_hosts[] =
	"{\"name\":\"q\",\"version\":\"10.0.13-1\","
	"\"sources\":{\"t\":{\"type\":\"apt\",\"suite\":\"trixie\"}},"
	"\"hosts\":{\"x86_64\":{\"source\":\"t\",\"legacy_names\":true},\"aarch64\":{\"source\":"
	"\"t\"}},"
	"\"targets\":[\"arm\",\"aarch64\",\"x86_64\"],"
	"\"exclude\":[{\"from\":\"aarch64\",\"to\":\"arm\",\"only\":\"images\"}]}";

static void
parse_matrix(const char *text, struct matrix *matrix)
{
	struct error err = ERROR_INIT;

	assert_ok(matrix_parse("m.json", text, strlen(text), matrix, &err), err);
}

/*
 * tests/data/matrix/NAME/{input.json,error}: each input is refused with that text in the message.
 */
static void
each_mistake_is_named(void **state)
{
	DIR *dir = opendir("data/matrix");
	struct dirent *entry;
	int count = 0;

	(void)state;
	assert_non_null(dir);
	while ((entry = readdir(dir)) != NULL) {
		auto_free char *input = xasprintf("data/matrix/%s/input.json", entry->d_name);
		auto_free char *expected = xasprintf("data/matrix/%s/error", entry->d_name);
		auto_free char *text = NULL;
		auto_free char *wanted = NULL;
		size_t length;
		struct matrix matrix = MATRIX_INIT;
		struct error err = ERROR_INIT;

		if (entry->d_name[0] == '.')
			continue;
		assert_ok(read_file(input, 1 << 16, &text, &length, &err), err);
		assert_ok(read_file(expected, 1 << 12, &wanted, NULL, &err), err);
		wanted[strcspn(wanted, "\n")] = '\0';
		if (matrix_parse("input.json", text, length, &matrix, &err) >= 0)
			fail_msg("%s was accepted", entry->d_name);
		if (err.code != ERR_INPUT || strstr(err.message, wanted) == NULL)
			fail_msg("%s: '%s' lacks '%s'", entry->d_name, err.message, wanted);
		assert_null(matrix.doc.root);
		count++;
	}
	(void)closedir(dir);
	assert_true(count >= 30);
}

static void
shipped_matrices_are_read(void **state)
{
	static const char *const paths[] = {"../matrix/qemu-user-static.json",
					    "../matrix/debian.json", "../matrix/quickstart.json"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
		struct error err = ERROR_INIT;

		assert_ok(matrix_load(paths[i], &matrix, &err), err);
		assert_true(matrix_find_host(&matrix, "x86_64")->legacy_names);
	}
}

static void
pairs_follow_targets_and_exclusions(void **state)
{
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;

	(void)state;
	parse_matrix(two_hosts, &matrix);
	assert_true(matrix_wants_tarball(&matrix, "x86_64", "arm"));
	assert_true(matrix_wants_image(&matrix, "x86_64", "arm"));
	assert_true(matrix_wants_tarball(&matrix, "aarch64", "arm"));
	assert_false(matrix_wants_image(&matrix, "aarch64", "arm"));
	assert_true(matrix_wants_tarball(&matrix, "x86_64", "x86_64"));
	assert_false(matrix_wants_image(&matrix, "x86_64", "x86_64"));
	assert_false(matrix_wants_tarball(&matrix, "x86_64", "s390x"));
}

/* Where there is no image, or none is left, "tarballs" alone may be excluded. */
static void
tarballs_are_excluded_where_no_image_needs_them(void **state)
{
	static const char text[] =
		"{\"name\":\"q\",\"version\":\"10.0.13-1\","
		"\"sources\":{\"t\":{\"type\":\"apt\",\"suite\":\"trixie\"}},"
		"\"hosts\":{\"x86_64\":{\"source\":\"t\"}},\"targets\":\"all\","
		"\"exclude\":[{\"to\":\"x86_64\",\"only\":\"tarballs\"},"
		"{\"to\":\"arm\",\"only\":\"tarballs\"},{\"to\":\"arm\",\"only\":\"images\"}]}";
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;

	(void)state;
	parse_matrix(text, &matrix);
	assert_false(matrix_wants_tarball(&matrix, "x86_64", "x86_64"));
	assert_false(matrix_wants_tarball(&matrix, "x86_64", "arm"));
	assert_false(matrix_wants_image(&matrix, "x86_64", "arm"));
}

static void
paths_begin_beside_the_matrix(void **state)
{
	static const struct {
		const char *matrix;
		const char *path;
		const char *result;
	} rows[] = {
		{"matrix/q.json", "keys/a.asc", "matrix/keys/a.asc"},
		{"matrix/q.json", "/etc/keys/a.asc", "/etc/keys/a.asc"},
		{"/srv/q.json", "../p", "/srv/../p"},
		{"q.json", "p", "./p"},
		{"q.json", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
		auto_free char *path = NULL;

		matrix.doc.name = xstrdup(rows[i].matrix);
		path = matrix_path(&matrix, rows[i].path);
		if (rows[i].result == NULL)
			assert_null(path);
		else
			assert_string_equal(path, rows[i].result);
	}
}

static struct package *
add_package(struct lock *lock, const char *host, const char *qemu_version)
{
	struct package *package = package_list_add(&lock->packages);

	package->host = xstrdup(host);
	package->source = xstrdup("t");
	package->type = SOURCE_APT;
	package->name = xstrdup("qemu-user");
	package->version = xasprintf("1:%s+ds-0+deb13u1", qemu_version);
	package->arch = xstrdup("amd64");
	package->file = xasprintf("qemu-user_%s.deb", host);
	package->qemu_version = xstrdup(qemu_version);
	package->suite = xstrdup("trixie");
	package->pool_path = xstrdup("pool/main/q/qemu/x.deb");
	package->signer = xstrdup("41587F7DB8C774BCCF131416762F67A0B2C39DE4");
	package->signed_sec = 1700000000;
	package->size = 12345;
	digest_of(host, strlen(host), &package->sha256);
	package_add_built_using(package, "glibc (= 2.41-12)");
	return package;
}

static void
add_member(struct package *package, const char *target)
{
	auto_free char *path = xasprintf("usr/bin/qemu-%s", target);
	struct member *member = package_add_member(package, target, path);

	member->size = 99;
	digest_of(path, strlen(path), &member->sha256);
}

static void
make_lock(struct lock *lock, const char *second_version)
{
	struct package *package;

	lock->name = xstrdup("q");
	lock->version = xstrdup("10.0.13-1");
	lock->serial = 7;
	lock->source_date_epoch = 1700000000;
	package = add_package(lock, "x86_64", "10.0.13");
	add_member(package, "arm");
	add_member(package, "aarch64");
	add_member(package, "x86_64");
	add_member(add_package(lock, "aarch64", second_version), "arm");
}

static void
a_lock_survives_writing_and_reading(void **state)
{
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	AUTO(lock_clear) struct lock again = LOCK_INIT;
	auto_free char *text = NULL;
	auto_free char *second = NULL;
	struct error err = ERROR_INIT;
	const struct package *package;

	(void)state;
	make_lock(&lock, "10.0.13");
	text = lock_format(&lock);
	assert_ok(lock_parse("l.json", text, strlen(text), &again, &err), err);
	assert_false(lock_differs(&lock, &again));
	second = lock_format(&again);
	assert_string_equal(text, second);
	assert_true(again.serial == 7 && again.source_date_epoch == 1700000000);
	package = &again.packages.items[1];
	assert_string_equal(package->host, "x86_64"); /* sorted: aarch64 came first */
	assert_string_equal(package->members[0].target, "aarch64");
	assert_string_equal(package->built_using[0], "glibc (= 2.41-12)");
	assert_int_equal(package->size, 12345);
	again.packages.items[0].sha256.bytes[0] ^= 1;
	assert_true(lock_differs(&lock, &again));
}

static void
fill_digest(struct digest *digest, int byte)
{
	memset(digest->bytes, byte, sizeof(digest->bytes));
}

static struct package *
add_first(struct lock *lock)
{
	struct package *package = package_list_add(&lock->packages);
	struct member *member = package_add_member(package, "arm", "usr/bin/qemu-arm-static");

	package->host = xstrdup("aarch64");
	package->source = xstrdup("fedora-44");
	package->type = SOURCE_FEDORA;
	package->name = xstrdup("qemu-user-static-arm");
	package->version = xstrdup("2:10.2.2-1.fc44");
	package->arch = xstrdup("aarch64");
	package->file = xstrdup("qemu-user-static-arm-10.2.2-1.fc44.aarch64.rpm");
	package->size = 1001;
	fill_digest(&package->sha256, 0x11);
	package->qemu_version = xstrdup("10.2.2");
	package_add_url(package, "https://one.example/arm.rpm");
	package_add_url(package, "https://two.example/arm.rpm");
	fill_digest(&package->header_sha256, 0x22);
	package->signer = xstrdup("36F612DCF27F7D1A48A835E4DBFCF71C6D9F90A6");
	package->signed_sec = 1700000000;
	package->source_package = xstrdup("qemu-10.2.2-1.fc44.src.rpm");
	package->license = xstrdup("GPL-2.0-or-later");
	member->size = 99;
	fill_digest(&member->sha256, 0x33);
	return package;
}

static struct package *
add_second(struct lock *lock)
{
	struct package *package = package_list_add(&lock->packages);
	struct member *member = package_add_member(package, "arm", "usr/bin/qemu-arm");

	package->host = xstrdup("riscv64");
	package->source = xstrdup("trixie");
	package->type = SOURCE_APT;
	package->name = xstrdup("qemu-user");
	package->version = xstrdup("1:10.0.13+ds-0+deb13u1");
	package->arch = xstrdup("riscv64");
	package->file = xstrdup("qemu-user_10.0.13+ds-0+deb13u1_riscv64.deb");
	package->size = 1002;
	fill_digest(&package->sha256, 0x44);
	package->qemu_version = xstrdup("10.0.13");
	package->suite = xstrdup("trixie");
	package->pool_path = xstrdup("pool/main/q/qemu/qemu-user_10.0.13+ds-0+deb13u1_riscv64.deb");
	package->signer = xstrdup("41587F7DB8C774BCCF131416762F67A0B2C39DE4");
	package->signed_sec = 1700000001;
	package->source_package = xstrdup("qemu (= 1:10.0.13+ds-0+deb13u1)");
	package_add_built_using(package, "glib2.0 (= 2.84.4-3)");
	package_add_built_using(package, "glibc (= 2.41-12)");
	member->size = 98;
	fill_digest(&member->sha256, 0x55);
	return package;
}

/* What was read is what a file says that no program of ours has written. */
static void
every_key_of_a_lock_is_written_and_read(void **state)
{
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	AUTO(lock_clear) struct lock read = LOCK_INIT;
	auto_free char *golden = NULL;
	auto_free char *text = NULL;
	auto_free char *again = NULL;
	struct error err = ERROR_INIT;
	size_t length;

	(void)state;
	assert_ok(read_file("data/lock/every_key.lock.json", 1 << 20, &golden, &length, &err), err);
	lock.name = xstrdup("q");
	lock.version = xstrdup("10.2.2-1");
	lock.serial = 3;
	lock.source_date_epoch = 1700000001;
	lock.downgrade_reason = xstrdup("a build was withdrawn");
	(void)add_second(&lock);
	(void)add_first(&lock);
	text = lock_format(&lock);
	assert_string_equal(text, golden);
	assert_ok(lock_parse("golden", golden, length, &read, &err), err);
	again = lock_format(&read);
	assert_string_equal(again, golden);
}

/* An epoch of 0 is no epoch, also in locks that say it. */
static void
an_epoch_of_0_is_read_as_none(void **state)
{
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	AUTO(lock_clear) struct lock read = LOCK_INIT;
	AUTO(lock_clear) struct lock without = LOCK_INIT;
	auto_free char *text = NULL;
	struct error err = ERROR_INIT;
	struct package *package;

	(void)state;
	lock.name = xstrdup("q");
	lock.version = xstrdup("10.2.2-1");
	package = add_first(&lock);
	package->version[0] = '0';
	text = lock_format(&lock);
	assert_non_null(strstr(text, "\"0:10.2.2-1.fc44\""));
	assert_ok(lock_parse("l.json", text, strlen(text), &read, &err), err);
	assert_string_equal(read.packages.items[0].version, "10.2.2-1.fc44");
	without.version = xstrdup("10.2.2-1");
	package = add_first(&without);
	memmove(package->version, package->version + 2, strlen(package->version + 2) + 1);
	assert_false(lock_differs(&read, &without));
}

/* Replaces one piece of a good lock's text; the result has to be refused. */
static void
broken_locks_are_refused(void **state)
{
	static const struct {
		const char *from, *to, *wanted;
	} rows[] = {
		{"\"format\": 1", "\"format\": 2", "format: format not supported, expected 1"},
		{"\"file\": \"qemu", "\"file\": \"../qemu", "packages[0]: \"file\" is not a plain"},
		{"pool/main", "pool/../..", "\"pool_path\" points outside"},
		{"\"size\": 12345", "\"size\": -1",
		 "packages[0].size: must be a non-negative integer"},
		{"usr/bin/qemu-arm", "etc/qemu-arm", "\"path\" is 'etc/qemu-arm'"},
		{"\"sha256\": \"", "\"sha256\": \"zz", "must be a SHA-256"},
		{"\"suite\"", "\"suit\"", "suit: unknown key; did you mean \"suite\"?"},
		{"\"target\": \"aarch64\"", "\"target\": \"arm\"", "\"path\" is"},
		{"\"host\": \"aarch64\"", "\"host\": \"vax\"", "unknown \"host\" 'vax'"},
	};
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	auto_free char *text = NULL;

	(void)state;
	make_lock(&lock, "10.0.13");
	text = lock_format(&lock);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *hit = strstr(text, rows[i].from);
		auto_free char *broken = NULL;
		struct lock result = LOCK_INIT;
		struct error err = ERROR_INIT;

		assert_non_null(hit);
		broken = xasprintf("%.*s%s%s", (int)(hit - text), text, rows[i].to,
				   hit + strlen(rows[i].from));
		assert_refused(lock_parse("l.json", broken, strlen(broken), &result, &err), err,
			       ERR_INPUT, rows[i].wanted);
		assert_null(result.name);
	}
}

static void
a_matrix_is_not_a_lock(void **state)
{
	static const char text[] = "{\"name\": \"q\", \"sources\": {}, \"hosts\": {}}";
	struct lock lock = LOCK_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_refused(lock_parse("m.json", text, strlen(text), &lock, &err), err, ERR_INPUT,
		       "'m.json' is a matrix, not a lock");
}

static void
matrix_and_lock_must_agree(void **state)
{
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	AUTO(lock_clear) struct lock skewed = LOCK_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	parse_matrix(two_hosts, &matrix);
	make_lock(&lock, "10.0.13");
	assert_ok(lock_check_matrix(&lock, &matrix, "lock it", &err), err);
	make_lock(&skewed, "10.0.12");
	assert_refused(lock_check_matrix(&skewed, &matrix, "lock it", &err), err, ERR_INPUT,
		       "source 't' has QEMU 10.0.12 for aarch64, expected 10.0.13");
	free(lock.version);
	lock.version = xstrdup("10.0.13-2");
	assert_refused(lock_check_matrix(&lock, &matrix, "lock it", &err), err, ERR_INPUT,
		       "the lock is for q 10.0.13-2, the matrix for q 10.0.13-1; run 'lock it'");
}

static void
an_open_patch_level_needs_one_version(void **state)
{
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	auto_free char *text = xstrdup(two_hosts);
	char *version = strstr(text, "10.0.13-1");
	struct error err = ERROR_INIT;

	(void)state;
	memmove(version + 4, version + 7, strlen(version + 7) + 1);
	parse_matrix(text, &matrix);
	assert_string_equal(matrix.version, "10.0-1");
	make_lock(&lock, "10.0.12");
	free(lock.version);
	lock.version = xstrdup("10.0-1");
	assert_refused(lock_check_matrix(&lock, &matrix, "lock it", &err), err, ERR_INPUT,
		       "x86_64 has QEMU 10.0.13 but aarch64 has 10.0.12");
}

/* The program calls itself 10.0.93; that is what an older program has locked. */
static void
a_release_candidate_is_locked_as_the_matrix_has_it(void **state)
{
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	AUTO(lock_clear) struct lock read = LOCK_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;
	auto_free char *matrix_text = xstrdup(two_hosts);
	auto_free char *text = NULL;
	auto_free char *version = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	memcpy(strstr(matrix_text, "\"10.0.13-1\""), "\"9.1-rc3-1\"", 11);
	parse_matrix(matrix_text, &matrix);
	version = matrix_qemu_version(&matrix, &matrix.hosts[0]);
	assert_string_equal(version, "9.1-rc3");
	make_lock(&lock, "9.0.93");
	free(lock.version);
	lock.version = xstrdup("9.1-rc3-1");
	memcpy(lock.packages.items[0].qemu_version, "9.0.93", 7);
	text = lock_format(&lock);
	assert_ok(lock_parse("l.json", text, strlen(text), &read, &err), err);
	assert_string_equal(read.packages.items[0].qemu_version, "9.1-rc3");
	assert_ok(lock_check_matrix(&read, &matrix, "lock it", &err), err);
	plan_make(&matrix, &read, &plan);
	assert_string_equal(plan.hosts[0].qemu_version, "9.1-rc3");
	free(read.packages.items[0].qemu_version);
	read.packages.items[0].qemu_version = xstrdup("9.1.0");
	assert_refused(lock_check_matrix(&read, &matrix, "lock it", &err), err, ERR_INPUT,
		       "has QEMU 9.1.0 for aarch64, expected 9.1-rc3");
}

static void
the_plan_counts_what_is_made(void **state)
{
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;

	(void)state;
	parse_matrix(two_hosts, &matrix);
	make_lock(&lock, "10.0.13");
	plan_make(&matrix, &lock, &plan);
	assert_int_equal(plan.target_count, 3);
	assert_int_equal(plan.tarballs, 4);      /* 3 of x86_64, 1 of aarch64 */
	assert_int_equal(plan.legacy_assets, 6); /* two for each of x86_64's */
	assert_int_equal(plan.pair_images, 2);   /* x86_64's arm and aarch64 */
	assert_int_equal(plan.all_in_one, 1);    /* of x86_64 */
	assert_int_equal(plan.registrars, 2);    /* of both hosts */
	assert_int_equal(plan.indexes, 4);       /* two targets, latest, register */
	assert_int_equal(plan_cell(&plan, 0, 0)->state, PLAN_EMPTY); /* aarch64 on aarch64 */
	assert_null(plan_warning(&plan));
}

static void
without_a_lock_the_plan_expects_what_qemu_has(void **state)
{
	static const char text[] =
		"{\"name\":\"q\",\"version\":\"10.2.2-1\","
		"\"sources\":{\"t\":{\"type\":\"apt\",\"suite\":\"trixie\"}},"
		"\"hosts\":{\"x86_64\":{\"source\":\"t\"},\"armv7l\":{\"source\":\"t\"},"
		"\"s390x\":{\"source\":\"t\",\"version\":\"7.2.22\"}}}";
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;
	AUTO(plan_clear) struct plan plan = PLAN_INIT;

	(void)state;
	parse_matrix(text, &matrix);
	plan_make(&matrix, NULL, &plan);
	assert_int_equal(plan.hosts[0].tarballs, 17); /* armv7l: no 64-bit targets since 10.0 */
	assert_int_equal(plan.hosts[1].tarballs, 35); /* s390x with 7.2: cris and nios2 too */
	assert_int_equal(plan.hosts[2].tarballs, 33);
}

static void
limits_are_warned_about(void **state)
{
	static const struct {
		size_t tarballs, release_files;
		const char *warning; /* NULL: none */
	} rows[] = {
		{442, 8, NULL},
		{443, 8, "451 assets need more requests than GitHub allows in an hour"},
		{992, 8, "1000 assets need more requests than GitHub allows in an hour"},
		{993, 8, "1001 assets exceed the 1000 that GitHub allows"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct plan plan = {.tarballs = rows[i].tarballs,
				    .release_files = rows[i].release_files};
		auto_free char *warning = plan_warning(&plan);

		if (rows[i].warning == NULL)
			assert_null(warning);
		else
			assert_non_null(strstr(warning, rows[i].warning));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_mistake_is_named),
		cmocka_unit_test(shipped_matrices_are_read),
		cmocka_unit_test(pairs_follow_targets_and_exclusions),
		cmocka_unit_test(tarballs_are_excluded_where_no_image_needs_them),
		cmocka_unit_test(paths_begin_beside_the_matrix),
		cmocka_unit_test(a_lock_survives_writing_and_reading),
		cmocka_unit_test(every_key_of_a_lock_is_written_and_read),
		cmocka_unit_test(an_epoch_of_0_is_read_as_none),
		cmocka_unit_test(broken_locks_are_refused),
		cmocka_unit_test(a_matrix_is_not_a_lock),
		cmocka_unit_test(matrix_and_lock_must_agree),
		cmocka_unit_test(an_open_patch_level_needs_one_version),
		cmocka_unit_test(a_release_candidate_is_locked_as_the_matrix_has_it),
		cmocka_unit_test(the_plan_counts_what_is_made),
		cmocka_unit_test(without_a_lock_the_plan_expects_what_qemu_has),
		cmocka_unit_test(limits_are_warned_about),
	};

	return cmocka_run_group_tests_name("matrix", tests, NULL, NULL);
}
