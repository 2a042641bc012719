/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Blocks connections of one request to addresses that the party which named its URL must not lead
 * to.
 */

#include "net/place.h"

/* Owned by the caller; must outlive the transfer. */
struct http_guard {
	enum http_place from; /* place of the server that named the URL */
	const char *url;
	bool direct;             /* use no proxy, whatever is configured */
	enum http_place refused; /* place of the blocked address, or HTTP_PLACE_ANY */
	char address[64];        /* the blocked address as text */
};

/*
 * Sets the options of a libcurl handle. The address is checked twice: before connecting, and before
 * the request is sent, since a reused connection may belong to a request that the user named. The
 * address of a configured proxy is trusted.
 */
void http_guard_install(struct http_guard *guard, void *handle);

/* Where the answer came from; HTTP_PLACE_PUBLIC through a proxy, where it is unknown. */
enum http_place http_guard_place(const struct http_guard *guard, void *handle);
