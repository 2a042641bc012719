/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/jsonx.h"
#include "base/strbuf.h"
#include "distributor/documents/purl.h"
#include "distributor/documents/release_internal.h"

#include <jansson.h>
#include <string.h>

/*
 * Elements:  asset-N    one file of the release page
 *            package-N  the upstream package that it was taken from
 *            source-N   a source package, of a package or of what is linked into it
 * Relations: DOCUMENT DESCRIBES asset, asset GENERATED_FROM package, package GENERATED_FROM
 *            source, package STATIC_LINK source
 */
struct spdx {
	const struct release *release;
	json_t *packages, *relations, *described;
	const char **sources; /* texts of the source packages that have an element; borrowed */
	size_t source_count;
};

static char *
element(const char *kind, size_t index)
{
	return xasprintf("SPDXRef-%s-%zu", kind, index + 1);
}

static void
relate(struct spdx *spdx, const char *from, const char *relation, const char *to)
{
	jsonx_append(spdx->relations,
		     jsonx_pack("{s:s, s:s, s:s}", "spdxElementId", from, "relationshipType",
				relation, "relatedSpdxElement", to));
}

/* What every element has. A NULL location or licence is one that nobody asserts. */
static json_t *
new_package(const char *id, const char *name, const char *version, const char *location,
	    const char *license)
{
	return jsonx_pack("{s:s, s:s, s:s, s:s, s:b, s:s, s:s, s:s}", "SPDXID", id, "name", name,
			  "versionInfo", version, "downloadLocation",
			  location != NULL ? location : "NOASSERTION", "filesAnalyzed", 0,
			  "licenseConcluded", "NOASSERTION", "licenseDeclared",
			  license != NULL ? license : "NOASSERTION", "copyrightText",
			  "NOASSERTION");
}

static void
set_checksum(json_t *package, const struct digest *digest)
{
	char hex[DIGEST_HEX_SIZE];

	jsonx_set(package, "checksums",
		  jsonx_pack("[{s:s, s:s}]", "algorithm", "SHA256", "checksumValue",
			     digest_hex(digest, hex)));
}

static void
set_purl(json_t *package, const char *purl)
{
	jsonx_set(package, "externalRefs",
		  jsonx_pack("[{s:s, s:s, s:s}]", "referenceCategory", "PACKAGE-MANAGER",
			     "referenceType", "purl", "referenceLocator", purl));
}

/* The index of the element for a source package, which is added the first time. */
static size_t
source_index(struct spdx *spdx, const char *text)
{
	AUTO(source_package_clear) struct source_package source = SOURCE_PACKAGE_INIT;
	auto_free char *id = NULL, *purl = NULL, *location = NULL;
	json_t *package;

	for (size_t i = 0; i < spdx->source_count; i++)
		if (strcmp(spdx->sources[i], text) == 0)
			return i;
	spdx->sources = xgrow(spdx->sources, spdx->source_count, sizeof(*spdx->sources));
	spdx->sources[spdx->source_count] = text;
	id = element("source", spdx->source_count);
	if (source_package_parse(text, &source)) {
		purl = purl_of_source(&source);
		location = source_package_location(&source);
		package = new_package(id, source.name, source.version, location, NULL);
		set_purl(package, purl);
	} else {
		package = new_package(id, text, "NOASSERTION", NULL, NULL);
	}
	jsonx_set(package, "primaryPackagePurpose", jsonx_text("SOURCE"));
	jsonx_append(spdx->packages, package);
	return spdx->source_count++;
}

static void
relate_source(struct spdx *spdx, const char *from, const char *relation, const char *text)
{
	auto_free char *to = NULL;

	if (text == NULL)
		return;
	to = element("source", source_index(spdx, text));
	relate(spdx, from, relation, to);
}

static void
add_package(struct spdx *spdx, size_t index)
{
	const struct package *package = &spdx->release->packages->items[index];
	const char *license = license_expression(package->license);
	auto_free char *id = element("package", index), *purl = purl_of_package(package);
	json_t *object = new_package(id, package->name, package->version,
				     package->url_count != 0 ? package->urls[0] : NULL, license);

	jsonx_set(object, "packageFileName", jsonx_text(package->file));
	jsonx_set(object, "supplier",
		  jsonx_text(text_ends_with(package->file, ".rpm") ? "Organization: Fedora Project"
								   : "Organization: Debian"));
	if (license == NULL && package->license != NULL)
		jsonx_set(object, "licenseComments", jsonx_text(package->license));
	set_checksum(object, &package->sha256);
	set_purl(object, purl);
	jsonx_append(spdx->packages, object);
	relate_source(spdx, id, "GENERATED_FROM", package->source_package);
	for (size_t i = 0; i < package->built_using_count; i++)
		relate_source(spdx, id, "STATIC_LINK", package->built_using[i]);
}

static void
add_asset(struct spdx *spdx, size_t index)
{
	const struct asset *asset = &spdx->release->assets->items[index];
	const struct package *package = release_find_package(spdx->release, asset);
	auto_free char *id = element("asset", index), *from = NULL;
	auto_free char *url = release_asset_url(spdx->release, asset->name);
	json_t *object = new_package(id, asset->name, spdx->release->version, url,
				     package != NULL ? license_expression(package->license) : NULL);
	bool is_program = asset->kind == ASSET_LEGACY_BINARY;

	jsonx_set(object, "packageFileName", jsonx_text(asset->name));
	jsonx_set(object, "primaryPackagePurpose",
		  jsonx_text(is_program ? "APPLICATION" : "ARCHIVE"));
	set_checksum(object, &asset->sha256);
	jsonx_append(spdx->packages, object);
	jsonx_append(spdx->described, jsonx_text(id));
	relate(spdx, "SPDXRef-DOCUMENT", "DESCRIBES", id);
	if (package == NULL)
		return;
	from = element("package", (size_t)(package - spdx->release->packages->items));
	relate(spdx, id, "GENERATED_FROM", from);
}

/* A URI of this document and no other, which does not have to lead anywhere. */
static char *
name_space(const struct release *release)
{
	auto_free char *file = release_file_name(release->name, release->version, "spdx");
	char lock[DIGEST_HEX_SIZE];
	char *url = release_asset_url(release, file);

	if (url != NULL)
		return url;
	return xasprintf("https://spdx.org/spdxdocs/%s-%s-%s", release->name, release->version,
			 digest_hex(&release->lock_sha256, lock));
}

char *
release_spdx(const struct release *release)
{
	struct spdx spdx = {.release = release,
			    .packages = json_array(),
			    .relations = json_array(),
			    .described = json_array()};
	auto_free char *title = xasprintf("%s-%s", release->name, release->version);
	auto_free char *unique = name_space(release);
	auto_free char *creator = xasprintf("Tool: distributor-%s", release->tool->version);
	char created[RELEASE_TIME_SIZE];

	for (size_t i = 0; i < release->assets->count; i++)
		add_asset(&spdx, i);
	for (size_t i = 0; i < release->packages->count; i++)
		add_package(&spdx, i);
	free(spdx.sources);
	return release_text(jsonx_pack("{s:s, s:s, s:s, s:s, s:s, s:{s:s, s:[s]}, s:o, s:o, s:o}",
				       "spdxVersion", "SPDX-2.3", "dataLicense", "CC0-1.0",
				       "SPDXID", "SPDXRef-DOCUMENT", "name", title,
				       "documentNamespace", unique, "creationInfo", "created",
				       release_time(release->source_date_epoch, created),
				       "creators", creator, "documentDescribes", spdx.described,
				       "packages", spdx.packages, "relationships", spdx.relations));
}
