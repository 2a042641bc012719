/* SPDX-License-Identifier: MIT */
#include "base/link.h"

#include "base/alloc.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

int
clone_or_copy(int from, const char *from_name, int to, const char *to_name, struct error *err)
{
	enum { PIECE = 1 << 20 };
	auto_free uint8_t *piece = NULL;
	off_t offset = 0;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	piece = xmalloc(PIECE);
	for (;;) {
		ssize_t n = pread(from, piece, PIECE, offset);

		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, ERR_IO, "cannot read '%s'", from_name);
		if (write_all(to, piece, (size_t)n, to_name, err) < 0)
			return -1;
		offset += n;
	}
}

static int
copy(const char *from, const char *path, struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	auto_close int fd = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot open '%s'", from);
	if (tempfile_open(&tmp, path, st.st_mode & 0777, err) < 0)
		return -1;
	if (clone_or_copy(fd, from, tmp.fd, path, err) < 0)
		return -1;
	return tempfile_commit(&tmp, err);
}

int
link_or_copy(const char *existing, const char *added, struct error *err)
{
	auto_free char *directory = path_directory(added);
	/* A name like a tempfile's, so that what a killed run leaves behind is swept with them. */
	auto_free char *temporary = xasprintf("%s/.%s.link.tmp", directory, path_base(added));

	(void)unlink(temporary);
	if (link(existing, temporary) < 0)
		return copy(existing, added, err);
	if (rename(temporary, added) < 0) {
		error_set_errno(err, ERR_IO, "cannot rename '%s' to '%s'", temporary, added);
		(void)unlink(temporary);
		return -1;
	}
	/* rename() leaves both names alone if they are the same file already. */
	(void)unlink(temporary);
	return 0;
}
