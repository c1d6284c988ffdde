"""Everything that imaplib offers, against the embedded server."""

import imaplib
import re
import ssl
import time

from check import Checks, addresses, deliver

imaplib.Commands.setdefault("UNSELECT", ("SELECTED",))
imaplib.Commands.setdefault("MOVE", ("SELECTED",))
imaplib.Commands.setdefault("ID", ("NONAUTH", "AUTH", "SELECTED"))

PLAIN = (
    b"From: Ann Other <ann@example.org>\r\n"
    b"To: bob@example.org, \"Q. Public\" <q@example.org>\r\n"
    b"Subject: =?utf-8?q?gr=C3=BCn?= day\r\n"
    b"Date: Mon, 02 Mar 2026 10:20:30 +0100\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"X-Colour: green\r\n"
    b"\r\n"
    b"The quick brown fox.\r\nSecond line.\r\n"
)
MIXED = (
    b"From: c@example.org\r\n"
    b"Subject: parts\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: multipart/mixed; boundary=\"outer\"\r\n"
    b"\r\n"
    b"preamble\r\n"
    b"--outer\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Transfer-Encoding: quoted-printable\r\n"
    b"\r\n"
    b"caf=C3=A9\r\n"
    b"--outer\r\n"
    b"Content-Type: message/rfc822\r\n"
    b"\r\n"
    b"Subject: inner\r\n"
    b"Content-Type: multipart/alternative; boundary=in\r\n"
    b"\r\n"
    b"--in\r\n"
    b"\r\n"
    b"inner text\r\n"
    b"--in\r\n"
    b"Content-Type: text/html\r\n"
    b"\r\n"
    b"<p>inner</p>\r\n"
    b"--in--\r\n"
    b"--outer\r\n"
    b"Content-Type: application/octet-stream; name=\"a b.bin\"\r\n"
    b"Content-Disposition: attachment; filename=\"a b.bin\"\r\n"
    b"Content-Transfer-Encoding: base64\r\n"
    b"\r\n"
    b"AAECAwQ=\r\n"
    b"--outer--\r\n"
)

INNER = MIXED[MIXED.index(b"Subject: inner") : MIXED.index(b"\r\n--outer\r\nContent-Type: app")]

server = addresses()
check = Checks()
trust = ssl.create_default_context(cafile=server["ca"])
NO = imaplib.IMAP4.error


def ok(reply):
    assert reply[0] == "OK", reply
    return reply[1]


def connect(user="bob"):
    client = imaplib.IMAP4(*server["imap"], timeout=10)
    ok(client.login(user, "secret of " + user))
    return client


def texts(data):
    """The bodies of a FETCH, and the text around each."""
    return [(part[0], part[1]) for part in data if isinstance(part, tuple)]


imap = imaplib.IMAP4(*server["imap"], timeout=10)
check.true("IMAP4rev1 is announced", "IMAP4REV1" in imap.capabilities)
check.true("STARTTLS is announced", "STARTTLS" in imap.capabilities)
check.true("CAPABILITY", b"AUTH=PLAIN" in ok(imap.capability())[0])
check.true("NOOP before the login", ok(imap.noop()))
check.refused("a wrong password", NO, imap.login, "bob", "wrong")
check.refused("CRAM-MD5 is not offered", (NO, AssertionError), imap.login_cram_md5, "bob", "x")
ok(imap.authenticate("PLAIN", lambda _: b"\0bob\0secret of bob"))
check.true("AUTHENTICATE PLAIN", imap.state == "AUTH")
imap.capability()
capabilities = imap.untagged_responses.get("CAPABILITY", [b""])[-1].decode().upper().split()
capabilities = capabilities or ok(imap.capability())[0].decode().upper().split()
for name in ["IDLE", "UIDPLUS", "MOVE", "CONDSTORE", "SPECIAL-USE", "NAMESPACE", "UNSELECT", "ENABLE"]:
    check.true(f"{name} is announced", name in capabilities)
check.refused("FETCH without a mailbox", NO, imap.fetch, "1", "(FLAGS)")
check.that("NAMESPACE", ok(imap.namespace()), [b'(("" ".")) NIL NIL'])
check.true("LIST shows INBOX", b'(\\HasNoChildren) "." INBOX' in ok(imap.list()))
check.true("LIST shows what Sent is for", b'(\\HasNoChildren \\Sent) "." Sent' in ok(imap.list()))
check.that("LIST of the separator", ok(imap.list('""', '""')), [b'(\\Noselect) "." ""'])
check.that("LIST of inbox", ok(imap.list('""', "inbox")), [b'(\\HasNoChildren) "." INBOX'])
check.true("LSUB", any(b"Trash" in line for line in ok(imap.lsub())))
check.true("CREATE", ok(imap.create("Work.Projects")))
check.that("CREATE twice", imap.create("Work.Projects")[0], "NO")
check.that("CREATE of a bad name", imap.create('"a/b"')[0], "NO")
check.that(
    "LIST with %", ok(imap.list('""', "W%")), [b'(\\HasChildren) "." Work']
)
check.that(
    "LIST with a reference",
    ok(imap.list("Work.", "*")),
    [b'(\\HasNoChildren) "." Work.Projects'],
)
check.true("SUBSCRIBE", ok(imap.subscribe("Work.Projects")))
check.that("LSUB of it", ok(imap.lsub('""', "Work.*")), [b'(\\HasNoChildren) "." Work.Projects'])
check.true("UNSUBSCRIBE", ok(imap.unsubscribe("Work.Projects")))
check.that("LSUB without it", ok(imap.lsub('""', "Work.*")), [None])
check.true("RENAME", ok(imap.rename("Work", "Job")))
check.that(
    "RENAME takes along what is below",
    ok(imap.list('""', "*Projects")),
    [b'(\\HasNoChildren) "." Job.Projects'],
)
check.true("DELETE", ok(imap.delete("Job.Projects")))
check.that("DELETE twice", imap.delete("Job.Projects")[0], "NO")
check.that("DELETE INBOX", imap.delete("INBOX")[0], "NO")

deliver(server["lmtp"], "bob", PLAIN)
check.that("SELECT", ok(imap.select()), [b"1"])
check.that("EXISTS", imap.response("EXISTS")[1], [b"1"])
check.that("RECENT", imap.recent(), ("OK", [b"1"]))
uid_validity = int(imap.response("UIDVALIDITY")[1][0])
check.that("UIDNEXT", imap.response("UIDNEXT")[1], [b"2"])
check.true("HIGHESTMODSEQ", int(imap.response("HIGHESTMODSEQ")[1][0]) > 0)
check.true("PERMANENTFLAGS", b"\\*" in imap.response("PERMANENTFLAGS")[1][0])

reply = ok(imap.append("INBOX", "\\Flagged $Later", time.mktime((2026, 1, 2, 3, 4, 5, 0, 2, 0)), MIXED))
check.that("APPEND gives APPENDUID", reply, [b"[APPENDUID %d 2] Done" % uid_validity])
check.that("APPEND to no mailbox", imap.append("Nowhere", None, None, PLAIN)[0], "NO")
check.true("TRYCREATE", imap.untagged_responses.pop("TRYCREATE", None) is not None)
check.true("CHECK", ok(imap.check()))
check.that("the appended message is heard of", imap.response("EXISTS")[1][-1], b"2")

# FETCH
check.that("FLAGS and more", ok(imap.fetch("2", "(FLAGS UID RFC822.SIZE)"))[0][:3], b"2 (")
flags = imaplib.ParseFlags(ok(imap.fetch("2", "FLAGS"))[0])
check.that("flags of APPEND", set(flags), {b"\\Flagged", b"$Later", b"\\Recent"})
internal = ok(imap.fetch("2", "INTERNALDATE"))[0]
check.true("INTERNALDATE", imaplib.Internaldate2tuple(internal)[0] == 2026)
check.that(
    "RFC822.SIZE", ok(imap.fetch("1:2", "RFC822.SIZE")),
    [b"1 (RFC822.SIZE %d)" % len(PLAIN), b"2 (RFC822.SIZE %d)" % len(MIXED)],
)
check.that("BODY.PEEK[]", texts(ok(imap.fetch("1", "BODY.PEEK[]")))[0][1], PLAIN)
check.true("PEEK leaves \\Seen", b"\\Seen" not in ok(imap.fetch("1", "FLAGS"))[0])
check.that("RFC822.HEADER", texts(ok(imap.fetch("1", "RFC822.HEADER")))[0][1], PLAIN.split(b"\r\n\r\n")[0] + b"\r\n\r\n")
check.that("BODY[]<4.5>", texts(ok(imap.fetch("1", "BODY.PEEK[]<4.5>")))[0], (b"1 (BODY[]<4> {5}", PLAIN[4:9]))
check.that("beyond the end", texts(ok(imap.fetch("1", "BODY.PEEK[]<99999.5>")))[0][1], b"")
check.that("RFC822.TEXT", texts(ok(imap.fetch("1", "RFC822.TEXT")))[0][1], PLAIN.split(b"\r\n\r\n", 1)[1])
check.true("RFC822.TEXT sets \\Seen", b"\\Seen" in ok(imap.fetch("1", "FLAGS"))[0])
check.that(
    "HEADER.FIELDS",
    texts(ok(imap.fetch("1", "(BODY.PEEK[HEADER.FIELDS (DATE X-COLOUR)])")))[0],
    (
        b"1 (BODY[HEADER.FIELDS (DATE X-COLOUR)] {58}",
        b"Date: Mon, 02 Mar 2026 10:20:30 +0100\r\nX-Colour: green\r\n\r\n",
    ),
)
check.that(
    "HEADER.FIELDS.NOT",
    texts(ok(imap.fetch("1", "(BODY.PEEK[HEADER.FIELDS.NOT (DATE X-COLOUR TO FROM SUBJECT)])")))[0][1],
    b"Message-ID: <1@example.org>\r\n\r\n",
)
check.that(
    "ENVELOPE",
    ok(imap.fetch("1", "ENVELOPE"))[0],
    b'1 (ENVELOPE ("Mon, 02 Mar 2026 10:20:30 +0100" "=?utf-8?q?gr=C3=BCn?= day" '
    b'(("Ann Other" NIL "ann" "example.org")) (("Ann Other" NIL "ann" "example.org")) '
    b'(("Ann Other" NIL "ann" "example.org")) '
    b'((NIL NIL "bob" "example.org")("Q. Public" NIL "q" "example.org")) NIL NIL NIL "<1@example.org>"))',
)
check.that(
    "BODY",
    ok(imap.fetch("1", "BODY"))[0],
    b'1 (BODY ("text" "plain" NIL NIL NIL "7bit" 36 2))',
)
structure = ok(imap.fetch("2", "BODYSTRUCTURE"))[0]
check.that(
    "BODYSTRUCTURE",
    structure,
    b'2 (BODYSTRUCTURE (("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 9 0 NIL NIL NIL NIL)'
    b'("message" "rfc822" NIL NIL NIL "7bit" %d (NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) '
    b'(("text" "plain" NIL NIL NIL "7bit" 10 0 NIL NIL NIL NIL)'
    b'("text" "html" NIL NIL NIL "7bit" 12 0 NIL NIL NIL NIL) "alternative" ("boundary" "in") NIL NIL NIL) %d NIL NIL NIL NIL)'
    b'("application" "octet-stream" ("name" "a b.bin") NIL NIL "base64" 8 NIL ("attachment" ("filename" "a b.bin")) NIL NIL)'
    b' "mixed" ("boundary" "outer") NIL NIL NIL))' % (len(INNER), INNER.count(b"\n")),
)
for section, expected in [
    ("1", b"caf=C3=A9"),
    ("1.MIME", b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"),
    ("2.HEADER", b"Subject: inner\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n"),
    ("2.HEADER.FIELDS (SUBJECT)", b"Subject: inner\r\n\r\n"),
    ("2.1", b"inner text"),
    ("2.2", b"<p>inner</p>"),
    ("2.2.MIME", b"Content-Type: text/html\r\n\r\n"),
    ("2.TEXT", MIXED[MIXED.index(b"--in\r\n") : MIXED.index(b"\r\n--outer\r\nContent-Type: app")]),
    ("3", b"AAECAwQ="),
    ("TEXT", MIXED.split(b"\r\n\r\n", 1)[1]),
]:
    check.that(f"BODY[{section}]", texts(ok(imap.fetch("2", f"(BODY.PEEK[{section}])")))[0][1], expected)
check.that("a part that is not there", ok(imap.fetch("2", "BODY.PEEK[7]")), [b"2 (BODY[7] NIL)"])
check.refused("FETCH 9", NO, imap.fetch, "9", "FLAGS")
check.refused("PARTIAL of RFC 1730", NO, imap.partial, "1", "RFC822", "1", "3")

# SEARCH
for criteria, expected in [
    ("ALL", b"1 2"), ("SEEN", b"1"), ("UNSEEN", b"2"), ("FLAGGED", b"2"), ("KEYWORD $Later", b"2"),
    ("UNKEYWORD $Later", b"1"), ("KEYWORD none", b""), ("FROM ann", b"1"), ("TO public", b"1"),
    ('SUBJECT "day"', b"1"), ("HEADER X-Colour gree", b"1"), ('HEADER X-Colour ""', b"1"),
    ('BODY "brown fox"', b"1"), ("TEXT inner", b"2"), ("BODY ann", b""), ("NOT SEEN", b"2"),
    ("OR SEEN FLAGGED", b"1 2"), ("1", b"1"), ("UID 2", b"2"), ("LARGER 400", b"2"), ("SMALLER 400", b"1"),
    ("SENTON 2-Mar-2026", b"1"), ("SENTBEFORE 1-Mar-2026", b""), ("SENTSINCE 1-Mar-2026", b"1"),
    ("BEFORE 1-Feb-2026", b"2"), ("ON 2-Jan-2026", b"2"), ("SINCE 1-Feb-2026", b"1"), ("NEW", b"2"),
    ("OLD", b""), ("RECENT", b"1 2"), ("(ANSWERED)", b""), ("DELETED", b""), ("DRAFT", b""),
    ("UNDELETED UNDRAFT UNANSWERED UNFLAGGED", b"1"), ("MODSEQ 999999", b""),
]:
    check.that(f"SEARCH {criteria}", ok(imap.search(None, criteria)), [expected])
imap.literal = "GRÜN".encode()
check.that("SEARCH in UTF-8, an encoded subject", ok(imap.search("UTF-8", "SUBJECT")), [b"1"])
imap.literal = "café".encode()
check.that("SEARCH in UTF-8, an encoded body", ok(imap.search("UTF-8", "BODY")), [b"2"])
check.that("SEARCH in an unknown charset", imap.search("KOI8-R", "ALL")[0], "NO")
check.refused("SORT", NO, imap._simple_command, "SORT", "(DATE)", "UTF-8", "ALL")
check.refused("THREAD", NO, imap._simple_command, "THREAD", "REFERENCES", "UTF-8", "ALL")

# STORE, COPY, MOVE, EXPUNGE
check.that("STORE", ok(imap.store("1", "+FLAGS", "(\\Answered New)"))[0][:9], b"1 (UID 1 ")
check.true("STORE took", b"\\Answered" in ok(imap.fetch("1", "FLAGS"))[0])
ok(imap.store("1", "-FLAGS.SILENT", "\\Answered"))
check.true("STORE .SILENT took", b"\\Answered" not in ok(imap.fetch("1", "FLAGS"))[0])
ok(imap.store("1", "FLAGS", "(\\Draft)"))
check.that("STORE replaced", set(imaplib.ParseFlags(ok(imap.fetch("1", "FLAGS"))[0])), {b"\\Draft", b"\\Recent"})
check.true("COPY gives COPYUID", re.match(rb"\[COPYUID \d+ 1:2 1:2\]", ok(imap.copy("1:2", "Archive"))[0]))
check.that("COPY to no mailbox", imap.copy("1", "Nowhere")[0], "NO")
check.that("STATUS", ok(imap.status("Archive", "(MESSAGES RECENT UIDNEXT UNSEEN)")), [b"Archive (MESSAGES 2 RECENT 2 UIDNEXT 3 UNSEEN 2)"])
check.true("STATUS HIGHESTMODSEQ", b"HIGHESTMODSEQ" in ok(imap.status("INBOX", "(HIGHESTMODSEQ UIDVALIDITY)"))[0])
check.that("UID FETCH", ok(imap.uid("FETCH", "2", "(UID)")), [b"2 (UID 2)"])
check.that("UID SEARCH", ok(imap.uid("SEARCH", None, "ALL")), [b"1 2"])
check.that("UID FETCH of nothing", ok(imap.uid("FETCH", "77", "(UID)")), [None])
check.true("UID STORE", b"UID 2" in ok(imap.uid("STORE", "2", "+FLAGS", "(\\Deleted)"))[0])
ok(imap.uid("COPY", "2", "Trash"))
check.true("UID COPY gives COPYUID", imap.response("COPYUID")[1][-1])
reply = imap.uid("MOVE", "1", "Work2")
check.that("UID MOVE to no mailbox", reply[0], "NO")
ok(imap.uid("MOVE", "1", "Job"))
check.that("MOVE tells EXPUNGE", imap.response("EXPUNGE")[1], [b"1"])
check.that("UID EXPUNGE of others", ok(imap.uid("EXPUNGE", "1")), [None])
check.that("EXPUNGE", ok(imap.expunge()), [b"1"])
check.that("nothing is left", ok(imap.search(None, "ALL")), [b""])

# another session
ok(imap.append("INBOX", None, None, PLAIN))
ok(imap.noop())
other = connect()
ok(other.select())
check.that("it sees the message", other.response("EXISTS")[1], [b"1"])
ok(imap.append("INBOX", None, None, MIXED))
other.untagged_responses.clear()
ok(other.noop())
check.that("it hears EXISTS", other.untagged_responses.get("EXISTS"), [b"2"])
ok(imap.noop())
ok(imap.store("1", "+FLAGS", "(\\Deleted)"))
ok(other.noop())
check.true("it hears FETCH FLAGS", b"\\Deleted" in other.untagged_responses["FETCH"][0])
ok(imap.expunge())
ok(other.noop())
check.that("it hears EXPUNGE", other.untagged_responses.get("EXPUNGE"), [b"1"])
check.that("EXAMINE is READ-ONLY", ok(other.select("INBOX", readonly=True)), [b"1"])
check.that("STORE after EXAMINE", other.store("1", "+FLAGS", "(\\Seen)")[0], "NO")
if hasattr(other, "idle"):
    with other.idle(duration=5) as idler:
        ok(imap.append("INBOX", None, None, PLAIN))
        check.that("IDLE hears EXISTS", next(idler), ("EXISTS", [b"2"]))
else:
    other.send(b"X1 IDLE\r\n")
    check.that("IDLE begins", other.readline()[:2], b"+ ")
    ok(imap.append("INBOX", None, None, PLAIN))
    check.that("IDLE hears EXISTS", other.readline(), b"* 2 EXISTS\r\n")
    check.that("and RECENT", other.readline()[:2], b"* ")
    other.send(b"DONE\r\n")
    check.that("IDLE ends", other.readline()[:5], b"X1 OK")
check.that("UNSELECT", other.unselect()[0] if hasattr(other, "unselect") else other._simple_command("UNSELECT")[0], "OK")
other.shutdown()

# what is not offered is refused, and the session goes on
check.refused("PROXYAUTH", NO, imap.proxyauth, "bob")
check.refused("GETACL", NO, imap.getacl, "INBOX")
check.refused("SETACL", NO, imap.setacl, "INBOX", "bob", "r")
check.refused("DELETEACL", NO, imap.deleteacl, "INBOX", "bob")
check.refused("MYRIGHTS", NO, imap.myrights, "INBOX")
check.refused("GETANNOTATION", NO, imap.getannotation, "INBOX", "x", "y")
check.refused("GETQUOTA", NO, imap.getquota, "root")
check.refused("GETQUOTAROOT", NO, imap.getquotaroot, "INBOX")
check.refused("SETQUOTA", NO, imap.setquota, "root", "(STORAGE 1)")
check.refused("XATOM", NO, imap.xatom, "XNOTHING")
check.refused("ENABLE of what is not offered", NO, imap.enable, "UTF8=ACCEPT")
check.true("ID", b"mailgauge" in (imap._simple_command("ID", "NIL"), imap.response("ID"))[1][1][0])
check.true("CLOSE", ok(imap.close()))
check.that("LOGOUT", imap.logout()[0], "BYE")

imap = imaplib.IMAP4(*server["imap"], timeout=10)
ok(imap.starttls(trust))
check.true("no STARTTLS within TLS", "STARTTLS" not in imap.capabilities)
ok(imap.login("bob", "secret of bob"))
check.that("SELECT within TLS", ok(imap.select()), [b"2"])
check.that("FETCH within TLS", texts(ok(imap.fetch("1", "RFC822")))[0][1], MIXED)
imap.logout()

with imaplib.IMAP4_SSL(*server["imaps"], timeout=10, ssl_context=trust) as imap:
    ok(imap.login("bob", "secret of bob"))
    check.that("SELECT over IMAPS", ok(imap.select("Job")), [b"1"])
    ok(imap.store("1", "+FLAGS", "\\Deleted"))
    ok(imap.close())
    check.that("CLOSE expunged", ok(imap.select("Job")), [b"0"])

print(f"{check.count} checks passed")
