/* SPDX-License-Identifier: MIT */
#include "model/binfmt_table.h"

#include <stdint.h>

/*
 * A row is the first 20 bytes of an ELF header, for the 32-bit MIPS ABIs the first 40:
 *
 *      0   7f 45 4c 46    "\x7fELF"
 *      4   class          1 is 32 bits, 2 is 64
 *      5   data           1 is little endian, 2 is big
 *      6   version        1
 *      7   OS ABI         most masks take any
 *      8   ABI version, and seven bytes of padding
 *     16   type           2 is an executable, 3 a shared object: the mask drops the last bit
 *     18   machine
 *     20   version, entry, program headers, section headers
 *     36   flags          0x20 tells n32 from o32
 */
#define ZERO8  "\0\0\0\0\0\0\0\0"
#define ZERO16 ZERO8 ZERO8
#define LE32                                                                                       \
	"\x7f"                                                                                     \
	"ELF\x01\x01\x01\0" ZERO8
#define BE32                                                                                       \
	"\x7f"                                                                                     \
	"ELF\x01\x02\x01\0" ZERO8
#define LE64                                                                                       \
	"\x7f"                                                                                     \
	"ELF\x02\x01\x01\0" ZERO8
#define BE64                                                                                       \
	"\x7f"                                                                                     \
	"ELF\x02\x02\x01\0" ZERO8

#define ANY_ABI         "\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff"
#define ANY_ABI_VERSION "\xff\xff\xff\xff\xff\xff\xff\x00\x00\xff\xff\xff\xff\xff\xff\xff"
#define X86_ABI         "\xff\xff\xff\xff\xff\xfe\xfe\x00\xff\xff\xff\xff\xff\xff\xff\xff"
#define M68K_ABI        "\xff\xff\xff\xff\xff\xff\xfe\x00\xff\xff\xff\xff\xff\xff\xff\xff"
#define LOW_ABI         "\xff\xff\xff\xff\xff\xff\xff\xfc\x00\xff\xff\xff\xff\xff\xff\xff"

#define N32_BE "\0\0\0\0" ZERO8 "\x00\x00\x00\x20"
#define N32_LE "\0\0\0\0" ZERO8 "\x20\x00\x00\x00"

/* clang-format off */
const struct binfmt_target binfmt_targets[BINFMT_TARGET_COUNT] = {
	{"i386", "i386", "i386", 20, false,
	 LE32 "\x02\x00\x03\x00",
	 X86_ABI "\xfe\xff\xff\xff"},
	{"i486", "i386", "i386", 20, false,
	 LE32 "\x02\x00\x06\x00",
	 X86_ABI "\xfe\xff\xff\xff"},
	{"alpha", "alpha", "alpha", 20, true,
	 LE64 "\x02\x00\x26\x90",
	 X86_ABI "\xfe\xff\xff\xff"},
	{"arm", "arm", "arm", 20, false,
	 LE32 "\x02\x00\x28\x00",
	 ANY_ABI "\xfe\xff\xff\xff"},
	{"armeb", "armeb", "armeb", 20, false,
	 BE32 "\x00\x02\x00\x28",
	 ANY_ABI "\xff\xfe\xff\xff"},
	{"sparc", "sparc", "sparc", 20, false,
	 BE32 "\x00\x02\x00\x02",
	 ANY_ABI "\xff\xfe\xff\xff"},
	{"sparc32plus", "sparc", "sparc32plus", 20, true,
	 BE32 "\x00\x02\x00\x12",
	 ANY_ABI "\xff\xfe\xff\xff"},
	{"sparc64", "sparc", "sparc64", 20, true,
	 BE64 "\x00\x02\x00\x2b",
	 ANY_ABI "\xff\xfe\xff\xff"},
	{"ppc", "ppc", "ppc", 20, false,
	 BE32 "\x00\x02\x00\x14",
	 ANY_ABI "\xff\xfe\xff\xff"},
	{"ppc64", "ppc", "ppc64", 20, true,
	 BE64 "\x00\x02\x00\x15",
	 ANY_ABI "\xff\xfe\xff\xff"},
	{"ppc64le", "ppcle", "ppc64le", 20, true,
	 LE64 "\x02\x00\x15\x00",
	 ANY_ABI "\xfe\xff\xff\x00"},
	{"m68k", "m68k", "m68k", 20, false,
	 BE32 "\x00\x02\x00\x04",
	 M68K_ABI "\xff\xfe\xff\xff"},
	{"mips", "mips", "mips", 40, false,
	 BE32 "\x00\x02\x00\x08" "\x00\x00\x00\x01" ZERO16,
	 ANY_ABI_VERSION "\xff\xfe\xff\xff" "\xff\xff\xff\xff" N32_BE},
	{"mipsel", "mips", "mipsel", 40, false,
	 LE32 "\x02\x00\x08\x00" "\x01\x00\x00\x00" ZERO16,
	 ANY_ABI_VERSION "\xfe\xff\xff\xff" "\xff\xff\xff\xff" N32_LE},
	{"mipsn32", "mips", "mipsn32", 40, true,
	 BE32 "\x00\x02\x00\x08" "\x00\x00\x00\x01" N32_BE,
	 ANY_ABI_VERSION "\xff\xfe\xff\xff" "\xff\xff\xff\xff" N32_BE},
	{"mipsn32el", "mips", "mipsn32el", 40, true,
	 LE32 "\x02\x00\x08\x00" "\x01\x00\x00\x00" N32_LE,
	 ANY_ABI_VERSION "\xfe\xff\xff\xff" "\xff\xff\xff\xff" N32_LE},
	{"mips64", "mips", "mips64", 20, true,
	 BE64 "\x00\x02\x00\x08",
	 ANY_ABI_VERSION "\xff\xfe\xff\xff"},
	{"mips64el", "mips", "mips64el", 20, true,
	 LE64 "\x02\x00\x08\x00",
	 ANY_ABI_VERSION "\xfe\xff\xff\xff"},
	{"sh4", "sh4", "sh4", 20, false,
	 LE32 "\x02\x00\x2a\x00",
	 ANY_ABI "\xfe\xff\xff\xff"},
	{"sh4eb", "sh4", "sh4eb", 20, false,
	 BE32 "\x00\x02\x00\x2a",
	 ANY_ABI "\xff\xfe\xff\xff"},
	{"s390x", "s390x", "s390x", 20, true,
	 BE64 "\x00\x02\x00\x16",
	 ANY_ABI "\xff\xfe\xff\xff"},
	{"aarch64", "arm", "aarch64", 20, true,
	 LE64 "\x02\x00\xb7\x00",
	 ANY_ABI "\xfe\xff\xff\xff"},
	{"aarch64_be", "armeb", "aarch64_be", 20, true,
	 BE64 "\x00\x02\x00\xb7",
	 ANY_ABI "\xff\xfe\xff\xff"},
	{"hppa", "hppa", "hppa", 20, true,
	 BE32 "\x00\x02\x00\x0f",
	 ANY_ABI "\xff\xfe\xff\xff"},
	{"riscv32", "riscv", "riscv32", 20, false,
	 LE32 "\x02\x00\xf3\x00",
	 ANY_ABI "\xfe\xff\xff\xff"},
	{"riscv64", "riscv", "riscv64", 20, true,
	 LE64 "\x02\x00\xf3\x00",
	 ANY_ABI "\xfe\xff\xff\xff"},
	{"xtensa", "xtensa", "xtensa", 20, false,
	 LE32 "\x02\x00\x5e\x00",
	 ANY_ABI "\xfe\xff\xff\xff"},
	{"xtensaeb", "xtensaeb", "xtensaeb", 20, false,
	 BE32 "\x00\x02\x00\x5e",
	 ANY_ABI "\xff\xfe\xff\xff"},
	{"microblaze", "microblaze", "microblaze", 20, false,
	 BE32 "\x00\x02\xba\xab",
	 ANY_ABI "\xff\xfe\xff\xff"},
	{"microblazeel", "microblazeel", "microblazeel", 20, false,
	 LE32 "\x02\x00\xab\xba",
	 ANY_ABI "\xfe\xff\xff\xff"},
	{"or1k", "or1k", "or1k", 20, false,
	 BE32 "\x00\x02\x00\x5c",
	 ANY_ABI "\xff\xfe\xff\xff"},
	{"x86_64", "i386", "x86_64", 20, true,
	 LE64 "\x02\x00\x3e\x00",
	 X86_ABI "\xfe\xff\xff\xff"},
	{"hexagon", "hexagon", "hexagon", 20, false,
	 LE32 "\x02\x00\xa4\x00",
	 ANY_ABI "\xfe\xff\xff\xff"},
	{"loongarch64", "loongarch", "loongarch64", 20, true,
	 LE64 "\x02\x00\x02\x01",
	 LOW_ABI "\xfe\xff\xff\xff"},
};
/* clang-format on */

static bool
same_name(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

const struct binfmt_target *
binfmt_target_find(const char *name)
{
	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++)
		if (same_name(binfmt_targets[i].name, name))
			return &binfmt_targets[i];
	return NULL;
}

bool
binfmt_target_matches(const struct binfmt_target *target, const void *bytes, size_t n)
{
	const uint8_t *file = bytes;

	if (n < target->length)
		return false;
	for (size_t i = 0; i < target->length; i++) {
		uint8_t magic = (uint8_t)target->magic[i];
		uint8_t mask = (uint8_t)target->mask[i];

		if (((file[i] ^ magic) & mask) != 0)
			return false;
	}
	return true;
}

/*
 * Every byte is "\xNN", but for the three letters of the ELF magic. Upstream writes these out for
 * hppa too, which its users may compare.
 */
static char *
escape(const struct binfmt_target *target, const char *bytes, bool letters, char *text)
{
	static const char digits[] = "0123456789abcdef";
	char *p = text;

	for (size_t i = 0; i < target->length; i++) {
		uint8_t byte = (uint8_t)bytes[i];

		if (letters && i >= 1 && i <= 3) {
			*p++ = (char)byte;
			continue;
		}
		*p++ = '\\';
		*p++ = 'x';
		*p++ = digits[byte >> 4];
		*p++ = digits[byte & 15];
	}
	*p = '\0';
	return text;
}

char *
binfmt_magic_text(const struct binfmt_target *target, char text[BINFMT_TEXT_MAX])
{
	return escape(target, target->magic, !same_name(target->name, "hppa"), text);
}

char *
binfmt_mask_text(const struct binfmt_target *target, char text[BINFMT_TEXT_MAX])
{
	return escape(target, target->mask, false, text);
}

size_t
binfmt_line(const struct binfmt_target *target, const char *interpreter, const char *flags,
	    char *line, size_t size)
{
	char magic[BINFMT_TEXT_MAX], mask[BINFMT_TEXT_MAX];
	const char *const parts[] = {
		":qemu-", target->name,
		":M::",   binfmt_magic_text(target, magic),
		":",      binfmt_mask_text(target, mask),
		":",      interpreter,
		":",      flags,
	};
	size_t length = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		for (const char *p = parts[i]; *p != '\0'; p++) {
			if (length + 1 >= size)
				return 0;
			line[length++] = *p;
		}
	}
	if (length >= size)
		return 0;
	line[length] = '\0';
	return length;
}
