use super::*;
use crate::client::LoginMethod;
use crate::net::Address;
use crate::plan::Shard;
use crate::scenario::{Override, TlsMode};
use crate::target::Service;
use crate::target::portrait::{Crowd, ImapTraits, LoginPortrait, PopTraits};

fn scenario(set: &[&str]) -> Scenario {
    let overrides: Vec<Override> = set.iter().filter_map(|it| Override::set(it)).collect();
    assert_eq!(overrides.len(), set.len());
    Scenario::load("quick", &overrides).unwrap()
}

fn service(role: Role) -> ServicePortrait {
    let service = Service {
        address: Address::new(([127, 0, 0, 1], 1100).into(), "localhost"),
        tls: TlsMode::Plain,
    };
    let mut seen = ServicePortrait::unseen(&service, role);
    seen.used = true;
    seen.greeting = Some("hello".into());
    seen.login = Some(LoginPortrait {
        method: LoginMethod::default(),
        error: None,
    });
    seen.pop3 = (role == Role::Pop3).then(|| PopTraits {
        uidl: true,
        ..PopTraits::default()
    });
    seen.imap = (role == Role::Imap).then(ImapTraits::default);
    offer(&mut seen, &["IDLE", "UIDPLUS"]);
    seen
}

/// What is announced after the login.
fn offer(service: &mut ServicePortrait, names: &[&str]) {
    service.offered.after_login = Some(names.iter().map(ToString::to_string).collect());
}

fn healthy() -> Portrait {
    Portrait {
        services: [Role::Pop3, Role::Imap, Role::Delivery].map(service).into(),
        ..Portrait::default()
    }
}

/// Which arms can run, and all that is said.
fn judged(set: &[&str], ail: impl Fn(&mut Portrait)) -> (Vec<Option<bool>>, String) {
    let mut portrait = healthy();
    ail(&mut portrait);
    let scenario = scenario(set);
    let plan = Plan::new(&scenario, Shard::WHOLE);
    let judged = fitness(&scenario, &plan, &portrait);
    let said: Vec<_> = judged
        .iter()
        .flat_map(|it| it.reasons.iter().chain(&it.notes))
        .cloned()
        .collect();
    let can = judged.iter().map(|it| it.can_run).collect();
    (can, said.join("\n"))
}

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

#[test]
fn on_a_healthy_target_every_arm_can_run_and_nothing_is_said() {
    assert_eq!(judged(&[], |_| {}), (vec![YES, YES], String::new()));
}

#[test]
fn each_arm_lacks_what_it_needs_and_says_what_would_help() {
    type Ailment = fn(&mut Portrait);
    let no_uidl: Ailment = |it| it.services[0].pop3 = Some(PopTraits::default());
    let no_idle: Ailment = |it| offer(&mut it.services[1], &[]);
    let no_uidplus: Ailment = |it| offer(&mut it.services[1], &["IDLE"]);
    let no_pop3: Ailment = |it| drop(it.services.remove(0));
    let wrong_password: Ailment = |it| {
        if let Some(login) = &mut it.services[1].login {
            login.error = Some("the server refused (login): wrong".into());
        }
    };
    let silent: Ailment = |it| it.services[0].failure = Some("nobody listens there".into());
    let keeps_nothing: Ailment = |it| {
        if let Some(traits) = &mut it.services[0].pop3 {
            traits.expire = Some("0 days".into());
        }
    };
    let crowded: Ailment = |it| {
        it.services[1].crowd = Some(Crowd {
            tried: 12,
            let_in: 2,
            refused: Some("too many".into()),
        });
    };
    for (set, ailment, can, words) in [
        (&[][..], no_uidl, [NO, YES], "UIDL"),
        (&[], no_idle, [YES, NO], "`notebook.imap.watch.poll=15m`"),
        (
            &["arms=imap,imap-idle", "users.notebook=0", "habits.delete=0"],
            no_idle,
            [YES, NO],
            "`arm.imap-idle.phone.imap.watch.poll=15m`",
        ),
        (
            &["arms=imap,imap-compressed"],
            |_| {},
            [YES, NO],
            "(RFC 4978), which the scenario's phone, tablet and notebook ask for: set `arm.imap-compressed.phone.imap.compress=false`, ",
        ),
        (&[], no_uidplus, [YES, NO], "habits.delete=0"),
        (
            &["mailbox.folders=3", "habits.move=1"],
            no_uidplus,
            [YES, NO],
            "habits.move=0",
        ),
        (&[], no_pop3, [NO, YES], "offers no POP3"),
        (&[], wrong_password, [YES, NO], "wrong"),
        (&[], silent, [NO, YES], "POP3: nobody listens there"),
        (&[], keeps_nothing, [YES, YES], ""),
        (
            &["phone.pop3.leave_on_server=true"],
            keeps_nothing,
            [NO, YES],
            "phone.pop3.leave_on_server=false",
        ),
        (&[], crowded, [YES, NO], "4 IMAP connections, and session 3"),
    ] {
        let (found, said) = judged(set, ailment);
        // Where an arm is gone from the portrait it is still judged.
        assert_eq!(found, can, "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn an_arm_that_asks_for_what_the_server_does_not_offer_is_left_out_with_its_reason() {
    type Ailment = fn(&mut Portrait);
    let only_move: Ailment = |it| offer(&mut it.services[1], &["IDLE", "MOVE"]);
    let knows_qresync: Ailment = |it| offer(&mut it.services[1], &["IDLE", "UIDPLUS", "QRESYNC"]);
    let broken_idle: Ailment = |it| {
        if let Some(traits) = &mut it.services[1].imap {
            traits.idle_works = Some(false);
        }
    };
    for (set, ailment, can, words) in [
        (
            &["mailbox.folders=3", "habits.move=1", "habits.delete=0"][..],
            only_move,
            [YES, YES],
            "",
        ),
        (&[], broken_idle, [YES, NO], "IDLE (RFC 2177)"),
        (
            &["phone.imap.literal_plus=true"],
            |_| {},
            [YES, NO],
            "`phone.imap.literal_plus=false`",
        ),
        (
            &["phone.imap.move=true"],
            |_| {},
            [YES, NO],
            "`phone.imap.move=false`",
        ),
        (
            &["tablet.imap.resync=condstore"],
            |_| {},
            [YES, NO],
            "CONDSTORE (RFC 7162), which the scenario's tablet asks for: set `tablet.imap.resync=full`",
        ),
        (
            &["tablet.imap.resync=condstore"],
            knows_qresync,
            [YES, YES],
            "",
        ),
        (
            &["arms=imap,thunderbird", "phone.imap.resync=qresync"],
            |_| {},
            [NO, YES],
            "QRESYNC",
        ),
    ] {
        let (found, said) = judged(set, ailment);
        assert_eq!(found, can, "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn what_nobody_has_or_does_need_not_be_offered() {
    let polls = [
        "users.tablet=0",
        "phone.imap.watch.poll=15m",
        "notebook.imap.watch.poll=15m",
        "habits.delete=0",
    ];
    let (can, _) = judged(&polls, |it| {
        offer(&mut it.services[1], &[]);
    });
    assert_eq!(can, [YES, YES]);
}

#[test]
fn without_delivery_no_arm_can_run() {
    let (can, said) = judged(&[], |it| {
        it.services[2].failure = Some("nobody listens there".into());
    });
    assert_eq!(can, [NO, NO]);
    assert!(said.contains("mail cannot be delivered"), "{said}");
    let (can, said) = judged(&[], |it| {
        it.delivery_by_append = true;
        it.services[1].failure = Some("nobody listens there".into());
    });
    assert_eq!(can, [NO, NO]);
    assert!(said.contains("APPEND"), "{said}");
}

#[test]
fn without_a_login_nothing_can_be_told() {
    let (can, said) = judged(&[], |it| {
        it.services
            .iter_mut()
            .for_each(|service| service.login = None);
    });
    assert_eq!(can, [None, None]);
    assert!(said.contains("--accounts"), "{said}");
}

#[test]
fn a_login_delay_longer_than_the_poll_is_noted() {
    let (can, said) = judged(&[], |it| {
        if let Some(traits) = &mut it.services[0].pop3 {
            traits.login_delay_s = Some(10);
        }
    });
    assert_eq!(can, [YES, YES]);
    assert!(
        said.contains(
            "LOGIN-DELAY 10, and the scenario's phone, tablet and notebook log in sooner"
        ),
        "{said}"
    );
}

#[test]
fn a_door_that_is_open_next_to_a_closed_one_is_pointed_out() {
    let (can, said) = judged(&[], |it| {
        it.services[0].greeting = None;
        it.services[0].failure = Some("nobody listens there".into());
        let mut other = service(Role::Pop3);
        other.used = false;
        other.address.set_port(110);
        other.tls_mode = TlsMode::Starttls;
        it.services.push(other);
    });
    assert_eq!(can, [NO, YES]);
    assert!(
        said.contains("`port = 110` and `tls = \"starttls\"`"),
        "{said}"
    );
}
