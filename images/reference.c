/* SPDX-License-Identifier: MIT */
#include "images/reference.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "images/oci.h"

#include <string.h>

#define LOWER    "abcdefghijklmnopqrstuvwxyz0123456789"
#define TAG_WORD LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"

/* The limit of the distribution specification for host and path together. */
#define MAX_NAME 255

bool
reference_tag_is_valid(const char *tag)
{
	size_t length = strlen(tag);

	return length >= 1 && length <= 128 && strchr(TAG_WORD, tag[0]) != NULL &&
	       strspn(tag, TAG_WORD ".-") == length;
}

/* One part of a path: words of [a-z0-9] joined by ".", "_", "__" or any number of "-". */
static bool
component_is_valid(const char *text, size_t length)
{
	size_t at = 0;

	for (;;) {
		size_t word = 0, joint = 0;

		while (at + word < length && strchr(LOWER, text[at + word]) != NULL)
			word++;
		if (word == 0)
			return false;
		at += word;
		if (at == length)
			return true;
		while (at + joint < length && text[at + joint] == text[at])
			joint++;
		if (text[at] == '.' ? joint != 1 : text[at] == '_' ? joint > 2 : text[at] != '-')
			return false;
		at += joint;
	}
}

static bool
path_is_valid(const char *path)
{
	for (;;) {
		size_t length = strcspn(path, "/");

		if (!component_is_valid(path, length))
			return false;
		if (path[length] == '\0')
			return true;
		path += length + 1;
	}
}

static bool
port_is_valid(const char *text)
{
	size_t length = strlen(text);

	return length >= 1 && length <= 5 && strspn(text, "0123456789") == length;
}

static bool
host_is_valid(const char *host)
{
	const char *port;
	size_t name;

	if (host[0] == '[') {
		const char *end = strchr(host, ']');

		return end != NULL && end > host + 1 &&
		       strspn(host + 1, "0123456789abcdefABCDEF:.") == (size_t)(end - host - 1) &&
		       (end[1] == '\0' || (end[1] == ':' && port_is_valid(end + 2)));
	}
	name = strcspn(host, ":");
	port = host[name] == ':' ? host + name + 1 : NULL;
	return name >= 1 && host[0] != '-' && host[0] != '.' && host[name - 1] != '.' &&
	       strspn(host, LOWER "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-") == name &&
	       (port == NULL || port_is_valid(port));
}

/* Cuts "@sha256:HEX" and ":TAG" off the end of `name`. */
static int
cut_tail(char *name, const char *text, struct reference *reference, struct error *err)
{
	char *at = strchr(name, '@'), *slash, *colon;

	if (at != NULL) {
		if (!oci_digest_parse(at + 1, &reference->digest))
			return error_set(err, ERR_INPUT,
					 "'%s' does not end in '@sha256:' and 64 "
					 "lower-case hexadecimal digits",
					 text);
		reference->has_digest = true;
		*at = '\0';
	}
	slash = strrchr(name, '/');
	colon = strrchr(slash != NULL ? slash : name, ':');
	if (colon != NULL) {
		if (!reference_tag_is_valid(colon + 1))
			return error_set(err, ERR_INPUT,
					 "'%s' has an invalid tag: 1 to 128 of [A-Za-z0-9_.-] are "
					 "allowed, not beginning with '.' or '-'",
					 text);
		reference->tag = xstrdup(colon + 1);
		*colon = '\0';
	}
	return 0;
}

static bool
is_registry(const char *part)
{
	return strpbrk(part, ".:") != NULL || strcmp(part, "localhost") == 0;
}

static bool
is_docker_hub(const char *registry)
{
	return strcmp(registry, "docker.io") == 0 || strcmp(registry, "index.docker.io") == 0 ||
	       strcmp(registry, "registry-1.docker.io") == 0;
}

static void
split_name(const char *name, struct reference *reference)
{
	const char *slash = strchr(name, '/');
	auto_free char *first = slash != NULL ? xstrndup(name, (size_t)(slash - name)) : NULL;

	if (first == NULL || !is_registry(first)) {
		reference->registry = xstrdup("docker.io");
		reference->path = xstrdup(name);
	} else {
		reference->registry = TAKE(first);
		reference->path = xstrdup(slash + 1);
	}
	if (!is_docker_hub(reference->registry)) {
		reference->host = xstrdup(reference->registry);
		return;
	}
	free(reference->registry);
	reference->registry = xstrdup("docker.io");
	reference->host = xstrdup("registry-1.docker.io");
	if (strchr(reference->path, '/') == NULL) {
		char *full = xasprintf("library/%s", reference->path);

		free(reference->path);
		reference->path = full;
	}
}

int
reference_parse(const char *text, struct reference *ret_reference, struct error *err)
{
	AUTO(reference_clear) struct reference reference = REFERENCE_INIT;
	auto_free char *name = xstrdup(text);

	if (strlen(text) > MAX_NAME + 1 + 128 + 1 + 71)
		return error_set(err, ERR_INPUT, "'%.60s...' is too long for an image name", text);
	if (cut_tail(name, text, &reference, err) < 0)
		return -1;
	split_name(name, &reference);
	if (!host_is_valid(reference.registry))
		return error_set(err, ERR_INPUT, "'%s' does not begin with a valid host name",
				 text);
	if (!path_is_valid(reference.path) ||
	    strlen(reference.registry) + 1 + strlen(reference.path) > MAX_NAME)
		return error_set(err, ERR_INPUT,
				 "'%s' is not a valid image repository: at most 255 characters, "
				 "parts of [a-z0-9] joined by '.', '_', '__' or '-'",
				 text);
	*ret_reference = reference;
	reference = (struct reference)REFERENCE_INIT;
	return 0;
}

int
reference_parse_repository(const char *text, struct reference *ret_reference, struct error *err)
{
	AUTO(reference_clear) struct reference reference = REFERENCE_INIT;

	if (reference_parse(text, &reference, err) < 0)
		return -1;
	if (reference.tag != NULL || reference.has_digest)
		return error_set(err, ERR_INPUT,
				 "'%s' is an image; expected a repository without a tag", text);
	*ret_reference = reference;
	reference = (struct reference)REFERENCE_INIT;
	return 0;
}

void
reference_clear(struct reference *reference)
{
	free(reference->registry);
	free(reference->host);
	free(reference->path);
	free(reference->tag);
	*reference = (struct reference)REFERENCE_INIT;
}

char *
reference_repository(const struct reference *reference)
{
	return xasprintf("%s/%s", reference->registry, reference->path);
}

bool
reference_host_is_loopback(const char *host)
{
	size_t name = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	auto_free char *bare = xstrndup(host, name);

	return strcmp(bare, "localhost") == 0 || strcmp(bare, "[::1]") == 0 ||
	       (text_starts_with(bare, "127.") && strspn(bare, "0123456789.") == name);
}
