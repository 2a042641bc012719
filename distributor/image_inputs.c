#include "distributor/image_inputs.h"

#include "base/alloc.h"
#include "base/file.h"
#include "distributor/registrars.h"

#include <string.h>

void
image_inputs_release(struct image_inputs *inputs)
{
	for (size_t i = 0; i < inputs->text_count; i++)
		free(inputs->texts[i]);
	free(inputs->texts);
	free(inputs->hosts);
	free(inputs->tarballs);
	*inputs = (struct image_inputs){.hosts = NULL};
}

/* Owned from now on; returned for use. */
static const char *
keep(struct image_inputs *inputs, char *text)
{
	inputs->texts = xgrow(inputs->texts, inputs->text_count, sizeof(*inputs->texts));
	inputs->texts[inputs->text_count++] = text;
	return text;
}

/* What is noted of the host's tarballs holds only for the same date. */
static const struct manifest_host *
noted_host(const struct image_places *places, const char *host)
{
	if (places->manifest == NULL || places->manifest->source_date_epoch != places->created_sec)
		return NULL;
	return manifest_find_host(places->manifest, host);
}

static int
add_tarball(struct image_inputs *inputs, const struct image_places *places,
	    const struct matrix_host *host, const struct member *member, size_t *count,
	    struct error *err)
{
	const struct manifest_host *noted = noted_host(places, host->arch->name);
	auto_free char *name = tarball_name(host->arch->name, member->target);
	const char *path = keep(inputs, path_join(places->assets, name));

	if (access(path, F_OK) != 0)
		return error_set(err, ERR_INPUT, "'%s' is missing; 'distributor tarballs' makes it",
				 path);
	inputs->tarballs[(*count)++] = (struct image_tarball){
		.target = member->target,
		.path = path,
		.program = &member->sha256,
		.packed = noted != NULL ? manifest_find_member(noted, member->target) : NULL,
	};
	return 0;
}

/* The diff_id of the all-in-one layer, if it is noted and is over the same targets. */
static const struct digest *
noted_diff_id(const struct manifest_host *noted, const struct image_host *host)
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
add_host(struct image_inputs *inputs, const struct matrix *matrix, const struct lock *lock,
	 const struct image_places *places, const struct matrix_host *host, size_t *count,
	 struct error *err)
{
	struct image_host *item = &inputs->hosts[inputs->set.host_count];
	char *registrar;

	*item = (struct image_host){
		.arch = host->arch,
		.qemu_version = keep(inputs, matrix_qemu_version(matrix, host)),
		.tarballs = &inputs->tarballs[*count],
	};
	for (size_t t = 0; t < target_count; t++) {
		const struct package *package = NULL;
		const struct member *member =
			lock_find_member(lock, host->arch->name, target_table[t], &package);

		if (member == NULL ||
		    !matrix_wants_image(matrix, host->arch->name, target_table[t]))
			continue;
		if (add_tarball(inputs, places, host, member, count, err) < 0)
			return -1;
		item->source_package = package->source_package;
		item->license = package->license;
		item->tarball_count++;
	}
	if (registrar_find(places->registrars, host->arch, &registrar, err) < 0)
		return -1;
	item->registrar = keep(inputs, registrar);
	item->diff_id = noted_diff_id(noted_host(places, host->arch->name), item);
	inputs->set.host_count++;
	return 0;
}

int
image_inputs_collect(const struct app *app, const struct matrix *matrix, const struct lock *lock,
		     const struct image_places *places, struct image_inputs *ret_inputs,
		     struct error *err)
{
	AUTO(image_inputs_release) struct image_inputs inputs = {.hosts = NULL};
	size_t count = 0;

	inputs.hosts = xcalloc(matrix->host_count + 1, sizeof(*inputs.hosts));
	inputs.tarballs = xcalloc(matrix->host_count * target_count + 1, sizeof(*inputs.tarballs));
	inputs.set.name = matrix->name;
	inputs.set.version = matrix->version;
	inputs.set.created_sec = places->created_sec;
	if (matrix->github != NULL)
		inputs.set.source =
			keep(&inputs, xasprintf("https://github.com/%s", matrix->github));
	for (size_t i = 0; i < matrix->host_count; i++)
		if (app_wants_host(app, matrix->hosts[i].arch->name) &&
		    add_host(&inputs, matrix, lock, places, &matrix->hosts[i], &count, err) < 0)
			return -1;
	inputs.set.hosts = inputs.hosts;
	inputs.set.is_part = inputs.set.host_count < matrix->host_count;
	*ret_inputs = inputs;
	inputs = (struct image_inputs){.hosts = NULL};
	return 0;
}
