#include "register/probe.h"

#include <linux/errno.h>
#include <stdint.h>

#include "register/bare.h"
#include "register/sys.h"

#define PROBE_STATUS  42
#define PROBE_ADDRESS 0x10000u
#define PROBE_MAX     160

/* exit(42), as the architecture's machine code. All of these are little endian. */
static const struct {
	const char *target;
	uint8_t class; /* 1: 32 bits, 2: 64 bits */
	uint16_t machine;
	uint32_t flags;
	uint8_t length;
	uint8_t code[14];
} programs[] = {
	{"i386", 1, 3, 0, 12, {0xb8, 1, 0, 0, 0, 0xbb, PROBE_STATUS, 0, 0, 0, 0xcd, 0x80}},
	{"x86_64", 2, 62, 0, 12, {0xb8, 60, 0, 0, 0, 0xbf, PROBE_STATUS, 0, 0, 0, 0x0f, 0x05}},
	{"arm",
	 1,
	 40,
	 0x05000000,
	 12,
	 {PROBE_STATUS, 0, 0xa0, 0xe3, 1, 0x70, 0xa0, 0xe3, 0, 0, 0, 0xef}},
	{"aarch64",
	 2,
	 183,
	 0,
	 12,
	 {0x40, 0x05, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 0x01, 0, 0, 0xd4}},
	{"riscv32", 1, 243, 0, 12, {0x13, 0x05, 0xa0, 0x02, 0x93, 0x08, 0xd0, 0x05, 0x73, 0, 0, 0}},
};
#define PROGRAM_COUNT (sizeof(programs) / sizeof(programs[0]))

struct image {
	size_t used;
	uint8_t bytes[PROBE_MAX];
};

static void
put(struct image *image, uint32_t value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		image->bytes[image->used++] = (uint8_t)value;
		value >>= 8;
	}
}

/*
 * The ELF header and one program header, and the code behind them:
 *
 *              32 bits    64 bits
 *     header        52         64
 *     segment       32         56
 */
static void
build_image(size_t which, uint16_t machine, struct image *image)
{
	static const uint8_t ident[] = {0x7f, 'E', 'L', 'F'};
	bool wide = programs[which].class == 2;
	uint32_t word = wide ? 8 : 4, header = wide ? 64 : 52, segment = wide ? 56 : 32;
	uint32_t code = header + segment, end = code + programs[which].length;

	image->used = 0;
	for (size_t i = 0; i < sizeof(ident); i++)
		put(image, ident[i], 1);
	put(image, programs[which].class, 1);
	put(image, 1, 1); /* little endian */
	put(image, 1, 1); /* version */
	put(image, 0, 9);
	put(image, 2, 2); /* an executable */
	put(image, machine, 2);
	put(image, 1, 4);
	put(image, PROBE_ADDRESS + code, word);
	put(image, header, word); /* the program headers' offset */
	put(image, 0, word);      /* no section headers */
	put(image, programs[which].flags, 4);
	put(image, header, 2);
	put(image, segment, 2);
	put(image, 1, 2);
	put(image, 0, 2 + 2 + 2);

	put(image, 1, 4); /* loaded */
	if (wide)
		put(image, 5, 4); /* readable, executable */
	put(image, 0, word);
	put(image, PROBE_ADDRESS, word);
	put(image, PROBE_ADDRESS, word);
	put(image, end, word);
	put(image, end, word);
	if (!wide)
		put(image, 5, 4);
	put(image, 0x10000, word);

	for (size_t i = 0; i < programs[which].length; i++)
		put(image, programs[which].code[i], 1);
}

/* The descriptor closes on exec: an entry of binfmt_misc cannot pass it on, and fails with ENOENT. */
static enum probe_result
run_image(const struct image *image)
{
	int fd = sys_memfd("probe");
	int ret;

	if (fd < 0)
		return PROBE_UNKNOWN;
	if (sys_write(fd, image->bytes, image->used) != (long)image->used) {
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
		struct image image;

		if (!bare_equal(programs[i].target, target->emulator))
			continue;
		/* i486 differs from i386 in nothing but the machine's number. */
		build_image(i, bare_equal(target->name, "i486") ? 6 : programs[i].machine, &image);
		return run_image(&image);
	}
	return PROBE_UNKNOWN;
}
