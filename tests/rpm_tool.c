/*
 * What the integration scripts call to look at one package with the project's own reader and
 * verifier, without a matrix around it.
 *
 *     rpm_tool verify FILE KEYFILE FINGERPRINT [NAME EVR ARCH]   FINGERPRINT TIME HEADER_SHA256
 *     rpm_tool list FILE                                         TYPE MODE SIZE SHA256 NAME -> LINK
 *     rpm_tool splice UNSIGNED SIGNATURE OUTPUT
 *     rpm_tool inspect FILE HOST                                 TARGET VERSION SIZE SHA256 PATH
 *     rpm_tool compare VERSION VERSION ...                       -1, 0 or 1 for each pair
 *
 * One line on standard error and the exit status of the program for errors.
 */

#include "base/digest.h"
#include "base/file.h"
#include "sources/emulators.h"
#include "sources/rpm_verify.h"
#include "sources/rpm_version.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int
verify(char **args, int count, struct error *err)
{
	AUTO(openpgp_keyring_freep) struct openpgp_keyring *ring = NULL;
	AUTO(rpm_release) struct rpm rpm = RPM_INIT;
	struct rpm_identity identity;
	struct openpgp_signer signer;
	char hex[DIGEST_HEX_SIZE];

	if (openpgp_keyring_new(&ring, err) < 0 ||
	    openpgp_keyring_add_file(ring, args[1], err) < 0 ||
	    openpgp_keyring_pin(ring, args[2], err) < 0 || rpm_open(args[0], &rpm, err) < 0)
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
	if (package_reader_open(args[0], &reader, err) < 0)
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
	AUTO(package_release) struct package package = {.version = NULL};
	const struct arch *host = arch_find(args[1]);
	char hex[DIGEST_HEX_SIZE];

	(void)count;
	if (host == NULL)
		return error_set(err, ERR_USAGE, "no host '%s'", args[1]);
	if (emulators_inspect(args[0], host, &package, NULL, err) < 0)
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

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int min_args, max_args;
		int (*run)(char **args, int count, struct error *err);
	} verbs[] = {
		{"verify", 3, 6, verify},       {"list", 1, 1, list},
		{"splice", 3, 3, splice},       {"inspect", 2, 2, inspect},
		{"compare", 2, 10000, compare},
	};
	struct error err = ERROR_INIT;

	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(argv[1], verbs[i].name) != 0 || argc - 2 < verbs[i].min_args ||
		    argc - 2 > verbs[i].max_args)
			continue;
		if (verbs[i].run(argv + 2, argc - 2, &err) == 0)
			return 0;
		(void)fprintf(stderr, "rpm_tool: %s\n", err.message);
		return error_exit_status(err.code);
	}
	(void)fprintf(stderr, "rpm_tool: see the comment in rpm_tool.c\n");
	return 2;
}
