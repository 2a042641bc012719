/* SPDX-License-Identifier: MIT */
#include "base/directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

static void
closedirp(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

/* Whether there is another entry; at the end and on failure errno says which. */
static const struct dirent *
next_entry(DIR *dir)
{
	errno = 0;
	return readdir(dir);
}

static int
read_names(DIR *dir, const char *name, struct words *ret_names, struct error *err)
{
	AUTO(words_clear) struct words names = WORDS_INIT;
	const struct dirent *entry;

	while ((entry = next_entry(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			words_add(&names, entry->d_name);
	if (errno != 0)
		return error_set_errno(err, ERR_IO, "cannot read directory '%s'", name);
	words_sort(&names);
	*ret_names = names;
	names = (struct words)WORDS_INIT;
	return 0;
}

int
directory_names(const char *path, struct words *ret_names, struct error *err)
{
	AUTO(closedirp) DIR *dir = opendir(path);

	if (dir == NULL)
		return error_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				       "cannot read directory '%s'", path);
	return read_names(dir, path, ret_names, err);
}

int
directory_names_at(int fd, const char *name, struct words *ret_names, struct error *err)
{
	/* A description of its own: one that is shared remembers how far it was read. */
	auto_close int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(closedirp) DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;

	if (dir == NULL)
		return error_set_errno(err, ERR_IO, "cannot read directory '%s'", name);
	copy = -1;
	return read_names(dir, name, ret_names, err);
}
