/* SPDX-License-Identifier: MIT */
#include "matrix/plan.h"

#include "base/alloc.h"
#include "base/number.h"

#include <stdio.h>
#include <string.h>

/* SHA256SUMS, its two signatures, release.json, provenance, SBOM, sources.json, allowed_signers. */
enum { RELEASE_FILES = 8 };

/* A version that can be compared: 10.2.2 is 10*10000 + 2*100 + 2. */
static unsigned int
version_number(const char *version)
{
	uint64_t major, minor, patch = 0;

	if (!parse_uint_prefix(&version, 9999, &major) || !parse_character(&version, '.') ||
	    !parse_uint_prefix(&version, 99, &minor))
		return 0;
	if (parse_character(&version, '.'))
		(void)!parse_uint_prefix(&version, 99, &patch);
	return (unsigned int)(major * 10000 + minor * 100 + patch);
}

/*
 * When QEMU's user emulation got or lost a target, where that lies in the range of real matrices.
 */
static const struct {
	const char *target;
	unsigned int since, until; /* the first version with it; the first without it, 0: none */
} history[] = {
	{"cris", 0, 90200},      {"hexagon", 60000, 0},    {"loongarch64", 70100, 0},
	{"nios2", 0, 90100},     {"ppc64abi32", 0, 70000}, {"tilegx", 0, 60000},
	{"unicore32", 0, 60100},
};

static bool
is_64_bit_target(const char *target)
{
	return strstr(target, "64") != NULL || strcmp(target, "alpha") == 0 ||
	       strcmp(target, "s390x") == 0 || strcmp(target, "hppa") == 0 ||
	       strcmp(target, "sparc32plus") == 0 || strncmp(target, "mipsn32", 7) == 0;
}

/* What QEMU of that version is known to have; the lock replaces it with what the package has. */
static bool
target_is_expected(const char *target, const struct arch *host, const char *version)
{
	unsigned int number = version_number(version);

	if (host->elf_class == 1 && number >= 100000 && is_64_bit_target(target))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(history); i++)
		if (strcmp(history[i].target, target) == 0)
			return number >= history[i].since &&
			       (history[i].until == 0 || number < history[i].until);
	return true;
}

static void
fill_cell(const struct plan *plan, const struct plan_host *host, const char *target,
	  struct plan_cell *cell)
{
	const char *from = host->host->arch->name;

	if (plan->lock != NULL) {
		cell->member = lock_find_member(plan->lock, from, target, &cell->package);
		cell->state = cell->member != NULL ? PLAN_LOCKED : PLAN_EMPTY;
	} else if (target_is_expected(target, host->host->arch, host->qemu_version)) {
		cell->state = PLAN_EXPECTED;
	}
	if (cell->state == PLAN_EMPTY)
		return;
	cell->tarball = matrix_wants_tarball(plan->matrix, from, target);
	cell->image = matrix_wants_image(plan->matrix, from, target);
	if (!cell->tarball && !cell->image)
		cell->state = PLAN_EXCLUDED;
}

static bool
is_among(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return count == 0;
}

static void
add_hosts(struct plan *plan, const char *const *names, size_t count)
{
	plan->hosts = xcalloc(plan->matrix->host_count, sizeof(*plan->hosts));
	for (size_t i = 0; i < plan->matrix->host_count; i++) {
		struct plan_host *host = &plan->hosts[plan->host_count];

		if (!is_among(names, count, plan->matrix->hosts[i].arch->name))
			continue;
		plan->host_count++;
		host->host = &plan->matrix->hosts[i];
		host->qemu_version = matrix_qemu_version(plan->matrix, host->host);
		for (size_t j = 0; plan->lock != NULL && j < plan->lock->packages.count; j++) {
			const struct package *package = &plan->lock->packages.items[j];

			if (strcmp(package->host, host->host->arch->name) != 0)
				continue;
			host->package_version = package->version;
			free(host->qemu_version);
			host->qemu_version = xstrdup(package->qemu_version);
		}
	}
}

/* A row is worth showing when the matrix names its target or any host has it. */
static void
add_row(struct plan *plan, const char *target)
{
	struct plan_cell *row = xcalloc(plan->host_count, sizeof(*row));
	bool wanted = false, has_image = false;

	for (size_t h = 0; h < plan->host_count; h++) {
		fill_cell(plan, &plan->hosts[h], target, &row[h]);
		if (row[h].state == PLAN_LOCKED || row[h].state == PLAN_EXPECTED)
			wanted = true;
	}
	for (size_t i = 0; i < plan->matrix->targets.count; i++)
		if (strcmp(plan->matrix->targets.items[i], target) == 0)
			wanted = true;
	if (!wanted) {
		free(row);
		return;
	}
	plan->cells = xreallocarray(plan->cells, (plan->target_count + 1) * plan->host_count,
				    sizeof(*plan->cells));
	memcpy(plan->cells + plan->target_count * plan->host_count, row,
	       plan->host_count * sizeof(*row));
	plan->targets = xgrow(plan->targets, plan->target_count, sizeof(*plan->targets));
	plan->targets[plan->target_count++] = target;
	for (size_t h = 0; h < plan->host_count; h++) {
		plan->hosts[h].tarballs += row[h].tarball ? 1 : 0;
		plan->hosts[h].images += row[h].image ? 1 : 0;
		has_image |= row[h].image;
		if (row[h].tarball && plan->hosts[h].host->legacy_names)
			plan->legacy_assets += 2;
	}
	plan->indexes += has_image ? 1 : 0;
	free(row);
}

void
plan_make(const struct matrix *matrix, const struct lock *lock, struct plan *ret_plan)
{
	plan_make_for(matrix, lock, NULL, 0, ret_plan);
}

void
plan_make_for(const struct matrix *matrix, const struct lock *lock, const char *const *names,
	      size_t count, struct plan *ret_plan)
{
	struct plan plan = {.matrix = matrix, .lock = lock, .release_files = RELEASE_FILES};

	add_hosts(&plan, names, count);
	for (size_t t = 0; t < target_count; t++)
		add_row(&plan, target_table[t]);
	for (size_t h = 0; h < plan.host_count; h++) {
		plan.tarballs += plan.hosts[h].tarballs;
		plan.pair_images += plan.hosts[h].images;
		plan.all_in_one += plan.hosts[h].images != 0 ? 1 : 0;
	}
	/* A release of registrars alone is refused. */
	if (plan.pair_images != 0) {
		plan.registrars = plan.host_count;
		plan.indexes += 2;
	}
	*ret_plan = plan;
}

void
plan_clear(struct plan *plan)
{
	for (size_t i = 0; i < plan->host_count; i++)
		free(plan->hosts[i].qemu_version);
	free(plan->hosts);
	free(plan->cells);
	free(plan->targets);
	*plan = (struct plan)PLAN_INIT;
}

const struct plan_cell *
plan_cell(const struct plan *plan, size_t target, size_t host)
{
	return &plan->cells[target * plan->host_count + host];
}

size_t
plan_assets(const struct plan *plan)
{
	return plan->tarballs + plan->legacy_assets + plan->release_files;
}

char *
plan_warning(const struct plan *plan)
{
	size_t assets = plan_assets(plan);

	if (assets > PLAN_MAX_ASSETS)
		return xasprintf("%zu assets exceed the %d that GitHub allows in one release; "
				 "exclude cells or hosts",
				 assets, PLAN_MAX_ASSETS);
	if (assets > PLAN_HOURLY_ASSETS)
		return xasprintf("%zu assets need more requests than GitHub allows in an hour; the "
				 "upload will wait for the next hour",
				 assets);
	return NULL;
}
