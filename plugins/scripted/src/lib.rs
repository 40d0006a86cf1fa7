//! The provider plugin `scripted`: answers from a script and not from a model.
//! For tests and demonstrations: no network, no key, the same answers each time.
//!
//! The script is the plugin's setting `script`, as TOML or JSON text. Without
//! one the plugin answers from a built-in script, which says in its first
//! sentence that it is one. Nothing that is found out is written in a script:
//! it says where in the results of tools a value stands, and the answers are
//! made of what stood there.
//!
//! # Takes and rules
//!
//! A **take** names a value in the results of tools. A **rule** is an answer and
//! when it is given: the first rule that applies answers. A rule applies where
//! each of its conditions holds, each value that its answer uses was taken, and
//! each tool that it calls is offered. Where no rule applies, the error
//! `no-rule` says what was there.
//!
//! ```toml
//! description = "Finds the environment variable that a crashing pod misses"
//!
//! [[take]]                              # a column of the first row that fits, in a table under a line of headings
//! from = "kube__list"                   # the tool: a pattern; left out: any
//! row = "*CrashLoopBackOff*"
//! columns = { pod = "NAME" }
//!
//! [[take]]                              # parts of the first line that fits
//! from = "kube__list"
//! line = "observation {list}: * in {namespace}: *"
//!
//! [[take]]                              # `{{…}}` is a value that was taken before
//! from = "kube__logs"
//! line = "{number:n}: {cause...}"
//! has = ["not set", "missing"]          # and the line holds one of these, in upper or lower case
//!
//! [[take]]
//! from = "kube__logs"
//! line = "*{variable:CAPS}*"
//! has = ["not set", "missing"]
//!
//! [[take]]                              # a result that is JSON, or holds JSON from some line on
//! from = "kube__get"
//! each = "/spec/template/spec/containers"
//! where = { "/name" = "app*" }
//! values = { image = "/image" }
//!
//! [[rule]]
//! when = { not-called = "kube__list" }
//! thinking = "First I want to see the pods."
//! text = "I look at the pods."
//! calls = [{ tool = "kube__list", arguments = { kind = "Pod" } }]
//!
//! [[rule]]
//! when = { not-called = "kube__logs" }
//! text = ["Pod `{{pod}}` ", "crashes; its log says why."]
//! calls = [{ tool = "kube__logs", arguments = { pod = "{{pod}}", previous = true } }]
//!
//! [[rule]]
//! when = { called = "kube__logs" }
//! text = "Pod `{{pod}}` in `{{namespace}}` needs `{{variable}}`: line {{number}} says \"{{cause}}\"."
//!
//! [[rule]]
//! text = "I found no pod that crashes."
//! ```
//!
//! # Patterns
//!
//! A pattern is fitted to a whole line (or name), without the space around it.
//! Letters fit in upper and lower case.
//!
//! | in a pattern | fits |
//! |---|---|
//! | `*` | anything, also nothing |
//! | a space | one or more spaces or tabs |
//! | `{name}` | a word; takes as much of it as it can |
//! | `{name...}` | anything but nothing; takes as little as it can |
//! | `{name:n}` | digits |
//! | `{name:CAPS}` | a whole name in capitals with an underscore: `DATABASE_URL` |
//! | `{{name}}` | a value that a take before this one has taken |
//!
//! # A take
//!
//! | key | |
//! |---|---|
//! | `from` | pattern of the tool's name; results are searched from the newest on, in the whole conversation |
//! | `line`, `as` | pattern of the line; `as` names the whole line |
//! | `row`, `columns` | pattern of a table's row; value names by column heading. Columns stand two spaces apart |
//! | `each`, `where`, `values` | JSON Pointer to a list (left out: the JSON itself), patterns by pointer, value names with their pointers |
//! | `has` | the line or row holds one of these texts |
//! | `last` | `true`: the last line, row or element that fits, and not the first |
//!
//! Two takes may take the same value: the first one that finds it counts.
//!
//! # A rule
//!
//! | key | |
//! |---|---|
//! | `when` | a table of conditions, below; left out: always |
//! | `text` | the text; a list is sent in these pieces |
//! | `thinking` | thinking before it |
//! | `calls` | `tool` (a pattern: the first offered tool that fits), `arguments` (any JSON; a string is sent as it is, valid or not), `id`, `unoffered` (`true`: call it by this name though nobody offers it) |
//! | `usage` | `input`, `output`, `cache-read`, `cache-write`, `reasoning`; otherwise a quarter of the bytes |
//! | `stop` | `end-turn`, `tool-use`, `max-tokens`, `stop-sequence`, `refusal`, `other` |
//! | `model` | the model that is said to answer |
//! | `error` | `kind`, `code`, `message`, `retry-after-ms`: an error in place of an answer |
//!
//! In all texts `{{name}}` stands for a taken value, for `user` (the first line
//! of what the user last said), `turn`, `model`, or `result` (the newest result).
//!
//! Conditions, all of which must hold; where several texts are given, one has
//! to fit (of `called` and `offered`, all):
//!
//! | condition | holds where |
//! |---|---|
//! | `turn` | this is the answer of that number since the user last spoke, from 1 |
//! | `user`, `system` | what the user last said, or the system prompt, holds the text |
//! | `user-line` | a line of what the user last said fits the pattern |
//! | `model` | the request's model fits the pattern |
//! | `called`, `not-called` | tools of that pattern have, or have not, been called since the user last spoke |
//! | `offered`, `not-offered` | tools of that pattern are offered, or are not |
//! | `result`, `last-result` | a result since the user last spoke, or the newest, holds the text |
//! | `last-failed` | whether the newest result is an error |
//! | `knows`, `lacks` | values of that name were all, or none of them, taken |

mod answer;
mod conversation;
#[cfg(target_arch = "wasm32")]
mod guest;
mod pattern;
mod script;
mod take;
mod template;

pub use answer::answer;
pub use script::Script;

use sickbay_plugin::provider::{AuthScheme, ModelInfo, ProviderInfo};

/// The plugin's name, as in its manifest.
pub const NAME: &str = "scripted";

/// What is answered from where the profile sets no script.
pub const DEMO: &str = include_str!("demo.toml");

/// What the provider is.
#[must_use]
pub fn describe() -> ProviderInfo {
    ProviderInfo {
        description: "Answers from a script, without a model and without the network".to_owned(),
        models: vec![ModelInfo {
            name: NAME.to_owned(),
            context_window: 0,
            output_limit: 0,
            tools: true,
            images: true,
            thinking: true,
            structured_output: false,
        }],
        default_endpoint: String::new(),
        auth: AuthScheme::None,
    }
}
