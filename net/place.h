/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where the servers of this exchange are, seen from here, and where they may send us.
 *
 * A name tells little: "mirror.example" may resolve to 127.0.0.1, and 0.0.0.0 is this machine. So
 * the address that is connected is judged, before the request is sent. Whoever names a URL may lead
 * to servers as far away as itself, or farther; the user may lead anywhere.
 */

#include <stdbool.h>

struct sockaddr;

/* The nearer, the greater. */
enum http_place {
	HTTP_PLACE_ANY, /* as who names a URL: the user, or a file */
	HTTP_PLACE_PUBLIC,
	HTTP_PLACE_PRIVATE, /* 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, 192.168.0.0/16, fc00::/7 */
	HTTP_PLACE_LINK,    /* 169.254.0.0/16, fe80::/10: where clouds keep their credentials */
	HTTP_PLACE_HERE,    /* loopback, also as ::ffff:127.0.0.1, and 0.0.0.0/8 and :: */
};

/* Any other family than IPv4 and IPv6 is HTTP_PLACE_HERE. */
enum http_place http_place_of(const struct sockaddr *address);

/* The same for the text of an address with or without [], or HTTP_PLACE_ANY for what is none. */
enum http_place http_place_of_text(const char *address);

/*
 * Whether who is at `from` may lead to `to`. With https the name of a server at a private address
 * is proven by its certificate, and storage of a registry may well be there.
 */
bool http_place_may_lead(enum http_place from, enum http_place to, bool https);

/* "a private address", "this machine itself", ... for messages. */
const char *http_place_text(enum http_place place);
