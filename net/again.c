/* SPDX-License-Identifier: MIT */
#include "net/again.h"

#include "base/cleanup.h"

unsigned int
http_again_tries(enum http_again kind, int status)
{
	static const struct {
		enum http_again kind;
		int status;
		unsigned int tries;
	} rows[] = {
		{HTTP_AGAIN_ALLOWED, 403, 4}, {HTTP_AGAIN_LOGIN, 401, 2},
		{HTTP_AGAIN_LOGIN, 403, 4},   {HTTP_AGAIN_TOKEN, 403, 3},
		{HTTP_AGAIN_WRITTEN, 404, 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].kind == kind && rows[i].status == status)
			return rows[i].tries;
	return 1;
}
