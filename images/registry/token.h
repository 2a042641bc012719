/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One token from a token server, over the distribution project's GET or OAuth2's POST.
 */

#include "base/error.h"
#include "images/registry/credentials.h"
#include "net/http.h"

struct token {
	char *text;          /* printable, without blanks; wiped on release */
	double renew_at_sec; /* on the clock of monotonic_sec() */
};

#define TOKEN_INIT {NULL, 0.0}

void token_clear(struct token *token);

/* All is borrowed. */
struct token_request {
	const char *realm;                     /* URL of the server */
	const char *service;                   /* may be NULL */
	const char *scope;                     /* one or more, separated by blanks */
	const struct credentials *credentials; /* without a secret: anonymous */
	unsigned int allow;                    /* HTTP_ALLOW_... */
	enum http_again again;                 /* whether the server has taken them before */
	enum http_place named_by;              /* where the registry is that has named the realm */
};

/*
 * Asks for a token. ERR_DENIED: refused. ERR_REMOTE: an answer without a token. ERR_NETWORK; then
 * `*ret_busy` is whether the server answers 429, which counts by who asks.
 */
int token_fetch(struct http_client *http, const struct token_request *request,
		struct token *ret_token, bool *ret_busy, struct error *err) CHECKED;

/* Reads the server's answer; `name` is for messages, which show no part of it. ERR_REMOTE. */
int token_parse(const char *name, const char *text, size_t length, struct token *ret_token,
		struct error *err) CHECKED;
