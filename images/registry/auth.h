/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What goes into the field Authorization of requests to one registry: nothing, Basic, or a Bearer
 * token from the token server that the registry names (the distribution project's token flow).
 *
 * Used by several threads at once. Credentials are looked up when the registry first asks.
 */

#include "base/error.h"
#include "images/reference.h"
#include "images/registry/auth_options.h"
#include "net/http.h"

struct auth;

/* All is borrowed and must outlive the result. */
struct auth *auth_new(struct http_client *http, const struct reference *repository,
		      const struct auth_options *options) CHECKED;
void auth_free(struct auth *auth);
void auth_freep(struct auth **auth); /* for AUTO() */

/*
 * The value for a request that needs `scope` ("repository:owner/repo:pull,push", or several
 * separated by blanks), or NULL as long as the registry has not asked; to be freed by the caller,
 * wiped. A token that is about to expire is replaced first. A token server that has refused this
 * scope is not asked for it again, nor is a registry sent a password that it has refused. Errors as
 * auth_challenged().
 */
int auth_header(struct auth *auth, const char *scope, char **ret_value, struct error *err) CHECKED;

/*
 * Acts on an answer 401 to a request that was sent with `sent` (NULL: without). Returns 0 when it
 * makes sense to send it again with a new auth_header(), 1 when it does because the login was given
 * up, else -1:
 *
 * ERR_DENIED: the credentials, or their absence, do not suffice for `scope`; or the registry asks
 * for a scheme nobody knows. ERR_REMOTE: it names no token server. ERR_VERIFY: the registry wants
 * credentials sent to a host that is not obviously its own, or over plain http. ERR_NETWORK,
 * ERR_INPUT, ERR_IO.
 */
int auth_challenged(struct auth *auth, const struct http_response *answer, const char *sent,
		    const char *scope, struct error *err) CHECKED;

/* The same for a registry that keeps answering 401. Returns 1 or -1. */
int auth_refused(struct auth *auth, const char *sent, const char *scope, struct error *err) CHECKED;

/*
 * The same for an answer 403 or 429 that is final. Returns whether to send it again because the
 * login was given up.
 */
bool
auth_give_up_login(struct auth *auth, const struct http_response *answer, const char *sent) CHECKED;

/* What is asked again of a registry that has answered a request before. */
enum http_again auth_again(struct auth *auth);

/*
 * Tells of any other outcome of a request that was sent with `sent`; `status` is 0 when there was
 * no answer. For each auth_header() that gives a value this or one of the two above has to follow:
 * the first request with a password goes alone, and others wait for it.
 */
void auth_answered(struct auth *auth, const char *sent, int status);
