"""What the client scripts share: the server's addresses, and checks that say what was done."""

import json
import smtplib
import sys


class Checks:
    """Counts what was checked; a mismatch ends the script."""

    def __init__(self):
        self.count = 0

    def that(self, what, got, expected):
        if got != expected:
            print(f"MISMATCH: {what}\n  expected {expected!r}\n  got      {got!r}")
            sys.exit(1)
        self.count += 1
        print(f"ok: {what}")

    def true(self, what, got):
        self.that(what, bool(got), True)

    def refused(self, what, error, call, *arguments):
        """The call must raise `error`; the session must go on after it."""
        try:
            result = call(*arguments)
        except error as refusal:
            self.count += 1
            print(f"ok: {what}: {refusal}")
        else:
            print(f"MISMATCH: {what} was not refused: {result!r}")
            sys.exit(1)


def addresses():
    """Host and port of each service; the CA's path stays as it is."""
    services = json.loads(sys.argv[1])
    split = {}
    for name, value in services.items():
        if name == "ca" or value is None:
            split[name] = value
        else:
            host, port = value.rsplit(":", 1)
            split[name] = (host, int(port))
    return split


def deliver(lmtp, user, message):
    with smtplib.LMTP(*lmtp) as client:
        refused = client.sendmail("sender@example.org", [user + "@localhost"], message)
        assert refused == {}, refused
