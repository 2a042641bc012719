/* SPDX-License-Identifier: MIT */
#include "register/registrar.h"

#include <linux/errno.h>

#include "register/change.h"
#include "register/emulator.h"
#include "register/explain.h"
#include "register/export.h"
#include "register/status.h"
#include "register/sys.h"

enum exit_status { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static struct console console;

static const char *
find_variable(char **environment, const char *name)
{
	for (; *environment != NULL; environment++) {
		const char *rest = bare_after(*environment, name);

		if (rest != NULL && *rest == '=')
			return rest + 1;
	}
	return NULL;
}

/*
 * Mount it if need be: in a container it nearly always has to be. To look or to remove, a mount
 * that leaves nothing behind will do.
 */
static int
reach(struct binfmt *binfmt, bool hidden)
{
	int problem;

	switch (binfmt_look(binfmt)) {
	case BINFMT_NO_SUPPORT:
		explain_no_support(&console.out);
		return -1;
	case BINFMT_NOT_MOUNTED:
		problem = hidden ? binfmt_mount_hidden(binfmt) : binfmt_mount(binfmt);
		if (problem == 0)
			return 0;
		explain_mount(&console.err, binfmt, problem);
		return -1;
	case BINFMT_READY:
		break;
	}
	return 0;
}

/* And make sure that entries may be written. */
static int
prepare(struct binfmt *binfmt, bool hidden)
{
	char path[BINFMT_PATH_MAX];
	int problem;

	if (reach(binfmt, hidden) < 0)
		return -1;
	problem = binfmt_may_register(binfmt);
	if (problem == 0)
		return 0;
	bare_format(path, sizeof(path), "%s/register", binfmt->dir);
	explain_access(&console.err, &binfmt->place, path, problem);
	return -1;
}

/*
 * Without any emulator that can work, --persistent yes cannot. Found out before --reset has removed
 * what does.
 */
static int
check_emulators(const struct plan *plan, const struct options *options)
{
	char interpreter[PLAN_INTERPRETER_MAX], bad_path[PLAN_INTERPRETER_MAX] = "";
	struct emulator emulator, bad = {.fault = EMULATOR_ABSENT};
	bool wanted = false;

	if (!options->persistent)
		return 0;
	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++) {
		if (plan->choice[i] != CHOICE_WANTED)
			continue;
		wanted = true;
		plan_interpreter(options, &binfmt_targets[i], interpreter);
		emulator_look(interpreter, &emulator);
		if (emulator.fault == EMULATOR_GOOD)
			return 0;
		if (emulator.fault == EMULATOR_ABSENT || bad.fault != EMULATOR_ABSENT)
			continue;
		bad = emulator;
		bare_format(bad_path, sizeof(bad_path), "%s", interpreter);
	}
	if (!wanted)
		return 0;
	if (bad.fault == EMULATOR_ABSENT) {
		explain_no_emulators(&console.err, options->qemu_path, options->qemu_suffix);
		return -1;
	}
	out_printf(&console.err, "ERROR: --persistent yes requires static emulators for this "
				 "machine, but there are none:\n  ");
	emulator_describe(bad_path, &bad, &console.err);
	out_printf(&console.err, "\n  Nothing was changed.\n");
	return -1;
}

/* Entries can only last as long as somebody has binfmt_misc mounted. */
static int
check_mount(const struct binfmt *binfmt, const struct options *options)
{
	bool certain;

	if (!binfmt->mounted_here || !binfmt->only_mount || binfmt->is_shared || options->temporary)
		return 0;
	/* As the first process of a container this one takes the container's mounts with it. */
	certain = sys_getpid() == 1 && !place_kernel_before(&binfmt->place, 6, 7);
	explain_vanishing(&console.err, binfmt, certain);
	return certain ? -1 : 0;
}

static void
warn_about_credentials(const struct options *options)
{
	if (options->credential)
		out_printf(&console.err, "WARNING: with --credential yes every setuid program of "
					 "another architecture runs\n  with its owner's rights "
					 "through QEMU, even one from a container.\n");
}

static int
run_register(const struct options *options, const struct host *host, struct plan *plan,
	     struct binfmt *binfmt)
{
	int ret = 0;

	if (check_emulators(plan, options) < 0 || prepare(binfmt, false) < 0)
		return -1;
	if (binfmt->place.user_namespace)
		explain_namespace(&console.err);
	warn_about_credentials(options);
	if (options->reset && change_reset(binfmt, &console) < 0)
		ret = -1;
	/* After the reset, whose entries would take the programs that are tried. */
	plan_skip_native(plan, options, host, binfmt, &console);
	if (change_register(binfmt, plan, options, &console) < 0)
		ret = -1;
	if (!binfmt_is_enabled(binfmt)) {
		out_printf(&console.err,
			   "ERROR: binfmt_misc is disabled as a whole, so no entry takes effect; "
			   "run:\n  echo 1 > %s/status\n",
			   binfmt->dir);
		ret = -1;
	}
	if (check_mount(binfmt, options) < 0)
		ret = -1;
	return ret;
}

static int
run_export(const struct options *options, const struct host *host, struct plan *plan,
	   struct binfmt *binfmt)
{
	int ret = 0;

	warn_about_credentials(options);
	if (options->reset && (prepare(binfmt, true) < 0 || change_reset(binfmt, &console) < 0))
		ret = -1;
	plan_skip_native(plan, options, host, binfmt, &console);
	if (export_files(plan, options, &console) < 0)
		ret = -1;
	return ret;
}

static int
run_uninstall(const struct options *options, struct binfmt *binfmt)
{
	if (prepare(binfmt, true) < 0)
		return -1;
	return change_uninstall(binfmt, options, &console);
}

/* What cannot be reached is told too, as such; a kernel without it is an answer. */
static int
run_status(const struct options *options, const struct host *host, const struct plan *plan,
	   struct binfmt *binfmt)
{
	int ret = 0;

	if (binfmt_look(binfmt) == BINFMT_NOT_MOUNTED)
		ret = reach(binfmt, true);
	return status_show(plan, options, host, binfmt, &console) < 0 ? -1 : ret;
}

static int
run_action(const struct options *options, const char *host_arch)
{
	struct binfmt binfmt = {.dir = BINFMT_DIR};
	struct plan plan;
	struct host host;
	char unknown[SYS_NAME_SIZE];
	bool is_known = host_detect(host_arch, &host, unknown, sizeof(unknown)) == 0;
	int status = plan_ask(&plan, options, &console);

	place_detect(&binfmt.place);
	if (status != 0)
		return status;
	if (options->action == ACTION_STATUS)
		return run_status(options, is_known ? &host : NULL, &plan, &binfmt) < 0
			       ? EXIT_FAILED
			       : EXIT_DONE;
	if (options->action == ACTION_UNINSTALL)
		return run_uninstall(options, &binfmt) < 0 ? EXIT_FAILED : EXIT_DONE;
	if (!is_known) {
		out_printf(&console.err, "INTERNAL ERROR: unknown host cpu %s\n", unknown);
		return EXIT_FAILED;
	}
	if (plan_check_path(options, &console) < 0)
		return EXIT_USAGE;
	if (options->action == ACTION_REGISTER)
		return run_register(options, &host, &plan, &binfmt) < 0 ? EXIT_FAILED : EXIT_DONE;
	return run_export(options, &host, &plan, &binfmt) < 0 ? EXIT_FAILED : EXIT_DONE;
}

int
registrar_main(int argc, char **argv, char **environment)
{
	struct options options;
	int status;

	sys_hold_sigpipe();
	console.out.fd = 1;
	console.err.fd = 2;
	console.err.before = &console.out;
	if (options_parse(argc, argv, find_variable(environment, "QEMU_BIN_DIR"), &options,
			  &console.err) < 0) {
		status = EXIT_USAGE;
	} else if (options.action == ACTION_HELP) {
		options_usage(&console.out);
		status = EXIT_DONE;
	} else {
		status = run_action(&options, find_variable(environment, "HOST_ARCH"));
	}
	if (out_flush(&console.out) < 0) {
		out_printf(&console.err, "ERROR: cannot write to standard output\n");
		status = status == EXIT_DONE ? EXIT_FAILED : status;
	}
	return status;
}
