/* SPDX-License-Identifier: MIT */
#include "matrix/reader.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

enum { MAX_MATRIX_BYTES = 1 << 20 };

int
matrix_read_words(const struct jsonx_doc *doc, const struct json_t *object, const char *path,
		  const char *key, struct text_list *ret_words, struct error *err)
{
	auto_free char *where = jsonx_path(path, key);
	const json_t *array = json_object_get(object, key);
	json_t *word;
	size_t i;

	if (array == NULL)
		return 0;
	if (!json_is_array(array))
		return jsonx_error(doc, err, where, "must be an array of strings");
	json_array_foreach (array, i, word) {
		auto_free char *place = jsonx_path_index(where, i);

		if (!json_is_string(word) || json_string_length(word) == 0)
			return jsonx_error(doc, err, place, "must be a non-empty string");
		for (size_t j = 0; j < ret_words->count; j++)
			if (strcmp(ret_words->items[j], json_string_value(word)) == 0)
				return jsonx_error(doc, err, place, "duplicate \"%s\"",
						   json_string_value(word));
		ret_words->items =
			xgrow(ret_words->items, ret_words->count, sizeof(*ret_words->items));
		ret_words->items[ret_words->count++] = json_string_value(word);
	}
	return 0;
}

/* "https://HOST" or "https://HOST:PORT", and nothing else: paths are joined to it. */
static bool
is_server(const char *url)
{
	static const char scheme[] = "https://";
	const char *host = url + strlen(scheme);
	size_t length;

	if (!text_starts_with(url, scheme) || isalnum((unsigned char)*host) == 0)
		return false;
	length = strcspn(host, ":");
	return strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-") ==
		       length &&
	       (host[length] == '\0' ||
		(isdigit((unsigned char)host[length + 1]) != 0 &&
		 host[length + 1 + strspn(host + length + 1, "0123456789")] == '\0'));
}

/* "REGISTRY/OWNER/REPO" as registries take it; whoever pushes knows the finer rules. */
static bool
is_image_repository(const char *name)
{
	static const char lower[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
	const char *part = name + strcspn(name, "/");

	if (*part == '/' && part != name &&
	    name + strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ:[]abcdefghijklmnopqrstuvwxyz"
				"0123456789._-") ==
		    part)
		name = part + 1;
	for (;;) {
		size_t length = strspn(name, lower);

		if (length == 0 || (name[length] != '/' && name[length] != '\0'))
			return false;
		if (name[length] == '\0')
			return true;
		name += length + 1;
	}
}

static int
check_image_repositories(const struct matrix *matrix, struct error *err)
{
	for (size_t i = 0; i < matrix->images.count; i++) {
		auto_free char *place = jsonx_path_index("repository.images", i);

		if (!is_image_repository(matrix->images.items[i]))
			return jsonx_error(&matrix->doc, err, place,
					   "must be \"REGISTRY/OWNER/REPO\" in lower case, without "
					   "\"https://\" and without a tag");
	}
	return 0;
}

static int
read_repository(struct matrix *matrix, struct error *err)
{
	static const struct jsonx_key keys[] = {
		{"github", false}, {"server", false}, {"images", false}, {NULL, false}};
	static const char default_server[] = "https://github.com";
	const struct jsonx_doc *doc = &matrix->doc;
	const json_t *object = json_object_get(doc->root, "repository");
	const char *slash;

	matrix->server = default_server;
	if (object == NULL)
		return 0;
	if (jsonx_check_keys(doc, object, "repository", keys, err) < 0 ||
	    jsonx_get_string(doc, object, "repository", "github", &matrix->github, err) < 0 ||
	    jsonx_get_string(doc, object, "repository", "server", &matrix->server, err) < 0)
		return -1;
	if (matrix->server == NULL)
		matrix->server = default_server;
	if (!is_server(matrix->server))
		return jsonx_error(doc, err, "repository.server",
				   "must be \"https://HOST\", without a path");
	slash = matrix->github != NULL ? strchr(matrix->github, '/') : NULL;
	if (matrix->github != NULL && (slash == NULL || slash == matrix->github ||
				       slash[1] == '\0' || strchr(slash + 1, '/') != NULL))
		return jsonx_error(doc, err, "repository.github", "must be \"OWNER/REPO\"");
	if (matrix_read_words(doc, object, "repository", "images", &matrix->images, err) < 0)
		return -1;
	return check_image_repositories(matrix, err);
}

static int
read_sources(struct matrix *matrix, struct error *err)
{
	const struct jsonx_doc *doc = &matrix->doc;
	const json_t *object = json_object_get(doc->root, "sources");
	const char *key;
	json_t *value;

	if (!json_is_object(object) || json_object_size(object) == 0)
		return jsonx_error(doc, err, "sources",
				   "must be an object with at least one source");
	json_object_foreach ((json_t *)(uintptr_t)object, key, value) {
		auto_free char *path = jsonx_path("sources", key);
		struct matrix_source *source;

		if (!name_is_plain(key))
			return jsonx_error_at_key(
				doc, err, path,
				"a source name may contain only letters, digits, '.', '_' and '-'");
		matrix->sources =
			xgrow(matrix->sources, matrix->source_count, sizeof(*matrix->sources));
		source = &matrix->sources[matrix->source_count++];
		if (matrix_read_source(doc, value, key, path, source, err) < 0)
			return -1;
	}
	return 0;
}

static const struct matrix_source *
find_source(const struct matrix *matrix, const char *key)
{
	for (size_t i = 0; i < matrix->source_count; i++)
		if (strcmp(matrix->sources[i].key, key) == 0)
			return &matrix->sources[i];
	return NULL;
}

static int
unknown_source(const struct matrix *matrix, const char *path, const char *word, struct error *err)
{
	const char **names = xcalloc(matrix->source_count, sizeof(*names)), *close;
	auto_free char *where = jsonx_path(path, "source");

	for (size_t i = 0; i < matrix->source_count; i++)
		names[i] = matrix->sources[i].key;
	close = text_closest(word, names, matrix->source_count);
	free(names);
	if (close != NULL)
		return jsonx_error(&matrix->doc, err, where,
				   "no source \"%s\"; did you mean \"%s\"?", word, close);
	return jsonx_error(&matrix->doc, err, where, "no source \"%s\" in \"sources\"", word);
}

static int
read_host_arch(const struct matrix *matrix, const char *name, const char *path,
	       struct matrix_host *host, struct error *err)
{
	const struct arch *close;

	host->arch = arch_find(name);
	if (host->arch != NULL)
		return 0;
	close = arch_suggest(name);
	if (close != NULL)
		return jsonx_error_at_key(&matrix->doc, err, path,
					  "unknown host architecture; did you mean \"%s\"?",
					  close->name);
	return jsonx_error_at_key(&matrix->doc, err, path,
				  "unknown host architecture; use the spelling of 'uname -m'");
}

/* A source of another distribution cannot serve an architecture that it never had. */
static int
check_possible(const struct matrix *matrix, const struct matrix_host *host, const char *path,
	       struct error *err)
{
	const char *spelling =
		host->source->type == SOURCE_APT ? host->arch->debian : host->arch->fedora;

	if (host->source->type == SOURCE_DIRECTORY || spelling != NULL)
		return 0;
	return jsonx_error(&matrix->doc, err, path,
			   "a source of type \"%s\" has no packages for %s",
			   source_type_name(host->source->type), host->arch->name);
}

static int
read_host(struct matrix *matrix, const char *name, const json_t *object, struct matrix_host *host,
	  struct error *err)
{
	static const struct jsonx_key keys[] = {
		{"source", true}, {"legacy_names", false}, {"version", false}, {NULL, false}};
	const struct jsonx_doc *doc = &matrix->doc;
	auto_free char *path = jsonx_path("hosts", name);
	auto_free char *version_path = jsonx_path(path, "version");
	const char *source;

	if (read_host_arch(matrix, name, path, host, err) < 0 ||
	    jsonx_check_keys(doc, object, path, keys, err) < 0 ||
	    jsonx_get_string(doc, object, path, "source", &source, err) < 0 ||
	    jsonx_get_bool(doc, object, path, "legacy_names", &host->legacy_names, err) < 0 ||
	    jsonx_get_string(doc, object, path, "version", &host->version, err) < 0)
		return -1;
	if (host->version != NULL &&
	    matrix_check_version(doc, version_path, host->version, false, err) < 0)
		return -1;
	host->source = find_source(matrix, source);
	if (host->source == NULL)
		return unknown_source(matrix, path, source, err);
	return check_possible(matrix, host, path, err);
}

static int
compare_hosts(const void *left, const void *right)
{
	const struct matrix_host *a = left, *b = right;

	return strcmp(a->arch->name, b->arch->name);
}

static int
check_legacy_names(const struct matrix *matrix, struct error *err)
{
	const char *first = NULL;

	for (size_t i = 0; i < matrix->host_count; i++) {
		const struct matrix_host *host = &matrix->hosts[i];
		auto_free char *path = jsonx_path("hosts", host->arch->name);
		auto_free char *where = jsonx_path(path, "legacy_names");

		if (!host->legacy_names)
			continue;
		if (first != NULL)
			return jsonx_error(
				&matrix->doc, err, where,
				"%s already has the legacy names; only one host can have them",
				first);
		first = host->arch->name;
	}
	return 0;
}

static int
read_hosts(struct matrix *matrix, struct error *err)
{
	const struct jsonx_doc *doc = &matrix->doc;
	const json_t *object = json_object_get(doc->root, "hosts");
	const char *name;
	json_t *value;

	if (!json_is_object(object) || json_object_size(object) == 0)
		return jsonx_error(doc, err, "hosts", "must be an object with at least one host");
	json_object_foreach ((json_t *)(uintptr_t)object, name, value) {
		matrix->hosts = xgrow(matrix->hosts, matrix->host_count, sizeof(*matrix->hosts));
		if (read_host(matrix, name, value, &matrix->hosts[matrix->host_count++], err) < 0)
			return -1;
	}
	qsort(matrix->hosts, matrix->host_count, sizeof(*matrix->hosts), compare_hosts);
	return check_legacy_names(matrix, err);
}

static int
check_sources_used(const struct matrix *matrix, struct error *err)
{
	for (size_t i = 0; i < matrix->source_count; i++) {
		const struct matrix_source *source = &matrix->sources[i];
		auto_free char *path = jsonx_path("sources", source->key);
		bool used = false;

		for (size_t j = 0; j < matrix->host_count; j++)
			if (matrix->hosts[j].source == source)
				used = true;
		if (!used)
			return jsonx_error_at_key(&matrix->doc, err, path,
						  "no host uses this source; remove it");
	}
	return 0;
}

static int
check_target(const struct matrix *matrix, const char *path, const char *word, struct error *err)
{
	const char *close;

	if (target_is_known(word))
		return 0;
	close = target_suggest(word);
	if (close != NULL)
		return jsonx_error(&matrix->doc, err, path,
				   "unknown target \"%s\"; did you mean \"%s\"?", word, close);
	return jsonx_error(&matrix->doc, err, path, "unknown target \"%s\"; use QEMU's spelling",
			   word);
}

static int
compare_words(const void *left, const void *right)
{
	const char *const *a = left, *const *b = right;

	return strcmp(*a, *b);
}

static int
read_targets(struct matrix *matrix, struct error *err)
{
	const struct jsonx_doc *doc = &matrix->doc;
	const json_t *value = json_object_get(doc->root, "targets");

	if (value == NULL ||
	    (json_is_string(value) && strcmp(json_string_value(value), "all") == 0)) {
		matrix->all_targets = true;
		return 0;
	}
	if (!json_is_array(value) || json_array_size(value) == 0)
		return jsonx_error(doc, err, "targets", "must be \"all\" or an array of targets");
	if (matrix_read_words(doc, doc->root, "", "targets", &matrix->targets, err) < 0)
		return -1;
	for (size_t i = 0; i < matrix->targets.count; i++) {
		auto_free char *path = jsonx_path_index("targets", i);

		if (check_target(matrix, path, matrix->targets.items[i], err) < 0)
			return -1;
	}
	qsort(matrix->targets.items, matrix->targets.count, sizeof(*matrix->targets.items),
	      compare_words);
	return 0;
}

static int
read_only(const struct matrix *matrix, const char *path, const char *word,
	  enum matrix_only *ret_only, struct error *err)
{
	auto_free char *where = jsonx_path(path, "only");

	*ret_only = EXCLUDE_ALL;
	if (word == NULL)
		return 0;
	if (strcmp(word, "images") == 0)
		*ret_only = EXCLUDE_IMAGES;
	else if (strcmp(word, "tarballs") == 0)
		*ret_only = EXCLUDE_TARBALLS;
	else
		return jsonx_error(&matrix->doc, err, where, "must be \"images\" or \"tarballs\"");
	return 0;
}

static int
read_exclude(struct matrix *matrix, const json_t *object, const char *path,
	     struct matrix_exclude *exclude, struct error *err)
{
	static const struct jsonx_key keys[] = {
		{"from", false}, {"to", false}, {"only", false}, {NULL, false}};
	const struct jsonx_doc *doc = &matrix->doc;
	auto_free char *from_path = jsonx_path(path, "from");
	auto_free char *to_path = jsonx_path(path, "to");
	const char *only;

	if (jsonx_check_keys(doc, object, path, keys, err) < 0 ||
	    jsonx_get_string(doc, object, path, "from", &exclude->from, err) < 0 ||
	    jsonx_get_string(doc, object, path, "to", &exclude->to, err) < 0 ||
	    jsonx_get_string(doc, object, path, "only", &only, err) < 0 ||
	    read_only(matrix, path, only, &exclude->only, err) < 0)
		return -1;
	if (exclude->from == NULL && exclude->to == NULL)
		return jsonx_error(doc, err, path, "\"from\", \"to\" or both are required");
	if (exclude->from != NULL && matrix_find_host(matrix, exclude->from) == NULL)
		return jsonx_error(doc, err, from_path, "no host \"%s\" in \"hosts\"",
				   exclude->from);
	return exclude->to != NULL ? check_target(matrix, to_path, exclude->to, err) : 0;
}

/*
 * Images are made of the tarballs' bytes, also by those who make them again of a published release,
 * so an exclusion may not leave an image alone.
 */
static int
check_images_have_tarballs(const struct matrix *matrix, const struct matrix_exclude *exclude,
			   const char *path, struct error *err)
{
	auto_free char *where = jsonx_path(path, "only");

	for (size_t h = 0; h < matrix->host_count; h++) {
		const char *from = matrix->hosts[h].arch->name;

		for (size_t t = 0; t < target_count; t++) {
			const char *to = target_table[t];

			if (matrix_exclude_covers(exclude, from, to) &&
			    matrix_wants_image(matrix, from, to) &&
			    !matrix_wants_tarball(matrix, from, to))
				return jsonx_error(&matrix->doc, err, where,
						   "excludes the tarball that image '%s-%s' is "
						   "made of; remove \"only\" to exclude both",
						   from, to);
		}
	}
	return 0;
}

static int
read_excludes(struct matrix *matrix, struct error *err)
{
	const json_t *array = json_object_get(matrix->doc.root, "exclude");
	json_t *value;
	size_t i;

	if (array == NULL)
		return 0;
	if (!json_is_array(array))
		return jsonx_error(&matrix->doc, err, "exclude", "must be an array");
	json_array_foreach (array, i, value) {
		auto_free char *path = jsonx_path_index("exclude", i);

		matrix->excludes =
			xgrow(matrix->excludes, matrix->exclude_count, sizeof(*matrix->excludes));
		if (read_exclude(matrix, value, path, &matrix->excludes[matrix->exclude_count++],
				 err) < 0)
			return -1;
	}
	for (i = 0; i < matrix->exclude_count; i++) {
		auto_free char *path = jsonx_path_index("exclude", i);

		if (check_images_have_tarballs(matrix, &matrix->excludes[i], path, err) < 0)
			return -1;
	}
	return 0;
}

int
matrix_read_document(struct matrix *matrix, struct error *err)
{
	static const struct jsonx_key keys[] = {
		{"$schema", false},    {"name", true},     {"version", true},
		{"repository", false}, {"sources", true},  {"hosts", true},
		{"targets", false},    {"exclude", false}, {NULL, false}};
	const struct jsonx_doc *doc = &matrix->doc;

	if (json_object_get(doc->root, "packages") != NULL)
		return error_set(err, ERR_INPUT, "'%s' is a lock, not a matrix", doc->name);
	if (jsonx_check_keys(doc, doc->root, "", keys, err) < 0 ||
	    jsonx_get_string(doc, doc->root, "", "name", &matrix->name, err) < 0 ||
	    jsonx_get_string(doc, doc->root, "", "version", &matrix->version, err) < 0)
		return -1;
	if (!name_is_plain(matrix->name))
		return jsonx_error(doc, err, "name",
				   "may contain only letters, digits, '.', '_' and '-'");
	if (matrix_check_version(doc, "version", matrix->version, true, err) < 0 ||
	    read_repository(matrix, err) < 0 || read_sources(matrix, err) < 0 ||
	    read_hosts(matrix, err) < 0 || check_sources_used(matrix, err) < 0 ||
	    read_targets(matrix, err) < 0)
		return -1;
	return read_excludes(matrix, err);
}

int
matrix_parse(const char *name, const char *text, size_t length, struct matrix *ret_matrix,
	     struct error *err)
{
	AUTO(matrix_clear) struct matrix matrix = MATRIX_INIT;

	if (jsonx_parse(name, text, length, &matrix.doc, err) < 0)
		return -1;
	if (matrix_read_document(&matrix, err) < 0)
		return -1;
	*ret_matrix = matrix;
	matrix = (struct matrix)MATRIX_INIT;
	return 0;
}

int
matrix_load(const char *path, struct matrix *ret_matrix, struct error *err)
{
	auto_free char *text = NULL;
	size_t length;

	if (read_file(path, MAX_MATRIX_BYTES, &text, &length, err) < 0) {
		if (err->code == ERR_NOT_FOUND)
			return error_set(err, ERR_NOT_FOUND,
					 "matrix '%s' not found; run this in the repository that "
					 "has it, or use --matrix",
					 path);
		return error_prefix(err, "cannot read the matrix");
	}
	return matrix_parse(path, text, length, ret_matrix, err);
}
