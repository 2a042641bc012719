/* SPDX-License-Identifier: MIT */
#include "sources/package_open.h"

#include "base/file.h"
#include "sources/debian/deb.h"
#include "sources/rpm/rpm_payload.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct format {
	enum package_format format;
	const char *magic;
	size_t length;
	int (*open)(const char *path, const char *label, struct package_reader **ret_reader,
		    struct error *err);
};

static const struct format formats[] = {
	{PACKAGE_RPM, "\xed\xab\xee\xdb", 4, rpm_reader_open},
	{PACKAGE_DEB, "!<arch>\n", 8, deb_reader_open},
};

static int
read_magic(const char *path, const char *label, char *magic, size_t length, struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return error_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				       "cannot open package '%s'", path);
	if (read_at(fd, 0, magic, length, label, err) < 0)
		return error_prefix(err, "not a package");
	return 0;
}

static const struct format *
find_format(const char *path, const char *label, struct error *err)
{
	char magic[8];

	if (label == NULL)
		label = path_base(path);
	if (read_magic(path, label, magic, sizeof(magic), err) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		if (memcmp(magic, formats[i].magic, formats[i].length) == 0)
			return &formats[i];
	}
	(void)error_set(err, ERR_INPUT, "'%s' is neither an .rpm nor a .deb", label);
	return NULL;
}

int
package_format_of(const char *path, const char *label, enum package_format *ret_format,
		  struct error *err)
{
	const struct format *format = find_format(path, label, err);

	if (format == NULL)
		return -1;
	*ret_format = format->format;
	return 0;
}

int
package_reader_open(const char *path, const char *label, struct package_reader **ret_reader,
		    struct error *err)
{
	const struct format *format = find_format(path, label, err);

	return format != NULL ? format->open(path, label, ret_reader, err) : -1;
}
