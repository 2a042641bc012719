/* SPDX-License-Identifier: MIT */
#include "base/program.h"

#include "base/alloc.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"

static bool
is_executable_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *
program_search_path(void)
{
	AUTO(strbuf_clear) struct strbuf path = STRBUF_INIT;
	const char *at = getenv("PATH");

	for (at = at != NULL ? at : DEFAULT_PATH; at != NULL; at = strchr(at, ':')) {
		at += *at == ':';
		if (*at == '/')
			strbuf_addf(&path, "%s%.*s", path.length > 0 ? ":" : "",
				    (int)strcspn(at, ":"), at);
	}
	return strbuf_take(&path);
}

int
program_find(const char *name, char **ret_path, struct error *err)
{
	auto_free char *directories = program_search_path();

	if (name[0] == '/') {
		*ret_path = xstrdup(name);
		return 0;
	}
	if (name[0] == '\0' || strchr(name, '/') != NULL)
		return error_set(err, ERR_INPUT, "program path '%s' is not absolute", name);
	for (char *at = directories; *at != '\0';) {
		size_t length = strcspn(at, ":");
		auto_free char *path = xasprintf("%.*s/%s", (int)length, at, name);

		if (is_executable_file(path)) {
			*ret_path = TAKE(path);
			return 0;
		}
		at += length + (at[length] == ':');
	}
	return error_set(err, ERR_NOT_FOUND, "program '%s' not found", name);
}
