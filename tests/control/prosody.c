#include "prosody.h"

#include "core/clock.h"
#include "core/file.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

static const char config[] =
	"daemonize = false\n"
	"run_as_root = true\n"
	"data_path = \"%1$s/data\"\n"
	"pidfile = \"%1$s/prosody.pid\"\n"
	"log = { info = \"%1$s/prosody.log\" }\n"
	"certificates = \"%1$s\"\n"
	"interfaces = { \"127.0.0.1\" }\n"
	"c2s_ports = { %2$d }\n"
	"c2s_direct_tls_ports = { %3$d }\n"
	"s2s_ports = { }\n"
	"http_ports = { }\n"
	"https_ports = { }\n"
	"modules_enabled = { \"disco\", \"saslauth\", \"tls\", \"ping\", \"smacks\", \"posix\" }\n"
	"modules_disabled = { \"s2s\", \"offline\" }\n"
	"admins = { \"focus@auth.meet.test\" }\n"
	"c2s_require_encryption = true\n"
	"smacks_hibernation_time = 5\n"
	"ssl = { key = \"%1$s/key.pem\"; certificate = \"%1$s/cert.pem\" }\n"
	"c2s_direct_tls_ssl = { key = \"%1$s/key.pem\"; certificate = \"%1$s/cert.pem\" }\n"
	"VirtualHost \"auth.meet.test\"\n"
	"  authentication = \"internal_plain\"\n"
	"Component \"internal.meet.test\" \"muc\"\n"
	"  muc_room_locking = false\n"
	"  muc_room_default_public_jids = true\n"
	"  muc_tombstones = false\n"
	"Component \"locked.meet.test\" \"muc\"\n"
	"  muc_room_locking = true\n"
	"  muc_tombstones = false\n"
	"Component \"closed.meet.test\" \"muc\"\n"
	"  restrict_room_creation = true\n"
	"  muc_room_locking = false\n"
	"  muc_room_default_public_jids = true\n";

static int run(const char *const *argv, int out)
{
	const struct tr_child_fd fds[] = {{out, 1}};
	const struct tr_child_settings settings = {
		.argv = argv, .fds = fds, .fd_count = out >= 0 ? 1 : 0};
	struct tr_child child;

	int rc = tr_child_start(&settings, &child);
	if (rc < 0)
		return rc;
	rc = tr_child_wait(&child, 30000);
	if (rc == -ETIMEDOUT)
		tr_child_stop(&child, 0);
	return rc == 0 ? 0 : -EIO;
}

static int make_certificate(struct prosody *prosody)
{
	char key[96], line[256] = "";
	snprintf(prosody->ca_file, sizeof(prosody->ca_file), "%s/cert.pem", prosody->folder);
	snprintf(key, sizeof(key), "%s/key.pem", prosody->folder);
	const char *make[] = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
		"ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
		"/CN=auth.meet.test", "-addext", "subjectAltName=DNS:auth.meet.test", "-keyout",
		key, "-out", prosody->ca_file, NULL};
	const char *show[] = {"openssl", "x509", "-in", prosody->ca_file, "-noout", "-fingerprint",
		"-sha256", NULL};
	int pipe_fds[2];

	int rc = run(make, -1);
	if (rc < 0 || pipe2(pipe_fds, O_CLOEXEC) < 0)
		return rc < 0 ? rc : -errno;
	rc = run(show, pipe_fds[1]);
	close(pipe_fds[1]);
	ssize_t size = read(pipe_fds[0], line, sizeof(line) - 1);
	close(pipe_fds[0]);
	char *digits = size > 0 ? strchr(line, '=') : NULL;
	if (rc < 0 || !digits)
		return rc < 0 ? rc : -EIO;
	digits[strcspn(digits, "\n")] = '\0';
	snprintf(prosody->fingerprint, sizeof(prosody->fingerprint), "%s", digits + 1);
	return 0;
}

static int write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	if (!file)
		return -errno;
	int rc = fputs(text, file) < 0 ? -EIO : 0;
	return fclose(file) == 0 ? rc : -errno;
}

static int make_accounts(const struct prosody *prosody)
{
	static const char *const names[] = {"jibri", "focus", "other"};
	char path[256], text[128];

	snprintf(path, sizeof(path), "%s/data/auth%%2emeet%%2etest/accounts", prosody->folder);
	int rc = tr_file_make_folders(path, 0700);
	for (unsigned i = 0; rc == 0 && i < 3; i++) {
		snprintf(path, sizeof(path), "%s/data/auth%%2emeet%%2etest/accounts/%s.dat",
			prosody->folder, names[i]);
		snprintf(
			text, sizeof(text), "return { [\"password\"] = \"pass-%s\" };\n", names[i]);
		rc = write_text(path, text);
	}
	return rc;
}

static int free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int port = -1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, size) == 0 &&
		getsockname(fd, (struct sockaddr *)&address, &size) == 0)
		port = ntohs(address.sin_port);
	if (fd >= 0)
		close(fd);
	return port;
}

static bool answers(int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	bool is_there = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
	close(fd);
	return is_there;
}

bool prosody_start(struct prosody *prosody)
{
	char path[96];
	snprintf(path, sizeof(path), "%s/prosody.cfg.lua", prosody->folder);
	const char *argv[] = {"prosody", "--config", path, "-F", NULL};
	const struct tr_child_fd fds[] = {{open("/dev/null", O_WRONLY | O_CLOEXEC), 2}};
	const struct tr_child_settings settings = {.argv = argv, .fds = fds, .fd_count = 1};

	int rc = tr_child_start(&settings, &prosody->child);
	close(fds[0].from);
	if (rc < 0)
		return false;
	int64_t deadline = tr_clock_now_ns() + 30 * TR_NS_PER_S;
	while (!answers(prosody->port) || !answers(prosody->tls_port)) {
		if (tr_clock_now_ns() > deadline || tr_child_wait(&prosody->child, 0) >= 0)
			return false;
		usleep(20000);
	}
	return true;
}

void prosody_stop(struct prosody *prosody)
{
	tr_child_stop(&prosody->child, 5000);
}

struct prosody *prosody_create(const char **ret_why)
{
	struct prosody *prosody = calloc(1, sizeof(*prosody));
	char path[96], text[4096];

	*ret_why = "prosody is not installed";
	if (!prosody || (access("/usr/bin/prosody", X_OK) < 0))
		goto fail;
	*ret_why = "openssl cannot make a certificate";
	strcpy(prosody->folder, "/tmp/tr-prosody-XXXXXX");
	if (!mkdtemp(prosody->folder) || make_certificate(prosody) < 0)
		goto fail;
	*ret_why = "prosody does not start";
	prosody->port = free_port();
	prosody->tls_port = free_port();
	snprintf(path, sizeof(path), "%s/prosody.cfg.lua", prosody->folder);
	snprintf(text, sizeof(text), config, prosody->folder, prosody->port, prosody->tls_port);
	if (make_accounts(prosody) < 0 || write_text(path, text) < 0 || !prosody_start(prosody)) {
		prosody_print_log(prosody);
		goto fail;
	}
	return prosody;

fail:
	prosody_destroy(prosody);
	return NULL;
}

void prosody_print_log(const struct prosody *prosody)
{
	char path[96], line[1024];
	snprintf(path, sizeof(path), "%s/prosody.log", prosody->folder);
	FILE *file = fopen(path, "re");

	while (file && fgets(line, sizeof(line), file))
		fprintf(stderr, "  prosody: %s", line);
	if (file)
		fclose(file);
}

void prosody_destroy(struct prosody *prosody)
{
	if (!prosody)
		return;
	prosody_stop(prosody);
	if (prosody->folder[0])
		tr_file_remove_tree(prosody->folder);
	free(prosody);
}
