//! What a person sees of a conversation, and what a model can not make them see.

use proptest::prelude::*;
use sickbay_core::text::is_hidden;

use super::*;

/// Both streams, as they would stand on one terminal.
fn shown(screen: &Screen) -> String {
    screen.output.recorded()
}

fn screen() -> Screen {
    Screen::new(&Output::recording(), Answers::Stdout)
}

fn token(text: &str) -> SessionEvent {
    SessionEvent::Token { text: text.into() }
}

fn thinking(text: &str) -> SessionEvent {
    SessionEvent::Thinking { text: text.into() }
}

fn usage(input: u64, output: u64, cost_usd: f64) -> SessionEvent {
    SessionEvent::Usage {
        input_tokens: input,
        output_tokens: output,
        cost_usd,
        context_tokens: input + output,
    }
}

fn started(tool: &str, arguments: serde_json::Value, effect: Effect) -> SessionEvent {
    SessionEvent::ToolStart { call: 1, tool: tool.into(), arguments, effect }
}

fn ended(tool: &str, is_error: bool, text: &str) -> SessionEvent {
    SessionEvent::ToolEnd { call: 1, tool: tool.into(), is_error, text: text.into(), wall_ms: 1_234 }
}

fn done(end: TurnEnd) -> SessionEvent {
    SessionEvent::Done { turn: 1, end }
}

fn answered(stop: StopReason) -> TurnEnd {
    TurnEnd::Answered { text: "I look at the pods.".into(), stop }
}

#[test]
fn a_turn_is_shown_as_it_happens() {
    let screen = screen();
    screen.begin_turn("scripted/scripted");
    for event in [
        thinking("First "),
        thinking("the pods.\nThen"),
        token("I look"),
        token(" at the pods."),
        usage(100, 10, 0.001),
        started("kube__list", serde_json::json!({"kind": "Pod"}), Effect::Read),
        ended("kube__list", false, "\n\nobservation o1: 2 pods\nmore"),
        started("shop__restart", serde_json::json!({}), Effect::Destructive),
        ended("shop__restart", true, "not called: a person said no: today"),
        token("\n\nThe pod crashes.\n"),
        usage(300, 30, 0.0035),
        done(answered(StopReason::EndTurn)),
    ] {
        screen.event(event);
    }
    screen.end_turn();
    insta::assert_snapshot!(shown(&screen));
}

#[test]
fn every_end_is_told() {
    let error =
        CallError::new(sickbay_core::error::ErrorKind::Unauthorized, "http-401", "the key is \u{1b}[2Jwrong")
            .with_hint("set another");
    let screen = screen();
    for end in [
        TurnEnd::Answered { text: " \n".into(), stop: StopReason::EndTurn },
        answered(StopReason::MaxTokens),
        answered(StopReason::Refusal),
        TurnEnd::Limit { limit: "cost-usd".into(), text: String::new() },
        TurnEnd::Cancelled { reason: "interrupted".into() },
        TurnEnd::Failed { error },
    ] {
        screen.event(token("half an ans"));
        screen.event(done(end));
    }
    insta::assert_snapshot!(shown(&screen));
}

#[test]
fn a_sequence_that_one_text_leaves_open_takes_nothing_of_the_next() {
    let screen = screen();
    screen.event(token("one\u{1b}]0;title"));
    screen.event(usage(1, 1, 0.0));
    screen.event(token("two\n"));
    assert_eq!(shown(&screen), "one\ntwo\n");
}

#[test]
fn colours_of_ones_own_end_with_each_line() {
    let screen = Screen::new(&Output::recording().in_colour(), Answers::Stdout);
    screen.event(thinking("a\nb"));
    screen.event(token("c"));
    screen.end_turn();
    assert_eq!(shown(&screen), "\u{1b}[2ma\u{1b}[0m\n\u{1b}[2mb\u{1b}[0m\nc\n");
}

/// A text that would like to be obeyed, in pieces.
fn hostile() -> impl Strategy<Value = Vec<String>> {
    let piece = "([\\PC]|\u{1b}|\u{1b}\\[|[0-9;]{1,3}|[mHJKABC]|\u{1b}\\]|52;c;|\u{7}|\u{1b}\\\\|\u{9b}|\u{9d}|\r|\n|\u{8}|\u{202e}){0,6}";
    proptest::collection::vec(piece, 0..12)
}

proptest! {
    #[test]
    fn nothing_that_others_say_steers_the_terminal(
        tokens in hostile(), thoughts in hostile(), tool in hostile(), result in hostile(),
    ) {
        let screen = screen();
        let whole = |pieces: &[String]| pieces.concat();
        for (token_text, thought) in tokens.iter().zip(thoughts.iter().chain(std::iter::repeat(&String::new()))) {
            screen.event(token(token_text));
            if !thought.is_empty() {
                screen.event(thinking(thought));
            }
        }
        screen.event(started(&whole(&tool), serde_json::json!({ whole(&tool): whole(&result) }), Effect::Write));
        screen.event(ended(&whole(&tool), false, &whole(&result)));
        screen.event(SessionEvent::Note { text: whole(&result) });
        screen.event(done(TurnEnd::Limit { limit: whole(&tool), text: whole(&tokens) }));
        screen.event(done(TurnEnd::Cancelled { reason: whole(&tokens) }));
        let shown = shown(&screen);
        prop_assert!(!shown.chars().any(|c| c != '\n' && is_hidden(c)), "{shown:?}");
    }
}
