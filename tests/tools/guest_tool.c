/* SPDX-License-Identifier: MIT */
/* guest_tool TARGET: writes the tiny program of a target to standard output. */
#include "distributor/acceptance/guest_program.h"

#include <stdio.h>

int
main(int argc, char **argv)
{
	uint8_t program[FOREIGN_SIZE];

	if (argc != 2 || !guest_program(argv[1], program)) {
		(void)fprintf(stderr, "usage: guest_tool TARGET\n");
		return 2;
	}
	return fwrite(program, 1, sizeof(program), stdout) == sizeof(program) ? 0 : 1;
}
