/* SPDX-License-Identifier: MIT */
#include "distributor/steps/key_input.h"

#include "base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { MAX_PASSPHRASE = 1024 };

static int
read_fd(uint64_t fd, const char *option, struct secret *ret_secret, struct error *err)
{
	if (fd > INT_MAX)
		return error_set(err, ERR_USAGE, "%s requires the number of a file descriptor",
				 option);
	if (secret_read_fd((int)fd, SIGNING_KEY_MAX_FILE, ret_secret, err) < 0)
		return error_prefix(err, "%s", option);
	return 0;
}

/* One line from the terminal without echo. The terminal's state comes back in any case. */
static int
read_line_hidden(int tty, struct secret *ret_line, struct error *err)
{
	AUTO(secret_clear) struct secret line = SECRET_INIT;
	struct termios saved, hidden;
	ssize_t n = -1;

	if (secret_alloc(MAX_PASSPHRASE, &line, err) < 0)
		return -1;
	if (tcgetattr(tty, &saved) < 0)
		return error_set_errno(err, ERR_IO, "cannot use the terminal");
	hidden = saved;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(tty, TCSAFLUSH, &hidden) == 0)
		n = read(tty, line.bytes, line.length);
	(void)tcsetattr(tty, TCSAFLUSH, &saved);
	if (n <= 0)
		return error_set(err, ERR_INTERRUPTED, "no passphrase given");
	line.length = (size_t)n;
	secret_trim_line(&line);
	*ret_line = line;
	line = (struct secret)SECRET_INIT;
	return 0;
}

static int
ask(const char *question, struct secret *ret_line, struct error *err)
{
	auto_close int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	int result;

	if (tty < 0)
		return error_set(err, ERR_USAGE,
				 "a passphrase is required and there is no terminal to ask on; use "
				 "--passphrase-fd or " PASSPHRASE_VARIABLE);
	if (write(tty, question, strlen(question)) < 0)
		return error_set_errno(err, ERR_IO, "cannot use the terminal");
	result = read_line_hidden(tty, ret_line, err);
	(void)!write(tty, "\n", 1);
	return result;
}

/* From the descriptor or the variable; 0 and an empty secret when there is neither. */
static int
given_passphrase(const struct key_input *source, struct secret *ret_passphrase, struct error *err)
{
	if (source->passphrase_fd != KEY_NO_FD) {
		if (read_fd(source->passphrase_fd, "--passphrase-fd", ret_passphrase, err) < 0)
			return -1;
		secret_trim_line(ret_passphrase);
		return 0;
	}
	if (secret_take_environment(PASSPHRASE_VARIABLE, ret_passphrase, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	return 0;
}

static int
read_text(const struct key_input *source, struct secret *environment, struct secret *ret_text,
	  const char **ret_name, struct error *err)
{
	if (source->file != NULL && source->fd != KEY_NO_FD)
		return error_set(err, ERR_USAGE, "--key cannot be used with --key-fd");
	if (source->file != NULL) {
		*ret_name = source->file;
		return secret_read_file(source->file, SIGNING_KEY_MAX_FILE, ret_text, err);
	}
	if (source->fd != KEY_NO_FD) {
		*ret_name = "the file descriptor of --key-fd";
		return read_fd(source->fd, "--key-fd", ret_text, err);
	}
	if (environment->bytes == NULL)
		return error_set(
			err, ERR_USAGE,
			"no signing key; use --key FILE or --key-fd N, or set " KEY_VARIABLE);
	*ret_name = KEY_VARIABLE;
	*ret_text = *environment;
	*environment = (struct secret)SECRET_INIT;
	return 0;
}

int
key_input_read(const struct key_input *source, struct signing_key **ret_key, struct error *err)
{
	AUTO(secret_clear) struct secret environment = SECRET_INIT, text = SECRET_INIT;
	AUTO(secret_clear) struct secret passphrase = SECRET_INIT;
	const char *name = NULL;

	if (secret_take_environment(KEY_VARIABLE, &environment, err) < 0 &&
	    err->code != ERR_NOT_FOUND)
		return -1;
	if (given_passphrase(source, &passphrase, err) < 0 ||
	    read_text(source, &environment, &text, &name, err) < 0)
		return -1;
	if (signing_key_needs_passphrase(&text) && passphrase.bytes == NULL &&
	    ask("Passphrase of the signing key: ", &passphrase, err) < 0)
		return -1;
	return signing_key_parse(&text, passphrase.bytes != NULL ? &passphrase : NULL, ret_key,
				 name, err);
}

int
key_input_new_passphrase(const struct key_input *source, struct secret *ret_passphrase,
			 struct error *err)
{
	AUTO(secret_clear) struct secret first = SECRET_INIT, second = SECRET_INIT;

	if (given_passphrase(source, &first, err) < 0)
		return -1;
	if (first.bytes == NULL) {
		if (ask("Passphrase for the new key: ", &first, err) < 0 ||
		    ask("Repeat the passphrase: ", &second, err) < 0)
			return -1;
		if (first.length != second.length ||
		    memcmp(first.bytes, second.bytes, first.length) != 0)
			return error_set(err, ERR_INPUT, "the passphrases do not match");
	}
	*ret_passphrase = first;
	first = (struct secret)SECRET_INIT;
	return 0;
}
