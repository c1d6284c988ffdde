//! The claims of the document's text, in its order.

use super::Better::{High, Low};
use super::Switch::{Caching, KeepingMail, MailboxSize, Network, Tls};
use super::{Claim, Respect, Test};
use crate::judge::document::Word;
use crate::judge::verdict::Answer::{No, Yes};
use crate::scenario::Protocol::{Imap, Pop3};

const fn words(english: &'static str, thai: &'static str) -> Word {
    Word { english, thai }
}

const fn better(better: super::Better, metric: &'static str) -> Respect {
    Respect { metric, better }
}

/// P1 to P6, I1 to I5, O1 and O2.
#[rustfmt::skip]
pub static CLAIMS: [Claim; 13] = [
    Claim {
        id: "P1",
        words: words("POP: a session downloads all new messages whole to the device",
            "POP: แต่ละครั้งที่เชื่อมต่อจะดาวน์โหลดเมลใหม่ทั้งฉบับลงเครื่อง"),
        test: Test::Shares(Pop3, &[("seen_on_device", Yes)]),
        switches: &[],
        overturned_by: "mail that a POP3 device has shown and does not hold whole",
    },
    Claim {
        id: "P2",
        words: words("POP: downloaded messages are then deleted from the server, unless it is set to keep them",
            "POP: เมลที่ดาวน์โหลดแล้วจะถูกลบจากเซิร์ฟเวอร์ เว้นแต่ตั้งค่าให้เก็บไว้"),
        test: Test::Shares(Pop3, &[("seen_on_server", No)]),
        switches: &[KeepingMail],
        overturned_by: "seen mail still on the server at the end",
    },
    Claim {
        id: "P3",
        words: words("POP: what is downloaded opens at once on the device, attachments included",
            "POP: เมลที่ดาวน์โหลดแล้วเปิดอ่านและค้นหาบนเครื่องได้ทันที รวมทั้งไฟล์แนบ"),
        test: Test::Shares(Pop3, &[("opened_local", Yes), ("attachments_local", Yes)]),
        switches: &[],
        overturned_by: "openings of mail or attachments that had to go to the server",
    },
    Claim {
        id: "P4",
        words: words("POP: a second device that connects later no longer finds what the first one downloaded",
            "POP: อุปกรณ์เครื่องที่สองที่เชื่อมต่อทีหลังจะไม่พบเมลที่เครื่องแรกดาวน์โหลดไปแล้ว"),
        test: Test::Shares(Pop3, &[("shown_elsewhere", No), ("revisits_found", No)]),
        switches: &[KeepingMail],
        overturned_by: "second devices that do show it",
    },
    Claim {
        id: "P5",
        words: words("POP: a simpler protocol, so connecting takes less time and mail is seen sooner",
            "POP: โปรโตคอลเรียบง่ายกว่า จึงเชื่อมต่อเร็วกว่าและเห็นเมลเร็วกว่า"),
        test: Test::PopTakesLess(&["way_in_p50", "usable_p50", "delivery_to_visible_p50"]),
        switches: &[Tls, MailboxSize, Network],
        overturned_by: "a time to connect, to a usable inbox, or from delivery until new mail is shown that is not shorter for POP3",
    },
    Claim {
        id: "P6",
        words: words("POP: it takes little storage on the server, because mail is deleted after reading",
            "POP: ใช้พื้นที่บนเซิร์ฟเวอร์น้อย เพราะเมลถูกลบหลังอ่าน"),
        test: Test::PopTakesLess(&["disk_at_end", "bytes_on_server"]),
        switches: &[KeepingMail, MailboxSize],
        overturned_by: "as much mail on the server's disk with POP3 as with IMAP",
    },
    Claim {
        id: "I1",
        words: words("IMAP: only headers are downloaded; body and attachments are fetched when a message is opened",
            "IMAP: ดาวน์โหลดเฉพาะหัวเรื่อง ส่วนเนื้อหาและไฟล์แนบดึงมาเมื่อเปิดอ่าน"),
        test: Test::Shares(Imap, &[("opened_fetched", Yes), ("seen_on_device", No)]),
        switches: &[Caching],
        overturned_by: "mail that lies whole on an IMAP device before it is opened",
    },
    Claim {
        id: "I2",
        words: words("IMAP: nothing needs to be stored on the device",
            "IMAP: ไม่ต้องเก็บเมลไว้ในเครื่อง"),
        test: Test::Shares(Imap, &[("seen_on_device", No), ("phone_openings_found", Yes)]),
        switches: &[Caching, Network],
        overturned_by: "openings that fail because nothing was stored",
    },
    Claim {
        id: "I3",
        words: words("IMAP: reading, replying and deleting happen on the server, so an action on one device shows on every other",
            "IMAP: อ่าน ตอบ และลบบนเซิร์ฟเวอร์ การกระทำบนเครื่องหนึ่งจึงเห็นบนทุกเครื่อง"),
        test: Test::Shares(Imap, &[("read_mark_elsewhere", Yes), ("deletions_elsewhere", Yes)]),
        switches: &[Caching],
        overturned_by: "read marks or deletions that other devices do not show",
    },
    Claim {
        id: "I4",
        words: words("IMAP: mail can be read from anywhere, on any machine",
            "IMAP: อ่านเมลได้จากทุกที่ บนเครื่องใดก็ได้"),
        test: Test::Shares(Imap, &[("mail_on_server", Yes), ("shown_elsewhere", Yes)]),
        switches: &[Network],
        overturned_by: "mail that a further device could not show",
    },
    Claim {
        id: "I5",
        words: words("IMAP: it suits a user with a phone, a tablet and a notebook at the same time",
            "IMAP: เหมาะกับผู้ใช้ที่มีทั้งโทรศัพท์ แท็บเล็ต และโน้ตบุ๊ก"),
        test: Test::Shares(Imap, &[("revisits_found", Yes), ("shown_elsewhere", Yes), ("read_mark_elsewhere", Yes)]),
        switches: &[Caching],
        overturned_by: "devices of one person that do not show the same mailbox",
    },
    Claim {
        id: "O1",
        words: words("in most respects IMAP performs better than POP",
            "โดยรวม IMAP มีประสิทธิภาพดีกว่า POP"),
        test: Test::MostRespects(&[
            better(Low, "usable_p50"), better(Low, "way_in_p50"), better(Low, "round_trips"),
            better(Low, "cpu_per_user_hour"), better(Low, "memory_mean"), better(Low, "disk_at_end"),
            better(Low, "delivery_to_visible_p50"),
            better(Low, "openings_missing"), better(High, "revisits_found"), better(High, "read_mark_elsewhere"),
            better(High, "left_without_devices"),
            better(High, "phone_openings_found"), better(Low, "phone_bytes_per_opening"), better(Low, "phone_open_p50"), better(Low, "phone_stored"),
        ]),
        switches: &[KeepingMail, Caching, Tls, MailboxSize, Network],
        overturned_by: "most respects in favour of POP3, or as many for one as for the other; which respects count, and that each counts once, is ours",
    },
    Claim {
        id: "O2",
        words: words("whether one can use it depends on what the site's own server supports",
            "จะใช้ได้หรือไม่ขึ้นอยู่กับเซิร์ฟเวอร์ของแต่ละแห่ง"),
        test: Test::ServerDecides,
        switches: &[],
        overturned_by: "every server supporting every way of reading mail",
    },
];
