//! Round numbers for axes.

/// Round steps from zero to at least `max`, about `count` of them; the last is the axis' end.
pub(super) fn linear(max: f64, count: usize) -> Vec<f64> {
    if max <= 0.0 || !max.is_finite() {
        return vec![0.0, 1.0];
    }
    let raw = max / count.max(1) as f64;
    let power = 10_f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| *step >= raw * 0.999)
        .unwrap_or(10.0 * power);
    let steps = (max / step - 1e-9).ceil().max(1.0) as usize;
    (0..=steps).map(|index| index as f64 * step).collect()
}

/// Powers of ten from at most `min` to at least `max`; at least one decade.
pub(super) fn decades(min: f64, max: f64) -> Vec<f64> {
    let low = if min > 0.0 && min.is_finite() {
        min.log10().floor()
    } else {
        0.0
    };
    let high = if max > 0.0 && max.is_finite() {
        max.log10().ceil()
    } else {
        1.0
    };
    let high = high.max(low + 1.0);
    (low as i32..=high as i32)
        .map(|power| 10_f64.powi(power))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_axes_end_at_or_above_the_largest_value_in_round_steps() {
        assert_eq!(linear(100.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(linear(7.3, 4), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(linear(0.0, 4), [0.0, 1.0]);
        assert_eq!(linear(f64::NAN, 4), [0.0, 1.0]);
    }

    #[test]
    fn decades_hold_all_values() {
        assert_eq!(decades(0.2, 35.0), [0.1, 1.0, 10.0, 100.0]);
        assert_eq!(decades(1.0, 1.0), [1.0, 10.0]);
        assert_eq!(decades(0.0, 0.0).len(), 2);
    }
}
