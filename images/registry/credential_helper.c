/* SPDX-License-Identifier: MIT */
#include "images/registry/credential_helper.h"

#include "base/alloc.h"
#include "base/process.h"
#include "base/strbuf.h"

#include <jansson.h>
#include <string.h>
#include <unistd.h>

#define MAX_ANSWER ((size_t)64 << 10)

/*
 * Our environment but for what is ours, as the signing key: helpers of all kinds need what their
 * users have set. The list is the caller's, its strings are borrowed.
 */
static const char **
helper_environment(void)
{
	size_t count = 0, kept = 0;
	const char **result;

	while (environ[count] != NULL)
		count++;
	result = xcalloc(count + 1, sizeof(*result));
	for (size_t i = 0; i < count; i++)
		if (!text_starts_with(environ[i], "DISTRIBUTOR_"))
			result[kept++] = environ[i];
	return result;
}

static void
answer_clear(struct process_result *answer)
{
	if (answer->output != NULL)
		explicit_bzero(answer->output, answer->length);
	process_result_clear(answer);
}

static int
read_answer(const char *program, const struct process_result *answer,
	    struct credentials *ret_credentials, struct error *err)
{
	json_t *root = json_loadb(answer->output, answer->length, 0, NULL);
	const char *user = json_string_value(json_object_get(root, "Username"));
	const char *secret = json_string_value(json_object_get(root, "Secret"));

	if (user == NULL || secret == NULL) {
		json_decref(root);
		return error_set(err, ERR_IO, "invalid output of the credential helper '%s'",
				 program);
	}
	/* docker-credential-pass says so of whom it does not know. */
	if (*secret == '\0') {
		json_decref(root);
		return 0;
	}
	*ret_credentials = (struct credentials){
		.user = xstrdup(user),
		.secret = xstrdup(secret),
		.identity_token = strcmp(user, "<token>") == 0,
		.origin = xstrdup(program),
	};
	json_decref(root);
	return 1;
}

int
credential_helper_ask(const char *name, const struct reference *repository,
		      struct credentials *ret_credentials, struct error *err)
{
	AUTO(answer_clear) struct process_result answer = PROCESS_RESULT_INIT;
	auto_free char *program = xasprintf("docker-credential-%s", name);
	auto_free const char **environment = helper_environment();
	const char *const argv[] = {program, "get", NULL};
	const struct process_request request = {
		.argv = argv,
		.environment = environment,
		.input = credentials_server(repository),
		/* It may ask for the password of its store. */
		.terminal = true,
		.own_errors = true,
		.max_output = MAX_ANSWER,
	};

	if (process_run(&request, &answer, err) < 0)
		return error_prefix(err, "cannot ask the credential helper '%s'", program);
	if (answer.status == 0)
		return read_answer(program, &answer, ret_credentials, err);
	if (strstr(answer.output, "credentials not found") != NULL)
		return 0;
	return error_set(err, ERR_IO, "the credential helper '%s' failed for '%s' with status %d",
			 program, request.input, answer.status);
}
