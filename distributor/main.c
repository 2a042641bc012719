/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/seen_files.h"
#include "base/start.h"
#include "base/strbuf.h"
#include "distributor/commands/table.h"
#include "distributor/workspace/version.h"
#include "publish/git/git_askpass.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool help_wanted;

static int
unknown_command(const char *name, struct error *err)
{
	const char *close = command_suggest(&command_table, name);

	if (name[0] == '-')
		return error_set(err, ERR_USAGE,
				 "expected a command before '%s'; see 'distributor --help'", name);
	if (close != NULL)
		return error_set(err, ERR_USAGE, "unknown command '%s'; did you mean '%s'?", name,
				 close);
	return error_set(err, ERR_USAGE, "unknown command '%s'; see 'distributor --help'", name);
}

static void
print_help(void)
{
	(void)printf(
		"usage: distributor COMMAND [OPTION]... [ARG]...\n"
		"\n"
		"Build, sign and publish releases of static QEMU user emulators for every host.\n"
		"\n"
		"Commands, in the order of a release:\n");
	for (size_t i = 0; i < command_table.count; i++)
		(void)printf("  %-11s %s\n", command_table.items[i]->name,
			     command_table.items[i]->summary);
	(void)printf(
		"\n"
		"See 'distributor COMMAND --help' for options and examples.\n"
		"Exit status: 0 done, 1 local failure, 2 usage error, 3 bad input, 4 verification\n"
		"failed, 5 network or remote error, may succeed later, 130 interrupted.\n");
}

static void
print_command_help(const struct command *command, const struct option_spec *options)
{
	auto_free char *usage = command_usage(command);

	(void)printf("usage: %s\n\n%s\n", usage, command->summary);
	if (command->description != NULL)
		(void)printf("\n%s", command->description);
	(void)printf("\nOptions:\n");
	options_print(options);
	if (command->examples != NULL)
		(void)printf("\nExamples:\n%s", command->examples);
}

/* Which operand is too many, or which one is missing. */
static int
check_operands(const struct command *command, int count, char **operands, struct error *err)
{
	auto_free char *usage = command_usage(command);

	if (count < command->min_args)
		return error_set(err, ERR_USAGE, "%s: missing %s; usage: %s", command->name,
				 command->args, usage);
	if (command->max_args < 0 || count <= command->max_args)
		return 0;
	if (command->max_args == 0)
		return error_set(err, ERR_USAGE, "%s: unexpected argument '%s'; usage: %s",
				 command->name, operands[0], usage);
	return error_set(err, ERR_USAGE, "%s: unexpected argument '%s'; usage: %s", command->name,
			 operands[command->max_args], usage);
}

static int
run_command(struct app *app, const struct command *command, int argc, char **argv,
	    struct error *err)
{
	struct option_spec options[OPTIONS_MAX + 1];
	int operands, result;

	(void)command_options(command, app, &help_wanted, options);
	operands = options_parse(options, argc, argv, err);
	if (operands < 0)
		return error_prefix(err, "%s", command->name);
	if (help_wanted) {
		print_command_help(command, options);
		return 0;
	}
	if (check_operands(command, operands, argv + 1, err) < 0)
		return -1;
	if (app->work.jobs == 0 || app->work.jobs > 1024)
		return error_set(err, ERR_USAGE, "--jobs requires a number from 1 to 1024");
	log_set_level(app->verbose ? LOG_DEBUG : app->quiet ? LOG_WARNING : LOG_INFO);
	app->work.progress = progress_new(app->quiet);
	app->work.seen = seen_files_new();
	result = command->run(app, operands, argv + 1, err);
	workspace_clear(&app->work);
	seen_files_free(app->work.seen);
	progress_free(app->work.progress);
	return result;
}

static int
dispatch(struct app *app, int argc, char **argv, struct error *err)
{
	const struct command *command;

	if (argc < 2)
		return error_set(err, ERR_USAGE, "no command given; see 'distributor --help'");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    (strcmp(argv[1], "help") == 0 && argc == 2)) {
		print_help();
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		version_print();
		return 0;
	}
	if (strcmp(argv[1], "help") == 0) {
		argv[1] = argv[2];
		help_wanted = true;
		argc = 2;
	}
	command = command_find(&command_table, argv[1]);
	if (command == NULL)
		return unknown_command(argv[1], err);
	return run_command(app, command, argc - 1, argv + 1, err);
}

/* A full disk or closed pipe behind standard output must not look like success. */
static int
finish_output(struct error *err)
{
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return error_set_errno(err, ERR_IO, "cannot write to standard output");
	return 0;
}

int
main(int argc, char **argv)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	struct app app = {
		.work = {.program = argc > 0 && strchr(argv[0], '/') ? argv[0] : "distributor",
			 .matrix_path = workspace_default_matrix(),
			 .out = DEFAULT_OUT,
			 .keys = DEFAULT_KEYS,
			 .jobs = processors > 0 ? (uint64_t)processors : 1}};
	struct error err = ERROR_INIT;
	int result;

	/* Started by git for a token that another process of this program holds. */
	if (git_askpass_run(argc, argv, &result))
		return result;
	interrupt_install();
	result = libraries_start(&err);
	if (result >= 0)
		result = dispatch(&app, argc, argv, &err);
	if (result >= 0)
		result = finish_output(&err);
	text_list_clear(&app.work.hosts);
	if (result >= 0)
		return 0;
	(void)fflush(stdout);
	log_error("%s", err.message);
	if (err.code == ERR_INTERRUPTED)
		interrupt_die();
	return error_exit_status(&err);
}
