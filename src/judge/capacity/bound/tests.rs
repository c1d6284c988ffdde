use super::*;

fn load(server: f64, generator: f64) -> Load {
    Load {
        users: 100,
        server_cpus: Some(server),
        generator_cpus: generator,
        memory_bytes: Some(1e9),
        processes: Some(3),
        ..Load::default()
    }
}

fn here() -> Signs {
    Signs {
        cpus: Some(4.0),
        memory_bytes: Some(8e9),
        ..Signs::default()
    }
}

fn missed(operation: &str) -> Rule {
    Rule {
        rule: format!("imap.{operation}.response.p99 < 1s"),
        observed: Some(2e6),
        limit: 1e6,
        dimension: Dimension::Time,
        met: false,
    }
}

fn found(signs: &Signs, rules: &[Rule], load: &Load) -> (Resource, bool) {
    let bound = bound(signs, rules, Some(load), None);
    assert!(!bound.why.is_empty());
    (bound.resource, bound.seen)
}

#[test]
fn each_limit_is_recognised_by_its_signs() {
    let busy = load(3.5, 0.3);
    assert_eq!(
        found(&here(), &[missed("login")], &busy),
        (Resource::Cpu, true)
    );
    let one_thread = Signs {
        threads: Some(1.0),
        ..here()
    };
    let single = load(0.95, 0.3);
    assert_eq!(found(&one_thread, &[], &single), (Resource::Cpu, true));
    assert_eq!(
        found(&here(), &[missed("login")], &single).0,
        Resource::NotTold
    );
    // The same use is all that the server has where it was given one processor, and little where it was given three.
    for (given, resource) in [(1.0, Resource::Cpu), (3.0, Resource::NotTold)] {
        let placed = Signs {
            given_cpus: Some(given),
            ..here()
        };
        assert_eq!(found(&placed, &[missed("login")], &single).0, resource);
    }
    let placed = Signs {
        given_cpus: Some(1.0),
        ..here()
    };
    let rules = [missed("store")];
    assert_eq!(found(&placed, &rules, &load(0.2, 0.3)).0, Resource::Disk);
    assert_eq!(found(&placed, &rules, &load(0.8, 0.3)).0, Resource::NotTold);
    let big = Load {
        memory_bytes: Some(7.9e9),
        ..load(1.0, 0.1)
    };
    assert_eq!(found(&here(), &[], &big), (Resource::Memory, true));
    let shut = Signs {
        shut_out: (30, 100),
        ..here()
    };
    assert_eq!(found(&shut, &[], &busy), (Resource::Connections, true));
    let idle = load(0.5, 0.3);
    assert_eq!(
        found(&here(), &[missed("quit")], &idle),
        (Resource::Disk, false)
    );
    assert_eq!(
        found(&here(), &[missed("retr")], &idle),
        (Resource::Network, false)
    );
}

#[test]
fn the_servers_words_go_before_everything_and_the_generator_before_guesses() {
    let mut signs = Signs {
        words: named("the server refused (greeting): Maximum number of connections exceeded"),
        ..here()
    };
    let busy = load(3.9, 0.1);
    assert_eq!(found(&signs, &[], &busy), (Resource::Connections, true));
    signs.generator.push("It was late.".to_owned());
    assert_eq!(found(&signs, &[], &busy), (Resource::Connections, true));
    signs.words = None;
    assert_eq!(found(&signs, &[], &busy), (Resource::Generator, true));
    assert_eq!(named("cannot allocate memory").unwrap().0, Resource::Memory);
    assert_eq!(named("wrong password"), None);
}

#[test]
fn processes_that_stay_while_users_grow_are_a_limit() {
    let now = Load {
        processes: Some(64),
        ..load(1.0, 0.5)
    };
    let below = Load {
        users: 80,
        ..now.clone()
    };
    let bound = bound(&here(), &[missed("login")], Some(&now), Some(&below));
    assert_eq!(bound.resource, Resource::Processes);
    assert_eq!(
        super::bound(&here(), &[], None, None).resource,
        Resource::NotTold
    );
}
