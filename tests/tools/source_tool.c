/* SPDX-License-Identifier: MIT */
/*
 * Debian packages through the project's own code, for integration tests and measurements:
 *
 *     source_tool control FILE            NAME VERSION ARCH QEMU SOURCE, then a line per
 * Built-Using source_tool list FILE               TYPE MODE SIZE SHA256 NAME -> LINK source_tool
 * inspect FILE HOST       NAME VERSION QEMU, then TARGET SIZE SHA256 PATH source_tool decode FILE
 * bytes and seconds of reading every file once source_tool resolve HOST DIR [OPTION]... source_tool
 * fetch HOST DIR OUT [OPTION]...   resolves, then fetches what it found
 *
 * OPTION: suite=S package=P keyring=FILE key=FINGERPRINT url=BASE allow-expired=yes, and for fetch
 * version=V pool=PATH size=N sha256=HEX, which take the place of what was found. Warnings go to
 * standard error; an error is one line there, and the exit status is the program's for it.
 */

#include "base/alloc.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "sources/debian/apt.h"
#include "sources/debian/deb.h"
#include "sources/debian/deb_control.h"
#include "sources/package_inspect.h"
#include "sources/package_open.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_VALUES = 8 };

struct settings {
	struct apt_source source;
	const char *keys[MAX_VALUES], *urls[MAX_VALUES];
	const char *version, *pool, *size, *sha256;
};

static void
print_warning(void *context, const char *text)
{
	(void)context;
	(void)fprintf(stderr, "warning: %s\n", text);
}

static int
control(char **args, int count, struct error *err)
{
	AUTO(deb822_clear) struct deb822 fields = DEB822_INIT;
	AUTO(package_clear) struct package package = {0};

	(void)count;
	if (deb_read_control(args[0], NULL, &fields, err) < 0 ||
	    deb_control_fill(&fields, args[0], &package, err) < 0)
		return -1;
	(void)printf("%s %s %s %s %s\n", package.name, package.version, package.arch,
		     package.qemu_version, package.source_package);
	for (size_t i = 0; i < package.built_using_count; i++)
		(void)printf("%s\n", package.built_using[i]);
	return 0;
}

/* Reads all of every file through `buffer`; prints unless `quiet`. */
static int
read_files(const char *path, bool quiet, uint64_t *ret_bytes, struct error *err)
{
	static uint8_t buffer[1 << 20];
	AUTO(package_reader_freep) struct package_reader *reader = NULL;
	AUTO(hasher_freep) struct hasher *hasher = hasher_new();
	char hex[DIGEST_HEX_SIZE];
	struct member_info info;
	struct digest digest;
	ssize_t n;
	int r;

	if (package_reader_open(path, NULL, &reader, err) < 0)
		return -1;
	while ((r = package_reader_next(reader, &info, err)) > 0) {
		while ((n = package_reader_read(reader, buffer, sizeof(buffer), err)) > 0) {
			*ret_bytes += (uint64_t)n;
			if (!quiet)
				hasher_update(hasher, buffer, (size_t)n);
		}
		if (n < 0)
			return -1;
		hasher_finish(hasher, &digest);
		if (!quiet)
			(void)printf("%c %04o %" PRIu64 " %s %s -> %s\n", "flhdo"[info.type],
				     info.mode, info.size, digest_hex(&digest, hex), info.name,
				     info.link_target != NULL ? info.link_target : "");
	}
	return r;
}

static int
list(char **args, int count, struct error *err)
{
	uint64_t bytes = 0;

	(void)count;
	return read_files(args[0], false, &bytes, err);
}

static int
decode(char **args, int count, struct error *err)
{
	double start = monotonic_sec();
	uint64_t bytes = 0;

	(void)count;
	if (read_files(args[0], true, &bytes, err) < 0)
		return -1;
	(void)printf("%" PRIu64 " bytes %.2f seconds\n", bytes, monotonic_sec() - start);
	return 0;
}

static int
inspect(char **args, int count, struct error *err)
{
	static const struct package_warnings warnings = {print_warning, NULL};
	AUTO(package_clear) struct package package = {0};
	const struct arch *host = arch_find_any(args[1]);
	char hex[DIGEST_HEX_SIZE];

	(void)count;
	if (host == NULL)
		return error_set(err, ERR_USAGE, "no host '%s'", args[1]);
	if (package_inspect(args[0], host, &package, &warnings, err) < 0)
		return -1;
	(void)printf("%s %s %s\n", package.name, package.version, package.qemu_version);
	for (size_t i = 0; i < package.member_count; i++)
		(void)printf("%s %" PRIu64 " %s %s\n", package.members[i].target,
			     package.members[i].size, digest_hex(&package.members[i].sha256, hex),
			     package.members[i].path);
	return 0;
}

static void
say(void *context, const char *sentence)
{
	(void)context;
	(void)fprintf(stderr, "warning: %s\n", sentence);
}

static int
read_options(char **args, int count, struct settings *settings, struct error *err)
{
	struct apt_source *source = &settings->source;

	source->key = "test";
	source->keys = settings->keys;
	source->urls = settings->urls;
	source->lock_command = "distributor lock";
	source->warn = say;
	for (int i = 0; i < count; i++) {
		const char *value = strchr(args[i], '=');
		size_t length = value != NULL ? (size_t)(value - args[i]) : 0;
		const struct {
			const char *name;
			const char **to;
		} texts[] = {
			{"suite", &source->suite},     {"package", &source->package},
			{"keyring", &source->keyring}, {"version", &settings->version},
			{"sha256", &settings->sha256}, {"size", &settings->size},
			{"pool", &settings->pool},
		};

		if (value++ == NULL)
			return error_set(err, ERR_USAGE, "'%s'", args[i]);
		for (size_t j = 0; j < ARRAY_SIZE(texts); j++)
			if (strlen(texts[j].name) == length &&
			    strncmp(args[i], texts[j].name, length) == 0)
				*texts[j].to = value;
		if (strncmp(args[i], "key=", 4) == 0 && source->key_count < MAX_VALUES)
			settings->keys[source->key_count++] = value;
		if (strncmp(args[i], "url=", 4) == 0 && source->url_count < MAX_VALUES)
			settings->urls[source->url_count++] = value;
		if (strncmp(args[i], "allow-expired=", 14) == 0)
			source->allow_expired = true;
	}
	return 0;
}

static int
find_package(char **args, int count, int options, struct settings *settings,
	     struct package *package, struct error *err)
{
	const struct arch *host = arch_find_any(args[0]);

	settings->source.directory = args[1];
	if (host == NULL)
		return error_set(err, ERR_USAGE, "no host '%s'", args[0]);
	if (read_options(args + options, count - options, settings, err) < 0)
		return -1;
	return apt_resolve(&settings->source, host, package, err);
}

static int
resolve(char **args, int count, struct error *err)
{
	AUTO(package_clear) struct package package = {0};
	struct settings settings = {0};
	char hex[DIGEST_HEX_SIZE];

	if (find_package(args, count, 2, &settings, &package, err) < 0)
		return -1;
	(void)printf("name=%s\nversion=%s\narch=%s\nhost=%s\nfile=%s\npool=%s\nsize=%" PRIu64
		     "\nsha256=%s\nqemu=%s\nsuite=%s\nsource=%s\nsigner=%s\ndate=%" PRId64
		     "\nbuilt_using=%zu\n",
		     package.name, package.version, package.arch, package.host, package.file,
		     package.pool_path, package.size, digest_hex(&package.sha256, hex),
		     package.qemu_version, package.suite, package.source_package, package.signer,
		     package.signed_sec, package.built_using_count);
	return 0;
}

static int
fetch(char **args, int count, struct error *err)
{
	AUTO(package_clear) struct package package = {0};
	struct settings settings = {0};
	auto_free char *path = NULL;

	if (find_package(args, count, 3, &settings, &package, err) < 0)
		return -1;
	if (settings.version != NULL) {
		free(package.version);
		package.version = xstrdup(settings.version);
	}
	if (settings.pool != NULL) {
		free(package.pool_path);
		package.pool_path = xstrdup(settings.pool);
	}
	if (settings.size != NULL)
		package.size = strtoull(settings.size, NULL, 10);
	if (settings.sha256 != NULL && !digest_parse(settings.sha256, &package.sha256))
		return error_set(err, ERR_USAGE, "'%s'", settings.sha256);
	if (apt_fetch(&settings.source, &package, args[2], NULL, &path, err) < 0)
		return error_prefix(err, "cannot fetch '%s'", package.file);
	(void)puts(path);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int min_args;
		int (*run)(char **args, int count, struct error *err);
	} verbs[] = {
		{"control", 1, control}, {"list", 1, list},       {"inspect", 2, inspect},
		{"decode", 1, decode},   {"resolve", 2, resolve}, {"fetch", 3, fetch},
	};
	struct error err = ERROR_INIT;

	interrupt_install();
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (argc < 2 || strcmp(argv[1], verbs[i].name) != 0)
			continue;
		if (argc - 2 < verbs[i].min_args)
			break;
		if (verbs[i].run(argv + 2, argc - 2, &err) == 0)
			return 0;
		(void)fprintf(stderr, "%s\n", err.message);
		return error_exit_status(&err);
	}
	(void)fprintf(stderr, "usage: see %s\n", __FILE__);
	return 2;
}
