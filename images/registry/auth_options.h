/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where a login for a registry comes from, and who may see it.
 */

#include <stdbool.h>
#include <stddef.h>

/* What a login is worth. */
enum auth_login {
	AUTH_LOGIN_NEEDED, /* writing: one that fails is an error */
	/*
	 * Reading: what is public needs none. One that works is used, since registries count
	 * strangers; one that cannot be looked up or is refused (401, 403, 429) is given up, with a
	 * warning.
	 */
	AUTH_LOGIN_OPTIONAL,
	AUTH_LOGIN_NONE, /* as a stranger: nobody's login is looked at */
};

struct auth_options {
	const char *auth_file;     /* see credentials_find(); may be NULL */
	bool plain_http;           /* the registry is talked to over http:// by the user's wish */
	const char *const *realms; /* hosts that may see the credentials besides the obvious */
	size_t realm_count;
	enum auth_login login;
	void (*warn)(const char *sentence); /* from any thread; may be NULL */
};
