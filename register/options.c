/* SPDX-License-Identifier: MIT */
#include "register/options.h"

#include "model/binfmt_table.h"

enum { NO_SHORT = 0 };

enum option_id {
	OPT_CREDENTIAL,
	OPT_DEBIAN,
	OPT_EXPORTDIR,
	OPT_FALLBACK,
	OPT_HELP,
	OPT_IGNORE_FAMILY,
	OPT_JSON,
	OPT_PERSISTENT,
	OPT_PRESERVE_ARGV0,
	OPT_QEMU_PATH,
	OPT_QEMU_SUFFIX,
	OPT_RESET,
	OPT_STATUS,
	OPT_SYSTEMD,
	OPT_TEMPORARY,
	OPT_UNINSTALL,
};

struct option {
	enum option_id id;
	char letter;
	const char *name;
	const char *value; /* what to call it, NULL if it takes none */
	const char *help;
};

static const struct option known[] = {
	{OPT_RESET, NO_SHORT, "reset", NULL, "remove every qemu-* entry first"},
	{OPT_PERSISTENT, 'p', "persistent", "yes|no",
	 "open the emulators now: containers need no copy of them (flag F)"},
	{OPT_CREDENTIAL, 'c', "credential", "yes|no",
	 "give setuid programs their owner's rights (flags OC): dangerous"},
	{OPT_PRESERVE_ARGV0, 'g', "preserve-argv0", "yes|no", "keep argv[0] (flag P)"},
	{OPT_IGNORE_FAMILY, 'i', "ignore-family", "yes|no",
	 "also register what this machine may run natively"},
	{OPT_QEMU_PATH, 'Q', "qemu-path", "DIR",
	 "where the emulators are ($QEMU_BIN_DIR, /usr/bin)"},
	{OPT_QEMU_SUFFIX, 'F', "qemu-suffix", "TEXT", "suffix of their names (-static)"},
	{OPT_FALLBACK, NO_SHORT, "fallback", NULL, "omit flag F if the kernel is too old for it"},
	{OPT_TEMPORARY, NO_SHORT, "temporary", NULL,
	 "accept entries that vanish with this container"},
	{OPT_SYSTEMD, 's', "systemd", "TARGET|ALL",
	 "write files for systemd-binfmt.service instead"},
	{OPT_DEBIAN, 'd', "debian", NULL, "write templates for update-binfmts instead"},
	{OPT_EXPORTDIR, 'e', "exportdir", "DIR",
	 "where to write them (/etc/binfmt.d, /usr/share/binfmts)"},
	{OPT_UNINSTALL, NO_SHORT, "uninstall", "NAME|GLOB",
	 "remove these entries; may be repeated"},
	{OPT_STATUS, NO_SHORT, "status", NULL, "show what is registered"},
	{OPT_JSON, NO_SHORT, "json", NULL, "print JSON, with --status"},
	{OPT_HELP, 'h', "help", NULL, "show this help"},
};
#define KNOWN_COUNT (sizeof(known) / sizeof(known[0]))

/* The words of the command line that are still to be read, and the letters of a cluster. */
struct reader {
	char **argv;
	int argc;
	int next;
	const char *cluster;
	struct out *err;
};

void
options_usage(struct out *out)
{
	out_printf(out, "Usage: register [OPTION]... [TARGET]...\n\nLet the kernel run programs of "
			"other architectures with QEMU (binfmt_misc).\nWithout a TARGET: all "
			"except those that this machine runs natively. A TARGET is\na QEMU or "
			"Docker name (aarch64, arm64, linux/arm64), or ALL.\n\n");
	for (size_t i = 0; i < KNOWN_COUNT; i++) {
		char left[48];
		size_t n;

		n = bare_format(left, sizeof(left),
				known[i].letter != NO_SHORT ? "  -%c, --%s" : "  %c   --%s",
				known[i].letter != NO_SHORT ? known[i].letter : ' ', known[i].name);
		if (known[i].value != NULL)
			n += bare_format(left + n, sizeof(left) - n, " %s", known[i].value);
		out_printf(out, "%s", left);
		for (; n < 32; n++)
			out_printf(out, " ");
		out_printf(out, "%s\n", known[i].help);
	}
	out_printf(out, "\nHOST_ARCH sets another machine than this one, to write files for "
			"it.\nExit status: 0 done, 1 something failed, 2 usage error.\n\nTargets:");
	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++) {
		if (i % 8 == 0)
			out_printf(out, "\n ");
		out_printf(out, " %s", binfmt_targets[i].name);
	}
	out_printf(out, "\n");
}

static const struct option *
find_letter(char letter)
{
	for (size_t i = 0; i < KNOWN_COUNT; i++)
		if (known[i].letter != NO_SHORT && known[i].letter == letter)
			return &known[i];
	return NULL;
}

/* An exact name, or one that only one option begins with. `name` ends at a null byte or '='. */
static const struct option *
find_name(const char *name, struct out *err)
{
	const struct option *found = NULL;
	char word[32];
	size_t n = 0;

	while (name[n] != '\0' && name[n] != '=' && n + 1 < sizeof(word)) {
		word[n] = name[n];
		n++;
	}
	word[n] = '\0';
	for (size_t i = 0; i < KNOWN_COUNT && n > 0; i++) {
		const char *rest = bare_after(known[i].name, word);

		if (rest == NULL)
			continue;
		if (*rest == '\0')
			return &known[i];
		if (found != NULL) {
			out_printf(err, "ERROR: option '--%s' is ambiguous: '--%s' or '--%s'\n",
				   word, found->name, known[i].name);
			return NULL;
		}
		found = &known[i];
	}
	if (found == NULL) {
		out_printf(err, "ERROR: unknown option '--%s'; see --help\n", word);
		return NULL;
	}
	return found;
}

/* "NAME" or "NAME=VALUE", behind its dashes. */
static const struct option *
read_long(const struct reader *reader, const char *word, const char **ret_value)
{
	const struct option *option = find_name(word, reader->err);

	while (*word != '\0' && *word != '=')
		word++;
	*ret_value = *word == '=' ? word + 1 : NULL;
	return option;
}

/* The first of several letters, or one with its value. */
static const struct option *
read_letter(struct reader *reader, const char *word, const char **ret_value)
{
	const struct option *option = find_letter(*word);
	const char *rest = word[1] != '\0' ? word + 1 : NULL;
	bool has_value = option != NULL && option->value != NULL;

	if (option == NULL)
		out_printf(reader->err, "ERROR: unknown option '-%c'; see --help\n",
			   *word > ' ' && *word < 0x7f ? *word : '?');
	*ret_value = has_value ? rest : NULL;
	reader->cluster = has_value ? NULL : rest;
	return option;
}

/* The next option and its value. Returns 1, 0 for an operand in `ret_value`, or -1. */
static int
read_option(struct reader *reader, const struct option **ret_option, const char **ret_value)
{
	const struct option *option;
	const char *value;

	if (reader->cluster != NULL) {
		option = read_letter(reader, reader->cluster, &value);
	} else {
		const char *word = reader->argv[reader->next++];

		if (word[0] != '-' || word[1] == '\0') {
			*ret_value = word;
			return 0;
		}
		option = word[1] == '-' ? read_long(reader, word + 2, &value)
					: read_letter(reader, word + 1, &value);
	}
	if (option == NULL)
		return -1;
	if (option->value == NULL && value != NULL) {
		out_printf(reader->err, "ERROR: option '--%s' takes no value\n", option->name);
		return -1;
	}
	if (option->value != NULL && value == NULL) {
		if (reader->next >= reader->argc) {
			out_printf(reader->err, "ERROR: option '--%s' requires a value: %s\n",
				   option->name, option->value);
			return -1;
		}
		value = reader->argv[reader->next++];
	}
	*ret_option = option;
	*ret_value = value;
	return 1;
}

/*
 * Switches are on for the word yes alone, but for --ignore-family, which is off for the word no
 * alone: so did the old script, and so do the command lines that were written for it.
 */
static bool
read_switch(const struct option *option, const char *value, struct out *err)
{
	bool yes = bare_equal(value, "yes");
	bool on = option->id == OPT_IGNORE_FAMILY ? !bare_equal(value, "no") : yes;

	if (!yes && !bare_equal(value, "no"))
		out_printf(err, "WARNING: --%s must be yes or no; using '%s' as %s\n", option->name,
			   value, on ? "yes" : "no");
	return on;
}

/* Only one thing can be done at a time; --systemd and --debian may override each other. */
static int
set_action(struct options *options, enum action action, struct out *err)
{
	bool exports = action == ACTION_SYSTEMD || action == ACTION_DEBIAN;
	bool exported = options->action == ACTION_SYSTEMD || options->action == ACTION_DEBIAN;

	if (options->action != ACTION_REGISTER && options->action != action &&
	    !(exports && exported)) {
		out_printf(
			err,
			"ERROR: --uninstall, --status and writing files are mutually exclusive\n");
		return -1;
	}
	options->action = action;
	return 0;
}

static int
apply(struct options *options, const struct option *option, const char *value, struct out *err)
{
	switch (option->id) {
	case OPT_CREDENTIAL:
		options->credential = read_switch(option, value, err);
		break;
	case OPT_DEBIAN:
		return set_action(options, ACTION_DEBIAN, err);
	case OPT_EXPORTDIR:
		options->export_dir = value;
		break;
	case OPT_FALLBACK:
		options->fallback = true;
		break;
	case OPT_HELP:
		options->action = ACTION_HELP;
		break;
	case OPT_IGNORE_FAMILY:
		options->ignore_family = read_switch(option, value, err);
		break;
	case OPT_JSON:
		options->json = true;
		break;
	case OPT_PERSISTENT:
		options->persistent = read_switch(option, value, err);
		break;
	case OPT_PRESERVE_ARGV0:
		options->preserve_argv0 = read_switch(option, value, err);
		break;
	case OPT_QEMU_PATH:
		options->qemu_path = value;
		break;
	case OPT_QEMU_SUFFIX:
		options->qemu_suffix = value;
		break;
	case OPT_RESET:
		options->reset = true;
		break;
	case OPT_STATUS:
		return set_action(options, ACTION_STATUS, err);
	case OPT_SYSTEMD:
		options->systemd_cpu = value;
		return set_action(options, ACTION_SYSTEMD, err);
	case OPT_TEMPORARY:
		options->temporary = true;
		break;
	case OPT_UNINSTALL:
		if (options->uninstall_count == OPTIONS_UNINSTALL_MAX) {
			out_printf(err, "ERROR: --uninstall can be used at most %d times\n",
				   OPTIONS_UNINSTALL_MAX);
			return -1;
		}
		options->uninstall[options->uninstall_count++] = value;
		return set_action(options, ACTION_UNINSTALL, err);
	}
	return 0;
}

static int
check_combination(const struct options *options, struct out *err)
{
	bool only_looks = options->action == ACTION_STATUS;
	bool removes = options->action == ACTION_UNINSTALL;

	if (options->reset && (only_looks || removes)) {
		out_printf(err, "ERROR: --reset cannot be used with --%s\n",
			   only_looks ? "status" : "uninstall");
		return -1;
	}
	if (options->json && !only_looks) {
		out_printf(err, "ERROR: --json requires --status\n");
		return -1;
	}
	if (removes && options->operand_count > 0) {
		out_printf(err,
			   "ERROR: '%s' would be registered, which --uninstall excludes; "
			   "repeat --uninstall to remove it\n",
			   options->operands[0]);
		return -1;
	}
	return 0;
}

int
options_parse(int argc, char **argv, const char *bin_dir, struct options *ret_options,
	      struct out *err)
{
	struct reader reader = {.argv = argv, .argc = argc, .next = 1, .err = err};
	struct options options = {
		.qemu_path = bin_dir != NULL && *bin_dir != '\0' ? bin_dir : "/usr/bin",
		.qemu_suffix = "-static",
		.operands = argv + (argc > 0 ? 1 : 0),
	};

	while (reader.next < argc || reader.cluster != NULL) {
		const struct option *option;
		const char *value;
		int kind;

		if (reader.cluster == NULL && bare_equal(argv[reader.next], "--")) {
			while (++reader.next < argc)
				options.operands[options.operand_count++] = argv[reader.next];
			break;
		}
		kind = read_option(&reader, &option, &value);
		if (kind < 0)
			return -1;
		if (kind == 0)
			options.operands[options.operand_count++] = argv[reader.next - 1];
		else if (apply(&options, option, value, err) < 0)
			return -1;
		if (options.action == ACTION_HELP)
			break;
	}
	if (options.action != ACTION_HELP && check_combination(&options, err) < 0)
		return -1;
	*ret_options = options;
	return 0;
}
