/* SPDX-License-Identifier: MIT */
#include "distributor/workspace/registry_access.h"

#include "distributor/workspace/workspace.h"

struct auth_options
registry_access_auth(const struct registry_access *access, enum auth_login login)
{
	return (struct auth_options){
		.auth_file = access->auth_file,
		.plain_http = access->plain_http,
		.realms = access->token_servers.items,
		.realm_count = access->token_servers.count,
		.login = login,
		.warn = notice_warning,
	};
}
