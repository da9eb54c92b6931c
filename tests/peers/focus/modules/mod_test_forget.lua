-- For tests: an admin's message with <forget xmlns="urn:telerec:test" nick="..."/> makes a room
-- forget an occupant without a word to anybody, as a restarted component does.
local muc = module:depends "muc";
local admins = module:get_option_set("admins", {});

module:hook("message/bare", function(event)
	local forget = event.stanza:get_child("forget", "urn:telerec:test");
	if not forget or not admins:contains(event.stanza.attr.from:match("^[^/]+")) then
		return;
	end
	local room = muc.get_room_from_jid(event.stanza.attr.to);
	local occupant = room and room:get_occupant_by_nick(room.jid .. "/" .. forget.attr.nick);
	if occupant then
		for real_jid in occupant:each_session() do
			room._jid_nick[real_jid] = nil;
		end
		room._occupants[occupant.nick] = nil;
	end
	return true;
end, 1000);
