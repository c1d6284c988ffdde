//! Figures as people read them: three significant digits and a unit that fits.

use crate::judge::{Figure, Unit};

/// The value of a figure with its unit; a dash where nothing was measured.
pub(super) fn figure(figure: Option<&Figure>) -> String {
    figure
        .and_then(|figure| Some(value(figure.value?, figure.metric.unit)))
        .unwrap_or_else(|| "–".to_owned())
}

/// The 95 % interval of a figure; empty where there is none.
pub(super) fn interval(figure: Option<&Figure>) -> String {
    let ends = figure.and_then(|figure| {
        let unit = figure.metric.unit;
        Some((value(figure.low?, unit), value(figure.high?, unit)))
    });
    ends.map_or_else(String::new, |(low, high)| format!("{low} – {high}"))
}

/// A value with its unit.
pub(super) fn value(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Port => format!("{value:.0}"),
        Unit::Percent => {
            // Nearly all is not all, and nearly none is not none.
            if value <= 0.0 || value >= 100.0 {
                format!("{value:.0} %")
            } else if value > 99.9 {
                ">99.9 %".to_owned()
            } else if value < 0.1 {
                "<0.1 %".to_owned()
            } else {
                format!("{value:.1} %")
            }
        }
        Unit::Milliseconds | Unit::MillisecondsPerSession | Unit::MillisecondsPerUserHour => {
            duration(value)
        }
        Unit::JoulesPerPhoneDay => format!("{} J", digits(value)),
        Unit::Seconds | Unit::SecondsPerUserHour | Unit::SecondsPerPhoneDay => {
            format!("{} s", digits(value))
        }
        Unit::RoundTrips
        | Unit::RoundTripsPerSession
        | Unit::RoundTripsPerUserHour
        | Unit::WakeUpsPerPhoneDay
        | Unit::PacketsPerPhoneDay
        | Unit::PacketsPerUserDay
        | Unit::CountPerUserHour
        | Unit::Connections
        | Unit::Descriptors => digits(value),
        Unit::Bytes
        | Unit::BytesPerOpening
        | Unit::BytesPerCheck
        | Unit::BytesPerUserHour
        | Unit::BytesPerPhone
        | Unit::BytesPerPhoneDay
        | Unit::BytesPerUserDay => bytes(value),
    }
}

/// Milliseconds, or seconds where there are thousands of them.
pub(super) fn duration(ms: f64) -> String {
    if ms >= 1000.0 {
        format!("{} s", digits(ms / 1000.0))
    } else {
        format!("{} ms", digits(ms))
    }
}

/// Decimal multiples of the byte.
pub(super) fn bytes(bytes: f64) -> String {
    for (limit, name) in [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")] {
        if bytes.abs() >= limit * 0.9995 {
            return format!("{} {name}", digits(bytes / limit));
        }
    }
    format!("{bytes:.0} B")
}

/// Three significant digits, no exponent up to a million; integers stay what they are.
pub(super) fn digits(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        "–".to_owned()
    } else if size == 0.0 {
        "0".to_owned()
    } else if !(1e-3..1e7).contains(&size) {
        format!("{value:.2e}")
    } else if size >= 99.95 || value.fract() == 0.0 {
        format!("{value:.0}")
    } else if size >= 9.995 {
        format!("{value:.1}")
    } else if size >= 0.9995 {
        format!("{value:.2}")
    } else {
        let places = (2.0 - size.log10().floor()) as usize;
        format!("{value:.places$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_significant_digits() {
        for (number, text) in [
            (0.0, "0"),
            (7.0, "7"),
            (0.012_34, "0.0123"),
            (2.345_67, "2.35"),
            (31.4159, "31.4"),
            (99.96, "100"),
            (3600.4, "3600"),
        ] {
            assert_eq!(digits(number), text);
        }
    }

    #[test]
    fn units_fit_the_size() {
        assert_eq!(value(0.52, Unit::Milliseconds), "0.520 ms");
        assert_eq!(value(12_345.0, Unit::Milliseconds), "12.3 s");
        assert_eq!(value(1_234_567.0, Unit::Bytes), "1.23 MB");
        assert_eq!(value(999.0, Unit::Bytes), "999 B");
        assert_eq!(value(100.0, Unit::Percent), "100 %");
        assert_eq!(value(99.7, Unit::Percent), "99.7 %");
        assert_eq!(value(99.99, Unit::Percent), ">99.9 %");
        assert_eq!(value(110.0, Unit::Port), "110");
        assert_eq!(value(3600.0, Unit::SecondsPerUserHour), "3600 s");
    }
}
