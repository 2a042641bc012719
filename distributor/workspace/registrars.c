/* SPDX-License-Identifier: MIT */
#include "distributor/workspace/registrars.h"

#include "base/alloc.h"
#include "base/file.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

/* The GNU triplets of the cross compilers, for the advice. */
static const struct {
	const char *host, *triplet;
} compilers[] = {
	{"x86_64", "x86-64-linux-gnu"},       {"aarch64", "aarch64-linux-gnu"},
	{"ppc64le", "powerpc64le-linux-gnu"}, {"s390x", "s390x-linux-gnu"},
	{"riscv64", "riscv64-linux-gnu"},     {"loongarch64", "loongarch64-linux-gnu"},
	{"armv7l", "arm-linux-gnueabihf"},    {"armv5tel", "arm-linux-gnueabi"},
	{"i686", "i686-linux-gnu"},           {"mips64el", "mips64el-linux-gnuabi64"},
	{"mipsel", "mipsel-linux-gnu"},
};

/* The directory of the running program, or NULL. */
static char *
own_directory(void)
{
	char path[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (length <= 0)
		return NULL;
	path[length] = '\0';
	return path_directory(path);
}

/* 1 and the path, which is taken; 0 when there is nothing; or -1. */
static int
try_path(char *path, char **ret_path, struct error *err)
{
	auto_free char *owned = path;
	bool there;

	if (path_exists(path, &there, err) < 0)
		return -1;
	if (!there)
		return 0;
	*ret_path = TAKE(owned);
	return 1;
}

static int
missing(const struct arch *host, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(compilers); i++)
		if (strcmp(compilers[i].host, host->name) == 0)
			return error_set(err, ERR_INPUT,
					 "no registrar for '%s'; install its compiler (packages "
					 "gcc-%s and libc6-dev-%s-cross), run cmake and build "
					 "again, or use --registrars DIR",
					 host->name, compilers[i].triplet, host->debian);
	return error_set(err, ERR_INPUT, "no registrar for '%s'; use --registrars DIR", host->name);
}

int
registrar_find(const char *directory, const struct arch *host, char **ret_path, struct error *err)
{
	auto_free char *own = directory == NULL ? own_directory() : NULL;
	int found = 0;

	if (directory != NULL)
		found = try_path(xasprintf("%s/register-%s", directory, host->name), ret_path, err);
	if (own != NULL)
		found = try_path(
			xasprintf("%s/../libexec/distributor/register-%s", own, host->name),
			ret_path, err);
	if (own != NULL && found == 0)
		found = try_path(xasprintf("%s/../register/register-%s", own, host->name), ret_path,
				 err);
	if (found < 0)
		return -1;
	return found > 0 ? 0 : missing(host, err);
}
