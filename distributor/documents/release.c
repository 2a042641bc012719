/* SPDX-License-Identifier: MIT */
#include "distributor/documents/release.h"

#include "base/alloc.h"
#include "base/jsonx.h"
#include "distributor/documents/release_internal.h"

#include <jansson.h>
#include <string.h>
#include <time.h>

char *
release_file_name(const char *name, const char *version, const char *kind)
{
	return xasprintf("%s-%s.%s.json", name, version, kind);
}

char *
release_time(int64_t time_sec, char text[RELEASE_TIME_SIZE])
{
	time_t seconds = (time_t)time_sec;
	struct tm utc;

	(void)gmtime_r(&seconds, &utc);
	(void)strftime(text, RELEASE_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc);
	return text;
}

const struct package *
release_find_package(const struct release *release, const struct asset *asset)
{
	for (size_t i = 0; i < release->packages->count; i++)
		if (digest_equal(&release->packages->items[i].sha256, &asset->package_sha256))
			return &release->packages->items[i];
	return NULL;
}

char *
release_text(json_t *root)
{
	char *text = jsonx_pretty(root);

	json_decref(root);
	return text;
}

char *
release_asset_url(const struct release *release, const char *name)
{
	if (release->repository == NULL)
		return NULL;
	return xasprintf("%s/releases/download/%s/%s", release->repository, release->tag, name);
}

static json_t *
file_and_digest(const char *file, const struct digest *digest)
{
	char hex[DIGEST_HEX_SIZE];

	return jsonx_pack("{s:s, s:s}", "file", file, "sha256", digest_hex(digest, hex));
}

static json_t *
asset_claims(const struct release *release)
{
	json_t *list = json_array();
	char hex[DIGEST_HEX_SIZE];

	for (size_t i = 0; i < release->assets->count; i++) {
		const struct asset *asset = &release->assets->items[i];

		jsonx_append(list, jsonx_pack("{s:s, s:I, s:s, s:s, s:s, s:s}", "name", asset->name,
					      "size", (json_int_t)asset->size, "sha256",
					      digest_hex(&asset->sha256, hex), "kind",
					      asset_kind_name(asset->kind), "from", asset->host,
					      "to", asset->target));
	}
	return list;
}

static json_t *
document_claims(const struct sums *documents, const uint64_t *sizes)
{
	json_t *list = json_array();
	char hex[DIGEST_HEX_SIZE];

	for (size_t i = 0; i < documents->count; i++)
		jsonx_append(list, jsonx_pack("{s:s, s:I, s:s}", "name", documents->entries[i].name,
					      "size", (json_int_t)sizes[i], "sha256",
					      digest_hex(&documents->entries[i].sha256, hex)));
	return list;
}

/* Where the images are, and what each tag is: a pull by digest needs no verifier of images. */
static json_t *
image_claims(const struct release *release)
{
	json_t *repositories = json_array(), *tags = json_array();
	char hex[DIGEST_HEX_SIZE];

	for (size_t i = 0; i < release->repository_count; i++)
		jsonx_append(repositories, jsonx_text(release->repositories[i]));
	for (size_t i = 0; i < release->image_count; i++) {
		auto_free char *digest =
			xasprintf("sha256:%s", digest_hex(&release->images[i].digest, hex));

		jsonx_append(tags, jsonx_pack("{s:s, s:s}", "tag", release->images[i].tag, "digest",
					      digest));
	}
	return jsonx_pack("{s:o, s:o}", "repositories", repositories, "tags", tags);
}

static json_t *
tool_claim(const struct tool *tool)
{
	json_t *object =
		jsonx_pack("{s:s, s:s?}", "version", tool->version, "commit", tool->commit);

	if (tool->modified)
		jsonx_set(object, "modified", json_true());
	return object;
}

char *
release_json(const struct release *release, const struct sums *documents, const uint64_t *sizes)
{
	return release_text(jsonx_pack(
		"{s:i, s:s, s:s, s:s, s:s?, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "format",
		RELEASE_FORMAT, "name", release->name, "version", release->version, "tag",
		release->tag, "commit", release->commit, "serial", (json_int_t)release->serial,
		"source_date_epoch", (json_int_t)release->source_date_epoch, "tool",
		tool_claim(release->tool), "matrix",
		file_and_digest(release->matrix_file, &release->matrix_sha256), "lock",
		file_and_digest(release->lock_file, &release->lock_sha256), "assets",
		asset_claims(release), "documents", document_claims(documents, sizes), "images",
		image_claims(release)));
}

void
release_claim_clear(struct release_claim *claim)
{
	free(claim->name);
	free(claim->version);
	free(claim->tag);
	free(claim->commit);
	free(claim->tool);
	free(claim->sizes);
	sums_clear(&claim->files);
	*claim = (struct release_claim)RELEASE_CLAIM_INIT;
}

static int
parse_file(const struct jsonx_doc *doc, const json_t *item, const char *path,
	   struct release_claim *claim, struct error *err)
{
	auto_free char *where = jsonx_path(path, "sha256");
	const char *name, *hex;
	struct digest digest;
	uint64_t size;

	if (!json_is_object(item))
		return jsonx_error(doc, err, path, "must be an object");
	if (jsonx_get_string(doc, item, path, "name", &name, err) < 0 ||
	    jsonx_get_string(doc, item, path, "sha256", &hex, err) < 0 ||
	    jsonx_get_uint64(doc, item, path, "size", &size, err) < 0)
		return -1;
	if (name == NULL || hex == NULL || !digest_parse(hex, &digest))
		return jsonx_error(doc, err, where, "missing name or digest");
	if (json_object_get(item, "size") == NULL)
		return jsonx_error(doc, err, path, "missing size");
	if (sums_find(&claim->files, name) != NULL)
		return jsonx_error(doc, err, path, "'%s' is listed twice", name);
	claim->sizes = xgrow(claim->sizes, claim->files.count, sizeof(*claim->sizes));
	claim->sizes[claim->files.count] = size;
	if (sums_add(&claim->files, name, &digest, err) < 0)
		return error_prefix(err, "%s: %s", doc->name, path);
	return 0;
}

static int
parse_files(const struct jsonx_doc *doc, const char *key, struct release_claim *claim,
	    struct error *err)
{
	const json_t *list = json_object_get(doc->root, key);

	if (!json_is_array(list))
		return jsonx_error(doc, err, key, "must be an array");
	for (size_t i = 0; i < json_array_size(list); i++) {
		auto_free char *path = jsonx_path_index(key, i);

		if (parse_file(doc, json_array_get(list, i), path, claim, err) < 0)
			return -1;
	}
	return 0;
}

static int
read_tool(const struct jsonx_doc *doc, struct tool *ret_tool, struct error *err)
{
	const json_t *object = json_object_get(doc->root, "tool");

	if (object == NULL)
		return 0;
	if (!json_is_object(object))
		return jsonx_error(doc, err, "tool", "must be an object");
	if (jsonx_get_string(doc, object, "tool", "version", &ret_tool->version, err) < 0 ||
	    jsonx_get_bool(doc, object, "tool", "modified", &ret_tool->modified, err) < 0)
		return -1;
	if (ret_tool->version == NULL)
		return jsonx_error(doc, err, "tool.version", "is missing");
	/* null when it was not built in a repository */
	ret_tool->commit = json_string_value(json_object_get(object, "commit"));
	return 0;
}

int
release_read_maker(const struct jsonx_doc *doc, uint64_t *ret_format, struct tool *ret_tool,
		   struct error *err)
{
	struct tool tool = {.version = NULL};
	uint64_t format;

	if (jsonx_get_uint64(doc, doc->root, "", "format", &format, err) < 0)
		return -1;
	if (format == 0
		    ? jsonx_get_string(doc, doc->root, "", "distributor", &tool.version, err) < 0
		    : read_tool(doc, &tool, err) < 0)
		return -1;
	*ret_format = format;
	*ret_tool = tool;
	return 0;
}

int
release_claim_parse(const char *text, size_t length, struct release_claim *ret_claim,
		    const char *name, struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	AUTO(release_claim_clear) struct release_claim claim = RELEASE_CLAIM_INIT;
	const char *release_name, *version, *tag, *commit = NULL;
	json_t *commit_value;
	struct tool tool;

	if (jsonx_parse(name, text, length, &doc, err) < 0)
		return -1;
	if (!json_is_object(doc.root))
		return jsonx_error(&doc, err, "", "must be an object");
	if (jsonx_get_string(&doc, doc.root, "", "name", &release_name, err) < 0 ||
	    jsonx_get_string(&doc, doc.root, "", "version", &version, err) < 0 ||
	    jsonx_get_string(&doc, doc.root, "", "tag", &tag, err) < 0 ||
	    release_read_maker(&doc, &claim.format, &tool, err) < 0)
		return -1;
	commit_value = json_object_get(doc.root, "commit");
	if (json_is_string(commit_value))
		commit = json_string_value(commit_value);
	if (release_name == NULL || version == NULL || tag == NULL)
		return jsonx_error(&doc, err, "", "missing name, version or tag");
	claim.name = xstrdup(release_name);
	claim.version = xstrdup(version);
	claim.tag = xstrdup(tag);
	claim.commit = commit != NULL ? xstrdup(commit) : NULL;
	claim.tool = tool.version != NULL ? tool_text(&tool) : NULL;
	if (parse_files(&doc, "assets", &claim, err) < 0 ||
	    parse_files(&doc, "documents", &claim, err) < 0)
		return -1;
	*ret_claim = claim;
	claim = (struct release_claim)RELEASE_CLAIM_INIT;
	return 0;
}
