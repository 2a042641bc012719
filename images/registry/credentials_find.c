/* SPDX-License-Identifier: MIT */
#include "images/registry/credentials.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "images/registry/credential_helper.h"

#include <string.h>

/* docker's own limit is none; nobody keeps more than a few logins. */
#define MAX_FILE ((size_t)1 << 20)

static int
search_path(const char *path, bool legacy, bool required, const struct reference *repository,
	    struct credentials *ret_credentials, char **ret_absent, struct error *err)
{
	auto_free char *helper = NULL;
	char *text = NULL;
	size_t length;
	int result;

	if (read_file(path, MAX_FILE, &text, &length, err) < 0) {
		if (required || (err->code != ERR_NOT_FOUND && err->code != ERR_IO))
			return -1;
		log_debug("no credentials from '%s': %s", path, err->message);
		return 0;
	}
	result = credentials_parse(path, text, length, legacy, repository, ret_credentials, &helper,
				   err);
	explicit_bzero(text, length);
	free(text);
	if (result != 1 || helper == NULL)
		return result;
	result = credential_helper_ask(helper, repository, ret_credentials, err);
	if (result >= 0 || err->code != ERR_NOT_FOUND)
		return result;
	free(*ret_absent);
	*ret_absent = xasprintf("%s, named in '%s'", err->message, path);
	*err = (struct error)ERROR_INIT;
	return 0;
}

/* "$VARIABLE/TAIL", or "$HOME/FALLBACK/TAIL"; NULL when neither is set. */
static char *
place(const char *variable, const char *fallback, const char *tail)
{
	const char *directory = variable != NULL ? getenv(variable) : NULL;
	const char *home = getenv("HOME");

	if (directory != NULL && *directory != '\0')
		return xasprintf("%s/%s", directory, tail);
	if (fallback == NULL || home == NULL || *home == '\0')
		return NULL;
	return xasprintf("%s/%s%s", home, fallback, tail);
}

int
credentials_find(const char *auth_file, const struct reference *repository,
		 struct credentials *ret_credentials, char **ret_absent, struct error *err)
{
	const char *named = getenv("REGISTRY_AUTH_FILE");
	char *places[] = {
		named != NULL && *named != '\0' ? xstrdup(named) : NULL,
		place("XDG_RUNTIME_DIR", NULL, "containers/auth.json"),
		place("XDG_CONFIG_HOME", ".config/", "containers/auth.json"),
		place("DOCKER_CONFIG", ".docker/", "config.json"),
		place(NULL, "", ".dockercfg"),
	};
	int result = 0;

	*ret_absent = NULL;
	if (auth_file != NULL)
		result = search_path(auth_file, false, true, repository, ret_credentials,
				     ret_absent, err);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		bool legacy = i == ARRAY_SIZE(places) - 1;

		if (auth_file == NULL && places[i] != NULL && result == 0)
			result = search_path(places[i], legacy, false, repository, ret_credentials,
					     ret_absent, err);
		free(places[i]);
	}
	if (result != 0)
		free(TAKE(*ret_absent));
	return result;
}
