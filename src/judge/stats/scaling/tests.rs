use super::*;
use crate::judge::stats::Noise;

const POPULATIONS: [f64; 14] = [
    10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 240.0, 280.0, 300.0, 290.0, 290.0, 290.0, 200.0, 120.0,
];

fn law(n: f64, [lambda, sigma, kappa]: [f64; 3]) -> f64 {
    lambda * n / (1.0 + sigma * (n - 1.0) + kappa * n * (n - 1.0))
}

fn points(truth: [f64; 3], scatter: f64, seed: u64) -> Vec<Point> {
    let mut noise = Noise::new(seed);
    POPULATIONS
        .iter()
        .map(|n| (*n, law(*n, truth) * (1.0 + scatter * noise.next())))
        .collect()
}

#[test]
fn points_on_the_curve_give_its_parameters_back() {
    let truth = [4.0, 0.02, 1e-5];
    let fit = Scaling::fit(&points(truth, 0.0, 1)).unwrap();
    for (found, truth) in [fit.lambda, fit.sigma, fit.kappa].iter().zip(truth) {
        assert!((found.value / truth - 1.0).abs() < 1e-6, "{fit:?}");
    }
    let peak = (0.98_f64 / 1e-5).sqrt();
    assert!((fit.peak.unwrap() / peak - 1.0).abs() < 1e-6);
    assert!((fit.throughput(150.0) / law(150.0, truth) - 1.0).abs() < 1e-9);
}

#[test]
fn the_intervals_hold_the_truth_as_often_as_they_say() {
    let truth = [4.0, 0.004, 2e-5];
    let simulations = 1_000;
    let mut held = [0; 3];
    for seed in 0..simulations {
        let fit = Scaling::fit_with(&points(truth, 0.03, seed), 300).unwrap();
        for (count, (found, truth)) in held
            .iter_mut()
            .zip([fit.lambda, fit.sigma, fit.kappa].iter().zip(truth))
        {
            *count += u32::from(found.interval.holds(truth));
        }
    }
    for count in held {
        let share = f64::from(count) / simulations as f64;
        assert!((0.93..=0.97).contains(&share), "{held:?}");
    }
}

#[test]
fn a_straight_line_shows_no_bend_and_has_no_peak_that_is_shown() {
    let mut bends = 0;
    for seed in 0..200 {
        let fit = Scaling::fit_with(&points([4.0, 0.0, 0.0], 0.03, seed), 300).unwrap();
        bends += u32::from(fit.bends());
        assert!(fit.sigma.value >= 0.0 && fit.kappa.value >= 0.0);
    }
    // Two one-sided tails of 2.5 %.
    assert!(bends <= 20, "{bends} of 200");
}

#[test]
fn few_populations_or_a_narrow_span_carry_no_fit() {
    assert_eq!(Scaling::fit(&[]), Err(NoFit::Few(0)));
    let three = [(10.0, 1.0), (20.0, 2.0), (40.0, 4.0), (40.0, 4.1)];
    assert_eq!(Scaling::fit(&three), Err(NoFit::Few(3)));
    let narrow = [(10.0, 1.0), (12.0, 1.2), (14.0, 1.4), (16.0, 1.6)];
    assert_eq!(Scaling::fit(&narrow), Err(NoFit::Narrow(1.6)));
    let nonsense = [(1.0, f64::NAN), (0.0, 3.0), (-4.0, 1.0), (9.0, 0.0)];
    assert_eq!(Scaling::fit(&nonsense), Err(NoFit::Few(0)));
}
