/* SPDX-License-Identifier: MIT */
#include "distributor/workspace/version.h"

#include "base/alloc.h"
#include "version_build.h"

#include <archive.h>
#include <curl/curl.h>
#include <jansson.h>
#include <libdeflate.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <zlib.h>

const struct tool *
version_tool(void)
{
	static const struct tool tool = {BUILD_VERSION, BUILD_COMMIT, BUILD_MODIFIED};

	return &tool;
}

const char *
version_program(void)
{
	return version_tool()->version;
}

const char *
version_date(void)
{
	return BUILD_DATE;
}

void
version_print(void)
{
	auto_free char *text = tool_text(version_tool());

	(void)printf("distributor %s\n", text);
	(void)printf("  libcurl     %s\n", curl_version());
	(void)printf("  libarchive  %s\n", archive_version_details());
	(void)printf("  libdeflate  %s\n", LIBDEFLATE_VERSION_STRING);
	(void)printf("  zlib        %s\n", zlibVersion());
	(void)printf("  jansson     %s\n", JANSSON_VERSION);
	(void)printf("  %s\n", OpenSSL_version(OPENSSL_VERSION));
}
