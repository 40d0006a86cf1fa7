//! The list of rules, in the order in which they run: what others build on
//! first. A new rule is a file here, a line in `mod` and a line in [`RULES`].

use crate::{context::Context, findings::Findings};

mod access;
mod autoscaling;
mod backend;
mod behind;
mod configuration;
mod cron_job;
mod disruption;
mod gateway;
mod ingress;
mod nearest;
mod network_policy;
mod node;
mod quota;
mod security;
mod service;
mod storage;
mod webhook;

/// One rule: reads the context, adds what it found.
pub type Rule = fn(&Context<'_>, &mut Findings);

pub const RULES: &[(&str, Rule)] = &[
    ("node", node::check),
    ("storage", storage::check),
    ("quota", quota::check),
    ("configuration", configuration::check),
    ("access", access::check),
    ("cron-job", cron_job::check),
    ("service", service::check),
    ("ingress", ingress::check),
    ("gateway", gateway::check),
    ("network-policy", network_policy::check),
    ("autoscaling", autoscaling::check),
    ("disruption", disruption::check),
    ("webhook", webhook::check),
    ("security", security::check),
];
