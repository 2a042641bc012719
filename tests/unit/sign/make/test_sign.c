/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/strbuf.h"
#include "distributor/documents/purl.h"
#include "distributor/documents/release.h"
#include "distributor/verify/verify.h"
#include "model/release_version.h"
#include "sign/check/dsse.h"
#include "sign/check/minisig.h"
#include "sign/check/simple_signing.h"
#include "sign/check/sshsig.h"
#include "sign/check/statement.h"
#include "sign/check/sums.h"
#include "sign/check/tag_object.h"
#include "sign/make/dsse_sign.h"
#include "sign/make/minisig_sign.h"
#include "sign/make/simple_signing_sign.h"
#include "sign/make/sshsig_sign.h"

#include <jansson.h>
#include <stdlib.h>

static const char statement_text[] =
	"{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{\"name\":\"a\",\"digest\":"
	"{\"sha256\":\"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb\"}}],"
	"\"predicateType\":\"https://slsa.dev/provenance/v1\",\"predicate\":{}}";

static char *
data(const char *name)
{
	auto_free char *path = xasprintf("data/sign/%s", name);
	struct error err = ERROR_INIT;
	char *text = NULL;

	assert_ok(read_file(path, 1 << 20, &text, NULL, &err), err);
	return text;
}

static struct signing_key *
load_key(const char *name, const char *passphrase)
{
	AUTO(secret_clear) struct secret text = SECRET_INIT, phrase = SECRET_INIT;
	auto_free char *bytes = data(name);
	struct signing_key *key = NULL;
	struct error err = ERROR_INIT;

	assert_ok(secret_alloc(strlen(bytes), &text, &err), err);
	memcpy(text.bytes, bytes, text.length);
	if (passphrase != NULL) {
		assert_ok(secret_alloc(strlen(passphrase), &phrase, &err), err);
		memcpy(phrase.bytes, passphrase, phrase.length);
	}
	assert_ok(signing_key_parse(&text, passphrase != NULL ? &phrase : NULL, &key, name, &err),
		  err);
	return key;
}

static struct signer
signer_of(const struct signing_key *key)
{
	return (struct signer){key, *signing_key_public(key)};
}

static void
base64_has_one_spelling(void **state)
{
	static const struct {
		const char *bytes, *text;
	} rows[] = {{"", ""},
		    {"f", "Zg=="},
		    {"fo", "Zm8="},
		    {"foo", "Zm9v"},
		    {"foob", "Zm9vYg=="},
		    {"fooba", "Zm9vYmE="},
		    {"foobar", "Zm9vYmFy"}};
	static const char *const refused[] = {"Zg",       "Zg=", "Zh==", "Zm9=", "Zg==\n", " Zg==",
					      "Zg==Zg==", "=",   "====", "Z===", "Zm8-",   "Zm=v"};
	uint8_t bytes[16];
	size_t length;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *text = base64_encode(rows[i].bytes, strlen(rows[i].bytes));

		assert_string_equal(text, rows[i].text);
		assert_true(base64_decode(text, strlen(text), bytes, sizeof(bytes), &length));
		assert_int_equal(length, strlen(rows[i].bytes));
		assert_memory_equal(bytes, rows[i].bytes, length);
	}
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (base64_decode(refused[i], strlen(refused[i]), bytes, sizeof(bytes), &length))
			fail_msg("'%s' was accepted", refused[i]);
	assert_false(base64_decode("Zm9vYmFy", 8, bytes, 5, &length));
}

static void
every_key_file_gives_the_same_key(void **state)
{
	static const struct {
		const char *name, *passphrase;
	} rows[] = {{"release.pem", NULL},
		    {"release.line", NULL},
		    {"release.protected.pem", "hunter2"}};
	auto_free char *want = data("release.pub");

	(void)state;
	want[strcspn(want, " ") + 1 + 68] = '\n';
	want[strcspn(want, " ") + 1 + 69] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(signing_key_freep)
		struct signing_key *key = load_key(rows[i].name, rows[i].passphrase);
		auto_free char *line = public_key_ssh_line(signing_key_public(key), "");

		assert_string_equal(line, want);
	}
}

static void
key_files_are_written_as_others_do(void **state)
{
	static const struct {
		enum signing_key_form form;
		const char *name;
	} rows[] = {{SIGNING_KEY_PEM, "release.pem"}, {SIGNING_KEY_LINE, "release.line"}};
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(secret_clear) struct secret text = SECRET_INIT;
		auto_free char *want = data(rows[i].name);

		assert_ok(signing_key_format(key, rows[i].form, NULL, &text, &err), err);
		assert_string_equal(text.bytes, want);
	}
}

static void
a_protected_key_needs_its_passphrase(void **state)
{
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	AUTO(signing_key_freep) struct signing_key *again = NULL;
	AUTO(secret_clear)
	struct secret right = SECRET_INIT, wrong = SECRET_INIT, text = SECRET_INIT;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(secret_alloc(5, &right, &err), err);
	memcpy(right.bytes, "right", 5);
	assert_ok(secret_alloc(5, &wrong, &err), err);
	assert_refused(signing_key_format(key, SIGNING_KEY_PEM, &(struct secret){right.bytes, 0},
					  &text, &err),
		       err, ERR_INPUT, "passphrase is empty");
	assert_ok(signing_key_format(key, SIGNING_KEY_PEM, &right, &text, &err), err);
	assert_true(signing_key_needs_passphrase(&text));
	assert_refused(signing_key_parse(&text, NULL, &again, "k.pem", &err), err, ERR_INPUT,
		       "'k.pem' requires its passphrase");
	assert_refused(signing_key_parse(&text, &wrong, &again, "k.pem", &err), err, ERR_INPUT,
		       "wrong passphrase for the key in 'k.pem'");
	assert_ok(signing_key_parse(&text, &right, &again, "k.pem", &err), err);
	assert_true(public_key_equal(signing_key_public(key), signing_key_public(again)));
}

static void
key_refusals_never_show_the_text(void **state)
{
	static const char marker[] = "S3cr3tMarker";
	static const char *const rows[] = {
		"S3cr3tMarker",
		"-----BEGIN PRIVATE KEY-----\nS3cr3tMarker\n-----END PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----\nS3cr3tMarker",
		"-----BEGIN ENCRYPTED PRIVATE KEY-----\nS3cr3tMarker\n",
		("-----BEGIN OPENSSH PRIVATE KEY-----\nS3cr3tMarker\n"
		 "-----END OPENSSH PRIVATE KEY-----\n"),
		"-----BEGIN OPENSSH PRIVATE KEY-----\nS3cr3tMarker",
		"untrusted comment: x\nS3cr3tMarker\n",
		"untrusted comment: S3cr3tMarker",
		"-----BEGIN EC PRIVATE KEY-----\nS3cr3tMarker\n",
		"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(secret_clear) struct secret text = SECRET_INIT;
		AUTO(signing_key_freep) struct signing_key *key = NULL;
		struct error err = ERROR_INIT;

		assert_ok(secret_alloc(strlen(rows[i]), &text, &err), err);
		memcpy(text.bytes, rows[i], text.length);
		assert_refused(signing_key_parse(&text, &text, &key, "k.file", &err), err,
			       ERR_INPUT, "'k.file'");
		assert_null(strstr(err.message, marker));
		assert_null(key);
	}
}

static void
public_forms_are_those_of_the_tools(void **state)
{
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	const struct public_key *public_part = signing_key_public(key);
	auto_free char *minisign = public_key_minisign(public_part),
		       *pem = public_key_pem(public_part);
	auto_free char *want_minisign = data("minisign.pub"), *want_pem = data("release.pub.pem");
	static const char *const files[] = {"release.pub", "minisign.pub", "release.pub.pem"};
	char fingerprint[FINGERPRINT_SIZE];
	struct error err = ERROR_INIT;

	(void)state;
	assert_string_equal(public_key_fingerprint(public_part, fingerprint),
			    "SHA256:e6Qhwx1oH+C/IkSBQFZqhlOiAHVdfeYerwtyNA+lDeU");
	assert_string_equal(pem, want_pem);
	/* The first line holds the number for people, which minisign 0.11 prints unpadded. */
	assert_string_equal(strchr(minisign, '\n'), strchr(want_minisign, '\n'));
	assert_non_null(strstr(minisign, "minisign public key 06721DFC8C76F90A\n"));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		auto_free char *text = data(files[i]);
		struct public_key parsed;

		assert_ok(public_key_parse(text, &parsed, files[i], &err), err);
		assert_true(public_key_equal(&parsed, public_part));
	}
}

static void
foreign_public_keys_are_refused(void **state)
{
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{"ssh-rsa AAAAB3NzaC1yc2E=", "type 'ssh-rsa'"},
		{"ssh-ed25519 AAAA", "cut short"},
		{"ssh-ed25519 !!!", "not base64"},
		{"ssh-ed25519", "not an SSH public key"},
		{"", "not an SSH public key"},
		{"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "not an Ed25519"},
		{"-----BEGIN CERTIFICATE-----\n", "not a PEM public key"},
		{"untrusted comment: x\nRWQ=\n", "damaged"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = ERROR_INIT;
		struct public_key key;

		assert_refused(public_key_parse(rows[i].text, &key, "x.pub", &err), err, ERR_INPUT,
			       rows[i].sentence);
		assert_non_null(strstr(err.message, "'x.pub'"));
	}
}

static void
signatures_are_those_of_ssh_keygen_and_minisign(void **state)
{
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	struct signer signer = signer_of(key);
	auto_free char *sums = data("SHA256SUMS"), *want_ssh = data("SHA256SUMS.sig");
	auto_free char *want_minisign = data("SHA256SUMS.minisig"), *ssh = NULL, *minisign = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(sshsig_sign_sums(&signer, sums, strlen(sums), &ssh, &err), err);
	assert_string_equal(ssh, want_ssh);
	assert_ok(minisig_sign_sums(&signer, sums, strlen(sums),
				    "qemu-user-static v10.1.0-1\tfile:SHA256SUMS", &minisign, &err),
		  err);
	assert_string_equal(minisign, want_minisign);
}

static void
tags_are_those_of_git(void **state)
{
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	AUTO(tag_object_clear) struct tag_object tag = TAG_OBJECT_INIT;
	struct signer signer = signer_of(key);
	auto_free char *whole = data("tag.txt"), *text = NULL, *armour = NULL, *again = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(tag_object_parse(whole, strlen(whole), &tag, "tag", &err), err);
	assert_string_equal(tag.name, "v10.1.0-1");
	assert_string_equal(tag.tagger, "Release Bot <release@example.org>");
	assert_int_equal(tag.time_sec, 1756252800);
	assert_ok(tag_object_format(&tag, &text, &err), err);
	assert_int_equal(strlen(text), tag.signed_size);
	assert_memory_equal(text, whole, tag.signed_size);
	assert_ok(sshsig_sign_tag(&signer, text, strlen(text), &armour, &err), err);
	again = xasprintf("%s%s", text, armour);
	assert_string_equal(again, whole);
	assert_refused(sshsig_sign_tag(&signer, whole, strlen(whole), &armour, &err), err,
		       ERR_INPUT, "already signed");
}

static void
foreign_signatures_verify(void **state)
{
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	AUTO(signing_key_freep) struct signing_key *other = load_key("other.pem", NULL);
	AUTO(minisig_clear) struct minisig minisig = MINISIG_INIT, legacy = MINISIG_INIT;
	auto_free char *sums = data("SHA256SUMS"), *ssh_text = data("SHA256SUMS.sig");
	auto_free char *minisign_text = data("SHA256SUMS.minisig");
	auto_free char *legacy_text = data("SHA256SUMS.legacy.minisig");
	struct error err = ERROR_INIT;
	struct sshsig sig;

	(void)state;
	assert_ok(sshsig_parse(ssh_text, strlen(ssh_text), &sig, "s", &err), err);
	assert_true(public_key_equal(&sig.key, signing_key_public(key)));
	assert_ok(sshsig_check(&sig, SSHSIG_FILE, sums, strlen(sums), "s", &err), err);
	assert_refused(sshsig_check(&sig, SSHSIG_GIT, sums, strlen(sums), "s", &err), err,
		       ERR_VERIFY, "namespace 'file', expected 'git'");
	assert_refused(sshsig_check(&sig, SSHSIG_FILE, sums, strlen(sums) - 1, "s", &err), err,
		       ERR_VERIFY, "the signature of 's' by key SHA256:e6Qh");

	assert_ok(minisig_parse(minisign_text, strlen(minisign_text), &minisig, "m", &err), err);
	assert_true(minisig_is_by(&minisig, signing_key_public(key)));
	assert_false(minisig_is_by(&minisig, signing_key_public(other)));
	assert_ok(minisig_check(&minisig, signing_key_public(key), sums, strlen(sums), "m", &err),
		  err);
	assert_refused(
		minisig_check(&minisig, signing_key_public(other), sums, strlen(sums), "m", &err),
		err, ERR_VERIFY, "the minisign signature of 'm' by key");
	minisig.trusted_comment[0]++;
	assert_refused(
		minisig_check(&minisig, signing_key_public(key), sums, strlen(sums), "m", &err),
		err, ERR_VERIFY, "trusted comment");
	assert_refused(minisig_parse(legacy_text, strlen(legacy_text), &legacy, "old", &err), err,
		       ERR_VERIFY, "legacy minisign signature");
}

/* Flips each bit of a text that matters and sees that no verifier takes it for the same. */
static void
no_changed_byte_of_a_signature_passes(void **state)
{
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	const struct public_key *by = signing_key_public(key);
	auto_free char *sums = data("SHA256SUMS"), *ssh = data("SHA256SUMS.sig");
	auto_free char *minisign = data("SHA256SUMS.minisig");
	struct error err = ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < strlen(ssh); i++) {
		struct sshsig sig;

		ssh[i] ^= 1;
		if (sshsig_parse(ssh, strlen(ssh), &sig, "s", &err) == 0 &&
		    public_key_equal(&sig.key, by) &&
		    sshsig_check(&sig, SSHSIG_FILE, sums, strlen(sums), "s", &err) == 0)
			fail_msg("byte %zu of the SSH signature can be changed", i);
		ssh[i] ^= 1;
	}
	/* The untrusted comment and the key number are what their names say. */
	for (size_t i = strcspn(minisign, "\n") + 1; i < strlen(minisign); i++) {
		AUTO(minisig_clear) struct minisig sig = MINISIG_INIT;

		minisign[i] ^= 1;
		if (minisig_parse(minisign, strlen(minisign), &sig, "m", &err) == 0 &&
		    minisig_is_by(&sig, by) &&
		    minisig_check(&sig, by, sums, strlen(sums), "m", &err) == 0)
			fail_msg("byte %zu of the minisign signature can be changed", i);
		minisign[i] ^= 1;
	}
}

static void
statements_are_signed_as_bundles(void **state)
{
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	AUTO(signing_key_freep) struct signing_key *other = load_key("other.pem", NULL);
	AUTO(dsse_clear) struct dsse dsse = DSSE_INIT;
	struct signer signer = signer_of(key);
	auto_free char *bundle = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(
		dsse_sign_statement(&signer, statement_text, strlen(statement_text), &bundle, &err),
		err);
	assert_ok(dsse_parse(bundle, strlen(bundle), &dsse, "b", &err), err);
	assert_string_equal(dsse.payload, statement_text);
	assert_true(dsse_is_by(&dsse, signing_key_public(key)));
	assert_false(dsse_is_by(&dsse, signing_key_public(other)));
	assert_ok(dsse_check(&dsse, signing_key_public(key), "b", &err), err);
	dsse.payload[5] ^= 1;
	assert_refused(dsse_check(&dsse, signing_key_public(key), "b", &err), err, ERR_VERIFY,
		       "the signature of the statement in 'b' by key");
}

static void
images_have_statements_without_a_name(void **state)
{
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	AUTO(statement_clear) struct statement statement = STATEMENT_INIT;
	struct signer signer = signer_of(key);
	auto_free char *text = NULL, *bundle = NULL;
	struct error err = ERROR_INIT;
	struct digest digest;

	(void)state;
	digest_of("x", 1, &digest);
	text = statement_for_image(&digest);
	assert_ok(statement_parse(text, strlen(text), &statement, "s", &err), err);
	assert_string_equal(statement.predicate_type, "https://sigstore.dev/cosign/sign/v1");
	assert_int_equal(statement.subjects.count, 1);
	assert_string_equal(statement.subjects.entries[0].name, "");
	assert_true(digest_equal(&statement.subjects.entries[0].sha256, &digest));
	assert_ok(dsse_sign_statement(&signer, text, strlen(text), &bundle, &err), err);
}

static void
a_release_lists_the_digest_of_each_image_tag(void **state)
{
	static const char *const repositories[] = {"ghcr.io/example/q"};
	char tag[] = "latest";
	struct release_image image = {.tag = tag};
	static const struct tool tool = {.version = "0"};
	struct asset_list assets = ASSET_LIST_INIT;
	struct sums documents = SUMS_INIT;
	struct release release = {.name = "q",
				  .version = "1-1",
				  .tag = "v1-1",
				  .tool = &tool,
				  .matrix_file = "m",
				  .lock_file = "l",
				  .assets = &assets,
				  .repositories = repositories,
				  .repository_count = 1,
				  .images = &image,
				  .image_count = 1};
	auto_free char *text = NULL;
	json_t *root, *item;

	(void)state;
	digest_of("a", 1, &image.digest);
	text = release_json(&release, &documents, NULL);
	root = json_loads(text, 0, NULL);
	item = json_array_get(json_object_get(json_object_get(root, "images"), "tags"), 0);
	assert_string_equal(json_string_value(json_object_get(item, "tag")), "latest");
	assert_string_equal(
		json_string_value(json_object_get(item, "digest")),
		"sha256:ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
	json_decref(root);
}

/* Licences and sources are what packages say in words of two distributions. */
static void
words_of_packages_are_understood(void **state)
{
	static const struct {
		const char *text;
		bool is_expression;
	} licenses[] = {{"GPL-2.0-or-later", true},
			{"GPL-2.0-only AND (MIT OR BSD-3-Clause)", true},
			{"Apache-2.0 WITH LLVM-exception", true},
			{"GPLv2+", false},
			{"GPLv2 and BSD", false},
			{"GPL-2.0-only AND", false},
			{"GPL-2.0-only)", false},
			{"(GPL-2.0-only", false},
			{"", false}};
	static const struct {
		const char *text, *name, *version;
	} sources[] = {{"qemu-10.2.2-1.fc44.src.rpm", "qemu", "10.2.2-1.fc44"},
		       {"a-b-1-2.src.rpm", "a-b", "1-2"},
		       {"qemu (= 1:10.0+ds-1)", "qemu", "1:10.0+ds-1"},
		       {"qemu.src.rpm", NULL, NULL},
		       {"1-2.src.rpm", NULL, NULL},
		       {"qemu", NULL, NULL},
		       {"qemu (>= 1)", NULL, NULL},
		       {" (= 1)", NULL, NULL}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(licenses); i++)
		if ((license_expression(licenses[i].text) != NULL) != licenses[i].is_expression)
			fail_msg("'%s'", licenses[i].text);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		AUTO(source_package_clear) struct source_package source = SOURCE_PACKAGE_INIT;

		if (source_package_parse(sources[i].text, &source) != (sources[i].name != NULL))
			fail_msg("'%s'", sources[i].text);
		if (sources[i].name == NULL)
			continue;
		assert_string_equal(source.name, sources[i].name);
		assert_string_equal(source.version, sources[i].version);
	}
}

/* Every byte of a bundle but the hint's spelling is bound by signature or by strict reading. */
static void
no_changed_byte_of_a_bundle_passes(void **state)
{
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	struct signer signer = signer_of(key);
	auto_free char *bundle = NULL;
	struct error err = ERROR_INIT;

	(void)state;
	assert_ok(
		dsse_sign_statement(&signer, statement_text, strlen(statement_text), &bundle, &err),
		err);
	for (size_t i = 0; i + 1 < strlen(bundle); i++) {
		AUTO(dsse_clear) struct dsse dsse = DSSE_INIT;

		bundle[i] ^= 1;
		if (dsse_parse(bundle, strlen(bundle), &dsse, "b", &err) == 0 &&
		    dsse_is_by(&dsse, signing_key_public(key)) &&
		    dsse_check(&dsse, signing_key_public(key), "b", &err) == 0)
			fail_msg("byte %zu of the bundle can be changed", i);
		bundle[i] ^= 1;
	}
}

static void
strict_bundles_only(void **state)
{
#define MATERIAL "\"verificationMaterial\":{\"publicKey\":{\"hint\":\"h\"}}"
#define TYPE     "\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\""
#define PAYLOAD  "\"payload\":\"e30=\",\"payloadType\":\"application/vnd.in-toto+json\""
#define SIG                                                                                        \
	"{\"sig\":"                                                                                \
	"\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"     \
	"AAAA==\"}"
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{"{" MATERIAL "}", "missing key \"mediaType\""},
		{"{" TYPE "," MATERIAL ",\"dsseEnvelope\":{" PAYLOAD ",\"signatures\":[]}}",
		 "exactly one signature"},
		{"{" TYPE "," MATERIAL ",\"dsseEnvelope\":{" PAYLOAD ",\"signatures\":[" SIG "," SIG
		 "]}}",
		 "exactly one signature"},
		{"{" TYPE "," MATERIAL ",\"dsseEnvelope\":{" PAYLOAD
		 ",\"signatures\":[{\"sig\":\"AA==\"}]}}",
		 "not an Ed25519 signature"},
		{"{" TYPE "," MATERIAL "," MATERIAL ",\"dsseEnvelope\":{}}", "duplicate"},
		{"{" TYPE "," MATERIAL ",\"messageSignature\":{}}", "unknown key"},
		{"{" TYPE ",\"verificationMaterial\":{\"certificate\":{}},\"dsseEnvelope\":{}}",
		 "unknown key"},
		{"{\"mediaType\":\"application/vnd.dev.sigstore.bundle+json;version=0.1\"," MATERIAL
		 ",\"dsseEnvelope\":{}}",
		 "must be \"application/vnd.dev.sigstore.bundle.v0.3+json\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(dsse_clear) struct dsse dsse = DSSE_INIT;
		struct error err = ERROR_INIT;

		assert_refused(dsse_parse(rows[i].text, strlen(rows[i].text), &dsse, "b", &err),
			       err, ERR_INPUT, rows[i].sentence);
	}
}

static void
image_claims_bind_name_and_digest(void **state)
{
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	AUTO(simple_signing_clear) struct simple_signing claim = SIMPLE_SIGNING_INIT;
	struct signer signer = signer_of(key);
	auto_free char *payload = NULL, *signature = NULL;
	const char *reference = "ghcr.io/example/q:v1";
	struct error err = ERROR_INIT;
	struct digest digest;

	(void)state;
	digest_of("x", 1, &digest);
	assert_ok(simple_signing_sign(&signer, reference, &digest, &payload, &signature, &err),
		  err);
	assert_ok(simple_signing_check(payload, strlen(payload), signature, &signer.published,
				       &claim, "p", &err),
		  err);
	assert_string_equal(claim.reference, reference);
	assert_true(digest_equal(&claim.manifest, &digest));
	for (size_t i = 0; i < strlen(payload); i++) {
		AUTO(simple_signing_clear) struct simple_signing changed = SIMPLE_SIGNING_INIT;

		payload[i] ^= 1;
		assert_refused(simple_signing_check(payload, strlen(payload), signature,
						    &signer.published, &changed, "p", &err),
			       err, ERR_VERIFY, "the signature of 'p' by key");
		payload[i] ^= 1;
	}
}

/* What each signer is asked to sign is the preimage, or the output, of another format. */
static void
no_signer_is_an_oracle(void **state)
{
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	struct signer signer = signer_of(key);
	auto_free char *tag = data("tag.txt"), *sums = data("SHA256SUMS"), *hash = xmalloc(65);
	auto_free char *sshsig = xasprintf("SSHSIG%.*s", 90, statement_text);
	auto_free char *dsse = xasprintf("DSSEv1 28 application/vnd.in-toto+json 2 {}");
	const char *rows[] = {"",   sshsig, dsse, "{\"critical\":{}}",
			      hash, sums,   tag,  statement_text};
	struct digest digest;

	(void)state;
	memset(hash, 'h', 64);
	hash[64] = '\0';
	digest_of("x", 1, &digest);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *out = NULL, *second = NULL;
		struct error err = ERROR_INIT;
		size_t length = strlen(rows[i]);

		if (rows[i] != sums) {
			assert_refused(sshsig_sign_sums(&signer, rows[i], length, &out, &err), err,
				       ERR_INPUT, "SHA256SUMS");
			assert_refused(minisig_sign_sums(&signer, rows[i], length, "c", &out, &err),
				       err, ERR_INPUT, "SHA256SUMS");
		}
		assert_refused(sshsig_sign_tag(&signer, rows[i], length, &out, &err), err,
			       ERR_INPUT, "tag");
		assert_refused(sshsig_sign_keys(&signer, rows[i], length, &out, &err), err,
			       ERR_INPUT, "the list of keys");
		if (rows[i] != statement_text)
			assert_refused(dsse_sign_statement(&signer, rows[i], length, &out, &err),
				       err, ERR_INPUT, "statement");
		assert_refused(simple_signing_sign(&signer, rows[i], &digest, &out, &second, &err),
			       err, ERR_INPUT, "REGISTRY/REPOSITORY:TAG");
		assert_null(out);
	}
}

static void
comments_cannot_break_the_format(void **state)
{
	static const char *const rows[] = {"", "a\nb", "a\rb", "\033[31m", "\x7f", "\xff\xfe"};
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	struct signer signer = signer_of(key);
	auto_free char *sums = data("SHA256SUMS");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_free char *out = NULL;
		struct error err = ERROR_INIT;

		assert_refused(minisig_sign_sums(&signer, sums, strlen(sums), rows[i], &out, &err),
			       err, ERR_INPUT, "trusted comment");
	}
}

static void
a_key_that_is_not_published_signs_nothing(void **state)
{
	AUTO(signing_key_freep) struct signing_key *key = load_key("release.pem", NULL);
	AUTO(signing_key_freep) struct signing_key *other = load_key("other.pem", NULL);
	struct signer signer = {key, *signing_key_public(other)};
	auto_free char *sums = data("SHA256SUMS"), *out = NULL, *second = NULL;
	struct error err = ERROR_INIT;
	struct digest digest;

	(void)state;
	digest_of("x", 1, &digest);
	assert_refused(sshsig_sign_sums(&signer, sums, strlen(sums), &out, &err), err, ERR_VERIFY,
		       "does not verify with the published key");
	assert_refused(minisig_sign_sums(&signer, sums, strlen(sums), "c", &out, &err), err,
		       ERR_VERIFY, "does not verify with the published key");
	assert_refused(
		dsse_sign_statement(&signer, statement_text, strlen(statement_text), &out, &err),
		err, ERR_VERIFY, "does not verify with the published key");
	assert_refused(simple_signing_sign(&signer, "r/x:t", &digest, &out, &second, &err), err,
		       ERR_VERIFY, "does not verify with the published key");
	assert_null(out);
}

static void
sums_have_one_spelling(void **state)
{
#define A "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{"", "empty"},
		{A "  a", "S:1: the line is cut short"},
		{A "  a\n" A "  a\n", "S:2: 'a' is not in sorted order"},
		{A "  b\n" A "  a\n", "S:2: 'a' is not in sorted order"},
		{A " a\n", "S:1: expected a digest"},
		{A " *a\n", "S:1: expected a digest"},
		{"# comment\n", "S:1: expected a digest"},
		{A "  a\n\n", "S:2: expected a digest"},
		{A "  a\r\n", "S:1: 'a?' is not a valid"},
		{A "  ../a\n", "S:1: '../a' is not a valid"},
		{A "  d/a\n", "S:1: 'd/a' is not a valid"},
		{A "  .a\n", "S:1: '.a' is not a valid"},
		{"CA978112CA1BBDCAFAC231B39A23DC4DA786EFF8147C4E72B9807785AFEE48BB  a\n",
		 "S:1: expected a digest"},
	};
	AUTO(sums_clear) struct sums twice = SUMS_INIT;
	auto_free char *text = NULL;
	struct error err = ERROR_INIT;
	struct digest digest = {{0}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(sums_clear) struct sums sums = SUMS_INIT;

		assert_refused(sums_parse(rows[i].text, strlen(rows[i].text), &sums, "S", &err),
			       err, ERR_INPUT, rows[i].sentence);
		assert_int_equal(sums.count, 0);
	}
	assert_ok(sums_add(&twice, "x", &digest, &err), err);
	assert_ok(sums_add(&twice, "x", &digest, &err), err);
	assert_refused(sums_format(&twice, &text, &err), err, ERR_INPUT, "duplicate file name 'x'");
}

static void
damaged_tags_are_refused(void **state)
{
#define HEAD "object 0123456789012345678901234567890123456789\ntype commit\n"
#define WHO  "tagger A B <a@example.org> 1 +0000\n"
	static const struct {
		const char *text, *sentence;
	} rows[] = {
		{"", "not a tag object"},
		{"object 0123\ntype commit\ntag v1\n" WHO "\nm\n", "'0123' is not a commit id"},
		{"object 0123456789012345678901234567890123456789\ntype tree\ntag v1\n" WHO "\nm\n",
		 "the tag points to a tree"},
		{HEAD "tag v 1\n" WHO "\nm\n", "'v 1' is not a valid"},
		{HEAD "tag v1\n\nm\n", "no valid tagger"},
		{HEAD "tag v1\ntagger A 1 +0000\n\nm\n", "no valid tagger"},
		{HEAD "tag v1\ntagger A <a b> 1 +0000\n\nm\n", "not 'NAME <EMAIL>'"},
		{HEAD "tag v1\ntagger A <a> x +0000\n\nm\n", "no valid tagger"},
		{HEAD "tag v1\n" WHO "m\n", "no valid tagger"},
		{HEAD "tag v1\n" WHO "\n", "line end"},
		{HEAD "tag v1\n" WHO "\nm", "line end"},
		{HEAD "tag v1\n" WHO "\nm\n-----BEGIN PGP SIGNATURE-----\n",
		 "not an SSH signature"},
		{HEAD "tag v1\n" WHO "\nm -----BEGIN SSH SIGNATURE-----\n", "contains a signature"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(tag_object_clear) struct tag_object tag = TAG_OBJECT_INIT;
		struct error err = ERROR_INIT;

		assert_refused(
			tag_object_parse(rows[i].text, strlen(rows[i].text), &tag, "T", &err), err,
			ERR_INPUT, rows[i].sentence);
	}
}

static void
versions_of_releases_rise(void **state)
{
	static const char *const rising[] = {"9.10.0-1",
					     "10.0-rc2-1",
					     "10.0-rc10-1",
					     "10.0.0-1",
					     "10.0-2",
					     "10.0.0-10",
					     "10.0.1-1",
					     "10.2.0-rc1-1",
					     "10.2.0-rc1-2",
					     "10.2.0-1",
					     "10.10.0-1",
					     "10.10.0.1-1",
					     "99999999999999999999.0-1"};
	/* As they are found in a repository, whatever stands behind the numbers. */
	static const char *const tags[] = {
		"v9.10",       "v10.0-rc3-1", "v10.0-rc10-1", "v10",        "v10.0",
		"v10.0-1",     "v10.0.0-1",   "v10.0-2",      "v10.0.0-10", "v10.0-x",
		"v10.1-rc1-1", "v10.1-rc1-2", "v10.1-rc2-1",  "v10.1-1",    "v10.10-1"};
	static const char *const refused[] = {"",         "10",           "10-1",      "v10.2-1",
					      "10.2",     "10.2-",        "10.2-1a",   "10..2-1",
					      ".10.2-1",  "10.2.-1",      "10.2-rc-1", "10.2-rc1",
					      "10.2-1-1", "10.2-rc1-1-1", "latest"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rising); i++)
		for (size_t j = 0; j < ARRAY_SIZE(rising); j++) {
			int got = release_version_compare(rising[i], rising[j]);

			assert_true(release_version_is_valid(rising[i]));
			if ((got > 0) - (got < 0) != (i > j) - (i < j))
				fail_msg("%s and %s: %d", rising[i], rising[j], got);
		}
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		for (size_t j = 0; j < ARRAY_SIZE(tags); j++) {
			int got = release_tag_compare(tags[i], tags[j]);

			assert_true(release_tag_is_version(tags[i]));
			if ((got > 0) - (got < 0) != (i > j) - (i < j))
				fail_msg("%s and %s: %d", tags[i], tags[j], got);
		}
	assert_int_equal(release_version_compare("10.0-1", "10.0.0-1"), 0);
	assert_int_equal(release_version_compare("010.00-01", "10.0-1"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		if (release_version_is_valid(refused[i]))
			fail_msg("'%s' is a version", refused[i]);
	assert_string_equal(release_version_at_end("x86_64-arm-10.2-rc1-3"), "10.2-rc1-3");
	assert_string_equal(release_version_at_end("qemu-9.0-10.2.0-1"), "10.2.0-1");
	assert_string_equal(release_version_at_end("10.2.0-1"), "10.2.0-1");
	assert_null(release_version_at_end("latest"));
	assert_null(release_version_at_end("x86_64-10.2.0"));
}

static void
a_candidate_is_not_the_latest_by_itself(void **state)
{
	static const struct {
		const char *tag, *latest;
		bool takes;
	} rows[] = {
		{"v10.1-1", NULL, true},
		{"v10.1-rc1-1", NULL, true},
		{"v10.1-1", "v10.0-1", true},
		{"v10.1-1", "v10.1-1", true},
		{"v10.1-1", "v10.1-2", false},
		{"v10.1-1", "v10.10-1", false},
		{"v10.1-1", "v10.1-rc3-1", true},
		{"v10.1.0-1", "v10.1-rc3-9", true},
		{"v10.1-rc3-1", "v10.1-1", false},
		{"v10.1-rc3-1", "v10.0-1", false},
		{"v11.0.0-rc1-1", "v9.2.2-1", false},
		{"v10.1-rc3-1", "v10.1-rc2-1", true},
		{"v10.1-rc10-1", "v10.1-rc9-1", true},
		{"v10.1-rc1-1", "v10.1-rc2-1", false},
		{"v10.1-1", "nightly", true},
		{"v10.1-1", "x", true},
		{"v10.1-rc1-1", "nightly", false},
		{"v10.1-1", "", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (release_tag_takes_latest(rows[i].tag, rows[i].latest) != rows[i].takes)
			fail_msg("%s over %s", rows[i].tag,
				 rows[i].latest != NULL ? rows[i].latest : "nothing");
	assert_false(release_tag_is_version("x10"));
	assert_false(release_tag_is_version("va"));
	assert_false(release_tag_is_version(""));
}

static void
a_report_is_concluded_by_the_failure_that_decides(void **state)
{
	static const struct {
		enum error_code failures[2], want;
		const char *sentence;
	} rows[] = {
		{{ERR_NONE, ERR_NONE}, ERR_NONE, ""},
		{{ERR_NETWORK, ERR_NONE}, ERR_NETWORK, "failure 0"},
		{{ERR_NETWORK, ERR_NETWORK}, ERR_NETWORK, "failure 0"},
		{{ERR_NETWORK, ERR_VERIFY}, ERR_VERIFY, "failure 1"},
		{{ERR_VERIFY, ERR_NETWORK}, ERR_VERIFY, "failure 0"},
		{{ERR_NOT_FOUND, ERR_NONE}, ERR_VERIFY, "failure 0"},
		{{ERR_INPUT, ERR_VERIFY}, ERR_VERIFY, "failure 0"},
		{{ERR_REMOTE, ERR_NONE}, ERR_REMOTE, "failure 0"},
		{{ERR_NETWORK, ERR_REMOTE}, ERR_REMOTE, "failure 1"},
		{{ERR_REMOTE, ERR_NOT_FOUND}, ERR_VERIFY, "failure 1"},
		{{ERR_IO, ERR_NONE}, ERR_IO, "failure 0"},
		{{ERR_IO, ERR_NETWORK}, ERR_IO, "failure 0"},
		{{ERR_REMOTE, ERR_IO}, ERR_IO, "failure 1"},
		{{ERR_IO, ERR_VERIFY}, ERR_VERIFY, "failure 1"},
		{{ERR_VERIFY, ERR_INTERRUPTED}, ERR_INTERRUPTED, "failure 1"},
		{{ERR_INTERRUPTED, ERR_NETWORK}, ERR_INTERRUPTED, "failure 0"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(verify_report_clear) struct verify_report report = VERIFY_REPORT_INIT;
		struct error err = ERROR_INIT;

		verify_note(&report, "tag", VERIFY_OK, "good");
		for (size_t j = 0; j < 2; j++) {
			if (rows[i].failures[j] == ERR_NONE)
				continue;
			error_set(&err, rows[i].failures[j], "failure %zu", j);
			verify_fail(&report, "files", &err);
		}
		err = (struct error)ERROR_INIT;
		assert_int_equal(verify_report_conclude(&report, &err),
				 rows[i].want == ERR_NONE ? 0 : -1);
		assert_int_equal(err.code, rows[i].want);
		assert_string_equal(err.message, rows[i].sentence);
		verify_note(&report, "version", VERIFY_FAILED, "wrong");
		assert_int_equal(verify_report_conclude(&report, &err), -1);
		if (rows[i].want != ERR_INTERRUPTED)
			assert_int_equal(err.code, ERR_VERIFY);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_has_one_spelling),
		cmocka_unit_test(every_key_file_gives_the_same_key),
		cmocka_unit_test(key_files_are_written_as_others_do),
		cmocka_unit_test(a_protected_key_needs_its_passphrase),
		cmocka_unit_test(key_refusals_never_show_the_text),
		cmocka_unit_test(public_forms_are_those_of_the_tools),
		cmocka_unit_test(foreign_public_keys_are_refused),
		cmocka_unit_test(signatures_are_those_of_ssh_keygen_and_minisign),
		cmocka_unit_test(tags_are_those_of_git),
		cmocka_unit_test(foreign_signatures_verify),
		cmocka_unit_test(no_changed_byte_of_a_signature_passes),
		cmocka_unit_test(statements_are_signed_as_bundles),
		cmocka_unit_test(images_have_statements_without_a_name),
		cmocka_unit_test(a_release_lists_the_digest_of_each_image_tag),
		cmocka_unit_test(words_of_packages_are_understood),
		cmocka_unit_test(no_changed_byte_of_a_bundle_passes),
		cmocka_unit_test(strict_bundles_only),
		cmocka_unit_test(image_claims_bind_name_and_digest),
		cmocka_unit_test(no_signer_is_an_oracle),
		cmocka_unit_test(comments_cannot_break_the_format),
		cmocka_unit_test(a_key_that_is_not_published_signs_nothing),
		cmocka_unit_test(sums_have_one_spelling),
		cmocka_unit_test(damaged_tags_are_refused),
		cmocka_unit_test(versions_of_releases_rise),
		cmocka_unit_test(a_candidate_is_not_the_latest_by_itself),
		cmocka_unit_test(a_report_is_concluded_by_the_failure_that_decides),
	};

	return cmocka_run_group_tests_name("sign", tests, NULL, NULL);
}
