"use strict";

/*
 * The part of the Jitsi page's objects that a recorder uses. Strict: whatever else is asked for is
 * kept in demo.errors and told on the console.
 */
const demo = {errors: []};

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
		this.lists = new Map();
	}
	add(event, fn) {
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

/* `meeting` has: people, isJoined, isConnected, bitrate, leave(). */
function makeJitsiApi(meeting) {
	const roomName = decodeURIComponent(location.pathname.slice(1) || "demo").toLowerCase();
	const mucJid = `${roomName}@conference.demo.invalid`;
	const listeners = new Listeners();
	const presence = {};
	const sent = [];

	const participant = person => strict("participant", {
		getId: () => person.id,
		getJid: () => `${mucJid}/${person.id}`,
		getDisplayName: () => person.name,
		isHidden: () => Boolean(person.isHidden),
		isHiddenFromRecorder: () => Boolean(person.isHiddenFromRecorder),
		isAudioMuted: () => person.isAudioMuted,
		isVideoMuted: () => person.isVideoMuted,
		getProperty: name => (name === "features_jigasi" ? Boolean(person.isJigasi) : undefined),
	});
	const member = person => ({
		nick: person.name,
		identity: {user: {id: person.id, name: person.name}},
	});
	const room = strict("APP.conference._room.room", {
		get members() {
			return Object.fromEntries(
				meeting.people.map(p => [`${mucJid}/${p.id}`, member(p)]));
		},
		addListener: (event, fn) => listeners.add(event, fn),
		removeListener: (event, fn) => listeners.remove(event, fn),
		on: (event, fn) => listeners.add(event, fn),
		off: (event, fn) => listeners.remove(event, fn),
		addOrReplaceInPresence: (key, {value}) => {
			const changed = presence[key] !== value;
			presence[key] = value;
			return changed;
		},
		sendPresence: () => sent.push({...presence}),
	});
	const conference = strict("APP.conference", {
		_room: strict("APP.conference._room", {
			room,
			isJoined: () => meeting.isJoined,
			getParticipants: () => meeting.people.map(participant),
			getName: () => roomName,
			leave: () => meeting.leave(),
		}),
		getStats: () => ({bitrate: {download: meeting.bitrate, upload: 0}}),
		getConnectionState: () => (meeting.isConnected ? "connected" : "interrupted"),
	});

	demo.presence = presence;
	demo.sentPresences = sent;
	demo.listeners = listeners;
	return strict("APP", {conference});
}
