/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Start-up of libraries: those that make documents and compare signatures get memory or end the
 * program with "out of memory". By themselves they would hide a failed allocation: an element
 * missing from an object, a signature that "does not verify".
 */

#include "base/error.h"

/*
 * Gives jansson and libcrypto the allocators of base/alloc.h, and initialises libcrypto. Once, at
 * the start of main(), before either is used. ERR_IO.
 */
int libraries_start(struct error *err) CHECKED;
