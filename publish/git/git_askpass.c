/* SPDX-License-Identifier: MIT */
#include "publish/git/git_askpass.h"

#include "base/alloc.h"
#include "base/number.h"
#include "base/strbuf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TOKEN = 4096 };

/*
 * A host and perhaps its port, or an address in brackets; nothing that could be read in two ways.
 */
static bool
is_authority(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
	size_t length;

	if (*text == '[') {
		length = 1 + strspn(text + 1, "0123456789abcdef:.");
		if (text[length] != ']')
			return false;
		length++;
	} else {
		length = strspn(text, letters);
	}
	if (length == 0)
		return false;
	text += length;
	if (*text == '\0')
		return true;
	return *text == ':' && text[1] != '\0' &&
	       strspn(text + 1, "0123456789") == strlen(text + 1);
}

char *
git_https_origin(const char *url)
{
	static const char scheme[] = "https://";
	auto_free char *authority = NULL;
	const char *port;
	char *at;

	if (!text_starts_with(url, scheme))
		return NULL;
	url += strlen(scheme);
	authority = xstrndup(url, strcspn(url, "/?#"));
	at = strrchr(authority, '@');
	at = at != NULL ? at + 1 : authority;
	for (char *c = at; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!is_authority(at))
		return NULL;
	/* Behind the brackets of an address, which has colons of its own. */
	port = *at == '[' ? strchr(at, ']') : at;
	return xasprintf("%s%s%s", scheme, at, strchr(port, ':') != NULL ? "" : ":443");
}

/*
 * Whether only one host can be meant. git before 2.48.1 prints the user name of a URL as it is:
 * "https://github.com%2F@evil.example" is asked about as "https://github.com/@evil.example".
 */
static bool
has_one_host(const char *url)
{
	const char *at = strchr(url, '@'), *user = strstr(url, "://");

	return at == NULL || (user != NULL && user + 3 + strcspn(user + 3, "/?#\\:@") == at &&
			      strchr(at + 1, '@') == NULL);
}

enum git_question
git_askpass_question(const char *prompt, const char *origin)
{
	static const struct {
		const char *words;
		enum git_question question;
	} forms[] = {{"Username for '", GIT_QUESTION_USER},
		     {"Password for '", GIT_QUESTION_PASSWORD}};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const char *url = prompt + strlen(forms[i].words), *end;
		auto_free char *asked = NULL, *seen = NULL;

		if (!text_starts_with(prompt, forms[i].words))
			continue;
		end = strstr(url, "': ");
		if (end == NULL || end[3] != '\0')
			return GIT_QUESTION_OTHER;
		asked = xstrndup(url, (size_t)(end - url));
		seen = has_one_host(asked) ? git_https_origin(asked) : NULL;
		return seen != NULL && strcmp(seen, origin) == 0 ? forms[i].question
								 : GIT_QUESTION_OTHER;
	}
	return GIT_QUESTION_OTHER;
}

/* From the pipe to standard output; the second time there is nothing in it any more. */
static bool
print_token(int fd)
{
	char bytes[MAX_TOKEN];
	size_t length = 0;
	ssize_t n;

	do {
		n = read(fd, bytes + length, sizeof(bytes) - length);
		if (n > 0)
			length += (size_t)n;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0 || length == 0 || length == sizeof(bytes))
		return false;
	return fwrite(bytes, 1, length, stdout) == length && puts("") >= 0 && fflush(stdout) == 0;
}

bool
git_askpass_run(int argc, char **argv, int *ret_status)
{
	const char *setting = getenv(GIT_ASKPASS_VARIABLE);
	const char *prompt = argc == 2 ? argv[1] : "";
	const char *origin = setting;
	uint64_t fd;

	if (setting == NULL)
		return false;
	*ret_status = 1;
	if (!parse_uint_prefix(&origin, 1024, &fd) || fd <= STDERR_FILENO || *origin != ' ')
		return true;
	switch (git_askpass_question(prompt, origin + 1)) {
	case GIT_QUESTION_USER:
		*ret_status = puts("x-access-token") >= 0 && fflush(stdout) == 0 ? 0 : 1;
		break;
	case GIT_QUESTION_PASSWORD:
		*ret_status = print_token((int)fd) ? 0 : 1;
		break;
	case GIT_QUESTION_OTHER:
		break;
	}
	return true;
}
