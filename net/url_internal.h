/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * URLs of libcurl, for the sources of net/ that take them apart.
 */

struct Curl_URL;

/* For AUTO(): a CURLU, and one of its parts. */
void http_curlu_freep(struct Curl_URL **url);
void http_part_freep(char **part);
