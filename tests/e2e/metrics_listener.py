"""Those who hear of a node: a StatsD server and two webhook subscribers, one of them always failing.

metrics_listener.py FOLDER: says "UDP HTTP FAILING" (three ports), and writes what it hears to
FOLDER/statsd and FOLDER/hooks, a line each, until its standard input ends.
"""
import http.server
import json
import os
import socket
import sys
import threading


def write(folder, name, line):
    with open(os.path.join(folder, name), "a") as file:
        file.write(line + "\n")


def hear_counts(server, folder):
    while True:
        write(folder, "statsd", server.recv(2000).decode())


def make_handler(folder, status):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            if status == 200:
                write(folder, "hooks", json.dumps({
                    "path": self.path, "body": body, "type": self.headers["Content-Type"],
                    "token": self.headers.get("Authorization", "")}))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass
    return Handler


def main():
    folder = sys.argv[1]
    counts = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    counts.bind(("127.0.0.1", 0))
    threading.Thread(target=hear_counts, args=(counts, folder), daemon=True).start()
    ports = [counts.getsockname()[1]]
    for status in (200, 500):
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), make_handler(folder, status))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        ports.append(server.server_address[1])
    print(*ports, flush=True)
    sys.stdin.read()


main()
