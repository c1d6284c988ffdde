//! Delivery, and octets counted at both ends.

use std::io::Read as _;

use super::{Client, MESSAGE, deliver, start};

#[test]
fn lmtp_answers_for_each_recipient_and_knows_who_is_not_here() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let mut lmtp = Client::connect(server.addresses().lmtp);
    lmtp.read();
    assert!(lmtp.ask("MAIL FROM:<>").starts_with("503"));
    lmtp.send("LHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<ann@x>\r\nRCPT TO:<eve@x>\r\nRCPT TO:<bob@x>\r\nDATA\r\n");
    let mut replies = Vec::new();
    while replies
        .last()
        .is_none_or(|reply: &String| !reply.starts_with("354"))
    {
        replies.push(lmtp.read());
    }
    assert_eq!(
        replies
            .iter()
            .filter(|reply| reply.starts_with("550 5.1.1"))
            .count(),
        1
    );
    lmtp.send("Subject: x\r\n\r\n..\r\n.\r\n");
    assert!(lmtp.read().starts_with("250"));
    assert!(lmtp.read().starts_with("250"));
    assert!(lmtp.ask("DATA").starts_with("503"));
    drop(lmtp);
    let stats = server.stop().unwrap();
    assert_eq!(
        (stats.delivered.messages, stats.delivered.octets),
        (2, 2 * 17)
    );
    assert_eq!(stats.stored, stats.delivered);
}

#[test]
fn the_server_counts_what_its_clients_count_to_the_octet() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let lmtp = deliver(&server, &["ann", "bob"], MESSAGE);
    let mut pop = Client::pop3_as_ann(&server);
    pop.list("CAPA");
    pop.list("RETR 1");
    pop.ask("DELE 1");
    pop.ask("QUIT");
    pop.at_end();
    let mut imap = Client::imap(&server);
    imap.ok("LOGIN bob b");
    imap.ok("SELECT INBOX");
    imap.ok("FETCH 1 (BODY.PEEK[])");
    imap.ok("LOGOUT");
    imap.at_end();
    let stats = server.stop().unwrap();
    for (counted, client) in [(stats.lmtp, &lmtp), (stats.pop3, &pop), (stats.imap, &imap)] {
        assert_eq!(counted.connections, 1);
        assert_eq!(
            (counted.rx_bytes, counted.wire_rx_bytes),
            (client.sent, client.sent)
        );
        assert_eq!(
            (counted.tx_bytes, counted.wire_tx_bytes),
            (client.received, client.received)
        );
    }
    assert_eq!(
        stats.delivered.messages,
        stats.stored.messages + stats.deleted.messages
    );
    assert_eq!(
        stats.delivered.octets,
        stats.stored.octets + stats.deleted.octets
    );
}

#[test]
fn a_large_message_passes_through_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let server = start(directory.path());
    let line = format!(".{}\r\n", "0123456789".repeat(7));
    let body = line.repeat(60_000);
    let message = format!("Subject: large\r\n\r\n{body}");
    let stuffed = format!(
        "Subject: large\r\n\r\n{}",
        body.replace("\r\n.", "\r\n..").replacen('.', "..", 1)
    );
    deliver(&server, &["ann"], &stuffed);
    let mut pop = Client::pop3_as_ann(&server);
    let lines = pop.list("RETR 1");
    assert_eq!(lines.len(), 60_002);
    assert!(
        lines[2..]
            .iter()
            .all(|got| *got == format!(".{}", line.trim_end()))
    );
    let mut imap = Client::imap_as_ann(&server);
    imap.ok("SELECT INBOX");
    imap.send("f FETCH 1 BODY.PEEK[]\r\n");
    assert_eq!(
        imap.read(),
        format!("* 1 FETCH (BODY[] {{{}}}", message.len())
    );
    let mut got = vec![0; message.len()];
    imap.reader.read_exact(&mut got).unwrap();
    assert!(got == message.as_bytes());
    assert_eq!(imap.read(), ")");
}
