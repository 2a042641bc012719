/* SPDX-License-Identifier: MIT */
#include "distributor/steps/release.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/strbuf.h"
#include "distributor/steps/release_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* In the order of a release: nothing is public before "publish", nobody is led there before it. */
static const struct {
	const char *name;
	release_step_run *run;
} table[RELEASE_STEPS] = {
	{"lock", release_run_lock},           {"fetch", release_run_fetch},
	{"tarballs", release_run_tarballs},   {"images", release_run_images},
	{"sign", release_run_sign},           {"tag", release_run_tag_step},
	{"draft", release_run_draft},         {"push", release_run_push},
	{"publish", release_run_publish},     {"latest", release_run_latest},
	{"read back", release_run_read_back},
};

enum { PUBLISH = 8 };

struct release_run *
release_run_new(const struct workspace *work, const struct release_run_options *options)
{
	struct release_run *r = xcalloc(1, sizeof(*r));

	r->work = *work;
	r->options = options;
	r->key = options->key;
	r->signer = (struct lazy_signer)LAZY_SIGNER_INIT(&r->keyring, &r->key);
	r->lock = -1;
	for (size_t i = 0; i < RELEASE_STEPS; i++)
		r->steps[i].name = table[i].name;
	return r;
}

void
release_run_free(struct release_run *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < RELEASE_STEPS; i++)
		free(r->steps[i].detail);
	step_publish_free(r->publishing);
	lazy_signer_clear(&r->signer);
	secret_clear(&r->token);
	keyring_clear(&r->keyring);
	release_info_clear(&r->info);
	packlist_clear(&r->packlist);
	workspace_clear(&r->work);
	free(r->key_path);
	free(r->keys_path);
	free(r->repo_path);
	if (r->lock >= 0)
		(void)close(r->lock);
	free(r);
}

void
release_run_freep(struct release_run **releasing)
{
	release_run_free(*releasing);
	*releasing = NULL;
}

enum step_state
step_written(const struct release_run *r)
{
	return r->options->dry_run ? STEP_WOULD : STEP_DONE;
}

void
step_end(struct release_step *step, enum step_state state, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		out_of_memory();
	va_end(args);
	free(step->detail);
	step->detail = text;
	step->state = state;
}

void
release_run_explain(const struct release_run *r, struct error *err)
{
	AUTO(strbuf_clear) struct strbuf missing = STRBUF_INIT;
	const struct error why = *err;
	const char *tag = r->info.tag != NULL ? r->info.tag : "this version";
	size_t failed = 0;

	while (failed < RELEASE_STEPS && r->steps[failed].state != STEP_FAILED)
		failed++;
	if (failed == RELEASE_STEPS)
		return;
	for (size_t i = failed; i < RELEASE_STEPS; i++)
		strbuf_addf(&missing, "%s%s", i == failed ? "" : ", ", table[i].name);
	error_set(err, why.code, "%s %s; steps left: %s; %s", tag,
		  failed > PUBLISH ? "is published but not complete" : "is not released",
		  strbuf_text(&missing), why.message);
}

static int
run_step(struct release_run *r, size_t i, struct error *err)
{
	struct release_step *step = &r->steps[i];
	double started = monotonic_sec();
	int result = interrupt_check(err);
	struct error why;

	log_debug("step: %s", step->name);
	if (result == 0)
		result = table[i].run(r, step, err);
	step->seconds = monotonic_sec() - started;
	if (result == 0)
		return 0;
	step_end(step, STEP_FAILED, "%s", err->message);
	why = *err;
	return error_set(err, why.code, "%s: %s%s", step->name, why.message,
			 why.code == ERR_NETWORK ? "; run the same command again to resume" : "");
}

int
release_run(struct release_run *r, struct error *err)
{
	auto_free char *path = path_join(r->work.out, ".release.lock");

	/* In a wrong directory nothing is made. */
	if (workspace_load_matrix(&r->work, err) < 0)
		return -1;
	if (make_directories(r->work.out, err) < 0)
		return -1;
	r->lock = lock_file(path, false, err);
	if (r->lock < 0 && err->code == ERR_BUSY)
		return error_set(err, ERR_BUSY, "another release is using '%s'", r->work.out);
	if (r->lock < 0)
		return -1;
	for (size_t i = 0; i < RELEASE_STEPS; i++)
		if (run_step(r, i, err) < 0)
			return -1;
	return 0;
}

const struct release_step *
release_run_steps(const struct release_run *r)
{
	return r->steps;
}

const char *
release_run_tag(const struct release_run *r)
{
	return r->info.tag;
}

const char *
release_run_name(const struct release_run *r)
{
	return r->info.matrix != NULL ? r->info.matrix->name : NULL;
}

const char *
release_run_url(const struct release_run *r)
{
	return r->publishing != NULL ? step_publish_result(r->publishing)->url : NULL;
}

const char *
release_run_repository(const struct release_run *r)
{
	return r->repo_path;
}

const char *
release_run_keys(const struct release_run *r)
{
	return r->work.keys;
}
