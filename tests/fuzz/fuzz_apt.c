/* SPDX-License-Identifier: MIT */
/* With their functions that nobody else calls: what programs of apt print is text here. */
#include "sources/debian/apt.c"
#include "sources/debian/apt_machine.c"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* `apt-config dump`: a kept value cannot end its line of the configuration. */
static void
config(const char *text)
{
	AUTO(strbuf_clear) struct strbuf kept = STRBUF_INIT;
	const char *line;

	keep_options(text, &kept);
	for (line = strbuf_text(&kept); *line != '\0'; line = strchr(line, '\n') + 1) {
		size_t length = strcspn(line, "\n"), quotes = 0;

		for (size_t i = 0; i < length; i++)
			quotes += line[i] == '"';
		if (quotes != 2 || length < 4 || memcmp(line + length - 2, "\";", 2) != 0)
			abort();
	}
}

/* `apt-get indextargets`: a base URL can stand in a sources.list. */
static void
targets(const char *text)
{
	AUTO(apt_bases_clear) struct apt_bases bases = {NULL, 0};
	struct error err = ERROR_INIT;

	(void)!add_machine_bases(&bases, text, true, &err);
	(void)!add_machine_bases(&bases, text, false, &err);
	for (size_t i = 0; i < bases.count; i++)
		if (strpbrk(bases.urls[i], " \t\r\n\"[]#") != NULL)
			abort();
}

/* `apt-cache show`: the path of a chosen package stays inside an archive. */
static void
packages(const char *text, size_t size)
{
	AUTO(choice_clear) struct choice choice = {.arch = "amd64", .reasons = STRBUF_INIT};
	struct error err = ERROR_INIT;
	size_t offset = 0;

	for (;;) {
		AUTO(deb822_clear) struct deb822 entry = DEB822_INIT;

		if (deb822_next(text, size, &offset, "apt-cache", &entry, &err) <= 0 ||
		    consider(&choice, &entry, &err) < 0)
			break;
	}
	if (choice.package.pool_path != NULL &&
	    (choice.package.pool_path[0] == '/' || strstr(choice.package.pool_path, "..") != NULL))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	auto_free char *text = xstrndup((const char *)bytes, size);
	struct error err = ERROR_INIT;

	config(text);
	targets(text);
	packages((const char *)bytes, size);
	if (apt_failure(text, &err) != -1 || err.code == ERR_NONE)
		abort();
	return 0;
}
