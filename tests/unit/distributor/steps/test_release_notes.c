/* SPDX-License-Identifier: MIT */
/* The text of a release page: what it says of hosts and changes, from locks in short form. */

#include "distributor/steps/release_notes.h"

#include "base/alloc.h"
#include "base/file.h"
#include "tests/support/scratch.h"
#include "tests/support/test.h"

#include <string.h>

/* One package; a host's packages are neighbours, as in a lock that was read. */
struct row {
	const char *host, *name, *version, *qemu, *source, *targets;
	uint8_t digest;
};

/* "aarch64 arm" as members of a package. */
static void
add_members(struct package *package, const char *targets)
{
	auto_free char *copy = xstrdup(targets);
	char *rest = copy, *target;

	while ((target = strsep(&rest, " ")) != NULL)
		(void)package_add_member(package, target, target);
}

static void
make_lock(const struct row *rows, struct lock *ret_lock)
{
	for (; rows->host != NULL; rows++) {
		struct package *package = package_list_add(&ret_lock->packages);

		package->host = xstrdup(rows->host);
		package->name = xstrdup(rows->name);
		package->version = xstrdup(rows->version);
		package->qemu_version = xstrdup(rows->qemu);
		package->source = xstrdup(rows->source);
		package->sha256.bytes[0] = rows->digest;
		add_members(package, rows->targets);
	}
}

static void
shows_every_host_once(void **state)
{
	static const struct row rows[] = {
		{"aarch64", "qemu-user", "1:10.0.2+ds-1", "10.0.2", "trixie", "arm s390x", 1},
		{"x86_64", "qemu-user-static-aarch64", "2:10.2.2-1.fc44", "10.2.2", "fedora-44",
		 "aarch64 aarch64_be", 2},
		{"x86_64", "qemu-user-static-arm", "2:10.2.2-1.fc44", "10.2.2", "fedora-44", "arm",
		 3},
		{.host = NULL},
	};
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	const struct matrix matrix = MATRIX_INIT;
	const struct release_info info = {.matrix = &matrix, .lock = &lock};
	const struct release_notes notes = {.info = &info, .repository = "https://a/b"};
	static const char template_text[] = "{{hosts}}{{hosts-count}} {{repository}}\n";
	auto_free char *scratch = scratch_directory();
	auto_free char *path = path_join(scratch, "template"), *text = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	make_lock(rows, &lock);
	assert_ok(write_file(path, template_text, strlen(template_text), 0644, &err), err);
	assert_ok(release_notes_make(&notes, path, &text, &err), err);
	assert_string_equal(text,
			    "| host | QEMU | package | from | targets |\n|---|---|---|---|--:|\n"
			    "| aarch64 | 10.0.2 | qemu-user 1:10.0.2+ds-1 | trixie | 2 |\n"
			    "| x86_64 | 10.2.2 | 2 packages, 2:10.2.2-1.fc44 | fedora-44 | 3 |\n"
			    "2 hosts https://a/b\n");
	scratch_remove(scratch);
}

#define SAME {"x86_64", "q", "1", "10.0", "trixie", "arm s390x", 1}

static void
says_what_changed(void **state)
{
	static const struct {
		struct row before[3], after[3];
		const char *text;
	} rows[] = {
		{{SAME}, {SAME}, ""},
		{{SAME},
		 {{"riscv64", "q", "1", "10.0", "trixie", "arm", 2}, SAME},
		 "- riscv64: new host, QEMU 10.0 from trixie\n"},
		{{{"riscv64", "q", "1", "10.0", "trixie", "arm", 2}, SAME},
		 {SAME},
		 "- riscv64: host removed\n"},
		{{SAME},
		 {{"x86_64", "q", "2", "10.1", "trixie", "arm s390x", 2}},
		 "- x86_64: QEMU 10.0 → 10.1\n- x86_64: package 1 → 2\n"},
		{{SAME},
		 {{"x86_64", "q", "1", "10.0", "trixie", "arm s390x", 2}},
		 "- x86_64: package 1 was rebuilt\n"},
		{{SAME},
		 {{"x86_64", "q", "1", "10.0", "fedora", "arm s390x", 1}},
		 "- x86_64: from fedora instead of trixie\n"},
		{{SAME},
		 {{"x86_64", "q", "2", "10.0", "trixie", "arm hexagon sh4", 2}},
		 "- x86_64: package 1 → 2\n- x86_64: new targets hexagon, sh4\n"
		 "- x86_64: removed targets s390x\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(lock_clear) struct lock before = LOCK_INIT, after = LOCK_INIT;
		auto_free char *text = NULL;

		make_lock(rows[i].before, &before);
		make_lock(rows[i].after, &after);
		text = release_notes_changes(&before, &after);
		assert_string_equal(text, rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shows_every_host_once),
		cmocka_unit_test(says_what_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
