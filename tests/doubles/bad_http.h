/* SPDX-License-Identifier: MIT */
#pragma once

/* Runs doubles/bad_http.py beside a test, and knows the content that it serves. */

#include "base/alloc.h"
#include "base/digest.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

struct bad_http {
	pid_t pid;
	int alive; /* it ends when this is closed, also by our death */
	int port;
	int other_port; /* the same server, another origin */
	int tls_port;
	char ca_file[256];
};

static inline void
bad_http_start(struct bad_http *server)
{
	char line[512] = "";
	int in[2], out[2];
	FILE *said;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	server->pid = fork();
	assert_true(server->pid >= 0);
	if (server->pid == 0) {
		(void)dup2(in[0], STDIN_FILENO);
		(void)dup2(out[1], STDOUT_FILENO);
		execlp("python3", "python3", "-B", "doubles/bad_http.py", (char *)NULL);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	server->alive = in[1];
	said = fdopen(out[0], "r");
	assert_non_null(said);
	if (fgets(line, sizeof(line), said) == NULL ||
	    sscanf(line, "%d %d %d %255s", &server->port, &server->other_port, &server->tls_port,
		   server->ca_file) != 4)
		fail_msg("the test server does not start: python3 and openssl are needed");
	(void)fclose(said);
}

static inline void
bad_http_stop(struct bad_http *server)
{
	(void)close(server->alive);
	(void)waitpid(server->pid, NULL, 0);
}

/* The content of `size` bytes that the server serves; to be freed. */
static inline uint8_t *
bad_http_content(size_t size)
{
	uint8_t *bytes = xmalloc(size + 1);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)((i % 65536) ^ ((i % 65536) >> 8) * 7);
	return bytes;
}

static inline struct digest
bad_http_digest(size_t size)
{
	auto_free uint8_t *bytes = bad_http_content(size);
	struct digest digest;

	digest_of(bytes, size, &digest);
	return digest;
}

/* "http://127.0.0.1:PORT/PATH", to be freed. */
static inline char *
bad_http_url(const struct bad_http *server, const char *path)
{
	return xasprintf("http://127.0.0.1:%d/%s", server->port, path);
}
