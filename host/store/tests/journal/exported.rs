//! Runs as JSON lines, there and back.

use std::io::Cursor;

use sickbay_core::event::{Event, FORMAT};
use sickbay_store::{ExportReader, Journal as _, MemoryJournal, RunFilter, StoreError, export, import_run};

use crate::sample::{append_all, check_run, fresh, head, page, small};

const HEAD: &str = r#"{"schema":"sickbay.run/1","run":"r1","profile":"triage","startedMs":1700000000000,"format":1,"hostVersion":"0.1.0"}"#;
const ENTRY: &str = r#"{"seq":1,"atMs":1001,"event":{"type":"run-ended","outcome":"healthy"}}"#;

#[tokio::test]
async fn a_run_goes_out_and_comes_in_again() {
    let (_folder, journal) = fresh().await;
    journal.create_run(head("r1")).await.expect("creates");
    let mut events: Vec<Event> = (0..50).map(|n| page(n, n % 3, 20_000 * usize::from(n % 10 == 0))).collect();
    events.push(small(1));
    events.push(Event::RunEnded { outcome: "findings".into() });
    append_all(&journal, "r1", &events).await;
    let mut out = Vec::new();
    let done = export(&journal, "r1", &mut out).await.expect("exports");
    assert_eq!((done.events, done.bytes), (52, out.len() as u64));
    let text = std::str::from_utf8(&out).expect("is text");
    assert_eq!(text.lines().count(), 53);
    assert_eq!(text.lines().next(), Some(HEAD));

    let reader = ExportReader::new(Cursor::new(&out)).expect("reads");
    assert_eq!(reader.head(), &head("r1"));
    let read: Vec<Event> = reader.map(|entry| entry.expect("reads").event).collect();
    assert!(read == events);

    let other = MemoryJournal::new();
    assert_eq!(import_run(&other, Cursor::new(&out)).await, Ok(head("r1")));
    check_run(&other, "r1", &events).await;
    assert_eq!(other.run("r1").await, journal.run("r1").await);
    let again = import_run(&other, Cursor::new(&out)).await;
    assert_eq!(again, Err(StoreError::RunExists { run: "r1".into() }));
    check_run(&other, "r1", &events).await;
}

#[tokio::test]
async fn a_wrong_line_is_named_and_nothing_is_kept() {
    let newer = FORMAT + 1;
    for (text, line, why) in [
        (String::new(), 1, "empty"),
        ("\n\n".into(), 1, "empty"),
        ("hello".into(), 1, "not the head"),
        (ENTRY.into(), 1, "not the head"),
        (HEAD.replace("run/1", "run/9"), 1, "`sickbay.run/9`"),
        (HEAD.replace("\"format\":1", &format!("\"format\":{newer}")), 1, "the event format is"),
        (format!("{HEAD}\nhello\n"), 2, "not an entry"),
        (format!("{HEAD}\n{ENTRY}\n{{\"seq\":2,\"atMs\":1,\"ev"), 3, "cut off"),
        (format!("{HEAD}\n{ENTRY}\n{ENTRY}\n"), 3, "number 1 instead of 2"),
        (format!("{HEAD}\n\n{}", ENTRY.replace("run-ended", "run-dreamt")), 3, "`run-dreamt`"),
        (format!("{HEAD}\n{}", ENTRY.replace("outcome", "income")), 2, "missing field `outcome`"),
        (format!("{HEAD}\n{}", ENTRY.replace("seq", "sec")), 2, "sec"),
        (format!("{HEAD}\n{}", ENTRY.replace("\"healthy\"", &"[".repeat(100_000))), 2, "not an entry"),
    ] {
        let journal = MemoryJournal::new();
        let error = import_run(&journal, Cursor::new(text.as_bytes())).await.expect_err("is refused");
        let StoreError::Import { line: found, why: told } = &error else { panic!("{error:?}") };
        assert_eq!(*found, line, "{error}");
        assert!(told.contains(why), "{error} does not say {why}");
        assert!(journal.runs(RunFilter::default()).await.expect("lists").is_empty());
    }
    let bytes = [HEAD.as_bytes(), b"\n{\"seq\":1,\"\xff\xfe"].concat();
    let error = import_run(&MemoryJournal::new(), Cursor::new(bytes)).await.expect_err("is refused");
    assert!(matches!(error, StoreError::Import { line: 2, .. }), "{error}");
    let bad = HEAD.replace("\"r1\"", "\"\\u001b[2J\"");
    let error = import_run(&MemoryJournal::new(), Cursor::new(bad)).await.expect_err("is refused");
    assert!(matches!(error, StoreError::InvalidRun { .. }), "{error}");
}

#[tokio::test]
async fn a_reader_stops_at_its_first_error() {
    let text = format!("{HEAD}\n{ENTRY}\nhello\n{ENTRY}\n");
    let mut reader = ExportReader::new(Cursor::new(text)).expect("reads");
    assert!(matches!(reader.next(), Some(Ok(_))));
    assert!(matches!(reader.next(), Some(Err(StoreError::Import { line: 3, .. }))));
    assert!(reader.next().is_none());
}

#[tokio::test]
async fn a_closed_output_is_an_error_with_its_reason() {
    let journal = MemoryJournal::new();
    journal.create_run(head("r1")).await.expect("creates");
    append_all(&journal, "r1", &[page(1, 1, 100_000)]).await;
    let (reader, mut writer) = tokio::io::duplex(64);
    drop(reader);
    let error = export(&journal, "r1", &mut writer).await.expect_err("is closed");
    assert!(matches!(error, StoreError::Output { .. }), "{error}");
}
