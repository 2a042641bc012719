/* SPDX-License-Identifier: MIT */
#include "sources/fedora/repodata.h"

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/file.h"
#include "base/number.h"
#include "base/strbuf.h"
#include "model/package.h"
#include "sources/fedora/xml.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define MAX_LIST (UINT64_C(4) << 30)

char *
location_decode(const char *text, size_t length)
{
	AUTO(strbuf_clear) struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < length; i++) {
		int high = i + 2 < length && text[i] == '%' ? ascii_hex_value(text[i + 1]) : -1;
		int low = high >= 0 ? ascii_hex_value(text[i + 2]) : -1;
		char c = text[i];

		if (low >= 0) {
			c = (char)(high * 16 + low);
			i += 2;
		}
		strbuf_add(&out, &c, 1);
	}
	return strbuf_take(&out);
}

bool
package_file_is_plain(const char *name)
{
	return name[0] != '\0' && name[0] != '.' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789._+~^-")] == '\0';
}

bool
location_is_safe(const char *location)
{
	auto_free char *plain = location_decode(location, strlen(location));

	if (plain[0] == '\0' || plain[0] == '/' || strstr(plain, "..") != NULL)
		return false;
	/* ':' would make it a URL of its own; a '%' that is left could be read once more. */
	for (const char *p = plain; *p != '\0'; p++) {
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f ||
		    strchr(":?#%\\\"<>", *p) != NULL)
			return false;
	}
	/* An encoded NUL would have ended it here, and not there. */
	return strcasestr(location, "%00") == NULL;
}

static bool
parse_size(const char *text, uint64_t *ret_size)
{
	return text != NULL && parse_uint(text, INT64_MAX, ret_size);
}

static enum repo_checksum_kind
kind_of(const char *const *attributes)
{
	return repo_checksum_kind(xml_attribute(attributes, "type"));
}

/* metalink: files/file[name=repomd.xml]/{verification/hash, alternates/.../hash, resources/url} */
struct metalink_state {
	struct metalink metalink;
	bool is_metalink;
	bool in_file;
	bool strong; /* the <hash> at hand is a SHA-256 */
};

static int
metalink_start(void *context, int depth, const char *name, const char *const *attributes,
	       struct error *err)
{
	struct metalink_state *state = context;

	(void)err;
	if (depth == 1)
		state->is_metalink = strcmp(name, "metalink") == 0;
	if (strcmp(name, "file") == 0) {
		const char *file = xml_attribute(attributes, "name");

		state->in_file = file != NULL && strcmp(file, "repomd.xml") == 0;
	}
	if (strcmp(name, "hash") == 0)
		state->strong = kind_of(attributes) == REPO_CHECKSUM_SHA256;
	return 0;
}

static void
add_metalink_url(struct metalink *metalink, const char *url)
{
	static const char *const schemes[] = {"https://", "http://", "file://"};

	if (metalink->url_count == METALINK_MAX_URLS ||
	    !text_ends_with(url, "/repodata/repomd.xml"))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
		if (text_starts_with(url, schemes[i])) {
			metalink->urls[metalink->url_count++] = xstrdup(url);
			return;
		}
	}
}

static int
metalink_end(void *context, int depth, const char *name, const char *text, struct error *err)
{
	struct metalink_state *state = context;
	struct metalink *metalink = &state->metalink;

	(void)depth;
	(void)err;
	if (!state->in_file)
		return 0;
	if (strcmp(name, "file") == 0)
		state->in_file = false;
	if (strcmp(name, "hash") == 0 && state->strong &&
	    metalink->digest_count < METALINK_MAX_DIGESTS &&
	    digest_parse(text, &metalink->digests[metalink->digest_count]))
		metalink->digest_count++;
	if (strcmp(name, "url") == 0)
		add_metalink_url(metalink, text);
	return 0;
}

int
metalink_parse(const char *name, const char *text, size_t length, struct metalink *ret_metalink,
	       struct error *err)
{
	struct metalink_state state = {.is_metalink = false};
	const struct xml_handler handler = {metalink_start, metalink_end, &state};
	int r = xml_parse(&handler, name, text, length, err);

	if (r == 0 && !state.is_metalink)
		r = error_set(err, ERR_INPUT, "'%s' is not a metalink", name);
	else if (r == 0 && state.metalink.digest_count == 0)
		r = error_set(err, ERR_INPUT, "metalink '%s' has no SHA-256 of repomd.xml", name);
	else if (r == 0 && state.metalink.url_count == 0)
		r = error_set(err, ERR_INPUT, "metalink '%s' has no URL of repomd.xml", name);
	if (r < 0) {
		metalink_clear(&state.metalink);
		return -1;
	}
	*ret_metalink = state.metalink;
	return 0;
}

void
metalink_clear(struct metalink *metalink)
{
	for (size_t i = 0; i < metalink->url_count; i++)
		free(metalink->urls[i]);
	*metalink = (struct metalink){.url_count = 0};
}

/* repomd: data[type=primary]/{checksum, location, size} */
struct repomd_state {
	struct repomd repomd;
	bool is_repomd;
	bool in_primary;
	enum repo_checksum_kind kind; /* of the <checksum> at hand */
};

static int
repomd_start(void *context, int depth, const char *name, const char *const *attributes,
	     struct error *err)
{
	struct repomd_state *state = context;

	if (depth == 1)
		state->is_repomd = strcmp(name, "repomd") == 0;
	if (depth == 2) {
		const char *type = xml_attribute(attributes, "type");

		state->in_primary =
			strcmp(name, "data") == 0 && type != NULL && strcmp(type, "primary") == 0;
	}
	if (depth != 3 || !state->in_primary)
		return 0;
	if (strcmp(name, "checksum") == 0)
		state->kind = kind_of(attributes);
	if (strcmp(name, "location") == 0) {
		const char *href = xml_attribute(attributes, "href");
		const char *base = xml_attribute(attributes, "base");

		if (href == NULL || !location_is_safe(href) || state->repomd.location != NULL)
			return error_set(err, ERR_INPUT, "invalid location '%s'",
					 href != NULL ? href : "");
		state->repomd.location = xstrdup(href);
		state->repomd.base = base != NULL ? xstrdup(base) : NULL;
	}
	return 0;
}

static int
repomd_end(void *context, int depth, const char *name, const char *text, struct error *err)
{
	struct repomd_state *state = context;

	if (depth != 3 || !state->in_primary)
		return 0;
	if (strcmp(name, "checksum") == 0 && state->kind != REPO_CHECKSUM_NONE)
		(void)repo_checksum_parse(state->kind, text, &state->repomd.checksum);
	if (strcmp(name, "size") == 0 && !parse_size(text, &state->repomd.size))
		return error_set(err, ERR_INPUT, "size '%s' is not a number", text);
	return 0;
}

int
repomd_parse(const char *name, const char *text, size_t length, struct repomd *ret_repomd,
	     struct error *err)
{
	struct repomd_state state = {.is_repomd = false};
	const struct xml_handler handler = {repomd_start, repomd_end, &state};
	int r = xml_parse(&handler, name, text, length, err);

	if (r == 0 && !state.is_repomd)
		r = error_set(err, ERR_INPUT, "'%s' is not a repomd.xml", name);
	else if (r == 0 && (state.repomd.location == NULL ||
			    state.repomd.checksum.kind == REPO_CHECKSUM_NONE))
		r = error_set(err, ERR_INPUT, "'%s' has no primary list with a SHA-256 or SHA-512",
			      name);
	if (r < 0) {
		repomd_clear(&state.repomd);
		return -1;
	}
	*ret_repomd = state.repomd;
	return 0;
}

void
repomd_clear(struct repomd *repomd)
{
	free(repomd->location);
	free(repomd->base);
	*repomd = (struct repomd){.location = NULL};
}

/*
 * metadata/package/{name, arch, version, checksum, size, location, format/{sourcerpm, file}}
 *
 * The list has some 70,000 packages, of which a few are wanted: the others are let go as soon as
 * their name is known, which is their first element.
 */
struct primary_state {
	const char *name_prefix;
	int (*found)(void *context, const struct repo_package *package, struct error *err);
	void *context;

	bool is_list;
	bool wanted; /* the package at hand */
	bool has_size;
	enum repo_checksum_kind kind; /* of the <checksum> at hand */
	char *name, *arch, *evr, *location, *base, *source_rpm;
	struct repo_package package;
};

static void
package_reset(struct primary_state *state)
{
	char **const strings[] = {&state->name,     &state->arch, &state->evr,
				  &state->location, &state->base, &state->source_rpm};

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		free(*strings[i]);
		*strings[i] = NULL;
	}
	state->wanted = state->has_size = false;
	state->package = (struct repo_package){.size = 0};
}

static void
replace(char **string, char *value)
{
	free(*string);
	*string = value;
}

static bool
is_wanted(const struct primary_state *state, const char *name)
{
	size_t length = strlen(state->name_prefix);

	return strncmp(name, state->name_prefix, length) == 0 &&
	       (name[length] == '\0' || name[length] == '-');
}

static void
take_version(struct primary_state *state, const char *const *attributes)
{
	const char *epoch = xml_attribute(attributes, "epoch");
	const char *version = xml_attribute(attributes, "ver");
	const char *release = xml_attribute(attributes, "rel");
	auto_free char *evr = NULL;

	if (version == NULL || release == NULL)
		return;
	evr = xasprintf("%s:%s-%s", epoch != NULL ? epoch : "0", version, release);
	replace(&state->evr, xstrdup(package_plain_evr(evr)));
}

static int
primary_start(void *context, int depth, const char *name, const char *const *attributes,
	      struct error *err)
{
	struct primary_state *state = context;

	(void)err;
	if (depth == 1)
		state->is_list = strcmp(name, "metadata") == 0;
	if (depth == 2)
		package_reset(state);
	if (depth != 3 || !state->wanted)
		return 0;
	if (strcmp(name, "version") == 0)
		take_version(state, attributes);
	if (strcmp(name, "checksum") == 0)
		state->kind = kind_of(attributes);
	if (strcmp(name, "size") == 0)
		state->has_size =
			parse_size(xml_attribute(attributes, "package"), &state->package.size);
	if (strcmp(name, "location") == 0) {
		const char *href = xml_attribute(attributes, "href");
		const char *base = xml_attribute(attributes, "base");

		if (href != NULL)
			replace(&state->location, xstrdup(href));
		if (base != NULL)
			replace(&state->base, xstrdup(base));
	}
	return 0;
}

static const char *
package_fault(const struct primary_state *state, const char *file)
{
	if (state->package.checksum.kind == REPO_CHECKSUM_NONE)
		return "has neither SHA-256 nor SHA-512";
	if (!state->has_size)
		return "has no size";
	if (state->location == NULL)
		return "has no location";
	if (!location_is_safe(state->location))
		return "has a location outside the repository";
	if (!package_file_is_plain(file))
		return "has a file name with characters other than A-Z a-z 0-9 . _ + ~ ^ -";
	return NULL;
}

static int
report(struct primary_state *state, struct error *err)
{
	struct repo_package *package = &state->package;
	const char *location = state->location != NULL ? state->location : "";
	auto_free char *plain = location_decode(location, strlen(location));

	if (state->arch == NULL)
		return error_set(err, ERR_INPUT, "package '%s' has no architecture", state->name);
	if (state->evr == NULL)
		return error_set(err, ERR_INPUT, "package '%s' has no version", state->name);
	package->location = location;
	package->base = state->base;
	package->file = path_base(plain);
	package->fault = package_fault(state, package->file);
	package->name = state->name;
	package->arch = state->arch;
	package->evr = state->evr;
	package->source_rpm = state->source_rpm != NULL ? state->source_rpm : "";
	return state->found(state->context, package, err);
}

static int
primary_end(void *context, int depth, const char *name, const char *text, struct error *err)
{
	struct primary_state *state = context;

	if (depth == 3 && strcmp(name, "name") == 0) {
		replace(&state->name, xstrdup(text));
		state->wanted = is_wanted(state, text);
	}
	if (!state->wanted)
		return 0;
	if (depth == 2)
		return strcmp(name, "package") == 0 ? report(state, err) : 0;
	if (depth == 3 && strcmp(name, "arch") == 0)
		replace(&state->arch, xstrdup(text));
	if (depth == 3 && strcmp(name, "checksum") == 0 && state->kind != REPO_CHECKSUM_NONE)
		(void)repo_checksum_parse(state->kind, text, &state->package.checksum);
	if (depth == 4 && strcmp(name, "sourcerpm") == 0)
		replace(&state->source_rpm, xstrdup(text));
	if (depth == 4 && strcmp(name, "file") == 0 && text_starts_with(text, "/usr/bin/qemu-"))
		state->package.has_emulators = true;
	return 0;
}

static int
feed_all(struct decompressor *source, struct xml_parser *parser, const char *name,
	 struct error *err)
{
	enum { CHUNK = 128 << 10 };
	auto_free char *buffer = xmalloc(CHUNK);
	uint64_t total = 0;
	ssize_t n;

	while ((n = decompressor_read(source, buffer, CHUNK, err)) > 0) {
		total += (uint64_t)n;
		if (total > MAX_LIST)
			return error_set(err, ERR_INPUT, "'%s' is too large", name);
		if (xml_feed(parser, buffer, (size_t)n, err) < 0)
			return -1;
	}
	return n < 0 ? -1 : xml_finish(parser, err);
}

int
primary_scan(int fd, enum compression compression, const char *name, const char *name_prefix,
	     int (*found)(void *context, const struct repo_package *package, struct error *err),
	     void *context, struct error *err)
{
	struct primary_state state = {
		.name_prefix = name_prefix, .found = found, .context = context};
	const struct xml_handler handler = {primary_start, primary_end, &state};
	AUTO(xml_parser_freep) struct xml_parser *parser = xml_parser_new(&handler, name);
	AUTO(decompressor_freep) struct decompressor *source = NULL;
	int r = decompressor_open(fd, 0, compression, name, &source, err);

	if (r == 0)
		r = feed_all(source, parser, name, err);
	if (r == 0 && !state.is_list)
		r = error_set(err, ERR_INPUT, "'%s' is not a list of packages", name);
	package_reset(&state);
	return r;
}
