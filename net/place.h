/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where the servers of an exchange are, seen from here, and where they may send us.
 *
 * A name proves little: "mirror.example" may resolve to 127.0.0.1, and 0.0.0.0 is this machine. So
 * the connected address is checked, before the request is sent. A server may name URLs of servers
 * as far away as itself, or farther; the user may name any.
 */

#include <stdbool.h>

struct sockaddr;

/* Nearer places have greater values. */
enum http_place {
	HTTP_PLACE_ANY, /* for who names a URL: the user, or a file */
	HTTP_PLACE_PUBLIC,
	HTTP_PLACE_PRIVATE, /* 10.0.0.0/8, 100.64.0.0/10, 172.16.0.0/12, 192.168.0.0/16, fc00::/7 */
	HTTP_PLACE_LINK,    /* 169.254.0.0/16, fe80::/10: where clouds keep their credentials */
	HTTP_PLACE_HERE,    /* loopback, also as ::ffff:127.0.0.1, and 0.0.0.0/8 and :: */
};

/* Families other than IPv4 and IPv6 are HTTP_PLACE_HERE. */
enum http_place http_place_of(const struct sockaddr *address);

/* The same for the text of an address with or without [], or HTTP_PLACE_ANY if it is not one. */
enum http_place http_place_of_text(const char *address);

/*
 * Whether a server at `from` may send us to `to`. With https a certificate proves the name of a
 * server at a private address, and a registry's storage may be at one.
 */
bool http_place_may_lead(enum http_place from, enum http_place to, bool https);

/* "a private address", "this machine itself", ... for messages. */
const char *http_place_text(enum http_place place);
