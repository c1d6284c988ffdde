use super::*;
use crate::judge::consistency::{WhereaboutsRow, whereabouts};

fn at_the_end(tale: &Tale) -> WhereaboutsRow {
    *whereabouts(&tale.rows).last().unwrap()
}

fn with_octets(tale: &mut Tale) {
    for row in &mut tale.rows {
        if matches!(row.event, Event::Deliver | Event::Keep) {
            row.octets = Some(1_000);
        }
    }
}

#[test]
fn what_a_device_took_off_the_server_is_lost_with_it() {
    let mut tale = Tale::pop();
    tale.deliver("a");
    tale.deliver("b");
    tale.wait(2_000_000);
    tale.pop_open(Phone, 1);
    tale.retrieve(Phone, 1, "u1", "a");
    tale.dele(Phone, 1, "u1", "a");
    tale.quit(Phone, 1);
    with_octets(&mut tale);
    let rows = whereabouts(&tale.rows);
    let seconds: Vec<u32> = rows.iter().map(|row| row.second).collect();
    assert_eq!(
        seconds,
        [0, 1, 2],
        "seconds in which nothing happened have a row too"
    );
    let first = rows[0];
    assert_eq!(
        (first.mail_messages, first.server_bytes, first.phone_bytes),
        (2, 2_000, 0)
    );
    assert_eq!(
        (first.left_without_server, first.left_without_devices),
        (0, 2)
    );
    let last = at_the_end(&tale);
    assert_eq!(
        (last.server_bytes, last.phone_bytes, last.nowhere_messages),
        (1_000, 1_000, 0)
    );
    assert_eq!(
        (last.left_without_server, last.left_without_devices),
        (1, 1)
    );
    assert_eq!(
        (last.left_without_phone, last.left_without_notebook),
        (1, 2)
    );
}

#[test]
fn what_its_owner_deleted_is_no_longer_mail_and_what_the_server_lost_is_nowhere() {
    let mut tale = Tale::imap();
    for message in ["a", "b", "c"] {
        tale.deliver(message);
    }
    tale.open(Some(Phone), 1);
    tale.look(Some(Phone), 1, &[(1, "a"), (2, "b"), (3, "c")]);
    tale.act(Some(Phone), 1, Event::Expunge, 1, "a");
    tale.tell(Some(Phone), 0, Event::Discard).message = Some("a".into());
    tale.open(HARNESS, 2);
    tale.look(HARNESS, 2, &[(3, "c")]);
    with_octets(&mut tale);
    let last = at_the_end(&tale);
    assert_eq!(
        (last.mail_messages, last.mail_bytes, last.server_bytes),
        (2, 2_000, 1_000)
    );
    assert_eq!((last.nowhere_messages, last.nowhere_bytes), (1, 1_000));
    assert_eq!(
        (last.left_without_devices, last.left_without_server),
        (1, 0)
    );
}

#[test]
fn a_copy_on_another_device_counts_and_a_part_of_a_message_does_not() {
    let mut tale = Tale::pop();
    tale.deliver("a");
    for (device, session) in [(Phone, 1), (Notebook, 2)] {
        tale.pop_open(device, session);
        tale.retrieve(device, session, "u1", "a");
        if device == Notebook {
            tale.dele(device, session, "u1", "a");
        }
        tale.quit(device, session);
    }
    with_octets(&mut tale);
    let last = at_the_end(&tale);
    assert_eq!(
        (last.left_without_phone, last.left_without_notebook),
        (1, 1)
    );
    assert_eq!(
        (last.left_without_server, last.left_without_devices),
        (1, 0)
    );
    for row in tale
        .rows
        .iter_mut()
        .filter(|row| row.device == Some(Notebook))
    {
        if row.event == Event::Keep {
            (row.event, row.octets) = (Event::KeepPart, Some(300));
        }
    }
    let last = at_the_end(&tale);
    assert_eq!((last.left_without_phone, last.notebook_bytes), (0, 300));
}
