/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The table of architectures, in every spelling that this program meets.
 *
 * Hosts run the emulator and are spelled as `uname -m` prints them; targets are emulated and are
 * spelled as in QEMU.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arch {
	const char *name;        /* from_arch: `uname -m` (mips: with the byte order) */
	const char *qemu;        /* QEMU's target of the same architecture */
	const char *oci;         /* GOARCH, as in OCI image configs and `linux/ARCH` */
	const char *oci_variant; /* NULL where the platform has none */
	const char *debian;      /* NULL where Debian never had it */
	const char *fedora;      /* NULL where Fedora never had it */
	uint8_t elf_class;       /* 1: 32 bits, 2: 64 bits */
	uint8_t elf_data;        /* 1: little endian, 2: big endian */
	uint16_t elf_machine;    /* e_machine */
	uint32_t elf_flags_mask; /* the bits of e_flags that distinguish its siblings */
	uint32_t elf_flags;
};

extern const struct arch arch_table[];
extern const size_t arch_count;

/* The host of exactly this `uname -m` spelling, or NULL. */
const struct arch *arch_find(const char *name);

/*
 * The host for any spelling: uname, Debian, Fedora, Docker with or without `linux/` and variant,
 * QEMU. NULL if unknown.
 */
const struct arch *arch_find_any(const char *spelling);

/* The known host whose spelling is closest to a mistyped one, or NULL. */
const struct arch *arch_suggest(const char *spelling);

/* All QEMU targets ever built for user emulation, sorted. */
extern const char *const target_table[];
extern const size_t target_count;

bool target_is_known(const char *name);

/* The target for a Docker, Debian or QEMU spelling (`linux/arm64`, `ppc64el`), or NULL. */
const char *target_find_any(const char *spelling);

/* The target closest to a mistyped one, or NULL. */
const char *target_suggest(const char *spelling);

/* Whether `target` is the host's own architecture: its binary is pointless in an image. */
bool arch_is_own_target(const struct arch *host, const char *target);
