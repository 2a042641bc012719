/* SPDX-License-Identifier: MIT */
#include "distributor/commands/table.h"

extern const struct command cmd_plan, cmd_lock, cmd_fetch, cmd_tarballs, cmd_images, cmd_assemble,
	cmd_sign, cmd_tag, cmd_push, cmd_publish, cmd_test, cmd_verify, cmd_release, cmd_reproduce,
	cmd_keygen, cmd_key;

static const struct command *const commands[] = {
	&cmd_plan,      &cmd_lock,    &cmd_fetch,  &cmd_tarballs, &cmd_images, &cmd_assemble,
	&cmd_sign,      &cmd_tag,     &cmd_push,   &cmd_publish,  &cmd_test,   &cmd_verify,
	&cmd_reproduce, &cmd_release, &cmd_keygen, &cmd_key,
};
const struct command_table command_table = {commands, ARRAY_SIZE(commands)};
