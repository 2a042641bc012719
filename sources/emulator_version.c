/* SPDX-License-Identifier: MIT */
#include "sources/emulator_version.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "model/qemu_version.h"
#include "sources/debian/deb_version.h"

#include <stdbool.h>
#include <string.h>

/* Copies until one of `ends` or what no version has. Returns the count; 0 also if too long. */
static size_t
copy_word(const char *text, size_t length, const char *ends, char *copy, size_t room)
{
	size_t n = 0;

	while (n < length && text[n] >= ' ' && text[n] <= '~' && strchr(ends, text[n]) == NULL)
		n++;
	if (n >= room)
		return 0;
	memcpy(copy, text, n);
	copy[n] = '\0';
	return n;
}

int
emulator_read_version(const uint8_t *bytes, size_t size, const char *target,
		      struct emulator_version *ret_version, struct error *err)
{
	auto_free char *intro = xasprintf("qemu-%s version ", target);
	const char *found = memmem(bytes, size, intro, strlen(intro));
	struct emulator_version version = {"", ""};
	const char *end = (const char *)bytes + size;
	size_t n;

	if (found == NULL)
		return error_set(err, ERR_VERIFY, "missing version text '%s'", intro);
	found += strlen(intro);
	n = copy_word(found, (size_t)(end - found), " (", version.number, sizeof(version.number));
	if (n == 0 || version.number[strspn(version.number, "0123456789.")] != '\0')
		return error_set(err, ERR_VERIFY, "no version after '%s'", intro);
	found += n;
	if (end - found > 2 && found[0] == ' ' && found[1] == '(')
		(void)copy_word(found + 2, (size_t)(end - found) - 2, ")", version.package,
				sizeof(version.package));
	*ret_version = version;
	return 0;
}

static const char *
without_epoch(const char *version)
{
	const char *colon = strchr(version, ':');

	return colon != NULL ? colon + 1 : version;
}

static bool
numbers_agree(const char *number, const char *upstream)
{
	auto_free char *candidate = qemu_version_plain(upstream);
	auto_free char *said = qemu_version_plain(number);
	size_t length = strlen(upstream);

	if (qemu_version_is_candidate(candidate))
		return strcmp(said, candidate) == 0;
	/* Another mark of a version before the one that is named. */
	if (strchr(upstream, '~') != NULL)
		return true;
	return text_starts_with(number, upstream) &&
	       (number[length] == '\0' || number[length] == '.');
}

static bool
words_agree(const char *words, const char *package_version)
{
	static const char debian[] = "Debian ", rpm[] = "qemu-";

	if (text_starts_with(words, debian))
		return strcmp(words + strlen(debian), package_version) == 0;
	if (text_starts_with(words, rpm))
		return strcmp(words + strlen(rpm), without_epoch(package_version)) == 0;
	return true;
}

int
emulator_check_version(const struct emulator_version *version, const char *package_version,
		       struct error *err)
{
	auto_free char *upstream = deb_version_upstream(package_version);

	if (!numbers_agree(version->number, upstream) ||
	    !words_agree(version->package, package_version))
		return error_set(err, ERR_VERIFY,
				 "it has version %s (%s), but the package has version %s",
				 version->number, version->package, package_version);
	return 0;
}
