/* SPDX-License-Identifier: MIT */
#include "sources/directory.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "base/words.h"
#include "sources/checksums.h"
#include "sources/debian/deb.h"
#include "sources/debian/deb_control.h"
#include "sources/package_open.h"
#include "sources/rpm/rpm.h"

#include <string.h>
#include <sys/stat.h>

#define SUMS_NAME      "SHA256SUMS"
#define MAX_SUMS_BYTES ((size_t)4 << 20)

static int
read_sums(const char *path, struct checksums *ret_sums, struct error *err)
{
	auto_free char *file = path_join(path, SUMS_NAME);
	auto_free char *text = NULL;
	size_t length;

	if (read_file(file, MAX_SUMS_BYTES, &text, &length, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		return error_set(err, ERR_NOT_FOUND,
				 "'%s' not found; once you trust the packages, create it there "
				 "with 'sha256sum *.rpm *.deb >%s'",
				 file, SUMS_NAME);
	}
	return checksums_parse(text, length, file, ret_sums, err);
}

static int
add_package_name(const char *directory, const char *name, struct words *names, struct error *err)
{
	auto_free char *path = path_join(directory, name);
	struct stat st;

	if (name[0] == '.' || (!text_ends_with(name, ".rpm") && !text_ends_with(name, ".deb")))
		return 0;
	if (lstat(path, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", path);
	if (!S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode))
		words_add(names, name);
	return 0;
}

/* Sorted, so that messages and results do not depend on the order of the directory. */
static int
list_packages(const char *path, struct words *names, struct error *err)
{
	AUTO(words_clear) struct words all = WORDS_INIT;

	if (directory_names(path, &all, err) < 0)
		return -1;
	for (size_t i = 0; i < all.count; i++)
		if (add_package_name(path, all.items[i], names, err) < 0)
			return -1;
	return 0;
}

static int
identify_deb(const char *path, struct package *package, struct error *err)
{
	AUTO(deb822_clear) struct deb822 control = DEB822_INIT;

	if (deb_read_control(path, NULL, &control, err) < 0)
		return -1;
	return deb_control_fill(&control, path_base(path), package, err);
}

/* A source package stays without an architecture: it has nothing to run. */
static int
identify_rpm(const char *path, struct package *package, struct error *err)
{
	AUTO(rpm_clear) struct rpm rpm = RPM_INIT;

	if (rpm_open(path, NULL, &rpm, err) < 0)
		return -1;
	package->name = xstrdup(rpm.name);
	package->version = xstrdup(rpm.evr);
	if (rpm.source_rpm != NULL)
		package->arch = xstrdup(rpm.arch);
	return 0;
}

static int
identify(const char *path, struct package *package, struct error *err)
{
	enum package_format format;

	if (package_format_of(path, NULL, &format, err) < 0)
		return -1;
	return format == PACKAGE_DEB ? identify_deb(path, package, err)
				     : identify_rpm(path, package, err);
}

static int
check_sum(const char *path, const char *file, const struct checksums *sums, struct package *package,
	  struct error *err)
{
	const struct checksum *listed = checksums_find(sums, file);
	char want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];

	if (listed == NULL)
		return error_set(err, ERR_VERIFY, "'%s' is not listed in the %s beside it", file,
				 SUMS_NAME);
	if (digest_file(path, &package->sha256, &package->size, err) < 0)
		return -1;
	if (!digest_equal(&package->sha256, &listed->sha256))
		return error_set(err, ERR_VERIFY, "sha256 of '%s' is %s, but %s has %s", file,
				 digest_hex(&package->sha256, got), SUMS_NAME,
				 digest_hex(&listed->sha256, want));
	return 0;
}

static int
check_single(const struct package_list *found, const struct package *package, struct error *err)
{
	for (size_t i = 0; i < found->count; i++)
		if (strcmp(found->items[i].name, package->name) == 0)
			return error_set(
				err, ERR_INPUT, "'%s' and '%s' are both package '%s' for %s",
				found->items[i].file, package->file, package->name, package->host);
	return 0;
}

/* Looks at one file and adds it if it is for the host. */
static int
consider(const char *directory, const char *file, const struct checksums *sums, const char *source,
	 const struct arch *host, struct package_list *found, struct error *err)
{
	AUTO(package_clear) struct package package = {0};
	auto_free char *path = path_join(directory, file);

	if (identify(path, &package, err) < 0)
		return -1;
	if (package.arch == NULL || arch_find_any(package.arch) != host)
		return 0;
	package.type = SOURCE_DIRECTORY;
	package.source = xstrdup(source);
	package.host = xstrdup(host->name);
	package.file = xstrdup(file);
	if (check_single(found, &package, err) < 0 ||
	    check_sum(path, file, sums, &package, err) < 0)
		return -1;
	*package_list_add(found) = package;
	package = (struct package){0};
	return 0;
}

int
directory_resolve(const char *path, const char *source, const struct arch *host,
		  struct package_list *list, struct error *err)
{
	AUTO(package_list_clear) struct package_list found = PACKAGE_LIST_INIT;
	AUTO(checksums_clear) struct checksums sums = CHECKSUMS_INIT;
	AUTO(words_clear) struct words names = WORDS_INIT;

	if (list_packages(path, &names, err) < 0 || read_sums(path, &sums, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (consider(path, names.items[i], &sums, source, host, &found, err) < 0)
			return error_prefix(err, "'%s'", path);
	if (found.count == 0)
		return error_set(err, ERR_NOT_FOUND, "'%s' has no package for %s", path,
				 host->name);
	for (size_t i = 0; i < found.count; i++)
		*package_list_add(list) = found.items[i];
	found.count = 0;
	return 0;
}
