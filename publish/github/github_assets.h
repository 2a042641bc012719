/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The assets of one release on GitHub: listed, compared, removed, sent. For the files of publish/
 * only. All of these work on `github->remote`.
 */

#include "publish/github/github_api.h"

/* Lists all assets, page after page, into an empty list. */
int github_assets_list(struct github *github, struct github_asset_list *ret_list,
		       struct error *err) CHECKED;

/*
 * Whether an asset is this file: whole, of its size and digest. Without a digest the bytes are
 * fetched and hashed, once. Returns 1, or 0 with the difference in `*ret_why` (to be freed), or -1.
 */
int github_asset_matches(struct github *github, const struct github_asset *asset,
			 const struct publish_file *file, struct publish_result *result,
			 char **ret_why, struct error *err) CHECKED;

/*
 * Compares all assets with all files, and looks again where the list may lag. Returns 0 when they
 * are the same, or -1: ERR_VERIFY with the first differences in the sentence; ERR_NETWORK when what
 * this run has seen there or sent is still not listed; or any other error.
 */
int github_assets_compare(struct github *github, const struct publication *release,
			  struct publish_result *result, struct error *err) CHECKED;

/* Removes one asset; that it is gone already is fine. */
int github_asset_remove(struct github *github, const struct github_asset *asset, const char *why,
			struct publish_result *result, struct error *err) CHECKED;

/*
 * Sends one file and has it compared. What an earlier try left under its name is looked at first
 * and removed if it is not the file. Called from several threads.
 */
int github_asset_send(struct github *github, const struct publish_file *file,
		      struct publish_result *result, struct error *err) CHECKED;

/*
 * Sends all of `files`, several at once. The first error ends it; uploads under way are finished.
 */
int github_assets_send(struct github *github, const struct publish_file *const *files, size_t count,
		       struct publish_result *result, struct error *err) CHECKED;
