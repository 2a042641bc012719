/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Packages to be assembled from an unsigned build and the signature header that its build system
 * keeps beside it (rpm_splice() in rpm.h).
 *
 * In a list of URLs such a pair is one entry, UNSIGNED#signature=SIGNATURE. A fragment is not sent
 * to a server: a program that does not know about it gets the unsigned file, whose digest does not
 * match.
 */

#include "base/error.h"
#include "net/http.h"

#include <stdbool.h>

/* The entry, to be freed by the caller. */
char *spliced_url(const char *unsigned_url, const char *signature_url) CHECKED;

bool spliced_url_is(const char *url);

/*
 * http_download() for such an entry: fetches both parts and writes the signed package. It does not
 * resume: the content of the file is overwritten. `request->url` is the entry.
 *
 * Errors of http_download() and rpm_splice().
 */
int spliced_download(struct http_client *client, const struct http_request *request,
		     const struct http_download *download, struct http_downloaded *ret_downloaded,
		     struct error *err) CHECKED;
