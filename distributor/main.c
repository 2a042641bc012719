#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "distributor/command.h"
#include "distributor/version.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern const struct command cmd_plan, cmd_lock, cmd_fetch, cmd_tarballs, cmd_images, cmd_assemble,
	cmd_sign, cmd_tag, cmd_push, cmd_publish, cmd_test, cmd_verify, cmd_release, cmd_reproduce,
	cmd_keygen, cmd_key;

/* In the order of a release. */
static const struct command *const commands[] = {
	&cmd_plan,      &cmd_lock,    &cmd_fetch,  &cmd_tarballs, &cmd_images, &cmd_assemble,
	&cmd_sign,      &cmd_tag,     &cmd_push,   &cmd_publish,  &cmd_test,   &cmd_verify,
	&cmd_reproduce, &cmd_release, &cmd_keygen, &cmd_key,
};

static bool help_wanted;

static const struct command *
command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static int
unknown_command(const char *name, struct error *err)
{
	const char *names[ARRAY_SIZE(commands)], *close;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		names[i] = commands[i]->name;
	close = text_closest(name, names, ARRAY_SIZE(commands));
	if (close != NULL)
		return error_set(err, ERR_USAGE, "no command '%s'; did you mean '%s'?", name,
				 close);
	return error_set(err, ERR_USAGE, "no command '%s'; see 'distributor --help'", name);
}

static void
print_help(void)
{
	(void)printf(
		"usage: distributor COMMAND [OPTION]... [ARG]...\n\n"
		"Make, sign and publish releases of static QEMU user emulators for every host.\n\n"
		"Commands, in the order of a release:\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		(void)printf("  %-11s %s\n", commands[i]->name, commands[i]->summary);
	(void)printf("\n'distributor COMMAND --help' explains one command.\n"
		     "Exit status: 0 done, 1 failed here, 2 usage, 3 bad input, 4 verification\n"
		     "failed, 5 network or remote refused.\n");
}

static void
print_command_help(const struct command *command, const struct option_spec *shared,
		   const struct option_spec *common)
{
	(void)printf("usage: distributor %s %s%s\n\n%s\n", command->name,
		     text_starts_with(command->args, "[OPTION]") ? "" : "[OPTION]... ",
		     command->args, command->summary);
	if (command->description != NULL)
		(void)printf("\n%s", command->description);
	(void)printf("\nOptions:\n");
	options_print(command->options);
	options_print(shared);
	options_print(common);
	if (command->examples != NULL)
		(void)printf("\nExamples:\n%s", command->examples);
}

/* The shared options that a command accepts, as a table ended by a NULL name. */
static void
select_shared(struct app *app, unsigned int wanted, struct option_spec table[9])
{
	const struct option_spec all[] = {
		{"matrix", '\0', "FILE", OPTION_TEXT, &app->matrix_path,
		 "the matrix (default matrix/qemu-user-static.json)"},
		{"lock", '\0', "FILE", OPTION_TEXT, &app->lock_path,
		 "the lock (default: NAME.lock.json beside the matrix)"},
		{"out", '\0', "DIR", OPTION_TEXT, &app->out, "where results go (default out)"},
		{"cache", '\0', "DIR", OPTION_TEXT, &app->cache,
		 "package cache (default $XDG_CACHE_HOME/distributor)"},
		{"keys", '\0', "DIR", OPTION_TEXT, &app->keys, "public keys (default keys)"},
		{"host", '\0', "HOST", OPTION_LIST, &app->hosts,
		 "only this host, as 'uname -m' spells it; may be repeated"},
		{"jobs", 'j', "N", OPTION_NUMBER, &app->jobs,
		 "work in parallel (default: the number of processors)"},
		{"offline", '\0', NULL, OPTION_FLAG, &app->offline, "never use the network"},
	};
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if ((wanted & 1u << i) != 0)
			table[count++] = all[i];
	table[count] = (struct option_spec){.name = NULL};
}

static int
run_command(struct app *app, const struct command *command, int argc, char **argv,
	    struct error *err)
{
	const struct option_spec common[] = {
		{"json", '\0', NULL, OPTION_FLAG, &app->json, "print the result as JSON"},
		{"quiet", 'q', NULL, OPTION_FLAG, &app->quiet,
		 "no progress, warnings and errors only"},
		{"verbose", 'v', NULL, OPTION_FLAG, &app->verbose, "say more"},
		{"help", 'h', NULL, OPTION_FLAG, &help_wanted, "print this help"},
		{.name = NULL},
	};
	struct option_spec shared[9];
	const struct option_spec *tables[] = {command->options, shared, common};
	int operands, result;

	select_shared(app, command->shared, shared);
	operands = options_parse(tables, ARRAY_SIZE(tables), argc, argv, err);
	if (operands < 0)
		return error_prefix(err, "%s", command->name);
	if (help_wanted) {
		print_command_help(command, shared, common);
		return 0;
	}
	if (operands < command->min_args ||
	    (command->max_args >= 0 && operands > command->max_args))
		return error_set(err, ERR_USAGE, "usage: distributor %s %s", command->name,
				 command->args);
	if (app->jobs == 0 || app->jobs > 1024)
		return error_set(err, ERR_USAGE, "--jobs takes a number from 1 to 1024");
	log_set_level(app->verbose ? LOG_DEBUG : app->quiet ? LOG_WARNING : LOG_INFO);
	app->progress = progress_new(app->quiet);
	result = command->run(app, operands, argv + 1, err);
	progress_free(app->progress);
	return result;
}

static int
dispatch(struct app *app, int argc, char **argv, struct error *err)
{
	const struct command *command;

	if (argc < 2)
		return error_set(err, ERR_USAGE, "a command is missing; see 'distributor --help'");
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
	command = command_find(argv[1]);
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
	struct app app = {.matrix_path = "matrix/qemu-user-static.json",
			  .out = "out",
			  .keys = "keys",
			  .jobs = processors > 0 ? (uint64_t)processors : 1};
	struct error err = ERROR_INIT;
	int result;

	interrupt_install();
	result = dispatch(&app, argc, argv, &err);
	if (result >= 0)
		result = finish_output(&err);
	text_list_release(&app.hosts);
	if (result >= 0)
		return 0;
	(void)fflush(stdout);
	log_error("%s", err.message);
	if (err.code == ERR_INTERRUPTED)
		interrupt_die();
	return error_exit_status(err.code);
}
