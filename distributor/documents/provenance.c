/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/jsonx.h"
#include "distributor/documents/purl.h"
#include "distributor/documents/release_internal.h"
#include "sign/check/statement.h"

#include <jansson.h>
#include <string.h>

/* docs/buildtype-repack-v1.md describes the build type. */

static json_t *
sha256_set(const struct digest *digest)
{
	char hex[DIGEST_HEX_SIZE];

	return jsonx_pack("{s:s}", "sha256", digest_hex(digest, hex));
}

/* A file of the repository at the tag. */
static json_t *
file_at_tag(const struct release *release, const char *file, const struct digest *digest)
{
	auto_free char *uri = release->repository != NULL
				      ? xasprintf("git+%s@refs/tags/%s#%s", release->repository,
						  release->tag, file)
				      : xasprintf("file:%s", file);

	return jsonx_pack("{s:s, s:o}", "uri", uri, "digest", sha256_set(digest));
}

static void
add_commit(const struct release *release, json_t *list)
{
	auto_free char *uri = NULL;
	const char *algorithm = "gitCommit";

	if (release->commit == NULL || release->repository == NULL)
		return;
	uri = xasprintf("git+%s@refs/tags/%s", release->repository, release->tag);
	jsonx_append(list, jsonx_pack("{s:s, s:{s:s}}", "uri", uri, "digest", algorithm,
				      release->commit));
}

/* Who signed it, and what the signature covers. */
static json_t *
annotations(const struct package *package)
{
	json_t *object = json_object();
	char text[DIGEST_HEX_SIZE];

	if (package->signer != NULL)
		jsonx_set(object, "openpgp.fingerprint", jsonx_text(package->signer));
	if (package->signed_sec != 0)
		jsonx_set(object, "openpgp.time",
			  jsonx_text(release_time(package->signed_sec, text)));
	if (!digest_is_zero(&package->header_sha256))
		jsonx_set(object, "rpm.header.sha256",
			  jsonx_text(digest_hex(&package->header_sha256, text)));
	return object;
}

static json_t *
dependency(const struct package *package)
{
	auto_free char *purl = purl_of_package(package);
	json_t *object =
		jsonx_pack("{s:s, s:s, s:o, s:o}", "name", package->file, "uri", purl, "digest",
			   sha256_set(&package->sha256), "annotations", annotations(package));

	if (package->url_count != 0)
		jsonx_set(object, "downloadLocation", jsonx_text(package->urls[0]));
	return object;
}

static json_t *
dependencies(const struct release *release)
{
	json_t *list = json_array();

	add_commit(release, list);
	for (size_t i = 0; i < release->packages->count; i++)
		jsonx_append(list, dependency(&release->packages->items[i]));
	return list;
}

static json_t *
definition(const struct release *release)
{
	auto_free char *type = release->repository != NULL
				       ? xasprintf("%s/blob/%s/docs/buildtype-repack-v1.md",
						   release->repository, release->tag)
				       : xstrdup("urn:distributor:buildtype:repack-v1");

	return jsonx_pack("{s:s, s:{s:s, s:o, s:o}, s:{s:I}, s:o}", "buildType", type,
			  "externalParameters", "tag", release->tag, "matrix",
			  file_at_tag(release, release->matrix_file, &release->matrix_sha256),
			  "lock", file_at_tag(release, release->lock_file, &release->lock_sha256),
			  "internalParameters", "sourceDateEpoch",
			  (json_int_t)release->source_date_epoch, "resolvedDependencies",
			  dependencies(release));
}

/* The one part of a release that tells when and where it was made. Absent in a run by hand. */
static json_t *
metadata(const struct release *release)
{
	char started[RELEASE_TIME_SIZE], finished[RELEASE_TIME_SIZE];

	return jsonx_pack("{s:s, s:s, s:s}", "invocationId", release->invocation, "startedOn",
			  release_time(release->started_sec, started), "finishedOn",
			  release_time(release->finished_sec, finished));
}

static json_t *
details(const struct release *release)
{
	auto_free char *by_hand = xasprintf("pkg:generic/distributor@%s", release->tool->version);
	const char *builder = release->builder != NULL ? release->builder : by_hand;
	json_t *object = jsonx_pack("{s:{s:s, s:{s:s}}}", "builder", "id", builder, "version",
				    "distributor", release->tool->version);

	if (release->invocation != NULL)
		jsonx_set(object, "metadata", metadata(release));
	return object;
}

int
release_provenance(const struct release *release, const struct sums *subjects, char **ret_text,
		   struct error *err)
{
	json_t *list, *root;

	if (subjects->count > STATEMENT_MAX_SUBJECTS)
		return error_set(
			err, ERR_INPUT,
			"%zu assets exceed the limit of %d subjects of provenance verifiers",
			subjects->count, STATEMENT_MAX_SUBJECTS);
	list = json_array();
	for (size_t i = 0; i < subjects->count; i++)
		jsonx_append(list, jsonx_pack("{s:s, s:o}", "name", subjects->entries[i].name,
					      "digest", sha256_set(&subjects->entries[i].sha256)));
	root = jsonx_pack("{s:s, s:o, s:s, s:{s:o, s:o}}", "_type", STATEMENT_TYPE, "subject", list,
			  "predicateType", PREDICATE_PROVENANCE, "predicate", "buildDefinition",
			  definition(release), "runDetails", details(release));
	*ret_text = jsonx_compact(root);
	json_decref(root);
	return 0;
}

static json_t *
without_metadata(const char *text)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	json_t *run = json_object_get(json_object_get(root, "predicate"), "runDetails");

	(void)json_object_del(run, "metadata");
	return root;
}

bool
release_provenance_is_same(const char *a, const char *b)
{
	json_t *first = without_metadata(a), *second = without_metadata(b);
	bool same = first != NULL && second != NULL && json_equal(first, second) == 1;

	json_decref(first);
	json_decref(second);
	return same;
}
