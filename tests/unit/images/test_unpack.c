/* SPDX-License-Identifier: MIT */
#include "images/unpack.h"

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/strbuf.h"
#include "tests/support/one_layer.h"
#include "tests/support/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <zlib.h>
#include <zstd.h>

enum { BLOCK = 512 };

enum packing { GZIP, ZSTD, PLAIN, CUT_GZIP, CUT_ZSTD, CUT_TAR, GZIP_OF_GZIP, GZIP_OF_ZSTD };

/* One entry of a tar. In names and links "@" stands for the scratch directory. */
struct entry {
	char type; /* as in a tar header; 'S' is a sparse file of GNU tar: nine blocks, the last
		      written */
	const char *name;
	const char *text; /* content of a file, target of a link */
	unsigned int mode;
	const char *size;       /* what the header says of the size, octal; NULL: what it is */
	unsigned int long_name; /* if not 0 the name is preceded by so many "a" */
};

struct row {
	const char *label;
	enum packing packing;
	struct entry entries[4]; /* ended by an empty one */
	enum error_code code;    /* 0: it is unpacked */
	const char *part;        /* of the message, or the file that is there */
	const char *content;     /* of that file */
	unsigned int mode;
};

struct bytes {
	uint8_t *data;
	size_t size;
};

static uint8_t *
grow(struct bytes *bytes, size_t size)
{
	bytes->data = xreallocarray(bytes->data, bytes->size + size, 1);
	memset(bytes->data + bytes->size, 0, size);
	bytes->size += size;
	return bytes->data + bytes->size - size;
}

static void
set_checksum(uint8_t *header)
{
	unsigned int sum = 0;

	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += header[i];
	(void)snprintf((char *)header + 148, 8, "%06o", sum);
}

/* Fills a field with octal digits and a zero. */
static void
put_octal(uint8_t *field, size_t width, size_t value)
{
	field[--width] = '\0';
	while (width-- > 0) {
		field[width] = (uint8_t)('0' + value % 8);
		value /= 8;
	}
}

static void
add_header(struct bytes *tar, char type, const char *name, const char *link, unsigned int mode,
	   const char *size)
{
	uint8_t *header = grow(tar, BLOCK);

	(void)snprintf((char *)header, 100, "%s", name);
	put_octal(header + 100, 8, mode != 0 ? mode : 0755);
	(void)snprintf((char *)header + 124, 12, "%s", size);
	header[156] = (uint8_t)type;
	(void)snprintf((char *)header + 157, 100, "%s", link);
	memcpy(header + 257, type == 'S' || type == 'L' ? "ustar  " : "ustar\00000", 8);
	if (type == 'S') { /* one extent, at the ninth block */
		put_octal(header + 386, 12, 8 * BLOCK);
		put_octal(header + 398, 12, BLOCK);
		put_octal(header + 483, 12, 9 * BLOCK);
	}
	set_checksum(header);
}

static void
add_data(struct bytes *tar, const char *data, size_t size)
{
	memcpy(grow(tar, (size + BLOCK - 1) / BLOCK * BLOCK), data, size);
}

static char *
replace_at(const char *text, const char *directory)
{
	return text[0] == '@' ? xasprintf("%s%s", directory, text + 1) : xstrdup(text);
}

static void
add_entry(struct bytes *tar, const struct entry *entry, const char *directory)
{
	auto_free char *name = replace_at(entry->name, directory);
	auto_free char *text = replace_at(entry->text != NULL ? entry->text : "", directory);
	bool has_data = strchr("0S", entry->type) != NULL;
	char size[12];

	if (entry->long_name != 0) {
		auto_free char *prefix = xcalloc(1, entry->long_name + 1);
		auto_free char *whole = NULL;

		memset(prefix, 'a', entry->long_name);
		whole = xasprintf("%s%s", prefix, name);
		put_octal((uint8_t *)size, sizeof(size), strlen(whole) + 1);
		add_header(tar, 'L', "././@LongLink", "", 0, size);
		add_data(tar, whole, strlen(whole) + 1);
	}
	put_octal((uint8_t *)size, sizeof(size),
		  entry->type == 'S' ? BLOCK
		  : has_data         ? strlen(text)
				     : 0);
	add_header(tar, entry->type, name, has_data ? "" : text, entry->mode,
		   entry->size != NULL ? entry->size : size);
	if (has_data)
		add_data(tar, text, strlen(text));
}

/* A whole gzip or zstd file, a half one, one within another, or the tar as it is. */
static struct bytes
pack(const struct bytes *tar, enum packing packing) /* NOLINT(misc-no-recursion) */
{
	struct bytes out = {NULL, 0};
	z_stream z = {.next_in = tar->data, .avail_in = (uInt)tar->size};

	if (packing == GZIP_OF_GZIP || packing == GZIP_OF_ZSTD) {
		struct bytes inner = pack(tar, packing == GZIP_OF_GZIP ? GZIP : ZSTD);

		out = pack(&inner, GZIP);
		free(inner.data);
		return out;
	}
	(void)grow(&out, tar->size + 4096);
	if (packing == GZIP || packing == CUT_GZIP) {
		assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, 0), Z_OK);
		z.next_out = out.data;
		z.avail_out = (uInt)out.size;
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		out.size = z.total_out;
		assert_int_equal(deflateEnd(&z), Z_OK);
	} else if (packing == ZSTD || packing == CUT_ZSTD) {
		out.size = ZSTD_compress(out.data, out.size, tar->data, tar->size, 1);
		assert_false(ZSTD_isError(out.size));
	} else {
		memcpy(out.data, tar->data, tar->size);
		out.size = packing == CUT_TAR ? BLOCK + BLOCK / 2 : tar->size;
	}
	if (packing == CUT_GZIP || packing == CUT_ZSTD)
		out.size -= out.size / 3;
	return out;
}

#define LONG_TEXT "0123456789012345678901234567890123456789012345678901234567890123456789"

#define A50  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A250 A50 A50 A50 A50 A50

static const struct row rows[] = {
	{.label = "a file",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "usr/bin/x", .text = "hello"}},
	 .part = "usr/bin/x",
	 .content = "hello",
	 .mode = 0755},
	{.label = "directories",
	 .packing = GZIP,
	 .entries = {{.type = '5', .name = "usr/"},
		     {.type = '5', .name = "usr/bin/"},
		     {.type = '0', .name = "usr/bin/x", .text = "hello"}},
	 .part = "usr/bin/x",
	 .content = "hello",
	 .mode = 0755},
	{.label = "zstd",
	 .packing = ZSTD,
	 .entries = {{.type = '0', .name = "x", .text = "hello"}},
	 .part = "x",
	 .content = "hello",
	 .mode = 0755},
	{.label = "no compression",
	 .packing = PLAIN,
	 .entries = {{.type = '0', .name = "x", .text = "hello"}},
	 .part = "x",
	 .content = "hello",
	 .mode = 0755},
	{.label = "a file of its own mode",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "x", .text = "hello", .mode = 0640}},
	 .part = "x",
	 .content = "hello",
	 .mode = 0640},
	{.label = "setuid, setgid, sticky and others' right to write are dropped",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "x", .text = "hello", .mode = 07777}},
	 .part = "x",
	 .content = "hello",
	 .mode = 0755},
	{.label = "a directory twice",
	 .packing = GZIP,
	 .entries = {{.type = '5', .name = "d"},
		     {.type = '5', .name = "d/"},
		     {.type = '0', .name = "d/x", .text = "hello"}},
	 .part = "d/x",
	 .content = "hello",
	 .mode = 0755},
	{.label = "a sparse file",
	 .packing = GZIP,
	 .entries = {{.type = 'S', .name = "x", .text = LONG_TEXT}},
	 .code = ERR_INPUT,
	 .part = "has 'x', which is a sparse file"},
	{.label = "a name of 255 bytes",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "b", .text = "hello", .long_name = 254}},
	 .part = A250 "aaaab",
	 .content = "hello",
	 .mode = 0755},
	{.label = "an absolute name",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "@/evil", .text = "evil"}},
	 .code = ERR_INPUT,
	 .part = "/evil'"},
	{.label = "an absolute directory",
	 .packing = GZIP,
	 .entries = {{.type = '5', .name = "@/evil/"}},
	 .code = ERR_INPUT,
	 .part = "/evil/'"},
	{.label = "..",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "../evil", .text = "evil"}},
	 .code = ERR_INPUT,
	 .part = "'../evil'"},
	{.label = ".. behind a directory",
	 .packing = GZIP,
	 .entries = {{.type = '5', .name = "d/"},
		     {.type = '0', .name = "d/../../evil", .text = "evil"}},
	 .code = ERR_INPUT,
	 .part = "'d/../../evil'"},
	{.label = ".. at the end",
	 .packing = GZIP,
	 .entries = {{.type = '5', .name = "d/.."}},
	 .code = ERR_INPUT,
	 .part = "'d/..'"},
	{.label = ".",
	 .packing = GZIP,
	 .entries = {{.type = '5', .name = "./"}},
	 .code = ERR_INPUT,
	 .part = "'./'"},
	{.label = "no name",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "", .text = "evil"}},
	 .code = ERR_INPUT,
	 .part = "has the name ''"},
	{.label = "two slashes",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "d//x", .text = "evil"}},
	 .code = ERR_INPUT,
	 .part = "'d//x'"},
	{.label = "a symbolic link",
	 .packing = GZIP,
	 .entries = {{.type = '2', .name = "l", .text = "@"}},
	 .code = ERR_INPUT,
	 .part = "'l', which is neither"},
	{.label = "a symbolic link in the path",
	 .packing = GZIP,
	 .entries = {{.type = '2', .name = "l", .text = ".."},
		     {.type = '0', .name = "l/evil", .text = "evil"}},
	 .code = ERR_INPUT,
	 .part = "'l', which is neither"},
	{.label = "a symbolic link under the name of a file",
	 .packing = GZIP,
	 .entries = {{.type = '2', .name = "x", .text = "../canary"},
		     {.type = '0', .name = "x", .text = "evil"}},
	 .code = ERR_INPUT,
	 .part = "'x', which is neither"},
	{.label = "a hard link out of the tree",
	 .packing = GZIP,
	 .entries = {{.type = '1', .name = "l", .text = "../canary"},
		     {.type = '0', .name = "l", .text = "evil"}},
	 .code = ERR_INPUT,
	 .part = "'l', which is neither"},
	{.label = "a hard link to an absolute name",
	 .packing = GZIP,
	 .entries = {{.type = '1', .name = "l", .text = "@/canary"}},
	 .code = ERR_INPUT,
	 .part = "'l', which is neither"},
	{.label = "a hard link in the tree",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "x", .text = "hello"},
		     {.type = '1', .name = "l", .text = "x"}},
	 .code = ERR_INPUT,
	 .part = "'l', which is neither"},
	{.label = "a whiteout",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "usr/.wh.bin"}},
	 .code = ERR_INPUT,
	 .part = "'usr/.wh.bin'"},
	{.label = "a whiteout of all",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = ".wh..wh..opq"}},
	 .code = ERR_INPUT,
	 .part = "'.wh..wh..opq'"},
	{.label = "a whiteout as a directory",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = ".wh.d/x"}},
	 .code = ERR_INPUT,
	 .part = "'.wh.d/x'"},
	{.label = "a character device",
	 .packing = GZIP,
	 .entries = {{.type = '3', .name = "null"}},
	 .code = ERR_INPUT,
	 .part = "'null', which is neither"},
	{.label = "a block device",
	 .packing = GZIP,
	 .entries = {{.type = '4', .name = "disk"}},
	 .code = ERR_INPUT,
	 .part = "'disk', which is neither"},
	{.label = "a fifo",
	 .packing = GZIP,
	 .entries = {{.type = '6', .name = "fifo"}},
	 .code = ERR_INPUT,
	 .part = "'fifo', which is neither"},
	{.label = "a file twice",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "x", .text = "hello"},
		     {.type = '0', .name = "x", .text = "evil"}},
	 .code = ERR_INPUT,
	 .part = "/x': File exists"},
	{.label = "a file under the name of a directory",
	 .packing = GZIP,
	 .entries = {{.type = '5', .name = "d/"}, {.type = '0', .name = "d", .text = "evil"}},
	 .code = ERR_INPUT,
	 .part = "/d': File exists"},
	{.label = "a directory under the name of a file",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "d", .text = "hello"}, {.type = '5', .name = "d/"}},
	 .code = ERR_INPUT,
	 .part = "/d': Not a directory"},
	{.label = "a file below a file",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "d", .text = "hello"},
		     {.type = '0', .name = "d/x", .text = "evil"}},
	 .code = ERR_INPUT,
	 .part = "/d': Not a directory"},
	{.label = "a file two directories below a file",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "d", .text = "hello"},
		     {.type = '0', .name = "d/e/x", .text = "evil"}},
	 .code = ERR_INPUT,
	 .part = "/d': Not a directory"},
	{.label = "a directory two directories below a file",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "d", .text = "hello"}, {.type = '5', .name = "d/e/f/"}},
	 .code = ERR_INPUT,
	 .part = "/d': Not a directory"},
	{.label = "a name that is too long",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "x", .text = "evil", .long_name = 255}},
	 .code = ERR_INPUT,
	 .part = "aaax'"},
	{.label = "a path that is too long",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "x", .text = "evil", .long_name = 5000}},
	 .code = ERR_INPUT,
	 .part = "has the name 'aaa"},
	{.label = "a file over 512 MiB",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "x", .text = "evil", .size = "04000000001"}},
	 .code = ERR_INPUT,
	 .part = "'x' is too large: 536870913 bytes"},
	{.label = "a size that is not there",
	 .packing = GZIP,
	 .entries = {{.type = '0', .name = "x", .text = "evil", .size = "00000100000"}},
	 .code = ERR_INPUT,
	 .part = "'x'"},
	{.label = "half a gzip file",
	 .packing = CUT_GZIP,
	 .entries = {{.type = '0', .name = "x", .text = LONG_TEXT},
		     {.type = '0', .name = "y", .text = LONG_TEXT}},
	 .code = ERR_INPUT,
	 .part = "damaged or cut short"},
	{.label = "half a zstd file",
	 .packing = CUT_ZSTD,
	 .entries = {{.type = '0', .name = "x", .text = LONG_TEXT},
		     {.type = '0', .name = "y", .text = LONG_TEXT}},
	 .code = ERR_INPUT,
	 .part = "damaged or cut short"},
	{.label = "gzip within gzip",
	 .packing = GZIP_OF_GZIP,
	 .entries = {{.type = '0', .name = "x", .text = LONG_TEXT}},
	 .code = ERR_INPUT,
	 .part = "cannot unpack"},
	{.label = "zstd within gzip",
	 .packing = GZIP_OF_ZSTD,
	 .entries = {{.type = '0', .name = "x", .text = LONG_TEXT}},
	 .code = ERR_INPUT,
	 .part = "cannot unpack"},
	{.label = "half a tar",
	 .packing = CUT_TAR,
	 .entries = {{.type = '0',
		      .name = "x",
		      .text = LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT LONG_TEXT
			      LONG_TEXT}},
	 .code = ERR_INPUT,
	 .part = "runcated"},
};

/* A scratch directory with a file that no layer may touch, and a place for the image. */
static char *
make_place(void)
{
	char *path = scratch_directory();
	auto_free char *canary = path_join(path, "canary");
	auto_free char *root = path_join(path, "root");
	auto_free char *layout = path_join(path, "layout");
	struct error err = ERROR_INIT;

	assert_ok(write_file(canary, "safe", 4, 0644, &err), err);
	assert_ok(make_directories(root, &err), err);
	assert_ok(make_directories(layout, &err), err);
	return path;
}

/* Beside the root there is what was there before. */
static void
check_outside(const char *label, const char *path)
{
	auto_free char *canary = path_join(path, "canary");
	auto_free char *text = NULL;
	struct error err = ERROR_INIT;
	DIR *directory = opendir(path);
	const struct dirent *entry;

	assert_non_null(directory);
	while ((entry = readdir(directory)) != NULL)
		if (strstr(". .. canary root layout", entry->d_name) == NULL)
			fail_msg("%s: '%s' was written outside", label, entry->d_name);
	(void)closedir(directory);
	assert_ok(read_file(canary, 4096, &text, NULL, &err), err);
	assert_string_equal(text, "safe");
}

static int
unpack_into(const char *path, struct error *err)
{
	auto_free char *images = path_join(path, "layout/images");
	auto_free char *root = path_join(path, "root");
	AUTO(layout_freep) struct layout *layout = NULL;

	assert_ok(layout_open(images, "make images", &layout, err), *err);
	return image_unpack(layout, "one", arch_find("armv7l"), root, err);
}

static void
check_file(const struct row *row, const char *path)
{
	auto_free char *file = xasprintf("%s/root/%s", path, row->part);
	auto_free char *text = NULL;
	size_t length;
	struct stat st;
	struct error err = ERROR_INIT;

	assert_ok(read_file(file, 1 << 20, &text, &length, &err), err);
	assert_int_equal(length, strlen(row->content));
	assert_string_equal(text, row->content);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, row->mode);
}

static void
test_row(void **state)
{
	const struct row *row = *state;
	char *path = make_place();
	auto_free char *images = path_join(path, "layout/images");
	struct bytes tar = {NULL, 0}, blob;
	struct digest diff_id;
	struct error err = ERROR_INIT;

	for (const struct entry *entry = row->entries; entry->type != '\0'; entry++)
		add_entry(&tar, entry, path);
	(void)grow(&tar, 2 * BLOCK);
	digest_of(tar.data, tar.size, &diff_id);
	blob = pack(&tar, row->packing);
	one_layer_layout(images, blob.data, blob.size, &diff_id);
	if (row->code != ERR_NONE) {
		assert_refused(unpack_into(path, &err), err, row->code, row->part);
	} else {
		assert_ok(unpack_into(path, &err), err);
		check_file(row, path);
	}
	check_outside(row->label, path);
	free(tar.data);
	free(blob.data);
	scratch_remove(path);
	free(path);
}

/* The layout of one file, whose blob can then be changed. */
static char *
make_good(const struct digest *diff_id, struct bytes *ret_blob)
{
	static const struct entry entry = {.type = '0', .name = "x", .text = "hello"};
	char *path = make_place();
	auto_free char *images = path_join(path, "layout/images");
	struct bytes tar = {NULL, 0};
	struct digest right;

	add_entry(&tar, &entry, path);
	(void)grow(&tar, 2 * BLOCK);
	digest_of(tar.data, tar.size, &right);
	*ret_blob = pack(&tar, GZIP);
	one_layer_layout(images, ret_blob->data, ret_blob->size,
			 diff_id != NULL ? diff_id : &right);
	free(tar.data);
	return path;
}

static void
test_wrong_diff_id(void **state)
{
	struct digest other;
	struct bytes blob;
	char *path;
	struct error err = ERROR_INIT;

	(void)state;
	digest_of("other", 5, &other);
	path = make_good(&other, &blob);
	assert_refused(unpack_into(path, &err), err, ERR_VERIFY, "expected d9298a10");
	free(blob.data);
	scratch_remove(path);
	free(path);
}

/* Same size, other bytes: also where they are no gzip file any more. */
static void
test_wrong_digest(void **state)
{
	static const size_t at[] = {0, 15, 40};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
		struct bytes blob;
		char *path = make_good(NULL, &blob);
		struct digest digest;
		char hex[DIGEST_HEX_SIZE];
		auto_free char *file = NULL;
		struct error err = ERROR_INIT;

		digest_of(blob.data, blob.size, &digest);
		file = xasprintf("%s/layout/images/blobs/sha256/%s", path,
				 digest_hex(&digest, hex));
		blob.data[at[i]] ^= 1;
		assert_ok(write_file(file, blob.data, blob.size, 0644, &err), err);
		assert_refused(unpack_into(path, &err), err, ERR_VERIFY, "sha256 of the layer");
		assert_ok(write_file(file, blob.data, blob.size - 1, 0644, &err), err);
		assert_refused(unpack_into(path, &err), err, ERR_VERIFY, file);
		assert_int_equal(unlink(file), 0);
		assert_refused(unpack_into(path, &err), err, ERR_NOT_FOUND, file);
		check_outside("a wrong digest", path);
		free(blob.data);
		scratch_remove(path);
		free(path);
	}
}

/* Two megabytes that become more than two gigabytes of zeros after the last entry. */
static void
test_bomb(void **state)
{
	enum { PIECE = 16 << 20 };
	char *path = make_place();
	auto_free char *images = path_join(path, "layout/images");
	auto_free uint8_t *zeros = xcalloc(1, PIECE);
	struct bytes blob = {NULL, 0};
	z_stream z = {.next_in = NULL};
	struct digest digest;
	size_t piece;
	struct error err = ERROR_INIT;

	(void)state;
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, -15, 8, 0), Z_OK);
	(void)grow(&blob, 1 << 20);
	z.next_in = zeros;
	z.avail_in = PIECE;
	z.next_out = blob.data + 10;
	z.avail_out = (uInt)blob.size - 10;
	memcpy(blob.data, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
	assert_int_equal(deflate(&z, Z_FULL_FLUSH), Z_OK);
	piece = z.total_out;
	blob.size = 10 + piece;
	for (int i = 0; i < (2048 / 16); i++) {
		uint8_t *next = grow(&blob, piece);

		memcpy(next, blob.data + 10, piece);
	}
	(void)deflateEnd(&z);
	digest_of("x", 1, &digest);
	one_layer_layout(images, blob.data, blob.size, &digest);
	assert_refused(unpack_into(path, &err), err, ERR_INPUT, "larger than 2 GiB");
	free(blob.data);
	scratch_remove(path);
	free(path);
}

/* After a signal it is that what ends it, also where the layer cannot be unpacked anyway. */
static void
test_interrupted(void **state)
{
	char *path = make_place();
	auto_free char *images = path_join(path, "layout/images");
	struct digest digest;
	int status;
	pid_t child;

	(void)state;
	digest_of("x", 1, &digest);
	one_layer_layout(images, (const uint8_t *)"no layer", 8, &digest);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct error err = ERROR_INIT;

		interrupt_install();
		(void)raise(SIGINT);
		_exit(unpack_into(path, &err) < 0 ? (int)err.code : 0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ERR_INTERRUPTED);
	scratch_remove(path);
	free(path);
}

/* From here on nothing can be written beyond the second byte of a file. */
static bool
limit_files(void)
{
	struct rlimit small = {2, 2};

	return signal(SIGXFSZ, SIG_IGN) != SIG_ERR && setrlimit(RLIMIT_FSIZE, &small) == 0;
}

/* From here on every close() fails, as one does on NFS when the disk there is full. */
static bool
refuse_close(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSPC),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {ARRAY_SIZE(steps), steps};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* A disk that is full is no fault of the layer, also if close() is what says so. */
static void
test_full_disk(void **state)
{
	static const struct {
		const char *label;
		bool (*fill)(void);
		const char *reason;
	} disks[] = {
		{"write", limit_files, "/root/x': File too large"},
		{"close", refuse_close, "/root/x': No space left on device"},
	};
	enum { AS_IT_SHOULD, NOT_HERE, OTHERWISE };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(disks); i++) {
		struct bytes blob;
		char *path = make_good(NULL, &blob);
		int status;
		pid_t child = fork();

		assert_true(child >= 0);
		if (child == 0) {
			struct error err = ERROR_INIT;

			if (!disks[i].fill())
				_exit(NOT_HERE);
			_exit(unpack_into(path, &err) < 0 && err.code == ERR_IO &&
					      text_starts_with(err.message, "cannot write '") &&
					      strstr(err.message, disks[i].reason) != NULL
				      ? AS_IT_SHOULD
				      : OTHERWISE);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		free(blob.data);
		scratch_remove(path);
		free(path);
		if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_HERE)
			skip_because("no way to make %s() fail", disks[i].label);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != AS_IT_SHOULD)
			fail_msg("%s() fails, and the status is %d", disks[i].label, status);
	}
}

static void
test_other_image(void **state)
{
	struct bytes blob;
	char *path = make_good(NULL, &blob);
	auto_free char *images = path_join(path, "layout/images");
	auto_free char *root = path_join(path, "root");
	AUTO(layout_freep) struct layout *layout = NULL;
	bool there;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(layout_open(images, "make images", &layout, &err), err);
	assert_ok(image_is_there(layout, "one", arch_find("armv7l"), &there, &err), err);
	assert_true(there);
	assert_ok(image_is_there(layout, "two", arch_find("armv7l"), &there, &err), err);
	assert_false(there);
	assert_refused(image_unpack(layout, "two", arch_find("armv7l"), root, &err), err,
		       ERR_NOT_FOUND, "has no image 'two'");
	assert_refused(image_unpack(layout, "one", arch_find("s390x"), root, &err), err, ERR_INPUT,
		       "the image 'one' is for 'arm/v7', expected s390x");
	assert_refused(image_unpack(layout, "one", arch_find("armv5tel"), root, &err), err,
		       ERR_INPUT, "the image 'one' is for 'arm/v7', expected armv5tel");
	free(blob.data);
	scratch_remove(path);
	free(path);
}

int
main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 6] = {
		cmocka_unit_test(test_wrong_diff_id), cmocka_unit_test(test_wrong_digest),
		cmocka_unit_test(test_bomb),          cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_full_disk),     cmocka_unit_test(test_other_image),
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[6 + i] = (struct CMUnitTest){
			.name = rows[i].label,
			.test_func = test_row,
			.initial_state = (void *)(uintptr_t)&rows[i],
		};
	return cmocka_run_group_tests_name("unpack", tests, NULL, NULL);
}
