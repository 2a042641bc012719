/* SPDX-License-Identifier: MIT */
#include "distributor/cli/command.h"

#include "base/cleanup.h"
#include "base/jsonx.h"
#include "base/log.h"

#include <jansson.h>
#include <stdio.h>

void
app_print_json(struct json_t *document)
{
	auto_free char *text = jsonx_pretty(document);
	auto_free char *clean = log_redact(text);

	(void)fputs(clean, stdout);
	json_decref(document);
}
