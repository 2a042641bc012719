/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "model/asset.h"

#include <stdlib.h>

static void
fill(struct asset *asset, const char *name, enum asset_kind kind)
{
	asset->name = xstrdup(name);
	asset->kind = kind;
	asset->size = 5;
	asset->host = xstrdup("x86_64");
	asset->target = xstrdup("arm");
	asset->package = xstrdup("q.rpm");
	asset->member_size = 7;
	digest_of(name, strlen(name), &asset->sha256);
	digest_of("p", 1, &asset->package_sha256);
	digest_of("m", 1, &asset->member_sha256);
}

static void
what_is_written_is_read(void **state)
{
	AUTO(asset_list_clear) struct asset_list list = ASSET_LIST_INIT, again = ASSET_LIST_INIT;
	auto_free char *text = NULL, *second = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	list.name = xstrdup("n");
	list.version = xstrdup("1.2.3-1");
	list.source_date_epoch = 1756252800;
	digest_of("l", 1, &list.lock_sha256);
	fill(asset_list_add(&list), "x86_64_qemu-arm-static.tar.gz", ASSET_TARBALL);
	fill(asset_list_add(&list), "qemu-arm-static", ASSET_LEGACY_BINARY);
	fill(asset_list_add(&list), "qemu-arm-static.tar.gz", ASSET_LEGACY_TARBALL);
	text = asset_list_format(&list);
	assert_ok(asset_list_parse("a", text, strlen(text), &again, &err), err);
	assert_int_equal(again.count, 3);
	assert_string_equal(again.items[0].name, "qemu-arm-static");
	assert_int_equal(again.items[0].kind, ASSET_LEGACY_BINARY);
	assert_int_equal(again.items[0].member_size, 7);
	assert_string_equal(again.items[1].name, "qemu-arm-static.tar.gz");
	assert_string_equal(again.items[2].name, "x86_64_qemu-arm-static.tar.gz");
	second = asset_list_format(&again);
	assert_string_equal(text, second);
}

static void
damage_is_named(void **state)
{
#define HEX "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define HEAD                                                                                       \
	"{\"name\":\"n\",\"version\":\"1\",\"source_date_epoch\":1,\"lock_sha256\":\"" HEX         \
	"\",\"assets\":["
#define REST                                                                                       \
	"\"size\":1,\"sha256\":\"" HEX "\",\"host\":\"h\",\"target\":\"t\",\"package\":{"          \
	"\"file\":\"p\",\"sha256\":\"" HEX "\"},\"member\":{\"size\":1,\"sha256\":\"" HEX "\"}}"
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{"{}", "missing key \"name\""},
		{HEAD "{}]}", "assets[0]"},
		{HEAD "{\"name\":\"../x\",\"kind\":\"tarball\"," REST "]}",
		 "'../x' is not a valid asset name"},
		{HEAD "{\"name\":\"x\",\"kind\":\"tar\"," REST "]}", "assets[0].kind"},
		{HEAD "{\"name\":\"x\",\"kind\":\"tarball\"," REST ",{\"name\":\"x\",\"kind\":"
		      "\"tarball\"," REST "]}",
		 "'x' is not in sorted order"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(asset_list_clear) struct asset_list list = ASSET_LIST_INIT;
		struct error err = ERROR_INIT;

		assert_refused(
			asset_list_parse("a.json", rows[i].text, strlen(rows[i].text), &list, &err),
			err, ERR_INPUT, rows[i].sentence);
		assert_non_null(strstr(err.message, "a.json:1:"));
		assert_null(list.items);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(damage_is_named),
	};

	return cmocka_run_group_tests_name("asset", tests, NULL, NULL);
}
