/* SPDX-License-Identifier: MIT */
#include "distributor/verify/release_json.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "distributor/documents/release.h"
#include "images/oci.h"
#include "sign/check/sums.h"

#include <jansson.h>
#include <string.h>

void
release_origin_clear(struct release_origin *origin)
{
	jsonx_clear(&origin->doc);
	free(origin->repositories);
	*origin = (struct release_origin)RELEASE_ORIGIN_INIT;
}

static int
required(const struct jsonx_doc *doc, const char *key, const char **ret_text, struct error *err)
{
	if (jsonx_get_string(doc, doc->root, "", key, ret_text, err) < 0)
		return -1;
	return *ret_text != NULL ? 0 : jsonx_error(doc, err, key, "is missing");
}

/* {"file": ..., "sha256": ...} */
static int
read_input(const struct jsonx_doc *doc, const char *key, const char **ret_file,
	   struct digest *ret_sha256, struct error *err)
{
	const json_t *object = json_object_get(doc->root, key);
	const char *hex;

	if (!json_is_object(object))
		return jsonx_error(doc, err, key, "must be an object");
	if (jsonx_get_string(doc, object, key, "file", ret_file, err) < 0 ||
	    jsonx_get_string(doc, object, key, "sha256", &hex, err) < 0)
		return -1;
	if (*ret_file == NULL || hex == NULL || !digest_parse(hex, ret_sha256))
		return jsonx_error(doc, err, key, "must have a file and its sha256");
	/* It becomes a path, of the repository or of a directory. */
	if ((*ret_file)[0] == '/' || strstr(*ret_file, "..") != NULL || **ret_file == '\0')
		return jsonx_error(doc, err, key, "'%s' is not a path inside a repository",
				   *ret_file);
	return 0;
}

static const json_t *
image_list(const struct release_origin *origin, const char *key)
{
	return json_object_get(json_object_get(origin->doc.root, "images"), key);
}

static int
read_repositories(struct release_origin *origin, struct error *err)
{
	const json_t *list = image_list(origin, "repositories");

	origin->has_images = json_array_size(image_list(origin, "tags")) != 0;
	origin->repositories = xcalloc(json_array_size(list) + 1, sizeof(*origin->repositories));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *name = json_string_value(json_array_get(list, i));

		if (name == NULL)
			return jsonx_error(&origin->doc, err, "images",
					   "has an invalid repository");
		origin->repositories[origin->repository_count++] = name;
	}
	return 0;
}

int
release_origin_image(const struct release_origin *origin, size_t index, const char **ret_tag,
		     struct digest *ret_digest, struct error *err)
{
	const json_t *list = image_list(origin, "tags"), *item = json_array_get(list, index);
	const char *digest = json_string_value(json_object_get(item, "digest"));

	if (index >= json_array_size(list))
		return 0;
	*ret_tag = json_string_value(json_object_get(item, "tag"));
	if (*ret_tag == NULL || digest == NULL || !oci_digest_parse(digest, ret_digest))
		return jsonx_error(&origin->doc, err, "images", "has an invalid tag or digest");
	return 1;
}

static int
parse(struct release_origin *origin, struct error *err)
{
	const struct jsonx_doc *doc = &origin->doc;
	uint64_t epoch;

	if (!json_is_object(doc->root))
		return jsonx_error(doc, err, "", "must be an object");
	if (required(doc, "name", &origin->name, err) < 0 ||
	    required(doc, "version", &origin->version, err) < 0 ||
	    required(doc, "tag", &origin->tag, err) < 0 ||
	    release_read_maker(doc, &origin->format, &origin->tool, err) < 0 ||
	    read_input(doc, "matrix", &origin->matrix_file, &origin->matrix_sha256, err) < 0 ||
	    read_input(doc, "lock", &origin->lock_file, &origin->lock_sha256, err) < 0 ||
	    jsonx_get_uint64(doc, doc->root, "", "source_date_epoch", &epoch, err) < 0)
		return -1;
	if (origin->tool.version == NULL)
		return jsonx_error(doc, err, origin->format == 0 ? "distributor" : "tool",
				   "is missing");
	/* null when it was made outside of a repository */
	origin->commit = json_string_value(json_object_get(doc->root, "commit"));
	if (epoch > INT64_MAX)
		return jsonx_error(doc, err, "source_date_epoch", "is out of range");
	origin->source_date_epoch = (int64_t)epoch;
	return read_repositories(origin, err);
}

static const struct sums_entry *
find_entry(const struct sums *sums)
{
	for (size_t i = 0; i < sums->count; i++)
		if (text_ends_with(sums->entries[i].name, ".release.json"))
			return &sums->entries[i];
	return NULL;
}

int
release_origin_read(const struct verify_files *files, struct release_origin *ret_origin,
		    struct error *err)
{
	AUTO(release_origin_clear) struct release_origin origin = RELEASE_ORIGIN_INIT;
	AUTO(sums_clear) struct sums sums = SUMS_INIT;
	auto_free char *list = NULL, *text = NULL;
	const struct sums_entry *entry;
	struct digest seen;
	size_t length;

	if (files->read(files->context, SUMS_NAME, SUMS_MAX_TEXT, &list, &length, err) < 0 ||
	    sums_parse(list, length, &sums, SUMS_NAME, err) < 0)
		return -1;
	entry = find_entry(&sums);
	if (entry == NULL)
		return error_set(err, ERR_INPUT, "%s does not list a release.json", SUMS_NAME);
	if (files->read(files->context, entry->name, RELEASE_MAX_TEXT, &text, &length, err) < 0)
		return -1;
	digest_of(text, length, &seen);
	if (!digest_equal(&seen, &entry->sha256))
		return error_set(err, ERR_VERIFY, "'%s' does not match %s", entry->name, SUMS_NAME);
	if (jsonx_parse(entry->name, text, length, &origin.doc, err) < 0 || parse(&origin, err) < 0)
		return -1;
	*ret_origin = origin;
	origin = (struct release_origin)RELEASE_ORIGIN_INIT;
	return 0;
}
