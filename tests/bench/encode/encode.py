"""What a recording costs when a GPU encodes it, beside software: CPU seconds of the slot's process and
its encoder per recorded second, in turn on the same display. The GPU is the one for tests, which counts
its own processor time, so that it can be taken out; what is left is taking, converting and uploading
pictures, and writing the file.

    TR_BUILD_DIR=build python3 tests/bench/encode/encode.py [--contents slides,speaker,gallery,full]
        [--size 1280x720] [--seconds 10] [--rounds 3] [--quick]

See tests/bench/README.md for how to read it.
"""

import argparse
import os
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time

WARM_S = 2      # from the first fragment on the disk, not measured
SIDES = ("software", "GPU")


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def process_cpu_s(pid):
    """User and system seconds of all its threads, from the process's own CPU clock."""
    return time.clock_gettime((~pid << 3) | 2)


def children(parent):
    """[(pid, the program's name)]"""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as file:
                head, _, rest = file.read().rpartition(")")
        except OSError:
            continue
        if int(rest.split()[1]) == parent:
            found.append((int(name), head.partition("(")[2]))
    return found


class Bench:
    def __init__(self, options):
        self.options = options
        self.build = os.path.abspath(os.environ.get("TR_BUILD_DIR", "build"))
        here = os.path.dirname(os.path.abspath(__file__))
        self.peers = os.path.join(here, "..", "..", "peers", "gpu")
        self.folder = tempfile.mkdtemp(prefix="telerec-bench-encode.", dir="/dev/shm")
        self.running = []
        self.count = 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, arguments, **more):
        with open(self.path("log"), "ab") as out:
            process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       start_new_session=True, **more)
        self.running.append(process)
        return process

    def stop(self, process, sign=signal.SIGTERM):
        if process.poll() is None:
            process.send_signal(sign)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.running.remove(process)

    def wait(self, is_met, what, seconds=240):
        end = time.monotonic() + seconds
        while not is_met():
            if time.monotonic() > end:
                with open(self.path("log"), errors="replace") as file:
                    words = "".join(file.readlines()[-15:])
                raise Failed(f"{what} does not come; last words:\n{words}")
            time.sleep(0.05)

    # The world

    def open(self):
        if not shutil.which("umockdev-run") or not shutil.which("Xvfb"):
            raise Skipped("umockdev-run or Xvfb is not installed")
        subprocess.run([os.path.join(self.peers, "make_programs"), self.path("programs"), "intel", ""],
                       env={**os.environ, "TR_BUILD_DIR": self.build}, check=True)
        with open(self.path("usage"), "wb") as out:
            out.write(bytes(16))
        with open(self.path("programs/telerec-encoder.world"), "a") as out:
            out.write(f"TR_TEST_VA_USAGE={self.path('usage')}\n")
        reader, writer = os.pipe()
        self.start(["Xvfb", "-displayfd", str(writer), "-screen", "0", f"{self.options.size}x24",
                    "-fbdir", self.folder, "-nolisten", "tcp", "-noreset"], pass_fds=[writer])
        os.close(writer)
        with os.fdopen(reader) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise Failed("Xvfb does not start")
        self.display = f":{number}"

    def close(self):
        for process in reversed(list(self.running)):
            self.stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def driver_s(self):
        with open(self.path("usage"), "rb") as file:
            return struct.unpack("q", file.read(8))[0] / 1e9

    def skip(self, is_on):
        """From now on the driver's pictures are small, as real ones: no bit of them is right."""
        with open(self.path("usage"), "r+b") as file:
            file.seek(8)
            file.write(struct.pack("q", is_on))

    # One run

    def run(self, side):
        """CPU seconds per recorded second: the slot's, the encoder's, of these the driver's. None when
        this machine is too busy for a GPU's deadlines, and another encoder goes on."""
        self.count += 1
        file = self.path(f"{self.count}.mp4")
        slot = self.start([self.path("programs/telerec-slot"), "--grab-only", self.display, "--fbdir",
                           self.folder, "--size", self.options.size, "--rate", "30", "--to", file,
                           "--encoder", "software" if side == "software" else "vaapi"])
        try:
            self.wait(lambda: slot.poll() is not None or
                      (os.path.exists(file) and os.path.getsize(file) > 20000), f"a fragment ({side})")
            self.skip(True)
            time.sleep(WARM_S)
            encoders = [pid for pid, name in children(slot.pid) if name.startswith("telerec-encod")]
            if slot.poll() is not None:
                raise Failed(f"{side}: it ended early")
            if len(encoders) != 1:
                return None     # one takes over from another just now
            before = process_cpu_s(slot.pid), process_cpu_s(encoders[0]), self.driver_s()
            began = time.monotonic()
            time.sleep(self.options.seconds)
            after = process_cpu_s(slot.pid), process_cpu_s(encoders[0]), self.driver_s()
            lasted = time.monotonic() - began
        except OSError:
            return None         # the encoder was replaced
        finally:
            self.skip(False)
            self.stop(slot, signal.SIGINT)
            if os.path.exists(file):
                os.unlink(file)
        figures = [(b - a) / lasted for a, b in zip(before, after)]
        if side == "GPU" and figures[2] <= 0:
            return None
        return figures

    def measure(self, content):
        process = self.start([os.path.join(self.build, "bench-content"), self.display, content,
                              self.options.size, self.path("put.log")])
        results = {side: [] for side in SIDES}
        try:
            for _ in range(self.options.rounds):
                for side in SIDES:
                    figures = self.run(side) or self.run(side)
                    if not figures:
                        raise Skipped("this machine is too busy for a GPU's deadlines")
                    results[side].append(figures)
                    slot, encoder, driver = figures
                    print(f"  {content:8} {side:8} slot {slot:.3f}, encoder {encoder - driver:.3f}, "
                          f"driver {driver:.3f}, load {os.getloadavg()[0]:.1f}", flush=True)
        finally:
            self.stop(process)
        return results


def show(content, results):
    def middle(side):
        return statistics.median(slot + encoder - driver for slot, encoder, driver in results[side])

    software, gpu = middle("software"), middle("GPU")
    print(f"= {content}: CPU s of slot and encoder per recorded s: GPU (its own cost out) {gpu:.3f}, "
          f"software {software:.3f}: {gpu / software:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--contents", default="slides,speaker,gallery,full")
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="only whether it works")
    options = parser.parse_args()
    if options.quick:
        options.contents, options.rounds, options.seconds = "speaker", 1, 2
    bench = Bench(options)
    try:
        bench.open()
        for content in options.contents.split(","):
            show(content, bench.measure(content))
    except Skipped as why:
        print(f"skipped: {why}")
        return 77
    finally:
        bench.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
