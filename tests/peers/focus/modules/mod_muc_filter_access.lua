-- Joins from hosts that are not in muc_filter_whitelist vanish without an answer, as in the
-- internal MUC of docker-jitsi-meet.
local allowed = module:get_option_set("muc_filter_whitelist", {});

local function is_dropped(event)
	local host = event.stanza.attr.from:match("^[^/]*@([^/]+)");
	return not allowed:contains(host or "");
end

module:hook("presence/full", function(event)
	if is_dropped(event) then
		return true;
	end
end, 1000);
