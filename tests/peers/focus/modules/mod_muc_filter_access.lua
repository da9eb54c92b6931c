-- Joins from hosts that are not in muc_filter_whitelist vanish without an answer, as in the
-- internal MUC of docker-jitsi-meet.
local jid_split = require "util.jid".split;
local allowed = module:get_option_set("muc_filter_whitelist", {});

local function is_dropped(event)
	local _, host = jid_split(event.stanza.attr.from);
	return not allowed:contains(host);
end

module:hook("presence/full", function(event)
	if is_dropped(event) then
		return true;
	end
end, 1000);
