/* SPDX-License-Identifier: MIT */
#include "images/registry/credential_helper.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/program.h"
#include "base/strbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#define MAX_ANSWER ((size_t)64 << 10)

extern char **environ;

/*
 * Our environment but for what is ours, as the signing key: helpers of all kinds need what their
 * users have set. The list is the caller's, its strings are borrowed.
 */
static char **
helper_environment(void)
{
	size_t count = 0, kept = 0;
	char **result;

	while (environ[count] != NULL)
		count++;
	result = xcalloc(count + 1, sizeof(*result));
	for (size_t i = 0; i < count; i++)
		if (!text_starts_with(environ[i], "DISTRIBUTOR_"))
			result[kept++] = environ[i];
	return result;
}

/*
 * Starts the program with the name on its standard input and its answer in a pipe. The input is so
 * short that the pipe holds it before anybody reads.
 */
static int
start(const char *program, const char *input, pid_t *ret_pid, int *ret_fd, struct error *err)
{
	char *const argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)"get", NULL};
	posix_spawn_file_actions_t actions;
	auto_free char *path = NULL;
	int in[2] = {-1, -1}, out[2] = {-1, -1}, failure;

	if (program_find(program, &path, err) < 0)
		return error_set(err, ERR_NOT_FOUND, "cannot run the credential helper '%s': %s",
				 program, strerror(ENOENT));
	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0) {
		error_set_errno(err, ERR_IO, "cannot make a pipe for '%s'", program);
		cleanup_closep(&in[0]);
		cleanup_closep(&in[1]);
		return -1;
	}
	failure = write_all(in[1], input, strlen(input), program, err);
	cleanup_closep(&in[1]);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	if (failure == 0) {
		char **environment = helper_environment();

		failure = posix_spawn(ret_pid, path, &actions, NULL, argv, environment);
		free(environment);
		errno = failure;
		if (failure != 0)
			error_set_errno(err, failure == ENOENT ? ERR_NOT_FOUND : ERR_IO,
					"cannot run the credential helper '%s'", program);
	}
	posix_spawn_file_actions_destroy(&actions);
	cleanup_closep(&in[0]);
	cleanup_closep(&out[1]);
	if (failure != 0) {
		cleanup_closep(&out[0]);
		return -1;
	}
	*ret_fd = out[0];
	return 0;
}

/* Reads to the end and waits; what was not read to its end is not an answer. */
static int
finish(const char *program, pid_t pid, int fd, struct strbuf *answer, int *ret_status,
       struct error *err)
{
	char piece[4096];
	ssize_t n;
	int status = 0, failure;

	while ((n = read(fd, piece, sizeof(piece))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			strbuf_add(answer, piece, (size_t)n);
	failure = n < 0 ? errno : 0;
	(void)close(fd);
	explicit_bzero(piece, sizeof(piece));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return error_set_errno(
				err, ERR_IO, "cannot wait for the credential helper '%s'", program);
	errno = failure;
	if (failure != 0)
		return error_set_errno(err, ERR_IO,
				       "cannot read the answer of the credential helper '%s'",
				       program);
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
	return 0;
}

static int
read_answer(const char *program, const struct strbuf *answer, struct credentials *ret_credentials,
	    struct error *err)
{
	json_t *root = json_loadb(strbuf_text(answer), answer->length, 0, NULL);
	const char *user = json_string_value(json_object_get(root, "Username"));
	const char *secret = json_string_value(json_object_get(root, "Secret"));

	if (user == NULL || secret == NULL) {
		json_decref(root);
		return error_set(err, ERR_IO,
				 "the credential helper '%s' does not answer as one should",
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
	struct strbuf answer = {.max_length = MAX_ANSWER};
	auto_free char *program = xasprintf("docker-credential-%s", name);
	const char *server = credentials_server(repository);
	pid_t pid = -1;
	int fd = -1, status = 0, result;

	if (start(program, server, &pid, &fd, err) < 0)
		return -1;
	if (finish(program, pid, fd, &answer, &status, err) < 0)
		result = -1;
	else if (status == 0 && !answer.overflow)
		result = read_answer(program, &answer, ret_credentials, err);
	else if (strstr(strbuf_text(&answer), "credentials not found") != NULL)
		result = 0;
	else
		result = error_set(err, ERR_IO,
				   "the credential helper '%s' failed for '%s' with status %d",
				   program, server, status);
	if (answer.text != NULL)
		explicit_bzero(answer.text, answer.length);
	strbuf_clear(&answer);
	return result;
}
