/* SPDX-License-Identifier: MIT */
#include "distributor/acceptance/acceptance.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/number.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "sources/emulator_version.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

/* The job of one host, for parallel_for(). */
struct scratch {
	struct acceptance *trial;
	struct acceptance_host *host;
	const char *directory;
	struct progress_task *task;
};

/* Unpacks the tarball of a pair to "DIRECTORY/qemu-TARGET-static" if it is what the lock has. */
static int
unpack(const struct acceptance *trial, const char *host, const struct member *member,
       const char *directory, char **ret_path, struct error *err)
{
	auto_free char *name = tarball_name(host, member->target);
	auto_free char *path = path_join(trial->assets, name);
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	auto_free uint8_t *bytes = NULL;
	auto_free char *program = NULL;
	auto_free char *command = workspace_command(trial->work, "tarballs",
						    SHARED_MATRIX | SHARED_LOCK | SHARED_OUT);
	char file[MEMBER_NAME_SIZE], want[DIGEST_HEX_SIZE], got[DIGEST_HEX_SIZE];
	struct packed_member packed;
	int64_t mtime_sec;

	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERR_NOT_FOUND, "'%s' is missing; run '%s'", path, command);
	if (fd < 0)
		return error_set_errno(err, ERR_IO, "cannot open '%s'", path);
	if (tarball_read(fd, name, &packed, &mtime_sec, &bytes, err) < 0)
		return -1;
	if (strcmp(packed.target, member->target) != 0)
		return error_set(err, ERR_VERIFY, "'%s' contains the program for %s", name,
				 packed.target);
	if (!digest_equal(&packed.sha256, &member->sha256))
		return error_set(
			err, ERR_VERIFY, "sha256 of the program in '%s' is %s, expected %s", name,
			digest_hex(&packed.sha256, got), digest_hex(&member->sha256, want));
	program = path_join(directory, member_name(file, member->target));
	if (write_file(program, bytes, packed.size, 0755, err) < 0)
		return -1;
	*ret_path = TAKE(program);
	return 0;
}

static int
unpack_one(size_t index, void *context, struct error *err)
{
	const struct scratch *scratch = context;
	struct acceptance_pair *pair = &scratch->host->pairs[index];

	if (unpack(scratch->trial, scratch->host->arch->name, pair->member, scratch->directory,
		   &pair->binary, err) == 0)
		return 0;
	if (err->code == ERR_IO || err->code == ERR_INTERRUPTED)
		return -1;
	acceptance_add(scratch->trial, scratch->host, ACCEPTANCE_VERSION, pair->member->target,
		       ACCEPTANCE_FAILED, err->message);
	return 0;
}

/* EMULATOR BINARY ARGUMENT, or without the emulator where it needs none. */
static void
fill_argv(const struct acceptance_host *host, const char *binary, const char *argument,
	  const char *argv[4])
{
	size_t count = 0;

	if (host->emulator != NULL)
		argv[count++] = host->emulator;
	argv[count++] = binary;
	argv[count++] = argument;
	argv[count] = NULL;
}

static int
check_version(const struct acceptance *trial, const struct acceptance_host *host,
	      const struct acceptance_pair *pair, struct error *err)
{
	struct emulator_version version;
	const char *argv[4];
	auto_free char *said = NULL;

	fill_argv(host, pair->binary, "--version", argv);
	if (acceptance_run(trial, argv, 0, &said, err) < 0)
		return -1;
	if (emulator_read_version((const uint8_t *)said, strlen(said), pair->member->target,
				  &version, err) < 0)
		return -1;
	return emulator_check_version(&version, pair->package->version, err);
}

/* Returns 1 if there is no program to run. */
static int
check_program(const struct acceptance *trial, const struct acceptance_host *host,
	      const struct acceptance_pair *pair, struct error *err)
{
	auto_free char *program = acceptance_program(trial->scratch, pair->member->target);
	const char *argv[4];

	if (program == NULL)
		return 1;
	fill_argv(host, pair->binary, program, argv);
	return acceptance_run_guest(trial, argv, pair->member->target, err);
}

static int
run_one(size_t index, void *context, struct error *err)
{
	const struct scratch *scratch = context;
	const struct acceptance_pair *pair = &scratch->host->pairs[index];
	const char *target = pair->member->target;
	int result;

	if (pair->binary == NULL)
		return 0;
	result = check_version(scratch->trial, scratch->host, pair, err);
	if (result < 0 && err->code == ERR_INTERRUPTED)
		return -1;
	acceptance_add(scratch->trial, scratch->host, ACCEPTANCE_VERSION, target,
		       result < 0 ? ACCEPTANCE_FAILED : ACCEPTANCE_OK,
		       result < 0 ? err->message : NULL);
	result = check_program(scratch->trial, scratch->host, pair, err);
	progress_add(scratch->task, 1);
	if (result > 0)
		acceptance_add(scratch->trial, scratch->host, ACCEPTANCE_PROGRAM, target,
			       ACCEPTANCE_SKIPPED, "no tiny program for this target");
	else if (acceptance_add_guest(scratch->trial, scratch->host, ACCEPTANCE_PROGRAM, target,
				      result, err) < 0)
		return -1;
	return 0;
}

/* A program "qemu-T-static" or "qemu-T" in a directory. */
static char *
emulator_in(const char *directory, const char *target)
{
	static const char *const suffixes[] = {"-static", ""};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		char *path = xasprintf("%s/qemu-%s%s", directory, target, suffixes[i]);

		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static char *
emulator_in_path(const char *target)
{
	const char *path = getenv("PATH");

	while (path != NULL && *path != '\0') {
		size_t length = strcspn(path, ":");
		auto_free char *directory = xstrndup(path, length);
		char *found = emulator_in(directory, target);

		if (found != NULL)
			return found;
		path += length + (path[length] == ':');
	}
	return NULL;
}

/*
 * Finds what runs the host's binaries here: nothing for this machine itself, else the release's own
 * emulator for this machine, or one that is installed. ERR_NOT_FOUND tells where it was sought.
 */
static int
find_emulator(struct acceptance *trial, struct acceptance_host *host, struct error *err)
{
	const char *target = host->arch->qemu;
	const char *machine = trial->machine != NULL ? trial->machine->name : "none";
	const struct member *member = lock_find_member(trial->lock, machine, target, NULL);
	auto_free char *directory = acceptance_path(trial, "emulators");

	if (host->arch == trial->machine)
		return 0;
	if (trial->emulators != NULL) {
		host->emulator = emulator_in(trial->emulators, target);
		if (host->emulator != NULL)
			return 0;
		return error_set(err, ERR_NOT_FOUND,
				 "'%s' contains neither qemu-%s-static nor qemu-%s",
				 trial->emulators, target, target);
	}
	if (make_directories(directory, err) < 0)
		return -1;
	if (member != NULL && unpack(trial, machine, member, directory, &host->emulator, err) == 0)
		return 0;
	if (member != NULL && err->code != ERR_NOT_FOUND)
		return -1;
	host->emulator = emulator_in_path(target);
	if (host->emulator != NULL)
		return 0;
	return error_set(err, ERR_NOT_FOUND,
			 "no emulator for %s on this machine: '%s' has no %s_qemu-%s-static.tar.gz "
			 "and $PATH has no qemu-%s-static; use --emulators",
			 target, trial->assets, machine, target, target);
}

/* Asks the emulator for its version, which decides how far it is to be trusted with others. */
static int
ask_emulator(const struct acceptance *trial, struct acceptance_host *host, struct error *err)
{
	const char *const argv[] = {host->emulator, "--version", NULL};
	struct emulator_version version;
	auto_free char *said = NULL;
	const char *number = version.number;
	uint64_t major = 0;

	if (host->emulator == NULL)
		return 0;
	if (acceptance_run(trial, argv, 0, &said, err) < 0)
		return err->code == ERR_INTERRUPTED ? -1 : 0;
	if (emulator_read_version((const uint8_t *)said, strlen(said), host->arch->qemu, &version,
				  err) == 0)
		(void)!parse_uint_prefix(&number, INT_MAX, &major);
	host->emulator_major = (int)major;
	return 0;
}

/* All of it: writing first, so that no child of ours has a binary open when it is to be run. */
static int
try_pairs(struct scratch *scratch, struct error *err)
{
	unsigned int jobs = (unsigned int)scratch->trial->work->jobs;
	size_t count = scratch->host->pair_count;

	if (make_directories(scratch->directory, err) < 0 ||
	    parallel_for(count, jobs, unpack_one, scratch, err) < 0)
		return -1;
	return parallel_for(count, jobs, run_one, scratch, err);
}

int
acceptance_binaries(struct acceptance *trial, struct acceptance_host *host, struct error *err)
{
	auto_free char *directory = acceptance_path(trial, host->arch->name);
	auto_free char *label = xasprintf("testing binaries of %s", host->arch->name);
	struct scratch scratch = {.trial = trial, .host = host, .directory = directory};
	int result;

	if (find_emulator(trial, host, err) < 0) {
		if (err->code == ERR_IO)
			return -1;
		acceptance_add(trial, host, ACCEPTANCE_VERSION, NULL,
			       err->code == ERR_NOT_FOUND ? ACCEPTANCE_SKIPPED : ACCEPTANCE_FAILED,
			       err->message);
		return 0;
	}
	if (ask_emulator(trial, host, err) < 0)
		return -1;
	host->runs = true;
	scratch.task =
		progress_start(trial->work->progress, label, PROGRESS_ITEMS, host->pair_count);
	result = try_pairs(&scratch, err);
	progress_done(scratch.task, NULL);
	remove_tree(directory);
	for (size_t i = 0; i < host->pair_count; i++)
		free(TAKE(host->pairs[i].binary));
	return result;
}
