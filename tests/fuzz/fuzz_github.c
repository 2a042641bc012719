/* SPDX-License-Identifier: MIT */
/* Answers of GitHub: the first byte chooses the reader. */

#include "base/alloc.h"
#include "publish/github/github_json.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
ignore_ref(void *context, const char *name, bool annotated)
{
	(void)context;
	(void)name;
	(void)annotated;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	AUTO(github_asset_list_clear) struct github_asset_list assets = {NULL, 0};
	AUTO(github_release_list_clear) struct github_release_list releases = {NULL, 0};
	AUTO(github_release_clear) struct github_release release = {.tag = NULL};
	AUTO(github_asset_clear) struct github_asset asset = {.name = NULL};
	auto_free char *text = NULL, *sentence = NULL;
	struct error err = ERROR_INIT;
	bool annotated;
	int parsed;

	if (size == 0)
		return 0;
	text = xstrndup((const char *)bytes + 1, size - 1);
	size = strlen(text);
	switch (bytes[0]) {
	case 'a':
		parsed = github_parse_assets("x", text, size, &assets, &err);
		break;
	case 'b':
		parsed = github_parse_asset("x", text, size, &asset, &err);
		break;
	case 'r':
		parsed = github_parse_releases("x", text, size, &releases, &err);
		break;
	case 's':
		parsed = github_parse_release("x", text, size, &release, &err);
		break;
	case 't':
		parsed = github_parse_ref("x", text, size, &sentence, &annotated, &err);
		break;
	case 'l':
		parsed = github_parse_refs("x", text, size, ignore_ref, NULL, &err);
		break;
	default:
		(void)github_parse_refusal(text, size, &sentence);
		return 0;
	}
	/* A failure says why. */
	if (parsed < 0 && (err.code != ERR_REMOTE || err.message[0] == '\0'))
		abort();
	return 0;
}
