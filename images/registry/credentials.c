/* SPDX-License-Identifier: MIT */
#include "images/registry/credentials.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/log.h"
#include "base/strbuf.h"

#include <jansson.h>
#include <string.h>
#include <strings.h>

void
credentials_clear(struct credentials *credentials)
{
	if (credentials->secret != NULL)
		explicit_bzero(credentials->secret, strlen(credentials->secret));
	free(credentials->secret);
	free(credentials->user);
	free(credentials->origin);
	*credentials = (struct credentials)CREDENTIALS_INIT;
}

void
credentials_hide(const struct credentials *credentials)
{
	char *pair = xasprintf("%s:%s", credentials->user != NULL ? credentials->user : "",
			       credentials->secret);

	log_add_secret(credentials->secret);
	log_add_secret(pair);
	explicit_bzero(pair, strlen(pair));
	free(pair);
}

char *
credentials_basic(const struct credentials *credentials)
{
	char *plain = xasprintf("%s:%s", credentials->user, credentials->secret);
	char *encoded = base64_encode(plain, strlen(plain)), *value;

	value = xasprintf("Basic %s", encoded);
	explicit_bzero(plain, strlen(plain));
	explicit_bzero(encoded, strlen(encoded));
	free(plain);
	free(encoded);
	return value;
}

/* "/", "/v1/", "/v2": no namespace, but the version of an API. */
static bool
is_api_path(const char *path)
{
	static const char *const known[] = {"/", "/v1", "/v1/", "/v2", "/v2/"};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strcmp(known[i], path) == 0)
			return true;
	return false;
}

/*
 * Brings a key of "auths" into the form HOST or HOST/PATH: Docker writes
 * "https://index.docker.io/v1/", others the bare name. Returns NULL for where Docker Desktop keeps
 * tokens of its own, ".../v1/access-token" and ".../v1/refresh-token", which are not for
 * registries.
 */
static char *
normal_key(const char *key)
{
	bool is_url = false;
	const char *path;
	auto_free char *bare = NULL;

	if (text_ends_with(key, "/access-token") || text_ends_with(key, "/refresh-token"))
		return NULL;

	if (text_starts_with(key, "https://")) {
		key += strlen("https://");
		is_url = true;
	} else if (text_starts_with(key, "http://")) {
		key += strlen("http://");
		is_url = true;
	}
	path = strchr(key, '/');
	/* A URL's path is the version of an API, not a namespace. */
	bare = path != NULL && (is_url || is_api_path(path)) ? xstrndup(key, (size_t)(path - key))
							     : xstrdup(key);
	if (strcmp(bare, "index.docker.io") == 0 || strcmp(bare, "registry-1.docker.io") == 0)
		return xstrdup("docker.io");
	return TAKE(bare);
}

const char *
credentials_server(const struct reference *repository)
{
	return strcmp(repository->registry, "docker.io") == 0 ? "https://index.docker.io/v1/"
							      : repository->registry;
}

/* How well a key fits: 0 not at all, more for a longer namespace, and for what docker writes. */
static size_t
key_fit(const char *key, const struct reference *repository)
{
	auto_free char *normal = normal_key(key);
	auto_free char *full = reference_repository(repository);
	size_t length = normal != NULL ? strlen(normal) : 0;

	if (normal == NULL || !text_starts_with(full, normal) ||
	    (full[length] != '/' && full[length] != '\0'))
		return 0;
	if (length < strlen(repository->registry))
		return 0;
	return 2 * length + (strcmp(key, credentials_server(repository)) == 0);
}

/* The member of `object` whose key fits best, or NULL. */
static json_t *
best_member(json_t *object, const struct reference *repository)
{
	json_t *value, *best = NULL;
	size_t best_fit = 0;
	const char *key;

	json_object_foreach (object, key, value) {
		size_t fit = key_fit(key, repository);

		/* docker leaves empty entries for what its credentials store holds. */
		if (fit > best_fit && !(json_is_object(value) && json_object_size(value) == 0)) {
			best_fit = fit;
			best = value;
		}
	}
	return best;
}

/* The member of this name, else one that differs in case only: docker writes and reads such. */
static json_t *
member(json_t *object, const char *name)
{
	json_t *exact = json_object_get(object, name), *value;
	const char *key;

	if (exact != NULL)
		return exact;
	json_object_foreach (object, key, value)
		if (strcasecmp(key, name) == 0)
			return value;
	return NULL;
}

static char *
text_member(json_t *object, const char *key)
{
	const char *text = json_string_value(member(object, key));

	return text != NULL && *text != '\0' ? xstrdup(text) : NULL;
}

/* "auth": base64 of "USER:PASSWORD"; only the first colon separates. */
static int
decode_auth(const char *name, const char *text, struct credentials *credentials, struct error *err)
{
	size_t room = strlen(text), length = 0;
	char *plain = xcalloc(1, room + 1), *colon = NULL;

	if (base64_decode(text, room, (uint8_t *)plain, room, &length) && strlen(plain) == length)
		colon = strchr(plain, ':');
	/* ":" is what a logout leaves: nobody. */
	if (colon != NULL && colon[1] != '\0') {
		credentials->user = xstrndup(plain, (size_t)(colon - plain));
		credentials->secret = xstrdup(colon + 1);
	}
	explicit_bzero(plain, room);
	free(plain);
	if (colon == NULL)
		return error_set(err, ERR_INPUT,
				 "an 'auth' in '%s' is not the base64 of 'user:password'", name);
	return credentials->secret != NULL;
}

static int
read_entry(const char *name, json_t *entry, struct credentials *credentials, struct error *err)
{
	auto_free char *auth = text_member(entry, "auth");
	char *identity = text_member(entry, "identitytoken");
	char *token = text_member(entry, "registrytoken");
	int result = 0;

	if (token != NULL) {
		explicit_bzero(token, strlen(token));
		free(token);
	}
	if (auth != NULL) {
		result = decode_auth(name, auth, credentials, err);
		explicit_bzero(auth, strlen(auth));
	} else {
		credentials->user = text_member(entry, "username");
		credentials->secret = text_member(entry, "password");
		result = credentials->user != NULL && credentials->secret != NULL;
	}
	/* With an identity token the password is empty, and "auth" at most names the user. */
	if (identity != NULL && result >= 0) {
		free(credentials->secret);
		credentials->secret = TAKE(identity);
		credentials->identity_token = true;
		result = 1;
	}
	free(identity);
	return result;
}

static char *
helper_name(const char *name, const json_t *value, struct error *err)
{
	const char *text = json_string_value(value);

	/* It becomes a part of a program's name. */
	if (text == NULL || !name_is_plain(text)) {
		error_set(err, ERR_INPUT, "a credential helper in '%s' has an invalid name", name);
		return NULL;
	}
	return xstrdup(text);
}

static bool
is_empty_text(const json_t *value)
{
	return json_is_string(value) && *json_string_value(value) == '\0';
}

static int
search_file(const char *name, json_t *root, bool legacy, const struct reference *repository,
	    struct credentials *credentials, char **ret_helper, struct error *err)
{
	json_t *auths = legacy ? root : member(root, "auths");
	json_t *helper = legacy ? NULL : best_member(member(root, "credHelpers"), repository);
	json_t *entry, *store = legacy || helper != NULL ? NULL : member(root, "credsStore");

	if (helper != NULL && !is_empty_text(helper)) {
		*ret_helper = helper_name(name, helper, err);
		return *ret_helper != NULL ? 1 : -1;
	}
	entry = best_member(auths, repository);
	if (entry != NULL) {
		int result = read_entry(name, entry, credentials, err);

		if (result != 0)
			return result;
	}
	if (store == NULL || is_empty_text(store))
		return 0;
	*ret_helper = helper_name(name, store, err);
	return *ret_helper != NULL ? 1 : -1;
}

int
credentials_parse(const char *name, const char *text, size_t length, bool legacy,
		  const struct reference *repository, struct credentials *ret_credentials,
		  char **ret_helper, struct error *err)
{
	AUTO(credentials_clear) struct credentials credentials = CREDENTIALS_INIT;
	json_error_t where;
	json_t *root;
	int result;

	if (strspn(text, " \t\r\n") == length)
		return 0;
	root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);

	/* The parser's own words may quote a part of the text. */
	if (!json_is_object(root)) {
		json_decref(root);
		return error_set(err, ERR_INPUT, "'%s' is not a JSON object (line %d)", name,
				 where.line);
	}
	result = search_file(name, root, legacy, repository, &credentials, ret_helper, err);
	json_decref(root);
	if (result == 1 && *ret_helper == NULL) {
		credentials.origin = xstrdup(name);
		*ret_credentials = credentials;
		credentials = (struct credentials)CREDENTIALS_INIT;
	}
	return result;
}
