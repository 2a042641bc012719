/* SPDX-License-Identifier: MIT */
#include "distributor/documents/purl.h"

#include "base/alloc.h"
#include "base/strbuf.h"

#include <string.h>

/* Percent-encodes what a package URL does not take as it is; ':' stays. */
static void
put_encoded(struct strbuf *buf, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789.-_~:";

	for (; *text != '\0'; text++)
		if (strchr(plain, *text) != NULL)
			strbuf_add(buf, text, 1);
		else
			strbuf_addf(buf, "%%%02X", (unsigned int)(unsigned char)*text);
}

/* The "fc44" of a release such as "1.fc44", or NULL. */
static const char *
fedora_release(const char *version)
{
	const char *dist = strstr(version, ".fc");

	return dist != NULL && dist[3] >= '0' && dist[3] <= '9' ? dist + 3 : NULL;
}

static char *
purl_of_rpm(const struct package *package)
{
	AUTO(strbuf_clear) struct strbuf buf = STRBUF_INIT;
	const char *colon = strchr(package->version, ':');
	const char *release = fedora_release(package->version);

	strbuf_adds(&buf, "pkg:rpm/fedora/");
	put_encoded(&buf, package->name);
	strbuf_adds(&buf, "@");
	put_encoded(&buf, colon != NULL ? colon + 1 : package->version);
	strbuf_addf(&buf, "?arch=%s", package->arch);
	if (release != NULL)
		strbuf_addf(&buf, "&distro=fedora-%.*s", (int)strspn(release, "0123456789"),
			    release);
	if (colon != NULL)
		strbuf_addf(&buf, "&epoch=%.*s", (int)(colon - package->version), package->version);
	return strbuf_take(&buf);
}

char *
purl_of_package(const struct package *package)
{
	AUTO(strbuf_clear) struct strbuf buf = STRBUF_INIT;

	if (text_ends_with(package->file, ".rpm"))
		return purl_of_rpm(package);
	strbuf_adds(&buf, "pkg:deb/debian/");
	put_encoded(&buf, package->name);
	strbuf_adds(&buf, "@");
	put_encoded(&buf, package->version);
	strbuf_addf(&buf, "?arch=%s", package->arch);
	if (package->suite != NULL)
		strbuf_addf(&buf, "&distro=%s", package->suite);
	return strbuf_take(&buf);
}

void
source_package_clear(struct source_package *source)
{
	free(source->name);
	free(source->version);
	*source = (struct source_package)SOURCE_PACKAGE_INIT;
}

/* NAME-VERSION-RELEASE.src.rpm: the last two '-' split it. */
static bool
parse_rpm(const char *text, struct source_package *ret_source)
{
	auto_free char *copy = xstrndup(text, strlen(text) - strlen(".src.rpm"));
	char *release = strrchr(copy, '-'), *version;

	if (release == NULL || release == copy)
		return false;
	*release = '\0';
	version = strrchr(copy, '-');
	*release = '-';
	if (version == NULL || version == copy)
		return false;
	*version = '\0';
	ret_source->name = xstrdup(copy);
	ret_source->version = xstrdup(version + 1);
	ret_source->is_rpm = true;
	return true;
}

bool
source_package_parse(const char *text, struct source_package *ret_source)
{
	const char *open = strstr(text, " (= ");
	size_t length = strlen(text);

	if (text_ends_with(text, ".src.rpm"))
		return parse_rpm(text, ret_source);
	if (open == NULL || open == text || text[length - 1] != ')' || open + 5 > text + length - 1)
		return false;
	ret_source->name = xstrndup(text, (size_t)(open - text));
	ret_source->version = xstrndup(open + 4, (size_t)(text + length - 1 - open - 4));
	ret_source->is_rpm = false;
	return true;
}

char *
purl_of_source(const struct source_package *source)
{
	AUTO(strbuf_clear) struct strbuf buf = STRBUF_INIT;

	strbuf_adds(&buf, source->is_rpm ? "pkg:rpm/fedora/" : "pkg:deb/debian/");
	put_encoded(&buf, source->name);
	strbuf_adds(&buf, "@");
	put_encoded(&buf, source->version);
	strbuf_adds(&buf, source->is_rpm ? "?arch=src" : "?arch=source");
	return strbuf_take(&buf);
}

char *
source_package_location(const struct source_package *source)
{
	AUTO(strbuf_clear) struct strbuf buf = STRBUF_INIT;
	const char *dash = strrchr(source->version, '-');

	if (source->is_rpm) {
		strbuf_adds(&buf, "https://kojipkgs.fedoraproject.org/packages/");
		strbuf_addf(&buf, "%s/%.*s/%s/src/%s-%s.src.rpm", source->name,
			    (int)(dash - source->version), source->version, dash + 1, source->name,
			    source->version);
		return strbuf_take(&buf);
	}
	strbuf_addf(&buf, "https://snapshot.debian.org/package/%s/", source->name);
	put_encoded(&buf, source->version);
	strbuf_adds(&buf, "/");
	return strbuf_take(&buf);
}

/* Identifiers of SPDX have a '-', but for a few; the old words of Fedora have none. */
static bool
is_license_id(const char *text, size_t length)
{
	static const char *const short_ids[] = {"MIT", "ISC",   "Zlib", "X11",
						"NTP", "FSFAP", "curl"};

	for (size_t i = 0; i < ARRAY_SIZE(short_ids); i++)
		if (strlen(short_ids[i]) == length && memcmp(short_ids[i], text, length) == 0)
			return true;
	return memchr(text, '-', length) != NULL &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-") >=
		       length;
}

static bool
is_operator(const char *text, size_t length)
{
	static const char *const operators[] = {"AND", "OR", "WITH"};

	for (size_t i = 0; i < ARRAY_SIZE(operators); i++)
		if (strlen(operators[i]) == length && memcmp(operators[i], text, length) == 0)
			return true;
	return false;
}

const char *
license_expression(const char *text)
{
	bool want_id = true;
	int depth = 0;

	if (text == NULL)
		return NULL;
	for (const char *p = text; *p != '\0';) {
		size_t length = strcspn(p, " ()");

		if (*p == '(' && want_id)
			depth++;
		else if (*p == ')' && !want_id)
			depth--;
		else if (length != 0 && want_id && is_license_id(p, length))
			want_id = false;
		else if (length != 0 && !want_id && is_operator(p, length))
			want_id = true;
		else if (*p != ' ')
			return NULL;
		if (depth < 0)
			return NULL;
		p += length != 0 ? length : 1;
	}
	return !want_id && depth == 0 ? text : NULL;
}
