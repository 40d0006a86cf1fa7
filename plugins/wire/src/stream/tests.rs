use super::*;
use crate::splits;

/// `{"say": "x"}` is text, `{"over": true}` the end.
#[derive(Debug, Default)]
struct Plain;

impl Format for Plain {
    fn frame(&mut self, name: &str, data: &Value, events: &mut Vec<Event>) -> Result<Flow, Error> {
        if has_error(data) {
            return Err(failure::of_stream("plain", data));
        }
        if let Some(say) = json::text(data, "say") {
            events.push(Event::Text(format!("{name}{say}")));
        }
        Ok(if json::present(data, "over").is_some() { Flow::Over } else { Flow::More })
    }

    fn done(&mut self, _: &mut Vec<Event>) -> Result<Flow, Error> {
        Ok(Flow::Over)
    }

    fn whole(&mut self, body: &Value, events: &mut Vec<Event>) -> Result<(), Error> {
        events.push(Event::Raw(body.to_string()));
        Ok(())
    }

    fn end(&mut self, _: &mut Vec<Event>) -> Result<(), Error> {
        Err(failure::truncated("plain"))
    }
}

/// All texts, then `!` and the code of the error where there is one.
fn outcome(framing: Framing, status: u16, bytes: &[u8]) -> Vec<String> {
    splits::same_for_any_split(bytes, |pieces| {
        let mut decoder = StreamDecoder::new("plain", framing, status, Vec::new(), Plain);
        let mut found = Vec::new();
        let mut failed = None;
        let mut keep = |answer: Result<Vec<Event>, Error>| match answer {
            Ok(events) => {
                assert!(failed.is_none(), "events after an error");
                found.extend(events.into_iter().map(|event| match event {
                    Event::Text(text) | Event::Raw(text) => text,
                    other => format!("{other:?}"),
                }));
            }
            Err(error) => failed = Some(error),
        };
        for piece in pieces {
            keep(decoder.push(piece));
        }
        keep(decoder.finish());
        found.extend(failed.map(|error| format!("!{}", error.code)));
        found
    })
}

#[test]
fn a_body_is_taken_for_what_it_is() {
    use Framing::{JsonLines, ServerSentEvents as Events};
    for (framing, status, body, expect) in [
        (Events, 200, "data: {\"say\":\"a\"}\n\ndata: [DONE]\n\n", &["a"][..]),
        (Events, 200, "\u{feff}\r\n\r\nevent: e\ndata: {\"say\":\"a\"}\n\ndata: [DONE]\n\nrest", &["ea"]),
        (Events, 200, "data: {\"say\":\"a\"}\n\ndata: {\"over\":1,\"say\":\"b\"}", &["a", "b"]),
        (Events, 200, "data: {\"say\":\"a\"}\n\ndata: {\"ov", &["a", "!truncated"]),
        (Events, 200, "data: {\"say\":\"a\"}\n\n", &["a", "!truncated"]),
        (Events, 200, "data: {\"say\":\"a\"}\n\ndata: oops\n\n", &["a", "!unreadable"]),
        (Events, 200, "data: {\"say\":\"a\"}\n\ndata: {\"error\":{\"code\":\"x\"}}\n\n", &["a", "!x"]),
        (Events, 200, "data: {\"say\":\"a\"}\n\n{\"error\":{\"code\":\"x\"}}\n", &["a", "!x"]),
        (Events, 200, ": ping\n\ndata:\n\ndata: [DONE]\n\n", &[]),
        (Events, 200, " {\"a\": 1}\n", &["{\"a\":1}"]),
        (Events, 200, "{\"error\": {\"type\": \"overloaded_error\"}}", &["!overloaded_error"]),
        (Events, 200, "{\"a\": ", &["!truncated"]),
        (Events, 200, "{\"a\": 1} x", &["!unreadable"]),
        (Events, 200, "\n<!DOCTYPE html><title>Log in</title>", &["!html-body"]),
        (Events, 200, "upstream is away", &["!unreadable"]),
        (Events, 200, "", &["!unreadable"]),
        (Events, 200, "\r\n \n", &["!unreadable"]),
        (Events, 503, "data: {\"say\":\"a\"}\n\n", &["!http-503"]),
        (Events, 401, "{\"error\":{\"type\":\"authentication_error\"}}", &["!authentication_error"]),
        (JsonLines, 200, "{\"say\":\"a\"}\n\n{\"say\":\"b\",\"over\":true}\n{\"say\":\"c\"}\n", &["a", "b"]),
        (JsonLines, 200, "{\"say\":\"a\"}\r\n{\"over\":true}", &["a"]),
        (JsonLines, 200, "{\"say\":\"a\"}\n{\"ov", &["a", "!truncated"]),
        // A cut is a cut, and what can never be read is not one.
        (JsonLines, 200, "{malformed json: <<<chaos>>>", &["!unreadable"]),
        (JsonLines, 200, "upstream gone", &["!unreadable"]),
        (Events, 200, "data: {\"say\":\"a\"}\n\ndata: oops", &["a", "!unreadable"]),
        (Events, 200, "data: {\"say\":\"a\"}\n\ndata: [DON", &["a", "!truncated"]),
        (Events, 200, "data: {\"say\":\"a\"}\n\ndata: tru", &["a", "!truncated"]),
        (JsonLines, 200, "{\"say\":\"a\"}\n{\"error\":\"it broke\"}\n", &["a", "!provider-error"]),
        (JsonLines, 200, "<html>", &["!html-body"]),
        (JsonLines, 404, "{\"error\":\"model 'x' not found\"}", &["!http-404"]),
    ] {
        assert_eq!(outcome(framing, status, body.as_bytes()), expect, "{body:?}");
    }
}

#[test]
fn what_is_kept_is_bounded() {
    for (status, head) in [(200, "<"), (200, "{"), (500, "x"), (200, " "), (200, "data: ")] {
        let mut decoder = StreamDecoder::new("plain", Framing::ServerSentEvents, status, Vec::new(), Plain);
        let blank = vec![if head == " " { b' ' } else { b'x' }; 1 << 20];
        let mut answer = decoder.push(head.as_bytes());
        for _ in 0..6 {
            answer = decoder.push(&blank);
        }
        let kept = match &decoder.body {
            Body::Undecided(kept) | Body::Whole(kept) | Body::Refused(kept) => kept.len(),
            _ => 0,
        };
        assert!(kept <= MAX_FRAME, "{head:?}: {kept}");
        assert_eq!(answer.is_err(), ["{", " ", "data: "].contains(&head), "{head:?}");
    }
}

#[test]
fn a_page_says_its_title() {
    let mut decoder = StreamDecoder::new("plain", Framing::ServerSentEvents, 200, Vec::new(), Plain);
    decoder.push(b"<html><title>Log in</title>").unwrap();
    let error = decoder.finish().unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(error.message, "`plain` answered 200 with a page of HTML, \"Log in\"; is the endpoint right?");
}

#[test]
fn a_whole_body_is_json_or_an_error() {
    assert!(whole_body("p", 200, b" {\"data\": []} ").is_ok());
    for (status, body, code) in [
        (401, &b"{}"[..], "http-401"),
        (200, b"<html>", "html-body"),
        (200, b"{\"error\":{\"type\":\"api_error\"}}", "api_error"),
        (200, b"\xff", "unreadable"),
    ] {
        assert_eq!(whole_body("p", status, body).unwrap_err().code, code);
    }
}
