//! A provider's table of models, as constants.

use sickbay_plugin::provider::ModelInfo;

/// One model that a provider is known to have. 0 where a figure is not known.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub name: &'static str,
    pub window: u32,
    pub output: u32,
    pub skills: &'static [Skill],
}

/// What a model can do beyond text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skill {
    Tools,
    Images,
    Thinking,
    /// Keeps to a JSON Schema.
    Structure,
}

impl Known {
    /// The model under another name: that of a dated release.
    #[must_use]
    pub fn named(&self, name: &str) -> ModelInfo {
        let can = |skill| self.skills.contains(&skill);
        ModelInfo {
            name: name.to_owned(),
            context_window: self.window,
            output_limit: self.output,
            tools: can(Skill::Tools),
            images: can(Skill::Images),
            thinking: can(Skill::Thinking),
            structured_output: can(Skill::Structure),
        }
    }
}

/// The entry of a model: its own, or that of which it is a dated or tagged
/// release (`claude-sonnet-4-5-20250929` of `claude-sonnet-4-5`). The longest name wins.
#[must_use]
pub fn of<'a>(table: &'a [Known], model: &str) -> Option<&'a Known> {
    let is_release = |known: &&Known| {
        model.strip_prefix(known.name).is_some_and(|rest| {
            rest.is_empty()
                || rest == "-latest"
                || rest.strip_prefix(['-', '@']).is_some_and(|date| {
                    date.len() >= 8 && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
                })
        })
    };
    table.iter().filter(is_release).max_by_key(|known| known.name.len())
}

/// The whole table.
#[must_use]
pub fn all(table: &[Known]) -> Vec<ModelInfo> {
    table.iter().map(|known| known.named(known.name)).collect()
}

/// A model that the table does not have: nothing is known, and nothing is ruled out.
#[must_use]
pub fn unknown(name: &str) -> ModelInfo {
    ModelInfo {
        name: name.to_owned(),
        context_window: 0,
        output_limit: 0,
        tools: true,
        images: false,
        thinking: false,
        structured_output: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dated_release_is_its_model() {
        let known = |name| Known { name, window: 1, output: 1, skills: &[Skill::Tools] };
        let table = [known("gpt-5"), known("gpt-5-mini"), known("o3")];
        for (model, expect) in [
            ("gpt-5", Some("gpt-5")),
            ("gpt-5-2025-08-07", Some("gpt-5")),
            ("gpt-5-mini", Some("gpt-5-mini")),
            ("gpt-5-mini-2025-08-07", Some("gpt-5-mini")),
            ("gpt-5-latest", Some("gpt-5")),
            ("gpt-5-nano", None),
            ("gpt-55", None),
            ("o3@20250101", Some("o3")),
            ("", None),
        ] {
            assert_eq!(of(&table, model).map(|known| known.name), expect, "{model}");
        }
    }
}
