/* SPDX-License-Identifier: MIT */
#include "distributor/acceptance/engine.h"

#include "base/alloc.h"
#include "base/process.h"

#include <stdlib.h>
#include <string.h>

/* What engines and skopeo ask the environment, besides what every program gets. */
static const char *const variables[] = {
	"DOCKER_HOST",
	"DOCKER_CONFIG",
	"DOCKER_CERT_PATH",
	"DOCKER_TLS_VERIFY",
	"DOCKER_BUILDKIT",
	"CONTAINER_HOST",
	"CONTAINERS_CONF",
	"CONTAINERS_STORAGE_CONF",
	"REGISTRY_AUTH_FILE",
	"XDG_RUNTIME_DIR",
	"CONTAINERS_REGISTRIES_CONF",
	"XDG_DATA_HOME",
	"XDG_CONFIG_HOME",
	"BUILDAH_ISOLATION",
};

void
words_split(struct words *words, const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, " ");

		if (length != 0)
			(void)words_take(words, xstrndup(text, length));
		text += length + (text[length] == ' ');
	}
}

static void
add_all(struct words *words, const char *const *more)
{
	for (size_t i = 0; more[i] != NULL; i++)
		words_add(words, more[i]);
}

/* The last line that was said, which is where engines put the reason. */
static char *
last_line(const char *text)
{
	size_t end = strlen(text), begin;

	while (end != 0 && text[end - 1] == '\n')
		end--;
	begin = end;
	while (begin != 0 && text[begin - 1] != '\n')
		begin--;
	return xstrndup(text + begin, end - begin);
}

static int
call(const struct engine *engine, const char *const *argv, int status, char **ret_said,
     struct error *err)
{
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	AUTO(words_clear) struct words environment = WORDS_INIT;
	struct process_request request = {.argv = argv, .timeout_ms = engine->timeout_ms};
	auto_free char *reason = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		const char *value = getenv(variables[i]);

		if (value != NULL)
			(void)words_take(&environment, xasprintf("%s=%s", variables[i], value));
	}
	request.environment = words_argv(&environment);
	if (process_run(&request, &result, err) < 0)
		return -1;
	if (result.status != status) {
		reason = last_line(result.errors);
		return error_set(err, ERR_VERIFY, "'%s' ended with status %d, not %d: %s", argv[0],
				 result.status, status, reason);
	}
	*ret_said = TAKE(result.output);
	return 0;
}

int
engine_call_program(const struct engine *engine, const char *const *argv, char **ret_said,
		    struct error *err)
{
	return call(engine, argv, 0, ret_said, err);
}

int
engine_call(const struct engine *engine, const char *const *arguments, int status, char **ret_said,
	    struct error *err)
{
	AUTO(words_clear) struct words words = WORDS_INIT;

	for (size_t i = 0; i < engine->command.count; i++)
		words_add(&words, engine->command.items[i]);
	add_all(&words, arguments);
	return call(engine, words_argv(&words), status, ret_said, err);
}

int
engine_run_container(const struct engine *engine, bool privileged, const char *const *arguments,
		     int status, char **ret_said, struct error *err)
{
	AUTO(words_clear) struct words words = WORDS_INIT;

	words_add(&words, "run");
	words_add(&words, "--rm");
	for (size_t i = 0; i < engine->run_options.count; i++)
		words_add(&words, engine->run_options.items[i]);
	if (privileged)
		words_add(&words, "--privileged");
	add_all(&words, arguments);
	return engine_call(engine, words_argv(&words), status, ret_said, err);
}
