/* SPDX-License-Identifier: MIT */
#include "register/probe.h"

#include <linux/errno.h>
#include <stdint.h>

#include "model/tiny_elf.h"
#include "register/bare.h"
#include "register/sys.h"

#define PROBE_STATUS  42
#define PROBE_ADDRESS 0x10000u
#define CODE_AT       TINY_ELF_HEADERS
#define CODE_SIZE     12
#define FILE_SIZE     (CODE_AT + CODE_SIZE)

/* exit(42), as the architecture's machine code. All of these are little endian. */
static const struct {
	const char *target;
	uint8_t class;
	uint16_t machine;
	uint32_t flags;
	uint8_t code[CODE_SIZE];
} programs[] = {
	{"i386", TINY_ELF_32, 3, 0, {0xb8, 1, 0, 0, 0, 0xbb, PROBE_STATUS, 0, 0, 0, 0xcd, 0x80}},
	{"x86_64",
	 TINY_ELF_64,
	 62,
	 0,
	 {0xb8, 60, 0, 0, 0, 0xbf, PROBE_STATUS, 0, 0, 0, 0x0f, 0x05}},
	{"arm",
	 TINY_ELF_32,
	 40,
	 0x05000000,
	 {PROBE_STATUS, 0, 0xa0, 0xe3, 1, 0x70, 0xa0, 0xe3, 0, 0, 0, 0xef}},
	{"aarch64",
	 TINY_ELF_64,
	 183,
	 0,
	 {0x40, 0x05, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0, 0, 0xd4}},
	{"riscv32",
	 TINY_ELF_32,
	 243,
	 0,
	 {0x13, 0x05, 0xa0, 0x02, 0x93, 0x08, 0xd0, 0x05, 0x73, 0, 0, 0}},
};
#define PROGRAM_COUNT (sizeof(programs) / sizeof(programs[0]))

static void
build_image(size_t which, uint16_t machine, uint8_t image[FILE_SIZE])
{
	const struct tiny_elf elf = {
		.class = programs[which].class,
		.order = TINY_ELF_LITTLE,
		.machine = machine,
		.flags = programs[which].flags,
		.address = PROBE_ADDRESS,
		.code_at = CODE_AT,
		.size = FILE_SIZE,
	};

	tiny_elf_headers(&elf, image);
	for (size_t i = 0; i < CODE_SIZE; i++)
		image[CODE_AT + i] = programs[which].code[i];
}

/*
 * The descriptor closes on exec: an entry of binfmt_misc cannot pass it on, and fails with ENOENT.
 */
static enum probe_result
run_image(const uint8_t image[FILE_SIZE])
{
	int fd = sys_memfd("probe");
	int ret;

	if (fd < 0)
		return PROBE_UNKNOWN;
	if (sys_write(fd, image, FILE_SIZE) != FILE_SIZE) {
		sys_close(fd);
		return PROBE_UNKNOWN;
	}
	ret = sys_run(fd);
	sys_close(fd);
	if (ret == PROBE_STATUS)
		return PROBE_RUNS;
	if (ret == -ENOEXEC || ret > 128)
		return PROBE_FAILS;
	return ret == -ENOENT ? PROBE_EMULATED : PROBE_UNKNOWN;
}

enum probe_result
probe_target(const struct binfmt_target *target)
{
	for (size_t i = 0; i < PROGRAM_COUNT; i++) {
		uint8_t image[FILE_SIZE] = {0};

		if (!bare_equal(programs[i].target, target->emulator))
			continue;
		/* i486 differs from i386 in nothing but the machine's number. */
		build_image(i, bare_equal(target->name, "i486") ? 6 : programs[i].machine, image);
		return run_image(image);
	}
	return PROBE_UNKNOWN;
}
