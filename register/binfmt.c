/* SPDX-License-Identifier: MIT */
#include "register/binfmt.h"

#include <linux/errno.h>

#include "register/bare.h"
#include "register/sys.h"

/* linux_dirent64: inode, offset, then these. */
#define DIRENT_LENGTH 16
#define DIRENT_NAME   19

/* Read at most `size` - 1 bytes of a small file as a string. Returns its length, or -errno. */
static long
read_file(const char *path, char *buf, size_t size)
{
	int fd = sys_open_read(path);
	size_t used = 0;
	long n;

	if (fd < 0)
		return fd;
	while ((n = sys_read(fd, buf + used, size - 1 - used)) > 0)
		used += (size_t)n;
	sys_close(fd);
	buf[used] = '\0';
	return n < 0 ? n : (long)used;
}

static int
write_file(const char *path, const char *bytes, size_t size)
{
	int fd = sys_open_write(path);
	long n;

	if (fd < 0)
		return fd;
	n = sys_write(fd, bytes, size);
	sys_close(fd);
	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -EIO;
}

static const char *
path_of(const struct binfmt *binfmt, const char *name, char path[BINFMT_PATH_MAX])
{
	bare_format(path, BINFMT_PATH_MAX, "%s/%s", binfmt->dir, name);
	return path;
}

static unsigned
read_number(const char **text)
{
	unsigned number = 0;

	while (**text >= '0' && **text <= '9' && number < 100000)
		number = number * 10 + (unsigned)(*(*text)++ - '0');
	return number;
}

/* The initial user namespace maps every id to itself: "0 0 4294967295". */
static bool
maps_every_id(const char *map)
{
	static const char *const fields[] = {"0", "0", "4294967295"};

	for (size_t i = 0; i < 3; i++) {
		while (*map == ' ')
			map++;
		map = bare_after(map, fields[i]);
		if (map == NULL || (*map != ' ' && *map != '\n'))
			return false;
	}
	return true;
}

void
place_detect(struct place *ret_place)
{
	char map[256];
	struct sys_uname name;
	const char *release = name.release;

	*ret_place = (struct place){.user_namespace = false};
	/* An empty map is that of a namespace where nobody has an id yet. */
	if (read_file("/proc/self/uid_map", map, sizeof(map)) >= 0)
		ret_place->user_namespace = !maps_every_id(map);
	if (sys_uname(&name) < 0)
		return;
	ret_place->kernel_major = read_number(&release);
	if (*release == '.') {
		release++;
		ret_place->kernel_minor = read_number(&release);
	}
}

bool
place_kernel_before(const struct place *place, unsigned major, unsigned minor)
{
	if (place->kernel_major != major)
		return place->kernel_major < major;
	return place->kernel_minor < minor;
}

enum binfmt_state
binfmt_look(const struct binfmt *binfmt)
{
	char path[BINFMT_PATH_MAX];
	int fd = sys_open_dir(binfmt->dir);

	if (fd >= 0)
		sys_close(fd);
	else if (fd == -ENOENT || fd == -ENOTDIR)
		return BINFMT_NO_SUPPORT;
	if (sys_exists(path_of(binfmt, "register", path)) < 0)
		return BINFMT_NOT_MOUNTED;
	return BINFMT_READY;
}

/*
 * Whether the topmost mount on the directory passes mounts on to another mount namespace: an
 * optional field "shared:N" stands between the mount's options and " - ".
 */
static bool
mount_is_shared(const char *dir)
{
	char buf[512];
	char line[1024];
	size_t used = 0;
	bool shared = false;
	long n;
	int fd = sys_open_read("/proc/self/mountinfo");

	if (fd < 0)
		return false;
	while ((n = sys_read(fd, buf, sizeof(buf))) > 0) {
		for (long i = 0; i < n; i++) {
			char pattern[BINFMT_PATH_MAX];

			if (buf[i] != '\n') {
				if (used + 1 < sizeof(line))
					line[used++] = buf[i];
				continue;
			}
			line[used] = '\0';
			used = 0;
			bare_format(pattern, sizeof(pattern), "* %s *", dir);
			if (bare_glob(pattern, line))
				shared = bare_glob("* shared:* - *", line);
		}
	}
	sys_close(fd);
	return shared;
}

/*
 * The files of an instance carry the time at which it was made. If that is not before the mount,
 * the mount made it, so nobody else has it, and it ends with this mount. A file in memory tells
 * the kernel's own time for the comparison.
 */
int
binfmt_mount(struct binfmt *binfmt)
{
	char path[BINFMT_PATH_MAX];
	struct sys_time before, made;
	int clock = sys_memfd("clock");
	bool timed = clock >= 0 && sys_modified(clock, "", &before) == 0;
	int ret = sys_mount("binfmt_misc", binfmt->dir);

	if (clock >= 0)
		sys_close(clock);
	if (ret == -EBUSY)
		return 0;
	if (ret < 0)
		return ret;
	binfmt->mounted_here = true;
	binfmt->is_shared = mount_is_shared(binfmt->dir);
	if (timed && sys_modified(-1, path_of(binfmt, "register", path), &made) == 0)
		binfmt->only_mount = made.sec > before.sec ||
				     (made.sec == before.sec && made.nsec >= before.nsec);
	return 0;
}

int
binfmt_mount_hidden(const struct binfmt *binfmt)
{
	int ret = sys_hide_mounts();

	return ret < 0 ? ret : sys_mount("binfmt_misc", binfmt->dir);
}

bool
binfmt_is_enabled(const struct binfmt *binfmt)
{
	char path[BINFMT_PATH_MAX], status[32];

	if (read_file(path_of(binfmt, "status", path), status, sizeof(status)) < 0)
		return true; /* what cannot be read is not known to be off */
	return bare_after(status, "disabled") == NULL;
}

int
binfmt_may_register(const struct binfmt *binfmt)
{
	char path[BINFMT_PATH_MAX];
	int fd = sys_open_write(path_of(binfmt, "register", path));

	if (fd < 0)
		return fd;
	sys_close(fd);
	return 0;
}

int
binfmt_register(const struct binfmt *binfmt, const char *line, size_t n)
{
	char path[BINFMT_PATH_MAX];

	return write_file(path_of(binfmt, "register", path), line, n);
}

int
binfmt_read(const struct binfmt *binfmt, const char *name, struct entry *ret_entry)
{
	char path[BINFMT_PATH_MAX], text[ENTRY_FILE_MAX];
	long n = read_file(path_of(binfmt, name, path), text, sizeof(text));

	if (n < 0)
		return (int)n;
	return entry_parse(text, (size_t)n, ret_entry) < 0 ? -EIO : 0;
}

int
binfmt_command(const struct binfmt *binfmt, const char *name, const char *command)
{
	char path[BINFMT_PATH_MAX];

	return write_file(path_of(binfmt, name, path), command, command[1] == '\0' ? 1 : 2);
}

/* Take over the names of one buffer of directory entries. */
static void
add_names(struct binfmt_list *list, const char *buf, size_t size)
{
	for (size_t at = 0; at + DIRENT_NAME < size;) {
		const char *record = buf + at;
		unsigned short length;

		__builtin_memcpy(&length, record + DIRENT_LENGTH, sizeof(length));
		if (length == 0)
			return;
		if (bare_after(record + DIRENT_NAME, "qemu-") != NULL) {
			if (list->count < BINFMT_LIST_MAX)
				bare_format(list->names[list->count++], BINFMT_NAME_MAX, "%s",
					    record + DIRENT_NAME);
			else
				list->is_cut = true;
		}
		at += length;
	}
}

int
binfmt_list(const struct binfmt *binfmt, struct binfmt_list *ret_list)
{
	_Alignas(8) char buf[4096];
	int fd = sys_open_dir(binfmt->dir);
	long n;

	if (fd < 0)
		return fd;
	ret_list->count = 0;
	ret_list->is_cut = false;
	while ((n = sys_getdents(fd, buf, sizeof(buf))) > 0)
		add_names(ret_list, buf, (size_t)n);
	sys_close(fd);
	return (int)n;
}
