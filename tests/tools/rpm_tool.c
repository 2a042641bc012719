/* SPDX-License-Identifier: MIT */
/*
 * What the integration scripts call to look at one package with the project's own reader and
 * verifier, without a matrix around it.
 *
 *     rpm_tool verify FILE KEYFILE FINGERPRINT [NAME EVR ARCH]   FINGERPRINT TIME HEADER_SHA256
 *     rpm_tool list FILE                                         TYPE MODE SIZE SHA256 NAME -> LINK
 *     rpm_tool splice UNSIGNED SIGNATURE OUTPUT
 *     rpm_tool inspect FILE HOST                                 TARGET VERSION SIZE SHA256 PATH
 *     rpm_tool compare VERSION VERSION ...                       -1, 0 or 1 for each pair
 *     rpm_tool resolve EVR|- HOST KEY PLACE...     NAME EVR ARCH FILE SIZE SHA256 URL...
 *     rpm_tool newest EVR|- HOST KEY PLACE...      EVR; a PLACE is repo=URL or koji=URL
 *     rpm_tool fetch URL OUTPUT                    SHA256 SIZE
 *     rpm_tool fetch-locked URL SHA256 SIZE CACHE  PATH
 *     rpm_tool describe FILE KEYFILE FINGERPRINT HOST
 *
 * One line on standard error and the exit status of the program for errors.
 */

#include "base/alloc.h"
#include "base/digest.h"
#include "base/file.h"
#include "sources/cache.h"
#include "sources/emulators.h"
#include "sources/fedora/fedora.h"
#include "sources/fedora/spliced.h"
#include "sources/fetch.h"
#include "sources/package_open.h"
#include "sources/rpm/package_keys.h"
#include "sources/rpm/rpm_describe.h"
#include "sources/rpm/rpm_verify.h"
#include "sources/rpm/rpm_version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int
verify(char **args, int count, struct error *err)
{
	AUTO(openpgp_keyring_freep) struct openpgp_keyring *ring = NULL;
	AUTO(rpm_clear) struct rpm rpm = RPM_INIT;
	struct rpm_identity identity;
	struct openpgp_signer signer;
	char hex[DIGEST_HEX_SIZE];

	if (openpgp_keyring_new(&ring, err) < 0 ||
	    openpgp_keyring_add_file(ring, args[1], err) < 0 ||
	    openpgp_keyring_pin(ring, args[2], err) < 0 || rpm_open(args[0], NULL, &rpm, err) < 0)
		return -1;
	if (count == 6)
		identity = (struct rpm_identity){args[3], args[4], args[5]};
	if (rpm_verify(&rpm, ring, count == 6 ? &identity : NULL, &signer, err) < 0)
		return -1;
	(void)printf("%s %" PRId64 " %s\n", signer.fingerprint, signer.signed_sec,
		     digest_hex(&rpm.header_sha256, hex));
	return 0;
}

static int
read_member(struct package_reader *reader, uint64_t size, struct digest *ret_digest,
	    struct error *err)
{
	static char buffer[100000];
	AUTO(hasher_freep) struct hasher *hasher = hasher_new();
	ssize_t n;

	while ((n = package_reader_read(reader, buffer, sizeof(buffer), err)) > 0) {
		hasher_update(hasher, buffer, (size_t)n);
		size -= (uint64_t)n;
	}
	if (n < 0)
		return -1;
	if (size != 0)
		return error_set(err, ERR_INPUT, "member is %" PRIu64 " bytes short", size);
	hasher_finish(hasher, ret_digest);
	return 0;
}

static int
list(char **args, int count, struct error *err)
{
	static const char letters[] = {'f', 'l', 'h', 'd', 'o'};
	AUTO(package_reader_freep) struct package_reader *reader = NULL;
	struct member_info info;
	struct digest digest;
	char hex[DIGEST_HEX_SIZE] = "-";
	int r;

	(void)count;
	if (package_reader_open(args[0], NULL, &reader, err) < 0)
		return -1;
	while ((r = package_reader_next(reader, &info, err)) > 0) {
		if (info.type == MEMBER_FILE) {
			if (read_member(reader, info.size, &digest, err) < 0)
				return -1;
			(void)digest_hex(&digest, hex);
		}
		(void)printf("%c %04o %" PRIu64 " %s %s -> %s\n", letters[info.type], info.mode,
			     info.size, info.type == MEMBER_FILE ? hex : "-", info.name,
			     info.link_target != NULL ? info.link_target : "");
	}
	return r;
}

static int
splice(char **args, int count, struct error *err)
{
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;

	(void)count;
	if (tempfile_open(&tmp, args[2], 0644, err) < 0 ||
	    rpm_splice(args[0], args[1], tmp.fd, err) < 0)
		return -1;
	return tempfile_commit(&tmp, err);
}

static int
inspect(char **args, int count, struct error *err)
{
	AUTO(package_clear) struct package package = {.version = NULL};
	const struct arch *host = arch_find(args[1]);
	char hex[DIGEST_HEX_SIZE];

	(void)count;
	if (host == NULL)
		return error_set(err, ERR_USAGE, "no host '%s'", args[1]);
	if (emulators_inspect(args[0], NULL, host, &package, NULL, err) < 0)
		return -1;
	for (size_t i = 0; i < package.member_count; i++)
		(void)printf("%s %s %" PRIu64 " %s %s\n", package.members[i].target,
			     package.qemu_version, package.members[i].size,
			     digest_hex(&package.members[i].sha256, hex), package.members[i].path);
	return 0;
}

static int
compare(char **args, int count, struct error *err)
{
	(void)err;
	for (int i = 0; i + 1 < count; i += 2) {
		int order = rpm_version_compare(args[i], args[i + 1]);

		(void)puts(order < 0 ? "-1" : order > 0 ? "1" : "0");
	}
	return 0;
}

/* The words after the fixed ones: repo=URL and koji=URL. */
static void
read_places(char **args, int count, struct fedora_query *query, const char **repositories,
	    const char **koji)
{
	for (int i = 0; i < count; i++) {
		if (strncmp(args[i], "repo=", 5) == 0)
			repositories[query->repository_count++] = args[i] + 5;
		else if (strncmp(args[i], "koji=", 5) == 0)
			koji[query->koji_count++] = args[i] + 5;
	}
	query->repositories = repositories;
	query->koji = koji;
}

static int
ask_fedora(char **args, int count, bool newest, struct error *err)
{
	static const struct http_options options = {.tries = 1, .first_wait_ms = 1};
	AUTO(http_client_freep) struct http_client *client = NULL;
	AUTO(package_list_clear) struct package_list list = PACKAGE_LIST_INIT;
	const char *repositories[8], *koji[8];
	const char *const keys[] = {args[2]};
	struct fedora_query query = {
		.source = "here",
		.release = 44,
		.package = "qemu",
		.evr = strcmp(args[0], "-") == 0 ? NULL : args[0],
		.keys = keys,
		.key_count = 1,
	};
	const struct arch *host = arch_find(args[1]);
	auto_free char *evr = NULL;
	char hex[DIGEST_HEX_SIZE];

	if (host == NULL || count > 3 + 8)
		return error_set(err, ERR_USAGE, "no host '%s'", args[1]);
	read_places(args + 3, count - 3, &query, repositories, koji);
	if (http_client_new(&options, &client, err) < 0)
		return -1;
	if (newest) {
		if (fedora_newest(client, &query, host, &evr, err) < 0)
			return -1;
		(void)puts(evr);
		return 0;
	}
	if (fedora_resolve(client, &query, host, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.count; i++) {
		const struct package *package = &list.items[i];

		(void)printf("%s %s %s %s %" PRIu64 " %s", package->name, package->version,
			     package->arch, package->file, package->size,
			     digest_hex(&package->sha256, hex));
		for (size_t u = 0; u < package->url_count; u++)
			(void)printf(" %s", package->urls[u]);
		(void)puts("");
	}
	return 0;
}

static int
resolve(char **args, int count, struct error *err)
{
	return ask_fedora(args, count, false, err);
}

static int
newest(char **args, int count, struct error *err)
{
	return ask_fedora(args, count, true, err);
}

static int
fetch(char **args, int count, struct error *err)
{
	static const struct http_options options = {.tries = 1, .first_wait_ms = 1};
	AUTO(http_client_freep) struct http_client *client = NULL;
	AUTO(tempfile_discard) struct tempfile tmp = TEMPFILE_INIT;
	const struct http_request request = {.url = args[0]};
	struct http_download download = {.name = args[1], .max_bytes = 1 << 30};
	struct http_downloaded got;
	char hex[DIGEST_HEX_SIZE];

	(void)count;
	if (http_client_new(&options, &client, err) < 0 ||
	    tempfile_open(&tmp, args[1], 0644, err) < 0)
		return -1;
	download.fd = tmp.fd;
	if ((spliced_url_is(args[0]) ? spliced_download(client, &request, &download, &got, err)
				     : http_download(client, &request, &download, &got, err)) < 0)
		return -1;
	(void)printf("%s %" PRIu64 "\n", digest_hex(&got.sha256, hex), got.size);
	return tempfile_commit(&tmp, err);
}

/* As `fetch` does it for a locked package. */
static int
fetch_locked(char **args, int count, struct error *err)
{
	static const struct http_options http_options = {.tries = 1, .first_wait_ms = 1};
	AUTO(http_client_freep) struct http_client *client = NULL;
	AUTO(cache_freep) struct cache *cache = NULL;
	AUTO(package_list_clear) struct package_list list = PACKAGE_LIST_INIT;
	struct package *package = package_list_add(&list);
	struct fetch_options options = {.jobs = 1};
	struct fetch_result result = {.path = NULL};
	int r;

	(void)count;
	package->file = xstrdup("package.rpm");
	package->size = strtoull(args[2], NULL, 10);
	package_add_url(package, args[0]);
	if (!digest_parse(args[1], &package->sha256))
		return error_set(err, ERR_USAGE, "'%s' is no digest", args[1]);
	if (http_client_new(&http_options, &client, err) < 0 ||
	    cache_open(args[3], &cache, err) < 0)
		return -1;
	options.cache = cache;
	options.http = client;
	r = fetch_packages(&options, &list, &result, err);
	if (r == 0)
		(void)puts(result.path);
	fetch_results_clear(&result, 1);
	return r;
}

static int
describe(char **args, int count, struct error *err)
{
	AUTO(openpgp_keyring_freep) struct openpgp_keyring *ring = NULL;
	AUTO(package_clear) struct package package = {.name = NULL};
	const char *const files[] = {args[1]};
	const char *const pins[] = {args[2]};
	const struct arch *host = arch_find(args[3]);
	char file[DIGEST_HEX_SIZE], header[DIGEST_HEX_SIZE];

	(void)count;
	if (host == NULL)
		return error_set(err, ERR_USAGE, "no host '%s'", args[3]);
	if (package_keyring_new(pins, 1, files, 1, &ring, err) < 0 ||
	    rpm_describe(args[0], ring, host, &package, NULL, err) < 0)
		return -1;
	(void)printf("%s %s %s %" PRIu64 " %s %s %s %" PRId64 " %s %s %s %zu\n", package.name,
		     package.version, package.arch, package.size, digest_hex(&package.sha256, file),
		     digest_hex(&package.header_sha256, header), package.signer, package.signed_sec,
		     package.license, package.source_package,
		     package.qemu_version != NULL ? package.qemu_version : "-",
		     package.member_count);
	return 0;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int min_args, max_args;
		int (*run)(char **args, int count, struct error *err);
	} verbs[] = {
		{"verify", 3, 6, verify},
		{"list", 1, 1, list},
		{"splice", 3, 3, splice},
		{"inspect", 2, 2, inspect},
		{"compare", 2, 10000, compare},
		{"resolve", 3, 11, resolve},
		{"newest", 3, 11, newest},
		{"fetch", 2, 2, fetch},
		{"fetch-locked", 4, 4, fetch_locked},
		{"describe", 4, 4, describe},
	};
	struct error err = ERROR_INIT;

	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(argv[1], verbs[i].name) != 0 || argc - 2 < verbs[i].min_args ||
		    argc - 2 > verbs[i].max_args)
			continue;
		if (verbs[i].run(argv + 2, argc - 2, &err) == 0)
			return 0;
		(void)fprintf(stderr, "rpm_tool: %s\n", err.message);
		return error_exit_status(&err);
	}
	(void)fprintf(stderr, "rpm_tool: see the comment in rpm_tool.c\n");
	return 2;
}
