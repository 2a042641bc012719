/* SPDX-License-Identifier: MIT */
#include "register/names.h"

#include "register/bare.h"

#define WORD_MAX 64

static const struct {
	const char *pattern, *target;
} synonyms[] = {
	{"amd64", "x86_64"},     {"x86-64", "x86_64"},
	{"386", "i386"},         {"x86", "i386"},
	{"i[56]86", "i386"},     {"arm64", "aarch64"},
	{"arm64/v8", "aarch64"}, {"armel", "arm"},
	{"armhf", "arm"},        {"armv[5-8]*l", "arm"},
	{"arm/v[5678]", "arm"},  {"loong64", "loongarch64"},
	{"powerpc", "ppc"},      {"powerpc64", "ppc64"},
	{"ppc64el", "ppc64le"},  {"powerpc64le", "ppc64le"},
	{"mipsle", "mipsel"},    {"mips64le", "mips64el"},
	{"openrisc", "or1k"},    {"parisc", "hppa"},
};

const struct binfmt_target *
name_target(const char *word)
{
	char bare[WORD_MAX];
	const char *rest;
	size_t n;

	if ((rest = bare_after(word, "linux/")) != NULL ||
	    (rest = bare_after(word, "qemu-")) != NULL)
		word = rest;
	n = bare_format(bare, sizeof(bare), "%s", word);
	if (n >= sizeof(bare))
		return NULL;
	if (rest != NULL && bare_ends(bare, "-static"))
		bare[n - sizeof("-static") + 1] = '\0';
	for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++)
		if (bare_glob(synonyms[i].pattern, bare))
			return binfmt_target_find(synonyms[i].target);
	return binfmt_target_find(bare);
}

const struct binfmt_target *
name_suggest(const char *word)
{
	const struct binfmt_target *best = NULL;
	unsigned least = 3; /* more slips than this, and any name would do */

	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++) {
		unsigned distance = bare_distance(word, binfmt_targets[i].name);

		if (distance < least) {
			least = distance;
			best = &binfmt_targets[i];
		}
	}
	return best;
}
