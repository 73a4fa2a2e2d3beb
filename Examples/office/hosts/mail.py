"""An SMTP server that accepts mail and throws it away: mail.py NAME ADDRESS..."""
import sys
from threading import Event

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink

for address in sys.argv[2:]:
    Controller(Sink(), hostname=address, port=25, server_hostname=sys.argv[1]).start()
Event().wait()
