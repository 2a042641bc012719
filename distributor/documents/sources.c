/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/jsonx.h"
#include "distributor/documents/purl.h"
#include "distributor/documents/release_internal.h"

#include <jansson.h>
#include <string.h>

/* One source package as an object: how it is called and where it can be had. */
static json_t *
source_to_json(const char *text)
{
	AUTO(source_package_clear) struct source_package source = SOURCE_PACKAGE_INIT;
	auto_free char *purl = NULL, *location = NULL;

	if (text == NULL || !source_package_parse(text, &source))
		return jsonx_pack("{s:s?, s:[]}", "source", text, "locations");
	purl = purl_of_source(&source);
	location = source_package_location(&source);
	return jsonx_pack("{s:s, s:s, s:s, s:s, s:[s]}", "source", text, "name", source.name,
			  "version", source.version, "purl", purl, "locations", location);
}

/* The assets that come from one package. */
static json_t *
assets_of(const struct release *release, const struct package *package)
{
	json_t *names = json_array();

	for (size_t i = 0; i < release->assets->count; i++)
		if (release_find_package(release, &release->assets->items[i]) == package)
			jsonx_append(names, jsonx_text(release->assets->items[i].name));
	return names;
}

static json_t *
package_to_json(const struct package *package, json_t *names)
{
	auto_free char *purl = purl_of_package(package);
	json_t *linked = json_array();

	for (size_t i = 0; i < package->built_using_count; i++)
		jsonx_append(linked, source_to_json(package->built_using[i]));
	return jsonx_pack("{s:s, s:s, s:s?, s:o, s:o, s:o}", "package", package->file, "purl", purl,
			  "licence", package->license, "corresponding_source",
			  source_to_json(package->source_package), "statically_linked", linked,
			  "assets", names);
}

char *
release_sources(const struct release *release)
{
	json_t *packages = json_array();

	for (size_t i = 0; i < release->packages->count; i++) {
		const struct package *package = &release->packages->items[i];
		json_t *names = assets_of(release, package);

		if (json_array_size(names) != 0)
			jsonx_append(packages, package_to_json(package, names));
		else
			json_decref(names);
	}
	return release_text(jsonx_pack(
		"{s:s, s:s, s:s, s:o}", "name", release->name, "version", release->version, "about",
		"Where the complete corresponding source of each asset is. The assets are the "
		"programs of these packages, unchanged and packed again.",
		"packages", packages));
}
