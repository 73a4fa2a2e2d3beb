"""Takes jobs from Redis over one connection that stays open: worker.py CACHE DOMAIN PRINTER_PORT

For every job it sends a mail (over IPv6) and prints a line (over IPv4).
"""
import smtplib
import socket
import sys

import redis

CACHE, DOMAIN, PRINTER_PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])


def lookup(name, family):
    return socket.getaddrinfo(f"{name}.{DOMAIN}", None, family, socket.SOCK_STREAM)[0][4][0]


def send_mail(order):
    text = f"Subject: order {order}\n\nOrder {order} has come in.\n"
    host = lookup("mail", socket.AF_INET6)
    with smtplib.SMTP(host, 25, local_hostname=f"worker.{DOMAIN}", timeout=10) as server:
        server.sendmail(f"worker@{DOMAIN}", [f"boss@{DOMAIN}"], text)


def print_out(order):
    address = (lookup("printer", socket.AF_INET), PRINTER_PORT)
    with socket.create_connection(address, timeout=10) as printer:
        printer.sendall(f"order {order}\n".encode() * 40)
        printer.shutdown(socket.SHUT_WR)
        while printer.recv(100):
            pass


# One client on one connection, not a pool that may open a second one.
cache = redis.Redis(host=CACHE, port=6379, single_connection_client=True)
cache.set("worker", "ready")
print("connected", flush=True)
while True:
    job = cache.brpop("jobs", timeout=2)
    if job:
        send_mail(int(job[1]))
        print_out(int(job[1]))
        cache.incr("done")
