/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A tiny program for each target, to test an emulator with.
 *
 * It is a static ELF file without a library, made here from a few instructions. It writes one line
 * of 16 bytes, its target's name filled up with blanks, and exits with FOREIGN_STATUS. So it tells
 * that the emulator loads a program, runs instructions, and does two system calls.
 */

#include <stdbool.h>
#include <stdint.h>

enum {
	FOREIGN_STATUS = 42,
	FOREIGN_WORD = 16,
	FOREIGN_SIZE = 0x110,
};

/* Makes the program for a target in QEMU's spelling. False if there is none for it. */
bool guest_program(const char *target, uint8_t program[FOREIGN_SIZE]);
