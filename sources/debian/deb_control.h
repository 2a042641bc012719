/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The values in a Debian package's control file, or in its entry of an archive's index.
 */

#include "model/package.h"
#include "sources/debian/deb822.h"

/*
 * Sets name, version, arch, source_package, built_using and qemu_version of `*package`, where these
 * are empty; the rest is unchanged. The QEMU version is the upstream part of the package's, which
 * can be coarser than that of its programs: "7.2" for 7.2.22.
 *
 * ERR_INPUT if a field is missing or malformed; `*package` is then unchanged. `label` is for the
 * message.
 */
int deb_control_fill(const struct deb822 *control, const char *label, struct package *package,
		     struct error *err) CHECKED;

/*
 * Why a package's QEMU programs cannot be the static ones, as text that follows "package 'NAME'
 * VERSION ", or NULL if they can. Debian moved them: up to version 12 they are in qemu-user-static
 * and qemu-user has dynamic ones, later they are in qemu-user and qemu-user-static has links to
 * them.
 */
const char *deb_control_why_not_static(const struct deb822 *control) CHECKED;
