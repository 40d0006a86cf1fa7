//! A web page in place of an answer: of a proxy, a login, a wrong endpoint.

use sickbay_core::{
    error::{CallError, ErrorKind},
    text::clean_line,
};

use crate::{
    error::{Failed, Trouble},
    route::Route,
};

/// The trouble that it is.
pub(crate) fn in_place_of_an_answer(route: &Route) -> Failed {
    let message = format!(
        "`{}` of provider `{}` answered with a web page, not as a model does",
        clean_line(&route.endpoint, 200),
        route.name
    );
    let error = CallError::new(ErrorKind::Unavailable, "html-body", message)
        .with_hint("check `endpoint` in `[model]`, and whether a proxy or a login stands before it");
    Failed::new(Trouble::NotAnAnswer, error)
}

/// Whether the head of a response says that a page follows.
pub(crate) fn is_announced(headers: &[(String, String)]) -> bool {
    headers.iter().any(|(name, value)| {
        name == "content-type"
            && value.trim_start().get(..9).is_some_and(|kind| kind.eq_ignore_ascii_case("text/html"))
    })
}

/// Whether a body begins like one.
pub(crate) fn is_begun(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii_start();
    [b"<!doctype html".as_slice(), b"<html"]
        .iter()
        .any(|mark| body.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_by_its_head_and_by_its_first_bytes() {
        let header = |value: &str| vec![("content-type".to_owned(), value.to_owned())];
        for (value, expect) in [
            ("text/html", true),
            (" Text/HTML; charset=utf-8", true),
            ("text/event-stream", false),
            ("", false),
        ] {
            assert_eq!(is_announced(&header(value)), expect, "{value}");
        }
        for (body, expect) in [
            ("<!DOCTYPE html><title>Sign in</title>", true),
            ("\u{feff}\n  <HTML lang=en>", true),
            ("<h", false),
            ("data: {}\n\n", false),
            ("{\"html\": 1}", false),
            ("", false),
        ] {
            assert_eq!(is_begun(body.as_bytes()), expect, "{body}");
        }
    }
}
