/* SPDX-License-Identifier: MIT */
#include "net/http_internal.h"

#include "base/alloc.h"
#include "base/interrupt.h"

#include <curl/curl.h>
#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { MAX_IDLE = 16, STALL_BYTES_PER_SEC = 100 };

struct http_client {
	char *user_agent;
	char *ca_file;
	char *ca_directory;
	long connect_timeout_ms;
	long stall_sec;
	unsigned int tries;
	unsigned int first_wait_ms;
	unsigned int max_wait_ms;
	void (*notice)(void *context, const char *sentence);
	void *notice_context;

	struct http_names names;
	CURLSH *share;
	pthread_mutex_t share_locks[CURL_LOCK_DATA_LAST];

	/* Connections live in the handles: libcurl cannot share them between threads. */
	pthread_mutex_t idle_lock;
	CURL *idle[MAX_IDLE];
	size_t idle_count;
};

static void
start_libcurl(void)
{
	CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);

	if (started != CURLE_OK)
		out_of_memory();
}

static void
lock_share(CURL *handle, curl_lock_data data, curl_lock_access access, void *context)
{
	struct http_client *client = context;

	(void)handle;
	(void)access;
	(void)pthread_mutex_lock(&client->share_locks[data]);
}

static void
unlock_share(CURL *handle, curl_lock_data data, void *context)
{
	struct http_client *client = context;

	(void)handle;
	(void)pthread_mutex_unlock(&client->share_locks[data]);
}

static CURLSH *
make_share(struct http_client *client)
{
	CURLSH *share = curl_share_init();

	if (share == NULL)
		out_of_memory();
	(void)curl_share_setopt(share, CURLSHOPT_LOCKFUNC, lock_share);
	(void)curl_share_setopt(share, CURLSHOPT_UNLOCKFUNC, unlock_share);
	(void)curl_share_setopt(share, CURLSHOPT_USERDATA, client);
	/*
	 * Names only. TLS sessions are OpenSSL's own objects in the libcurl of Debian 12 (7.88),
	 * which two threads must not use at the same time.
	 */
	(void)curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS);
	return share;
}

static char *
copy_or_null(const char *text)
{
	return text != NULL && *text != '\0' ? xstrdup(text) : NULL;
}

static unsigned int
or_default(unsigned int value, unsigned int fallback)
{
	return value != 0 ? value : fallback;
}

int
http_client_new(const struct http_options *options, struct http_client **ret_client,
		struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	static const struct http_options none;
	const struct http_options *o = options != NULL ? options : &none;
	AUTO(http_client_freep) struct http_client *client = xcalloc(1, sizeof(*client));

	(void)pthread_once(&once, start_libcurl);
	for (size_t i = 0; i < ARRAY_SIZE(client->share_locks); i++)
		(void)pthread_mutex_init(&client->share_locks[i], NULL);
	(void)pthread_mutex_init(&client->idle_lock, NULL);
	http_names_init(&client->names);
	client->share = make_share(client);
	client->user_agent = xstrdup(o->user_agent != NULL ? o->user_agent : "distributor");
	client->ca_file = copy_or_null(o->ca_file != NULL ? o->ca_file : getenv("SSL_CERT_FILE"));
	/* libcurl itself reads neither of them, only its command does. */
	if (client->ca_file == NULL)
		client->ca_directory = copy_or_null(getenv("SSL_CERT_DIR"));
	client->connect_timeout_ms = (long)or_default(o->connect_timeout_ms, 30000);
	client->stall_sec = (long)or_default(o->stall_sec, 60);
	client->tries = or_default(o->tries, 6);
	client->first_wait_ms = or_default(o->first_wait_ms, 500);
	client->max_wait_ms = or_default(o->max_wait_ms, 300000);
	client->notice = o->notice;
	client->notice_context = o->notice_context;
	if (client->ca_file != NULL && access(client->ca_file, R_OK) < 0)
		return error_set_errno(err, ERR_IO, "cannot read certificates from '%s'",
				       client->ca_file);
	*ret_client = TAKE(client);
	return 0;
}

void
http_client_free(struct http_client *client)
{
	if (client == NULL)
		return;
	for (size_t i = 0; i < client->idle_count; i++)
		curl_easy_cleanup(client->idle[i]);
	(void)curl_share_cleanup(client->share);
	for (size_t i = 0; i < ARRAY_SIZE(client->share_locks); i++)
		(void)pthread_mutex_destroy(&client->share_locks[i]);
	(void)pthread_mutex_destroy(&client->idle_lock);
	http_names_clear(&client->names);
	free(client->user_agent);
	free(client->ca_file);
	free(client->ca_directory);
	free(client);
}

void
http_client_freep(struct http_client **client)
{
	http_client_free(*client);
	*client = NULL;
}

static void
set_options(const struct http_client *client, CURL *handle)
{
	(void)curl_easy_setopt(handle, CURLOPT_SHARE, client->share);
	(void)curl_easy_setopt(handle, CURLOPT_USERAGENT, client->user_agent);
	if (client->ca_file != NULL)
		(void)curl_easy_setopt(handle, CURLOPT_CAINFO, client->ca_file);
	if (client->ca_directory != NULL)
		(void)curl_easy_setopt(handle, CURLOPT_CAPATH, client->ca_directory);
	(void)curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	(void)curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, client->connect_timeout_ms);
	(void)curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, (long)STALL_BYTES_PER_SEC);
	(void)curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, client->stall_sec);
	(void)curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(handle, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	(void)curl_easy_setopt(handle, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	(void)curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

void *
http_client_take(struct http_client *client)
{
	CURL *handle = NULL;

	(void)pthread_mutex_lock(&client->idle_lock);
	if (client->idle_count != 0)
		handle = client->idle[--client->idle_count];
	(void)pthread_mutex_unlock(&client->idle_lock);
	if (handle == NULL)
		handle = curl_easy_init();
	if (handle == NULL)
		out_of_memory();
	set_options(client, handle);
	return handle;
}

void
http_client_give_back(struct http_client *client, void *handle)
{
	/* Keeps the connections and forgets everything else, credentials above all. */
	curl_easy_reset(handle);
	(void)pthread_mutex_lock(&client->idle_lock);
	if (client->idle_count < MAX_IDLE) {
		client->idle[client->idle_count++] = handle;
		handle = NULL;
	}
	(void)pthread_mutex_unlock(&client->idle_lock);
	if (handle != NULL)
		curl_easy_cleanup(handle);
}

/* Between `ms` and a quarter more, so that many clients do not come back in step. */
static uint64_t
with_jitter(uint64_t ms)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != (ssize_t)sizeof(random))
		random = (uint32_t)getpid();
	return ms + random % (ms / 4 + 1);
}

struct http_names *
http_client_names(struct http_client *client)
{
	return &client->names;
}

void
http_tries_limit(const struct http_client *client, struct http_tries *tries,
		 const struct http_failure *failure)
{
	unsigned int most = or_default(tries->most, client->tries);
	unsigned int left = tries->failed + 1 + failure->tries_left;

	if (failure->unresolved && most > left)
		tries->most = left;
}

bool
http_client_pause(struct http_client *client, struct http_tries *tries, int64_t asked_ms,
		  const char *why)
{
	enum { MAX_DOUBLINGS = 20 };
	unsigned int most = or_default(tries->most, client->tries);
	unsigned int doublings = tries->failed < MAX_DOUBLINGS ? tries->failed : MAX_DOUBLINGS;
	auto_free char *sentence = NULL;
	uint64_t wait_ms;

	tries->failed++;
	if (tries->failed >= most)
		return false;
	if (asked_ms >= 0)
		wait_ms = (uint64_t)asked_ms;
	else
		wait_ms = (uint64_t)client->first_wait_ms << doublings;
	if (asked_ms > (int64_t)client->max_wait_ms)
		return false;
	if (wait_ms > client->max_wait_ms)
		wait_ms = client->max_wait_ms;
	wait_ms = with_jitter(wait_ms);
	sentence = xasprintf("%s; trying again in %.1f s (%u of %u)", why, (double)wait_ms / 1000,
			     tries->failed + 1, most);
	if (client->notice != NULL)
		client->notice(client->notice_context, sentence);
	return interrupt_pause(wait_ms);
}
