/* SPDX-License-Identifier: MIT */
#include "images/registry/auth.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "images/registry/challenge.h"
#include "images/registry/credentials.h"
#include "images/registry/realm.h"
#include "images/registry/scope.h"
#include "images/registry/token.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

enum { MAX_SCOPES = 64 };

/* A token for one set of scopes. */
struct cached {
	char *scope; /* as the caller asked */
	char *asked; /* as it was asked of the token server */
	struct token token;
};

/* How far it is known whether the registry takes the password, with the Basic scheme. */
enum password { PASSWORD_UNTRIED, PASSWORD_UNDERWAY, PASSWORD_TAKEN, PASSWORD_REFUSED };

struct auth {
	struct http_client *http;
	const struct reference *repository;
	struct auth_options options;
	pthread_mutex_t lock;
	enum challenge_scheme scheme; /* CHALLENGE_OTHER: the registry has not asked yet */
	char *realm;                  /* of the Bearer scheme */
	char *service;
	enum http_place named_by; /* where the server is that has named the realm */
	bool looked_up;
	struct error look_up_failure;
	struct credentials credentials; /* `secret` is NULL when there are none */
	bool token_taken;               /* a token was given for them */
	_Atomic bool allowed;           /* the registry has answered a request */
	struct cached *cached;
	size_t cached_count;
	_Atomic unsigned int failures; /* of asking for a token */
	struct error failure;          /* the last of them or of the password, and for what */
	char *failed_scope;
	enum password password;
	pthread_cond_t answered; /* the request with it is no longer underway */
};

struct auth *
auth_new(struct http_client *http, const struct reference *repository,
	 const struct auth_options *options)
{
	struct auth *auth = xcalloc(1, sizeof(*auth));

	auth->http = http;
	auth->repository = repository;
	auth->options = *options;
	auth->scheme = CHALLENGE_OTHER;
	(void)pthread_mutex_init(&auth->lock, NULL);
	(void)pthread_cond_init(&auth->answered, NULL);
	return auth;
}

static void
forget_tokens(struct auth *auth)
{
	for (size_t i = 0; i < auth->cached_count; i++) {
		free(auth->cached[i].scope);
		free(auth->cached[i].asked);
		token_clear(&auth->cached[i].token);
	}
	free(auth->cached);
	auth->cached = NULL;
	auth->cached_count = 0;
}

void
auth_free(struct auth *auth)
{
	if (auth == NULL)
		return;
	forget_tokens(auth);
	credentials_clear(&auth->credentials);
	free(auth->realm);
	free(auth->service);
	free(auth->failed_scope);
	(void)pthread_cond_destroy(&auth->answered);
	(void)pthread_mutex_destroy(&auth->lock);
	free(auth);
}

void
auth_freep(struct auth **auth)
{
	auth_free(*auth);
	*auth = NULL;
}

static void
warn(const struct auth *auth, const char *why, const char *so)
{
	auto_free char *sentence =
		xasprintf("'%s': %s; continuing without%s", auth->repository->registry, why, so);

	if (auth->options.warn != NULL)
		auth->options.warn(sentence);
}

static int
look_up(struct auth *auth, struct error *err)
{
	const struct auth_options *options = &auth->options;
	auto_free char *absent = NULL;

	if (auth->looked_up && auth->look_up_failure.code != ERR_NONE) {
		*err = auth->look_up_failure;
		return -1;
	}
	if (auth->looked_up)
		return 0;
	auth->looked_up = true;
	if (options->login == AUTH_LOGIN_NONE)
		return 0;
	if (credentials_find(options->auth_file, auth->repository, &auth->credentials, &absent,
			     err) < 0) {
		/* A file that was named on the command line has to be one. */
		if (options->login == AUTH_LOGIN_NEEDED || options->auth_file != NULL) {
			auth->look_up_failure = *err;
			return -1;
		}
		warn(auth, err->message, " credentials");
	}
	if (absent != NULL)
		warn(auth, absent, " credentials");
	if (auth->credentials.secret != NULL) {
		credentials_hide(&auth->credentials);
		log_debug("credentials for '%s' come from '%s'", auth->repository->registry,
			  auth->credentials.origin);
	}
	return 0;
}

/* Gives up a login that is only an offer. Returns whether there was one. */
static bool
drop_login(struct auth *auth, const char *why)
{
	if (auth->options.login != AUTH_LOGIN_OPTIONAL || auth->credentials.secret == NULL)
		return false;
	warn(auth, why, " credentials");
	credentials_clear(&auth->credentials);
	forget_tokens(auth);
	free(TAKE(auth->failed_scope));
	if (auth->scheme == CHALLENGE_BASIC)
		auth->scheme = CHALLENGE_OTHER;
	auth->password = PASSWORD_UNTRIED;
	(void)pthread_cond_broadcast(&auth->answered);
	return true;
}

static struct cached *
find_cached(const struct auth *auth, const char *scope)
{
	for (size_t i = 0; i < auth->cached_count; i++)
		if (strcmp(auth->cached[i].scope, scope) == 0)
			return &auth->cached[i];
	return NULL;
}

/* One token, without a login where the server refuses that and none is needed. */
static int
fetch_token(struct auth *auth, const char *asked, struct token *ret_token, struct error *err)
{
	const struct token_request request = {
		.realm = auth->realm,
		.service = auth->service,
		.scope = asked,
		.credentials = &auth->credentials,
		.allow = auth->options.plain_http ? HTTP_ALLOW_PLAIN : 0,
		.again = auth->token_taken ? HTTP_AGAIN_LOGIN : HTTP_AGAIN_TOKEN,
		.named_by = auth->named_by,
	};
	bool busy = false;

	if (token_fetch(auth->http, &request, ret_token, &busy, err) == 0) {
		auth->token_taken = auth->credentials.secret != NULL;
		log_add_token(ret_token->text);
		return 0;
	}
	if ((err->code == ERR_DENIED || busy) && drop_login(auth, err->message)) {
		auth->token_taken = false;
		return fetch_token(auth, asked, ret_token, err);
	}
	return -1;
}

/*
 * Gets a token and keeps it under `scope`. `asked` is not of what is kept, which may go meanwhile.
 */
static int
renew(struct auth *auth, const char *scope, const char *asked, struct error *err)
{
	struct token token = TOKEN_INIT;
	struct cached *cached;

	if (fetch_token(auth, asked, &token, err) < 0) {
		error_prefix(err, "cannot get a token for '%s'", auth->repository->registry);
		auth->failure = *err;
		free(auth->failed_scope);
		auth->failed_scope = xstrdup(scope);
		auth->failures++;
		return -1;
	}
	cached = find_cached(auth, scope);
	if (cached == NULL) {
		if (auth->cached_count >= MAX_SCOPES)
			forget_tokens(auth);
		auth->cached = xgrow(auth->cached, auth->cached_count, sizeof(*auth->cached));
		cached = &auth->cached[auth->cached_count++];
		cached->scope = xstrdup(scope);
	}
	free(cached->asked);
	cached->asked = xstrdup(asked);
	token_clear(&cached->token);
	cached->token = token;
	return 0;
}

/*
 * Servers count wrong passwords and lock accounts. So the first request with it goes alone, and the
 * others wait for what comes of it.
 */
static int
basic_value(struct auth *auth, char **ret_value, struct error *err)
{
	while (auth->password == PASSWORD_UNDERWAY)
		(void)pthread_cond_wait(&auth->answered, &auth->lock);
	if (auth->password == PASSWORD_REFUSED) {
		*err = auth->failure;
		return -1;
	}
	/* It was given up meanwhile. */
	if (auth->credentials.secret == NULL)
		return 0;
	if (auth->password == PASSWORD_UNTRIED)
		auth->password = PASSWORD_UNDERWAY;
	*ret_value = credentials_basic(&auth->credentials);
	return 0;
}

/*
 * What has become of a request that was sent with `sent`, if it is the one that is waited for;
 * `err` says why it was refused.
 */
static void
settle_password(struct auth *auth, const char *sent, enum password outcome, const struct error *err)
{
	if (sent == NULL || !text_starts_with(sent, "Basic ") ||
	    auth->password != PASSWORD_UNDERWAY)
		return;
	auth->password = outcome;
	if (outcome == PASSWORD_REFUSED)
		auth->failure = *err;
	(void)pthread_cond_broadcast(&auth->answered);
}

static int
bearer_value(struct auth *auth, const char *scope, char **ret_value, struct error *err)
{
	struct cached *cached = find_cached(auth, scope);

	if (cached == NULL || monotonic_sec() > cached->token.renew_at_sec) {
		/* A copy: with the login that is refused, what it was given is forgotten. */
		auto_free char *asked = xstrdup(cached != NULL ? cached->asked : scope);

		if (renew(auth, scope, asked, err) < 0)
			return -1;
		cached = find_cached(auth, scope);
		assert(cached != NULL);
	}
	*ret_value = xasprintf("Bearer %s", cached->token.text);
	return 0;
}

/*
 * Locks, but fails where a token for this scope was asked for in vain meanwhile: others who do the
 * same at once would only wait as long again. What was refused is not asked for a second time at
 * all, since servers count wrong passwords.
 */
static int
lock_unless_failed(struct auth *auth, const char *scope, struct error *err)
{
	unsigned int failures = auth->failures;

	(void)pthread_mutex_lock(&auth->lock);
	if (auth->failed_scope == NULL || strcmp(auth->failed_scope, scope) != 0 ||
	    (auth->failures == failures && auth->failure.code != ERR_DENIED))
		return 0;
	*err = auth->failure;
	(void)pthread_mutex_unlock(&auth->lock);
	return -1;
}

int
auth_header(struct auth *auth, const char *scope, char **ret_value, struct error *err)
{
	int result = 0;

	if (lock_unless_failed(auth, scope, err) < 0)
		return -1;
	*ret_value = NULL;
	if (auth->scheme == CHALLENGE_BASIC)
		result = basic_value(auth, ret_value, err);
	else if (auth->scheme == CHALLENGE_BEARER)
		result = bearer_value(auth, scope, ret_value, err);
	(void)pthread_mutex_unlock(&auth->lock);
	return result;
}

static int
need_credentials(const struct auth *auth, struct error *err)
{
	return error_set(err, ERR_DENIED,
			 "'%s' requires credentials and none are configured; log in with docker, "
			 "podman or skopeo, or use --auth-file",
			 auth->repository->registry);
}

static int
challenged_basic(struct auth *auth, const char *sent, struct error *err)
{
	if (auth->credentials.secret == NULL || auth->credentials.identity_token)
		return need_credentials(auth, err);
	if (sent != NULL && text_starts_with(sent, "Basic "))
		return error_set(err, ERR_DENIED, "'%s' rejected the credentials from '%s'",
				 auth->repository->registry, auth->credentials.origin);
	auth->scheme = CHALLENGE_BASIC;
	return 0;
}

static int
insufficient(const struct auth *auth, const char *asked, struct error *err)
{
	if (auth->credentials.secret == NULL)
		return error_set(err, ERR_DENIED,
				 "'%s' does not allow '%s' without credentials; log in with "
				 "docker, podman or skopeo, or use --auth-file",
				 auth->repository->registry, asked);
	return error_set(err, ERR_DENIED, "'%s' does not allow '%s' with the credentials from '%s'",
			 auth->repository->registry, asked, auth->credentials.origin);
}

/*
 * A 401 in spite of a token: worth a new token if the refused one is no longer the newest (another
 * thread has renewed it), was made for other scopes than are asked now, or may have expired. A
 * token server may grant less than it was asked for and say nothing: then a new one would be the
 * same.
 */
static int
challenged_bearer(struct auth *auth, const struct challenge *challenge, enum http_place from,
		  const char *sent, const char *scope, struct error *err)
{
	auto_free char *asked = scope_join(scope, challenge->scope);
	const struct cached *cached;

	if (challenge->realm == NULL)
		return error_set(err, ERR_REMOTE, "'%s' requires a token but names no token server",
				 auth->repository->registry);
	if (realm_check(&auth->options, auth->repository, auth->credentials.secret != NULL,
			challenge->realm, err) < 0)
		return -1;
	auth->named_by = realm_is_named(&auth->options, challenge->realm) ? HTTP_PLACE_ANY : from;
	free(auth->realm);
	free(auth->service);
	auth->realm = xstrdup(challenge->realm);
	auth->service = challenge->service != NULL ? xstrdup(challenge->service) : NULL;
	auth->scheme = CHALLENGE_BEARER;

	cached = find_cached(auth, scope);
	/* Another thread was asked the same question, and has the answer. */
	if (sent == NULL && cached != NULL && strcmp(cached->asked, asked) == 0)
		return 0;
	if (sent != NULL && cached != NULL && text_starts_with(sent, "Bearer ")) {
		bool newest = strcmp(sent + strlen("Bearer "), cached->token.text) == 0;

		if (!newest)
			return 0;
		if (strcmp(cached->asked, asked) == 0 && challenge->error != NULL &&
		    strcmp(challenge->error, "insufficient_scope") == 0)
			return insufficient(auth, asked, err);
	}
	return renew(auth, scope, asked, err);
}

int
auth_challenged(struct auth *auth, const struct http_response *answer, const char *sent,
		const char *scope, struct error *err)
{
	AUTO(challenges_clear) struct challenges list = CHALLENGES_INIT;
	const struct challenge *bearer, *basic;
	const char *value;
	int result;

	for (size_t i = 0;
	     (value = http_headers_get(&answer->headers, "WWW-Authenticate", i)) != NULL; i++)
		if (!challenges_parse(value, &list))
			log_debug("'%s' sent a malformed WWW-Authenticate",
				  auth->repository->registry);
	bearer = challenges_find(&list, CHALLENGE_BEARER);
	basic = challenges_find(&list, CHALLENGE_BASIC);
	if (lock_unless_failed(auth, scope, err) < 0) {
		/* Others may wait for what comes of this password. */
		auth_answered(auth, sent, 0);
		return -1;
	}
	result = look_up(auth, err);
	if (result == 0 && bearer != NULL)
		result = challenged_bearer(auth, bearer, answer->place, sent, scope, err);
	else if (result == 0 && basic != NULL)
		result = challenged_basic(auth, sent, err);
	else if (result == 0)
		result = error_set(err, ERR_DENIED,
				   "'%s' refused access without a WWW-Authenticate (401)",
				   auth->repository->registry);
	if (result < 0 && err->code == ERR_DENIED && drop_login(auth, err->message))
		result = 1;
	else
		settle_password(auth, sent, result < 0 ? PASSWORD_REFUSED : PASSWORD_UNTRIED, err);
	(void)pthread_mutex_unlock(&auth->lock);
	return result;
}

void
auth_answered(struct auth *auth, const char *sent, int status)
{
	bool taken = (status >= 200 && status <= 299) || status == 404;

	if (taken)
		auth->allowed = true;
	if (sent == NULL)
		return;
	(void)pthread_mutex_lock(&auth->lock);
	settle_password(auth, sent, taken ? PASSWORD_TAKEN : PASSWORD_UNTRIED, NULL);
	(void)pthread_mutex_unlock(&auth->lock);
}

int
auth_refused(struct auth *auth, const char *sent, const char *scope, struct error *err)
{
	int result = -1;

	(void)pthread_mutex_lock(&auth->lock);
	(void)insufficient(auth, scope, err);
	if (drop_login(auth, err->message))
		result = 1;
	else
		settle_password(auth, sent, PASSWORD_REFUSED, err);
	(void)pthread_mutex_unlock(&auth->lock);
	return result;
}

bool
auth_give_up_login(struct auth *auth, const struct http_response *answer, const char *sent)
{
	struct error why = ERROR_INIT;
	bool given_up = false;

	if (auth->options.login != AUTH_LOGIN_OPTIONAL || sent == NULL ||
	    (answer->status != 403 && answer->status != 429) ||
	    http_response_check(answer, &why) == 0)
		return false;
	(void)pthread_mutex_lock(&auth->lock);
	given_up = drop_login(auth, why.message);
	(void)pthread_mutex_unlock(&auth->lock);
	return given_up;
}

enum http_again
auth_again(struct auth *auth)
{
	enum http_again again = HTTP_AGAIN_ANY;

	if (!auth->allowed)
		return again;
	(void)pthread_mutex_lock(&auth->lock);
	again = auth->password == PASSWORD_TAKEN ? HTTP_AGAIN_LOGIN : HTTP_AGAIN_ALLOWED;
	(void)pthread_mutex_unlock(&auth->lock);
	return again;
}
