//! A made-up search for the capacity: every trial is the golden run, said to have been of another population. Nothing is measured.

use std::fs;
use std::path::Path;

use mailgauge::rundir::{Asked, CrowdFacts, Manifest, Outcome, Search, SearchManifest};
use mailgauge::scenario::Arm;

/// POP3 carries 40 users and misses the level with 80; IMAP may be tried with 20 and no more.
const TRIALS: [(Arm, u32, &str, bool); 14] = [
    (Arm::POP3, 20, "bracket", true),
    (Arm::POP3, 40, "bracket", true),
    (Arm::POP3, 80, "bracket", false),
    (Arm::POP3, 80, "recheck", false),
    (Arm::POP3, 40, "confirm", true),
    (Arm::POP3, 40, "confirm", false),
    (Arm::POP3, 40, "confirm", true),
    (Arm::POP3, 40, "confirm", true),
    (Arm::POP3, 32, "shown", true),
    (Arm::POP3, 48, "shown", true),
    (Arm::IMAP, 20, "bracket", true),
    (Arm::IMAP, 20, "confirm", true),
    (Arm::IMAP, 20, "confirm", true),
    (Arm::IMAP, 20, "confirm", true),
];

/// Writes it.
pub(crate) fn write(path: &Path) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/golden");
    let text = fs::read_to_string(golden.join("manifest.json")).unwrap();
    let run: Manifest = serde_json::from_str(&text).unwrap();
    let crowd = ["pop3", "imap"].map(|protocol| CrowdFacts {
        protocol: protocol.to_owned(),
        tried: 16,
        let_in: 10,
        refused: Some("too many connections".to_owned()),
    });
    let manifest = SearchManifest {
        started: run.started.clone(),
        scenario_name: run.scenario_name.clone(),
        scenario_question: run.scenario_question.clone(),
        scenario_toml: run.scenario_toml.clone(),
        target: "embedded".to_owned(),
        arms: vec![Arm::POP3, Arm::IMAP],
        level: "modern".to_owned(),
        first: 20,
        most: 1_000,
        resolution: 0.05,
        crowd: crowd.into(),
        ..SearchManifest::default()
    };
    let mut search = Search::create(path, manifest).unwrap();
    for (arm, users, purpose, met) in TRIALS {
        trial(&mut search, &golden, &run, (arm, users, purpose, met), None);
    }
    search.begin(Arm::IMAP, 40, "bracket", None).unwrap();
    let refused = "the target file allows 20 (`max_connections`), and 40 are needed";
    search.end(Some(refused.to_owned())).unwrap();
    for arm in [Arm::POP3, Arm::IMAP] {
        for (about, times) in [("polls", 2.0), ("polls", 4.0), ("storm", 1.0)] {
            let asked = Asked {
                about: about.to_owned(),
                times,
            };
            trial(
                &mut search,
                &golden,
                &run,
                (arm, 20, "question", true),
                Some(&asked),
            );
        }
    }
    search.manifest.out_of_time = true;
    search.conclude(Outcome::Complete).unwrap();
}

fn trial(
    search: &mut Search,
    golden: &Path,
    run: &Manifest,
    (arm, users, purpose, met): (Arm, u32, &str, bool),
    asked: Option<&Asked>,
) {
    let facts = search.begin(arm, users, purpose, asked).unwrap();
    let dir = search.run_path(&facts);
    fs::create_dir_all(&dir).unwrap();
    for entry in fs::read_dir(golden).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, dir.join(path.file_name().unwrap())).unwrap();
    }
    let mut run = run.clone();
    run.users = users;
    if !met {
        run.outcome = Outcome::Failed("the server let nobody in any more".to_owned());
    }
    let text = serde_json::to_string(&run).unwrap();
    fs::write(dir.join("manifest.json"), text).unwrap();
    search.end(None).unwrap();
}
