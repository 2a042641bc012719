/* SPDX-License-Identifier: MIT */
#include "publish/git/git_push_internal.h"
#include "publish/git/git_tag.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "publish/git/git_askpass.h"
#include "publish/git/git_lock.h"

#include <git2.h>
#if LIBGIT2_VER_MAJOR > 1 || LIBGIT2_VER_MINOR >= 8
#include <git2/sys/errors.h> /* git_error_set_str() moved here */
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What the callbacks of one push need. */
struct library_push {
	const struct step_push *pushing;
	char *origin; /* of the server that the token is for; or NULL */
	int attempts;
	char refusal[512];
};

/* Called again after a refusal, without end: hence the count. */
static int
give_credentials(git_credential **out, const char *url, const char *user, unsigned int allowed,
		 void *payload)
{
	struct library_push *l = payload;
	auto_free char *origin = git_https_origin(url);

	if (l->attempts++ > 0) {
		git_error_set_str(GIT_ERROR_CALLBACK, "the credentials were rejected");
		return GIT_EAUTH;
	}
	if ((allowed & GIT_CREDENTIAL_SSH_KEY) != 0)
		return git_credential_ssh_key_from_agent(out, user != NULL ? user : "git");
	if ((allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) == 0 || l->origin == NULL) {
		git_error_set_str(GIT_ERROR_CALLBACK,
				  "the remote requires credentials and GITHUB_TOKEN is not set");
		return GIT_EAUTH;
	}
	if (origin == NULL || strcmp(origin, l->origin) != 0) {
		git_error_set_str(
			GIT_ERROR_CALLBACK,
			"the remote requires credentials, but GITHUB_TOKEN is for another server");
		return GIT_EAUTH;
	}
	return git_credential_userpass_plaintext_new(out, "x-access-token",
						     l->pushing->push->token);
}

/* git_remote_push() succeeds even when the one reference was refused. */
static int
note_refusal(const char *reference, const char *status, void *payload)
{
	struct library_push *l = payload;

	(void)reference;
	if (status != NULL)
		(void)snprintf(l->refusal, sizeof(l->refusal), "%s", status);
	return 0;
}

static int
translate_remote(int code, const char *doing, struct error *err)
{
	enum error_code kind =
		code == GIT_EAUTH || code == GIT_ECERTIFICATE ? ERR_INPUT : ERR_NETWORK;

	return error_set(err, kind, "cannot %s: %s", doing, repo_reason());
}

/* As everything else here that speaks TLS; libgit2's own backends do not look at the variable. */
static int
trust_certificates(struct error *err)
{
	const char *file = getenv("SSL_CERT_FILE");

	if (file == NULL || *file == '\0')
		return 0;
	if (git_libgit2_opts(GIT_OPT_SET_SSL_CERT_LOCATIONS, file, NULL) < 0)
		return error_set(err, ERR_IO, "cannot use the certificates in SSL_CERT_FILE: %s",
				 repo_reason());
	return 0;
}

/* 1 and the id if the connected remote has the reference, 0 if not. */
static int
find_remote(git_remote *remote, const char *reference, git_oid *ret_oid, struct error *err)
{
	const git_remote_head **heads;
	size_t count;
	int code = git_remote_ls(&heads, &count, remote);

	if (code < 0)
		return translate_remote(code, "list the remote's references", err);
	for (size_t i = 0; i < count; i++)
		if (strcmp(heads[i]->name, reference) == 0) {
			git_oid_cpy(ret_oid, &heads[i]->oid);
			return 1;
		}
	return 0;
}

/* 1 if the remote has this object under the name, 0 if the name is free there. */
static int
compare_remote(git_remote *remote, struct library_push *l, const git_remote_callbacks *callbacks,
	       struct error *err)
{
	git_remote_connect_options options;
	char have[REPO_ID_SIZE];
	git_oid found;
	int code, state;

	(void)git_remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
	options.callbacks = *callbacks;
	options.proxy_opts.type = GIT_PROXY_AUTO;
	/* A redirect could lead the token to another place. */
	options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
	l->attempts = 0;
	code = git_remote_connect_ext(remote, GIT_DIRECTION_PUSH, &options);
	if (code < 0)
		return translate_remote(code, "reach the remote", err);
	state = find_remote(remote, l->pushing->reference, &found, err);
	(void)git_remote_disconnect(remote);
	if (state <= 0)
		return state;
	git_oid_tostr(have, sizeof(have), &found);
	return strcmp(have, l->pushing->id) == 0 ? 1 : push_conflict(l->pushing, have, err);
}

static int
send_tag(git_remote *remote, struct library_push *l, const git_remote_callbacks *callbacks,
	 struct error *err)
{
	const char *reference = l->pushing->reference;
	auto_free char *spec = xasprintf("%s:%s", reference, reference);
	git_strarray specs = {&spec, 1};
	git_push_options options;
	int code;

	(void)git_push_options_init(&options, GIT_PUSH_OPTIONS_VERSION);
	options.callbacks = *callbacks;
	options.proxy_opts.type = GIT_PROXY_AUTO;
	options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
	l->attempts = 0;
	if (git_lock_wait_at(git_remote_url(remote), reference, err) < 0)
		return -1;
	code = git_remote_push(remote, &specs, &options);
	if (code == GIT_ENOTFOUND && repo_is_shallow(l->pushing->repo))
		return error_set(err, ERR_INPUT,
				 "pushing from a shallow clone requires the program git or the "
				 "full history; run: git fetch --unshallow");
	if (code < 0)
		return translate_remote(code, "push", err);
	if (l->refusal[0] != '\0')
		return error_set(err, ERR_INPUT, "the remote rejected it: %s", l->refusal);
	return 0;
}

/* To one URL. Returns 1 sent, 0 there already. */
static int
push_to(git_remote *remote, struct library_push *l, bool ask_only, struct error *err)
{
	git_remote_callbacks callbacks;
	int state;

	(void)git_remote_init_callbacks(&callbacks, GIT_REMOTE_CALLBACKS_VERSION);
	callbacks.credentials = give_credentials;
	callbacks.push_update_reference = note_refusal;
	callbacks.payload = l;
	state = compare_remote(remote, l, &callbacks, err);
	if (state < 0)
		return -1;
	if (state > 0 || ask_only)
		return state > 0 ? 0 : 1;
	if (send_tag(remote, l, &callbacks, err) < 0)
		return -1;
	state = compare_remote(remote, l, &callbacks, err);
	if (state == 0)
		return error_set(err, ERR_REMOTE, "the remote accepted %s but does not have it",
				 l->pushing->reference);
	return state;
}

/*
 * What was rewritten is not rewritten once more; a relative path is one from the top, as for git.
 */
static int
open_remote(const struct step_push *pushing, const char *url, git_remote **ret_remote,
	    struct error *err)
{
	git_remote_create_options options;
	const char *top = git_repository_workdir(pushing->repo->git);
	bool is_path = strchr(url, ':') == NULL;
	bool typed = strcmp(url, pushing->push->remote) == 0;
	auto_free char *path = is_path && url[0] != '/' && !typed && top != NULL
				       ? xasprintf("%s%s", top, url)
				       : xstrdup(url);

	bool there = true;

	if (is_path && path_exists(path, &there, err) < 0)
		return -1;
	if (!there)
		return error_set(err, ERR_INPUT, "'%s' does not appear to be a git repository",
				 url);
	(void)git_remote_create_options_init(&options, GIT_REMOTE_CREATE_OPTIONS_VERSION);
	options.repository = pushing->repo->git;
	options.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF;
	if (git_remote_create_with_opts(ret_remote, path, &options) < 0)
		return error_set(err, ERR_INPUT, "cannot push to '%s': %s", url, repo_reason());
	return 0;
}

/* The settings of git that libgit2 does not follow, as far as there are any. */
struct unfollowed {
	char *names; /* "core.sshcommand, push.gpgsign" */
};

static void
visit_unfollowed(const char *name, const char *value, void *to)
{
	static const char *const sections[] = {"core.", "credential.", "http.", "push."};
	static const char *const keys[] = {".askpass", ".cookiefile", ".extraheader", ".gpgsign",
					   ".helper",  ".hookspath",  ".sshcommand",  ".sslcainfo",
					   ".sslcert", ".pushoption"};
	struct unfollowed *u = to;
	const char *key = strrchr(name, '.');
	bool section_fits = false, key_fits = false;
	char *longer;

	for (size_t i = 0; i < ARRAY_SIZE(sections); i++)
		section_fits |= text_starts_with(name, sections[i]);
	for (size_t i = 0; key != NULL && i < ARRAY_SIZE(keys); i++)
		key_fits |= strcmp(key, keys[i]) == 0;
	if (!section_fits || !key_fits || *value == '\0')
		return;
	longer = xasprintf("%s%s%s", u->names != NULL ? u->names : "", u->names != NULL ? ", " : "",
			   name);
	free(u->names);
	u->names = longer;
}

static int
tell_unfollowed(const struct step_push *pushing, struct error *err)
{
	AUTO(repo_config_freep) git_config *config = NULL;
	auto_free char *hook =
		xasprintf("%shooks/pre-push", git_repository_commondir(pushing->repo->git));
	auto_free char *names = NULL, *sentence = NULL;
	struct unfollowed u = {NULL};
	int result;

	if (repo_config(pushing->repo->git, &config, err) < 0)
		return -1;
	result = repo_config_each(config, visit_unfollowed, &u, err);
	names = u.names;
	if (result < 0 || pushing->push->notice == NULL)
		return result;
	sentence = xasprintf("program 'git' not found: pushing the tag without it, which ignores "
			     "ssh_config%s%s%s",
			     access(hook, X_OK) == 0 ? ", the pre-push hook" : "",
			     names != NULL ? ", " : "", names != NULL ? names : "");
	pushing->push->notice(sentence);
	return 0;
}

static int
push_to_all(const struct step_push *pushing, struct library_push *l, const struct words *urls,
	    bool ask_only, struct error *err)
{
	int sent = 0;

	for (size_t i = 0; i < urls->count; i++) {
		AUTO(repo_remote_freep) git_remote *remote = NULL;
		int state;

		if (open_remote(pushing, urls->items[i], &remote, err) < 0)
			return -1;
		state = push_to(remote, l, ask_only, err);
		if (state < 0)
			return -1;
		sent |= state;
	}
	return sent;
}

int
push_by_library(const struct step_push *pushing, struct error *err)
{
	AUTO(words_clear) struct words urls = {NULL, 0};
	struct library_push l = {.pushing = pushing};
	auto_free char *origin = NULL;
	int state;

	if (push_urls_resolve(pushing->repo, pushing->push->remote, &urls, err) < 0 ||
	    trust_certificates(err) < 0 || tell_unfollowed(pushing, err) < 0)
		return -1;
	if (pushing->push->token != NULL && pushing->push->token_server != NULL)
		origin = git_https_origin(pushing->push->token_server);
	l.origin = origin;
	/* All are asked before the first gets it. */
	state = push_to_all(pushing, &l, &urls, true, err);
	if (state <= 0 || pushing->push->dry_run)
		return state;
	return push_to_all(pushing, &l, &urls, false, err);
}
