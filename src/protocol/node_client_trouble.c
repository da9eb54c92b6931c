#include "protocol/node_client_internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int tr_node_client_refuse(struct tr_node_client *client, int rc, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(client->problem, sizeof(client->problem), format, args);
	va_end(args);
	return rc;
}

static int complain_socket(struct tr_node_client *client)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = client->socket_path;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	TR_CLEANUP(tr_closep)
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = fd < 0 || connect(fd, (void *)&address, sizeof(address)) < 0 ? errno : 0;
	switch (error) {
	case ENOENT:
		return tr_node_client_refuse(client, -EHOSTDOWN,
			"telerecd is not running (no socket at %s): systemctl start telerecd",
			path);
	case ECONNREFUSED:
		return tr_node_client_refuse(client, -EHOSTDOWN,
			"telerecd is not running (nobody is behind %s any more): systemctl start "
			"telerecd",
			path);
	case EACCES:
		return tr_node_client_refuse(client, -EACCES,
			"this user may not use %s: run it as root, or add the user to the group "
			"telerec (adduser USER telerec, and log in again)",
			path);
	default:
		return tr_node_client_refuse(client, -EHOSTDOWN,
			"telerecd does not take the connection to %s%s%s: look at journalctl -u "
			"telerecd",
			path, error ? ", " : "", error ? strerror(error) : "");
	}
}

static int complain_connection(struct tr_node_client *client, CURLcode code)
{
	const char *base = client->base;

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		return tr_node_client_refuse(
			client, -EHOSTDOWN, "the name in %s is not known to DNS", base);
	case CURLE_COULDNT_CONNECT:
		return client->socket_path
			       ? complain_socket(client)
			       : tr_node_client_refuse(client, -EHOSTDOWN,
					 "nobody answers at %s: is telerecd running there, is its "
					 "API switched on for the network, and is the port open?",
					 base);
	case CURLE_PEER_FAILED_VERIFICATION:
		return tr_node_client_refuse(client, -EACCES,
			"the certificate of %s is not trusted (%s): name its certificate authority "
			"with --ca-file",
			base, client->detail);
	case CURLE_SSL_CACERT_BADFILE:
		return tr_node_client_refuse(client, -EINVAL, "%s is no file of certificates",
			client->ca_file ? client->ca_file : "the system's list");
	case CURLE_SSL_CONNECT_ERROR:
		return tr_node_client_refuse(client, -EPROTO,
			"no TLS with %s (%s): is it http:// there?", base, client->detail);
	case CURLE_GOT_NOTHING:
		return tr_node_client_refuse(client, -EPROTO, "%s hung up without an answer%s",
			client->socket_path ? client->socket_path : base,
			client->socket_path ? "" : ": is it http:// there, or https://?");
	default:
		return tr_node_client_refuse(client, -EPROTO,
			"%s does not answer as a node does: %s",
			client->socket_path ? client->socket_path : base,
			client->detail[0] ? client->detail : curl_easy_strerror(code));
	}
}

int tr_node_client_complain(
	struct tr_node_client *client, CURLcode code, bool has_answered, bool is_following)
{
	const char *whom = client->socket_path ? "telerecd" : client->base;

	if (code == CURLE_OPERATION_TIMEDOUT && has_answered && is_following)
		return tr_node_client_refuse(client, -EPIPE, "%s has fallen silent", whom);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return tr_node_client_refuse(client, -ETIMEDOUT,
			"%s did not answer within %g s: is it hanging?", whom,
			client->timeout_ms / 1000.0);
	if (has_answered && (code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR))
		return tr_node_client_refuse(
			client, -EPIPE, "the connection to %s broke in the middle", whom);
	if (code == CURLE_OUT_OF_MEMORY)
		return tr_node_client_refuse(client, -ENOMEM, "there is not enough memory");
	return complain_connection(client, code);
}

/* {"error": {"status": 404, "sentence": "..."}} */
static const char *find_sentence(const json_t *answer)
{
	const char *sentence =
		json_string_value(json_object_get(json_object_get(answer, "error"), "sentence"));

	return sentence && sentence[0] ? sentence : NULL;
}

int tr_node_client_complain_status(struct tr_node_client *client, const json_t *answer)
{
	const char *sentence = find_sentence(answer);

	if (client->status == 401)
		return tr_node_client_refuse(client, -EREMOTEIO,
			"%s wants %s token: name the file that holds it with "
			"--token-file",
			client->base, client->token ? "another" : "a");
	if (sentence)
		return tr_node_client_refuse(client, -EREMOTEIO, "%s", sentence);
	return tr_node_client_refuse(
		client, -EREMOTEIO, "the node answered with %d, and no reason", client->status);
}
