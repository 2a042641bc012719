/* SPDX-License-Identifier: MIT */
#include "matrix/matrix.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"

#include <string.h>

void
matrix_clear(struct matrix *matrix)
{
	for (size_t i = 0; i < matrix->source_count; i++) {
		text_list_clear(&matrix->sources[i].keys);
		text_list_clear(&matrix->sources[i].key_files);
		text_list_clear(&matrix->sources[i].urls);
		text_list_clear(&matrix->sources[i].repositories);
		text_list_clear(&matrix->sources[i].koji);
	}
	free(matrix->sources);
	free(matrix->hosts);
	free(matrix->excludes);
	text_list_clear(&matrix->images);
	text_list_clear(&matrix->targets);
	jsonx_clear(&matrix->doc);
	*matrix = (struct matrix)MATRIX_INIT;
}

char *
matrix_path(const struct matrix *matrix, const char *path)
{
	auto_free char *directory = NULL;

	if (path == NULL || path[0] == '/')
		return path != NULL ? xstrdup(path) : NULL;
	directory = path_directory(matrix->doc.name);
	return path_join(directory, path);
}

const struct matrix_host *
matrix_find_host(const struct matrix *matrix, const char *name)
{
	for (size_t i = 0; i < matrix->host_count; i++)
		if (strcmp(matrix->hosts[i].arch->name, name) == 0)
			return &matrix->hosts[i];
	return NULL;
}

bool
matrix_exclude_covers(const struct matrix_exclude *exclude, const char *from, const char *to)
{
	return (exclude->from == NULL || strcmp(exclude->from, from) == 0) &&
	       (exclude->to == NULL || strcmp(exclude->to, to) == 0);
}

static bool
asked_for(const struct matrix *matrix, const char *from, const char *to, enum matrix_only kept)
{
	bool wanted = matrix->all_targets;

	for (size_t i = 0; i < matrix->targets.count; i++)
		if (strcmp(matrix->targets.items[i], to) == 0)
			wanted = true;
	for (size_t i = 0; i < matrix->exclude_count; i++) {
		const struct matrix_exclude *exclude = &matrix->excludes[i];

		if (exclude->only != kept && matrix_exclude_covers(exclude, from, to))
			wanted = false;
	}
	return wanted;
}

char *
matrix_repository_url(const struct matrix *matrix)
{
	return matrix->github != NULL ? xasprintf("%s/%s", matrix->server, matrix->github) : NULL;
}

bool
matrix_wants_tarball(const struct matrix *matrix, const char *from, const char *to)
{
	return asked_for(matrix, from, to, EXCLUDE_IMAGES);
}

bool
matrix_wants_image(const struct matrix *matrix, const char *from, const char *to)
{
	const struct arch *host = arch_find(from);

	if (host != NULL && arch_is_own_target(host, to))
		return false;
	return asked_for(matrix, from, to, EXCLUDE_TARBALLS);
}

char *
matrix_qemu_version(const struct matrix *matrix, const struct matrix_host *host)
{
	const char *version = host->version != NULL ? host->version : matrix->version;

	const char *release = strrchr(version, '-');

	/* A host states QEMU's alone, and "-rc3" is a part of it. */
	if (host->version != NULL || release == NULL)
		return xstrdup(version);
	return xstrndup(version, (size_t)(release - version));
}
