/* SPDX-License-Identifier: MIT */
/* Names of packages for other tools: package URLs, source packages, licences. */

#include "distributor/documents/purl.h"

#include "base/alloc.h"
#include "tests/support/test.h"

static char *
purl_of(const char *name, const char *version, const char *arch, const char *file,
	const char *suite)
{
	struct package package = {
		.name = (char *)(uintptr_t)name,
		.version = (char *)(uintptr_t)version,
		.arch = (char *)(uintptr_t)arch,
		.file = (char *)(uintptr_t)file,
		.suite = (char *)(uintptr_t)suite,
	};

	return purl_of_package(&package);
}

static void
an_rpm_has_release_and_epoch(void **state)
{
	auto_free char *purl =
		purl_of("qemu-user-static", "2:10.2.2-1.fc44", "x86_64", "q.rpm", NULL);
	auto_free char *plain = purl_of("q", "1.0-1", "noarch", "q.rpm", NULL);

	(void)state;
	assert_string_equal(purl, "pkg:rpm/fedora/qemu-user-static@10.2.2-1.fc44?arch=x86_64"
				  "&distro=fedora-44&epoch=2");
	assert_string_equal(plain, "pkg:rpm/fedora/q@1.0-1?arch=noarch");
}

static void
a_deb_has_its_suite(void **state)
{
	auto_free char *purl =
		purl_of("qemu-user", "1:10.0.13+ds-0+deb13u1", "arm64", "q.deb", "trixie");

	(void)state;
	assert_string_equal(purl, "pkg:deb/debian/qemu-user@1:10.0.13%2Bds-0%2Bdeb13u1?arch=arm64"
				  "&distro=trixie");
}

static void
what_a_url_does_not_take_is_encoded(void **state)
{
	auto_free char *purl = purl_of("lib#x ?", "1~rc1^2-1", "x86_64", "q.rpm", NULL);

	(void)state;
	assert_string_equal(purl, "pkg:rpm/fedora/lib%23x%20%3F@1~rc1%5E2-1?arch=x86_64");
}

static void
source_packages_have_two_forms(void **state)
{
	static const struct {
		const char *text, *name, *version;
		bool is_rpm;
	} rows[] = {
		{"qemu-10.2.2-1.fc44.src.rpm", "qemu", "10.2.2-1.fc44", true},
		{"glib2-static-2.80-1.src.rpm", "glib2-static", "2.80-1", true},
		{"qemu (= 1:10.0.13+ds-0+deb13u1)", "qemu", "1:10.0.13+ds-0+deb13u1", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(source_package_clear) struct source_package source = SOURCE_PACKAGE_INIT;

		assert_true(source_package_parse(rows[i].text, &source));
		assert_string_equal(source.name, rows[i].name);
		assert_string_equal(source.version, rows[i].version);
		assert_int_equal(source.is_rpm, rows[i].is_rpm);
	}
}

static void
other_texts_are_no_source_packages(void **state)
{
	static const char *const rows[] = {
		"", "qemu", "qemu.src.rpm", "qemu-1.src.rpm", "qemu (10)", "qemu (= 10", "(= 10)",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(source_package_clear) struct source_package source = SOURCE_PACKAGE_INIT;

		if (source_package_parse(rows[i], &source))
			fail_msg("'%s' was taken for '%s' of version '%s'", rows[i], source.name,
				 source.version);
	}
}

static void
a_licence_is_an_expression_or_nothing(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{"MIT", true},
		{"GPL-2.0-or-later AND MIT", true},
		{"(GPL-2.0-only OR BSD-3-Clause) AND Apache-2.0 WITH LLVM-exception", true},
		{NULL, false},
		{"", false},
		{"GPLv2+ and MIT", false},
		{"MIT AND", false},
		{"AND MIT", false},
		{"MIT MIT", false},
		{"(MIT", false},
		{"MIT)", false},
		{"()", false},
		{")MIT(", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if ((license_expression(rows[i].text) != NULL) != rows[i].good)
			fail_msg("'%s' should%s be an expression",
				 rows[i].text != NULL ? rows[i].text : "NULL",
				 rows[i].good ? "" : " not");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_rpm_has_release_and_epoch),
		cmocka_unit_test(a_deb_has_its_suite),
		cmocka_unit_test(what_a_url_does_not_take_is_encoded),
		cmocka_unit_test(source_packages_have_two_forms),
		cmocka_unit_test(other_texts_are_no_source_packages),
		cmocka_unit_test(a_licence_is_an_expression_or_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
