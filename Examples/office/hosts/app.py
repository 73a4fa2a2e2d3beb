"""The application behind nginx: app.py ADDRESS PORT DOMAIN

GET /orders/N   counts the visit in Redis and reads the order from PostgreSQL
POST /orders    stores an order in PostgreSQL and leaves a job for the worker in Redis

Every request opens its connections anew and looks the names up anew.
"""
import json
import socket
import sys
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import psycopg2
import redis

ADDRESS, PORT, DOMAIN = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def lookup(name):
    found = socket.getaddrinfo(f"{name}.{DOMAIN}", None, socket.AF_INET, socket.SOCK_STREAM)
    return found[0][4][0]


def open_cache():
    return redis.Redis(host=lookup("cache"), port=6379)


def open_database():
    return psycopg2.connect(host=lookup("db"), user="office", dbname="postgres")


class Orders(BaseHTTPRequestHandler):
    def do_GET(self):
        number = int(self.path.rsplit("/", 1)[-1])
        with closing(open_cache()) as cache:
            visits = cache.incr(f"visits:{number}")
        with closing(open_database()) as database, database.cursor() as cursor:
            cursor.execute("select item, amount from orders where id = %s", (number,))
            item, amount = cursor.fetchone()
        self.answer({"order": number, "item": item, "amount": amount, "visits": visits})

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        with closing(open_database()) as database, database.cursor() as cursor:
            cursor.execute(
                "insert into orders (item, amount) values (%s, 1) returning id", (form["item"][0],)
            )
            number = cursor.fetchone()[0]
            database.commit()
        with closing(open_cache()) as cache:
            cache.lpush("jobs", number)
        self.answer({"order": number})

    def answer(self, content):
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


ThreadingHTTPServer((ADDRESS, PORT), Orders).serve_forever()
