/* SPDX-License-Identifier: MIT */
#include "publish/github/github_json.h"

#include "base/alloc.h"
#include "base/jsonx.h"
#include "base/strbuf.h"

#include <jansson.h>
#include <string.h>

enum { MAX_NAME = 1024, MAX_URL = 4096, MAX_SENTENCE = 500 };

void
github_asset_clear(struct github_asset *asset)
{
	free(asset->name);
	*asset = (struct github_asset){.name = NULL};
}

void
github_release_clear(struct github_release *release)
{
	free(release->tag);
	free(release->url);
	free(release->upload_url);
	*release = (struct github_release){.tag = NULL};
}

void
github_asset_list_clear(struct github_asset_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		github_asset_clear(&list->items[i]);
	free(list->items);
	*list = (struct github_asset_list){NULL, 0};
}

void
github_release_list_clear(struct github_release_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		github_release_clear(&list->items[i]);
	free(list->items);
	*list = (struct github_release_list){NULL, 0};
}

static int
malformed(const char *what, const char *field, struct error *err)
{
	return error_set(err, ERR_REMOTE, "%s: the response has no valid '%s'", what, field);
}

/* A string member of at most `max` bytes, or NULL. */
static const char *
get_text(const json_t *object, const char *key, size_t max)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_string(value) || json_string_length(value) > max ||
	    strlen(json_string_value(value)) != json_string_length(value))
		return NULL;
	return json_string_value(value);
}

static bool
get_number(const json_t *object, const char *key, uint64_t *ret_number)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return false;
	*ret_number = (uint64_t)json_integer_value(value);
	return true;
}

static int
read_asset(const char *what, const json_t *object, struct github_asset *ret_asset,
	   struct error *err)
{
	struct github_asset asset = {.name = NULL};
	const char *name = get_text(object, "name", MAX_NAME);
	const char *state = get_text(object, "state", MAX_NAME);
	const char *digest = get_text(object, "digest", MAX_NAME);

	if (!get_number(object, "id", &asset.id))
		return malformed(what, "id", err);
	if (name == NULL)
		return malformed(what, "name", err);
	if (!get_number(object, "size", &asset.size))
		return malformed(what, "size", err);
	asset.uploaded = state != NULL && strcmp(state, "uploaded") == 0;
	/* Another algorithm is as good as none: the file is then fetched and hashed. */
	asset.has_digest = digest != NULL && text_starts_with(digest, "sha256:") &&
			   digest_parse(digest + strlen("sha256:"), &asset.sha256);
	asset.name = xstrdup(name);
	*ret_asset = asset;
	return 0;
}

static int
read_release(const char *what, const json_t *object, struct github_release *ret_release,
	     struct error *err)
{
	struct github_release release = {.tag = NULL};
	const char *tag = get_text(object, "tag_name", MAX_NAME);
	const char *url = get_text(object, "html_url", MAX_URL);
	const char *upload_url = get_text(object, "upload_url", MAX_URL);

	if (!get_number(object, "id", &release.id))
		return malformed(what, "id", err);
	if (tag == NULL)
		return malformed(what, "tag_name", err);
	if (upload_url == NULL)
		return malformed(what, "upload_url", err);
	if (!json_is_boolean(json_object_get(object, "draft")))
		return malformed(what, "draft", err);
	release.draft = json_is_true(json_object_get(object, "draft"));
	release.prerelease = json_is_true(json_object_get(object, "prerelease"));
	release.immutable = json_is_true(json_object_get(object, "immutable"));
	release.tag = xstrdup(tag);
	release.url = xstrdup(url != NULL ? url : "");
	release.upload_url = xstrndup(upload_url, strcspn(upload_url, "{"));
	*ret_release = release;
	return 0;
}

static int
parse(const char *what, const char *text, size_t length, struct jsonx_doc *doc, struct error *err)
{
	if (jsonx_parse(what, text, length, doc, err) == 0)
		return 0;
	err->code = ERR_REMOTE;
	return -1;
}

static int
parse_list(const char *what, const char *text, size_t length, struct jsonx_doc *doc,
	   struct error *err)
{
	if (parse(what, text, length, doc, err) < 0)
		return -1;
	if (!json_is_array(doc->root))
		return error_set(err, ERR_REMOTE, "%s: the response is not a list", what);
	return 0;
}

int
github_parse_asset(const char *what, const char *text, size_t length,
		   struct github_asset *ret_asset, struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;

	if (parse(what, text, length, &doc, err) < 0)
		return -1;
	return read_asset(what, doc.root, ret_asset, err);
}

int
github_parse_release(const char *what, const char *text, size_t length,
		     struct github_release *ret_release, struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;

	if (parse(what, text, length, &doc, err) < 0)
		return -1;
	return read_release(what, doc.root, ret_release, err);
}

int
github_parse_assets(const char *what, const char *text, size_t length,
		    struct github_asset_list *list, struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	AUTO(github_asset_list_clear) struct github_asset_list page = {NULL, 0};

	if (parse_list(what, text, length, &doc, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(doc.root); i++) {
		page.items = xgrow(page.items, page.count, sizeof(*page.items));
		if (read_asset(what, json_array_get(doc.root, i), &page.items[page.count], err) < 0)
			return -1;
		page.count++;
	}
	for (size_t i = 0; i < page.count; i++) {
		list->items = xgrow(list->items, list->count, sizeof(*list->items));
		list->items[list->count++] = page.items[i];
	}
	page.count = 0; /* what they point at has moved */
	return 0;
}

int
github_parse_releases(const char *what, const char *text, size_t length,
		      struct github_release_list *list, struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	AUTO(github_release_list_clear) struct github_release_list page = {NULL, 0};

	if (parse_list(what, text, length, &doc, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(doc.root); i++) {
		page.items = xgrow(page.items, page.count, sizeof(*page.items));
		if (read_release(what, json_array_get(doc.root, i), &page.items[page.count], err) <
		    0)
			return -1;
		page.count++;
	}
	for (size_t i = 0; i < page.count; i++) {
		list->items = xgrow(list->items, list->count, sizeof(*list->items));
		list->items[list->count++] = page.items[i];
	}
	page.count = 0;
	return 0;
}

int
github_parse_ref(const char *what, const char *text, size_t length, char **ret_id,
		 bool *ret_annotated, struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	const json_t *object;
	const char *id, *type;

	if (parse(what, text, length, &doc, err) < 0)
		return -1;
	object = json_object_get(doc.root, "object");
	id = get_text(object, "sha", MAX_NAME);
	type = get_text(object, "type", MAX_NAME);
	if (id == NULL || type == NULL)
		return malformed(what, "object", err);
	*ret_id = xstrdup(id);
	*ret_annotated = strcmp(type, "tag") == 0;
	return 0;
}

int
github_parse_refs(const char *what, const char *text, size_t length,
		  void (*visit)(void *context, const char *name, bool annotated), void *context,
		  struct error *err)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;

	if (parse_list(what, text, length, &doc, err) < 0)
		return -1;
	for (size_t i = 0; i < json_array_size(doc.root); i++) {
		const json_t *entry = json_array_get(doc.root, i);
		const char *name = get_text(entry, "ref", MAX_NAME);
		const char *type = get_text(json_object_get(entry, "object"), "type", MAX_NAME);

		if (name == NULL || type == NULL)
			return malformed(what, "ref", err);
		visit(context, name, strcmp(type, "tag") == 0);
	}
	return 0;
}

/*
 * GitHub writes the rules of a repository on lines of their own: in one line with "; " between
 * them.
 */
static void
add_lines(struct strbuf *sentence, const char *text)
{
	bool first = true;

	while (*text != '\0') {
		size_t length = strcspn(text, "\r\n"), used = length;

		while (used > 0 && (text[used - 1] == ' ' || text[used - 1] == '\t'))
			used--;
		if (used > 0)
			strbuf_addf(sentence, "%s%.*s", first ? "" : "; ", (int)used, text);
		first = first && used == 0;
		text += length;
		text += strspn(text, "\r\n \t");
	}
}

/* Adds "field message" of one entry of "errors", which may be an object or a string. */
static void
add_error(struct strbuf *sentence, const json_t *entry)
{
	static const char *const keys[] = {"resource", "field", "code", "message"};

	strbuf_adds(sentence, "; ");
	if (json_is_string(entry))
		add_lines(sentence, json_string_value(entry));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *text = get_text(entry, keys[i], MAX_SENTENCE);

		if (text == NULL)
			continue;
		strbuf_adds(sentence, i == 0 ? "" : " ");
		add_lines(sentence, text);
	}
}

static bool
has_error(const json_t *errors, const char *key, const char *value)
{
	for (size_t i = 0; i < json_array_size(errors); i++) {
		const char *text = get_text(json_array_get(errors, i), key, MAX_SENTENCE);

		if (text != NULL && strcmp(text, value) == 0)
			return true;
	}
	return false;
}

static enum github_refusal
classify(const char *sentence, const json_t *errors)
{
	if (has_error(errors, "code", "already_exists"))
		return GITHUB_REFUSAL_ALREADY_EXISTS;
	if (has_error(errors, "field", "file_count"))
		return GITHUB_REFUSAL_FILE_COUNT;
	if (strstr(sentence, "was used by an immutable release") != NULL)
		return GITHUB_REFUSAL_BURNED_TAG;
	if (strcasestr(sentence, "immutable release") != NULL)
		return GITHUB_REFUSAL_IMMUTABLE;
	if (strstr(sentence, "not accessible by integration") != NULL)
		return GITHUB_REFUSAL_INTEGRATION;
	if (strcasestr(sentence, "rate limit") != NULL || strcasestr(sentence, "abuse") != NULL)
		return GITHUB_REFUSAL_RATE_LIMIT;
	return GITHUB_REFUSAL_OTHER;
}

enum github_refusal
github_parse_refusal(const char *text, size_t length, char **ret_sentence)
{
	AUTO(jsonx_clear) struct jsonx_doc doc = JSONX_DOC_INIT;
	AUTO(strbuf_clear) struct strbuf sentence = {.max_length = MAX_SENTENCE};
	struct error ignored = ERROR_INIT;
	const json_t *errors;
	const char *message;

	if (jsonx_parse("refusal", text, length, &doc, &ignored) < 0) {
		*ret_sentence = xstrdup("no reason given");
		return GITHUB_REFUSAL_OTHER;
	}
	message = get_text(doc.root, "message", MAX_SENTENCE);
	errors = json_object_get(doc.root, "errors");
	add_lines(&sentence, message != NULL ? message : "no reason given");
	for (size_t i = 0; i < json_array_size(errors); i++)
		add_error(&sentence, json_array_get(errors, i));
	*ret_sentence = xstrdup(strbuf_text(&sentence));
	return classify(*ret_sentence, errors);
}
