/* SPDX-License-Identifier: MIT */
#include "sources/package_inspect.h"

#include "base/alloc.h"
#include "base/file.h"
#include "sources/debian/deb.h"
#include "sources/debian/deb_control.h"
#include "sources/package_open.h"

#include <string.h>

/* What a .deb says of itself, compared with what the caller expects. */
static int
take_control(const char *path, const char *label, const struct arch *host,
	     const struct package *expected, struct package *found, struct error *err)
{
	AUTO(deb822_clear) struct deb822 control = DEB822_INIT;
	const struct arch *arch;
	const char *why;

	if (deb_read_control(path, label, &control, err) < 0 ||
	    deb_control_fill(&control, label, found, err) < 0)
		return -1;
	arch = arch_find_any(found->arch);
	if (arch != host)
		return error_set(err, ERR_VERIFY, "'%s' is a package for %s, expected %s", label,
				 found->arch, host->name);
	if ((expected->name != NULL && strcmp(expected->name, found->name) != 0) ||
	    (expected->version != NULL && strcmp(expected->version, found->version) != 0) ||
	    (expected->arch != NULL && strcmp(expected->arch, found->arch) != 0))
		return error_set(err, ERR_VERIFY, "'%s' is %s %s for %s, expected %s %s for %s",
				 label, found->name, found->version, found->arch,
				 expected->name != NULL ? expected->name : found->name,
				 expected->version != NULL ? expected->version : found->version,
				 expected->arch != NULL ? expected->arch : found->arch);
	why = deb_control_why_not_static(&control);
	if (why != NULL)
		return error_set(err, ERR_VERIFY, "package '%s' %s %s", found->name, found->version,
				 why);
	return 0;
}

static const struct member *
find_member(const struct package *package, const char *target)
{
	for (size_t i = 0; i < package->member_count; i++)
		if (strcmp(package->members[i].target, target) == 0)
			return &package->members[i];
	return NULL;
}

/* The members that a lock has named. */
static int
check_expected(const struct package *found, const struct package *expected, struct error *err)
{
	char want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];

	for (size_t i = 0; i < expected->member_count; i++) {
		const struct member *wanted = &expected->members[i];
		const struct member *member = find_member(found, wanted->target);

		if (member == NULL)
			return error_set(err, ERR_VERIFY, "'%s' is missing", wanted->path);
		if (member->size != wanted->size || !digest_equal(&member->sha256, &wanted->sha256))
			return error_set(err, ERR_VERIFY, "sha256 of '%s' is %s, expected %s",
					 member->path, digest_hex(&member->sha256, got),
					 digest_hex(&wanted->sha256, want));
	}
	for (size_t i = 0; expected->member_count > 0 && i < found->member_count; i++)
		if (find_member(expected, found->members[i].target) == NULL)
			return error_set(err, ERR_VERIFY, "'%s' is not in the lock",
					 found->members[i].path);
	return 0;
}

static void
move_text(char **to, char **from)
{
	if (*from == NULL)
		return;
	free(*to);
	*to = TAKE(*from);
}

/* Hands over what was found; the caller's other values stay. */
static void
hand_over(struct package *found, struct package *package)
{
	struct package old = {0};

	move_text(&package->name, &found->name);
	move_text(&package->version, &found->version);
	move_text(&package->arch, &found->arch);
	move_text(&package->source_package, &found->source_package);
	move_text(&package->qemu_version, &found->qemu_version);
	old.built_using = package->built_using;
	old.built_using_count = package->built_using_count;
	old.members = package->members;
	old.member_count = package->member_count;
	package->members = TAKE(found->members);
	package->member_count = found->member_count;
	found->member_count = 0;
	package->built_using = TAKE(found->built_using);
	package->built_using_count = found->built_using_count;
	found->built_using_count = 0;
	package_sort_members(package);
	package_clear(&old);
}

int
package_inspect(const char *path, const struct arch *host, struct package *package,
		const struct package_warnings *warnings, struct error *err)
{
	AUTO(package_clear) struct package found = {0};
	const char *label = package->file != NULL ? package->file : path_base(path);
	enum package_format format;

	if (package_format_of(path, label, &format, err) < 0)
		return -1;
	if (format == PACKAGE_RPM)
		found.version = xstrdup(package->version);
	else if (take_control(path, label, host, package, &found, err) < 0)
		return -1;
	/* The programs say it more exactly than the package's own version. */
	cleanup_freep(&found.qemu_version);
	if (emulators_inspect(path, label, host, &found, warnings, err) < 0)
		return -1;
	if (format == PACKAGE_DEB && found.member_count == 0)
		return error_set(err, ERR_VERIFY, "'%s' contains no emulator", label);
	if (check_expected(&found, package, err) < 0)
		return error_prefix(err, "'%s'", label);
	hand_over(&found, package);
	return 0;
}
