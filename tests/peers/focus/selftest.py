"""The double judges scripted recorders over a real Prosody: the right ones pass, and every kind of
wrong one is caught."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from control import Control                                    # noqa: E402
from focus import Focus, Settings                              # noqa: E402
from prosody import Prosody, Unavailable                       # noqa: E402
from proxy import Proxy                                        # noqa: E402
from scripted import Scripted                                  # noqa: E402
from xmpp import Client, Node, Parser, XmppError                # noqa: E402

KEY = "abcd-efgh-ijkl-mnop-qrst"
APP_DATA = ('{"file_recording_metadata":{"upload_credentials":'
            '{"token":"token-of-somebody-0123456789"}}}')


class Parsing(unittest.TestCase):
    def test_a_stanza_survives_reading_and_writing(self):
        text = ("<iq xmlns='jabber:client' id='a&amp;&#39;&lt;+/='><jibri xmlns='urn:j' x='1'>"
                "<y>t&amp;&lt;</y></jibri></iq>")
        parser = Parser()
        events = parser.feed("<s:stream xmlns:s='urn:s' xmlns='jabber:client'>" + text)
        again = Parser().feed("<s:stream xmlns:s='urn:s'>" + events[1][1].to_xml())[1][1]
        self.assertEqual(again.get("id"), "a&'<+/=")
        self.assertEqual(again.find("jibri", "urn:j").find("y").text(), "t&<")


class WithProsody(unittest.IsolatedAsyncioTestCase):
    flavour = "debian"

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="telerec-focus.")
        os.chmod(cls.folder, 0o755)
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.prosody = Prosody(cls.folder, cls.flavour, hibernation_s=2)
        cls.prosody.start()
        cls.addClassCleanup(cls.prosody.stop)

    async def asyncSetUp(self):
        self.room = f"r{time.monotonic_ns()}@{self.prosody.names.conference}"

    async def focus(self, **settings):
        names = self.prosody.names
        focus = Focus(Settings(**{
            "host": "127.0.0.1", "port": self.prosody.port, "domain": names.auth,
            "password": self.prosody.passwords["focus"], "brewery": names.brewery,
            "reconnect_s": 0.1, **settings}))
        await focus.start()
        self.addAsyncCleanup(focus.stop)
        return focus

    async def node(self, focus, wrong="", name="telerec-a", **more):
        node = await Scripted(self.prosody, name, wrong, **more).start()
        self.addAsyncCleanup(node.stop)
        await focus.wait(lambda: any(r.nick == name for r in focus.recorders.values()) or
                         focus.violations, 5, "the recorder")
        return node

    async def ended(self, focus, timeout=5):
        await focus.wait(lambda: focus.state(self.room) == "off", timeout, "the end")

    def assert_clean(self, focus):
        self.assertEqual([str(v) for v in focus.violations], [])


class Right(WithProsody):
    async def test_a_right_recorder_passes_in_all_stop_variants(self):
        for stop in ("immediate", "wait", "strict"):
            with self.subTest(stop):
                focus = await self.focus(stop=stop)
                node = await self.node(focus)
                answer = await focus.client_start(self.room, app_data=APP_DATA)
                self.assertTrue(answer.ok)
                self.assertEqual(focus.state(self.room), "pending")
                await focus.wait_published(self.room, "on", 5)
                self.assertEqual(focus.state(self.room), "on")
                self.assertTrue((await focus.client_stop(self.room)).ok)
                self.assertIsNone(focus.room(self.room).published[-1]["failure_reason"])
                await focus.wait_idle(1, 5)
                self.assert_clean(focus)
                self.assertTrue(any(k.startswith("x_") for k in node.got[0]))
                await node.stop()
                await focus.stop()

    async def test_upstreams_off_before_the_result_of_stop_is_taken(self):
        focus = await self.focus()
        node = await self.node(focus, "stop: off with a set before")
        await focus.client_start(self.room)
        await focus.wait_published(self.room, "on", 5)
        await focus.client_stop(self.room)
        await focus.wait(lambda: len(node.answers) == 2, 5)
        self.assertEqual(node.answers[1].error_condition(), "item-not-found")
        await focus.wait_idle(1, 5)
        self.assert_clean(focus)

    async def test_a_session_that_ends_by_itself_is_published_without_initiator(self):
        focus = await self.focus()
        await self.node(focus, "ends by itself")
        await focus.client_start(self.room)
        off = await focus.wait_published(self.room, "off", 5)
        self.assertEqual((off["failure_reason"], off["initiator"]), (None, ""))
        self.assert_clean(focus)

    async def test_a_sip_session_goes_by_its_address(self):
        focus = await self.focus()
        await self.node(focus)
        self.assertTrue((await focus.client_start(
            self.room, sipaddress="a@sip.test", displayname="A")).ok)
        await focus.wait_published(self.room, "on", 5)
        await focus.client_stop(self.room)
        await focus.wait_idle(1, 5)
        self.assert_clean(focus)

    async def test_results_may_come_late_or_never(self):
        for delay in (0.5, None):
            with self.subTest(delay):
                focus = await self.focus(result_delay=delay)
                node = await self.node(focus)
                await focus.client_start(self.room)
                await focus.wait_published(self.room, "on", 5)
                self.assertEqual(node.answers, [])
                await focus.client_stop(self.room)
                await focus.wait_idle(1, 5)
                self.assert_clean(focus)
                await node.stop()
                await focus.stop()


class Selection(WithProsody):
    async def test_no_recorder_and_no_free_recorder_are_told_apart(self):
        focus = await self.focus()
        answer = await focus.client_start(self.room)
        self.assertEqual((answer.condition, answer.text, answer.error_type),
                         ("service-unavailable", "no Jibris available", "cancel"))
        node = await self.node(focus, "busy")
        answer = await focus.client_start(self.room)
        self.assertEqual((answer.condition, answer.error_type), ("resource-constraint", "wait"))
        self.assertEqual(len(node.got), 1, "a failed recorder is barred for 60 s")
        self.assert_clean(focus)

    async def test_a_presence_that_is_available_clears_the_mark(self):
        focus = await self.focus()
        node = await self.node(focus, "busy")
        await focus.client_start(self.room)
        node.wrong = ""
        node.send_presence("idle")
        await focus.wait_idle(1, 5)
        await asyncio.sleep(0.25)     # of the rest of one that was just selected
        self.assertTrue((await focus.client_start(self.room)).ok)
        self.assert_clean(focus)

    async def test_the_next_recorder_takes_over_from_a_busy_one(self):
        focus = await self.focus()
        busy = await self.node(focus, "busy")
        right = await self.node(focus, "", "telerec-b")
        for r in focus.recorders.values():     # the busy one is chosen first
            r.last_failed = time.monotonic() - 100 if r.nick == "telerec-b" else None
        answer = await focus.client_start(self.room)
        self.assertTrue(answer.ok)
        self.assertEqual(busy.got[0]["session_id"], right.got[0]["session_id"])
        self.assert_clean(focus)

    async def test_a_recorder_just_selected_rests_for_200_ms(self):
        focus = await self.focus()
        await self.node(focus, "never on")
        recorder = next(iter(focus.recorders.values()))
        recorder.last_selected = time.monotonic() + 1000   # until then, and 200 ms
        self.assertEqual((await focus.client_start(self.room)).condition, "resource-constraint")
        recorder.last_selected = time.monotonic()
        await asyncio.sleep(0.25)
        self.assertTrue((await focus.client_start(self.room)).ok)

    async def test_an_unhealthy_recorder_is_known_but_not_selected(self):
        focus = await self.focus()
        node = await self.node(focus)
        node.send_presence("idle", health="unhealthy")
        await focus.wait(lambda: not any(r.available for r in focus.recorders.values()), 5)
        self.assertEqual((await focus.client_start(self.room)).condition, "resource-constraint")

    async def test_a_failure_that_asks_for_it_goes_to_the_next(self):
        focus = await self.focus()
        await self.node(focus, "fails")
        await self.node(focus, "", "telerec-b")
        for r in focus.recorders.values():
            r.last_failed = time.monotonic() - 100 if r.nick == "telerec-b" else None
        answer = await focus.client_start(self.room)
        await focus.wait_published(self.room, "on", 5, answer.session_id)
        session = focus.room(self.room).session
        self.assertEqual([word for _, word in session.attempts], ["pending", "pending"])
        self.assert_clean(focus)

    async def test_a_failure_without_another_is_published(self):
        focus = await self.focus()
        await self.node(focus, "fails")
        await focus.client_start(self.room)
        off = await focus.wait_published(self.room, "off", 5)
        self.assertEqual(off["failure_reason"], "error")

    async def test_a_failure_for_good_is_not_retried(self):
        focus = await self.focus()
        await self.node(focus, "fails for good")
        other = await self.node(focus, "", "telerec-b")
        for r in focus.recorders.values():
            r.last_failed = time.monotonic() - 100 if r.nick == "telerec-b" else None
        await focus.client_start(self.room)
        await focus.wait_published(self.room, "off", 5)
        self.assertEqual(other.got, [])

    async def test_a_recorder_that_vanishes_is_replaced(self):
        focus = await self.focus()
        await self.node(focus, "leaves", on_after=0.3)
        await self.node(focus, "", "telerec-b")
        for r in focus.recorders.values():
            r.last_failed = time.monotonic() - 100 if r.nick == "telerec-b" else None
        answer = await focus.client_start(self.room)
        await focus.wait_published(self.room, "on", 25, answer.session_id)

    async def test_attempts_end_after_the_retries(self):
        focus = await self.focus(retries=1)
        for name in ("a", "b", "c"):
            await self.node(focus, "busy", name)
        self.assertEqual((await focus.client_start(self.room)).condition, "internal-server-error")

    async def test_pending_runs_out(self):
        for old in (False, True):
            with self.subTest(old):
                focus = await self.focus(pending_timeout=0.5, old_pending=old)
                node = await self.node(focus, "never on")
                await focus.client_start(self.room)
                off = await focus.wait_published(self.room, "off", 5)
                self.assertIsNone(off["failure_reason"])
                while len(node.got) < 2:
                    await asyncio.sleep(0.05)
                self.assertEqual(node.got[1]["action"], "stop")
                await node.stop()
                await focus.stop()

    async def test_the_client_is_checked(self):
        focus = await self.focus()
        for condition, more in (("forbidden", {"role": None}),
                                ("not-allowed", {"role": "participant"}),
                                ("bad-request", {"mode": "stream"}),
                                ("bad-request", {"streamid": KEY})):
            self.assertEqual((await focus.client_start(self.room, **more)).condition, condition)
        self.assertEqual((await focus.client_stop(self.room)).condition, "item-not-found")
        await self.node(focus, "never on")
        await focus.client_start(self.room)
        self.assertEqual((await focus.client_start(self.room)).condition, "unexpected-request")

    async def test_after_the_servers_restart_it_is_back(self):
        focus = await self.focus()
        node = await self.node(focus)
        self.prosody.restart(is_kill=True)
        await focus.wait(lambda: focus.in_brewery and not focus.recorders, 10, "the brewery")
        await node.stop()
        await self.node(focus, "", "telerec-c")
        self.assertTrue((await focus.client_start(self.room)).ok)


# What is wrong: (the script, the rule that catches it, further arguments of the start)
WRONG = (
    ("slow", 1, {}),
    ("silent", 1, {}),
    ("cut id", 1, {}),
    ("answers twice", 2, {}),
    ("idle at pending", 3, {}),
    ("idle while it runs", 3, {}),
    ("stop: idle first", 3, {}),
    ("status before the answer", 4, {}),
    ("reason with pending", 5, {}),
    ("reason with on", 5, {}),
    ("retry without reason", 5, {}),
    ("unknown status", 6, {}),
    ("unknown attribute", 6, {}),
    ("upper case", 6, {}),
    ("a child", 6, {}),
    ("on as the answer", 6, {}),
    ("empty result", 6, {}),
    ("error answer", 6, {}),
    ("stop: empty", 6, {}),
    ("no sipaddress", 7, {"sipaddress": "a@sip.test"}),
    ("echoes the stream key", 8, {"mode": "stream", "streamid": KEY}),
    ("app_data in presence", 8, {"app_data": APP_DATA}),
    ("join without status", 13, {}),
    ("no health", 13, {}),
    ("health in the wrong namespace", 13, {}),
    ("another session", 14, {}),
    ("on after stop", 15, {}),
    ("fails, idle at once", 16, {}),
)

NO_ANSWER = ("silent", "cut id")


class Wrong(WithProsody):
    async def test_every_kind_of_wrong_is_caught_by_its_rule(self):
        for wrong, rule, more in WRONG:
            with self.subTest(wrong):
                # What is wrong by its time cannot be told where this program itself was late.
                for _ in range(5):
                    focus = await self.violations_of(wrong, rule, more)
                    if any(v.rule == rule for v in focus.violations) or not focus.was_late(60):
                        break
                self.assertIn(rule, [v.rule for v in focus.violations])

    async def violations_of(self, wrong, rule, more):
        """The focus after a session of such a recorder."""
        focus = await self.focus(stop="wait", stop_timeout=1.5, answer_limit=1,
                                 reply_timeout=2 if wrong in NO_ANSWER else 15)
        node = await self.node(focus, wrong)

        def is_caught():
            return any(v.rule == rule for v in focus.violations)
        await focus.client_start(self.room, **more)
        for _ in range(30):
            if is_caught() or focus.state(self.room) == "on":
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)
        await focus.client_stop(self.room)
        try:
            await focus.wait(is_caught, 2)
        except TimeoutError:
            pass
        await node.stop()
        await focus.stop()
        return focus

    async def test_a_wrong_answer_to_stop_is_a_failure_in_the_room(self):
        for wrong in ("stop: empty", "stop: silent"):
            focus = await self.focus(stop="wait", stop_timeout=0.5)
            node = await self.node(focus, wrong)
            await focus.client_start(self.room)
            await focus.wait_published(self.room, "on", 5)
            await focus.client_stop(self.room)
            self.assertEqual(focus.room(self.room).published[-1]["failure_reason"], "error")
            await node.stop()
            await focus.stop()

    async def test_a_reason_with_on_wedges_the_room(self):
        focus = await self.focus()
        await self.node(focus, "reason with on")
        await focus.client_start(self.room)
        await focus.wait(lambda: focus.room(self.room).is_wedged, 5)
        self.assertEqual((await focus.client_start(self.room)).condition, "unexpected-request")


class Docker(WithProsody):
    flavour = "docker"

    async def test_a_recording_works_there_too(self):
        focus = await self.focus()
        await self.node(focus)
        self.assertTrue((await focus.client_start(self.room)).ok)
        await focus.wait_published(self.room, "on", 5)
        await focus.client_stop(self.room)
        await focus.wait_idle(1, 5)
        self.assert_clean(focus)

    async def test_the_filter_leaves_strangers_unanswered(self):
        names = self.prosody.names
        client = await Client(names.hidden, "recorder", self.prosody.passwords["recorder"],
                              port=self.prosody.port).connect()
        heard = []
        client.on_stanza = heard.append
        client.send(Node("presence", None, {"to": f"{names.brewery}/x"},
                         [Node("x", "http://jabber.org/protocol/muc")]))
        await asyncio.sleep(0.5)
        self.assertEqual([str(h) for h in heard], [])
        await client.close()

    async def test_a_wrong_password_is_told(self):
        with self.assertRaises(XmppError) as caught:
            await Client(self.prosody.names.auth, "jibri", "wrong",
                         port=self.prosody.port).connect()
        self.assertEqual(caught.exception.condition, "not-authorized")


class Doors(WithProsody):
    async def ask(self, url, body=None):
        def get():
            data = json.dumps(body).encode() if body is not None else None
            with urllib.request.urlopen(url, data, 60) as answer:
                self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*")
                return json.load(answer)
        return await asyncio.to_thread(get)

    async def test_http_starts_and_stops(self):
        focus = await self.focus()
        control = await Control(focus).start()
        self.addAsyncCleanup(control.stop)
        await self.node(focus)
        answer = await self.ask(control.url + "/record", {"room": self.room, "action": "start"})
        self.assertEqual(answer["status"], "pending")
        await focus.wait_published(self.room, "on", 5)
        state = await self.ask(control.url + "/rooms/" + self.room)
        self.assertEqual((state["recording"], state["session_id"]), ("on", answer["session_id"]))
        nodes = await self.ask(control.url + "/nodes")
        self.assertEqual((nodes[0]["nick"], nodes[0]["busy"]), ("telerec-a", "busy"))
        answer = await self.ask(control.url + "/record", {"room": self.room, "action": "start"})
        self.assertEqual(answer["status"], "error")
        answer = await self.ask(control.url + "/record", {"room": self.room, "action": "stop"})
        self.assertEqual(answer["status"], "off")
        self.assertEqual(await self.ask(control.url + "/violations"), [])

    async def test_the_proxy_pauses_cuts_and_swallows(self):
        focus = await self.focus()
        proxy = await Proxy(self.prosody.port).start()
        self.addAsyncCleanup(proxy.stop)
        node = await self.node(focus, port=proxy.port)
        proxy.pause()
        node.send_presence("busy")
        await asyncio.sleep(0.3)      # nothing comes
        recorder = next(iter(focus.recorders.values()))
        self.assertEqual(recorder.busy, "idle")
        proxy.go()
        await focus.wait(lambda: recorder.busy == "busy", 5)
        proxy.black_hole()
        node.send_presence("idle")
        await asyncio.sleep(0.3)
        self.assertEqual(recorder.busy, "busy")
        proxy.cut()
        await asyncio.wait_for(node.client.closed.wait(), 60)


if __name__ == "__main__":
    try:
        Prosody(tempfile.gettempdir() + "/telerec-focus-probe")
    except Unavailable as reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    finally:
        shutil.rmtree(tempfile.gettempdir() + "/telerec-focus-probe", True)
    unittest.main(verbosity=1)
