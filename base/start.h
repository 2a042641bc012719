/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a program does before anything else: the libraries that make documents and compare
 * signatures get memory or end the program with "out of memory". They report a failed allocation
 * in places that nobody can look at: an element that is missing from an object, a signature that
 * "does not verify".
 */

#include "base/error.h"

/*
 * Gives jansson and libcrypto the allocators of base/alloc.h, and initialises libcrypto. Once, at
 * the start of main(), before either is used. ERR_IO.
 */
int libraries_start(struct error *err) CHECKED;
