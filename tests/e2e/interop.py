"""The interop scenarios of a recorder node: real Prosody, Jicofo's strict double, the demo meeting
and the real node, and a table of what passed. With arguments, only the scenarios of those numbers.

    TR_BUILD_DIR=build python3 tests/e2e/interop.py [NUMBER...]
"""

import asyncio
import os
import subprocess
import sys
import time

from interop_lib import SCENARIOS, SKIPPED, Failed, Rig, Table, World, run_one, skip, sort_key
import interop_brewery
import interop_connection
import interop_page
import interop_rooms    # noqa: F401
import interop_run      # noqa: F401
import interop_start    # noqa: F401
import interop_stream
from focus import Focus
from proxy import Proxy
from rig import build_folder, merge, run

SCRIPT = """#!/bin/sh
# A finalize script that is slow or fails when the session is called so.
case $1 in
*slowscript*) sleep 300 ;;
*failscript*) echo "this script fails" >&2; exit 3 ;;
esac
"""
BROWSER = """#!/bin/sh
# A browser that can be made impossible.
[ ! -e "{flag}" ] || exit 1
exec "{browser}" "$@"
"""
NO_BROWSER = {"browser": {"path": "/bin/false"}, "slots": 1}

# One after the other, over all worlds; those at the end judge the whole run.
LAST = ("3", "55", "89")

FLEET = ("selector join", "bad token", "expired token at reconnect", "missing ping",
         "START/STOP happy path", "START for another key", "START while recording for a brewery",
         "unknown command type", "STREAM with key", "STOP for an ended session", "ack number",
         "clock 10 min slow", "autoscaler shutdown during a recording", "autoscaler reconfigure",
         "autoscaler 500, 401, time-out, bad JSON", "unmodified component sidecar")
for number, name in enumerate(FLEET, 101):
    skip(number, name, "selectors and autoscalers come with another issue")


def find_browser():
    for path in ("/usr/lib/chromium/chromium", "/usr/bin/chromium"):
        if os.path.exists(path):
            return path
    raise Failed("chromium is not installed")


def write_program(path, text):
    with open(path, "w") as out:
        out.write(text)
    os.chmod(path, 0o755)
    return path


class Runner:
    def __init__(self, numbers):
        self.numbers = set(numbers)
        self.table = Table()
        self.background = []

    def of(self, world, is_background=False):
        return sorted((s for s in SCENARIOS if s.world == world and
                       s.is_background == is_background and s.number not in LAST and
                       (not self.numbers or s.number in self.numbers)),
                      key=lambda s: sort_key(s.number))

    def has(self, *worlds):
        return any(self.of(w) or self.of(w, True) for w in worlds)

    async def run_world(self, name, world):
        for item in self.of(name, True):
            self.background.append(asyncio.create_task(run_one(item, world, self.table)))
        await asyncio.sleep(0)
        for item in self.of(name):
            if not await run_one(item, world, self.table):
                await self.recover(world)

    async def run_from_start(self, name, world, slots):
        """A world whose node is to be started; when it does not come up, its scenarios failed."""
        try:
            await self.begin(world, slots)
        except Failed as error:
            for item in self.of(name) + self.of(name, True):
                self.table.add(item.number, item.name, "FAILED", f"{error}", 0)
            return False
        await self.run_world(name, world)
        return True

    async def recover(self, world):
        """A failed scenario leaves nothing behind for the next one."""
        for focus in [world.focus, *world.more]:
            for room in list(focus.rooms.values()):
                if room.session:
                    await focus.conference_ends(room.jid)
            focus._started.clear()
            focus._failed.clear()
            focus.settings.retries, focus.settings.pending_timeout = 5, 90
            focus.settings.stop, focus.settings.result_delay = "immediate", 0
        for recorder in list(world.focus.recorders.values()):
            if recorder.busy == "busy":
                try:
                    await world.focus.raw(recorder.nick, world.stop_child())
                except (TimeoutError, asyncio.TimeoutError):
                    pass
        try:
            await world.idle(20)
        except TimeoutError:
            pass

    # The worlds

    async def run(self):
        build = build_folder()
        print("number  result   time     scenario", flush=True)
        odd = Rig(build, slots=1, settings=NO_BROWSER, keep=bool(os.environ.get("KEEP")))
        links = Rig(build, slots=1, settings=NO_BROWSER, keep=bool(os.environ.get("KEEP")))
        if self.has("odd", "links", "unhealthy"):
            async with odd, links:
                # Those without a browser mostly wait: beside them there is room for the others.
                await asyncio.gather(self.run_light(odd, links), self.run_rest(build))
                await asyncio.gather(*self.background)
                await self.close(*self.closers)
        else:
            await self.run_rest(build)
        for number, (name, reason) in SKIPPED.items():
            if not self.numbers or number in self.numbers:
                self.table.add(number, name, "skipped", reason)
        if self.table.print():
            raise Failed("see the table")

    closers = ()

    async def close(self, *worlds):
        for world in worlds:
            for closer in world.closers:
                await (closer.stop() if isinstance(closer, Proxy) else closer.close())

    def world(self, name, rig):
        world = World(name, rig)
        world.closers, world.more = [], []
        self.closers = (*self.closers, world)
        return world

    async def run_light(self, odd, links):
        await self.run_odd(odd)
        await self.run_links(links)

    async def run_odd(self, rig):
        if not self.has("odd"):
            return
        world = self.world("odd", rig)
        await interop_brewery.prepare(world)
        rig.more_settings = merge({"environments": interop_brewery.environments(rig)}, NO_BROWSER)
        await rig.start_telerecd()

        async def joined(name):
            await world.wait_log(rf"[^\n]*{name}[^\n]*", 30)
            await asyncio.sleep(3)
        world.wait_joined = joined
        await self.run_world("odd", world)

    async def run_links(self, rig):
        if not self.has("links", "unhealthy"):
            return
        world = self.world("links", rig)
        rig.more_settings = merge({"environments": [
            rig.environment(), *await interop_connection.environments(world)]}, NO_BROWSER)
        await rig.start_telerecd()
        await self.run_world("links", world)
        await self.run_world("unhealthy", world)

    async def run_rest(self, build):
        has_main = self.has("main", "shutdown", "nobrowser", "drain", "diskfull") or \
            self.numbers & set(LAST)
        await asyncio.gather(*[run(build) for run, is_wanted in (
            (self.run_main, has_main), (self.run_docker, self.has("docker"))) if is_wanted])

    async def run_main(self, build):
        async with Rig(build, slots=2, through_proxy=True, prosody={"hibernation_s": 3},
                       keep=bool(os.environ.get("KEEP"))) as rig:
            world = self.world("main", rig)
            script = write_program(rig.path("finalize.sh"), SCRIPT)
            names = rig.prosody.names
            world.other_proxy = await Proxy(rig.prosody.port).start()
            world.closers.append(world.other_proxy)
            secure = interop_page.serve_https(rig)
            world.site, streams = interop_stream.serve(rig)
            rooms = {"other": f"other@open.{names.auth}", "short": f"short@open.{names.auth}",
                     "https": f"https@open.{names.auth}"}
            rig.more_settings = {
                **streams,
                "finalize": {"script": script, "timeout": "30s", "attempts": 1},
                "environments": [
                    rig.environment(),
                    rig.environment(name="other", strip="", base_url=rig.base_url + "/", servers=[
                        f"127.0.0.1:{world.other_proxy.port}"], brewery={
                        "domain": f"open.{names.auth}", "room": "other"}),
                    rig.environment(name="short", usage_timeout="6s", brewery={
                        "domain": f"open.{names.auth}", "room": "short"}),
                    rig.environment(name="https", base_url=(
                        f"https://127.0.0.1:{secure.server_address[1]}"), brewery={
                        "domain": f"open.{names.auth}", "room": "https"})]}
            for name, brewery in rooms.items():
                focus = Focus(rig.settings_of_focus(brewery=brewery))
                await focus.start()
                world.more.append(focus)
                setattr(world, name + "_focus", focus)
            world.notes["spawned"] = time.monotonic()
            if await self.run_from_start("main", world, 2):
                await self.run_special(world)
            for number in LAST:
                for item in SCENARIOS:
                    if item.number == number and (not self.numbers or number in self.numbers):
                        await run_one(item, world, self.table)
            for focus in world.more:
                await focus.stop()
            secure.shutdown()
            if world.site:
                world.site.kill()

    async def begin(self, world, slots):
        rig = world.rig
        rig.slots = slots
        world.log_name = f"telerec-{world.count}"
        world.count += 1
        await rig.start_telerecd(world.log_name)
        try:
            await world.idle(60)
            for focus in world.more:
                await focus.wait_idle(slots, 30)
        except TimeoutError as error:
            raise Failed(f"{error}; its last words:\n{rig.warn_words(world.log_name)}") from None

    async def run_special(self, world):
        """Worlds that end the node, or need another one."""
        rig = world.rig
        if self.has("shutdown"):
            await self.run_world("shutdown", world)
        await rig.stop_process(rig.telerecd)
        if self.has("nobrowser", "drain"):
            wrapper = write_program(rig.path("browser.sh"), BROWSER.format(
                flag=rig.path("no-browser"), browser=find_browser()))
            http = [free for free in rig.free_ports(2)]
            world.ports = {"external": http[0], "internal": http[1]}
            merge(rig.more_settings, {
                "browser": {"path": wrapper}, "slots": 1,
                "jibri_http": {"external_port": http[0], "internal_port": http[1]}})
            if await self.run_from_start("nobrowser", world, 1):
                await self.run_world("drain", world)
            await rig.stop_process(rig.telerecd)
            rig.more_settings.pop("browser")
        if self.has("diskfull"):
            await self.run_disk_full(world)

    async def run_disk_full(self, world):
        rig = world.rig
        small = rig.path("small")
        os.makedirs(small)
        mount = ["mount", "-t", "tmpfs", "-o", "size=1300m", "telerec-small", small]
        if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
            skip(81, "disk full", "only root can mount a small file system")
            return
        rig.recordings, before = small, rig.recordings
        try:
            merge(rig.more_settings, {"recordings": small, "slots": 1})
            await self.run_from_start("diskfull", world, 1)
            await rig.stop_process(rig.telerecd)
        finally:
            rig.recordings = before
            subprocess.run(["umount", "-l", small], check=False)

    async def run_docker(self, build):
        async with Rig(build, flavour="docker", slots=1, through_proxy=True,
                       prosody={"hibernation_s": 30}, keep=bool(os.environ.get("KEEP")),
                       settings={"on_control_loss": "stop"}) as rig:
            world = self.world("docker", rig)
            await self.run_from_start("docker", world, 1)


if __name__ == "__main__":
    run(Runner(sys.argv[1:]).run)
