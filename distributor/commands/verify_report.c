/* SPDX-License-Identifier: MIT */
#include "distributor/commands/verify_report.h"

#include "base/alloc.h"
#include "base/jsonx.h"
#include "base/strbuf.h"
#include "distributor/cli/command.h"
#include "distributor/cli/table.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

/* The next row from `*at` on by a key that no row before it has. */
static const char *
next_signer(const struct verify_report *report, size_t *at)
{
	while (*at < report->count) {
		const char *signer = report->rows[(*at)++].signer;
		bool is_new = signer != NULL;

		for (size_t i = 0; i + 1 < *at && is_new; i++)
			is_new = report->rows[i].signer == NULL ||
				 strcmp(report->rows[i].signer, signer) != 0;
		if (is_new)
			return signer;
	}
	return NULL;
}

static json_t *
list_json(enum keyring_role role, const struct keyring_stamp *stamp)
{
	return jsonx_pack("{s:s, s:I, s:s}", "list", keyring_role_name(role), "serial",
			  (json_int_t)stamp->serial, "date", stamp->date);
}

static json_t *
keys_json(const struct keyring *keyring)
{
	json_t *keys = json_array(), *lists = json_array();
	char fingerprint[FINGERPRINT_SIZE];

	for (size_t i = 0; i < keyring->count; i++)
		jsonx_append(keys, jsonx_pack("{s:s, s:s}", "principal",
					      keyring->entries[i].principal, "fingerprint",
					      public_key_fingerprint(&keyring->entries[i].key,
								     fingerprint)));
	if (keyring->root != NULL) {
		jsonx_append(lists, list_json(KEYRING_ALLOWED, &keyring->allowed_stamp));
		jsonx_append(lists, list_json(KEYRING_REVOKED, &keyring->revoked_stamp));
	}
	return jsonx_pack("{s:s, s:s?, s:b, s:o, s:o}", "path", keyring->path, "root",
			  keyring->root, "pinned", keyring->is_pinned ? 1 : 0, "lists", lists,
			  "allowed", keys);
}

void
verify_output_json(const struct verify_report *report, const struct keyring *keyring)
{
	static const char *const words[] = {"ok", "failed", "skipped"};
	json_t *checks = json_array(), *signers = json_array();
	const char *signer;
	size_t at = 0;

	for (size_t i = 0; i < report->count; i++) {
		const struct verify_row *row = &report->rows[i];

		jsonx_append(checks, jsonx_pack("{s:s, s:s, s:s, s:s?}", "check", row->check,
						"status", words[row->status], "detail",
						row->sentence, "signer", row->signer));
	}
	while ((signer = next_signer(report, &at)) != NULL)
		jsonx_append(signers, jsonx_text(signer));
	app_print_json(jsonx_pack("{s:b, s:s?, s:s?, s:o, s:o, s:o}", "verified",
				  report->failed == 0 ? 1 : 0, "tag", report->tag, "made_by",
				  report->made_by, "signers", signers, "keys", keys_json(keyring),
				  "checks", checks));
}

void
verify_output_table(const struct verify_report *report, bool quiet)
{
	static const char *const headers[] = {"check", "", "result"};
	static const char *const words[] = {"ok", "FAILED", "-"};
	AUTO(table_freep) struct table *table = table_new(headers, ARRAY_SIZE(headers));

	if (quiet && report->failed == 0)
		return;
	for (size_t i = 0; i < report->count; i++) {
		if (quiet && report->rows[i].status != VERIFY_FAILED)
			continue;
		table_add(table, report->rows[i].check);
		table_add(table, words[report->rows[i].status]);
		table_add(table, report->rows[i].sentence);
	}
	table_print(table, TABLE_TEXT);
}

void
verify_output_sentence(const struct verify_report *report, const struct keyring *keyring,
		       const char *what)
{
	AUTO(strbuf_clear) struct strbuf signers = STRBUF_INIT;
	const char *signer;
	size_t at = 0;

	while ((signer = next_signer(report, &at)) != NULL)
		strbuf_addf(&signers, "%s%s", signers.length != 0 ? " and " : "", signer);
	(void)printf("%s is verified, signed by %s from %s%s%s\n", what, strbuf_text(&signers),
		     keyring->path, keyring->is_pinned ? ", signed by root key " : "",
		     keyring->is_pinned ? keyring->root : "");
}
