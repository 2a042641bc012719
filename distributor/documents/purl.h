/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Names of packages and their sources that other tools understand: package URLs, and places where
 * the source can be had.
 */

#include "model/package.h"

/*
 * "pkg:rpm/fedora/NAME@VERSION-RELEASE?arch=A&distro=D&epoch=E" or
 * "pkg:deb/debian/NAME@VERSION?arch=A&distro=SUITE", to be freed by the caller.
 */
char *purl_of_package(const struct package *package) CHECKED;

/* A source package, from "qemu-10.2.2-1.fc44.src.rpm" or "qemu (= 1:10.0.13+ds-0+deb13u1)". */
struct source_package {
	char *name;
	char *version; /* rpm: without epoch, which the file name does not tell */
	bool is_rpm;
};

#define SOURCE_PACKAGE_INIT {NULL, NULL, false}

void source_package_clear(struct source_package *source);

/* False for a text of neither form. */
bool source_package_parse(const char *text, struct source_package *ret_source) CHECKED;

char *purl_of_source(const struct source_package *source) CHECKED;

/* A URL that names the source and stays, to be freed by the caller. */
char *source_package_location(const struct source_package *source) CHECKED;

/*
 * The SPDX licence expression that a package states, borrowed, or NULL if the text is not one:
 * older packages have words of their own, such as "GPLv2+".
 */
const char *license_expression(const char *text);
