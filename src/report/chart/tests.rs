use super::*;
use crate::judge::synthetic::{as_the_document_says, empty};
use crate::judge::{Evidence, judge};
use crate::metrics::Operation;
use crate::scenario::Arm;

fn curves(scale: f64) -> Vec<Curve> {
    let mut curves = Vec::new();
    for (index, operation) in OPERATIONS.into_iter().enumerate().take(4) {
        for (arm, factor) in [(Arm::POP3, 1.0), (Arm::IMAP, 1.0 + index as f64 * scale)] {
            curves.push(Curve {
                operation,
                arm,
                n: 4_210,
                points: SHARES
                    .into_iter()
                    .take(17)
                    .map(|share| {
                        (
                            share,
                            factor * (0.4 + 1.5 * share) / (1.0 - share).powf(0.3),
                        )
                    })
                    .collect(),
            });
        }
    }
    curves
}

fn drawn(evidence: &Evidence, curves: &[Curve], lang: Lang) -> Vec<Chart> {
    let material = Material {
        curves,
        timeline: Timeline {
            server: &evidence.server,
            generator: &evidence.generator,
        },
    };
    draw(&judge(evidence), &material, lang).unwrap()
}

/// Ratios of a million to one, one block, one arm without figures.
fn extreme() -> Evidence {
    let mut evidence = as_the_document_says();
    evidence.sessions.retain(|row| row.block == 1);
    evidence.server.retain(|row| row.block == 1);
    evidence.generator.retain(|row| row.block == 1);
    evidence.storage.retain(|row| row.block == 1);
    evidence.consistency.retain(|row| row.block == 1);
    evidence
        .openings
        .retain(|row| row.block == 1 && row.arm == Arm::IMAP);
    for row in &mut evidence.sessions {
        if row.arm == Arm::IMAP {
            row.usable_us = row.usable_us.map(|us| us * 1_000_000);
        }
    }
    for row in &mut evidence.storage {
        row.mail_bytes *= 1_000_000;
    }
    evidence
}

#[test]
fn every_row_has_a_chart_and_all_are_well_formed_svg_of_their_size() {
    for lang in [Lang::En, Lang::Th] {
        for evidence in [as_the_document_says(), extreme()] {
            let charts = drawn(&evidence, &curves(1000.0), lang);
            assert_eq!(charts.len(), 10);
            for chart in charts {
                let tree =
                    resvg::usvg::Tree::from_str(&chart.svg, &resvg::usvg::Options::default())
                        .unwrap_or_else(|error| panic!("{}: {error}", chart.name));
                assert!(tree.size().width() >= 800.0 && tree.size().height() >= 200.0);
            }
        }
    }
}

#[test]
fn what_has_no_figures_has_no_chart() {
    assert!(drawn(&empty(), &[], Lang::En).is_empty());
}

#[test]
fn charts_hold_both_protocols_colours_and_the_values() {
    let charts = drawn(&as_the_document_says(), &curves(1.0), Lang::En);
    let connect = charts
        .iter()
        .find(|chart| chart.name == "4-connect")
        .unwrap();
    for part in [
        "#D55E00",
        "#0072B2",
        "3 ms",
        "9 ms",
        "usable inbox, median",
        "“little”",
    ] {
        assert!(connect.svg.contains(part), "{part}");
    }
}

#[test]
fn the_latency_chart_has_a_panel_per_operation_that_was_waited_for() {
    let curves = curves(1.0);
    let svg = latency::svg(&curves, Lang::En).unwrap().unwrap();
    assert!(svg.contains("open a message") && !svg.contains("delete a message"));
    let one: Vec<Curve> = curves
        .into_iter()
        .filter(|curve| curve.operation == Operation::Check)
        .collect();
    let svg = latency::svg(&one, Lang::En).unwrap().unwrap();
    assert!(svg.contains("check for mail") && !svg.contains("open a message"));
}

#[test]
fn pngs_have_their_size_and_are_not_blank_and_old_charts_go() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("9-gone.svg"), "old").unwrap();
    let charts = drawn(&as_the_document_says(), &curves(1.0), Lang::Th);
    write(&charts, folder.path()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 20);
    for chart in &charts {
        let bytes = std::fs::read(folder.path().join(format!("{}.png", chart.name))).unwrap();
        let picture = resvg::tiny_skia::Pixmap::decode_png(&bytes).unwrap();
        let expected = if chart.row.is_some() { 800.0 } else { 960.0 } * SCALE;
        assert_eq!(picture.width(), expected as u32);
        let ink = picture
            .pixels()
            .iter()
            .filter(|pixel| pixel.red() < 200 || pixel.blue() < 200)
            .count();
        assert!(ink > 2_000, "{} has {ink} dark pixels", chart.name);
    }
}

/// Writes the pictures where a person can look at them: `cargo test -- --ignored look_at_them`.
#[test]
#[ignore = "for the eye"]
fn look_at_them() {
    let folder = std::env::temp_dir().join("mailgauge-charts");
    for (name, evidence, curves, lang) in [
        ("plain", as_the_document_says(), curves(1.0), Lang::En),
        ("thai", as_the_document_says(), curves(1.0), Lang::Th),
        ("extreme", extreme(), curves(100_000.0), Lang::En),
    ] {
        write(&drawn(&evidence, &curves, lang), &folder.join(name)).unwrap();
    }
}
