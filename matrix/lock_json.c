/* SPDX-License-Identifier: MIT */
#include "matrix/lock.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/jsonx.h"
#include "base/strbuf.h"
#include "model/qemu_version.h"

#include <assert.h>
#include <jansson.h>
#include <string.h>

/*
 * The file:
 *
 *   { "format": 1, "name", "version", "serial", "source_date_epoch", "downgrade_reason"?,
 *     "packages": [ { "host", "source", "type", "name", "version", "arch", "file", "size",
 *       "sha256", "qemu_version", "urls"?, "suite"?, "pool_path"?, "header_sha256"?, "signer"?,
 *       "signed"?, "source_package"?, "license"?, "built_using"?,
 *       "members": [ { "target", "path", "size", "sha256" } ] } ] }
 *
 * "signed" is in seconds. Unknown keys are refused: a lock is read by the program that wrote it.
 */
enum { FORMAT = 1, MAX_LOCK_BYTES = 32 << 20 };

struct reader {
	const struct jsonx_doc *doc;
	struct error *err;
};

static int
read_text(const struct reader *reader, const json_t *object, const char *path, const char *key,
	  bool required, char **ret_text)
{
	const char *text;

	if (jsonx_get_string(reader->doc, object, path, key, &text, reader->err) < 0)
		return -1;
	if (required && (text == NULL || *text == '\0'))
		return jsonx_error(reader->doc, reader->err, path, "\"%s\" is missing or empty",
				   key);
	*ret_text = text != NULL ? xstrdup(text) : NULL;
	return 0;
}

static int
read_digest(const struct reader *reader, const json_t *object, const char *path, const char *key,
	    bool required, struct digest *ret_digest)
{
	auto_free char *where = jsonx_path(path, key);
	const char *hex;

	if (jsonx_get_string(reader->doc, object, path, key, &hex, reader->err) < 0)
		return -1;
	if (hex == NULL && !required)
		return 0;
	if (hex == NULL || !digest_parse(hex, ret_digest))
		return jsonx_error(reader->doc, reader->err, where,
				   "must be a SHA-256: 64 hexadecimal digits");
	return 0;
}

static int
read_strings(const struct reader *reader, const json_t *object, const char *path, const char *key,
	     struct package *package, void (*add)(struct package *, const char *))
{
	auto_free char *where = jsonx_path(path, key);
	const json_t *array = json_object_get(object, key);
	json_t *word;
	size_t i;

	if (array != NULL && !json_is_array(array))
		return jsonx_error(reader->doc, reader->err, where, "must be an array of strings");
	json_array_foreach (array, i, word) {
		if (!json_is_string(word))
			return jsonx_error(reader->doc, reader->err, where,
					   "must be an array of strings");
		add(package, json_string_value(word));
	}
	return 0;
}

static int
check_member_path(const struct reader *reader, const char *path, const struct member *member)
{
	auto_free char *plain = xasprintf("usr/bin/qemu-%s", member->target);
	auto_free char *suffixed = xasprintf("%s-static", plain);

	if (strcmp(member->path, plain) != 0 && strcmp(member->path, suffixed) != 0)
		return jsonx_error(reader->doc, reader->err, path,
				   "\"path\" is '%s', expected '%s'", member->path, suffixed);
	return 0;
}

static int
read_member(const struct reader *reader, const json_t *object, const char *path,
	    struct package *package)
{
	static const struct jsonx_key keys[] = {
		{"target", true}, {"path", true}, {"size", true}, {"sha256", true}, {NULL, false}};
	auto_free char *target = NULL;
	auto_free char *file = NULL;
	struct member *member;

	if (jsonx_check_keys(reader->doc, object, path, keys, reader->err) < 0 ||
	    read_text(reader, object, path, "target", true, &target) < 0 ||
	    read_text(reader, object, path, "path", true, &file) < 0)
		return -1;
	if (!name_is_plain(target))
		return jsonx_error(reader->doc, reader->err, path,
				   "\"target\" is not a plain name");
	member = package_add_member(package, target, file);
	if (jsonx_get_uint64(reader->doc, object, path, "size", &member->size, reader->err) < 0 ||
	    read_digest(reader, object, path, "sha256", true, &member->sha256) < 0)
		return -1;
	return check_member_path(reader, path, member);
}

static int
read_members(const struct reader *reader, const json_t *object, const char *path,
	     struct package *package)
{
	auto_free char *where = jsonx_path(path, "members");
	const json_t *array = json_object_get(object, "members");
	json_t *value;
	size_t i;

	if (!json_is_array(array))
		return jsonx_error(reader->doc, reader->err, where, "must be an array");
	json_array_foreach (array, i, value) {
		auto_free char *place = jsonx_path_index(where, i);

		if (read_member(reader, value, place, package) < 0)
			return -1;
	}
	package_sort_members(package);
	return 0;
}

/* Older programs have written "0:" where an RPM has this epoch, and candidates as they say. */
static void
normalise_version(struct package *package)
{
	const char *plain = package_plain_evr(package->version);
	char *qemu_version = qemu_version_plain(package->qemu_version);

	free(package->qemu_version);
	package->qemu_version = qemu_version;
	if (plain != package->version &&
	    (package->type == SOURCE_FEDORA || text_ends_with(package->file, ".rpm")))
		memmove(package->version, plain, strlen(plain) + 1);
}

static int
read_identity(const struct reader *reader, const json_t *object, const char *path,
	      struct package *package)
{
	auto_free char *type = NULL;

	if (read_text(reader, object, path, "type", true, &type) < 0 ||
	    read_text(reader, object, path, "host", true, &package->host) < 0 ||
	    read_text(reader, object, path, "source", true, &package->source) < 0 ||
	    read_text(reader, object, path, "name", true, &package->name) < 0 ||
	    read_text(reader, object, path, "version", true, &package->version) < 0 ||
	    read_text(reader, object, path, "arch", true, &package->arch) < 0 ||
	    read_text(reader, object, path, "file", true, &package->file) < 0 ||
	    read_text(reader, object, path, "qemu_version", true, &package->qemu_version) < 0)
		return -1;
	if (!source_type_parse(type, &package->type))
		return jsonx_error(reader->doc, reader->err, path, "unknown \"type\" '%s'", type);
	if (arch_find(package->host) == NULL)
		return jsonx_error(reader->doc, reader->err, path, "unknown \"host\" '%s'",
				   package->host);
	if (strchr(package->file, '/') != NULL || package->file[0] == '.')
		return jsonx_error(reader->doc, reader->err, path,
				   "\"file\" is not a plain file name");
	normalise_version(package);
	return 0;
}

static int
read_origin(const struct reader *reader, const json_t *object, const char *path,
	    struct package *package)
{
	uint64_t signed_sec;

	if (read_text(reader, object, path, "suite", false, &package->suite) < 0 ||
	    read_text(reader, object, path, "pool_path", false, &package->pool_path) < 0 ||
	    read_text(reader, object, path, "signer", false, &package->signer) < 0 ||
	    read_text(reader, object, path, "source_package", false, &package->source_package) <
		    0 ||
	    read_text(reader, object, path, "license", false, &package->license) < 0 ||
	    read_digest(reader, object, path, "header_sha256", false, &package->header_sha256) <
		    0 ||
	    jsonx_get_uint64(reader->doc, object, path, "signed", &signed_sec, reader->err) < 0 ||
	    read_strings(reader, object, path, "urls", package, package_add_url) < 0 ||
	    read_strings(reader, object, path, "built_using", package, package_add_built_using) < 0)
		return -1;
	package->signed_sec = (int64_t)signed_sec;
	if (package->pool_path != NULL &&
	    (package->pool_path[0] == '/' || strstr(package->pool_path, "..") != NULL))
		return jsonx_error(reader->doc, reader->err, path,
				   "\"pool_path\" points outside the mirror's directory");
	return 0;
}

static int
read_package(const struct reader *reader, const json_t *object, const char *path,
	     struct package *package)
{
	static const struct jsonx_key keys[] = {{"host", true},
						{"source", true},
						{"type", true},
						{"name", true},
						{"version", true},
						{"arch", true},
						{"file", true},
						{"size", true},
						{"sha256", true},
						{"qemu_version", true},
						{"urls", false},
						{"suite", false},
						{"pool_path", false},
						{"header_sha256", false},
						{"signer", false},
						{"signed", false},
						{"source_package", false},
						{"license", false},
						{"built_using", false},
						{"members", true},
						{NULL, false}};

	if (jsonx_check_keys(reader->doc, object, path, keys, reader->err) < 0 ||
	    read_identity(reader, object, path, package) < 0 ||
	    jsonx_get_uint64(reader->doc, object, path, "size", &package->size, reader->err) < 0 ||
	    read_digest(reader, object, path, "sha256", true, &package->sha256) < 0 ||
	    read_origin(reader, object, path, package) < 0)
		return -1;
	return read_members(reader, object, path, package);
}

static int
check_pairs_unique(const struct reader *reader, const struct lock *lock)
{
	for (size_t i = 0; i < lock->packages.count; i++) {
		const struct package *package = &lock->packages.items[i];

		for (size_t j = 0; j < package->member_count; j++) {
			const struct package *holder = NULL;
			const char *target = package->members[j].target;

			(void)lock_find_member(lock, package->host, target, &holder);
			if (holder != package ||
			    (j > 0 && strcmp(package->members[j - 1].target, target) == 0))
				return jsonx_error(reader->doc, reader->err, "packages",
						   "duplicate binary for %s on %s", target,
						   package->host);
		}
	}
	return 0;
}

static int
read_lock(const struct reader *reader, struct lock *lock)
{
	static const struct jsonx_key keys[] = {{"format", true},
						{"name", true},
						{"version", true},
						{"serial", true},
						{"source_date_epoch", true},
						{"packages", true},
						{"downgrade_reason", false},
						{NULL, false}};
	const json_t *root = reader->doc->root, *array;
	uint64_t format, epoch;
	json_t *value;
	size_t i;

	if (json_object_get(root, "hosts") != NULL)
		return error_set(reader->err, ERR_INPUT, "'%s' is a matrix, not a lock",
				 reader->doc->name);
	if (jsonx_check_keys(reader->doc, root, "", keys, reader->err) < 0 ||
	    jsonx_get_uint64(reader->doc, root, "", "format", &format, reader->err) < 0)
		return -1;
	if (format != FORMAT)
		return jsonx_error(reader->doc, reader->err, "format",
				   "format not supported, expected %d", FORMAT);
	if (read_text(reader, root, "", "name", true, &lock->name) < 0 ||
	    read_text(reader, root, "", "version", true, &lock->version) < 0 ||
	    read_text(reader, root, "", "downgrade_reason", false, &lock->downgrade_reason) < 0 ||
	    jsonx_get_uint64(reader->doc, root, "", "serial", &lock->serial, reader->err) < 0 ||
	    jsonx_get_uint64(reader->doc, root, "", "source_date_epoch", &epoch, reader->err) < 0)
		return -1;
	lock->source_date_epoch = (int64_t)epoch;
	array = json_object_get(root, "packages");
	if (!json_is_array(array))
		return jsonx_error(reader->doc, reader->err, "packages", "must be an array");
	json_array_foreach (array, i, value) {
		auto_free char *path = jsonx_path_index("packages", i);

		if (read_package(reader, value, path, package_list_add(&lock->packages)) < 0)
			return -1;
	}
	package_list_sort(&lock->packages);
	return check_pairs_unique(reader, lock);
}

int
lock_parse(const char *name, const char *text, size_t length, struct lock *ret_lock,
	   struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	AUTO(lock_clear) struct lock lock = LOCK_INIT;
	struct reader reader = {&doc, err};

	if (jsonx_parse(name, text, length, &doc, err) < 0 || read_lock(&reader, &lock) < 0)
		return -1;
	digest_of(text, length, &lock.digest);
	*ret_lock = lock;
	lock = (struct lock)LOCK_INIT;
	return 0;
}

int
lock_read(const char *path, const char *command, char **ret_text, size_t *ret_length,
	  struct error *err)
{
	if (read_file(path, MAX_LOCK_BYTES, ret_text, ret_length, err) < 0) {
		if (err->code == ERR_NOT_FOUND)
			return error_set(err, ERR_NOT_FOUND,
					 "lock '%s' not found; run '%s' to create it", path,
					 command);
		return -1;
	}
	return 0;
}

int
lock_load(const char *path, const char *command, struct lock *ret_lock, struct error *err)
{
	auto_free char *text = NULL;
	size_t length;

	if (lock_read(path, command, &text, &length, err) < 0)
		return -1;
	return lock_parse(path, text, length, ret_lock, err);
}

static void
set_text(json_t *object, const char *key, const char *text)
{
	if (text != NULL)
		jsonx_set(object, key, jsonx_text(text));
}

static void
set_digest(json_t *object, const char *key, const struct digest *digest)
{
	char hex[DIGEST_HEX_SIZE];

	if (!digest_is_zero(digest))
		set_text(object, key, digest_hex(digest, hex));
}

static void
set_number(json_t *object, const char *key, uint64_t number)
{
	jsonx_set(object, key, json_integer((json_int_t)number));
}

static void
set_strings(json_t *object, const char *key, char *const *strings, size_t count)
{
	json_t *array;

	if (count == 0)
		return;
	array = json_array();
	for (size_t i = 0; i < count; i++)
		jsonx_append(array, jsonx_text(strings[i]));
	jsonx_set(object, key, array);
}

static json_t *
format_member(const struct member *member)
{
	json_t *object = json_object();

	set_text(object, "target", member->target);
	set_text(object, "path", member->path);
	set_number(object, "size", member->size);
	set_digest(object, "sha256", &member->sha256);
	return object;
}

static json_t *
format_package(const struct package *package)
{
	json_t *object = json_object(), *members = json_array();

	set_text(object, "host", package->host);
	set_text(object, "source", package->source);
	set_text(object, "type", source_type_name(package->type));
	set_text(object, "name", package->name);
	set_text(object, "version", package->version);
	set_text(object, "arch", package->arch);
	set_text(object, "file", package->file);
	set_number(object, "size", package->size);
	set_digest(object, "sha256", &package->sha256);
	set_text(object, "qemu_version", package->qemu_version);
	set_strings(object, "urls", package->urls, package->url_count);
	set_text(object, "suite", package->suite);
	set_text(object, "pool_path", package->pool_path);
	set_digest(object, "header_sha256", &package->header_sha256);
	set_text(object, "signer", package->signer);
	if (package->signed_sec != 0)
		set_number(object, "signed", (uint64_t)package->signed_sec);
	set_text(object, "source_package", package->source_package);
	set_text(object, "license", package->license);
	set_strings(object, "built_using", package->built_using, package->built_using_count);
	for (size_t i = 0; i < package->member_count; i++)
		jsonx_append(members, format_member(&package->members[i]));
	jsonx_set(object, "members", members);
	return object;
}

char *
lock_format(struct lock *lock)
{
	json_t *root = json_object(), *packages = json_array();
	char *text;

	package_list_sort(&lock->packages);
	set_number(root, "format", FORMAT);
	set_text(root, "name", lock->name);
	set_text(root, "version", lock->version);
	set_number(root, "serial", lock->serial);
	set_number(root, "source_date_epoch", (uint64_t)lock->source_date_epoch);
	set_text(root, "downgrade_reason", lock->downgrade_reason);
	for (size_t i = 0; i < lock->packages.count; i++) {
		package_sort_members(&lock->packages.items[i]);
		jsonx_append(packages, format_package(&lock->packages.items[i]));
	}
	jsonx_set(root, "packages", packages);
	text = jsonx_pretty(root);
	json_decref(root);
	return text;
}
