#include "distributor/registrars.h"

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

static bool
try_path(char *path, char **ret_path)
{
	if (access(path, R_OK) == 0) {
		*ret_path = path;
		return true;
	}
	free(path);
	return false;
}

static int
missing(const struct arch *host, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(compilers); i++)
		if (strcmp(compilers[i].host, host->name) == 0)
			return error_set(err, ERR_INPUT,
					 "there is no registrar for '%s'; its compiler is in the "
					 "packages gcc-%s and libc6-dev-%s-cross: install "
					 "them, run cmake and build again, or say --registrars DIR",
					 host->name, compilers[i].triplet, host->debian);
	return error_set(err, ERR_INPUT, "there is no registrar for '%s'; say --registrars DIR",
			 host->name);
}

int
registrar_find(const char *directory, const struct arch *host, char **ret_path, struct error *err)
{
	auto_free char *own = NULL;

	if (directory != NULL)
		return try_path(xasprintf("%s/register-%s", directory, host->name), ret_path)
			       ? 0
			       : missing(host, err);
	own = own_directory();
	if (own != NULL &&
	    (try_path(xasprintf("%s/../libexec/distributor/register-%s", own, host->name),
		      ret_path) ||
	     try_path(xasprintf("%s/../register/register-%s", own, host->name), ret_path)))
		return 0;
	return missing(host, err);
}
