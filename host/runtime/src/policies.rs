//! Policies as files: read, checked, and found by the profile that names one.

use std::path::Path;

use sickbay_core::{
    document::{Problem, Source},
    policy::Policy,
    profile::Profile,
};

use crate::{
    error::{Class, Failure},
    file,
};

/// Bytes of a policy file at most.
const MAX_BYTES: u64 = 1024 * 1024;

/// A policy and the text that it was read from.
#[derive(Clone, Debug)]
pub struct ReadPolicy {
    pub policy: Policy,
    pub text: String,
}

/// What holds where no policy is named.
#[must_use]
pub fn built_in() -> ReadPolicy {
    ReadPolicy { policy: Policy::built_in(), text: Policy::built_in_text().to_owned() }
}

/// Of a file, once all of it was checked.
pub fn read(path: &Path) -> Result<ReadPolicy, Failure> {
    let text = file::read_text(path, MAX_BYTES)?;
    let shown = path.display().to_string();
    let policy = Policy::parse(Source::User(shown.clone()), &text)
        .map_err(|problems| problems_failure(&shown, &problems))?;
    Ok(ReadPolicy { policy, text })
}

/// The one that holds for a profile.
pub fn of_profile(profile: &Profile) -> Result<ReadPolicy, Failure> {
    match &profile.remediation.policy {
        Some(path) => read(Path::new(path)),
        None => Ok(built_in()),
    }
}

/// All that is wrong with it, as one failure.
fn problems_failure(path: &str, problems: &[Problem]) -> Failure {
    let mut message = format!("policy `{path}` can not be used");
    for problem in problems {
        message.push_str(&format!("\n  {problem}"));
        if let Some(suggestion) = &problem.suggestion {
            message.push_str(&format!(": {suggestion}"));
        }
    }
    let hint = format!(
        "`sickbay policy check {path}` checks it again; `sickbay policy show` prints one to begin with"
    );
    Failure { class: Class::Usage, message, hint: Some(hint) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_policy_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.toml");
        file::write_atomic(&path, b"default = \"ask\"\n[[rule]]\nname = \"x\"\nverdikt = \"deny\"\n")
            .unwrap();
        let refused = read(&path).unwrap_err();
        assert_eq!(refused.class, Class::Usage);
        assert!(refused.message.contains(":4:1: ") && refused.message.contains("verdict"), "{refused}");
        file::write_atomic(&path, built_in().text.as_bytes()).unwrap();
        assert_eq!(read(&path).unwrap().policy.default, built_in().policy.default);
    }
}
