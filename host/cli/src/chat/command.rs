//! What begins with a `/` is meant for the program and not for the model.

use std::path::PathBuf;

use sickbay_core::text::{clean_line, did_you_mean};
use sickbay_runtime::{Existing, Failure};

/// Each command, what follows it, and what it does.
pub(super) const COMMANDS: &[(&str, &str, &str)] = &[
    ("help", "", "these commands, and how to write several lines"),
    ("model", "[PROVIDER/NAME]", "the model that answers, or another one from here on"),
    ("tools", "", "what the model may call"),
    ("cost", "", "tokens and money so far"),
    ("save", "FILE", "what was said, as Markdown; `/save! FILE` replaces a file"),
    ("undo", "", "take the last question and its answer back: the model forgets them"),
    ("quit", "", "leave; the session is kept (as Ctrl-D)"),
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Help,
    Model(Option<String>),
    Tools,
    Cost,
    Save(PathBuf, Existing),
    Undo,
    Quit,
}

impl Command {
    /// None where the text is for the model: paths and several lines are.
    pub(super) fn parse(text: &str) -> Option<Result<Self, Failure>> {
        let text = text.trim();
        let rest = text.strip_prefix('/')?;
        let (word, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let is_word =
            word.trim_end_matches('!').bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
        (is_word && !text.contains('\n')).then(|| Self::of(word, rest.trim()))
    }

    fn of(word: &str, rest: &str) -> Result<Self, Failure> {
        let command = match word {
            "help" => Self::Help,
            "model" => return Ok(Self::Model((!rest.is_empty()).then(|| rest.to_owned()))),
            "tools" => Self::Tools,
            "cost" => Self::Cost,
            "undo" => Self::Undo,
            "quit" | "exit" => Self::Quit,
            "save" | "save!" => {
                if rest.is_empty() {
                    return Err(
                        Failure::usage("`/save` needs the name of a file").with_hint("`/save shop.md`")
                    );
                }
                let existing = if word == "save" { Existing::Stays } else { Existing::IsReplaced };
                return Ok(Self::Save(PathBuf::from(rest), existing));
            }
            _ => return Err(unknown(word)),
        };
        if rest.is_empty() {
            return Ok(command);
        }
        Err(Failure::usage(format!("nothing follows `/{word}`, and here is `{}`", clean_line(rest, 40))))
    }
}

fn unknown(word: &str) -> Failure {
    let names = COMMANDS.iter().map(|(name, _, _)| *name);
    let hint = match did_you_mean(word, names) {
        Some(near) => format!("did you mean `/{near}`?"),
        None => "`/help` shows those that there are".to_owned(),
    };
    Failure::usage(format!("there is no command `/{}`", clean_line(word, 40))).with_hint(hint)
}

/// For `/help`.
pub(super) fn help() -> String {
    let mut text = String::new();
    for (name, rest, about) in COMMANDS {
        let typed = format!("/{name} {rest}");
        text.push_str(&format!("  {typed:<24} {about}\n"));
    }
    text.push_str("  Several lines: end a line with `\\`, or put them between \"\"\" and \"\"\".\n");
    text.push_str("  Ctrl-C stops an answer, twice leaves.\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_what_is_said() {
        let save = |name: &str, existing| Some(Ok(Command::Save(PathBuf::from(name), existing)));
        for (text, expect) in [
            ("why is /etc/hosts gone?", None),
            ("/etc/hosts is gone", None),
            ("/help\nand more", None),
            ("/help", Some(Ok(Command::Help))),
            ("  /quit ", Some(Ok(Command::Quit))),
            ("/model", Some(Ok(Command::Model(None)))),
            ("/model openai/gpt-5", Some(Ok(Command::Model(Some("openai/gpt-5".into()))))),
            ("/save a b.md", save("a b.md", Existing::Stays)),
            ("/save! a.md", save("a.md", Existing::IsReplaced)),
        ] {
            let parsed = Command::parse(text).map(|parsed| parsed.map_err(|failure| failure.message));
            assert_eq!(parsed, expect, "{text:?}");
        }
    }

    #[test]
    fn what_is_none_is_told_with_what_was_meant() {
        for (text, message, hint) in [
            ("/tols", "there is no command `/tols`", "did you mean `/tools`?"),
            ("/frobnicate", "there is no command `/frobnicate`", "`/help` shows those that there are"),
            ("/", "there is no command `/`", "`/help` shows those that there are"),
            ("/save", "`/save` needs the name of a file", "`/save shop.md`"),
        ] {
            let failure = Command::parse(text).unwrap().unwrap_err();
            assert_eq!((failure.message.as_str(), failure.hint.as_deref()), (message, Some(hint)), "{text}");
        }
        assert!(Command::parse("/undo twice").unwrap().is_err());
    }
}
