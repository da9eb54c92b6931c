"use strict";

/* What the address says: room, tenant, scenario, and what the recorder asked the page for. */
const parameters = new URLSearchParams(location.search);

const SCENARIOS = ["leave", "all-mute", "ice-fails", "reconnect", "no-media", "shared-video",
	"kicked", "ended", "server-lost", "crash", "reload", "hang", "late-join", "never-joins", "password", "lobby",
	"room-password", "no-overrides", "old-api", "hidden-only", "telephones", "redirect"];

function readAddress() {
	const path = location.pathname.split("/").filter(Boolean).map(decodeURIComponent);
	const name = (path.pop() ?? "demo").toLowerCase();
	const scenario = new RegExp(`^(${SCENARIOS.join("|")})(?:\\.(\\d+(?:\\.\\d+)?))?(?:-|$)`).exec(name);
	const word = key => parameters.get(key) ?? new RegExp(`(?:^|-)${key}(\\d+)(?:-|$)`).exec(name)?.[1];
	const number = (text, otherwise) => (text === undefined || text === null ? otherwise : Number(text));

	return {
		name,
		tenant: path.join(".").toLowerCase(),
		scenario: parameters.get("scenario") ?? scenario?.[1] ?? "",
		afterMs: 1000 * number(parameters.get("after") ?? scenario?.[2], 2),
		forMs: 1000 * number(parameters.get("for"), 5),
		tone: number(word("tone"), 0),
		people: Math.min(12, number(word("people"), 4)),
	};
}

const address = readAddress();
const options = new URLSearchParams(
	address.scenario === "no-overrides" ? "" : location.hash.slice(1));
const isRecorder = options.get("config.iAmRecorder") === "true";

/* "room@conference.tenant.example.org", as the server writes it. */
function roomJid(domain) {
	const [first, ...rest] = domain.split(".");
	const local = encodeURIComponent(address.name).toLowerCase();
	return `${local}@${[first, address.tenant, ...rest].filter(Boolean).join(".")}`;
}

/* What a recorder must ask of the page, and must not put there. */
function checkAddress(errors) {
	const wanted = ["config.analytics.disabled=true", "config.disableInitialGUM=true",
		"config.externalConnectUrl=null", "config.p2p.enabled=false",
		"config.prejoinConfig.enabled=false", "config.requireDisplayName=false",
		"config.deeplinking.disabled=true", "config.startWithAudioMuted=true",
		"config.startWithVideoMuted=true", "interfaceConfig.APP_NAME=\"Jibri\""];

	for (const option of wanted) {
		const [key, value] = option.split("=");
		if (options.get(key) !== value)
			errors.push(`the address lacks ${option}`);
	}
	for (const secret of ["xmpp_password_override", "localStorageContent"])
		if (location.href.includes(secret))
			errors.push(`the address has ${secret}`);
	for (const key of ["displayname", "email", "callStatsUserName"])
		if (localStorage.getItem(key) === null)
			errors.push(`the local storage has no ${key}`);
}
