/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/seen_files.h"
#include "pack/assets.h"
#include "pack/layer.h"
#include "pack/packlist.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TARGETS = 9, SIZE = 40000, EPOCH = 1700000000 };

static const char *const hosts[] = {"aarch64", "x86_64"};
static const char *const targets[TARGETS] = {"alpha", "arm",   "hppa",  "m68k",  "mips",
					     "ppc",   "s390x", "sparc", "xtensa"};

enum misdeed { NOTHING, BACKWARDS, TWICE, LEAVES_ONE_OUT, OTHER_SIZE, OTHER_BYTES, FAILS };

/* A release of two hosts, in a directory of its own. */
struct fixture {
	char directory[32];
	struct package packages[2];
	struct member members[2][TARGETS];
	struct assets_member wanted[2][TARGETS];
	struct assets_host hosts[2];
	struct assets_request plan;
	enum misdeed misdeed;
};

/* A static program by its header, for the host's machine. */
static void
make_program(uint8_t *bytes, size_t size, size_t host, size_t target)
{
	const struct arch *arch = arch_find(hosts[host]);
	uint32_t state = (uint32_t)(host * 100 + target + 1);

	for (size_t i = 0; i < size; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (uint8_t)(state >> (i >> 9 & 1 ? 24 : 29));
	}
	memset(bytes, 0, 128);
	memcpy(bytes, "\177ELF\2\1\1", 7);
	bytes[16] = 2;
	bytes[18] = (uint8_t)arch->elf_machine;
	bytes[32] = 64; /* e_phoff */
	bytes[54] = 56; /* e_phentsize */
	bytes[56] = 1;
	bytes[64] = 1; /* PT_LOAD of nothing */
}

static size_t
size_of(size_t target)
{
	return SIZE + 700 * target;
}

static int
produce_one(struct assets_sink *sink, const struct fixture *fixture, size_t host, size_t target,
	    struct error *err)
{
	bool odd = target == 4 && host == 1;
	size_t size = size_of(target) + (odd && fixture->misdeed == OTHER_SIZE);
	struct pipeline_item *item;
	int wanted;

	if (odd && fixture->misdeed == LEAVES_ONE_OUT)
		return 0;
	if (odd && fixture->misdeed == FAILS)
		return error_set(err, ERR_INPUT, "the package ends");
	wanted = assets_reserve(sink, targets[target], size, &item, err);
	if (wanted <= 0)
		return wanted;
	if (assets_grow(sink, item, size, err) < 0) {
		assets_return(sink, item);
		return -1;
	}
	make_program(item->bytes, item->size, host, target);
	item->bytes[SIZE - 1] ^= odd && fixture->misdeed == OTHER_BYTES;
	assets_submit(sink, item);
	return 0;
}

static int
produce(struct assets_sink *sink, const struct assets_host *of, void *context, struct error *err)
{
	struct fixture *fixture = context;
	size_t host = of == &fixture->hosts[1];

	for (size_t i = 0; i < TARGETS; i++) {
		size_t target = fixture->misdeed == BACKWARDS ? TARGETS - 1 - i : i;

		if (produce_one(sink, fixture, host, target, err) < 0)
			return -1;
		if (fixture->misdeed == TWICE && produce_one(sink, fixture, host, target, err) < 0)
			return -1;
	}
	return 0;
}

static void
fill_host(struct fixture *fixture, size_t h)
{
	static char file[] = "emulators.deb", version[] = "1:8.1+ds-1";
	uint8_t bytes[SIZE + 700 * TARGETS];
	struct assets_host *host = &fixture->hosts[h];

	fixture->packages[h].file = file;
	fixture->packages[h].version = version;
	*host = (struct assets_host){arch_find(hosts[h]), h == 1, fixture->wanted[h], TARGETS};
	for (size_t t = 0; t < TARGETS; t++) {
		struct member *member = &fixture->members[h][t];

		member->target = xstrdup(targets[t]);
		member->path = xasprintf("usr/bin/qemu-%s-static", targets[t]);
		member->size = size_of(t);
		make_program(bytes, size_of(t), h, t);
		digest_of(bytes, size_of(t), &member->sha256);
		fixture->wanted[h][t] =
			(struct assets_member){&fixture->packages[h], member, t != 2};
	}
}

static void
fixture_init(struct fixture *fixture, unsigned int jobs, enum misdeed misdeed)
{
	*fixture = (struct fixture){.misdeed = misdeed};
	(void)snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/test_assets.XXXXXX");
	assert_non_null(mkdtemp(fixture->directory));
	for (size_t h = 0; h < 2; h++)
		fill_host(fixture, h);
	fixture->plan = (struct assets_request){.out = fixture->directory,
						.hosts = fixture->hosts,
						.host_count = 2,
						.source_date_epoch = EPOCH,
						.jobs = jobs,
						.produce = produce,
						.context = fixture};
}

/* Removes the files of a directory, and the directory. Returns how many begin with a dot. */
static size_t
remove_directory(const char *path)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	size_t hidden = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		hidden += entry->d_name[0] == '.';
		(void)unlinkat(dirfd(directory), entry->d_name, 0);
	}
	(void)closedir(directory);
	assert_int_equal(rmdir(path), 0);
	return hidden;
}

static void
fixture_clear(struct fixture *fixture)
{
	auto_free char *assets = path_join(fixture->directory, ASSETS_DIRECTORY);

	assert_int_equal(remove_directory(assets), 0);
	assert_int_equal(remove_directory(fixture->directory), 0);
	for (size_t h = 0; h < 2; h++)
		for (size_t t = 0; t < TARGETS; t++) {
			free(fixture->members[h][t].target);
			free(fixture->members[h][t].path);
		}
}

static void
load(const struct fixture *fixture, struct packlist *ret_manifest)
{
	auto_free char *path = path_join(fixture->directory, PACKLIST_NAME);
	struct error err = ERROR_INIT;

	assert_ok(packlist_load(path, ret_manifest, &err), err);
}

/* The digests that packing takes on the way are those of the files, for any number of threads. */
static void
test_digests(void **state)
{
	static const unsigned int jobs[] = {1, 2, 3, 8};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(jobs); i++) {
		AUTO(assets_report_clear) struct assets_report report = ASSETS_REPORT_INIT;
		AUTO(packlist_clear) struct packlist packlist = PACKLIST_INIT;
		AUTO(diff_id_freep) struct diff_id *all = diff_id_new(EPOCH);
		uint8_t bytes[SIZE + 700 * TARGETS];
		struct digest digest;
		struct fixture fixture;
		struct error err = ERROR_INIT;

		fixture_init(&fixture, jobs[i], NOTHING);
		assert_ok(assets_make(&fixture.plan, &report, &err), err);
		assert_int_equal(report.hosts[0].made, TARGETS);
		assert_int_equal(report.assets.count, 4 * TARGETS);
		load(&fixture, &packlist);
		for (size_t t = 0; t < TARGETS; t++) {
			if (t == 2)
				continue;
			make_program(bytes, size_of(t), 1, t);
			diff_id_add(all, targets[t], bytes, size_of(t));
		}
		diff_id_finish(all, &digest);
		assert_true(digest_equal(&digest, &packlist.hosts[1].all_in_one_diff_id));
		assert_int_equal(packlist.hosts[1].all_in_one_count, TARGETS - 1);
		fixture_clear(&fixture);
	}
}

/* Programs that come in another order give the same files, but no digest over all of them. */
static void
test_other_order(void **state)
{
	AUTO(assets_report_clear) struct assets_report report = ASSETS_REPORT_INIT;
	AUTO(packlist_clear) struct packlist packlist = PACKLIST_INIT;
	struct fixture fixture;
	struct error err = ERROR_INIT;

	(void)state;
	fixture_init(&fixture, 3, BACKWARDS);
	assert_ok(assets_make(&fixture.plan, &report, &err), err);
	load(&fixture, &packlist);
	assert_true(digest_is_zero(&packlist.hosts[0].all_in_one_diff_id));
	assert_int_equal(packlist.hosts[0].count, TARGETS);
	assert_false(digest_is_zero(&packlist.hosts[0].members[3].diff_id));
	fixture_clear(&fixture);
}

static const struct {
	enum misdeed misdeed;
	enum error_code code;
	const char *message;
} misdeeds[] = {
	{TWICE, ERR_INPUT, "duplicate program"},
	{LEAVES_ONE_OUT, ERR_INPUT, "'emulators.deb' does not contain 'usr/bin/qemu-mips-static'"},
	{OTHER_SIZE, ERR_VERIFY, "x86_64: 'usr/bin/qemu-mips-static' has 42801 bytes"},
	{OTHER_BYTES, ERR_VERIFY, "sha256 of 'usr/bin/qemu-mips-static' in 'emulators.deb' is"},
	{FAILS, ERR_INPUT, "x86_64: the package ends"},
};

/* Whatever a producer does wrong is told, and the next run, done right, finishes the work. */
static void
test_misdeeds(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(misdeeds); i++) {
		AUTO(assets_report_clear) struct assets_report report = ASSETS_REPORT_INIT;
		AUTO(packlist_clear) struct packlist packlist = PACKLIST_INIT;
		struct fixture fixture;
		struct error err = ERROR_INIT;

		fixture_init(&fixture, 2, misdeeds[i].misdeed);
		assert_refused(assets_make(&fixture.plan, &report, &err), err, misdeeds[i].code,
			       misdeeds[i].message);
		assert_null(report.hosts);
		load(&fixture, &packlist);
		assert_true(packlist.hosts[1].count < TARGETS);
		fixture.misdeed = NOTHING;
		assert_ok(assets_make(&fixture.plan, &report, &err), err);
		assert_int_equal(report.hosts[1].made + report.hosts[1].unchanged, TARGETS);
		assert_int_equal(report.hosts[1].unchanged, packlist.hosts[1].count);
		fixture_clear(&fixture);
	}
}

static bool
is_complete(const struct fixture *fixture)
{
	struct error err = ERROR_INIT;
	bool complete;

	assert_ok(assets_look(&fixture->plan, &complete, &err), err);
	return complete;
}

static size_t
count_files(const char *path)
{
	AUTO(words_clear) struct words names = WORDS_INIT;
	struct error err = ERROR_INIT;

	assert_ok(directory_names(path, &names, &err), err);
	return names.count;
}

/* Looking says what making would do, and writes nothing. */
static void
test_look(void **state)
{
	AUTO(assets_report_clear) struct assets_report report = ASSETS_REPORT_INIT;
	struct fixture fixture;
	struct error err = ERROR_INIT;
	auto_free char *assets = NULL, *tarball = NULL, *legacy = NULL, *left = NULL;
	size_t files;

	(void)state;
	fixture_init(&fixture, 2, NOTHING);
	assets = path_join(fixture.directory, ASSETS_DIRECTORY);
	tarball = xasprintf("%s/aarch64_qemu-arm-static.tar.gz", assets);
	legacy = xasprintf("%s/qemu-arm-static.tar.gz", assets);
	left = xasprintf("%s/.left.XXXXXX.tmp", assets);
	assert_false(is_complete(&fixture));
	assert_int_equal(count_files(fixture.directory), 0);
	assert_ok(assets_make(&fixture.plan, &report, &err), err);
	assert_int_equal(report.packlist.count, 2);
	assert_true(is_complete(&fixture));
	/* Neither a link that is missing nor what a killed run has left needs a package. */
	assert_int_equal(unlink(legacy), 0);
	assert_ok(write_file(left, "", 0, 0644, &err), err);
	files = count_files(assets);
	assert_true(is_complete(&fixture));
	assert_int_equal(count_files(assets), files);
	assert_ok(write_file(tarball, "x", 1, 0644, &err), err);
	assert_false(is_complete(&fixture));
	assets_report_clear(&report);
	assert_ok(assets_make(&fixture.plan, &report, &err), err);
	assert_int_equal(report.hosts[0].made + report.hosts[1].made, 1);
	assert_int_equal(access(legacy, F_OK), 0);
	fixture_clear(&fixture);
}

/* What was read before is taken as it was, unless the file has changed since. */
static void
test_seen(void **state)
{
	AUTO(seen_files_freep) struct seen_files *seen = seen_files_new();
	AUTO(assets_report_clear) struct assets_report report = ASSETS_REPORT_INIT;
	struct fixture fixture;
	struct error err = ERROR_INIT;
	auto_free char *path = NULL;

	(void)state;
	fixture_init(&fixture, 2, NOTHING);
	fixture.plan.seen = seen;
	path = xasprintf("%s/" ASSETS_DIRECTORY "/aarch64_qemu-arm-static.tar.gz",
			 fixture.directory);
	assert_ok(assets_make(&fixture.plan, &report, &err), err);
	for (int i = 0; i < 2; i++) {
		struct stat st;
		int fd;

		assert_true(is_complete(&fixture));
		assert_int_equal(stat(path, &st), 0);
		fd = open(path, O_WRONLY | O_CLOEXEC);
		assert_int_equal(pwrite(fd, "x", 1, st.st_size - 1), 1);
		assert_int_equal(close(fd), 0);
		assert_false(is_complete(&fixture));
		assets_report_clear(&report);
		assert_ok(assets_make(&fixture.plan, &report, &err), err);
		assert_int_equal(report.hosts[0].made + report.hosts[1].made, 1);
	}
	fixture_clear(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_digests),  cmocka_unit_test(test_look),
		cmocka_unit_test(test_seen),     cmocka_unit_test(test_other_order),
		cmocka_unit_test(test_misdeeds),
	};

	return cmocka_run_group_tests_name("assets", tests, NULL, NULL);
}
