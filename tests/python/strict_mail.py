"""Parses every message of a folder as strictly as Python's email package can, and says what it met.

Any defect that the parser knows of raises an error; every header is read, every part decoded. What messages without
attachments compress to, one stream for each character set as COMPRESS=DEFLATE has it, is told in per mille.
"""

import collections
import email
import email.policy
import json
import pathlib
import sys
import zlib

POLICY = email.policy.SMTP.clone(raise_on_defect=True)


def check(path, met):
    """Counts what the message is; returns the character set of one that is text only."""
    octets = path.read_bytes()
    message = email.message_from_bytes(octets, policy=POLICY)
    for name, value in message.items():
        assert value.defects == (), (path, name, value.defects)
        assert str(value), (path, name)
    assert message["Message-ID"] and message["Date"].datetime and message["From"].addresses
    met["answers"] += message["In-Reply-To"] is not None
    if message["In-Reply-To"]:
        assert message["Subject"].startswith("Re: "), (path, message["Subject"])
        assert message["References"].split()[-1] == message["In-Reply-To"].strip(), path
    met["subjects"] += not message["Subject"].isascii()
    met["shape " + message.get_content_type()] += 1
    charset = None
    for part in message.walk():
        assert part.defects == [], (path, part.defects)
        if part.is_multipart():
            assert len(list(part.iter_parts())) == 2, path
            continue
        content = part.get_content()
        if part.get_content_disposition() == "attachment":
            assert part.get_filename().isprintable(), path
            met["file " + part.get_content_type()] += 1
            assert len(content) > 0, path
            continue
        assert isinstance(content, str) and "\ufffd" not in content, path
        # What is not in the character set is an error too.
        part.get_payload(decode=True).decode(part.get_content_charset(), errors="strict")
        kind = part.get_content_subtype()
        charset = f"{part.get_content_charset()} {part['Content-Transfer-Encoding']}"
        met[f"{kind} {charset}"] += 1
    return None if message.get_content_type() == "multipart/mixed" else charset


def main():
    met = collections.Counter()
    plain, packed = collections.Counter(), collections.Counter()
    deflate = collections.defaultdict(lambda: zlib.compressobj(1))
    for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        met["messages"] += 1
        charset = check(path, met)
        if charset:
            octets = path.read_bytes()
            plain[charset] += len(octets)
            packed[charset] += len(deflate[charset].compress(octets))
    for charset, octets in plain.items():
        rest = len(deflate[charset].flush())
        met[f"per mille {charset}"] = 1000 * (packed[charset] + rest) // octets
    print(json.dumps(met))


main()
