//! How much a call to a plugin, and a run, may use.
//!
//! The figures are those of the design; a profile may change those of a run.
//! Nothing here enforces: the engine and the pipeline do.

use serde::{Deserialize, Serialize};

use crate::{duration::Span, plugin::PluginKind};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// What is called, as far as its limits go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Function {
    /// `describe`, `list` and `actions`: what a plugin says of itself, under no grants.
    Describe,
    /// A tool's `call`.
    Tool,
    /// A strategy's `diagnose`.
    Diagnose,
    /// A catalogue's `plan`.
    Plan,
    /// A catalogue's `verify`.
    Verify,
    /// A provider's `encode`.
    Encode,
    /// One `push` or `finish` of a provider's decoder.
    Decode,
}

impl Function {
    /// The function that does a plugin's work.
    #[must_use]
    pub fn of(kind: PluginKind) -> Self {
        match kind {
            PluginKind::Provider => Self::Encode,
            PluginKind::Tool => Self::Tool,
            PluginKind::Diagnosis => Self::Diagnose,
            PluginKind::Remediation => Self::Plan,
        }
    }
}

/// Limits of one call. Each is a maximum that may just be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallLimits {
    /// Wall-clock time of the whole call, instantiation and host calls included.
    pub time_ms: u64,
    /// Bytes of all memories together.
    pub memory_bytes: u64,
    /// Elements of all tables together.
    pub table_elements: u64,
    /// Core instances, memories and tables, each counted by itself.
    pub instances: u32,
    pub host_calls: u64,
    /// Bytes of log text that are kept; more is dropped and counted.
    pub log_bytes: u64,
    /// Bytes of the result.
    pub result_bytes: u64,
    /// Bytes that the host copies out of the guest, arguments and results together.
    pub host_copy_bytes: u64,
}

impl CallLimits {
    /// The defaults for a function.
    #[must_use]
    pub fn of(function: Function) -> Self {
        let base = Self {
            time_ms: 10_000,
            memory_bytes: 64 * MIB,
            // Interpreters bring tables of some ten thousand functions.
            table_elements: 100_000,
            instances: 100,
            host_calls: 1_000,
            log_bytes: 64 * KIB,
            result_bytes: MIB,
            host_copy_bytes: 64 * MIB,
        };
        match function {
            Function::Describe => Self {
                time_ms: 1_000,
                host_calls: 100,
                host_copy_bytes: 4 * MIB,
                log_bytes: 16 * KIB,
                ..base
            },
            // A tool's result goes to a model, which is told what was cut.
            Function::Tool | Function::Plan | Function::Verify => base,
            // A cluster of 10,000 pods is read in pages, and its logs one by one.
            Function::Diagnose => Self {
                time_ms: 30_000,
                memory_bytes: 256 * MIB,
                host_calls: 20_000,
                log_bytes: 256 * KIB,
                result_bytes: 16 * MIB,
                ..base
            },
            // A request carries the whole conversation, images included.
            Function::Encode => Self { host_calls: 100, result_bytes: 32 * MIB, ..base },
            Function::Decode => Self { time_ms: 5_000, host_calls: 10_000, result_bytes: 4 * MIB, ..base },
        }
    }

    /// The same, with room for an interpreter: Python and JavaScript bring
    /// their whole runtime along.
    #[must_use]
    pub fn for_interpreter(self) -> Self {
        Self { memory_bytes: self.memory_bytes.max(256 * MIB), ..self }
    }
}

/// Limits of one run. One that is reached ends the run with a report of what
/// is known so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct RunLimits {
    pub wall: Span,
    /// One call to a plugin; the function's own limit where that is shorter.
    pub call: Span,
    /// Steps of the loop.
    pub steps: u64,
    pub tool_calls: u64,
    /// Calls to plugins of any kind.
    pub plugin_calls: u64,
    /// Tokens of models, read and written together.
    pub tokens: u64,
    pub cost_usd: f64,
    /// Bytes of the report and of a model's answers together.
    pub output_bytes: u64,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self {
            wall: Span::from_secs(300),
            call: Span::from_secs(30),
            steps: 100,
            tool_calls: 50,
            plugin_calls: 500,
            tokens: 200_000,
            cost_usd: 1.0,
            output_bytes: 32 * MIB,
        }
    }
}

/// What a run has used so far, in the same measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Spent {
    /// Since the run started.
    pub wall_ms: u64,
    pub tool_calls: u64,
    pub plugin_calls: u64,
    pub tokens: u64,
    pub cost_usd: f64,
    pub output_bytes: u64,
}

impl RunLimits {
    /// The first limit that is used up, by the name that it has in a profile.
    /// Money is compared last: a cost that is not a number counts as too much.
    #[must_use]
    pub fn reached(&self, spent: &Spent, steps: u64) -> Option<&'static str> {
        let counts = [
            ("wall", spent.wall_ms, self.wall.as_millis()),
            ("steps", steps, self.steps),
            ("tool-calls", spent.tool_calls, self.tool_calls),
            ("plugin-calls", spent.plugin_calls, self.plugin_calls),
            ("tokens", spent.tokens, self.tokens),
            ("output-bytes", spent.output_bytes, self.output_bytes),
        ];
        // An allowance of none is reached by the first use, not by doing without.
        let counted = counts
            .into_iter()
            .find(|(_, used, allowed)| *used > 0 && used >= allowed)
            .map(|(name, _, _)| name);
        let affordable = spent.cost_usd < self.cost_usd || spent.cost_usd == 0.0;
        counted.or((!affordable).then_some("cost-usd"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_the_limits_of_the_design() {
        for (function, seconds, mebibytes, host_calls) in [
            (Function::Describe, 1, 64, 100),
            (Function::Tool, 10, 64, 1_000),
            (Function::Diagnose, 30, 256, 20_000),
            (Function::Plan, 10, 64, 1_000),
        ] {
            let limits = CallLimits::of(function);
            assert_eq!(limits.time_ms, seconds * 1_000, "{function:?}");
            assert_eq!(limits.memory_bytes, mebibytes * MIB, "{function:?}");
            assert_eq!(limits.host_calls, host_calls, "{function:?}");
        }
        assert_eq!(CallLimits::of(Function::Tool).for_interpreter().memory_bytes, 256 * MIB);
    }

    #[test]
    fn the_limit_that_is_reached_is_named() {
        let limits = RunLimits::default();
        for (spent, steps, expect) in [
            (Spent::default(), 0, None),
            (Spent { wall_ms: 299_999, ..Spent::default() }, 0, None),
            (Spent { wall_ms: 300_000, ..Spent::default() }, 0, Some("wall")),
            (Spent::default(), 100, Some("steps")),
            (Spent { plugin_calls: 500, ..Spent::default() }, 0, Some("plugin-calls")),
            (Spent { tokens: u64::MAX, ..Spent::default() }, 0, Some("tokens")),
            (Spent { cost_usd: 1.0, ..Spent::default() }, 0, Some("cost-usd")),
            (Spent { tool_calls: 49, ..Spent::default() }, 99, None),
            (Spent { cost_usd: f64::NAN, ..Spent::default() }, 0, Some("cost-usd")),
        ] {
            assert_eq!(limits.reached(&spent, steps), expect, "{spent:?}");
        }
    }
}
