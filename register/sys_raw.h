#pragma once

/*
 * sys_raw: entering the kernel, and being entered by it, per architecture.
 *
 * sys_raw(number, a, b, c, d, e) makes one system call and returns the result or the negated errno.
 * SYS_RAW_START is the program's entry point: it clears what the ABI wants cleared, aligns the
 * stack, and passes the address of argc to sys_start(), which does not return.
 */

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

static inline long
sys_raw(long number, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
			 : "memory");
	return x0;
}

#define SYS_RAW_START                                                                              \
	"mov x29, #0\n"                                                                            \
	"mov x30, #0\n"                                                                            \
	"mov x0, sp\n"                                                                             \
	"and sp, x0, #-16\n"                                                                       \
	"bl sys_start\n"

#elif defined(__arm__)

static inline long
sys_raw(long number, long a, long b, long c, long d, long e)
{
	register long r7 __asm__("r7") = number;
	register long r0 __asm__("r0") = a;
	register long r1 __asm__("r1") = b;
	register long r2 __asm__("r2") = c;
	register long r3 __asm__("r3") = d;
	register long r4 __asm__("r4") = e;

	__asm__ volatile("svc #0"
			 : "+r"(r0)
			 : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4)
			 : "memory");
	return r0;
}

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

static inline long
sys_raw(long number, long a, long b, long c, long d, long e)
{
	register long r1 __asm__("1") = number;
	register long r2 __asm__("2") = a;
	register long r3 __asm__("3") = b;
	register long r4 __asm__("4") = c;
	register long r5 __asm__("5") = d;
	register long r6 __asm__("6") = e;

	__asm__ volatile("svc 0"
			 : "+d"(r2)
			 : "d"(r1), "d"(r3), "d"(r4), "d"(r5), "d"(r6)
			 : "memory");
	return r2;
}

#define SYS_RAW_START                                                                              \
	"lgr %r2, %r15\n"                                                                          \
	"aghi %r15, -160\n"                                                                        \
	"xc 0(8, %r15), 0(%r15)\n"                                                                 \
	"brasl %r14, sys_start\n"

#elif defined(__riscv) && __riscv_xlen == 64

static inline long
sys_raw(long number, long a, long b, long c, long d, long e)
{
	register long a7 __asm__("a7") = number;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;
	register long a4 __asm__("a4") = e;

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4)
			 : "memory");
	return a0;
}

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

static inline long
sys_raw(long number, long a, long b, long c, long d, long e)
{
	register long a7 __asm__("$r11") = number;
	register long a0 __asm__("$r4") = a;
	register long a1 __asm__("$r5") = b;
	register long a2 __asm__("$r6") = c;
	register long a3 __asm__("$r7") = d;
	register long a4 __asm__("$r8") = e;

	__asm__ volatile("syscall 0"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4)
			 : "memory", "$r12", "$r13", "$r14", "$r15", "$r16", "$r17", "$r18", "$r19",
			   "$r20");
	return a0;
}

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
