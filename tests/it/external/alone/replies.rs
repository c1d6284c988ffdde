//! Where answers are filed: servers call the folder for them by different names, and some have none until somebody makes it.

use mailgauge::metrics::Operation;

use super::super::private::Private;
use super::super::{run, target_option};
use crate::compare::{Run, assert_finished, assert_sums_hold};

#[tokio::test]
async fn on_courier_answers_lie_below_the_prefix_of_its_folders() {
    let Some(server) = Private::start("courier", "filing answers").await else {
        return;
    };
    assert_eq!(made_while_answering(&server), 0);
    server.stop().await;
}

#[tokio::test]
async fn a_folder_for_answers_is_made_where_the_prefix_says() {
    let Some(server) = Private::start("courier", "making a folder for answers").await else {
        return;
    };
    for account in server.accounts() {
        server.log_in(account).command("DELETE INBOX.Sent");
    }
    assert!(made_while_answering(&server) > 0);
    // Not everybody had something to answer.
    let has_one = |account| {
        let listed = server.log_in(account).command("LIST \"\" \"*\"");
        listed.contains("\"INBOX.Sent\"")
    };
    assert!(server.accounts().iter().any(has_one));
    server.stop().await;
}

/// Runs people who answer everything; returns how many folders they made.
fn made_while_answering(server: &Private) -> u64 {
    let target = server.target();
    let compare = Run::new();
    let mut command = compare.command(&target_option(&target));
    let (code, said) = run(command.args(["--arms", "imap", "--set", "habits.reply=1"]));
    assert_finished(code, &said);
    let results = compare.read();
    assert_sums_hold(&results);
    assert_eq!(results.errors().unwrap(), []);
    let ops = results.ops().unwrap();
    let done = |operation| {
        let rows = ops.iter().filter(|row| row.operation == operation);
        rows.map(|row| row.count).sum::<u64>()
    };
    assert!(done(Operation::Append) >= 4);
    assert_eq!(done(Operation::Append), done(Operation::ReplyMessage));
    done(Operation::CreateMailbox)
}
