#include "sign/keyring.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "sign/release_version.h"

#include <string.h>

void
keyring_release(struct keyring *keyring)
{
	for (size_t i = 0; i < keyring->count; i++) {
		free(keyring->entries[i].principal);
		free(keyring->entries[i].last_tag);
	}
	free(keyring->entries);
	free(keyring->revoked);
	free(keyring->path);
	free(keyring->root);
	*keyring = (struct keyring)KEYRING_INIT;
}

static bool
is_principal(const char *text)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789._+@-";

	return text[0] != '\0' && text[strspn(text, allowed)] == '\0';
}

/* `text` is the value between the quotes; a namespace of others is passed over. */
static unsigned int
parse_namespaces(char *text)
{
	unsigned int set = 0;
	char *next = text;

	while (next != NULL) {
		char *word = strsep(&next, ",");

		for (int i = 0; i < SSHSIG_NAMESPACES; i++)
			if (strcmp(word, sshsig_namespace_name((enum sshsig_namespace)i)) == 0)
				set |= 1U << i;
	}
	return set;
}

/* `options` is the second field of a line. */
static int
parse_options(char *options, unsigned int *ret_set, struct error *err)
{
	static const char key[] = "namespaces=\"";
	char *value = options + strlen(key);
	size_t length = strlen(options);

	if (text_starts_with(options, "valid-") || strstr(options, ",valid-") != NULL)
		return error_set(err, ERR_INPUT,
				 "OpenSSH before 8.7 refuses a line with valid-after or "
				 "valid-before; remove the key or list it in revoked_keys");
	if (!text_starts_with(options, key) || length < strlen(key) + 1 ||
	    options[length - 1] != '"' || strchr(value, '"') != options + length - 1)
		return error_set(err, ERR_INPUT, "the one option allowed is namespaces=\"...\"");
	options[length - 1] = '\0';
	*ret_set = parse_namespaces(value);
	return 0;
}

static int
add_allowed(struct keyring *keyring, char *line, const char *name, struct error *err)
{
	char *rest = line, *principal = strsep(&rest, " "), *options = strsep(&rest, " ");
	struct keyring_entry entry = {0};

	if (options == NULL || rest == NULL)
		return error_set(err, ERR_INPUT,
				 "not 'PRINCIPAL namespaces=\"...\" ssh-ed25519 KEY'");
	if (!is_principal(principal))
		return error_set(err, ERR_INPUT, "'%s' cannot be a principal", principal);
	if (parse_options(options, &entry.namespaces, err) < 0 ||
	    public_key_parse_ssh_line(rest, &entry.key, name, err) < 0)
		return -1;
	entry.principal = xstrdup(principal);
	keyring->entries = xgrow(keyring->entries, keyring->count, sizeof(entry));
	keyring->entries[keyring->count++] = entry;
	return 0;
}

static int
add_line(struct keyring *keyring, char *line, const char *name, struct error *err)
{
	struct public_key key;

	if (line[0] == '\0' || line[0] == '#')
		return 0;
	if (keyring->count + keyring->revoked_count >= KEYRING_MAX_KEYS)
		return error_set(err, ERR_INPUT, "more than %d keys", KEYRING_MAX_KEYS);
	if (!text_starts_with(line, "ssh-"))
		return add_allowed(keyring, line, name, err);
	if (public_key_parse_ssh_line(line, &key, name, err) < 0)
		return -1;
	keyring->revoked = xgrow(keyring->revoked, keyring->revoked_count, sizeof(key));
	keyring->revoked[keyring->revoked_count++] = key;
	return 0;
}

int
keyring_parse(const char *text, size_t length, struct keyring *keyring, const char *name,
	      struct error *err)
{
	auto_free char *copy = NULL;
	size_t number = 0;
	char *next;

	if (length > KEYRING_MAX_TEXT || memchr(text, '\0', length) != NULL)
		return error_set(err, ERR_INPUT, "'%s' is not a list of keys", name);
	copy = xstrndup(text, length);
	next = copy;
	while (next != NULL) {
		char *line = strsep(&next, "\n");

		number++;
		if (add_line(keyring, line, name, err) < 0)
			return error_prefix(err, "%s:%zu", name, number);
	}
	return 0;
}

/* A retired key signs what says that it is of its last release or of one before. */
static int
check_retired(const struct keyring_entry *entry, const char *release, const char *what,
	      const char *fingerprint, struct error *err)
{
	const char *version = release;

	if (entry->last_tag == NULL)
		return 0;
	if (version == NULL)
		return error_set(err, ERR_VERIFY,
				 "%s is by key %s, which was retired after %s, and does not say of "
				 "which release it is",
				 what, fingerprint, entry->last_tag);
	version += version[0] == 'v';
	if (!release_version_is_valid(version) ||
	    release_version_compare(version, entry->last_tag + 1) > 0)
		return error_set(err, ERR_VERIFY,
				 "%s is of %s and by key %s, which was retired after %s", what,
				 release, fingerprint, entry->last_tag);
	return 0;
}

int
keyring_find_for(const struct keyring *keyring, const struct public_key *key,
		 enum sshsig_namespace name_space, const char *release, const char *what,
		 const struct keyring_entry **ret_entry, struct error *err)
{
	char fingerprint[FINGERPRINT_SIZE];
	bool known = false;

	public_key_fingerprint(key, fingerprint);
	for (size_t i = 0; i < keyring->revoked_count; i++)
		if (public_key_equal(&keyring->revoked[i], key))
			return error_set(err, ERR_VERIFY, "%s is by key %s, which is revoked", what,
					 fingerprint);
	for (size_t i = 0; i < keyring->count; i++) {
		const struct keyring_entry *entry = &keyring->entries[i];

		if (!public_key_equal(&entry->key, key))
			continue;
		known = true;
		if ((entry->namespaces & 1U << name_space) == 0)
			continue;
		if (check_retired(entry, release, what, fingerprint, err) < 0)
			return -1;
		*ret_entry = entry;
		return 0;
	}
	if (known)
		return error_set(err, ERR_VERIFY,
				 "%s is by key %s, which may not sign in the namespace '%s'", what,
				 fingerprint, sshsig_namespace_name(name_space));
	return error_set(err, ERR_VERIFY, "%s is by key %s, which allowed_signers does not list",
			 what, fingerprint);
}

int
keyring_find(const struct keyring *keyring, const struct public_key *key,
	     enum sshsig_namespace name_space, const char *what,
	     const struct keyring_entry **ret_entry, struct error *err)
{
	return keyring_find_for(keyring, key, name_space, NULL, what, ret_entry, err);
}

int
keyring_format_line(const char *principal, const char *namespaces, const struct public_key *key,
		    char **ret_line, struct error *err)
{
	auto_free char *line = public_key_ssh_line(key, "");

	if (!is_principal(principal))
		return error_set(err, ERR_INPUT,
				 "'%s' cannot be a principal; use something like "
				 "release@example.org",
				 principal);
	*ret_line = xasprintf("%s namespaces=\"%s\" %s", principal, namespaces, line);
	return 0;
}

/* Reads a list into `keyring`. A missing one is 0 with `*ret_text` NULL. */
static int
load_list(const char *directory, const char *name, struct keyring *keyring, char **ret_text,
	  struct error *err)
{
	auto_free char *path = path_join(directory, name);
	auto_free char *text = NULL;
	size_t length;

	if (read_file(path, KEYRING_MAX_TEXT, &text, &length, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (keyring_parse(text, length, keyring, path, err) < 0)
		return -1;
	*ret_text = TAKE(text);
	return 0;
}

/* Checks DIRECTORY/NAME.sig over the text of NAME with the keys of `root`; says which one it was. */
static int
check_root_signature(const char *directory, const char *name, const char *text,
		     const struct keyring *root, struct public_key *ret_signer, struct error *err)
{
	auto_free char *path = xasprintf("%s/%s.sig", directory, name);
	auto_free char *armour = NULL;
	const struct keyring_entry *entry;
	struct sshsig sig;
	size_t length;

	if (read_file(path, SSHSIG_MAX_TEXT, &armour, &length, err) < 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		return error_set(err, ERR_VERIFY,
				 "'%s/root_signers' is there, but '%s' is not signed by it",
				 directory, name);
	}
	if (sshsig_parse(armour, length, &sig, path, err) < 0 ||
	    keyring_find(root, &sig.key, SSHSIG_KEYS, path, &entry, err) < 0 ||
	    sshsig_check(&sig, SSHSIG_KEYS, text, strlen(text), name, err) < 0)
		return -1;
	*ret_signer = entry->key;
	return 0;
}

/*
 * One list against what the root key has to be. An outsider may add a root key of his own to
 * root_signers, so each list is compared with the pin, and the second one with the first.
 */
static int
check_root_list(const char *directory, const char *name, const char *text,
		const struct keyring *root, const char *pinned, struct keyring *keyring,
		struct error *err)
{
	char fingerprint[FINGERPRINT_SIZE];
	struct public_key signer;

	if (check_root_signature(directory, name, text, root, &signer, err) < 0)
		return -1;
	public_key_fingerprint(&signer, fingerprint);
	if (pinned != NULL && strcmp(fingerprint, pinned) != 0)
		return error_set(err, ERR_VERIFY, "'%s/%s' is signed by root key %s, not %s",
				 directory, name, fingerprint, pinned);
	if (keyring->root != NULL && strcmp(fingerprint, keyring->root) != 0)
		return error_set(err, ERR_VERIFY,
				 "'%s/%s' is signed by root key %s, but allowed_signers by %s",
				 directory, name, fingerprint, keyring->root);
	free(keyring->root);
	keyring->root = xstrdup(fingerprint);
	keyring->is_pinned = pinned != NULL;
	return 0;
}

/* The root list, if there is one, signs the others; it is trusted by its fingerprint. */
static int
check_root(const char *directory, const char *allowed, const char *revoked, const char *pinned,
	   struct keyring *keyring, struct error *err)
{
	AUTO(keyring_release) struct keyring root = KEYRING_INIT;
	auto_free char *text = NULL;

	if (load_list(directory, "root_signers", &root, &text, err) < 0)
		return -1;
	if (text == NULL && pinned == NULL)
		return 0;
	if (text == NULL)
		return error_set(err, ERR_VERIFY, "'%s' has no root_signers, but %s is required",
				 directory, pinned);
	if (check_root_list(directory, "allowed_signers", allowed, &root, pinned, keyring, err) < 0)
		return -1;
	return revoked == NULL ? 0
			       : check_root_list(directory, "revoked_keys", revoked, &root, pinned,
						 keyring, err);
}

/* release.pub and the like have to be a key of the list: users pick one of them. */
static int
check_spelling(const char *directory, const char *name, const struct keyring *keyring,
	       struct error *err)
{
	auto_free char *path = path_join(directory, name);
	auto_free char *text = NULL;
	char fingerprint[FINGERPRINT_SIZE];
	struct public_key key;

	if (read_file(path, PUBLIC_KEY_MAX_TEXT, &text, NULL, err) < 0)
		return err->code == ERR_NOT_FOUND ? 0 : -1;
	if (public_key_parse(text, &key, path, err) < 0)
		return -1;
	for (size_t i = 0; i < keyring->count; i++)
		if (public_key_equal(&keyring->entries[i].key, &key))
			return 0;
	return error_set(err, ERR_VERIFY, "'%s' holds key %s, which allowed_signers does not list",
			 path, public_key_fingerprint(&key, fingerprint));
}

int
keyring_load(const char *directory, const char *root_fingerprint, struct keyring *ret_keyring,
	     struct error *err)
{
	static const char *const spellings[] = {"release.pub", "minisign.pub", "release.pem"};
	AUTO(keyring_release) struct keyring keyring = KEYRING_INIT;
	auto_free char *allowed = NULL, *revoked = NULL;
	size_t count;

	if (load_list(directory, "allowed_signers", &keyring, &allowed, err) < 0)
		return -1;
	count = keyring.count;
	if (allowed == NULL)
		return error_set(err, ERR_NOT_FOUND,
				 "there is no '%s/allowed_signers': 'distributor keygen' makes "
				 "one, or name the directory with --keys",
				 directory);
	if (count == 0)
		return error_set(err, ERR_INPUT, "'%s/allowed_signers' lists no key", directory);
	if (load_list(directory, "revoked_keys", &keyring, &revoked, err) < 0)
		return -1;
	/* Else a list of keys to refuse could make a key trusted. */
	if (keyring.count != count)
		return error_set(err, ERR_INPUT,
				 "'%s/revoked_keys' has a line that is not 'ssh-ed25519 KEY'",
				 directory);
	if (check_root(directory, allowed, revoked, root_fingerprint, &keyring, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++)
		if (check_spelling(directory, spellings[i], &keyring, err) < 0)
			return -1;
	keyring.path = path_join(directory, "allowed_signers");
	*ret_keyring = keyring;
	keyring = (struct keyring)KEYRING_INIT;
	return 0;
}
