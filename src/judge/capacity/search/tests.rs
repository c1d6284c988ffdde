use super::*;
use crate::judge::stats::Noise;

const RANGE: Range = Range {
    first: 20,
    most: 1_000_000,
    resolution: 0.05,
};

/// Carries a search out on a system that answers.
fn searched(range: Range, mut system: impl FnMut(u32) -> Answer) -> (Found, Vec<Step>) {
    let mut steps = Vec::new();
    while let Next::Try(users, purpose) = next(range, &steps) {
        assert!((1..=range.most.max(1) * 2).contains(&users));
        steps.push(Step {
            users,
            purpose,
            answer: system(users),
        });
        assert!(steps.len() < 200, "it does not end");
    }
    (found(range, &steps), steps)
}

const fn up_to(capacity: u32) -> impl Fn(u32) -> Answer {
    move |users| {
        if users <= capacity {
            Answer::Met
        } else {
            Answer::Missed
        }
    }
}

#[test]
fn the_capacity_is_found_within_the_resolution() {
    for truth in (1..400).chain([999, 12_345, 654_321]) {
        let (found, steps) = searched(RANGE, up_to(truth));
        let capacity = found.capacity.unwrap();
        assert!(capacity <= truth, "{truth}: {found:?}");
        let slack = f64::max(1.0, 0.05 * f64::from(capacity));
        assert!(f64::from(truth - capacity) < slack, "{truth}: {found:?}");
        assert!(found.confirmed && !found.understated);
        let purposes = |purpose| steps.iter().filter(|it| it.purpose == purpose).count();
        assert_eq!(purposes(Purpose::Confirm), CONFIRMATIONS);
        assert!(purposes(Purpose::Shown) <= 2 && steps.len() <= 40);
    }
}

#[test]
fn under_noise_nearly_every_search_ends_near_the_truth() {
    let mut near = 0;
    for seed in 0..300 {
        let mut noise = Noise::new(seed);
        // The limit as it shows itself moves by 3 % from trial to trial.
        let system = |users: u32| {
            let limit = 800.0 * (1.0 + 0.03 * noise.next());
            up_to(limit as u32)(users)
        };
        let (found, _) = searched(RANGE, system);
        let capacity = f64::from(found.capacity.unwrap());
        near += u32::from((0.88..=1.03).contains(&(capacity / 800.0)));
    }
    assert!(near >= 285, "{near} of 300");
}

#[test]
fn a_generator_that_is_the_limit_is_found_and_said() {
    let system = |users| {
        if users <= 137 {
            Answer::Met
        } else {
            Answer::Invalid
        }
    };
    let (found, _) = searched(RANGE, system);
    assert!((110..=137).contains(&found.capacity.unwrap()));
    assert!(matches!(found.above, Some((_, Above::Invalid))));
}

#[test]
fn one_invalid_trial_is_repeated_and_changes_nothing() {
    let mut tried = 0;
    let system = |users: u32| {
        tried += 1;
        if tried % 5 == 2 {
            Answer::Invalid
        } else {
            up_to(150)(users)
        }
    };
    let (found, _) = searched(RANGE, system);
    assert!((143..=150).contains(&found.capacity.unwrap()), "{found:?}");
}

#[test]
fn the_range_ends_the_search() {
    let range = Range { most: 100, ..RANGE };
    let (found, _) = searched(range, up_to(4_000));
    assert_eq!(found.capacity, Some(100));
    assert!(matches!(found.above, Some((_, Above::Most))) && found.confirmed);
    let refused = |users| {
        if users <= 90 {
            Answer::Met
        } else {
            Answer::Refused
        }
    };
    let (found, _) = searched(range, refused);
    assert!(matches!(found.above, Some((_, Above::Refused))));
    assert!((86..=90).contains(&found.capacity.unwrap()));
}

#[test]
fn where_not_one_user_is_served_there_is_no_capacity() {
    let (found, steps) = searched(RANGE, |_| Answer::Missed);
    assert_eq!((found.capacity, found.confirmed), (None, false));
    assert!(steps.len() < 8);
    assert_eq!(found, super::found(RANGE, &steps));
}

#[test]
fn a_winner_that_fails_its_confirmation_gives_way_to_a_smaller_one() {
    let mut confirmed = 0;
    let mut steps = Vec::new();
    while let Next::Try(users, purpose) = next(RANGE, &steps) {
        let mut answer = up_to(100)(users);
        if purpose == Purpose::Confirm {
            confirmed += 1;
            if confirmed == 2 {
                answer = Answer::Missed;
            }
        }
        steps.push(Step {
            users,
            purpose,
            answer,
        });
    }
    let found = found(RANGE, &steps);
    assert!(found.confirmed && (70..100).contains(&found.capacity.unwrap()));
}

#[test]
fn a_miss_that_was_bad_luck_shows_when_more_users_are_served() {
    let mut steps = Vec::new();
    while let Next::Try(users, purpose) = next(RANGE, &steps) {
        let first_of_these = steps.iter().all(|step: &Step| step.users != 160);
        let answer = if users == 160 && first_of_these {
            Answer::Missed
        } else {
            Answer::Met
        };
        steps.push(Step {
            users,
            purpose,
            answer,
        });
    }
    let found = found(RANGE, &steps);
    assert!(found.understated, "{found:?}");
}
