"use strict";

/*
 * The part of the Jitsi page's objects that a recorder uses. Strict: whatever else is asked for is
 * kept in demo.errors and told on the console.
 */
const demo = {errors: []};

function complain(what) {
	demo.errors.push(what);
	console.error(`demo meeting: ${what}`);
}

function strict(path, members) {
	const harmless = ["then", "toJSON", "constructor"];
	return new Proxy(members, {
		get(target, name) {
			if (typeof name === "symbol" || name in target || harmless.includes(name))
				return target[name];
			demo.errors.push(`${path}.${name}`);
			console.error(`demo meeting: nobody knows ${path}.${name}`);
			return undefined;
		},
	});
}

class Listeners {
	constructor() {
		this.lists = new Map([["xmpp.muc_member_joined", []], ["xmpp.muc_member_left", []],
			["xmpp.display_name_changed", []], ["xmpp.kicked", []], ["xmpp.muc_destroyed", []]]);
	}
	add(event, fn) {
		if (!this.lists.has(event))
			complain(`nobody tells ${event}`);
		this.lists.set(event, [...(this.lists.get(event) ?? []), fn]);
	}
	remove(event, fn) {
		this.lists.set(event, (this.lists.get(event) ?? []).filter(f => f !== fn));
	}
	tell(event, ...args) {
		for (const fn of this.lists.get(event) ?? [])
			fn(...args);
	}
}

/* `meeting` has: people, isJoined, connection, bitrate, domain, errors and states, leave(). */
function makeJitsiApi(meeting) {
	const listeners = new Listeners();
	const presence = {};
	const sent = [];
	const isOld = address.scenario === "old-api";
	const jidOf = person => `${roomJid(meeting.domain)}/${person.id}`;

	const participant = person => strict("participant", {
		getId: () => person.id,
		getJid: () => jidOf(person),
		getDisplayName: () => person.name,
		isHidden: () => Boolean(person.isHidden),
		isAudioMuted: () => person.isAudioMuted,
		isVideoMuted: () => person.isVideoMuted,
		getProperty: name => (name === "features_jigasi" ? Boolean(person.isJigasi) : undefined),
		...(isOld ? {} : {isHiddenFromRecorder: () => Boolean(person.isHiddenFromRecorder)}),
	});
	const identity = person => ({user: {id: person.id, name: person.name}, group: "demo"});
	function setPresence(key, {value}) {
		if (!["session_id", "mode", "live-stream-view-url"].includes(key))
			complain(`nobody knows the presence's ${key}`);
		if (typeof value !== "string")
			complain(`the presence's ${key} is no text`);
		const changed = presence[key] !== value;
		presence[key] = value;
		return changed;
	}
	const room = strict("APP.conference._room.room", {
		get members() {
			return Object.fromEntries(meeting.people.map(p =>
				[jidOf(p), {nick: p.name, identity: identity(p)}]));
		},
		addListener: (event, fn) => listeners.add(event, fn),
		removeListener: (event, fn) => listeners.remove(event, fn),
		on: (event, fn) => listeners.add(event, fn),
		off: (event, fn) => listeners.remove(event, fn),
		[isOld ? "addToPresence" : "addOrReplaceInPresence"]: setPresence,
		sendPresence: () => {
			if (!meeting.isJoined)
				complain("a presence before the joining");
			sent.push({...presence});
		},
	});
	const conference = strict("APP.conference", {
		get _room() {
			return meeting.hasRoom ? demo.room : undefined;
		},
		getStats: () => (meeting.bitrate === null
			? null : {bitrate: {download: meeting.bitrate, upload: 0}}),
		getConnectionState: () => (meeting.hasRoom ? meeting.connection : null),
	});
	const store = strict("APP.store", {
		getState: () => strict("APP.store.getState()", {
			"features/base/config": {
				hosts: {muc: meeting.domain},
				...(isRecorder ? {iAmRecorder: true} : {}),
			},
			"features/base/conference": meeting.conferenceState,
			"features/base/connection": meeting.connectionState,
			"features/lobby": {knocking: meeting.isKnocking},
			"features/shared-video": meeting.sharedVideo,
		}),
	});

	demo.room = strict("APP.conference._room", {
		room,
		isJoined: () => meeting.isJoined,
		getParticipants: () => meeting.people.map(participant),
		getName: () => address.name,
		leave: () => meeting.leave(),
	});
	demo.presence = presence;
	demo.sentPresences = sent;
	demo.listeners = listeners;
	demo.tellJoined = person => listeners.tell("xmpp.muc_member_joined", jidOf(person), person.name,
		"participant", Boolean(person.isHidden), undefined, undefined, identity(person));
	demo.tellRenamed = person =>
		listeners.tell("xmpp.display_name_changed", jidOf(person), person.name);
	return strict("APP", {conference, store});
}
