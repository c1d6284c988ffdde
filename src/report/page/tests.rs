use super::*;
use crate::judge::synthetic::{as_the_document_says, empty};
use crate::judge::{Ending, Evidence, judge};

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
        "no intervals",
        "Limits",
    ] {
        assert!(html.contains(text), "html lacks {text}");
        assert!(markdown.contains(text), "markdown lacks {text}");
    }
}

#[test]
fn the_html_page_stands_alone_and_runs_nothing() {
    let (html, _) = pages(&as_the_document_says(), &manifest(), Lang::En);
    assert!(html.contains("<svg"));
    for text in ["<script", "src=", "href=\"http", "@import", "url("] {
        assert!(!html.contains(text), "{text}");
    }
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
fn labels_come_in_thai() {
    let (html, markdown) = pages(&as_the_document_says(), &manifest(), Lang::Th);
    for text in ["แหล่งที่เก็บ E-mail", "ตรงตามเอกสาร", "วิธีการ"]
    {
        assert!(html.contains(text) && markdown.contains(text));
    }
    assert!(html.contains("lang=\"th\""));
}
