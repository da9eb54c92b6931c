"use strict";

/* The shared slides: one string of HTML each. */
const SLIDES = (() => {
	const bars = [
		["Mon", 42], ["Tue", 58], ["Wed", 91], ["Thu", 76], ["Fri", 64], ["Sat", 12], ["Sun", 9],
	];
	const chart = () => {
		let svg = '<svg viewBox="0 0 800 300" font-size="16" fill="#5d6b7e">';
		for (let i = 0; i <= 4; i++)
			svg += `<line x1="50" x2="790" y1="${260 - i * 60}" y2="${260 - i * 60}"
				stroke="#dfe5ec"/><text x="40" y="${265 - i * 60}"
				text-anchor="end">${i * 25}</text>`;
		bars.forEach(([day, value], i) => {
			const x = 75 + i * 104;
			svg += `<rect x="${x}" y="${260 - value * 2.4}" width="62" height="${value * 2.4}"
				rx="4" fill="${value > 90 ? "#2673d9" : "#8fb8ee"}"/>
				<text x="${x + 31}" y="${250 - value * 2.4}" text-anchor="middle"
				fill="#1b2430">${value}</text>
				<text x="${x + 31}" y="285" text-anchor="middle">${day}</text>`;
		});
		return svg + "</svg>";
	};
	const box = (x, y, title, text, colour) =>
		`<g transform="translate(${x} ${y})"><rect width="180" height="84" rx="8"
		fill="${colour}"/><text x="90" y="38" text-anchor="middle" fill="#fff" font-size="19"
		font-weight="bold">${title}</text><text x="90" y="62" text-anchor="middle" fill="#fff"
		font-size="14">${text}</text></g>`;
	const arrow = (x1, y1, x2, y2) =>
		`<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#5d6b7e" stroke-width="2.5"
		marker-end="url(#tip)"/>`;
	const diagram = () => `<svg viewBox="0 0 800 300"><defs><marker id="tip" viewBox="0 0 10 10"
		refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 10 5 0 10z"
		fill="#5d6b7e"/></marker></defs>
		${box(10, 30, "Meeting", "page in a browser", "#2673d9")}
		${box(310, 30, "Screen", "only what changed", "#3c7a57")}
		${box(310, 180, "Sound", "sample by sample", "#3c7a57")}
		${box(610, 105, "File", "safe every second", "#a3572a")}
		${arrow(190, 72, 308, 72)}${arrow(190, 90, 308, 212)}
		${arrow(490, 72, 608, 135)}${arrow(490, 222, 608, 162)}</svg>`;

	return [
		{kind: "cover", html: "<h1>Weekly planning</h1><h2>Recording team, week 47</h2>"},
		{html: `<h1>What we look at today</h1><h2>Forty minutes, then questions</h2><ul>
			<li>What was recorded last week</li><li>How a picture becomes a file</li>
			<li>What a crash may cost</li><li>Who does what until Friday</li></ul>`},
		{html: `<h1>Hours recorded</h1><h2>All rooms, last week</h2>${chart()}`},
		{html: `<h1>From the meeting to the file</h1><h2>Four parts, none waits for another</h2>
			${diagram()}`},
		{html: `<h1>What a crash may cost</h1><h2>Measured, worst of a hundred</h2><table>
			<tr><th>What ends</th><th>What is lost</th><th>What happens</th></tr>
			<tr><td>Encoder</td><td class="good">under a second</td><td>another takes over</td></tr>
			<tr><td>Browser</td><td class="good">a few seconds</td><td>it joins again</td></tr>
			<tr><td>Whole machine</td><td class="good">two seconds</td><td>the file plays</td></tr>
			<tr><td>Network</td><td class="good">nothing</td><td>the recording goes on</td></tr>
			</table>`},
		{html: `<h1>Try it at home</h1><h2>Thirty seconds, one file, one report</h2><pre>
<b>$</b> telerec record https://meet.example.org/planning --for 30s
  00:30   30 fps   1.1 Mbit/s   ▁▃▅▆▅▃   412 GB left
<b>$</b> telerec check planning.mp4
  grade A: 900 pictures, no gap, sound within 5 ms</pre>`},
	];
})();
