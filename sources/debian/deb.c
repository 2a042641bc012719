/* SPDX-License-Identifier: MIT */
#include "sources/debian/deb.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/strbuf.h"
#include "sources/xz.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* Large blocks: the outer archive is only cut into pieces, which are handed on uncopied. */
enum { BLOCK_SIZE = 1 << 20, MAX_CONTROL = 1 << 20, MAX_FILES = 50000, MAX_PARTS = 32 };
#define MAX_TOTAL_BYTES ((uint64_t)8 << 30)

/* One package, opened: the ar archive, and the tar archive of the part that is being read. */
struct deb {
	char *label; /* the file's name without its directory */
	int fd;
	unsigned int parts; /* seen so far */
	struct archive *outer;
	struct archive *inner;
	struct xz *xz; /* decodes what the inner one reads, or NULL */
	bool failed;   /* the inner one got no bytes where there should be some */

	/* of the file that the reader stands at */
	char *name;
	char *link_target;
	uint64_t left;

	uint64_t files, total_bytes;
	bool ended;
};

static const struct {
	const char *suffix;
	int filter;
} compressions[] = {
	{"", ARCHIVE_FILTER_NONE},      {".gz", ARCHIVE_FILTER_GZIP},
	{".bz2", ARCHIVE_FILTER_BZIP2}, {".lzma", ARCHIVE_FILTER_LZMA},
	{".xz", ARCHIVE_FILTER_XZ},     {".zst", ARCHIVE_FILTER_ZSTD},
};

static void
deb_free(struct deb *deb)
{
	if (deb == NULL)
		return;
	/* The inner one first: it reads from the outer one. */
	(void)archive_read_free(deb->inner);
	xz_free(deb->xz);
	(void)archive_read_free(deb->outer);
	cleanup_closep(&deb->fd);
	free(deb->label);
	free(deb->name);
	free(deb->link_target);
	free(deb);
}

static void
deb_freep(struct deb **deb)
{
	deb_free(*deb);
	*deb = NULL;
}

/* Whether it is this machine that fails, or the user who stops: sets the error and is -1. */
static int
check_machine(const struct deb *deb, struct archive *archive, struct error *err)
{
	if (interrupt_check(err) < 0)
		return -1;
	if (archive_errno(archive) == ENOMEM || archive_errno(deb->outer) == ENOMEM)
		return error_set(err, ERR_IO, "not enough memory to read '%s'", deb->label);
	if (archive_errno(deb->outer) == EIO)
		return error_set(err, ERR_IO, "cannot read '%s': %s", deb->label,
				 archive_error_string(deb->outer));
	return 0;
}

static int
malformed(const struct deb *deb, struct archive *archive, struct error *err)
{
	const char *text = archive_error_string(archive);

	if (check_machine(deb, archive, err) < 0)
		return -1;
	if (xz_is_sound(deb->xz))
		return error_set(err, ERR_INPUT, "cannot decompress '%s': %s", deb->label,
				 xz_reason(deb->xz));
	return error_set(err, ERR_INPUT, "'%s' is damaged or cut short: %s", deb->label,
			 text != NULL ? text : "unreadable archive");
}

/* Opening fails without a word only where libarchive has no memory for itself. */
static int
not_opened(const struct deb *deb, struct archive *archive, struct error *err)
{
	if (archive_error_string(archive) == NULL && interrupt_check(err) == 0)
		return error_set(err, ERR_IO, "not enough memory to read '%s'", deb->label);
	return malformed(deb, archive, err);
}

static int
open_file(struct deb *deb, const char *path, struct error *err)
{
	struct stat st;

	deb->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (deb->fd < 0)
		return error_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_IO,
				       "cannot open '%s'", path);
	if (fstat(deb->fd, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot read '%s'", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERR_INPUT, "'%s' is not a regular file", path);
	return 0;
}

/* Goes to the next part whose name does not begin with '_'. Returns 1, 0 at the end, or -1. */
static int
next_part(struct deb *deb, struct archive_entry **ret_entry, struct error *err)
{
	for (;;) {
		int r = archive_read_next_header(deb->outer, ret_entry);
		const char *name;

		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK)
			return malformed(deb, deb->outer, err);
		if (++deb->parts > MAX_PARTS)
			return error_set(err, ERR_INPUT, "'%s' has more than %d members",
					 deb->label, MAX_PARTS);
		name = archive_entry_pathname(*ret_entry);
		if (name == NULL || name[0] != '_')
			return 1;
	}
}

static int
expect_part(struct deb *deb, const char *wanted, struct archive_entry **ret_entry,
	    struct error *err)
{
	struct archive_entry *entry = NULL;
	const char *name;
	int r = next_part(deb, &entry, err);

	if (r < 0)
		return -1;
	name = r > 0 ? archive_entry_pathname(entry) : NULL;
	if (name == NULL || !text_starts_with(name, wanted))
		return error_set(err, ERR_INPUT,
				 "'%s' is not a Debian package: it has %s%s, expected %s",
				 deb->label, name != NULL ? "member " : "no more members",
				 name != NULL ? name : "", wanted);
	*ret_entry = entry;
	return 0;
}

/* The part "debian-binary" is "2.MINOR\n"; any minor version can be read (deb(5)). */
static int
check_format(struct deb *deb, struct error *err)
{
	char text[64] = "";
	struct archive_entry *entry;
	la_ssize_t n;

	if (expect_part(deb, "debian-binary", &entry, err) < 0)
		return -1;
	if (strcmp(archive_entry_pathname(entry), "debian-binary") != 0)
		return error_set(err, ERR_INPUT,
				 "'%s' is not a Debian package: it begins with '%s'", deb->label,
				 archive_entry_pathname(entry));
	n = archive_read_data(deb->outer, text, sizeof(text) - 1);
	if (n < 0)
		return malformed(deb, deb->outer, err);
	if (!text_starts_with(text, "2.") || strcspn(text, "\n") == (size_t)n)
		return error_set(err, ERR_INPUT,
				 "'%s' has Debian package format '%.*s'; only 2.x is supported",
				 deb->label, (int)strcspn(text, "\n"), text);
	return 0;
}

static int
deb_open(const char *path, const char *label, struct deb **ret_deb, struct error *err)
{
	AUTO(deb_freep) struct deb *deb = xcalloc(1, sizeof(*deb));

	deb->label = xstrdup(label != NULL ? label : path_base(path));
	deb->fd = -1;
	if (open_file(deb, path, err) < 0)
		return -1;
	deb->outer = archive_read_new();
	if (deb->outer == NULL || archive_read_support_format_ar(deb->outer) != ARCHIVE_OK)
		return error_set(err, ERR_IO, "this libarchive cannot read ar archives");
	if (archive_read_open_fd(deb->outer, deb->fd, BLOCK_SIZE) != ARCHIVE_OK)
		return not_opened(deb, deb->outer, err);
	if (check_format(deb, err) < 0)
		return -1;
	*ret_deb = TAKE(deb);
	return 0;
}

/* The inner archive's input: the outer one's current part, block by block. */
static la_ssize_t
read_part(struct archive *inner, void *context, const void **ret_bytes)
{
	struct deb *deb = context;
	size_t length = 0;
	la_int64_t offset;
	int r;

	do {
		/* Much may go in before anything comes out: malformed() says that it was this. */
		if (interrupt_pending()) {
			deb->failed = true;
			return ARCHIVE_FATAL;
		}
		r = archive_read_data_block(deb->outer, ret_bytes, &length, &offset);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r != ARCHIVE_OK) {
			deb->failed = true;
			archive_set_error(inner, EIO, "%s", archive_error_string(deb->outer));
			return ARCHIVE_FATAL;
		}
	} while (length == 0);
	return (la_ssize_t)length;
}

/* Opens the tar archive in the next part, which has to be "STEM.tar" with a known ending. */
static int
open_tar(struct deb *deb, const char *stem, struct error *err)
{
	struct archive_entry *entry;
	const char *name;
	size_t i = 0;
	bool xz;

	if (expect_part(deb, stem, &entry, err) < 0)
		return -1;
	name = archive_entry_pathname(entry) + strlen(stem);
	while (i < ARRAY_SIZE(compressions) && strcmp(name, compressions[i].suffix) != 0)
		i++;
	if (i == ARRAY_SIZE(compressions))
		return error_set(err, ERR_INPUT, "'%s': compression of '%s%s' is not supported",
				 deb->label, stem, name);
	(void)archive_read_free(deb->inner);
	xz_free(deb->xz);
	xz = compressions[i].filter == ARCHIVE_FILTER_XZ;
	deb->xz = xz ? xz_new(read_part, deb) : NULL;
	deb->inner = archive_read_new();
	/*
	 * A filter that libarchive would leave to another program is a warning here, and refused.
	 */
	if (deb->inner == NULL || archive_read_support_format_tar(deb->inner) != ARCHIVE_OK ||
	    (!xz && compressions[i].filter != ARCHIVE_FILTER_NONE &&
	     archive_read_append_filter(deb->inner, compressions[i].filter) != ARCHIVE_OK))
		return error_set(err, ERR_IO, "'%s': this libarchive cannot read '%s%s'",
				 deb->label, stem, name);
	/* In steps: all in one it crashes where there is no memory for its second half. */
	if (archive_read_set_read_callback(deb->inner, xz ? xz_read : read_part) != ARCHIVE_OK ||
	    archive_read_set_callback_data(deb->inner, xz ? (void *)deb->xz : deb) != ARCHIVE_OK ||
	    archive_read_open1(deb->inner) != ARCHIVE_OK)
		return not_opened(deb, deb->inner, err);
	return 0;
}

/* The name as members have it: dpkg writes "./usr/bin/x". */
static const char *
plain_name(const char *name)
{
	if (name[0] == '.' && name[1] == '/')
		name += 2;
	while (name[0] == '/')
		name++;
	return name;
}

/* The next tar entry. Returns 1, 0 at the end, or -1. */
static int
next_entry(struct deb *deb, struct archive_entry **ret_entry, struct error *err)
{
	int r = archive_read_next_header(deb->inner, ret_entry);

	/* The filters for gzip and bzip2 take a read that failed between two members for the end. */
	if (r == ARCHIVE_EOF && !deb->failed)
		return 0;
	/* A warning is about a name's character set, and the name is there. */
	if ((r != ARCHIVE_OK && r != ARCHIVE_WARN) || archive_entry_pathname(*ret_entry) == NULL)
		return malformed(deb, deb->inner, err);
	if (++deb->files > MAX_FILES)
		return error_set(err, ERR_INPUT, "'%s' has more than %d files", deb->label,
				 MAX_FILES);
	return 1;
}

static int
read_control_text(struct deb *deb, struct archive_entry *entry, struct deb822 *ret_control,
		  struct error *err)
{
	la_int64_t size = archive_entry_size(entry);
	auto_free char *text = NULL;
	auto_free char *label = xasprintf("control file of '%s'", deb->label);

	if (archive_entry_filetype(entry) != AE_IFREG || size <= 0 || size > MAX_CONTROL)
		return error_set(err, ERR_INPUT, "'%s' has a control file of %" PRId64 " bytes",
				 deb->label, (int64_t)size);
	text = xmalloc((size_t)size);
	if (archive_read_data(deb->inner, text, (size_t)size) != (la_ssize_t)size)
		return malformed(deb, deb->inner, err);
	return deb822_parse(text, (size_t)size, label, ret_control, err);
}

int
deb_read_control(const char *path, const char *label, struct deb822 *ret_control, struct error *err)
{
	AUTO(deb_freep) struct deb *deb = NULL;
	struct archive_entry *entry;
	int r;

	if (deb_open(path, label, &deb, err) < 0 || open_tar(deb, "control.tar", err) < 0)
		return -1;
	while ((r = next_entry(deb, &entry, err)) > 0)
		if (strcmp(plain_name(archive_entry_pathname(entry)), "control") == 0)
			return read_control_text(deb, entry, ret_control, err);
	if (r < 0)
		return -1;
	return error_set(err, ERR_INPUT, "'%s' has no control file", deb->label);
}

static enum member_type
type_of(struct archive_entry *entry)
{
	if (archive_entry_hardlink(entry) != NULL)
		return MEMBER_HARD_LINK;
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return MEMBER_FILE;
	case AE_IFLNK:
		return MEMBER_SYMLINK;
	case AE_IFDIR:
		return MEMBER_DIRECTORY;
	default:
		return MEMBER_OTHER;
	}
}

/*
 * After the last file: the rest of data.tar is read, so that a package that was cut there is
 * noticed, and nothing but parts with '_' may follow.
 */
static int
finish(struct deb *deb, struct error *err)
{
	struct archive_entry *entry = NULL;
	int r = next_part(deb, &entry, err);

	if (r > 0)
		return error_set(err, ERR_INPUT, "'%s' has member '%s' after its data", deb->label,
				 archive_entry_pathname(entry));
	deb->ended = r == 0;
	return r;
}

static int
set_current(struct deb *deb, struct archive_entry *entry, struct member_info *ret_info,
	    struct error *err)
{
	enum member_type type = type_of(entry);
	la_int64_t size = type == MEMBER_FILE ? archive_entry_size(entry) : 0;
	const char *target = type == MEMBER_HARD_LINK ? archive_entry_hardlink(entry) : NULL;

	if (type == MEMBER_SYMLINK)
		target = archive_entry_symlink(entry);
	if (size < 0 || (uint64_t)size > MAX_TOTAL_BYTES - deb->total_bytes)
		return error_set(err, ERR_INPUT, "'%s' has more than %" PRIu64 " bytes of files",
				 deb->label, MAX_TOTAL_BYTES);
	deb->total_bytes += (uint64_t)size;
	free(deb->name);
	free(deb->link_target);
	deb->name = xstrdup(plain_name(archive_entry_pathname(entry)));
	deb->link_target = target != NULL ? xstrdup(target) : NULL;
	deb->left = (uint64_t)size;
	*ret_info = (struct member_info){
		.name = deb->name,
		.type = type,
		.size = (uint64_t)size,
		.mode = archive_entry_mode(entry) & 07777,
		.link_target = deb->link_target,
	};
	return 1;
}

static int
reader_next(void *state, struct member_info *ret_info, struct error *err)
{
	struct deb *deb = state;
	struct archive_entry *entry;
	int r;

	if (deb->ended)
		return 0;
	r = next_entry(deb, &entry, err);
	if (r < 0)
		return -1;
	if (r == 0)
		return finish(deb, err);
	return set_current(deb, entry, ret_info, err);
}

static ssize_t
reader_read(void *state, void *buffer, size_t length, struct error *err)
{
	struct deb *deb = state;
	size_t wanted = length < deb->left ? length : (size_t)deb->left;
	la_ssize_t n;

	if (wanted == 0)
		return 0;
	n = archive_read_data(deb->inner, buffer, wanted);
	if (n < 0)
		return malformed(deb, deb->inner, err);
	if ((size_t)n != wanted)
		return error_set(err, ERR_INPUT, "'%s' is cut short within '%s'", deb->label,
				 deb->name);
	deb->left -= (uint64_t)n;
	return n;
}

static void
reader_free(void *state)
{
	deb_free(state);
}

int
deb_reader_open(const char *path, const char *label, struct package_reader **ret_reader,
		struct error *err)
{
	static const struct package_reader_ops ops = {reader_next, reader_read, reader_free};
	AUTO(deb_freep) struct deb *deb = NULL;
	struct archive_entry *control;

	if (deb_open(path, label, &deb, err) < 0 ||
	    expect_part(deb, "control.tar", &control, err) < 0 ||
	    open_tar(deb, "data.tar", err) < 0)
		return -1;
	*ret_reader = package_reader_new(&ops, TAKE(deb));
	return 0;
}
