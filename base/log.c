/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/strbuf.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_SECRETS = 32, MIN_SECRET = 8, MAX_SECRET = 4096, MAX_TOKENS = 16, MAX_TOKEN = 65536 };

static enum log_level least_level = LOG_INFO;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *secrets[MAX_SECRETS];
static size_t secret_count;
static char *tokens[MAX_TOKENS]; /* the newest; a ring */
static size_t token_next;
static void (*guard_function)(void *, bool);
static void *guard_context;

void
log_set_level(enum log_level level)
{
	least_level = level;
}

bool
log_has_colours(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return (no_color == NULL || *no_color == '\0') && term != NULL &&
	       strcmp(term, "dumb") != 0 && isatty(fd) == 1;
}

static void
remember(const char *secret)
{
	if (secret_count < MAX_SECRETS)
		secrets[secret_count++] = xstrdup(secret);
}

void
log_add_secret(const char *secret)
{
	size_t length = strlen(secret);
	auto_free unsigned char *encoded = NULL;

	if (length < MIN_SECRET || length > MAX_SECRET)
		return;
	encoded = xmalloc(length * 4 / 3 + 5);
	(void)EVP_EncodeBlock(encoded, (const unsigned char *)secret, (int)length);
	(void)pthread_mutex_lock(&lock);
	remember(secret);
	remember((const char *)encoded);
	(void)pthread_mutex_unlock(&lock);
	OPENSSL_cleanse(encoded, length * 4 / 3 + 5);
}

void
log_add_token(const char *token)
{
	size_t length = strlen(token);

	if (length < MIN_SECRET || length > MAX_TOKEN)
		return;
	(void)pthread_mutex_lock(&lock);
	if (tokens[token_next] != NULL)
		OPENSSL_cleanse(tokens[token_next], strlen(tokens[token_next]));
	free(tokens[token_next]);
	tokens[token_next] = xstrdup(token);
	token_next = (token_next + 1) % MAX_TOKENS;
	(void)pthread_mutex_unlock(&lock);
}

static char *
replace_all(const char *text, const char *secret)
{
	AUTO(strbuf_clear) struct strbuf out = STRBUF_INIT;
	const char *hit;

	while ((hit = strstr(text, secret)) != NULL) {
		strbuf_add(&out, text, (size_t)(hit - text));
		strbuf_adds(&out, "***");
		text = hit + strlen(secret);
	}
	strbuf_adds(&out, text);
	return strbuf_take(&out);
}

/* `lock` is held. */
static char *
redact(const char *text)
{
	char *clean = xstrdup(text);

	for (size_t i = 0; i < secret_count + MAX_TOKENS; i++) {
		const char *secret = i < secret_count ? secrets[i] : tokens[i - secret_count];
		char *next = secret != NULL ? replace_all(clean, secret) : NULL;

		if (next == NULL)
			continue;
		free(clean);
		clean = next;
	}
	return clean;
}

char *
log_redact(const char *text)
{
	char *clean;

	(void)pthread_mutex_lock(&lock);
	clean = redact(text);
	(void)pthread_mutex_unlock(&lock);
	return clean;
}

static void PRINTF_LIKE(2, 0) write_line(enum log_level level, const char *format, va_list args)
{
	static const char *const labels[] = {"debug: ", "", "warning: ", "error: "};
	static const char *const colours[] = {"\033[2m", "", "\033[33m", "\033[31m"};
	auto_free char *text = NULL;
	auto_free char *clean = NULL;
	bool colour;

	if (level < least_level)
		return;
	if (vasprintf(&text, format, args) < 0) {
		text = NULL;
		return;
	}
	(void)pthread_mutex_lock(&lock);
	clean = redact(text);
	scrub_text(clean);
	colour = level != LOG_INFO && log_has_colours(STDERR_FILENO);
	if (guard_function != NULL)
		guard_function(guard_context, true);
	(void)fprintf(stderr, "%s%s%s%s\n", colour ? colours[level] : "", labels[level],
		      colour ? "\033[0m" : "", clean);
	if (guard_function != NULL)
		guard_function(guard_context, false);
	(void)pthread_mutex_unlock(&lock);
}

#define DEFINE_LOG(name, level)                                                                    \
	void name(const char *format, ...)                                                         \
	{                                                                                          \
		va_list args;                                                                      \
                                                                                                   \
		va_start(args, format);                                                            \
		write_line(level, format, args);                                                   \
		va_end(args);                                                                      \
	}

DEFINE_LOG(log_debug, LOG_DEBUG)
DEFINE_LOG(log_info, LOG_INFO)
DEFINE_LOG(log_warning, LOG_WARNING)
DEFINE_LOG(log_error, LOG_ERROR)

void
log_set_guard(void (*guard)(void *context, bool before), void *context)
{
	(void)pthread_mutex_lock(&lock);
	guard_function = guard;
	guard_context = context;
	(void)pthread_mutex_unlock(&lock);
}
