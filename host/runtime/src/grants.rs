//! Both keys for every power: the plugin asked for it in its manifest, and the
//! user's lock grants it. A profile may take away, never add.

use sickbay_core::{
    capability::Capability,
    error::{CallError, ErrorKind},
};

/// What one plugin may do in one run, and who said so.
#[derive(Clone, Debug)]
pub struct PluginGrants {
    pub plugin: String,
    /// The first key: asked for in the manifest.
    pub requested: Vec<Capability>,
    /// The second key: granted in the lock.
    pub granted: Vec<Capability>,
    /// Where the lock is, for messages.
    pub lock: String,
    /// What the profile leaves of it; none: everything.
    pub narrowed: Option<Vec<Capability>>,
    pub profile: String,
}

impl PluginGrants {
    /// The grants that hold in this run.
    #[must_use]
    pub fn effective(&self) -> Vec<Capability> {
        let left = self.narrowed.as_ref().unwrap_or(&self.granted);
        left.iter().filter(|held| self.check(held).is_ok()).cloned().collect()
    }

    /// Whether the power may be used; if not, which rule says so, where it
    /// stands, and what would change it.
    pub fn check(&self, needed: &Capability) -> Result<(), CallError> {
        let covered = |list: &[Capability]| list.iter().any(|held| held.covers(needed));
        // Only the first key may be for any origin: a grant that names none counts for nothing, wherever it came from.
        let granted = || self.granted.iter().any(|held| held.is_grantable() && held.covers(needed));
        let plugin = &self.plugin;
        // Of a URL the origin is shown, and would be granted: the rest may hold anything.
        let needed_grant = needed.as_grant();
        let deny = |code: &str, reason: String, hint: String| {
            Err(CallError::new(
                ErrorKind::Denied,
                code,
                format!("plugin `{plugin}` may not use `{}`: {reason}", shown(needed)),
            )
            .with_hint(hint))
        };
        if !covered(&self.requested) {
            return deny(
                "not-requested",
                "its manifest does not ask for it".into(),
                "a plugin can be granted only what it asks for; its author has to add it to the manifest"
                    .into(),
            );
        }
        if !granted() {
            return deny(
                "grant-missing",
                format!("`{}` does not grant it", self.lock),
                format!("grant it with `sickbay plugin grant {plugin} {needed_grant}`"),
            );
        }
        if self.narrowed.as_deref().is_some_and(|left| !covered(left)) {
            return deny(
                "profile-narrows",
                format!("profile `{}` leaves it out in `grants.{plugin}`", self.profile),
                format!("add `{needed_grant}` to `grants.{plugin}` in the profile"),
            );
        }
        Ok(())
    }
}

/// The power in words: of a URL without what stands behind its path.
fn shown(needed: &Capability) -> String {
    let text = needed.to_string();
    text.split(['?', '#']).next().map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_needs_both_keys_and_the_profile_s_leave() {
        let read = vec![Capability::ClusterRead];
        let cases: [(&[_], &[_], Option<Vec<_>>, &str); 5] = [
            (&read, &read, None, ""),
            (&[], &read, None, "not-requested"),
            (&read, &[], None, "grant-missing"),
            (&read, &read, Some(vec![]), "profile-narrows"),
            (&read, &[], Some(read.clone()), "grant-missing"),
        ];
        for (requested, granted, narrowed, expect) in cases {
            let grants = PluginGrants {
                plugin: "p".into(),
                requested: requested.to_vec(),
                granted: granted.to_vec(),
                lock: "plugins.lock".into(),
                narrowed,
                profile: "triage".into(),
            };
            let code = grants.check(&Capability::ClusterRead).err().map_or(String::new(), |error| error.code);
            assert_eq!(code, expect);
            assert_eq!(grants.effective().is_empty(), !expect.is_empty());
        }
    }

    #[test]
    fn what_a_profile_leaves_of_a_wider_grant_holds() {
        let http = |origin: &str| Capability::Http(origin.into());
        let grants = PluginGrants {
            plugin: "p".into(),
            requested: vec![http("https://a.test")],
            granted: vec![http("https://a.test")],
            lock: "plugins.lock".into(),
            narrowed: Some(vec![http("https://a.test/v1")]),
            profile: "triage".into(),
        };
        assert_eq!(grants.effective(), [http("https://a.test/v1")]);
        assert!(grants.check(&http("https://a.test/v2")).is_err());
    }

    #[test]
    fn any_origin_in_the_manifest_is_no_grant() {
        let http = |url: &str| Capability::Http(url.into());
        let mut grants = PluginGrants {
            plugin: "prometheus".into(),
            requested: vec![Capability::HttpAny],
            granted: vec![http("https://a.test")],
            lock: "plugins.lock".into(),
            narrowed: None,
            profile: "chat".into(),
        };
        assert!(grants.check(&http("https://a.test/api/v1/query?query=up")).is_ok());
        let error = grants.check(&http("https://b.test/api?token=abc")).unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.message.as_str(), error.hint.as_deref()),
            (
                "grant-missing",
                "plugin `prometheus` may not use `http:https://b.test/api`: `plugins.lock` does not grant it",
                Some("grant it with `sickbay plugin grant prometheus http:https://b.test`"),
            )
        );
        grants.granted = vec![Capability::HttpAny];
        assert_eq!(grants.check(&http("https://a.test/")).unwrap_err().code, "grant-missing");
        assert!(grants.effective().is_empty());
        grants.granted = vec![http("https://a.test")];
        grants.narrowed = Some(vec![http("https://a.test/api")]);
        assert!(grants.check(&http("https://a.test/api/v1")).is_ok());
        assert_eq!(grants.check(&http("https://a.test/other")).unwrap_err().code, "profile-narrows");
    }
}
