/* SPDX-License-Identifier: MIT */
#include "distributor/steps/release_notes.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "base/text.h"

#include <string.h>

/* GitHub takes 125,000 characters; the list of checksums goes first when it gets too long. */
enum { MAX_NOTES = 120000, MAX_SUMS_SHOWN = 60000, MAX_TEMPLATE = 65536 };

static const char built_in[] =
	"# `qemu-*-static` @ {{version}}\n"
	"\n"
	"Static QEMU user emulators for {{hosts-count}}, each from the package listed below.\n"
	"`$from_arch_qemu-$to_arch-static.tar.gz` contains `qemu-$to_arch-static` for hosts of\n"
	"architecture `$from_arch`.\n"
	"\n"
	"## Hosts\n"
	"\n"
	"{{hosts}}\n"
	"## Changes\n"
	"\n"
	"{{changes}}\n"
	"## Verify\n"
	"\n"
	"{{verify}}\n"
	"## Checksums\n"
	"\n"
	"{{checksums}}";

/* The packages of one host are neighbours in the lock. */
static const struct package *
first_package(const struct lock *lock, const char *host)
{
	for (size_t i = 0; i < lock->packages.count; i++)
		if (strcmp(lock->packages.items[i].host, host) == 0)
			return &lock->packages.items[i];
	return NULL;
}

static bool
is_first_of_host(const struct lock *lock, size_t index)
{
	return index == 0 ||
	       strcmp(lock->packages.items[index].host, lock->packages.items[index - 1].host) != 0;
}

/* One row: a host with its package, or with how many there are (Fedora has one for each target). */
static void
put_host(const struct lock *lock, const struct package *first, struct strbuf *out)
{
	size_t packages = 0, targets = 0;
	auto_free char *many = NULL;

	for (size_t i = 0; i < lock->packages.count; i++) {
		if (strcmp(lock->packages.items[i].host, first->host) != 0)
			continue;
		packages++;
		targets += lock->packages.items[i].member_count;
	}
	if (packages > 1)
		many = xasprintf("%zu packages,", packages);
	strbuf_addf(out, "| %s | %s | %s %s | %s | %zu |\n", first->host, first->qemu_version,
		    many != NULL ? many : first->name, first->version, first->source, targets);
}

static void
put_hosts(const struct release_notes *notes, struct strbuf *out)
{
	const struct lock *lock = notes->info->lock;

	strbuf_adds(out, "| host | QEMU | package | from | targets |\n|---|---|---|---|--:|\n");
	for (size_t i = 0; i < lock->packages.count; i++)
		if (is_first_of_host(lock, i))
			put_host(lock, &lock->packages.items[i], out);
}

static void
put_hosts_count(const struct release_notes *notes, struct strbuf *out)
{
	size_t count = 0;

	for (size_t i = 0; i < notes->info->lock->packages.count; i++)
		count += is_first_of_host(notes->info->lock, i);
	strbuf_addf(out, "%zu host%s", count, plural(count));
}

/* The targets that `in` has for a host and `other` does not. */
static void
put_targets(struct strbuf *out, const struct lock *in, const struct lock *other, const char *host,
	    const char *what)
{
	size_t count = 0;

	for (size_t i = 0; i < in->packages.count; i++) {
		const struct package *package = &in->packages.items[i];

		for (size_t m = 0; strcmp(package->host, host) == 0 && m < package->member_count;
		     m++) {
			if (lock_find_member(other, host, package->members[m].target, NULL) != NULL)
				continue;
			if (count++ == 0)
				strbuf_addf(out, "- %s: %s", host, what);
			strbuf_addf(out, "%s %s", count > 1 ? "," : "", package->members[m].target);
		}
	}
	if (count > 0)
		strbuf_adds(out, "\n");
}

static void
put_host_changes(struct strbuf *out, const struct lock *before, const struct package *package)
{
	const struct package *old = first_package(before, package->host);

	if (old == NULL) {
		strbuf_addf(out, "- %s: new host, QEMU %s from %s\n", package->host,
			    package->qemu_version, package->source);
		return;
	}
	if (strcmp(old->qemu_version, package->qemu_version) != 0)
		strbuf_addf(out, "- %s: QEMU %s → %s\n", package->host, old->qemu_version,
			    package->qemu_version);
	if (strcmp(old->source, package->source) != 0)
		strbuf_addf(out, "- %s: from %s instead of %s\n", package->host, package->source,
			    old->source);
	if (strcmp(old->version, package->version) != 0)
		strbuf_addf(out, "- %s: package %s → %s\n", package->host, old->version,
			    package->version);
	else if (!digest_equal(&old->sha256, &package->sha256))
		strbuf_addf(out, "- %s: package %s was rebuilt\n", package->host, package->version);
}

char *
release_notes_changes(const struct lock *before, const struct lock *after)
{
	AUTO(strbuf_clear) struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < after->packages.count; i++) {
		const struct package *package = &after->packages.items[i];

		if (!is_first_of_host(after, i))
			continue;
		put_host_changes(&out, before, package);
		if (first_package(before, package->host) == NULL)
			continue;
		put_targets(&out, after, before, package->host, "new targets");
		put_targets(&out, before, after, package->host, "removed targets");
	}
	for (size_t i = 0; i < before->packages.count; i++)
		if (is_first_of_host(before, i) &&
		    first_package(after, before->packages.items[i].host) == NULL)
			strbuf_addf(&out, "- %s: host removed\n", before->packages.items[i].host);
	return strbuf_take(&out);
}

static void
put_named(const struct release_notes *notes, struct strbuf *out)
{
	if (notes->repository == NULL)
		strbuf_addf(out, "Previous release: %s.\n", notes->previous_tag);
	else
		strbuf_addf(out, "Previous release: %s ([changes](%s/compare/%s...%s)).\n",
			    notes->previous_tag, notes->repository, notes->previous_tag,
			    notes->info->tag);
}

static void
put_changes(const struct release_notes *notes, struct strbuf *out)
{
	auto_free char *changes = NULL;

	switch (notes->before) {
	case BEFORE_UNKNOWN:
		strbuf_adds(out, "Not compared with the previous release.\n");
		return;
	case BEFORE_NONE:
		strbuf_adds(out, "This is the first release.\n");
		return;
	case BEFORE_NAMED:
		put_named(notes, out);
		return;
	case BEFORE_WITHOUT_LOCK:
		strbuf_adds(out, "The previous release has no lock to compare with.\n");
		return;
	case BEFORE_COMPARED:
		break;
	}
	changes = release_notes_changes(notes->previous, notes->info->lock);
	strbuf_addf(out, "Since %s%s%s", notes->previous_tag,
		    changes[0] == '\0' ? ", no packages have changed.\n" : ":\n\n", changes);
}

/* GitHub's word on it, for who has gh. The last is empty where releases are not immutable. */
static void
put_attestation(const struct release_notes *notes, struct strbuf *out)
{
	const struct matrix *matrix = notes->info->matrix;

	if (notes->attested_by == NULL)
		return;
	strbuf_addf(out,
		    "\n"
		    "GitHub attests which workflow built it, independently of that key:\n"
		    "\n"
		    "```sh\n"
		    "gh attestation verify FILE --repo %s\n",
		    notes->attested_by);
	if (matrix->images.count > 0)
		strbuf_addf(out, "gh attestation verify oci://%s:%s --repo %s\n",
			    matrix->images.items[0], matrix->version, notes->attested_by);
	strbuf_addf(out,
		    "gh release verify-asset %s FILE --repo %s   # if the release is immutable\n"
		    "```\n",
		    notes->info->tag, notes->attested_by);
}

static void
put_verify(const struct release_notes *notes, struct strbuf *out)
{
	auto_free char *ssh = public_key_ssh_base64(notes->key);
	auto_free char *minisign = public_key_minisign_base64(notes->key);
	char fingerprint[FINGERPRINT_SIZE];

	strbuf_addf(out, "Everything is signed with the Ed25519 key `%s`. Compare it with `keys/` ",
		    public_key_fingerprint(notes->key, fingerprint));
	if (notes->repository != NULL)
		strbuf_addf(out, "in [the repository](%s/tree/%s/keys) ", notes->repository,
			    notes->info->tag);
	strbuf_addf(out,
		    "once. Then, in the directory of the files:\n"
		    "\n"
		    "```sh\n"
		    "echo '%s namespaces=\"file,git\" ssh-ed25519 %s' >allowed_signers\n"
		    "ssh-keygen -Y verify -f allowed_signers -I %s -n file -s SHA256SUMS.sig "
		    "<SHA256SUMS\n"
		    "sha256sum --ignore-missing -c SHA256SUMS\n"
		    "```\n"
		    "\n"
		    "or `minisign -V -H -P %s -m SHA256SUMS` for the signature,\n"
		    "`git -c gpg.ssh.allowedSignersFile=keys/allowed_signers verify-tag %s` for "
		    "the tag,\n"
		    "or `distributor verify --keys keys --tag %s DIRECTORY` for everything, with "
		    "`keys` from a clone\n"
		    "of the repository.\n",
		    notes->principal, ssh, notes->principal, minisign, notes->info->tag,
		    notes->info->tag);
	put_attestation(notes, out);
}

static void
put_checksums(const struct release_notes *notes, struct strbuf *out)
{
	char hex[DIGEST_HEX_SIZE];
	struct digest digest;

	digest_of(notes->sums, strlen(notes->sums), &digest);
	strbuf_addf(out, "sha256 of `SHA256SUMS`: `%s`\n", digest_hex(&digest, hex));
	if (strlen(notes->sums) <= MAX_SUMS_SHOWN)
		strbuf_addf(out,
			    "\n<details><summary>SHA256SUMS</summary>\n\n```\n%s```\n\n"
			    "</details>\n",
			    notes->sums);
}

/* Replaces one word. Returns false if there is no such word. */
static bool
put_word(const struct release_notes *notes, const char *word, size_t length, struct strbuf *out)
{
	const struct release_info *info = notes->info;
	const struct {
		const char *word, *text;
		void (*put)(const struct release_notes *notes, struct strbuf *out);
	} words[] = {
		{"name", info->matrix->name, NULL}, {"version", info->matrix->version, NULL},
		{"tag", info->tag, NULL},           {"repository", notes->repository, NULL},
		{"hosts", NULL, put_hosts},         {"hosts-count", NULL, put_hosts_count},
		{"changes", NULL, put_changes},     {"checksums", NULL, put_checksums},
		{"verify", NULL, put_verify},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i].word) != length || memcmp(words[i].word, word, length) != 0)
			continue;
		if (words[i].put != NULL)
			words[i].put(notes, out);
		else
			strbuf_adds(out, words[i].text != NULL ? words[i].text : "");
		return true;
	}
	return false;
}

static int
expand(const struct release_notes *notes, const char *name, const char *template_text,
       struct strbuf *out, struct error *err)
{
	const char *at = template_text, *open, *end;

	while ((open = strstr(at, "{{")) != NULL && (end = strstr(open, "}}")) != NULL) {
		strbuf_add(out, at, (size_t)(open - at));
		if (!put_word(notes, open + 2, (size_t)(end - open - 2), out))
			return error_set(err, ERR_INPUT, "'%s': unknown placeholder '%.*s'", name,
					 (int)(end + 2 - open), open);
		at = end + 2;
	}
	strbuf_adds(out, at);
	return 0;
}

int
release_notes_make(const struct release_notes *notes, const char *template_path, char **ret_text,
		   struct error *err)
{
	AUTO(strbuf_clear) struct strbuf out = {.max_length = MAX_NOTES};
	auto_free char *own = NULL;
	const char *name = template_path != NULL ? template_path : "built-in template";

	if (template_path != NULL && read_file(template_path, MAX_TEMPLATE, &own, NULL, err) < 0)
		return -1;
	if (expand(notes, name, own != NULL ? own : built_in, &out, err) < 0)
		return -1;
	if (out.overflow)
		return error_set(err, ERR_INPUT,
				 "'%s': the text of the release page exceeds %d characters", name,
				 (int)MAX_NOTES);
	*ret_text = strbuf_take(&out);
	return 0;
}
