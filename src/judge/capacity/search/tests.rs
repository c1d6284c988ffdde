use super::*;
use crate::judge::stats::Noise;

const RANGE: Range = Range {
    first: 20,
    most: 1_000_000,
    resolution: 0.05,
};

/// Carries a search out on a system that answers.
fn searched(range: Range, mut system: impl FnMut(u32) -> Answer) -> (Found, Vec<Step>) {
    within(range, usize::MAX, |users, _| system(users))
}

/// The same in so many trials at most; the system is told what each is for.
fn within(
    range: Range,
    most: usize,
    mut system: impl FnMut(u32, Purpose) -> Answer,
) -> (Found, Vec<Step>) {
    let mut steps = Vec::new();
    while let Next::Try(users, purpose) = next(range, &steps, most - steps.len()) {
        if steps.len() == most {
            break;
        }
        assert!((1..=range.most.max(1) * 2).contains(&users));
        steps.push(Step {
            users,
            purpose,
            answer: system(users, purpose),
        });
        assert!(steps.len() < 200, "it does not end");
    }
    (found(range, &steps), steps)
}

fn of_purpose(steps: &[Step], purpose: Purpose) -> usize {
    steps.iter().filter(|it| it.purpose == purpose).count()
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
        assert!(found.resolved && found.votes.met == CONFIRMATIONS);
        assert_eq!(of_purpose(&steps, Purpose::Confirm), CONFIRMATIONS);
        assert_eq!(of_purpose(&steps, Purpose::Recheck), 1);
        assert!(of_purpose(&steps, Purpose::Shown) <= 2 && steps.len() <= 40);
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

/// Up to 100, but for the confirmations, which are answered in turn.
fn confirmed_by(answers: &[Answer]) -> (Found, Vec<Step>) {
    let mut answers = answers.iter();
    within(RANGE, usize::MAX, |users, purpose| match purpose {
        Purpose::Confirm => *answers.next().unwrap_or(&Answer::Met),
        _ => up_to(100)(users),
    })
}

#[test]
fn a_winner_that_misses_once_or_twice_is_outvoted_and_one_that_misses_thrice_gives_way() {
    use Answer::{Met, Missed};
    let (plain, _) = confirmed_by(&[]);
    for answers in [
        &[Missed, Met, Met, Met][..],
        &[Met, Met, Missed, Met],
        &[Missed, Met, Missed, Met, Met],
    ] {
        let (found, steps) = confirmed_by(answers);
        assert_eq!((found.capacity, found.above), (plain.capacity, plain.above));
        assert!(found.confirmed && found.votes.met == 3);
        assert_eq!(of_purpose(&steps, Purpose::Confirm), answers.len());
    }
    let (found, _) = confirmed_by(&[Missed, Met, Missed, Missed]);
    assert_eq!(found.above, Some((plain.capacity.unwrap(), Above::Missed)));
    assert_eq!((found.above_votes.met, found.above_votes.missed), (2, 3));
    assert!(found.confirmed && found.capacity < plain.capacity);
}

#[test]
fn a_refused_confirmation_takes_nothing_back() {
    use Answer::{Met, Refused};
    let (plain, _) = confirmed_by(&[]);
    let (found, _) = confirmed_by(&[Met, Refused, Met, Refused, Met]);
    assert_eq!((found.capacity, found.above), (plain.capacity, plain.above));
    assert!(found.confirmed && found.votes.refused == 2);
    let (found, steps) = confirmed_by(&[Refused, Met, Refused, Refused]);
    assert_eq!((found.capacity, found.above), (plain.capacity, plain.above));
    assert!(!found.confirmed && found.is_refused());
    assert_eq!(of_purpose(&steps, Purpose::Confirm), 4);
}

#[test]
fn confirmations_are_as_likely_as_the_module_says() {
    for (probability, said) in [
        (0.95, 0.999),
        (0.9, 0.991),
        (0.8, 0.942),
        (0.7, 0.837),
        (0.5, 0.5),
        (0.3, 0.163),
        (0.1, 0.009),
    ] {
        let (plain, _) = confirmed_by(&[]);
        // Every course that five confirmations can take, and how likely it is.
        let confirmed: f64 = (0..32_u32)
            .map(|course| {
                let met = |at: u32| course & (1 << at) == 0;
                let answers: Vec<Answer> = (0..5)
                    .map(|at| if met(at) { Answer::Met } else { Answer::Missed })
                    .collect();
                let likely = (0..5).map(|at| {
                    if met(at) {
                        probability
                    } else {
                        1.0 - probability
                    }
                });
                let likely: f64 = likely.product();
                let (found, _) = confirmed_by(&answers);
                likely * f64::from(u8::from(found.capacity == plain.capacity))
            })
            .sum();
        assert!(
            (confirmed - said).abs() < 6e-4,
            "{probability}: {confirmed}"
        );
    }
}

/// A trial meets the level with a probability that falls from one to zero around 800 users: 0.5 there, 0.88 at 4 % fewer and 0.12
/// at 4 % more (a logistic curve with a scale of 2 %).
fn chances(noise: &mut Noise, users: u32) -> Answer {
    let unit = noise.unit();
    let limit = 800.0 * (1.0 + 0.02 * (unit / (1.0 - unit)).ln());
    up_to(limit as u32)(users)
}

#[test]
fn near_the_capacity_chance_does_not_decide() {
    let (mut near, mut sum, mut confirmed, mut trials) = (0, 0.0, 0, 0);
    for seed in 0..1_000 {
        let mut noise = Noise::new(seed);
        let (found, steps) = searched(RANGE, |users| chances(&mut noise, users));
        let of_truth = f64::from(found.capacity.unwrap()) / 800.0;
        near += u32::from((of_truth - 1.0).abs() <= RANGE.resolution);
        confirmed += u32::from(found.confirmed);
        sum += of_truth - 1.0;
        trials += steps.len();
    }
    let bias = sum / 1_000.0;
    assert!(near >= 850, "{near} of 1,000 within the resolution");
    assert!((-0.03..=0.0).contains(&bias), "bias {bias:.4}");
    assert_eq!(confirmed, 1_000);
    assert!(trials <= 23_000, "{trials} trials");
}

#[test]
fn with_little_time_the_capacity_is_known_less_exactly_and_confirmed_all_the_same() {
    let mut gap = f64::INFINITY;
    for most in 12..40 {
        let (found, steps) = within(RANGE, most, |users, _| up_to(150)(users));
        assert!(found.confirmed, "{most} trials: {found:?}");
        assert_eq!(of_purpose(&steps, Purpose::Shown), 2, "{most} trials");
        let (capacity, (above, _)) = (found.capacity.unwrap(), found.above.unwrap());
        assert!(capacity <= 150 && 150 < above);
        assert!(found.gap_percent().unwrap() <= gap, "{most} trials");
        gap = found.gap_percent().unwrap();
        assert_eq!(found.resolved, gap <= 5.0, "{most} trials");
    }
    // Too few to see the limit at all: that is no capacity.
    let (found, _) = within(RANGE, 3, |users, _| up_to(150)(users));
    assert!(!found.confirmed && found.above.is_none());
    assert!(gap <= 5.0);
}

#[test]
fn by_chance_and_with_little_time_most_searches_are_confirmed() {
    for most in [12, 16, 20, 24] {
        let mut confirmed = 0;
        for seed in 0..1_000 {
            let mut noise = Noise::new(seed);
            let (found, _) = within(RANGE, most, |users, _| chances(&mut noise, users));
            confirmed += u32::from(found.confirmed);
        }
        assert!(confirmed >= 850, "{confirmed} of 1,000 in {most} trials");
    }
}

#[test]
fn a_miss_that_was_bad_luck_is_turned() {
    let first = |steps: &mut Vec<u32>, users| {
        steps.push(users);
        steps.iter().filter(|it| **it == users).count() == 1
    };
    let mut seen = Vec::new();
    let (found, steps) = searched(RANGE, |users| {
        if users == 160 && first(&mut seen, users) {
            Answer::Missed
        } else {
            up_to(400)(users)
        }
    });
    assert_eq!(of_purpose(&steps, Purpose::Recheck), 3);
    assert!((381..=400).contains(&found.capacity.unwrap()), "{found:?}");
    assert!(found.confirmed && !found.understated);
    // Not even one user: that is looked at again as well.
    let mut seen = Vec::new();
    let (found, _) = searched(RANGE, |users| {
        if first(&mut seen, users) {
            Answer::Missed
        } else {
            up_to(3)(users)
        }
    });
    assert_eq!(found.capacity, Some(3));
}

#[test]
fn an_island_of_misses_shows_when_more_users_are_served() {
    let island = |users: u32| {
        if (150..170).contains(&users) {
            Answer::Missed
        } else {
            Answer::Met
        }
    };
    let (found, _) = searched(RANGE, island);
    assert!(found.understated && found.confirmed, "{found:?}");
}
