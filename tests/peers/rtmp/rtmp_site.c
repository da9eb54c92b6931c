#include "peers/rtmp/rtmp_site.h"

#include "core/clock.h"
#include "core/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#define NGINX "/usr/sbin/nginx"
#define MODULES "/usr/lib/nginx/modules"
#define START_NS (20 * TR_NS_PER_S)

static void need(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "no streaming server: %s (%s)\n", what, strerror(errno));
	abort();
}

const char *rtmp_site_missing(void)
{
	if (access(NGINX, X_OK) < 0)
		return "nginx is not installed";
	if (access(MODULES "/ngx_rtmp_module.so", R_OK) < 0)
		return "nginx has no RTMP module (libnginx-mod-rtmp)";
	if (access(MODULES "/ngx_stream_module.so", R_OK) < 0)
		return "nginx has no stream module (libnginx-mod-stream)";
	if (access("/usr/bin/openssl", X_OK) < 0)
		return "openssl is not installed";
	return NULL;
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

int rtmp_site_free_port(void)
{
	struct sockaddr_in address = loopback(0);
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	need(fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
			getsockname(fd, (struct sockaddr *)&address, &size) == 0,
		"no port");
	close(fd);
	return ntohs(address.sin_port);
}

static bool accepts(const struct rtmp_site *site)
{
	struct sockaddr_in address = loopback(site->rtmp_port);
	inet_pton(AF_INET, site->address, &address.sin_addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool does = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;

	close(fd);
	return does;
}

static const char *word_value(const struct rtmp_site *site, const char *word)
{
	if (!strncmp(word, "FOLDER@", 7))
		return site->folder;
	if (!strncmp(word, "ADDRESS@", 8))
		return site->address;
	if (!strncmp(word, "USER@", 5)) /* without it, root's nginx would become nobody */
		return geteuid() == 0 ? "user root;" : "";
	return MODULES;
}

/* The template with the words between @ replaced. */
static void write_config(const struct rtmp_site *site)
{
	char path[512], value[64];
	const struct {
		const char *word;
		int port;
	} ports[] = {
		{"RTMP@", site->rtmp_port},
		{"HTTP@", site->http_port},
		{"TLS@", site->tls_port},
		{"EXPIRED@", site->expired_tls_port},
		{"MISNAMED@", site->misnamed_tls_port},
	};
	TR_CLEANUP(tr_freep) char *text = NULL;
	size_t size;

	snprintf(path, sizeof(path), "%s/tests/peers/rtmp/nginx.conf.in", getenv("TR_SOURCE_DIR"));
	need(tr_file_read(AT_FDCWD, path, 1 << 20, &text, &size) == 0, path);
	snprintf(path, sizeof(path), "%s/nginx.conf", site->folder);
	FILE *file = fopen(path, "we");
	need(file, path);
	for (const char *at = text; *at;) {
		size_t plain = strcspn(at, "@");
		fwrite(at, 1, plain, file);
		at += plain;
		if (!*at)
			break;
		at++;
		const char *word = at;
		snprintf(value, sizeof(value), "%s", word_value(site, word));
		for (unsigned i = 0; i < TR_COUNT(ports); i++)
			if (!strncmp(word, ports[i].word, strlen(ports[i].word)))
				snprintf(value, sizeof(value), "%d", ports[i].port);
		fputs(value, file);
		at += strcspn(at, "@") + 1;
	}
	need(fclose(file) == 0, path);
}

static void make_certificates(const struct rtmp_site *site)
{
	char script[512];
	struct tr_child child;

	snprintf(script, sizeof(script), "%s/tests/peers/rtmp/certificates.sh",
		getenv("TR_SOURCE_DIR"));
	const char *const argv[] = {"/bin/sh", script, site->folder, NULL};
	struct tr_child_settings settings = {.argv = argv};
	need(tr_child_start(&settings, &child) == 0, "sh");
	need(tr_child_wait(&child, 60000) == 0, "certificates");
}

void rtmp_site_create(struct rtmp_site *site)
{
	rtmp_site_create_at(site, "127.0.0.1", 0);
}

void rtmp_site_create_at(struct rtmp_site *site, const char *address, pid_t network_of)
{
	char path[64];

	memset(site, 0, sizeof(*site));
	site->address = address;
	site->network_of = network_of;
	need(getenv("TR_SOURCE_DIR"), "TR_SOURCE_DIR is not set");
	snprintf(site->folder, sizeof(site->folder), "/tmp/tr-rtmp-XXXXXX");
	need(mkdtemp(site->folder), "a folder");
	snprintf(path, sizeof(path), "%s/recorded", site->folder);
	need(mkdir(path, 0700) == 0, path);
	snprintf(site->authority, sizeof(site->authority), "%s/authority.pem", site->folder);
	make_certificates(site);

	int *const ports[] = {&site->rtmp_port, &site->http_port, &site->tls_port,
		&site->expired_tls_port, &site->misnamed_tls_port};
	for (unsigned i = 0; i < TR_COUNT(ports); i++)
		*ports[i] = rtmp_site_free_port();
	write_config(site);
	rtmp_site_start(site);
}

void rtmp_site_start(struct rtmp_site *site)
{
	char config[64], log[64], process[16];

	snprintf(config, sizeof(config), "%s/nginx.conf", site->folder);
	snprintf(log, sizeof(log), "%s/error.log", site->folder);
	snprintf(process, sizeof(process), "%d", site->network_of);
	const char *const argv[] = {"nsenter", "-n", "-t", process, NGINX, "-e", log, "-p",
		site->folder, "-c", config, NULL};
	struct tr_child_settings settings = {.argv = site->network_of ? argv : argv + 4};
	need(tr_child_start(&settings, &site->nginx) == 0, NGINX);
	int64_t until_ns = tr_clock_now_ns() + START_NS;
	while (!accepts(site)) {
		need(tr_child_wait(&site->nginx, 20) == -ETIMEDOUT, "nginx ended, see error.log");
		need(tr_clock_now_ns() < until_ns, "nginx takes no connections");
	}
}

void rtmp_site_kill(struct rtmp_site *site)
{
	tr_child_kill(&site->nginx, SIGKILL);
	tr_child_stop(&site->nginx, 1000);
}

void rtmp_site_destroy(struct rtmp_site *site)
{
	tr_child_stop(&site->nginx, 5000);
	tr_file_remove_tree(site->folder);
}

/* nginx writes a line when a publisher has gone, and its file is complete. */
static bool has_ended(const struct rtmp_site *site, const char *name)
{
	TR_CLEANUP(tr_freep) char *log = NULL;
	char path[64], quoted[128];

	snprintf(path, sizeof(path), "%s/rtmp.log", site->folder);
	snprintf(quoted, sizeof(quoted), "\"%s\"", name);
	return tr_file_read(AT_FDCWD, path, 1 << 20, &log, NULL) == 0 && strstr(log, quoted);
}

const char *rtmp_site_recording(const struct rtmp_site *site, const char *name)
{
	static char newest[256];
	char pattern[128];
	glob_t found;
	struct stat stat_newest = {0}, stat_this;

	for (int i = 0; !has_ended(site, name) && i < 6000; i++)
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	snprintf(pattern, sizeof(pattern), "%s/recorded/%s-*.flv", site->folder, name);
	newest[0] = '\0';
	if (glob(pattern, 0, NULL, &found) != 0)
		return NULL;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (stat(found.gl_pathv[i], &stat_this) < 0 ||
			(newest[0] && stat_this.st_mtim.tv_sec < stat_newest.st_mtim.tv_sec))
			continue;
		stat_newest = stat_this;
		snprintf(newest, sizeof(newest), "%s", found.gl_pathv[i]);
	}
	globfree(&found);
	return newest[0] ? newest : NULL;
}
