//! The list of rules, in the order in which they run: what others build on
//! first. A new rule is a file here, a line in `mod` and a line in [`RULES`].

use crate::{context::Context, findings::Findings};

mod access;
mod asleep;
mod autoscaling;
mod backend;
mod behind;
mod certificate;
#[cfg(test)]
mod chains;
mod configuration;
mod creation;
mod cron_job;
mod disruption;
mod gateway;
mod ingress;
mod job;
mod log_errors;
mod manifest;
mod nearest;
mod network_policy;
mod node;
mod note;
mod pod;
mod quota;
mod reference;
mod security;
mod service;
mod storage;
mod webhook;
mod workload;

/// One rule: reads the context, adds what it found.
pub type Rule = fn(&Context<'_>, &mut Findings);

pub const RULES: &[(&str, Rule)] = &[
    ("node", node::check),
    ("storage", storage::check),
    ("quota", quota::check),
    ("certificate", certificate::check),
    ("configuration", configuration::check),
    ("access", access::check),
    ("pod", pod::check),
    ("creation", creation::check),
    ("workload", workload::check),
    ("job", job::check),
    ("cron-job", cron_job::check),
    ("reference", reference::check),
    ("manifest", manifest::check),
    ("service", service::check),
    ("ingress", ingress::check),
    ("gateway", gateway::check),
    ("network-policy", network_policy::check),
    ("autoscaling", autoscaling::check),
    ("disruption", disruption::check),
    ("webhook", webhook::check),
    ("security", security::check),
    // Last: it reads the logs of workloads of which nothing bad is known.
    ("log-errors", log_errors::check),
    // After all who may need what sleeps.
    ("asleep", asleep::check),
];
