/* SPDX-License-Identifier: MIT */
#include "model/asset.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"

#include <jansson.h>
#include <string.h>

enum { MAX_FILE = 8 << 20, MAX_ASSETS = 4096 };

static const char *const kinds[] = {"tarball", "legacy-tarball", "legacy-binary"};

const char *
asset_kind_name(enum asset_kind kind)
{
	return kinds[kind];
}

static void
asset_clear(struct asset *asset)
{
	free(asset->name);
	free(asset->host);
	free(asset->target);
	free(asset->package);
}

void
asset_list_clear(struct asset_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		asset_clear(&list->items[i]);
	free(list->items);
	free(list->name);
	free(list->version);
	*list = (struct asset_list)ASSET_LIST_INIT;
}

struct asset *
asset_list_add(struct asset_list *list)
{
	list->items = xgrow(list->items, list->count, sizeof(*list->items));
	return &list->items[list->count++];
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct asset *)a)->name, ((const struct asset *)b)->name);
}

void
asset_list_sort(struct asset_list *list)
{
	if (list->count != 0)
		qsort(list->items, list->count, sizeof(*list->items), by_name);
}

static json_t *
asset_to_json(const struct asset *asset)
{
	char sha256[DIGEST_HEX_SIZE], package[DIGEST_HEX_SIZE], member[DIGEST_HEX_SIZE];

	return jsonx_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:{s:s, s:s}, s:{s:I, s:s}}", "name",
			  asset->name, "kind", kinds[asset->kind], "size", (json_int_t)asset->size,
			  "sha256", digest_hex(&asset->sha256, sha256), "host", asset->host,
			  "target", asset->target, "package", "file", asset->package, "sha256",
			  digest_hex(&asset->package_sha256, package), "member", "size",
			  (json_int_t)asset->member_size, "sha256",
			  digest_hex(&asset->member_sha256, member));
}

char *
asset_list_format(struct asset_list *list)
{
	char lock[DIGEST_HEX_SIZE], *text;
	json_t *items = json_array(), *root;

	asset_list_sort(list);
	for (size_t i = 0; i < list->count; i++)
		jsonx_append(items, asset_to_json(&list->items[i]));
	root = jsonx_pack("{s:s, s:s, s:I, s:s, s:o}", "name", list->name, "version", list->version,
			  "source_date_epoch", (json_int_t)list->source_date_epoch, "lock_sha256",
			  digest_hex(&list->lock_sha256, lock), "assets", items);
	text = jsonx_pretty(root);
	json_decref(root);
	return text;
}

static int
get_digest(const struct jsonx_doc *doc, const json_t *object, const char *path, const char *key,
	   struct digest *ret_digest, struct error *err)
{
	auto_free char *where = jsonx_path(path, key);
	const char *hex;

	if (jsonx_get_string(doc, object, path, key, &hex, err) < 0)
		return -1;
	if (!digest_parse(hex, ret_digest))
		return jsonx_error(doc, err, where, "must be 64 hexadecimal digits");
	return 0;
}

static int
get_text(const struct jsonx_doc *doc, const json_t *object, const char *path, const char *key,
	 char **ret_text, struct error *err)
{
	const char *text;

	if (jsonx_get_string(doc, object, path, key, &text, err) < 0)
		return -1;
	*ret_text = xstrdup(text);
	return 0;
}

static int
get_kind(const struct jsonx_doc *doc, const json_t *object, const char *path,
	 enum asset_kind *ret_kind, struct error *err)
{
	auto_free char *where = jsonx_path(path, "kind");
	const char *text;

	if (jsonx_get_string(doc, object, path, "kind", &text, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (strcmp(kinds[i], text) == 0) {
			*ret_kind = (enum asset_kind)i;
			return 0;
		}
	return jsonx_error(doc, err, where,
			   "must be one of tarball, legacy-tarball, legacy-binary");
}

/* Size and digest of the package, or of the program in it. */
static int
parse_origin(const struct jsonx_doc *doc, const json_t *item, const char *path, struct asset *asset,
	     struct error *err)
{
	static const struct jsonx_key package_keys[] = {
		{"file", true}, {"sha256", true}, {NULL, false}};
	static const struct jsonx_key member_keys[] = {
		{"size", true}, {"sha256", true}, {NULL, false}};
	auto_free char *package_path = jsonx_path(path, "package");
	auto_free char *member_path = jsonx_path(path, "member");
	const json_t *package = json_object_get(item, "package");
	const json_t *member = json_object_get(item, "member");

	if (jsonx_check_keys(doc, package, package_path, package_keys, err) < 0 ||
	    get_text(doc, package, package_path, "file", &asset->package, err) < 0 ||
	    get_digest(doc, package, package_path, "sha256", &asset->package_sha256, err) < 0)
		return -1;
	if (jsonx_check_keys(doc, member, member_path, member_keys, err) < 0 ||
	    jsonx_get_uint64(doc, member, member_path, "size", &asset->member_size, err) < 0)
		return -1;
	return get_digest(doc, member, member_path, "sha256", &asset->member_sha256, err);
}

static int
parse_asset(const struct jsonx_doc *doc, const json_t *item, const char *path,
	    struct asset_list *list, struct error *err)
{
	static const struct jsonx_key keys[] = {
		{"name", true},    {"kind", true},   {"size", true},
		{"sha256", true},  {"host", true},   {"target", true},
		{"package", true}, {"member", true}, {NULL, false}};
	struct asset *asset;

	if (jsonx_check_keys(doc, item, path, keys, err) < 0)
		return -1;
	asset = asset_list_add(list);
	if (get_text(doc, item, path, "name", &asset->name, err) < 0 ||
	    get_kind(doc, item, path, &asset->kind, err) < 0 ||
	    jsonx_get_uint64(doc, item, path, "size", &asset->size, err) < 0 ||
	    get_digest(doc, item, path, "sha256", &asset->sha256, err) < 0 ||
	    get_text(doc, item, path, "host", &asset->host, err) < 0 ||
	    get_text(doc, item, path, "target", &asset->target, err) < 0)
		return -1;
	if (!name_is_plain(asset->name))
		return jsonx_error(doc, err, path, "'%s' is not a valid asset name", asset->name);
	if (list->count > 1 && strcmp(asset[-1].name, asset->name) >= 0)
		return jsonx_error(doc, err, path, "'%s' is not in sorted order", asset->name);
	return parse_origin(doc, item, path, asset, err);
}

static int
parse_document(const struct jsonx_doc *doc, struct asset_list *list, struct error *err)
{
	static const struct jsonx_key keys[] = {
		{"name", true},        {"version", true}, {"source_date_epoch", true},
		{"lock_sha256", true}, {"assets", true},  {NULL, false}};
	const json_t *items = json_object_get(doc->root, "assets");
	uint64_t epoch;

	if (jsonx_check_keys(doc, doc->root, "", keys, err) < 0 ||
	    get_text(doc, doc->root, "", "name", &list->name, err) < 0 ||
	    get_text(doc, doc->root, "", "version", &list->version, err) < 0 ||
	    jsonx_get_uint64(doc, doc->root, "", "source_date_epoch", &epoch, err) < 0 ||
	    get_digest(doc, doc->root, "", "lock_sha256", &list->lock_sha256, err) < 0)
		return -1;
	list->source_date_epoch = (int64_t)epoch;
	if (!json_is_array(items) || json_array_size(items) > MAX_ASSETS)
		return jsonx_error(doc, err, "assets", "must be a list of at most %d items",
				   MAX_ASSETS);
	for (size_t i = 0; i < json_array_size(items); i++) {
		auto_free char *path = jsonx_path_index("assets", i);

		if (parse_asset(doc, json_array_get(items, i), path, list, err) < 0)
			return -1;
	}
	return 0;
}

int
asset_list_parse(const char *name, const char *text, size_t length, struct asset_list *ret_list,
		 struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	AUTO(asset_list_clear) struct asset_list list = ASSET_LIST_INIT;

	if (jsonx_parse(name, text, length, &doc, err) < 0 || parse_document(&doc, &list, err) < 0)
		return -1;
	*ret_list = list;
	list = (struct asset_list)ASSET_LIST_INIT;
	return 0;
}

int
asset_list_load(const char *path, struct asset_list *ret_list, struct error *err)
{
	auto_free char *text = NULL;
	size_t length;

	if (read_file(path, MAX_FILE, &text, &length, err) < 0)
		return -1;
	return asset_list_parse(path, text, length, ret_list, err);
}
