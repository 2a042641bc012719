/* SPDX-License-Identifier: MIT */
#pragma once

/* The options that say how to reach a registry, of every command that talks to one. */

#include "distributor/cli/options.h"
#include "distributor/workspace/registry_access.h"

/* The options, for a table of option_spec, of a static struct registry_access. */
#define REGISTRY_OPTIONS(access)                                                                   \
	{"auth-file",                                                                              \
	 '\0',                                                                                     \
	 "FILE",                                                                                   \
	 OPTION_TEXT,                                                                              \
	 &(access).auth_file,                                                                      \
	 "credentials for registries, in the format of\n"                                          \
	 "docker's config.json (default: those of docker,\n"                                       \
	 "podman and skopeo)"},                                                                    \
		{"ca",                                                                             \
		 '\0',                                                                             \
		 "FILE",                                                                           \
		 OPTION_TEXT,                                                                      \
		 &(access).ca_file,                                                                \
		 "trusted certificates for registries, instead of the\n"                           \
		 "system's"},                                                                      \
		{"plain-http",                                                                     \
		 '\0',                                                                             \
		 NULL,                                                                             \
		 OPTION_FLAG,                                                                      \
		 &(access).plain_http,                                                             \
		 "use http:// for registries on other machines too"},                              \
		{"token-server",                                                                   \
		 '\0',                                                                             \
		 "SERVER",                                                                         \
		 OPTION_LIST,                                                                      \
		 &(access).token_servers,                                                          \
		 "host that may receive the credentials, in addition\n"                            \
		 "to the registry itself; may be repeated"}
