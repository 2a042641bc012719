/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is asked again, and how often: one answer is not final where the next may differ.
 *
 *     kind      answer            tries  why
 *     any       none, 408, 429,   6      the server or the way to it is busy; as long as it asks,
 *               5xx, 403 that            else twice as long each time (0.5, 1, 2, ... s)
 *               says how long
 *     any       name without      3      a resolver fails for a moment, a wrong name for ever: three
 *               an address               tries of a name in all that a client does (net/names.h)
 *     allowed   403               4      GHCR refuses now and then what the same token was allowed
 *                                        before: docker/build-push-action#463, ksail#7154
 *     login     401               2      the same of a password that was taken before; one that was
 *               403               4      never taken is sent once, since servers count them
 *     token     403               3      and it gives a token a second later: nextstrain/docker-base#131
 *     written   404, or what was  4      a replica that lags: cli/cli#6599, qr-crypt#73; 1 s between
 *               there before
 *     head      403, 405, 501, a  GET    storage whose signed addresses are good for GET only, and
 *               length that              registries without HEAD: moby/moby#50065, distribution#1485,
 *               cannot be                goharbor/harbor#13793
 *     reading   401, 403, 429     once   who looks at public data with a login that is stale goes on
 *                                 more   without: containerd/containerd#2211; who writes never does
 *
 * A line without a number is what images/registry/registry.c does by itself.
 */

enum http_again {
	HTTP_AGAIN_ANY,     /* only what the first two lines say */
	HTTP_AGAIN_ALLOWED, /* the same server has allowed a moment ago what it was asked */
	HTTP_AGAIN_LOGIN,   /* the same, and the request carries a password that it has taken */
	HTTP_AGAIN_TOKEN,   /* from a token server */
	HTTP_AGAIN_WRITTEN, /* it was put there a moment ago */
};

/* How often a request is sent in all if it keeps getting this status; 1: the answer is final. */
unsigned int http_again_tries(enum http_again kind, int status);

/* The same for a name that has no address. */
#define HTTP_RESOLVE_TRIES 3U
