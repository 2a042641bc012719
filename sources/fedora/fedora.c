/* SPDX-License-Identifier: MIT */
#include "sources/fedora/fedora.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "sources/fedora/fedora_internal.h"
#include "sources/rpm/rpm_version.h"

#include <string.h>

char *
fedora_binary_name(const struct fedora_query *query)
{
	return xasprintf("%s-user-static", query->package);
}

bool
fedora_name_fits(const char *binary_name, const char *name)
{
	size_t length = strlen(binary_name);

	return strncmp(name, binary_name, length) == 0 &&
	       (name[length] == '\0' || name[length] == '-') &&
	       !text_ends_with(name, "-debuginfo") && !text_ends_with(name, "-debugsource");
}

struct package *
fedora_add(struct package_list *list, const struct fedora_query *query, const struct arch *host,
	   const char *name, const char *evr, const char *file)
{
	struct package *package = package_list_add(list);

	package->source = xstrdup(query->source);
	package->type = SOURCE_FEDORA;
	package->host = xstrdup(host->name);
	package->name = xstrdup(name);
	package->version = xstrdup(evr);
	package->arch = xstrdup(host->fedora);
	package->file = xstrdup(file);
	return package;
}

void
fedora_drop_metapackage(struct package_list *list, const char *binary_name)
{
	for (size_t i = 0; i < list->count && list->count > 1; i++) {
		if (strcmp(list->items[i].name, binary_name) != 0)
			continue;
		package_clear(&list->items[i]);
		memmove(&list->items[i], &list->items[i + 1],
			(list->count - i - 1) * sizeof(*list->items));
		list->count--;
		return;
	}
}

static int
check_host(const struct fedora_query *query, const struct arch *host, struct error *err)
{
	if (host->fedora == NULL)
		return error_set(err, ERR_INPUT, "Fedora has no packages for %s", host->name);
	if (query->repository_count == 0 && query->koji_count == 0)
		return error_set(err, ERR_INPUT, "\"repositories\" or \"koji\" is required");
	return 0;
}

/* Keeps what was tried, for when nothing helps: `tried` grows by the message in `err`, once. */
static void
note(struct strbuf *tried, const struct error *err)
{
	if (strstr(strbuf_text(tried), err->message) != NULL)
		return;
	if (tried->length > 0)
		strbuf_adds(tried, "; ");
	strbuf_adds(tried, err->message);
}

/*
 * The error of a search that went through several places: that nobody has it, unless one of them
 * could not be asked, which is worth another try.
 */
static int
give_up(const struct strbuf *tried, const struct error *failure, struct error *err)
{
	auto_free char *all = xstrdup(strbuf_text(tried));

	if (failure->code != ERR_NONE)
		return error_set(err, failure->code, "%s", all);
	return error_set_absent(err, "not found: %s", all);
}

/* The one search that fedora_resolve() and fedora_newest() make, over one kind of place. */
struct hunt {
	struct http_client *client;
	const struct fedora_query *query;
	const struct arch *host;
	struct strbuf tried;
	struct error failure; /* of a place that could not be asked */
};

static void
hunt_failed(struct hunt *hunt, const struct error *err)
{
	note(&hunt->tried, err);
	if (err->code != ERR_NOT_FOUND)
		hunt->failure = *err;
}

static int
hunt_give_up(struct hunt *hunt, struct error *err)
{
	int r = give_up(&hunt->tried, &hunt->failure, err);

	strbuf_clear(&hunt->tried);
	return r;
}

/* Adds URLs of Koji behind those of a repository, if it is known whose signature they will have. */
static void
add_fallbacks(const struct fedora_query *query, struct package_list *list, size_t skip)
{
	if (query->key_count != 1)
		return;
	for (size_t i = 0; i < list->count; i++) {
		for (size_t k = skip; k < query->koji_count; k++)
			koji_add_urls(query, query->koji[k], query->keys[0], &list->items[i]);
	}
}

/* Only Koji has it, as far as is known. */
static void
warn_of_koji(const struct hunt *hunt, const char *evr)
{
	const struct fedora_query *query = hunt->query;
	const char *where = query->repository_count == 0 ? "the source has no \"repositories\""
			    : hunt->failure.code != ERR_NONE
				    ? "some of its \"repositories\" could not be reached"
				    : "none of its \"repositories\" has it";
	auto_free char *sentence =
		xasprintf("source '%s' gets %s from Koji only, because %s; Koji deletes builds "
			  "that do not leave testing after some weeks",
			  query->source, evr, where);

	if (query->warn != NULL)
		query->warn(query->warn_context, sentence);
}

static int
resolve_pinned(struct hunt *hunt, const char *evr, struct package_list *found, struct error *err)
{
	const struct fedora_query *query = hunt->query;

	for (size_t i = 0; i < query->repository_count; i++) {
		package_list_clear(found);
		if (repository_resolve(hunt->client, query, query->repositories[i], hunt->host, evr,
				       found, err) == 0) {
			add_fallbacks(query, found, 0);
			return 0;
		}
		hunt_failed(hunt, err);
	}
	for (size_t i = 0; i < query->koji_count; i++) {
		package_list_clear(found);
		if (koji_resolve(hunt->client, query, query->koji[i], hunt->host, evr, found,
				 err) == 0) {
			add_fallbacks(query, found, i + 1);
			warn_of_koji(hunt, evr);
			return 0;
		}
		hunt_failed(hunt, err);
	}
	return hunt_give_up(hunt, err);
}

static void
move_packages(struct package_list *from, struct package_list *to)
{
	for (size_t i = 0; i < from->count; i++) {
		struct package *package = package_list_add(to);

		*package = from->items[i];
		from->items[i] = (struct package){.name = NULL};
	}
}

int
fedora_resolve(struct http_client *client, const struct fedora_query *query,
	       const struct arch *host, struct package_list *list, struct error *err)
{
	AUTO(package_list_clear) struct package_list found = PACKAGE_LIST_INIT;
	auto_free char *binary_name = fedora_binary_name(query);
	auto_free char *evr = NULL;
	struct hunt hunt = {.client = client, .query = query, .host = host};

	if (check_host(query, host, err) < 0)
		return -1;
	if (query->evr != NULL)
		evr = xstrdup(query->evr);
	else if (query->repository_count == 0)
		return error_set(
			err, ERR_INPUT,
			"\"evr\" is required, because a Koji directory does not show the epoch");
	else if (fedora_newest(client, query, host, &evr, err) < 0)
		return -1;
	if (resolve_pinned(&hunt, evr, &found, err) < 0)
		return -1;
	strbuf_clear(&hunt.tried);
	fedora_drop_metapackage(&found, binary_name);
	package_list_sort(&found);
	move_packages(&found, list);
	return 0;
}

static void
keep_newer(char **newest, const char *evr)
{
	if (*newest != NULL && rpm_evr_compare(evr, *newest) <= 0)
		return;
	free(*newest);
	*newest = xstrdup(evr);
}

int
fedora_newest(struct http_client *client, const struct fedora_query *query, const struct arch *host,
	      char **ret_evr, struct error *err)
{
	auto_free char *newest = NULL;
	struct hunt hunt = {.client = client, .query = query, .host = host};

	if (check_host(query, host, err) < 0)
		return -1;
	for (size_t i = 0; i < query->repository_count; i++) {
		AUTO(package_list_clear) struct package_list found = PACKAGE_LIST_INIT;

		if (repository_resolve(client, query, query->repositories[i], host, NULL, &found,
				       err) == 0)
			keep_newer(&newest, found.items[0].version);
		else
			hunt_failed(&hunt, err);
	}
	/* Koji has builds that never leave testing: it is asked when there is nobody else. */
	for (size_t i = 0; i < query->koji_count && query->repository_count == 0; i++) {
		auto_free char *evr = NULL;

		if (koji_newest(client, query, query->koji[i], host, &evr, err) == 0)
			keep_newer(&newest, evr);
		else
			hunt_failed(&hunt, err);
	}
	/* One place that could not be asked may be the one that has something newer. */
	if (newest == NULL || hunt.failure.code != ERR_NONE)
		return hunt_give_up(&hunt, err);
	strbuf_clear(&hunt.tried);
	*ret_evr = TAKE(newest);
	return 0;
}
