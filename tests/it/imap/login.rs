//! The way in and the way out.

use mailgauge::client::{LoginMethod, SessionFigures};
use mailgauge::metrics::{ErrorClass, Operation};
use mailgauge::scenario::TlsMode;

use super::script::{Act, Hear, PATIENCE, meet_by, opened, run, say, scripted, well_met};

#[test]
fn a_server_that_tells_its_capabilities_is_not_asked() {
    let (session, told) = opened(LoginMethod::Plaintext, well_met("IDLE LITERAL+"));
    let session = session.unwrap();
    assert!(session.capabilities().has("IDLE"));
    assert_eq!(
        told,
        [
            (Operation::Connect, Ok(())),
            (Operation::Greeting, Ok(())),
            (Operation::Login, Ok(()))
        ]
    );
    let figures = session.figures();
    assert_eq!((figures.commands, figures.round_trips), (1, 3));
    assert!(figures.login.is_some() && figures.greeting.is_some());
}

#[test]
fn a_server_that_tells_nothing_is_asked_before_and_after_the_login() {
    let (session, told) = opened(
        LoginMethod::Plaintext,
        vec![
            say("* OK hello\n"),
            Hear("m1 CAPABILITY"),
            say("* CAPABILITY IMAP4rev1 LITERAL+\nm1 OK done\n"),
            Hear("m2 LOGIN \"u1\" \"pa\\\"ss\""),
            say("m2 OK in\n"),
            Hear("m3 CAPABILITY"),
            say("* CAPABILITY IMAP4rev1 IDLE\nm3 OK done\n"),
        ],
    );
    let names: Vec<String> = session
        .unwrap()
        .capabilities()
        .names()
        .map(str::to_owned)
        .collect();
    assert_eq!(names, ["IDLE", "IMAP4REV1"]);
    assert_eq!(told.len(), 5);
}

#[test]
fn sasl_plain_is_sent_at_once_where_the_server_takes_it_and_after_its_challenge_elsewhere() {
    let capabilities = "AUTH=PLAIN SASL-IR";
    let (session, _) = opened(
        LoginMethod::SaslPlain,
        vec![
            say(&format!(
                "* OK [CAPABILITY IMAP4rev1 {capabilities}] hello\n"
            )),
            Hear("m1 AUTHENTICATE PLAIN AHUxAHBhInNz"),
            say("m1 OK [CAPABILITY IMAP4rev1] in\n"),
        ],
    );
    assert!(session.is_ok());
    let (session, _) = opened(
        LoginMethod::SaslPlain,
        vec![
            say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hello\n"),
            Hear("m1 AUTHENTICATE PLAIN"),
            say("+\n"),
            Hear("AHUxAHBhInNz"),
            say("m1 OK [CAPABILITY IMAP4rev1] in\n"),
        ],
    );
    assert!(session.is_ok());
}

#[test]
fn a_connection_that_is_logged_in_from_the_start_needs_no_login() {
    let (session, told) = opened(
        LoginMethod::Plaintext,
        vec![say("* PREAUTH [CAPABILITY IMAP4rev1] welcome back\n")],
    );
    assert!(session.is_ok());
    assert_eq!(told.last(), Some(&(Operation::Greeting, Ok(()))));
}

#[test]
fn each_way_in_which_a_login_fails_has_its_class_and_the_servers_words() {
    let hello = || say("* OK [CAPABILITY IMAP4rev1] hello\n");
    let login = || Hear("m1 LOGIN \"u1\" \"pa\\\"ss\"");
    let plain = LoginMethod::Plaintext;
    for (script, class, words) in [
        (
            vec![say("* BYE too many connections\n")],
            ErrorClass::Greeting,
            "too many connections",
        ),
        (vec![say("220 smtp here\n")], ErrorClass::Protocol, "220"),
        (vec![say("a OK what\n")], ErrorClass::Protocol, "tag"),
        (vec![], ErrorClass::ConnectionLost, "closed"),
        (
            vec![
                hello(),
                login(),
                say("m1 NO [AUTHENTICATIONFAILED] no pa\"ss\n"),
            ],
            ErrorClass::Authentication,
            "[AUTHENTICATIONFAILED] no ***",
        ),
        (
            vec![hello(), login(), say("m1 NO [UNAVAILABLE] later\n")],
            ErrorClass::CommandRefused,
            "later",
        ),
        (
            vec![hello(), login(), say("m1 BAD eh\n")],
            ErrorClass::BadCommand,
            "eh",
        ),
        (
            vec![hello(), login(), say("* BYE going down\n")],
            ErrorClass::ConnectionLost,
            "going down",
        ),
        (
            vec![say("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hello\n")],
            ErrorClass::NotOffered,
            "LOGINDISABLED",
        ),
    ] {
        let (found, detail) = failure(plain, script);
        assert_eq!(found, class, "{detail}");
        assert!(detail.contains(words), "{detail}");
    }
    let (found, _) = failure(LoginMethod::SaslPlain, vec![hello()]);
    assert_eq!(found, ErrorClass::NotOffered);
    let (found, _) = failure(LoginMethod::Apop, vec![hello()]);
    assert_eq!(found, ErrorClass::NotOffered);
}

#[test]
fn starttls_goes_ahead_only_with_consent_and_nothing_behind_it() {
    let hello = |offer: &str| say(&format!("* OK [CAPABILITY IMAP4rev1 {offer}] hello\n"));
    for (script, class) in [
        (vec![hello("")], ErrorClass::NotOffered),
        (
            vec![
                hello("STARTTLS"),
                Hear("m1 STARTTLS"),
                say("m1 NO not today\n"),
            ],
            ErrorClass::NotOffered,
        ),
        (
            vec![
                hello("STARTTLS"),
                Hear("m1 STARTTLS"),
                say("m1 OK go\nm2 OK [CAPABILITY IMAP4rev1] slipped in\n"),
            ],
            ErrorClass::Protocol,
        ),
    ] {
        let (error, told) = run(async {
            let method = LoginMethod::Plaintext;
            let met = meet_by(TlsMode::Starttls, script, 4096, method, PATIENCE).await;
            met.server.await.unwrap();
            (met.session.err().unwrap(), met.told.told())
        });
        assert_eq!(error.error.class, class);
        assert!(
            told.iter()
                .all(|(operation, _)| *operation != Operation::Login)
        );
    }
}

#[test]
fn logout_is_answered_or_at_least_taken_leave_of() {
    for last in ["* BYE bye\nm2 OK done\n", "* BYE bye\n"] {
        let (figures, result): (SessionFigures, _) = scripted(
            "",
            || vec![Hear("m2 LOGOUT"), say(last)],
            |session| async move { session.logout().await },
        );
        assert_eq!(result, Ok(()));
        assert_eq!(figures.commands, 2);
        assert_eq!(figures.traffic.rx, figures.traffic.wire_rx);
    }
    let (_, result) = scripted(
        "",
        || vec![Hear("m2 LOGOUT")],
        |session| async move { session.logout().await },
    );
    assert_eq!(result.unwrap_err().class, ErrorClass::ConnectionLost);
}

#[test]
fn what_is_told_of_the_commands_adds_up_to_what_the_session_moved() {
    scripted(
        "IDLE",
        || {
            vec![
                Hear("m2 NOOP"),
                say("* 3 EXISTS\nm2 OK done\n"),
                Hear("m3 LOGOUT"),
                say("* BYE bye\nm3 OK done\n"),
            ]
        },
        |mut session| async move {
            session.noop().await.unwrap();
            let (figures, result) = session.logout().await;
            assert_eq!(result, Ok(()));
            let greeting = "* OK [CAPABILITY IMAP4rev1 IDLE] hello\r\n";
            let login = "m1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n";
            let rest = "* 3 EXISTS\r\nm2 OK done\r\n* BYE bye\r\nm3 OK done\r\n";
            let received = [greeting, login, rest].concat().len() as u64;
            assert_eq!(figures.traffic.rx, received);
            let sent = "m1 LOGIN \"u1\" \"pa\\\"ss\"\r\nm2 NOOP\r\nm3 LOGOUT\r\n";
            assert_eq!(figures.traffic.tx, sent.len() as u64);
            assert_eq!((figures.commands, figures.round_trips), (3, 5));
        },
    );
}

fn failure(method: LoginMethod, script: Vec<Act>) -> (ErrorClass, String) {
    let error = opened(method, script)
        .0
        .err()
        .expect("the login goes wrong");
    (error.error.class, error.error.detail)
}
