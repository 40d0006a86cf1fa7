//! What a profile needs of a cluster, as its plugins say it: for the role
//! that a cluster's administrator grants.

use sickbay_core::{
    limits::{CallLimits, Function},
    remediation::ChangeNeed,
};
use sickbay_engine::{CallContext, Cancel, DenyAll};

use crate::{error::Failure, plugins::sentence, sickbay::Sickbay};

/// Kinds as `apps/v1/Deployment`, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Needs {
    pub reads: Vec<String>,
    pub changes: Vec<ChangeNeed>,
}

impl Sickbay {
    /// Asks each plugin of the profile, under no grants.
    pub async fn needs(&self, profile: &sickbay_core::profile::Profile) -> Result<Needs, Failure> {
        let catalogue = self.catalogue()?;
        let wanted = self.plugins_of(&catalogue, profile)?;
        let loaded = self.load(&catalogue, &wanted).await?;
        let mut needs = Needs::default();
        for (known, plugin) in wanted.iter().zip(loaded) {
            let name = &known.locked.name;
            let failed = |failure: sickbay_core::plugin::CallFailure| {
                Failure::failed(format!("plugin `{name}` does not say what it needs: {}", sentence(&failure)))
            };
            let context = || CallContext {
                limits: CallLimits::of(Function::Plan).for_interpreter(),
                outside: std::sync::Arc::new(DenyAll),
                cancel: Cancel::never(),
                now_ms: 0,
                seed: 0,
            };
            if known.locked.kinds.contains(&sickbay_core::plugin::PluginKind::Diagnosis) {
                let info = plugin.describe_strategy(context()).await.result.map_err(failed)?;
                needs.reads.extend(info.reads);
            }
            if known.locked.kinds.contains(&sickbay_core::plugin::PluginKind::Remediation) {
                for action in plugin.actions(context()).await.result.map_err(failed)? {
                    needs.reads.extend(action.reads);
                    needs.changes.extend(action.changes);
                }
            }
        }
        needs.reads.sort();
        needs.reads.dedup();
        needs.changes = merged(needs.changes);
        Ok(needs)
    }
}

fn merged(changes: Vec<ChangeNeed>) -> Vec<ChangeNeed> {
    let mut merged: Vec<ChangeNeed> = Vec::new();
    for need in changes {
        match merged.iter_mut().find(|known| known.verb == need.verb) {
            Some(known) => known.kinds.extend(need.kinds),
            None => merged.push(need),
        }
    }
    for need in &mut merged {
        need.kinds.sort();
        need.kinds.dedup();
    }
    merged.sort_by_key(|need| need.verb);
    merged
}
