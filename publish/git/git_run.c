/* SPDX-License-Identifier: MIT */
#include "publish/git/git_run.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/number.h"
#include "base/strbuf.h"
#include "publish/git/git_askpass.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ARGUMENTS = 16 };

/*
 * What git, its helpers and ssh are configured with. Nothing else of our environment goes to them:
 * no key, no passphrase, no token but the one that gh reads for itself.
 */
static const char *const passed_on[] = {
	"GIT_SSH",
	"GIT_SSH_COMMAND",
	"GIT_SSH_VARIANT",
	"GIT_ASKPASS",
	"GIT_PROXY_COMMAND",
	"GIT_EXEC_PATH",
	"GIT_CONFIG_NOSYSTEM",
	"GIT_CONFIG_GLOBAL",
	"GIT_CONFIG_SYSTEM",
	"GIT_CONFIG_PARAMETERS",
	"GIT_CONFIG_COUNT",
	"GIT_SSL_CAINFO",
	"GIT_SSL_CAPATH",
	"GIT_SSL_CERT",
	"GIT_SSL_KEY",
	"GIT_SSL_NO_VERIFY",
	"GIT_SSL_VERSION",
	"SSL_CERT_DIR",
	"GIT_HTTP_PROXY_AUTHMETHOD",
	"GIT_HTTP_LOW_SPEED_LIMIT",
	"GIT_HTTP_LOW_SPEED_TIME",
	"GIT_ALLOW_PROTOCOL",
	"GIT_PROTOCOL_FROM_USER",
	"SSH_AUTH_SOCK",
	"SSH_AGENT_PID",
	"USER",
	"LOGNAME",
	"TERM",
	"XDG_CONFIG_HOME",
	"XDG_DATA_HOME",
	"XDG_CACHE_HOME",
	"XDG_RUNTIME_DIR",
	"DBUS_SESSION_BUS_ADDRESS",
	"DISPLAY",
	"WAYLAND_DISPLAY",
	"XAUTHORITY",
	"KRB5CCNAME",
	"GNUPGHOME",
	"GPG_TTY",
	"PASSWORD_STORE_DIR",
	"GH_CONFIG_DIR",
	"GH_HOST",
	"GH_TOKEN",
};

struct variables {
	char **items; /* ends with NULL */
	size_t count;
};

static void
variables_clear(struct variables *variables)
{
	for (size_t i = 0; i < variables->count; i++)
		free(variables->items[i]);
	free(variables->items);
}

static void
set(struct variables *variables, const char *name, const char *value)
{
	variables->items = xgrow(variables->items, variables->count + 1, sizeof(char *));
	variables->items[variables->count++] = xasprintf("%s=%s", name, value);
	variables->items[variables->count] = NULL;
}

static void
pass_on(struct variables *variables, const char *name)
{
	const char *value = getenv(name);

	if (value != NULL)
		set(variables, name, value);
}

/* GIT_CONFIG_KEY_0, GIT_CONFIG_VALUE_0 and so on, as many as GIT_CONFIG_COUNT says. */
static void
pass_on_settings(struct variables *variables)
{
	const char *count = getenv("GIT_CONFIG_COUNT");
	uint64_t settings = 0;

	/* Git itself complains about a count that is not one. */
	if (count != NULL)
		(void)!parse_uint(count, 1000, &settings);
	for (uint64_t i = 0; i < settings; i++) {
		auto_free char *key = xasprintf("GIT_CONFIG_KEY_%" PRIu64, i);
		auto_free char *value = xasprintf("GIT_CONFIG_VALUE_%" PRIu64, i);

		pass_on(variables, key);
		pass_on(variables, value);
	}
}

/* The token, where git's credentials did not do. */
static int
set_askpass(struct variables *variables, const struct git_run *run, struct error *err)
{
	auto_free char *setting = xasprintf("%d %s", PROCESS_EXTRA_FD, run->origin);
	char program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (length < 0)
		return error_set_errno(err, ERR_IO, "cannot find this program's own path for git");
	program[length] = '\0';
	set(variables, "GIT_ASKPASS", program);
	set(variables, GIT_ASKPASS_VARIABLE, setting);
	return 0;
}

static int
fill_variables(struct variables *variables, const struct git_run *run, struct error *err)
{
	const char *certificates = getenv("SSL_CERT_FILE");

	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		if (!run->with_token || strcmp(passed_on[i], "GIT_ASKPASS") != 0)
			pass_on(variables, passed_on[i]);
	pass_on_settings(variables);
	if (certificates != NULL && getenv("GIT_SSL_CAINFO") == NULL)
		set(variables, "GIT_SSL_CAINFO", certificates);
	if (run->terminal) {
		pass_on(variables, "SSH_ASKPASS");
		pass_on(variables, "SSH_ASKPASS_REQUIRE");
	}
	/* Nobody is asked for what GITHUB_TOKEN can answer. */
	if (!run->terminal || run->may_token)
		set(variables, "GIT_TERMINAL_PROMPT", "0");
	else
		pass_on(variables, "GIT_TERMINAL_PROMPT");
	if (run->ssh_command != NULL)
		set(variables, "GIT_SSH_COMMAND", run->ssh_command);
	return run->with_token ? set_askpass(variables, run, err) : 0;
}

/* A pipe with the token in it and nobody who writes. Returns the end to read from, or -1. */
static int
fill_pipe(const char *token, struct error *err)
{
	auto_close int reader = -1, writer = -1;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_set_errno(err, ERR_IO, "cannot create a pipe");
	reader = fds[0];
	writer = fds[1];
	/* A token is far shorter than a pipe is deep. */
	if (write_all(writer, token, strlen(token), "a pipe", err) < 0)
		return -1;
	fds[0] = reader;
	reader = -1;
	return fds[0];
}

/*
 * What goes before the command; the number of it. What somebody types is asked for once in a push,
 * and not by each git of it; a helper of the user must not keep the token, which is nobody's but
 * this run's.
 */
static size_t
add_settings(const struct git_run *run, char **ret_helper, const char **argv)
{
	if (!run->with_token && run->memory == NULL)
		return 0;
	if (run->with_token) {
		*ret_helper = xasprintf("credential.%s.helper=", run->origin);
	} else {
		auto_free char *socket = path_join(run->memory, "s");
		auto_free char *word = text_shell_word(socket);

		*ret_helper = xasprintf("credential.helper=cache --timeout=300 --socket=%s", word);
	}
	argv[0] = "-c";
	argv[1] = *ret_helper;
	return 2;
}

int
git_run(const struct git_run *run, const char *const *arguments, struct process_result *result,
	struct error *err)
{
	AUTO(variables_clear) struct variables variables = {NULL, 0};
	auto_free char *helper = NULL;
	auto_close int token = -1;
	const char *argv[MAX_ARGUMENTS + 4] = {"git"};
	size_t count = 1 + add_settings(run, &helper, argv + 1);

	if (run->with_token) {
		token = fill_pipe(run->pushing->push->token, err);
		if (token < 0)
			return -1;
	}
	for (size_t i = 0; arguments[i] != NULL && i < MAX_ARGUMENTS; i++)
		argv[count++] = arguments[i];
	if (fill_variables(&variables, run, err) < 0)
		return -1;

	const struct process_request request = {.argv = argv,
						.environment = (const char *const *)variables.items,
						.directory = run->pushing->repo->path,
						.extra_fd = run->with_token ? token : 0,
						.terminal = run->terminal};

	if (process_run(&request, result, err) < 0)
		return -1;
	log_debug("git: %s", result->errors);
	return 0;
}

static bool
has_terminal(void)
{
	auto_close int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

	return fd >= 0;
}

static void
visit_ssh_command(const char *name, const char *value, void *to)
{
	(void)value;
	if (strcmp(name, "core.sshcommand") == 0)
		*(bool *)to = true;
}

/* Without a terminal ssh does not ask either, unless a command of the user's own is configured. */
static int
choose_ssh(struct git_run *run, struct error *err)
{
	AUTO(repo_config_freep) git_config *config = NULL;
	bool configured = getenv("GIT_SSH") != NULL || getenv("GIT_SSH_COMMAND") != NULL;

	if (run->terminal || configured)
		return 0;
	if (repo_config(run->pushing->repo->git, &config, err) < 0 ||
	    repo_config_each(config, visit_ssh_command, &configured, err) < 0)
		return -1;
	if (!configured)
		run->ssh_command = xstrdup("ssh -oBatchMode=yes");
	return 0;
}

bool
git_run_may_token(const struct git_run *run, const char *url)
{
	auto_free char *origin = git_https_origin(url);

	return origin != NULL && run->origin != NULL && strcmp(origin, run->origin) == 0;
}

static void
choose_token(struct git_run *run)
{
	const struct repo_push *push = run->pushing->push;

	if (push->token != NULL && push->token_server != NULL)
		run->origin = git_https_origin(push->token_server);
	for (size_t i = 0; i < run->urls.count; i++)
		run->may_token |= git_run_may_token(run, run->urls.items[i]);
}

int
git_run_prepare(struct git_run *run, struct error *err)
{
	const char *remote = run->pushing->push->remote;

	if (push_urls_resolve(run->pushing->repo, remote, &run->urls, err) < 0)
		return -1;
	/* A path as it was typed is one from here; git runs in the repository. */
	if (run->urls.count == 1 && strcmp(run->urls.items[0], remote) == 0 &&
	    path_real(remote, &run->remote, err) < 0)
		return -1;
	if (run->remote == NULL)
		run->remote = xstrdup(remote);
	run->terminal = has_terminal();
	choose_token(run);
	if (run->terminal && !run->may_token && temporary_directory("git", &run->memory, err) < 0)
		return -1;
	return choose_ssh(run, err);
}

static void
forget_typed(struct git_run *run)
{
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	auto_free char *socket = path_join(run->memory, "s");
	auto_free char *option = xasprintf("--socket=%s", socket);
	const char *const arguments[] = {"credential-cache", option, "exit", NULL};
	struct error ignored = ERROR_INIT;
	bool there;

	/* Without an answer to a question there is nobody who remembers it. */
	/* One that cannot be looked at may be there. */
	if ((path_exists(socket, &there, &ignored) < 0 || there) &&
	    git_run(run, arguments, &result, &ignored) < 0)
		log_debug("%s", ignored.message);
	remove_tree(run->memory);
}

void
git_run_clear(struct git_run *run)
{
	if (run->memory != NULL)
		forget_typed(run);
	free(run->memory);
	words_clear(&run->urls);
	free(run->remote);
	free(run->origin);
	free(run->ssh_command);
}
