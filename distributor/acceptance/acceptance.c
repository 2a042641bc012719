/* SPDX-License-Identifier: MIT */
#include "distributor/acceptance/acceptance.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/number.h"
#include "base/process.h"
#include "distributor/acceptance/guest_program.h"

#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

/* The first QEMU that runs every emulator under emulation. */
enum { FIRST_STEADY = 10 };

char *
acceptance_path(const struct acceptance *trial, const char *name)
{
	return path_join(trial->scratch, name);
}

bool
acceptance_wants(const struct acceptance *trial, const char *target)
{
	for (size_t i = 0; i < trial->targets->count; i++)
		if (strcmp(trial->targets->items[i], target) == 0)
			return true;
	return trial->targets->count == 0;
}

static int
collect_pairs(const struct acceptance *trial, struct acceptance_host *host, struct error *err)
{
	host->pairs = xcalloc(target_count, sizeof(*host->pairs));
	for (size_t i = 0; i < target_count; i++) {
		struct acceptance_pair *pair = &host->pairs[host->pair_count];

		if (!acceptance_wants(trial, target_table[i]) ||
		    !matrix_wants_tarball(trial->matrix, host->arch->name, target_table[i]))
			continue;
		pair->member = lock_find_member(trial->lock, host->arch->name, target_table[i],
						&pair->package);
		host->pair_count += pair->member != NULL;
	}
	for (size_t i = 0; i < host->pair_count && !host->present; i++) {
		auto_free char *name =
			tarball_name(host->arch->name, host->pairs[i].member->target);
		auto_free char *path = path_join(trial->assets, name);

		if (path_exists(path, &host->present, err) < 0)
			return -1;
	}
	return 0;
}

/* NULL if the table does not have it. */
static const struct arch *
this_machine(void)
{
	struct utsname names;

	return uname(&names) == 0 ? arch_find_any(names.machine) : NULL;
}

int
acceptance_begin(struct acceptance *trial, struct error *err)
{
	auto_free char *tarballs = workspace_command(trial->work, "tarballs",
						     SHARED_MATRIX | SHARED_LOCK | SHARED_OUT);
	size_t pairs = 0;

	trial->images_command =
		workspace_command(trial->work, "images", SHARED_MATRIX | SHARED_LOCK | SHARED_OUT);
	trial->machine = this_machine();
	(void)pthread_mutex_init(&trial->lock_cases, NULL);
	trial->assets = path_join(trial->work->out, "assets");
	trial->images = path_join(trial->work->out, "images");
	trial->hosts = xcalloc(trial->matrix->host_count + 1, sizeof(*trial->hosts));
	for (size_t i = 0; i < trial->matrix->host_count; i++) {
		struct acceptance_host *host = &trial->hosts[trial->host_count];

		if (!workspace_wants_host(trial->work, trial->matrix->hosts[i].arch->name))
			continue;
		host->arch = trial->matrix->hosts[i].arch;
		trial->host_count++;
		if (collect_pairs(trial, host, err) < 0)
			return -1;
		pairs += host->present ? host->pair_count : 0;
	}
	if (pairs == 0)
		return error_set(err, ERR_INPUT, "no tarballs to test in '%s'; run '%s' first",
				 trial->assets, tarballs);
	if (temporary_directory("distributor-test", &trial->scratch, err) < 0)
		return -1;
	return acceptance_write_programs(trial->scratch, err);
}

void
acceptance_end(struct acceptance *trial)
{
	if (trial->scratch != NULL)
		remove_tree(trial->scratch);
	for (size_t i = 0; i < trial->host_count; i++) {
		struct acceptance_host *host = &trial->hosts[i];

		for (size_t j = 0; j < host->pair_count; j++)
			free(host->pairs[j].binary);
		for (size_t j = 0; j < host->case_count; j++) {
			free(host->cases[j].target);
			free(host->cases[j].reason);
		}
		free(host->pairs);
		free(host->cases);
		free(host->emulator);
	}
	if (trial->hosts != NULL)
		(void)pthread_mutex_destroy(&trial->lock_cases);
	free(trial->hosts);
	free(trial->scratch);
	free(trial->assets);
	free(trial->images);
	free(trial->images_command);
	*trial = (struct acceptance){.work = NULL};
}

void
acceptance_add(struct acceptance *trial, struct acceptance_host *host, enum acceptance_kind kind,
	       const char *target, enum acceptance_outcome outcome, const char *reason)
{
	(void)pthread_mutex_lock(&trial->lock_cases);
	host->cases = xgrow(host->cases, host->case_count, sizeof(*host->cases));
	host->cases[host->case_count++] = (struct acceptance_case){
		.kind = kind,
		.outcome = outcome,
		.target = target != NULL ? xstrdup(target) : NULL,
		.reason = reason != NULL ? xstrdup(reason) : NULL,
	};
	(void)pthread_mutex_unlock(&trial->lock_cases);
}

size_t
acceptance_count(const struct acceptance_host *host, enum acceptance_kind kind,
		 enum acceptance_outcome outcome)
{
	size_t count = 0;

	for (size_t i = 0; i < host->case_count; i++)
		count += host->cases[i].kind == kind && host->cases[i].outcome == outcome;
	return count;
}

/* Whether the host's binaries run under an emulator, and that may be the reason of a failure. */
static bool
is_shaky(const struct acceptance_host *host, const char *target)
{
	for (size_t i = 0; i < host->pair_count; i++) {
		const char *version = host->pairs[i].package->qemu_version;
		uint64_t major = 0;

		if (strcmp(host->pairs[i].member->target, target) != 0)
			continue;
		(void)!parse_uint_prefix(&version, UINT64_MAX, &major);
		return host->emulator != NULL &&
		       (host->emulator_major < FIRST_STEADY || major < FIRST_STEADY);
	}
	return false;
}

int
acceptance_add_guest(struct acceptance *trial, struct acceptance_host *host,
		     enum acceptance_kind kind, const char *target, int result, struct error *err)
{
	enum acceptance_outcome outcome = ACCEPTANCE_OK;

	if (result < 0 && err->code == ERR_INTERRUPTED)
		return -1;
	if (result < 0) {
		outcome = ACCEPTANCE_FAILED;
		if (is_shaky(host, target)) {
			outcome = ACCEPTANCE_SKIPPED;
			error_prefix(err, "QEMU before 10 rarely runs under emulation");
		}
	}
	acceptance_add(trial, host, kind, target, outcome, result < 0 ? err->message : NULL);
	return 0;
}

/* What a program said last, for a message: its last lines, shortened. */
static char *
last_words(const char *errors)
{
	size_t length = strlen(errors), from;

	while (length != 0 && errors[length - 1] == '\n')
		length--;
	from = length > 300 ? length - 300 : 0;
	if (length == 0)
		return xstrdup("");
	return xasprintf(": %.*s", (int)(length - from), errors + from);
}

int
acceptance_run(const struct acceptance *trial, const char *const *argv, int status, char **ret_said,
	       struct error *err)
{
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	static const char *const environment[] = {"QEMU_BIN_DIR=/usr/bin", NULL};
	struct process_request request = {
		.argv = argv, .environment = environment, .timeout_ms = trial->timeout_ms};
	auto_free char *words = NULL;

	if (process_run(&request, &result, err) < 0)
		return -1;
	words = last_words(result.errors);
	if (result.status > 128)
		return error_set(err, ERR_VERIFY, "killed by signal %d (%s)%s", result.status - 128,
				 strsignal(result.status - 128), words);
	if (result.status != status)
		return error_set(err, ERR_VERIFY, "exited with status %d, expected %d%s",
				 result.status, status, words);
	*ret_said = TAKE(result.output);
	return 0;
}

int
acceptance_run_guest(const struct acceptance *trial, const char *const *argv, const char *target,
		     struct error *err)
{
	auto_free char *wanted = xasprintf("%-*s\n", FOREIGN_WORD - 1, target);
	auto_free char *said = NULL;

	if (acceptance_run(trial, argv, FOREIGN_STATUS, &said, err) < 0)
		return -1;
	if (strcmp(said, wanted) != 0)
		return error_set(err, ERR_VERIFY,
				 "unexpected output of the program for %s: '%.40s'", target, said);
	return 0;
}

int
acceptance_write_programs(const char *directory, struct error *err)
{
	auto_free char *programs = path_join(directory, "programs");

	if (make_directories(programs, err) < 0)
		return -1;
	for (size_t i = 0; i < target_count; i++) {
		auto_free char *path = path_join(programs, target_table[i]);
		uint8_t program[FOREIGN_SIZE];

		if (guest_program(target_table[i], program) &&
		    write_file(path, program, sizeof(program), 0755, err) < 0)
			return -1;
	}
	return 0;
}

char *
acceptance_program(const char *directory, const char *target)
{
	uint8_t program[FOREIGN_SIZE];

	if (!guest_program(target, program))
		return NULL;
	return xasprintf("%s/programs/%s", directory, target);
}
