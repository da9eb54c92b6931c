-- An XMPP server for one test: loopback only, nothing stored, everybody anonymous.
-- @NAMES@ are filled in by two_clients.sh.
daemonize = false
data_path = "@FOLDER@/data"
pidfile = "@FOLDER@/prosody.pid"
log = { info = "@FOLDER@/prosody.log" }
storage = "memory"
certificates = "@FOLDER@"

modules_enabled = { "disco", "saslauth", "bosh", "ping", "posix" }
modules_disabled = { "s2s", "tls" }
c2s_ports = { } -- Prosody 13's BOSH wants the module
c2s_direct_tls_ports = { }
interfaces = { "127.0.0.1" }
http_ports = { @HTTP_PORT@ }
http_interfaces = { "127.0.0.1" }
https_ports = { }
component_ports = { @COMPONENT_PORT@ }
component_interfaces = { "127.0.0.1" }
c2s_require_encryption = false
consider_bosh_secure = true
http_default_host = "meet.test"
http_paths = { bosh = "/http-bind" }

VirtualHost "meet.test"
	authentication = "anonymous"

Component "conference.meet.test" "muc"
	muc_room_locking = false
	muc_room_default_public_jids = true

Component "focus.meet.test"
	component_secret = "@SECRET@"
