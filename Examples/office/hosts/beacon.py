"""Sends a numbered line to two multicast groups: beacon.py GROUP4 GROUP6 PORT TIMES PAUSE"""
import socket
import sys
import time

group4, group6, port, times, pause = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
sender4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender4.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
sender6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sender6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
for number in range(times):
    message = f"the beacon shines, {number}\n".encode()
    sender4.sendto(message, (group4, port))
    sender6.sendto(message, (group6, port))
    time.sleep(pause)
