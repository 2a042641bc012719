#include "publish/git_internal.h"

#include <git2.h>
#include <stddef.h>

void
repo_object_freep(git_object **object)
{
	git_object_free(*object);
}

void
repo_reference_freep(git_reference **reference)
{
	git_reference_free(*reference);
}

void
repo_signature_freep(git_signature **signature)
{
	git_signature_free(*signature);
}

const char *
repo_reason(void)
{
	const git_error *last = git_error_last();

	return last != NULL && last->message != NULL ? last->message : "no reason given";
}
