/* SPDX-License-Identifier: MIT */
#include "model/tool.h"

#include "base/alloc.h"

char *
tool_text(const struct tool *tool)
{
	if (tool->commit == NULL)
		return xstrdup(tool->version);
	return xasprintf("%s (commit %s%s)", tool->version, tool->commit,
			 tool->modified ? ", modified" : "");
}
