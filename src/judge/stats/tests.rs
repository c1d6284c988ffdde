//! What the methods promise, held against numbers of known truth. All seeds are fixed.

use super::bootstrap::resampled;
use super::chance::Chance;
use super::*;

const SIMULATIONS: usize = 1_000;

/// Two arms over so many blocks: what a block is like moves both arms, and each has noise of its own.
fn blocks(chance: &mut Chance, count: u32, ratio: f64) -> LogRatios {
    let mut pop = Vec::new();
    let mut imap = Vec::new();
    for block in 1..=count {
        let both = 0.3 * chance.normal();
        pop.push((block, (both + 0.1 * chance.normal()).exp()));
        imap.push((block, ratio * (both + 0.1 * chance.normal()).exp()));
    }
    LogRatios::of(&imap, &pop).unwrap()
}

fn coverage(count: u32, holds: impl Fn(&LogRatios) -> bool) -> f64 {
    let mut chance = Chance::new(u64::from(count));
    let held = (0..SIMULATIONS)
        .filter(|_| holds(&blocks(&mut chance, count, 1.7)))
        .count();
    held as f64 / SIMULATIONS as f64
}

fn logs(ratios: &LogRatios) -> Vec<f64> {
    ratios
        .numbers()
        .filter_map(|it| ratios.in_block(it))
        .collect()
}

/// With a tenth of the resamples, for speed: more of them make an interval steadier, not wider.
fn holds_the_truth(ratios: &LogRatios) -> bool {
    let (below, above) = resampled(&logs(ratios), RESAMPLES / 10).unwrap();
    let log = ratios.ratio().ln();
    (log - below..=log + above).contains(&1.7_f64.ln())
}

#[test]
fn intervals_hold_the_true_ratio_in_95_percent_of_runs_from_6_blocks_to_12() {
    for count in [6, 8, 12] {
        let coverage = coverage(count, holds_the_truth);
        assert!(
            (0.93..=0.97).contains(&coverage),
            "{count} blocks: {coverage}"
        );
    }
}

#[test]
fn the_percentile_bootstrap_would_hold_it_less_often_which_is_why_it_is_not_used() {
    let percentile = |ratios: &LogRatios| {
        let logs = logs(ratios);
        let mut chance = Chance::new(1);
        let mut means: Vec<f64> = (0..400)
            .map(|_| {
                let draw = |_| logs[chance.below(logs.len())];
                (0..logs.len()).map(draw).sum::<f64>() / logs.len() as f64
            })
            .collect();
        means.sort_by(f64::total_cmp);
        means[10].exp() <= 1.7 && 1.7 <= means[389].exp()
    };
    assert!(coverage(6, percentile) < 0.90);
}

#[test]
fn blocks_that_are_nearly_the_same_have_a_narrow_interval() {
    let bytes = [
        8_910_594.0,
        8_910_594.0,
        8_910_594.0,
        8_910_594.0,
        8_910_595.0,
        8_910_592.0,
    ];
    let interval = around(8_910_594.0, &bytes, None).unwrap();
    let apart = interval.high - interval.low;
    assert!((1.0..200.0).contains(&apart), "{interval:?}");
}

#[test]
fn the_same_blocks_give_the_same_interval() {
    let ratios = blocks(&mut Chance::new(3), 8, 2.0);
    assert_eq!(ratios.interval(), ratios.interval());
    assert!(ratios.interval().unwrap().holds(ratios.ratio()));
}

#[test]
fn blocks_that_do_not_differ_have_an_interval_without_width() {
    let flat = |value: f64| -> Vec<(u32, f64)> { (1..=6).map(|block| (block, value)).collect() };
    let ratios = LogRatios::of(&flat(6.0), &flat(2.0)).unwrap();
    let interval = ratios.interval().unwrap();
    assert!((interval.low - 3.0).abs() < 1e-9 && (interval.high - 3.0).abs() < 1e-9);
}

#[test]
fn there_is_no_ratio_to_nothing_and_none_of_blocks_that_do_not_meet() {
    assert_eq!(LogRatios::of(&[(1, 2.0)], &[(1, 0.0)]), None);
    assert_eq!(LogRatios::of(&[(1, 2.0)], &[(2, 1.0)]), None);
    let one = LogRatios::of(&[(1, 4.0), (2, 1.0)], &[(1, 2.0)]).unwrap();
    assert_eq!((one.blocks(), one.interval()), (1, None));
    assert!((one.ratio() - 2.0).abs() < 1e-12);
}

#[test]
fn an_interval_around_a_share_stays_between_0_and_100() {
    let shares = [97.0, 99.0, 100.0, 98.0, 100.0, 99.0];
    let interval = around(98.8, &shares, Some(100.0)).unwrap();
    assert!(interval.low > 90.0 && interval.low < 98.8, "{interval:?}");
    assert!((interval.high - 100.0).abs() < 1.0);
    assert_eq!(around(98.8, &[98.8], Some(100.0)), None);
}

#[test]
fn an_interval_around_a_figure_that_can_be_zero_never_goes_below() {
    let interval = around(1.0, &[0.0, 0.0, 0.0, 0.0, 0.0, 6.0], None).unwrap();
    assert!(interval.low >= 0.0 && interval.high >= 1.0);
}

#[test]
fn the_sign_flip_p_is_the_share_of_patterns_as_extreme() {
    assert!((sign_flip_p(&[1.0; 5]) - 2.0 / 32.0).abs() < 1e-12);
    assert!((sign_flip_p(&[1.0; 6]) - 2.0 / 64.0).abs() < 1e-12);
    // +3 +2 −1: sums of ±3 ±2 ±1 that reach 4 are 6, 4 and their mirror images, of eight.
    assert!((sign_flip_p(&[3.0, 2.0, -1.0]) - 4.0 / 8.0).abs() < 1e-12);
    assert!((sign_flip_p(&[0.0, 0.0]) - 1.0).abs() < 1e-12);
    assert!((sign_flip_p(&[]) - 1.0).abs() < 1e-12);
}

#[test]
fn beyond_16_blocks_patterns_are_drawn_and_p_is_never_0() {
    let p = sign_flip_p(&[1.0; 20]);
    assert!(p > 0.0 && p < 0.001, "{p}");
    let mut chance = Chance::new(9);
    let values: Vec<f64> = (0..16).map(|_| chance.normal()).collect();
    let exact = sign_flip_p(&values);
    // One more block without a difference changes no pattern's sum, so the drawn share must come near the exact one.
    let drawn = sign_flip_p(&[values.as_slice(), &[0.0]].concat());
    assert!((exact - drawn).abs() < 0.01, "{exact} {drawn}");
}

#[test]
fn joint_flips_correct_for_many_figures_without_asking_for_more_blocks() {
    let mut chance = Chance::new(5);
    let figures: Vec<LogRatios> = (0..8).map(|_| blocks(&mut chance, 6, 3.0)).collect();
    for (alone, joint) in figures.iter().map(LogRatios::p).zip(joint_p(&figures)) {
        assert!((alone - 2.0 / 64.0).abs() < 1e-12);
        assert!((joint - 2.0 / 64.0).abs() < 1e-12, "{joint}");
    }
    let plain = holm(&[2.0 / 64.0; 8]);
    assert!(plain.iter().all(|p| *p > 0.2), "{plain:?}");
}

#[test]
fn among_eight_figures_without_a_difference_one_run_in_twenty_shows_one_not_one_figure_in_twenty() {
    let mut chance = Chance::new(6);
    let (mut alone, mut joint) = (0, 0);
    let runs = 400;
    for _ in 0..runs {
        let figures: Vec<LogRatios> = (0..8).map(|_| blocks(&mut chance, 8, 1.0)).collect();
        alone += u32::from(figures.iter().any(|figure| figure.p() <= SIGNIFICANT));
        joint += u32::from(joint_p(&figures).iter().any(|p| *p <= SIGNIFICANT));
    }
    // 400 runs at 5 %: 20, give or take 4.4 (one standard deviation).
    assert!(joint <= 33, "{joint} of {runs}");
    assert!(alone > 80, "{alone} of {runs}");
}

#[test]
fn joint_p_is_never_below_the_p_of_the_figure_alone() {
    let mut chance = Chance::new(8);
    let mut figures: Vec<LogRatios> = [1.0, 1.05, 1.4]
        .map(|ratio| blocks(&mut chance, 7, ratio))
        .to_vec();
    // One figure lacks a block.
    let short = |from| -> Vec<(u32, f64)> { (from..=7).map(|it| (it, f64::from(it))).collect() };
    figures.push(
        LogRatios::of(
            &short(2),
            &short(1).iter().map(|(b, _)| (*b, 1.0)).collect::<Vec<_>>(),
        )
        .unwrap(),
    );
    for (figure, joint) in figures.iter().zip(joint_p(&figures)) {
        assert!(joint >= figure.p() - 1e-12);
    }
    assert!(joint_p(&[]).is_empty());
}

#[test]
fn holm_multiplies_the_smallest_by_all_and_never_turns_the_order_round() {
    let adjusted = holm(&[0.01, 0.04, 0.03]);
    assert!((adjusted[0] - 0.03).abs() < 1e-12);
    assert!((adjusted[2] - 0.06).abs() < 1e-12);
    assert!((adjusted[1] - 0.06).abs() < 1e-12);
    assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
}

#[test]
fn welch_agrees_with_a_worked_example() {
    // Logarithms 1…5 and 2, 4…10: t = −3 ÷ √(0.5 + 2) = −1.897 with 5.88 degrees of freedom (as R's t.test says too).
    let of = |step: f64| -> Vec<f64> { (1..=5).map(|it| (step * f64::from(it)).exp()).collect() };
    let welch = Welch::of(&of(1.0), &of(2.0)).unwrap();
    assert!((welch.p - 0.1075).abs() < 0.0005, "{}", welch.p);
    assert!((welch.ratio.ln() - 3.0).abs() < 1e-9);
    assert!((welch.noise - 6.25_f64.sqrt()).abs() < 1e-9);
    assert!(welch.interval.holds(1.0));
}

#[test]
fn the_runs_that_a_difference_needs_find_it_as_often_as_promised() {
    let difference = 1.10_f64.ln();
    let runs = runs_needed(difference, 0.03, 0.01, 0.95);
    let mut chance = Chance::new(11);
    let mut found = 0;
    for _ in 0..SIMULATIONS {
        let mut set = |mean: f64| -> Vec<f64> {
            let value = |_| (mean + 0.03 * chance.normal()).exp();
            (0..runs).map(value).collect()
        };
        let welch = Welch::of(&set(0.0), &set(difference)).unwrap();
        found += usize::from(welch.p < 0.01);
    }
    assert!(found >= 930, "{found} of {SIMULATIONS} with {runs} runs");
}

#[test]
fn sets_without_spread_are_the_same_or_not() {
    assert!((Welch::of(&[2.0, 2.0], &[2.0, 2.0]).unwrap().p - 1.0).abs() < 1e-12);
    assert!(Welch::of(&[2.0, 2.0], &[3.0, 3.0]).unwrap().p < 1e-12);
    assert_eq!(Welch::of(&[2.0], &[3.0, 3.0]), None);
    assert_eq!(Welch::of(&[2.0, 0.0], &[3.0, 3.0]), None);
}

#[test]
fn what_was_not_seen_to_the_end_counts_as_waiting_for_as_long_as_it_was_watched() {
    use survival::{Wait, quantile};
    let wait = |time: i32, happened| Wait {
        time: f64::from(time),
        happened,
    };
    let all: Vec<Wait> = (1..=10).map(|time| wait(time, true)).collect();
    assert_eq!(quantile(all.clone(), 0.5), Some(5.0));
    assert_eq!(quantile(all, 1.0), Some(10.0));
    // Three of six were watched for a while only: 1 − 5/6 × 3/4 × 1/2 = 0.69 by the time 5.
    let some = [
        (1, true),
        (2, false),
        (3, true),
        (4, false),
        (5, true),
        (6, false),
    ];
    let some: Vec<Wait> = some.map(|(time, happened)| wait(time, happened)).to_vec();
    assert_eq!(quantile(some.clone(), 0.5), Some(5.0));
    assert_eq!(quantile(some, 0.7), None);
    assert_eq!(quantile(Vec::new(), 0.5), None);
}
