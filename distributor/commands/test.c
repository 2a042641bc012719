/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/progress.h"
#include "distributor/acceptance/acceptance.h"
#include "distributor/acceptance/sandbox.h"
#include "distributor/cli/command.h"
#include "distributor/commands/test_report.h"
#include "distributor/workspace/out_claim.h"

#include <string.h>

extern const struct command cmd_test;

static struct text_list wanted_targets;
static const char *emulators, *registrars;
static uint64_t timeout_sec = 60;
static bool strict;

static int
check_options(struct error *err)
{
	if (timeout_sec == 0 || timeout_sec > 3600)
		return error_set(err, ERR_USAGE, "--timeout requires a number from 1 to 3600");
	for (size_t i = 0; i < wanted_targets.count; i++) {
		const char *name = wanted_targets.items[i];
		const char *meant;

		if (target_is_known(name))
			continue;
		meant = target_suggest(name);
		if (meant != NULL)
			return error_set(err, ERR_USAGE, "unknown target '%s'; did you mean '%s'?",
					 name, meant);
		return error_set(err, ERR_USAGE, "unknown target '%s'", name);
	}
	return 0;
}

/* What is there of a host, or why nothing of it is tested. */
static int
try_host(struct acceptance *trial, struct acceptance_host *host, struct error *err)
{
	if (!host->present) {
		acceptance_add(trial, host, ACCEPTANCE_VERSION, NULL, ACCEPTANCE_SKIPPED,
			       "no tarballs for this host");
		return 0;
	}
	if (acceptance_binaries(trial, host, err) < 0)
		return -1;
	return acceptance_images(trial, host, err);
}

struct run {
	const struct app *app;
	struct acceptance *trial;
};

/* In the child process that sandbox_run() makes. */
static int
try_all(const struct sandbox *sandbox, void *context, struct error *err)
{
	const struct run *run = context;
	struct acceptance *trial = run->trial;
	double started = monotonic_sec();
	int result = 0;

	trial->sandbox = sandbox;
	for (size_t i = 0; result == 0 && i < trial->host_count; i++)
		result = try_host(trial, &trial->hosts[i], err);
	/* The parent does so too, unless it was killed. */
	remove_tree(trial->scratch);
	if (result < 0)
		return -1;
	return acceptance_report(run->app, trial, monotonic_sec() - started, strict, err);
}

static int
run_test(struct app *app, int argc, char **argv, struct error *err)
{
	AUTO(acceptance_end)
	struct acceptance trial = {
		.work = &app->work,
		.targets = &wanted_targets,
		.emulators = emulators,
		.registrars = registrars,
		.timeout_ms = (unsigned int)timeout_sec * 1000,
	};
	auto_close int out = -1;

	(void)argc;
	(void)argv;
	if (check_options(err) < 0)
		return -1;
	if (workspace_load(&app->work, err) < 0)
		return -1;
	trial.matrix = app->work.matrix;
	trial.lock = app->work.lock;
	out = out_claim(app->work.out, true, err);
	if (out < 0 || acceptance_begin(&trial, err) < 0)
		return -1;
	return sandbox_run(try_all, &(struct run){app, &trial}, err);
}

static const struct option_spec test_options[] = {
	{"target", '\0', "TARGET", OPTION_LIST, &wanted_targets,
	 "only this target, named as by QEMU; may be repeated"},
	{"emulators", '\0', "DIR", OPTION_TEXT, &emulators,
	 "emulators for this machine that run the binaries of\n"
	 "other hosts (default: those of this release, or\n"
	 "those in $PATH)"},
	{"registrars", '\0', "DIR", OPTION_TEXT, &registrars,
	 "registrars that the images were built with\n"
	 "(default: those of this build)"},
	{"timeout", '\0', "SECONDS", OPTION_NUMBER, &timeout_sec,
	 "time limit for one program (default 60)"},
	{"strict", '\0', NULL, OPTION_FLAG, &strict, "fail if any test is skipped"},
	{.name = NULL},
};

const struct command cmd_test = {
	.name = "test",
	.args = "",
	.summary = "test the binaries and images of the release",
	.description =
		"Unpacks each tarball in OUT/assets, compares the program with the lock, and runs\n"
		"it: it must print the version of its package and run a tiny program for its\n"
		"target. Programs for other hosts run under the emulator that this release has\n"
		"for this machine, so one machine can test all hosts.\n"
		"\n"
		"Each image in OUT/images must contain the programs in the lock, the registrar of\n"
		"this build, and nothing else; images older than the tarballs are detected.\n"
		"\n"
		"The registrar of each host is run as well. In a user namespace with its own\n"
		"binfmt_misc (Linux 6.7 or later, no root needed) it registers, and the tiny\n"
		"programs are then run directly. The binfmt_misc of this machine is not changed.\n"
		"Tests that cannot run here are reported as skipped, with the reason.\n"
		"\n"
		"Columns: binaries that print their version; tiny programs that they run; images\n"
		"with the right content; files that the registrar writes for systemd; images\n"
		"('latest' and 'register') that register in the kernel; programs that then run\n"
		"directly.\n",
	.examples = "  distributor test --matrix matrix/debian.json\n"
		    "  distributor test --matrix matrix/debian.json --host aarch64 --target arm\n",
	.options = test_options,
	.shared = SHARED_MATRIX | SHARED_LOCK | SHARED_OUT | SHARED_HOST | SHARED_JOBS,
	.min_args = 0,
	.max_args = 0,
	.run = run_test,
};
