/* SPDX-License-Identifier: MIT */
#include "pack/packlist.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/seen_files.h"
#include "model/arch.h"
#include "pack/tar.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

/*
 * The file:
 *
 *   { "format": 1, "compressor", "source_date_epoch",
 *     "hosts": [ { "host", "legacy_names",
 *       "all_in_one": { "diff_id", "targets": [ ... ] }?,
 *       "members": [ { "target", "size", "sha256", "crc32", "compressed_size", "diff_id",
 *         "tarball": { "size", "sha256" },
 *         "package": { "file", "version", "sha256" } } ] } ] }
 */
enum { FORMAT = 1, MAX_BYTES = 16 << 20 };

/* An object of the document, and where it lies. */
struct place {
	const struct jsonx_doc *doc;
	const json_t *object;
	char *path;
	struct error *err;
};

static void
place_clear(struct place *place)
{
	free(place->path);
}

static int
place_of(const struct jsonx_doc *doc, const json_t *object, char *path,
	 const struct jsonx_key *keys, struct place *ret_place, struct error *err)
{
	*ret_place = (struct place){doc, object, path, err};
	return jsonx_check_keys(doc, object, path, keys, err);
}

static int
get_number(const struct place *place, const char *key, uint64_t most, uint64_t *ret_number)
{
	auto_free char *path = jsonx_path(place->path, key);

	if (jsonx_get_uint64(place->doc, place->object, place->path, key, ret_number, place->err) <
	    0)
		return -1;
	if (*ret_number > most)
		return jsonx_error(place->doc, place->err, path, "is too large");
	return 0;
}

static int
get_digest(const struct place *place, const char *key, struct digest *ret_digest)
{
	auto_free char *path = jsonx_path(place->path, key);
	const char *hex;

	if (jsonx_get_string(place->doc, place->object, place->path, key, &hex, place->err) < 0)
		return -1;
	if (hex == NULL || !digest_parse(hex, ret_digest))
		return jsonx_error(place->doc, place->err, path,
				   "must be a SHA-256: 64 hexadecimal digits");
	return 0;
}

static int
get_text(const struct place *place, const char *key, char **ret_text)
{
	const char *text;

	if (jsonx_get_string(place->doc, place->object, place->path, key, &text, place->err) < 0)
		return -1;
	*ret_text = xstrdup(text != NULL ? text : "");
	return 0;
}

/* A word that becomes part of file names. */
static int
get_word(const struct place *place, const char *key, size_t room, const char **ret_word)
{
	auto_free char *path = jsonx_path(place->path, key);

	if (jsonx_get_string(place->doc, place->object, place->path, key, ret_word, place->err) < 0)
		return -1;
	if (*ret_word == NULL || !name_is_plain(*ret_word) || strlen(*ret_word) >= room)
		return jsonx_error(place->doc, place->err, path, "must be a plain name");
	return 0;
}

static int
read_tarball(const struct place *member, struct written_file *ret_file)
{
	static const struct jsonx_key keys[] = {{"size", true}, {"sha256", true}, {NULL, false}};
	AUTO(place_clear) struct place place = {.path = NULL};

	if (place_of(member->doc, json_object_get(member->object, "tarball"),
		     jsonx_path(member->path, "tarball"), keys, &place, member->err) < 0)
		return -1;
	if (get_number(&place, "size", MEMBER_MAX_SIZE, &ret_file->size) < 0)
		return -1;
	return get_digest(&place, "sha256", &ret_file->sha256);
}

static int
read_package(const struct place *member, struct packlist_member *ret_member)
{
	static const struct jsonx_key keys[] = {
		{"file", true}, {"version", true}, {"sha256", true}, {NULL, false}};
	AUTO(place_clear) struct place place = {.path = NULL};

	if (place_of(member->doc, json_object_get(member->object, "package"),
		     jsonx_path(member->path, "package"), keys, &place, member->err) < 0)
		return -1;
	if (get_text(&place, "file", &ret_member->package) < 0 ||
	    get_text(&place, "version", &ret_member->package_version) < 0)
		return -1;
	return get_digest(&place, "sha256", &ret_member->package_sha256);
}

static int
read_packed(const struct place *place, struct packed_member *ret_packed)
{
	const char *target;
	uint64_t crc32;

	if (get_word(place, "target", TARGET_SIZE, &target) < 0)
		return -1;
	memcpy(ret_packed->target, target, strlen(target) + 1);
	if (get_number(place, "size", MEMBER_MAX_SIZE, &ret_packed->size) < 0 ||
	    get_number(place, "compressed_size", MEMBER_MAX_SIZE, &ret_packed->compressed_size) <
		    0 ||
	    get_number(place, "crc32", UINT32_MAX, &crc32) < 0)
		return -1;
	ret_packed->crc32 = (uint32_t)crc32;
	return get_digest(place, "sha256", &ret_packed->sha256);
}

static int
read_member(const struct jsonx_doc *doc, const json_t *object, char *path,
	    struct packlist_host *host, struct error *err)
{
	static const struct jsonx_key keys[] = {{"target", true},
						{"size", true},
						{"sha256", true},
						{"crc32", true},
						{"compressed_size", true},
						{"diff_id", true},
						{"tarball", true},
						{"package", true},
						{NULL, false}};
	AUTO(place_clear) struct place place = {.path = NULL};
	struct packlist_member *member;

	if (place_of(doc, object, path, keys, &place, err) < 0)
		return -1;
	host->members = xgrow(host->members, host->count, sizeof(*host->members));
	member = &host->members[host->count++];
	if (read_packed(&place, &member->packed) < 0 ||
	    get_digest(&place, "diff_id", &member->diff_id) < 0 ||
	    read_tarball(&place, &member->tarball) < 0 || read_package(&place, member) < 0)
		return -1;
	if (host->count > 1 && strcmp(member[-1].packed.target, member->packed.target) >= 0)
		return jsonx_error(doc, err, path, "is out of order");
	return 0;
}

static int
read_all_in_one(const struct place *host_place, struct packlist_host *host)
{
	static const struct jsonx_key keys[] = {
		{"diff_id", true}, {"targets", true}, {NULL, false}};
	const json_t *object = json_object_get(host_place->object, "all_in_one");
	AUTO(place_clear) struct place place = {.path = NULL};
	json_t *word;
	size_t i;

	if (object == NULL)
		return 0;
	if (place_of(host_place->doc, object, jsonx_path(host_place->path, "all_in_one"), keys,
		     &place, host_place->err) < 0)
		return -1;
	json_array_foreach (json_object_get(object, "targets"), i, word) {
		if (!json_is_string(word))
			return jsonx_error(place.doc, place.err, place.path,
					   "\"targets\" must be strings");
		packlist_add_all_in_one(host, json_string_value(word));
	}
	return get_digest(&place, "diff_id", &host->all_in_one_diff_id);
}

static int
read_host(const struct jsonx_doc *doc, const json_t *object, char *path, struct packlist *packlist,
	  struct error *err)
{
	static const struct jsonx_key keys[] = {{"host", true},
						{"legacy_names", true},
						{"all_in_one", false},
						{"members", true},
						{NULL, false}};
	AUTO(place_clear) struct place place = {.path = NULL};
	struct packlist_host *host;
	const char *name;
	json_t *member;
	size_t i;

	if (place_of(doc, object, path, keys, &place, err) < 0 ||
	    get_word(&place, "host", TARGET_SIZE, &name) < 0)
		return -1;
	if (packlist_find_host(packlist, name) != NULL)
		return jsonx_error(doc, err, path, "is a duplicate");
	host = packlist_add_host(packlist, name);
	if (jsonx_get_bool(doc, object, path, "legacy_names", &host->legacy_names, err) < 0 ||
	    read_all_in_one(&place, host) < 0)
		return -1;
	json_array_foreach (json_object_get(object, "members"), i, member) {
		auto_free char *list = jsonx_path(path, "members");

		if (read_member(doc, member, jsonx_path_index(list, i), host, err) < 0)
			return -1;
	}
	return 0;
}

static int
read_document(const struct jsonx_doc *doc, struct packlist *packlist, struct error *err)
{
	static const struct jsonx_key keys[] = {{"format", true},
						{"compressor", true},
						{"source_date_epoch", true},
						{"hosts", true},
						{NULL, false}};
	AUTO(place_clear) struct place place = {.path = NULL};
	uint64_t format, epoch;
	json_t *host;
	size_t i;

	if (place_of(doc, doc->root, xstrdup(""), keys, &place, err) < 0 ||
	    get_number(&place, "format", UINT32_MAX, &format) < 0)
		return -1;
	if (format != FORMAT)
		return jsonx_error(doc, err, "format", "is %u, expected %d", (unsigned int)format,
				   FORMAT);
	if (get_text(&place, "compressor", &packlist->compressor) < 0 ||
	    get_number(&place, "source_date_epoch", (uint64_t)TAR_MAX_MTIME, &epoch) < 0)
		return -1;
	packlist->source_date_epoch = (int64_t)epoch;
	json_array_foreach (json_object_get(doc->root, "hosts"), i, host)
		if (read_host(doc, host, jsonx_path_index("hosts", i), packlist, err) < 0)
			return -1;
	return 0;
}

static int
read_and_hand_over(const struct jsonx_doc *doc, struct packlist *ret_manifest, struct error *err)
{
	AUTO(packlist_clear) struct packlist packlist = PACKLIST_INIT;

	if (read_document(doc, &packlist, err) < 0)
		return -1;
	*ret_manifest = packlist;
	packlist = (struct packlist)PACKLIST_INIT;
	return 0;
}

int
packlist_parse(const char *name, const char *text, size_t length, struct packlist *ret_manifest,
	       struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;

	if (jsonx_parse(name, text, length, &doc, err) < 0)
		return -1;
	return read_and_hand_over(&doc, ret_manifest, err);
}

int
packlist_load_seen(struct seen_files *seen, const char *path, struct packlist *ret_manifest,
		   struct error *err)
{
	auto_free char *text = NULL;
	size_t length;

	if (seen_read(seen, path, MAX_BYTES, &text, &length, err) < 0)
		return -1;
	return packlist_parse(path, text, length, ret_manifest, err);
}

int
packlist_load(const char *path, struct packlist *ret_manifest, struct error *err)
{
	return packlist_load_seen(NULL, path, ret_manifest, err);
}

static json_t *
hex_json(const struct digest *digest)
{
	char hex[DIGEST_HEX_SIZE];

	return jsonx_text(digest_hex(digest, hex));
}

static json_t *
member_json(const struct packlist_member *member)
{
	const struct packed_member *packed = &member->packed;
	json_t *object = jsonx_pack(
		"{s:s, s:I, s:o, s:I, s:I, s:o, s:{s:I, s:o}, s:{s:s, s:s, s:o}}", "target",
		packed->target, "size", (json_int_t)packed->size, "sha256",
		hex_json(&packed->sha256), "crc32", (json_int_t)packed->crc32, "compressed_size",
		(json_int_t)packed->compressed_size, "diff_id", hex_json(&member->diff_id),
		"tarball", "size", (json_int_t)member->tarball.size, "sha256",
		hex_json(&member->tarball.sha256), "package", "file", member->package, "version",
		member->package_version, "sha256", hex_json(&member->package_sha256));

	assert(object != NULL); /* names and versions have been read from JSON or are plain */
	return object;
}

static json_t *
host_json(const struct packlist_host *host)
{
	json_t *members = json_array(), *object;

	for (size_t i = 0; i < host->count; i++)
		jsonx_append(members, member_json(&host->members[i]));
	object = jsonx_pack("{s:s, s:b}", "host", host->name, "legacy_names",
			    (int)host->legacy_names);
	if (!digest_is_zero(&host->all_in_one_diff_id)) {
		json_t *targets = json_array();

		for (size_t i = 0; i < host->all_in_one_count; i++)
			jsonx_append(targets, jsonx_text(host->all_in_one_targets[i]));
		jsonx_set(object, "all_in_one",
			  jsonx_pack("{s:o, s:o}", "diff_id", hex_json(&host->all_in_one_diff_id),
				     "targets", targets));
	}
	jsonx_set(object, "members", members);
	return object;
}

char *
packlist_format(const struct packlist *packlist)
{
	json_t *hosts = json_array(), *root;
	char *text;

	for (size_t i = 0; i < packlist->count; i++)
		jsonx_append(hosts, host_json(&packlist->hosts[i]));
	root = jsonx_pack("{s:i, s:s, s:I, s:o}", "format", FORMAT, "compressor",
			  packlist->compressor, "source_date_epoch",
			  (json_int_t)packlist->source_date_epoch, "hosts", hosts);
	assert(root != NULL);
	text = jsonx_pretty(root);
	json_decref(root);
	return text;
}
