/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * sys_raw: entering the kernel, and being entered by it, per architecture.
 *
 * sys_raw(number, a, b, c, d, e) makes one system call and returns the result or the negated errno.
 * SYS_RAW_START is the program's entry point: it clears what the ABI wants cleared, aligns the
 * stack, and passes the address of argc to sys_start(), which does not return.
 */

/*
 * Most kernels take the number and the arguments in fixed registers, and leave the result in that
 * of the first argument. What follows `e` are the registers that the call does not keep.
 */
#define SYS_RAW_REGISTERS(instruction, n, a, b, c, d, e, ...)                                      \
	static inline long sys_raw(long number, long first, long second, long third, long fourth,  \
				   long fifth)                                                     \
	{                                                                                          \
		register long rn __asm__(n) = number;                                              \
		register long ra __asm__(a) = first;                                               \
		register long rb __asm__(b) = second;                                              \
		register long rc __asm__(c) = third;                                               \
		register long rd __asm__(d) = fourth;                                              \
		register long re __asm__(e) = fifth;                                               \
                                                                                                   \
		__asm__ volatile(instruction                                                       \
				 : "+r"(ra)                                                        \
				 : "r"(rn), "r"(rb), "r"(rc), "r"(rd), "r"(re)                     \
				 : __VA_ARGS__);                                                   \
		return ra;                                                                         \
	}

#if defined(__x86_64__)

static inline long
sys_raw(long number, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
			 : "rcx", "r11", "memory");
	return ret;
}

#define SYS_RAW_START                                                                              \
	"xor %ebp, %ebp\n"                                                                         \
	"mov %rsp, %rdi\n"                                                                         \
	"and $-16, %rsp\n"                                                                         \
	"call sys_start\n"

#elif defined(__i386__)

static inline long
sys_raw(long number, long a, long b, long c, long d, long e)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory");
	return ret;
}

#define SYS_RAW_START                                                                              \
	"xor %ebp, %ebp\n"                                                                         \
	"mov %esp, %eax\n"                                                                         \
	"and $-16, %esp\n"                                                                         \
	"sub $12, %esp\n"                                                                          \
	"push %eax\n"                                                                              \
	"call sys_start\n"

#elif defined(__aarch64__)

SYS_RAW_REGISTERS("svc #0", "x8", "x0", "x1", "x2", "x3", "x4", "memory")

#define SYS_RAW_START                                                                              \
	"mov x29, #0\n"                                                                            \
	"mov x30, #0\n"                                                                            \
	"mov x0, sp\n"                                                                             \
	"and sp, x0, #-16\n"                                                                       \
	"bl sys_start\n"

#elif defined(__arm__)

SYS_RAW_REGISTERS("svc #0", "r7", "r0", "r1", "r2", "r3", "r4", "memory")

#define SYS_RAW_START                                                                              \
	"mov fp, #0\n"                                                                             \
	"mov lr, #0\n"                                                                             \
	"mov r0, sp\n"                                                                             \
	"bic sp, sp, #7\n"                                                                         \
	"bl sys_start\n"

#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)

/* Failure is told by the summary overflow bit; the errno is then positive. */
static inline long
sys_raw(long number, long a, long b, long c, long d, long e)
{
	register long r0 __asm__("r0") = number;
	register long r3 __asm__("r3") = a;
	register long r4 __asm__("r4") = b;
	register long r5 __asm__("r5") = c;
	register long r6 __asm__("r6") = d;
	register long r7 __asm__("r7") = e;

	__asm__ volatile("sc\n"
			 "bns+ 1f\n"
			 "neg %1, %1\n"
			 "1:"
			 : "+r"(r0), "+r"(r3), "+r"(r4), "+r"(r5), "+r"(r6), "+r"(r7)
			 :
			 : "memory", "cr0", "ctr", "xer", "r8", "r9", "r10", "r11", "r12");
	return r3;
}

/* r2 is the table of contents, which nothing has set before the first instruction. */
#define SYS_RAW_START                                                                              \
	"lis 2, .TOC.@ha\n"                                                                        \
	"addi 2, 2, .TOC.@l\n"                                                                     \
	"mr 3, 1\n"                                                                                \
	"clrrdi 1, 1, 4\n"                                                                         \
	"li 0, 0\n"                                                                                \
	"stdu 1, -64(1)\n"                                                                         \
	"mtlr 0\n"                                                                                 \
	"bl sys_start\n"                                                                           \
	"nop\n"

#elif defined(__s390x__)

SYS_RAW_REGISTERS("svc 0", "1", "2", "3", "4", "5", "6", "memory")

#define SYS_RAW_START                                                                              \
	"lgr %r2, %r15\n"                                                                          \
	"aghi %r15, -160\n"                                                                        \
	"xc 0(8, %r15), 0(%r15)\n"                                                                 \
	"brasl %r14, sys_start\n"

#elif defined(__riscv) && __riscv_xlen == 64

SYS_RAW_REGISTERS("ecall", "a7", "a0", "a1", "a2", "a3", "a4", "memory")

/* The linker may shorten accesses relative to gp, so gp is loaded without such shortening. */
#define SYS_RAW_START                                                                              \
	".option push\n"                                                                           \
	".option norelax\n"                                                                        \
	"lla gp, __global_pointer$\n"                                                              \
	".option pop\n"                                                                            \
	"mv a0, sp\n"                                                                              \
	"andi sp, sp, -16\n"                                                                       \
	"call sys_start\n"

#elif defined(__loongarch__) && __loongarch_grlen == 64

SYS_RAW_REGISTERS("syscall 0", "$r11", "$r4", "$r5", "$r6", "$r7", "$r8", "memory", "$r12", "$r13",
		  "$r14", "$r15", "$r16", "$r17", "$r18", "$r19", "$r20")

#define SYS_RAW_START                                                                              \
	"move $r4, $r3\n"                                                                          \
	"bstrins.d $r3, $r0, 3, 0\n"                                                               \
	"bl sys_start\n"

#elif defined(__mips__) && defined(_ABI64) && _MIPS_SIM == _ABI64

/* Failure is told by $7; the errno is then positive. */
static inline long
sys_raw(long number, long a, long b, long c, long d, long e)
{
	register long v0 __asm__("$2") = number;
	register long a0 __asm__("$4") = a;
	register long a1 __asm__("$5") = b;
	register long a2 __asm__("$6") = c;
	register long a3 __asm__("$7") = d;
	register long a4 __asm__("$8") = e;

	__asm__ volatile("syscall"
			 : "+r"(v0), "+r"(a3)
			 : "r"(a0), "r"(a1), "r"(a2), "r"(a4)
			 : "memory", "$1", "$3", "$10", "$11", "$12", "$13", "$14", "$15", "$24",
			   "$25", "hi", "lo");
	return a3 != 0 ? -v0 : v0;
}

#define SYS_RAW_START                                                                              \
	".set push\n"                                                                              \
	".set noreorder\n"                                                                         \
	"move $4, $29\n"                                                                           \
	"li $8, -16\n"                                                                             \
	"and $29, $29, $8\n"                                                                       \
	"jal sys_start\n"                                                                          \
	"move $31, $0\n"                                                                           \
	".set pop\n"

#elif defined(__mips__) && defined(_ABIO32) && _MIPS_SIM == _ABIO32

/* As above; the fifth argument goes onto the stack, behind room for the first four. */
static inline long
sys_raw(long number, long a, long b, long c, long d, long e)
{
	register long v0 __asm__("$2") = number;
	register long a0 __asm__("$4") = a;
	register long a1 __asm__("$5") = b;
	register long a2 __asm__("$6") = c;
	register long a3 __asm__("$7") = d;

	__asm__ volatile(".set push\n"
			 ".set noreorder\n"
			 "addiu $29, $29, -32\n"
			 "sw %6, 16($29)\n"
			 "syscall\n"
			 "addiu $29, $29, 32\n"
			 ".set pop"
			 : "+r"(v0), "+r"(a3)
			 : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(e)
			 : "memory", "$1", "$3", "$8", "$9", "$10", "$11", "$12", "$13", "$14",
			   "$15", "$24", "$25", "hi", "lo");
	return a3 != 0 ? -v0 : v0;
}

#define SYS_RAW_START                                                                              \
	".set push\n"                                                                              \
	".set noreorder\n"                                                                         \
	"move $4, $29\n"                                                                           \
	"li $8, -16\n"                                                                             \
	"and $29, $29, $8\n"                                                                       \
	"addiu $29, $29, -32\n"                                                                    \
	"jal sys_start\n"                                                                          \
	"move $31, $0\n"                                                                           \
	".set pop\n"

#else
#error "the registrar does not know how this architecture enters its kernel"
#endif
