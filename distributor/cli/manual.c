/* SPDX-License-Identifier: MIT */
#include "distributor/cli/manual.h"

#include "base/alloc.h"
#include "distributor/cli/commands.h"
#include "distributor/workspace/version.h"

#include <ctype.h>
#include <string.h>

struct entry {
	const char *name;
	const char *text;
};

/* What programs ask the environment; those of libraries (proxies) as well. */
static const struct entry variables[] = {
	{"DISTRIBUTOR_KEY",
	 "signing key, as one line written by 'distributor key --to secret-line'"},
	{"DISTRIBUTOR_KEY_PASSPHRASE", "passphrase of the signing key"},
	{"DISTRIBUTOR_APT_MIRROR", "base URL of a Debian mirror, for machines whose apt has none"},
	{"APT_CONFIG", "configuration file of apt, as read by apt itself"},
	{"GITHUB_TOKEN",
	 "token for GitHub releases, and for pushing tags over https if git has no credentials"},
	{"GITHUB_REPOSITORY", "OWNER/REPO, overrides the repository in the matrix"},
	{"GITHUB_API_URL, GITHUB_SERVER_URL", "URLs of GitHub (default: from the matrix)"},
	{"GITHUB_ACTIONS", "'true' in a workflow of GitHub Actions"},
	{"GITHUB_STEP_SUMMARY", "file that 'distributor release' appends its summary to"},
	{"GITHUB_REF_TYPE, GITHUB_REF_NAME",
	 "tag that started the workflow: it is verified instead of created"},
	{"GITHUB_WORKFLOW_REF, GITHUB_RUN_ID, GITHUB_RUN_ATTEMPT",
	 "workflow run to record in the provenance"},
	{"SOURCE_DATE_EPOCH", "timestamp of all results, overrides the date of the lock"},
	{"REGISTRY_AUTH_FILE",
	 "registry credentials; default: those of docker, podman and skopeo in their usual places "
	 "($DOCKER_CONFIG, $XDG_RUNTIME_DIR, $XDG_CONFIG_HOME, $HOME)"},
	{"XDG_CACHE_HOME", "parent directory of the package cache (default: ~/.cache)"},
	{"GIT_SSH, GIT_SSH_COMMAND, GIT_CONFIG_COUNT, GIT_SSL_CAINFO",
	 "these and other variables of git and ssh are passed to git when it pushes a tag"},
	{"SSL_CERT_FILE, SSL_CERT_DIR", "trusted certificates, instead of the system's"},
	{"https_proxy, http_proxy, no_proxy", "proxies, and hosts to reach without one"},
	{"NO_COLOR, TERM", "colors are disabled if NO_COLOR is set or the terminal is dumb"},
	{"TMPDIR", "parent directory of temporary directories (default: /tmp)"},
};

static const struct entry files[] = {
	{"matrix/NAME.json", "the matrix; its format is defined by matrix/matrix.schema.json"},
	{"matrix/NAME.lock.json", "the lock, written by 'distributor lock'"},
	{"keys/", "public keys: allowed_signers, release.pub, minisign.pub, release.pem"},
	{"out/assets/", "the files of the release"},
	{"out/images/", "the images, as an OCI layout"},
	{"~/.cache/distributor/", "cached packages, named by sha256; can be deleted at any time"},
};

static const struct entry statuses[] = {
	{"0", "done"},
	{"1", "local failure"},
	{"2", "usage error"},
	{"3", "bad input"},
	{"4", "verification failed; running again does not help"},
	{"5", "network or remote error; running again may succeed"},
	{"130", "interrupted"},
};

/* Text as roff takes it: nothing is a request or an escape, and quotes and dashes can be copied. */
static void
add_text(struct strbuf *page, const char *text)
{
	static const char *const escapes[] = {
		['\\'] = "\\e",  ['-'] = "\\-",   ['\''] = "\\(aq",
		['`'] = "\\(ga", ['^'] = "\\(ha", ['~'] = "\\(ti",
	};
	bool line_start = true;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (line_start && c == '.')
			strbuf_adds(page, "\\&");
		if (c < ARRAY_SIZE(escapes) && escapes[c] != NULL)
			strbuf_adds(page, escapes[c]);
		else
			strbuf_add(page, text, 1);
		line_start = c == '\n';
	}
}

static void
add_section(struct strbuf *page, const char *name)
{
	strbuf_addf(page, ".SH %s\n", name);
}

/* Paragraphs that blank lines part. */
static void
add_paragraphs(struct strbuf *page, const char *text)
{
	const char *end;

	while ((end = strstr(text, "\n\n")) != NULL) {
		auto_free char *paragraph = xasprintf("%.*s\n", (int)(end - text), text);

		add_text(page, paragraph);
		strbuf_adds(page, ".PP\n");
		text = end + 2;
	}
	add_text(page, text);
}

/* Lines to be typed, without the two blanks by which the help indents them. */
static void
add_example(struct strbuf *page, const char *lines)
{
	strbuf_adds(page, ".EX\n");
	while (*lines != '\0') {
		size_t indent = text_starts_with(lines, "  ") ? 2 : 0;
		size_t length = strcspn(lines, "\n");
		auto_free char *line = xasprintf("%.*s\n", (int)(length - indent), lines + indent);

		add_text(page, line);
		lines += length + (lines[length] == '\n');
	}
	strbuf_adds(page, ".EE\n");
}

static void
add_entries(struct strbuf *page, const struct entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		strbuf_adds(page, ".TP\n.B ");
		add_text(page, entries[i].name);
		strbuf_adds(page, "\n");
		add_text(page, entries[i].text);
		strbuf_adds(page, "\n");
	}
}

static void
add_option(struct strbuf *page, const struct option_spec *option)
{
	strbuf_adds(page, ".TP\n");
	if (option->letter != '\0')
		strbuf_addf(page, "\\fB\\-%c\\fR, ", option->letter);
	strbuf_adds(page, "\\fB\\-\\-");
	add_text(page, option->name);
	strbuf_adds(page, "\\fR");
	if (option->argument != NULL) {
		strbuf_adds(page, " \\fI");
		add_text(page, option->argument);
		strbuf_adds(page, "\\fR");
	}
	strbuf_adds(page, "\n");
	add_text(page, option->help);
	strbuf_adds(page, "\n");
}

/* Title and name; `command` is NULL for the page of the program. */
static void
add_head(struct strbuf *page, const char *command, const char *date, const char *summary)
{
	const char *dash = command != NULL ? "\\-" : "", *name = command != NULL ? command : "";
	auto_free char *title = xstrdup(name);

	for (char *c = title; *c != '\0'; c++)
		*c = (char)toupper((unsigned char)*c);
	strbuf_addf(page, ".TH DISTRIBUTOR%s%s 1 %s \"distributor %s\" \"User Commands\"\n", dash,
		    title, date, version_program());
	add_section(page, "NAME");
	strbuf_addf(page, "distributor%s%s \\- ", dash, name);
	add_text(page, summary);
	strbuf_adds(page, "\n");
	add_section(page, "SYNOPSIS");
}

void
manual_command(const struct command *command, const char *date, struct strbuf *page)
{
	struct option_spec options[OPTIONS_MAX + 1];
	auto_free char *usage = command_usage(command);
	size_t count = command_describe_options(command, options);

	add_head(page, command->name, date, command->summary);
	strbuf_adds(page, ".B ");
	add_text(page, usage);
	strbuf_adds(page, "\n");
	if (command->description != NULL) {
		add_section(page, "DESCRIPTION");
		add_paragraphs(page, command->description);
	}
	add_section(page, "OPTIONS");
	for (size_t i = 0; i < count; i++)
		add_option(page, &options[i]);
	add_section(page, "EXIT STATUS");
	add_entries(page, statuses, ARRAY_SIZE(statuses));
	if (command->examples != NULL) {
		add_section(page, "EXAMPLES");
		add_example(page, command->examples);
	}
	add_section(page, "SEE ALSO");
	strbuf_adds(page, ".BR distributor (1)\n");
}

static void
add_see_also(const struct command_table *table, struct strbuf *page)
{
	add_section(page, "SEE ALSO");
	for (size_t i = 0; i < table->count; i++)
		strbuf_addf(page, ".BR distributor\\-%s (1)%s\n", table->items[i]->name,
			    i + 1 < table->count ? "," : "");
}

void
manual_program(const struct command_table *table, const char *date, struct strbuf *page)
{
	add_head(page, NULL, date, "release static QEMU user emulators for every host");
	strbuf_adds(page, ".B distributor\n.I COMMAND\n[\\fIOPTION\\fR]... [\\fIARG\\fR]...\n"
			  ".br\n.B distributor help\n.I COMMAND\n"
			  ".br\n.B distributor \\-\\-version\n");
	add_section(page, "DESCRIPTION");
	add_paragraphs(
		page,
		"Reads a matrix of hosts and targets, downloads and verifies QEMU packages for "
		"each\n"
		"host, builds release tarballs and container images from them, identical byte for\n"
		"byte each time, signs them, tags the release, and publishes it on GitHub and in\n"
		"container registries.\n\n"
		"Each step is a command; 'distributor release' runs all of them in order. Results\n"
		"that exist with the right digest are kept, so a run that failed or was killed "
		"can\n"
		"be repeated.\n");
	add_section(page, "COMMANDS");
	for (size_t i = 0; i < table->count; i++)
		add_entries(page, &(struct entry){table->items[i]->name, table->items[i]->summary},
			    1);
	add_section(page, "EXIT STATUS");
	add_entries(page, statuses, ARRAY_SIZE(statuses));
	add_section(page, "ENVIRONMENT");
	add_entries(page, variables, ARRAY_SIZE(variables));
	add_section(page, "FILES");
	add_entries(page, files, ARRAY_SIZE(files));
	add_section(page, "EXAMPLES");
	add_example(
		page,
		"  distributor plan --diff\n"
		"  distributor lock\n"
		"  distributor release --key ~/release.pem --dry-run\n"
		"  distributor verify --keys keys --image ghcr.io/owner/qemu-user-static:latest\n");
	add_see_also(table, page);
}
