/* SPDX-License-Identifier: MIT */
#include "distributor/cli/completion.h"

#include "base/alloc.h"
#include "distributor/cli/commands.h"
#include "model/arch.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

/* What can stand in a place of the command line. */
enum place {
	PLACE_NOTHING, /* that a shell could know */
	PLACE_FILES,
	PLACE_DIRECTORIES,
	PLACE_WORDS,
};

static bool
is_one_of_words(const char *argument)
{
	for (const char *c = argument; *c != '\0'; c++)
		if (!islower((unsigned char)*c) && *c != '-' && *c != '|')
			return false;
	return true;
}

/* The words of "table|json", or the names of architectures, parted by blanks. */
static char *
words_of(const char *argument)
{
	AUTO(strbuf_clear) struct strbuf words = STRBUF_INIT;

	assert(argument != NULL);
	if (strcmp(argument, "HOST") == 0) {
		for (size_t i = 0; i < arch_count; i++)
			strbuf_addf(&words, "%s%s", i != 0 ? " " : "", arch_table[i].name);
		return strbuf_take(&words);
	}
	if (strcmp(argument, "TARGET") == 0) {
		for (size_t i = 0; i < target_count; i++)
			strbuf_addf(&words, "%s%s", i != 0 ? " " : "", target_table[i]);
		return strbuf_take(&words);
	}
	for (const char *c = argument; *c != '\0'; c++)
		strbuf_add(&words, *c == '|' ? " " : c, 1);
	return strbuf_take(&words);
}

static enum place
place_of_argument(const char *argument)
{
	assert(argument != NULL); /* only an option with one is asked about */
	if (strcmp(argument, "HOST") == 0 || strcmp(argument, "TARGET") == 0 ||
	    is_one_of_words(argument))
		return PLACE_WORDS;
	if (strcmp(argument, "FILE") == 0)
		return PLACE_FILES;
	return text_starts_with(argument, "DIR") ? PLACE_DIRECTORIES : PLACE_NOTHING;
}

static enum place
place_of_operands(const struct command *command)
{
	if (strstr(command->args, "FILE") != NULL)
		return PLACE_FILES;
	if (strstr(command->args, "DIR") != NULL || strstr(command->args, "PART") != NULL)
		return PLACE_DIRECTORIES;
	return PLACE_NOTHING;
}

/* Text on one line, with a backslash before each of `special`. */
static void
add_escaped(struct strbuf *script, const char *text, const char *special)
{
	for (; *text != '\0'; text++) {
		if (strchr(special, *text) != NULL)
			strbuf_adds(script, "\\");
		strbuf_add(script, *text == '\n' ? " " : text, 1);
	}
}

/* The same as a part of a 'quoted word' of a POSIX shell. */
static void
add_quoted(struct strbuf *script, const char *text, const char *special)
{
	AUTO(strbuf_clear) struct strbuf escaped = STRBUF_INIT;

	add_escaped(&escaped, text, special);
	for (const char *c = strbuf_text(&escaped); *c != '\0'; c++)
		if (*c == '\'')
			strbuf_adds(script, "'\\''");
		else
			strbuf_add(script, c, 1);
}

static void
bash_option(struct strbuf *script, const struct option_spec *option)
{
	static const char *const actions[] = {
		[PLACE_NOTHING] = "return",
		[PLACE_FILES] = "_distributor_paths -f; return",
		[PLACE_DIRECTORIES] = "_distributor_paths -d; return",
	};
	enum place place = place_of_argument(option->argument);

	strbuf_addf(script, "\t\t--%s", option->name);
	if (option->letter != '\0')
		strbuf_addf(script, " | -%c", option->letter);
	if (place == PLACE_WORDS) {
		auto_free char *words = words_of(option->argument);

		strbuf_addf(script, ") _distributor_words '%s'; return ;;\n", words);
	} else {
		strbuf_addf(script, ") %s ;;\n", actions[place]);
	}
}

static void
bash_command(struct strbuf *script, const struct command *command)
{
	static const char *const operands[] = {
		[PLACE_NOTHING] = "", [PLACE_FILES] = "-f", [PLACE_DIRECTORIES] = "-d"};
	struct option_spec options[OPTIONS_MAX + 1];
	size_t count = command_describe_options(command, options);

	strbuf_addf(script, "\t%s)\n\t\tcase $previous in\n", command->name);
	for (size_t i = 0; i < count; i++)
		if (options[i].argument != NULL)
			bash_option(script, &options[i]);
	strbuf_adds(script, "\t\tesac\n\t\toptions='");
	for (size_t i = 0; i < count; i++)
		strbuf_addf(script, "%s--%s", i != 0 ? " " : "", options[i].name);
	strbuf_addf(script, "'\n\t\toperands=%s\n\t\t;;\n", operands[place_of_operands(command)]);
}

void
completion_bash(const struct command_table *table, struct strbuf *script)
{
	strbuf_adds(
		script,
		"# bash completion for distributor, generated from the program's tables.\n"
		"\n"
		"_distributor_words() {\n"
		"\tmapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\")\n"
		"}\n"
		"\n"
		"_distributor_paths() {\n"
		"\tcompopt -o filenames\n"
		"\tmapfile -t COMPREPLY < <(compgen \"$1\" -- \"$current\")\n"
		"}\n"
		"\n"
		"_distributor() {\n"
		"\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}\n"
		"\tlocal commands options operands\n"
		"\tCOMPREPLY=()\n"
		"\t# \"--format=json\" is three words here.\n"
		"\tif [[ $current == = ]]; then\n"
		"\t\tcurrent=\n"
		"\telif [[ $previous == = ]]; then\n"
		"\t\tprevious=${COMP_WORDS[COMP_CWORD - 2]}\n"
		"\tfi\n"
		"\tcommands='");
	for (size_t i = 0; i < table->count; i++)
		strbuf_addf(script, "%s ", table->items[i]->name);
	strbuf_adds(script, "help'\n"
			    "\tif ((COMP_CWORD == 1)); then\n"
			    "\t\t_distributor_words \"$commands --help --version\"\n"
			    "\t\treturn\n"
			    "\tfi\n"
			    "\tcase ${COMP_WORDS[1]} in\n"
			    "\thelp)\n"
			    "\t\t((COMP_CWORD > 2)) || _distributor_words \"$commands\"\n"
			    "\t\treturn\n"
			    "\t\t;;\n");
	for (size_t i = 0; i < table->count; i++)
		bash_command(script, table->items[i]);
	strbuf_adds(script, "\t*) return ;;\n"
			    "\tesac\n"
			    "\tif [[ $current == -* ]]; then\n"
			    "\t\t_distributor_words \"$options\"\n"
			    "\telif [[ -n $operands ]]; then\n"
			    "\t\t_distributor_paths \"$operands\"\n"
			    "\tfi\n"
			    "}\n\n"
			    "complete -F _distributor distributor\n");
}

static void
zsh_place(struct strbuf *script, enum place place, const char *argument)
{
	auto_free char *words = place == PLACE_WORDS ? words_of(argument) : NULL;

	switch (place) {
	case PLACE_NOTHING:
		strbuf_adds(script, " ");
		break;
	case PLACE_FILES:
		strbuf_adds(script, "_files");
		break;
	case PLACE_DIRECTORIES:
		strbuf_adds(script, "_files -/");
		break;
	case PLACE_WORDS:
		strbuf_addf(script, "(%s)", words);
		break;
	}
}

/* '--matrix=[the matrix]:FILE:_files', and an option with a letter under both of its names. */
static void
zsh_option(struct strbuf *script, const struct option_spec *option)
{
	bool repeated = option->type == OPTION_LIST;

	strbuf_adds(script, " \\\n\t\t\t");
	if (option->letter != '\0')
		strbuf_addf(script, "'(-%c --%s)'{-%c,--%s", option->letter, option->name,
			    option->letter, option->name);
	else
		strbuf_addf(script, "'%s--%s", repeated ? "*" : "", option->name);
	if (option->argument != NULL)
		strbuf_adds(script, option->letter != '\0' ? "+" : "=");
	strbuf_adds(script, option->letter != '\0' ? "}'[" : "[");
	add_quoted(script, option->help, "[]\\");
	strbuf_adds(script, "]");
	if (option->argument != NULL) {
		strbuf_addf(script, ":%s:", option->argument);
		zsh_place(script, place_of_argument(option->argument), option->argument);
	}
	strbuf_adds(script, "'");
}

static void
zsh_command(struct strbuf *script, const struct command *command)
{
	struct option_spec options[OPTIONS_MAX + 1];
	size_t count = command_describe_options(command, options);
	enum place operands = place_of_operands(command);

	strbuf_addf(script, "\t%s)\n\t\t_arguments -s -S", command->name);
	for (size_t i = 0; i < count; i++)
		zsh_option(script, &options[i]);
	if (command->max_args != 0) {
		strbuf_adds(script, " \\\n\t\t\t'*:operand:");
		zsh_place(script, operands, NULL);
		strbuf_adds(script, "'");
	}
	strbuf_adds(script, "\n\t\t;;\n");
}

void
completion_zsh(const struct command_table *table, struct strbuf *script)
{
	strbuf_adds(script,
		    "#compdef distributor\n"
		    "# zsh completion for distributor, generated from the program's tables.\n"
		    "\n"
		    "_distributor() {\n"
		    "\tlocal -a commands options\n"
		    "\toptions=('--help:print the commands' '--version:print the versions of the "
		    "program and its libraries')\n"
		    "\tcommands=(\n");
	for (size_t i = 0; i < table->count; i++) {
		strbuf_addf(script, "\t\t'%s:", table->items[i]->name);
		add_quoted(script, table->items[i]->summary, "\\");
		strbuf_adds(script, "'\n");
	}
	strbuf_adds(script, "\t\t'help:print the help of a command'\n"
			    "\t)\n"
			    "\tif ((CURRENT == 2)); then\n"
			    "\t\t_describe -t commands command commands\n"
			    "\t\t_describe -o -t options option options\n"
			    "\t\treturn\n"
			    "\tfi\n"
			    "\tshift words\n"
			    "\t((CURRENT--))\n"
			    "\tcase $words[1] in\n"
			    "\thelp)\n"
			    "\t\t_describe -t commands command commands\n"
			    "\t\t;;\n");
	for (size_t i = 0; i < table->count; i++)
		zsh_command(script, table->items[i]);
	strbuf_adds(script, "\tesac\n"
			    "}\n\n"
			    "_distributor \"$@\"\n");
}

static void
fish_option(struct strbuf *script, const struct command *command, const struct option_spec *option)
{
	static const char *const takes[] = {
		[PLACE_NOTHING] = " -x",
		[PLACE_FILES] = " -r -F",
		[PLACE_DIRECTORIES] = " -x -a '(__fish_complete_directories)'",
	};

	strbuf_addf(script, "complete -c distributor -n '_distributor_is %s' -l %s", command->name,
		    option->name);
	if (option->letter != '\0')
		strbuf_addf(script, " -s %c", option->letter);
	if (option->argument != NULL) {
		enum place place = place_of_argument(option->argument);

		if (place == PLACE_WORDS) {
			auto_free char *words = words_of(option->argument);

			strbuf_addf(script, " -x -a '%s'", words);
		} else {
			strbuf_adds(script, takes[place]);
		}
	}
	strbuf_adds(script, " -d '");
	add_escaped(script, option->help, "'\\");
	strbuf_adds(script, "'\n");
}

static void
fish_command(struct strbuf *script, const struct command *command)
{
	static const char *const takes[] = {
		[PLACE_FILES] = " -F",
		[PLACE_DIRECTORIES] = " -a '(__fish_complete_directories)'",
	};
	struct option_spec options[OPTIONS_MAX + 1];
	size_t count = command_describe_options(command, options);
	enum place operands = place_of_operands(command);

	strbuf_addf(script, "complete -c distributor -n _distributor_begins -a %s -d '",
		    command->name);
	add_escaped(script, command->summary, "'\\");
	strbuf_adds(script, "'\n");
	if (operands != PLACE_NOTHING)
		strbuf_addf(script, "complete -c distributor -n '_distributor_is %s'%s\n",
			    command->name, takes[operands]);
	for (size_t i = 0; i < count; i++)
		fish_option(script, command, &options[i]);
}

void
completion_fish(const struct command_table *table, struct strbuf *script)
{
	strbuf_adds(
		script,
		"# fish completion for distributor, generated from the program's tables.\n"
		"\n"
		/* fish's own __fish_seen_subcommand_from takes "release --key lock" for both. */
		"function _distributor_begins\n"
		"\ttest (count (commandline -opc)) -eq 1\n"
		"end\n\n"
		"function _distributor_is\n"
		"\tset -l words (commandline -opc)\n"
		"\ttest (count $words) -gt 1; and test $words[2] = $argv[1]\n"
		"end\n\n"
		"complete -c distributor -f\n"
		"complete -c distributor -n _distributor_begins -a help"
		" -d 'explain one command'\n"
		"complete -c distributor -n _distributor_begins -l version"
		" -d 'print the versions of program and libraries'\n"
		"complete -c distributor -n _distributor_begins -l help"
		" -d 'explain the program'\n"
		"complete -c distributor -n '_distributor_is help;"
		" and test (count (commandline -opc)) -eq 2' -a '");
	for (size_t i = 0; i < table->count; i++)
		strbuf_addf(script, "%s%s", i != 0 ? " " : "", table->items[i]->name);
	strbuf_adds(script, "'\n");
	for (size_t i = 0; i < table->count; i++)
		fish_command(script, table->items[i]);
}
