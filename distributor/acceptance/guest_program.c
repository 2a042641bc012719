/* SPDX-License-Identifier: MIT */
#include "distributor/acceptance/guest_program.h"

#include "base/cleanup.h"
#include "model/tiny_elf.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

/*
 * The file, which is loaded as a whole:
 *
 *     0x000  ELF header and one program header
 *     0x080  the instructions, where it begins
 *     0x100  the line to write
 *
 * The address is below 2^31.
 */
#define ADDRESS 0x400000u
#define CODE_AT 0x80u
#define LINE_AT 0x100u

_Static_assert(CODE_AT >= TINY_ELF_HEADERS, "the code begins behind the headers");

/*
 * The instructions, by their assembly: write(1, 0x400100, 16) and exit(42), with the numbers that
 * Linux has for them on each. Numbers of more than one byte are stored in the target's byte order.
 */

static const uint8_t x86_32[] = {
	0xb8, 0x04, 0x00, 0x00, 0x00, /* mov $4,%eax */
	0xbb, 0x01, 0x00, 0x00, 0x00, /* mov $1,%ebx */
	0xb9, 0x00, 0x01, 0x40, 0x00, /* mov $0x400100,%ecx */
	0xba, 0x10, 0x00, 0x00, 0x00, /* mov $16,%edx */
	0xcd, 0x80,                   /* int $0x80 */
	0xb8, 0x01, 0x00, 0x00, 0x00, /* mov $1,%eax */
	0xbb, 0x2a, 0x00, 0x00, 0x00, /* mov $42,%ebx */
	0xcd, 0x80,                   /* int $0x80 */
};

static const uint8_t x86_64[] = {
	0xb8, 0x01, 0x00, 0x00, 0x00, /* mov $1,%eax */
	0xbf, 0x01, 0x00, 0x00, 0x00, /* mov $1,%edi */
	0xbe, 0x00, 0x01, 0x40, 0x00, /* mov $0x400100,%esi */
	0xba, 0x10, 0x00, 0x00, 0x00, /* mov $16,%edx */
	0x0f, 0x05,                   /* syscall */
	0xb8, 0x3c, 0x00, 0x00, 0x00, /* mov $60,%eax */
	0xbf, 0x2a, 0x00, 0x00, 0x00, /* mov $42,%edi */
	0x0f, 0x05,                   /* syscall */
};

static const uint32_t arm[] = {
	0xe3a00001, /* mov r0, #1 */
	0xe3a01501, /* mov r1, #0x400000 */
	0xe2811c01, /* add r1, r1, #0x100 */
	0xe3a02010, /* mov r2, #16 */
	0xe3a07004, /* mov r7, #4 */
	0xef000000, /* svc #0 */
	0xe3a0002a, /* mov r0, #42 */
	0xe3a07001, /* mov r7, #1 */
	0xef000000, /* svc #0 */
};

static const uint32_t aarch64[] = {
	0xd2800020, /* mov x0, #1 */
	0xd2a00801, /* mov x1, #0x400000 */
	0x91040021, /* add x1, x1, #0x100 */
	0xd2800202, /* mov x2, #16 */
	0xd2800808, /* mov x8, #64 */
	0xd4000001, /* svc #0 */
	0xd2800540, /* mov x0, #42 */
	0xd2800ba8, /* mov x8, #93 */
	0xd4000001, /* svc #0 */
};

static const uint32_t riscv[] = {
	0x00100513, /* li a0, 1 */
	0x004005b7, /* lui a1, 0x400 */
	0x10058593, /* addi a1, a1, 0x100 */
	0x01000613, /* li a2, 16 */
	0x04000893, /* li a7, 64 */
	0x00000073, /* ecall */
	0x02a00513, /* li a0, 42 */
	0x05d00893, /* li a7, 93 */
	0x00000073, /* ecall */
};

static const uint32_t ppc[] = {
	0x38000004, /* li 0, 4 */
	0x38600001, /* li 3, 1 */
	0x3c800040, /* lis 4, 0x40 */
	0x60840100, /* ori 4, 4, 0x100 */
	0x38a00010, /* li 5, 16 */
	0x44000002, /* sc */
	0x38000001, /* li 0, 1 */
	0x3860002a, /* li 3, 42 */
	0x44000002, /* sc */
};

static const uint32_t mips_o32[] = {
	0x24040001, /* addiu $4, $0, 1 */
	0x3c050040, /* lui $5, 0x40 */
	0x34a50100, /* ori $5, $5, 0x100 */
	0x24060010, /* addiu $6, $0, 16 */
	0x24020fa4, /* addiu $2, $0, 4004 */
	0x0000000c, /* syscall */
	0x2404002a, /* addiu $4, $0, 42 */
	0x24020fa1, /* addiu $2, $0, 4001 */
	0x0000000c, /* syscall */
};

static const uint32_t mips_n32[] = {
	0x24040001, /* addiu $4, $0, 1 */
	0x3c050040, /* lui $5, 0x40 */
	0x34a50100, /* ori $5, $5, 0x100 */
	0x24060010, /* addiu $6, $0, 16 */
	0x24021771, /* addiu $2, $0, 6001 */
	0x0000000c, /* syscall */
	0x2404002a, /* addiu $4, $0, 42 */
	0x240217aa, /* addiu $2, $0, 6058 */
	0x0000000c, /* syscall */
};

static const uint32_t mips_n64[] = {
	0x24040001, /* addiu $4, $0, 1 */
	0x3c050040, /* lui $5, 0x40 */
	0x34a50100, /* ori $5, $5, 0x100 */
	0x24060010, /* addiu $6, $0, 16 */
	0x24021389, /* addiu $2, $0, 5001 */
	0x0000000c, /* syscall */
	0x2404002a, /* addiu $4, $0, 42 */
	0x240213c2, /* addiu $2, $0, 5058 */
	0x0000000c, /* syscall */
};

static const uint32_t sparc[] = {
	0x82102004, /* mov 4, %g1 */
	0x90102001, /* mov 1, %o0 */
	0x13001000, /* sethi %hi(0x400000), %o1 */
	0x92126100, /* or %o1, 0x100, %o1 */
	0x94102010, /* mov 16, %o2 */
	0x91d02010, /* ta 0x10 */
	0x82102001, /* mov 1, %g1 */
	0x9010202a, /* mov 42, %o0 */
	0x91d02010, /* ta 0x10 */
};

static const uint32_t sparc64[] = {
	0x82102004, /* mov 4, %g1 */
	0x90102001, /* mov 1, %o0 */
	0x13001000, /* sethi %hi(0x400000), %o1 */
	0x92126100, /* or %o1, 0x100, %o1 */
	0x94102010, /* mov 16, %o2 */
	0x91d0206d, /* ta 0x6d */
	0x82102001, /* mov 1, %g1 */
	0x9010202a, /* mov 42, %o0 */
	0x91d0206d, /* ta 0x6d */
};

static const uint32_t alpha[] = {
	0x221f0001, /* lda $16, 1($31) */
	0x263f0040, /* ldah $17, 0x40($31) */
	0x22310100, /* lda $17, 0x100($17) */
	0x225f0010, /* lda $18, 16($31) */
	0x201f0004, /* lda $0, 4($31) */
	0x00000083, /* call_pal 0x83 */
	0x221f002a, /* lda $16, 42($31) */
	0x201f0001, /* lda $0, 1($31) */
	0x00000083, /* call_pal 0x83 */
};

static const uint32_t hppa[] = {
	0x341a0002, /* ldi 1, %r26 */
	0x23200008, /* ldil L%0x400000, %r25 */
	0x37390200, /* ldo 0x100(%r25), %r25 */
	0x34180020, /* ldi 16, %r24 */
	0xe4008200, /* ble 0x100(%sr2, %r0) */
	0x34140008, /* ldi 4, %r20 */
	0x341a0054, /* ldi 42, %r26 */
	0xe4008200, /* ble 0x100(%sr2, %r0) */
	0x34140002, /* ldi 1, %r20 */
};

static const uint32_t hexagon[] = {
	0x7800c020, /* r0 = #1 */
	0x00044004, /* r1 = ##0x400100 */
	0x7800c001, /*    (its low bits) */
	0x7800c202, /* r2 = #16 */
	0x7800c806, /* r6 = #64 */
	0x5400c004, /* trap0(#1) */
	0x7800c540, /* r0 = #42 */
	0x7800cba6, /* r6 = #93 */
	0x5400c004, /* trap0(#1) */
};

static const uint32_t loongarch[] = {
	0x03800404, /* ori $a0, $zero, 1 */
	0x14008005, /* lu12i.w $a1, 0x400 */
	0x038400a5, /* ori $a1, $a1, 0x100 */
	0x03804006, /* ori $a2, $zero, 16 */
	0x0381000b, /* ori $a7, $zero, 64 */
	0x002b0000, /* syscall 0 */
	0x0380a804, /* ori $a0, $zero, 42 */
	0x0381740b, /* ori $a7, $zero, 93 */
	0x002b0000, /* syscall 0 */
};

static const uint32_t or1k[] = {
	0xa8600001, /* l.ori r3, r0, 1 */
	0x18800040, /* l.movhi r4, 0x40 */
	0xa8840100, /* l.ori r4, r4, 0x100 */
	0xa8a00010, /* l.ori r5, r0, 16 */
	0xa9600040, /* l.ori r11, r0, 64 */
	0x20000001, /* l.sys 1 */
	0xa860002a, /* l.ori r3, r0, 42 */
	0xa960005d, /* l.ori r11, r0, 93 */
	0x20000001, /* l.sys 1 */
};

static const uint32_t microblaze[] = {
	0x30a00001, /* addik r5, r0, 1 */
	0xb0000040, /* imm 0x40 */
	0x30c00100, /* addik r6, r0, 0x100 */
	0x30e00010, /* addik r7, r0, 16 */
	0x31800004, /* addik r12, r0, 4 */
	0xb9cc0008, /* brki r14, 8 */
	0x30a0002a, /* addik r5, r0, 42 */
	0x31800001, /* addik r12, r0, 1 */
	0xb9cc0008, /* brki r14, 8 */
};

static const uint16_t sh4[] = {
	0xe304, /* mov #4, r3 */
	0xe401, /* mov #1, r4 */
	0xe540, /* mov #0x40, r5 */
	0x4528, /* shll16 r5 */
	0xe001, /* mov #1, r0 */
	0x4018, /* shll8 r0 */
	0x350c, /* add r0, r5 */
	0xe610, /* mov #16, r6 */
	0xc313, /* trapa #0x13 */
	0xe301, /* mov #1, r3 */
	0xe42a, /* mov #42, r4 */
	0xc311, /* trapa #0x11 */
};

static const uint8_t s390x[] = {
	0xa7, 0x29, 0x00, 0x01, /* lghi %r2, 1 */
	0xa5, 0x3e, 0x00, 0x40, /* llilh %r3, 0x40 */
	0xa7, 0x3b, 0x01, 0x00, /* aghi %r3, 0x100 */
	0xa7, 0x49, 0x00, 0x10, /* lghi %r4, 16 */
	0x0a, 0x04,             /* svc 4 */
	0xa7, 0x29, 0x00, 0x2a, /* lghi %r2, 42 */
	0x0a, 0x01,             /* svc 1 */
};

static const uint8_t m68k[] = {
	0x70, 0x04,                         /* moveq #4, %d0 */
	0x72, 0x01,                         /* moveq #1, %d1 */
	0x24, 0x3c, 0x00, 0x40, 0x01, 0x00, /* move.l #0x400100, %d2 */
	0x76, 0x10,                         /* moveq #16, %d3 */
	0x4e, 0x40,                         /* trap #0 */
	0x70, 0x01,                         /* moveq #1, %d0 */
	0x72, 0x2a,                         /* moveq #42, %d1 */
	0x4e, 0x40,                         /* trap #0 */
};

static const uint8_t xtensa[] = {
	0x62, 0xa0, 0x01, /* movi a6, 1 */
	0x32, 0xa0, 0x40, /* movi a3, 64 */
	0x00, 0x33, 0x11, /* slli a3, a3, 16 */
	0x32, 0xd3, 0x01, /* addmi a3, a3, 0x100 */
	0x42, 0xa0, 0x10, /* movi a4, 16 */
	0x22, 0xa0, 0x0d, /* movi a2, 13 */
	0x00, 0x50, 0x00, /* syscall */
	0x62, 0xa0, 0x2a, /* movi a6, 42 */
	0x22, 0xa0, 0x76, /* movi a2, 118 */
	0x00, 0x50, 0x00, /* syscall */
};

static const uint8_t xtensa_be[] = {
	0x26, 0x0a, 0x01, /* movi a6, 1 */
	0x23, 0x0a, 0x40, /* movi a3, 64 */
	0x00, 0x33, 0x11, /* slli a3, a3, 16 */
	0x23, 0x3d, 0x01, /* addmi a3, a3, 0x100 */
	0x24, 0x0a, 0x10, /* movi a4, 16 */
	0x22, 0x0a, 0x0d, /* movi a2, 13 */
	0x00, 0x05, 0x00, /* syscall */
	0x26, 0x0a, 0x2a, /* movi a6, 42 */
	0x22, 0x0a, 0x76, /* movi a2, 118 */
	0x00, 0x05, 0x00, /* syscall */
};

enum { BITS_32 = TINY_ELF_32, BITS_64 = TINY_ELF_64 };
enum { LITTLE = TINY_ELF_LITTLE, BIG = TINY_ELF_BIG };

#define BYTES(code)        (code), NULL, NULL, sizeof(code)
#define HALVES(code)       NULL, (code), NULL, ARRAY_SIZE(code)
#define WORDS(code)        NULL, NULL, (code), ARRAY_SIZE(code)
#define SAME_ORDER         0
#define ALWAYS(byte_order) (byte_order)

static const struct {
	const char *target;
	uint8_t class;
	uint8_t order; /* of the data */
	uint16_t machine;
	uint32_t flags;
	const uint8_t *bytes;
	const uint16_t *halves;
	const uint32_t *words;
	size_t count;
	uint8_t code_order; /* where that of the code is another */
} programs[] = {
	{"aarch64", BITS_64, LITTLE, 183, 0, WORDS(aarch64), SAME_ORDER},
	{"aarch64_be", BITS_64, BIG, 183, 0, WORDS(aarch64), ALWAYS(LITTLE)},
	{"alpha", BITS_64, LITTLE, 36902, 0, WORDS(alpha), SAME_ORDER},
	{"arm", BITS_32, LITTLE, 40, 0x05000000, WORDS(arm), SAME_ORDER},
	{"armeb", BITS_32, BIG, 40, 0x05000000, WORDS(arm), SAME_ORDER},
	{"hexagon", BITS_32, LITTLE, 164, 0x67, WORDS(hexagon), SAME_ORDER},
	{"hppa", BITS_32, BIG, 15, 0x210, WORDS(hppa), SAME_ORDER},
	{"i386", BITS_32, LITTLE, 3, 0, BYTES(x86_32), SAME_ORDER},
	{"loongarch64", BITS_64, LITTLE, 258, 0x43, WORDS(loongarch), SAME_ORDER},
	{"m68k", BITS_32, BIG, 4, 0, BYTES(m68k), SAME_ORDER},
	{"microblaze", BITS_32, BIG, 47787, 0, WORDS(microblaze), SAME_ORDER},
	{"microblazeel", BITS_32, LITTLE, 47787, 0, WORDS(microblaze), SAME_ORDER},
	{"mips", BITS_32, BIG, 8, 0x50001000, WORDS(mips_o32), SAME_ORDER},
	{"mips64", BITS_64, BIG, 8, 0x60000000, WORDS(mips_n64), SAME_ORDER},
	{"mips64el", BITS_64, LITTLE, 8, 0x60000000, WORDS(mips_n64), SAME_ORDER},
	{"mipsel", BITS_32, LITTLE, 8, 0x50001000, WORDS(mips_o32), SAME_ORDER},
	{"mipsn32", BITS_32, BIG, 8, 0x60000020, WORDS(mips_n32), SAME_ORDER},
	{"mipsn32el", BITS_32, LITTLE, 8, 0x60000020, WORDS(mips_n32), SAME_ORDER},
	{"or1k", BITS_32, BIG, 92, 0, WORDS(or1k), SAME_ORDER},
	{"ppc", BITS_32, BIG, 20, 0, WORDS(ppc), SAME_ORDER},
	/* 2 is ELFv2: the entry is code, and not a function descriptor. */
	{"ppc64", BITS_64, BIG, 21, 2, WORDS(ppc), SAME_ORDER},
	{"ppc64le", BITS_64, LITTLE, 21, 2, WORDS(ppc), SAME_ORDER},
	{"riscv32", BITS_32, LITTLE, 243, 0, WORDS(riscv), SAME_ORDER},
	{"riscv64", BITS_64, LITTLE, 243, 0, WORDS(riscv), SAME_ORDER},
	{"s390x", BITS_64, BIG, 22, 0, BYTES(s390x), SAME_ORDER},
	{"sh4", BITS_32, LITTLE, 42, 9, HALVES(sh4), SAME_ORDER},
	{"sh4eb", BITS_32, BIG, 42, 9, HALVES(sh4), SAME_ORDER},
	{"sparc", BITS_32, BIG, 2, 0, WORDS(sparc), SAME_ORDER},
	{"sparc32plus", BITS_32, BIG, 18, 0x100, WORDS(sparc), SAME_ORDER},
	{"sparc64", BITS_64, BIG, 43, 0, WORDS(sparc64), SAME_ORDER},
	{"x86_64", BITS_64, LITTLE, 62, 0, BYTES(x86_64), SAME_ORDER},
	{"xtensa", BITS_32, LITTLE, 94, 0x300, BYTES(xtensa), SAME_ORDER},
	{"xtensaeb", BITS_32, BIG, 94, 0x300, BYTES(xtensa_be), SAME_ORDER},
};

static void
put_code(size_t which, uint8_t *at)
{
	uint8_t order = programs[which].code_order != SAME_ORDER ? programs[which].code_order
								 : programs[which].order;

	for (size_t i = 0; i < programs[which].count; i++) {
		if (programs[which].bytes != NULL)
			at = tiny_elf_put(at, programs[which].bytes[i], 1, order);
		else if (programs[which].halves != NULL)
			at = tiny_elf_put(at, programs[which].halves[i], 2, order);
		else
			at = tiny_elf_put(at, programs[which].words[i], 4, order);
	}
}

bool
guest_program(const char *target, uint8_t program[FOREIGN_SIZE])
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		const struct tiny_elf elf = {
			.class = programs[i].class,
			.order = programs[i].order,
			.machine = programs[i].machine,
			.flags = programs[i].flags,
			.address = ADDRESS,
			.code_at = CODE_AT,
			.size = FOREIGN_SIZE,
		};
		char line[FOREIGN_WORD + 1];

		if (strcmp(programs[i].target, target) != 0)
			continue;
		memset(program, 0, FOREIGN_SIZE);
		tiny_elf_headers(&elf, program);
		put_code(i, program + CODE_AT);
		(void)snprintf(line, sizeof(line), "%-*s\n", FOREIGN_WORD - 1, target);
		memcpy(program + LINE_AT, line, FOREIGN_WORD);
		return true;
	}
	return false;
}
