/* SPDX-License-Identifier: MIT */
#include "distributor/cli/commands.h"

#include "base/alloc.h"
#include "base/strbuf.h"

#include <assert.h>
#include <string.h>

const struct command *
command_find(const struct command_table *table, const char *name)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->items[i]->name, name) == 0)
			return table->items[i];
	return NULL;
}

const char *
command_suggest(const struct command_table *table, const char *name)
{
	auto_free const char **names = xcalloc(table->count + 1, sizeof(*names));

	for (size_t i = 0; i < table->count; i++)
		names[i] = table->items[i]->name;
	return text_closest(name, names, table->count);
}

char *
command_usage(const struct command *command)
{
	return xasprintf("distributor %s [OPTION]...%s%s", command->name,
			 *command->args != '\0' ? " " : "", command->args);
}

size_t
command_options(const struct command *command, struct app *app, bool *help,
		struct option_spec ret_table[OPTIONS_MAX + 1])
{
	/* In the order of the bits. */
	const struct option_spec shared[] = {
		{"matrix", '\0', "FILE", OPTION_TEXT, &app->work.matrix_path,
		 "the matrix (default " DEFAULT_MATRIX ")"},
		{"lock", '\0', "FILE", OPTION_TEXT, &app->work.lock_path,
		 "the lock (default: NAME.lock.json next to the\n"
		 "matrix)"},
		{"out", '\0', "DIR", OPTION_TEXT, &app->work.out,
		 "directory for results (default " DEFAULT_OUT ")"},
		{"cache", '\0', "DIR", OPTION_TEXT, &app->work.cache,
		 "package cache (default $XDG_CACHE_HOME/distributor)"},
		{"keys", '\0', "DIR", OPTION_TEXT, &app->work.keys,
		 "public keys (default " DEFAULT_KEYS ")"},
		{"host", '\0', "HOST", OPTION_LIST, &app->work.hosts,
		 "only this host, named as by 'uname -m'; may be\n"
		 "repeated"},
		{"jobs", 'j', "N", OPTION_NUMBER, &app->work.jobs,
		 "number of parallel jobs (default: number of CPUs)"},
		{"offline", '\0', NULL, OPTION_FLAG, &app->work.offline, "do not use the network"},
	};
	const struct option_spec common[] = {
		{"json", '\0', NULL, OPTION_FLAG, &app->json, "print the result as JSON"},
		{"quiet", 'q', NULL, OPTION_FLAG, &app->quiet, "print only warnings and errors"},
		{"verbose", 'v', NULL, OPTION_FLAG, &app->verbose, "print debug messages"},
		{"help", 'h', NULL, OPTION_FLAG, help, "print this help"},
	};
	size_t count = 0;

	_Static_assert(SHARED_OFFLINE == 1 << (ARRAY_SIZE(shared) - 1),
		       "a shared option is missing");
	for (const struct option_spec *o = command->options; o != NULL && o->name != NULL; o++) {
		assert(count + ARRAY_SIZE(shared) + ARRAY_SIZE(common) < OPTIONS_MAX);
		ret_table[count++] = *o;
	}
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++)
		if ((command->shared & 1u << i) != 0)
			ret_table[count++] = shared[i];
	memcpy(ret_table + count, common, sizeof(common));
	count += ARRAY_SIZE(common);
	ret_table[count] = (struct option_spec){.name = NULL};
	return count;
}

size_t
command_describe_options(const struct command *command,
			 struct option_spec ret_table[OPTIONS_MAX + 1])
{
	struct app app;
	bool help;
	size_t all = command_options(command, &app, &help, ret_table), count = 0;

	for (size_t i = 0; i < all; i++) {
		if ((ret_table[i].type & OPTION_HIDDEN) != 0)
			continue;
		ret_table[count] = ret_table[i];
		ret_table[count++].target = NULL;
	}
	ret_table[count] = (struct option_spec){.name = NULL};
	return count;
}
