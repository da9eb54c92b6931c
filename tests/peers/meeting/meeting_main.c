/*
 * telerec-demo-meeting: serves the demo meeting on loopback. Prints its address as one line when
 * it is ready; ends by SIGTERM or SIGINT, and with --until-eof when its standard input closes.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

#define TR_LOG_AREA "demo-meeting"
#define NAME_SIZE 64
#define IDLE_S 60
#define BODY_SIZE 4096
#define PASSWORD_SIZE 1024

struct site {
	int fds[2];	       /* folders: pages, media */
	char *config;	       /* what the page asks for: JSON */
	char *user, *password; /* of the recorder's account; NULL: none is asked for */
};

/* What is sent to us, in pieces. */
struct body {
	size_t used;
	char text[BODY_SIZE];
};

struct range {
	uint64_t first, size;
	bool is_part;
};

static const struct {
	const char *ending;
	const char *type;
} types[] = {
	{".html", "text/html; charset=utf-8"},
	{".js", "text/javascript; charset=utf-8"},
	{".css", "text/css; charset=utf-8"},
	{".svg", "image/svg+xml"},
	{".mp4", "video/mp4"},
	{".webm", "video/webm"},
};

static const char usage[] =
	"telerec-demo-meeting: a web page that looks and sounds like a meeting, on loopback\n"
	"\n"
	"What may happen in the meeting is said at the top of its page (index.html).\n"
	"\n"
	"  --port N            listen on port N; 0, the default, is any free one\n"
	"  --domain D          rooms are called room@D; default: conference.demo.invalid\n"
	"  --focus URL         people get a \"Record\" button, which asks this address\n"
	"  --call-login U:F    recorders must log in as U with the password in file F\n"
	"  --pages DIR         serve this folder instead of the meeting's own\n"
	"  --until-eof         end when standard input closes\n";

static const char *type_of(const char *name)
{
	const char *ending = strrchr(name, '.');

	for (size_t i = 0; ending && i < TR_COUNT(types); i++)
		if (!strcmp(types[i].ending, ending))
			return types[i].type;
	return "application/octet-stream";
}

/* "leave.3-x" is a room, "meeting.js" is none. */
static bool is_room(const char *path)
{
	for (const char *dot = strchr(path, '.'); dot; dot = strchr(dot + 1, '.'))
		if (dot[1] < '0' || dot[1] > '9')
			return false;
	return true;
}

/* A file's name out of "/name"; other paths are rooms of the meeting. */
static int name_of(const char *url, char out[static NAME_SIZE])
{
	const char *name = url + strspn(url, "/");

	if (is_room(name))
		return tr_text_format(out, NAME_SIZE, "index.html");
	if (name[0] == '.' || strchr(name, '/'))
		return -ENOENT;
	return tr_text_format(out, NAME_SIZE, "%s", name);
}

static int open_file(const struct site *site, const char *name, uint64_t *ret_size)
{
	struct stat info;

	for (size_t i = 0; i < TR_COUNT(site->fds); i++) {
		TR_CLEANUP(tr_closep)
		int fd = openat(site->fds[i], name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || fstat(fd, &info) < 0 || !S_ISREG(info.st_mode))
			continue;
		*ret_size = (uint64_t)info.st_size;
		return tr_take_fd(&fd);
	}
	return -ENOENT;
}

/* "bytes=5-9", "bytes=5-", "bytes=-9"; anything else is served whole. -ERANGE: not in the file. */
static int parse_range(const char *text, uint64_t size, struct range *ret)
{
	uint64_t first, last;

	*ret = (struct range){0, size, false};
	if (!text || strncmp(text, "bytes=", 6) || strchr(text, ','))
		return 0;
	if (sscanf(text, "bytes=-%" SCNu64, &last) == 1) {
		first = last < size ? size - last : 0;
		last = size - 1;
	} else {
		int count = sscanf(text, "bytes=%" SCNu64 "-%" SCNu64, &first, &last);
		if (count < 1)
			return 0;
		if (count == 1 || last >= size)
			last = size - 1;
	}
	if (first >= size || last < first)
		return -ERANGE;
	*ret = (struct range){first, last - first + 1, true};
	return 0;
}

static enum MHD_Result answer_text(
	struct MHD_Connection *connection, unsigned status, const char *text)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result result = MHD_queue_response(connection, status, response);

	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result answer_file(struct MHD_Connection *connection, const char *name, int fd,
	struct range range, uint64_t size)
{
	char text[80];

	struct MHD_Response *response =
		MHD_create_response_from_fd_at_offset64(range.size, fd, range.first); /* takes fd */
	if (!response) {
		close(fd);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", type_of(name));
	MHD_add_response_header(response, "Accept-Ranges", "bytes");
	MHD_add_response_header(response, "Cache-Control", "no-cache");
	if (range.is_part) {
		snprintf(text, sizeof(text), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, range.first,
			range.first + range.size - 1, size);
		MHD_add_response_header(response, "Content-Range", text);
	}
	enum MHD_Result result =
		MHD_queue_response(connection, range.is_part ? 206 : 200, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result serve_file(
	const struct site *site, struct MHD_Connection *connection, const char *url)
{
	char name[NAME_SIZE];
	uint64_t size = 0;
	struct range range;

	int fd = name_of(url, name) < 0 ? -ENOENT : open_file(site, name, &size);
	if (fd < 0)
		return answer_text(connection, 404, "no such file\n");
	const char *wanted = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Range");
	if (parse_range(wanted, size, &range) < 0) {
		close(fd);
		return answer_text(connection, 416, "not in the file\n");
	}
	return answer_file(connection, name, fd, range, size);
}

/* {"user": ..., "password": ...}, as the page sends what it finds in its local storage. */
static bool is_login(const struct site *site, const struct body *body)
{
	json_t *login = json_loadb(body->text, body->used, 0, NULL);
	const char *user = json_string_value(json_object_get(login, "user"));
	const char *password = json_string_value(json_object_get(login, "password"));
	bool is_right = user && password && site->user && !strcmp(user, site->user) &&
			!strcmp(password, site->password);

	json_decref(login);
	return is_right;
}

/* Collects the body; true when it is whole. */
static bool take_body(struct body *body, const char *upload, size_t *upload_size)
{
	size_t room = sizeof(body->text) - body->used;

	if (*upload_size == 0)
		return true;
	if (*upload_size <= room)
		memcpy(body->text + body->used, upload, *upload_size);
	body->used += *upload_size <= room ? *upload_size : 0;
	*upload_size = 0;
	return false;
}

static enum MHD_Result serve(void *user, struct MHD_Connection *connection, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **state)
{
	const struct site *site = user;
	(void)version;

	if (!strcmp(method, "POST") && !strcmp(url, "/login")) {
		if (!*state) {
			*state = calloc(1, sizeof(struct body));
			return *state ? MHD_YES : MHD_NO;
		}
		if (!take_body(*state, upload, upload_size))
			return MHD_YES;
		return is_login(site, *state) ? answer_text(connection, 200, "welcome\n")
					      : answer_text(connection, 403, "not you\n");
	}
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return answer_text(connection, 405, "only GET\n");
	if (!strcmp(url, "/demo.json"))
		return answer_text(connection, 200, site->config);
	return serve_file(site, connection, url);
}

static void on_completed(void *user, struct MHD_Connection *connection, void **state,
	enum MHD_RequestTerminationCode how)
{
	(void)user;
	(void)connection;
	(void)how;
	free(*state);
}

static int open_folder(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int open_folders(const char *pages, struct site *ret)
{
	ret->fds[0] = open_folder(pages ? pages : TR_MEETING_PAGES);
	ret->fds[1] = open_folder(TR_MEETING_MEDIA);
	if (ret->fds[0] < 0 && !pages)
		ret->fds[0] = open_folder(TR_MEETING_INSTALLED);
	if (ret->fds[1] < 0)
		ret->fds[1] = open_folder(TR_MEETING_INSTALLED);
	if (ret->fds[0] < 0)
		return tr_fail(-errno, "cannot open the pages in %s",
			pages ? pages : TR_MEETING_INSTALLED);
	return 0;
}

/* Returns when it is time to end. */
static void wait_for_end(bool until_eof)
{
	char bytes[64];
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	TR_CLEANUP(tr_closep) int signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	struct pollfd fds[] = {{signal_fd, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
	for (;;) {
		if (poll(fds, until_eof ? 2 : 1, -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents)
			return;
		if (fds[1].revents && read(STDIN_FILENO, bytes, sizeof(bytes)) <= 0)
			return;
	}
}

static int run(int port, bool until_eof, struct site *site)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	sigset_t signals;

	/* Blocked before the server's thread is made, so that it inherits that. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
		serve, site, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
	if (!daemon)
		return tr_fail(-EADDRINUSE, "cannot listen on port %d of 127.0.0.1", port);
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
	printf("http://127.0.0.1:%u/DemoMeeting\n", (unsigned)info->port);
	fflush(stdout);
	wait_for_end(until_eof);
	MHD_stop_daemon(daemon);
	return 0;
}

static int read_login(const char *text, struct site *site)
{
	const char *colon = strrchr(text, ':');
	size_t size;

	if (!colon || colon == text)
		return tr_fail(-EINVAL, "%s is no log-in: write it as USER:PASSWORD-FILE", text);
	int rc = tr_file_read(AT_FDCWD, colon + 1, PASSWORD_SIZE, &site->password, &size);
	if (rc < 0)
		return tr_fail(rc, "cannot read the password in %s", colon + 1);
	site->password[strcspn(site->password, "\r\n")] = '\0';
	site->user = strndup(text, (size_t)(colon - text));
	return site->user ? 0 : -ENOMEM;
}

static int make_config(const char *domain, const char *focus, struct site *site)
{
	json_t *config = json_pack("{s:s, s:s, s:b}", "domain", domain, "focus", focus, "callLogin",
		site->user != NULL);

	site->config = json_dumps(config, JSON_COMPACT);
	json_decref(config);
	return site->config ? 0 : -EINVAL;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"port", required_argument, NULL, 'p'},
		{"domain", required_argument, NULL, 'm'},
		{"focus", required_argument, NULL, 'f'},
		{"call-login", required_argument, NULL, 'l'},
		{"pages", required_argument, NULL, 'd'},
		{"until-eof", no_argument, NULL, 'e'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	const char *pages = NULL;
	bool until_eof = false;
	int64_t port = 0;
	const char *domain = "", *focus = "", *login = NULL;
	struct site site = {{-1, -1}, NULL, NULL, NULL};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
		switch (option) {
		case 'p':
			if (tr_text_parse_int(optarg, 0, UINT16_MAX, &port) < 0) {
				tr_error("%s is no port: give a number from 0 to 65535", optarg);
				return 2;
			}
			break;
		case 'm':
			domain = optarg;
			break;
		case 'f':
			focus = optarg;
			break;
		case 'l':
			login = optarg;
			break;
		case 'd':
			pages = optarg;
			break;
		case 'e':
			until_eof = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	if (open_folders(pages, &site) < 0 || (login && read_login(login, &site) < 0) ||
		make_config(domain, focus, &site) < 0)
		return 1;
	int rc = run((int)port, until_eof, &site);
	free(site.config);
	free(site.user);
	free(site.password);
	return rc < 0 ? 1 : 0;
}
