/* SPDX-License-Identifier: MIT */
#include "matrix/reader.h"

#include "base/file.h"
#include "base/strbuf.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

/* The keys that each type of source knows; the first is checked before the others make sense. */
static const struct jsonx_key fedora_keys[] = {
	{"type", true},          {"release", true}, {"package", false},
	{"evr", false},          {"keys", true},    {"key_files", false},
	{"repositories", false}, {"koji", false},   {NULL, false}};
static const struct jsonx_key apt_keys[] = {
	{"type", true},  {"suite", true}, {"package", false},       {"keyring", false},
	{"keys", false}, {"urls", false}, {"allow_expired", false}, {NULL, false}};
static const struct jsonx_key directory_keys[] = {
	{"type", true}, {"path", true}, {"keys", false}, {"key_files", false}, {NULL, false}};

static const struct jsonx_key *const keys_of_type[] = {fedora_keys, apt_keys, directory_keys};

static int
read_type(const struct jsonx_doc *doc, const struct json_t *object, const char *path,
	  enum source_type *ret_type, struct error *err)
{
	auto_free char *where = jsonx_path(path, "type");
	const char *type;

	if (!json_is_object(object))
		return jsonx_error(doc, err, path, "must be an object");
	if (jsonx_get_string(doc, object, path, "type", &type, err) < 0)
		return -1;
	if (type == NULL)
		return jsonx_error(doc, err, path, "missing key \"type\"");
	if (!source_type_parse(type, ret_type))
		return jsonx_error(doc, err, where,
				   "\"%s\" is not \"fedora\", \"apt\" or \"directory\"", type);
	return 0;
}

/*
 * A fingerprint of OpenPGP version 4 (20 bytes) or 6 (32 bytes), as gpg prints it without blanks.
 */
static int
check_fingerprints(const struct jsonx_doc *doc, const struct text_list *keys, const char *path,
		   struct error *err)
{
	auto_free char *where = jsonx_path(path, "keys");

	for (size_t i = 0; i < keys->count; i++) {
		auto_free char *place = jsonx_path_index(where, i);
		const char *key = keys->items[i];
		size_t length = strspn(key, "0123456789ABCDEF");

		if (key[length] != '\0' || (length != 40 && length != 64))
			return jsonx_error(doc, err, place,
					   "must be a full fingerprint: 40 or 64 upper-case "
					   "hexadecimal digits");
	}
	return 0;
}

static int
check_urls(const struct jsonx_doc *doc, const struct text_list *urls, const char *path,
	   const char *key, struct error *err)
{
	static const char *const schemes[] = {"https://", "http://", "file://"};
	auto_free char *where = jsonx_path(path, key);

	for (size_t i = 0; i < urls->count; i++) {
		auto_free char *place = jsonx_path_index(where, i);
		const char *url = urls->items[i];
		bool known = false;

		if (text_starts_with(url, "metalink:"))
			url += strlen("metalink:");
		for (size_t s = 0; s < ARRAY_SIZE(schemes); s++)
			if (text_starts_with(url, schemes[s]) && url[strlen(schemes[s])] != '\0')
				known = true;
		if (!known)
			return jsonx_error(doc, err, place, "must be an https, http or file URL");
		if (strchr(url, '@') != NULL)
			return jsonx_error(doc, err, place, "must not contain credentials");
	}
	return 0;
}

static int
read_fedora(const struct jsonx_doc *doc, const struct json_t *object, const char *path,
	    struct matrix_source *source, struct error *err)
{
	auto_free char *keys_path = jsonx_path(path, "keys");

	if (jsonx_get_uint64(doc, object, path, "release", &source->release, err) < 0 ||
	    jsonx_get_string(doc, object, path, "package", &source->package, err) < 0 ||
	    jsonx_get_string(doc, object, path, "evr", &source->evr, err) < 0 ||
	    matrix_read_words(doc, object, path, "repositories", &source->repositories, err) < 0 ||
	    matrix_read_words(doc, object, path, "koji", &source->koji, err) < 0 ||
	    check_urls(doc, &source->repositories, path, "repositories", err) < 0 ||
	    check_urls(doc, &source->koji, path, "koji", err) < 0)
		return -1;
	if (source->keys.count == 0)
		return jsonx_error(doc, err, keys_path,
				   "requires at least one fingerprint of an accepted signer");
	if (source->package == NULL)
		source->package = "qemu";
	return 0;
}

static int
check_evr(const struct jsonx_doc *doc, struct matrix_source *source, const char *path,
	  struct error *err)
{
	auto_free char *where = jsonx_path(path, "evr");
	const char *dash;

	if (source->evr == NULL)
		return 0;
	source->evr = package_plain_evr(source->evr);
	dash = strchr(source->evr, '-');
	if (dash == NULL || dash == source->evr || dash[1] == '\0' ||
	    source->evr[strspn(source->evr, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					    "0123456789._+~^:-")] != '\0')
		return jsonx_error(doc, err, where,
				   "must be epoch:version-release, like \"2:10.2.2-1.fc44\"");
	return 0;
}

static int
read_apt(const struct jsonx_doc *doc, const struct json_t *object, const char *path,
	 struct matrix_source *source, struct error *err)
{
	auto_free char *where = jsonx_path(path, "suite");

	if (jsonx_get_string(doc, object, path, "suite", &source->suite, err) < 0 ||
	    jsonx_get_string(doc, object, path, "package", &source->package, err) < 0 ||
	    jsonx_get_string(doc, object, path, "keyring", &source->keyring, err) < 0 ||
	    jsonx_get_bool(doc, object, path, "allow_expired", &source->allow_expired, err) < 0 ||
	    matrix_read_words(doc, object, path, "urls", &source->urls, err) < 0 ||
	    check_urls(doc, &source->urls, path, "urls", err) < 0)
		return -1;
	if (!name_is_plain(source->suite))
		return jsonx_error(doc, err, where, "\"%s\" is not a valid suite name",
				   source->suite);
	return 0;
}

int
matrix_read_source(const struct jsonx_doc *doc, const struct json_t *object, const char *key,
		   const char *path, struct matrix_source *ret_source, struct error *err)
{
	ret_source->key = key;
	if (read_type(doc, object, path, &ret_source->type, err) < 0 ||
	    jsonx_check_keys(doc, object, path, keys_of_type[ret_source->type], err) < 0 ||
	    matrix_read_words(doc, object, path, "keys", &ret_source->keys, err) < 0 ||
	    check_fingerprints(doc, &ret_source->keys, path, err) < 0 ||
	    matrix_read_words(doc, object, path, "key_files", &ret_source->key_files, err) < 0)
		return -1;
	switch (ret_source->type) {
	case SOURCE_FEDORA:
		if (read_fedora(doc, object, path, ret_source, err) < 0)
			return -1;
		return check_evr(doc, ret_source, path, err);
	case SOURCE_APT:
		return read_apt(doc, object, path, ret_source, err);
	case SOURCE_DIRECTORY:
		return jsonx_get_string(doc, object, path, "path", &ret_source->path, err);
	}
	return 0;
}
