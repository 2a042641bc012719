/* SPDX-License-Identifier: MIT */
#include "publish/git/git_run.h"

#include "base/alloc.h"
#include "base/interrupt.h"
#include "base/strbuf.h"

#include <string.h>
#include <time.h>

/*
 * The remotes are asked with `git push --dry-run`: it goes to the same URLs, by the same way and
 * with the same credentials as the push itself, and says of each whether the tag is new there (*),
 * the same (=) or another (!).
 */

enum { MAX_SAID = 700, LOOKS = 4, FIRST_WAIT_MS = 500 };

/* What one push said. */
struct answer {
	size_t fresh, same; /* URLs */
	bool conflict;
	char *refusal; /* the remote's reason; or NULL */
};

static void
answer_clear(struct answer *answer)
{
	free(answer->refusal);
	*answer = (struct answer){.refusal = NULL};
}

/* The lines of git's standard error in one sentence, without its advice about other commands. */
static char *
sentence_of(const char *text)
{
	AUTO(strbuf_clear) struct strbuf out = {.max_length = MAX_SAID};

	while (*text != '\0') {
		size_t whole = strcspn(text, "\r\n"), length = whole;

		/* What comes from the other side is padded with blanks. */
		while (length > 0 && text[length - 1] == ' ')
			length--;
		if (length != 0 && !text_starts_with(text, "hint:") &&
		    !text_starts_with(text, "To ") && strncmp(text, "remote:", length) != 0)
			strbuf_addf(&out, "%s%.*s", out.length != 0 ? "; " : "", (int)length, text);
		text += whole + (text[whole] != '\0');
	}
	return strbuf_take(&out);
}

static bool
has_any(const char *text, const char *const *words)
{
	for (size_t i = 0; words[i] != NULL; i++)
		if (strstr(text, words[i]) != NULL)
			return true;
	return false;
}

static bool
lacks_credentials(const char *errors)
{
	static const char *const words[] = {"could not read Username",
					    "could not read Password",
					    "Authentication failed",
					    "Invalid username or",
					    "returned error: 401",
					    "returned error: 403",
					    "HTTP 401",
					    "HTTP 403",
					    NULL};

	return has_any(errors, words);
}

static int
explain_credentials(const struct git_run *run, const char *said, struct error *err)
{
	const struct repo_push *push = run->pushing->push;
	const char *server = push->token_server != NULL ? push->token_server : "no server";

	if (push->token != NULL && !run->may_token)
		return error_set(
			err, ERR_INPUT,
			"git: %s; GITHUB_TOKEN is for %s and is not sent elsewhere; configure a "
			"git credential helper, or push it by hand: git push %s %s",
			said, server, push->remote, run->pushing->reference);
	return error_set(err, ERR_INPUT,
			 "git: %s; configure a git credential helper ('gh auth setup-git'), set "
			 "GITHUB_TOKEN (for %s), or push it by hand: git push %s %s",
			 said, server, push->remote, run->pushing->reference);
}

/* What git could not do, and whether the same may work later. */
static int
explain_failure(const struct git_run *run, const char *errors, struct error *err)
{
	static const char *const wrong[] = {
		"Permission denied",   "does not appear to be a git repository",
		"not found",           "Host key verification failed",
		"returned error: 404", "denied to",
		"access denied",       "dubious ownership",
		"is not supported",    NULL};
	auto_free char *said = sentence_of(errors);

	if (lacks_credentials(errors))
		return explain_credentials(run, said, err);
	if (has_any(errors, wrong))
		return error_set(err, ERR_INPUT, "git: %s", said);
	/* A hook has its own words; git ends with a "fatal:" when it is about the network. */
	if (strstr(errors, "fatal:") == NULL && strstr(errors, "RPC failed") == NULL)
		return error_set(err, ERR_IO, "git failed to push: %s", said);
	return error_set(err, ERR_NETWORK, "git: %s", said);
}

/* "[remote rejected] (hook declined)", with what the remote or git has said about it. */
static int
explain_refusal(const char *refusal, const char *errors, struct error *err)
{
	static const char *const passing[] = {"remote failure", "failed to update ref",
					      "failed to report status", NULL};
	auto_free char *said = sentence_of(errors);
	const char *open = strchr(refusal, '(');
	size_t length = open != NULL ? strcspn(open + 1, ")") : strlen(refusal);

	return error_set(err, has_any(refusal, passing) ? ERR_NETWORK : ERR_INPUT,
			 "the remote rejected it: %.*s: %s", (int)length,
			 open != NULL ? open + 1 : refusal, said);
}

/* One line of --porcelain: "FLAG\tFROM:TO\tSUMMARY (REASON)". */
static void
take_porcelain(const struct git_run *run, const char *line, struct answer *answer)
{
	auto_free char *middle =
		xasprintf("\t%s:%s\t", run->pushing->reference, run->pushing->reference);

	if (line[0] == '\0' || !text_starts_with(line + 1, middle))
		return;
	if (line[0] == '*')
		answer->fresh++;
	else if (line[0] == '=')
		answer->same++;
	else if (strstr(line, "already exists") != NULL && strstr(line, "[rejected]") != NULL)
		answer->conflict = true;
	else if (answer->refusal == NULL)
		answer->refusal = xstrdup(line + 1 + strlen(middle));
}

static void
take_answer(const struct git_run *run, const char *output, struct answer *answer)
{
	while (*output != '\0') {
		size_t length = strcspn(output, "\n");
		auto_free char *line = xstrndup(output, length);

		take_porcelain(run, line, answer);
		output += length + (output[length] != '\0');
	}
}

/* Pushes to `url`, or where it is NULL to all URLs of the remote. */
static int
push_to(const struct git_run *run, const char *url, bool dry_run, struct answer *answer,
	bool *ret_credentials, struct error *err)
{
	AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
	auto_free char *spec = xasprintf("%s:%s", run->pushing->reference, run->pushing->reference);
	/* It is rewritten already: the longest base that fits is itself. */
	auto_free char *as_it_is = xasprintf("url.%s.pushInsteadOf=%s", url != NULL ? url : "",
					     url != NULL ? url : "");
	/* The tag and nothing else, whatever push.* says. Hooks are for what is really sent. */
	const char *const arguments[] = {"-c",
					 as_it_is,
					 "push",
					 "--porcelain",
					 "--no-progress",
					 "--no-follow-tags",
					 "--recurse-submodules=no",
					 dry_run ? "--dry-run" : "--no-dry-run",
					 dry_run ? "--no-verify" : "--verify",
					 "--",
					 url != NULL ? url : run->remote,
					 spec,
					 NULL};
	size_t before = answer->fresh + answer->same;
	struct git_run one = *run; /* borrows all of it */

	/* Where git does not ask for the token, a hook would find it. */
	one.with_token = run->with_token && (url == NULL || git_run_may_token(run, url));
	if (git_run(&one, url != NULL ? arguments : arguments + 2, &result, err) < 0)
		return -1;
	take_answer(run, result.output, answer);
	*ret_credentials = result.status != 0 && lacks_credentials(result.errors);
	if (answer->conflict)
		return 0;
	if (answer->refusal != NULL)
		return explain_refusal(answer->refusal, result.errors, err);
	if (result.status != 0)
		return explain_failure(run, result.errors, err);
	if (answer->fresh + answer->same == before)
		return error_set(err, ERR_REMOTE, "git did not report the result for %s",
				 run->pushing->reference);
	return 0;
}

/*
 * The token is read once in a run of git. For several URLs there are as many runs: if one run could
 * read it again, a hook of the first URL could, too. "-c" has no way to name a URL with a '='.
 */
static bool
one_by_one(const struct git_run *run)
{
	if (!run->with_token || run->urls.count < 2)
		return false;
	for (size_t i = 0; i < run->urls.count; i++)
		if (strchr(run->urls.items[i], '=') != NULL)
			return false;
	return true;
}

/* `*ret_credentials` tells that git had none, or none that are good. */
static int
push_once(const struct git_run *run, bool dry_run, struct answer *answer, bool *ret_credentials,
	  struct error *err)
{
	answer_clear(answer);
	*ret_credentials = false;
	if (!one_by_one(run))
		return push_to(run, NULL, dry_run, answer, ret_credentials, err);
	for (size_t i = 0; i < run->urls.count && !answer->conflict; i++)
		if (push_to(run, run->urls.items[i], dry_run, answer, ret_credentials, err) < 0)
			return -1;
	return 0;
}

/* The first other object that one of the URLs has under the name. */
static int
explain_conflict(const struct git_run *run, struct error *err)
{
	for (size_t i = 0; i < run->urls.count; i++) {
		AUTO(process_result_clear) struct process_result result = PROCESS_RESULT_INIT;
		const char *url = run->urls.items[i];
		/* Rewritten already: the longest base that fits is itself. */
		auto_free char *as_it_is = xasprintf("url.%s.insteadOf=%s", url, url);
		const char *const arguments[] = {
			"-c", as_it_is, "ls-remote", "--", url, run->pushing->reference, NULL};
		size_t length;

		if (strchr(url, '=') != NULL || git_run(run, arguments, &result, err) < 0 ||
		    result.status != 0)
			continue;
		length = strcspn(result.output, "\t");
		result.output[length] = '\0';
		if (length != 0 && strcmp(result.output, run->pushing->id) != 0)
			return push_conflict(run->pushing, result.output, err);
	}
	return push_conflict(run->pushing, "another object", err);
}

/* Asks all remotes: 0, with what they have in `answer`. */
static int
ask_remotes(struct git_run *run, struct answer *answer, struct error *err)
{
	bool credentials;
	int result = push_once(run, true, answer, &credentials, err);

	if (result < 0 && credentials && run->may_token && !run->with_token) {
		run->with_token = true;
		result = push_once(run, true, answer, &credentials, err);
	}
	if (result < 0)
		return -1;
	return answer->conflict ? explain_conflict(run, err) : 0;
}

static int
pause_ms(unsigned int milliseconds, struct error *err)
{
	(void)interrupt_pause(milliseconds);
	return interrupt_check(err);
}

/* What was written a moment ago may take a while to be seen. */
static int
read_back_tag(struct git_run *run, struct error *err)
{
	AUTO(answer_clear) struct answer answer = {.refusal = NULL};

	for (unsigned int look = 0; look < LOOKS; look++) {
		if (look > 0 && pause_ms((unsigned int)FIRST_WAIT_MS << look, err) < 0)
			return -1;
		if (ask_remotes(run, &answer, err) < 0)
			return -1;
		if (answer.fresh == 0)
			return 1;
	}
	return error_set(err, ERR_REMOTE, "the remote accepted %s but does not have it",
			 run->pushing->reference);
}

static int
push_and_look(struct git_run *run, struct error *err)
{
	AUTO(answer_clear) struct answer answer = {.refusal = NULL};
	bool credentials;

	if (ask_remotes(run, &answer, err) < 0)
		return -1;
	if (answer.fresh == 0 || run->pushing->push->dry_run)
		return answer.fresh != 0;
	if (push_once(run, false, &answer, &credentials, err) < 0)
		return -1;
	if (answer.conflict)
		return explain_conflict(run, err);
	return read_back_tag(run, err);
}

int
push_by_program(const struct step_push *pushing, struct error *err)
{
	AUTO(git_run_clear) struct git_run run = {.pushing = pushing};

	if (git_run_prepare(&run, err) < 0)
		return -1;
	return push_and_look(&run, err);
}
