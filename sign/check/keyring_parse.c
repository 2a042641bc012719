/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"
#include "base/base64.h"
#include "base/strbuf.h"
#include "model/release_version.h"
#include "sign/check/key_list.h"
#include "sign/check/keyring_internal.h"
#include "sign/check/wire.h"

#include <string.h>
#include <strings.h>

#define NOT_A_RETIREMENT "expected '" KEY_LIST_RETIRED "vVERSION SHA256:...'"

static const char blanks[] = " \t";
static const char ed25519_type[] = "ssh-ed25519";

/* What else OpenSSH knows, and how many strings follow the type in a key. */
static const struct {
	const char *name;
	unsigned int strings;
} guest_types[] = {{"ssh-rsa", 2},
		   {"ecdsa-sha2-nistp256", 2},
		   {"ecdsa-sha2-nistp384", 2},
		   {"ecdsa-sha2-nistp521", 2},
		   {"sk-ssh-ed25519@openssh.com", 2},
		   {"sk-ecdsa-sha2-nistp256@openssh.com", 3}};

/* The next word, terminated in place, with `*at` moved behind it; NULL at the end of the line. */
static char *
take_word(char **at)
{
	char *word = *at + strspn(*at, blanks), *end = word + strcspn(word, blanks);

	*at = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return word != end ? word : NULL;
}

/* The same for options, in whose quotes there may be blanks. */
static char *
take_options(char **at)
{
	char *word = *at + strspn(*at, blanks), *end = word;
	bool quoted = false;

	for (; *end != '\0' && (quoted || strchr(blanks, *end) == NULL); end++) {
		if (*end == '\\' && end[1] == '"')
			end++;
		else if (*end == '"')
			quoted = !quoted;
	}
	*at = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return word != end ? word : NULL;
}

/* Whether the first word of a text is the type of a key, and not the options in front of one. */
static bool
is_key_type(const char *word)
{
	static const char *const prefixes[] = {"ssh-", "ecdsa-", "sk-"};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (text_starts_with(word, prefixes[i]))
			return strcspn(word, "=\",") >= strcspn(word, blanks);
	return false;
}

static int
add_namespace(const char *word, unsigned int *set, struct error *err)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._+@-";

	if (word[0] == '\0' || word[strspn(word, plain)] != '\0')
		return error_set(err, ERR_INPUT,
				 "the namespace '%s' is not a plain name; patterns and negations "
				 "are not supported",
				 word);
	for (int i = 0; i < SSHSIG_NAMESPACES; i++)
		if (strcmp(word, sshsig_namespace_name((enum sshsig_namespace)i)) == 0)
			*set |= 1U << i;
	return 0;
}

/* `options` is the field between principal and key. A namespace of others is not an error. */
static int
parse_options(char *options, unsigned int *ret_set, struct error *err)
{
	static const char key[] = "namespaces=\"";
	size_t length = options != NULL ? strlen(options) : 0;
	unsigned int set = 0;
	char *next;

	if (options != NULL &&
	    (text_starts_with(options, "valid-") || strstr(options, ",valid-") != NULL))
		return error_set(err, ERR_INPUT,
				 "OpenSSH before 8.7 refuses a line with valid-after or "
				 "valid-before; remove the key or list it in revoked_keys");
	if (length <= strlen(key) || !text_starts_with(options, key) ||
	    strchr(options + strlen(key), '"') != options + length - 1)
		return error_set(err, ERR_INPUT,
				 "namespaces=\"...\" is required, and no other option is allowed");
	options[length - 1] = '\0';
	next = options + strlen(key);
	while (next != NULL)
		if (add_namespace(strsep(&next, ","), &set, err) < 0)
			return -1;
	*ret_set = set;
	return 0;
}

/* A line "# retired after TAG FINGERPRINT", whose key may be listed further down. */
struct retirement {
	char *tag, *fingerprint;
	size_t line;
};

struct parsing {
	struct keyring *keyring;
	enum keyring_role role;
	const char *name;
	size_t line;
	struct retirement *retired;
	size_t retired_count;
};

static void
parsing_clear(struct parsing *p)
{
	for (size_t i = 0; i < p->retired_count; i++) {
		free(p->retired[i].tag);
		free(p->retired[i].fingerprint);
	}
	free(p->retired);
}

static void
note_skipped(const struct parsing *p, const char *type)
{
	struct keyring *keyring = p->keyring;

	keyring->skipped =
		xgrow(keyring->skipped, keyring->skipped_count, sizeof(*keyring->skipped));
	keyring->skipped[keyring->skipped_count++] =
		xasprintf("%s:%zu: a key of type %s cannot sign releases", p->name, p->line, type);
}

/* PRINCIPAL [OPTIONS] TYPE BASE64 [COMMENT] */
static int
add_allowed(const struct parsing *p, char *line, struct error *err)
{
	struct keyring *keyring = p->keyring;
	char *at = line, *principal = take_word(&at), *after = at, *options = NULL, *type, *key;
	struct keyring_entry entry = {0};

	after += strspn(after, blanks);
	if (!is_key_type(after))
		options = take_options(&after);
	type = take_word(&after);
	key = take_word(&after);
	if (principal == NULL || key == NULL || !is_key_type(type))
		return error_set(err, ERR_INPUT,
				 "expected 'PRINCIPAL namespaces=\"...\" ssh-ed25519 KEY'");
	if (strcmp(type, ed25519_type) != 0) {
		note_skipped(p, type);
		return 0;
	}
	if (!keyring_is_principal(principal))
		return error_set(err, ERR_INPUT, "'%s' is not a valid principal", principal);
	if (parse_options(options, &entry.namespaces, err) < 0 ||
	    public_key_parse_ssh_base64(key, &entry.key, p->name, err) < 0)
		return -1;
	entry.principal = xstrdup(principal);
	keyring->entries = xgrow(keyring->entries, keyring->count, sizeof(entry));
	keyring->entries[keyring->count++] = entry;
	return 0;
}

/* Whether the base64 is a key of this type. It will never be compared with one of ours. */
static bool
is_foreign_key(const char *type, const char *key)
{
	uint8_t blob[PUBLIC_KEY_MAX_TEXT];
	struct wire wire = {blob, 0};
	const uint8_t *bytes;
	unsigned int strings = 0;
	size_t length;

	for (size_t i = 0; i < ARRAY_SIZE(guest_types); i++)
		if (strcmp(type, guest_types[i].name) == 0)
			strings = guest_types[i].strings;
	if (strings == 0 || !base64_decode(key, strlen(key), blob, sizeof(blob), &wire.left) ||
	    !wire_get_text(&wire, type))
		return false;
	while (strings-- != 0)
		if (!wire_get_string(&wire, &bytes, &length) || length == 0)
			return false;
	return wire.left == 0;
}

/* TYPE BASE64 [COMMENT]. ssh-keygen -r refuses everything if there is any other line. */
static int
add_revoked(const struct parsing *p, char *line, struct error *err)
{
	struct keyring *keyring = p->keyring;
	char *at = line, *type = take_word(&at), *text = take_word(&at);
	struct public_key key;

	if (type == NULL || text == NULL || !is_key_type(type))
		return error_set(err, ERR_INPUT, "expected 'ssh-ed25519 KEY'");
	if (strcmp(type, ed25519_type) != 0) {
		if (!is_foreign_key(type, text))
			return error_set(err, ERR_INPUT, "the key of type '%s' is damaged", type);
		note_skipped(p, type);
		return 0;
	}
	if (public_key_parse_ssh_base64(text, &key, p->name, err) < 0)
		return -1;
	keyring->revoked = xgrow(keyring->revoked, keyring->revoked_count, sizeof(key));
	keyring->revoked[keyring->revoked_count++] = key;
	return 0;
}

static int
add_retirement(struct parsing *p, const char *comment, struct error *err)
{
	auto_free char *copy = xstrdup(comment + strlen(KEY_LIST_RETIRED));
	char *at = copy, *tag = take_word(&at), *fingerprint = take_word(&at);
	struct retirement retirement;

	if (fingerprint == NULL || take_word(&at) != NULL || tag[0] != 'v' ||
	    !release_version_is_valid(tag + 1) || !text_starts_with(fingerprint, "SHA256:"))
		return error_set(err, ERR_INPUT, NOT_A_RETIREMENT);
	if (p->role != KEYRING_ALLOWED)
		return error_set(err, ERR_INPUT, "only allowed_signers can retire a key");
	retirement = (struct retirement){xstrdup(tag), xstrdup(fingerprint), p->line};
	p->retired = xgrow(p->retired, p->retired_count, sizeof(*p->retired));
	p->retired[p->retired_count++] = retirement;
	return 0;
}

/* Each retirement is of a listed key, which has only one. */
static int
apply_retirement(struct parsing *p, const struct retirement *retirement, struct error *err)
{
	char fingerprint[FINGERPRINT_SIZE];
	bool found = false;

	for (size_t i = 0; i < p->keyring->count; i++) {
		struct keyring_entry *entry = &p->keyring->entries[i];

		public_key_fingerprint(&entry->key, fingerprint);
		if (strcmp(fingerprint, retirement->fingerprint) != 0)
			continue;
		if (entry->last_tag != NULL)
			return error_set(err, ERR_INPUT, "%s:%zu: key %s is retired twice", p->name,
					 retirement->line, fingerprint);
		entry->last_tag = xstrdup(retirement->tag);
		found = true;
	}
	if (!found)
		return error_set(err, ERR_INPUT, "%s:%zu: key %s is retired but not listed",
				 p->name, retirement->line, retirement->fingerprint);
	return 0;
}

/* Whether a comment is meant to retire a key, however it is written. */
static bool
means_retirement(const char *line)
{
	static const char retired[] = "retired", after[] = "after";

	line += strspn(line, "# \t");
	if (strncasecmp(line, retired, strlen(retired)) != 0)
		return false;
	line += strlen(retired);
	return strncasecmp(line + strspn(line, blanks), after, strlen(after)) == 0;
}

static int
add_line(struct parsing *p, char *line, struct error *err)
{
	struct keyring *keyring = p->keyring;
	bool blank = line[strspn(line, blanks)] == '\0';
	size_t length = strlen(line);

	if (length != 0 && line[length - 1] == '\r')
		line[length - 1] = '\0';
	/* Where lines end in CR alone, all of the list would be one comment. */
	if (strchr(line, '\r') != NULL)
		return error_set(err, ERR_INPUT, "a CR that does not end a line");
	line += strspn(line, blanks);
	if (text_starts_with(line, KEY_LIST_RETIRED))
		return add_retirement(p, line, err);
	if (line[0] == '#' && means_retirement(line))
		return error_set(err, ERR_INPUT, NOT_A_RETIREMENT);
	/* ssh-keygen -r stumbles over a blank line that ends with CR LF. */
	if (line[0] == '#' || (line[0] == '\0' && (blank || p->role != KEYRING_REVOKED)))
		return 0;
	if (keyring->count + keyring->revoked_count + keyring->skipped_count >= KEYRING_MAX_KEYS)
		return error_set(err, ERR_INPUT, "more than %d keys", KEYRING_MAX_KEYS);
	if (p->role == KEYRING_REVOKED)
		return add_revoked(p, line, err);
	return add_allowed(p, line, err);
}

/* A list that says that it is another one is refused, whoever signed it. */
static int
check_role(const char *text, enum keyring_role role, const char *name, struct error *err)
{
	struct keyring_stamp stamp;

	for (int i = KEYRING_ALLOWED; i <= KEYRING_ROOTS; i++)
		if (i != (int)role && key_list_stamp(text, (enum keyring_role)i, &stamp))
			return error_set(err, ERR_VERIFY, "'%s' is a list of %s, expected %s", name,
					 keyring_role_name((enum keyring_role)i),
					 keyring_role_name(role));
	return 0;
}

int
keyring_parse(const char *text, size_t length, enum keyring_role role, struct keyring *keyring,
	      const char *name, struct error *err)
{
	AUTO(parsing_clear) struct parsing p = {.keyring = keyring, .role = role, .name = name};
	auto_free char *copy = NULL;
	char *next;

	if (length > KEYRING_MAX_TEXT || memchr(text, '\0', length) != NULL)
		return error_set(err, ERR_INPUT, "'%s' is not a list of keys", name);
	copy = xstrndup(text, length);
	if (check_role(copy, role, name, err) < 0)
		return -1;
	if (role != KEYRING_REVOKED)
		keyring->role = role;
	next = copy;
	while (next != NULL) {
		char *line = strsep(&next, "\n");

		p.line++;
		if (add_line(&p, line, err) < 0)
			return error_prefix(err, "%s:%zu", name, p.line);
	}
	for (size_t i = 0; i < p.retired_count; i++)
		if (apply_retirement(&p, &p.retired[i], err) < 0)
			return -1;
	return 0;
}
