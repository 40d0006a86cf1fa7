//! For tests of decoders: the same bytes in other pieces. Not in components.

use std::fmt::Debug;

use sickbay_plugin::{provider::Event, types::Error};

use crate::{Format, StreamDecoder};

/// The bytes cut at these places; places behind the end are taken modulo the length.
#[must_use]
pub fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    let mut from = 0;
    for cut in cuts {
        pieces.push(bytes.get(from..cut).unwrap_or_default());
        from = cut;
    }
    pieces.push(bytes.get(from..).unwrap_or_default());
    pieces
}

/// Decodes the bytes whole, byte by byte, cut in two at every byte, in pieces
/// of a few sizes, and in 32 mixed ways, and checks that the outcome is always
/// the same; gives that outcome.
pub fn same_for_any_split<T: PartialEq + Debug>(bytes: &[u8], decode: impl Fn(&[&[u8]]) -> T) -> T {
    let whole = decode(&[bytes]);
    let check = |pieces: &[&[u8]], how: &str| {
        let found = decode(pieces);
        assert!(found == whole, "{how}: {found:#?}\ninstead of {whole:#?}");
    };
    for at in 0..=bytes.len() {
        check(&pieces(bytes, &[at]), &format!("cut at byte {at}"));
    }
    for size in [1, 2, 3, 7, 64] {
        let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
        check(&pieces, &format!("in pieces of {size}"));
    }
    // A linear congruential generator: the same cuts each time.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for round in 0..32 {
        let cuts: Vec<usize> = (0..=round % 9)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                usize::try_from(state >> 40).unwrap_or_default()
            })
            .collect();
        check(&pieces(bytes, &cuts), &format!("cut at {cuts:?}"));
    }
    whole
}

/// Decodes a response in all those ways, checks that nothing comes after an
/// error, and gives the events and the error as [`tell`] writes them.
pub fn told<F: Format>(bytes: &[u8], open: impl Fn() -> StreamDecoder<F>) -> Vec<String> {
    same_for_any_split(bytes, |pieces| told_in(pieces, open()))
}

/// The same for one way of cutting.
pub fn told_in<F: Format>(pieces: &[&[u8]], mut decoder: StreamDecoder<F>) -> Vec<String> {
    let (mut events, mut error) = (Vec::new(), None);
    let mut keep = |answer: Result<Vec<Event>, Error>| match answer {
        Ok(more) => {
            assert!(error.is_none(), "no error is forgotten, and nothing follows it: {error:?}, {more:?}");
            events.extend(more);
        }
        Err(failed) => error = Some(failed),
    };
    for piece in pieces {
        keep(decoder.push(piece));
    }
    keep(decoder.finish());
    tell(&events, error.as_ref())
}

/// Events as short lines, for tables: `text Hello`, `call 0 id name`, `arguments 0 {…}`, `usage 1 2 0 0 0`,
/// `stop EndTurn`, `error RateLimited code`. Texts, thoughts without a signature and arguments of one call that
/// follow each other are one line, as they are for the host.
#[must_use]
pub fn tell(events: &[Event], error: Option<&Error>) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut joined = String::new();
    for event in events {
        let (head, rest) = match event {
            Event::Started(info) => {
                (String::new(), format!("started {} {}", or_none(&info.id), or_none(&info.model)))
            }
            Event::Text(text) => ("text ".to_owned(), text.clone()),
            Event::Thinking(delta) => match (&delta.signature, &delta.redacted) {
                (None, None) => ("thinking ".to_owned(), delta.text.clone()),
                (Some(signature), _) => (String::new(), format!("signature {signature}{}", delta.text)),
                (None, Some(data)) => (String::new(), format!("redacted {data}{}", delta.text)),
            },
            Event::ToolCallStart(start) => {
                (String::new(), format!("call {} {} {}", start.index, start.id, start.name))
            }
            Event::ToolCallArguments(piece) => {
                (format!("arguments {} ", piece.index), piece.fragment.clone())
            }
            Event::Usage(usage) => (
                String::new(),
                format!(
                    "usage {} {} {} {} {}",
                    usage.input, usage.output, usage.cache_read, usage.cache_write, usage.reasoning
                ),
            ),
            Event::Stop(reason) => (String::new(), format!("stop {reason:?}").replace("StopReason::", "")),
            Event::Raw(text) => (String::new(), format!("raw {text}")),
        };
        match lines.last_mut() {
            Some(last) if !head.is_empty() && head == joined => last.push_str(&rest),
            _ => lines.push(format!("{head}{rest}")),
        }
        joined = head;
    }
    lines.extend(
        error.map(|error| format!("error {:?} {}", error.kind, error.code).replace("ErrorKind::", "")),
    );
    lines
}

/// As [`told`], with a line for each event, however they follow each other, and `! Kind code` for an error.
pub fn one_by_one<F: Format>(bytes: &[u8], open: impl Fn() -> StreamDecoder<F>) -> Vec<String> {
    same_for_any_split(bytes, |pieces| {
        let mut decoder = open();
        let mut found: Vec<String> = Vec::new();
        for piece in pieces.iter().map(|piece| Some(*piece)).chain([None]) {
            let answer = match piece {
                Some(piece) => decoder.push(piece),
                None => decoder.finish(),
            };
            match answer {
                Ok(events) => found.extend(events.iter().map(one)),
                Err(error) => {
                    found.push(format!("! {} {}", plain(error.kind), error.code));
                    break;
                }
            }
        }
        found
    })
}

fn one(event: &Event) -> String {
    match event {
        Event::Started(info) => format!("started {} {}", or_none(&info.id), or_none(&info.model)),
        Event::Text(text) => format!("text {text}"),
        Event::Thinking(thinking) => match &thinking.signature {
            Some(signature) => format!("thinking {} [{signature}]", thinking.text),
            None => format!("thinking {}", thinking.text),
        },
        Event::ToolCallStart(start) => format!("call {} {} {}", start.index, start.id, start.name),
        Event::ToolCallArguments(arguments) => {
            format!("arguments {} {}", arguments.index, arguments.fragment)
        }
        Event::Usage(usage) => format!(
            "usage {} {} read {} write {} reasoning {}",
            usage.input, usage.output, usage.cache_read, usage.cache_write, usage.reasoning
        ),
        Event::Stop(reason) => format!("stop {}", plain(reason)),
        Event::Raw(raw) => format!("raw {raw}"),
    }
}

/// `EndTurn` of `StopReason::EndTurn`.
fn plain(value: impl Debug) -> String {
    let text = format!("{value:?}");
    text.rsplit("::").next().unwrap_or_default().to_owned()
}

fn or_none(text: &Option<String>) -> &str {
    text.as_deref().unwrap_or("-")
}
