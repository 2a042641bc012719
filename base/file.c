/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/interrupt.h"
#include "base/strbuf.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

int
tempfile_open(struct tempfile *tmp, const char *path, mode_t mode, struct error *err)
{
	auto_free char *directory = path_directory(path);
	auto_free char *name = xasprintf("%s/.%s.XXXXXX.tmp", directory, path_base(path));
	int fd = mkostemps(name, (int)strlen(".tmp"), O_CLOEXEC);

	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot create a file in '%s'", directory);
	tmp->fd = fd;
	tmp->path = xstrdup(path);
	tmp->temporary_path = TAKE(name);
	if (fchmod(fd, mode) < 0) {
		error_set_errno(err, ERR_IO, "cannot set the mode of '%s'", tmp->temporary_path);
		tempfile_discard(tmp);
		return -1;
	}
	return 0;
}

static int
sync_directory(const char *path, struct error *err)
{
	auto_free char *directory = path_directory(path);
	auto_close int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return error_set_errno(err, ERR_IO, "cannot write '%s' to disk", directory);
	return 0;
}

int
tempfile_commit(struct tempfile *tmp, struct error *err)
{
	int closed;

	assert(tmp->temporary_path != NULL);
	/* On NFS and full disks it is close() that fails. */
	closed = close(tmp->fd);
	tmp->fd = -1;
	if (closed < 0) {
		error_set_errno(err, ERR_IO, "cannot write '%s'", tmp->path);
		tempfile_discard(tmp);
		return -1;
	}
	if (rename(tmp->temporary_path, tmp->path) < 0) {
		error_set_errno(err, ERR_IO, "cannot rename '%s' to '%s'", tmp->temporary_path,
				tmp->path);
		tempfile_discard(tmp);
		return -1;
	}
	free(TAKE(tmp->temporary_path));
	free(TAKE(tmp->path));
	return 0;
}

int
tempfile_commit_durable(struct tempfile *tmp, struct error *err)
{
	auto_free char *path = xstrdup(tmp->path);

	if (fsync(tmp->fd) < 0) {
		error_set_errno(err, ERR_IO, "cannot write '%s' to disk", tmp->path);
		tempfile_discard(tmp);
		return -1;
	}
	if (tempfile_commit(tmp, err) < 0)
		return -1;
	return sync_directory(path, err);
}

int
tempfile_commit_new(struct tempfile *tmp, struct error *err)
{
	auto_free char *path = xstrdup(tmp->path);
	int result = 0;

	/* First the content: after a power cut the name never leads to less. */
	if (fsync(tmp->fd) < 0)
		result = error_set_errno(err, ERR_IO, "cannot write '%s' to disk", path);
	/* A hard link fails where rename() would replace. */
	else if (link(tmp->temporary_path, path) < 0)
		result = error_set_errno(err, errno == EEXIST ? ERR_BUSY : ERR_IO,
					 "cannot create '%s'", path);
	tempfile_discard(tmp);
	return result < 0 ? -1 : sync_directory(path, err);
}

void
tempfile_discard(struct tempfile *tmp)
{
	if (tmp->fd >= 0)
		(void)close(tmp->fd);
	if (tmp->temporary_path != NULL)
		(void)unlink(tmp->temporary_path);
	free(tmp->path);
	free(tmp->temporary_path);
	*tmp = (struct tempfile)TEMPFILE_INIT;
}

void
tempfile_sweep(const char *directory)
{
	AUTO(words_clear) struct words names = WORDS_INIT;
	struct error ignored = ERROR_INIT;

	if (directory_names(directory, &names, &ignored) < 0)
		return;
	for (size_t i = 0; i < names.count; i++) {
		auto_free char *path = path_join(directory, names.items[i]);

		if (names.items[i][0] == '.' && text_ends_with(names.items[i], ".tmp"))
			(void)unlink(path);
	}
}

int
write_all(int fd, const void *bytes, size_t length, const char *name, struct error *err)
{
	const uint8_t *p = bytes;

	while (length != 0) {
		ssize_t n = write(fd, p, length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, ERR_IO, "cannot write '%s'", name);
		p += n;
		length -= (size_t)n;
	}
	return 0;
}

int
read_at(int fd, uint64_t offset, void *bytes, size_t length, const char *name, struct error *err)
{
	uint8_t *p = bytes;

	while (length != 0) {
		ssize_t n = pread(fd, p, length, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set_errno(err, ERR_IO, "cannot read '%s'", name);
		if (n == 0)
			return error_set(err, ERR_INPUT, "unexpected end of file in '%s'", name);
		p += n;
		offset += (uint64_t)n;
		length -= (size_t)n;
	}
	return 0;
}

int
write_file(const char *path, const void *bytes, size_t length, mode_t mode, struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;

	if (tempfile_open(&tmp, path, mode, err) < 0)
		return -1;
	if (write_all(tmp.fd, bytes, length, path, err) < 0)
		return -1;
	return tempfile_commit(&tmp, err);
}

static const char *
temporary_place(void)
{
	const char *directory = getenv("TMPDIR");

	return directory != NULL && directory[0] != '\0' ? directory : "/tmp";
}

int
temporary_directory(const char *name, char **ret_path, struct error *err)
{
	auto_free char *place = realpath(temporary_place(), NULL);
	auto_free char *path = NULL;

	if (place != NULL)
		path = xasprintf("%s/%s-XXXXXX", place, name);
	if (path == NULL || mkdtemp(path) == NULL)
		return error_set_errno(err, ERR_IO, "cannot create a directory in '%s'",
				       temporary_place());
	*ret_path = TAKE(path);
	return 0;
}

int
nameless_file(struct error *err)
{
	const char *directory = temporary_place();
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot create a temporary file in '%s'",
				       directory);
	return fd;
}

int
read_file(const char *path, size_t max_bytes, char **ret_text, size_t *ret_length,
	  struct error *err)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	auto_free char *text = NULL;
	struct stat st;

	if (fd < 0)
		return error_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				       "cannot open '%s'", path);
	if (fstat(fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INPUT, "'%s' is not a regular file", path);
	if ((uint64_t)st.st_size > max_bytes)
		return error_set(err, ERR_INPUT,
				 "'%s' is too large: %llu bytes, at most %zu are allowed", path,
				 (unsigned long long)st.st_size, max_bytes);
	text = malloc((size_t)st.st_size + 1);
	if (text == NULL)
		return error_set(err, ERR_IO, "not enough memory for '%s'", path);
	if (read_at(fd, 0, text, (size_t)st.st_size, path, err) < 0)
		return -1;
	text[st.st_size] = '\0';
	if (ret_length != NULL)
		*ret_length = (size_t)st.st_size;
	*ret_text = TAKE(text);
	return 0;
}

int
path_exists(const char *path, bool *ret_there, struct error *err)
{
	struct stat st;
	bool there = lstat(path, &st) == 0;

	if (!there && errno != ENOENT && errno != ENOTDIR)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", path);
	*ret_there = there;
	return 0;
}

int
path_is_directory(const char *path, bool *ret_directory, struct error *err)
{
	struct stat st;
	bool there = stat(path, &st) == 0;

	if (!there && errno != ENOENT && errno != ENOTDIR)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", path);
	*ret_directory = there && S_ISDIR(st.st_mode);
	return 0;
}

int
path_real(const char *path, char **ret_real, struct error *err)
{
	char *real = realpath(path, NULL);

	if (real == NULL && errno != ENOENT && errno != ENOTDIR)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", path);
	*ret_real = real;
	return 0;
}

int
path_absolute(const char *path, char **ret_absolute, struct error *err)
{
	auto_free char *here = NULL;

	if (path[0] == '/') {
		*ret_absolute = xstrdup(path);
		return 0;
	}
	here = getcwd(NULL, 0);
	if (here == NULL)
		return error_set_errno(err, ERR_IO,
				       "cannot get the current directory to resolve '%s'", path);
	*ret_absolute = path_join(here, path);
	return 0;
}

/* 0 also when it is there; else -1 with errno, which is ENOTDIR for a file. */
static int
make_directory(const char *path)
{
	struct stat st;

	if (mkdir(path, 0777) == 0)
		return 0;
	if (errno != EEXIST || stat(path, &st) < 0)
		return -1;
	if (S_ISDIR(st.st_mode))
		return 0;
	errno = ENOTDIR;
	return -1;
}

int
make_directories(const char *path, struct error *err)
{
	auto_free char *partial = xstrdup(path);

	for (char *p = partial + 1;; p++) {
		char saved = *p;

		if (saved != '/' && saved != '\0')
			continue;
		*p = '\0';
		if (make_directory(partial) < 0)
			return error_set_errno(err, errno == ENOTDIR ? ERR_INPUT : ERR_IO,
					       "cannot create directory '%s'", partial);
		*p = saved;
		if (saved == '\0')
			return 0;
	}
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	(void)remove(path);
	return 0;
}

void
remove_tree(const char *path)
{
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

int
lock_file(const char *path, bool wait, struct error *err)
{
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot open lock file '%s'", path);
	/* Asked for again and again, so that a signal is noticed whichever thread it wakes. */
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return error_set_errno(err, ERR_IO, "cannot lock '%s'", path);
		if (!wait)
			return error_set(err, ERR_BUSY, "'%s' is locked by another run", path);
		if (interrupt_check(err) < 0)
			return -1;
		(void)interrupt_pause(100);
	}
	int held = fd;

	fd = -1;
	return held;
}

char *
path_join(const char *directory, const char *name)
{
	size_t length = strlen(directory);

	return xasprintf("%s%s%s", directory,
			 length != 0 && directory[length - 1] == '/' ? "" : "/", name);
}

const char *
path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

char *
path_directory(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (slash == NULL)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

bool
name_is_plain(const char *name)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._-";

	if (name[0] == '\0' || name[0] == '.' || name[0] == '-')
		return false;
	return name[strspn(name, allowed)] == '\0';
}

int
path_inside(const char *root, const char *path, char **ret_inside, struct error *err)
{
	auto_free char *directory = path_directory(path);
	auto_free char *real = NULL, *real_root = NULL;
	size_t length;

	if (path_real(directory, &real, err) < 0 || path_real(root, &real_root, err) < 0)
		return -1;
	*ret_inside = NULL;
	if (real == NULL || real_root == NULL)
		return 0;
	/* Of all directories only "/" ends in a slash. */
	length = strcmp(real_root, "/") == 0 ? 0 : strlen(real_root);
	if (strcmp(real, real_root) == 0)
		*ret_inside = xstrdup(path_base(path));
	else if (strncmp(real, real_root, length) == 0 && real[length] == '/')
		*ret_inside = path_join(real + length + 1, path_base(path));
	return 0;
}
