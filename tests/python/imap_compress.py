"""COMPRESS=DEFLATE (RFC 4978) against the embedded server, with nothing of imaplib and nothing of mailgauge: Python's zlib on a socket."""

import socket
import zlib

from check import Checks, addresses

server = addresses()
check = Checks()


class Client:
    """Lines to and from the server, compressed once both said so."""

    def __init__(self, sock):
        self.sock = sock
        self.deflater = None
        self.inflater = None
        self.received = b""
        self.wire = 0
        self.plain = 0

    def send(self, text):
        octets = text.encode()
        if self.deflater:
            octets = self.deflater.compress(octets) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        self.sock.sendall(octets)

    def line(self):
        while b"\r\n" not in self.received:
            octets = self.sock.recv(4096)
            assert octets, "the server closed the connection"
            self.wire += len(octets)
            if self.inflater:
                octets = self.inflater.decompress(octets)
            self.plain += len(octets)
            self.received += octets
        line, self.received = self.received.split(b"\r\n", 1)
        return line.decode()

    def command(self, tag, text):
        self.send(f"{tag} {text}\r\n")
        lines = []
        while True:
            lines.append(self.line())
            if lines[-1].startswith(tag + " "):
                return lines

    def compress(self):
        # Raw DEFLATE: negative window bits, no header.
        self.deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.inflater = zlib.decompressobj(-15)
        early, self.received = self.received, b""
        if early:
            self.received = self.inflater.decompress(early)


def main():
    with socket.create_connection(server["imap"], 20) as sock:
        sock.settimeout(20)
        client = Client(sock)
        check.true("greeting", client.line().startswith("* OK"))
        check.true("no compression before the login", client.command("a0", "COMPRESS DEFLATE")[-1].startswith("a0 BAD"))
        login = client.command("a1", 'LOGIN ann "secret of ann"')
        check.true("offered after the login", "COMPRESS=DEFLATE" in login[-1])
        check.true("another algorithm is refused", client.command("a2", "COMPRESS LZS")[-1].startswith(("a2 BAD", "a2 NO")))
        check.true("accepted", client.command("a3", "COMPRESS DEFLATE")[-1].startswith("a3 OK"))
        client.compress()
        client.wire = client.plain = 0
        check.true("a compressed NOOP", client.command("a4", "NOOP")[-1].startswith("a4 OK"))
        again = client.command("a5", "COMPRESS DEFLATE")[-1]
        check.true("only once", again.startswith("a5 NO [COMPRESSIONACTIVE]"))
        check.true("no longer offered", "COMPRESS" not in client.command("a6", "CAPABILITY")[0])
        body = "Subject: compressed\r\n\r\n" + "all work and no play\r\n" * 4000
        client.send(f"a7 APPEND INBOX {{{len(body)}+}}\r\n{body}\r\n")
        check.true("a literal goes up", "OK [APPENDUID" in client.line())
        check.true("SELECT", client.command("a8", "SELECT INBOX")[-1].startswith("a8 OK"))
        lines = client.command("a9", "FETCH 1 BODY.PEEK[]")
        fetched = "\r\n".join(lines[1:-1])
        check.true("and comes back as it was", fetched == body + ")")
        check.true("in far fewer octets", client.wire * 10 < client.plain)
        client.send("b1 NOOP\r\nb2 NOOP\r\n")
        check.true("pipelined", [client.line()[:5] for _ in range(2)] == ["b1 OK", "b2 OK"])
        check.true("LOGOUT", client.command("b3", "LOGOUT")[-1].startswith("b3 OK"))

    with socket.create_connection(server["imap"], 20) as sock:
        sock.settimeout(20)
        client = Client(sock)
        client.line()
        client.command("c1", 'LOGIN ann "secret of ann"')
        # RFC 4978 section 3: nothing may follow before the answer, for it would not be compressed.
        client.send("c2 COMPRESS DEFLATE\r\nc3 NOOP\r\n")
        check.true("not with more behind it", client.line().startswith("c2 BAD"))
        check.true("what was behind it is taken as it is", client.line().startswith("c3 OK"))
        check.true("asked properly", client.command("c4", "COMPRESS DEFLATE")[-1].startswith("c4 OK"))
        sock.sendall(b"c5 NOOP, not compressed\r\n" * 10)
        try:
            ended = sock.recv(100) == b""
        except ConnectionResetError:
            ended = True
        check.true("what is not compressed ends the connection", ended)
    print(f"{check.count} checks passed")


main()
