/* SPDX-License-Identifier: MIT */
#include "sources/rpm/rpm_files.h"

#include "base/alloc.h"

#include <string.h>
#include <sys/stat.h>

#define FLAG_GHOST    (1U << 6)
#define ALGORITHM_MD5 1U /* what a header without the tag means */
#define MAX_FILES     1000000U

/* The arrays of the header, one item a file; those that are optional may be NULL. */
struct columns {
	const char **bases;
	const char **directories;
	const char **digests;
	const char **links;
	uint64_t *indexes;
	uint64_t *modes;
	uint64_t *sizes;
	uint64_t *flags;
	uint64_t *inodes;
	uint64_t *devices;
	size_t directory_count;
};

static void
columns_clear(struct columns *c)
{
	free(c->bases);
	free(c->directories);
	free(c->digests);
	free(c->links);
	free(c->indexes);
	free(c->modes);
	free(c->sizes);
	free(c->flags);
	free(c->inodes);
	free(c->devices);
}

static int
check_count(const struct rpm *rpm, uint32_t tag, size_t got, size_t count, struct error *err)
{
	if (got != count)
		return error_set(err, ERR_INPUT,
				 "main header of '%s' has %zu files, but %zu items in tag %u",
				 rpm->label, count, got, tag);
	return 0;
}

static int
take_strings(const struct rpm *rpm, uint32_t tag, size_t count, const char ***ret_strings,
	     struct error *err)
{
	size_t got = 0;

	*ret_strings = rpm_header_strings(&rpm->header, tag, &got);
	return check_count(rpm, tag, got, count, err);
}

static int
take_numbers(const struct rpm *rpm, uint32_t tag, size_t count, uint64_t **ret_numbers,
	     struct error *err)
{
	size_t got = 0;

	*ret_numbers = rpm_header_numbers(&rpm->header, tag, &got);
	return check_count(rpm, tag, got, count, err);
}

static int
take_columns(const struct rpm *rpm, size_t count, struct columns *c, struct error *err)
{
	bool large = rpm_header_find(&rpm->header, RPM_TAG_LONG_FILE_SIZES) != NULL;

	c->directories =
		rpm_header_strings(&rpm->header, RPM_TAG_DIRECTORY_NAMES, &c->directory_count);
	if (take_strings(rpm, RPM_TAG_FILE_DIGESTS, count, &c->digests, err) < 0 ||
	    take_strings(rpm, RPM_TAG_FILE_LINKS, count, &c->links, err) < 0 ||
	    take_numbers(rpm, RPM_TAG_DIRECTORY_INDEXES, count, &c->indexes, err) < 0 ||
	    take_numbers(rpm, RPM_TAG_FILE_MODES, count, &c->modes, err) < 0 ||
	    take_numbers(rpm, large ? RPM_TAG_LONG_FILE_SIZES : RPM_TAG_FILE_SIZES, count,
			 &c->sizes, err) < 0 ||
	    take_numbers(rpm, RPM_TAG_FILE_FLAGS, count, &c->flags, err) < 0 ||
	    take_numbers(rpm, RPM_TAG_FILE_INODES, count, &c->inodes, err) < 0 ||
	    take_numbers(rpm, RPM_TAG_FILE_DEVICES, count, &c->devices, err) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		if (c->indexes[i] >= c->directory_count)
			return error_set(err, ERR_INPUT,
					 "main header of '%s': file %zu has no directory",
					 rpm->label, i);
	}
	return 0;
}

struct link_key {
	uint64_t device;
	uint64_t inode;
	size_t index;
};

static int
by_inode(const void *a, const void *b)
{
	const struct link_key *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Files of one device and inode are one file; only the last of them has the data. */
static void
mark_links(const struct columns *c, struct rpm_file_list *list)
{
	auto_free struct link_key *keys = xcalloc(list->count + 1, sizeof(*keys));
	size_t n = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (S_ISREG(list->items[i].mode) && !list->items[i].ghost)
			keys[n++] = (struct link_key){c->devices[i], c->inodes[i], i};
	}
	qsort(keys, n, sizeof(*keys), by_inode);
	for (size_t i = 0; i + 1 < n; i++) {
		if (keys[i].device == keys[i + 1].device && keys[i].inode == keys[i + 1].inode)
			list->items[keys[i].index].linked = true;
	}
}

static void
fill(const struct columns *c, struct rpm_file_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		list->items[i] = (struct rpm_file){
			.directory = c->directories[c->indexes[i]],
			.base = c->bases[i],
			.link = c->links[i],
			.digest = c->digests[i],
			.size = c->sizes[i],
			.mode = (uint32_t)c->modes[i],
			.ghost = (c->flags[i] & FLAG_GHOST) != 0,
		};
	}
	mark_links(c, list);
}

int
rpm_files_load(const struct rpm *rpm, struct rpm_file_list *ret_list, struct error *err)
{
	AUTO(columns_clear) struct columns c = {0};
	struct rpm_file_list list = {.digest_algorithm = ALGORITHM_MD5};

	c.bases = rpm_header_strings(&rpm->header, RPM_TAG_BASE_NAMES, &list.count);
	if (list.count > MAX_FILES)
		return error_set(err, ERR_INPUT, "main header of '%s' lists %zu files", rpm->label,
				 list.count);
	if (list.count != 0) {
		if (take_columns(rpm, list.count, &c, err) < 0)
			return -1;
		list.items = xcalloc(list.count, sizeof(*list.items));
		fill(&c, &list);
	}
	(void)!rpm_header_uint32(&rpm->header, RPM_TAG_FILE_DIGEST_ALGORITHM,
				 &list.digest_algorithm);
	*ret_list = list;
	return 0;
}

void
rpm_files_clear(struct rpm_file_list *list)
{
	free(list->items);
	*list = (struct rpm_file_list){0};
}
