use super::*;
use crate::judge::synthetic::{as_the_document_says, empty, with_blocks};
use crate::judge::{Column, Ending, Evidence, Lineup, judge};

fn pages(evidence: &Evidence, manifest: &Manifest, lang: Lang) -> (String, String) {
    let judgement = judge(evidence);
    let charts = [Chart {
        name: "4-connect".to_owned(),
        alt: "time".to_owned(),
        row: Some(4),
        svg: "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>".to_owned(),
    }];
    let page = Page {
        judgement: &judgement,
        manifest,
        charts: &charts,
        errors: &[],
        lang,
    };
    (page.html().unwrap(), page.markdown().unwrap())
}

fn manifest() -> Manifest {
    let mut manifest = Manifest {
        scenario_question: "Which is <better>?".to_owned(),
        speed: 60.0,
        ..Manifest::default()
    };
    manifest.target.name = "embedded".to_owned();
    manifest.target.banners.insert(
        "imap".to_owned(),
        "* OK <script>alert(1)</script> | x".to_owned(),
    );
    manifest
}

#[test]
fn both_pages_hold_the_answer_the_method_and_the_limits() {
    let (html, markdown) = pages(&as_the_document_says(), &manifest(), Lang::En);
    for text in [
        "time taken to connect",
        "8012 s",
        "measured",
        "derived",
        "60 times faster",
        "no interval is given",
        "own lag of planned operations",
        "page cache",
        "Limits",
    ] {
        assert!(html.contains(text), "html lacks {text}");
        assert!(markdown.contains(text), "markdown lacks {text}");
    }
}

#[test]
fn the_answer_comes_first_then_what_it_rests_on_then_claims_and_charts() {
    let (html, markdown) = pages(&with_blocks(6), &manifest(), Lang::En);
    let order = |text: &str, marks: [&str; 6]| {
        let places: Vec<Option<usize>> = marks.iter().map(|mark| text.find(mark)).collect();
        assert!(places.iter().all(Option::is_some), "{places:?}");
        assert!(places.is_sorted(), "{places:?}");
    };
    let ids = ["answer", "rests", "claims", "charts", "method", "limits"];
    order(
        &html,
        ids.map(|id| format!("id=\"{id}\""))
            .each_ref()
            .map(String::as_str),
    );
    let heads = [
        "## The answer",
        "## What it rests on",
        "## What the text claims",
        "## Charts",
        "## Method",
        "## Limits",
    ];
    order(&markdown, heads);
}

#[test]
fn the_html_page_stands_alone_and_runs_nothing_but_its_own_script() {
    let (html, _) = pages(&as_the_document_says(), &manifest(), Lang::En);
    assert!(html.contains("<svg"));
    for text in ["src=", "href=\"http", "@import", "url("] {
        assert!(!html.contains(text), "{text}");
    }
    assert_eq!(html.matches("<script").count(), 1);
    assert!(
        html.contains(
            "content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-"
        )
    );
    assert!(html.contains("&lt;script&gt;"));
    assert!(html.contains("prefers-color-scheme: dark"));
}

#[test]
fn what_a_server_says_cannot_break_a_markdown_table() {
    let (_, markdown) = pages(&as_the_document_says(), &manifest(), Lang::En);
    assert!(markdown.contains("</script> \\| x |"));
    assert!(markdown.contains("(charts/4-connect.svg)"));
}

#[test]
fn an_unfinished_run_says_so_on_the_first_line() {
    let mut evidence = empty();
    evidence.setting.ending = Ending::Unfinished;
    let (html, markdown) = pages(&evidence, &manifest(), Lang::En);
    assert!(markdown.lines().next().unwrap().contains("UNFINISHED"));
    assert!(html.lines().next().unwrap().contains("UNFINISHED"));
    assert!(html.contains("class=\"banner\""));
}

#[test]
fn every_word_of_the_page_itself_comes_in_thai() {
    let (html, markdown) = pages(&as_the_document_says(), &manifest(), Lang::Th);
    for text in ["แหล่งที่เก็บ E-mail", "ตรงตามเอกสาร", "วิธีการ", "ขึ้นอยู่กับ"]
    {
        assert!(html.contains(text) && markdown.contains(text), "{text}");
    }
    assert!(html.contains("lang=\"th\""));
    let english = words::words(Lang::En).unwrap();
    for (name, text) in english {
        let own = text.split(['{', '}']).next().unwrap_or_default();
        // Short words are names of things, too.
        assert!(own.len() < 24 || !html.contains(own), "{name} is English");
    }
}

#[test]
fn several_runs_stand_side_by_side_with_their_standing_and_links() {
    let mut broken = as_the_document_says();
    broken.checks[0].holds = false;
    let run = |name: &str, evidence: &Evidence, plan: &str| {
        let manifest = Manifest {
            plan_fingerprint: plan.to_owned(),
            ..manifest()
        };
        let folder = format!("runs/{name}");
        Column::of_run(name.to_owned(), folder, judge(evidence), &manifest)
    };
    let absent = Column {
        target: "cyrus".to_owned(),
        result: Err("it is not here".to_owned()),
        ..Column::default()
    };
    let columns = vec![
        run("one", &as_the_document_says(), "a"),
        run("two", &broken, "b"),
        absent,
    ];
    let lineup = Lineup::of_runs(columns);
    for lang in [Lang::En, Lang::Th] {
        let page = SeveralPage {
            lineup: &lineup,
            lang,
        };
        for text in [page.html().unwrap(), page.markdown().unwrap()] {
            let text = text.replace("&#x2f;", "/");
            for part in [
                "runs/one/report.html",
                "runs/two/report.html",
                "it is not here",
            ] {
                assert!(text.contains(part), "{part}");
            }
            assert_eq!(
                text.contains("did not carry out the same plan"),
                lang == Lang::En
            );
        }
    }
    let same = Lineup::of_runs(lineup.columns[..1].to_vec());
    assert!(same.is_of_one_plan() && !lineup.is_of_one_plan());
}
