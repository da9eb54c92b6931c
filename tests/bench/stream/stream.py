"""Streaming beside Jibri's ffmpeg command, in turn on the same display to one nginx-rtmp: how long
a picture needs from the screen to a player's decoder, and what one and three targets cost.

    TR_BUILD_DIR=build python3 tests/bench/stream/stream.py [--content speaker] [--size 1280x720]
        [--seconds 20] [--rounds 3] [--quick]

See tests/bench/README.md for how to read it.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "peers", "rtmp"))
from rtmp_site import Site, missing     # noqa: E402

WARM_S = 3      # from the player's first picture on, not measured
ENOUGH = 4      # pictures, when it is only whether it works
KBIT_S = 2976   # Jibri's maxrate
SIDES = ("Jibri, 1 target", "ours, 1 target", "Jibri, 3 by tee", "ours, 3 targets",
         "3 Jibris")
# Jibri's reference.conf, word by word, but for the display and the address.
JIBRI_INPUT = ("ffmpeg -y -v info -f x11grab -draw_mouse 0 -r 30 -s {size} -thread_queue_size 4096 "
               "-i {display}.0+0,0 -f alsa -thread_queue_size 4096 -i plug:bsnoop -acodec aac "
               "-strict -2 -ar 44100 -b:a 128k -af aresample=async=1 -c:v libx264 -pix_fmt yuv420p "
               "-r 30 -crf 25 -preset veryfast -tune zerolatency -g 60 -maxrate 2976k "
               "-bufsize 5952k -timestamp now").split()
ALSA = """</usr/share/alsa/alsa.conf>
pcm_type.benchtone {{ lib "{build}/libasound_module_pcm_benchtone.so" }}
pcm.bsnoop {{ type benchtone }}
pcm.tone {{ type benchtone }}
"""


class Failed(Exception):
    pass


def start(arguments, log, environ=None):
    with open(log, "ab") as out:
        return subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                start_new_session=True, env=environ)


def stop(process, sign=signal.SIGTERM, timeout=15):
    if process.poll() is None:
        process.send_signal(sign)
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def family(root):
    """A process and all below it."""
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                parent = int(file.read().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_s(roots):
    """User and system seconds of all threads, from the processes' own CPU clocks."""
    seconds = 0
    for pid in (pid for root in roots for pid in family(root)):
        try:
            seconds += time.clock_gettime((~pid << 3) | 2)
        except OSError:
            pass        # it has just ended
    return seconds


def read_log(path):
    """[(picture's number, CLOCK_MONOTONIC in s)]; the last line may be half."""
    try:
        with open(path) as file:
            lines = file.read().split("\n")[:-1]
    except OSError:
        return []
    return [(int(number), int(ns) / 1e9) for number, ns in map(str.split, lines)]


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


class Bench:
    def __init__(self, options):
        self.options = options
        self.build = os.environ.get("TR_BUILD_DIR", "build")
        self.build = os.path.abspath(self.build)
        self.folder = tempfile.mkdtemp(prefix="telerec-bench-stream.", dir="/dev/shm")
        self.running = []
        self.count = 0
        self.log = self.path("log")

    def path(self, name):
        return os.path.join(self.folder, name)

    def program(self, name):
        return os.path.join(self.build, name)

    # The world

    def open(self):
        self.site = Site(self.path("site")).start()
        reader, writer = os.pipe()
        self.x = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{self.options.size}x24", "-fbdir",
             self.folder, "-nolisten", "tcp", "-noreset"], pass_fds=[writer],
            stderr=subprocess.DEVNULL, start_new_session=True)
        self.running.append(self.x)
        os.close(writer)
        with os.fdopen(reader) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise Failed("Xvfb does not start")
        self.display = f":{number}"
        with open(self.path("asound.conf"), "w") as out:
            out.write(ALSA.format(build=self.build))
        self.environ = {"ALSA_CONFIG_PATH": self.path("asound.conf"), "HOME": "/tmp",
                        "PATH": "/usr/local/bin:/usr/bin:/bin"}
        self.put = self.path("put.log")
        self.running.append(start([self.program("bench-content"), self.display,
                                   self.options.content, self.options.size, self.put], self.log))
        self.wait(lambda: read_log(self.put), 60, "the content")

    def close(self):
        for process in reversed(self.running):
            stop(process)
        self.site.kill()
        if os.environ.get("BENCH_KEEP"):
            print(f"kept {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def wait(self, is_met, seconds, what):
        end = time.monotonic() + seconds
        while not is_met():
            if time.monotonic() > end:
                with open(self.log, errors="replace") as file:
                    words = "".join(file.readlines()[-15:])
                raise Failed(f"{what} does not come; last words:\n{words}")
            time.sleep(0.05)

    # The two recorders

    def start_jibri(self, urls, is_tee):
        words = [w.format(size=self.options.size, display=self.display) for w in JIBRI_INPUT]
        if is_tee:
            words += ["-flags", "+global_header", "-map", "0:v", "-map", "1:a", "-f", "tee",
                      "|".join(f"[f=flv]{url}" for url in urls)]
            return [start(words, self.log, self.environ)]
        return [start(words + ["-f", "flv", url], self.log, self.environ) for url in urls]

    def start_ours(self, urls):
        with open(self.path("targets"), "w") as out:
            json.dump([{"name": "", "url": url} for url in urls], out)
        return [start(
            [self.program("telerec-slot"), "--grab-only", self.display, "--fbdir", self.folder,
             "--size", self.options.size, "--rate", "30", "--kbps", str(KBIT_S),
             "--constant-rate", "--key-interval", "2s", "--sound", "tone", "--streams",
             self.path("targets")], self.log, self.environ)]

    def start_recorder(self, side, urls):
        if side.startswith("ours"):
            return self.start_ours(urls)
        return self.start_jibri(urls, "tee" in side)

    # One run

    def run(self, side):
        """(recorder's CPU, X server's CPU) each second of streaming, and the delays in ms."""
        self.count += 1
        urls = [f"rtmp://127.0.0.1:{self.site.port}/open/run{self.count}-{i}"
                for i in range(3 if "3" in side else 1)]
        seen = self.path(f"seen{self.count}.log")
        recorders = self.start_recorder(side, urls)
        player = start([self.program("bench-player"), urls[0], seen], self.log)
        try:
            self.wait(lambda: read_log(seen), 120, f"a picture ({side})")
            time.sleep(WARM_S)
            recorder, x = cpu_s(r.pid for r in recorders), cpu_s([self.x.pid])
            began = time.monotonic()
            time.sleep(self.options.seconds)
            if self.options.quick:      # however long a busy machine needs for them
                self.wait(lambda: len(self.delays(seen, began, time.monotonic())) >= ENOUGH, 120,
                          f"a stream ({side})")
            ended = time.monotonic()
            recorder, x = cpu_s(r.pid for r in recorders) - recorder, cpu_s([self.x.pid]) - x
            if any(r.poll() is not None for r in recorders):
                raise Failed(f"{side}: it ended early, see its words with BENCH_KEEP=1")
        finally:
            for each in recorders:
                stop(each, signal.SIGINT)
            stop(player)
        return recorder / (ended - began), x / (ended - began), self.delays(seen, began, ended)

    def idle_x(self):
        before, began = cpu_s([self.x.pid]), time.monotonic()
        time.sleep(min(self.options.seconds, 5))
        return (cpu_s([self.x.pid]) - before) / (time.monotonic() - began)

    def delays(self, seen, began, ended):
        """Of each picture that the player showed first within the window."""
        put, first = dict(read_log(self.put)), {}
        for number, at in read_log(seen):
            first.setdefault(number, at)
        if -1 in first and len(first) < 3:
            raise Failed("the pictures cannot be read")
        return [(at - put[n]) * 1000 for n, at in first.items()
                if n in put and began <= at <= ended]


def show(side, figures):
    core, x, delays = figures
    print(f"  {side:16} {core:.3f} core, X {x:.3f}, "
          f"delay median {statistics.median(delays):.0f} ms, p95 {quantile(delays, 0.95):.0f}, "
          f"worst {max(delays):.0f}, {len(delays)} pictures, load {os.getloadavg()[0]:.1f}",
          flush=True)


def summary(results, idle, seconds):
    def middle(side, index):
        return statistics.median(figures[index] for figures in results[side])

    def cost(side):
        return middle(side, 0) + middle(side, 1) - idle

    def delay(side):
        return statistics.median(d for figures in results[side] for d in figures[2])
    jibri, ours, tee, three, jibris = (side if side in results else None for side in SIDES)
    print(f"= delay, screen to player: ours {delay(ours):.0f} ms, Jibri {delay(jibri):.0f} ms")

    def pictures(side):
        return statistics.mean(len(figures[2]) for figures in results[side]) / seconds

    def ratio(words, a, b):
        print(f"= CPU s per streamed s, {words}: {middle(a, 0):.3f} / {middle(b, 0):.3f} = "
              f"{middle(a, 0) / middle(b, 0):.2f}; with X for it {cost(a):.3f} / {cost(b):.3f} = "
              f"{cost(a) / cost(b):.2f}; pictures/s at the player {pictures(a):.0f}, "
              f"{pictures(b):.0f}")
    ratio("one target, ours/Jibri", ours, jibri)
    ratio("three, ours/Jibri's ffmpeg with tee", three, tee)
    if jibris:
        ratio("three, ours/three Jibris", three, jibris)
    ratio("ours, three/one", three, ours)


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--content", default="speaker",
                        choices=("slides", "speaker", "gallery", "full"))
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="only whether it works")
    options = parser.parse_args()
    if options.quick:
        options.size, options.seconds, options.rounds = "640x360", 2, 1
    return options


def main():
    reason = missing() or next((f"{p} is not installed" for p in ("Xvfb", "ffmpeg")
                                if not shutil.which(p)), None)
    if reason:
        print(f"skipped: {reason}")
        return 77
    options = parse()
    sides = SIDES[:4] if options.quick else SIDES
    results = {side: [] for side in sides}
    bench = Bench(options)
    try:
        bench.open()
        idle = bench.idle_x()
        print(f"{options.content} {options.size}, {options.rounds} rounds of "
              f"{options.seconds:.0f} s, X without a recorder {idle:.3f}", flush=True)
        for turn in range(options.rounds):
            for side in (*sides[turn % len(sides):], *sides[:turn % len(sides)]):
                figures = bench.run(side)
                if len(figures[2]) < (ENOUGH if options.quick else options.seconds * 2):
                    raise Failed(f"{side}: only {len(figures[2])} pictures reached the player")
                results[side].append(figures)
                show(side, figures)
        summary(results, idle, options.seconds)
    except Failed as error:
        print(f"FAILED: {error}")
        return 1
    finally:
        bench.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
