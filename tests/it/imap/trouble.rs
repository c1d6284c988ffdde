//! Every way in which a server can misbehave, and what becomes of it.

use std::time::Duration;

use mailgauge::client::LoginMethod;
use mailgauge::metrics::{ErrorClass, Operation};

use super::script::{
    Act, FallSilent, Hear, PATIENCE, SayOctets, meet, run, say, scripted, well_met,
};

#[test]
fn a_server_that_hangs_up_in_idle_is_a_lost_connection_with_its_last_words() {
    let error = scripted(
        "IDLE",
        || vec![Hear("m2 IDLE"), say("+\n* BYE shutting down\n")],
        |mut session| async move { session.idle(std::future::pending()).await.unwrap_err() },
    );
    assert_eq!(error.class, ErrorClass::ConnectionLost);
    assert!(error.detail.contains("shutting down"));
}

#[test]
fn replies_that_break_the_protocol_are_errors_and_not_guesses() {
    for (reply, class) in [
        ("m9 OK somebody else's\n", ErrorClass::Protocol),
        ("* 1 FETCH (UID x)\nm2 OK\n", ErrorClass::Protocol),
        (
            "* 1 FETCH (UID 5 FLAGS (\\Seen)\nm2 OK\n",
            ErrorClass::Protocol,
        ),
        ("* 99999999999 EXISTS\nm2 OK\n", ErrorClass::Protocol),
        ("* LIST () \"/\"\nm2 OK\n", ErrorClass::Protocol),
        ("\u{0}\u{1}\u{2}\n", ErrorClass::Protocol),
        ("m2 MAYBE\n", ErrorClass::Protocol),
        (
            "* 1 FETCH (BODY[] {99999999999999999999}\n",
            ErrorClass::TooLong,
        ),
        ("* 1 FETCH (UID 5", ErrorClass::ConnectionLost),
        ("* 1 FETCH (BODY[] {100}\nabc", ErrorClass::ConnectionLost),
    ] {
        let error = scripted(
            "",
            || vec![Hear("m2 UID FETCH 5 (UID BODY[])"), say(reply)],
            |mut session| async move { session.fetch_message(5, false).await.unwrap_err() },
        );
        assert_eq!(error.class, class, "{reply:?}: {error}");
        assert!(!error.is_refusal());
    }
}

#[test]
fn a_line_without_end_is_given_up() {
    let mut script = well_met("");
    script.extend([Hear("m2 NOOP"), SayOctets(vec![b'x'; 6 << 20])]);
    let error = run(async {
        let met = meet(script, 1 << 16, LoginMethod::Plaintext, PATIENCE).await;
        let mut session = met.session.unwrap();
        let error = session.noop().await.unwrap_err();
        session.abort();
        met.server.await.unwrap();
        error
    });
    assert_eq!(error.class, ErrorClass::TooLong);
}

#[test]
fn a_refusal_leaves_the_session_usable_and_carries_the_servers_words() {
    let error = scripted(
        "",
        || {
            vec![
                Hear("m2 SELECT Nowhere"),
                say("m2 NO [NONEXISTENT] there is {3} no such\n"),
                Hear("m3 NOOP"),
                say("m3 BAD never heard\n"),
                Hear("m4 NOOP"),
                say("m4 OK fine\n"),
            ]
        },
        |mut session| async move {
            let refused = session.select("Nowhere").await.unwrap_err();
            let bad = session.noop().await.unwrap_err();
            assert_eq!(bad.class, ErrorClass::BadCommand);
            assert!(refused.is_refusal() && bad.is_refusal());
            session.noop().await.unwrap();
            refused
        },
    );
    assert_eq!(error.class, ErrorClass::CommandRefused);
    assert_eq!(error.operation, Operation::Select);
    assert!(error.detail.contains("[NONEXISTENT] there is {3} no such"));
}

#[test]
fn an_extension_that_is_not_offered_is_not_tried() {
    scripted("", Vec::new, |mut session| async move {
        let classes = [
            session.idle(async {}).await.err(),
            session.expunge_uids(&[1]).await.err(),
            session.move_to(&[1], "Trash").await.err(),
            session.id().await.err(),
            session.unselect().await.err(),
            session.enable(&["CONDSTORE"]).await.err(),
        ]
        .map(|error| error.map(|error| error.class));
        assert_eq!(classes, [Some(ErrorClass::NotOffered); 6]);
    });
}

#[test]
fn a_message_that_is_gone_is_none_in_each_way_that_a_server_may_say_so() {
    for answer in [
        "m2 OK done\n",
        "* 2 FETCH (UID 5 BODY[] NIL)\nm2 OK done\n",
        "m2 NO [EXPUNGEISSUED] some are gone\n",
        "* 1 FETCH (UID 4 BODY[] {1}\nx)\nm2 OK not that one\n",
    ] {
        let digest = scripted(
            "",
            || vec![Hear("m2 UID FETCH 5 (UID BODY[])"), say(answer)],
            |mut session| async move { session.fetch_message(5, false).await },
        );
        assert_eq!(digest, Ok(None), "{answer}");
    }
}

#[test]
fn a_server_that_falls_silent_is_a_timeout() {
    let limit = Duration::from_millis(100);
    for (script, operation) in [
        (vec![FallSilent], Operation::Greeting),
        (
            vec![
                say("* OK [CAPABILITY IMAP4rev1] hello\n"),
                Hear("m1 LOGIN \"u1\" \"pa\\\"ss\""),
                say("m1 O"),
                FallSilent,
            ],
            Operation::Login,
        ),
    ] {
        let error = run(async {
            let met = meet(script, 4096, LoginMethod::Plaintext, limit).await;
            let error = met.session.err().unwrap();
            met.server.await.unwrap();
            error
        });
        assert_eq!(error.error.class, ErrorClass::Timeout);
        assert_eq!(error.error.operation, operation);
        assert!(error.figures.connect.is_some());
    }
}

#[test]
fn a_server_that_never_stops_talking_is_a_timeout_too() {
    let limit = Duration::from_millis(20);
    let mut script = well_met("");
    script.extend([Hear("m2 NOOP"), Act::Babble("* OK and another thing\n")]);
    let error = run(async {
        let met = meet(script, 4096, LoginMethod::Plaintext, limit).await;
        let mut session = met.session.unwrap();
        let error = session.noop().await.unwrap_err();
        session.abort();
        met.server.await.unwrap();
        error
    });
    assert_eq!(error.class, ErrorClass::Timeout);
}

#[test]
fn a_huge_message_passes_through_and_only_its_digest_stays() {
    let octets: usize = 16 << 20;
    let mut script = well_met("");
    script.extend([
        Hear("m2 UID FETCH 5 (UID BODY.PEEK[])"),
        say(&format!("* 1 FETCH (UID 5 BODY[] {{{octets}}}\n")),
        SayOctets(vec![b'\n'; octets]),
        say(")\nm2 OK done\n"),
    ]);
    let (digest, traffic) = run(async {
        let met = meet(script, 1 << 16, LoginMethod::Plaintext, PATIENCE).await;
        let mut session = met.session.unwrap();
        let digest = session.fetch_message(5, true).await.unwrap().unwrap();
        met.server.await.unwrap();
        let samples = met.told.0.borrow();
        (digest, samples.last().unwrap().traffic)
    });
    assert_eq!(digest.octets, octets as u64);
    assert!(traffic.rx > octets as u64);
}
