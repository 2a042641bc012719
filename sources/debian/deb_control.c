/* SPDX-License-Identifier: MIT */
#include "sources/debian/deb_control.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "model/qemu_version.h"
#include "sources/debian/deb_version.h"

#include <string.h>

/*
 * "Source: qemu (1:7.2+dfsg-7)" names another version than the package's own, as a rebuild has
 * it; "Source: qemu" means the same version; without the field the names are the same too.
 */
static char *
source_of(const struct deb822 *control, const char *name, const char *version)
{
	const char *source = deb822_get(control, "Source");
	const char *open = source != NULL ? strchr(source, '(') : NULL;
	const char *close = open != NULL ? strchr(open, ')') : NULL;
	size_t length;

	if (source == NULL || source[0] == '\0')
		return xasprintf("%s (= %s)", name, version);
	length = strcspn(source, " (");
	if (close == NULL)
		return xasprintf("%.*s (= %s)", (int)length, source, version);
	return xasprintf("%.*s (= %.*s)", (int)length, source, (int)(close - open - 1), open + 1);
}

static void
add_built_using(void *context, const char *entry)
{
	package_add_built_using(context, entry);
}

int
deb_control_fill(const struct deb822 *control, const char *label, struct package *package,
		 struct error *err)
{
	static const char *const lists[] = {"Built-Using", "Static-Built-Using"};
	const char *name, *version, *arch;
	auto_free char *upstream = NULL;

	if (deb822_require(control, "Package", label, &name, err) < 0 ||
	    deb822_require(control, "Version", label, &version, err) < 0 ||
	    deb822_require(control, "Architecture", label, &arch, err) < 0)
		return -1;
	if (deb_version_check(version, err) < 0)
		return error_prefix(err, "%s", label);
	package->name = xstrdup(name);
	package->version = xstrdup(version);
	package->arch = xstrdup(arch);
	package->source_package = source_of(control, name, version);
	upstream = deb_version_upstream(version);
	package->qemu_version = qemu_version_plain(upstream);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		const char *list = deb822_get(control, lists[i]);

		if (list != NULL)
			deb822_each_item(list, add_built_using, package);
	}
	return 0;
}

struct wanted {
	const char *name;
	bool found;
};

/* An entry of Depends is "NAME (>= VERSION)", "NAME:any" or "NAME | OTHER". */
static void
find_dependency(void *context, const char *entry)
{
	struct wanted *wanted = context;
	size_t length = strlen(wanted->name);

	if (text_starts_with(entry, wanted->name) &&
	    (entry[length] == '\0' || strchr(" (:|", entry[length]) != NULL))
		wanted->found = true;
}

static bool
depends_on(const struct deb822 *control, const char *name)
{
	const char *depends = deb822_get(control, "Depends");
	struct wanted wanted = {name, false};

	if (depends != NULL)
		deb822_each_item(depends, find_dependency, &wanted);
	return wanted.found;
}

const char *
deb_control_why_not_static(const struct deb822 *control)
{
	if (depends_on(control, "libc6") || depends_on(control, "libc6.1"))
		return "depends on libc6, so its programs are not static; up to Debian 12 the "
		       "static ones are in 'qemu-user-static'";
	if (depends_on(control, "qemu-user"))
		return "depends on 'qemu-user' and has only links to it; since Debian 13 the "
		       "static programs are in 'qemu-user'";
	return NULL;
}
