/* SPDX-License-Identifier: MIT */
#include "sources/emulators.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "sources/package_open.h"

#include <string.h>

#define DIRECTORY "usr/bin/"
#define PREFIX    "qemu-"
#define SUFFIX    "-static"

struct link {
	char *path;
	char *to; /* the base name that it leads to */
};

struct emulator_reader {
	struct package_reader *reader;
	char *label; /* the package's file name */
	const struct package_warnings *warnings;
	char *path; /* of the current emulator */
	char *target;

	char **targets; /* found so far */
	size_t target_count;
	struct link *links; /* checked at the end: a link may come before its file */
	size_t link_count;
};

struct emulator_reader *
emulator_reader_new(struct package_reader *package, const char *label)
{
	struct emulator_reader *r = xcalloc(1, sizeof(*r));

	r->reader = package;
	r->label = xstrdup(label);
	return r;
}

void
emulator_reader_set_warnings(struct emulator_reader *reader,
			     const struct package_warnings *warnings)
{
	reader->warnings = warnings;
}

int
emulator_reader_open(const char *path, const char *label, struct emulator_reader **ret_reader,
		     struct error *err)
{
	struct package_reader *package;

	if (package_reader_open(path, label, &package, err) < 0)
		return -1;
	*ret_reader = emulator_reader_new(package, label != NULL ? label : path_base(path));
	return 0;
}

/*
 * The TARGET of a base name qemu-TARGET or qemu-TARGET-static with [a-z0-9_] in it, to be freed by
 * the caller, or NULL for any other name.
 */
static char *
target_of(const char *base)
{
	size_t length;

	if (!text_starts_with(base, PREFIX))
		return NULL;
	base += strlen(PREFIX);
	length = strspn(base, "abcdefghijklmnopqrstuvwxyz0123456789_");
	if (length == 0 || (base[length] != '\0' && strcmp(base + length, SUFFIX) != 0))
		return NULL;
	return xstrndup(base, length);
}

static bool
has_target(const struct emulator_reader *r, const char *target)
{
	for (size_t i = 0; i < r->target_count; i++) {
		if (strcmp(r->targets[i], target) == 0)
			return true;
	}
	return false;
}

static bool
climbs(const char *path)
{
	size_t length = strlen(path);

	return strcmp(path, "..") == 0 || text_starts_with(path, "../") ||
	       strstr(path, "/../") != NULL ||
	       (length > 2 && strcmp(path + length - 3, "/..") == 0);
}

/* A program called like an emulator in another directory means a layout that is not known here. */
static int
check_outside(const struct emulator_reader *r, const struct member_info *info, const char *target,
	      struct error *err)
{
	if (climbs(info->name))
		return error_set(err, ERR_INPUT, "'%s' contains a file with the invalid name '%s'",
				 r->label, info->name);
	if (info->type == MEMBER_FILE && (info->mode & 0111) != 0 && target != NULL &&
	    target_is_known(target))
		return error_set(err, ERR_INPUT, "'%s' has an emulator outside %s: '%s'", r->label,
				 DIRECTORY, info->name);
	return 0;
}

static int
check_wanted(const struct emulator_reader *r, const struct member_info *info, const char *target,
	     struct error *err)
{
	if (info->type == MEMBER_HARD_LINK)
		return error_set(err, ERR_INPUT,
				 "'%s' in '%s' is a hard link, expected a regular file", info->name,
				 r->label);
	if (info->type != MEMBER_FILE)
		return error_set(err, ERR_INPUT, "'%s' in '%s' is not a regular file", info->name,
				 r->label);
	if (has_target(r, target))
		return error_set(err, ERR_INPUT, "'%s' has a duplicate emulator for '%s': '%s'",
				 r->label, target, info->name);
	return 0;
}

static void
remember_link(struct emulator_reader *r, const struct member_info *info)
{
	struct link *link;

	r->links = xgrow(r->links, r->link_count, sizeof(*r->links));
	link = &r->links[r->link_count++];
	link->path = xstrdup(info->name);
	link->to = xstrdup(info->link_target != NULL ? info->link_target : "");
}

/* An alias has to lead to an emulator of the same package: "qemu-x", or its absolute path. */
static int
check_links(const struct emulator_reader *r, struct error *err)
{
	for (size_t i = 0; i < r->link_count; i++) {
		const char *to = r->links[i].to;
		auto_free char *target = NULL;

		if (text_starts_with(to, "/" DIRECTORY))
			to += strlen("/" DIRECTORY);
		target = target_of(to);
		if (target == NULL || !has_target(r, target))
			return error_set(err, ERR_INPUT,
					 "'%s' in '%s' is a link to '%s', which is missing from "
					 "the package; the programs are in another package",
					 r->links[i].path, r->label, r->links[i].to);
	}
	return 0;
}

static void
warn_unknown(const struct emulator_reader *r, const struct member_info *info)
{
	auto_free char *text =
		xasprintf("skipping '%s' in '%s': unknown target", info->name, r->label);

	if (r->warnings != NULL)
		r->warnings->warn(r->warnings->context, text);
}

/* 1 if the member is an emulator, 0 if it is to be passed over. */
static int
classify(struct emulator_reader *r, const struct member_info *info, char **ret_target,
	 struct error *err)
{
	auto_free char *target = target_of(path_base(info->name));
	bool inside = text_starts_with(info->name, DIRECTORY) &&
		      strchr(info->name + strlen(DIRECTORY), '/') == NULL;

	if (!inside)
		return check_outside(r, info, target, err);
	if (target == NULL)
		return 0;
	if (info->type == MEMBER_SYMLINK) {
		remember_link(r, info);
		return 0;
	}
	if (!target_is_known(target)) {
		warn_unknown(r, info);
		return 0;
	}
	if (check_wanted(r, info, target, err) < 0)
		return -1;
	*ret_target = TAKE(target);
	return 1;
}

int
emulator_reader_next(struct emulator_reader *r, struct emulator *ret_emulator, struct error *err)
{
	auto_free char *target = NULL;
	struct member_info info;
	int n;

	do {
		n = package_reader_next(r->reader, &info, err);
		if (n < 0)
			return -1;
		if (n == 0)
			return check_links(r, err);
		n = classify(r, &info, &target, err);
	} while (n == 0);
	if (n < 0)
		return -1;

	free(r->path);
	r->path = xstrdup(info.name);
	r->targets = xgrow(r->targets, r->target_count, sizeof(*r->targets));
	r->targets[r->target_count++] = target;
	r->target = TAKE(target);
	*ret_emulator = (struct emulator){
		.target = r->target, .path = r->path, .size = info.size, .mode = info.mode};
	return 1;
}

ssize_t
emulator_reader_read(struct emulator_reader *r, void *buffer, size_t length, struct error *err)
{
	return package_reader_read(r->reader, buffer, length, err);
}

void
emulator_reader_free(struct emulator_reader *r)
{
	if (r == NULL)
		return;
	package_reader_free(r->reader);
	for (size_t i = 0; i < r->target_count; i++)
		free(r->targets[i]);
	for (size_t i = 0; i < r->link_count; i++) {
		free(r->links[i].path);
		free(r->links[i].to);
	}
	free(r->targets);
	free(r->links);
	free(r->label);
	free(r->path);
	free(r);
}

void
emulator_reader_freep(struct emulator_reader **r)
{
	emulator_reader_free(*r);
	*r = NULL;
}
