/* The network by systemd-networkd's files, and a look at whether it works. */
#include "core/file.h"
#include "core/text.h"
#include "system/kernel_place.h"
#include "system/machine_setup.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <string.h>

#define NETWORK_PATH "/etc/systemd/network/20-telerec.network"
#define VLAN_PATH "/etc/systemd/network/20-telerec-vlan.netdev"
#define VLAN_NETWORK_PATH "/etc/systemd/network/20-telerec-vlan.network"
#define PROXY_PATH "/etc/chromium/policies/managed/telerec-proxy.json"
#define VLAN_NAME "tr-vlan"
#define FILE_BYTES 65536
#define TOOL_MS 30000

/* ---- what there is ---- */

/* Who manages it; with `why` it cannot be set from here. */
static const char *find_manager(const char *root, char *why, size_t size)
{
	char container[64] = "";

	why[0] = '\0';
	if (tr_kernel_has(root, "/run/systemd/netif/links"))
		return "systemd-networkd";
	tr_kernel_find_container(root, container, sizeof(container));
	if (container[0]) {
		snprintf(why, size,
			"This is a container (%.40s): its host decides about the network.",
			container);
		return "the container's host";
	}
	if (tr_kernel_has(root, "/run/NetworkManager")) {
		snprintf(why, size, "NetworkManager has the network here: nmtui changes it.");
		return "NetworkManager";
	}
	snprintf(why, size,
		"systemd-networkd does not run here: /etc/network/interfaces, or what else the system "
		"uses, has the network.");
	return "the system";
}

/* The interface of the default route, else the first that is no loopback. */
static void find_interface(const char *root, char out[static IF_NAMESIZE])
{
	TR_CLEANUP(tr_freep) char *routes = NULL;
	char path[PATH_MAX], name[IF_NAMESIZE], target[16];

	out[0] = '\0';
	if (tr_text_format(path, sizeof(path), "%s/proc/net/route", root) < 0)
		return;
	FILE *file = fopen(path, "re");
	char line[256];
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%15s %15s", name, target) == 2 && !strcmp(target, "00000000")) {
			snprintf(out, IF_NAMESIZE, "%s", name);
			break;
		}
	if (file)
		fclose(file);
	if (out[0] || tr_text_format(path, sizeof(path), "%s/sys/class/net", root) < 0)
		return;
	DIR *folder = opendir(path);
	for (const struct dirent *entry; folder && (entry = readdir(folder));)
		if (entry->d_name[0] != '.' && strcmp(entry->d_name, "lo") != 0 && !out[0] &&
			strlen(entry->d_name) < IF_NAMESIZE)
			memcpy(out, entry->d_name, strlen(entry->d_name) + 1);
	if (folder)
		closedir(folder);
}

static void find_line(const char *text, const char *name, char *out, size_t size)
{
	const char *at = text ? strstr(text, name) : NULL;

	out[0] = '\0';
	if (at && (at == text || at[-1] == '\n'))
		snprintf(out, size, "%.*s", (int)strcspn(at + strlen(name), "\n"),
			at + strlen(name));
}

static char *read_text(const char *root, const char *path)
{
	char whole[PATH_MAX], *text = NULL;
	size_t size;

	if (tr_text_format(whole, sizeof(whole), "%s%s", root, path) < 0 ||
		tr_file_read(AT_FDCWD, whole, FILE_BYTES, &text, &size) < 0)
		return NULL;
	return text;
}

static json_t *split(const char *words)
{
	json_t *list = json_array();

	for (words += strspn(words, " "); *words; words += strspn(words, " ")) {
		size_t length = strcspn(words, " ");
		json_array_append_new(list, json_stringn(words, length));
		words += length;
	}
	return list;
}

static void read_proxy(const char *root, char *out, size_t size)
{
	TR_CLEANUP(tr_freep) char *text = read_text(root, PROXY_PATH);
	json_t *json = text ? json_loads(text, 0, NULL) : NULL;
	const char *proxy = json_string_value(json_object_get(json, "ProxyServer"));

	snprintf(out, size, "%s", proxy ? proxy : "");
	json_decref(json);
}

json_t *tr_machine_network_read(const char *root)
{
	TR_CLEANUP(tr_freep) char *file = read_text(root, NETWORK_PATH);
	TR_CLEANUP(tr_freep) char *vlan_file = read_text(root, VLAN_PATH);
	TR_CLEANUP(tr_freep) char *tagged = vlan_file ? read_text(root, VLAN_NETWORK_PATH) : NULL;
	char why[300], interface[IF_NAMESIZE] = "", address[100], gateway[100], dns[400], vlan[16];
	char named[64], proxy[400];
	const char *text = tagged ? tagged : file;
	const char *manager = find_manager(root, why, sizeof(why));
	int64_t number = 0;

	find_line(file, "Name=", named, sizeof(named));
	find_line(text, "Address=", address, sizeof(address));
	find_line(text, "Gateway=", gateway, sizeof(gateway));
	find_line(text, "DNS=", dns, sizeof(dns));
	find_line(vlan_file, "Id=", vlan, sizeof(vlan));
	if (vlan[0] && tr_text_parse_int(vlan, 1, 4094, &number) < 0)
		number = 0;
	if (named[0] && strlen(named) < sizeof(interface))
		memcpy(interface, named, strlen(named) + 1);
	else
		find_interface(root, interface);
	read_proxy(root, proxy, sizeof(proxy));
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:I,s:s}", "why", why, "manager", manager,
		"interface", interface, "method", address[0] ? "static" : "dhcp", "address",
		address, "gateway", gateway, "dns", split(dns), "vlan", (json_int_t)number, "proxy",
		proxy);
}

/* ---- the change ---- */

static const char *get(const json_t *settings, const char *key)
{
	const char *text = json_string_value(json_object_get(settings, key));
	return text ? text : "";
}

static bool is_address(const char *text, bool with_bits)
{
	unsigned char bytes[16];
	char address[80];
	int64_t bits;
	size_t length = strcspn(text, "/");

	snprintf(address, sizeof(address), "%.*s", (int)length, text);
	int family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (length >= sizeof(address) || inet_pton(family, address, bytes) != 1)
		return false;
	return with_bits ? text[length] == '/' && tr_text_parse_int(text + length + 1, 1,
							  family == AF_INET ? 32 : 128, &bits) == 0
			 : !text[length];
}

/* A number, or nothing: what was typed wrong must not mean none. */
static bool is_vlan(const json_t *settings)
{
	const json_t *vlan = json_object_get(settings, "network.vlan");
	json_int_t number = json_integer_value(vlan);

	if (!vlan || json_is_null(vlan) || (json_is_string(vlan) && !json_string_length(vlan)))
		return true;
	return json_is_integer(vlan) && number >= 0 && number <= 4094;
}

/* A list, or nothing: a text would be taken for an empty one. */
static bool is_dns(const json_t *settings)
{
	json_t *dns = json_object_get(settings, "network.dns"), *server;
	size_t i;

	json_array_foreach(dns, i, server)
	{
		if (!json_is_string(server) || !is_address(json_string_value(server), false))
			return false;
	}
	return !dns || json_is_null(dns) || json_is_array(dns);
}

static int check(struct tr_change *change, const json_t *settings)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.";
	const char *interface = get(settings, "network.interface");
	const char *proxy = get(settings, "network.proxy"),
		   *gateway = get(settings, "network.gateway");

	if (!interface[0] || strlen(interface) >= IF_NAMESIZE ||
		interface[strspn(interface, letters)])
		return tr_change_fail(change, -EINVAL,
			"network.interface: the network card's name, as `ip link` has it");
	if (strcmp(get(settings, "network.method"), "static") == 0 &&
		!is_address(get(settings, "network.address"), true))
		return tr_change_fail(change, -EINVAL, "network.address: like 192.168.1.20/24");
	if (gateway[0] && !is_address(gateway, false))
		return tr_change_fail(change, -EINVAL, "network.gateway: like 192.168.1.1");
	if (!is_dns(settings))
		return tr_change_fail(
			change, -EINVAL, "network.dns: a list of addresses like 192.168.1.1");
	if (!is_vlan(settings))
		return tr_change_fail(change, -EINVAL, "network.vlan: 1 to 4094, or 0");
	if (proxy[0] && ((strncmp(proxy, "http://", 7) && strncmp(proxy, "https://", 8)) ||
				strpbrk(proxy, "\"\\ \n")))
		return tr_change_fail(change, -EINVAL, "network.proxy: http://host:port");
	return 0;
}

/* [Network] of whatever carries the address. */
static void write_addresses(FILE *out, const json_t *settings)
{
	bool is_static = !strcmp(get(settings, "network.method"), "static");
	const json_t *dns = json_object_get(settings, "network.dns");
	json_t *server;
	size_t i;

	if (!is_static) {
		fputs("DHCP=yes\n", out);
		return;
	}
	fprintf(out, "Address=%s\n", get(settings, "network.address"));
	if (get(settings, "network.gateway")[0])
		fprintf(out, "Gateway=%s\n", get(settings, "network.gateway"));
	if (json_array_size(dns) > 0)
		fputs("DNS=", out);
	json_array_foreach((json_t *)dns, i, server)
		fprintf(out, "%s%s", i > 0 ? " " : "", json_string_value(server));
	fputs(json_array_size(dns) > 0 ? "\n" : "", out);
}

static int write_file(struct tr_change *change, const char *path, const json_t *settings,
	const char *name, const char *carried)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	fprintf(out, "# Written by telerec.\n[Match]\nName=%s\n\n[Network]\n", name);
	if (carried)
		fprintf(out, "VLAN=%s\nLinkLocalAddressing=no\n", carried);
	else
		write_addresses(out, settings);
	int rc = fclose(out) == 0 ? tr_change_file(change, path, text) : -ENOMEM;
	free(text);
	return rc;
}

static int set_proxy(struct tr_change *change, const char *proxy)
{
	json_t *policy = json_pack("{s:s,s:s}", "ProxyMode", "fixed_servers", "ProxyServer", proxy);
	char *text = policy ? json_dumps(policy, JSON_INDENT(2)) : NULL;
	int rc = text ? tr_change_file(change, PROXY_PATH, proxy[0] ? text : NULL) : -ENOMEM;

	free(text);
	json_decref(policy);
	return rc;
}

int tr_machine_network_set(struct tr_change *change, const json_t *settings)
{
	static const char *const reload[] = {"networkctl", "reload", NULL};
	const char *interface = get(settings, "network.interface");
	json_int_t vlan = json_integer_value(json_object_get(settings, "network.vlan"));
	char netdev[200], why[300];

	find_manager(change->root, why, sizeof(why));
	if (why[0])
		return tr_change_fail(change, -ENOTSUP, "%s", why);
	int rc = check(change, settings);
	if (rc < 0)
		return rc;
	snprintf(netdev, sizeof(netdev),
		"# Written by telerec.\n[NetDev]\nName=" VLAN_NAME "\nKind=vlan\n\n[VLAN]\nId=%d\n",
		(int)vlan);
	rc = write_file(change, NETWORK_PATH, settings, interface, vlan > 0 ? VLAN_NAME : NULL);
	if (rc == 0)
		rc = tr_change_file(change, VLAN_PATH, vlan > 0 ? netdev : NULL);
	if (rc == 0)
		rc = vlan > 0 ? write_file(change, VLAN_NETWORK_PATH, settings, VLAN_NAME, NULL)
			      : tr_change_file(change, VLAN_NETWORK_PATH, NULL);
	if (rc == 0 && json_object_get(settings, "network.proxy"))
		rc = set_proxy(change, get(settings, "network.proxy"));
	return rc < 0 || change->root[0] ? rc : tr_change_run(change, reload, TOOL_MS);
}

/* ---- does it work ---- */

static bool has_address(FILE *out)
{
	struct ifaddrs *all = NULL;
	char text[INET6_ADDRSTRLEN];
	unsigned count = 0;

	if (getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *one = all; one; one = one->ifa_next) {
		int family = one->ifa_addr ? one->ifa_addr->sa_family : AF_UNSPEC;
		if ((family != AF_INET && family != AF_INET6) || (one->ifa_flags & IFF_LOOPBACK))
			continue;
		const void *address =
			family == AF_INET
				? (const void *)&(
					  (const struct sockaddr_in *)(const void *)one->ifa_addr)
					  ->sin_addr
				: (const void *)&(
					  (const struct sockaddr_in6 *)(const void *)one->ifa_addr)
					  ->sin6_addr;
		if (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL((const struct in6_addr *)address))
			continue;
		if (inet_ntop(family, address, text, sizeof(text)))
			fprintf(out, "ok       %s has the address %s\n", one->ifa_name, text);
		count++;
	}
	freeifaddrs(all);
	return count > 0;
}

static bool has_name(FILE *out, const char *host)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *all = NULL;
	int rc = getaddrinfo(host, NULL, &hints, &all);

	if (rc != 0)
		fprintf(out,
			"FAULT    the name %s is not found: %s. Look at the name servers, and whether "
			"the name is right.\n",
			host, gai_strerror(rc));
	else
		fprintf(out, "ok       the name %s is found\n", host);
	if (rc == 0)
		freeaddrinfo(all);
	return rc == 0;
}

int tr_machine_network_test(FILE *out, const char *const *hosts)
{
	char interface[IF_NAMESIZE], state[32] = "";
	char path[PATH_MAX];
	int rc = 0;

	find_interface("", interface);
	snprintf(path, sizeof(path), "/sys/class/net/%s/operstate", interface);
	tr_kernel_read_line("", path, state, sizeof(state));
	if (!interface[0] || !strcmp(state, "down") || !strcmp(state, "lowerlayerdown")) {
		fprintf(out, "FAULT    no network card is up%s%s: is the cable in?\n",
			interface[0] ? ": " : "", interface);
		return -ENETDOWN;
	}
	fprintf(out, "ok       %s is up\n", interface);
	if (!has_address(out)) {
		fputs("FAULT    there is no address: does a DHCP server answer?\n", out);
		return -ENETDOWN;
	}
	for (; *hosts; hosts++)
		if (!has_name(out, *hosts))
			rc = -ENETDOWN;
	return rc;
}
