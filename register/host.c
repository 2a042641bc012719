/* SPDX-License-Identifier: MIT */
#include "register/host.h"

#include "register/bare.h"
#include "register/sys.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define MIPS_32 "mipsel"
#define MIPS_64 "mips64el"
#else
#define MIPS_32 "mips"
#define MIPS_64 "mips64"
#endif

/* Patterns of names, first match first; every other name has to be a target's. */
static const struct {
	const char *pattern, *target;
} machines[] = {
	{"i[3456]86", "i386"},      {"i86pc", "i386"},
	{"BePC", "i386"},           {"386", "i386"},
	{"amd64", "x86_64"},        {"powerpc", "ppc"},
	{"ppc64el", "ppc64le"},     {"Power Macintosh", "ppc"},
	{"armv[4-9]*b", "armeb"},   {"armv[4-9]*", "arm"},
	{"armel", "arm"},           {"armhf", "arm"},
	{"arm64", "aarch64"},       {"mips", MIPS_32},
	{"mips64", MIPS_64},        {"sh4a*", "sh4"},
	{"parisc*", "hppa"},        {"openrisc", "or1k"},
	{"loong64", "loongarch64"},
};

const struct binfmt_target *
host_target(const char *name)
{
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		if (bare_glob(machines[i].pattern, name))
			return binfmt_target_find(machines[i].target);
	return binfmt_target_find(name);
}

int
host_detect(const char *host_arch, struct host *ret_host, char *ret_name, size_t size)
{
	struct sys_uname name;
	bool overridden = host_arch != NULL && *host_arch != '\0';
	const struct binfmt_target *target;

	if (!overridden) {
		if (sys_uname(&name) < 0)
			name.machine[0] = '\0';
		host_arch = name.machine;
	}
	target = host_target(host_arch);
	if (target == NULL) {
		bare_format(ret_name, size, "%s", host_arch);
		return -1;
	}
	*ret_host = (struct host){.target = target, .overridden = overridden};
	return 0;
}

const struct binfmt_target *
host_kernel_target(void)
{
	char name[SYS_NAME_SIZE];
	int fd = sys_open_read("/proc/sys/kernel/arch");
	long n;

	if (fd < 0)
		return NULL;
	n = sys_read(fd, name, sizeof(name) - 1);
	sys_close(fd);
	while (n > 0 && name[n - 1] == '\n')
		n--;
	if (n <= 0)
		return NULL;
	name[n] = '\0';
	return host_target(name);
}

enum host_relation
host_relation(const struct host *host, const struct binfmt_target *target)
{
	if (bare_equal(target->emulator, host->target->name))
		return HOST_ITSELF;
	if (bare_equal(target->family, host->target->family))
		return HOST_SIBLING;
	return HOST_FOREIGN;
}
