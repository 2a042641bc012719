/* SPDX-License-Identifier: MIT */
/*
 * make_manual DIRECTORY: writes manual pages and completions, which the build installs. Not
 * installed itself.
 *
 *     DIRECTORY/man1/distributor.1, distributor-COMMAND.1
 *     DIRECTORY/bash/distributor   DIRECTORY/zsh/_distributor   DIRECTORY/fish/distributor.fish
 */

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "distributor/cli/completion.h"
#include "distributor/cli/manual.h"
#include "distributor/commands/table.h"
#include "distributor/workspace/version.h"

#include <stdio.h>

static int
save(const char *directory, const char *folder, const char *name, const struct strbuf *text,
     struct error *err)
{
	auto_free char *parent = path_join(directory, folder);
	auto_free char *path = path_join(parent, name);

	if (make_directories(parent, err) < 0)
		return -1;
	return write_file(path, strbuf_text(text), text->length, 0644, err);
}

static int
make_pages(const char *directory, struct error *err)
{
	AUTO(strbuf_clear) struct strbuf program = STRBUF_INIT;

	manual_program(&command_table, version_date(), &program);
	if (save(directory, "man1", "distributor.1", &program, err) < 0)
		return -1;
	for (size_t i = 0; i < command_table.count; i++) {
		AUTO(strbuf_clear) struct strbuf page = STRBUF_INIT;
		auto_free char *name = xasprintf("distributor-%s.1", command_table.items[i]->name);

		manual_command(command_table.items[i], version_date(), &page);
		if (save(directory, "man1", name, &page, err) < 0)
			return -1;
	}
	return 0;
}

static int
make_completions(const char *directory, struct error *err)
{
	static const struct {
		const char *folder, *name;
		void (*write)(const struct command_table *table, struct strbuf *script);
	} shells[] = {
		{"bash", "distributor", completion_bash},
		{"zsh", "_distributor", completion_zsh},
		{"fish", "distributor.fish", completion_fish},
	};

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		AUTO(strbuf_clear) struct strbuf script = STRBUF_INIT;

		shells[i].write(&command_table, &script);
		if (save(directory, shells[i].folder, shells[i].name, &script, err) < 0)
			return -1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	struct error err = ERROR_INIT;

	if (argc != 2) {
		log_error("usage: make_manual DIRECTORY");
		return 2;
	}
	if (make_pages(argv[1], &err) < 0 || make_completions(argv[1], &err) < 0) {
		log_error("%s", err.message);
		return error_exit_status(&err);
	}
	return 0;
}
