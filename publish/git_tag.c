#include "publish/git_tag.h"

#include "base/alloc.h"
#include "base/strbuf.h"
#include "publish/git_internal.h"
#include "publish/git_lock.h"

#include <assert.h>
#include <git2.h>
#if LIBGIT2_VER_MAJOR > 1 || LIBGIT2_VER_MINOR >= 8
#include <git2/sys/errors.h> /* git_error_set_str() moved here */
#endif
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TAG = 65536 };

static void
odb_freep(git_odb **odb)
{
	git_odb_free(*odb);
}

static void
odb_object_freep(git_odb_object **object)
{
	git_odb_object_free(*object);
}

static void
remote_freep(git_remote **remote)
{
	git_remote_free(*remote); /* also disconnects */
}

/*
 * A repository of another user: GIT_EOWNER with a global configuration, GIT_ENOTFOUND about
 * safe.directory without one. "*" does not help, only the exact path.
 */
static int
explain_open(int code, const char *path, struct error *err)
{
	auto_free char *real = realpath(path, NULL);
	const char *reason = repo_reason();

	if (code == GIT_EOWNER || strstr(reason, "safe.directory") != NULL)
		return error_set(err, ERR_IO,
				 "the repository at '%s' belongs to another user; allow it with: "
				 "git config --global --add safe.directory %s",
				 path, real != NULL ? real : path);
	return error_set(err, code == GIT_ENOTFOUND ? ERR_NOT_FOUND : ERR_IO,
			 "cannot open a git repository at '%s': %s", path, reason);
}

int
repo_open(const char *path, struct repo **ret_repo, struct error *err)
{
	git_repository *git = NULL;
	int code;

	if (git_libgit2_init() < 0)
		return error_set(err, ERR_IO, "cannot start libgit2: %s", repo_reason());
	code = git_repository_open_ext(&git, path, 0, NULL);
	if (code < 0) {
		explain_open(code, path, err);
		(void)git_libgit2_shutdown();
		return -1;
	}
	*ret_repo = xcalloc(1, sizeof(**ret_repo));
	(*ret_repo)->git = git;
	return 0;
}

void
repo_free(struct repo *repo)
{
	if (repo == NULL)
		return;
	git_repository_free(repo->git);
	(void)git_libgit2_shutdown();
	free(repo);
}

void
repo_freep(struct repo **repo)
{
	repo_free(*repo);
	*repo = NULL;
}

static void
format_id(const git_oid *oid, char id[REPO_ID_SIZE])
{
	git_oid_tostr(id, REPO_ID_SIZE, oid);
}

int
repo_commit(struct repo *repo, const char *revision, char ret_id[REPO_ID_SIZE], struct error *err)
{
	AUTO(repo_object_freep) git_object *object = NULL, *commit = NULL;

	if (git_revparse_single(&object, repo->git, revision) < 0 ||
	    git_object_peel(&commit, object, GIT_OBJECT_COMMIT) < 0)
		return error_set(err, ERR_NOT_FOUND, "there is no commit '%s': %s", revision,
				 repo_reason());
	format_id(git_object_id(commit), ret_id);
	return 0;
}

char *
repo_identity(struct repo *repo)
{
	AUTO(repo_signature_freep) git_signature *signature = NULL;

	if (git_signature_default(&signature, repo->git) < 0)
		return NULL;
	return xasprintf("%s <%s>", signature->name, signature->email);
}

char *
repo_remote_url(struct repo *repo, const char *remote)
{
	AUTO(remote_freep) git_remote *found = NULL;

	if (git_remote_lookup(&found, repo->git, remote) < 0)
		return NULL;
	return xstrdup(git_remote_url(found));
}

/* The object that refs/tags/NAME holds; ERR_NOT_FOUND. */
static int
find_tag(struct repo *repo, const char *name, git_oid *ret_oid, struct error *err)
{
	AUTO(repo_reference_freep) git_reference *reference = NULL;
	auto_free char *full = xasprintf("refs/tags/%s", name);

	if (git_reference_lookup(&reference, repo->git, full) < 0)
		return error_set(err, ERR_NOT_FOUND, "there is no tag '%s'", name);
	if (git_reference_type(reference) != GIT_REFERENCE_DIRECT)
		return error_set(err, ERR_VERIFY, "the tag '%s' is a symbolic reference", name);
	git_oid_cpy(ret_oid, git_reference_target(reference));
	return 0;
}

int
repo_tag_read(struct repo *repo, const char *name, char **ret_text, size_t *ret_length,
	      char ret_id[REPO_ID_SIZE], struct error *err)
{
	AUTO(odb_freep) git_odb *odb = NULL;
	AUTO(odb_object_freep) git_odb_object *object = NULL;
	git_oid oid;

	if (find_tag(repo, name, &oid, err) < 0)
		return -1;
	if (git_repository_odb(&odb, repo->git) < 0 || git_odb_read(&object, odb, &oid) < 0)
		return error_set(err, ERR_IO, "cannot read the tag '%s': %s", name, repo_reason());
	if (git_odb_object_type(object) != GIT_OBJECT_TAG)
		return error_set(err, ERR_VERIFY,
				 "'%s' is a lightweight tag: there is nothing that could be signed",
				 name);
	if (git_odb_object_size(object) > MAX_TAG)
		return error_set(err, ERR_INPUT, "the tag '%s' is too large", name);
	*ret_length = git_odb_object_size(object);
	*ret_text = xstrndup(git_odb_object_data(object), *ret_length);
	format_id(&oid, ret_id);
	return 0;
}

/* 1 if the name is free, 0 if it holds this object. */
static int
compare_existing(struct repo *repo, const char *name, const git_oid *wanted, struct error *err)
{
	char have[REPO_ID_SIZE], want[REPO_ID_SIZE];
	git_oid existing;

	if (find_tag(repo, name, &existing, err) < 0)
		return err->code == ERR_NOT_FOUND ? 1 : -1;
	if (git_oid_equal(&existing, wanted))
		return 0;
	format_id(&existing, have);
	format_id(wanted, want);
	return error_set(err, ERR_BUSY, "the tag '%s' is there already as %s, not as %s", name,
			 have, want);
}

int
repo_tag_write(struct repo *repo, const char *name, const char *text, bool dry_run,
	       char ret_id[REPO_ID_SIZE], struct error *err)
{
	size_t length = strlen(text);
	git_oid wanted, made;
	int valid = 0, state;

	if (git_tag_name_is_valid(&valid, name) < 0 || valid != 1)
		return error_set(err, ERR_INPUT, "git does not allow the tag name '%s'", name);
	if (git_odb_hash(&wanted, text, length, GIT_OBJECT_TAG) < 0)
		return error_set(err, ERR_IO, "cannot hash the tag '%s': %s", name, repo_reason());
	state = compare_existing(repo, name, &wanted, err);
	if (state > 0 && !dry_run) {
		auto_free char *full = xasprintf("refs/tags/%s", name);

		if (git_lock_wait(repo->git, full, err) < 0)
			return -1;
		if (git_tag_create_from_buffer(&made, repo->git, text, 0) < 0)
			return error_set(err, ERR_IO, "cannot make the tag '%s': %s", name,
					 repo_reason());
		assert(git_oid_equal(&made, &wanted));
	}
	if (state >= 0)
		format_id(&wanted, ret_id);
	return state;
}

/* What the callbacks of one push need. */
struct pushing {
	const struct repo_push *push;
	char *host; /* of the URL that the user named, the only one that gets the token; or NULL */
	int attempts;
	char refusal[512];
};

/* "HOST[:PORT]" of an https URL, or NULL. */
static char *
https_host(const char *url)
{
	static const char scheme[] = "https://";

	if (!text_starts_with(url, scheme))
		return NULL;
	url += strlen(scheme);
	return xstrndup(url, strcspn(url, "/"));
}

/* Called again after a refusal, without end: hence the count. */
static int
give_credentials(git_credential **out, const char *url, const char *user, unsigned int allowed,
		 void *payload)
{
	struct pushing *pushing = payload;
	auto_free char *host = https_host(url);

	if (pushing->attempts++ > 0) {
		git_error_set_str(GIT_ERROR_CALLBACK, "the credentials were refused");
		return GIT_EAUTH;
	}
	if ((allowed & GIT_CREDENTIAL_SSH_KEY) != 0)
		return git_credential_ssh_key_from_agent(out, user != NULL ? user : "git");
	if ((allowed & GIT_CREDENTIAL_USERPASS_PLAINTEXT) == 0 || pushing->push->token == NULL) {
		git_error_set_str(GIT_ERROR_CALLBACK, "the remote asks for credentials");
		return GIT_EAUTH;
	}
	if (host == NULL || pushing->host == NULL || strcmp(host, pushing->host) != 0) {
		git_error_set_str(GIT_ERROR_CALLBACK, "another host asks for the token");
		return GIT_EAUTH;
	}
	return git_credential_userpass_plaintext_new(out, "x-access-token", pushing->push->token);
}

/* git_remote_push() succeeds even when the one reference was refused. */
static int
note_refusal(const char *reference, const char *status, void *payload)
{
	struct pushing *pushing = payload;

	(void)reference;
	if (status != NULL)
		(void)snprintf(pushing->refusal, sizeof(pushing->refusal), "%s", status);
	return 0;
}

static int
translate_remote(int code, const char *doing, struct error *err)
{
	enum error_code kind =
		code == GIT_EAUTH || code == GIT_ECERTIFICATE ? ERR_REMOTE : ERR_NETWORK;

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
		return error_set(err, ERR_IO, "cannot use the certificates of SSL_CERT_FILE: %s",
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
compare_remote(git_remote *remote, const git_remote_callbacks *callbacks, const char *reference,
	       const git_oid *wanted, struct error *err)
{
	git_remote_connect_options options;
	char have[REPO_ID_SIZE], want[REPO_ID_SIZE];
	git_oid found;
	int code, state;

	(void)git_remote_connect_options_init(&options, GIT_REMOTE_CONNECT_OPTIONS_VERSION);
	options.callbacks = *callbacks;
	/* A redirect could lead the token to another place. */
	options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
	code = git_remote_connect_ext(remote, GIT_DIRECTION_PUSH, &options);
	if (code < 0)
		return translate_remote(code, "reach the remote", err);
	state = find_remote(remote, reference, &found, err);
	(void)git_remote_disconnect(remote);
	if (state <= 0 || git_oid_equal(&found, wanted))
		return state;
	format_id(&found, have);
	format_id(wanted, want);
	return error_set(err, ERR_REMOTE, "the remote has %s as %s, not as %s", reference, have,
			 want);
}

static int
send_tag(git_remote *remote, struct pushing *pushing, const git_remote_callbacks *callbacks,
	 const char *reference, struct error *err)
{
	git_push_options options;
	auto_free char *spec = xasprintf("%s:%s", reference, reference);
	git_strarray specs = {&spec, 1};
	int code;

	(void)git_push_options_init(&options, GIT_PUSH_OPTIONS_VERSION);
	options.callbacks = *callbacks;
	options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
	pushing->attempts = 0;
	if (git_lock_wait_at(git_remote_url(remote), reference, err) < 0)
		return -1;
	code = git_remote_push(remote, &specs, &options);
	if (code < 0)
		return translate_remote(code, "push", err);
	if (pushing->refusal[0] != '\0')
		return error_set(err, ERR_REMOTE, "the remote refused it: %s", pushing->refusal);
	return 0;
}

static int
push_to(git_remote *remote, struct pushing *pushing, const char *reference, const git_oid *oid,
	struct error *err)
{
	git_remote_callbacks callbacks;
	int state;

	(void)git_remote_init_callbacks(&callbacks, GIT_REMOTE_CALLBACKS_VERSION);
	callbacks.credentials = give_credentials;
	callbacks.push_update_reference = note_refusal;
	callbacks.payload = pushing;
	state = compare_remote(remote, &callbacks, reference, oid, err);
	if (state < 0)
		return -1;
	if (state > 0 || pushing->push->dry_run)
		return state > 0 ? 0 : 1;
	if (send_tag(remote, pushing, &callbacks, reference, err) < 0)
		return -1;
	pushing->attempts = 0;
	state = compare_remote(remote, &callbacks, reference, oid, err);
	if (state == 0)
		return error_set(err, ERR_REMOTE, "the remote took %s but does not have it",
				 reference);
	return state;
}

static int
check_url(const char *url, struct error *err)
{
	const char *host = strstr(url, "://");
	size_t end = host != NULL ? strcspn(host + 3, "/") : 0;
	const char *at = host != NULL ? memchr(host + 3, '@', end) : NULL;

	if (at != NULL && memchr(host + 3, ':', (size_t)(at - host - 3)) != NULL)
		return error_set(err, ERR_USAGE,
				 "the URL of the remote holds a password; it belongs into "
				 "GITHUB_TOKEN");
	if (text_starts_with(url, "http://") && !text_starts_with(url, "http://127.0.0.1:"))
		return error_set(err, ERR_USAGE, "a tag is pushed over https, ssh or a path");
	return 0;
}

/* A mistyped name would be taken for a path, and the complaint be about that. */
static int
check_there(const char *remote, struct error *err)
{
	if (strchr(remote, ':') != NULL || access(remote, F_OK) == 0)
		return 0;
	return error_set(
		err, ERR_INPUT,
		"cannot push to '%s': it is neither a remote of this repository nor a URL, "
		"and there is no such path",
		remote);
}

int
repo_tag_push(struct repo *repo, const char *name, const struct repo_push *push, struct error *err)
{
	AUTO(remote_freep) git_remote *remote = NULL;
	auto_free char *configured = repo_remote_url(repo, push->url), *host = NULL;
	auto_free char *reference = xasprintf("refs/tags/%s", name);
	const char *url = configured != NULL ? configured : push->url;
	struct pushing pushing = {.push = push};
	git_oid oid;
	int state;

	if (find_tag(repo, name, &oid, err) < 0 || check_url(url, err) < 0 ||
	    (configured == NULL && check_there(url, err) < 0) || trust_certificates(err) < 0)
		return -1;
	host = https_host(url);
	pushing.host = host;
	if (git_remote_create_anonymous(&remote, repo->git, url) < 0)
		return error_set(err, ERR_USAGE, "cannot push to '%s': %s", push->url,
				 repo_reason());
	state = push_to(remote, &pushing, reference, &oid, err);
	if (state < 0)
		return error_prefix(err, "cannot push the tag '%s' to '%s'", name, push->url);
	return state;
}
