/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Keeps one request away from addresses that whoever named its URL may not lead to.
 */

#include "net/place.h"

/* All of it is the caller's; it must outlive the transfer. */
struct http_guard {
	enum http_place from; /* where the server is that named the URL */
	const char *url;
	bool direct;             /* no proxy is used, whatever is configured */
	enum http_place refused; /* the address that was kept from, or HTTP_PLACE_ANY */
	char address[64];        /* its text */
};

/*
 * Sets the options of a libcurl handle. The address is looked at twice: before a connection is
 * made, and before the request goes out, since a kept connection may be of another request that the
 * user had named. The address of a configured proxy is the user's word, and passes.
 */
void http_guard_install(struct http_guard *guard, void *handle);

/* Where the answer came from; through a proxy: HTTP_PLACE_PUBLIC, for all that is known here. */
enum http_place http_guard_place(const struct http_guard *guard, void *handle);
