/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "sources/debian/deb_version.h"
#include "sources/emulator_version.h"
#include "sources/rpm/rpm_version.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int
sign_of(int number)
{
	return (number > 0) - (number < 0);
}

/* Each order is one: the same in both directions, and nothing is newer than itself. */
static void
orders(const char *a, const char *b)
{
	static int (*const compare[])(const char *, const char *) = {
		deb_version_compare, rpm_version_compare, rpm_evr_compare};

	for (size_t i = 0; i < ARRAY_SIZE(compare); i++)
		if (sign_of(compare[i](a, b)) != -sign_of(compare[i](b, a)) ||
		    compare[i](a, a) != 0)
			abort();
}

/* Three texts with a NUL between them: two versions, and what a program says of itself. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	auto_free char *a = xstrndup((const char *)bytes, size);
	size_t first = strlen(a) < size ? strlen(a) + 1 : size;
	auto_free char *b = xstrndup((const char *)bytes + first, size - first);
	size_t second = first + strlen(b) < size ? first + strlen(b) + 1 : size;
	auto_free char *upstream = NULL;
	struct emulator_version version;
	struct error err = ERROR_INIT;

	orders(a, b);
	if (deb_version_check(a, &err) == 0)
		upstream = deb_version_upstream(a);
	if (emulator_read_version(bytes + second, size - second, "arm", &version, &err) == 0)
		(void)!emulator_check_version(&version, a, &err);
	return 0;
}
