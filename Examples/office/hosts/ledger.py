"""A service of the house: adds up numbers, one per line, and answers with the sum: ledger.py PORT"""
import socket
import sys
from socketserver import StreamRequestHandler, ThreadingTCPServer


class Ledger(StreamRequestHandler):
    def handle(self):
        total = 0
        self.wfile.write(b"ledger ready\n")
        for line in self.rfile:
            total += int(line)
            self.wfile.write(f"sum {total}\n".encode())


class Server(ThreadingTCPServer):
    address_family = socket.AF_INET6  # takes IPv4, too
    daemon_threads = True


Server(("::", int(sys.argv[1])), Ledger).serve_forever()
