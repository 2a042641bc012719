/* SPDX-License-Identifier: MIT */
#include "model/arch.h"

#include "base/cleanup.h"
#include "base/strbuf.h"

#include <string.h>

/* e_machine, from the ELF specification and its processor supplements. */
enum {
	EM_386 = 3,
	EM_MIPS = 8,
	EM_PPC64 = 21,
	EM_S390 = 22,
	EM_ARM = 40,
	EM_X86_64 = 62,
	EM_AARCH64 = 183,
	EM_RISCV = 243,
	EM_LOONGARCH = 258,
};

/* armhf and armel differ in EF_ARM_ABI_FLOAT_HARD and _SOFT alone, both are EABI version 5. */
#define ARM_FLAGS_MASK 0xff000600u

const struct arch arch_table[] = {
	{"x86_64", "x86_64", "amd64", NULL, "amd64", "x86_64", 2, 1, EM_X86_64, 0, 0},
	{"aarch64", "aarch64", "arm64", "v8", "arm64", "aarch64", 2, 1, EM_AARCH64, 0, 0},
	{"ppc64le", "ppc64le", "ppc64le", NULL, "ppc64el", "ppc64le", 2, 1, EM_PPC64, 3, 2},
	{"s390x", "s390x", "s390x", NULL, "s390x", "s390x", 2, 2, EM_S390, 0, 0},
	{"riscv64", "riscv64", "riscv64", NULL, "riscv64", "riscv64", 2, 1, EM_RISCV, 6, 4},
	{"loongarch64", "loongarch64", "loong64", NULL, "loong64", "loongarch64", 2, 1,
	 EM_LOONGARCH, 7, 3},
	{"armv7l", "arm", "arm", "v7", "armhf", "armv7hl", 1, 1, EM_ARM, ARM_FLAGS_MASK,
	 0x05000400},
	{"armv5tel", "arm", "arm", "v5", "armel", "armv5tel", 1, 1, EM_ARM, ARM_FLAGS_MASK,
	 0x05000200},
	{"i686", "i386", "386", NULL, "i386", "i686", 1, 1, EM_386, 0, 0},
	{"mips64el", "mips64el", "mips64le", NULL, "mips64el", "mips64el", 2, 1, EM_MIPS, 0, 0},
	{"mipsel", "mipsel", "mipsle", NULL, "mipsel", "mipsel", 1, 1, EM_MIPS, 0x20, 0},
};
const size_t arch_count = ARRAY_SIZE(arch_table);

const char *const target_table[] = {
	"aarch64",      "aarch64_be",  "alpha",   "arm",         "armeb",     "cris",
	"hexagon",      "hppa",        "i386",    "loongarch64", "m68k",      "microblaze",
	"microblazeel", "mips",        "mips64",  "mips64el",    "mipsel",    "mipsn32",
	"mipsn32el",    "nios2",       "or1k",    "ppc",         "ppc64",     "ppc64abi32",
	"ppc64le",      "riscv32",     "riscv64", "s390x",       "sh4",       "sh4eb",
	"sparc",        "sparc32plus", "sparc64", "tilegx",      "unicore32", "x86_64",
	"xtensa",       "xtensaeb",
};
const size_t target_count = ARRAY_SIZE(target_table);

/* Spellings that are neither a column of the table nor QEMU's own. */
static const struct {
	const char *spelling, *host, *target;
} synonyms[] = {
	{"armv8l", "armv7l", "arm"},   {"armv6l", NULL, "arm"},
	{"i386", "i686", "i386"},      {"i486", "i686", "i386"},
	{"i586", "i686", "i386"},      {"x86-64", "x86_64", "x86_64"},
	{"x86", "i686", "i386"},       {"powerpc", NULL, "ppc"},
	{"powerpc64", NULL, "ppc64"},  {"powerpc64le", "ppc64le", "ppc64le"},
	{"arm", "armv7l", "arm"},      {"arm64/v8", "aarch64", "aarch64"},
	{"arm/v7", "armv7l", "arm"},   {"arm/v6", NULL, "arm"},
	{"arm/v5", "armv5tel", "arm"}, {"mips64le", "mips64el", "mips64el"},
};

static bool
same(const char *a, const char *b)
{
	return a != NULL && strcmp(a, b) == 0;
}

static const char *
without_os(const char *spelling)
{
	return text_starts_with(spelling, "linux/") ? spelling + strlen("linux/") : spelling;
}

const struct arch *
arch_find(const char *name)
{
	for (size_t i = 0; i < arch_count; i++)
		if (same(arch_table[i].name, name))
			return &arch_table[i];
	return NULL;
}

const struct arch *
arch_find_any(const char *spelling)
{
	const char *word = without_os(spelling);
	const struct arch *arch = arch_find(word);

	for (size_t i = 0; arch == NULL && i < ARRAY_SIZE(synonyms); i++)
		if (strcmp(synonyms[i].spelling, word) == 0 && synonyms[i].host != NULL)
			arch = arch_find(synonyms[i].host);
	for (size_t i = 0; arch == NULL && i < arch_count; i++)
		if (same(arch_table[i].debian, word) || same(arch_table[i].fedora, word) ||
		    same(arch_table[i].oci, word))
			arch = &arch_table[i];
	return arch;
}

const struct arch *
arch_suggest(const char *spelling)
{
	const struct arch *arch = arch_find_any(spelling);
	const char *names[ARRAY_SIZE(arch_table)], *name;

	if (arch != NULL)
		return arch;
	for (size_t i = 0; i < arch_count; i++)
		names[i] = arch_table[i].name;
	name = text_closest(spelling, names, arch_count);
	return name != NULL ? arch_find(name) : NULL;
}

bool
target_is_known(const char *name)
{
	for (size_t i = 0; i < target_count; i++)
		if (strcmp(target_table[i], name) == 0)
			return true;
	return false;
}

const char *
target_find_any(const char *spelling)
{
	const char *word = without_os(spelling);

	for (size_t i = 0; i < target_count; i++)
		if (strcmp(target_table[i], word) == 0)
			return target_table[i];
	for (size_t i = 0; i < ARRAY_SIZE(synonyms); i++)
		if (strcmp(synonyms[i].spelling, word) == 0)
			return synonyms[i].target;
	for (size_t i = 0; i < arch_count; i++)
		if (same(arch_table[i].debian, word) || same(arch_table[i].oci, word) ||
		    same(arch_table[i].name, word))
			return arch_table[i].qemu;
	return NULL;
}

const char *
target_suggest(const char *spelling)
{
	const char *target = target_find_any(spelling);

	return target != NULL ? target : text_closest(spelling, target_table, target_count);
}

bool
arch_is_own_target(const struct arch *host, const char *target)
{
	return strcmp(host->qemu, target) == 0;
}
