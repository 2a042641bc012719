/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/progress.h"

#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Draws two bars on a terminal of `columns`, whose lines come in `ret_screen`. */
static void
draw_on_terminal(unsigned short columns, char *ret_screen, size_t size)
{
	struct winsize window = {.ws_row = 24, .ws_col = columns};
	int terminal, screen, before = dup(STDERR_FILENO);
	ssize_t got = 0, n;
	struct progress *progress;
	struct progress_task *bytes, *items;

	/* Whatever terminal the tests are started from: nothing is drawn on a dumb one. */
	assert_int_equal(setenv("TERM", "xterm", 1), 0);
	assert_int_equal(openpty(&screen, &terminal, NULL, NULL, &window), 0);
	assert_true(dup2(terminal, STDERR_FILENO) >= 0);
	progress = progress_new(false);
	bytes = progress_start(progress, "qemu-user_10.0.13+ds-0+deb13u1_amd64.deb", PROGRESS_BYTES,
			       9876543210);
	items = progress_start(progress, "upload", PROGRESS_ITEMS, 290);
	progress_set(items, 145);
	(void)usleep(300 * 1000);
	progress_add(bytes, 123456789);
	(void)usleep(150 * 1000);
	progress_add(items, 1);
	(void)fputs("end\n", stderr);
	(void)fflush(stderr);
	while (strstr(ret_screen, "end") == NULL && (size_t)got + 1 < size &&
	       (n = read(screen, ret_screen + got, size - 1 - (size_t)got)) > 0) {
		got += n;
		ret_screen[got] = '\0';
	}
	progress_done(items, NULL);
	progress_done(bytes, NULL);
	progress_free(progress);
	assert_true(dup2(before, STDERR_FILENO) >= 0);
	(void)close(before);
	(void)close(terminal);
	(void)close(screen);
}

/* The numbers are what one looks at; the bar before them gets what is left of the line. */
static void
numbers_are_whole_on_narrow_terminals(void **state)
{
	static const unsigned short widths[] = {70, 80, 90, 200};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		char screen[16384] = "", *erased, *bytes = screen, *items, *end;

		draw_on_terminal(widths[i], screen, sizeof(screen));
		while ((erased = strstr(bytes, "\033[2K")) != NULL)
			bytes = erased + strlen("\033[2K");
		items = strchr(bytes, '\n');
		assert_non_null(items);
		*items++ = '\0';
		end = strchr(items, '\n');
		assert_non_null(end);
		*end = '\0';
		assert_non_null(strstr(bytes, "  1%  "));
		assert_non_null(strstr(bytes, " s left"));
		assert_non_null(strstr(items, "146/290  "));
		assert_non_null(strstr(items, " s left"));
		/* The terminal ends lines with a carriage return. */
		assert_true(strlen(bytes) <= widths[i] && strlen(items) <= widths[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_whole_on_narrow_terminals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
