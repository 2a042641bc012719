/* SPDX-License-Identifier: MIT */
#include "matrix/reader.h"

#include "base/alloc.h"
#include "model/qemu_version.h"

#include <string.h>

/*
 * QEMU's version, and for a release "-R" behind it, the number of the release: in both, what a git
 * tag, an OCI tag and a file name allow. Stores QEMU's, to be freed by the caller, and R.
 */
static bool
split_version(const char *version, bool with_release, char **ret_qemu, const char **ret_release)
{
	const char *dash = with_release ? strrchr(version, '-') : NULL;
	bool has_release =
		dash != NULL && dash[1] != '\0' && dash[1 + strspn(dash + 1, "0123456789")] == '\0';

	*ret_qemu = has_release ? xstrndup(version, (size_t)(dash - version)) : xstrdup(version);
	*ret_release = has_release ? dash + 1 : "1";
	return has_release == with_release && qemu_version_is_valid(*ret_qemu);
}

int
matrix_check_version(const struct jsonx_doc *doc, const char *path, const char *version,
		     bool with_release, struct error *err)
{
	auto_free char *qemu = NULL;
	auto_free char *plain = NULL;
	const char *release;

	if (split_version(version, with_release, &qemu, &release))
		return 0;
	plain = qemu_version_plain(qemu);
	if (qemu_version_is_candidate(plain))
		return jsonx_error(doc, err, path, "is a release candidate; write \"%s%s%s\"",
				   plain, with_release ? "-" : "", with_release ? release : "");
	if (with_release)
		return jsonx_error(
			doc, err, path,
			"must be QEMU's version and the release number, like \"10.2.2-1\"");
	return jsonx_error(doc, err, path, "must be a QEMU version like \"10.2.2\"");
}
