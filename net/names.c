/* SPDX-License-Identifier: MIT */
#include "net/names.h"

#include "base/alloc.h"
#include "net/again.h"
#include "net/url.h"

#include <string.h>
#include <strings.h>

void
http_names_init(struct http_names *names)
{
	(void)pthread_mutex_init(&names->mutex, NULL);
}

static void
forget(struct http_name *item)
{
	free(item->name);
	free(item->why);
	*item = (struct http_name){.failed = 0};
}

void
http_names_clear(struct http_names *names)
{
	for (size_t i = 0; i < ARRAY_SIZE(names->items); i++)
		forget(&names->items[i]);
	(void)pthread_mutex_destroy(&names->mutex);
}

static struct http_name *
find_name(struct http_names *names, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(names->items); i++)
		if (names->items[i].name != NULL && strcasecmp(names->items[i].name, name) == 0)
			return &names->items[i];
	return NULL;
}

char *
http_names_refusal(struct http_names *names, const char *url)
{
	auto_free char *name = http_url_name(url);
	const struct http_name *item;
	char *why = NULL;

	(void)pthread_mutex_lock(&names->mutex);
	item = find_name(names, name);
	if (item != NULL && item->failed >= HTTP_RESOLVE_TRIES)
		why = xstrdup(item->why);
	(void)pthread_mutex_unlock(&names->mutex);
	return why;
}

unsigned int
http_names_failed(struct http_names *names, const char *url, const char *why)
{
	auto_free char *name = http_url_name(url);
	struct http_name *item;
	unsigned int failed;

	(void)pthread_mutex_lock(&names->mutex);
	item = find_name(names, name);
	if (item == NULL) {
		item = &names->items[names->next++ % ARRAY_SIZE(names->items)];
		forget(item);
		item->name = TAKE(name);
		item->why = xstrdup(why);
	}
	failed = ++item->failed;
	(void)pthread_mutex_unlock(&names->mutex);
	return failed < HTTP_RESOLVE_TRIES ? HTTP_RESOLVE_TRIES - failed : 0;
}

void
http_names_answered(struct http_names *names, const char *url)
{
	auto_free char *name = http_url_name(url);
	struct http_name *item;

	(void)pthread_mutex_lock(&names->mutex);
	item = find_name(names, name);
	if (item != NULL)
		forget(item);
	(void)pthread_mutex_unlock(&names->mutex);
}
