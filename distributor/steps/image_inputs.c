/* SPDX-License-Identifier: MIT */
#include "distributor/steps/image_inputs.h"

#include "base/alloc.h"
#include "base/file.h"
#include "distributor/workspace/registrars.h"

#include <string.h>

void
image_inputs_clear(struct image_inputs *inputs)
{
	words_clear(&inputs->texts);
	free(inputs->hosts);
	free(inputs->tarballs);
	*inputs = (struct image_inputs){.hosts = NULL};
}

/* Inputs that are being collected. */
struct collection {
	const struct workspace *work;
	const struct image_places *places;
	struct image_inputs inputs;
	size_t tarball_count;
};

/* What is noted of the host's tarballs holds only for the same date. */
static const struct packlist_host *
noted_host(const struct image_places *places, const char *host)
{
	if (places->packlist == NULL || places->packlist->source_date_epoch != places->created_sec)
		return NULL;
	return packlist_find_host(places->packlist, host);
}

static int
add_tarball(struct collection *c, const struct matrix_host *host, const struct member *member,
	    struct error *err)
{
	const struct packlist_host *noted = noted_host(c->places, host->arch->name);
	auto_free char *name = tarball_name(host->arch->name, member->target);
	auto_free char *command =
		workspace_command(c->work, "tarballs", SHARED_MATRIX | SHARED_LOCK | SHARED_OUT);
	const char *path = words_take(&c->inputs.texts, path_join(c->places->assets, name));
	bool there;

	if (path_exists(path, &there, err) < 0)
		return -1;
	if (!there)
		return error_set(err, ERR_INPUT, "'%s' is missing; run '%s'", path, command);
	c->inputs.tarballs[c->tarball_count++] = (struct image_tarball){
		.target = member->target,
		.path = path,
		.program = &member->sha256,
		.packed = noted != NULL ? packlist_find_member(noted, member->target) : NULL,
	};
	return 0;
}

/* The diff_id of the all-in-one layer, if it is noted and is over the same targets. */
static const struct digest *
noted_diff_id(const struct packlist_host *noted, const struct image_host *host)
{
	if (noted == NULL || digest_is_zero(&noted->all_in_one_diff_id) ||
	    noted->all_in_one_count != host->tarball_count)
		return NULL;
	for (size_t i = 0; i < host->tarball_count; i++)
		if (strcmp(noted->all_in_one_targets[i], host->tarballs[i].target) != 0)
			return NULL;
	return &noted->all_in_one_diff_id;
}

/* The pairs of one host, sorted by target, and what its packages say of themselves. */
static int
add_host(struct collection *c, const struct matrix_host *host, struct error *err)
{
	struct image_host *item = &c->inputs.hosts[c->inputs.set.host_count];
	char *registrar;

	*item = (struct image_host){
		.arch = host->arch,
		.qemu_version =
			words_take(&c->inputs.texts, matrix_qemu_version(c->work->matrix, host)),
		.tarballs = &c->inputs.tarballs[c->tarball_count],
	};
	for (size_t t = 0; t < target_count; t++) {
		const struct package *package = NULL;
		const struct member *member = lock_find_member(c->work->lock, host->arch->name,
							       target_table[t], &package);

		if (member == NULL ||
		    !matrix_wants_image(c->work->matrix, host->arch->name, target_table[t]))
			continue;
		if (add_tarball(c, host, member, err) < 0)
			return -1;
		item->source_package = package->source_package;
		item->license = package->license;
		item->tarball_count++;
	}
	if (registrar_find(c->places->registrars, host->arch, &registrar, err) < 0)
		return -1;
	item->registrar = words_take(&c->inputs.texts, registrar);
	item->diff_id = noted_diff_id(noted_host(c->places, host->arch->name), item);
	c->inputs.set.host_count++;
	return 0;
}

static int
add_hosts(struct collection *c, struct error *err)
{
	for (size_t i = 0; i < c->work->matrix->host_count; i++)
		if (workspace_wants_host(c->work, c->work->matrix->hosts[i].arch->name) &&
		    add_host(c, &c->work->matrix->hosts[i], err) < 0)
			return -1;
	return 0;
}

int
image_inputs_collect(const struct workspace *work, const struct image_places *places,
		     struct image_inputs *ret_inputs, struct error *err)
{
	const struct matrix *matrix = work->matrix;
	struct collection c = {.work = work, .places = places};
	struct image_set *set = &c.inputs.set;

	c.inputs.hosts = xcalloc(matrix->host_count + 1, sizeof(*c.inputs.hosts));
	c.inputs.tarballs =
		xcalloc(matrix->host_count * target_count + 1, sizeof(*c.inputs.tarballs));
	set->name = matrix->name;
	set->version = matrix->version;
	set->created_sec = places->created_sec;
	if (matrix->github != NULL)
		set->source = words_take(&c.inputs.texts, matrix_repository_url(matrix));
	if (add_hosts(&c, err) < 0) {
		image_inputs_clear(&c.inputs);
		return -1;
	}
	set->hosts = c.inputs.hosts;
	set->is_part = set->host_count < matrix->host_count;
	*ret_inputs = c.inputs;
	return 0;
}
