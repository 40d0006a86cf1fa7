//! What to say where a profile that needs a model names none: how one is named,
//! and which providers could be asked at once.

use sickbay_core::{plugin::PluginKind, profile::Profile, provider::Auth};

use super::{describe, quoted};
use crate::{error::Failure, secrets::SecretStore, sickbay::Sickbay};

/// The failure, with what is known of keys. Whether one is right, only the provider knows.
pub(super) async fn no_model(sickbay: &Sickbay, profile: &Profile) -> Failure {
    let mut hint = format!(
        "name one with `--model PROVIDER/NAME`, in `[model]` of the profile, or for all profiles in `{}`, as in \
         `[model]` and `provider = \"anthropic\"`",
        sickbay.folders.defaults().display()
    );
    // That they can not be looked through is no reason to hide what is missing.
    if let Ok(at_hand) = at_hand(sickbay).await {
        let names = |of: &[String]| quoted(&of.iter().map(String::as_str).collect::<Vec<_>>());
        hint.push_str(&match at_hand.with_key.as_slice() {
            [] => "; there is a key for no provider (`sickbay secret set NAME` stores one)".to_owned(),
            some => format!("; there is a key for {}", names(some)),
        });
        if !at_hand.without.is_empty() {
            hint.push_str(&format!("; {} need none", names(&at_hand.without)));
        }
    }
    Failure::usage(format!("profile `{}` needs a model, and none is named", profile.name)).with_hint(hint)
}

struct AtHand {
    with_key: Vec<String>,
    /// Local and scripted ones.
    without: Vec<String>,
}

async fn at_hand(sickbay: &Sickbay) -> Result<AtHand, Failure> {
    let plugins = sickbay.catalogue()?;
    let mut wanted = plugins.all();
    wanted.retain(|plugin| plugin.locked.kinds.contains(&PluginKind::Provider));
    let store = SecretStore::open(&sickbay.folders)?;
    let keys = sickbay.outward.keys(&store, None);
    let mut at_hand = AtHand { with_key: Vec::new(), without: Vec::new() };
    for plugin in sickbay.load(&plugins, &wanted).await? {
        let info = describe(&plugin).await?;
        let name = plugin.name().to_owned();
        if info.auth == Auth::None {
            at_hand.without.push(name);
        } else if keys
            .resolve(&name, &info, &info.default_endpoint)
            .await
            .is_ok_and(|key| key.credential.is_some())
        {
            at_hand.with_key.push(name);
        }
    }
    at_hand.with_key.sort();
    at_hand.without.sort();
    Ok(at_hand)
}
