"""Joins two multicast groups and shows what arrives: display.py GROUP4 GROUP6 PORT"""
import select
import socket
import struct
import sys

group4, group6, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
index = socket.if_nametoindex("eth0")

four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
four.bind((group4, port))
request = struct.pack("@4s4si", socket.inet_aton(group4), bytes(4), index)
four.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request)

six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
six.bind((group6, port))
request = struct.pack("@16sI", socket.inet_pton(socket.AF_INET6, group6), index)
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)

while True:
    for ready in select.select([four, six], [], [])[0]:
        message, sender = ready.recvfrom(2000)
        print(sender[0], message.decode().strip(), flush=True)
