//! The document's comparison table as data: eight rows with their words, the metrics that put each to the
//! test, how the verdict follows and what it depends on. Computing is left to `rows`.

use serde::Serialize;

use super::claims::Switch;
use super::figure::{Kind, Metric, Role, Unit};
use crate::scenario::Protocol;

use Kind::{Derived, Measured, Modelled};
use Role::{Detail, Judged, Shown};
use Switch::{Caching, KeepingMail, MailboxSize, Network, Tls};

/// One row of the document's table.
#[derive(Debug, Serialize)]
pub struct DocumentRow {
    /// 1 to 8.
    pub number: u8,
    /// A short name for files: `port`, `stored`, …
    pub slug: &'static str,
    /// The label as printed, in Thai (the spelling is the document's).
    pub thai: &'static str,
    /// The label in English.
    pub english: &'static str,
    /// What the document says of POP.
    pub pop: Word,
    /// What the document says of IMAP.
    pub imap: Word,
    /// What is measured, per arm.
    pub metrics: &'static [Metric],
    /// How the verdict follows from the judged metrics.
    pub follows: Word,
    /// What turns the row over.
    pub depends_on: Word,
    /// The same, of what a scenario can set.
    pub switches: &'static [Switch],
}

/// Words in both languages: a cell of the document's table, a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Word {
    /// In English.
    pub english: &'static str,
    /// In Thai.
    pub thai: &'static str,
}

impl DocumentRow {
    /// The document's word for a protocol.
    pub const fn word(&self, protocol: Protocol) -> Word {
        match protocol {
            Protocol::Pop3 => self.pop,
            Protocol::Imap => self.imap,
        }
    }

    /// The metric of that name.
    pub fn metric(&self, name: &str) -> Option<&'static Metric> {
        self.metrics.iter().find(|metric| metric.name == name)
    }
}

const fn word(english: &'static str, thai: &'static str) -> Word {
    Word { english, thai }
}

const fn metric(
    name: &'static str,
    english: &'static str,
    thai: &'static str,
    unit: Unit,
    kind: Kind,
    role: Role,
    how: &'static str,
) -> Metric {
    Metric {
        name,
        english,
        thai,
        unit,
        kind,
        role,
        how,
    }
}

/// The table, in the document's order; a metric is a line and its meaning.
#[rustfmt::skip]
pub static DOCUMENT: [DocumentRow; 8] = [
    DocumentRow {
        number: 1,
        slug: "port",
        thai: "Port Protocal ที่ใช้",
        english: "port the protocol uses",
        pop: word("110", "110"),
        imap: word("143", "143"),
        metrics: &[
            metric("port", "port in use", "port ที่ใช้จริง", Unit::Port, Measured, Judged,
                "The TCP port that the arm's sessions connected to; n counts the sessions that were greeted there."),
            metric("tls_sessions", "sessions over TLS", "session ที่เข้ารหัส TLS", Unit::Percent, Measured, Shown,
                "Share of greeted sessions that made a TLS handshake."),
            metric("greeting_p50", "connect to greeting, median", "เวลาจนเซิร์ฟเวอร์ทักทาย (มัธยฐาน)", Unit::Milliseconds, Measured, Shown,
                "Median time from the start of connecting until the server's greeting was read, with TLS where it comes first."),
            metric("greeting_round_trips", "round trips to the greeting", "round trip จนถึงคำทักทาย", Unit::RoundTrips, Derived, Detail,
                "TCP handshake and greeting are two round trips; TLS 1.3 from the first byte adds one."),
        ],
        follows: word("Agrees when the port in use is the one printed; any other port is the administrator's choice, so it depends.",
            "ตรงเมื่อพอร์ตที่ใช้คือพอร์ตที่พิมพ์ไว้ พอร์ตอื่นเป็นการเลือกของผู้ดูแลระบบ จึงแล้วแต่กรณี"),
        depends_on: word("the server's configuration: 110 and 143 are assigned to the plain protocols, 995 and 993 to TLS from the first byte (RFC 8314), and an administrator may take any other",
            "การตั้งค่าของเซิร์ฟเวอร์: 110 และ 143 กำหนดไว้สำหรับโปรโตคอลแบบไม่เข้ารหัส 995 และ 993 สำหรับ TLS ตั้งแต่ไบต์แรก (RFC 8314) และผู้ดูแลระบบเลือกพอร์ตอื่นได้"),
        switches: &[Tls],
    },
    DocumentRow {
        number: 2,
        slug: "stored",
        thai: "แหล่งที่เก็บ E-mail",
        english: "where mail is stored",
        pop: word("the user's computer", "เครื่องของผู้ใช้"),
        imap: word("the server", "เซิร์ฟเวอร์"),
        metrics: &[
            metric("seen_on_server", "seen mail kept on the server", "เมลที่เห็นแล้วบนเซิร์ฟเวอร์", Unit::Percent, Derived, Judged,
                "Of the mail that some device has shown and its owner has not deleted, the share that is on the server at the end."),
            metric("seen_on_device", "seen mail held on a device", "เมลที่เห็นแล้วบนอุปกรณ์", Unit::Percent, Derived, Judged,
                "Of the same mail, the share that lies whole on at least one device at the end."),
            metric("mail_on_server", "all mail, on server", "เมลทั้งหมด อยู่บนเซิร์ฟเวอร์", Unit::Percent, Derived, Detail,
                "Of all mail accepted before or during the run and not deleted by its owner, the share on the server at the end."),
            metric("mail_on_device", "all mail, on a device", "เมลทั้งหมด อยู่บนอุปกรณ์", Unit::Percent, Derived, Detail,
                "Of the same mail, the share that lies whole on at least one device at the end."),
            metric("mail_waiting", "mail no device has seen yet", "เมลที่ยังไม่มีอุปกรณ์ใดเห็น", Unit::Percent, Derived, Detail,
                "Share of that mail which waits on the server for its first check."),
            metric("bytes_on_server", "mail on the server", "ขนาดเมลบนเซิร์ฟเวอร์", Unit::Bytes, Measured, Shown,
                "Octets of mail held by the server at the end; the mean of the blocks."),
            metric("bytes_on_devices", "mail on the devices", "ขนาดเมลบนอุปกรณ์", Unit::Bytes, Measured, Shown,
                "Octets of mail held by all devices together at the end; the mean of the blocks."),
        ],
        follows: word("Agrees when at least 95 % of seen mail is where the document says and less than half is in the other place too; disagrees when less than half is where it says; otherwise it depends.",
            "ตรงเมื่อเมลที่เห็นแล้วอย่างน้อย 95 % อยู่ในที่ที่เอกสารว่า และอยู่ในอีกที่หนึ่งไม่ถึงครึ่ง ไม่ตรงเมื่ออยู่ในที่ที่ว่าไม่ถึงครึ่ง นอกนั้นแล้วแต่กรณี"),
        depends_on: word("the client's settings: POP that leaves mail on the server, IMAP that keeps copies on the device",
            "การตั้งค่าของโปรแกรมเมล: POP ที่เก็บเมลไว้บนเซิร์ฟเวอร์ และ IMAP ที่เก็บสำเนาไว้ในอุปกรณ์"),
        switches: &[KeepingMail, Caching],
    },
    DocumentRow {
        number: 3,
        slug: "reading",
        thai: "การอ่าน E-mail",
        english: "reading mail",
        pop: word("offline", "ออฟไลน์"),
        imap: word("online", "ออนไลน์"),
        metrics: &[
            metric("opened_local", "opened from the device's store", "เปิดจากอุปกรณ์เอง", Unit::Percent, Measured, Judged,
                "Share of the openings that found their message which needed no network."),
            metric("opened_fetched", "opened by fetching it", "เปิดโดยดึงจากเซิร์ฟเวอร์", Unit::Percent, Measured, Judged,
                "Share of the openings that found their message which fetched it from the server."),
            metric("openings_missing", "openings that found nothing", "เปิดแล้วไม่พบเมล", Unit::Percent, Measured, Shown,
                "Share of all planned openings for which the message was neither on the device nor on the server."),
            metric("openings_failed", "openings that failed", "เปิดไม่สำเร็จ", Unit::Percent, Measured, Detail,
                "Share of all planned openings that ended in an error."),
            metric("attachments_local", "attachments read from the device", "ไฟล์แนบที่เปิดจากอุปกรณ์เอง", Unit::Percent, Measured, Detail,
                "Share of the openings of a message with its attachment, among those that found it, which needed no network."),
            metric("opened_without_network", "opened without a network", "เปิดได้ขณะไม่มีเครือข่าย", Unit::Percent, Measured, Detail,
                "Share of the planned openings on a device that had no network by plan (a tunnel, a flight) that found their message all the same; empty where no outage was planned."),
        ],
        follows: word("POP agrees when at least 95 % of found messages opened from the device's store, IMAP when at least 95 % were fetched; below half it disagrees; between, it depends.",
            "POP ตรงเมื่อเมลที่พบอย่างน้อย 95 % เปิดจากที่เก็บในอุปกรณ์ IMAP ตรงเมื่ออย่างน้อย 95 % ดึงจากเซิร์ฟเวอร์ ไม่ถึงครึ่งคือไม่ตรง ระหว่างนั้นแล้วแต่กรณี"),
        depends_on: word("what the client keeps: an IMAP client with a cache reads offline as well",
            "สิ่งที่โปรแกรมเมลเก็บไว้: IMAP ที่มีแคชอ่านแบบออฟไลน์ได้เช่นกัน"),
        switches: &[Caching],
    },
    DocumentRow {
        number: 4,
        slug: "connect",
        thai: "เวลาที่ใช้ในการเชื่อมต่อ",
        english: "time taken to connect",
        pop: word("little", "น้อย"),
        imap: word("long", "นาน"),
        metrics: &[
            metric("usable_p50", "usable inbox, median", "กล่องจดหมายพร้อมใช้ (มัธยฐาน)", Unit::Milliseconds, Measured, Judged,
                "Median time from the start of connecting until the device can show what is in the inbox."),
            metric("usable_p99", "usable inbox, 99th percentile", "กล่องจดหมายพร้อมใช้ (p99)", Unit::Milliseconds, Measured, Shown,
                "99th percentile of the same."),
            metric("way_in_p50", "connecting and login, median", "เชื่อมต่อจนล็อกอิน (มัธยฐาน)", Unit::Milliseconds, Measured, Judged,
                "Median time of connecting, TLS, greeting and authentication together."),
            metric("connected_time", "connection time per user-hour", "เวลาที่ต่ออยู่ต่อผู้ใช้ต่อชั่วโมง", Unit::SecondsPerUserHour, Derived, Judged,
                "Seconds in an hour of a user's simulated time during which connections of theirs are open, summed over connections; an IMAP session's pauses are scaled by speed, the service times inside are not."),
            metric("session_round_trips", "round trips per session", "round trip ต่อ session", Unit::RoundTripsPerSession, Measured, Detail,
                "Mean number of waits for the server in sessions of the measured phase that ended well."),
            metric("round_trips", "round trips per user-hour", "round trip ต่อผู้ใช้ต่อชั่วโมง", Unit::RoundTripsPerUserHour, Measured, Shown,
                "Waits for the server in commands of the measured phase, divided by users and by simulated hours; n counts commands."),
        ],
        follows: word("Compares the two arms figure by figure: agrees when every judged figure is shown to be lower for POP (from six blocks on by the ratio's interval and p, with fewer in every block and provisionally), disagrees when every one is lower for IMAP, no difference when none points either way, otherwise it depends on which time is meant.",
            "เทียบทีละตัวเลข: ตรงเมื่อทุกตัวเลขที่ใช้ตัดสินแสดงว่า POP ต่ำกว่า (ตั้งแต่หกบล็อกใช้ช่วงและค่า p ของอัตราส่วน น้อยกว่านั้นต้องเป็นเช่นนั้นทุกบล็อกและถือเป็นผลชั่วคราว) ไม่ตรงเมื่อ IMAP ต่ำกว่าทุกตัว ไม่ต่างกันเมื่อไม่มีตัวใดชี้ไปทางใด นอกนั้นขึ้นกับว่าหมายถึงเวลาใด"),
        depends_on: word("which time is meant (until the inbox can be used, or how long the connection is held), the mailbox's size, the network's round-trip time, and whether the client stays connected",
            "หมายถึงเวลาใด (จนกล่องจดหมายพร้อมใช้ หรือระยะที่ถือการเชื่อมต่อไว้) ขนาดกล่องจดหมาย RTT ของเครือข่าย และโปรแกรมเชื่อมต่อค้างไว้หรือไม่"),
        switches: &[Tls, MailboxSize, Network],
    },
    DocumentRow {
        number: 5,
        slug: "resources",
        thai: "การใช้ทรัพยากร Server",
        english: "use of server resources",
        pop: word("the least", "น้อยที่สุด"),
        imap: word("much", "มาก"),
        metrics: &[
            metric("cpu_per_user_hour", "CPU per user-hour", "CPU ต่อผู้ใช้ต่อชั่วโมง", Unit::MillisecondsPerUserHour, Measured, Judged,
                "Server CPU in the measured phase, divided by users and by simulated hours; n counts samples. Differences below 20 ms per process and window are not told apart: the kernel counts in ticks."),
            metric("cpu_per_session", "CPU per session", "CPU ต่อ session", Unit::MillisecondsPerSession, Measured, Detail,
                "The same CPU divided by the sessions that began in the measured phase; delivery is in it on both sides."),
            metric("memory_mean", "resident memory, mean", "หน่วยความจำเฉลี่ย", Unit::Bytes, Measured, Judged,
                "Mean resident memory of the server's processes over the measured phase; pages they share count once where the kernel says so."),
            metric("open_connections", "open connections, mean", "การเชื่อมต่อที่เปิดอยู่เฉลี่ย", Unit::Connections, Measured, Judged,
                "Mean number of POP3 and IMAP connections by the kernel's own table over the measured phase."),
            metric("network_bytes", "network traffic per user-hour", "ปริมาณรับส่งต่อผู้ใช้ต่อชั่วโมง", Unit::BytesPerUserHour, Measured, Detail,
                "TCP payload both ways of devices' commands in the measured phase, below TLS and compression, divided by users and by simulated hours; n counts commands."),
            metric("wire_bytes_per_day", "on the wire per user-day, with headers", "ข้อมูลบนสายต่อผู้ใช้ต่อวัน รวมส่วนหัว", Unit::BytesPerUserDay, Derived, Detail,
                "The same payload of all devices of a user with the IP and TCP headers that carried it, per day of simulated time; n counts users in cells. Empty where the kernel did not tell the packets of a connection."),
            metric("packets_per_day", "packets per user-day", "แพ็กเก็ตต่อผู้ใช้ต่อวัน", Unit::PacketsPerUserDay, Measured, Detail,
                "TCP segments both ways on all devices of a user per day of simulated time, those without data included, by the kernel's count; larger and fewer on loopback than over Ethernet."),
            metric("disk_at_end", "disk used at the end", "พื้นที่ดิสก์เมื่อจบ", Unit::Bytes, Measured, Judged,
                "Bytes of the server's mail storage on disk at the end; the mean of the blocks."),
            metric("disk_written", "written to disk", "เขียนลงดิสก์", Unit::Bytes, Measured, Detail,
                "Bytes that the server's processes wrote during the measured phase; the mean of the blocks."),
            metric("disk_syncs", "forced writes per user-hour", "การบังคับเขียนลงดิสก์ต่อผู้ใช้ต่อชั่วโมง", Unit::CountPerUserHour, Measured, Detail,
                "Times that the server's processes forced a file to storage (fsync, fdatasync) in the measured phase, divided by users and by simulated hours; n counts them. Only root can see them."),
            metric("delivery_to_visible_p50", "new mail shown after, median", "เมลใหม่ปรากฏหลังจาก (มัธยฐาน)", Unit::Seconds, Measured, Shown,
                "Simulated time from the server's acceptance of a message until the first of its owner's devices shows it, median; mail not shown by the end of the measured phase counts as waiting (Kaplan and Meier)."),
            metric("delivery_to_visible_p95", "new mail shown after, 95th percentile", "เมลใหม่ปรากฏหลังจาก (p95)", Unit::Seconds, Measured, Detail,
                "95th percentile of the same; empty where less than 95 % were shown in time to say."),
        ],
        follows: word("Compares the two arms figure by figure, as in row 4: CPU, memory, connections and disk. How soon new mail is shown stands beside them: whoever asks less often costs less, and shows staler mail.",
            "เทียบทีละตัวเลขเหมือนรายการที่ 4: CPU หน่วยความจำ การเชื่อมต่อ และดิสก์ ประกอบกับความเร็วในการแสดงเมลใหม่ เพราะผู้ที่เช็กห่างกว่าใช้น้อยกว่าแต่แสดงเมลช้ากว่า"),
        depends_on: word("which resource is meant, the server's software, what the devices do and how much mail is kept",
            "หมายถึงทรัพยากรใด ซอฟต์แวร์ของเซิร์ฟเวอร์ พฤติกรรมของอุปกรณ์ และปริมาณเมลที่เก็บ"),
        switches: &[KeepingMail, Caching, Tls, MailboxSize],
    },
    DocumentRow {
        number: 6,
        slug: "devices",
        thai: "Mailbox สามารถเปิดงานได้บนอุปกรณ์อื่น",
        english: "mailbox can be opened on other devices",
        pop: word("no", "ไม่ได้"),
        imap: word("yes", "ได้"),
        metrics: &[
            metric("shown_elsewhere", "other devices can show it", "อุปกรณ์อื่นเปิดได้", Unit::Percent, Derived, Judged,
                "Of messages read or downloaded on one device and not deleted, the share that each other device of the same person can show at the end, from its own store or from the server; n counts pairs of message and other device."),
            metric("revisits_found", "second openings that found it", "เปิดซ้ำบนอุปกรณ์อื่นแล้วพบ", Unit::Percent, Measured, Judged,
                "Of the planned openings of a message that another device of the person had opened before, the share that found it."),
            metric("maildrop_busy", "maildrop refused as busy", "ถูกปฏิเสธเพราะมีอุปกรณ์อื่นใช้อยู่", Unit::Percent, Measured, Detail,
                "Share of POP3 sessions of the measured phase that were refused because another session held the maildrop ([IN-USE], RFC 2449); the device waits and tries again."),
            metric("read_mark_elsewhere", "read mark shown elsewhere", "อุปกรณ์อื่นเห็นว่าอ่านแล้ว", Unit::Percent, Derived, Shown,
                "Of messages read on one device and not deleted, the share that each other device of the person shows as read at the end."),
            metric("deletions_elsewhere", "deletion carried out everywhere", "ลบแล้วหายทุกที่", Unit::Percent, Derived, Detail,
                "Of the messages that their owner deleted on one device, the share that at the end is neither on the server nor on a device; n counts pairs of message and device."),
        ],
        follows: word("A share of at least 95 % is a yes, below 50 % a no, between them it depends; both judged shares must say the same, unless one of them rests on fewer than 20 observations and the other does not.",
            "อย่างน้อย 95 % คือได้ ต่ำกว่า 50 % คือไม่ได้ ระหว่างนั้นแล้วแต่กรณี สัดส่วนที่ใช้ตัดสินทั้งสองต้องตรงกัน เว้นแต่ตัวหนึ่งมาจากการสังเกตไม่ถึง 20 ครั้งแต่อีกตัวไม่ใช่"),
        depends_on: word("whether the POP client deletes what it downloads, and which device checks first",
            "POP ลบเมลที่ดาวน์โหลดแล้วหรือไม่ และอุปกรณ์ใดเช็กก่อน"),
        switches: &[KeepingMail],
    },
    DocumentRow {
        number: 7,
        slug: "backup",
        thai: "การสำรองข้อมูล Mailbox",
        english: "who backs the mailbox up",
        pop: word("the user", "ผู้ใช้"),
        imap: word("the ISP", "ผู้ให้บริการ (ISP)"),
        metrics: &[
            metric("left_without_devices", "left if all devices are lost", "เหลือถ้าอุปกรณ์หายหมด", Unit::Percent, Derived, Judged,
                "Share of mail, not deleted by its owner, that is on the server at the end."),
            metric("left_without_server", "left if the server is lost", "เหลือถ้าเซิร์ฟเวอร์เสีย", Unit::Percent, Derived, Shown,
                "Share of the same mail that lies whole on at least one device."),
            metric("left_without_notebook", "left if the notebook is lost", "เหลือถ้าโน้ตบุ๊กหาย", Unit::Percent, Derived, Shown,
                "Of the mail of people who own a notebook, the share that is on the server or on another device."),
            metric("worst_without_devices", "at the worst second: left if all devices are lost", "วินาทีที่แย่ที่สุด: เหลือถ้าอุปกรณ์หายหมด", Unit::Percent, Derived, Detail,
                "Share of mail that is on the server, in the second of the measured phase in which it is smallest; n counts seconds."),
            metric("worst_without_server", "at the worst second: left if the server is lost", "วินาทีที่แย่ที่สุด: เหลือถ้าเซิร์ฟเวอร์เสีย", Unit::Percent, Derived, Detail,
                "Share of mail that lies whole on a device, likewise."),
            metric("worst_without_phone", "at the worst second: left if phones are lost", "วินาทีที่แย่ที่สุด: เหลือถ้าโทรศัพท์หาย", Unit::Percent, Derived, Detail,
                "Share of all mail that is on the server or on another device than a phone, likewise."),
            metric("worst_without_notebook", "at the worst second: left if notebooks are lost", "วินาทีที่แย่ที่สุด: เหลือถ้าโน้ตบุ๊กหาย", Unit::Percent, Derived, Detail,
                "Share of all mail that is on the server or on another device than a notebook, likewise."),
        ],
        follows: word("The ISP can restore what its server holds: at least 95 % of the mail means the ISP's backup covers it, below 50 % means that only the user's can, between them it depends.",
            "ผู้ให้บริการกู้คืนได้เฉพาะสิ่งที่อยู่บนเซิร์ฟเวอร์: เมลอย่างน้อย 95 % หมายถึงการสำรองของผู้ให้บริการครอบคลุม ต่ำกว่า 50 % หมายถึงมีแต่ผู้ใช้ที่ทำได้ ระหว่างนั้นแล้วแต่กรณี"),
        depends_on: word("who holds the only copy; whether the ISP does back its server up is not visible from a session",
            "ใครถือสำเนาเดียวที่มี การเชื่อมต่อบอกไม่ได้ว่าผู้ให้บริการสำรองเซิร์ฟเวอร์จริงหรือไม่"),
        switches: &[KeepingMail, Caching],
    },
    DocumentRow {
        number: 8,
        slug: "mobile",
        thai: "การใช้งานบทโทรศัพท์มือถือ",
        english: "use on a mobile phone",
        pop: word("no", "ไม่ได้"),
        imap: word("yes", "ได้"),
        metrics: &[
            metric("phone_openings_found", "openings that succeed", "เปิดบนมือถือสำเร็จ", Unit::Percent, Measured, Judged,
                "Share of the phone's planned openings that found their message, locally or by fetching it."),
            metric("phone_bytes_per_opening", "received per opening", "รับข้อมูลต่อการเปิด", Unit::BytesPerOpening, Measured, Shown,
                "Bytes that phones received by all their traffic, divided by their successful openings."),
            metric("phone_open_p50", "time to open, median", "เวลาเปิดเมล (มัธยฐาน)", Unit::Milliseconds, Measured, Shown,
                "Median response time of the phone's successful openings."),
            metric("phone_open_p95", "time to open, 95th percentile", "เวลาเปิดเมล (p95)", Unit::Milliseconds, Measured, Detail,
                "95th percentile of the same."),
            metric("phone_stored", "mail stored on a phone", "เมลที่เก็บในมือถือ", Unit::BytesPerPhone, Measured, Shown,
                "Octets of mail held by phones at the end, divided by the phones; the mean of the blocks."),
            metric("phone_visible_p50", "delivered until shown, median", "จากส่งถึงจนแสดง (มัธยฐาน)", Unit::Milliseconds, Measured, Detail,
                "Median clock time from the server's acceptance of a message during the run until the phone shows it; a poller's wait is simulated time and shrinks with speed, a server's does not."),
            metric("phone_check_bytes", "received per check", "รับข้อมูลต่อการเช็กเมล", Unit::BytesPerCheck, Measured, Detail,
                "Mean bytes received by a phone's check for mail, with what it downloads."),
            metric("phone_wire_bytes", "on the wire per day, with headers", "ข้อมูลบนสายต่อวัน รวมส่วนหัว", Unit::BytesPerPhoneDay, Derived, Detail,
                "TCP payload of a phone's commands in the measured phase, both ways, below TLS and compression, with the IP and TCP headers that carried it, per day of the phone's simulated time; n counts phones in cells. Empty where the kernel did not tell the packets of a connection."),
            metric("phone_wire_up", "of it, sent by the phone", "ส่วนที่โทรศัพท์ส่ง", Unit::BytesPerPhoneDay, Derived, Detail,
                "The part of the same that went to the server."),
            metric("phone_header_bytes", "of it, headers", "ส่วนหัว IP และ TCP", Unit::BytesPerPhoneDay, Derived, Detail,
                "The part of the same that is IP and TCP headers, both ways: as many as follow from the number of segments and the options agreed on."),
            metric("phone_packets", "packets per day", "แพ็กเก็ตต่อวัน", Unit::PacketsPerPhoneDay, Measured, Detail,
                "TCP segments of the same commands, both ways, per day of the phone's simulated time, those without data included, by the kernel's count; larger and fewer on loopback than over Ethernet."),
            metric("phone_wake_ups", "radio wake-ups per day (modelled)", "วิทยุตื่นต่อวัน (แบบจำลอง)", Unit::WakeUpsPerPhoneDay, Modelled, Detail,
                "How often in a simulated day of like load a packet would find a phone's radio asleep, by a tail model of the scenario's radio fed with the times of the phone's packets; the mean over phones."),
            metric("phone_radio_on", "radio on per day (modelled)", "วิทยุเปิดต่อวัน (แบบจำลอง)", Unit::SecondsPerPhoneDay, Modelled, Detail,
                "Seconds of the same day in which the radio is awake, promotions and tails included, by the same model."),
            metric("phone_joules", "radio energy per day (modelled)", "พลังงานวิทยุต่อวัน (แบบจำลอง)", Unit::JoulesPerPhoneDay, Modelled, Detail,
                "Energy of the radio above sleep in the same day, by the same model with the powers of AT&T's device profiles; never a battery's per cent."),
        ],
        follows: word("A share of at least 95 % of successful openings is a yes, below 50 % a no, between them it depends.",
            "การเปิดเมลสำเร็จอย่างน้อย 95 % คือได้ ต่ำกว่า 50 % คือไม่ได้ ระหว่างนั้นแล้วแต่กรณี"),
        depends_on: word("which of the person's devices checks first, what it deletes, and the network (no mobile network is emulated unless the scenario names one)",
            "อุปกรณ์ใดของเจ้าของเช็กก่อน ลบอะไร และเครือข่าย (ไม่มีการจำลองเครือข่ายมือถือ เว้นแต่สถานการณ์ระบุไว้)"),
        switches: &[KeepingMail, Caching, Network],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_table_has_eight_numbered_rows_each_with_a_judged_metric() {
        for (index, row) in DOCUMENT.iter().enumerate() {
            assert_eq!(usize::from(row.number), index + 1);
            assert!(row.metrics.iter().any(|metric| metric.role == Judged));
        }
    }

    #[test]
    fn metric_names_are_unique_and_made_of_lowercase_words() {
        let mut seen = HashSet::new();
        for metric in DOCUMENT.iter().flat_map(|row| row.metrics) {
            assert!(seen.insert(metric.name), "{} twice", metric.name);
            assert!(
                metric
                    .name
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            );
            assert!(metric.how.ends_with('.'));
        }
    }
}
