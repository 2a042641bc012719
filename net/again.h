/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is retried, and how often: one answer is not final where the next may differ.
 *
 *     kind      answer            tries  why
 *     any       none, 408, 429,   6      the server or the way to it is busy; as long as it asks,
 *               5xx, 403 that            else twice as long each time (0.5, 1, 2, ... s)
 *               says how long
 *     any       name without      3      a resolver fails for a moment, a wrong name always: three
 *               an address               tries of a name for the whole client (net/names.h)
 *     allowed   403               4      GHCR sometimes refuses what it allowed to the same token
 *                                        before: docker/build-push-action#463, ksail#7154
 *     login     401               2      the same for a password that was accepted before; one that
 *               403               4      never was is sent once, since servers count failures
 *     token     403               3      and it gives a token a second later: nextstrain/docker-base#131
 *     written   404, or what was  4      a replica that lags: cli/cli#6599, qr-crypt#73; 1 s between
 *               there before
 *     head      403, 405, 501, a  GET    storage whose signed URLs are valid for GET only, and
 *               length that              registries without HEAD: moby/moby#50065, distribution#1485,
 *               cannot be                goharbor/harbor#13793
 *     reading   401, 403, 429     once   reading public data with a stale login continues without
 *                                 more   it: containerd/containerd#2211; writing never does
 *
 * Rows without a number are implemented by images/registry/registry.c.
 */

enum http_again {
	HTTP_AGAIN_ANY,     /* only the first two rows */
	HTTP_AGAIN_ALLOWED, /* the same server allowed the same request a moment ago */
	HTTP_AGAIN_LOGIN,   /* the same, and it accepted the password of the request */
	HTTP_AGAIN_TOKEN,   /* from a token server */
	HTTP_AGAIN_WRITTEN, /* it was written a moment ago */
};

/* How often a request is sent in total while it gets this status; 1: the answer is final. */
unsigned int http_again_tries(enum http_again kind, int status);

/* The same for a name that does not resolve. */
#define HTTP_RESOLVE_TRIES 3U
