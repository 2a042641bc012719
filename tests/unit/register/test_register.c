/* SPDX-License-Identifier: MIT */
#include "tests/support/test.h"

#include "model/arch.h"
#include "model/binfmt_table.h"
#include "register/bare.h"
#include "register/binfmt.h"
#include "register/entry.h"
#include "register/explain.h"
#include "register/host.h"
#include "register/names.h"
#include "register/options.h"
#include "register/plan.h"
#include "register/probe.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

/* What a stream would have said, if it is short. */
static struct out
captured(void)
{
	return (struct out){.fd = -1};
}

static const char *
said(struct out *out)
{
	assert_true(out->used < sizeof(out->buf));
	out->buf[out->used] = '\0';
	return out->buf;
}

static void
hex(const char *bytes, size_t n, char *text)
{
	for (size_t i = 0; i < n; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", (unsigned)(unsigned char)bytes[i]);
}

/* Every row, and their order, as tests/data/register/targets.tsv has them. */
static void
test_table(void **state)
{
	FILE *f = fopen("data/register/targets.tsv", "re");
	char line[512], magic[2 * BINFMT_MAGIC_MAX + 1], mask[2 * BINFMT_MAGIC_MAX + 1];
	char row[512];
	size_t i = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		const struct binfmt_target *t = &binfmt_targets[i];

		if (line[0] == '#')
			continue;
		assert_true(i < BINFMT_TARGET_COUNT);
		hex(t->magic, t->length, magic);
		hex(t->mask, t->length, mask);
		(void)snprintf(row, sizeof(row), "%s\t%s\t%s\t%s\t%s\n", t->name, t->family,
			       t->emulator, magic, mask);
		assert_string_equal(row, line);
		assert_ptr_equal(binfmt_target_find(t->name), t);
		i++;
	}
	(void)fclose(f);
	assert_int_equal(i, BINFMT_TARGET_COUNT);
	assert_null(binfmt_target_find("aarch"));
	assert_null(binfmt_target_find(""));
}

static void
test_line(void **state)
{
	static const char aarch64[] =
		":qemu-aarch64:M::"
		"\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00"
		"\\x02\\x00\\xb7\\x00:"
		"\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff"
		"\\xff\\xff\\xff\\xfe\\xff\\xff\\xff:/usr/bin/qemu-aarch64-static:OCFP";
	const struct binfmt_target *t = binfmt_target_find("aarch64");
	char line[BINFMT_LINE_MAX + 1], text[BINFMT_TEXT_MAX];
	size_t n;

	(void)state;
	n = binfmt_line(t, "/usr/bin/qemu-aarch64-static", "OCFP", line, sizeof(line));
	assert_string_equal(line, aarch64);
	assert_int_equal(n, strlen(aarch64));

	/* Exactly enough room, and one byte too little. */
	assert_int_equal(binfmt_line(t, "/usr/bin/qemu-aarch64-static", "OCFP", line, n + 1), n);
	assert_int_equal(binfmt_line(t, "/usr/bin/qemu-aarch64-static", "OCFP", line, n), 0);
	assert_int_equal(binfmt_line(t, "/usr/bin/qemu-aarch64-static", "OCFP", line, 0), 0);

	binfmt_magic_text(binfmt_target_find("hppa"), text);
	assert_true(strncmp(text, "\\x7f\\x45\\x4c\\x46\\x01", 20) == 0);

	/* The longest line that there is. */
	t = binfmt_target_find("mipsn32el");
	n = binfmt_line(t, "/usr/bin/qemu-mipsn32el-static", "OCFP", line, sizeof(line));
	assert_int_equal(n, 367);
}

static void
test_match(void **state)
{
	unsigned char file[40] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
	const struct binfmt_target *t = binfmt_target_find("aarch64");

	(void)state;
	file[16] = 3; /* a shared object, which the mask lets through */
	file[18] = 183;
	assert_true(binfmt_target_matches(t, file, sizeof(file)));
	file[7] = 9; /* any OS ABI */
	assert_true(binfmt_target_matches(t, file, sizeof(file)));
	assert_false(binfmt_target_matches(t, file, 19));
	file[16] = 4;
	assert_false(binfmt_target_matches(t, file, sizeof(file)));
	file[16] = 2;
	assert_false(binfmt_target_matches(binfmt_target_find("arm"), file, sizeof(file)));
}

/* The spellings of the program's own table of architectures mean the same here. */
static void
test_names(void **state)
{
	static const struct {
		const char *word, *target;
	} rows[] = {
		{"aarch64", "aarch64"},
		{"arm64", "aarch64"},
		{"linux/arm64", "aarch64"},
		{"linux/arm64/v8", "aarch64"},
		{"qemu-aarch64", "aarch64"},
		{"qemu-aarch64-static", "aarch64"},
		{"linux/arm", "arm"},
		{"linux/arm/v7", "arm"},
		{"linux/arm/v6", "arm"},
		{"armhf", "arm"},
		{"armel", "arm"},
		{"armv7l", "arm"},
		{"armv5tel", "arm"},
		{"linux/386", "i386"},
		{"386", "i386"},
		{"i486", "i486"},
		{"i686", "i386"},
		{"linux/amd64", "x86_64"},
		{"amd64", "x86_64"},
		{"ppc64el", "ppc64le"},
		{"linux/ppc64le", "ppc64le"},
		{"powerpc", "ppc"},
		{"linux/mips64le", "mips64el"},
		{"mipsle", "mipsel"},
		{"loong64", "loongarch64"},
		{"linux/s390x", "s390x"},
		{"linux/riscv64", "riscv64"},
		{"aarch64_be", "aarch64_be"},
		{"linux/", NULL},
		{"", NULL},
		{"arm65", NULL},
		{"-static", NULL},
		{"aarch64-static", NULL},
		{"qemu-aarch64-static-static", NULL},
		{"cris", NULL},
		{"an-operand-that-is-longer-than-every-name-of-an-architecture-ever-was", NULL},
	};
	const struct binfmt_target *t;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		t = name_target(rows[i].word);
		if ((t == NULL) != (rows[i].target == NULL) ||
		    (t != NULL && strcmp(t->name, rows[i].target) != 0))
			fail_msg("'%s' means %s", rows[i].word, t != NULL ? t->name : "nothing");
	}
	for (size_t i = 0; i < arch_count; i++) {
		const struct arch *a = &arch_table[i];
		const char *words[] = {a->name, a->oci, a->debian};

		for (size_t j = 0; j < 3; j++) {
			t = words[j] != NULL ? name_target(words[j]) : NULL;
			if (words[j] != NULL && (t == NULL || strcmp(t->name, a->qemu) != 0))
				fail_msg("'%s' is not %s", words[j], a->qemu);
		}
	}
	for (size_t i = 0; i < BINFMT_TARGET_COUNT; i++)
		if (strcmp(binfmt_targets[i].name, "i486") != 0)
			assert_true(target_is_known(binfmt_targets[i].name));
	assert_string_equal(name_suggest("aarch46")->name, "aarch64");
	assert_string_equal(name_suggest("s930x")->name, "s390x");
	assert_null(name_suggest("nonsense"));
}

/* Hosts, their families, and how many targets are left to register. */
static void
test_hosts(void **state)
{
	static const struct {
		const char *machine, *target;
		unsigned foreign; /* registered by default */
		unsigned others;  /* registered with --ignore-family */
	} rows[] = {
		{"x86_64", "x86_64", 31, 33},     {"amd64", "x86_64", 31, 33},
		{"i386", "i386", 31, 32},         {"i686", "i386", 31, 32},
		{"aarch64", "aarch64", 32, 33},   {"arm64", "aarch64", 32, 33},
		{"arm", "arm", 32, 33},           {"armv5tel", "arm", 32, 33},
		{"armv7l", "arm", 32, 33},        {"armv8l", "arm", 32, 33},
		{"armhf", "arm", 32, 33},         {"armeb", "armeb", 32, 33},
		{"armv7b", "armeb", 32, 33},      {"ppc64le", "ppc64le", 33, 33},
		{"ppc64el", "ppc64le", 33, 33},   {"ppc64", "ppc64", 32, 33},
		{"powerpc", "ppc", 32, 33},       {"s390x", "s390x", 33, 33},
		{"riscv64", "riscv64", 32, 33},   {"loongarch64", "loongarch64", 33, 33},
		{"mips64el", "mips64el", 28, 33}, {"mips64", NULL, 28, 33},
		{"mips", NULL, 28, 33},           {"sparc64", "sparc64", 31, 33},
		{"sh4", "sh4", 32, 33},           {"sh4a", "sh4", 32, 33},
		{"m68k", "m68k", 33, 33},         {"hppa", "hppa", 33, 33},
		{"parisc64", "hppa", 33, 33},     {"alpha", "alpha", 33, 33},
	};
	struct host host;
	char name[65];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		unsigned foreign = 0, others = 0;

		assert_int_equal(host_detect(rows[i].machine, &host, name, sizeof(name)), 0);
		assert_true(host.overridden);
		if (rows[i].target != NULL)
			assert_string_equal(host.target->name, rows[i].target);
		for (size_t j = 0; j < BINFMT_TARGET_COUNT; j++) {
			enum host_relation relation = host_relation(&host, &binfmt_targets[j]);

			foreign += relation == HOST_FOREIGN ? 1 : 0;
			others += relation != HOST_ITSELF ? 1 : 0;
		}
		if (foreign != rows[i].foreign || others != rows[i].others)
			fail_msg("%s: %u and %u", rows[i].machine, foreign, others);
	}
	assert_int_equal(host_detect("vax", &host, name, sizeof(name)), -1);
	assert_string_equal(name, "vax");
}

static void
test_host_here(void **state)
{
	struct host host;
	struct utsname seen;
	char name[65];

	(void)state;
	assert_int_equal(uname(&seen), 0);
	assert_int_equal(host_detect(NULL, &host, name, sizeof(name)), 0);
	assert_false(host.overridden);
	assert_ptr_equal(host.target, host_target(seen.machine));
	assert_int_equal(host_detect("", &host, name, sizeof(name)), 0);
	assert_false(host.overridden);
}

/* What an x86_64 or aarch64 machine runs of itself and of the other. */
static void
test_probe(void **state)
{
	struct host host;
	char name[65];
	bool x86, arm;
	enum probe_result other;

	(void)state;
	assert_int_equal(host_detect(NULL, &host, name, sizeof(name)), 0);
	x86 = strcmp(host.target->name, "x86_64") == 0;
	arm = strcmp(host.target->name, "aarch64") == 0;
	assert_int_equal(probe_target(binfmt_target_find("s390x")), PROBE_UNKNOWN);
	if (!x86 && !arm)
		skip_because("no probe for %s itself", host.target->name);
	if (probe_target(host.target) == PROBE_UNKNOWN)
		skip_because("programs cannot be run from memory here");
	assert_int_equal(probe_target(host.target), PROBE_RUNS);
	other = probe_target(binfmt_target_find(x86 ? "aarch64" : "x86_64"));
	assert_true(other == PROBE_FAILS || other == PROBE_EMULATED);
	assert_int_equal(probe_target(binfmt_target_find("i386")),
			 probe_target(binfmt_target_find("i486")));
}

static void
test_glob(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool match;
	} rows[] = {
		{"*", "", true},
		{"*", "qemu-arm", true},
		{"qemu-*", "qemu-arm", true},
		{"mips*", "mipsn32el", true},
		{"mips*el", "mipsn32el", true},
		{"mips*el", "mipsn32", false},
		{"*64*", "ppc64le", true},
		{"a?m", "arm", true},
		{"a?m", "am", false},
		{"sh4[a-z]*", "sh4eb", true},
		{"sh4[!e]*", "sh4eb", false},
		{"[x", "[x", true},
		{"[x", "x", false},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "aXbYbZ", false},
		{"", "a", false},
		{"arm", "armeb", false},
		{"arm", "ar", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (bare_glob(rows[i].pattern, rows[i].name) != rows[i].match)
			fail_msg("'%s' and '%s'", rows[i].pattern, rows[i].name);
}

static void
test_output(void **state)
{
	struct out out = captured();
	char buf[8];

	(void)state;
	out_printf(&out, "%s %d %u %c%%", "a\x1b[31m\nb", -12, 4294967295U, 'z');
	assert_string_equal(said(&out), "a?[31m?b -12 4294967295 z%");

	out = captured();
	out_json(&out,
		 "q\"\\\n\x7f \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \xc3( \xed\xa0\x80 \xff");
	assert_string_equal(said(&out),
			    "\"q\\\"\\\\\\u000a\\u007f \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 "
			    "\\ufffd( \\ufffd\\ufffd\\ufffd \\ufffd\"");

	assert_int_equal(bare_format(buf, sizeof(buf), "%s", "1234567"), 7);
	assert_string_equal(buf, "1234567");
	assert_int_equal(bare_format(buf, sizeof(buf), "%s-%d", "12345678", 0), 10);
	assert_string_equal(buf, "1234567");

	/* A stream that cannot be written fails once and for all. */
	out = captured();
	for (int i = 0; i < 3000; i++)
		out_printf(&out, "x");
	assert_int_equal(out_flush(&out), -1);
	assert_int_equal(out_flush(&out), -1);
}

/* What was put into two streams of one descriptor, in whichever way, comes out in its order. */
static void
test_output_order(void **state)
{
	int ends[2];
	char text[32] = "";
	struct out out = {.fd = -1}, err = {.fd = -1, .before = &out};

	(void)state;
	assert_int_equal(pipe(ends), 0);
	out.fd = err.fd = ends[1];
	out_printf(&out, "1");
	out_printf(&err, "2");
	out_bytes(&out, "3", 1);
	out_bytes(&err, "4", 1);
	out_json(&out, "5");
	out_json(&err, "6");
	assert_int_equal(out.used + err.used, 0);
	assert_int_equal(read(ends[0], text, sizeof(text) - 1), 10);
	assert_string_equal(text, "1234\"5\"\"6\"");
	(void)close(ends[0]);
	(void)close(ends[1]);
}

struct command_line {
	const char *words[8];
	int count;
};

static int
parse(const struct command_line *line, const char *bin_dir, struct options *options,
      struct out *err)
{
	static char *argv[9];
	static char copies[8][64];

	argv[0] = copies[0];
	for (int i = 0; i < line->count; i++) {
		(void)snprintf(copies[i], sizeof(copies[i]), "%s", line->words[i]);
		argv[i + 1] = copies[i];
	}
	return options_parse(line->count + 1, argv, bin_dir, options, err);
}

#define LINE(...)                                                                                  \
	{.words = {__VA_ARGS__}, .count = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)}

static void
test_flags(void **state)
{
	static const struct {
		struct command_line line;
		const char *flags;
		bool reset, ignore_family;
		const char *warning;
	} rows[] = {
		{LINE("--"), "", false, false, ""},
		{LINE("-p", "yes"), "F", false, false, ""},
		{LINE("--persistent", "yes"), "F", false, false, ""},
		{LINE("--persistent=yes"), "F", false, false, ""},
		{LINE("--pers=yes"), "F", false, false, ""},
		{LINE("-pyes"), "F", false, false, ""},
		{LINE("-p", "no"), "", false, false, ""},
		{LINE("-p", "yes", "-p", "no"), "", false, false, ""},
		{LINE("-p", "YES"), "", false, false, "using 'YES' as no"},
		{LINE("-p", ""), "", false, false, "using '' as no"},
		{LINE("-c", "yes"), "OC", false, false, ""},
		{LINE("--credential", "yes", "-p", "yes"), "OCF", false, false, ""},
		{LINE("-g", "yes"), "P", false, false, ""},
		{LINE("--preserve-argv0=yes", "-pyes"), "FP", false, false, ""},
		{LINE("-cyes", "-pyes", "-gyes"), "OCFP", false, false, ""},
		{LINE("-c", "yes", "-g", "yes"), "OCP", false, false, ""},
		{LINE("-i", "yes"), "", false, true, ""},
		{LINE("-i", "no"), "", false, false, ""},
		{LINE("--ignore-family", "maybe"), "", false, true, "using 'maybe' as yes"},
		{LINE("--reset", "-p", "yes"), "F", true, false, ""},
		{LINE("-p", "yes", "--reset"), "F", true, false, ""},
		{LINE("-p", "yes", "arm", "--reset"), "F", true, false, ""},
	};
	struct options options;
	char flags[5];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct out err = captured();

		assert_int_equal(parse(&rows[i].line, NULL, &options, &err), 0);
		assert_string_equal(plan_flags(&options, options.persistent, flags), rows[i].flags);
		assert_int_equal(options.reset, rows[i].reset);
		assert_int_equal(options.ignore_family, rows[i].ignore_family);
		if (strstr(said(&err), rows[i].warning) == NULL ||
		    (rows[i].warning[0] == '\0' && said(&err)[0] != '\0'))
			fail_msg("row %zu says '%s'", i, said(&err));
	}
}

static void
test_options(void **state)
{
	static const struct command_line several =
		LINE("arm64", "-de", "/tmp/x", "--", "-q", "--reset");
	static const struct command_line cpu =
		LINE("-d", "--systemd", "ALL", "-Q", "/opt", "-F", "");
	static const struct command_line removal = LINE("--uninstall", "arm", "--uninstall=mips*");
	static const struct command_line none = LINE("");
	struct options options;
	struct out err = captured();

	(void)state;
	assert_int_equal(parse(&several, "", &options, &err), 0);
	assert_int_equal(options.action, ACTION_DEBIAN);
	assert_string_equal(options.export_dir, "/tmp/x");
	assert_int_equal(options.operand_count, 3);
	assert_string_equal(options.operands[0], "arm64");
	assert_string_equal(options.operands[1], "-q");
	assert_string_equal(options.operands[2], "--reset");
	assert_false(options.reset);
	assert_string_equal(options.qemu_path, "/usr/bin");
	assert_string_equal(options.qemu_suffix, "-static");

	assert_int_equal(parse(&cpu, "/from/environment", &options, &err), 0);
	assert_int_equal(options.action, ACTION_SYSTEMD);
	assert_string_equal(options.systemd_cpu, "ALL");
	assert_string_equal(options.qemu_path, "/opt");
	assert_string_equal(options.qemu_suffix, "");

	assert_int_equal(parse(&removal, "/from/environment", &options, &err), 0);
	assert_int_equal(options.uninstall_count, 2);
	assert_string_equal(options.uninstall[1], "mips*");
	assert_string_equal(options.qemu_path, "/from/environment");

	assert_int_equal(parse(&none, NULL, &options, &err), 0);
	assert_int_equal(options.operand_count, 1);
	assert_string_equal(said(&err), "");
}

static void
test_usage_errors(void **state)
{
	static const struct {
		struct command_line line;
		const char *message;
	} rows[] = {
		{LINE("--rest"), "unknown option '--rest'"},
		{LINE("--"
		      "=yes"),
		 "unknown option '--'"},
		{LINE("-z"), "unknown option '-z'"},
		{LINE("-dz"), "unknown option '-z'"},
		{LINE("-d-reset"), "unknown option '--'"},
		{LINE("-d\x1b"), "unknown option '-?'"},
		{LINE("--p", "yes"),
		 "option '--p' is ambiguous: '--persistent' or '--preserve-argv0'"},
		{LINE("--reset=yes"), "option '--reset' takes no value"},
		{LINE("--systemd"), "option '--systemd' requires a value: TARGET|ALL"},
		{LINE("-p"), "option '--persistent' requires a value: yes|no"},
		{LINE("--status", "--reset"), "--reset cannot be used with --status"},
		{LINE("--uninstall", "arm", "--reset"), "--reset cannot be used with --uninstall"},
		{LINE("--uninstall", "arm", "--status"), "mutually exclusive"},
		{LINE("--systemd", "ALL", "--status"), "mutually exclusive"},
		{LINE("--uninstall", "arm", "mips"), "'mips' would be registered"},
		{LINE("--json"), "--json requires --status"},
	};
	struct options options = {.reset = true};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct out err = captured();

		assert_int_equal(parse(&rows[i].line, NULL, &options, &err), -1);
		if (strstr(said(&err), rows[i].message) == NULL ||
		    strncmp(said(&err), "ERROR: ", 7) != 0)
			fail_msg("row %zu says '%s'", i, said(&err));
		assert_true(options.reset);
	}
}

static void
test_plan(void **state)
{
	static const struct {
		struct command_line line;
		int status;
		unsigned wanted;
		const char *message;
	} rows[] = {
		{LINE("--"), 0, 34, ""},
		{LINE("ALL"), 0, 34, ""},
		{LINE("arm64"), 0, 1, ""},
		{LINE("arm64,linux/s390x", "aarch64"), 0, 2, ""},
		{LINE("--systemd", "ALL"), 0, 34, ""},
		{LINE("--systemd", "ALL", "arm"), 0, 1, ""},
		{LINE("--systemd", "arm", "mips"), 0, 2, ""},
		{LINE("--systemd", "vax"), 1, 0, "ERROR: unknown CPU \"vax\"\n"},
		{LINE("vax"), 2, 0, "ERROR: unknown target 'vax'; --help lists them"},
		{LINE("arm,"), 2, 0, "ERROR: unknown target ''"},
		{LINE("rsicv64"), 2, 0, "did you mean 'riscv64'?"},
	};
	struct options options;
	struct plan plan;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct console console = {.out.fd = -1, .err.fd = -1};
		unsigned wanted = 0;

		assert_int_equal(parse(&rows[i].line, NULL, &options, &console.err), 0);
		assert_int_equal(plan_ask(&plan, &options, &console), rows[i].status);
		if (strstr(said(&console.err), rows[i].message) == NULL)
			fail_msg("row %zu says '%s'", i, said(&console.err));
		for (size_t j = 0; j < BINFMT_TARGET_COUNT; j++)
			wanted += plan.choice[j] == CHOICE_WANTED ? 1 : 0;
		if (rows[i].status == 0)
			assert_int_equal(wanted, rows[i].wanted);
	}
}

static void
test_paths(void **state)
{
	static const struct {
		const char *path, *suffix, *message;
	} rows[] = {
		{"/usr/bin", "-static", NULL},
		{"", "", NULL},
		{"usr/bin", "", "'usr/bin' is not absolute"},
		{"/a:b", "", "which is not allowed in an entry"},
		{"/a", "\n", "which is not allowed in an entry"},
		/* with "/qemu-microblazeel-static" 127 and 128 bytes */
		{"/01234567890123456789012345678901234567890123456789"
		 "012345678901234567890123456789012345678901234567890",
		 "-static", NULL},
		{"/01234567890123456789012345678901234567890123456789"
		 "0123456789012345678901234567890123456789012345678901",
		 "-static", "the kernel accepts 127 bytes"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct console console = {.err.fd = -1};
		struct options options = {.qemu_path = rows[i].path, .qemu_suffix = rows[i].suffix};
		int ret = plan_check_path(&options, &console);

		assert_int_equal(ret, rows[i].message == NULL ? 0 : -1);
		if (rows[i].message != NULL)
			assert_non_null(strstr(said(&console.err), rows[i].message));
	}
}

#define AARCH64_MAGIC "magic 7f454c460201010000000000000000000200b700\n"
#define AARCH64_MASK  "mask ffffffffffffff00fffffffffffffffffeffffff\n"

static void
test_entry(void **state)
{
	static const char text[] =
		"enabled\ninterpreter /q\nflags: POCF\noffset 0\n" AARCH64_MAGIC AARCH64_MASK;
	static const char extension[] = "disabled\ninterpreter /w\nflags: \nextension .exe\n";
	static const char newer[] = "enabled\ninterpreter /w\nflags: FTX\nnovel thing\noffset 12\n"
				    "magic 00\n";
	static const char *const broken[] = {
		"",
		"\n",
		"\ninterpreter /q\n",
		"enable\ninterpreter /q\n",
		"enabled\n",
		"enabled\ninterpreter /q\nmagic 7\n",
		"enabled\ninterpreter /q\nmagic 7g\n",
		"enabled\ninterpreter /q\noffset x\n",
		"enabled\ninterpreter /q\noffset 12345678\n",
		"enabled\ninterpreter /q\nflags: ABCDEFGHIJKLMNOP\n",
	};
	struct entry entry;

	(void)state;
	assert_int_equal(entry_parse(text, sizeof(text) - 1, &entry), 0);
	assert_true(entry.enabled);
	assert_true(entry_is_for(&entry, binfmt_target_find("aarch64")));
	assert_false(entry_is_for(&entry, binfmt_target_find("arm")));
	assert_true(entry_runs(&entry, "/q", "OCFP"));
	assert_false(entry_runs(&entry, "/q", "OCF"));
	assert_false(entry_runs(&entry, "/qq", "OCFP"));
	entry.offset = 1;
	assert_false(entry_is_for(&entry, binfmt_target_find("aarch64")));

	assert_int_equal(entry_parse(extension, sizeof(extension) - 1, &entry), 0);
	assert_false(entry.enabled);
	assert_string_equal(entry.flags, "");
	assert_int_equal(entry.magic_length, 0);

	assert_int_equal(entry_parse(newer, sizeof(newer) - 1, &entry), 0);
	assert_string_equal(entry.flags, "FTX");
	assert_true(entry_runs(&entry, "/w", "F"));
	assert_int_equal(entry.offset, 12);

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		if (entry_parse(broken[i], strlen(broken[i]), &entry) == 0)
			fail_msg("row %zu was accepted", i);
}

/* What the user reads for each errno, and that it says what to do. */
static void
test_explanations(void **state)
{
	static const struct {
		int problem;
		unsigned major, minor;
		const char *flags, *what, *advice;
	} rows[] = {
		{-EINVAL, 4, 4, "F", "invalid argument", "add --fallback"},
		{-EINVAL, 6, 1, "F", "invalid argument", "does not accept this entry"},
		{-EINVAL, 4, 4, "", "invalid argument", "does not accept this entry"},
		{-ENOENT, 6, 1, "F", "no such file",
		 "'/q', which --persistent yes opens now, does not exist"},
		{-EACCES, 6, 1, "OCF", "permission denied", "is not an executable file"},
		{-EPERM, 6, 1, "", "operation not permitted", "--privileged"},
		{-EROFS, 6, 1, "", "read-only file system", "--privileged"},
		{-EEXIST, 6, 1, "", "file exists", "--status"},
		{-ENOMEM, 6, 1, "", "out of memory", ""},
		{-4095, 6, 1, "", "error 4095", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct out err = captured();
		struct place place = {.kernel_major = rows[i].major, .kernel_minor = rows[i].minor};

		explain_register(&err, &place, binfmt_target_find("arm"), "/q", rows[i].flags,
				 rows[i].problem);
		if (strncmp(said(&err), "ERROR: cannot register arm: ", 28) != 0 ||
		    strstr(said(&err), rows[i].what) == NULL ||
		    strstr(said(&err), rows[i].advice) == NULL)
			fail_msg("row %zu says '%s'", i, said(&err));
	}
}

static void
test_privilege_advice(void **state)
{
	struct place rootless_old = {.user_namespace = true, .kernel_major = 6, .kernel_minor = 6};
	struct place rootless_new = {.user_namespace = true, .kernel_major = 6, .kernel_minor = 7};
	struct binfmt binfmt = {.dir = BINFMT_DIR};
	struct out err = captured();

	(void)state;
	explain_access(&err, &rootless_old, BINFMT_DIR "/register", -EACCES);
	assert_non_null(strstr(said(&err), "Linux 6.6 allows binfmt_misc for real root only"));
	err = captured();
	explain_access(&err, &rootless_new, BINFMT_DIR "/register", -EACCES);
	assert_non_null(strstr(said(&err), "with sudo to register for all"));
	err = captured();
	explain_access(&err, &rootless_new, "/etc/binfmt.d", -ENOENT);
	assert_non_null(strstr(said(&err), "ERROR: cannot write to /etc/binfmt.d: no such file"));
	assert_non_null(strstr(said(&err), "--exportdir"));
	err = captured();
	explain_mount(&err, &binfmt, -ENODEV);
	assert_non_null(strstr(said(&err), "modprobe binfmt_misc"));
	err = captured();
	explain_vanishing(&err, &binfmt, true);
	assert_non_null(strstr(said(&err), "mount -t binfmt_misc binfmt_misc " BINFMT_DIR));
	assert_non_null(strstr(said(&err), "--temporary"));
	assert_true(place_kernel_before(&rootless_old, 6, 7));
	assert_false(place_kernel_before(&rootless_new, 6, 7));
	assert_false(place_kernel_before(&rootless_new, 4, 8));
}

/* A directory of plain files stands in for the kernel's. */
static void
test_directory(void **state)
{
	char dir[] = "/tmp/test_register.XXXXXX", path[128], text[16];
	struct binfmt binfmt = {.dir = dir};
	static struct binfmt_list list;
	static struct entry entry;
	FILE *f;

	(void)state;
	binfmt.dir = "/nonexistent/binfmt_misc";
	assert_int_equal(binfmt_look(&binfmt), BINFMT_NO_SUPPORT);
	assert_int_equal(binfmt_list(&binfmt, &list), -ENOENT);
	binfmt.dir = dir;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(binfmt_look(&binfmt), BINFMT_NOT_MOUNTED);
	assert_int_equal(binfmt_may_register(&binfmt), -ENOENT);
	assert_int_equal(binfmt_read(&binfmt, "qemu-arm", &entry), -ENOENT);

	(void)snprintf(path, sizeof(path), "%s/qemu-arm", dir);
	f = fopen(path, "we");
	assert_non_null(f);
	(void)fclose(f);
	assert_int_equal(binfmt_read(&binfmt, "qemu-arm", &entry), -EIO);
	assert_int_equal(binfmt_command(&binfmt, "qemu-arm", "-1"), 0);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	assert_string_equal(text, "-1");
	(void)fclose(f);
	assert_int_equal(binfmt_list(&binfmt, &list), 0);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.names[0], "qemu-arm");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),        cmocka_unit_test(test_line),
		cmocka_unit_test(test_match),        cmocka_unit_test(test_names),
		cmocka_unit_test(test_hosts),        cmocka_unit_test(test_host_here),
		cmocka_unit_test(test_probe),        cmocka_unit_test(test_glob),
		cmocka_unit_test(test_output),       cmocka_unit_test(test_output_order),
		cmocka_unit_test(test_flags),        cmocka_unit_test(test_options),
		cmocka_unit_test(test_usage_errors), cmocka_unit_test(test_plan),
		cmocka_unit_test(test_paths),        cmocka_unit_test(test_entry),
		cmocka_unit_test(test_explanations), cmocka_unit_test(test_privilege_advice),
		cmocka_unit_test(test_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
