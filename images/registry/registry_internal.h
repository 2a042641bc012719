/* SPDX-License-Identifier: MIT */
#pragma once

/* What registry*.c and upload.c share with each other and with nobody else. */

#include "images/registry/registry.h"

struct registry {
	struct http_client *http;
	const struct reference *reference;
	struct registry_options options;
	struct auth *auth;
	char *base; /* "https://HOST/v2/" */
	char *pull_scope, *push_scope;
	_Atomic bool no_head; /* HEAD was refused: GET is asked at once */
};

/* One request; borrowed. */
struct registry_request {
	const char *method;
	const char *url;
	const char *const *headers;   /* ended by NULL, or NULL */
	const struct http_body *body; /* or NULL */
	const char *scope;            /* what a token has to allow */
	enum http_retry retry;
	enum http_place named_by;  /* where the server is that has named the URL; 0: nobody has */
	unsigned int tries;        /* 0: as usual */
	bool head_only;            /* see struct http_request */
	size_t max_response_bytes; /* 0: 1 MiB */
	struct progress_task *progress;
};

/*
 * Sends it, with credentials if the URL is the registry's own, again with better ones after a 401,
 * and as often as net/again.h says. Any other status is the caller's to judge.
 */
int registry_send(struct registry *registry, const struct registry_request *request,
		  struct http_response *ret_response, struct error *err) CHECKED;

/* Sets the error for an answer: its status, and code and message of the error document. */
int registry_refused(const struct http_response *response, const char *what, struct error *err);

/* Whether the error document of an answer has this code. */
bool registry_has_code(const struct http_response *response, const char *code);

/* Remembers a registry that does not do HEAD. */
void registry_note_head(struct registry *registry, const struct http_response *response);

/* What its URLs may be, HTTP_ALLOW_... */
unsigned int registry_allow(const struct registry *registry);

/* "https://HOST/v2/PATH/TAIL", to be freed. */
char *registry_url(const struct registry *registry, const char *tail) CHECKED;
