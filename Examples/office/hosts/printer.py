"""A printer with a raw port: reads to the end, then says how much it got: printer.py PORT"""
import sys
from socketserver import StreamRequestHandler, TCPServer


class Printer(StreamRequestHandler):
    def handle(self):
        size = len(self.rfile.read())
        self.wfile.write(f"printed {size} bytes\n".encode())


TCPServer(("", int(sys.argv[1])), Printer).serve_forever()
