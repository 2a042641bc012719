/* SPDX-License-Identifier: MIT */
#include "model/package.h"

#include "base/alloc.h"

#include <string.h>

static void
free_strings(char **strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(strings[i]);
	free(strings);
}

const char *
package_plain_evr(const char *evr)
{
	size_t zeros = strspn(evr, "0");

	return zeros > 0 && evr[zeros] == ':' ? evr + zeros + 1 : evr;
}

void
package_clear(struct package *package)
{
	free(package->source);
	free(package->host);
	free(package->name);
	free(package->version);
	free(package->arch);
	free(package->file);
	free(package->qemu_version);
	free(package->signer);
	free(package->suite);
	free(package->pool_path);
	free(package->source_package);
	free(package->license);
	free_strings(package->urls, package->url_count);
	free_strings(package->built_using, package->built_using_count);
	for (size_t i = 0; i < package->member_count; i++) {
		free(package->members[i].target);
		free(package->members[i].path);
	}
	free(package->members);
	memset(package, 0, sizeof(*package));
}

void
package_list_clear(struct package_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		package_clear(&list->items[i]);
	free(list->items);
	*list = (struct package_list)PACKAGE_LIST_INIT;
}

struct package *
package_list_add(struct package_list *list)
{
	list->items = xgrow(list->items, list->count, sizeof(*list->items));
	return &list->items[list->count++];
}

static int
compare_text(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

static int
compare_packages(const void *left, const void *right)
{
	const struct package *a = left, *b = right;
	int order = compare_text(a->host, b->host);

	if (order == 0)
		order = compare_text(a->source, b->source);
	if (order == 0)
		order = compare_text(a->name, b->name);
	return order != 0 ? order : compare_text(a->file, b->file);
}

void
package_list_sort(struct package_list *list)
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), compare_packages);
}

void
package_add_url(struct package *package, const char *url)
{
	package->urls = xgrow(package->urls, package->url_count, sizeof(*package->urls));
	package->urls[package->url_count++] = xstrdup(url);
}

void
package_add_built_using(struct package *package, const char *entry)
{
	package->built_using =
		xgrow(package->built_using, package->built_using_count, sizeof(char *));
	package->built_using[package->built_using_count++] = xstrdup(entry);
}

struct member *
package_add_member(struct package *package, const char *target, const char *path)
{
	struct member *member;

	package->members = xgrow(package->members, package->member_count, sizeof(*member));
	member = &package->members[package->member_count++];
	member->target = xstrdup(target);
	member->path = xstrdup(path);
	return member;
}

static int
compare_members(const void *left, const void *right)
{
	const struct member *a = left, *b = right;

	return strcmp(a->target, b->target);
}

void
package_sort_members(struct package *package)
{
	if (package->member_count > 1)
		qsort(package->members, package->member_count, sizeof(*package->members),
		      compare_members);
}

static const char *const type_names[] = {"fedora", "apt", "directory"};

const char *
source_type_name(enum source_type type)
{
	return type_names[type];
}

bool
source_type_parse(const char *name, enum source_type *ret_type)
{
	for (size_t i = 0; i < ARRAY_SIZE(type_names); i++) {
		if (strcmp(type_names[i], name) != 0)
			continue;
		*ret_type = (enum source_type)i;
		return true;
	}
	return false;
}
