"""A client of the ledger: book.py 4|6 NAME PORT NUMBER..."""
import socket
import sys
import time

family = socket.AF_INET6 if sys.argv[1] == "6" else socket.AF_INET
address = socket.getaddrinfo(sys.argv[2], sys.argv[3], family, socket.SOCK_STREAM)[0][4]
with socket.socket(family, socket.SOCK_STREAM) as connection:
    connection.settimeout(5)
    connection.connect(address)
    answers = connection.makefile()
    print(answers.readline().strip())
    for number in sys.argv[4:]:
        connection.sendall(f"{number}\n".encode())
        print(answers.readline().strip())
        time.sleep(0.1)
