/* SPDX-License-Identifier: MIT */
#include "images/contents.h"

#include "base/alloc.h"
#include "base/directory.h"
#include "base/file.h"
#include "pack/tarball.h"

#include <string.h>
#include <sys/stat.h>

/* What helps against images that were made from something else. */
#define ADVICE "; '%s' makes it again"

void
image_contents_clear(struct image_contents *contents)
{
	words_clear(&contents->files);
}

static char *
program_in(const char *root, const char *target)
{
	char name[MEMBER_NAME_SIZE];

	return xasprintf("%s/usr/bin/%s", root, member_name(name, target));
}

void
image_contents_add_program(struct image_contents *contents, const char *target)
{
	(void)words_take(&contents->files, program_in("", target));
}

int
image_contents_check_program(const struct image_contents *contents, const struct member *member,
			     struct error *err)
{
	auto_free char *path = program_in(contents->root, member->target);
	char want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
	struct digest seen;

	if (digest_file(path, &seen, NULL, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		return error_set(err, ERR_VERIFY, "the image '%s' has no qemu-%s-static" ADVICE,
				 contents->tag, member->target, contents->command);
	}
	if (!digest_equal(&seen, &member->sha256))
		return error_set(err, ERR_VERIFY,
				 "sha256 of qemu-%s-static in the image '%s' is %s, expected %s as "
				 "in the lock" ADVICE,
				 member->target, contents->tag, digest_hex(&seen, got),
				 digest_hex(&member->sha256, want), contents->command);
	return 0;
}

int
image_contents_check_registrar(const struct image_contents *contents, const char *registrar,
			       struct error *err)
{
	auto_free char *path = path_join(contents->root, "register");
	char want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
	struct digest seen, ours;

	if (digest_file(registrar, &ours, NULL, err) < 0)
		return -1;
	if (digest_file(path, &seen, NULL, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		return error_set(err, ERR_VERIFY, "the image '%s' has no /register" ADVICE,
				 contents->tag, contents->command);
	}
	if (!digest_equal(&seen, &ours))
		return error_set(
			err, ERR_VERIFY,
			"sha256 of /register in the image '%s' is %s, but that of '%s' is %s" ADVICE
			"; for other registrars use --registrars",
			contents->tag, digest_hex(&seen, got), registrar, digest_hex(&ours, want),
			contents->command);
	return 0;
}

/* `path` begins with '/'. A directory may be there if a file in it may. */
static bool
may_have(const struct image_contents *contents, const char *path, bool directory)
{
	size_t length = strlen(path);

	for (size_t i = 0; i < contents->files.count; i++)
		if (strncmp(contents->files.items[i], path, length) == 0 &&
		    contents->files.items[i][length] == (directory ? '/' : '\0'))
			return true;
	return false;
}

static int check_content_directory(const struct image_contents *contents, const char *inside,
				   struct error *err);

/* One name in the directory `inside` of the image. */
static int
check_content_entry(const struct image_contents *contents, const char *inside, const char *name,
		    struct error *err)
{
	auto_free char *path = xasprintf("%s/%s", inside, name);
	auto_free char *file = xasprintf("%s%s", contents->root, path);
	struct stat st;

	if (lstat(file, &st) < 0)
		return error_set_errno(err, ERR_IO, "cannot access '%s'", file);
	if (!may_have(contents, path, S_ISDIR(st.st_mode)))
		return error_set(err, ERR_VERIFY, "the image '%s' has an unexpected %s" ADVICE,
				 contents->tag, path, contents->command);
	return S_ISDIR(st.st_mode) ? check_content_directory(contents, path, err) : 0;
}

static int
check_content_directory(const struct image_contents *contents, const char *inside,
			struct error *err)
{
	auto_free char *path = xasprintf("%s%s", contents->root, inside);
	AUTO(words_clear) struct words names = WORDS_INIT;

	if (directory_names(path, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.count; i++)
		if (check_content_entry(contents, inside, names.items[i], err) < 0)
			return -1;
	return 0;
}

int
image_contents_check_listing(const struct image_contents *contents, struct error *err)
{
	return check_content_directory(contents, "", err);
}
