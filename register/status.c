/* SPDX-License-Identifier: MIT */
#include "register/status.h"

#include "register/explain.h"

/* What is shown; the names are sorted into the table's order, unknown ones behind. */
struct view {
	const struct plan *plan;
	const struct host *host;
	const struct binfmt *binfmt;
	enum binfmt_state state;
	bool named; /* only what the user named */
	struct out *out;
	struct out *err;
};

static size_t
position(const char *name)
{
	const struct binfmt_target *target = binfmt_target_find(bare_after(name, "qemu-"));

	return target != NULL ? (size_t)(target - binfmt_targets) : BINFMT_TARGET_COUNT;
}

static bool
is_before(const char *a, const char *b)
{
	size_t pa = position(a), pb = position(b);

	if (pa != pb)
		return pa < pb;
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (unsigned char)*a < (unsigned char)*b;
}

/* Indices into the list, in the order of showing. */
static void
sort_names(const struct binfmt_list *list, unsigned short order[BINFMT_LIST_MAX])
{
	for (size_t i = 0; i < list->count; i++) {
		size_t at = i;

		for (; at > 0 && is_before(list->names[i], list->names[order[at - 1]]); at--)
			order[at] = order[at - 1];
		order[at] = (unsigned short)i;
	}
}

static bool
is_shown(const struct view *view, const char *name)
{
	size_t at = position(name);

	return !view->named || (at < BINFMT_TARGET_COUNT && view->plan->named[at]);
}

static void
pad(struct out *out, const char *text, size_t width)
{
	char buf[BINFMT_NAME_MAX];
	size_t n = bare_format(buf, sizeof(buf), "%s", text);

	out_printf(out, "%s", buf);
	do
		out_printf(out, " ");
	while (++n < width);
}

static void
show_entry(const struct view *view, const char *name, const struct entry *entry)
{
	size_t at = position(name);

	pad(view->out, bare_after(name, "qemu-"), 14);
	pad(view->out, entry->enabled ? "enabled" : "disabled", 10);
	pad(view->out, entry->flags[0] != '\0' ? entry->flags : "-", 6);
	out_printf(view->out, "%s%s\n", entry->interpreter,
		   at == BINFMT_TARGET_COUNT                   ? "  (unknown target)"
		   : !entry_is_for(entry, &binfmt_targets[at]) ? "  (other magic or mask)"
							       : "");
}

static void
json_hex(struct out *out, const char *key, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	out_printf(out, ", \"%s\": \"", key);
	for (size_t i = 0; i < n; i++)
		out_printf(out, "%c%c", digits[bytes[i] >> 4], digits[bytes[i] & 15]);
	out_printf(out, "\"");
}

static const char *
json_bool(bool value)
{
	return value ? "true" : "false";
}

static void
json_entry(const struct view *view, const char *name, const struct entry *entry)
{
	struct out *out = view->out;
	size_t at = position(name);

	out_printf(out, "{\"name\": ");
	out_json(out, name);
	out_printf(out, ", \"target\": ");
	out_json(out, bare_after(name, "qemu-"));
	out_printf(out, ", \"enabled\": %s, \"interpreter\": ", json_bool(entry->enabled));
	out_json(out, entry->interpreter);
	out_printf(out, ", \"flags\": ");
	out_json(out, entry->flags);
	out_printf(out, ", \"offset\": %u", entry->offset);
	json_hex(out, "magic", entry->magic, entry->magic_length);
	json_hex(out, "mask", entry->mask, entry->mask_length);
	out_printf(out, ", \"standard\": %s}",
		   json_bool(at < BINFMT_TARGET_COUNT && entry_is_for(entry, &binfmt_targets[at])));
}

static const char *
state_text(const struct view *view)
{
	switch (view->state) {
	case BINFMT_NO_SUPPORT:
		return "not supported by the kernel";
	case BINFMT_NOT_MOUNTED:
		return "not mounted here";
	case BINFMT_READY:
		break;
	}
	return binfmt_is_enabled(view->binfmt) ? "mounted, enabled"
					       : "mounted, disabled as a whole";
}

static void
show_head(const struct view *view, bool json)
{
	const struct place *place = &view->binfmt->place;
	const char *host = view->host != NULL ? view->host->target->name : NULL;
	bool mounted = view->state == BINFMT_READY;

	if (!json) {
		out_printf(view->out, "binfmt_misc: %s%s\nhost: %s\n", state_text(view),
			   place->user_namespace ? ", in a user namespace" : "",
			   host != NULL ? host : "unknown");
		return;
	}
	out_printf(view->out,
		   "{\"binfmt_misc\": {\"supported\": %s, \"mounted\": %s, \"enabled\": %s,"
		   " \"user_namespace\": %s},\n \"kernel\": \"%u.%u\", \"host\": ",
		   json_bool(view->state != BINFMT_NO_SUPPORT), json_bool(mounted),
		   json_bool(mounted && binfmt_is_enabled(view->binfmt)),
		   json_bool(place->user_namespace), place->kernel_major, place->kernel_minor);
	if (host != NULL)
		out_json(view->out, host);
	else
		out_printf(view->out, "null");
	out_printf(view->out, ",\n \"entries\": [");
}

/* Show the entries and mark the enabled ones. Returns -1 if one cannot be read. */
static int
show_entries(const struct view *view, bool json, bool enabled[BINFMT_TARGET_COUNT],
	     bool present[BINFMT_TARGET_COUNT])
{
	static struct binfmt_list list;
	static unsigned short order[BINFMT_LIST_MAX];
	static struct entry entry;
	unsigned shown = 0;
	int ret = 0, problem = view->state == BINFMT_READY ? binfmt_list(view->binfmt, &list) : 0;

	if (view->state != BINFMT_READY)
		return 0;
	if (problem < 0) {
		explain_entry(view->err, &view->binfmt->place, view->binfmt->dir, "read", problem);
		return -1;
	}
	sort_names(&list, order);
	for (size_t i = 0; i < list.count; i++) {
		const char *name = list.names[order[i]];
		size_t at = position(name);

		if (!is_shown(view, name))
			continue;
		problem = binfmt_read(view->binfmt, name, &entry);
		if (problem < 0) {
			explain_entry(view->err, &view->binfmt->place, name, "read", problem);
			ret = -1;
			continue;
		}
		if (at < BINFMT_TARGET_COUNT) {
			present[at] = true;
			enabled[at] = entry.enabled;
		}
		if (!json) {
			if (shown == 0)
				out_printf(view->out,
					   "TARGET        STATE     FLAGS INTERPRETER\n");
			show_entry(view, name, &entry);
		} else {
			out_printf(view->out, shown == 0 ? "\n  " : ",\n  ");
			json_entry(view, name, &entry);
		}
		shown++;
	}
	if (list.is_cut)
		out_printf(view->err,
			   "WARNING: more than %d entries exist; the rest is not shown\n",
			   BINFMT_LIST_MAX);
	return ret;
}

/* The host's own architecture, which is never registered. */
static bool
is_own(const struct view *view, const struct binfmt_target *target)
{
	return view->host != NULL && host_relation(view->host, target) == HOST_ITSELF;
}

/* What is not there of what was named, or of what the host cannot run itself. */
static void
show_missing(const struct view *view, bool json, const bool present[BINFMT_TARGET_COUNT])
{
	bool any = false;

	if (json)
		out_printf(view->out, "],\n \"unregistered\": [");
	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++) {
		const struct binfmt_target *target = &binfmt_targets[i];

		if (present[i] || (view->named && !view->plan->named[i]))
			continue;
		if (is_own(view, target)) {
			if (view->named)
				out_printf(view->err,
					   "NOTE: %s needs no emulator on this machine\n",
					   target->name);
			continue;
		}
		if (!view->named && view->host != NULL &&
		    host_relation(view->host, target) != HOST_FOREIGN)
			continue;
		if (json)
			out_printf(view->out, "%s\"%s\"", any ? ", " : "", target->name);
		else
			out_printf(view->out, "%s %s", any ? "" : "not registered:", target->name);
		any = true;
	}
	if (json)
		out_printf(view->out, "]}\n");
	else if (any)
		out_printf(view->out, "\n");
}

int
status_show(const struct plan *plan, const struct options *options, const struct host *host,
	    const struct binfmt *binfmt, struct console *console)
{
	bool enabled[BINFMT_TARGET_COUNT] = {false}, present[BINFMT_TARGET_COUNT] = {false};
	struct view view = {
		.plan = plan,
		.host = host,
		.binfmt = binfmt,
		.state = binfmt_look(binfmt),
		.out = &console->out,
		.err = &console->err,
	};
	int ret;

	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++)
		view.named = view.named || plan->named[i];
	show_head(&view, options->json);
	ret = show_entries(&view, options->json, enabled, present);
	show_missing(&view, options->json, present);
	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++)
		if (plan->named[i] && !enabled[i] &&
		    (present[i] || !is_own(&view, &binfmt_targets[i])))
			ret = -1;
	return ret;
}
