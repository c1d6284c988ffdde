"""Everything that poplib offers, against the embedded server."""

import poplib
import ssl

from check import Checks, addresses, deliver

FIRST = b"From: a@example.org\r\nSubject: first\r\n\r\nline 1\r\n.line 2\r\n..\r\nline 4\r\n"
SECOND = b"From: b@example.org\r\nSubject: second\r\n\r\n" + b"x" * 70 + b"\r\n"

server = addresses()
check = Checks()
trust = ssl.create_default_context(cafile=server["ca"])


def logged_in(client, user="ann"):
    client.user(user)
    client.pass_("secret of " + user)
    return client


def lines(message):
    return message.split(b"\r\n")[:-1]


deliver(server["lmtp"], "ann", FIRST)
deliver(server["lmtp"], "ann", SECOND)

pop = poplib.POP3(*server["pop3"], timeout=10)
check.true("the greeting has a timestamp", b"<" in pop.getwelcome())
capabilities = pop.capa()
for name in ["TOP", "USER", "UIDL", "PIPELINING", "RESP-CODES", "AUTH-RESP-CODE", "STLS"]:
    check.that(f"CAPA {name}", capabilities.get(name), [])
check.that("CAPA SASL", capabilities.get("SASL"), ["PLAIN"])
check.that("CAPA EXPIRE", capabilities.get("EXPIRE"), ["NEVER"])
check.true("CAPA IMPLEMENTATION", capabilities.get("IMPLEMENTATION"))
check.refused("STAT before the login", poplib.error_proto, pop.stat)
check.refused("UTF8", poplib.error_proto, pop.utf8)
check.refused("RPOP", poplib.error_proto, pop.rpop, "ann")
pop.user("ann")
check.refused("a wrong password", poplib.error_proto, pop.pass_, "wrong")
check.true("USER", pop.user("ann").startswith(b"+OK"))
check.true("PASS", pop.pass_("secret of ann").startswith(b"+OK"))
check.that("STAT", pop.stat(), (2, len(FIRST) + len(SECOND)))
check.that(
    "LIST", pop.list()[1], [b"1 %d" % len(FIRST), b"2 %d" % len(SECOND)]
)
check.that("LIST 2", pop.list(2), b"+OK 2 %d" % len(SECOND))
check.refused("LIST 3", poplib.error_proto, pop.list, 3)
uidl = pop.uidl()[1]
check.that("UIDL numbers", [line.split()[0] for line in uidl], [b"1", b"2"])
check.that("UIDL 1", pop.uidl(1), b"+OK " + uidl[0])
check.that("RETR 1", pop.retr(1)[1:], (lines(FIRST), len(FIRST)))
check.that("RETR 2", pop.retr(2)[1:], (lines(SECOND), len(SECOND)))
check.that("TOP 1 0", pop.top(1, 0)[1], lines(FIRST)[:3])
check.that("TOP 1 2", pop.top(1, 2)[1], lines(FIRST)[:5])
check.that("TOP 1 99", pop.top(1, 99)[1], lines(FIRST))
check.true("NOOP", pop.noop().startswith(b"+OK"))
check.true("DELE 1", pop.dele(1).startswith(b"+OK"))
check.refused("RETR of a deleted message", poplib.error_proto, pop.retr, 1)
check.refused("DELE of a deleted message", poplib.error_proto, pop.dele, 1)
check.that("STAT without it", pop.stat(), (1, len(SECOND)))
check.that("LIST without it", pop.list()[1], [b"2 %d" % len(SECOND)])
check.true("RSET", pop.rset().startswith(b"+OK"))
check.that("STAT with it again", pop.stat(), (2, len(FIRST) + len(SECOND)))

other = poplib.POP3(*server["pop3"], timeout=10)
other.user("ann")
check.refused("a second session", poplib.error_proto, other.pass_, "secret of ann")
other.quit()

pop.dele(1)
pop.close()  # without QUIT: nothing is deleted

pop = poplib.POP3(*server["pop3"], timeout=10)
check.true("APOP", pop.apop("ann", "secret of ann").startswith(b"+OK"))
check.that("a dropped session deletes nothing", pop.stat()[0], 2)
check.that("UIDLs are as they were", pop.uidl()[1], uidl)
pop.dele(1)
check.true("QUIT", pop.quit().startswith(b"+OK"))

pop = poplib.POP3(*server["pop3"], timeout=10)
check.true("STLS", pop.stls(trust).startswith(b"+OK"))
check.true("no STLS within TLS", "STLS" not in pop.capa())
logged_in(pop)
check.that("QUIT deleted the message", pop.stat(), (1, len(SECOND)))
check.that("the other keeps its UIDL", pop.uidl()[1], [b"1 " + uidl[1].split()[1]])
check.that("RETR within TLS", pop.retr(1)[1], lines(SECOND))
pop.quit()

pop = poplib.POP3_SSL(*server["pop3s"], timeout=10, context=trust)
logged_in(pop)
pop.dele(1)
pop.quit()
pop = logged_in(poplib.POP3_SSL(*server["pop3s"], timeout=10, context=trust))
check.that("an empty maildrop", (pop.stat(), pop.list()[1], pop.uidl()[1]), ((0, 0), [], []))
pop.quit()

print(f"{check.count} checks passed")
