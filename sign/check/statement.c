/* SPDX-License-Identifier: MIT */
#include "sign/check/statement.h"

#include "base/alloc.h"
#include "base/jsonx.h"
#include "base/strbuf.h"

#include <jansson.h>
#include <string.h>

void
statement_clear(struct statement *statement)
{
	sums_clear(&statement->subjects);
	free(statement->predicate_type);
	statement->predicate_type = NULL;
}

/* An image has a digest and no name; sums_add() would refuse the empty name. */
static void
add_nameless(struct sums *sums, const struct digest *digest)
{
	sums->entries = xgrow(sums->entries, sums->count, sizeof(*sums->entries));
	sums->entries[sums->count].name = xstrdup("");
	sums->entries[sums->count++].sha256 = *digest;
}

static int
parse_subject(const struct jsonx_doc *doc, const json_t *item, const char *path, struct sums *sums,
	      struct error *err)
{
	static const struct jsonx_key keys[] = {{"name", false}, {"digest", true}, {NULL, false}};
	static const struct jsonx_key digest_keys[] = {{"sha256", true}, {NULL, false}};
	auto_free char *digest_path = jsonx_path(path, "digest");
	const json_t *object = json_object_get(item, "digest");
	const char *name, *hex;
	struct digest digest;

	if (jsonx_check_keys(doc, item, path, keys, err) < 0 ||
	    jsonx_get_string(doc, item, path, "name", &name, err) < 0 ||
	    jsonx_check_keys(doc, object, digest_path, digest_keys, err) < 0 ||
	    jsonx_get_string(doc, object, digest_path, "sha256", &hex, err) < 0)
		return -1;
	if (!digest_parse(hex, &digest))
		return jsonx_error(doc, err, digest_path, "is not a SHA-256");
	if (name == NULL) {
		add_nameless(sums, &digest);
		return 0;
	}
	if (sums_find(sums, name) != NULL)
		return jsonx_error(doc, err, path, "duplicate '%s'", name);
	if (sums_add(sums, name, &digest, err) < 0)
		return error_prefix(err, "%s: %s", doc->name, path);
	return 0;
}

static int
parse_subjects(const struct jsonx_doc *doc, struct sums *sums, struct error *err)
{
	const json_t *list = json_object_get(doc->root, "subject");
	size_t count = json_array_size(list);

	if (count == 0 || count > STATEMENT_MAX_SUBJECTS)
		return jsonx_error(doc, err, "subject", "must be a list of 1 to %d files",
				   STATEMENT_MAX_SUBJECTS);
	for (size_t i = 0; i < count; i++) {
		auto_free char *path = jsonx_path_index("subject", i);

		if (parse_subject(doc, json_array_get(list, i), path, sums, err) < 0)
			return -1;
	}
	return 0;
}

int
statement_parse(const char *text, size_t length, struct statement *ret_statement, const char *name,
		struct error *err)
{
	static const struct jsonx_key keys[] = {{"_type", true},
						{"subject", true},
						{"predicateType", true},
						{"predicate", true},
						{NULL, false}};
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	AUTO(statement_clear) struct statement statement = STATEMENT_INIT;
	const char *type, *predicate;

	if (jsonx_parse(name, text, length, &doc, err) < 0 ||
	    jsonx_check_keys(&doc, doc.root, "", keys, err) < 0 ||
	    jsonx_get_string(&doc, doc.root, "", "_type", &type, err) < 0 ||
	    jsonx_get_string(&doc, doc.root, "", "predicateType", &predicate, err) < 0)
		return -1;
	if (strcmp(type, STATEMENT_TYPE) != 0)
		return jsonx_error(&doc, err, "_type", "must be \"%s\"", STATEMENT_TYPE);
	if (!json_is_object(json_object_get(doc.root, "predicate")))
		return jsonx_error(&doc, err, "predicate", "must be an object");
	if (parse_subjects(&doc, &statement.subjects, err) < 0)
		return -1;
	statement.predicate_type = xstrdup(predicate);
	*ret_statement = statement;
	statement = (struct statement)STATEMENT_INIT;
	return 0;
}

char *
statement_for_image(const struct digest *manifest)
{
	char hex[DIGEST_HEX_SIZE];

	return xasprintf("{\"_type\":\"%s\",\"subject\":[{\"digest\":{\"sha256\":\"%s\"}}],"
			 "\"predicateType\":\"%s\",\"predicate\":{}}",
			 STATEMENT_TYPE, digest_hex(manifest, hex), PREDICATE_COSIGN);
}
