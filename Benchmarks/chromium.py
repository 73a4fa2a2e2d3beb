"""Chromium over the DevTools protocol: JSON on two pipes, each message ended by a NUL."""
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time


class Failed(Exception):
    """The browser did not do what was asked."""


class Chromium:
    """`with Chromium() as browser:` it and its profile go with the block. No name resolves but 127.0.0.1."""

    def __init__(self, seconds=60):
        self.seconds, self.number, self.rest, self.events = seconds, 0, b"", []
        self.profile = tempfile.mkdtemp(prefix="renkei-chromium-")
        # High numbers, so that neither is in the way of the child's 3 and 4.
        ends = []
        for end in (*os.pipe(), *os.pipe()):
            ends.append(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10))
            os.close(end)
        theirs_in, self.commands, self.answers, theirs_out = ends

        def give():
            os.dup2(theirs_in, 3)
            os.dup2(theirs_out, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={self.profile}",
             "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-breakpad",
             "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=give, pass_fds=(3, 4),
            start_new_session=True)
        os.close(theirs_in)
        os.close(theirs_out)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for end in (self.commands, self.answers):
            os.close(end)
        shutil.rmtree(self.profile, ignore_errors=True)

    def command(self, method, session=None, **parameters):
        """The result of a command."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.commands, data):]
        end = time.monotonic() + self.seconds
        while True:
            answer = self.message(end)
            if answer is None:
                raise Failed(f"{method}: no answer within {self.seconds} s")
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise Failed(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def message(self, end):
        while b"\0" not in self.rest:
            if not select.select([self.answers], [], [], max(0, end - time.monotonic()))[0]:
                return None
            part = os.read(self.answers, 1 << 20)
            if not part:
                raise Failed("chromium has gone")
            self.rest += part
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def page(self):
        """A new page: the session to give to `command`."""
        target = self.command("Target.createTarget", url="about:blank")["targetId"]
        session = self.command("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.command(f"{domain}.enable", session)
        return target, session

    def value(self, session, expression):
        """The value of a JavaScript expression, awaited."""
        answer = self.command("Runtime.evaluate", session, expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise Failed(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def shown_after(self, url, selector):
        """Milliseconds from the start of the navigation until `selector` is on the screen; and the errors of the console."""
        target, session = self.page()
        self.events = []
        # Two frames: the first is being made when it is told, the second follows when it is shown.
        self.command("Page.addScriptToEvaluateOnNewDocument", session, source=f"""
            window.shown = new Promise((done) => {{
              const look = () => {{
                if (!document.querySelector({json.dumps(selector)})) return requestAnimationFrame(look);
                requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now())));
              }};
              look();
            }});""")
        answer = self.command("Page.navigate", session, url=url)
        if "errorText" in answer:
            raise Failed(f"{url}: {answer['errorText']}")
        milliseconds = self.value(session, "window.shown")
        errors = [event["params"] for event in self.events if event.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded")]
        self.command("Target.closeTarget", targetId=target)
        return milliseconds, errors
